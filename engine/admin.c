/* Statements that change nothing that lasts: who answers which, and EXPLAIN. */
#include "engine/engine_int.h"

enum status unsupported(const struct ast_stmt *statement, const char *what, struct diag *d)
{
    return diag_set_at(d, STATUS_UNSUPPORTED, statement->span, "not supported yet: %s", what);
}

static void explain_pull(struct buf *out, const struct planned_pull *q)
{
    buf_printf(out, "\npull query: the last state of each key of " STR_FMT " (topic %s), which %s keeps\n",
               STR_ARG(q->source->name), q->source->topic, q->query_id);
    if (q->where) {
        buf_puts(out, STR("where: "));
        expr_print(out, q->where);
        buf_putc(out, '\n');
    }
    for (uint32_t i = 0; i < q->n_items; i++) {
        buf_puts(out, i ? STR(", ") : STR("select: "));
        name_print_quoted(out, q->schema.columns[i].name);
        buf_puts(out, STR(" := "));
        expr_print(out, q->items[i]);
    }
    buf_putc(out, '\n');
}

static enum status explain_statement(struct session *s, const struct ast_stmt *statement, struct arena *a,
                                     struct buf *out, struct diag *d)
{
    enum status st = STATUS_OK;
    struct planner_context context;
    struct planned p = {0};
    session_context(s, &context);
    TRY(parser_prepare(statement, d));
    TRY(planner_plan_statement(&context, a, statement, &p, d));
    if (!p.plan && !p.pull)
        return diag_set(d, STATUS_INVALID, "The provided statement does not run a ksql query");
    planner_explain(out, &p);
    if (p.pull)
        explain_pull(out, p.pull);
done:
    return st;
}

static enum status explain_query(struct session *s, const struct ast_name *id, struct buf *out, struct diag *d)
{
    const struct catalog_query *q = catalog_query(s->engine->catalog, id->text);
    if (!q || !q->plan)
        return diag_set_at(d, STATUS_INVALID, id->span,
                           "Query with id:" STR_FMT
                           " does not exist, use SHOW QUERIES to view the full set of queries.",
                           STR_ARG(id->text));
    struct query_status status;
    queries_status(s->engine, q->id, &status);
    buf_printf(out, "id: %s\nstatus: %s\n", q->id, query_state_name(status.state));
    if (status.message[0])
        buf_printf(out, "error: %s\n", status.message);
    buf_printf(out, "statement:\n" STR_FMT "\n\nphysical plan:\n", STR_ARG(q->sql));
    plan_describe(out, q->plan);
    buf_puts(out, STR("\nexecution plan:\n"));
    plan_print(out, q->plan);
    return STATUS_OK;
}

static enum status explain(struct session *s, const struct ast_explain *statement, const struct engine_sink *sink,
                           struct diag *d)
{
    struct arena a;
    struct buf out;
    arena_init(&a, 0);
    buf_init(&out, 0);
    enum status st = statement->statement ? explain_statement(s, statement->statement, &a, &out, d)
                                          : explain_query(s, &statement->query, &out, d);
    if (st == STATUS_OK && out.failed)
        st = diag_nomem(d);
    if (st == STATUS_OK)
        sink_message(sink, buf_z(&out));
    buf_free(&out);
    arena_free(&a);
    return st;
}

enum status admin_execute(struct session *s, const struct ast_stmt *statement, const struct engine_sink *sink,
                          struct diag *d)
{
    switch (statement->kind) {
    case STMT_LIST:
        return show(s, (const struct ast_list *)statement, sink, d);
    case STMT_DESCRIBE:
        return describe(s, (const struct ast_describe *)statement, sink, d);
    case STMT_EXPLAIN:
        return explain(s, (const struct ast_explain *)statement, sink, d);
    case STMT_PRINT:
        return print_topic(s, (const struct ast_print *)statement, sink, d);
    case STMT_ASSERT_TOPIC:
        return assert_topic(s, (const struct ast_assert_topic *)statement, sink, d);
    case STMT_ALTER_SYSTEM:
        return unsupported(statement, "ALTER SYSTEM", d);
    case STMT_ASSERT_SCHEMA:
        return assert_schema(s, (const struct ast_assert_schema *)statement, sink, d);
    case STMT_CREATE_CONNECTOR:
        return unsupported(statement, "CREATE CONNECTOR", d);
    case STMT_DROP_CONNECTOR:
        return unsupported(statement, "DROP CONNECTOR", d);
    default:
        return unsupported(statement, "this statement", d);
    }
}
