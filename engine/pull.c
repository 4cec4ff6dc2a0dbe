/* Pull queries on tables: the table as it is at the last commit. A transient plan of two steps materialises the table
 * from its topic, up to the present end, and gives the last state of each key; WHERE, the select items and LIMIT are
 * applied to that here. So it takes time and memory in the size of the table, whatever the WHERE clause says. */
#include "engine/engine_int.h"

#include "exec/expr/expr.h"

struct pull {
    struct engine *engine;
    const struct planned_pull *query;
    const struct engine_sink *sink;
    struct expr_prog *where, **items;
    const uint32_t *columns; /* 0, 1, 2, ... */
    int64_t left;            /* of LIMIT; -1: none */
    struct arena scratch;
};

static bool stopped(void *data)
{
    struct pull *p = data;
    return sink_stopped(p->engine, p->sink);
}

/* ---- the plan -----------------------------------------------------------------------------------------------------
 */

/* The whole table, materialised, to the client. NULL: no memory. */
static const struct plan *table_plan(struct arena *a, const struct planned_pull *q)
{
    const struct source *s = q->source;
    struct step *source = ARENA_NEW(a, struct step), *sink = ARENA_NEW(a, struct step);
    struct stage *stage = ARENA_NEW(a, struct stage);
    const struct step **sources = ARENA_ARRAY(a, const struct step *, 1);
    const char **names = ARENA_ARRAY(a, const char *, 1);
    struct plan *plan = ARENA_NEW(a, struct plan);
    if (a->failed)
        return NULL;
    *source = (struct step){.kind = STEP_TABLE_SOURCE, .context = "KsqlTopic", .schema = s->schema};
    source->source.source_name = s->name;
    source->source.topic = s->topic;
    source->source.formats = s->formats;
    source->source.topic_schema = s->schema;
    source->source.timestamp = s->timestamp;
    source->source.store = "Pull";
    *sink = (struct step){
        .kind = STEP_CLIENT_SINK, .context = "Pull", .schema = s->schema, .n_inputs = 1, .inputs = {source}};
    sources[0] = source;
    names[0] = arena_printf(a, STR_FMT, STR_ARG(s->name));
    *stage = (struct stage){.root = sink, .n_sources = 1, .sources = sources, .has_state = true};
    *plan = (struct plan){
        .arena = a,
        .query_id = arena_printf(a, "query_" STR_FMT, STR_ARG(s->name)),
        .result = s->schema.window == WINDOW_NONE ? RESULT_TABLE : RESULT_WINDOWED_TABLE,
        .schema = s->schema,
        .n_stages = 1,
        .stages = stage,
        .sink = sink,
        .limit = -1,
        .sources = names,
        .n_source_names = 1,
    };
    return a->failed ? NULL : plan;
}

/* ---- rows
 * --------------------------------------------------------------------------------------------------------------- */

static void report(void *data, uint32_t row, const char *message)
{
    struct pull *p = data;
    const struct processing_error e = {.query_id = p->query->query_id,
                                       .logger = "Pull",
                                       .kind = ERROR_EXPRESSION,
                                       .message = message,
                                       .topic = p->query->source->topic,
                                       .partition = -1,
                                       .offset = -1};
    (void)row;
    processing_log_add(p->engine->errors, &e);
}

/* The rows that WHERE accepts, at most as many as LIMIT leaves. */
static enum status choose(struct pull *p, struct batch *b, const struct expr_run *run)
{
    uint16_t *selection = arena_alloc(&b->arena, b->n_selected * sizeof *selection + 1);
    uint32_t n = 0;
    if (!selection)
        return STATUS_NOMEM;
    if (p->where) {
        enum status st = expr_filter(p->where, b, selection, &n, run);
        if (st != STATUS_OK)
            return st;
    } else {
        BATCH_EACH (b, i, row)
            selection[n++] = (uint16_t)row;
    }
    if (p->left >= 0 && n > p->left)
        n = (uint32_t)p->left;
    b->selection = selection;
    b->n_selected = n;
    p->left -= p->left >= 0 ? n : 0;
    return STATUS_OK;
}

static enum status give(struct pull *p, struct batch *b, bool *stop, struct diag *d)
{
    enum status st = STATUS_OK;
    const struct expr_errors errors = {report, p};
    struct expr_run run = {.arena = &b->arena, .scratch = &p->scratch, .now_ms = clock_wall_ms(), .errors = &errors};
    struct batch *out = NULL;
    if (choose(p, b, &run) != STATUS_OK)
        return diag_nomem(d);
    *stop = p->left == 0;
    if (b->n_selected == 0)
        return STATUS_OK;
    out = batch_derive(b, p->query->n_items);
    if (!out)
        return diag_nomem(d);
    run.arena = &out->arena;
    for (uint32_t i = 0; i < p->query->n_items; i++)
        if (expr_eval(p->items[i], b, &out->columns[i], &run) != STATUS_OK)
            TRY(diag_nomem(d));
    st = p->sink->rows(p->sink->data, out, p->columns, p->query->n_items, stop);
    if (st != STATUS_OK)
        st = diag_set(d, st, "cannot write the rows of the query");
done:
    batch_drop(out);
    arena_clear(&p->scratch);
    return st;
}

static enum status pass_rows(void *data, const struct batch *in, bool *stop, struct diag *d)
{
    struct batch *b = batch_derive((struct batch *)(uintptr_t)in, in->n_columns);
    if (!b)
        return diag_nomem(d);
    memcpy(b->columns, in->columns, in->n_columns * sizeof *b->columns);
    enum status st = give(data, b, stop, d);
    batch_drop(b);
    return st;
}

/* ---- running
 * -------------------------------------------------------------------------------------------------------------- */

static enum status compile(struct pull *p, struct arena *a, struct diag *d)
{
    enum status st = STATUS_OK;
    const struct planned_pull *q = p->query;
    uint32_t *columns = ARENA_ARRAY(a, uint32_t, q->n_items);
    p->items = ARENA_ARRAY(a, struct expr_prog *, q->n_items);
    if (!columns || !p->items)
        return diag_nomem(d);
    if (q->where)
        TRY(expr_compile(q->where, a, &p->where, d));
    for (uint32_t i = 0; i < q->n_items; i++) {
        columns[i] = i;
        TRY(expr_compile(q->items[i], a, &p->items[i], d));
    }
    p->columns = columns;
done:
    return st;
}

enum status pull_run(struct session *s, const struct planned *planned, const struct engine_sink *sink, struct diag *d)
{
    enum status st = STATUS_OK;
    struct arena a;
    const struct planned_pull *q = planned->pull;
    struct pull p = {.engine = s->engine, .query = q, .sink = sink, .left = q->limit};
    arena_init(&a, 0);
    arena_init(&p.scratch, 0);
    TRY(sink_check_rows(sink, d));
    TRY(compile(&p, &a, d));
    const struct plan *plan = table_plan(&a, q);
    if (!plan) {
        st = diag_nomem(d);
        goto done;
    }
    st = sink->begin(sink->data, q->schema.columns, q->n_items);
    if (st != STATUS_OK) {
        st = diag_set(d, st, "cannot show rows of these types in this form");
        goto done;
    }
    const struct task_output out = {.rows = pass_rows, .data = &p};
    struct transient_run run = {
        .settings = session_query_settings(s), .until = TRANSIENT_LAST_STATE, .stopped = stopped, .data = &p};
    run.settings.from_latest = false;
    if (p.left != 0)
        TRY(executor_run_transient(s->engine->executor, plan, &run, &out, d));
    TRY(sink->end(sink->data, false));
done:
    expr_release(p.where);
    for (uint32_t i = 0; p.items && i < q->n_items; i++)
        expr_release(p.items[i]);
    arena_free(&p.scratch);
    arena_free(&a);
    return st;
}
