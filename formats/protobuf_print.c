/* The text of a model that was made from columns, as Confluent's serializer prints it for the registry. */
#include "formats/protobuf_int.h"

static void indent(struct buf *out, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        buf_puts(out, STR("  "));
}

static void put_line(struct buf *out, unsigned depth, const char *text)
{
    indent(out, depth);
    buf_puts(out, str_from(text));
    buf_putc(out, '\n');
}

static void put_param(struct buf *out, unsigned depth, const char *key, unsigned value, const char *end)
{
    put_line(out, depth, "{");
    indent(out, depth + 1);
    buf_printf(out, "value: \"%u\",\n", value);
    indent(out, depth + 1);
    buf_printf(out, "key: \"%s\"\n", key);
    put_line(out, depth, end);
}

static void put_field(struct buf *out, const struct proto_field *f, unsigned depth)
{
    struct str type = str_from(proto_type_name(f->type));
    if (f->message) /* those of our own by their names alone, others with their packages */
        type = f->message->known == PROTO_PLAIN || f->message->known == PROTO_MAP_ENTRY ? f->message->name
                                                                                        : f->message->full_name;
    if (f->message && f->message->known == PROTO_VALUE && f->message->fields[0].repeated)
        type = f->message->name;
    indent(out, depth);
    buf_printf(out, "%s" STR_FMT " " STR_FMT " = %u",
               f->repeated   ? "repeated "
               : f->optional ? "optional "
                             : "",
               STR_ARG(type), STR_ARG(f->name), f->number);
    if (f->precision) {
        buf_puts(out, STR(" [(confluent.field_meta) = {\n"));
        put_line(out, depth + 1, "params: [");
        put_param(out, depth + 2, "precision", f->precision, "},");
        put_param(out, depth + 2, "scale", f->scale, "}");
        put_line(out, depth + 1, "]");
        indent(out, depth);
        buf_puts(out, STR("}]"));
    }
    buf_puts(out, STR(";\n"));
}

static void put_message(struct buf *out, const struct proto_message *m, unsigned depth)
{
    indent(out, depth);
    buf_printf(out, "message " STR_FMT " {", STR_ARG(m->name));
    if (m->n_fields)
        buf_putc(out, '\n');
    for (uint32_t i = 0; i < m->n_fields; i++)
        put_field(out, &m->fields[i], depth + 1);
    if (m->n_nested)
        buf_putc(out, '\n');
    for (uint32_t i = 0; i < m->n_nested; i++)
        put_message(out, m->nested[i], depth + 1);
    if (m->n_fields)
        indent(out, depth);
    buf_puts(out, STR("}\n"));
}

/* ---- imports ----------------------------------------------------------------------------------------------- */

enum { IMPORT_META, IMPORT_DECIMAL, IMPORT_TIMESTAMP, IMPORT_WRAPPERS, IMPORT_DATE, IMPORT_TIME, N_IMPORTS };

static unsigned imports_of(const struct proto_message *m)
{
    unsigned found = 0;
    for (uint32_t i = 0; i < m->n_fields; i++) {
        const struct proto_message *used = m->fields[i].message;
        if (!used)
            continue;
        switch (used->known) {
        case PROTO_VALUE:
            found |= used->fields[0].repeated ? 0 : 1u << IMPORT_WRAPPERS;
            break;
        case PROTO_DECIMAL:
            found |= 1u << IMPORT_META | 1u << IMPORT_DECIMAL;
            break;
        case PROTO_DATE:
            found |= 1u << IMPORT_DATE;
            break;
        case PROTO_TIME:
            found |= 1u << IMPORT_TIME;
            break;
        case PROTO_TIMESTAMP:
            found |= 1u << IMPORT_TIMESTAMP;
            break;
        default:
            break;
        }
    }
    for (uint32_t i = 0; i < m->n_nested; i++)
        found |= imports_of(m->nested[i]);
    return found;
}

void proto_print(struct buf *out, const struct proto_file *file)
{
    static const char *const paths[N_IMPORTS] = {
        "confluent/meta.proto",           "confluent/type/decimal.proto", "google/protobuf/timestamp.proto",
        "google/protobuf/wrappers.proto", "google/type/date.proto",       "google/type/timeofday.proto"};
    unsigned imports = imports_of(file->messages[0]);
    buf_puts(out, STR("syntax = \"proto3\";\n"));
    if (file->package.len)
        buf_printf(out, "package " STR_FMT ";\n", STR_ARG(file->package));
    if (imports)
        buf_putc(out, '\n');
    for (unsigned i = 0; i < N_IMPORTS; i++)
        if (imports & 1u << i)
            buf_printf(out, "import \"%s\";\n", paths[i]);
    buf_putc(out, '\n');
    put_message(out, file->messages[0], 0);
}
