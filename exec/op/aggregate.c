/* GROUP BY without a window: one state a group, one result a row (or a changed group, when coalescing). */
#include "exec/op/agg.h"
#include "exec/op/project.h"

static enum status aggregate_open(struct op *op, struct diag *d)
{
    struct agg *g = ARENA_NEW(&op->task->arena, struct agg);
    op->state = g;
    if (!g)
        return diag_nomem(d);
    return agg_open(g, op, (struct store_options){.kind = STORE_KEYED}, d);
}

static void aggregate_close(struct op *op)
{
    agg_close(op->state);
}

static enum status aggregate_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct agg *g = op->state;
    struct table *t = store_table(op->store);
    struct str *keys;
    uint64_t *hashes;
    (void)port;
    g->expected = b->n_selected;
    if (keys_encode(g->input->columns, g->input->n_keys, b, &b->arena, &keys, &hashes) != STATUS_OK)
        return diag_nomem(d);
    BATCH_EACH (b, i, row) {
        const struct agg_row r = {.b = b,
                                  .row = row,
                                  .key = keys[i],
                                  .hash = hashes[i],
                                  .now = row_is_dead(b, row) ? NULL : b->columns,
                                  .old = b->before && b->has_before[row] ? b->before->columns : NULL};
        if (i + 16 < b->n_selected)
            store_prefetch(t, hashes[i + 16]);
        if (i + 8 < b->n_selected)
            store_prefetch_entry(t, hashes[i + 8]);
        if (!r.key.p)
            continue;
        if (!r.now && (!r.old || !store_get(op->store, t, 0, r.key, r.hash)))
            continue; /* no row to take away, or nothing to take it away from */
        enum status st = agg_apply(g, t, 0, &r, d);
        if (st != STATUS_OK)
            return st;
    }
    return agg_emit(g, d);
}

const struct op_def op_aggregate = {
    .name = "aggregate",
    .before = BEFORE_UNUSED,
    .open = aggregate_open,
    .push = aggregate_push,
    .flush = agg_flush,
    .close = aggregate_close,
};

/* Previous rows, which only tables have, are taken from their groups. */
const struct op_def op_table_aggregate = {
    .name = "table aggregate",
    .before = BEFORE_WANTED,
    .open = aggregate_open,
    .push = aggregate_push,
    .flush = agg_flush,
    .close = aggregate_close,
};
