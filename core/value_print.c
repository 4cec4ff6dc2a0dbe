/* Values as text: what CAST(x AS STRING) gives. Inside lists, maps and structs Java's toString rules. */
#include "core.h"

static void print_base64(struct buf *out, struct str s)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)s.p;
    for (uint32_t i = 0; i < s.len; i += 3) {
        uint32_t left = s.len - i;
        uint32_t group = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0u);
        buf_putc(out, alphabet[group >> 18]);
        buf_putc(out, alphabet[group >> 12 & 63]);
        buf_putc(out, left > 1 ? alphabet[group >> 6 & 63] : '=');
        buf_putc(out, left > 2 ? alphabet[group & 63] : '=');
    }
}

/* java.sql.Time: always with seconds. */
static void print_sql_time(struct buf *out, int32_t ms)
{
    int64_t of_day;
    date_split_ms(ms, &of_day);
    of_day /= 1000;
    buf_printf(out, "%02d:%02d:%02d", (int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60));
}

/* java.sql.Timestamp: as many digits behind the point as it needs, but one at least. */
static void print_sql_timestamp(struct buf *out, int64_t ts)
{
    int64_t of_day;
    print_date(out, (int32_t)date_split_ms(ts, &of_day));
    buf_putc(out, ' ');
    print_sql_time(out, (int32_t)of_day);
    int ms = (int)(of_day % 1000);
    if (ms % 100 == 0)
        buf_printf(out, ".%d", ms / 100);
    else if (ms % 10 == 0)
        buf_printf(out, ".%02d", ms / 10);
    else
        buf_printf(out, ".%03d", ms);
}

void value_print_element(struct buf *out, const struct value *v, const struct type *t)
{
    if (v->kind == KIND_DECIMAL)
        print_decimal_sci(out, *v->decimal, t->scale);
    else if (v->kind == KIND_TIME)
        print_sql_time(out, v->i32);
    else if (v->kind == KIND_TIMESTAMP)
        print_sql_timestamp(out, v->i64);
    else
        value_print(out, v, t);
}

static void print_array(struct buf *out, const struct nested *list, const struct type *t)
{
    buf_putc(out, '[');
    for (uint32_t i = 0; i < list->n; i++) {
        if (i)
            buf_puts(out, STR(", "));
        value_print_element(out, &list->items[i], t->element);
    }
    buf_putc(out, ']');
}

static void print_map(struct buf *out, const struct nested *map, const struct type *t)
{
    buf_putc(out, '{');
    for (uint32_t i = 0; i < map->n; i++) {
        if (i)
            buf_puts(out, STR(", "));
        value_print_element(out, &map->keys[i], t->key);
        buf_putc(out, '=');
        value_print_element(out, &map->items[i], t->element);
    }
    buf_putc(out, '}');
}

static void print_struct(struct buf *out, const struct nested *row, const struct type *t)
{
    bool first = true;
    buf_puts(out, STR("Struct{"));
    for (uint32_t i = 0; i < row->n; i++) {
        if (value_is_null(&row->items[i]))
            continue;
        if (!first)
            buf_putc(out, ',');
        first = false;
        buf_puts(out, t->fields[i].name);
        buf_putc(out, '=');
        value_print_element(out, &row->items[i], t->fields[i].type);
    }
    buf_putc(out, '}');
}

void value_print(struct buf *out, const struct value *v, const struct type *t)
{
    switch ((enum type_kind)v->kind) {
    case KIND_NULL:
    case KIND_LAMBDA:
        buf_puts(out, STR("null"));
        break;
    case KIND_BOOLEAN:
        buf_puts(out, v->boolean ? STR("true") : STR("false"));
        break;
    case KIND_INT:
        buf_put_i64(out, v->i32);
        break;
    case KIND_BIGINT:
        buf_put_i64(out, v->i64);
        break;
    case KIND_DECIMAL:
        print_decimal(out, *v->decimal, t->scale);
        break;
    case KIND_DOUBLE:
        print_double(out, v->f64);
        break;
    case KIND_STRING:
    case KIND_UNIT:
        buf_puts(out, v->str);
        break;
    case KIND_BYTES:
        print_base64(out, v->str);
        break;
    case KIND_DATE:
        print_date(out, v->i32);
        break;
    case KIND_TIME:
        print_time(out, v->i32);
        break;
    case KIND_TIMESTAMP:
        print_timestamp(out, v->i64);
        break;
    case KIND_ARRAY:
        print_array(out, v->nested, t);
        break;
    case KIND_MAP:
        print_map(out, v->nested, t);
        break;
    case KIND_STRUCT:
        print_struct(out, v->nested, t);
        break;
    }
}
