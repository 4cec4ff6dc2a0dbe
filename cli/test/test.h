/* `weir test`: shared by its files. A file of cases is loaded (cases.c, sqltests.c) into a list of named cases;
 * isolate.c runs them in a child process, one after the other, each in a world of its own: a catalog and topics in
 * memory, no log, no threads (world.c, query.c). What came out is compared with what the case expects (compare.c,
 * post.c).
 *
 * Memory of a case lives in the arena of its world; out of memory is reported like any other failure. */
#ifndef WEIR_CLI_TEST_TEST_H
#define WEIR_CLI_TEST_TEST_H

#include "cli/test/json.h"
#include "exec/exec.h"
#include "planner/planner.h"

#include <stdio.h>

/* ---- what was asked for ---------------------------------------------------------------------------------- */

struct test_options {
    uint32_t batch; /* records pushed at once, at most */
    bool restore;   /* rebuild all tasks from their changelogs between any two inputs */
    bool mutate;    /* expectations are falsified: cases must fail */
    bool verbose;
    const char *filter; /* NULL: all */
};

/* ---- cases ----------------------------------------------------------------------------------------------- */

enum outcome { CASE_PASSED, CASE_FAILED, CASE_SKIPPED };

struct test_case {
    struct str name; /* "joins - stream stream inner - AVRO" */
    bool disabled;
    enum outcome (*run)(const struct test_case *c, const struct test_options *o, struct buf *reason);
    /* JSON cases */
    const struct json *node;
    struct str format;                  /* what {FORMAT} stands for; p NULL: nothing */
    struct str config_property, config; /* the property whose value is {CONFIG}, and its value here */
    /* SQL cases */
    struct str sql;
    const char *path;
};
struct case_list {
    struct arena arena;
    struct test_case *items;
    uint32_t n, cap;
};
/* Adds the cases of a file. STATUS_INVALID for a file that is not in the format. */
enum status cases_load(struct case_list *list, const char *path, struct diag *d) MUST_CHECK;
enum status sqltests_load(struct case_list *list, struct str base, struct str text, const char *path,
                          struct diag *d) MUST_CHECK;
struct test_case *cases_add(struct case_list *list); /* zeroed; NULL: no memory */
/* Reads a whole file into the arena. */
enum status file_read(struct arena *a, const char *path, struct str *out, struct diag *d) MUST_CHECK;

/* Runs the cases in a child process; one that dies or hangs fails its present case, and another goes on behind it.
 * `done` is told about every case, in order. */
typedef void (*case_done)(void *data, const struct test_case *c, enum outcome outcome, struct str reason,
                          double seconds);
enum status isolate_run(const struct case_list *list, const struct test_options *o, case_done done, void *data,
                        struct diag *d) MUST_CHECK;

/* ---- the world of a case --------------------------------------------------------------------------------- */

struct records { /* a growing list, in the world's arena */
    struct record *items;
    size_t n, cap;
};

struct test_topic {
    const char *name;
    uint32_t partitions, replicas;
    bool by_statement; /* made for a CREATE statement: its number of partitions is only that statement's */
    struct records records; /* what queries and INSERT VALUES wrote */
    size_t n_read;          /* SQL tests: how many ASSERTs have seen */
};

struct query;
struct world {
    struct arena arena;
    const struct test_options *options;
    struct catalog *catalog;
    struct map properties;  /* name -> const char *value */
    struct map topics;      /* name -> struct test_topic * */
    struct query **queries; /* in the order of their creation */
    uint32_t n_queries, cap_queries;
    uint64_t next_query;
    struct registry *registry; /* of schemas, in memory */
    struct exec_options exec;
    char first_error[256]; /* of the processing log: often explains why records differ */
};

extern const char test_service_id[], test_topic_prefix[];

enum status world_init(struct world *w, const struct test_options *o, struct diag *d) MUST_CHECK;
void world_free(struct world *w);
struct test_topic *world_topic(struct world *w, const char *name); /* NULL: there is none */
enum { WORLD_PARTITIONS = 4 }; /* of a topic that nobody gives a number */
enum status world_add_topic(struct world *w, const char *name, uint32_t partitions, uint32_t replicas,
                            struct diag *d) MUST_CHECK; /* nothing happens if it is there */
enum status world_set(struct world *w, struct str name, struct str value, struct diag *d) MUST_CHECK;
const char *world_property(const struct world *w, const char *name); /* NULL: not set */
/* The source that is stored in a topic; NULL: none. */
const struct source *world_source_of(const struct world *w, const char *topic);
void world_context(struct world *w, struct planner_context *out);
/* The topic that a CREATE statement over an existing topic needs. */
enum status world_topics_of(struct world *w, const struct ast_stmt *s, struct diag *d) MUST_CHECK;
/* Prepares, plans and applies one statement. A persistent query is made, but fed nothing. *inserted: INSERT VALUES
 * wrote into this topic (else NULL). */
enum status world_execute(struct world *w, const struct ast_stmt *s, struct test_topic **inserted,
                          struct diag *d) MUST_CHECK;
bool records_add(struct records *list, struct arena *a, const struct record *r); /* deep copy; false: no memory */

/* ---- queries --------------------------------------------------------------------------------------------- */

struct query *query_create(struct world *w, const struct plan *plan, const char *id, struct diag *d); /* NULL: failed */
void query_destroy(struct query *q);
const char *query_name(const struct query *q);
/* Takes over the state of a query that it replaces. */
enum status query_inherit(struct query *q, struct query *old, struct diag *d) MUST_CHECK;
bool query_reads(const struct query *q, const char *topic);
/* Pipes records of a topic, and everything that follows from them. */
enum status query_pipe(struct query *q, const char *topic, const struct record *records, size_t n,
                       struct diag *d) MUST_CHECK;
/* Pipes, one by one, what was appended to the query's topics since it was made, or since the last call. */
enum status query_pump(struct query *q, bool *moved, struct diag *d) MUST_CHECK;
/* What lies between two inputs: with --restore, a rebuild of all tasks. */
enum status query_between(struct query *q, struct diag *d) MUST_CHECK;
/* Calls `visit` for every internal topic; `step` is NULL for changelogs. */
enum status query_internal_topics(struct query *q,
                                  enum status (*visit)(void *data, const char *name, const struct step *step),
                                  void *data, struct diag *d) MUST_CHECK;

/* ---- records, as cases write them ------------------------------------------------------------------------ */

/* One side of a topic: which bytes stand for a JSON value. */
struct side {
    enum format_kind format;
    const struct schema_column *columns;
    uint32_t n_columns;
    enum window_kind window; /* keys only */
    int64_t window_size;
    bool wrapped; /* a single column is a member of an object */
    bool is_key;
    const struct format_spec *spec; /* the source's */
    struct registry *registry;
    const char *topic;
};
struct side side_key(const struct world *w, const struct source *s); /* NULL: nothing is known */
struct side side_value(const struct world *w, const struct source *s);

/* The record of an input node, without ts and offset from the log. */
enum status record_from_json(struct world *w, const struct json *node, const struct source *s, struct record *out,
                             struct diag *d) MUST_CHECK;
/* Bytes to a JSON tree; bytes that are not in the format become a text. NULL: no memory. */
const struct json *side_to_json(struct arena *a, const struct side *side, struct str bytes);
struct test_window {
    bool given, is_session;
    int64_t start, end;
};
/* Cuts the window off a key; false: the key is too short. */
bool window_split(const struct side *side, struct str *key, struct test_window *out);
bool window_from_json(const struct json *node, struct test_window *out);

/* Compares the topics named in `outputs`; false: they differ, and `reason` says where. */
bool compare_outputs(struct world *w, const struct json *outputs, bool any_zero_ts, struct buf *reason);
/* Falsifies one value of `outputs`; NULL: there is nothing to falsify. `turn` chooses what. */
const struct json *mutate_outputs(struct arena *a, const struct json *outputs, unsigned turn);

/* The `post` section. */
bool post_check(struct world *w, const struct json *post, struct buf *reason);

/* Whether an error is the one that a Java class name and a part of its message describe. */
bool error_is_a(enum status st, struct str java_class);
bool error_contains(enum status st, const struct diag *d, struct str part);
/* "plan: <message>" */
void error_describe(struct buf *reason, const char *phase, enum status st, const struct diag *d);

/* ---- reports --------------------------------------------------------------------------------------------- */

struct report {
    uint64_t passed, failed, skipped;
    FILE *failures; /* NULL: none */
    const char *junit_path;
    struct buf junit;
    bool verbose;
};
enum status report_open(struct report *r, const char *failures, const char *junit, bool verbose,
                        struct diag *d) MUST_CHECK;
void report_case(void *report, const struct test_case *c, enum outcome outcome, struct str reason, double seconds);
void report_file(struct report *r, const char *path, const struct diag *d); /* a file that cannot be read */
enum status report_close(struct report *r, struct diag *d) MUST_CHECK;

enum outcome jsontest_run(const struct test_case *c, const struct test_options *o, struct buf *reason);
enum outcome sqltest_run(const struct test_case *c, const struct test_options *o, struct buf *reason);

#endif
