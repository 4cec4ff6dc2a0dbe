/* Transient queries: SELECT ... EMIT CHANGES, and pull queries. Their rows go to the session's sink. */
#include "engine/engine_int.h"

struct transient {
    const struct plan *plan;
    const struct engine_sink *sink;
};

static enum status pass_rows(void *data, const struct batch *b, bool *stop, struct diag *d)
{
    struct transient *t = data;
    enum status st = t->sink->rows(t->sink->data, b, t->plan->output_columns, t->plan->n_output, stop);
    return st == STATUS_OK ? st : diag_set(d, st, "cannot write the rows of the query");
}

enum status transient_run(struct session *s, const struct planned *p, const struct engine_sink *sink, struct diag *d)
{
    enum status st = STATUS_OK;
    struct arena a;
    const char *reset = session_property(s, "auto.offset.reset");
    if (p->kind == PLANNED_PULL)
        return diag_set_at(d, STATUS_UNSUPPORTED, p->statement->span, "not supported yet: pull queries on tables");
    if (!sink || !sink->rows)
        return diag_set(d, STATUS_INVALID, "The statement gives rows, but there is nobody to read them");
    arena_init(&a, 0);
    struct transient t = {.plan = p->plan, .sink = sink};
    struct schema_column *columns = ARENA_ARRAY(&a, struct schema_column, p->plan->n_output);
    if (!columns) {
        st = diag_nomem(d);
        goto done;
    }
    for (uint32_t i = 0; i < p->plan->n_output; i++)
        columns[i] = p->plan->schema.columns[p->plan->output_columns[i]];
    TRY(sink->begin(sink->data, columns, p->plan->n_output));
    const struct task_output out = {.rows = pass_rows, .data = &t};
    bool drain = s->engine->options.drain || p->ends;
    TRY(executor_run_transient(s->engine->executor, p->plan, reset && !strcmp(reset, "latest") && !p->ends, drain, &out,
                               d));
    TRY(sink->end(sink->data, false));
done:
    arena_free(&a);
    return st;
}
