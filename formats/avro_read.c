/* Runs the program of avro_compile.c over one record: Avro's binary encoding into columns.
 *
 * Nothing is read at or behind the end. Counts are checked against the bytes that are left before memory is taken for
 * them; elements without bytes are limited for a record as a whole. */
#include "formats/avro_wire.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- scalars ------------------------------------------------------------------------------------------ */

bool av_get_decimal(struct str bytes, int128 *out)
{
    const unsigned char *p = (const unsigned char *)bytes.p, *end = p + bytes.len;
    unsigned sign = bytes.len && *p & 0x80 ? 0xFF : 0;
    while (end - p > 16 && *p == sign)
        p++;
    if (end - p > 16 || (end - p == 16 && (*p & 0x80) != (sign & 0x80)))
        return false;
    unsigned __int128 v = sign ? ~(unsigned __int128)0 : 0;
    for (; p < end; p++)
        v = v << 8 | *p;
    *out = (int128)v;
    return true;
}

/* Into the precision and scale of the column. */
static bool fit_decimal(struct read_run *c, int128 v, uint32_t scale, const struct type *t, int128 *out)
{
    if (scale == t->scale && decimal_digits(v) <= t->precision) {
        *out = v;
        return true;
    }
    struct buf text;
    buf_init(&text, 0);
    print_decimal(&text, v, scale);
    if (text.failed)
        c->run->a->failed = true;
    bool ok = !text.failed && decimal_text_fit(buf_str(&text), t, out, c->run->reason);
    buf_free(&text);
    return ok;
}

static const char *read_decimal(struct read_run *c, const struct read_op *op, const char *p, int128 *out)
{
    struct str bytes;
    int128 v;
    p = op->wire == WIRE_FIXED ? get_fixed(p, c->end, op->n, &bytes) : get_sized(p, c->end, &bytes);
    if (!p)
        return NULL;
    if (!av_get_decimal(bytes, &v)) {
        buf_printf(c->run->reason, "Cannot fit a decimal of %u bytes into DECIMAL(%u, %u)", bytes.len,
                   op->node->type->precision, op->node->type->scale);
        return NULL;
    }
    return fit_decimal(c, v, op->scale, op->node->type, out) ? p : NULL;
}

/* Float.toString: the fewest digits that tell the number from its neighbours. */
static void print_float(struct buf *out, float f)
{
    char text[32];
    int digits = 1;
    do
        snprintf(text, sizeof text, "%.*g", digits, (double)f);
    while (strtof(text, NULL) != f && f == f && digits++ < 9);
    print_double(out, strtod(text, NULL));
}

/* A scalar as a STRING column shows it. */
static const char *read_text(struct read_run *c, const struct read_op *op, const char *p, struct str *out)
{
    struct buf b;
    int64_t n = 0;
    float f;
    double d;
    buf_init(&b, 0);
    if (op->wire == WIRE_BOOLEAN) {
        p = p < c->end ? p + 1 : NULL;
        buf_puts(&b, p && p[-1] ? STR("true") : STR("false"));
    } else if (op->wire == WIRE_FLOAT) {
        if ((p = get_float(p, c->end, &f)))
            print_float(&b, f);
    } else if (op->wire == WIRE_DOUBLE) {
        if ((p = get_double(p, c->end, &d)))
            print_double(&b, d);
    } else {
        p = av_get_long(p, c->end, &n);
        buf_put_i64(&b, n);
    }
    *out = p ? str_dup(c->run->a, buf_str(&b)) : (struct str){NULL, 0};
    if (b.failed)
        c->run->a->failed = true;
    buf_free(&b);
    return c->run->a->failed ? NULL : p;
}

static const char *read_value(struct read_run *c, const struct read_op *op, const char *p, struct value *out);

/* ---- nested values ------------------------------------------------------------------------------------ */

static struct nested *nested_make(struct arena *a, uint32_t n)
{
    struct nested *nested = arena_alloc(a, sizeof *nested);
    struct value *items = ARENA_ARRAY(a, struct value, n); /* all null */
    if (!nested || !items)
        return NULL;
    *nested = (struct nested){.n = n, .items = items};
    return nested;
}

/* A scalar straight into its column, where a cell is valid before it is null. */
static const char *read_direct(struct read_run *c, const struct read_op *op, const char *p)
{
    struct column *column = &c->run->out[op->direct];
    uint32_t row = c->run->row;
    struct str s;
    if (op->is_optional) {
        enum presence presence = get_presence(op, &p, c->end);
        if (presence == IS_NULL)
            column_set_null(column, row);
        if (presence != IS_VALUE)
            return presence == IS_NULL ? p : NULL;
    }
    switch (op->code) {
    case READ_INT:
        return get_int(p, c->end, &column->i32[row]);
    case READ_LONG:
        return av_get_long(p, c->end, &column->i64[row]);
    case READ_DOUBLE:
        return get_double(p, c->end, &column->f64[row]);
    case READ_STRING:
        p = get_sized(p, c->end, &s);
        column->str[row] = p ? utf8_repair(c->run->a, s) : (struct str){NULL, 0};
        return column->str[row].p ? p : NULL;
    default:
        return read_value(c, op, p, NULL);
    }
}

static const char *read_struct(struct read_run *c, const struct read_op *op, const char *p, struct value *out)
{
    struct value *items = NULL;
    if (out) {
        struct nested *nested = nested_make(c->run->a, op->node->type->n_fields);
        if (!nested)
            return NULL;
        items = nested->items;
        *out = (struct value){.kind = KIND_STRUCT, .nested = nested};
    }
    for (uint32_t i = 0; i < op->n && p; i++) {
        const struct read_op *part = op->ops[i];
        if (part->code >= SKIP_NUMBER)
            p = av_skip(c, part, p);
        else if (part->direct >= 0)
            p = read_direct(c, part, p);
        else
            p = av_read(c, part, p, items && part->field != NO_FIELD ? &items[part->field] : NULL);
    }
    for (uint32_t i = 0; i < op->n_missing; i++)
        decode_emit(c->run, op->missing[i], &VALUE_NULL);
    return p;
}

/* A union of several types: the field of the branch has the value, the others are null. */
static const char *read_union_struct(struct read_run *c, const struct read_op *op, const char *p, struct value *out)
{
    const struct read_op *member = av_branch(c, op, &p);
    struct value *items = NULL;
    if (!member)
        return NULL;
    decode_emit(c->run, op->node, &VALUE_NULL);
    if (member->wire == WIRE_NULL) {
        if (out)
            *out = VALUE_NULL;
        return p;
    }
    if (out) {
        struct nested *nested = nested_make(c->run->a, op->node->type->n_fields);
        if (!nested)
            return NULL;
        items = nested->items;
        *out = (struct value){.kind = KIND_STRUCT, .nested = nested};
    }
    return av_read(c, member, p, items && member->field != NO_FIELD ? &items[member->field] : NULL);
}

/* Values that are added while their number is not known. */
struct list {
    struct value *items, *keys;
    uint32_t n, cap;
};

static bool list_reserve(struct list *l, struct arena *a, uint64_t more, bool has_keys)
{
    if (l->n + more > UINT32_MAX / sizeof(struct value))
        return false;
    if (l->n + more <= l->cap)
        return true;
    uint32_t cap = l->n + (uint32_t)more;
    cap = cap < l->cap * 2 ? l->cap * 2 : cap;
    struct value *items = arena_alloc(a, cap * sizeof *items);
    struct value *keys = has_keys ? arena_alloc(a, cap * sizeof *keys) : NULL;
    if (!items || (has_keys && !keys))
        return false;
    if (l->n) {
        memcpy(items, l->items, l->n * sizeof *items);
        if (has_keys)
            memcpy(keys, l->keys, l->n * sizeof *keys);
    }
    *l = (struct list){.items = items, .keys = keys, .n = l->n, .cap = cap};
    return true;
}

static const char *read_key(struct read_run *c, const char *p, struct value *key)
{
    struct str s;
    p = get_sized(p, c->end, &s);
    if (p && key)
        *key = (struct value){.kind = KIND_STRING, .str = utf8_repair(c->run->a, s)};
    return c->run->a->failed ? NULL : p;
}

/* One element of an array, map or list of entries. */
static const char *read_element(struct read_run *c, const struct read_op *op, const char *p, struct value *key,
                                struct value *item)
{
    const struct read_op *element = op->ops[0];
    if (op->code == READ_MAP)
        p = read_key(c, p, key);
    if (op->code != READ_ENTRIES)
        return p ? av_read(c, element, p, item) : NULL;
    for (uint32_t i = 0; i < 2 && p; i++)
        p = av_read(c, element->ops[i], p, element->ops[i]->field ? item : key);
    return p;
}

static const char *read_elements(struct read_run *c, const struct read_op *op, const char *p, struct value *out)
{
    struct list l = {0};
    bool is_map = op->code != READ_ARRAY;
    uint64_t n;
    int64_t bytes;
    while ((p = av_block(c, op->least, p, &n, &bytes)) && n) {
        if (out && !list_reserve(&l, c->run->a, n, is_map)) {
            c->run->a->failed = true;
            return NULL;
        }
        const char *begin = p;
        for (; n && p; n--, l.n++)
            p = read_element(c, op, p, out && is_map ? &l.keys[l.n] : NULL, out ? &l.items[l.n] : NULL);
        if (!p || (bytes >= 0 && p - begin != bytes))
            return NULL;
    }
    if (!p || !out)
        return p;
    struct nested *nested = arena_alloc(c->run->a, sizeof *nested);
    if (!nested || (is_map && !value_map_order(c->run->a, l.keys, l.items, &l.n))) {
        c->run->a->failed = true;
        return NULL;
    }
    *nested = (struct nested){.n = l.n, .items = l.items, .keys = l.keys};
    *out = (struct value){.kind = is_map ? KIND_MAP : KIND_ARRAY, .nested = nested};
    return p;
}

/* ---- any value ---------------------------------------------------------------------------------------- */

static const char *read_scalar(struct read_run *c, const struct read_op *op, const char *p, struct value *v)
{
    int64_t n;
    float f;
    struct str s;
    v->kind = (uint8_t)op->node->type->kind;
    switch (op->code) {
    case READ_BOOLEAN:
        v->boolean = p < c->end && *p;
        return p < c->end ? p + 1 : NULL;
    case READ_INT:
        return get_int(p, c->end, &v->i32);
    case READ_TIME:
        p = av_get_long(p, c->end, &n);
        return p && time_from_millis(n, &v->i32, c->run->reason) ? p : NULL;
    case READ_LONG:
        return av_get_long(p, c->end, &v->i64);
    case READ_WHOLE_DOUBLE:
        p = av_get_long(p, c->end, &n);
        v->f64 = p ? (double)n : 0;
        return p;
    case READ_FLOAT:
        p = get_float(p, c->end, &f);
        v->f64 = p ? (double)f : 0;
        return p;
    case READ_DOUBLE:
        return get_double(p, c->end, &v->f64);
    case READ_STRING:
        p = get_sized(p, c->end, &s);
        if (p)
            v->str = utf8_repair(c->run->a, s);
        return p && v->str.p ? p : NULL;
    case READ_BYTES:
        return get_sized(p, c->end, &v->str);
    case READ_FIXED:
        return get_fixed(p, c->end, op->n, &v->str);
    case READ_ENUM:
        p = av_get_long(p, c->end, &n);
        if (!p || n < 0 || n >= op->n)
            return NULL;
        v->str = str_dup(c->run->a, op->symbols[n]); /* columns may outlive the decoder */
        return v->str.p ? p : NULL;
    default: /* READ_TEXT */
        return read_text(c, op, p, &v->str);
    }
}

static const char *read_nested(struct read_run *c, const struct read_op *op, const char *p, struct value *out)
{
    if (++c->depth > READ_DEPTH)
        return NULL;
    p = op->code == READ_STRUCT         ? read_struct(c, op, p, out)
        : op->code == READ_UNION_STRUCT ? read_union_struct(c, op, p, out)
                                        : read_elements(c, op, p, out);
    c->depth--;
    return p;
}

/* A decimal is read even if nobody takes it; memory only if somebody does. */
static const char *read_kept_decimal(struct read_run *c, const struct read_op *op, const char *p, struct value *out)
{
    int128 v, *kept;
    p = read_decimal(c, op, p, &v);
    if (!p || !out)
        return p;
    kept = arena_alloc(c->run->a, sizeof *kept);
    if (!kept)
        return NULL;
    *kept = v;
    *out = (struct value){.kind = KIND_DECIMAL, .decimal = kept};
    return p;
}

static const char *emit_null(struct read_run *c, const struct read_op *op, const char *p, struct value *out)
{
    if (out)
        *out = VALUE_NULL;
    decode_emit(c->run, op->node, &VALUE_NULL);
    return p;
}

/* Behind the branch of an optional value. */
static const char *read_value(struct read_run *c, const struct read_op *op, const char *p, struct value *out)
{
    struct value v;
    const struct decode_node *node = op->node;
    bool take = out || node->n_outputs;
    if (op->code == READ_NULL)
        return emit_null(c, op, p, out);
    if (op->code == READ_MISFIT) {
        buf_puts(c->run->reason, str_from(op->misfit));
        return NULL;
    }
    if (op->code < READ_DECIMAL || op->code == READ_TEXT)
        p = read_scalar(c, op, p, &v);
    else if (op->code == READ_DECIMAL)
        p = read_kept_decimal(c, op, p, take ? &v : NULL);
    else
        p = read_nested(c, op, p, take ? &v : NULL);
    if (!p)
        return NULL;
    if (out)
        *out = v;
    for (uint32_t i = 0; i < node->n_outputs; i++)
        column_set(&c->run->out[node->outputs[i]], c->run->row, &v);
    return p;
}

const char *av_read(struct read_run *c, const struct read_op *op, const char *p, struct value *out)
{
    if (op->code >= SKIP_NUMBER)
        return av_skip(c, op, p);
    if (op->code == READ_UNION) {
        const struct read_op *member = av_branch(c, op, &p);
        return member ? av_read(c, member, p, out) : NULL;
    }
    if (op->is_optional) {
        enum presence presence = get_presence(op, &p, c->end);
        if (presence != IS_VALUE)
            return presence == IS_NULL ? emit_null(c, op, p, out) : NULL;
    }
    return read_value(c, op, p, out);
}
