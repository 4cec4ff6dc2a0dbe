/* Schemas of a case in its registry; see schemas.h. */
#include "cli/test/schemas.h"
#include "cli/test/protobuf.h"

/* ---- topics ---------------------------------------------------------------------------------------------- */

static enum schema_type type_named(struct str format)
{
    if (str_eq_nocase(format, STR("PROTOBUF")))
        return SCHEMA_PROTOBUF;
    return str_eq_nocase(format, STR("JSON")) || str_eq_nocase(format, STR("JSON_SR")) ? SCHEMA_JSON : SCHEMA_AVRO;
}

/* Protobuf's schemas are texts; the others are JSON. */
static struct str schema_text(struct arena *a, enum schema_type type, const struct json *j)
{
    struct buf text;
    if (type == SCHEMA_PROTOBUF)
        return j->text;
    buf_init(&text, 0);
    json_print_as_written(&text, j);
    struct str out = str_dup(a, buf_str(&text));
    buf_free(&text);
    return out;
}

static enum status add_references(struct world *w, const struct json *list, struct registered_schema *schema,
                                  struct diag *d)
{
    struct schema_reference *references = ARENA_ARRAY(&w->arena, struct schema_reference, list ? list->n : 0);
    if (!references)
        return diag_nomem(d);
    schema->references = references;
    JSON_EACH (list, j) {
        struct str name = json_text(j, "name");
        references[schema->n_references++] = (struct schema_reference){.name = name, .subject = name, .version = 1};
    }
    return STATUS_OK;
}

/* References have the ids behind that of the schema. */
static enum status register_references(struct world *w, const struct json *list, struct diag *d)
{
    enum status st = STATUS_OK;
    int32_t id;
    JSON_EACH (list, j) {
        struct registered_schema schema = {.type = type_named(json_text(j, "format"))};
        schema.text = schema_text(&w->arena, schema.type, json_member(j, "schema"));
        TRY(registry_add(w->registry, json_text(j, "name"), &schema, &id, d));
    }
done:
    return st;
}

static enum status register_topic_side(struct world *w, const struct json *topic, bool is_key, bool with_id,
                                       struct diag *d)
{
    enum status st = STATUS_OK;
    const struct json *text = json_member(topic, is_key ? "keySchema" : "valueSchema"),
                      *number = json_member(topic, is_key ? "keySchemaId" : "valueSchemaId"),
                      *references = json_member(topic, is_key ? "keySchemaReferences" : "valueSchemaReferences");
    struct registered_schema schema = {.type = type_named(json_text(topic, is_key ? "keyFormat" : "valueFormat"))};
    int64_t id = 0;
    int32_t got;
    if (number)
        (void)parse_i64(number->text, &id);
    if (!text || text->kind == JSON_NULL || with_id != (id != 0))
        return STATUS_OK;
    schema.id = (int32_t)id;
    schema.text = schema_text(&w->arena, schema.type, text);
    struct str subject =
        str_printf(&w->arena, STR_FMT "-%s", STR_ARG(json_text(topic, "name")), is_key ? "key" : "value");
    if (w->arena.failed)
        return diag_nomem(d);
    TRY(add_references(w, references, &schema, d));
    TRY(registry_add(w->registry, subject, &schema, &got, d));
    TRY(register_references(w, references, d));
done:
    return st;
}

enum status schemas_of_topics(struct world *w, const struct json *topics, struct diag *d)
{
    enum status st = STATUS_OK;
    for (int turn = 0; turn < 2; turn++)
        JSON_EACH (topics, t) {
            TRY(register_topic_side(w, t, true, turn == 0, d));
            TRY(register_topic_side(w, t, false, turn == 0, d));
        }
done:
    return st;
}

/* ---- statements ------------------------------------------------------------------------------------------ */

static enum status register_side(struct world *w, const struct source *s, bool is_key, bool is_written, struct diag *d)
{
    const struct registered_schema *schema;
    struct schema_site site;
    const struct format_spec spec =
        format_at(is_key ? &s->formats.key : &s->formats.value, w->registry, s->topic, is_key, &site);
    struct str subject = str_printf(&w->arena, "%s-%s", s->topic, is_key ? "key" : "value");
    uint32_t n = is_key ? s->schema.n_keys : source_n_values(s);
    struct diag ignored = DIAG_INIT;
    int32_t id;
    if (!format_has_registry(spec.kind) || !n || (spec.schema_id && !is_written))
        return STATUS_OK;
    if (spec.schema_id)
        return schema_adopt(&spec, STATUS_STATEMENT, d);
    if (!is_written && registry_by_subject(w->registry, subject, 0, &schema, &ignored) == STATUS_OK)
        return STATUS_OK;
    return schema_register(&spec, is_key ? s->schema.columns : source_value_columns(s), n, &id, d);
}

enum status schemas_of_source(struct world *w, const struct source *s, bool is_written, struct diag *d)
{
    enum status st = register_side(w, s, true, is_written, d);
    return st == STATUS_OK ? register_side(w, s, false, is_written, d) : st;
}

enum status schemas_of_statement(struct world *w, const struct ast_stmt *s, const struct json *topics, struct diag *d)
{
    struct planner_context context;
    struct planned p = {0};
    struct diag ignored = DIAG_INIT;
    if (s->kind != STMT_CREATE_SOURCE || parser_prepare(s, &ignored) != STATUS_OK)
        return STATUS_OK;
    world_context(w, &context);
    if (planner_plan_statement(&context, &w->arena, s, &p, &ignored) != STATUS_OK || !p.ddl || !p.ddl->source ||
        p.filled.p)
        return STATUS_OK;
    JSON_EACH (topics, t)
        if (str_eq(json_text(t, "name"), str_from(p.ddl->source->topic)))
            return STATUS_OK;
    return schemas_of_source(w, p.ddl->source, false, d);
}

/* ---- records --------------------------------------------------------------------------------------------- */

enum { HEADER = 5 }; /* a zero byte, and the schema's id, big end first */

static void put_header(struct buf *out, int32_t id)
{
    buf_putc(out, 0);
    for (int i = 24; i >= 0; i -= 8)
        buf_putc(out, (char)((uint32_t)id >> i));
}

static bool get_header(struct str bytes, int32_t *id)
{
    uint32_t big = 0;
    for (uint32_t i = 1; i < HEADER && i < bytes.len; i++)
        big = big << 8 | (unsigned char)bytes.p[i];
    *id = (int32_t)big;
    return bytes.len >= HEADER && bytes.p[0] == 0;
}

static enum status encode_body(struct arena *a, const struct side *side, const struct registered_schema *schema,
                               const struct json *j, struct buf *out, struct diag *d)
{
    switch (schema->type) {
    case SCHEMA_AVRO:
        return test_avro_encode(a, side->registry, schema, j, out, d);
    case SCHEMA_JSON:
        json_print_as_written(out, j);
        return out->failed ? diag_nomem(d) : STATUS_OK;
    case SCHEMA_PROTOBUF:
        break;
    }
    return test_protobuf_encode(a, side->registry, schema, side->spec->full_name, true, j, out, d);
}

/* PROTOBUF_NOSR: the schema is that of the columns, and the bytes are the message. A bare column of a message type is the
 * message itself, others are the only field of one. */
static enum status own_schema(struct arena *a, const struct side *side, struct registered_schema *out, struct diag *d)
{
    struct buf text;
    buf_init(&text, 0);
    enum status st = columns_to_schema(side->spec, side->columns, side->n_columns, side->is_key, &text, d);
    *out = (struct registered_schema){.type = SCHEMA_PROTOBUF, .text = str_dup(a, buf_str(&text))};
    buf_free(&text);
    return st == STATUS_OK && !out->text.p ? diag_nomem(d) : st;
}

static bool is_only_field(const struct side *side)
{
    return side->n_columns == 1 && !side->wrapped && side->columns[0].type->kind != KIND_STRUCT;
}

static enum status own_encode(struct arena *a, const struct side *side, const struct json *j, struct buf *out,
                              struct diag *d)
{
    struct registered_schema schema;
    struct json field, object = {.kind = JSON_OBJECT, .n = 1, .first = &field};
    enum status st = own_schema(a, side, &schema, d);
    if (st != STATUS_OK)
        return st;
    if (is_only_field(side)) {
        field = *j;
        field.key = side->columns[0].name;
        field.next = NULL;
        j = &object;
    }
    return test_protobuf_encode(a, NULL, &schema, NULL, false, j, out, d);
}

static const struct json *own_decode(struct arena *a, const struct side *side, struct str bytes)
{
    struct registered_schema schema;
    struct diag ignored = DIAG_INIT;
    if (own_schema(a, side, &schema, &ignored) != STATUS_OK)
        return NULL;
    const struct json *j = test_protobuf_decode(a, NULL, &schema, false, bytes);
    return j && is_only_field(side) ? j->first : j;
}

enum status schema_encode(struct arena *a, const struct side *side, const struct json *j, struct buf *out,
                          struct diag *d)
{
    const struct registered_schema *schema;
    if (side->format == FORMAT_PROTOBUF_NOSR)
        return own_encode(a, side, j, out, d);
    struct str subject = str_printf(a, "%s-%s", side->topic, side->is_key ? "key" : "value");
    if (!subject.p)
        return diag_nomem(d);
    enum status st = registry_by_subject(side->registry, subject, 0, &schema, d);
    if (st != STATUS_OK)
        return st;
    put_header(out, schema->id);
    return encode_body(a, side, schema, j, out, d);
}

const struct json *schema_decode(struct arena *a, const struct side *side, struct str bytes)
{
    const struct registered_schema *schema;
    struct diag ignored = DIAG_INIT;
    char error[256];
    int32_t id;
    if (side->format == FORMAT_PROTOBUF_NOSR)
        return own_decode(a, side, bytes);
    if (!get_header(bytes, &id) || registry_by_id(side->registry, id, &schema, &ignored) != STATUS_OK)
        return NULL;
    struct str body = str_make(bytes.p + HEADER, bytes.len - HEADER);
    switch (schema->type) {
    case SCHEMA_AVRO:
        return test_avro_decode(a, side->registry, schema, body);
    case SCHEMA_JSON:
        return json_parse_file(a, body, error, sizeof error);
    case SCHEMA_PROTOBUF:
        break;
    }
    return test_protobuf_decode(a, side->registry, schema, true, body);
}
