/* Sinks: rows to records of the query's topic, or to the client of a transient query. */
#include "exec/op/outbox.h"
#include "exec/op/project.h"
#include "exec/op/source.h"

#include <stdio.h>

struct sink {
    struct encoder *key, *value;
    struct schema_site key_site, value_site;
    struct time_reader *time; /* NULL: the row's time */
    struct outbox outbox;
    enum window_kind window;
};

static enum status sink_open(struct op *op, struct diag *d)
{
    const struct step *step = op->step;
    const struct schema *schema = &step->schema;
    struct sink *s = ARENA_NEW(&op->task->arena, struct sink);
    op->state = s;
    if (!s)
        return diag_nomem(d);
    s->window = step->sink.formats.window;
    const char *topic = step->sink.topic;
    struct format_spec key = op_format(op, &step->sink.formats.key, topic, true, &s->key_site);
    struct format_spec value = op_format(op, &step->sink.formats.value, topic, false, &s->value_site);
    enum status st = STATUS_OK;
    if (schema->n_keys)
        st = encoder_create(&key, schema->columns, schema->n_keys, &s->key, d);
    if (st == STATUS_OK)
        st = encoder_create(&value, schema->columns + schema->n_keys, schema->n_columns - schema->n_keys, &s->value, d);
    if (st != STATUS_OK || step->sink.timestamp.kind == TS_RECORD)
        return st;
    op->task->row_by_row = step->kind == STEP_TABLE_SINK;
    op->task->time_of_nulls = true;
    return time_reader_open(&step->sink.timestamp, schema->columns[step->sink.timestamp.column].type, &op->task->arena,
                            &s->time, d);
}

static void sink_close(struct op *op)
{
    struct sink *s = op->state;
    if (s->key)
        encoder_destroy(s->key);
    if (s->value)
        encoder_destroy(s->value);
    time_reader_close(s->time);
    outbox_free(&s->outbox);
}

/* The record's time; false: the row is dropped. A row without value takes the stream time of the task. */
static bool sink_time(struct op *op, const struct batch *b, uint32_t row, int64_t *ts)
{
    struct sink *s = op->state;
    char error[256], text[320];
    *ts = b->ts[row];
    if (!s->time)
        return true;
    if (row_is_dead(b, row)) {
        *ts = op->task->stream_time;
        return true;
    }
    const struct column *c = &b->columns[op->step->sink.timestamp.column];
    if (time_read(s->time, c, row, ts, error, sizeof error) == TIME_OK)
        return true;
    snprintf(text, sizeof text, "Failed to extract timestamp from row: %s", error);
    op_report(op, ERROR_RECORD, op->step->context, text, NULL, NULL);
    return false;
}

static void put_be64(struct buf *out, int64_t v)
{
    uint64_t big = __builtin_bswap64((uint64_t)v);
    buf_put(out, &big, sizeof big);
}

static enum status put_key(struct op *op, const struct batch *b, uint32_t row, bool *is_null, struct diag *d)
{
    struct sink *s = op->state;
    struct buf *out = &s->outbox.bytes;
    *is_null = !s->key || (b->null_key && b->null_key[row]);
    if (*is_null)
        return STATUS_OK;
    enum status st = encode(s->key, b->columns, row, out, is_null, d);
    if (st != STATUS_OK || *is_null || !b->window_start || s->window == WINDOW_NONE)
        return st;
    if (s->window == WINDOW_SESSION)
        put_be64(out, b->window_end[row]);
    put_be64(out, b->window_start[row]);
    return STATUS_OK;
}

static enum status put_record(struct op *op, const struct batch *b, uint32_t row, struct diag *d)
{
    struct sink *s = op->state;
    struct buf *out = &s->outbox.bytes;
    int64_t ts;
    if (!sink_time(op, b, row, &ts))
        return STATUS_OK;
    size_t key_at = out->len, key_end, value_at;
    bool no_key, no_value = row_is_dead(b, row);
    enum status st = put_key(op, b, row, &no_key, d);
    if (st != STATUS_OK)
        return st;
    key_end = value_at = out->len;
    if (!no_value) {
        st = encode(s->value, b->columns + op->step->schema.n_keys, row, out, &no_value, d);
        if (st != STATUS_OK)
            return st;
    }
    outbox_add(&s->outbox, no_key ? SIZE_MAX : key_at, key_end, no_value ? SIZE_MAX : value_at, ts,
               b->headers ? b->headers[row] : NULL);
    return STATUS_OK;
}

/* Windowed records go to the partition of their key without the window. */
static enum status send_windowed(struct op *op, struct diag *d)
{
    struct sink *s = op->state;
    struct task *t = op->task;
    const char *topic = op->step->sink.topic;
    int32_t n = t->out.partitions ? t->out.partitions(t->out.data, topic) : 1;
    if (n <= 1)
        return outbox_send(&s->outbox, op, topic, 0, d);
    uint32_t suffix = s->window == WINDOW_SESSION ? 16 : 8, from = 0;
    struct outbox all = s->outbox; /* sent in runs of one partition, in order */
    enum status st = STATUS_OK;
    while (from < all.n && st == STATUS_OK) {
        int32_t partition = -1;
        uint32_t to = from;
        for (; to < all.n; to++) {
            struct str key = str_make(all.bytes.p + all.key_at[to], all.records[to].key.len);
            int32_t own = all.key_at[to] == SIZE_MAX ? 0 : partition_for_key(str_make(key.p, key.len - suffix), n);
            if (partition != -1 && own != partition)
                break;
            partition = own;
        }
        struct outbox run = all;
        run.records += from;
        run.key_at += from;
        run.value_at += from;
        run.n = to - from;
        st = outbox_send(&run, op, topic, partition, d);
        from = to;
    }
    return st;
}

static enum status sink_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct sink *s = op->state;
    (void)port;
    if (!outbox_begin(&s->outbox, b->n_selected))
        return diag_nomem(d);
    BATCH_EACH (b, i, row) {
        enum status st = put_record(op, b, row, d);
        if (st == STATUS_DATA && d) { /* a row that the format cannot hold stops the query */
            d->code = STATUS_RUNTIME;
            diag_prefix(d, "Unable to serialize record. ");
        }
        if (st != STATUS_OK)
            return st == STATUS_DATA ? STATUS_RUNTIME : st;
    }
    if (s->outbox.bytes.failed)
        return diag_nomem(d);
    op->task->n_out += s->outbox.n;
    return s->window == WINDOW_NONE ? outbox_send(&s->outbox, op, op->step->sink.topic, -1, d) : send_windowed(op, d);
}

const struct op_def op_sink = {
    .name = "sink",
    .before = BEFORE_UNUSED,
    .open = sink_open,
    .push = sink_push,
    .close = sink_close,
};

/* ---- the client of a transient query ------------------------------------------------------------------------ */

static enum status client_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    struct task *t = op->task;
    (void)port;
    if (t->limit_left == 0)
        t->stopped = true;
    if (t->stopped)
        return STATUS_OK;
    struct batch *out = batch_select(b, b->selection, b->n_selected);
    if (!out)
        return diag_nomem(d);
    if (t->limit_left >= 0) {
        if ((int64_t)out->n_selected >= t->limit_left) {
            out->n_selected = (uint32_t)t->limit_left;
            if (!out->selection)
                out->n_rows = out->n_selected; /* n_selected == n_rows without a selection */
            t->stopped = true;
        }
        t->limit_left -= out->n_selected;
    }
    t->n_out += out->n_selected;
    bool stop = false;
    enum status st = t->out.rows ? t->out.rows(t->out.data, out, &stop, d) : STATUS_OK;
    t->stopped |= stop;
    batch_drop(out);
    return st;
}

const struct op_def op_client_sink = {.name = "client sink", .before = BEFORE_UNUSED, .push = client_push};
