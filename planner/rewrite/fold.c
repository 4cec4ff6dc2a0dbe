/* Constant folding, as far as it can be done without running expressions: casts and signs of literals, alternatives
 * (disjunction.c), and filters that let everything through. What fails to convert is left for run time, where it gives
 * null and a log entry. */
#include "planner/logical/logical.h"

static const struct expr *fold_cast(struct planner *p, const struct expr *e)
{
    const struct expr *arg = e->args[0];
    if (arg->kind != EXPR_LITERAL)
        return e;
    struct value v = VALUE_NULL;
    char error[256];
    if (!value_is_null(&arg->value) && !cast_value(p->a, &arg->value, arg->type, e->type, &v, error, sizeof error))
        return e;
    const struct expr *literal = expr_literal(p, v, e->type);
    if (literal)
        ((struct expr *)(uintptr_t)literal)->text = e->text;
    return literal;
}

static const struct expr *fold_negate(struct planner *p, const struct expr *e)
{
    const struct expr *arg = e->args[0];
    if (arg->kind != EXPR_LITERAL)
        return e;
    struct value v = arg->value;
    switch (v.kind) {
    case KIND_INT:
        v.i32 = (int32_t)(0u - (uint32_t)v.i32);
        break;
    case KIND_BIGINT:
        v.i64 = (int64_t)(UINT64_C(0) - (uint64_t)v.i64);
        break;
    case KIND_DOUBLE:
        v.f64 = -v.f64;
        break;
    default:
        return e;
    }
    const struct expr *literal = expr_literal(p, v, e->type);
    if (literal)
        ((struct expr *)(uintptr_t)literal)->text = e->text;
    return literal;
}

/* Children first. NULL: no memory. */
static const struct expr *fold(struct planner *p, const struct expr *e, void *data)
{
    e = expr_map_args(p, e, fold, data);
    if (!e)
        return NULL;
    switch (e->kind) {
    case EXPR_CAST:
        return fold_cast(p, e);
    case EXPR_NEGATE:
        return fold_negate(p, e);
    case EXPR_OR:
        return fold_or(p, e);
    default:
        return e;
    }
}

static bool fold_list(struct planner *p, const struct expr *const **list, uint32_t n)
{
    const struct expr **folded = PLAN_ARRAY(p, const struct expr *, n);
    for (uint32_t i = 0; i < n; i++)
        if (!folded || !(folded[i] = fold(p, (*list)[i], NULL)))
            return false;
    *list = folded;
    return folded != NULL;
}

static bool is_true(const struct expr *e)
{
    return e->kind == EXPR_LITERAL && e->value.kind == KIND_BOOLEAN && e->value.boolean;
}

const struct logical *rewrite_fold(struct planner *p, const struct logical *node)
{
    struct logical *copy = arena_dup(p->a, node, sizeof *node);
    if (!copy) {
        (void)plan_nomem(p);
        return NULL;
    }
    for (uint32_t i = 0; i < node->n_inputs; i++)
        if (!(copy->inputs[i] = rewrite_fold(p, node->inputs[i])))
            return NULL;
    bool ok = true;
    switch (node->kind) {
    case LOGICAL_FILTER:
        copy->filter.predicate = fold(p, node->filter.predicate, NULL);
        ok = copy->filter.predicate != NULL;
        if (ok && is_true(copy->filter.predicate) && node->changelog == CHANGELOG_APPEND)
            return copy->inputs[0];
        break;
    case LOGICAL_PROJECT:
    case LOGICAL_REKEY:
    case LOGICAL_GROUP:
        ok = fold_list(p, &copy->select.exprs, node->schema.n_columns);
        break;
    case LOGICAL_FLAT_MAP:
        ok = fold_list(p, &copy->flat_map.calls, node->flat_map.n_calls);
        break;
    case LOGICAL_JOIN:
        if (node->join.foreign_key)
            ok = (copy->join.foreign_key = fold(p, node->join.foreign_key, NULL)) != NULL;
        break;
    case LOGICAL_SOURCE:
    case LOGICAL_AGGREGATE:
        break;
    }
    return ok ? copy : NULL;
}
