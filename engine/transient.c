/* Push queries, and pull queries on streams: the planner's plan runs until it ends, and its rows go to the session's
 * sink. */
#include "engine/engine_int.h"

struct transient {
    struct engine *engine;
    const struct plan *plan;
    const struct engine_sink *sink;
    int64_t n_rows;
};

bool sink_stopped(struct engine *e, const struct engine_sink *sink)
{
    engine_follow(e, false); /* plans that run have copies of what they need of the catalog */
    queries_tell_trouble(e, false);
    return sink && sink->stopped && sink->stopped(sink->data);
}

enum status sink_check_rows(const struct engine_sink *sink, struct diag *d)
{
    if (sink && sink->begin && sink->rows && sink->end)
        return STATUS_OK;
    return diag_set(d, STATUS_INVALID, "The statement gives rows, but there is nobody to read them");
}

static bool stopped(void *data)
{
    struct transient *t = data;
    return sink_stopped(t->engine, t->sink);
}

static enum status pass_rows(void *data, const struct batch *b, bool *stop, struct diag *d)
{
    struct transient *t = data;
    t->n_rows += b->n_selected;
    enum status st = t->sink->rows(t->sink->data, b, t->plan->output_columns, t->plan->n_output, stop);
    return st == STATUS_OK ? st : diag_set(d, st, "cannot write the rows of the query");
}

enum status transient_run(struct session *s, const struct planned *p, const struct engine_sink *sink, struct diag *d)
{
    enum status st = STATUS_OK;
    struct arena a;
    const struct plan *plan = p->plan;
    arena_init(&a, 0);
    TRY(sink_check_rows(sink, d));
    struct transient t = {.engine = s->engine, .plan = plan, .sink = sink};
    struct schema_column *columns = ARENA_ARRAY(&a, struct schema_column, plan->n_output);
    if (!columns) {
        st = diag_nomem(d);
        goto done;
    }
    for (uint32_t i = 0; i < plan->n_output; i++)
        columns[i] = plan->schema.columns[plan->output_columns[i]];
    st = sink->begin(sink->data, columns, plan->n_output);
    if (st != STATUS_OK) {
        st = diag_set(d, st, "cannot show rows of these types in this form");
        goto done;
    }
    const struct task_output out = {.rows = pass_rows, .data = &t};
    struct query_settings settings = session_query_settings(s);
    settings.from_latest &= !p->ends;
    const struct transient_run run = {
        .settings = settings,
        .until = s->engine->options.drain || p->ends ? TRANSIENT_DRAIN : TRANSIENT_ENDLESS,
        .stopped = stopped,
        .data = &t,
    };
    TRY(executor_run_transient(s->engine->executor, plan, &run, &out, d));
    TRY(sink->end(sink->data, plan->limit >= 0 && t.n_rows == plan->limit));
done:
    arena_free(&a);
    return st;
}
