/* The key encoding of key.h: a fast way for one BIGINT, INT or STRING column, and the general one. */
#include "exec/key.h"

#include "state/state.h"

enum { ABSENT = 0, PRESENT = 1 };

/* ---- encoding ------------------------------------------------------------------------------------------ */

static void put_text(struct buf *out, struct str s, bool last)
{
    if (last) {
        buf_puts(out, s);
        return;
    }
    for (uint32_t i = 0; i < s.len; i++) {
        buf_putc(out, s.p[i]);
        if (s.p[i] == '\0')
            buf_putc(out, (char)0xFF);
    }
    buf_put(out, "\0\0", 2);
}

static void put_u64(struct buf *out, uint64_t v)
{
    v = __builtin_bswap64(v);
    buf_put(out, &v, sizeof v);
}

static void put_u32(struct buf *out, uint32_t v)
{
    v = __builtin_bswap32(v);
    buf_put(out, &v, sizeof v);
}

static void put_value(struct buf *out, const struct value *v, bool last)
{
    if (v->kind == KIND_NULL) {
        buf_putc(out, ABSENT);
        return;
    }
    buf_putc(out, PRESENT);
    uint64_t bits;
    switch ((enum type_kind)v->kind) {
    case KIND_BOOLEAN:
        buf_putc(out, v->boolean);
        break;
    case KIND_INT:
    case KIND_DATE:
    case KIND_TIME:
        put_u32(out, (uint32_t)v->i32);
        break;
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        put_u64(out, (uint64_t)v->i64);
        break;
    case KIND_DOUBLE:
        memcpy(&bits, &v->f64, sizeof bits);
        put_u64(out, v->f64 != v->f64 ? UINT64_C(0x7ff8000000000000) : bits);
        break;
    case KIND_DECIMAL:
        put_u64(out, (uint64_t)(*v->decimal >> 64));
        put_u64(out, (uint64_t)*v->decimal);
        break;
    case KIND_STRING:
    case KIND_BYTES:
    case KIND_UNIT:
        put_text(out, v->str, last);
        break;
    case KIND_MAP:
        put_u32(out, v->nested->n);
        for (uint32_t i = 0; i < v->nested->n; i++) {
            put_value(out, &v->nested->keys[i], false);
            put_value(out, &v->nested->items[i], false);
        }
        break;
    case KIND_ARRAY:
    case KIND_STRUCT:
        put_u32(out, v->nested->n);
        for (uint32_t i = 0; i < v->nested->n; i++)
            put_value(out, &v->nested->items[i], false);
        break;
    case KIND_NULL:
    case KIND_LAMBDA:
        break;
    }
}

/* One key, from the key columns' cells of a row. */
static void key_encode(struct buf *out, const struct schema_column *columns, uint32_t n_keys,
                       const struct column *cells, uint32_t row)
{
    (void)columns;
    for (uint32_t c = 0; c < n_keys; c++) {
        struct value v = column_get(&cells[c], row);
        put_value(out, &v, c + 1 == n_keys);
    }
}

static bool key_is_null(const struct batch *b, uint32_t n_keys, uint32_t row)
{
    return (b->null_key && b->null_key[row]) || (n_keys == 1 && column_is_null(&b->columns[0], row));
}

/* One column of 4 or 8 bytes: keys of equal size in one piece. */
static bool encode_integers(const struct batch *b, struct arena *a, struct str *keys, bool wide)
{
    uint32_t size = wide ? 9 : 5;
    char *p = arena_alloc(a, (size_t)b->n_selected * size + 8);
    if (!p)
        return false;
    BATCH_EACH (b, i, row) {
        if (key_is_null(b, 1, row)) {
            keys[i] = str_make(NULL, 0);
            continue;
        }
        p[0] = PRESENT;
        if (wide) {
            uint64_t v = __builtin_bswap64((uint64_t)b->columns[0].i64[row]);
            memcpy(p + 1, &v, sizeof v);
        } else {
            uint32_t v = __builtin_bswap32((uint32_t)b->columns[0].i32[row]);
            memcpy(p + 1, &v, sizeof v);
        }
        keys[i] = str_make(p, size);
        p += size;
    }
    return true;
}

static bool encode_texts(const struct batch *b, struct arena *a, struct str *keys)
{
    size_t total = 0;
    BATCH_EACH (b, i, row)
        total += key_is_null(b, 1, row) ? 0 : (size_t)b->columns[0].str[row].len + 1;
    char *p = arena_alloc(a, total);
    if (!p)
        return false;
    BATCH_EACH (b, i, row) {
        if (key_is_null(b, 1, row)) {
            keys[i] = str_make(NULL, 0);
            continue;
        }
        struct str s = b->columns[0].str[row];
        p[0] = PRESENT;
        if (s.len)
            memcpy(p + 1, s.p, s.len);
        keys[i] = str_make(p, (size_t)s.len + 1);
        p += s.len + 1;
    }
    return true;
}

static bool encode_any(const struct schema_column *columns, uint32_t n_keys, const struct batch *b, struct arena *a,
                       struct str *keys)
{
    struct buf bytes;
    buf_init(&bytes, 0);
    BATCH_EACH (b, i, row) {
        keys[i] = str_make(NULL, 0);
        if (key_is_null(b, n_keys, row))
            continue;
        bytes.len = 0;
        key_encode(&bytes, columns, n_keys, b->columns, row);
        keys[i] = str_dup(a, buf_str(&bytes));
    }
    bool ok = !bytes.failed && !a->failed;
    buf_free(&bytes);
    return ok;
}

enum status keys_encode(const struct schema_column *columns, uint32_t n_keys, const struct batch *b, struct arena *a,
                        struct str **keys, uint64_t **hashes)
{
    *keys = arena_alloc(a, b->n_selected * sizeof **keys);
    *hashes = arena_alloc(a, b->n_selected * sizeof **hashes);
    if (!*keys || !*hashes)
        return STATUS_NOMEM;
    enum type_kind kind = n_keys == 1 ? b->columns[0].type->kind : KIND_NULL;
    bool ok = kind == KIND_BIGINT   ? encode_integers(b, a, *keys, true)
              : kind == KIND_INT    ? encode_integers(b, a, *keys, false)
              : kind == KIND_STRING ? encode_texts(b, a, *keys)
                                    : encode_any(columns, n_keys, b, a, *keys);
    if (!ok)
        return STATUS_NOMEM;
    for (uint32_t i = 0; i < b->n_selected; i++)
        (*hashes)[i] = (*keys)[i].p ? key_hash((*keys)[i]) : 0;
    return STATUS_OK;
}

enum status keys_add_bounds(const struct batch *b, struct arena *a, struct str *keys, uint64_t *hashes)
{
    BATCH_EACH (b, i, row) {
        if (!keys[i].p)
            continue;
        char *p = arena_alloc(a, (size_t)keys[i].len + KEY_BOUNDS);
        if (!p)
            return STATUS_NOMEM;
        memcpy(p, keys[i].p, keys[i].len);
        memcpy(p + keys[i].len, &b->window_start[row], 8);
        memcpy(p + keys[i].len + 8, &b->window_end[row], 8);
        keys[i] = str_make(p, (size_t)keys[i].len + KEY_BOUNDS);
        hashes[i] = key_hash(keys[i]);
    }
    return STATUS_OK;
}

/* ---- decoding ------------------------------------------------------------------------------------------ */

struct reader {
    const char *p, *end;
    struct arena *arena;
    bool bad;
};

static bool take(struct reader *r, void *to, size_t n)
{
    if ((size_t)(r->end - r->p) < n) {
        r->bad = true;
        memset(to, 0, n);
        return false;
    }
    memcpy(to, r->p, n);
    r->p += n;
    return true;
}

static uint64_t take_u64(struct reader *r)
{
    uint64_t v;
    take(r, &v, sizeof v);
    return __builtin_bswap64(v);
}

static uint32_t take_u32(struct reader *r)
{
    uint32_t v;
    take(r, &v, sizeof v);
    return __builtin_bswap32(v);
}

static struct str take_text(struct reader *r, bool last)
{
    struct str s = str_make(r->p, (size_t)(r->end - r->p));
    if (last) {
        r->p = r->end;
        return s;
    }
    char *copy = arena_alloc(r->arena, s.len);
    uint32_t n = 0;
    for (; copy && r->end - r->p >= 2; r->p++) {
        if (r->p[0] == '\0' && r->p[1] == '\0') {
            r->p += 2;
            return str_make(copy, n);
        }
        copy[n++] = *r->p;
        r->p += r->p[0] == '\0';
    }
    r->bad = true;
    return str_make(NULL, 0);
}

static struct value take_value(struct reader *r, const struct type *t, bool last);

static const struct nested *take_nested(struct reader *r, const struct type *t)
{
    uint32_t n = take_u32(r);
    if (n > (size_t)(r->end - r->p) || (t->kind == KIND_STRUCT && n != t->n_fields)) {
        r->bad = true;
        return NULL;
    }
    struct nested *nested = ARENA_NEW(r->arena, struct nested);
    struct value *items = ARENA_ARRAY(r->arena, struct value, n);
    struct value *keys = t->kind == KIND_MAP ? ARENA_ARRAY(r->arena, struct value, n) : NULL;
    if (!nested || !items || (t->kind == KIND_MAP && !keys)) {
        r->bad = true;
        return NULL;
    }
    for (uint32_t i = 0; i < n && !r->bad; i++) {
        if (keys)
            keys[i] = take_value(r, t->key, false);
        items[i] = take_value(r, t->kind == KIND_STRUCT ? t->fields[i].type : t->element, false);
    }
    *nested = (struct nested){.n = n, .items = items, .keys = keys};
    return nested;
}

static struct value take_value(struct reader *r, const struct type *t, bool last)
{
    char tag = ABSENT;
    take(r, &tag, 1);
    if (tag == ABSENT || r->bad)
        return VALUE_NULL;
    struct value v = {.kind = (uint8_t)t->kind};
    uint64_t bits;
    char byte;
    int128 *decimal;
    switch (t->kind) {
    case KIND_BOOLEAN:
        take(r, &byte, 1);
        v.boolean = byte != 0;
        break;
    case KIND_INT:
    case KIND_DATE:
    case KIND_TIME:
        v.i32 = (int32_t)take_u32(r);
        break;
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        v.i64 = (int64_t)take_u64(r);
        break;
    case KIND_DOUBLE:
        bits = take_u64(r);
        memcpy(&v.f64, &bits, sizeof bits);
        break;
    case KIND_DECIMAL:
        bits = take_u64(r);
        decimal = arena_alloc(r->arena, sizeof *decimal);
        if (decimal)
            *decimal = (int128)((unsigned __int128)bits << 64 | take_u64(r));
        v.decimal = decimal;
        r->bad |= !decimal;
        break;
    case KIND_STRING:
    case KIND_BYTES:
    case KIND_UNIT:
        v.str = take_text(r, last);
        break;
    case KIND_ARRAY:
    case KIND_MAP:
    case KIND_STRUCT:
        v.nested = take_nested(r, t);
        break;
    case KIND_NULL:
    case KIND_LAMBDA:
        return VALUE_NULL;
    }
    return r->bad ? VALUE_NULL : v;
}

bool key_decode(struct str key, uint32_t n_keys, struct column *columns, uint32_t row, struct arena *a)
{
    struct reader r = {.p = key.p, .end = key.p + key.len, .arena = a};
    for (uint32_t c = 0; c < n_keys; c++) {
        struct value v = take_value(&r, columns[c].type, c + 1 == n_keys);
        column_set(&columns[c], row, &v);
    }
    return !r.bad && r.p == r.end;
}
