/* See windowed.h. */
#include "exec/op/windowed.h"

enum status windowed_open(struct windowed *w, struct op *op, struct diag *d)
{
    op->state = w;
    if (!w)
        return diag_nomem(d);
    w->spec = op->step->aggregate.window;
    arena_init(&w->scratch, 0);
    bool session = w->spec.kind == WINDOW_SESSION;
    return agg_open(&w->agg, op,
                    (struct store_options){.kind = session ? STORE_SESSION : STORE_WINDOWED,
                                           .retention = w->spec.retention,
                                           .gap = session ? w->spec.size : 0},
                    d);
}

void windowed_close(struct op *op)
{
    struct windowed *w = op->state;
    agg_close(&w->agg);
    arena_free(&w->scratch);
}

/* Emits what was closed since this was done last: windows by their start, sessions by their end. */
static enum status close_passed(struct windowed *w, const struct agg_row *r, struct diag *d)
{
    struct store *s = w->agg.op->store;
    struct store_marks *marks = store_marks(s);
    bool session = w->spec.kind == WINDOW_SESSION;
    int64_t close = marks->observed - w->spec.grace - (session ? w->spec.size : 0);
    int64_t before = session ? 1 : w->spec.size; /* what starts (ends) so long before `close` is closed */
    int64_t hi = close - before, lo = marks->closed == INT64_MIN ? 0 : marks->closed - before + 1;
    if (hi < lo)
        return STATUS_OK;
    marks->closed = close;
    if (!store_may_hold(s, lo, hi))
        return STATUS_OK;
    enum status st = agg_add_closed(&w->agg, lo, hi, &w->scratch, r->b->headers ? r->b->headers[r->row] : NULL, d);
    arena_clear(&w->scratch);
    return st;
}

enum status windowed_push(struct op *op, struct batch *b, const struct windowed_rows *rows, uint64_t windows,
                          struct diag *d)
{
    struct windowed *w = op->state;
    struct store_marks *marks = store_marks(op->store);
    struct str *keys;
    uint64_t *hashes;
    windows *= b->n_selected;
    w->agg.expected = windows > BATCH_ROWS ? BATCH_ROWS : (uint32_t)windows;
    if (keys_encode(w->agg.input->columns, w->agg.input->n_keys, b, &b->arena, &keys, &hashes) != STATUS_OK)
        return diag_nomem(d);
    BATCH_EACH (b, i, row) {
        const struct agg_row r = {.b = b, .row = row, .key = keys[i], .hash = hashes[i], .now = b->columns};
        uint32_t ahead = i + 8;
        enum status st = STATUS_OK;
        if (!r.key.p)
            continue;
        if (ahead < b->n_selected)
            rows->prefetch(w, b->ts[b->selection ? b->selection[ahead] : ahead], hashes[ahead]);
        if (b->ts[row] > marks->observed)
            marks->observed = b->ts[row];
        if (!b->null_value || !b->null_value[row])
            st = rows->add(w, &r, marks->observed, d);
        if (st == STATUS_OK && w->spec.emit_final)
            st = close_passed(w, &r, d);
        if (st != STATUS_OK)
            return st;
    }
    return agg_emit(&w->agg, d);
}
