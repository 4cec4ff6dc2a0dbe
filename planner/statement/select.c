/* SELECT: push queries, pull queries on streams, and what every statement with a query needs. */
#include "planner/logical/logical.h"

enum status plan_logical(struct planner *p, struct query *q, bool keep_tables, struct logical_query *lq,
                         struct planned *out)
{
    enum status st = query_to_logical(p, q, lq);
    if (st != STATUS_OK)
        return st;
    out->logical = lq->root;
    const struct logical *rewritten = rewrite_all(p, lq->root);
    if (rewritten)
        rewritten = rewrite_changelog(p, rewritten, keep_tables);
    out->rewritten = rewritten;
    return rewritten ? STATUS_OK : p->d->code;
}

enum status check_registries(struct planner *p, const struct query *q, const struct source *sink)
{
    for (uint32_t i = 0; i < q->n_sources; i++) {
        const struct source *s = q->sources[i].source;
        enum status st = format_check_registry(p, s->topic, &s->formats);
        if (st != STATUS_OK)
            return st;
    }
    return sink ? format_check_registry(p, sink->topic, &sink->formats) : STATUS_OK;
}

static enum status plan_transient(struct planner *p, struct query *q, struct planned *out)
{
    struct logical_query lq = {0};
    enum status st = plan_logical(p, q, false, &lq, out);
    if (st != STATUS_OK)
        return st;
    const char *id = arena_printf(p->a, "transient_" STR_FMT "_%llu", STR_ARG(q->sources[0].source->name),
                                  (unsigned long long)p->context->query_number);
    struct sink_target target = {.kind = TARGET_CLIENT};
    struct plan *plan = id ? physical_plan(p, out->rewritten, &target, q, id) : NULL;
    if (!plan)
        return p->d->code == STATUS_OK ? plan_nomem(p) : p->d->code;
    plan->n_output = lq.n_output;
    plan->output_columns = lq.output;
    out->kind = PLANNED_PUSH;
    out->plan = plan;
    out->query_id = id;
    out->ends = q->purpose == PURPOSE_PULL;
    return check_registries(p, q, NULL);
}

enum status plan_select(struct planner *p, const struct ast_stmt_query *ast, struct planned *out)
{
    struct query *q = PLAN_NEW(p, struct query);
    if (!q)
        return STATUS_NOMEM;
    q->purpose = ast->query->emit == EMIT_NONE ? PURPOSE_PULL : PURPOSE_PUSH;
    enum status st = query_sanitize(p, ast->query, q);
    if (st == STATUS_OK)
        st = query_analyse(p, q);
    if (st != STATUS_OK)
        return st;
    if (q->purpose == PURPOSE_PUSH)
        return plan_transient(p, q, out);
    if (!planner_flag(p, "ksql.pull.queries.enable", true))
        return plan_error(p, ast->head.span,
                          "Pull queries are disabled. See https://cnfl.io/queries for more info.\n"
                          "Add EMIT CHANGES if you intended to issue a push query.\n"
                          "Please set ksql.pull.queries.enable=true to enable this feature.\n");
    if (q->sources[0].source->is_table)
        return plan_pull(p, q, out);
    if (!planner_flag(p, "ksql.query.pull.stream.enabled", true))
        return plan_error(
            p, ast->head.span,
            "Pull queries on streams are disabled. To create a push query on the stream, add EMIT CHANGES "
            "to the end. To enable pull queries on streams, set the ksql.query.pull.stream.enabled config "
            "to 'true'.");
    return plan_transient(p, q, out);
}
