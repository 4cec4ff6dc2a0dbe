/* Which columns a format can hold, with ksqlDB's reasons where it cannot. */
#include "formats/formats_int.h"

static void put_columns(struct buf *out, const struct schema_column *columns, uint32_t n, bool is_key)
{
    buf_putc(out, '[');
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_puts(out, STR(", "));
        name_print_quoted(out, columns[i].name);
        buf_putc(out, ' ');
        type_print(out, columns[i].type);
        if (is_key)
            buf_puts(out, STR(" KEY"));
    }
    buf_putc(out, ']');
}

static bool accepts_kafka(const struct schema_column *columns, uint32_t n, bool is_key, struct buf *reason)
{
    if (n > 1) {
        buf_puts(reason, STR("The 'KAFKA' format only supports a single field. Got: "));
        put_columns(reason, columns, n, is_key);
        return false;
    }
    if (n == 0)
        return true;
    switch (columns[0].type->kind) {
    case KIND_INT:
    case KIND_BIGINT:
    case KIND_DOUBLE:
    case KIND_STRING:
    case KIND_BYTES:
        return true;
    default:
        buf_printf(reason, "The 'KAFKA' format does not support type '%s'", type_base_name(columns[0].type->kind));
        return false;
    }
}

static bool accepts_delimited(const struct schema_column *columns, uint32_t n, struct buf *reason)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!type_is_nested(columns[i].type))
            continue;
        buf_printf(reason, "The 'DELIMITED' format does not support type '%s', column: ",
                   type_base_name(columns[i].type->kind));
        name_print_quoted(reason, columns[i].name);
        return false;
    }
    return true;
}

static bool map_keys_are_text(const struct type *t)
{
    switch (t->kind) {
    case KIND_MAP:
        return t->key->kind == KIND_STRING && map_keys_are_text(t->element);
    case KIND_ARRAY:
        return map_keys_are_text(t->element);
    case KIND_STRUCT:
        for (uint32_t i = 0; i < t->n_fields; i++)
            if (!map_keys_are_text(t->fields[i].type))
                return false;
        return true;
    default:
        return true;
    }
}

static bool accepts_maps(const struct schema_column *columns, uint32_t n, struct str refusal, struct buf *reason)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!map_keys_are_text(columns[i].type)) {
            buf_puts(reason, refusal);
            return false;
        }
    }
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool avro_name(struct str name, struct buf *reason)
{
    const char *what = name.len == 0 ? "Empty name" : is_letter(name.p[0]) ? NULL : "Illegal initial character: ";
    for (uint32_t i = 1; i < name.len && !what; i++)
        if (!is_letter(name.p[i]) && !(name.p[i] >= '0' && name.p[i] <= '9'))
            what = "Illegal character in: ";
    if (what)
        buf_printf(reason, "Schema is not compatible with Avro: %s" STR_FMT, what, STR_ARG(name));
    return !what;
}

static bool avro_names(const struct type *t, struct buf *reason)
{
    if (t->kind == KIND_ARRAY || t->kind == KIND_MAP)
        return avro_names(t->element, reason);
    if (t->kind == KIND_STRUCT)
        for (uint32_t i = 0; i < t->n_fields; i++)
            if (!avro_name(t->fields[i].name, reason) || !avro_names(t->fields[i].type, reason))
                return false;
    return true;
}

static bool accepts_avro(const struct schema_column *columns, uint32_t n, struct buf *reason)
{
    if (!accepts_maps(columns, n, STR("Avro only supports MAPs with STRING keys"), reason))
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!avro_name(columns[i].name, reason) || !avro_names(columns[i].type, reason))
            return false;
    return true;
}

bool format_accepts(enum format_kind kind, const struct schema_column *columns, uint32_t n, bool is_key,
                    struct buf *reason)
{
    switch (kind) {
    case FORMAT_NONE:
        if (n == 0)
            return true;
        buf_puts(reason, STR("The 'NONE' format can only be used when no columns are defined. Got: "));
        put_columns(reason, columns, n, is_key);
        return false;
    case FORMAT_KAFKA:
        return accepts_kafka(columns, n, is_key, reason);
    case FORMAT_DELIMITED:
        return accepts_delimited(columns, n, reason);
    case FORMAT_JSON:
    case FORMAT_JSON_SR:
        return accepts_maps(columns, n, STR("JSON only supports MAP types with STRING keys"), reason);
    case FORMAT_AVRO:
        return accepts_avro(columns, n, reason);
    case FORMAT_PROTOBUF:
    case FORMAT_PROTOBUF_NOSR:
        return accepts_maps(columns, n,
                            STR("PROTOBUF format only supports MAP types with STRING keys. "
                                "See https://github.com/confluentinc/ksql/issues/6177."),
                            reason);
    case FORMAT_ROW:
        break;
    }
    return true;
}
