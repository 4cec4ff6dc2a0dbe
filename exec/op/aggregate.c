/* GROUP BY on a stream without a window: one state a group, one result a row (or a changed group, when coalescing). */
#include "exec/op/agg.h"

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

static enum status add_row(struct agg *g, struct batch *b, uint32_t row, struct str key, uint64_t hash, bool emit,
                           struct diag *d)
{
    struct store *s = g->op->store;
    struct table *t = store_table(s);
    enum status st = STATUS_OK;
    bool created;
    uint32_t at;
    struct entry *e = store_put(s, t, 0, key, hash, &created);
    if (!e || !store_touch(s, t, 0, e, !created))
        return diag_nomem(d);
    if (emit)
        TRY(agg_begin(g, b->n_selected, b, row, created ? NULL : e, d));
    TRY(agg_update(g, e, created, b, row, d));
    if (emit)
        TRY(agg_add(g, b, b->columns, row, e->ts, e->fixed, &at, d));
done:
    return st;
}

static enum status aggregate_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct agg *g = op->state;
    struct str *keys;
    uint64_t *hashes;
    bool emit = !op_coalesces(op);
    (void)port;
    if (keys_encode(g->input->columns, g->input->n_keys, b, &b->arena, &keys, &hashes) != STATUS_OK)
        return diag_nomem(d);
    struct table *t = store_table(op->store);
    BATCH_EACH (b, i, row) {
        if (i + 16 < b->n_selected)
            store_prefetch(t, hashes[i + 16]);
        if (i + 8 < b->n_selected)
            store_prefetch_entry(t, hashes[i + 8]);
        if (!keys[i].p || (b->null_value && b->null_value[row]))
            continue;
        enum status st = add_row(g, b, row, keys[i], hashes[i], emit, d);
        if (st != STATUS_OK)
            return st;
    }
    return agg_emit(g, d);
}

static enum status aggregate_flush(struct op *op, struct diag *d)
{
    return agg_flush(op->state, 0, op_coalesces(op), d);
}

const struct op_def op_aggregate = {
    .name = "aggregate",
    .before = BEFORE_UNUSED,
    .open = aggregate_open,
    .push = aggregate_push,
    .flush = aggregate_flush,
    .close = aggregate_close,
};

/* ---- tables --------------------------------------------------------------------------------------------------- */

/* What happened to a group: before and now are rows of b->before and b. */
static enum status change_group(struct agg *g, struct batch *b, uint32_t row, struct str key, uint64_t hash, bool emit,
                                struct diag *d)
{
    struct store *s = g->op->store;
    struct table *t = store_table(s);
    enum status st = STATUS_OK;
    bool now = !b->kinds || b->kinds[row] != ROW_DELETE, old = b->before && b->has_before[row], created;
    uint32_t at;
    struct entry *e = store_get(s, t, 0, key, hash);
    if ((!e || !old) && !now) /* nothing to take the row away from, or none to take away */
        return STATUS_OK;
    e = store_put(s, t, 0, key, hash, &created);
    if (!e || !store_touch(s, t, 0, e, !created))
        return diag_nomem(d);
    if (emit)
        TRY(agg_begin(g, b->n_selected, b, row, created ? NULL : e, d));
    if (created)
        agg_init(g, e->fixed);
    else
        TRY(agg_load(g, str_make(e->var, e->var_len), d));
    if (old && !created)
        TRY(agg_step(g, e->fixed, b->before->columns, row, true, d));
    if (now)
        TRY(agg_step(g, e->fixed, b->columns, row, false, d));
    const struct column *cells = now ? b->columns : b->before->columns;
    TRY(agg_save(g, e, cells, row, d));
    if (created || b->ts[row] > e->ts)
        e->ts = b->ts[row];
    if (emit)
        TRY(agg_add(g, b, cells, row, e->ts, e->fixed, &at, d));
done:
    return st;
}

static enum status table_aggregate_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct agg *g = op->state;
    struct str *keys;
    uint64_t *hashes;
    (void)port;
    if (keys_encode(g->input->columns, g->input->n_keys, b, &b->arena, &keys, &hashes) != STATUS_OK)
        return diag_nomem(d);
    BATCH_EACH (b, i, row) {
        if (!keys[i].p)
            continue;
        enum status st = change_group(g, b, row, keys[i], hashes[i], !op_coalesces(op), d);
        if (st != STATUS_OK)
            return st;
    }
    return agg_emit(g, d);
}

const struct op_def op_table_aggregate = {
    .name = "table aggregate",
    .before = BEFORE_WANTED,
    .open = aggregate_open,
    .push = table_aggregate_push,
    .flush = aggregate_flush,
    .close = aggregate_close,
};
