/* Names of formats, and the part of decoders and encoders that is the same for all: making them, the loop over a batch,
 * null and bad rows. */
#include "formats/formats_int.h"

static const struct {
    const char *name;
    const struct decoder_ops *decoder;
    const struct encoder_ops *encoder;
    const struct schema_ops *schema; /* formats with a registry */
} formats[] = {
    [FORMAT_NONE] = {"NONE", &kafka_decoder_ops, &kafka_encoder_ops},
    [FORMAT_KAFKA] = {"KAFKA", &kafka_decoder_ops, &kafka_encoder_ops},
    [FORMAT_DELIMITED] = {"DELIMITED", &delimited_decoder_ops, &delimited_encoder_ops},
    [FORMAT_JSON] = {"JSON", &json_decoder_ops, &json_encoder_ops},
    [FORMAT_JSON_SR] = {"JSON_SR", &json_sr_decoder_ops, &json_sr_encoder_ops, &json_sr_schema_ops},
    [FORMAT_AVRO] = {"AVRO", &avro_decoder_ops, &avro_encoder_ops, &avro_schema_ops},
    [FORMAT_PROTOBUF] = {"PROTOBUF", &protobuf_decoder_ops, &protobuf_encoder_ops, &protobuf_schema_ops},
    [FORMAT_PROTOBUF_NOSR] = {"PROTOBUF_NOSR", &protobuf_decoder_ops, &protobuf_encoder_ops, &protobuf_schema_ops},
    [FORMAT_ROW] = {"ROW", &row_decoder_ops, &row_encoder_ops},
};

bool format_by_name(struct str name, enum format_kind *out)
{
    for (int kind = FORMAT_NONE; kind < FORMAT_ROW; kind++) {
        if (str_eq_nocase(name, str_from(formats[kind].name))) {
            *out = (enum format_kind)kind;
            return true;
        }
    }
    return false;
}

const char *format_name(enum format_kind kind)
{
    return formats[kind].name;
}

bool format_has_registry(enum format_kind kind)
{
    return kind == FORMAT_AVRO || kind == FORMAT_JSON_SR || kind == FORMAT_PROTOBUF;
}

enum status format_lacks_registry(struct diag *d, enum status code, struct span where, enum format_kind kind,
                                  const char *topic)
{
    enum status st = diag_set_at(
        d, code, where, "Cannot create topic '%s' with format %s without configuring 'ksql.schema.registry.url'", topic,
        format_name(kind));
    diag_hint(d, "name the registry: --set ksql.schema.registry.url=http://HOST:8081");
    return st;
}

enum schema_type format_schema_type(enum format_kind kind)
{
    return kind == FORMAT_JSON_SR ? SCHEMA_JSON : kind == FORMAT_PROTOBUF ? SCHEMA_PROTOBUF : SCHEMA_AVRO;
}

enum format_kind format_of_schema(enum schema_type type)
{
    return type == SCHEMA_JSON ? FORMAT_JSON_SR : type == SCHEMA_PROTOBUF ? FORMAT_PROTOBUF : FORMAT_AVRO;
}

struct format_spec format_at(const struct format_spec *format, struct registry *registry, const char *topic,
                             bool is_key, struct schema_site *site)
{
    struct format_spec out = *format;
    *site = (struct schema_site){.registry = registry, .topic = topic, .is_key = is_key};
    out.site = site;
    return out;
}

static enum status no_schemas(enum format_kind kind, struct diag *d)
{
    return diag_set(d, STATUS_UNSUPPORTED, "The '%s' format has no schemas", format_name(kind));
}

static enum status check_columns(enum format_kind kind, const struct schema_column *columns, uint32_t n, struct diag *d)
{
    struct buf reason;
    buf_init(&reason, 0);
    enum status st = STATUS_OK;
    if (!format_accepts(kind, columns, n, false, &reason))
        st = reason.failed ? diag_nomem(d) : diag_set(d, STATUS_INVALID, "%s", buf_z(&reason));
    buf_free(&reason);
    return st;
}

/* ---- schemas ------------------------------------------------------------------------------------------- */

enum status columns_from_schema(const struct format_spec *spec, struct registry *r,
                                const struct registered_schema *schema, bool is_key, struct arena *a,
                                const struct schema_column **columns, uint32_t *n, struct diag *d)
{
    const struct schema_ops *ops = formats[spec->kind].schema;
    return ops ? ops->columns_from(spec, r, schema, is_key, a, columns, n, d) : no_schemas(spec->kind, d);
}

enum status columns_to_schema(const struct format_spec *spec, const struct schema_column *columns, uint32_t n,
                              bool is_key, struct buf *out, struct diag *d)
{
    const struct schema_ops *ops = formats[spec->kind].schema;
    enum status st = ops ? ops->columns_to(spec, columns, n, is_key, out, d) : no_schemas(spec->kind, d);
    return st == STATUS_OK && out->failed ? diag_nomem(d) : st;
}

bool schema_subject(struct buf *out, const char *topic, bool is_key)
{
    buf_init(out, 0);
    buf_printf(out, "%s-%s", topic, is_key ? "key" : "value");
    return !out->failed;
}

enum status schema_register(const struct format_spec *spec, const struct schema_column *columns, uint32_t n,
                            int32_t *id, struct diag *d)
{
    enum status st = STATUS_OK;
    const struct schema_site *site = spec->site;
    struct buf text, subject;
    *id = spec->schema_id;
    if (*id)
        return STATUS_OK;
    if (!site || !site->registry)
        return format_lacks_registry(d, STATUS_INVALID, (struct span){0}, spec->kind, site ? site->topic : "");
    buf_init(&text, 0);
    bool has_subject = schema_subject(&subject, site->topic, site->is_key);
    TRY(columns_to_schema(spec, columns, n, site->is_key, &text, d));
    if (!has_subject)
        TRY(diag_nomem(d));
    struct registered_schema schema = {.type = format_schema_type(spec->kind), .text = buf_str(&text)};
    st = registry_add(site->registry, buf_str(&subject), &schema, id, d);
done:
    buf_free(&text);
    buf_free(&subject);
    return st;
}

enum status schema_adopt(const struct format_spec *spec, enum status code, struct diag *d)
{
    enum status st = STATUS_OK;
    const struct schema_site *site = spec->site;
    const struct registered_schema *given;
    struct buf subject;
    int32_t id;
    if (!schema_subject(&subject, site->topic, site->is_key))
        TRY(diag_nomem(d));
    TRY(registry_by_id(site->registry, spec->schema_id, &given, d));
    struct registered_schema schema = *given;
    schema.id = 0;
    TRY(registry_add(site->registry, buf_str(&subject), &schema, &id, d));
    if (id != spec->schema_id)
        st =
            diag_set(d, code, "Schema id registered is %d which is different from provided %s_SCHEMA_ID %d.\nTopic: %s",
                     (int)id, site->is_key ? "KEY" : "VALUE", (int)spec->schema_id, site->topic);
done:
    buf_free(&subject);
    return st;
}

void schema_header_put(struct buf *out, int32_t id)
{
    uint32_t big = __builtin_bswap32((uint32_t)id);
    buf_putc(out, 0);
    buf_put(out, &big, sizeof big);
}

bool schema_header_get(struct str payload, int32_t *id)
{
    uint32_t big;
    if (payload.len < SCHEMA_HEADER || payload.p[0] != 0)
        return false;
    memcpy(&big, payload.p + 1, sizeof big);
    *id = (int32_t)__builtin_bswap32(big);
    return true;
}

/* ---- the plan of a decoder ---------------------------------------------------------------------------- */

static bool node_init(struct arena *a, struct decode_node *node, const struct type *t)
{
    node->type = t;
    if (t->kind == KIND_STRUCT) {
        node->fields = ARENA_ARRAY(a, struct decode_node, t->n_fields);
        if (!node->fields)
            return false;
        for (uint32_t i = 0; i < t->n_fields; i++)
            if (!node_init(a, &node->fields[i], t->fields[i].type))
                return false;
    } else if (t->kind == KIND_ARRAY || t->kind == KIND_MAP) {
        node->element = ARENA_NEW(a, struct decode_node);
        return node->element && node_init(a, node->element, t->element);
    }
    return true;
}

static bool node_add_output(struct arena *a, struct decode_node *node, uint32_t output)
{
    uint32_t *outputs = ARENA_ARRAY(a, uint32_t, node->n_outputs + 1);
    if (!outputs)
        return false;
    if (node->n_outputs)
        memcpy(outputs, node->outputs, node->n_outputs * sizeof *outputs);
    outputs[node->n_outputs++] = output;
    node->outputs = outputs;
    return true;
}

static bool plan_init(struct decoder *dec, const struct decode_field *wanted)
{
    struct field *columns = ARENA_ARRAY(&dec->arena, struct field, dec->n_columns);
    if (!columns)
        return false;
    for (uint32_t i = 0; i < dec->n_columns; i++)
        columns[i] = (struct field){dec->columns[i].name, dec->columns[i].type};
    const struct type *side = type_struct(&dec->arena, columns, dec->n_columns);
    if (!side || !node_init(&dec->arena, &dec->root, side))
        return false;
    dec->types = arena_alloc(&dec->arena, dec->n_fields * sizeof *dec->types);
    if (!dec->types)
        return false;
    for (uint32_t i = 0; i < dec->n_fields; i++) {
        dec->types[i] = wanted[i].type;
        struct decode_node *node = &dec->root.fields[wanted[i].column];
        node->wanted = true;
        for (uint32_t k = 0; k < wanted[i].n_path; k++) {
            node = &node->fields[wanted[i].path[k]];
            node->wanted = true;
        }
        if (!node_add_output(&dec->arena, node, i))
            return false;
    }
    return true;
}

enum status decoder_create(const struct format_spec *spec, const struct schema_column *columns, uint32_t n_columns,
                           const struct decode_field *fields, uint32_t n_fields, struct decoder **out, struct diag *d)
{
    *out = NULL;
    const struct decoder_ops *ops = formats[spec->kind].decoder;
    enum status st = check_columns(spec->kind, columns, n_columns, d);
    if (st != STATUS_OK)
        return st;
    struct decoder *dec = mem_calloc(1, ops->size);
    if (!dec)
        return diag_nomem(d);
    dec->ops = ops;
    dec->spec = *spec;
    dec->columns = columns;
    dec->n_columns = n_columns;
    dec->n_fields = n_fields;
    arena_init(&dec->arena, 0);
    buf_init(&dec->reason, 0);
    st = plan_init(dec, fields) ? STATUS_OK : diag_nomem(d);
    if (st == STATUS_OK && ops->open)
        st = ops->open(dec, d);
    if (st != STATUS_OK) {
        decoder_destroy(dec);
        return st;
    }
    *out = dec;
    return STATUS_OK;
}

void decoder_destroy(struct decoder *dec)
{
    if (!dec)
        return;
    if (dec->ops->close)
        dec->ops->close(dec);
    buf_free(&dec->reason);
    arena_free(&dec->arena);
    mem_free(dec);
}

/* ---- decoding a batch --------------------------------------------------------------------------------- */

void decode_emit(struct decode_run *run, const struct decode_node *node, const struct value *v)
{
    if (!node->wanted)
        return;
    for (uint32_t i = 0; i < node->n_outputs; i++)
        column_set(&run->out[node->outputs[i]], run->row, v);
    if (node->type->kind != KIND_STRUCT)
        return;
    static const struct value null = {.kind = KIND_NULL};
    for (uint32_t i = 0; i < node->type->n_fields; i++)
        decode_emit(run, &node->fields[i], value_is_null(v) ? &null : &v->nested->items[i]);
}

static void row_set_null(const struct decoder *dec, struct column *out, uint32_t row)
{
    for (uint32_t i = 0; i < dec->n_fields; i++)
        column_set_null(&out[i], row);
}

/* A column without nulls has no validity bits: kernels have a shorter way for those. */
static void drop_full_validity(struct column *c, uint32_t n)
{
    for (uint32_t i = 0; i < (n + 63) / 64; i++)
        if (c->valid[i] != UINT64_MAX)
            return;
    c->valid = NULL;
}

enum status decode(struct decoder *dec, const struct str *payloads, uint32_t n, struct arena *a, struct column *out,
                   uint8_t *states, const struct decode_sink *sink)
{
    for (uint32_t i = 0; i < dec->n_fields; i++)
        if (!column_init(&out[i], dec->types[i], n, true, a))
            return STATUS_NOMEM;
    struct decode_run run = {.a = a, .out = out, .reason = &dec->reason};
    for (uint32_t row = 0; row < n; row++) {
        run.row = row;
        states[row] = payloads[row].p ? (uint8_t)dec->ops->row(dec, &run, payloads[row]) : ROW_NULL;
        if (__builtin_expect(states[row] == ROW_OK, 1))
            continue;
        row_set_null(dec, out, row);
        if (run.status != STATUS_OK)
            break;
        if (states[row] != ROW_BAD)
            continue;
        if (a->failed || dec->reason.failed)
            break;
        if (sink && sink->bad)
            sink->bad(sink->data, row, buf_z(&dec->reason));
        dec->reason.len = 0;
    }
    if (a->failed || dec->reason.failed) {
        buf_free(&dec->reason); /* for the next call */
        return STATUS_NOMEM;
    }
    if (run.status != STATUS_OK) {
        dec->reason.len = 0;
        return run.status;
    }
    for (uint32_t i = 0; i < dec->n_fields; i++)
        drop_full_validity(&out[i], n);
    return STATUS_OK;
}

/* ---- encoding ----------------------------------------------------------------------------------------- */

enum status encoder_create(const struct format_spec *spec, const struct schema_column *columns, uint32_t n_columns,
                           struct encoder **out, struct diag *d)
{
    *out = NULL;
    const struct encoder_ops *ops = formats[spec->kind].encoder;
    enum status st = check_columns(spec->kind, columns, n_columns, d);
    if (st != STATUS_OK)
        return st;
    struct encoder *enc = mem_calloc(1, ops->size);
    if (!enc)
        return diag_nomem(d);
    enc->ops = ops;
    enc->spec = *spec;
    arena_init(&enc->arena, 0);
    enc->n_columns = n_columns;
    enc->columns = columns;
    st = ops->open ? ops->open(enc, d) : STATUS_OK;
    if (st != STATUS_OK) {
        encoder_destroy(enc);
        return st;
    }
    *out = enc;
    return STATUS_OK;
}

void encoder_destroy(struct encoder *enc)
{
    if (!enc)
        return;
    if (enc->ops->close)
        enc->ops->close(enc);
    arena_free(&enc->arena);
    mem_free(enc);
}

enum status encode(struct encoder *enc, const struct column *columns, uint32_t row, struct buf *out, bool *is_null,
                   struct diag *d)
{
    *is_null = false;
    enum status st = enc->ops->row(enc, columns, row, out, is_null, d);
    return st == STATUS_OK && out->failed ? diag_nomem(d) : st;
}
