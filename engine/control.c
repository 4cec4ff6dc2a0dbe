/* TERMINATE, PAUSE and RESUME, of one query or of all. */
#include "engine/engine_int.h"

static const char *verb(const struct ast_query_control *statement)
{
    switch (statement->head.kind) {
    case STMT_PAUSE:
        return "pause";
    case STMT_RESUME:
        return "resume";
    default:
        return "terminate";
    }
}

static const char *message(const struct ast_query_control *statement)
{
    switch (statement->head.kind) {
    case STMT_PAUSE:
        return statement->all ? "All queries paused." : "Query paused.";
    case STMT_RESUME:
        return statement->all ? "All queries resumed." : "Query resumed.";
    default:
        return statement->all ? "All queries terminated." : "Query terminated.";
    }
}

/* The catalog's entry goes first: `id` is of the plan, which lives until the query has stopped. */
static enum status terminate(struct engine *e, const char *id, struct diag *d)
{
    catalog_remove_query(e->catalog, str_from(id));
    return queries_stop(e, id, true, d);
}

static enum status control_one(struct session *s, const struct ast_query_control *statement, struct diag *d)
{
    struct engine *e = s->engine;
    const struct catalog_query *q = catalog_query(e->catalog, statement->query.text);
    if (!q)
        return diag_set_at(d, STATUS_INVALID, statement->query.span, "Unknown queryId: " STR_FMT,
                           STR_ARG(statement->query.text));
    if (q->kind == QUERY_SOURCE_TABLE)
        return diag_set_at(d, STATUS_INVALID, statement->query.span,
                           "Cannot %s query '" STR_FMT "' because it is linked to a source table.", verb(statement),
                           STR_ARG(statement->query.text));
    enum status st = e->replaying ? STATUS_OK : statement_record(s, &statement->head, (struct str){NULL, 0}, d);
    if (st != STATUS_OK)
        return st;
    if (statement->head.kind == STMT_TERMINATE)
        return terminate(e, q->plan->query_id, d);
    queries_pause(e, q->id, statement->head.kind == STMT_PAUSE);
    return STATUS_OK;
}

static const struct catalog_query *first_ordinary(const struct engine *e)
{
    MAP_EACH (catalog_queries(e->catalog), entry) {
        const struct catalog_query *q = entry->value;
        if (q->kind != QUERY_SOURCE_TABLE)
            return q;
    }
    return NULL;
}

static enum status control_all(struct session *s, const struct ast_query_control *statement, struct diag *d)
{
    enum status st = STATUS_OK;
    struct engine *e = s->engine;
    const struct catalog_query *q;
    if (!e->replaying)
        TRY(statement_record(s, &statement->head, (struct str){NULL, 0}, d));
    if (statement->head.kind == STMT_TERMINATE) {
        while ((q = first_ordinary(e)))
            TRY(terminate(e, q->plan->query_id, d));
        return STATUS_OK;
    }
    MAP_EACH (catalog_queries(e->catalog), entry) {
        q = entry->value;
        if (q->kind != QUERY_SOURCE_TABLE)
            queries_pause(e, q->id, statement->head.kind == STMT_PAUSE);
    }
done:
    return st;
}

enum status control_execute(struct session *s, const struct ast_query_control *statement,
                            const struct engine_sink *sink, struct diag *d)
{
    enum status st = statement->all ? control_all(s, statement, d) : control_one(s, statement, d);
    if (st == STATUS_OK)
        sink_message(sink, message(statement));
    return st;
}
