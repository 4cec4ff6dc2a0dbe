/* The command topic: one record a statement, as JSON: {"statement": .., "queryNumber": .., "properties": {..}, "written": ..}.
 * `written` is what the user wrote, where the statement was given columns from the schema registry; else null.
 * It has one partition and is never compacted: replaying it in order gives the catalog.
 *
 * Any server of the service may write to it, one at a time: who opens the writer fences the one before. Who has it then reads to
 * the end, and knows that nothing comes in between that and its own record; if something does, its commit fails. */
#include "engine/engine_int.h"

static const struct type PROPERTIES_TYPE = {.kind = KIND_MAP, .key = &TYPE_STRING, .element = &TYPE_STRING};
static const struct schema_column COLUMNS[] = {
    {.name = {"statement", 9}, .type = &TYPE_STRING, .role = ROLE_VALUE},
    {.name = {"queryNumber", 11}, .type = &TYPE_BIGINT, .role = ROLE_VALUE},
    {.name = {"properties", 10}, .type = &PROPERTIES_TYPE, .role = ROLE_VALUE},
    {.name = {"written", 7}, .type = &TYPE_STRING, .role = ROLE_VALUE},
};
enum { N_COLUMNS = 4, POLL_MS = 100, MAX_EMPTY = 300 };
static const struct format_spec JSON = {.kind = FORMAT_JSON, .wrapped = true};

enum status commands_open(struct engine *e, struct diag *d)
{
    const struct topic_spec spec = {
        .name = e->command_topic, .n_partitions = 1, .retention_ms = -1, .retention_bytes = -1};
    struct decode_field fields[N_COLUMNS];
    int64_t end;
    for (uint32_t i = 0; i < N_COLUMNS; i++)
        fields[i] = (struct decode_field){.column = i, .type = COLUMNS[i].type};
    enum status st = topic_ensure(e->log, &spec, NULL, d);
    if (st == STATUS_OK)
        st = decoder_create(&JSON, COLUMNS, N_COLUMNS, fields, N_COLUMNS, &e->commands.decoder, d);
    return st == STATUS_OK ? topic_offsets(e->log, e->command_topic, 0, &e->commands.next, &end, NULL, d) : st;
}

static void stop_reading(struct commands *c)
{
    if (c->reader)
        reader_close(c->reader);
    c->reader = NULL;
}

static void stop_writing(struct commands *c)
{
    if (c->writer)
        writer_close(c->writer);
    c->writer = NULL;
    c->is_current = false;
}

void commands_close(struct engine *e)
{
    stop_reading(&e->commands);
    stop_writing(&e->commands);
    if (e->commands.decoder)
        decoder_destroy(e->commands.decoder);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

struct reading {
    struct engine *engine;
    enum status (*each)(struct engine *e, const struct command *c, struct diag *d);
    char reason[256];
};

static void bad_command(void *data, uint32_t row, const char *reason)
{
    struct reading *r = data;
    (void)row;
    snprintf(r->reason, sizeof r->reason, "%s", reason);
}

static enum status read_one(struct reading *r, const struct record *record, struct diag *d)
{
    enum status st = STATUS_OK;
    struct arena a;
    struct column columns[N_COLUMNS];
    uint8_t state;
    const struct decode_sink sink = {bad_command, r};
    arena_init(&a, 0);
    TRY(decode(r->engine->commands.decoder, &record->value, 1, &a, columns, &state, &sink));
    if (state != ROW_OK || column_is_null(&columns[0], 0)) {
        st = diag_set(d, STATUS_INVALID, "The command topic %s is damaged at offset %lld: %s", r->engine->command_topic,
                      (long long)record->offset, state == ROW_BAD ? r->reason : "not a statement");
        diag_hint(d, "somebody else has written to it; only weir may");
        goto done;
    }
    struct command c = {.statement = columns[0].str[0]};
    c.query_number = column_is_null(&columns[1], 0) ? record->offset : columns[1].i64[0];
    if (!column_is_null(&columns[3], 0))
        c.written = columns[3].str[0];
    const struct nested *map = column_is_null(&columns[2], 0) ? NULL : columns[2].nested[0];
    c.n_properties = map ? map->n : 0;
    c.names = ARENA_ARRAY(&a, struct str, c.n_properties);
    c.values = ARENA_ARRAY(&a, struct str, c.n_properties);
    if (a.failed) {
        st = diag_nomem(d);
        goto done;
    }
    for (uint32_t i = 0; i < c.n_properties; i++) {
        c.names[i] = map->keys[i].str;
        c.values[i] = value_is_null(&map->items[i]) ? STR("") : map->items[i].str;
    }
    TRY(r->each(r->engine, &c, d));
done:
    arena_free(&a);
    return st;
}

static enum status read_batch(struct reading *r, const struct record_batch *batch, bool *news, struct diag *d)
{
    struct commands *c = &r->engine->commands;
    for (uint32_t i = 0; i < batch->n; i++) {
        bool own = c->n_own > 0;
        enum status st = own ? STATUS_OK : read_one(r, &batch->records[i], d);
        if (st != STATUS_OK)
            return st;
        c->n_own -= own;
        *news |= !own;
        c->next = batch->records[i].offset + 1;
    }
    c->next = batch->next_offset;
    return STATUS_OK;
}

static enum status start_reading(struct engine *e, struct diag *d)
{
    struct commands *c = &e->commands;
    enum status st = reader_open(e->log, &c->reader, d);
    if (st == STATUS_OK)
        st = reader_assign(c->reader, e->command_topic, 0, c->next, d);
    if (st != STATUS_OK)
        stop_reading(c);
    return st;
}

enum status commands_read(struct engine *e, bool to_end,
                          enum status (*each)(struct engine *e, const struct command *c, struct diag *d), bool *news,
                          struct diag *d)
{
    enum status st = STATUS_OK;
    struct commands *c = &e->commands;
    struct reading r = {.engine = e, .each = each};
    struct record_batch *batch;
    int64_t begin, end = INT64_MAX;
    int n_empty = 0;
    *news = false;
    if (!c->reader)
        TRY(start_reading(e, d));
    if (to_end)
        TRY(topic_offsets(e->log, e->command_topic, 0, &begin, &end, NULL, d));
    while (c->next < end) {
        TRY(reader_poll(c->reader, to_end ? POLL_MS : 0, BATCH_ROWS, &batch, d));
        if (!batch && !to_end)
            break;
        if (!batch && ++n_empty < MAX_EMPTY)
            continue;
        if (!batch)
            return diag_set(d, STATUS_TIMEOUT, "The command topic %s cannot be read to its end", e->command_topic);
        n_empty = 0;
        st = read_batch(&r, batch, news, d);
        record_batch_drop(batch);
        if (st != STATUS_OK)
            stop_reading(c); /* which has gone past the record */
        TRY(st);
    }
done:
    if (st != STATUS_OK && !is_passing(st)) /* otherwise the reader finds the log again by itself */
        stop_reading(c);
    return st;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static enum status put_command(const struct command *c, struct arena *a, struct buf *out, struct diag *d)
{
    enum status st = STATUS_OK;
    struct encoder *encoder = NULL;
    struct column columns[N_COLUMNS];
    bool is_null;
    struct nested map = {.n = c->n_properties,
                         .keys = ARENA_ARRAY(a, struct value, c->n_properties),
                         .items = ARENA_ARRAY(a, struct value, c->n_properties)};
    if (!column_init(&columns[0], &TYPE_STRING, 1, false, a) || !column_init(&columns[1], &TYPE_BIGINT, 1, false, a) ||
        !column_init(&columns[2], &PROPERTIES_TYPE, 1, false, a) ||
        !column_init(&columns[3], &TYPE_STRING, 1, true, a) || a->failed)
        return diag_nomem(d);
    for (uint32_t i = 0; i < map.n; i++) {
        map.keys[i] = (struct value){.kind = KIND_STRING, .str = c->names[i]};
        map.items[i] = (struct value){.kind = KIND_STRING, .str = c->values[i]};
    }
    columns[0].str[0] = c->statement;
    columns[1].i64[0] = c->query_number;
    columns[2].nested[0] = &map;
    if (c->written.p)
        columns[3].str[0] = c->written;
    else
        column_set_null(&columns[3], 0);
    TRY(encoder_create(&JSON, COLUMNS, N_COLUMNS, &encoder, d));
    TRY(encode(encoder, columns, 0, out, &is_null, d));
done:
    if (encoder)
        encoder_destroy(encoder);
    return st;
}

/* Begins a transaction with the one writer that counts: it has fenced those before it, so that after reading to the end
 * nothing is recorded that is not known here. It is kept until another server does the same. */
static enum status take_writer(struct engine *e, struct diag *d)
{
    enum status st = STATUS_OK;
    struct commands *c = &e->commands;
    char id[300];
    bool news = false;
    snprintf(id, sizeof id, "%s-writer", e->command_topic);
    if (!c->writer)
        TRY(writer_open(e->log, id, &c->writer, d));
    bool was_current = c->is_current;
    c->is_current = false; /* until all has gone well */
    TRY(writer_begin(c->writer, d));
    if (!was_current)
        TRY(engine_catch_up(e, &news, d));
    c->is_current = true;
    if (news)
        st = diag_set(d, STATUS_ABORTED, "Another server has changed the catalog");
done:
    return st;
}

static enum status write_record(struct engine *e, const struct record *record, struct diag *d)
{
    enum status st = STATUS_OK;
    struct commands *c = &e->commands;
    TRY(take_writer(e, d));
    c->is_current = false;
    TRY(writer_append(c->writer, e->command_topic, 0, record, 1, d));
    TRY(writer_commit(c->writer, d));
    c->is_current = true;
    c->n_own++;
    c->recorded_ns = clock_mono_ns();
    e->next_query_number++;
    return STATUS_OK;
done:
    if (st == STATUS_ABORTED || st == STATUS_DATA)
        writer_abort(c->writer); /* if anything is open */
    else
        stop_writing(c);
    return st;
}

enum status commands_append(struct engine *e, const struct command *c, struct diag *d)
{
    enum status st = STATUS_OK;
    struct arena a;
    struct buf out;
    arena_init(&a, 0);
    buf_init(&out, 0);
    TRY(put_command(c, &a, &out, d));
    if (out.failed) {
        st = diag_nomem(d);
        goto done;
    }
    const struct record record = {.value = buf_str(&out), .ts = clock_wall_ms()};
    st = write_record(e, &record, d);
done:
    buf_free(&out);
    arena_free(&a);
    return st;
}
