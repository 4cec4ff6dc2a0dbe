/* Walking, rewriting and comparing bound expressions. */
#include "planner/logical/logical.h"

void expr_walk(const struct expr *e, bool (*visit)(void *data, const struct expr *e), void *data)
{
    if (!visit(data, e))
        return;
    for (uint32_t i = 0; i < e->n_args; i++)
        expr_walk(e->args[i], visit, data);
}

const struct expr *expr_map_args(struct planner *p, const struct expr *e, expr_map map, void *data)
{
    const struct expr **args = NULL;
    for (uint32_t i = 0; i < e->n_args; i++) {
        const struct expr *arg = map(p, e->args[i], data);
        if (!arg)
            return NULL;
        if (arg == e->args[i])
            continue;
        if (!args) {
            if (!(args = PLAN_ARRAY(p, const struct expr *, e->n_args)))
                return NULL;
            memcpy(args, e->args, e->n_args * sizeof *args);
        }
        args[i] = arg;
    }
    if (!args)
        return e;
    struct expr *copy = arena_dup(p->a, e, sizeof *e);
    if (!copy) {
        (void)plan_nomem(p);
        return NULL;
    }
    copy->args = args;
    return copy;
}

struct rewriting {
    expr_change change;
    void *data;
};

static const struct expr *rewrite_one(struct planner *p, const struct expr *e, void *data)
{
    const struct rewriting *r = data;
    bool failed = false;
    const struct expr *changed = r->change(r->data, e, &failed);
    return changed || failed ? changed : expr_map_args(p, e, rewrite_one, data);
}

const struct expr *expr_rewrite(struct planner *p, const struct expr *e, expr_change change, void *data)
{
    struct rewriting r = {change, data};
    return rewrite_one(p, e, &r);
}

static bool same_node(const struct expr *x, const struct expr *y)
{
    return x->kind == y->kind && x->op == y->op && x->escape == y->escape && x->column == y->column &&
           x->n_args == y->n_args && x->lambda_base == y->lambda_base && x->n_params == y->n_params &&
           type_eq(x->type, y->type);
}

bool expr_eq(const struct expr *x, const struct expr *y)
{
    if (!same_node(x, y))
        return false;
    if (x->kind == EXPR_LITERAL && !value_eq(&x->value, &y->value))
        return false;
    if (x->kind == EXPR_CALL && x->call->variant != y->call->variant)
        return false;
    if (x->kind == EXPR_PSEUDO && !str_eq(x->name, y->name))
        return false;
    for (uint32_t i = 0; i < x->n_args; i++)
        if (!expr_eq(x->args[i], y->args[i]))
            return false;
    return true;
}
