/* Materialised tables, see table_rows.h: entries hold ROW bytes of the value columns, then the offset (varint) where it
 * is read. */
#include "exec/op/table_rows.h"

#include "exec/key.h"
#include "formats/row.h"

struct table_rows {
    struct op *op;
    const struct schema *schema;
    struct buf bytes;
    bool windowed, silent, partition, offset, keeps_old;
};

enum status table_rows_open(struct op *op, const struct table_rows_options *options, struct table_rows **out,
                            struct diag *d)
{
    struct table_rows *t = ARENA_NEW(&op->task->arena, struct table_rows);
    *out = t;
    if (!t)
        return diag_nomem(d);
    t->op = op;
    t->schema = options->schema;
    t->windowed = options->windowed;
    t->silent = options->silent;
    t->partition = options->partition;
    t->offset = options->offset;
    t->keeps_old = op_coalesces(op) && (op->emits_before || options->old);
    buf_init(&t->bytes, 0);
    return op_store(op, (struct store_options){.name = options->store, .kind = STORE_KEYED, .keep_old = t->keeps_old},
                    d);
}

void table_rows_close(struct table_rows *t)
{
    if (t)
        buf_free(&t->bytes);
}

/* By place in the selection; NULL and no hash for rows without a key. */
static bool encode_keys(const struct table_rows *t, struct batch *b, struct str **keys, uint64_t **hashes)
{
    return keys_encode(t->schema->columns, t->schema->n_keys, b, &b->arena, keys, hashes) == STATUS_OK &&
           (!t->windowed || keys_add_bounds(b, &b->arena, *keys, *hashes) == STATUS_OK);
}

static struct str entry_bytes(const struct entry *e)
{
    return str_make(e->var ? e->var : "", e->var_len);
}

/* Room for what pseudo columns read of the rows. */
static bool add_places(const struct table_rows *t, struct batch *b, uint32_t n_rows)
{
    int32_t *partition = t->partition ? arena_alloc(&b->arena, n_rows * sizeof *partition + 1) : NULL;
    for (uint32_t row = 0; partition && row < n_rows; row++)
        partition[row] = t->op->task->partition;
    b->partition = partition;
    b->offset = t->offset ? arena_zalloc(&b->arena, n_rows * sizeof *b->offset + 1) : NULL;
    return !b->arena.failed;
}

/* ---- changes as they come -------------------------------------------------------------------------------- */

struct change_batch { /* a batch with room for the previous rows */
    struct batch *out;
    struct batch *before;
    uint8_t *has_before;
    int64_t *before_ts;
};

static bool begin_before(const struct table_rows *t, struct change_batch *c, struct batch *b)
{
    uint32_t n_columns = b->n_columns;
    c->out = batch_select(b, b->selection, b->n_selected);
    c->before = c->out ? batch_create(n_columns) : NULL;
    if (!c->before || !batch_own(c->out, c->before, batch_drop))
        return false;
    c->has_before = arena_zalloc(&c->before->arena, b->n_rows);
    c->before_ts = arena_zalloc(&c->before->arena, b->n_rows * sizeof *c->before_ts);
    for (uint32_t i = 0; i < n_columns; i++)
        if (!column_init(&c->before->columns[i], b->columns[i].type, b->n_rows, true, &c->before->arena))
            return false;
    c->before->n_rows = c->before->n_selected = b->n_rows;
    c->before->ts = c->before_ts;
    c->before->window_start = b->window_start;
    c->before->window_end = b->window_end;
    c->out->before = c->before;
    c->out->has_before = c->has_before;
    return c->has_before && c->before_ts && add_places(t, c->before, b->n_rows);
}

/* Value columns (and the offset) out of a store's bytes, which may change while the batch is still about. */
static bool copy_values(struct column *values, uint32_t n, int64_t *offset, uint32_t row, struct str bytes,
                        struct arena *a)
{
    struct str copy = str_make(arena_dup(a, bytes.p, bytes.len), bytes.len);
    struct row_cursor cursor = row_cursor(copy);
    uint64_t at;
    if (!copy.p || !row_get_columns(&cursor, values, n, row, a))
        return false;
    if (offset && row_get_varint(&cursor, &at))
        offset[row] = (int64_t)at;
    return true;
}

static bool copy_row(struct batch *to, const struct batch *keys, uint32_t n_keys, uint32_t row, struct str bytes)
{
    for (uint32_t c = 0; c < n_keys; c++) {
        struct value v = column_get(&keys->columns[c], row);
        column_set(&to->columns[c], row, &v);
    }
    return copy_values(to->columns + n_keys, to->n_columns - n_keys, (int64_t *)(uintptr_t)to->offset, row, bytes,
                       &to->arena);
}

static void null_row(struct batch *b, uint32_t row)
{
    for (uint32_t c = 0; c < b->n_columns; c++)
        column_set_null(&b->columns[c], row);
}

static bool note_before(struct change_batch *c, const struct batch *b, uint32_t n_keys, uint32_t row,
                        const struct entry *e)
{
    if (!e) {
        null_row(c->before, row);
        return true;
    }
    c->has_before[row] = 1;
    c->before_ts[row] = e->ts;
    return copy_row(c->before, b, n_keys, row, entry_bytes(e));
}

static bool apply(struct table_rows *t, const struct batch *b, uint32_t n_keys, uint32_t row, struct str key,
                  uint64_t hash, struct entry *e)
{
    struct store *s = t->op->store;
    struct table *table = store_table(s);
    if (b->kinds[row] == ROW_DELETE) {
        if (!e)
            return true;
        if (!store_remove(s, table, 0, e))
            return false;
        e->ts = b->ts[row]; /* of the tombstone */
        return true;
    }
    bool created = false;
    if (!e && !(e = store_put(s, table, 0, key, hash, &created)))
        return false;
    t->bytes.len = 0;
    row_put_columns(&t->bytes, b->columns + n_keys, b->n_columns - n_keys, row);
    if (t->offset)
        row_put_varint(&t->bytes, (uint64_t)b->offset[row]);
    if (t->bytes.failed || !store_touch(s, table, 0, e, !created) ||
        !store_set_var(s, e, t->bytes.p, (uint32_t)t->bytes.len))
        return false;
    e->ts = b->ts[row];
    return true;
}

enum status table_rows_push(struct table_rows *t, struct batch *b, struct diag *d)
{
    const struct schema *schema = t->schema;
    struct str *keys;
    uint64_t *hashes;
    struct change_batch c = {0};
    bool held = t->silent || op_coalesces(t->op), keep = t->op->emits_before && !held;
    if (!encode_keys(t, b, &keys, &hashes) || (keep && !begin_before(t, &c, b))) {
        batch_drop(c.out);
        return diag_nomem(d);
    }
    enum status st = STATUS_OK;
    BATCH_EACH (b, i, row) {
        if (i + 8 < b->n_selected)
            store_prefetch(store_table(t->op->store), hashes[i + 8]);
        struct entry *e = keys[i].p ? store_get(t->op->store, store_table(t->op->store), 0, keys[i], hashes[i]) : NULL;
        if (keep && !note_before(&c, b, schema->n_keys, row, e))
            TRY(diag_nomem(d));
        if (keys[i].p && !apply(t, b, schema->n_keys, row, keys[i], hashes[i], e))
            TRY(diag_nomem(d));
    }
    if (!held)
        st = op_emit(t->op, keep ? c.out : b, d);
done:
    batch_drop(c.out);
    return st;
}

/* ---- changes at flush ------------------------------------------------------------------------------------ */

/* A change's rows into the builder. The window's bounds are taken off the key. */
static bool add_change(struct table_rows *t, struct row_builder *r, const struct change *c)
{
    uint32_t n_keys = r->schema->n_keys, row = rows_add(r, c->entry->ts);
    struct str key = entry_key(c->entry);
    struct arena *a = &r->b->arena;
    if (t->windowed) {
        key.len -= KEY_BOUNDS;
        memcpy(&r->start[row], key.p + key.len, 8);
        memcpy(&r->end[row], key.p + key.len + 8, 8);
    }
    key.p = arena_dup(a, key.p, key.len);
    if (!key.p || !key_decode(key, n_keys, r->b->columns, row, a))
        return false;
    if (c->entry->flags & ENTRY_DEAD) {
        r->kinds[row] = ROW_DELETE;
        for (uint32_t i = n_keys; i < r->schema->n_columns; i++)
            column_set_null(&r->b->columns[i], row);
    } else if (!copy_row(r->b, r->b, n_keys, row, entry_bytes(c->entry))) {
        return false;
    }
    if (!r->b->before)
        return true;
    if (!c->old_fixed) {
        null_row(r->b->before, row);
        return true;
    }
    r->has_before[row] = 1;
    r->before_ts[row] = c->old_ts;
    return copy_row(r->b->before, r->b, n_keys, row, str_make(c->old_var, c->old_var_len));
}

static bool begin_rows(const struct table_rows *t, struct row_builder *r, uint32_t expected)
{
    if (r->b)
        return true;
    return rows_begin(r, expected) && add_places(t, r->b, r->cap) &&
           (!r->b->before || add_places(t, r->b->before, r->cap));
}

static enum status emit_changes(struct table_rows *t, struct diag *d)
{
    const struct store *s = t->op->store;
    struct row_builder r = {.op = t->op, .schema = t->schema, .windowed = t->windowed, .is_table = true};
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < store_changes(s); i++) {
        if (!change_counts(store_change(s, i)))
            continue;
        if (rows_full(&r))
            TRY(rows_emit(&r, d));
        if (!begin_rows(t, &r, store_changes(s) - i) || !add_change(t, &r, store_change(s, i)))
            TRY(diag_nomem(d));
    }
    TRY(rows_emit(&r, d));
done:
    rows_drop(&r);
    return st;
}

enum status table_rows_flush(struct table_rows *t, struct diag *d)
{
    enum status st = !t->silent && op_coalesces(t->op) ? emit_changes(t, d) : STATUS_OK;
    return st == STATUS_OK ? op_flush_store(t->op, d) : st;
}

/* ---- looking up ------------------------------------------------------------------------------------------ */

/* The row of a key, and when it is from. */
static bool find_row(struct table_rows *t, struct str key, uint64_t hash, bool handed_on, struct table_found *f,
                     uint32_t row, struct str *bytes)
{
    struct store *s = t->op->store;
    struct old_entry old;
    if (handed_on) {
        if (!store_get_old(s, store_table(s), 0, key, hash, &old))
            return false;
        f->ts[row] = old.ts;
        *bytes = str_make(old.var.p ? old.var.p : "", old.var.len);
        return true;
    }
    const struct entry *e = store_get(s, store_table(s), 0, key, hash);
    f->entries[row] = e;
    if (!e)
        return false;
    f->ts[row] = e->ts;
    *bytes = entry_bytes(e);
    return true;
}

enum status table_rows_find(struct table_rows *t, struct batch *b, bool handed_on, struct table_found *f,
                            struct diag *d)
{
    const struct schema *schema = t->schema;
    struct store *s = t->op->store;
    struct arena *a = &b->arena;
    struct str *keys;
    uint64_t *hashes;
    uint32_t n_values = schema->n_columns - schema->n_keys;
    f->entries = arena_zalloc(a, b->n_rows * sizeof *f->entries + 1);
    f->is_there = arena_zalloc(a, b->n_rows + 1);
    f->ts = arena_zalloc(a, b->n_rows * sizeof *f->ts + 1);
    handed_on = handed_on && t->keeps_old;
    f->values = ARENA_ARRAY(a, struct column, n_values + 1);
    if (!f->entries || !f->is_there || !f->ts || !f->values || !encode_keys(t, b, &keys, &hashes))
        return diag_nomem(d);
    for (uint32_t c = 0; c < n_values; c++)
        if (!column_init(&f->values[c], schema->columns[schema->n_keys + c].type, b->n_rows, true, a))
            return diag_nomem(d);
    BATCH_EACH (b, i, row) {
        if (i + 8 < b->n_selected)
            store_prefetch(store_table(s), hashes[i + 8]);
        struct str bytes;
        bool found = keys[i].p && find_row(t, keys[i], hashes[i], handed_on, f, row, &bytes);
        f->is_there[row] = found;
        if (found && !copy_values(f->values, n_values, NULL, row, bytes, a))
            return diag_nomem(d);
        for (uint32_t c = 0; !found && c < n_values; c++)
            column_set_null(&f->values[c], row);
    }
    return STATUS_OK;
}
