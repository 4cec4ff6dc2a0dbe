/* Projection push-down: from the top down, what each node must deliver is collected as accesses: a column, or a field
 * somewhere inside of a STRUCT column. Sources then read these only, so that nothing else of a record is decoded.
 *
 * A node may deliver more than it is asked for (a filter passes on what only it looks at): the list that comes back
 * says what, in order, and expressions above are re-pointed by it. Keys go all or none; tables and windowed sources
 * keep them. */
#include "planner/rewrite/need.h"

static bool keeps_keys(const struct logical *node)
{
    return node->changelog != CHANGELOG_APPEND || node->schema.window != WINDOW_NONE;
}

static bool prune_source(struct planner *p, struct logical *node, struct need *need)
{
    need_normalise(need, node->schema.n_keys, keeps_keys(node));
    struct source_read *reads = PLAN_ARRAY(p, struct source_read, need->n);
    for (uint32_t i = 0; reads && i < need->n; i++) {
        const struct access *a = &need->items[i];
        reads[i].column = node->source.reads[a->column].column;
        reads[i].n_path = a->n_path;
        if (a->n_path && !(reads[i].path = arena_dup(p->a, a->path, a->n_path * sizeof *a->path)))
            return false;
    }
    node->source.reads = reads;
    return reads && need_narrow_schema(p, &node->schema, need);
}

static bool prune_filter(struct planner *p, struct logical *node, struct need *need)
{
    need_expr(need, node->filter.predicate);
    const struct logical *input = prune_node(p, node->inputs[0], need);
    if (!input)
        return false;
    node->inputs[0] = input;
    node->schema = input->schema;
    node->filter.predicate = need_repoint(p, node->filter.predicate, need, input);
    return node->filter.predicate != NULL;
}

/* Fields are taken out of an item's value here only if the item is itself an access. */
static void widen_computed(const struct logical *node, struct need *need)
{
    struct access a;
    for (uint32_t i = 0; i < need->n; i++)
        if (!expr_is_access(node->select.exprs[need->items[i].column], &a) ||
            a.n_path + need->items[i].n_path > MAX_PATH)
            need->items[i].n_path = 0;
}

static bool prune_select(struct planner *p, struct logical *node, struct need *need)
{
    widen_computed(node, need);
    need_normalise(need, node->schema.n_keys, keeps_keys(node) || node->kind != LOGICAL_PROJECT);
    struct need below = {.p = p};
    struct access *whole = PLAN_ARRAY(p, struct access, need->n);
    const struct expr **exprs = PLAN_ARRAY(p, const struct expr *, need->n);
    if (!whole || !exprs || need->failed)
        return false;
    for (uint32_t i = 0; i < need->n; i++) {
        const struct expr *e = node->select.exprs[need->items[i].column];
        if (!expr_is_access(e, &whole[i])) {
            need_expr(&below, e);
            continue;
        }
        memcpy(whole[i].path + whole[i].n_path, need->items[i].path, need->items[i].n_path * sizeof *whole[i].path);
        whole[i].n_path += need->items[i].n_path;
        need_add(&below, &whole[i]);
    }
    const struct logical *input = prune_node(p, node->inputs[0], &below);
    if (!input)
        return false;
    for (uint32_t i = 0; i < need->n; i++) {
        const struct expr *e = node->select.exprs[need->items[i].column];
        struct access a;
        exprs[i] = expr_is_access(e, &a)
                       ? need_point_to(p, &below, &input->schema, need->items[i].n_path ? NULL : e, &whole[i])
                       : need_repoint(p, e, &below, input);
        if (!exprs[i])
            return false;
    }
    node->inputs[0] = input;
    node->select.exprs = exprs;
    return need_narrow_schema(p, &node->schema, need);
}

static bool prune_flat_map(struct planner *p, struct logical *node, struct need *need)
{
    uint32_t n_in = node->inputs[0]->schema.n_columns, n_calls = node->flat_map.n_calls;
    struct need below = {.p = p};
    for (uint32_t i = 0; i < need->n; i++)
        if (need->items[i].column < n_in)
            need_add(&below, &need->items[i]);
    for (uint32_t i = 0; i < n_calls; i++)
        need_expr(&below, node->flat_map.calls[i]);
    const struct logical *input = prune_node(p, node->inputs[0], &below);
    const struct expr **calls = PLAN_ARRAY(p, const struct expr *, n_calls);
    if (!input || !calls)
        return false;
    for (uint32_t i = 0; i < n_calls; i++)
        if (!(calls[i] = need_repoint(p, node->flat_map.calls[i], &below, input)))
            return false;
    for (uint32_t i = 0; i < n_calls; i++)
        need_column(&below, n_in + i);
    *need = below;
    node->inputs[0] = input;
    node->flat_map.calls = calls;
    return need_narrow_schema(p, &node->schema, need);
}

static bool prune_aggregate(struct planner *p, struct logical *node, struct need *need)
{
    struct need below = {.p = p};
    uint32_t n_calls = node->aggregate.n_calls;
    struct aggregate_item *calls = PLAN_ARRAY(p, struct aggregate_item, n_calls);
    for (uint32_t i = 0; i < node->schema.n_keys; i++)
        need_column(&below, i);
    for (uint32_t i = 0; i < n_calls; i++)
        for (uint32_t j = 0; j < node->aggregate.calls[i].n_args; j++)
            need_column(&below, node->aggregate.calls[i].args[j]);
    const struct logical *input = prune_node(p, node->inputs[0], &below);
    if (!input || !calls)
        return false;
    for (uint32_t i = 0; i < n_calls; i++) {
        calls[i] = node->aggregate.calls[i];
        uint32_t *args = PLAN_ARRAY(p, uint32_t, calls[i].n_args);
        for (uint32_t j = 0; args && j < calls[i].n_args; j++) {
            const struct expr *e =
                need_point_to(p, &below, &input->schema, NULL, &(struct access){.column = calls[i].args[j]});
            if (!e)
                return false;
            args[j] = e->column;
        }
        calls[i].args = args;
    }
    need->n = 0;
    for (uint32_t i = 0; i < node->schema.n_columns; i++)
        need_column(need, i);
    node->inputs[0] = input;
    node->aggregate.calls = calls;
    return !need->failed;
}

/* `need`: in: what is read of the node; out: what the new node delivers, in order. */
const struct logical *prune_node(struct planner *p, const struct logical *node, struct need *need)
{
    struct logical *copy = need->failed ? NULL : arena_dup(p->a, node, sizeof *node);
    bool ok = false;
    if (copy) {
        switch (node->kind) {
        case LOGICAL_SOURCE:
            ok = prune_source(p, copy, need);
            break;
        case LOGICAL_FILTER:
            ok = prune_filter(p, copy, need);
            break;
        case LOGICAL_PROJECT:
        case LOGICAL_REKEY:
        case LOGICAL_GROUP:
            ok = prune_select(p, copy, need);
            break;
        case LOGICAL_FLAT_MAP:
            ok = prune_flat_map(p, copy, need);
            break;
        case LOGICAL_AGGREGATE:
            ok = prune_aggregate(p, copy, need);
            break;
        case LOGICAL_JOIN:
            ok = prune_join(p, copy, need);
            break;
        }
    }
    if (!ok)
        (void)plan_nomem(p);
    return ok ? copy : NULL;
}

const struct logical *rewrite_prune(struct planner *p, const struct logical *root)
{
    struct need need = {.p = p};
    for (uint32_t i = 0; i < root->schema.n_columns; i++)
        need_column(&need, i);
    return prune_node(p, root, &need);
}
