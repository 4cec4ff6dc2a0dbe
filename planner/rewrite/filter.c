/* Filter push-down: parts of HAVING that only look at the grouping keys move below the aggregate, so that groups which
 * nobody will see are not kept. Legal because such a part gives the same answer for every row of a group; only for
 * streams, where the aggregate has no previous rows to take back. */
#include "planner/planner_int.h"

static bool look_above_keys(void *data, const struct expr *e)
{
    uint32_t *n_keys = data;
    bool fine = !(e->kind == EXPR_COLUMN && e->column >= *n_keys) && e->kind != EXPR_PSEUDO &&
                !(e->kind == EXPR_CALL && e->call->variant->nondeterministic);
    if (!fine)
        *n_keys = UINT32_MAX;
    return *n_keys != UINT32_MAX;
}

static bool only_keys(const struct expr *e, uint32_t n_keys)
{
    uint32_t state = n_keys;
    expr_walk(e, look_above_keys, &state);
    return state != UINT32_MAX;
}

/* The conjuncts of a predicate, apart. */
struct split {
    struct planner *p;
    uint32_t n_keys, n_down, n_stay;
    const struct expr **down, **stay;
};

static uint32_t count_conjuncts(const struct expr *e)
{
    uint32_t n = e->kind == EXPR_AND ? 0 : 1;
    for (uint32_t i = 0; e->kind == EXPR_AND && i < e->n_args; i++)
        n += count_conjuncts(e->args[i]);
    return n;
}

static void split_conjuncts(struct split *s, const struct expr *e)
{
    if (e->kind == EXPR_AND) {
        for (uint32_t i = 0; i < e->n_args; i++)
            split_conjuncts(s, e->args[i]);
    } else if (only_keys(e, s->n_keys)) {
        s->down[s->n_down++] = e;
    } else {
        s->stay[s->n_stay++] = e;
    }
}

static const struct expr *conjunction(struct planner *p, const struct expr *const *list, uint32_t n)
{
    return n == 1 ? list[0] : expr_n(p, EXPR_AND, &TYPE_BOOLEAN, list, n);
}

static const struct logical *make_filter(struct planner *p, const struct logical *like, const struct logical *input,
                                         const struct expr *predicate, struct str text)
{
    struct logical *node = logical_new(p, LOGICAL_FILTER, like->context, input);
    struct expr *root = arena_dup(p->a, predicate, sizeof *predicate);
    if (!node || !root) {
        (void)plan_nomem(p);
        return NULL;
    }
    root->text = text;
    node->filter.predicate = root;
    return node;
}

struct through {
    const struct expr *const *exprs;
};

static const struct expr *see_through(void *data, const struct expr *e, bool *failed)
{
    struct through *t = data;
    (void)failed;
    return e->kind == EXPR_COLUMN ? t->exprs[e->column] : NULL;
}

/* FILTER over AGGREGATE over GROUP over Prepare: the part `down` goes below Prepare, with the keys replaced by what
 * they stand for. Where such an expression fails or is null, GROUP drops the row as well. */
static const struct logical *push(struct planner *p, const struct logical *filter, const struct split *s)
{
    const struct logical *aggregate = filter->inputs[0], *group = aggregate->inputs[0], *prepare = group->inputs[0];
    struct str text = filter->filter.predicate->text;
    struct logical *nodes[3] = {arena_dup(p->a, aggregate, sizeof *aggregate), arena_dup(p->a, group, sizeof *group),
                                arena_dup(p->a, prepare, sizeof *prepare)};
    struct through of_group = {group->select.exprs}, of_prepare = {prepare->select.exprs};
    const struct expr *down = conjunction(p, s->down, s->n_down);
    const struct expr *stay = s->n_stay ? conjunction(p, s->stay, s->n_stay) : NULL;
    if (down)
        down = expr_rewrite(p, down, see_through, &of_group);
    if (down)
        down = expr_rewrite(p, down, see_through, &of_prepare);
    const struct logical *lower = down ? make_filter(p, filter, prepare->inputs[0], down, text) : NULL;
    if (!lower || (s->n_stay && !stay) || !nodes[0] || !nodes[1] || !nodes[2]) {
        (void)plan_nomem(p);
        return NULL;
    }
    nodes[2]->inputs[0] = lower;
    nodes[1]->inputs[0] = nodes[2];
    nodes[0]->inputs[0] = nodes[1];
    return stay ? make_filter(p, filter, nodes[0], stay, text) : nodes[0];
}

const struct logical *rewrite_filter(struct planner *p, const struct logical *node)
{
    struct logical *copy = arena_dup(p->a, node, sizeof *node);
    if (!copy) {
        (void)plan_nomem(p);
        return NULL;
    }
    for (uint32_t i = 0; i < node->n_inputs; i++)
        if (!(copy->inputs[i] = rewrite_filter(p, node->inputs[i])))
            return NULL;
    if (copy->kind != LOGICAL_FILTER || copy->inputs[0]->kind != LOGICAL_AGGREGATE)
        return copy;
    const struct logical *group = copy->inputs[0]->inputs[0];
    if (group->inputs[0]->kind != LOGICAL_PROJECT || group->changelog != CHANGELOG_APPEND ||
        copy->inputs[0]->aggregate.window.kind != WINDOW_NONE)
        return copy;
    uint32_t n = count_conjuncts(copy->filter.predicate);
    struct split s = {.p = p,
                      .n_keys = group->schema.n_keys,
                      .down = PLAN_ARRAY(p, const struct expr *, n),
                      .stay = PLAN_ARRAY(p, const struct expr *, n)};
    if (!s.down || !s.stay)
        return NULL;
    split_conjuncts(&s, copy->filter.predicate);
    return s.n_down ? push(p, copy, &s) : copy;
}
