/* Pruning through joins: each input delivers its keys, and the places that the columns above come from. A field that is
 * read of a STRUCT column passes through the join as a column of its own. */
#include "planner/rewrite/need.h"

/* What input `input` must deliver for `need` of the join. */
static void collect_input(const struct logical *node, uint32_t input, const struct need *need, struct need *below)
{
    uint32_t n_keys = node->schema.n_keys;
    for (uint32_t k = 0; k < node->inputs[input]->schema.n_keys; k++)
        need_column(below, k);
    for (uint32_t i = 0; i < need->n; i++) {
        if (need->items[i].column < n_keys)
            continue;
        const struct join_column *from = &node->join.columns[need->items[i].column - n_keys];
        struct access a = need->items[i];
        a.column = from->column;
        if (from->input == input)
            need_add(below, &a);
    }
    if (input == 0 && node->join.foreign_key)
        need_expr(below, node->join.foreign_key);
}

struct delivered {
    struct need list;
    struct join_column *columns; /* one an item behind the keys */
    uint32_t n;
};

/* The places of one column of the join, as its input delivers them. */
static void deliver(struct delivered *out, uint32_t column, const struct join_column *from, const struct need *have)
{
    for (uint32_t i = 0; i < have->n; i++) {
        if (have->items[i].column != from->column)
            continue;
        struct access a = have->items[i];
        a.column = column;
        need_add(&out->list, &a);
        out->columns[out->n++] = (struct join_column){from->input, i};
    }
}

static bool is_needed(const struct need *need, uint32_t column)
{
    for (uint32_t i = 0; i < need->n; i++)
        if (need->items[i].column == column)
            return true;
    return false;
}

bool prune_join(struct planner *p, struct logical *node, struct need *need)
{
    struct need below[2] = {{.p = p}, {.p = p}};
    uint32_t n_keys = node->schema.n_keys, most = 0;
    for (uint32_t i = 0; i < 2; i++) {
        collect_input(node, i, need, &below[i]);
        const struct logical *input = prune_node(p, node->inputs[i], &below[i]);
        if (!input)
            return false;
        node->inputs[i] = input;
        most += below[i].n;
    }
    /* A key may be passed on under several names. */
    struct delivered out = {.list = {.p = p},
                            .columns = PLAN_ARRAY(p, struct join_column, (size_t)most * (node->schema.n_columns + 1))};
    if (!out.columns || need->failed)
        return false;
    for (uint32_t k = 0; k < n_keys; k++)
        need_column(&out.list, k);
    for (uint32_t c = n_keys; c < node->schema.n_columns; c++) {
        const struct join_column *from = &node->join.columns[c - n_keys];
        if (is_needed(need, c))
            deliver(&out, c, from, &below[from->input]);
    }
    if (node->join.foreign_key &&
        !(node->join.foreign_key = need_repoint(p, node->join.foreign_key, &below[0], node->inputs[0])))
        return false;
    *need = out.list;
    node->join.columns = out.columns;
    return need_narrow_schema(p, &node->schema, need);
}
