/* Rows between stages. A record's key is what the shown key format makes of the row's key, so that records meet those
 * of topics that are partitioned by the same key. Its value is a byte of flags; for a row with both states: the length
 * of the first (varint), and the previous row; for windowed keys the bounds; the new row. Each row is ROW bytes of all columns, keys
 * too. Values are never null, keys are for rows without one. */
#include "exec/op/repartition.h"

#include "exec/op/outbox.h"
#include "exec/op/project.h"
#include "formats/row.h"

enum { HAS_NEW = 1, HAS_OLD = 2, NULL_VALUE = 4, NULL_KEY = 8, WINDOWED = 16, OLD_TS = 8, BOUNDS = 16 /* bytes */ };

struct repartition_writer {
    struct op *op;
    const struct step *step;
    struct encoder *key;
    const char *topic;
    struct outbox outbox;
};

struct format_spec repartition_key_format(const struct step *sink)
{
    const struct format_spec *shown = &sink->repartition.shown_formats.key;
    return format_has_registry(shown->kind) ? (struct format_spec){.kind = FORMAT_JSON, .wrapped = shown->wrapped}
                                            : *shown;
}

enum status repartition_writer_open(struct op *op, const struct step *sink, struct repartition_writer **out,
                                    struct diag *d)
{
    struct arena *a = &op->task->arena;
    struct repartition_writer *w = *out = ARENA_NEW(a, struct repartition_writer);
    if (!w)
        return diag_nomem(d);
    w->op = op;
    w->step = sink;
    w->topic = repartition_topic(a, op->task->plan, sink, &op->task->options);
    if (!w->topic)
        return diag_nomem(d);
    const struct format_spec key = repartition_key_format(sink);
    return encoder_create(&key, sink->schema.columns, sink->schema.n_keys, &w->key, d);
}

void repartition_writer_close(struct repartition_writer *w)
{
    if (!w)
        return;
    if (w->key)
        encoder_destroy(w->key);
    outbox_free(&w->outbox);
}

static void put_varint(struct buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_putc(out, (char)(v | 0x80));
    buf_putc(out, (char)v);
}

/* The new row goes to a scratch place first only when there are two: its length stands before it. */
static void put_value(struct buf *out, const struct batch *b, uint32_t row, uint32_t n_columns, bool no_key)
{
    bool dead = b->kinds && b->kinds[row] == ROW_DELETE, old = b->before && b->has_before[row];
    buf_putc(out, (char)((dead ? 0 : HAS_NEW) | (old ? HAS_OLD : 0) |
                         (b->null_value && b->null_value[row] ? NULL_VALUE : 0) | (no_key ? NULL_KEY : 0) |
                         (b->window_start ? WINDOWED : 0)));
    if (old) {
        buf_put(out, &b->before->ts[row], OLD_TS);
        struct buf previous;
        buf_init(&previous, 0);
        row_put_columns(&previous, b->before->columns, n_columns, row);
        put_varint(out, previous.len);
        buf_puts(out, buf_str(&previous));
        out->failed |= previous.failed;
        buf_free(&previous);
    }
    if (b->window_start) {
        buf_put(out, &b->window_start[row], BOUNDS / 2);
        buf_put(out, &b->window_end[row], BOUNDS / 2);
    }
    row_put_columns(out, b->columns, n_columns, row); /* of a deletion: the key, and nulls */
}

static enum status put_record(struct repartition_writer *w, const struct batch *b, uint32_t row, struct diag *d)
{
    struct buf *out = &w->outbox.bytes;
    size_t key_at = out->len;
    bool no_key = b->null_key && b->null_key[row];
    if (!no_key) {
        enum status st = encode(w->key, b->columns, row, out, &no_key, d);
        if (st != STATUS_OK)
            return st == STATUS_DATA ? STATUS_RUNTIME : st;
    }
    if (no_key && !w->step->repartition.keep_null_keys) {
        out->len = key_at;
        return STATUS_OK;
    }
    size_t value_at = out->len;
    put_value(out, b, row, w->step->schema.n_columns, no_key);
    outbox_add(&w->outbox, no_key ? SIZE_MAX : key_at, value_at, value_at, b->ts[row],
               b->headers ? b->headers[row] : NULL);
    return STATUS_OK;
}

static enum status write_by_key(struct repartition_writer *w, const struct batch *b, struct diag *d)
{
    if (!outbox_begin(&w->outbox, b->n_selected))
        return diag_nomem(d);
    BATCH_EACH (b, i, row) {
        enum status st = put_record(w, b, row, d);
        if (st != STATUS_OK)
            return st;
    }
    return outbox_send(&w->outbox, w->op, w->topic, -1, d);
}

/* The rows go as the last column says: a partition's together, in order. */
static enum status write_by_column(struct repartition_writer *w, struct batch *b, struct diag *d)
{
    const int32_t *to = b->columns[w->step->schema.n_columns - 1].i32;
    uint8_t *sent = arena_zalloc(&b->arena, b->n_rows);
    if (!sent)
        return diag_nomem(d);
    BATCH_EACH (b, i, first) {
        if (sent[first])
            continue;
        if (!outbox_begin(&w->outbox, b->n_selected))
            return diag_nomem(d);
        for (uint32_t k = i; k < b->n_selected; k++) {
            uint32_t row = b->selection ? b->selection[k] : k;
            if (to[row] != to[first])
                continue;
            enum status st = put_record(w, b, row, d);
            if (st != STATUS_OK)
                return st;
            sent[row] = 1;
        }
        enum status st = outbox_send(&w->outbox, w->op, w->topic, to[first], d);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

enum status repartition_write(struct repartition_writer *w, struct batch *b, struct diag *d)
{
    return w->step->repartition.to_partition ? write_by_column(w, b, d) : write_by_key(w, b, d);
}

static enum status sink_open(struct op *op, struct diag *d)
{
    struct repartition_writer *w;
    enum status st = repartition_writer_open(op, op->step, &w, d);
    op->state = w;
    return st;
}

static void sink_close(struct op *op)
{
    repartition_writer_close(op->state);
}

static enum status sink_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    (void)port;
    return repartition_write(op->state, b, d);
}

const struct op_def op_repartition_sink = {
    .name = "repartition sink",
    .before = BEFORE_WANTED,
    .open = sink_open,
    .push = sink_push,
    .close = sink_close,
};

/* ---- reading ------------------------------------------------------------------------------------------------ */

struct unpacked { /* a record's value taken apart */
    uint8_t flags;
    int64_t old_ts, start, end;
    struct str now, old;
};

static bool unpack(struct str value, struct unpacked *u)
{
    if (value.len < 1)
        return false;
    const char *p = value.p, *end = p + value.len;
    *u = (struct unpacked){.flags = (uint8_t)*p++};
    if (u->flags & HAS_OLD) {
        if (end - p < OLD_TS)
            return false;
        memcpy(&u->old_ts, p, sizeof u->old_ts);
        p += OLD_TS;
        uint64_t len = 0;
        for (unsigned shift = 0;; shift += 7) {
            if (p == end || shift > 28)
                return false;
            len |= (uint64_t)(*p & 0x7F) << shift;
            if (!(*p++ & 0x80))
                break;
        }
        if (len > (size_t)(end - p))
            return false;
        u->old = str_make(p, (size_t)len);
        p += len;
    }
    if (u->flags & WINDOWED) {
        if (end - p < BOUNDS)
            return false;
        memcpy(&u->start, p, BOUNDS / 2);
        memcpy(&u->end, p + BOUNDS / 2, BOUNDS / 2);
        p += BOUNDS;
    }
    u->now = str_make(p, (size_t)(end - p));
    return true;
}

/* Java reads the maps of a record into new HashMaps, as large as they need to be: the order of entries may change. The
 * value was just decoded. */
static bool renew_maps(struct arena *a, const struct type *t, const struct nested *nested)
{
    struct nested *v = (struct nested *)(uintptr_t)nested;
    if (t->kind == KIND_MAP && !value_map_order_sized(a, v->keys, v->items, &v->n, v->n))
        return false;
    if (t->kind != KIND_STRUCT && t->element->kind < KIND_ARRAY)
        return true;
    for (uint32_t i = 0; i < v->n; i++) {
        const struct type *inner = t->kind == KIND_STRUCT ? t->fields[i].type : t->element;
        if (inner->kind >= KIND_ARRAY && !value_is_null(&v->items[i]) && !renew_maps(a, inner, v->items[i].nested))
            return false;
    }
    return true;
}

static bool get_row(struct str bytes, struct batch *b, uint32_t row)
{
    struct row_cursor c = row_cursor(bytes);
    if (!row_get_columns(&c, b->columns, b->n_columns, row, &b->arena))
        return false;
    for (uint32_t i = 0; i < b->n_columns; i++) {
        const struct column *column = &b->columns[i];
        if (column->type->kind >= KIND_ARRAY && !column_is_null(column, row) &&
            !renew_maps(&b->arena, column->type, column->nested[row]))
            return false;
    }
    return true;
}

/* Keys hold only the start of windows with a size: the end follows from the size that they have here. */
static int64_t window_end(const struct schema *schema, const struct unpacked *u)
{
    int64_t end;
    if (schema->window == WINDOW_SESSION || !schema->window_size)
        return u->end;
    return __builtin_add_overflow(u->start, schema->window_size, &end) ? INT64_MAX : end;
}

static bool read_row(struct row_builder *r, const struct record *record, uint8_t *null_key, uint8_t *null_value,
                     bool *flagged)
{
    struct unpacked u;
    uint32_t row = rows_add(r, record->ts);
    if (!unpack(record->value, &u) || !get_row(u.now, r->b, row))
        return false;
    if (r->windowed) {
        r->start[row] = u.start;
        r->end[row] = window_end(r->schema, &u);
    }
    null_key[row] = (u.flags & NULL_KEY) != 0;
    null_value[row] = (u.flags & NULL_VALUE) != 0;
    *flagged |= null_key[row] || null_value[row];
    if (r->kinds && !(u.flags & HAS_NEW))
        r->kinds[row] = ROW_DELETE;
    if (record->headers) {
        r->headers[row] = record->headers;
        r->any_headers = true;
    }
    if (!r->b->before)
        return true;
    if (u.flags & HAS_OLD) {
        r->has_before[row] = 1;
        r->before_ts[row] = u.old_ts;
        return get_row(u.old, r->b->before, row);
    }
    for (uint32_t c = 0; c < r->b->n_columns; c++)
        column_set_null(&r->b->before->columns[c], row);
    return true;
}

static enum status source_read(struct op *op, const struct record_batch *records, uint32_t from, uint32_t to,
                               struct diag *d)
{
    struct task *t = op->task;
    struct row_builder r = {.op = op,
                            .schema = &op->step->schema,
                            .windowed = op->step->schema.window != WINDOW_NONE,
                            .is_table = op->step->repartition.is_table};
    enum status st = STATUS_OK;
    bool flagged = false;
    if (!rows_begin(&r, to - from) ||
        !batch_own(r.b, record_batch_keep((struct record_batch *)(uintptr_t)records), record_batch_drop))
        TRY(diag_nomem(d));
    uint8_t *null_key = arena_alloc(&r.b->arena, to - from), *null_value = arena_alloc(&r.b->arena, to - from);
    if (!null_key || !null_value)
        TRY(diag_nomem(d));
    for (uint32_t i = from; i < to; i++) {
        const struct record *record = &records->records[i];
        if (!read_row(&r, record, null_key, null_value, &flagged))
            TRY(diag_set(d, STATUS_RUNTIME, "Record %lld of %s (partition %d) cannot be read",
                         (long long)record->offset, records->topic, records->partition));
        if (record->ts > t->stream_time)
            t->stream_time = record->ts;
    }
    r.b->null_key = flagged ? null_key : NULL;
    r.b->null_value = flagged && !r.is_table ? null_value : NULL;
    TRY(rows_emit(&r, d));
done:
    rows_drop(&r);
    return st;
}

const struct op_def op_repartition_source = {
    .name = "repartition source", .before = BEFORE_UNUSED, .read = source_read};
