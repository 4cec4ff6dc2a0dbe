/* GROUP BY with a SESSION window. A row joins all sessions of its key that it touches into one; the joined ones are
 * removed (a tombstone each), unless the row falls on a session of a single point. Late is judged by the end of the
 * joined session.
 *
 * EMIT FINAL: nothing from rows; every row may close sessions: all those whose end was passed by gap and grace, in the
 * order of (end, start, key). */
#include "exec/op/agg.h"

struct sessions {
    struct agg agg;
    struct window_spec spec;
    struct arena scratch;
    char *fixed; /* the joined state */
    bool emit;
    uint32_t expected; /* results of the batch at hand: a guess */
};

static enum status session_open(struct op *op, struct diag *d)
{
    struct sessions *w = ARENA_NEW(&op->task->arena, struct sessions);
    op->state = w;
    if (!w)
        return diag_nomem(d);
    w->spec = op->step->aggregate.window;
    w->emit = !w->spec.emit_final && !op_coalesces(op);
    arena_init(&w->scratch, 0);
    enum status st =
        agg_open(&w->agg, op,
                 (struct store_options){.kind = STORE_SESSION, .retention = w->spec.retention, .gap = w->spec.size}, d);
    if (st != STATUS_OK)
        return st;
    w->fixed = arena_zalloc(&op->task->arena, w->agg.fixed_size);
    return w->fixed ? STATUS_OK : diag_nomem(d);
}

static void session_close(struct op *op)
{
    struct sessions *w = op->state;
    agg_close(&w->agg);
    arena_free(&w->scratch);
}

struct current {
    struct batch *b;
    uint32_t row;
    struct str key;
    uint64_t hash;
    int64_t ts;
    struct session **found;
    uint32_t n_found;
    int64_t start, end; /* of the joined session */
};

/* Headers do not go with results of rows: Kafka Streams has them not either. */
static enum status emit_removed(struct sessions *w, const struct current *c, const struct session *s, struct diag *d)
{
    struct agg *g = &w->agg;
    enum status st = agg_room(g, w->expected, c->b, d);
    if (st != STATUS_OK)
        return st;
    uint32_t at = rows_add(&g->out, s->end);
    agg_copy_row(g, g->out.b, at, c->b->columns, c->row);
    for (uint32_t i = g->out.schema->n_keys; i < g->out.schema->n_columns; i++)
        column_set_null(&g->out.b->columns[i], at);
    g->out.kinds[at] = ROW_DELETE;
    g->out.start[at] = s->start;
    g->out.end[at] = s->end;
    if (!g->op->emits_before)
        return st;
    const struct entry *e = &s->entry;
    return agg_before(g, at, c->b->columns, c->row, e->fixed, str_make(e->var, e->var_len), e->ts, d);
}

/* The state before the row: that of a one-point session that the row falls on is the only one that is not removed. */
static enum status begin_result(struct sessions *w, const struct current *c, struct diag *d)
{
    const struct entry *same = c->n_found && c->start == c->end ? &c->found[0]->entry : NULL;
    return agg_begin(&w->agg, w->expected, c->b, c->row, same, d);
}

static enum status emit_result(struct sessions *w, const struct current *c, struct diag *d)
{
    struct agg *g = &w->agg;
    uint32_t at = rows_add(&g->out, c->end);
    agg_copy_row(g, g->out.b, at, c->b->columns, c->row);
    g->out.start[at] = c->start;
    g->out.end[at] = c->end;
    return agg_results(g, w->fixed, g->out.b, at, d);
}

static enum status join_found(struct sessions *w, const struct current *c, struct diag *d)
{
    agg_init(&w->agg, w->fixed);
    for (uint32_t i = 0; i < c->n_found; i++) {
        const struct entry *e = &c->found[i]->entry;
        enum status st = agg_merge(&w->agg, w->fixed, e->fixed, str_make(e->var, e->var_len), d);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

static enum status remove_found(struct sessions *w, const struct current *c, struct diag *d)
{
    for (uint32_t i = 0; i < c->n_found; i++)
        if (!store_remove_session(w->agg.op->store, c->found[i]))
            return diag_nomem(d);
    return STATUS_OK;
}

static enum status put_session(struct sessions *w, const struct current *c, struct diag *d)
{
    bool created;
    struct session *s = store_put_session(w->agg.op->store, c->key, c->hash, c->start, c->end, &created);
    if (!s)
        return diag_nomem(d);
    memcpy(s->entry.fixed, w->fixed, w->agg.fixed_size);
    s->entry.ts = c->end;
    return agg_save(&w->agg, &s->entry, c->b->columns, c->row, d);
}

static enum status find_sessions(struct sessions *w, struct current *c, struct diag *d)
{
    int64_t gap = w->spec.size;
    arena_clear(&w->scratch);
    if (store_sessions(w->agg.op->store, c->key, c->hash, c->ts < INT64_MIN + gap ? INT64_MIN : c->ts - gap,
                       c->ts > INT64_MAX - gap ? INT64_MAX : c->ts + gap, &w->scratch, &c->found,
                       &c->n_found) != STATUS_OK)
        return diag_nomem(d);
    c->start = c->end = c->ts;
    for (uint32_t i = 0; i < c->n_found; i++) {
        if (c->found[i]->start < c->start)
            c->start = c->found[i]->start;
        if (c->found[i]->end > c->end)
            c->end = c->found[i]->end;
    }
    return STATUS_OK;
}

/* The states of found sessions are needed until they are removed, the joined one from then on: the variable states live
 * in the kernel, so tombstones go out before the joining. */
static enum status add_row(struct sessions *w, struct current *c, int64_t observed, struct diag *d)
{
    enum status st = STATUS_OK;
    TRY(find_sessions(w, c, d));
    if (c->end < observed - w->spec.grace - w->spec.size)
        return st; /* too late */
    bool removes = c->n_found && c->start != c->end;
    if (removes && w->emit)
        for (uint32_t i = 0; i < c->n_found; i++)
            TRY(emit_removed(w, c, c->found[i], d));
    if (w->emit)
        TRY(begin_result(w, c, d));
    TRY(join_found(w, c, d));
    if (removes)
        TRY(remove_found(w, c, d));
    TRY(agg_step(&w->agg, w->fixed, c->b->columns, c->row, false, d));
    TRY(put_session(w, c, d));
    if (w->emit)
        TRY(emit_result(w, c, d));
done:
    return st;
}

/* ---- closing -------------------------------------------------------------------------------------------- */

static enum status emit_closed(struct sessions *w, int64_t lo, int64_t hi, const struct headers *headers,
                               struct diag *d)
{
    struct entry_ref *refs;
    size_t n;
    arena_clear(&w->scratch);
    enum status st = store_collect(w->agg.op->store, lo, hi, &w->scratch, &refs, &n, d);
    for (size_t i = 0; i < n && st == STATUS_OK; i++) {
        const struct entry *e = refs[i].entry;
        struct agg_stored x = {.key = entry_key(e),
                               .start = refs[i].start,
                               .end = refs[i].end,
                               .ts = refs[i].end,
                               .fixed = e->fixed,
                               .var = str_make(e->var, e->var_len)};
        st = agg_add_stored(&w->agg, &x, n - i > BATCH_ROWS ? BATCH_ROWS : (uint32_t)(n - i), headers, d);
    }
    return st == STATUS_OK && headers ? agg_emit(&w->agg, d) : st;
}

static enum status close_sessions(struct sessions *w, const struct current *c, struct diag *d)
{
    struct store_marks *marks = store_marks(w->agg.op->store);
    int64_t close = marks->observed - w->spec.grace - w->spec.size, last = marks->closed;
    if (last != INT64_MIN && last >= close)
        return STATUS_OK;
    int64_t hi = close - 1, lo = last > 0 ? last : 0;
    if (hi < lo)
        return STATUS_OK;
    marks->closed = close;
    if (!store_may_hold(w->agg.op->store, lo, hi))
        return STATUS_OK;
    return emit_closed(w, lo, hi, c->b->headers ? c->b->headers[c->row] : NULL, d);
}

/* ---- the operator --------------------------------------------------------------------------------------- */

static enum status session_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct sessions *w = op->state;
    struct store_marks *marks = store_marks(op->store);
    struct str *keys;
    uint64_t *hashes;
    (void)port;
    w->expected = b->n_selected * 2;
    if (keys_encode(w->agg.input->columns, w->agg.input->n_keys, b, &b->arena, &keys, &hashes) != STATUS_OK)
        return diag_nomem(d);
    BATCH_EACH (b, i, row) {
        struct current c = {.b = b, .row = row, .key = keys[i], .hash = hashes[i], .ts = b->ts[row]};
        enum status st = STATUS_OK;
        if (!c.key.p)
            continue;
        if (i + 8 < b->n_selected)
            store_prefetch(store_table(op->store), hashes[i + 8]);
        if (c.ts > marks->observed)
            marks->observed = c.ts;
        w->agg.seq = ++marks->seq;
        if (!b->null_value || !b->null_value[row])
            st = add_row(w, &c, marks->observed, d);
        if (st == STATUS_OK && w->spec.emit_final)
            st = close_sessions(w, &c, d);
        if (st != STATUS_OK)
            return st;
    }
    return agg_emit(&w->agg, d);
}

static enum status session_flush(struct op *op, struct diag *d)
{
    struct sessions *w = op->state;
    return agg_flush(&w->agg, 0, op_coalesces(op) && !w->spec.emit_final, d);
}

const struct op_def op_session_aggregate = {
    .name = "session aggregate",
    .before = BEFORE_UNUSED,
    .open = session_open,
    .push = session_push,
    .flush = session_flush,
    .close = session_close,
};
