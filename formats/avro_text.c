/* Columns to the text of the Avro schema that ksqlDB registers for them, with the attributes of Connect: each field may be
 * null and is by default; records are named by their path ("KsqlDataSourceSchema_A_B"); a MAP is an array of entries, as its
 * keys may be null, too. */
#include "formats/avro_int.h"
#include "formats/json_int.h"

struct text {
    struct buf *out;
    struct str space;
    struct buf name; /* of the record at hand, without namespace */
    bool is_first;   /* the namespace has not been written yet */
};

static void put_type(struct text *c, const struct type *t);

static void put_optional(struct text *c, struct str name, const struct type *t)
{
    buf_puts(c->out, STR("{\"name\":"));
    json_put_string(c->out, name, false);
    buf_puts(c->out, STR(",\"type\":[\"null\","));
    put_type(c, t);
    buf_puts(c->out, STR("],\"default\":null}"));
}

/* "type":"record" and the names, up to the fields. */
static void open_record(struct text *c)
{
    buf_puts(c->out, STR("{\"type\":\"record\",\"name\":"));
    json_put_string(c->out, buf_str(&c->name), false);
    if (c->is_first && c->space.len) {
        buf_puts(c->out, STR(",\"namespace\":"));
        json_put_string(c->out, c->space, false);
    }
    c->is_first = false;
    buf_puts(c->out, STR(",\"fields\":["));
}

static void put_connect_name(struct text *c)
{
    buf_puts(c->out, STR(",\"connect.name\":\""));
    if (c->space.len) {
        buf_puts(c->out, c->space);
        buf_putc(c->out, '.');
    }
    buf_puts(c->out, buf_str(&c->name));
    buf_putc(c->out, '"');
}

/* A part of the record at hand, named by its path. */
static void put_part(struct text *c, struct str field, struct str step, const struct type *t)
{
    size_t len = c->name.len;
    buf_putc(&c->name, '_');
    buf_puts(&c->name, step);
    put_optional(c, field, t);
    c->name.len = len;
}

static void put_record(struct text *c, const struct field *fields, uint32_t n)
{
    open_record(c);
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_putc(c->out, ',');
        put_part(c, fields[i].name, fields[i].name, fields[i].type);
    }
    buf_putc(c->out, ']');
    put_connect_name(c);
    buf_putc(c->out, '}');
}

static void put_map(struct text *c, const struct type *t)
{
    buf_puts(c->out, STR("{\"type\":\"array\",\"items\":"));
    open_record(c);
    put_part(c, STR("key"), STR("MapKey"), t->key);
    buf_putc(c->out, ',');
    put_part(c, STR("value"), STR("MapValue"), t->element);
    buf_puts(c->out, STR("],\"connect.internal.type\":\"MapEntry\"}"));
    put_connect_name(c);
    buf_putc(c->out, '}');
}

static void put_logical(struct text *c, const char *type, const char *logical, const char *connect)
{
    buf_printf(c->out,
               "{\"type\":\"%s\",\"connect.version\":1,\"connect.name\":\"org.apache.kafka.connect.data.%s\","
               "\"logicalType\":\"%s\"}",
               type, connect, logical);
}

static void put_type(struct text *c, const struct type *t)
{
    static const char *const plain[] = {[KIND_BOOLEAN] = "boolean", [KIND_INT] = "int",       [KIND_BIGINT] = "long",
                                        [KIND_DOUBLE] = "double",   [KIND_STRING] = "string", [KIND_BYTES] = "bytes"};
    switch (t->kind) {
    case KIND_DECIMAL:
        buf_printf(c->out,
                   "{\"type\":\"bytes\",\"scale\":%u,\"precision\":%u,\"connect.version\":1,\"connect.parameters\":"
                   "{\"scale\":\"%u\",\"connect.decimal.precision\":\"%u\"},\"connect.name\":"
                   "\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":\"decimal\"}",
                   t->scale, t->precision, t->scale, t->precision);
        break;
    case KIND_DATE:
        put_logical(c, "int", "date", "Date");
        break;
    case KIND_TIME:
        put_logical(c, "int", "time-millis", "Time");
        break;
    case KIND_TIMESTAMP:
        put_logical(c, "long", "timestamp-millis", "Timestamp");
        break;
    case KIND_ARRAY:
        buf_puts(c->out, STR("{\"type\":\"array\",\"items\":[\"null\","));
        put_type(c, t->element);
        buf_puts(c->out, STR("]}"));
        break;
    case KIND_MAP:
        put_map(c, t);
        break;
    case KIND_STRUCT:
        put_record(c, t->fields, t->n_fields);
        break;
    default:
        buf_printf(c->out, "\"%s\"", plain[t->kind]);
    }
}

static bool is_name(struct str s)
{
    for (uint32_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || s.p[i - 1] == '.' || !((c >= '0' && c <= '9') || c == '.')))
            return false;
    }
    return s.len && s.p[s.len - 1] != '.';
}

enum status av_columns_to(const struct format_spec *spec, const struct schema_column *columns, uint32_t n, bool is_key,
                          struct buf *out, struct diag *d)
{
    (void)is_key;
    struct str full =
        str_from(spec->full_name ? spec->full_name : "io.confluent.ksql.avro_schemas.KsqlDataSourceSchema");
    if (!is_name(full))
        return diag_set(d, STATUS_INVALID, "Schema is not compatible with Avro: Illegal name: " STR_FMT, STR_ARG(full));
    const char *dot = memrchr(full.p, '.', full.len);
    uint32_t skipped = dot ? (uint32_t)(dot - full.p) + 1 : 0;
    struct text c = {.out = out, .space = {full.p, dot ? skipped - 1 : 0}, .is_first = true};
    buf_init(&c.name, 0);
    buf_put(&c.name, full.p + skipped, full.len - skipped);
    if (av_is_bare(spec, n)) {
        put_type(&c, columns[0].type);
    } else {
        struct field *fields = mem_calloc(n ? n : 1, sizeof *fields);
        if (!fields) {
            buf_free(&c.name);
            return diag_nomem(d);
        }
        for (uint32_t i = 0; i < n; i++)
            fields[i] = (struct field){columns[i].name, columns[i].type};
        put_record(&c, fields, n);
        mem_free(fields);
    }
    bool ok = !c.name.failed && !out->failed;
    buf_free(&c.name);
    return ok ? STATUS_OK : diag_nomem(d);
}
