/* GROUP BY with a TUMBLING or HOPPING window: a state a group and window, windows in ascending order a row, late ones
 * left out. Stream time is the highest time that this operator has seen, and moves before the row is looked at.
 *
 * EMIT FINAL: no results from rows; instead every row may close windows: all those that end at or before
 * (observed time - grace) and were not closed before are emitted, in the order of (start, key bytes). */
#include "exec/op/agg.h"

struct windows {
    struct agg agg;
    struct window_spec spec;
    struct arena closing;
    bool emit;         /* results of rows as they come */
    uint32_t expected; /* results of the batch at hand: a guess */
};

static enum status window_open(struct op *op, struct diag *d)
{
    struct windows *w = ARENA_NEW(&op->task->arena, struct windows);
    op->state = w;
    if (!w)
        return diag_nomem(d);
    w->spec = op->step->aggregate.window;
    w->emit = !w->spec.emit_final && !op_coalesces(op);
    arena_init(&w->closing, 0);
    return agg_open(&w->agg, op, (struct store_options){.kind = STORE_WINDOWED, .retention = w->spec.retention}, d);
}

static void window_close(struct op *op)
{
    struct windows *w = op->state;
    agg_close(&w->agg);
    arena_free(&w->closing);
}

/* The row being worked on. */
struct current {
    struct batch *b;
    uint32_t row;
    struct str key;
    uint64_t hash;
    int64_t ts;
};

static enum status update_window(struct windows *w, const struct current *c, int64_t start, struct diag *d)
{
    struct agg *g = &w->agg;
    struct store *s = g->op->store;
    enum status st = STATUS_OK;
    struct table *t = store_window(s, start, true);
    uint32_t at;
    bool created;
    if (!t)
        return start < store_horizon(s) ? STATUS_OK : diag_nomem(d);
    struct entry *e = store_put(s, t, start, c->key, c->hash, &created);
    if (!e || !store_touch(s, t, start, e, !created))
        return diag_nomem(d);
    if (w->emit)
        TRY(agg_begin(g, w->expected, c->b, c->row, created ? NULL : e, d));
    TRY(agg_update(g, e, created, c->b, c->row, d));
    if (w->emit) {
        TRY(agg_add(g, c->b, c->b->columns, c->row, e->ts, e->fixed, &at, d));
        g->out.start[at] = start;
        g->out.end[at] = start + w->spec.size;
    }
done:
    return st;
}

static enum status update_windows(struct windows *w, const struct current *c, int64_t observed, struct diag *d)
{
    int64_t size = w->spec.size, advance = w->spec.advance;
    int64_t first = c->ts - size + advance;
    first = first > 0 ? first / advance * advance : 0;
    for (int64_t start = first; start <= c->ts; start += advance) {
        if (start + size <= observed - w->spec.grace)
            continue; /* closed */
        enum status st = update_window(w, c, start, d);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

/* ---- closing -------------------------------------------------------------------------------------------- */

static enum status emit_closed(struct windows *w, int64_t lo, int64_t hi, const struct current *c, struct diag *d)
{
    struct entry_ref *refs;
    size_t n;
    const struct headers *headers = c->b->headers ? c->b->headers[c->row] : NULL;
    enum status st = store_collect(w->agg.op->store, lo, hi, &w->closing, &refs, &n, d);
    for (size_t i = 0; i < n && st == STATUS_OK; i++) {
        const struct entry *e = refs[i].entry;
        struct agg_stored x = {.key = entry_key(e),
                               .start = refs[i].start,
                               .end = refs[i].start + w->spec.size,
                               .ts = e->ts,
                               .fixed = e->fixed,
                               .var = str_make(e->var, e->var_len)};
        st = agg_add_stored(&w->agg, &x, n - i > BATCH_ROWS ? BATCH_ROWS : (uint32_t)(n - i), headers, d);
    }
    arena_clear(&w->closing);
    /* The headers belong to the batch at hand. */
    return st == STATUS_OK && headers ? agg_emit(&w->agg, d) : st;
}

static enum status close_windows(struct windows *w, const struct current *c, struct diag *d)
{
    struct store_marks *marks = store_marks(w->agg.op->store);
    int64_t close = marks->observed - w->spec.grace, last = marks->closed;
    if (last != INT64_MIN && last >= close)
        return STATUS_OK;
    int64_t hi = close - w->spec.size, lo = 0;
    if (hi < 0)
        return STATUS_OK;
    if (last != INT64_MIN)
        lo = (last > w->spec.size ? last - w->spec.size : 0) + 1;
    marks->closed = close;
    return store_may_hold(w->agg.op->store, lo, hi) ? emit_closed(w, lo, hi, c, d) : STATUS_OK;
}

/* ---- the operator --------------------------------------------------------------------------------------- */

static void prefetch(struct windows *w, const struct batch *b, uint32_t i, const uint64_t *hashes)
{
    /* Rows nearby mostly fall into the same window. */
    uint32_t ahead = i + 8;
    if (ahead >= b->n_selected)
        return;
    int64_t ts = b->ts[b->selection ? b->selection[ahead] : ahead];
    struct table *t = ts < 0 ? NULL : store_window(w->agg.op->store, ts / w->spec.advance * w->spec.advance, false);
    if (t)
        store_prefetch(t, hashes[ahead]);
}

static enum status window_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct windows *w = op->state;
    struct store_marks *marks = store_marks(op->store);
    struct str *keys;
    uint64_t *hashes;
    uint64_t windows = (uint64_t)((w->spec.size + w->spec.advance - 1) / w->spec.advance) * b->n_selected;
    w->expected = windows > BATCH_ROWS ? BATCH_ROWS : (uint32_t)windows;
    (void)port;
    if (keys_encode(w->agg.input->columns, w->agg.input->n_keys, b, &b->arena, &keys, &hashes) != STATUS_OK)
        return diag_nomem(d);
    BATCH_EACH (b, i, row) {
        struct current c = {b, row, keys[i], hashes[i], b->ts[row]};
        enum status st = STATUS_OK;
        if (!c.key.p)
            continue;
        prefetch(w, b, i, hashes);
        if (c.ts > marks->observed)
            marks->observed = c.ts;
        if (!b->null_value || !b->null_value[row])
            st = update_windows(w, &c, marks->observed, d);
        if (st == STATUS_OK && w->spec.emit_final)
            st = close_windows(w, &c, d);
        if (st != STATUS_OK)
            return st;
    }
    return agg_emit(&w->agg, d);
}

static enum status window_flush(struct op *op, struct diag *d)
{
    struct windows *w = op->state;
    return agg_flush(&w->agg, w->spec.size, op_coalesces(op) && !w->spec.emit_final, d);
}

const struct op_def op_window_aggregate = {
    .name = "windowed aggregate",
    .before = BEFORE_UNUSED,
    .open = window_open,
    .push = window_push,
    .flush = window_flush,
    .close = window_close,
};
