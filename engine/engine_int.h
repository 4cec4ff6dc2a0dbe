/* What the files of engine/ share. */
#ifndef WEIR_ENGINE_INT_H
#define WEIR_ENGINE_INT_H

#include "engine/engine.h"

#include <stdio.h>

/* One recorded statement of the command topic. Texts live in the arena that command_decode was given. */
struct command {
    struct str statement;
    int64_t query_number;
    uint32_t n_properties;
    struct str *names, *values;
};

struct running_plan { /* a started query's plan, and the arena that holds it */
    struct arena arena;
    struct running_plan *next;
};

struct engine {
    struct engine_options options;
    struct log *log;
    struct executor *executor;
    struct catalog *catalog;
    struct log_writer *commands;       /* of the command topic */
    char command_topic[256], errors_topic[256];
    int64_t next_query_number;
    struct running_plan *plans;        /* freed after the executor is closed */
    struct processing_log *errors;
    struct arena arena;
};

struct session {
    struct engine *engine;
    struct map properties;             /* name -> char *, owned */
    struct map variables;              /* name -> char *, owned */
    uint64_t n_transient;
};

/* ---- commands.c: the command topic ------------------------------------------------------------------------------- */

enum status commands_open(struct engine *e, struct diag *d) MUST_CHECK;
/* Reads the whole topic in order. */
enum status commands_replay(struct engine *e, enum status (*each)(struct engine *e, const struct command *c, struct diag *d),
                            struct diag *d) MUST_CHECK;
enum status commands_append(struct engine *e, const struct command *c, struct diag *d) MUST_CHECK;

/* ---- statements.c: what changes the catalog ------------------------------------------------------------------------ */

void session_context(struct session *s, struct planner_context *out);
/* Plans a statement that is not an admin one, and carries it out. `replayed`: it is recorded already. */
enum status statement_execute(struct session *s, const struct ast_stmt *statement, bool replayed, bool repeatable,
                              const struct engine_sink *sink, struct diag *d) MUST_CHECK;
enum status statement_terminate(struct session *s, const struct ast_query_control *statement, bool replayed,
                                const struct engine_sink *sink, struct diag *d) MUST_CHECK;
bool statement_is_recorded(const struct ast_stmt *statement); /* one for the command topic */
enum status statement_record(struct session *s, const struct ast_stmt *statement, struct diag *d) MUST_CHECK;

/* ---- admin.c, insert.c, transient.c ----------------------------------------------------------------------------------- */

enum status admin_execute(struct session *s, const struct ast_stmt *statement, const struct engine_sink *sink,
                          struct diag *d) MUST_CHECK;
enum status insert_values(struct engine *e, const struct planned_insert *insert, struct diag *d) MUST_CHECK;
enum status transient_run(struct session *s, const struct planned *p, const struct engine_sink *sink,
                          struct diag *d) MUST_CHECK;

/* ---- session.c ---------------------------------------------------------------------------------------------------- */

/* Whether ksqlDB's property of this name exists. */
bool property_is_known(struct str name);
const char *session_property(const struct session *s, const char *name); /* NULL: not set */
void sink_message(const struct engine_sink *sink, const char *text);

/* ---- processing_log.c -------------------------------------------------------------------------------------------------- */

/* Collects entries from all threads and writes them to the processing log's topic. */
struct processing_log;
enum status processing_log_open(struct log *log, const char *topic, struct processing_log **out,
                                struct diag *d) MUST_CHECK;
void processing_log_add(void *log, const struct processing_error *e);
/* Writes what is left. */
void processing_log_close(struct processing_log *log);
uint64_t processing_log_count(const struct processing_log *log);

#endif
