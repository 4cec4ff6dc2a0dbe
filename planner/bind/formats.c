/* Formats of topics as statements name them: defaults, properties, wrapping, and whether they can hold a schema
 * (rules.md 7). Also the TIMESTAMP property. */
#include "planner/planner_int.h"

#include <ctype.h>

enum status format_from_name(struct planner *p, struct str name, struct span where, enum format_kind *kind)
{
    if (format_by_name(name, kind) && *kind != FORMAT_ROW)
        return STATUS_OK;
    return plan_error(p, where, "Unknown format: " STR_FMT, STR_ARG(name));
}

/* ---- properties ---- */

static bool is_protobuf(enum format_kind kind)
{
    return kind == FORMAT_PROTOBUF || kind == FORMAT_PROTOBUF_NOSR;
}

enum status format_check_properties(struct planner *p, enum format_kind kind, const struct with_side *side)
{
    const char *unknown[4];
    int n = 0;
    if (side->has_delimiter && kind != FORMAT_DELIMITED)
        unknown[n++] = "delimiter";
    if (side->serde.schema_full_name && !format_has_registry(kind))
        unknown[n++] = "fullSchemaName";
    if (side->serde.nullable_representation && !is_protobuf(kind))
        return plan_error(p, side->format_span,
                          "Property %s_PROTOBUF_NULLABLE_REPRESENTATION can only be enabled with protobuf format",
                          side->is_key ? "KEY" : "VALUE");
    if (n)
        return plan_error(p, side->format_span, "%s does not support the following configs: [%s%s%s]",
                          format_name(kind), unknown[0], n > 1 ? ", " : "", n > 1 ? unknown[1] : "");
    if (side->serde.schema_full_name && side->serde.schema_full_name[0] == '\0')
        return plan_error(p, side->format_span,
                          "fullSchemaName cannot be empty. Format configuration: {fullSchemaName=}");
    return STATUS_OK;
}

void format_take_properties(struct format_spec *spec, const struct serde_properties *serde)
{
    const char *nulls = serde->nullable_representation;
    spec->nulls = !nulls ? PROTO_NULLS_NONE : strcmp(nulls, "WRAPPER") ? PROTO_NULLS_OPTIONAL : PROTO_NULLS_WRAPPER;
    spec->schema_id = serde->schema_id > 0 ? serde->schema_id : 0;
    spec->full_name = serde->schema_full_name;
}

/* LEFT_TABLE: LeftTableKey. */
enum status format_name_key(struct planner *p, struct format_spec *spec, struct str source)
{
    struct buf name;
    struct str taken;
    bool first = true;
    if (spec->kind != FORMAT_AVRO || spec->full_name)
        return STATUS_OK;
    buf_init(&name, 0);
    buf_puts(&name, STR("io.confluent.ksql.avro_schemas."));
    for (uint32_t i = 0; i < source.len; i++) {
        unsigned char ch = (unsigned char)source.p[i];
        if (isalnum(ch))
            buf_putc(&name, (char)(first ? toupper(ch) : tolower(ch)));
        first = !isalnum(ch);
    }
    buf_puts(&name, STR("Key"));
    taken = planner_take(p, &name);
    spec->full_name = taken.p;
    return taken.p ? STATUS_OK : STATUS_NOMEM;
}

/* ---- wrapping ---- */

static bool can_wrap(enum format_kind kind)
{
    return kind == FORMAT_JSON || kind == FORMAT_JSON_SR || kind == FORMAT_AVRO || is_protobuf(kind);
}

static bool can_unwrap(enum format_kind kind)
{
    return kind != FORMAT_PROTOBUF && kind != FORMAT_NONE;
}

static bool wraps_by_default(enum format_kind kind)
{
    return can_wrap(kind);
}

enum status wrap_value(struct planner *p, struct format_spec *spec, uint32_t n_columns, int explicit_wrap,
                       enum wrap_feature *feature)
{
    *feature = WRAP_NONE;
    spec->wrapped = wraps_by_default(spec->kind);
    int wish = explicit_wrap;
    struct str configured;
    if (wish < 0 && n_columns == 1 && planner_property(p, "ksql.persistence.wrap.single.values", &configured)) {
        wish = str_eq_nocase(configured, STR("true"));
        if (!(wish ? can_wrap(spec->kind) : can_unwrap(spec->kind)))
            wish = -1;
    }
    if (wish < 0)
        return STATUS_OK;
    if (!(wish ? can_wrap(spec->kind) : can_unwrap(spec->kind)))
        return plan_error(p, p->statement->span, "Format '%s' does not support 'WRAP_SINGLE_VALUE' set to '%s'.",
                          format_name(spec->kind), wish ? "true" : "false");
    if (n_columns != 1)
        return plan_error(p, p->statement->span, "'WRAP_SINGLE_VALUE' is only valid for single-field value schemas");
    *feature = wish ? WRAP_SINGLES : UNWRAP_SINGLES;
    spec->wrapped = wish;
    return STATUS_OK;
}

void wrap_key(struct format_spec *spec, uint32_t n_columns, enum wrap_feature *feature)
{
    bool unwrap = n_columns == 1 && can_wrap(spec->kind) && can_unwrap(spec->kind);
    *feature = unwrap ? UNWRAP_SINGLES : WRAP_NONE;
    spec->wrapped = wraps_by_default(spec->kind) && !unwrap;
}

/* ---- schemas ---- */

bool type_has_map(const struct type *t)
{
    if (t->kind == KIND_MAP)
        return true;
    if (t->kind == KIND_ARRAY)
        return type_has_map(t->element);
    for (uint32_t i = 0; t->kind == KIND_STRUCT && i < t->n_fields; i++)
        if (type_has_map(t->fields[i].type))
            return true;
    return false;
}

enum status format_check_schema(struct planner *p, const struct format_spec *spec, enum wrap_feature feature,
                                const struct schema_column *columns, uint32_t n, bool is_key)
{
    static const char *const features[] = {"", "WRAP_SINGLES", "UNWRAP_SINGLES"};
    for (uint32_t i = 0; is_key && i < n; i++) {
        enum status st = check_no_map_key(p, columns[i].name, columns[i].type, p->statement->span);
        if (st != STATUS_OK)
            return st;
    }
    if (n == 0)
        return STATUS_OK;
    struct buf reason, text;
    buf_init(&reason, 0);
    buf_init(&text, 0);
    enum status st = STATUS_OK;
    if (!format_accepts(spec->kind, columns, n, is_key, &reason)) {
        struct schema schema = {.n_columns = n, .n_keys = is_key ? n : 0, .columns = columns};
        schema_print(&text, &schema);
        st = plan_error(p, p->statement->span,
                        "%s format does not support schema.\nformat: %s\nschema: Persistence{columns=[%s], "
                        "features=[%s]}\nreason: %s",
                        is_key ? "Key" : "Value", format_name(spec->kind), buf_z(&text), features[feature],
                        buf_z(&reason));
    }
    buf_free(&reason);
    buf_free(&text);
    return st;
}

enum status format_check_registry(struct planner *p, const char *topic, const struct topic_formats *formats)
{
    enum format_kind kinds[] = {formats->key.kind, formats->value.kind};
    for (int i = 0; i < 2; i++)
        if (format_has_registry(kinds[i]) && !p->context->registry && !p->context->recorded)
            return format_lacks_registry(p->d, STATUS_STATEMENT, p->statement->span, kinds[i], topic);
    return STATUS_OK;
}

/* ---- TIMESTAMP ---- */

enum status timestamp_resolve(struct planner *p, const struct schema *schema, struct str column, struct str format,
                              struct timestamp_spec *out)
{
    *out = (struct timestamp_spec){.kind = TS_RECORD};
    if (!column.p)
        return STATUS_OK;
    struct span where = p->statement->span;
    bool quoted = column.len > 2 && (column.p[0] == '`' || column.p[0] == '"');
    column = quoted ? str_make(column.p + 1, column.len - 2) : str_upper_ascii(p->a, column);
    int index = schema_find(schema, column);
    if (index < 0)
        return plan_error(p, where,
                          "The TIMESTAMP column set in the WITH clause does not exist in the schema: '" STR_FMT "'",
                          STR_ARG(column));
    out->column = (uint32_t)index;
    enum type_kind kind = schema->columns[index].type->kind;
    if (kind == KIND_STRING && !format.p)
        return plan_error(p, where,
                          "A String timestamp field has been specified without also specifying the timestamp_format");
    if (kind != KIND_STRING && format.p)
        return plan_error(p, where,
                          "'TIMESTAMP_FORMAT' set in the WITH clause can only be used when the timestamp column is of "
                          "type STRING.");
    out->kind = kind == KIND_STRING      ? TS_STRING
                : kind == KIND_BIGINT    ? TS_BIGINT
                : kind == KIND_TIMESTAMP ? TS_TIMESTAMP
                                         : TS_RECORD;
    out->format = format;
    if (out->kind == TS_RECORD)
        return plan_error(p, where,
                          "Timestamp column, `" STR_FMT
                          "`, should be LONG(INT64), TIMESTAMP, or a String with a timestamp_format specified.",
                          STR_ARG(schema->columns[index].name));
    return STATUS_OK;
}
