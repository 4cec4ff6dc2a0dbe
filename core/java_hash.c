/* Java's hash codes, and the order in which a java.util.HashMap lists its keys.
 *
 * Maps are small as a rule, so up to SMALL entries no memory is taken. Duplicate keys are found by a table of its own
 * with a good hash: chains of colliding Java hashes, which anyone can make up, are only ever appended to. */
#include "value.h"

enum { SMALL = 24, SMALL_SLOTS = 64, DEFAULT_CAPACITY = 16 };

/* UTF-8 to UTF-16 units; bytes that are no UTF-8 count as U+FFFD. */
static uint32_t string_hash(struct str s)
{
    uint32_t h = 0;
    const unsigned char *p = (const unsigned char *)s.p, *end = p + s.len;
    while (p < end) {
        uint32_t c = *p++;
        if (c < 0x80) {
            h = 31 * h + c;
            continue;
        }
        unsigned more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : c >= 0xC0 ? 1 : 0;
        uint32_t code = c & (0x3Fu >> more);
        for (unsigned i = 0; i < more && p < end && (*p & 0xC0) == 0x80; i++)
            code = code << 6 | (*p++ & 0x3F);
        if (more == 0)
            code = 0xFFFD;
        if (code >= 0x10000) {
            h = 31 * h + (0xD7C0 + (code >> 10));
            code = 0xDC00 | (code & 0x3FF);
        }
        h = 31 * h + code;
    }
    return h;
}

static uint32_t long_hash(uint64_t v)
{
    return (uint32_t)(v ^ v >> 32);
}

static uint32_t double_hash(double d)
{
    uint64_t bits = UINT64_C(0x7ff8000000000000);
    if (d == d)
        memcpy(&bits, &d, sizeof bits);
    return long_hash(bits);
}

/* ByteBuffer.hashCode: from the end. */
static uint32_t bytes_hash(struct str s)
{
    uint32_t h = 1;
    for (uint32_t i = s.len; i > 0; i--)
        h = 31 * h + (uint32_t)(int32_t)(signed char)s.p[i - 1];
    return h;
}

/* BigInteger.hashCode over the big-endian 32-bit words of the magnitude. BigDecimal's for small numbers is the same
 * formula; both then add the scale, which a value does not know. */
static uint32_t decimal_hash(int128 v)
{
    unsigned __int128 magnitude = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
    uint32_t h = 0;
    for (int shift = 96; shift >= 0; shift -= 32)
        h = 31 * h + (uint32_t)(magnitude >> shift);
    return 31 * (v < 0 ? 0 - h : h);
}

static uint32_t list_hash(const struct nested *list)
{
    uint32_t h = 1;
    for (uint32_t i = 0; i < list->n; i++)
        h = 31 * h + (uint32_t)value_java_hash(&list->items[i]);
    return h;
}

static uint32_t map_hash(const struct nested *map)
{
    uint32_t h = 0;
    for (uint32_t i = 0; i < map->n; i++)
        h += (uint32_t)value_java_hash(&map->keys[i]) ^ (uint32_t)value_java_hash(&map->items[i]);
    return h;
}

static uint32_t java_hash(const struct value *v)
{
    switch ((enum type_kind)v->kind) {
    case KIND_NULL:
    case KIND_LAMBDA:
        return 0;
    case KIND_BOOLEAN:
        return v->boolean ? 1231 : 1237;
    case KIND_INT:
        return (uint32_t)v->i32;
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        return long_hash((uint64_t)v->i64);
    case KIND_DATE: /* java.sql.Date holds milliseconds */
        return long_hash((uint64_t)(v->i32 * INT64_C(86400000)));
    case KIND_TIME:
        return long_hash((uint64_t)(int64_t)v->i32);
    case KIND_DOUBLE:
        return double_hash(v->f64);
    case KIND_DECIMAL:
        return decimal_hash(*v->decimal);
    case KIND_STRING:
    case KIND_UNIT:
        return string_hash(v->str);
    case KIND_BYTES:
        return bytes_hash(v->str);
    case KIND_ARRAY:
    case KIND_STRUCT:
        return list_hash(v->nested);
    case KIND_MAP:
        return map_hash(v->nested);
    }
    return 0;
}

int32_t value_java_hash(const struct value *v)
{
    return (int32_t)java_hash(v);
}

/* ---- order of a HashMap ------------------------------------------------------------------------------- */

struct scratch {
    uint32_t n_slots;
    uint32_t *slots;       /* n_slots: index + 1 */
    uint32_t *last, *next; /* chains, by slot and by entry; index + 1 */
    struct value *keys, *items;
    uint32_t small[3 * SMALL_SLOTS];
    struct value small_values[2 * SMALL];
};

/* Slots of a table that was made for `capacity` entries and holds n. */
static uint32_t table_size(uint32_t capacity, uint32_t n)
{
    uint32_t size = 1;
    while (size < capacity)
        size *= 2;
    while (n > (uint64_t)size * 3 / 4)
        size *= 2;
    return size;
}

static bool scratch_init(struct scratch *s, struct arena *a, uint32_t n, uint32_t capacity)
{
    s->n_slots = table_size(capacity < DEFAULT_CAPACITY ? DEFAULT_CAPACITY : capacity, n);
    if (n <= SMALL && s->n_slots <= SMALL_SLOTS) {
        s->slots = s->small;
        s->last = s->small + SMALL_SLOTS;
        s->next = s->small + 2 * SMALL_SLOTS;
        s->keys = s->small_values;
        s->items = s->small_values + SMALL;
        return true;
    }
    s->slots = arena_alloc(a, (size_t)s->n_slots * 3 * sizeof *s->slots);
    s->keys = arena_alloc(a, (size_t)n * 2 * sizeof *s->keys);
    if (!s->slots || !s->keys)
        return false;
    s->last = s->slots + s->n_slots;
    s->next = s->last + s->n_slots;
    s->items = s->keys + n;
    return true;
}

/* Squeezes out duplicates: the first key stays where it is and takes the last item. Returns how many are left. */
static uint32_t drop_duplicates(struct scratch *s, struct value *keys, struct value *items, uint32_t n)
{
    uint32_t mask = s->n_slots - 1, left = 0;
    memset(s->slots, 0, s->n_slots * sizeof *s->slots);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot = (uint32_t)value_hash(&keys[i]) & mask;
        while (s->slots[slot] && !value_eq(&keys[s->slots[slot] - 1], &keys[i]))
            slot = (slot + 1) & mask;
        if (s->slots[slot]) {
            items[s->slots[slot] - 1] = items[i];
            continue;
        }
        keys[left] = keys[i];
        items[left] = items[i];
        s->slots[slot] = ++left;
    }
    return left;
}

static void list_by_slot(struct scratch *s, struct value *keys, struct value *items, uint32_t n, uint32_t capacity)
{
    uint32_t n_slots = table_size(capacity, n), out = 0;
    memset(s->slots, 0, n_slots * sizeof *s->slots);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t h = java_hash(&keys[i]), slot = (h ^ h >> 16) & (n_slots - 1);
        s->keys[i] = keys[i];
        s->items[i] = items[i];
        s->next[i] = 0;
        if (s->slots[slot])
            s->next[s->last[slot] - 1] = i + 1;
        else
            s->slots[slot] = i + 1;
        s->last[slot] = i + 1;
    }
    for (uint32_t slot = 0; slot < n_slots; slot++) {
        for (uint32_t i = s->slots[slot]; i; i = s->next[i - 1]) {
            keys[out] = s->keys[i - 1];
            items[out++] = s->items[i - 1];
        }
    }
}

bool value_map_order_sized(struct arena *a, struct value *keys, struct value *items, uint32_t *n, uint32_t capacity)
{
    if (*n < 2)
        return true;
    struct scratch s;
    if (!scratch_init(&s, a, *n, capacity))
        return false;
    *n = drop_duplicates(&s, keys, items, *n);
    list_by_slot(&s, keys, items, *n, capacity);
    return true;
}

bool value_map_order(struct arena *a, struct value *keys, struct value *items, uint32_t *n)
{
    return value_map_order_sized(a, keys, items, n, DEFAULT_CAPACITY);
}
