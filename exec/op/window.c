/* GROUP BY with a TUMBLING or HOPPING window: a state a group and window, windows in ascending order a row, late ones
 * left out. */
#include "exec/op/windowed.h"

static enum status window_open(struct op *op, struct diag *d)
{
    return windowed_open(ARENA_NEW(&op->task->arena, struct windowed), op, d);
}

static enum status add_row(struct windowed *w, const struct agg_row *r, int64_t observed, struct diag *d)
{
    struct store *s = w->agg.op->store;
    int64_t size = w->spec.size, advance = w->spec.advance, ts = r->b->ts[r->row];
    int64_t first = ts - size + advance;
    first = first > 0 ? first / advance * advance : 0;
    for (int64_t start = first; start <= ts; start += advance) {
        if (start + size <= observed - w->spec.grace)
            continue; /* closed */
        struct table *t = store_window(s, start, true);
        if (!t && start < store_horizon(s))
            continue;
        enum status st = t ? agg_apply(&w->agg, t, start, r, d) : diag_nomem(d);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

/* Rows nearby mostly fall into the same window. */
static void prefetch(struct windowed *w, int64_t ts, uint64_t hash)
{
    struct table *t = ts < 0 ? NULL : store_window(w->agg.op->store, ts / w->spec.advance * w->spec.advance, false);
    if (t)
        store_prefetch(t, hash);
}

static const struct windowed_rows rows = {add_row, prefetch};

static enum status window_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    const struct window_spec *spec = &op->step->aggregate.window;
    (void)port;
    return windowed_push(op, b, &rows, (uint64_t)((spec->size + spec->advance - 1) / spec->advance), d);
}

const struct op_def op_window_aggregate = {
    .name = "windowed aggregate",
    .before = BEFORE_UNUSED,
    .open = window_open,
    .push = window_push,
    .flush = agg_flush,
    .close = windowed_close,
};
