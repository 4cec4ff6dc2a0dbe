/* A side of a stream-stream join: puts the rows of its input into its store and hands them on, and finds those of the other
 * side's keys. What is kept is in stream_join.h. */
#include "exec/key.h"
#include "exec/op/stream_join.h"
#include "formats/row.h"

#include <stdlib.h>

enum {
    AHEAD = 8,         /* rows between a prefetch and its use */
    MOVED = 2,         /* the first byte of keys of moved chunks; those of rows begin with 0 or 1 */
    ROOM_IN_FRONT = 2 * VARINT_MAX,
};

struct chunk { /* the fixed part of an entry; its ts is not below any of its rows' */
    uint32_t min;     /* nor is this, a time within the bucket, above any */
    uint32_t n_moved; /* chunks of the key and bucket */
};

static uint32_t clip(int64_t offset)
{
    return offset > UINT32_MAX ? UINT32_MAX : (uint32_t)offset;
}

static struct chunk *chunk_of(struct entry *e)
{
    return (struct chunk *)(void *)e->fixed;
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static bool list_cells(struct join_cells *cells, const struct step *s, uint32_t port, struct arena *a)
{
    uint32_t n_keys = s->inputs[port]->schema.n_keys, n = s->schema.n_columns - s->schema.n_keys;
    cells->cells = ARENA_ARRAY(a, struct join_copy, n);
    cells->keys = ARENA_ARRAY(a, struct join_copy, n);
    cells->scratch = ARENA_ARRAY(a, struct column, n);
    for (uint32_t i = 0; i < n && !a->failed; i++) {
        const struct join_column *c = &s->join.columns[i];
        if (c->input != port)
            continue;
        const struct join_copy copy = {(uint16_t)c->column, (uint16_t)(s->schema.n_keys + i),
                                       (uint32_t)type_cell_size(s->inputs[port]->schema.columns[c->column].type->kind)};
        if (c->column < n_keys)
            cells->keys[cells->n_keys++] = copy;
        else
            cells->cells[cells->n++] = copy;
    }
    return !a->failed;
}

/* Buckets: an eighth of what is kept, so that little is kept longer than needed; but where rows are kept much longer than
 * partners may be apart, not many times that, or a busy key's rows of long ago would be passed over by every look; and where
 * they are not, at least half of it, so that few buckets are looked at. */
static unsigned bucket_shift(int64_t apart, int64_t retention)
{
    int64_t width = retention / 8;
    if (width / 4 > apart)
        width = apart * 4;
    if (width < retention / 4096)
        width = retention / 4096;
    if (width < apart / 2)
        width = apart / 2;
    unsigned shift = 0;
    while (shift < 62 && INT64_C(1) << shift < width)
        shift++;
    return shift;
}

static enum status side_open(struct op *op, struct diag *d)
{
    struct join_side *s = ARENA_NEW(&op->task->arena, struct join_side);
    const struct step *step = op->step;
    op->state = s;
    if (!s || !list_cells(&s->cells, step, op->port, &op->task->arena))
        return diag_nomem(d);
    int64_t apart = time_add(step->join.before, step->join.after);
    s->op = op;
    s->retention = time_add(apart, step->join.grace);
    s->shift = bucket_shift(apart, s->retention);
    buf_init(&s->row, 0);
    buf_init(&s->key, 0);
    return op_store(op,
                    (struct store_options){.name = join_side_store(step, op->port),
                                           .kind = STORE_WINDOWED,
                                           .fixed_size = sizeof(struct chunk),
                                           .retention = time_add(s->retention, (INT64_C(1) << s->shift) - 1)},
                    d);
}

static void side_close(struct op *op)
{
    struct join_side *s = op->state;
    buf_free(&s->row);
    buf_free(&s->key);
}

/* ---- buckets ------------------------------------------------------------------------------------------------- */

static int64_t bucket_start(const struct join_side *s, int64_t ts)
{
    return (int64_t)((uint64_t)ts >> s->shift << s->shift);
}

static struct table *bucket_table(struct join_side *s, int64_t start, bool create)
{
    struct side_window *w = &s->windows[(uint64_t)start >> s->shift & (SIDE_WINDOWS - 1)];
    if (w->known && w->start == start && (w->table || !create))
        return w->table;
    *w = (struct side_window){.start = start, .known = true, .table = store_window(s->op->store, start, create)};
    return w->table;
}

/* Times below are not found any more. */
static int64_t side_horizon(const struct join_side *s)
{
    int64_t observed = store_marks(s->op->store)->observed;
    return observed < INT64_MIN + s->retention ? INT64_MIN : observed - s->retention + 1;
}

void side_prefetch(struct join_side *s, int64_t ts, uint64_t hash)
{
    const struct table *t = bucket_table(s, bucket_start(s, ts), false);
    if (t)
        store_prefetch(t, hash);
}

void side_prefetch_entry(struct join_side *s, int64_t ts, uint64_t hash)
{
    const struct table *t = bucket_table(s, bucket_start(s, ts), false);
    if (t)
        store_prefetch_entry(t, hash);
}

static struct str moved_key(struct join_side *s, uint32_t number, struct str key, uint64_t *hash)
{
    s->key.len = 0;
    buf_putc(&s->key, MOVED);
    buf_put(&s->key, &number, sizeof number);
    buf_puts(&s->key, key);
    *hash = key_hash(buf_str(&s->key));
    return s->key.failed ? str_make(NULL, 0) : buf_str(&s->key);
}

/* ---- putting ------------------------------------------------------------------------------------------------- */

/* A row as it is kept, in s->row. */
static struct str encode_row(struct join_side *s, int64_t offset, uint32_t row)
{
    char head[ROOM_IN_FRONT];
    s->row.len = 0;
    if (!buf_reserve(&s->row, ROOM_IN_FRONT))
        return str_make(NULL, 0);
    s->row.len = ROOM_IN_FRONT;
    if (s->cells.n)
        row_put_columns(&s->row, s->cells.scratch, s->cells.n, row);
    if (s->row.failed)
        return str_make(NULL, 0);
    char *end = varint_put(varint_put(head, (uint64_t)offset), s->row.len - ROOM_IN_FRONT);
    size_t n = (size_t)(end - head), at = ROOM_IN_FRONT - n;
    memcpy(s->row.p + at, head, n);
    return str_make(s->row.p + at, s->row.len - at);
}

static bool move_chunk(struct join_side *s, struct table *t, int64_t start, struct str key, struct entry *e)
{
    struct store *store = s->op->store;
    struct chunk *chunk = chunk_of(e);
    uint64_t hash;
    bool created;
    struct str moved = moved_key(s, chunk->n_moved + 1, key, &hash);
    struct entry *to = moved.p ? store_put(store, t, start, moved, hash, &created) : NULL;
    if (!to || !store_touch(store, t, start, to, !created) || !store_set_var(store, to, e->var, e->var_len))
        return false;
    *chunk_of(to) = (struct chunk){.min = chunk->min};
    to->ts = e->ts;
    *chunk = (struct chunk){.min = UINT32_MAX, .n_moved = chunk->n_moved + 1};
    return store_set_var(store, e, NULL, 0);
}

static bool put_row(struct join_side *s, int64_t ts, struct str key, uint64_t hash, uint32_t row)
{
    struct store *store = s->op->store;
    struct store_marks *marks = store_marks(store);
    if (ts < side_horizon(s))
        return true;
    if (ts > marks->observed)
        marks->observed = ts;
    int64_t start = bucket_start(s, ts);
    struct table *t = bucket_table(s, start, true);
    bool created = false;
    struct entry *e = t ? store_put(store, t, start, key, hash, &created) : NULL;
    struct str bytes = encode_row(s, ts - start, row);
    if (!e || !bytes.p || !store_touch(store, t, start, e, !created))
        return false;
    if (created)
        *chunk_of(e) = (struct chunk){.min = UINT32_MAX};
    if (e->var_len && e->var_len + bytes.len > SIDE_CHUNK && !move_chunk(s, t, start, key, e))
        return false;
    if (!store_append_var(store, e, bytes.p, bytes.len))
        return false;
    if (e->var_len == bytes.len || ts > e->ts)
        e->ts = ts;
    if (clip(ts - start) < chunk_of(e)->min)
        chunk_of(e)->min = clip(ts - start);
    return true;
}

static enum status side_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct join_side *s = op->state;
    const struct schema *schema = &op->step->inputs[op->port]->schema;
    (void)port;
    if (keys_encode(schema->columns, schema->n_keys, b, &b->arena, &s->keys, &s->hashes) != STATUS_OK ||
        (b->window_start && keys_add_bounds(b, &b->arena, s->keys, s->hashes) != STATUS_OK))
        return diag_nomem(d);
    for (uint32_t c = 0; c < s->cells.n; c++)
        s->cells.scratch[c] = b->columns[s->cells.cells[c].from];
    BATCH_EACH (b, i, row) {
        if (i + AHEAD < b->n_selected)
            side_prefetch(s, b->ts[b->selection ? b->selection[i + AHEAD] : i + AHEAD], s->hashes[i + AHEAD]);
        if (s->keys[i].p && !(b->null_value && b->null_value[row]) &&
            !put_row(s, b->ts[row], s->keys[i], s->hashes[i], row))
            return diag_nomem(d);
    }
    return op_emit(op, b, d);
}

static enum status side_flush(struct op *op, struct diag *d)
{
    struct join_side *s = op->state;
    memset(s->windows, 0, sizeof s->windows);
    return op_flush_store(op, d);
}

/* ---- finding ------------------------------------------------------------------------------------------------- */

static bool add_hit(struct join_hits *hits, struct join_hit hit)
{
    if (hits->n == hits->cap) {
        uint32_t cap = hits->cap ? hits->cap * 2 : 16;
        struct join_hit *items = mem_realloc(hits->items, (size_t)cap * sizeof *items);
        if (!items)
            return false;
        hits->items = items;
        hits->cap = cap;
    }
    hits->unordered |= hits->n && hit.ts < hits->items[hits->n - 1].ts;
    hit.number = hits->n;
    hits->items[hits->n++] = hit;
    return true;
}

static enum status find_in(const struct join_side *s, struct entry *e, int64_t start, int64_t lo, int64_t hi,
                           struct join_hits *hits, struct diag *d)
{
    struct row_cursor c = row_cursor(str_make(e->var, e->var_len));
    if (e->ts < lo || start + chunk_of(e)->min > hi)
        return STATUS_OK;
    while (c.p < c.end) {
        uint64_t offset, len;
        if (!row_get_varint(&c, &offset) || !row_get_varint(&c, &len) || len > (size_t)(c.end - c.p))
            return diag_set(d, STATUS_DATA, "Rows of the store %s cannot be read", store_name(s->op->store));
        int64_t ts = start + (int64_t)offset;
        if (ts >= lo && ts <= hi && !add_hit(hits, (struct join_hit){.ts = ts, .row = c.p, .len = (uint32_t)len}))
            return diag_nomem(d);
        c.p += len;
    }
    return STATUS_OK;
}

static enum status find_in_bucket(struct join_side *s, struct table *t, int64_t start, struct str key, uint64_t hash,
                                  int64_t lo, int64_t hi, struct join_hits *hits, struct diag *d)
{
    struct store *store = s->op->store;
    struct entry *e = store_get(store, t, start, key, hash);
    if (!e)
        return STATUS_OK;
    for (uint32_t i = 1; i <= chunk_of(e)->n_moved; i++) {
        uint64_t moved_hash;
        struct str moved = moved_key(s, i, key, &moved_hash);
        if (!moved.p)
            return diag_nomem(d);
        struct entry *m = store_get(store, t, start, moved, moved_hash);
        enum status st = m ? find_in(s, m, start, lo, hi, hits, d) : STATUS_OK;
        if (st != STATUS_OK)
            return st;
    }
    return find_in(s, e, start, lo, hi, hits, d);
}

static int by_time_and_arrival(const void *a, const void *b)
{
    const struct join_hit *x = a, *y = b;
    if (x->ts != y->ts)
        return x->ts < y->ts ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

enum status side_find(struct join_side *s, struct str key, uint64_t hash, int64_t lo, int64_t hi, struct join_hits *hits,
                      struct diag *d)
{
    int64_t observed = store_marks(s->op->store)->observed, horizon = side_horizon(s);
    hits->n = 0;
    hits->unordered = false;
    lo = lo < horizon ? horizon : lo;
    hi = hi > observed ? observed : hi;
    if (lo > hi)
        return STATUS_OK;
    int64_t last = bucket_start(s, hi);
    for (int64_t start = bucket_start(s, lo); start <= last; start += INT64_C(1) << s->shift) {
        struct table *t = bucket_table(s, start, false);
        enum status st = t ? find_in_bucket(s, t, start, key, hash, lo, hi, hits, d) : STATUS_OK;
        if (st != STATUS_OK)
            return st;
    }
    if (hits->unordered)
        qsort(hits->items, hits->n, sizeof *hits->items, by_time_and_arrival);
    return STATUS_OK;
}

const struct op_def op_stream_join_side = {
    .name = "stream join side",
    .before = BEFORE_UNUSED,
    .open = side_open,
    .push = side_push,
    .flush = side_flush,
    .close = side_close,
};
