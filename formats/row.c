/* The ROW format: encoding and decoding of rows and values. See row.h for the layout. */
#include "formats/row_int.h"

/* ---- writing ------------------------------------------------------------------------------------------ */

/* n bits for nulls, all clear; the offset of the first byte. */
static size_t put_bitmap(struct buf *out, uint32_t n)
{
    size_t at = out->len, bytes = ((size_t)n + 7) / 8;
    if (buf_reserve(out, bytes) && bytes) {
        memset(out->p + at, 0, bytes);
        out->len += bytes;
    }
    return at;
}

static void mark_null(struct buf *out, size_t bitmap, uint32_t i)
{
    if (!out->failed)
        out->p[bitmap + i / 8] |= (char)(1 << (i & 7));
}

static void put_string(struct buf *out, struct str s)
{
    if (!buf_reserve(out, VARINT_MAX + (size_t)s.len))
        return;
    char *p = varint_put(out->p + out->len, s.len);
    if (s.len)
        memcpy(p, s.p, s.len);
    out->len = (size_t)(p + s.len - out->p);
}

static void put_double(struct buf *out, double d)
{
    uint64_t bits = UINT64_C(0x7ff8000000000000);
    if (d == d)
        memcpy(&bits, &d, sizeof bits);
    char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(bits >> (8 * i));
    buf_put(out, bytes, sizeof bytes);
}

static void put_decimal(struct buf *out, int128 v)
{
    unsigned __int128 rest = (unsigned __int128)v << 1 ^ (unsigned __int128)(v >> 127);
    for (; rest > UINT64_MAX >> 8; rest >>= 7)
        buf_putc(out, (char)((unsigned)rest | 0x80));
    row_put_varint(out, (uint64_t)rest);
}

static void put_items(struct buf *out, const struct value *items, uint32_t n, const struct type *t)
{
    size_t bitmap = put_bitmap(out, n);
    for (uint32_t i = 0; i < n; i++) {
        if (value_is_null(&items[i]))
            mark_null(out, bitmap, i);
        else
            row_put_cell(out, &items[i], t);
    }
}

static void put_map(struct buf *out, const struct nested *map, const struct type *t)
{
    bool null_key = false;
    for (uint32_t i = 0; i < map->n; i++)
        null_key |= value_is_null(&map->keys[i]);
    row_put_varint(out, (uint64_t)map->n * 2 + null_key);
    if (null_key) {
        put_items(out, map->keys, map->n, t->key);
    } else {
        for (uint32_t i = 0; i < map->n; i++)
            row_put_cell(out, &map->keys[i], t->key);
    }
    put_items(out, map->items, map->n, t->element);
}

void row_put_cell(struct buf *out, const struct value *v, const struct type *t)
{
    switch (t->kind) {
    case KIND_BOOLEAN:
        buf_putc(out, v->boolean);
        break;
    case KIND_INT:
    case KIND_DATE:
    case KIND_TIME:
        row_put_varint(out, zigzag(v->i32));
        break;
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        row_put_varint(out, zigzag(v->i64));
        break;
    case KIND_DOUBLE:
        put_double(out, v->f64);
        break;
    case KIND_DECIMAL:
        put_decimal(out, *v->decimal);
        break;
    case KIND_STRING:
    case KIND_BYTES:
    case KIND_UNIT:
        put_string(out, v->str);
        break;
    case KIND_ARRAY:
        row_put_varint(out, v->nested->n);
        put_items(out, v->nested->items, v->nested->n, t->element);
        break;
    case KIND_MAP:
        put_map(out, v->nested, t);
        break;
    case KIND_STRUCT: {
        size_t bitmap = put_bitmap(out, t->n_fields);
        for (uint32_t i = 0; i < t->n_fields; i++) {
            if (value_is_null(&v->nested->items[i]))
                mark_null(out, bitmap, i);
            else
                row_put_cell(out, &v->nested->items[i], t->fields[i].type);
        }
        break;
    }
    case KIND_NULL:
    case KIND_LAMBDA:
        break;
    }
}

/* The common kinds straight from the column; the rest through a value. */
void row_put_columns(struct buf *out, const struct column *columns, uint32_t n, uint32_t row)
{
    size_t bitmap = put_bitmap(out, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct column *c = &columns[i];
        if (column_is_null(c, row)) {
            mark_null(out, bitmap, i);
            continue;
        }
        switch (c->type->kind) {
        case KIND_INT:
            row_put_varint(out, zigzag(c->i32[row]));
            break;
        case KIND_BIGINT:
        case KIND_TIMESTAMP:
            row_put_varint(out, zigzag(c->i64[row]));
            break;
        case KIND_STRING:
        case KIND_BYTES:
            put_string(out, c->str[row]);
            break;
        default: {
            struct value v = column_get(c, row);
            row_put_cell(out, &v, c->type);
        }
        }
    }
}

/* ---- reading ------------------------------------------------------------------------------------------ */

static bool get_bitmap(struct row_cursor *c, uint64_t n, const char **bitmap)
{
    return row_take(c, (n + 7) / 8, bitmap);
}

static bool get_i32(struct row_cursor *c, int32_t *out)
{
    uint64_t v;
    if (!row_get_varint(c, &v))
        return false;
    *out = (int32_t)unzigzag(v);
    return true;
}

static bool get_i64(struct row_cursor *c, int64_t *out)
{
    uint64_t v;
    if (!row_get_varint(c, &v))
        return false;
    *out = unzigzag(v);
    return true;
}

static bool get_double(struct row_cursor *c, double *out)
{
    const char *p;
    if (!row_take(c, 8, &p))
        return false;
    uint64_t bits = 0;
    for (int i = 7; i >= 0; i--)
        bits = bits << 8 | (unsigned char)p[i];
    memcpy(out, &bits, sizeof bits);
    return true;
}

static bool get_decimal(struct row_cursor *c, int128 *out)
{
    unsigned __int128 v = 0;
    for (unsigned shift = 0; shift < 128 && c->p < c->end; shift += 7) {
        unsigned char byte = (unsigned char)*c->p++;
        v |= (unsigned __int128)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *out = (int128)(v >> 1 ^ (0 - (v & 1)));
            return true;
        }
    }
    return false;
}

/* `bitmap` NULL: none is null. */
static bool get_items(struct row_cursor *c, const char *bitmap, uint32_t n, const struct type *t, struct arena *a,
                      struct value *items)
{
    for (uint32_t i = 0; i < n; i++) {
        if (bitmap && bitmap_has(bitmap, i))
            items[i] = VALUE_NULL;
        else if (!row_get_cell(c, t, a, &items[i]))
            return false;
    }
    return true;
}

/* Every item takes a bit at least, so that a count beyond 8 times the input is damage. */
static bool get_count(struct row_cursor *c, unsigned shift, uint64_t *n, uint64_t *flags)
{
    if (!row_get_varint(c, n))
        return false;
    *flags = *n & ((1u << shift) - 1);
    *n >>= shift;
    return *n <= (uint64_t)(c->end - c->p) * 8 && *n <= UINT32_MAX;
}

static struct nested *nested_create(struct arena *a, uint64_t n, bool keys)
{
    struct nested *nested = arena_alloc(a, sizeof *nested);
    if (!nested)
        return NULL;
    *nested = (struct nested){.n = (uint32_t)n};
    nested->items = arena_alloc(a, n * sizeof *nested->items);
    nested->keys = keys ? arena_alloc(a, n * sizeof *nested->keys) : NULL;
    return nested->items && (!keys || nested->keys) ? nested : NULL;
}

static const struct nested *get_array(struct row_cursor *c, const struct type *t, struct arena *a)
{
    uint64_t n, flags;
    const char *bitmap;
    if (!get_count(c, 0, &n, &flags) || !get_bitmap(c, n, &bitmap))
        return NULL;
    struct nested *array = nested_create(a, n, false);
    return array && get_items(c, bitmap, array->n, t->element, a, array->items) ? array : NULL;
}

static const struct nested *get_map(struct row_cursor *c, const struct type *t, struct arena *a)
{
    uint64_t n, null_key;
    const char *bitmap = NULL;
    if (!get_count(c, 1, &n, &null_key) || (null_key && !get_bitmap(c, n, &bitmap)))
        return NULL;
    struct nested *map = nested_create(a, n, true);
    if (!map || !get_items(c, bitmap, map->n, t->key, a, map->keys) || !get_bitmap(c, n, &bitmap) ||
        !get_items(c, bitmap, map->n, t->element, a, map->items))
        return NULL;
    return map;
}

static const struct nested *get_struct(struct row_cursor *c, const struct type *t, struct arena *a)
{
    const char *bitmap;
    struct nested *s = get_bitmap(c, t->n_fields, &bitmap) ? nested_create(a, t->n_fields, false) : NULL;
    for (uint32_t i = 0; s && i < t->n_fields; i++) {
        if (bitmap_has(bitmap, i))
            s->items[i] = VALUE_NULL;
        else if (!row_get_cell(c, t->fields[i].type, a, &s->items[i]))
            return NULL;
    }
    return s;
}

bool row_get_cell(struct row_cursor *c, const struct type *t, struct arena *a, struct value *v)
{
    v->kind = (uint8_t)t->kind;
    const char *p;
    switch (t->kind) {
    case KIND_BOOLEAN:
        if (!row_take(c, 1, &p))
            return false;
        v->boolean = *p != 0;
        return true;
    case KIND_INT:
    case KIND_DATE:
    case KIND_TIME:
        return get_i32(c, &v->i32);
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        return get_i64(c, &v->i64);
    case KIND_DOUBLE:
        return get_double(c, &v->f64);
    case KIND_DECIMAL: {
        int128 *decimal = arena_alloc(a, sizeof *decimal);
        v->decimal = decimal;
        return decimal && get_decimal(c, decimal);
    }
    case KIND_STRING:
    case KIND_BYTES:
    case KIND_UNIT:
        return row_get_string(c, &v->str);
    case KIND_ARRAY:
        v->nested = get_array(c, t, a);
        return v->nested != NULL;
    case KIND_MAP:
        v->nested = get_map(c, t, a);
        return v->nested != NULL;
    case KIND_STRUCT:
        v->nested = get_struct(c, t, a);
        return v->nested != NULL;
    case KIND_NULL:
    case KIND_LAMBDA:
        break;
    }
    return false;
}

/* A cell of a column: without detours for all that is not nested. */
bool row_get_column_cell(struct row_cursor *c, struct column *column, uint32_t row, struct arena *a)
{
    struct value v;
    uint64_t number;
    switch (column->type->kind) {
    case KIND_INT:
    case KIND_DATE:
    case KIND_TIME:
        return get_i32(c, &column->i32[row]);
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        if (!row_get_varint(c, &number))
            return false;
        column->i64[row] = unzigzag(number);
        return true;
    case KIND_STRING:
    case KIND_BYTES:
        return row_get_string(c, &column->str[row]);
    case KIND_DECIMAL:
        return get_decimal(c, &column->i128[row]);
    case KIND_DOUBLE:
        return get_double(c, &column->f64[row]);
    default:
        if (!row_get_cell(c, column->type, a, &v))
            return false;
        column_set(column, row, &v);
        return true;
    }
}

bool row_get_columns(struct row_cursor *c, struct column *columns, uint32_t n, uint32_t row, struct arena *a)
{
    const char *bitmap;
    if (!get_bitmap(c, n, &bitmap))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (bitmap_has(bitmap, i)) {
            column_set_null(&columns[i], row);
            continue;
        }
        column_set_valid(&columns[i], row);
        if (!row_get_column_cell(c, &columns[i], row, a))
            return false;
    }
    return true;
}

/* ---- skipping ----------------------------------------------------------------------------------------- */

static bool skip_items(struct row_cursor *c, const char *bitmap, uint64_t n, const struct type *t)
{
    for (uint64_t i = 0; i < n; i++)
        if (!(bitmap && bitmap_has(bitmap, (uint32_t)i)) && !row_skip_cell(c, t))
            return false;
    return true;
}

static bool skip_nested(struct row_cursor *c, const struct type *t)
{
    uint64_t n, null_key;
    const char *bitmap = NULL;
    if (t->kind == KIND_STRUCT) {
        if (!get_bitmap(c, t->n_fields, &bitmap))
            return false;
        for (uint32_t i = 0; i < t->n_fields; i++)
            if (!bitmap_has(bitmap, i) && !row_skip_cell(c, t->fields[i].type))
                return false;
        return true;
    }
    if (t->kind == KIND_ARRAY)
        return get_count(c, 0, &n, &null_key) && get_bitmap(c, n, &bitmap) && skip_items(c, bitmap, n, t->element);
    if (!get_count(c, 1, &n, &null_key) || (null_key && !get_bitmap(c, n, &bitmap)) ||
        !skip_items(c, bitmap, n, t->key))
        return false;
    return get_bitmap(c, n, &bitmap) && skip_items(c, bitmap, n, t->element);
}

bool row_skip_cell(struct row_cursor *c, const struct type *t)
{
    const char *p;
    struct str s;
    int128 decimal;
    uint64_t number;
    switch (t->kind) {
    case KIND_BOOLEAN:
        return row_take(c, 1, &p);
    case KIND_DOUBLE:
        return row_take(c, 8, &p);
    case KIND_STRING:
    case KIND_BYTES:
    case KIND_UNIT:
        return row_get_string(c, &s);
    case KIND_DECIMAL:
        return get_decimal(c, &decimal);
    case KIND_ARRAY:
    case KIND_MAP:
    case KIND_STRUCT:
        return skip_nested(c, t);
    default:
        return row_get_varint(c, &number);
    }
}
