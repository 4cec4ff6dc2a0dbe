/* Sources: records of a topic to batches of rows. Only the columns that the plan reads are decoded; texts stay in the
 * fetched records, which the batch keeps. Bad records go to the processing log and are skipped.
 *
 * Streams keep records without key or value; tables drop those without key, and take a null value as a deletion. */
#include "exec/op/source.h"

#include "exec/expr/expr.h"
#include "exec/op/table_rows.h"

#include <stdio.h>

/* Key or value. */
struct side {
    struct schema_site site;
    struct decoder *dec;
    struct decode_field *fields;
    uint32_t n_fields;
    struct column *columns; /* of the batch being read */
};

struct source {
    struct side key, value;
    const struct side **side_of; /* one an output column; NULL: from the headers */
    uint32_t *place;             /* index within the side's fields, or the column of the topic's schema */
    struct time_reader *time;    /* NULL: the record's time */
    const struct side *time_side;
    uint32_t time_place;
    int64_t last_time;        /* the highest so far of the records' own; -1: none */
    struct table_rows *table; /* NULL: a stream, or not materialised */
    bool is_table;
    bool has_key;        /* the topic's schema has key columns */
    uint32_t key_suffix; /* bytes of window bounds behind the key */
    const char *logger;
};

/* ---- opening -------------------------------------------------------------------------------------------- */

static uint32_t count_role(const struct schema *s, bool keys)
{
    uint32_t n = 0;
    for (uint32_t c = 0; c < s->n_columns; c++)
        n += keys ? s->columns[c].role == ROLE_KEY : s->columns[c].role == ROLE_VALUE;
    return n;
}

/* Index of a topic column within its side: both are in schema order. */
static uint32_t index_in_side(const struct schema *s, uint32_t column)
{
    uint32_t n = 0;
    for (uint32_t c = 0; c < column; c++)
        n += s->columns[c].role == s->columns[column].role;
    return n;
}

static const struct type *type_at(const struct type *t, const uint32_t *path, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        t = t->fields[path[i]].type;
    return t;
}

/* Adds a field to its side; the side and the place of the field. */
static struct side *add_field(struct source *s, const struct schema *topic, const struct source_read *r,
                              uint32_t *place)
{
    const struct schema_column *c = &topic->columns[r->column];
    struct side *side = c->role == ROLE_KEY ? &s->key : &s->value;
    *place = side->n_fields;
    side->fields[side->n_fields++] = (struct decode_field){.column = index_in_side(topic, r->column),
                                                           .n_path = r->n_path,
                                                           .path = r->path,
                                                           .type = type_at(c->type, r->path, r->n_path)};
    return side;
}

static enum status open_side(struct op *op, struct side *side, const struct format_spec *format, bool keys,
                             struct diag *d)
{
    struct arena *a = &op->task->arena;
    const struct schema *topic = &op->step->source.topic_schema;
    uint32_t n = count_role(topic, keys), at = 0;
    struct schema_column *columns = ARENA_ARRAY(a, struct schema_column, n);
    if (!columns)
        return diag_nomem(d);
    for (uint32_t c = 0; c < topic->n_columns; c++)
        if (topic->columns[c].role == (keys ? ROLE_KEY : ROLE_VALUE))
            columns[at++] = topic->columns[c];
    const struct format_spec spec = op_format(op, format, op->step->source.topic, keys, &side->site);
    return decoder_create(&spec, columns, n, side->fields, side->n_fields, &side->dec, d);
}

static enum status plan_fields(struct source *s, const struct step *step, struct arena *a, struct diag *d)
{
    const struct schema *topic = &step->source.topic_schema;
    uint32_t n = step->schema.n_columns;
    s->key.fields = ARENA_ARRAY(a, struct decode_field, n + 1);
    s->value.fields = ARENA_ARRAY(a, struct decode_field, n + 1);
    s->side_of = ARENA_ARRAY(a, const struct side *, n);
    s->place = ARENA_ARRAY(a, uint32_t, n);
    if (!s->key.fields || !s->value.fields || !s->side_of || !s->place)
        return diag_nomem(d);
    for (uint32_t c = 0; c < n; c++) {
        struct source_read whole = {.column = c};
        const struct source_read *r = step->source.reads ? &step->source.reads[c] : &whole;
        enum column_role role = topic->columns[r->column].role;
        if (role == ROLE_HEADERS || role == ROLE_HEADER)
            s->place[c] = r->column;
        else
            s->side_of[c] = add_field(s, topic, r, &s->place[c]);
    }
    const struct timestamp_spec *ts = &step->source.timestamp;
    if (ts->kind == TS_RECORD || ts->kind == TS_WALL_CLOCK)
        return STATUS_OK;
    struct source_read whole = {.column = ts->column};
    s->time_side = add_field(s, topic, &whole, &s->time_place);
    return time_reader_open(ts, topic->columns[ts->column].type, a, &s->time, d);
}

static enum status source_open(struct op *op, struct diag *d)
{
    const struct step *step = op->step;
    struct arena *a = &op->task->arena;
    struct source *s = ARENA_NEW(a, struct source);
    op->state = s;
    if (!s)
        return diag_nomem(d);
    s->last_time = -1;
    s->is_table = step->kind == STEP_TABLE_SOURCE;
    s->has_key = count_role(&step->source.topic_schema, true) > 0;
    s->logger = arena_printf(a, "%s.Source", step->context ? step->context : "");
    enum window_kind window = step->source.formats.window;
    s->key_suffix = window == WINDOW_NONE ? 0 : window == WINDOW_SESSION ? 16 : 8;
    enum status st = s->logger ? plan_fields(s, step, a, d) : diag_nomem(d);
    if (st == STATUS_OK && s->has_key)
        st = open_side(op, &s->key, &step->source.formats.key, true, d);
    if (st == STATUS_OK)
        st = open_side(op, &s->value, &step->source.formats.value, false, d);
    if (st == STATUS_OK && s->is_table && step->source.store)
        st = table_rows_open(op,
                             &(struct table_rows_options){.store = step->source.store,
                                                          .schema = &step->schema,
                                                          .windowed = window != WINDOW_NONE,
                                                          .partition = step->source.needs_partition,
                                                          .offset = step->source.needs_offset},
                             &s->table, d);
    return st;
}

static void source_close(struct op *op)
{
    struct source *s = op->state;
    if (s->key.dec)
        decoder_destroy(s->key.dec);
    if (s->value.dec)
        decoder_destroy(s->value.dec);
    time_reader_close(s->time);
    table_rows_close(s->table);
}

/* ---- reading -------------------------------------------------------------------------------------------- */

/* One call of read: rows [0, n) are the records [first, first + n). */
struct reading {
    struct op *op;
    struct source *s;
    const struct record_batch *records;
    uint32_t first, n;
    struct batch *b;
    struct str *payloads;
    uint8_t *key_states, *value_states;
    uint8_t *dropped;
    int64_t *ts, *start, *end;
    struct bad_record *bad, **last_bad;
};

/* Told when the whole batch is decoded: if the registry is away it is read again. */
struct bad_record {
    struct bad_record *next;
    uint32_t row;
    const char *reason;
};

static const struct record *record_at(const struct reading *r, uint32_t row)
{
    return &r->records->records[r->first + row];
}

static void drop_bad(void *data, uint32_t row, const char *reason)
{
    struct reading *r = data;
    struct arena *a = &r->b->arena;
    struct bad_record *bad = r->dropped[row] ? NULL : ARENA_NEW(a, struct bad_record);
    r->dropped[row] = 1;
    if (!bad)
        return; /* told already, or the arena has failed */
    bad->row = row;
    bad->reason = str_dup(a, str_from(reason)).p;
    *r->last_bad = bad;
    r->last_bad = &bad->next;
}

static enum status report_bad(struct reading *r, struct diag *d)
{
    if (r->b->arena.failed)
        return diag_nomem(d);
    for (const struct bad_record *bad = r->bad; bad; bad = bad->next)
        op_report(r->op, ERROR_DESERIALIZE, r->s->logger, bad->reason, record_at(r, bad->row), r->records);
    return STATUS_OK;
}

static bool reading_begin(struct reading *r)
{
    r->last_bad = &r->bad;
    r->b = batch_create(r->op->step->schema.n_columns);
    if (!r->b)
        return false;
    struct arena *a = &r->b->arena;
    uint32_t n = r->n;
    r->payloads = arena_alloc(a, n * sizeof *r->payloads);
    r->key_states = arena_zalloc(a, n);
    r->value_states = arena_zalloc(a, n);
    r->dropped = arena_zalloc(a, n);
    r->ts = arena_alloc(a, n * sizeof *r->ts);
    r->s->key.columns = ARENA_ARRAY(a, struct column, r->s->key.n_fields);
    r->s->value.columns = ARENA_ARRAY(a, struct column, r->s->value.n_fields);
    if (r->s->key_suffix) {
        r->start = arena_zalloc(a, n * sizeof *r->start);
        r->end = arena_zalloc(a, n * sizeof *r->end);
    }
    return !a->failed &&
           batch_own(r->b, record_batch_keep((struct record_batch *)(uintptr_t)r->records), record_batch_drop);
}

static int64_t be64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return (int64_t)__builtin_bswap64(v);
}

/* Takes the window bounds off the key bytes. */
static void split_windowed_key(struct reading *r, uint32_t row)
{
    struct str *key = &r->payloads[row];
    uint32_t suffix = r->s->key_suffix;
    if (!key->p)
        return;
    if (key->len < suffix) {
        drop_bad(r, row, "Windowed key is too short");
        *key = str_make(NULL, 0);
        return;
    }
    key->len -= suffix;
    const char *p = key->p + key->len;
    if (suffix == 16) {
        r->end[row] = be64(p);
        r->start[row] = be64(p + 8);
        return;
    }
    r->start[row] = be64(p);
    int64_t size = r->op->step->source.formats.window_size;
    r->end[row] = r->start[row] > INT64_MAX - size ? INT64_MAX : r->start[row] + size;
}

static enum status decode_side(struct reading *r, struct side *side, uint8_t *states, struct diag *d)
{
    struct decode_sink sink = {.bad = drop_bad, .data = r};
    enum status st = decode(side->dec, r->payloads, r->n, &r->b->arena, side->columns, states, &sink);
    if (st == STATUS_NOMEM)
        return diag_nomem(d);
    return st == STATUS_OK
               ? st
               : diag_set(d, st, "The schema registry cannot be asked for a schema of topic %s", r->records->topic);
}

static enum status decode_keys(struct reading *r, struct diag *d)
{
    if (!r->s->has_key) /* whatever the records carry there */
        return STATUS_OK;
    for (uint32_t row = 0; row < r->n; row++) {
        r->payloads[row] = record_at(r, row)->key;
        if (r->s->key_suffix)
            split_windowed_key(r, row);
    }
    return decode_side(r, &r->s->key, r->key_states, d);
}

static enum status decode_values(struct reading *r, struct diag *d)
{
    for (uint32_t row = 0; row < r->n; row++)
        r->payloads[row] = record_at(r, row)->value;
    return decode_side(r, &r->s->value, r->value_states, d);
}

/* ---- times ---------------------------------------------------------------------------------------------- */

static enum status invalid_time(struct reading *r, uint32_t row, struct diag *d)
{
    const struct record *record = record_at(r, row);
    char text[64];
    switch (r->op->step->source.timestamp.bad) {
    case BAD_TIME_SKIP:
        r->dropped[row] = 1;
        snprintf(text, sizeof text, "The record's timestamp is negative: %lld", (long long)record->ts);
        op_report(r->op, ERROR_RECORD, r->s->logger, text, record, r->records);
        return STATUS_OK;
    case BAD_TIME_LAST:
        r->ts[row] = r->s->last_time >= 0 ? r->s->last_time : r->op->task->stream_time;
        if (r->ts[row] >= 0)
            return STATUS_OK;
        return diag_set(d, STATUS_RUNTIME,
                        "Could not infer new timestamp for input record (topic %s, partition %d, offset %lld) because "
                        "partition time is unknown",
                        r->records->topic, r->records->partition, (long long)record->offset);
    case BAD_TIME_USUAL:
    case BAD_TIME_FAIL:
        break;
    }
    return diag_set(d, STATUS_RUNTIME,
                    "Input record (topic %s, partition %d, offset %lld) has invalid (negative) timestamp",
                    r->records->topic, r->records->partition, (long long)record->offset);
}

static enum status record_times(struct reading *r, struct diag *d)
{
    enum status st = STATUS_OK;
    bool by_clock = r->op->step->source.timestamp.kind == TS_WALL_CLOCK;
    const struct exec_clock *clock = &r->op->task->options.clock;
    int64_t now = !by_clock ? 0 : clock->record_ms ? clock->record_ms(clock->data) : op_wall_ms(r->op);
    for (uint32_t row = 0; row < r->n && st == STATUS_OK; row++) {
        r->ts[row] = by_clock ? now : record_at(r, row)->ts;
        if (r->dropped[row])
            continue;
        if (r->ts[row] < 0)
            st = invalid_time(r, row, d);
        if (r->ts[row] > r->s->last_time)
            r->s->last_time = r->ts[row];
    }
    return st;
}

static enum status column_times(struct reading *r, struct diag *d)
{
    const struct column *c = &r->s->time_side->columns[r->s->time_place];
    char error[256], text[320];
    for (uint32_t row = 0; row < r->n; row++) {
        r->ts[row] = -1;
        if (r->dropped[row])
            continue;
        enum time_result result = time_read(r->s->time, c, row, &r->ts[row], error, sizeof error);
        if (result == TIME_OK)
            continue;
        r->dropped[row] = 1;
        snprintf(text, sizeof text, "Failed to extract timestamp from row: %s", error);
        op_report(r->op, ERROR_RECORD, r->s->logger, text, record_at(r, row), r->records);
        if (result == TIME_NONE && r->op->step->source.timestamp.bad == BAD_TIME_FAIL)
            return diag_set(d, STATUS_RUNTIME,
                            "Fatal user code error in TimestampExtractor callback for record (topic %s, partition %d, "
                            "offset %lld): %s",
                            r->records->topic, r->records->partition, (long long)record_at(r, row)->offset, error);
    }
    return STATUS_OK;
}

/* ---- the batch ------------------------------------------------------------------------------------------ */

static bool fill_headers_column(struct reading *r, uint32_t out)
{
    const struct schema_column *topic = &r->op->step->source.topic_schema.columns[r->s->place[out]];
    struct column *c = &r->b->columns[out];
    if (!column_init(c, topic->type, r->n, true, &r->b->arena))
        return false;
    for (uint32_t row = 0; row < r->n; row++) {
        struct value v;
        const struct headers *headers = record_at(r, row)->headers;
        if (topic->role == ROLE_HEADER)
            v = header_find(headers, topic->header);
        else if (!headers_array(&r->b->arena, headers, &v))
            return false;
        column_set(c, row, &v);
    }
    return true;
}

static bool fill_columns(struct reading *r)
{
    for (uint32_t c = 0; c < r->b->n_columns; c++) {
        const struct side *side = r->s->side_of[c];
        if (side)
            r->b->columns[c] = side->columns[r->s->place[c]];
        else if (!fill_headers_column(r, c))
            return false;
    }
    return true;
}

static bool fill_extras(struct reading *r)
{
    const struct step *step = r->op->step;
    struct arena *a = &r->b->arena;
    bool any_headers = false;
    for (uint32_t row = 0; row < r->n && !any_headers; row++)
        any_headers = record_at(r, row)->headers != NULL;
    if (any_headers) {
        const struct headers **headers = arena_alloc(a, r->n * sizeof *headers);
        for (uint32_t row = 0; headers && row < r->n; row++)
            headers[row] = record_at(r, row)->headers;
        r->b->headers = headers;
    }
    if (step->source.needs_partition) {
        int32_t *partition = arena_alloc(a, r->n * sizeof *partition);
        for (uint32_t row = 0; partition && row < r->n; row++)
            partition[row] = r->records->partition;
        r->b->partition = partition;
    }
    if (step->source.needs_offset) {
        int64_t *offset = arena_alloc(a, r->n * sizeof *offset);
        for (uint32_t row = 0; offset && row < r->n; row++)
            offset[row] = record_at(r, row)->offset;
        r->b->offset = offset;
    }
    return !a->failed;
}

/* states[row] == ROW_NULL as a byte a row; NULL when there is none. */
static const uint8_t *null_flags(struct reading *r, uint8_t *states)
{
    bool any = false;
    for (uint32_t row = 0; row < r->n; row++) {
        states[row] = states[row] == ROW_NULL;
        any |= states[row];
    }
    return any ? states : NULL;
}

static void set_kinds(struct reading *r, const uint8_t *null_value)
{
    uint8_t *kinds = r->value_states; /* its own flags are not needed any more */
    for (uint32_t row = 0; row < r->n; row++)
        kinds[row] = null_value && null_value[row] ? ROW_DELETE : ROW_UPSERT;
    r->b->kinds = kinds;
}

static bool select_rows(struct reading *r)
{
    uint32_t n = 0;
    r->b->n_rows = r->b->n_selected = r->n;
    for (uint32_t row = 0; row < r->n; row++)
        n += !r->dropped[row];
    if (n == r->n)
        return true;
    r->b->selection = arena_alloc(&r->b->arena, n * sizeof *r->b->selection);
    r->b->n_selected = 0;
    for (uint32_t row = 0; r->b->selection && row < r->n; row++)
        if (!r->dropped[row])
            r->b->selection[r->b->n_selected++] = (uint16_t)row;
    return r->b->selection != NULL;
}

static void advance_time(struct reading *r)
{
    struct task *t = r->op->task;
    for (uint32_t row = 0; row < r->n; row++)
        if (!r->dropped[row] && r->ts[row] > t->stream_time)
            t->stream_time = r->ts[row];
}

static bool finish_batch(struct reading *r)
{
    const uint8_t *null_key = null_flags(r, r->key_states), *null_value = null_flags(r, r->value_states);
    r->b->ts = r->ts;
    r->b->window_start = r->start;
    r->b->window_end = r->end;
    advance_time(r);
    if (r->s->is_table) {
        for (uint32_t row = 0; null_key && row < r->n; row++)
            r->dropped[row] |= null_key[row];
        set_kinds(r, null_value);
    } else {
        r->b->null_key = r->op->step->schema.n_keys ? null_key : NULL;
        r->b->null_value = null_value;
    }
    return fill_columns(r) && fill_extras(r) && select_rows(r);
}

static enum status read_batch(struct reading *r, struct diag *d)
{
    if (!reading_begin(r))
        return diag_nomem(d);
    enum status st = decode_keys(r, d);
    if (st == STATUS_OK)
        st = decode_values(r, d);
    if (st == STATUS_OK)
        st = report_bad(r, d);
    if (st != STATUS_OK)
        return st;
    st = r->s->time ? column_times(r, d) : record_times(r, d);
    if (st != STATUS_OK)
        return st;
    return finish_batch(r) ? STATUS_OK : diag_nomem(d);
}

static enum status read_rows(struct op *op, const struct record_batch *records, uint32_t from, uint32_t to,
                             struct diag *d)
{
    struct reading r = {.op = op, .s = op->state, .records = records, .first = from, .n = to - from};
    enum status st = read_batch(&r, d);
    if (st == STATUS_OK && r.b->n_selected)
        st = r.s->table ? table_rows_push(r.s->table, r.b, d) : op_emit(op, r.b, d);
    batch_drop(r.b);
    return st;
}

static bool any_null(const struct record_batch *records, uint32_t from, uint32_t to)
{
    while (from < to && records->records[from].value.p)
        from++;
    return from < to;
}

static enum status source_read(struct op *op, const struct record_batch *records, uint32_t from, uint32_t to,
                               struct diag *d)
{
    uint32_t step = op->task->time_of_nulls && any_null(records, from, to) ? 1 : to - from;
    enum status st = STATUS_OK;
    for (; from < to && st == STATUS_OK; from += step)
        st = read_rows(op, records, from, from + step, d);
    return st;
}

static enum status source_flush(struct op *op, struct diag *d)
{
    struct source *s = op->state;
    return s->table ? table_rows_flush(s->table, d) : STATUS_OK;
}

const struct op_def op_source = {
    .name = "source",
    .before = BEFORE_UNUSED,
    .open = source_open,
    .read = source_read,
    .flush = source_flush,
    .close = source_close,
};
