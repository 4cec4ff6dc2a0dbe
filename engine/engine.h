/* The engine: the life of statements and queries. It alone knows the parser, the planner, the log and the executor.
 *
 * What lasts is in the log: every statement that changes the catalog (CREATE, DROP, ALTER, INSERT INTO ... SELECT,
 * TERMINATE, PAUSE, RESUME) is a record of the command topic before it takes effect. engine_open replays that topic,
 * and so finds the catalog and all queries again; only then are the queries started that are left, and they go on from
 * their recorded positions. A statement that fails before it is recorded leaves nothing behind.
 *
 * On Kafka several engines may serve one service. Each follows what the others record: while it waits (engine_wait), and before
 * each statement of a session. A statement is checked against all that is recorded before its own record; if another engine comes
 * in between, it is checked again.
 *
 * Statements run one after the other, in a session (properties, variables). Results go to an engine_sink.
 * Threads: an engine and its sessions belong to one thread; its executor has threads of its own. */
#ifndef WEIR_ENGINE_H
#define WEIR_ENGINE_H

#include "exec/exec.h"
#include "parser/parser.h"
#include "planner/planner.h"

struct engine;
struct session;

struct engine_options {
    struct log *log;                       /* borrowed */
    const char *service_id;                /* "default_" */
    const char *state_dir;                 /* snapshots, and the name of this server; NULL: none */
    uint32_t n_workers;                    /* 0: one a processor */
    bool drain;                            /* queries end at the present end of their sources */
    struct registry *registry;             /* of schemas; borrowed; NULL: the one that the properties name */
    const struct kafka_option *properties; /* defaults of every session: ksqlDB property names */
    size_t n_properties;
    /* A line for the operator: a query that has failed, a recorded statement that cannot be carried out any more.
     * Called in engine_open, engine_wait, and while a session waits for rows. NULL: nobody listens. */
    void (*notice)(void *data, const char *text);
    void *notice_data;
};

/* Where results go. Texts are valid during the call. Members may be NULL: such results are not wanted (a SELECT needs
 * begin, rows and end). A status other than OK ends the statement. */
struct engine_sink {
    void *data;
    /* A line for people: "Stream created", a warning. */
    enum status (*message)(void *data, const char *text);
    /* A table of texts (SHOW, DESCRIBE, EXPLAIN): once, with its rows. */
    enum status (*table)(void *data, const char *title, const char *const *columns, size_t n_columns,
                         const char *const *cells, size_t n_rows);
    /* Result of a query: its columns first, then rows in batches, then the end. Cells are in the order of the columns.
     */
    enum status (*begin)(void *data, const struct schema_column *columns, size_t n);
    enum status (*rows)(void *data, const struct batch *b, const uint32_t *columns, size_t n, bool *stop);
    enum status (*end)(void *data, bool limit_reached);
    /* A line of PRINT. */
    enum status (*line)(void *data, struct str line);
    /* Asked often while a statement waits: true: the reader has gone, or was told to stop. The statement then ends, and
     * session_run with it (STATUS_CANCELLED). */
    bool (*stopped)(void *data);
};

/* STATUS_INVALID: the command topic holds what no engine has written. */
enum status engine_open(const struct engine_options *options, struct engine **out, struct diag *d) MUST_CHECK;
/* Waits until every persistent query has ended: drained, failed, or paused; *failed says whether one did fail. Queries that other
 * engines have paused or terminated meanwhile do not end it, unless with `drain`. False: interrupted by `stop` (polled). */
bool engine_wait(struct engine *e, const volatile int *stop, bool *failed);
/* Commits, stops the queries, closes. Queries stay known to the log. */
enum status engine_close(struct engine *e, struct diag *d) MUST_CHECK;

enum status session_create(struct engine *e, struct session **out, struct diag *d) MUST_CHECK;
void session_destroy(struct session *s);
/* Sets a property of the session as SET does; unknown names are refused. */
enum status session_set(struct session *s, struct str name, struct str value, struct diag *d) MUST_CHECK;
/* Runs all statements of `text`; stops at the first that fails (the earlier ones stay in effect). With `repeatable`, a
 * CREATE, ALTER or INSERT ... SELECT that is in effect already, word for word, is a success: a script can be run again
 * after a crash. The diag's place refers to `text`. */
enum status session_run(struct session *s, struct str text, bool repeatable, const struct engine_sink *sink,
                        struct diag *d) MUST_CHECK;

/* Prints how the queries stand, a line each. */
void engine_print_stats(struct engine *e, struct buf *out);

#endif
