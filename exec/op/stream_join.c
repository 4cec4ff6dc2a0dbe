/* Stream-stream joins: each row of an input is paired with the rows of the other that have its key and are near enough
 * in time, in the order of (time, arrival); a pair has the later time, and the headers of the row that came.
 *
 * What becomes of a row of an outer side without a partner: without GRACE PERIOD it goes on alone, at once. With it, it
 * waits (stream_join_pending.c) until the time of both inputs, T, has passed the end of its window and the grace, and
 * goes on when a row arrives that is not behind T; in front of what that row makes. When waiting rows are looked at is
 * told by the marks of their store: `observed` is T, and `closed` the time from which on some may be due. */
#include "exec/key.h"
#include "exec/op/stream_join.h"
#include "formats/row.h"

enum { AHEAD = 8 /* rows between a prefetch and its use */, KEEP_HITS = 1024 };

struct stream_join {
    struct op *op;
    struct join_side *sides[2];
    bool outer[2];
    bool waits;             /* rows without a partner wait */
    int64_t back[2], on[2]; /* how far partners of a side's row may be before and behind it */
    struct pending pending;
    struct join_hits hits;
    struct row_builder out;
    struct join_copy *keys;
    struct column *columns[2]; /* of `out`: those of each side's cells */
    struct buf row;            /* scratch */
};

struct arrival { /* a row that has come */
    struct batch *b;
    uint32_t row, port;
    uint32_t more; /* of its batch, with it */
    struct str key;
    uint64_t hash;
    int64_t ts;
};

/* ---- life ---------------------------------------------------------------------------------------------- */

static enum status join_open(struct op *op, struct diag *d)
{
    struct stream_join *j = ARENA_NEW(&op->task->arena, struct stream_join);
    const struct step *s = op->step;
    op->state = j;
    if (!j)
        return diag_nomem(d);
    j->op = op;
    for (int port = 0; port < 2; port++) {
        j->sides[port] = op->inputs[port]->state;
        j->columns[port] = ARENA_ARRAY(&op->task->arena, struct column, j->sides[port]->cells.n);
        if (!j->columns[port])
            return diag_nomem(d);
    }
    j->keys = ARENA_ARRAY(&op->task->arena, struct join_copy, s->schema.n_keys);
    if (!j->keys)
        return diag_nomem(d);
    for (uint32_t c = 0; c < s->schema.n_keys; c++)
        j->keys[c] =
            (struct join_copy){(uint16_t)c, (uint16_t)c, (uint32_t)type_cell_size(s->schema.columns[c].type->kind)};
    j->outer[0] = s->join.outer != OUTER_NONE;
    j->outer[1] = s->join.outer == OUTER_BOTH;
    j->waits = s->join.pending_store != NULL;
    j->back[0] = j->on[1] = s->join.before;
    j->on[0] = j->back[1] = s->join.after;
    j->out = (struct row_builder){.op = op, .schema = &s->schema, .null_keys = j->outer[0]};
    buf_init(&j->row, 0);
    if (!j->waits)
        return STATUS_OK;
    int64_t longest = j->on[0] > j->on[1] ? j->on[0] : j->on[1];
    return pending_open(&j->pending, op, s->join.pending_store, time_add(longest, s->join.grace), d);
}

static void join_close(struct op *op)
{
    struct stream_join *j = op->state;
    rows_drop(&j->out);
    buf_free(&j->row);
    mem_free(j->hits.items);
    if (j->waits)
        pending_close(&j->pending);
}

/* ---- results --------------------------------------------------------------------------------------------- */

/* The next row of the output, emitting a full batch. Cells of the arriving batch may be borrowed. `expected`: how many
 * rows are to come, with this one. */
static enum status add_row(struct stream_join *j, const struct arrival *r, int64_t ts, uint32_t expected, uint32_t *at,
                           struct diag *d)
{
    struct row_builder *out = &j->out;
    if (rows_full(out)) {
        enum status st = rows_emit(out, d);
        if (st != STATUS_OK)
            return st;
    }
    if (!out->b) {
        out->windowed = r->b->window_start != NULL;
        if (!rows_begin(out, expected) || !batch_own(out->b, batch_keep(r->b), batch_drop))
            return diag_nomem(d);
        for (int port = 0; port < 2; port++) {
            const struct join_cells *cells = &j->sides[port]->cells;
            for (uint32_t i = 0; i < cells->n; i++)
                j->columns[port][i] = out->b->columns[cells->cells[i].to];
        }
    }
    *at = rows_add(out, ts);
    if (r->b->headers && r->b->headers[r->row]) {
        out->headers[*at] = r->b->headers[r->row];
        out->any_headers = true;
    }
    return STATUS_OK;
}

static void copy_cells(struct batch *to, uint32_t at, const struct column *from, uint32_t row,
                       const struct join_copy *cells, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct column *source = &from[cells[i].from];
        struct column *target = &to->columns[cells[i].to];
        if (column_is_null(source, row)) {
            column_set_null(target, at);
            continue;
        }
        switch (cells[i].size) {
        case 1:
            target->u8[at] = source->u8[row];
            break;
        case 4:
            target->i32[at] = source->i32[row];
            break;
        case 8:
            target->i64[at] = source->i64[row];
            break;
        default:
            target->i128[at] = source->i128[row]; /* texts, too */
        }
    }
}

/* Key, window and the arriving side's columns of an output row. */
static void put_arrival(struct stream_join *j, const struct arrival *r, uint32_t at)
{
    struct row_builder *out = &j->out;
    const struct join_cells *own = &j->sides[r->port]->cells;
    copy_cells(out->b, at, r->b->columns, r->row, j->keys, out->schema->n_keys);
    if (out->windowed) {
        out->start[at] = r->b->window_start[r->row];
        out->end[at] = r->b->window_end[r->row];
    }
    copy_cells(out->b, at, r->b->columns, r->row, own->cells, own->n);
    copy_cells(out->b, at, r->b->columns, r->row, own->keys, own->n_keys);
}

/* A side's columns of an output row, whose key is there, from a row as it is kept. */
static enum status put_kept(struct stream_join *j, uint32_t port, uint32_t at, struct str row, struct diag *d)
{
    const struct join_cells *cells = &j->sides[port]->cells;
    struct batch *b = j->out.b;
    copy_cells(b, at, b->columns, at, cells->keys, cells->n_keys);
    if (cells->n == 0)
        return STATUS_OK;
    struct str copy = str_make(arena_dup(&b->arena, row.p, row.len), row.len);
    struct row_cursor c = row_cursor(copy);
    if (copy.p && row_get_columns(&c, j->columns[port], cells->n, at, &b->arena))
        return STATUS_OK;
    return b->arena.failed ? diag_nomem(d) : diag_set(d, STATUS_DATA, "A row that a join kept cannot be read");
}

static void put_nobody(struct stream_join *j, uint32_t port, uint32_t at)
{
    const struct join_cells *cells = &j->sides[port]->cells;
    for (uint32_t i = 0; i < cells->n; i++)
        column_set_null(&j->out.b->columns[cells->cells[i].to], at);
    for (uint32_t i = 0; i < cells->n_keys; i++)
        column_set_null(&j->out.b->columns[cells->keys[i].to], at);
}

static enum status emit_pair(struct stream_join *j, const struct arrival *r, const struct join_hit *hit,
                             uint32_t expected, struct diag *d)
{
    uint32_t at = 0;
    enum status st = add_row(j, r, r->ts > hit->ts ? r->ts : hit->ts, expected, &at, d);
    if (st != STATUS_OK)
        return st;
    put_arrival(j, r, at);
    return put_kept(j, !r->port, at, str_make(hit->row, hit->len), d);
}

static enum status emit_alone(struct stream_join *j, const struct arrival *r, struct diag *d)
{
    uint32_t at = 0;
    enum status st = add_row(j, r, r->ts, r->more, &at, d);
    if (st != STATUS_OK)
        return st;
    put_arrival(j, r, at);
    put_nobody(j, !r->port, at);
    if (!r->key.p) {
        j->out.null_key[at] = 1;
        j->out.any_null_key = true;
    }
    return STATUS_OK;
}

/* ---- rows that wait ------------------------------------------------------------------------------------------ */

static enum status put_waited(struct stream_join *j, uint32_t side, uint32_t at, struct str key, struct str row,
                              struct diag *d)
{
    struct row_builder *out = &j->out;
    if (out->windowed) {
        key.len -= KEY_BOUNDS;
        memcpy(&out->start[at], key.p + key.len, 8);
        memcpy(&out->end[at], key.p + key.len + 8, 8);
    }
    key.p = arena_dup(&out->b->arena, key.p, key.len);
    if (!key.p || !key_decode(key, out->schema->n_keys, out->b->columns, at, &out->b->arena))
        return diag_nomem(d);
    put_nobody(j, !side, at);
    return put_kept(j, side, at, row, d);
}

/* All rows of an entry that waits; it is taken away. */
static enum status emit_waited(struct stream_join *j, const struct arrival *r, uint32_t side, struct entry *e,
                               struct diag *d)
{
    struct row_cursor c = row_cursor(str_make(e->var, e->var_len));
    while (c.p < c.end) {
        uint64_t len;
        uint32_t at;
        if (!row_get_varint(&c, &len) || len > (size_t)(c.end - c.p))
            return diag_set(d, STATUS_DATA, "A row that waits for a partner cannot be read");
        enum status st = add_row(j, r, e->ts, r->more, &at, d);
        if (st == STATUS_OK)
            st = put_waited(j, side, at, pending_key(e), str_make(c.p, len), d);
        if (st != STATUS_OK)
            return st;
        c.p += len;
    }
    return pending_remove(&j->pending, side, e->ts, pending_key(e)) ? STATUS_OK : diag_nomem(d);
}

/* The first entry of the outer sides that are not `open`, by time, the right side's before the left's. */
static enum status first_waiting(struct stream_join *j, const bool open[2], struct entry **e, uint32_t *side,
                                 struct diag *d)
{
    *e = NULL;
    for (uint32_t port = 0; port < 2; port++) {
        struct entry *first = NULL;
        if (!j->outer[port] || open[port])
            continue;
        enum status st = pending_first(&j->pending, port, &first, d);
        if (st != STATUS_OK)
            return st;
        if (first && (!*e || first->ts <= (*e)->ts)) {
            *e = first;
            *side = port;
        }
    }
    return STATUS_OK;
}

/* Emits what waits and is due. The waiting rows are seen as one list, by time; its end, for the next time to look, is
 * the row by which both sides have shown one that is not due. */
static enum status emit_due(struct stream_join *j, const struct arrival *r, struct store_marks *marks, struct diag *d)
{
    int64_t grace = j->op->step->join.grace, seen = INT64_MIN;
    bool open[2] = {false, false};
    if (time_add(time_add(marks->closed, j->on[r->port]), grace) >= marks->observed)
        return STATUS_OK;
    while (!(open[0] && open[1])) {
        struct entry *e;
        uint32_t side = 0;
        enum status st = first_waiting(j, open, &e, &side, d);
        if (st != STATUS_OK)
            return st;
        if (!e)
            break;
        if (e->ts > seen)
            seen = e->ts;
        open[side] = time_add(time_add(e->ts, j->on[side]), grace) >= marks->observed;
        if (!open[side] && (st = emit_waited(j, r, side, e, d)) != STATUS_OK)
            return st;
    }
    if (open[0] != open[1]) { /* all rows were seen; those left are of one side */
        int64_t last;
        enum status st = pending_last(&j->pending, open[1], &last, d);
        if (st != STATUS_OK)
            return st;
        seen = last > seen ? last : seen;
    }
    marks->closed = seen == INT64_MIN ? INT64_MAX : seen;
    return STATUS_OK;
}

static enum status wait(struct stream_join *j, const struct arrival *r, struct store_marks *marks, struct diag *d)
{
    const struct join_cells *own = &j->sides[r->port]->cells;
    j->row.len = 0;
    if (own->n)
        row_put_columns(&j->row, own->scratch, own->n, r->row);
    if (j->row.failed || !pending_put(&j->pending, r->port, r->ts, r->key, buf_str(&j->row)))
        return diag_nomem(d);
    if (r->ts < marks->closed)
        marks->closed = r->ts;
    return STATUS_OK;
}

/* ---- rows that come ------------------------------------------------------------------------------------------ */

static enum status emit_pairs(struct stream_join *j, const struct arrival *r, struct diag *d)
{
    uint32_t other = !r->port;
    int64_t lo = r->ts < INT64_MIN + j->back[r->port] ? INT64_MIN : r->ts - j->back[r->port];
    enum status st = side_find(j->sides[other], r->key, r->hash, lo, time_add(r->ts, j->on[r->port]), &j->hits, d);
    for (uint32_t i = 0; i < j->hits.n && st == STATUS_OK; i++) {
        const struct join_hit *hit = &j->hits.items[i];
        if (j->waits && j->outer[other] && !pending_remove(&j->pending, other, hit->ts, r->key))
            return diag_nomem(d);
        uint32_t left = j->hits.n - i;
        st = emit_pair(j, r, hit, left > r->more ? left : r->more, d);
    }
    return st;
}

static enum status take_row(struct stream_join *j, const struct arrival *r, struct diag *d)
{
    struct store_marks *marks = j->waits ? store_marks(j->op->store) : NULL;
    bool outer = j->outer[r->port];
    if (marks && r->ts > marks->observed)
        marks->observed = r->ts;
    if (r->b->null_value && r->b->null_value[r->row])
        return STATUS_OK;
    if (!r->key.p)
        return outer ? emit_alone(j, r, d) : STATUS_OK;
    enum status st = marks && r->ts == marks->observed ? emit_due(j, r, marks, d) : STATUS_OK;
    if (st == STATUS_OK)
        st = emit_pairs(j, r, d);
    if (st != STATUS_OK || j->hits.n || !outer)
        return st;
    if (!marks || time_add(r->ts, j->on[r->port]) < marks->observed)
        return emit_alone(j, r, d);
    return wait(j, r, marks, d);
}

static enum status join_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct stream_join *j = op->state;
    const struct join_side *own = j->sides[port];
    struct arrival r = {.b = b, .port = port};
    enum status st = STATUS_OK;
    if (j->waits && store_marks(op->store)->closed == INT64_MIN)
        store_marks(op->store)->closed = INT64_MAX; /* nothing waits */
    BATCH_EACH (b, i, row) {
        if (i + AHEAD < b->n_selected)
            side_prefetch(j->sides[!port], b->ts[b->selection ? b->selection[i + AHEAD] : i + AHEAD],
                          own->hashes[i + AHEAD]);
        r.row = row;
        r.more = b->n_selected - i;
        r.key = own->keys[i];
        r.hash = own->hashes[i];
        r.ts = b->ts[row];
        TRY(take_row(j, &r, d));
    }
    TRY(rows_emit(&j->out, d));
done:
    rows_drop(&j->out);
    return st;
}

static enum status join_flush(struct op *op, struct diag *d)
{
    struct stream_join *j = op->state;
    if (j->hits.cap > KEEP_HITS) { /* a burst */
        mem_free(j->hits.items);
        j->hits = (struct join_hits){0};
    }
    if (!j->waits)
        return STATUS_OK;
    pending_flushing(&j->pending);
    enum status st = op_flush_store(op, d);
    pending_flushed(&j->pending);
    return st;
}

const struct op_def op_stream_stream_join = {
    .name = "stream-stream join",
    .before = BEFORE_UNUSED,
    .open = join_open,
    .push = join_push,
    .flush = join_flush,
    .close = join_close,
};
