/* Casts: what exists, what is implicit, what comes out, and the texts of failures. */
#include "functions/functions.h"
#include "../unit.h"

#include <math.h>
#include <stdio.h>

static struct arena arena;

static const char *cast(struct value v, const struct type *from, const struct type *to)
{
    static char shown[512];
    struct value out;
    struct buf text;
    if (!cast_value(&arena, &v, from, to, &out, shown + 2, sizeof shown - 2)) {
        CHECK(value_is_null(&out));
        memcpy(shown, "! ", 2);
        return shown;
    }
    buf_init(&text, 0);
    value_print(&text, &out, to);
    snprintf(shown, sizeof shown, "%s", buf_z(&text));
    buf_free(&text);
    return shown;
}

static const char *cast_text(const char *text, const struct type *to)
{
    return cast((struct value){.kind = KIND_STRING, .str = str_from(text)}, &TYPE_STRING, to);
}

static const char *cast_double(double d, const struct type *to)
{
    return cast((struct value){.kind = KIND_DOUBLE, .f64 = d}, &TYPE_DOUBLE, to);
}

TEST(cast, text_to_numbers)
{
    CHECK_TEXT(cast_text(" +12 ", &TYPE_INT), "12");
    CHECK_TEXT(cast_text("2147483648", &TYPE_INT), "! For input string: \"2147483648\"");
    CHECK_TEXT(cast_text("-9223372036854775808", &TYPE_BIGINT), "-9223372036854775808");
    CHECK_TEXT(cast_text("1.0", &TYPE_INT), "! For input string: \"1.0\"");
    CHECK_TEXT(cast_text("", &TYPE_INT), "! For input string: \"\"");
    CHECK_TEXT(cast_text(" .5", &TYPE_DOUBLE), "0.5");
    CHECK_TEXT(cast_text("NaN", &TYPE_DOUBLE), "! Invalid double value: NaN");
    CHECK_TEXT(cast_text("x", &TYPE_DOUBLE), "! For input string: \"x\"");
}

TEST(cast, text_to_boolean_never_fails)
{
    CHECK_TEXT(cast_text("T", &TYPE_BOOLEAN), "true");
    CHECK_TEXT(cast_text("ye", &TYPE_BOOLEAN), "true");
    CHECK_TEXT(cast_text("true", &TYPE_BOOLEAN), "true");
    CHECK_TEXT(cast_text("truee", &TYPE_BOOLEAN), "false");
    CHECK_TEXT(cast_text("no", &TYPE_BOOLEAN), "false");
    CHECK_TEXT(cast_text("", &TYPE_BOOLEAN), "false");
}

TEST(cast, to_decimal)
{
    const struct type *d21 = type_decimal(&arena, 2, 1), *d42 = type_decimal(&arena, 4, 2);
    CHECK_TEXT(cast_text("0.99", d21), "1.0");
    CHECK_TEXT(cast_text("0.01", d21), "0.0");
    CHECK_TEXT(cast_text("9.99", d21), "10.0");
    CHECK_TEXT(cast_text("10", d21), "! Numeric field overflow: A field with precision 2 and scale 1 must round to an "
                                     "absolute value less than 10^1. Got 10");
    CHECK_TEXT(cast_text("1e1", d42), "10.00");
    CHECK_TEXT(cast_text("-1.005", d42), "-1.01");
    CHECK_TEXT(cast_text("1 2", d42), "! Cannot cast '1 2' to a decimal");
    CHECK_TEXT(cast_double(1.1, d42), "1.10");
    CHECK_TEXT(cast_double(0.125, d42), "0.13");
    CHECK_TEXT(cast_double(-0.125, d42), "-0.13");
    CHECK_TEXT(cast_double(1e-300, d42), "0.00");
    CHECK_TEXT(cast_double(INFINITY, d42), "! Infinite or NaN");
    CHECK_TEXT(cast((struct value){.kind = KIND_INT, .i32 = 99}, &TYPE_INT, d42), "99.00");
    CHECK_TEXT(
        cast((struct value){.kind = KIND_INT, .i32 = -100}, &TYPE_INT, d42),
        "! Numeric field overflow: A field with precision 4 and scale 2 must round to an absolute value less than "
        "10^2. Got -100");
    arena_free(&arena);
}

TEST(cast, numbers_saturate_or_wrap)
{
    CHECK_TEXT(cast_double(3e9, &TYPE_INT), "2147483647");
    CHECK_TEXT(cast_double(-1e300, &TYPE_BIGINT), "-9223372036854775808");
    CHECK_TEXT(cast_double(NAN, &TYPE_INT), "0");
    CHECK_TEXT(cast_double(-2.9, &TYPE_INT), "-2");
    CHECK_TEXT(cast((struct value){.kind = KIND_BIGINT, .i64 = 2147483648}, &TYPE_BIGINT, &TYPE_INT), "-2147483648");
    CHECK_TEXT(cast_double(100, &TYPE_STRING), "100.0");
}

TEST(cast, times)
{
    CHECK_TEXT(cast_text("2020-05", &TYPE_DATE), "2020-05-01");
    CHECK_TEXT(cast_text("2020-05-26T23:59", &TYPE_TIMESTAMP), "2020-05-26T23:59:00.000");
    CHECK_TEXT(cast_text("01:34", &TYPE_TIME), "01:34");
    CHECK(strncmp(cast_text("bad", &TYPE_DATE), "! Failed to parse date 'bad': ", 30) == 0);
    struct value ts = {.kind = KIND_TIMESTAMP, .i64 = -1};
    CHECK_TEXT(cast(ts, &TYPE_TIMESTAMP, &TYPE_DATE), "1969-12-31");
    CHECK_TEXT(cast(ts, &TYPE_TIMESTAMP, &TYPE_TIME), "23:59:59");
    CHECK_TEXT(cast((struct value){.kind = KIND_DATE, .i32 = 1}, &TYPE_DATE, &TYPE_TIMESTAMP),
               "1970-01-02T00:00:00.000");
    CHECK_TEXT(cast_text("IQ", &TYPE_BYTES), cast_text("IQ==", &TYPE_BYTES));
    CHECK_TEXT(cast_text("I Q", &TYPE_BYTES), "! Illegal base64 text: I Q");
    arena_free(&arena);
}

TEST(cast, nested_values)
{
    struct value texts[2] = {{.kind = KIND_STRING, .str = STR("1")}, VALUE_NULL};
    struct nested list = {.n = 2, .items = texts};
    struct value v = {.kind = KIND_ARRAY, .nested = &list};
    const struct type *strings = type_array(&arena, &TYPE_STRING), *ints = type_array(&arena, &TYPE_INT);
    CHECK_TEXT(cast(v, strings, ints), "[1, null]");
    CHECK_TEXT(cast(v, strings, &TYPE_STRING), "[1, null]");
    texts[0].str = STR("x");
    CHECK_TEXT(cast(v, strings, ints), "! For input string: \"x\"");
    struct field from[2] = {{STR("A"), &TYPE_STRING}, {STR("B"), &TYPE_INT}},
                 to[2] = {{STR("C"), &TYPE_INT}, {STR("A"), &TYPE_INT}};
    struct value fields[2] = {{.kind = KIND_STRING, .str = STR("7")}, {.kind = KIND_INT, .i32 = 5}};
    struct nested structure = {.n = 2, .items = fields};
    v = (struct value){.kind = KIND_STRUCT, .nested = &structure};
    CHECK_TEXT(cast(v, type_struct(&arena, from, 2), type_struct(&arena, to, 2)), "Struct{A=7}");
    arena_free(&arena);
}

TEST(cast, what_exists)
{
    const struct type *d = type_decimal(&arena, 4, 2), *wider = type_decimal(&arena, 5, 2);
    CHECK(cast_is_supported(&TYPE_NULL, &TYPE_DATE));
    CHECK(!cast_is_supported(&TYPE_BOOLEAN, &TYPE_INT));
    CHECK(!cast_is_supported(&TYPE_BYTES, &TYPE_STRING));
    CHECK(!cast_is_supported(&TYPE_DATE, &TYPE_TIME));
    CHECK(cast_is_supported(type_array(&arena, &TYPE_INT), type_array(&arena, d)));
    CHECK(!cast_is_supported(type_array(&arena, &TYPE_BOOLEAN), type_array(&arena, d)));
    CHECK(!cast_is_supported(&TYPE_INT, type_array(&arena, &TYPE_INT)));
    CHECK(cast_is_implicit(&TYPE_INT, d));
    CHECK(cast_is_implicit(d, &TYPE_DOUBLE));
    CHECK(!cast_is_implicit(&TYPE_DOUBLE, d));
    CHECK(!cast_is_implicit(d, wider));
    CHECK(cast_is_implicit(&TYPE_STRING, &TYPE_TIMESTAMP));
    CHECK(!cast_is_implicit(&TYPE_STRING, &TYPE_INT));
    CHECK_TEXT(cast((struct value){.kind = KIND_BOOLEAN}, &TYPE_BOOLEAN, &TYPE_INT), "! Unsupported cast");
    CHECK_TEXT(cast(VALUE_NULL, &TYPE_INT, &TYPE_STRING), "null");
    arena_free(&arena);
}
