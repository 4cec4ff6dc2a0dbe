/* Writes values in Avro's binary encoding as planned (avro_plan.c). Arrays and maps are one block. */
#include "formats/avro_int.h"

static enum status refuse(const struct write_op *op, const char *what, struct diag *d)
{
    return diag_set(d, STATUS_DATA, "Cannot write `" STR_FMT "` as Avro type %s: %s", STR_ARG(op->name),
                    av_wire_name(op->wire->kind), what);
}

/* ---- nulls -------------------------------------------------------------------------------------------- */

/* Connect's name of a type, for its message. */
static const char *connect_name(const struct avro_type *t)
{
    static const char *const names[] = {
        [WIRE_NULL] = "NULL",     [WIRE_BOOLEAN] = "BOOLEAN", [WIRE_INT] = "INT32",   [WIRE_LONG] = "INT64",
        [WIRE_FLOAT] = "FLOAT32", [WIRE_DOUBLE] = "FLOAT64",  [WIRE_BYTES] = "BYTES", [WIRE_STRING] = "STRING",
        [WIRE_FIXED] = "BYTES",   [WIRE_ENUM] = "STRING",     [WIRE_ARRAY] = "ARRAY", [WIRE_MAP] = "MAP",
        [WIRE_RECORD] = "STRUCT", [WIRE_UNION] = "STRUCT"};
    return names[t->kind];
}

static enum status write_null(const struct write_op *op, struct buf *out, struct diag *d)
{
    if (op->preset.p) {
        buf_puts(out, op->preset);
        return STATUS_OK;
    }
    if (op->wire->kind == WIRE_NULL)
        return STATUS_OK;
    if (op->null_branch < 0)
        return diag_set(d, STATUS_DATA, "Invalid value: null used for required field: \"" STR_FMT "\", schema type: %s",
                        STR_ARG(op->name), connect_name(op->wire));
    av_put_long(out, op->null_branch);
    return STATUS_OK;
}

/* ---- scalars ------------------------------------------------------------------------------------------ */

static void put_sized(struct buf *out, struct str s)
{
    av_put_long(out, s.len);
    buf_puts(out, s);
}

static int64_t whole(const struct value *v)
{
    return v->kind == KIND_BIGINT || v->kind == KIND_TIMESTAMP ? v->i64 : v->i32;
}

static double number(const struct value *v)
{
    return v->kind == KIND_DOUBLE ? v->f64 : (double)whole(v);
}

static enum status write_int(const struct write_op *op, const struct value *v, struct buf *out, struct diag *d)
{
    int64_t n = whole(v);
    if (n != (int32_t)n)
        return refuse(op, "the number is too large", d);
    av_put_long(out, n);
    return STATUS_OK;
}

static enum status write_symbol(const struct write_op *op, struct str s, struct buf *out, struct diag *d)
{
    for (uint32_t i = 0; i < op->wire->n; i++) {
        if (str_eq(op->wire->symbols[i], s)) {
            av_put_long(out, i);
            return STATUS_OK;
        }
    }
    return refuse(op, "it has no such symbol", d);
}

static enum status write_fixed(const struct write_op *op, struct str s, struct buf *out, struct diag *d)
{
    if (s.len != op->wire->n)
        return refuse(op, "the length differs", d);
    buf_puts(out, s);
    return STATUS_OK;
}

/* As few bytes as the number needs, or all of a FIXED. */
static enum status write_decimal(const struct write_op *op, int128 v, struct buf *out, struct diag *d)
{
    int128 scaled, back;
    char bytes[16];
    uint32_t from = op->type->scale, to = op->wire->scale, n = 16;
    if (to > 38 || !decimal_rescale(v, (int)from, (int)to, &scaled) ||
        !decimal_rescale(scaled, (int)to, (int)from, &back) || back != v ||
        (uint32_t)decimal_digits(scaled) > op->wire->precision)
        return refuse(op, "the decimal does not fit its precision and scale", d);
    for (unsigned i = 0; i < 16; i++)
        bytes[15 - i] = (char)(scaled >> (8 * i));
    char sign = scaled < 0 ? (char)0xFF : 0;
    while (n > 1 && bytes[16 - n] == sign && ((bytes[17 - n] ^ sign) & 0x80) == 0)
        n--;
    if (op->wire->kind != WIRE_FIXED) {
        put_sized(out, str_make(bytes + 16 - n, n));
        return STATUS_OK;
    }
    if (n > op->wire->n)
        return refuse(op, "the decimal has too many bytes", d);
    for (uint32_t i = n; i < op->wire->n; i++)
        buf_putc(out, sign);
    buf_put(out, bytes + 16 - n, n);
    return STATUS_OK;
}

/* ---- nested values ------------------------------------------------------------------------------------ */

static enum status write_map(const struct write_op *op, const struct nested *map, struct buf *out, struct diag *d)
{
    enum status st = STATUS_OK;
    if (map->n)
        av_put_long(out, map->n);
    for (uint32_t i = 0; i < map->n; i++) {
        if (op->code == WRITE_MAP) {
            put_sized(out, value_is_null(&map->keys[i]) ? STR("null") : map->keys[i].str);
            TRY(av_write(&op->ops[0], &map->items[i], out, d));
            continue;
        }
        for (uint32_t k = 0; k < 2; k++)
            TRY(av_write(&op->ops[k], op->ops[k].field ? &map->items[i] : &map->keys[i], out, d));
    }
    av_put_long(out, 0);
done:
    return st;
}

static enum status write_array(const struct write_op *op, const struct nested *array, struct buf *out, struct diag *d)
{
    enum status st = STATUS_OK;
    if (array->n)
        av_put_long(out, array->n);
    for (uint32_t i = 0; i < array->n; i++)
        TRY(av_write(&op->ops[0], &array->items[i], out, d));
    av_put_long(out, 0);
done:
    return st;
}

static enum status write_record(const struct write_op *op, const struct nested *s, struct buf *out, struct diag *d)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < op->n; i++) {
        const struct write_op *part = &op->ops[i];
        TRY(av_write(part, part->field == NO_FIELD ? &VALUE_NULL : &s->items[part->field], out, d));
    }
done:
    return st;
}

/* The branch of the first field that is not null. */
static enum status write_union_struct(const struct write_op *op, const struct nested *s, struct buf *out,
                                      struct diag *d)
{
    for (uint32_t i = 0; i < op->n; i++) {
        const struct write_op *part = &op->ops[i];
        if (!value_is_null(&s->items[part->field]))
            return av_write(part, &s->items[part->field], out, d);
    }
    return write_null(op, out, d);
}

enum status av_write(const struct write_op *op, const struct value *v, struct buf *out, struct diag *d)
{
    float f;
    double number_of;
    if (value_is_null(v))
        return write_null(op, out, d);
    if (op->branch >= 0)
        av_put_long(out, op->branch);
    switch (op->code) {
    case WRITE_BOOLEAN:
        buf_putc(out, v->boolean);
        return STATUS_OK;
    case WRITE_INT:
        return write_int(op, v, out, d);
    case WRITE_LONG:
        av_put_long(out, whole(v));
        return STATUS_OK;
    case WRITE_FLOAT:
        f = (float)number(v);
        buf_put(out, &f, sizeof f);
        return STATUS_OK;
    case WRITE_DOUBLE:
        number_of = number(v);
        buf_put(out, &number_of, sizeof number_of);
        return STATUS_OK;
    case WRITE_SIZED:
        put_sized(out, v->str);
        return STATUS_OK;
    case WRITE_FIXED:
        return write_fixed(op, v->str, out, d);
    case WRITE_ENUM:
        return write_symbol(op, v->str, out, d);
    case WRITE_DECIMAL:
        return write_decimal(op, *v->decimal, out, d);
    case WRITE_ARRAY:
        return write_array(op, v->nested, out, d);
    case WRITE_MAP:
    case WRITE_ENTRIES:
        return write_map(op, v->nested, out, d);
    case WRITE_RECORD:
        return write_record(op, v->nested, out, d);
    default:
        return write_union_struct(op, v->nested, out, d);
    }
}
