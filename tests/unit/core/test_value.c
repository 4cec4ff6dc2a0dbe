/* Values: Java's equality, order, hash codes and map order; their texts. */
#include "../unit.h"
#include "core/core.h"

#include <math.h>

static struct arena arena;

#define INT(v) ((struct value){.kind = KIND_INT, .i32 = (v)})
#define BIGINT(v) ((struct value){.kind = KIND_BIGINT, .i64 = (v)})
#define DOUBLE(v) ((struct value){.kind = KIND_DOUBLE, .f64 = (v)})
#define STRING(v) ((struct value){.kind = KIND_STRING, .str = str_from(v)})
#define BYTES(v) ((struct value){.kind = KIND_BYTES, .str = STR(v)})
#define BOOL(v) ((struct value){.kind = KIND_BOOLEAN, .boolean = (v)})

static struct value decimal(int128 v)
{
    return (struct value){.kind = KIND_DECIMAL, .decimal = arena_dup(&arena, &v, sizeof v)};
}

static struct value list(uint32_t n, const struct value *items)
{
    struct nested nested = {.n = n, .items = arena_dup(&arena, items, n * sizeof *items)};
    return (struct value){.kind = KIND_ARRAY, .nested = arena_dup(&arena, &nested, sizeof nested)};
}

static struct value map_of(uint32_t n, const struct value *keys, const struct value *items)
{
    struct value map = list(n, items);
    struct nested *nested = arena_dup(&arena, map.nested, sizeof *nested);
    nested->keys = arena_dup(&arena, keys, n * sizeof *keys);
    return (struct value){.kind = KIND_MAP, .nested = nested};
}

static bool eq(struct value x, struct value y)
{
    bool same = value_eq(&x, &y);
    CHECK(same == value_eq(&y, &x));
    if (same)
        CHECK(value_hash(&x) == value_hash(&y) && value_java_hash(&x) == value_java_hash(&y));
    return same;
}

TEST(value, equality_is_javas)
{
    CHECK(eq(VALUE_NULL, VALUE_NULL));
    CHECK(!eq(INT(1), BIGINT(1)));
    CHECK(eq(DOUBLE(NAN), DOUBLE(-NAN)));
    CHECK(!eq(DOUBLE(0.0), DOUBLE(-0.0)));
    CHECK(eq(STRING("a"), STRING("a")));
    CHECK(!eq(STRING("a"), BYTES("a")));
    CHECK(eq(decimal(5), decimal(5)) && !eq(decimal(5), decimal(50)));
    CHECK(eq(BOOL(true), BOOL(true)) && !eq(BOOL(true), BOOL(false)));
    struct value items[] = {INT(1), VALUE_NULL, INT(3)};
    CHECK(eq(list(3, items), list(3, items)));
    CHECK(!eq(list(3, items), list(2, items)));
    CHECK(eq(list(0, items), list(0, items)));
    arena_free(&arena);
}

TEST(value, maps_are_equal_in_any_order)
{
    struct value keys[] = {STRING("Aa"), STRING("BB"), STRING("x")},
                 other[] = {STRING("BB"), STRING("Aa"), STRING("x")};
    struct value items[] = {INT(1), INT(2), INT(3)}, swapped[] = {INT(2), INT(1), INT(3)};
    CHECK(eq(map_of(3, keys, items), map_of(3, other, swapped)));
    CHECK(!eq(map_of(3, keys, items), map_of(3, other, items)));
    CHECK(!eq(map_of(3, keys, items), map_of(2, keys, items)));
    arena_free(&arena);
}

static int cmp(struct value x, struct value y)
{
    int order = value_cmp(&x, &y), back = value_cmp(&y, &x);
    order = (order > 0) - (order < 0);
    CHECK_INT((back > 0) - (back < 0), -order);
    return order;
}

TEST(value, order_is_javas)
{
    CHECK_INT(cmp(INT(-1), INT(1)), -1);
    CHECK_INT(cmp(BIGINT(INT64_MIN), BIGINT(INT64_MAX)), -1);
    CHECK_INT(cmp(DOUBLE(-0.0), DOUBLE(0.0)), -1);
    CHECK_INT(cmp(DOUBLE(INFINITY), DOUBLE(NAN)), -1);
    CHECK_INT(cmp(DOUBLE(NAN), DOUBLE(NAN)), 0);
    CHECK_INT(cmp(DOUBLE(1.5), DOUBLE(1.25)), 1);
    CHECK_INT(cmp(STRING("😀"), STRING("\uFFFD")), -1);
    CHECK_INT(cmp(BYTES("\xFF"), BYTES("\x01")), 1);
    CHECK_INT(cmp(BOOL(false), BOOL(true)), -1);
    CHECK_INT(cmp(decimal(-3), decimal(2)), -1);
    arena_free(&arena);
}

static int32_t java_hash(struct value v)
{
    return value_java_hash(&v);
}

TEST(value, java_hash_codes)
{
    CHECK_INT(java_hash(VALUE_NULL), 0);
    CHECK_INT(java_hash(STRING("")), 0);
    CHECK_INT(java_hash(STRING("foo")), 101574);
    CHECK_INT(java_hash(STRING("The quick brown fox")), -1739336029);
    CHECK_INT(java_hash(STRING("é")), 233);
    CHECK_INT(java_hash(STRING("😀")), 0xD83D * 31 + 0xDE00);
    CHECK_INT(java_hash(STRING("\u20AC")), 0x20AC);
    CHECK_INT(java_hash(INT(-5)), -5);
    CHECK_INT(java_hash(BIGINT(-1)), 0);
    CHECK_INT(java_hash(BIGINT(INT64_C(1) << 32)), 1);
    CHECK_INT(java_hash(DOUBLE(1.0)), 1072693248);
    CHECK_INT(java_hash(DOUBLE(0.0)), 0);
    CHECK_INT(java_hash(BOOL(true)), 1231);
    CHECK_INT(java_hash(BOOL(false)), 1237);
    CHECK_INT(java_hash(decimal(100)), 3100);
    CHECK_INT(java_hash(decimal(-100)), -3100);
    struct value items[] = {INT(1), INT(2)};
    CHECK_INT(java_hash(list(2, items)), 994);
    arena_free(&arena);
}

static const char *ordered(uint32_t n, const char *const *names)
{
    struct value keys[64], items[64];
    struct buf b;
    buf_init(&b, 0);
    for (uint32_t i = 0; i < n; i++) {
        keys[i] = STRING(names[i]);
        items[i] = INT((int)i);
    }
    CHECK(value_map_order(&arena, keys, items, &n));
    for (uint32_t i = 0; i < n; i++)
        buf_printf(&b, "%s" STR_FMT ":%d", i ? " " : "", STR_ARG(keys[i].str), items[i].i32);
    const char *text = arena_printf(&arena, "%s", buf_z(&b));
    buf_free(&b);
    return text;
}

TEST(value, lists_maps_in_javas_order)
{
    static const char *const some[] = {"foo", "bar", "baz", "k1", "k2", "apple", "Zed"};
    CHECK_TEXT(ordered(7, some), "apple:5 bar:1 k1:3 foo:0 k2:4 Zed:6 baz:2");
    static const char *const twice[] = {"b", "a", "b", "a", "c"};
    CHECK_TEXT(ordered(5, twice), "a:3 b:2 c:4");
    static const char *const colliding[] = {"BB", "Aa", "BB"};
    CHECK_TEXT(ordered(3, colliding), "BB:2 Aa:1");
    CHECK_TEXT(ordered(0, NULL), "");
    CHECK_TEXT(ordered(1, some), "foo:0");
    arena_free(&arena);
}

/* 13 entries double the table of 16: 16 then comes behind 15, not in front of 1. */
TEST(value, map_order_grows_the_table)
{
    struct value keys[13], items[13];
    uint32_t n = 13;
    for (uint32_t i = 0; i < n; i++)
        keys[i] = items[i] = INT((int)(16 - i));
    CHECK(value_map_order(&arena, keys, items, &n));
    for (uint32_t i = 0; i < n; i++)
        CHECK_INT(keys[i].i32, 4 + i);
    n = 12;
    for (uint32_t i = 0; i < n; i++)
        keys[i] = items[i] = INT((int)(16 - i));
    CHECK(value_map_order(&arena, keys, items, &n));
    CHECK_INT(keys[0].i32, 16);
    CHECK_INT(keys[1].i32, 5);
    arena_free(&arena);
}

/* A map that was made for three entries has four slots, and eight with a fourth entry. */
TEST(value, map_order_of_small_tables)
{
    struct value keys[4] = {INT(4), INT(1), INT(8), INT(2)}, items[4] = {INT(0), INT(1), INT(2), INT(3)};
    uint32_t n = 3;
    CHECK(value_map_order_sized(&arena, keys, items, &n, n));
    CHECK_INT(keys[0].i32, 4);
    CHECK_INT(keys[1].i32, 8);
    CHECK_INT(keys[2].i32, 1);
    n = 4;
    CHECK(value_map_order_sized(&arena, keys, items, &n, n));
    CHECK_INT(keys[0].i32, 8);
    CHECK_INT(keys[1].i32, 1);
    CHECK_INT(keys[2].i32, 2);
    CHECK_INT(items[2].i32, 3);
    CHECK_INT(keys[3].i32, 4);
    n = 4;
    CHECK(value_map_order_sized(&arena, keys, items, &n, 1000));
    CHECK_INT(keys[0].i32, 1);
    CHECK_INT(keys[3].i32, 8);
    arena_free(&arena);
}

TEST(value, map_order_of_many)
{
    enum { MANY = 5000 };
    static struct value keys[2 * MANY], items[2 * MANY];
    uint32_t n = 2 * MANY;
    for (uint32_t i = 0; i < n; i++) {
        keys[i] = INT((int)(i * 7 % MANY));
        items[i] = INT((int)i);
    }
    CHECK(value_map_order(&arena, keys, items, &n));
    CHECK_INT(n, MANY);
    for (uint32_t i = 0; i < n; i++) {
        CHECK_INT(keys[i].i32, i);
        CHECK(items[i].i32 >= MANY && (uint32_t)items[i].i32 * 7 % MANY == i);
    }
    struct arena none;
    arena_init(&none, 1);
    CHECK(!value_map_order(&none, keys, items, &n));
    arena_free(&none);
    arena_free(&arena);
}

TEST(value, copies_are_deep)
{
    char text[] = "abc";
    struct value keys[] = {STRING("k")}, inner[] = {STRING(text), VALUE_NULL, decimal(7)}, lists[] = {list(3, inner)};
    struct value map = map_of(1, keys, lists), copy;
    struct arena own;
    arena_init(&own, 0);
    REQUIRE(value_copy(&own, &copy, &map));
    CHECK(value_eq(&copy, &map));
    text[0] = 'x';
    CHECK(!value_eq(&copy, &map));
    arena_free(&own);
    for (size_t limit = 16;; limit += 16) {
        arena_init(&own, limit);
        bool ok = value_copy(&own, &copy, &map);
        CHECK(ok == !own.failed);
        arena_free(&own);
        if (ok)
            break;
        REQUIRE(limit < 4096);
    }
    arena_free(&arena);
}

static const char *print(struct value v, const struct type *t)
{
    struct buf b;
    buf_init(&b, 0);
    value_print(&b, &v, t);
    const char *text = arena_printf(&arena, "%s", buf_z(&b));
    buf_free(&b);
    return text;
}

TEST(value, prints_scalars)
{
    CHECK_TEXT(print(VALUE_NULL, &TYPE_INT), "null");
    CHECK_TEXT(print(BOOL(true), &TYPE_BOOLEAN), "true");
    CHECK_TEXT(print(INT(INT32_MIN), &TYPE_INT), "-2147483648");
    CHECK_TEXT(print(DOUBLE(100), &TYPE_DOUBLE), "100.0");
    CHECK_TEXT(print(STRING("a'b"), &TYPE_STRING), "a'b");
    CHECK_TEXT(print(decimal(1), type_decimal(&arena, 10, 10)), "0.0000000001");
    CHECK_TEXT(print(BYTES(""), &TYPE_BYTES), "");
    CHECK_TEXT(print(BYTES("f"), &TYPE_BYTES), "Zg==");
    CHECK_TEXT(print(BYTES("fo"), &TYPE_BYTES), "Zm8=");
    CHECK_TEXT(print(BYTES("foo"), &TYPE_BYTES), "Zm9v");
    CHECK_TEXT(print(BYTES("\xFF\xFE\xFD\x00"), &TYPE_BYTES), "//79AA==");
    CHECK_TEXT(print((struct value){.kind = KIND_DATE, .i32 = 1}, &TYPE_DATE), "1970-01-02");
    CHECK_TEXT(print((struct value){.kind = KIND_TIME, .i32 = 60000}, &TYPE_TIME), "00:01");
    CHECK_TEXT(print((struct value){.kind = KIND_TIMESTAMP, .i64 = -1}, &TYPE_TIMESTAMP), "1969-12-31T23:59:59.999");
    arena_free(&arena);
}

TEST(value, prints_nested)
{
    const struct field fields[] = {
        {STR("F0"), &TYPE_INT}, {STR("n"), &TYPE_INT}, {STR("f1"), type_decimal(&arena, 9, 9)}};
    const struct type *row_type = type_struct(&arena, fields, 3);
    struct value items[] = {INT(1), VALUE_NULL, decimal(3)}, keys[] = {STRING("k"), STRING("k2"), STRING("k3")};
    struct value row = list(3, items);
    row.kind = KIND_STRUCT;
    CHECK_TEXT(print(row, row_type), "Struct{F0=1,f1=3E-9}");
    struct value ints[] = {INT(1), VALUE_NULL, INT(3)};
    CHECK_TEXT(print(list(3, ints), type_array(&arena, &TYPE_INT)), "[1, null, 3]");
    struct value times[] = {{.kind = KIND_TIME, .i32 = 36000000}, {.kind = KIND_TIME, .i32 = 1}};
    CHECK_TEXT(print(list(2, times), type_array(&arena, &TYPE_TIME)), "[10:00:00, 00:00:00]");
    struct value instants[] = {
        {.kind = KIND_TIMESTAMP, .i64 = 0}, {.kind = KIND_TIMESTAMP, .i64 = -1}, {.kind = KIND_TIMESTAMP, .i64 = 120}};
    CHECK_TEXT(print(list(3, instants), type_array(&arena, &TYPE_TIMESTAMP)),
               "[1970-01-01 00:00:00.0, 1969-12-31 23:59:59.999, 1970-01-01 00:00:00.12]");
    CHECK_TEXT(print(list(0, ints), type_array(&arena, &TYPE_INT)), "[]");
    CHECK_TEXT(print(map_of(3, keys, ints), type_map(&arena, &TYPE_STRING, &TYPE_INT)), "{k=1, k2=null, k3=3}");
    CHECK_TEXT(print(map_of(0, keys, ints), type_map(&arena, &TYPE_STRING, &TYPE_INT)), "{}");
    arena_free(&arena);
}
