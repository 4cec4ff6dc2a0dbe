/* What the files of engine/ share. */
#ifndef WEIR_ENGINE_INT_H
#define WEIR_ENGINE_INT_H

#include "engine/engine.h"

#include <stdio.h>

/* One recorded statement of the command topic. */
struct command {
    struct str statement;
    struct str written; /* what the user wrote, where `statement` has columns from the schema registry instead; p NULL: the same */
    int64_t query_number;
    uint32_t n_properties;
    struct str *names, *values;
};

/* A persistent query that this engine runs, or will run when the replay is over. */
struct running {
    struct arena arena; /* of the plan, and of the statement it points into */
    const struct plan *plan;
    struct query_settings settings;
    bool started; /* the executor has it */
    bool failure_told;
    char error[512];      /* why it could not be started; "" if it was */
    struct running *next; /* in the order of the statements */
};

/* The command topic as this engine reads and writes it; see commands.c. */
struct commands {
    struct decoder *decoder;
    struct log_reader *reader; /* at `next`; NULL: not open */
    int64_t next;              /* offset of the next record that is not applied yet */
    int64_t n_own;             /* so many from `next` on are our own, and in effect already */
    struct log_writer *writer; /* NULL: not open */
    int64_t recorded_ns;       /* when it last recorded something */
    bool is_current;           /* everything that others recorded before we took the writer is applied */
};

/* Who this process is among the servers of the service; see server.c. */
struct server {
    int fd; /* holds the lock; -1: none is held */
    char dir[4096];
    char id[17];
};

struct engine {
    struct engine_options options;
    struct server server;
    struct log *log;
    struct executor *executor;
    struct registry *registry; /* of schemas; NULL: there is none */
    bool owns_registry;
    struct catalog *catalog;
    struct commands commands;
    struct log_writer *inserts; /* of INSERT VALUES; opened by the first */
    char command_topic[256], errors_topic[256];
    int64_t next_query_number;
    bool replaying; /* what is recorded is applied: nothing is created, deleted or recorded */
    int64_t followed_ns;  /* when it was last looked for what others have recorded */
    int64_t retry_ns;     /* not to be looked before, since it has failed */
    bool following_fails; /* and the operator knows */
    struct running *queries;
    struct map histories; /* source name -> struct history *, owned */
    struct processing_log *errors;
    int64_t last_look_ns; /* for failed queries */
    bool trouble_told;    /* that queries are held up */
    struct arena arena;
};

struct session {
    struct engine *engine;
    struct map properties; /* name -> char *, owned */
    struct map variables;  /* name -> char *, owned */
    bool recorded;         /* the statement that runs */
    struct str written;    /* of the recorded statement that runs: as in struct command */
    struct diag trouble;   /* what kept the planner from looking at a topic */
};

void engine_notice(const struct engine *e, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- server.c ---- */

/* Takes the folder, or one beside it that is free, for this process, and makes it where it is missing. */
enum status server_claim(struct server *s, const char *state_dir, const char *service_id, struct diag *d) MUST_CHECK;
void server_release(struct server *s);

/* ---- commands.c: the command topic; replay.c: what it says is done again
 * --------------------------------------------- */

enum status commands_open(struct engine *e, struct diag *d) MUST_CHECK;
void commands_close(struct engine *e);
/* Reads on in order, what this engine has recorded itself left out: up to the present end, or (`to_end` false) what is here
 * without waiting. *news: there was something. After an error reading goes on at the record that failed. */
enum status commands_read(struct engine *e, bool to_end,
                          enum status (*each)(struct engine *e, const struct command *c, struct diag *d), bool *news,
                          struct diag *d) MUST_CHECK;
/* STATUS_FENCED or STATUS_ABORTED: it is not recorded, since another server was first; what that one has recorded is applied, or
 * will be by the next try. */
enum status commands_append(struct engine *e, const struct command *c, struct diag *d) MUST_CHECK;
/* Applies everything that is recorded and not in effect here, and starts the queries of it. *news: there was something. */
enum status engine_catch_up(struct engine *e, bool *news, struct diag *d) MUST_CHECK;
/* The same with what has come without waiting; looks at most every few milliseconds, or (`now`) in any case. Failures are told to
 * the operator, and it is tried again later. True: there was something. */
bool engine_follow(struct engine *e, bool now);
/* The user's or the world's fault, not a lack of memory or of the log. */
bool is_refusal(enum status st);
/* A failure of the log that passes when one waits for it. */
bool is_passing(enum status st);

/* ---- queries.c: the persistent queries that run
 * --------------------------------------------------------------------------- */

struct running *running_create(void); /* NULL: no memory */
void running_destroy(struct running *r);
/* Takes `r` over, also when it fails; one of the same id makes room. Starts the query unless the engine is replaying.
 */
enum status queries_add(struct engine *e, struct running *r, struct diag *d) MUST_CHECK;
/* Starts all that have not been started: the replay is over. */
enum status queries_start(struct engine *e, struct diag *d) MUST_CHECK;
/* Whether one is still to be started: the log was away. */
bool queries_are_waiting(const struct engine *e);
/* `forget`: its positions and internal topics go too; in a replay that is done by the server that was told to. */
enum status queries_stop(struct engine *e, const char *id, bool forget, struct diag *d) MUST_CHECK;
void queries_pause(struct engine *e, const char *id, bool paused);
/* How a query stands; one that could not be started has failed. */
void queries_status(struct engine *e, const char *id, struct query_status *out);
const char *query_state_name(enum query_state state);
/* Tells the operator what has failed, once a query, and what holds queries up (a full disk, no broker). Looks at most
 * every few milliseconds; `now`: in any case. */
void queries_tell_trouble(struct engine *e, bool now);
void queries_free(struct engine *e);

/* ---- history.c: which statements made a source
 * ------------------------------------------------------------------------------ */

struct history;
/* Whether a repeated statement finds its effect already there, word for word. */
bool history_has(const struct engine *e, const struct ast_stmt *statement);
/* A statement took effect; `text` is what the user wrote. False: no memory. */
bool history_note(struct engine *e, const struct ast_stmt *statement, struct str text);
void history_free(struct engine *e);

/* ---- statements.c, control.c: what changes the catalog
 * ----------------------------------------------------------------------- */

void session_context(struct session *s, struct planner_context *out);
/* Plans a statement, and carries it out. `repeatable`: see session_run. */
enum status statement_execute(struct session *s, const struct ast_stmt *statement, bool repeatable,
                              const struct engine_sink *sink, struct diag *d) MUST_CHECK;
/* `filled`: what to record instead of the statement's own text; p NULL: that. */
enum status statement_record(struct session *s, const struct ast_stmt *statement, struct str filled,
                             struct diag *d) MUST_CHECK;
/* The same for all that is recorded, TERMINATE, PAUSE and RESUME as well (session.c). STATUS_FENCED, STATUS_ABORTED: see
 * commands_append. */
enum status statement_carry_out(struct session *s, const struct ast_stmt *statement, bool repeatable,
                                const struct engine_sink *sink, struct diag *d) MUST_CHECK;
/* TERMINATE, PAUSE, RESUME. */
enum status control_execute(struct session *s, const struct ast_query_control *statement,
                            const struct engine_sink *sink, struct diag *d) MUST_CHECK;

/* ---- registry.c: schemas of topics
 * ----------------------------------------------------------------------------------------------- */

/* Whether a property is about the registry: such ones are the engine's, and no session can set them. */
bool registry_property(struct str name);
/* Opens the registry that the engine's properties name, if they name one. It is not asked yet. */
enum status registry_configure(struct engine *e, struct diag *d) MUST_CHECK;
void registry_show(const struct engine *e, struct buf *out); /* its URL, without secrets */
/* The format of a side of a topic with the place of its schemas, which is put into *site and must live as long as codecs. */
struct format_spec registry_format(const struct engine *e, const struct format_spec *format, const char *topic, bool is_key,
                                   struct schema_site *site);
/* Registers the schemas of the topic that a statement makes, where they are not there already. */
enum status registry_prepare(struct engine *e, const struct planned *p, struct diag *d) MUST_CHECK;
/* Forgets the schemas of a dropped source's topic. The operator is told if that fails. */
void registry_forget(struct engine *e, const struct topic_formats *formats, const char *topic);

/* ---- insert.c, transient.c, pull.c
 * ---------------------------------------------------------------------------------------------- */

enum status insert_values(struct engine *e, const struct planned_insert *insert, struct diag *d) MUST_CHECK;
enum status transient_run(struct session *s, const struct planned *p, const struct engine_sink *sink,
                          struct diag *d) MUST_CHECK;
enum status pull_run(struct session *s, const struct planned *p, const struct engine_sink *sink,
                     struct diag *d) MUST_CHECK;
/* Whether the reader of a statement's results has gone. Looks after failed queries and other servers, too. */
bool sink_stopped(struct engine *e, const struct engine_sink *sink);
enum status sink_check_rows(const struct engine_sink *sink, struct diag *d) MUST_CHECK;

/* ---- statements that only look: admin.c, show.c, describe.c, print.c, assert.c, assert_schema.c
 * ------------------------------------------------------ */

enum status admin_execute(struct session *s, const struct ast_stmt *statement, const struct engine_sink *sink,
                          struct diag *d) MUST_CHECK;
enum status show(struct session *s, const struct ast_list *l, const struct engine_sink *sink,
                 struct diag *d) MUST_CHECK;
enum status describe(struct session *s, const struct ast_describe *statement, const struct engine_sink *sink,
                     struct diag *d) MUST_CHECK;
/* DESCRIBE STREAMS and TABLES; with EXTENDED also SHOW. */
enum status describe_sources(struct engine *e, bool tables, bool extended, const struct engine_sink *sink,
                             struct diag *d) MUST_CHECK;
enum status print_topic(struct session *s, const struct ast_print *statement, const struct engine_sink *sink,
                        struct diag *d) MUST_CHECK;
enum status assert_topic(struct session *s, const struct ast_assert_topic *statement, const struct engine_sink *sink,
                         struct diag *d) MUST_CHECK;
enum status assert_schema(struct session *s, const struct ast_assert_schema *statement, const struct engine_sink *sink,
                          struct diag *d) MUST_CHECK;
enum status unsupported(const struct ast_stmt *statement, const char *what, struct diag *d) MUST_CHECK;

/* A table of texts under construction. Failures of memory show in text_table_send, which also frees it. */
struct text_table {
    struct arena arena;
    size_t n_columns, n_cells, cap_cells;
    const char **cells;
    bool failed;
};
void text_table_init(struct text_table *t, size_t n_columns);
void text_table_put(struct text_table *t, struct str s);
void text_table_put_z(struct text_table *t, const char *z); /* NULL: empty */
void text_table_put_number(struct text_table *t, int64_t v);
void text_table_put_type(struct text_table *t, const struct type *type);
enum status text_table_send(struct text_table *t, const struct engine_sink *sink, const char *title,
                            const char *const *columns, struct diag *d) MUST_CHECK;
void text_table_free(struct text_table *t);

/* ---- session.c, properties.c
 * ---------------------------------------------------------------------------------------------------- */

/* What ksqlDB tells of a property. */
struct property {
    const char *name;
    const char *otherwise; /* the value if nobody has set it; NULL: none */
};
/* By name, with or without `ksql.streams.`; NULL: not known. */
const struct property *property_find(struct str name);
/* Whether SET takes the name: known ones, and settings of Kafka's clients behind `ksql.streams.`. */
bool property_is_known(struct str name);
const struct property *properties_all(size_t *n);
bool property_is_stream(const struct property *p); /* of Kafka Streams, not of ksqlDB itself */

/* Settings of the engine itself, checked: a number that is not negative; processing.guarantee. */
/* Whether a property may have this value: for those that are looked at by name. */
enum status property_check(struct str name, struct str value, struct diag *d) MUST_CHECK;
enum status property_number(struct str name, struct str value, int64_t *out, struct diag *d) MUST_CHECK;
enum status options_number(const struct engine_options *o, const char *name, int64_t *out, struct diag *d) MUST_CHECK;
enum status options_exactly_once(const struct engine_options *o, bool *out, struct diag *d) MUST_CHECK;

const char *session_property(const struct session *s, const char *name); /* NULL: not set */
struct query_settings session_query_settings(const struct session *s);
void session_clear_properties(struct session *s);
void sink_message(const struct engine_sink *sink, const char *text);

/* ---- processing_log.c
 * -------------------------------------------------------------------------------------------------- */

/* Collects entries from all threads and writes them to the processing log's topic. */
struct processing_log;
enum status processing_log_open(struct log *log, const char *topic, struct processing_log **out,
                                struct diag *d) MUST_CHECK;
void processing_log_add(void *log, const struct processing_error *e);
/* Writes what is left. */
void processing_log_close(struct processing_log *log);

#endif
