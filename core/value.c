/* Values: copies, equality, order and hashes, as Java's boxed values have them. */
#include "value.h"

#include <math.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static bool values_copy(struct arena *a, struct value **to, const struct value *from, uint32_t n)
{
    *to = arena_alloc(a, (size_t)n * sizeof **to);
    if (!*to)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!value_copy(a, &(*to)[i], &from[i]))
            return false;
    return true;
}

bool value_copy(struct arena *a, struct value *to, const struct value *from)
{
    struct value copy = *from;
    switch ((enum type_kind)from->kind) {
    case KIND_STRING:
    case KIND_BYTES:
    case KIND_UNIT:
        copy.str = str_dup(a, from->str);
        if (!copy.str.p)
            return false;
        break;
    case KIND_DECIMAL:
        copy.decimal = arena_dup(a, from->decimal, sizeof *from->decimal);
        if (!copy.decimal)
            return false;
        break;
    case KIND_ARRAY:
    case KIND_MAP:
    case KIND_STRUCT: {
        struct nested *nested = ARENA_NEW(a, struct nested);
        if (!nested || !values_copy(a, &nested->items, from->nested->items, from->nested->n))
            return false;
        if (from->kind == KIND_MAP && !values_copy(a, &nested->keys, from->nested->keys, from->nested->n))
            return false;
        nested->n = from->nested->n;
        copy.nested = nested;
        break;
    }
    default:
        break;
    }
    *to = copy;
    return true;
}

/* The bits of a double with one NaN, as Double.doubleToLongBits. */
static uint64_t double_bits(double d)
{
    uint64_t bits = UINT64_C(0x7ff8000000000000);
    if (d == d)
        memcpy(&bits, &d, sizeof bits);
    return bits;
}

static bool items_eq(const struct nested *x, const struct nested *y)
{
    if (x->n != y->n)
        return false;
    for (uint32_t i = 0; i < x->n; i++)
        if (!value_eq(&x->items[i], &y->items[i]))
            return false;
    return true;
}

/* Equal maps mostly list their keys in the same order; only keys that share a slot of the table may differ. So the
 * search starts at the same place. */
static bool map_eq(const struct nested *x, const struct nested *y)
{
    if (x->n != y->n)
        return false;
    for (uint32_t i = 0; i < x->n; i++) {
        uint32_t tried = 0, j = i;
        while (tried < y->n && !value_eq(&x->keys[i], &y->keys[j])) {
            tried++;
            j = j + 1 == y->n ? 0 : j + 1;
        }
        if (tried == y->n || !value_eq(&x->items[i], &y->items[j]))
            return false;
    }
    return true;
}

bool value_eq(const struct value *x, const struct value *y)
{
    if (x->kind != y->kind)
        return false;
    switch ((enum type_kind)x->kind) {
    case KIND_NULL:
    case KIND_LAMBDA:
        return true;
    case KIND_BOOLEAN:
        return x->boolean == y->boolean;
    case KIND_INT:
    case KIND_DATE:
    case KIND_TIME:
        return x->i32 == y->i32;
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        return x->i64 == y->i64;
    case KIND_DOUBLE:
        return double_bits(x->f64) == double_bits(y->f64);
    case KIND_DECIMAL:
        return *x->decimal == *y->decimal;
    case KIND_STRING:
    case KIND_BYTES:
    case KIND_UNIT:
        return str_eq(x->str, y->str);
    case KIND_ARRAY:
    case KIND_STRUCT:
        return items_eq(x->nested, y->nested);
    case KIND_MAP:
        return map_eq(x->nested, y->nested);
    }
    return false;
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* Double.compare: -0.0 before 0.0, NaN behind everything. */
static int double_cmp(double x, double y)
{
    if (x < y)
        return -1;
    if (x > y)
        return 1;
    int64_t a = (int64_t)double_bits(x), b = (int64_t)double_bits(y);
    return ORDER(a, b);
}

int value_cmp(const struct value *x, const struct value *y)
{
    switch ((enum type_kind)x->kind) {
    case KIND_BOOLEAN:
        return ORDER(x->boolean, y->boolean);
    case KIND_INT:
    case KIND_DATE:
    case KIND_TIME:
        return ORDER(x->i32, y->i32);
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        return ORDER(x->i64, y->i64);
    case KIND_DOUBLE:
        return double_cmp(x->f64, y->f64);
    case KIND_DECIMAL:
        return ORDER(*x->decimal, *y->decimal);
    case KIND_STRING:
    case KIND_UNIT:
        return str_cmp_utf16(x->str, y->str);
    case KIND_BYTES:
        return str_cmp(x->str, y->str);
    default:
        return 0;
    }
}

static uint64_t hash_word(uint64_t word, uint64_t seed)
{
    return XXH3_64bits_withSeed(&word, sizeof word, seed);
}

/* Order does not count: see map_eq. */
static uint64_t map_hash(const struct nested *map)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < map->n; i++)
        sum += hash_word(value_hash(&map->keys[i]), value_hash(&map->items[i]));
    return hash_word(sum, map->n);
}

uint64_t value_hash(const struct value *v)
{
    switch ((enum type_kind)v->kind) {
    case KIND_NULL:
    case KIND_LAMBDA:
        return 0;
    case KIND_BOOLEAN:
        return hash_word(v->boolean, 0);
    case KIND_INT:
    case KIND_DATE:
    case KIND_TIME:
        return hash_word((uint64_t)(int64_t)v->i32, 0);
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        return hash_word((uint64_t)v->i64, 0);
    case KIND_DOUBLE:
        return hash_word(double_bits(v->f64), 0);
    case KIND_DECIMAL:
        return XXH3_64bits(v->decimal, sizeof *v->decimal);
    case KIND_STRING:
    case KIND_BYTES:
    case KIND_UNIT:
        return XXH3_64bits(v->str.p, v->str.len);
    case KIND_ARRAY:
    case KIND_STRUCT: {
        uint64_t hash = v->nested->n;
        for (uint32_t i = 0; i < v->nested->n; i++)
            hash = hash_word(value_hash(&v->nested->items[i]), hash);
        return hash;
    }
    case KIND_MAP:
        return map_hash(v->nested);
    }
    return 0;
}
