/* Names of what joins keep, as ksqlDB gives them (streams-semantics.md 16). Some carry numbers: its topology counts its
 * nodes, so they are counted here in the order in which it builds them. */
#include "planner/logical/join_int.h"

/* How many numbers a step takes. */
enum {
    NODES_STREAM_SOURCE = 2,
    NODES_TABLE_SOURCE = 5,
    NODES_SELECT = 1,
    NODES_STREAM_KEY = 1,
    NODES_TABLE_KEY = 6,
    NODES_REPARTITION = 3,
    NODES_STREAM_STREAM = 5,
    NODES_STREAM_TABLE = 1,
    NODES_TABLE_TABLE = 3,
    NODES_FOREIGN_KEY = 12,
};

struct naming {
    struct planner *p;
    unsigned n;
};

static bool is_stream(const struct logical *node)
{
    return node->changelog == CHANGELOG_APPEND;
}

/* The store of a table that is an input of a join. */
static const char *table_store(struct planner *p, const struct logical *node)
{
    if (node->kind != LOGICAL_PROJECT)
        return arena_printf(p->a, "%s-Materialize", node->context);
    return arena_printf(p->a, "%s-Reduce", node->inputs[0]->context);
}

static bool name_streams(struct naming *w, struct logical *join)
{
    struct planner *p = w->p;
    enum join_outer outer = join->join.outer;
    unsigned n = w->n + 2; /* behind those of the two windows */
    const char *this_side = outer == OUTER_BOTH ? "OUTER" : "JOIN", *other = outer == OUTER_NONE ? "JOIN" : "OUTER";
    w->n += NODES_STREAM_STREAM;
    join->join.stores[0] = arena_printf(p->a, "KSTREAM-%sTHIS-%010u-store", this_side, n);
    join->join.stores[1] = arena_printf(p->a, "KSTREAM-%sOTHER-%010u-store", other, n + 1);
    if (!join->join.has_grace || outer == OUTER_NONE)
        return true;
    join->join.pending_store = arena_printf(p->a, "KSTREAM-OUTERSHARED-%010u-store", n);
    return join->join.pending_store != NULL;
}

static bool name_foreign_key(struct naming *w, struct logical *join)
{
    struct planner *p = w->p;
    unsigned n = w->n;
    w->n += NODES_FOREIGN_KEY;
    join->join.subscriptions = arena_printf(p->a, "KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-%010u-topic", n);
    join->join.subscription_store = arena_printf(p->a, "KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE-%010u", n + 4);
    join->join.answers = arena_printf(p->a, "KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-%010u-topic", n + 8);
    return join->join.subscriptions && join->join.subscription_store && join->join.answers;
}

static bool name_stores(struct naming *w, struct logical *join)
{
    for (int i = 0; i < 2; i++) {
        const struct logical *input = join->inputs[i];
        if (!is_stream(input) && !(join->join.stores[i] = table_store(w->p, input)))
            return false;
        w->n += is_stream(input) && input->kind == LOGICAL_REKEY ? NODES_REPARTITION : 0;
    }
    switch (join->join.shape) {
    case JOIN_STREAM_STREAM:
        return name_streams(w, join) && join->join.stores[0] && join->join.stores[1];
    case JOIN_FOREIGN_KEY:
        return name_foreign_key(w, join);
    case JOIN_STREAM_TABLE:
        w->n += NODES_STREAM_TABLE;
        break;
    case JOIN_TABLE_TABLE:
        w->n += NODES_TABLE_TABLE;
        break;
    }
    return true;
}

/* Inputs first; of a stream and a table the table. */
static bool name_tree(struct naming *w, const struct logical *node)
{
    bool table_first = node->kind == LOGICAL_JOIN && node->join.shape == JOIN_STREAM_TABLE;
    for (uint32_t i = 0; i < node->n_inputs; i++)
        if (!name_tree(w, node->inputs[table_first ? 1 - i : i]))
            return false;
    if (node->kind == LOGICAL_JOIN)
        return name_stores(w, (struct logical *)(uintptr_t)node);
    if (node->kind == LOGICAL_SOURCE)
        w->n += is_stream(node) ? NODES_STREAM_SOURCE : NODES_TABLE_SOURCE;
    else if (node->kind == LOGICAL_REKEY)
        w->n += is_stream(node) ? NODES_STREAM_KEY : NODES_TABLE_KEY;
    else
        w->n += NODES_SELECT;
    return true;
}

enum status join_name_stores(struct planner *p, const struct logical *root)
{
    struct naming w = {.p = p};
    return name_tree(&w, root) ? STATUS_OK : plan_nomem(p);
}
