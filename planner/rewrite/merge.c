/* Adjacent selects become one: a projection over a projection, the key select of GROUP BY over "Prepare", and a new key
 * over the select that gives an input of a join its names. An error makes a whole item null, so an expression may only
 * be put inside of another one if it cannot fail; as a whole item it may be anything. */
#include "planner/logical/logical.h"

static bool cannot_fail(const struct expr *e)
{
    while (e->kind == EXPR_FIELD)
        e = e->args[0];
    return e->kind == EXPR_COLUMN || e->kind == EXPR_LITERAL || e->kind == EXPR_PSEUDO;
}

struct merging {
    struct planner *p;
    const struct logical *below;
    bool ok;
};

static bool check_inside(void *data, const struct expr *e)
{
    struct merging *m = data;
    if (e->kind == EXPR_COLUMN && !cannot_fail(m->below->select.exprs[e->column]))
        m->ok = false;
    return m->ok;
}

static const struct expr *substitute(void *data, const struct expr *e, bool *failed)
{
    struct merging *m = data;
    (void)failed;
    return e->kind == EXPR_COLUMN ? m->below->select.exprs[e->column] : NULL;
}

static bool is_select(const struct logical *node)
{
    return node->kind == LOGICAL_PROJECT || node->kind == LOGICAL_REKEY ||
           (node->kind == LOGICAL_GROUP && !node->select.keeps_key);
}

static bool can_merge(struct planner *p, const struct logical *node)
{
    if (!is_select(node) || node->inputs[0]->kind != LOGICAL_PROJECT)
        return false;
    struct merging m = {p, node->inputs[0], true};
    for (uint32_t i = 0; i < node->schema.n_columns && m.ok; i++)
        if (node->select.exprs[i]->kind != EXPR_COLUMN)
            expr_walk(node->select.exprs[i], check_inside, &m);
    return m.ok;
}

const struct logical *rewrite_merge(struct planner *p, const struct logical *node)
{
    struct logical *copy = arena_dup(p->a, node, sizeof *node);
    if (!copy) {
        (void)plan_nomem(p);
        return NULL;
    }
    for (uint32_t i = 0; i < node->n_inputs; i++)
        if (!(copy->inputs[i] = rewrite_merge(p, node->inputs[i])))
            return NULL;
    if (!can_merge(p, copy))
        return copy;
    struct merging m = {p, copy->inputs[0], true};
    const struct expr **exprs = PLAN_ARRAY(p, const struct expr *, copy->schema.n_columns);
    for (uint32_t i = 0; i < copy->schema.n_columns; i++)
        if (!exprs || !(exprs[i] = expr_rewrite(p, copy->select.exprs[i], substitute, &m)))
            return NULL;
    copy->select.exprs = exprs;
    copy->inputs[0] = m.below->inputs[0];
    return copy;
}
