/* The columns of its source that a grouped query reads, its condition included: CREATE OR REPLACE keeps a state only
 * where they are the same, as ksqlDB keeps their latest values in it. */
#include "planner/logical/aggregate_int.h"

struct reads {
    struct buf text;
    uint32_t n;
    struct str names[2 * MAX_AGGREGATES];
    const struct aggregation *g;
};

static void add_name(struct reads *r, struct str name)
{
    for (uint32_t i = 0; i < r->n; i++)
        if (str_eq(r->names[i], name))
            return;
    if (r->n == sizeof r->names / sizeof *r->names)
        return;
    r->names[r->n++] = name;
    buf_printf(&r->text, "%s`" STR_FMT "`", r->n > 1 ? ", " : "", STR_ARG(name));
}

static bool note_column(void *data, const struct ast_expr *e)
{
    struct reads *r = data;
    if (e->kind == AST_COLUMN &&
        (!is_window_bound(e->text) || !r->g->q->window || schema_find(&r->g->input->schema, e->text) >= 0))
        add_name(r, e->text);
    else if (ast_is_aggregate(e) && e->n_args == 0)
        add_name(r, STR("ROWTIME")); /* COUNT(*) counts that */
    return true;
}

struct str aggregate_reads(struct aggregation *g, const struct ast_expr *having)
{
    struct planner *p = g->p;
    const struct ast_expr *where = g->q->where ? query_plain(p, g->q, g->q->where) : NULL;
    struct reads *r = PLAN_NEW(p, struct reads);
    if (!r || (g->q->where && !where))
        return str_make(NULL, 0);
    r->g = g;
    buf_init(&r->text, 0);
    for (uint32_t i = 0; i < g->q->n_items; i++)
        ast_walk(g->proj->plain[i], note_column, r);
    for (uint32_t i = 0; i < g->n_groups; i++)
        ast_walk(g->groups[i], note_column, r);
    if (where)
        ast_walk(where, note_column, r);
    if (having)
        ast_walk(having, note_column, r);
    return planner_take(p, &r->text);
}

struct str aggregate_functions(struct aggregation *g)
{
    struct buf text;
    buf_init(&text, 0);
    for (uint32_t i = 0; i < g->n_calls; i++) {
        buf_puts(&text, i ? STR(", ") : STR(""));
        ast_expr_print(&text, g->calls[i]);
    }
    return planner_take(g->p, &text);
}
