/* JSON, writing: as Kafka Connect's JsonConverter does without a schema: all columns in order, nulls too. What stands
 * between the cells is prepared: {"A": and ,"B": */
#include "formats/json_int.h"

enum { CHUNK = 32 /* bytes behind a prefix that may be read */, INTEGER_MAX = 24 };

static bool save_prefix(struct json_encoder *j, struct buf *text, struct str *to)
{
    char *prefix = text->failed ? NULL : arena_zalloc(&j->base.arena, text->len + CHUNK);
    if (!prefix)
        return false;
    memcpy(prefix, text->p, text->len);
    *to = str_make(prefix, text->len);
    text->len = 0;
    return true;
}

static void put_name(struct buf *text, bool is_first, struct str name)
{
    buf_putc(text, is_first ? '{' : ',');
    json_put_string(text, name, true);
    buf_putc(text, ':');
}

static bool contains(const struct schema_column *columns, uint32_t n, struct str name)
{
    while (n > 0 && !str_eq(columns[n - 1].name, name))
        n--;
    return n > 0;
}

/* What stands around the cells. Of `columns` those that are not the encoder's own follow as nulls. */
static bool save_prefixes(struct json_encoder *j, const struct schema_column *columns, uint32_t n, struct buf *text)
{
    const struct encoder *enc = &j->base;
    bool all = true;
    for (uint32_t i = 0; i < enc->n_columns; i++) {
        put_name(text, i == 0, enc->columns[i].name);
        if (!save_prefix(j, text, &j->prefixes[i]))
            return false;
        all &= contains(columns, n, enc->columns[i].name);
    }
    for (uint32_t i = 0; i < n && all; i++) {
        if (contains(enc->columns, enc->n_columns, columns[i].name))
            continue;
        put_name(text, enc->n_columns == 0 && text->len == 0, columns[i].name);
        buf_puts(text, STR("null"));
    }
    buf_puts(text, enc->n_columns == 0 && text->len == 0 ? STR("{}") : STR("}"));
    return save_prefix(j, text, &j->suffix);
}

enum status json_encoder_open_with(struct json_encoder *j, const struct schema_column *columns, uint32_t n,
                                   struct diag *d)
{
    struct encoder *enc = &j->base;
    struct buf text;
    j->bare = !enc->spec.wrapped && enc->n_columns == 1;
    j->prefixes = arena_alloc(&enc->arena, enc->n_columns * sizeof *j->prefixes);
    if (!j->prefixes)
        return diag_nomem(d);
    buf_init(&text, 0);
    enum status st = save_prefixes(j, columns, n, &text) ? STATUS_OK : diag_nomem(d);
    buf_free(&text);
    return st;
}

static enum status json_encoder_open(struct encoder *enc, struct diag *d)
{
    return json_encoder_open_with((struct json_encoder *)enc, NULL, 0, d);
}

static void put_double(struct buf *out, double d)
{
    bool quoted = d != d || d - d != 0; /* NaN and infinities are no JSON numbers */
    if (quoted)
        buf_putc(out, '"');
    print_double(out, d);
    if (quoted)
        buf_putc(out, '"');
}

static void put_bytes(struct buf *out, struct str s)
{
    buf_putc(out, '"');
    base64_put(out, s);
    buf_putc(out, '"');
}

/* Two digits at a time; then a copy of fixed size, which is cheaper than one of the right size. */
static void put_integer(struct buf *out, int64_t v)
{
    static const char pairs[] =
        "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
        "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    char digits[2 * INTEGER_MAX], *p = digits + INTEGER_MAX;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    if (!buf_reserve(out, INTEGER_MAX))
        return;
    memset(p, 0, INTEGER_MAX);
    for (; rest >= 100; rest /= 100)
        memcpy(p -= 2, pairs + rest % 100 * 2, 2);
    if (rest >= 10)
        memcpy(p -= 2, pairs + rest * 2, 2);
    else
        *--p = (char)('0' + rest);
    if (v < 0)
        *--p = '-';
    memcpy(out->p + out->len, p, INTEGER_MAX);
    out->len += (size_t)(digits + INTEGER_MAX - p);
}

static void put_prefix(struct buf *out, struct str prefix)
{
    if (prefix.len > CHUNK) {
        buf_puts(out, prefix);
    } else if (buf_reserve(out, CHUNK)) {
        memcpy(out->p + out->len, prefix.p, CHUNK);
        out->len += prefix.len;
    }
}

static void put_value(struct buf *out, const struct value *v, const struct type *t);

static void put_map(struct buf *out, const struct nested *map, const struct type *t)
{
    buf_putc(out, '{');
    for (uint32_t i = 0; i < map->n; i++) {
        if (i)
            buf_putc(out, ',');
        json_put_string(out, value_is_null(&map->keys[i]) ? STR("null") : map->keys[i].str, true);
        buf_putc(out, ':');
        put_value(out, &map->items[i], t->element);
    }
    buf_putc(out, '}');
}

static void put_struct(struct buf *out, const struct nested *s, const struct type *t)
{
    buf_putc(out, '{');
    for (uint32_t i = 0; i < t->n_fields; i++) {
        if (i)
            buf_putc(out, ',');
        json_put_string(out, t->fields[i].name, true);
        buf_putc(out, ':');
        put_value(out, &s->items[i], t->fields[i].type);
    }
    buf_putc(out, '}');
}

static void put_array(struct buf *out, const struct nested *array, const struct type *t)
{
    buf_putc(out, '[');
    for (uint32_t i = 0; i < array->n; i++) {
        if (i)
            buf_putc(out, ',');
        put_value(out, &array->items[i], t->element);
    }
    buf_putc(out, ']');
}

static void put_value(struct buf *out, const struct value *v, const struct type *t)
{
    switch ((enum type_kind)v->kind) {
    case KIND_BOOLEAN:
        buf_puts(out, v->boolean ? STR("true") : STR("false"));
        break;
    case KIND_INT:
    case KIND_DATE:
    case KIND_TIME:
        put_integer(out, v->i32);
        break;
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        put_integer(out, v->i64);
        break;
    case KIND_DOUBLE:
        put_double(out, v->f64);
        break;
    case KIND_DECIMAL:
        print_decimal_sci(out, *v->decimal, t->scale);
        break;
    case KIND_STRING:
    case KIND_UNIT:
        json_put_string(out, v->str, true);
        break;
    case KIND_BYTES:
        put_bytes(out, v->str);
        break;
    case KIND_ARRAY:
        put_array(out, v->nested, t);
        break;
    case KIND_MAP:
        put_map(out, v->nested, t);
        break;
    case KIND_STRUCT:
        put_struct(out, v->nested, t);
        break;
    case KIND_NULL:
    case KIND_LAMBDA:
        buf_puts(out, STR("null"));
        break;
    }
}

static void put_cell(struct buf *out, const struct column *c, uint32_t row)
{
    struct value v;
    if (column_is_null(c, row)) {
        buf_puts(out, STR("null"));
        return;
    }
    switch (c->type->kind) {
    case KIND_INT:
        put_integer(out, c->i32[row]);
        break;
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        put_integer(out, c->i64[row]);
        break;
    case KIND_DOUBLE:
        put_double(out, c->f64[row]);
        break;
    case KIND_STRING:
        json_put_string(out, c->str[row], true);
        break;
    default:
        v = column_get(c, row);
        put_value(out, &v, c->type);
    }
}

enum status json_encoder_row(struct encoder *enc, const struct column *columns, uint32_t row, struct buf *out,
                             bool *is_null, struct diag *d)
{
    const struct json_encoder *j = (const struct json_encoder *)enc;
    (void)d;
    if (j->bare) {
        *is_null = column_is_null(&columns[0], row);
        if (!*is_null)
            put_cell(out, &columns[0], row);
        return STATUS_OK;
    }
    for (uint32_t i = 0; i < enc->n_columns; i++) {
        put_prefix(out, j->prefixes[i]);
        put_cell(out, &columns[i], row);
    }
    put_prefix(out, j->suffix);
    return STATUS_OK;
}

const struct encoder_ops json_encoder_ops = {
    .size = sizeof(struct json_encoder), .open = json_encoder_open, .row = json_encoder_row};
