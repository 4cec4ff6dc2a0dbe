/* Work on syntax trees: walking, rewriting, and the two forms of names: qualified before planning, plain after. */
#include "planner/planner_int.h"

void ast_walk(const struct ast_expr *e, bool (*visit)(void *data, const struct ast_expr *e), void *data)
{
    if (!e || !visit(data, e))
        return;
    for (uint32_t i = 0; i < e->n_args; i++)
        ast_walk(e->args[i], visit, data);
}

const struct ast_expr *ast_rewrite(struct planner *p, const struct ast_expr *e, ast_change change, void *data)
{
    const struct ast_expr *changed = change(data, e);
    if (changed || p->d->code != STATUS_OK)
        return changed;
    const struct ast_expr **args = NULL;
    for (uint32_t i = 0; i < e->n_args; i++) {
        const struct ast_expr *arg = ast_rewrite(p, e->args[i], change, data);
        if (!arg)
            return NULL;
        if (arg == e->args[i])
            continue;
        if (!args) {
            if (!(args = PLAN_ARRAY(p, const struct ast_expr *, e->n_args)))
                return NULL;
            memcpy(args, e->args, e->n_args * sizeof *args);
        }
        args[i] = arg;
    }
    if (!args)
        return e;
    struct ast_expr *copy = arena_dup(p->a, e, sizeof *e);
    if (!copy) {
        (void)plan_nomem(p);
        return NULL;
    }
    copy->args = args;
    return copy;
}

const struct ast_expr *ast_column(struct planner *p, struct str source, struct str name, struct span span)
{
    struct ast_expr *e = PLAN_NEW(p, struct ast_expr);
    if (e) {
        e->kind = AST_COLUMN;
        e->depth = 1;
        e->span = span;
        e->source = source;
        e->text = name;
    }
    return e;
}

struct plain_form {
    struct planner *p;
    const struct query *q;
};

struct str query_column_name(struct planner *p, const struct query *q, const struct ast_expr *column)
{
    if (q->n_sources < 2 || column->source.len == 0)
        return column->text;
    return str_printf(p->a, STR_FMT "_" STR_FMT, STR_ARG(column->source), STR_ARG(column->text));
}

static const struct ast_expr *plain_column(void *data, const struct ast_expr *e)
{
    struct plain_form *f = data;
    if (e->kind != AST_COLUMN || e->source.len == 0)
        return NULL;
    return ast_column(f->p, (struct str){NULL, 0}, query_column_name(f->p, f->q, e), e->span);
}

const struct ast_expr *query_plain(struct planner *p, const struct query *q, const struct ast_expr *e)
{
    struct plain_form f = {p, q};
    return ast_rewrite(p, e, plain_column, &f);
}

const struct function *ast_function(const struct ast_expr *e)
{
    return e->kind == AST_CALL ? function_find(e->text) : NULL;
}

bool ast_is_aggregate(const struct ast_expr *e)
{
    const struct function *f = ast_function(e);
    return f && f->kind == FUNCTION_AGGREGATE;
}

bool ast_is_table_function(const struct ast_expr *e)
{
    const struct function *f = ast_function(e);
    return f && f->kind == FUNCTION_TABLE;
}

static bool look_for_aggregate(void *data, const struct ast_expr *e)
{
    bool *found = data;
    *found = *found || ast_is_aggregate(e);
    return !*found;
}

bool ast_has_aggregate(const struct ast_expr *e)
{
    bool found = false;
    ast_walk(e, look_for_aggregate, &found);
    return found;
}
