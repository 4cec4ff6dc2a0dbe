/* Filter push-down. Parts of HAVING that only look at the grouping keys move below the aggregate, so that groups which
 * nobody will see are not kept. Legal because such a part gives the same answer for every row of a group; only for
 * streams, where the aggregate has no previous rows to take back.
 *
 * Parts of WHERE that only look at the stream of a stream-table join move below the join, as its result has the
 * stream's rows and those alone; not below a repartition topic, where a row that is missing would let those behind it
 * overtake the table. Not into joins of streams, which forget rows by the times of others, nor into tables, whose rows
 * may fall out of the result. */
#include "planner/logical/logical.h"

/* Whether a column of the node under the filter may go down. */
static bool goes_down(const struct logical *node, uint32_t column)
{
    if (column < node->schema.n_keys)
        return true;
    return node->kind == LOGICAL_JOIN && node->join.columns[column - node->schema.n_keys].input == 0;
}

struct looking {
    const struct logical *node;
    bool fine;
};

static bool look_at_columns(void *data, const struct expr *e)
{
    struct looking *l = data;
    l->fine = l->fine && !(e->kind == EXPR_COLUMN && !goes_down(l->node, e->column)) && e->kind != EXPR_PSEUDO &&
              !(e->kind == EXPR_CALL && e->call->variant->nondeterministic);
    return l->fine;
}

static bool can_go_down(const struct expr *e, const struct logical *node)
{
    struct looking l = {node, true};
    expr_walk(e, look_at_columns, &l);
    return l.fine;
}

/* The conjuncts of a predicate, apart. */
struct split {
    struct planner *p;
    const struct logical *node; /* under the filter */
    uint32_t n_down, n_stay;
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
    } else if (can_go_down(e, s->node)) {
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

/* ---- joins ---- */

/* From the columns of a join to those of the stream. */
static const struct expr *see_stream(void *data, const struct expr *e, bool *failed)
{
    const struct split *s = data;
    if (e->kind != EXPR_COLUMN)
        return NULL;
    uint32_t n_keys = s->node->schema.n_keys;
    uint32_t at = e->column < n_keys ? e->column : s->node->join.columns[e->column - n_keys].column;
    const struct expr *column = expr_column(s->p, &s->node->inputs[0]->schema, at);
    *failed = column == NULL;
    return column;
}

/* FILTER over JOIN: the part `down` goes onto the stream, or below the select that gives its columns their alias. */
static const struct logical *push_to_stream(struct planner *p, const struct logical *filter, struct split *s)
{
    struct logical *join = arena_dup(p->a, s->node, sizeof *join);
    const struct logical *stream = s->node->inputs[0];
    struct str text = filter->filter.predicate->text;
    const struct expr *down = conjunction(p, s->down, s->n_down);
    const struct expr *stay = s->n_stay ? conjunction(p, s->stay, s->n_stay) : NULL;
    if (down)
        down = expr_rewrite(p, down, see_stream, s);
    struct logical *select = stream->kind == LOGICAL_PROJECT ? arena_dup(p->a, stream, sizeof *stream) : NULL;
    struct through of_select = {stream->select.exprs};
    if (down && select)
        down = expr_rewrite(p, down, see_through, &of_select);
    const struct logical *lower = down ? make_filter(p, filter, select ? select->inputs[0] : stream, down, text) : NULL;
    if (!lower || !join || (s->n_stay && !stay) || (stream->kind == LOGICAL_PROJECT && !select)) {
        (void)plan_nomem(p);
        return NULL;
    }
    if (select)
        select->inputs[0] = lower;
    join->inputs[0] = select ? select : rewrite_filter(p, lower);
    if (!join->inputs[0])
        return NULL;
    return stay ? make_filter(p, filter, join, stay, text) : join;
}

/* ---- the pass ---- */

static bool is_pushed_through(const struct logical *node)
{
    if (node->kind == LOGICAL_JOIN)
        return node->join.shape == JOIN_STREAM_TABLE;
    if (node->kind != LOGICAL_AGGREGATE)
        return false;
    const struct logical *group = node->inputs[0];
    return group->inputs[0]->kind == LOGICAL_PROJECT && group->changelog == CHANGELOG_APPEND &&
           node->aggregate.window.kind == WINDOW_NONE;
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
    if (copy->kind != LOGICAL_FILTER || !is_pushed_through(copy->inputs[0]))
        return copy;
    uint32_t n = count_conjuncts(copy->filter.predicate);
    struct split s = {.p = p,
                      .node = copy->inputs[0],
                      .down = PLAN_ARRAY(p, const struct expr *, n),
                      .stay = PLAN_ARRAY(p, const struct expr *, n)};
    if (!s.down || !s.stay)
        return NULL;
    split_conjuncts(&s, copy->filter.predicate);
    if (s.n_down == 0)
        return copy;
    return s.node->kind == LOGICAL_JOIN ? push_to_stream(p, copy, &s) : push(p, copy, &s);
}
