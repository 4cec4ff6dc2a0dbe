/* Types and schemas: names in messages, equality, copies. */
#include "../unit.h"
#include "core/core.h"

static struct arena arena;

static const struct type *sample(void)
{
    static struct field fields[2];
    fields[0] = (struct field){STR("A`B"), type_array(&arena, type_decimal(&arena, 4, 2))};
    fields[1] = (struct field){STR("m"), type_map(&arena, &TYPE_STRING, &TYPE_INT)};
    return type_struct(&arena, fields, 2);
}

static const char *print(const struct type *t)
{
    static struct buf b;
    b.len = 0;
    type_print(&b, t);
    return arena_printf(&arena, "%s", buf_z(&b));
}

TEST(type, names)
{
    CHECK_TEXT(print(&TYPE_INT), "INTEGER");
    CHECK_TEXT(print(&TYPE_NULL), "null");
    CHECK_TEXT(print(type_decimal(&arena, 38, 0)), "DECIMAL(38, 0)");
    CHECK_TEXT(print(sample()), "STRUCT<`A``B` ARRAY<DECIMAL(4, 2)>, `m` MAP<STRING, INTEGER>>");
    CHECK_TEXT(print(type_struct(&arena, NULL, 0)), "STRUCT<>");
    for (int kind = KIND_NULL; kind <= KIND_UNIT; kind++)
        CHECK(type_base_name((enum type_kind)kind)[0] != '\0');
    arena_free(&arena);
}

TEST(type, equality)
{
    const struct type *x = sample(), *y = type_copy(&arena, x);
    REQUIRE(y != NULL);
    CHECK(x != y && type_eq(x, y));
    CHECK(!type_eq(type_decimal(&arena, 4, 2), type_decimal(&arena, 4, 1)));
    CHECK(!type_eq(type_decimal(&arena, 4, 2), type_decimal(&arena, 5, 2)));
    CHECK(!type_eq(&TYPE_INT, &TYPE_BIGINT));
    CHECK(!type_eq(type_array(&arena, &TYPE_INT), type_array(&arena, &TYPE_BIGINT)));
    CHECK(!type_eq(type_map(&arena, &TYPE_INT, &TYPE_INT), type_map(&arena, &TYPE_STRING, &TYPE_INT)));
    struct field other[2] = {x->fields[0], {STR("M"), x->fields[1].type}};
    CHECK(!type_eq(x, type_struct(&arena, other, 2)));
    CHECK(!type_eq(x, type_struct(&arena, x->fields, 1)));
    CHECK_INT(type_field(x, STR("m")), 1);
    CHECK_INT(type_field(x, STR("M")), -1);
    arena_free(&arena);
}

TEST(type, every_allocation_of_a_copy_may_fail)
{
    const struct type *t = sample();
    size_t limit = 16;
    for (;; limit += 16) {
        struct arena small;
        arena_init(&small, limit);
        const struct type *copy = type_copy(&small, t);
        bool ok = copy && type_eq(copy, t);
        CHECK((copy != NULL) == !small.failed);
        arena_free(&small);
        if (ok)
            break;
        REQUIRE(limit < 4096);
    }
    arena_free(&arena);
}

TEST(schema, prints_and_compares)
{
    struct schema_column columns[] = {
        {STR("K"), &TYPE_STRING, ROLE_KEY, STR("")},
        {STR("V"), &TYPE_INT, ROLE_VALUE, STR("")},
        {STR("H"), &TYPE_BYTES, ROLE_HEADER, STR("abc")},
        {STR("HS"), &TYPE_BYTES, ROLE_HEADERS, STR("")},
    };
    struct schema s = {.n_columns = 4, .n_keys = 1, .columns = columns}, empty = {0}, other = s;
    struct buf b;
    buf_init(&b, 0);
    schema_print(&b, &s);
    CHECK_TEXT(buf_z(&b), "`K` STRING KEY, `V` INTEGER, `H` BYTES HEADER('abc'), `HS` BYTES HEADERS");
    b.len = 0;
    schema_print(&b, &empty);
    CHECK_TEXT(buf_z(&b), "");
    CHECK_INT(schema_find(&s, STR("V")), 1);
    CHECK_INT(schema_find(&s, STR("v")), -1);
    CHECK(schema_eq(&s, &other) && schema_eq(&empty, &empty) && !schema_eq(&s, &empty));
    other.window = WINDOW_SESSION;
    CHECK(!schema_eq(&s, &other));
    struct schema_column changed[4];
    memcpy(changed, columns, sizeof changed);
    changed[1].type = &TYPE_BIGINT;
    other = s;
    other.columns = changed;
    CHECK(!schema_eq(&s, &other));
    buf_free(&b);
}
