/* The command topic: one record a statement, as JSON: {"statement": .., "queryNumber": .., "properties": {..}}.
 * It has one partition and is never compacted: replaying it in order gives the catalog. */
#include "engine/engine_int.h"

static const struct type PROPERTIES_TYPE = {.kind = KIND_MAP, .key = &TYPE_STRING, .element = &TYPE_STRING};
static const struct schema_column COLUMNS[] = {
    {.name = {"statement", 9}, .type = &TYPE_STRING, .role = ROLE_VALUE},
    {.name = {"queryNumber", 11}, .type = &TYPE_BIGINT, .role = ROLE_VALUE},
    {.name = {"properties", 10}, .type = &PROPERTIES_TYPE, .role = ROLE_VALUE},
};
enum { N_COLUMNS = 3 };
static const struct format_spec JSON = {.kind = FORMAT_JSON, .wrapped = true};

enum status commands_open(struct engine *e, struct diag *d)
{
    const struct topic_spec spec = {
        .name = e->command_topic, .n_partitions = 1, .retention_ms = -1, .retention_bytes = -1};
    char id[300];
    enum status st = topic_ensure(e->log, &spec, NULL, d);
    if (st != STATUS_OK)
        return st;
    snprintf(id, sizeof id, "%s-writer", e->command_topic);
    return writer_open(e->log, id, &e->commands, d);
}

struct reading {
    struct engine *engine;
    struct decoder *decoder;
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
    TRY(decode(r->decoder, &record->value, 1, &a, columns, &state, &sink));
    if (state != ROW_OK || column_is_null(&columns[0], 0)) {
        st = diag_set(d, STATUS_INVALID, "The command topic %s is damaged at offset %lld: %s", r->engine->command_topic,
                      (long long)record->offset, state == ROW_BAD ? r->reason : "not a statement");
        diag_hint(d, "somebody else has written to it; only weir may");
        goto done;
    }
    struct command c = {.statement = columns[0].str[0]};
    c.query_number = column_is_null(&columns[1], 0) ? record->offset : columns[1].i64[0];
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

enum status commands_read(struct engine *e,
                          enum status (*each)(struct engine *e, const struct command *c, struct diag *d),
                          struct diag *d)
{
    enum status st = STATUS_OK;
    struct decode_field fields[N_COLUMNS];
    struct log_reader *reader = NULL;
    struct record_batch *batch = NULL;
    struct reading r = {.engine = e, .each = each};
    int64_t at, end;
    for (uint32_t i = 0; i < N_COLUMNS; i++)
        fields[i] = (struct decode_field){.column = i, .type = COLUMNS[i].type};
    TRY(decoder_create(&JSON, COLUMNS, N_COLUMNS, fields, N_COLUMNS, &r.decoder, d));
    TRY(topic_offsets(e->log, e->command_topic, 0, &at, &end, NULL, d));
    TRY(reader_open(e->log, &reader, d));
    TRY(reader_assign(reader, e->command_topic, 0, at, d));
    while (at < end) {
        TRY(reader_poll(reader, 100, BATCH_ROWS, &batch, d));
        if (!batch)
            continue;
        for (uint32_t i = 0; i < batch->n; i++)
            TRY(read_one(&r, &batch->records[i], d));
        at = batch->next_offset;
        record_batch_drop(batch);
        batch = NULL;
    }
    e->next_query_number = end;
done:
    if (batch)
        record_batch_drop(batch);
    if (reader)
        reader_close(reader);
    if (r.decoder)
        decoder_destroy(r.decoder);
    return st;
}

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
        !column_init(&columns[2], &PROPERTIES_TYPE, 1, false, a) || a->failed)
        return diag_nomem(d);
    for (uint32_t i = 0; i < map.n; i++) {
        map.keys[i] = (struct value){.kind = KIND_STRING, .str = c->names[i]};
        map.items[i] = (struct value){.kind = KIND_STRING, .str = c->values[i]};
    }
    columns[0].str[0] = c->statement;
    columns[1].i64[0] = c->query_number;
    columns[2].nested[0] = &map;
    TRY(encoder_create(&JSON, COLUMNS, N_COLUMNS, &encoder, d));
    TRY(encode(encoder, columns, 0, out, &is_null, d));
done:
    if (encoder)
        encoder_destroy(encoder);
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
    TRY(writer_begin(e->commands, d));
    st = writer_append(e->commands, e->command_topic, 0, &record, 1, d);
    if (st != STATUS_OK) {
        writer_abort(e->commands);
        goto done;
    }
    TRY(writer_commit(e->commands, d));
    e->next_query_number++;
done:
    buf_free(&out);
    arena_free(&a);
    return st;
}
