/* The rules of grouped queries (rules.md 5.1): what may stand in SELECT and HAVING, and where aggregates may not. */
#include "planner/logical/aggregate_int.h"

bool is_group(const struct aggregation *g, const struct ast_expr *e, uint32_t *which)
{
    for (uint32_t i = 0; i < g->n_groups; i++)
        if (ast_expr_eq(g->groups[i], e)) {
            *which = i;
            return true;
        }
    return false;
}

/* ---- what may be selected ---- */

struct free_columns {
    const struct aggregation *g;
    bool seen_aggregate;
    const struct ast_expr *bad; /* the first column that is not grouped by */
};

static bool is_own_bound(const struct aggregation *g, const struct ast_expr *e)
{
    return g->q->window && e->kind == AST_COLUMN && is_window_bound(e->text) &&
           schema_find(&g->input->schema, e->text) < 0;
}

static bool find_free_column(void *data, const struct ast_expr *e)
{
    struct free_columns *f = data;
    uint32_t which;
    if (f->bad)
        return false;
    if ((!f->seen_aggregate || e->kind == AST_COLUMN) && is_group(f->g, e, &which))
        return false;
    if (ast_is_aggregate(e)) {
        f->seen_aggregate = true;
        return false;
    }
    if (e->kind == AST_COLUMN && !is_own_bound(f->g, e))
        f->bad = e;
    return true;
}

static enum status check_free_columns(struct aggregation *g)
{
    struct buf list;
    buf_init(&list, 0);
    struct span where = g->q->ast->span;
    for (uint32_t i = 0; i < g->q->n_items; i++) {
        struct free_columns f = {.g = g};
        ast_walk(g->proj->plain[i], find_free_column, &f);
        if (!f.bad)
            continue;
        if (list.len == 0)
            where = g->q->items[i].span;
        else
            buf_puts(&list, STR(", "));
        ast_expr_print(&list, g->proj->plain[i]);
    }
    enum status st = STATUS_OK;
    if (list.len)
        st = plan_error(g->p, where,
                        "Non-aggregate SELECT expression(s) not part of GROUP BY: %s\nEither add the column(s) to the "
                        "GROUP BY or remove them from the SELECT.",
                        buf_z(&list));
    buf_free(&list);
    return st;
}

static enum status check_having(struct aggregation *g, const struct ast_expr *having)
{
    struct free_columns f = {.g = g};
    ast_walk(having, find_free_column, &f);
    if (!f.bad)
        return STATUS_OK;
    struct str text = ast_expr_text(g->p->a, f.bad);
    return plan_error(g->p, f.bad->span,
                      "Non-aggregate HAVING expression not part of GROUP BY: " STR_FMT
                      "\nConsider switching the HAVING clause to a WHERE clause before the GROUP BY.",
                      STR_ARG(text));
}

static enum status bound_misplaced(struct aggregation *g, const struct ast_expr *e)
{
    return plan_error(g->p, e->span,
                      "Window bounds column " STR_FMT
                      " can only be used in the SELECT clause of windowed aggregations and can not be passed to "
                      "aggregate functions.\nSee https://github.com/confluentinc/ksql/issues/4397",
                      STR_ARG(e->text));
}

struct bound_search {
    const struct aggregation *g;
    const struct ast_expr *found;
};

static bool look_for_bound(void *data, const struct ast_expr *e)
{
    struct bound_search *s = data;
    if (!s->found && is_own_bound(s->g, e))
        s->found = e;
    return !s->found;
}

static const struct ast_expr *find_bound(const struct aggregation *g, const struct ast_expr *e)
{
    struct bound_search s = {g, NULL};
    if (e)
        ast_walk(e, look_for_bound, &s);
    return s.found;
}

/* ---- collecting the calls ---- */

static enum status add_call(struct aggregation *g, const struct ast_expr *e)
{
    for (uint32_t i = 0; i < g->n_calls; i++)
        if (ast_expr_eq(g->calls[i], e))
            return STATUS_OK;
    struct str text = ast_expr_text(g->p->a, e);
    for (uint32_t i = 0; i < e->n_args; i++) {
        if (ast_has_aggregate(e->args[i]))
            return plan_error(g->p, e->span, "Aggregate functions can not be nested: " STR_FMT, STR_ARG(text));
        const struct ast_expr *bound = find_bound(g, e->args[i]);
        if (bound)
            return bound_misplaced(g, bound);
    }
    if (g->n_calls == MAX_AGGREGATES)
        return plan_error(g->p, e->span, "Too many aggregate functions in one query");
    g->items[g->n_calls].text = text;
    g->calls[g->n_calls++] = e;
    return STATUS_OK;
}

struct call_search {
    struct aggregation *g;
    enum status st;
};

static bool collect_call(void *data, const struct ast_expr *e)
{
    struct call_search *s = data;
    if (s->st == STATUS_OK && e->kind == AST_CALL && !ast_function(e))
        s->st = plan_error(s->g->p, e->span, "Can't find any functions with the name '" STR_FMT "'", STR_ARG(e->text));
    if (s->st == STATUS_OK && ast_is_aggregate(e)) {
        s->st = add_call(s->g, e);
        return false;
    }
    return s->st == STATUS_OK;
}

static enum status collect_calls(struct aggregation *g, const struct ast_expr *having)
{
    struct call_search s = {g, STATUS_OK};
    for (uint32_t i = 0; i < g->q->n_items; i++)
        ast_walk(g->proj->plain[i], collect_call, &s);
    if (having)
        ast_walk(having, collect_call, &s);
    return s.st;
}

/* ---- all of them ---- */

static enum status check_groups(struct aggregation *g)
{
    for (uint32_t i = 0; i < g->n_groups; i++) {
        const struct ast_expr *group = g->groups[i];
        if (ast_has_aggregate(group)) {
            const struct ast_expr *e = group;
            while (!ast_is_aggregate(e)) { /* the first one down the tree */
                uint32_t j = 0;
                while (!ast_has_aggregate(e->args[j]))
                    j++;
                e = e->args[j];
            }
            return plan_error(g->p, e->span,
                              "GROUP BY does not support aggregate functions: " STR_FMT " is an aggregate function.",
                              STR_ARG(e->text));
        }
        const struct ast_expr *bound = find_bound(g, group);
        if (bound)
            return bound_misplaced(g, bound);
    }
    return STATUS_OK;
}

enum status aggregate_check(struct aggregation *g, const struct ast_expr *having)
{
    enum status st = collect_calls(g, having);
    if (st == STATUS_OK)
        st = check_groups(g);
    if (st == STATUS_OK && g->n_groups && g->n_calls == 0)
        st = plan_error(g->p, g->q->ast->group_by.span,
                        "GROUP BY requires aggregate functions in either the SELECT or HAVING clause.");
    if (st == STATUS_OK)
        st = check_free_columns(g);
    if (st == STATUS_OK && having)
        st = check_having(g, having);
    const struct ast_expr *bound = st == STATUS_OK ? find_bound(g, having) : NULL;
    if (bound)
        st = bound_misplaced(g, bound);
    return st;
}

enum status aggregate_check_groups(struct aggregation *g)
{
    if (g->n_groups || g->q->purpose != PURPOSE_PERSISTENT)
        return STATUS_OK;
    struct buf list;
    buf_init(&list, 0);
    for (uint32_t i = 0; i < g->n_calls; i++) {
        buf_puts(&list, i ? STR(", ") : STR(""));
        if (g->calls[i]->n_args)
            ast_expr_print(&list, g->calls[i]);
        else
            buf_printf(&list, STR_FMT "(ROWTIME)", STR_ARG(g->calls[i]->text));
    }
    enum status st = plan_error(g->p, g->q->ast->span,
                                "CREATE TABLE AS SELECT statement does not support aggregate function [%s] without a "
                                "GROUP BY clause.",
                                buf_z(&list));
    buf_free(&list);
    return st;
}
