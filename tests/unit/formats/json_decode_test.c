/* JSON, reading: coercions, names, nulls, errors and their texts. */
#include "util.h"

#include <stdio.h>

TEST(json_decode, every_scalar)
{
    const char *schema =
        "A BOOLEAN, B INT, C BIGINT, D DOUBLE, E STRING, F BYTES, G DATE, H TIME, I TIMESTAMP, J DECIMAL(6,2)";
    CHECK_JSON(
        schema,
        "{\"A\":true,\"B\":-12,\"C\":9007199254740993,\"D\":1.5,\"E\":\"x y\",\"F\":\"aGk=\",\"G\":1,\"H\":61000,"
        "\"I\":1000,\"J\":1234.5}",
        "true|-12|9007199254740993|1.5|x y|aGk=|1970-01-02|00:01:01|1970-01-01T00:00:01.000|1234.50");
    CHECK_JSON(schema, "{}", "null|null|null|null|null|null|null|null|null|null");
    CHECK_JSON(schema,
               "{\"A\":null,\"B\":null,\"C\":null,\"D\":null,\"E\":null,\"F\":null,\"G\":null,\"H\":null,\"I\":null,"
               "\"J\":null}",
               "null|null|null|null|null|null|null|null|null|null");
    /* text where a number is expected */
    CHECK_JSON(schema,
               "{\"B\":\"+12\",\"C\":\"-5\",\"D\":\" 0x1p3 \",\"G\":\"2\",\"H\":\"1000\",\"I\":\"5\",\"J\":\"1.5e1\"}",
               "null|12|-5|8.0|null|null|1970-01-03|00:00:01|1970-01-01T00:00:00.005|15.00");
}

TEST(json_decode, integers_wrap)
{
    CHECK_JSON("A INT", "{\"A\":3000000000}", "-1294967296");
    CHECK_JSON("A INT", "{\"A\":2.9}", "2");
    CHECK_JSON("A INT", "{\"A\":-2.9}", "-2");
    CHECK_JSON("A INT", "{\"A\":1.5e3}", "1500");
    CHECK_JSON("A INT", "{\"A\":18446744073709551617}", "1");
    CHECK_JSON("A INT", "{\"A\":2147483648}", "-2147483648");
    CHECK_JSON("A BIGINT", "{\"A\":18446744073709551617}", "1");
    CHECK_JSON("A BIGINT", "{\"A\":9223372036854775807}", "9223372036854775807");
    CHECK_JSON("A BIGINT", "{\"A\":-9223372036854775809}", "9223372036854775807");
    CHECK_JSON("A BIGINT", "{\"A\":1e19}", "-8446744073709551616");
    CHECK_JSON("A BIGINT", "{\"A\":1e64}", "0");
    CHECK_JSON("A BIGINT", "{\"A\":1e2147483647}", "0");
    CHECK_JSON("A BIGINT", "{\"A\":123e-2147483000}", "0");
    CHECK_JSON("A BIGINT", "{\"A\":-0}", "0");
    CHECK_JSON("A INT", "{\"A\":\"2147483648\"}", "BAD: Can't coerce string to type. targetType: INTEGER, path: $.A");
    CHECK_JSON("A INT", "{\"A\":\" 1\"}", "BAD: Can't coerce string to type. targetType: INTEGER, path: $.A");
    CHECK_JSON("A BIGINT", "{\"A\":\"1.0\"}", "BAD: Can't coerce string to type. targetType: BIGINT, path: $.A");
    CHECK_JSON("A BIGINT", "{\"A\":\"\"}", "BAD: Can't coerce string to type. targetType: BIGINT, path: $.A");
}

TEST(json_decode, doubles)
{
    CHECK_JSON("A DOUBLE", "{\"A\":-0.0}", "0.0");
    CHECK_JSON("A DOUBLE", "{\"A\":-0}", "0.0");
    CHECK_JSON("A DOUBLE", "{\"A\":\"-0.0\"}", "-0.0");
    CHECK_JSON("A DOUBLE", "{\"A\":1e400}", "Infinity");
    CHECK_JSON("A DOUBLE", "{\"A\":-1e400}", "-Infinity");
    CHECK_JSON("A DOUBLE", "{\"A\":\"NaN\"}", "NaN");
    CHECK_JSON("A DOUBLE", "{\"A\":0.1}", "0.1");
    CHECK_JSON("A DOUBLE", "{\"A\":123456789.123456789}", "1.2345678912345679E8");
    CHECK_JSON("A DOUBLE", "{\"A\":9007199254740993}", "9.007199254740992E15");
    CHECK_JSON("A DOUBLE", "{\"A\":5}", "5.0");
    CHECK_JSON("A DOUBLE", "{\"A\":2.2250738585072011e-308}", "2.225073858507201E-308");
    CHECK_JSON("A DOUBLE", "{\"A\":\"x\"}", "BAD: Can't coerce string to type. targetType: DOUBLE, path: $.A");
}

TEST(json_decode, strings_take_anything)
{
    CHECK_JSON("A STRING", "{\"A\":1.50}", "1.50");
    CHECK_JSON("A STRING", "{\"A\":1e3}", "1E+3");
    CHECK_JSON("A STRING", "{\"A\":1.5e1}", "15");
    CHECK_JSON("A STRING", "{\"A\":150e-2}", "1.50");
    CHECK_JSON("A STRING", "{\"A\":1e-3}", "0.001");
    CHECK_JSON("A STRING", "{\"A\":0.00000015}", "1.5E-7");
    CHECK_JSON("A STRING", "{\"A\":0.0000000}", "0E-7");
    CHECK_JSON("A STRING", "{\"A\":-0.0}", "0.0");
    CHECK_JSON("A STRING", "{\"A\":-0}", "0");
    CHECK_JSON("A STRING", "{\"A\":-1.20e+2}", "-120");
    CHECK_JSON("A STRING", "{\"A\":-12e1}", "-1.2E+2");
    CHECK_JSON("A STRING", "{\"A\":123456789012345678901234567890}", "123456789012345678901234567890");
    CHECK_JSON("A STRING", "{\"A\":true}", "true");
    CHECK_JSON("A STRING", "{\"A\":false}", "false");
    CHECK_JSON("A STRING", "{\"A\":\"\"}", "");
    CHECK_JSON("A STRING", "{\"A\":[1, \"b\" , null,[true, {}], {\"x\": 1.0}]}",
               "[1, b, null, [true, {}], {\"x\":1.0}]");
    CHECK_JSON("A STRING",
               "{\"A\":{\"b\" : [1 , 2], \"a\":\"\\u00e9\\n\\\"\\u0001\\ud83d\\ude00\",\"c\":1e2,\"d\":null}}",
               "{\"b\":[1,2],\"a\":\"é\\n\\\"\\u0001\xF0\x9F\x98\x80\",\"c\":1E+2,\"d\":null}");
    /* equal names: the place of the first, the value of the last */
    CHECK_JSON("A STRING", "{\"A\":{\"x\":1,\"y\":2,\"x\":3}}", "{\"x\":3,\"y\":2}");
    CHECK_JSON("A STRING", "{\"A\":[]}", "[]");
}

TEST(json_decode, escapes)
{
    CHECK_JSON("A STRING", "{\"A\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u4E2d\"}", "\"\\/\b\f\n\r\tAé中");
    CHECK_JSON("A STRING", "{\"A\":\"\\ud83d\\ude00\"}", "\xF0\x9F\x98\x80");
    CHECK_JSON("A STRING", "{\"A\":\"\\ud83dx\\ude00\"}", "?x?");
    CHECK_JSON("A STRING", "{\"A\":\"\\ud83d\\u0041\"}", "?A");
    CHECK_JSON("A STRING", "{\"A\":\"é中\xF0\x9F\x98\x80\"}", "é中\xF0\x9F\x98\x80");
    CHECK_JSON("A STRING", "{\"A\":\"sixteen bytes and more é, and an escape \\t here\"}",
               "sixteen bytes and more é, and an escape \t here");
    CHECK_JSON("A STRING", "{\"A\":\"\\x\"}", "BAD: Unrecognized character escape 'x' (code 120)");
    CHECK_JSON("A STRING", "{\"A\":\"\\u00g0\"}",
               "BAD: Unexpected character ('g' (code 103)): expected a hex-digit for character escape sequence");
    CHECK_JSON(
        "A STRING", "{\"A\":\"a\nb\"}",
        "BAD: Illegal unquoted character ((CTRL-CHAR, code 10)): has to be escaped using backslash to be included in "
        "string value");
    CHECK_JSON("A STRING", "{\"A\\u0000\":\"x\",\"\\u0041\":\"y\"}", "y");
}

TEST(json_decode, names)
{
    CHECK_JSON("FOO INT", "{\"foo\":1}", "1");
    CHECK_JSON("FOO INT", "{\"Foo\":1,\"FOO\":2}", "2");
    CHECK_JSON("FOO INT", "{\"FOO\":2,\"foo\":1}", "2");
    CHECK_JSON("FOO INT", "{\"FOO\":null,\"foo\":1}", "null");
    CHECK_JSON("FOO INT", "{\"foo\":1,\"Foo\":2}", "2");
    CHECK_JSON("FOO INT", "{\"FOO\":1,\"FOO\":2}", "2");
    CHECK_JSON("FOO INT", "{\"FOO\":\"x\",\"FOO\":2}", "2"); /* what does not count is no error */
    CHECK_JSON("`foo` INT", "{\"FOO\":1}", "null");
    CHECK_JSON("`foo` INT", "{\"foo\":1}", "1");
    CHECK_JSON("`foo` INT, FOO INT", "{\"foo\":1}", "1|1");
    CHECK_JSON("`foo` INT, FOO INT", "{\"foo\":1,\"Foo\":3,\"FOO\":2}", "1|2");
    CHECK_JSON("`STRASSE` INT, `ÄÖ` INT", "{\"straße\":1,\"äö\":2}", "1|2");
    CHECK_JSON("A INT", "{\"b\":{\"a\":[1,{\"a\":2}]},\"a\":3,\"c\":[{}]}", "3");
    CHECK_JSON("A INT", "{\"\":1}", "null");
    CHECK_JSON("S STRUCT<F INT,`g` INT>", "{\"s\":{\"f\":1,\"G\":2,\"F\":\"3\",\"g\":4}}", "Struct{F=3,g=4}");
    CHECK_JSON("A INT", " \t\r\n{ \"a\" : 1 , \"b\" : 2 } \n", "1");
    CHECK_JSON("A INT", "\xEF\xBB\xBF{\"a\":1}", "1");
}

TEST(json_decode, many_columns)
{
    struct buf schema, text, expected;
    buf_init(&schema, 0);
    buf_init(&text, 0);
    buf_init(&expected, 0);
    for (int i = 0; i < 200; i++) {
        buf_printf(&schema, "COLUMN_WITH_A_NAME_%d INT, ", i);
        buf_printf(&text, "%c\"%s_WITH_a_name_%d\": %d", i ? ',' : '{', i & 1 ? "column" : "COLUMN", 199 - i, i);
        buf_printf(&expected, "%s%d", i ? "|" : "", 199 - i);
    }
    buf_putc(&text, '}');
    CHECK_JSON(buf_z(&schema), buf_z(&text), buf_z(&expected));
    buf_free(&schema);
    buf_free(&text);
    buf_free(&expected);
}

TEST(json_decode, nested)
{
    CHECK_JSON("A ARRAY<INT>", "{\"a\":[1, 2.5 ,null,\"4\"]}", "[1, 2, null, 4]");
    CHECK_JSON("A ARRAY<INT>", "{\"a\":[]}", "[]");
    CHECK_JSON("A ARRAY<STRING>", "{\"a\":[\"x\",1,{\"b\":2},[3]]}", "[x, 1, {\"b\":2}, [3]]");
    CHECK_JSON("A MAP<STRING,INT>",
               "{\"a\":{\"foo\":1,\"bar\":2,\"baz\":3,\"k1\":4,\"k2\":5,\"apple\":6,\"Zed\":7,\"foo\":8}}",
               "{apple=6, bar=2, k1=4, foo=8, k2=5, Zed=7, baz=3}");
    CHECK_JSON("A MAP<STRING,INT>", "{\"a\":{}}", "{}");
    CHECK_JSON("A MAP<STRING,INT>", "{\"a\":{\"x\":\"bad\",\"x\":1}}", "{x=1}");
    CHECK_JSON("A STRUCT<X INT, Y STRUCT<Z ARRAY<STRUCT<W STRING>>>>",
               "{\"a\":{\"x\":1,\"y\":{\"z\":[{\"w\":\"p\"},null,{}]}}}",
               "Struct{X=1,Y=Struct{Z=[Struct{W=p}, null, Struct{}]}}");
    CHECK_JSON("A STRUCT<X INT>, B INT", "{\"a\":null,\"b\":1}", "null|1");
    CHECK_JSON("A ARRAY<DECIMAL(4,2)>, B ARRAY<BYTES>", "{\"a\":[1,\"2.50\"],\"b\":[\"aGk=\"]}", "[1.00, 2.50]|[aGk=]");
}

TEST(json_decode, wrong_kinds)
{
    CHECK_JSON("F ARRAY<STRUCT<G BOOLEAN>>", "{\"f\":[{\"g\":\"x\"}]}",
               "BAD: Can't convert type. sourceType: TextNode, requiredType: BOOLEAN, path: $.F[0].G");
    CHECK_JSON("A BOOLEAN", "{\"a\":1}",
               "BAD: Can't convert type. sourceType: IntNode, requiredType: BOOLEAN, path: $.A");
    CHECK_JSON("A BOOLEAN", "{\"a\":\"true\"}",
               "BAD: Can't convert type. sourceType: TextNode, requiredType: BOOLEAN, path: $.A");
    CHECK_JSON("A INT", "{\"a\":true}",
               "BAD: Can't convert type. sourceType: BooleanNode, requiredType: INTEGER, path: $.A");
    CHECK_JSON("A BIGINT", "{\"a\":[1]}",
               "BAD: Can't convert type. sourceType: ArrayNode, requiredType: BIGINT, path: $.A");
    CHECK_JSON("A DOUBLE", "{\"a\":{}}",
               "BAD: Can't convert type. sourceType: ObjectNode, requiredType: DOUBLE, path: $.A");
    CHECK_JSON("A ARRAY<STRING>", "{\"a\":3000000000}",
               "BAD: Can't convert type. sourceType: LongNode, requiredType: ARRAY<VARCHAR>, path: $.A");
    CHECK_JSON("A MAP<STRING,INT>", "{\"a\":1e400}",
               "BAD: Can't convert type. sourceType: DecimalNode, requiredType: MAP<VARCHAR, INT>, path: $.A");
    CHECK_JSON("A MAP<STRING,INT>", "{\"a\":{\"k\":{}}}",
               "BAD: Can't convert type. sourceType: ObjectNode, requiredType: INTEGER, path: $.A.k.value");
    CHECK_JSON("A STRUCT<B INT>", "{\"a\":9223372036854775808}",
               "BAD: Can't convert type. sourceType: BigIntegerNode, requiredType: STRUCT<B INT>, path: $.A");
    CHECK_JSON("A BYTES", "{\"a\":1}", "BAD: Can't convert type. sourceType: IntNode, requiredType: BYTES, path: $.A");
    CHECK_JSON("A DECIMAL(3,1)", "{\"a\":true}",
               "BAD: Can't convert type. sourceType: BooleanNode, requiredType: DECIMAL(3, 1), path: $.A");
    CHECK_JSON("A INT", "[1]", "BAD: Can't convert type. sourceType: ArrayNode, requiredType: STRUCT<A INT>, path: $");
    CHECK_JSON("A INT", "1", "BAD: Can't convert type. sourceType: IntNode, requiredType: STRUCT<A INT>, path: $");
    /* the first in the order of the columns, not of the text */
    CHECK_JSON("A INT, B INT", "{\"b\":true,\"a\":[]}",
               "BAD: Can't convert type. sourceType: ArrayNode, requiredType: INTEGER, path: $.A");
    CHECK_JSON("A TIME", "{\"a\":86400001}",
               "BAD: Time values must use number of milliseconds greater than 0 and less than 86400000., path: $.A");
    CHECK_JSON("A TIME", "{\"a\":-1}",
               "BAD: Time values must use number of milliseconds greater than 0 and less than 86400000., path: $.A");
    CHECK_JSON("A DATE", "{\"a\":\"2020-01-01\"}", "BAD: Can't coerce string to type. targetType: DATE, path: $.A");
}

TEST(json_decode, decimals_must_fit)
{
    CHECK_JSON("A DECIMAL(4,2)", "{\"a\":12.34}", "12.34");
    CHECK_JSON("A DECIMAL(4,2)", "{\"a\":-12.3}", "-12.30");
    CHECK_JSON("A DECIMAL(4,2)", "{\"a\":1.2300}", "1.23");
    CHECK_JSON("A DECIMAL(4,2)", "{\"a\":5e-2}", "0.05");
    CHECK_JSON("A DECIMAL(4,2)", "{\"a\":0.000}", "0.00");
    CHECK_JSON("A DECIMAL(4,2)", "{\"a\":\"-.5\"}", "-0.50");
    CHECK_JSON("A DECIMAL(4,2)", "{\"a\":1.234}",
               "BAD: Cannot fit decimal '1.234' into DECIMAL(4, 2) without rounding. (Requires 4,3), path: $.A");
    CHECK_JSON("A DECIMAL(4,2)", "{\"a\":-0.001}",
               "BAD: Cannot fit decimal '-0.001' into DECIMAL(4, 2) without rounding. (Requires 1,3), path: $.A");
    CHECK_JSON(
        "A DECIMAL(4,2)", "{\"a\":100}",
        "BAD: Numeric field overflow: A field with precision 4 and scale 2 must round to an absolute value less than "
        "10^2. Got 100, path: $.A");
    CHECK_JSON(
        "A DECIMAL(4,2)", "{\"a\":1e5}",
        "BAD: Numeric field overflow: A field with precision 4 and scale 2 must round to an absolute value less than "
        "10^2. Got 100000, path: $.A");
    CHECK_JSON("A DECIMAL(38,0)", "{\"a\":99999999999999999999999999999999999999}",
               "99999999999999999999999999999999999999");
    CHECK_JSON("A DECIMAL(38,38)", "{\"a\":-0.99999999999999999999999999999999999999}",
               "-0.99999999999999999999999999999999999999");
    CHECK_JSON("A DECIMAL(3,1)", "{\"a\":1.0000000000000000000000000000000000000000000000000}", "1.0");
    CHECK_JSON(
        "A DECIMAL(3,1)", "{\"a\":\"1x\"}",
        "BAD: Character x is neither a decimal digit number, decimal point, nor \"e\" notation exponential mark., "
        "path: $.A");
}

TEST(json_decode, bytes)
{
    CHECK_JSON("A BYTES", "{\"a\":\"\"}", "");
    CHECK_JSON("A BYTES", "{\"a\":\" YWJj\\n ZGU= \"}", "YWJjZGU=");
    CHECK_JSON("A BYTES", "{\"a\":\"YWI\"}", "BAD: Value is not a valid Base64 encoded string: YWI, path: $.A");
    CHECK_JSON("A BYTES", "{\"a\":\"YW I=\"}", "BAD: Value is not a valid Base64 encoded string: YW I=, path: $.A");
    CHECK_JSON("A BYTES", "{\"a\":\"-_==\"}", "BAD: Value is not a valid Base64 encoded string: -_==, path: $.A");
}

TEST(json_decode, nulls_and_empty)
{
    CHECK_TEXT(decoded(&json_spec, "A INT", NULL, SIZE_MAX), "NULL");
    CHECK_JSON("A INT, B STRING", "null", "NULL");
    CHECK_JSON("A INT", " null ", "NULL");
    CHECK_JSON("A INT", "", "BAD: Can't convert type. sourceType: MissingNode, requiredType: STRUCT<A INT>, path: $");
    CHECK_JSON("A INT", "  ", "BAD: Can't convert type. sourceType: MissingNode, requiredType: STRUCT<A INT>, path: $");
    CHECK_BARE("A STRING", "", "");
    CHECK_BARE("A INT", "", "BAD: Can't convert type. sourceType: MissingNode, requiredType: INTEGER, path: $");
}

TEST(json_decode, bare_values)
{
    CHECK_BARE("A INT", "5", "5");
    CHECK_BARE("A INT", " 5 x", "5");
    CHECK_BARE("A INT", "5x",
               "BAD: Unexpected character ('x' (code 120)): Expected space separating root-level values");
    CHECK_BARE("A BOOLEAN", "true", "true");
    CHECK_BARE(
        "A BOOLEAN", "truex",
        "BAD: Unrecognized token 'truex': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or "
        "'false')");
    CHECK_BARE("A BOOLEAN", "true]", "true");
    CHECK_BARE("A STRING", "\"x\"y", "x");
    CHECK_BARE("A STRING", "null", "null");
    CHECK_BARE("A ARRAY<INT>", "[1,2]", "[1, 2]");
    CHECK_BARE("A STRUCT<B INT>", "{\"b\":1}", "Struct{B=1}");
    CHECK_TEXT(decoded(&json_bare, "A INT", NULL, SIZE_MAX), "NULL");
    CHECK_BARE("A INT, B INT", "{\"a\":1,\"b\":2}", "1|2"); /* several columns always have names */
}

TEST(json_decode, syntax)
{
    static const char *const bad[] = {
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,}",
        "{\"a\" 1}",
        "{a:1}",
        "{'a':1}",
        "}",
        "]",
        "{]",
        "{\"a\":1]",
        "[1}",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\":1 \"b\":2}",
        "{\"a\":01}",
        "{\"a\":-01}",
        "{\"a\":+1}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":-}",
        "{\"a\":1e}",
        "{\"a\":1e+}",
        "{\"a\":1.e5}",
        "{\"a\":0x1}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":-Infinity}",
        "{\"a\":tru}",
        "{\"a\":True}",
        "{\"a\":nul}",
        "{\"a\":nullx}",
        "{\"a\":truefalse}",
        "{\"a\":\"x}",
        "{\"a\":\"x\\\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":1/*c*/}",
        "//x\n{}",
        "{\"a\":{}",
        "{\"a\":[}",
        "{\"a\":[1}",
        "{\"a\":1e2147483648}",
        "{\"a\":1e-2147483648}",
        "{\"a\":1e99999999999999999999}",
        "{\"a\\q\":1}",
        "{\"a\":\"\x01\"}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xC0\x80\"}",
        "{\"a\":\"\xED\xA0\x80\"}",
        "{\"a\":\"\xF4\x90\x80\x80\"}",
        "{\"a\":\"\xE4\xB8\"}",
        "{\"\xff\":1}",
        "{\"a\":\"\x80\"}",
        "\xff",
        "{\"a\":1\x80}",
        "tru",
        "nul",
        "\"",
        "-",
        "{\"z\":[1,{\"y\":}]}",
        "{\"a\":1,\"b\":[}",
        "{\"a\":1;\"b\":2}",
        "{\"a\"=1}",
        "{\"a\":1,,\"b\":2}",
        "{\"b\":\"}",
        "{\"b\":{}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *got = decoded(&json_spec, "A STRING, C INT", bad[i], strlen(bad[i]));
        if (strncmp(got, "BAD: ", 5) != 0 || strlen(got) < 10)
            fprintf(stderr, "%s: %s\n", bad[i], got);
        CHECK(strncmp(got, "BAD: ", 5) == 0 && strlen(got) > 10);
    }
    CHECK_JSON("A INT", "{\"a\":1} x", "1"); /* text behind the first value is ignored */
    CHECK_JSON("A INT", "{\"a\":1}}", "1");
    CHECK_JSON("A INT", "{\"a\":1}{\"a\":2}", "1");
    CHECK_JSON("A INT", "{\"a\":1} \xff }", "1");
    CHECK_JSON("A INT", "{\"a\":1,", "BAD: Unexpected end-of-input: expected close marker for Object");
    CHECK_JSON(
        "A INT", "{\"a\":x}",
        "BAD: Unrecognized token 'x': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or "
        "'false')");
    CHECK_JSON("A INT", "{\"a\" 1}",
               "BAD: Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value");
    CHECK_JSON("A STRING", "{\"a\":\"\xff\"}", "BAD: Invalid UTF-8 start byte 0xff");
    CHECK_JSON("A STRING", "{\"a\":\"é\xE4\xB8\x20\"}", "BAD: Invalid UTF-8 middle byte 0xb8");
}

static void nesting(struct buf *b, int levels, char open, char close, const char *inside)
{
    for (int i = 0; i < levels; i++)
        buf_putc(b, open);
    buf_puts(b, str_from(inside));
    for (int i = 0; i < levels; i++)
        buf_putc(b, close);
}

TEST(json_decode, limits)
{
    struct buf b;
    buf_init(&b, 0);
    for (int levels = 999; levels <= 1000; levels++) { /* the object is one more */
        static const char *const names[] = {"a", "unknown"};
        for (int k = 0; k < 2; k++) {
            b.len = 0;
            buf_printf(&b, "{\"%s\":", names[k]);
            nesting(&b, levels, '[', ']', "");
            buf_putc(&b, '}');
            const char *got = decoded(&json_spec, "A STRING", b.p, b.len);
            bool is_bad = strcmp(got, "BAD: Document nesting depth (1001) exceeds the maximum allowed (1000)") == 0;
            CHECK(is_bad == (levels == 1000));
        }
    }
    for (int digits = 1000; digits <= 1001; digits++) {
        b.len = 0;
        buf_puts(&b, STR("{\"a\":1"));
        for (int i = 1; i < digits; i++)
            buf_putc(&b, '0');
        buf_putc(&b, '}');
        const char *got = decoded(&json_spec, "A INT", b.p, b.len);
        CHECK_TEXT(got, digits == 1000 ? "0" : "BAD: Number value length exceeds the maximum allowed (1000)");
    }
    b.len = 0; /* a megabyte of text */
    buf_puts(&b, STR("{\"a\":\""));
    for (int i = 0; i < 1 << 20; i++)
        buf_putc(&b, "abcdefg\xC3\xA9 "[i % 10]);
    buf_puts(&b, STR("\\n\"}"));
    CHECK_INT(strlen(decoded(&json_spec, "A STRING", b.p, b.len)), (1 << 20) + 1);
    b.len = 0; /* deep nonsense must not exhaust the stack */
    for (int i = 0; i < 1 << 20; i++)
        buf_putc(&b, '[');
    CHECK(strncmp(decoded(&json_spec, "A STRING", b.p, b.len), "BAD", 3) == 0);
    buf_free(&b);
}

/* ---- parts of records --------------------------------------------------------------------------------- */

TEST(json_decode, paths)
{
    struct side s;
    side_init(&s, "A STRUCT<B INT, C STRUCT<D STRING, E ARRAY<INT>>>, X INT");
    static const uint32_t to_d[] = {1, 0}, to_c[] = {1}, to_b[] = {0};
    const struct type *a = s.columns[0].type, *c = a->fields[1].type;
    const struct decode_field fields[] = {{0, 2, to_d, c->fields[0].type},
                                          {0, 1, to_c, c},
                                          {0, 1, to_b, &TYPE_INT},
                                          {1, 0, NULL, &TYPE_INT},
                                          {1, 0, NULL, &TYPE_INT}};
    static const char *const texts[] = {"{\"a\":{\"b\":1,\"c\":{\"d\":\"x\",\"e\":[1]}},\"x\":7}",
                                        "{\"a\":{\"c\":null},\"x\":8}",
                                        "{\"x\":9}",
                                        "null",
                                        "{\"a\":null}",
                                        "{\"a\":{\"c\":{\"e\":[true]}}}"};
    static const char *const expected[] = {"x|Struct{D=x,E=[1]}|1|7|7", "null|null|null|8|8",
                                           "null|null|null|9|9",        "null|null|null|null|null",
                                           "null|null|null|null|null",  "null|null|null|null|null"};
    struct decoder *dec;
    REQUIRE(decoder_create(&json_spec, s.columns, s.n, fields, 5, &dec, NULL) == STATUS_OK);
    struct str payloads[6];
    for (int i = 0; i < 6; i++)
        payloads[i] = str_from(texts[i]);
    struct column out[5];
    uint8_t states[6];
    REQUIRE(decode(dec, payloads, 6, &s.a, out, states, NULL) == STATUS_OK);
    struct buf b;
    buf_init(&b, 0);
    for (uint32_t row = 0; row < 6; row++) {
        b.len = 0;
        for (int i = 0; i < 5; i++) {
            struct value v = column_get(&out[i], row);
            if (i)
                buf_putc(&b, '|');
            value_print(&b, &v, fields[i].type);
        }
        CHECK_TEXT(buf_z(&b), expected[row]);
    }
    CHECK_INT(states[0], ROW_OK);
    CHECK_INT(states[3], ROW_NULL);
    CHECK_INT(states[5], ROW_BAD); /* E is wrong, though nobody asks for it */
    buf_free(&b);
    decoder_destroy(dec);
    side_free(&s);
}

TEST(json_decode, validity_is_dropped)
{
    struct side s;
    side_init(&s, "A INT, B INT");
    const struct decode_field fields[] = {{0, 0, NULL, &TYPE_INT}, {1, 0, NULL, &TYPE_INT}};
    struct decoder *dec;
    REQUIRE(decoder_create(&json_spec, s.columns, s.n, fields, 2, &dec, NULL) == STATUS_OK);
    struct str payloads[100];
    for (int i = 0; i < 100; i++)
        payloads[i] = i == 70 ? STR("{\"a\":1}") : STR("{\"a\":1,\"b\":2}");
    struct column out[2];
    uint8_t states[100];
    REQUIRE(decode(dec, payloads, 100, &s.a, out, states, NULL) == STATUS_OK);
    CHECK(out[0].valid == NULL);
    REQUIRE(out[1].valid != NULL);
    for (uint32_t i = 0; i < 100; i++)
        CHECK(column_is_null(&out[1], i) == (i == 70));
    decoder_destroy(dec);
    side_free(&s);
}

TEST(json_decode, no_memory)
{
    struct side s;
    side_init(&s,
              "A STRING, B MAP<STRING,ARRAY<INT>>, C STRUCT<X BYTES>, D1 INT, D2 INT, D3 INT, D4 INT, D5 INT, D6 INT");
    struct decode_field fields[9];
    for (uint32_t i = 0; i < 9; i++)
        fields[i] = (struct decode_field){.column = i, .type = s.columns[i].type};
    static const char text[] =
        "{\"a\":{\"k\":[1,\"\\n\"]},\"b\":{\"x\\t\":[1,2],\"y\":[]},\"c\":{\"x\":\"aGk=\"},\"d1\":\"\\u0031\"}";
    struct str payload = STR(text);
    bool done = false;
    for (long n = 1; !done && n < 500; n++) {
        struct decoder *dec = NULL;
        struct arena a;
        struct column out[9];
        uint8_t state;
        arena_init(&a, 0);
        mem_fail_after(n);
        enum status st = decoder_create(&json_spec, s.columns, s.n, fields, 9, &dec, NULL);
        if (st == STATUS_OK)
            st = decode(dec, &payload, 1, &a, out, &state, NULL);
        mem_fail_after(0);
        CHECK(st == STATUS_OK || st == STATUS_NOMEM);
        done = st == STATUS_OK;
        CHECK(!done || state == ROW_OK);
        decoder_destroy(dec);
        arena_free(&a);
    }
    CHECK(done);
    side_free(&s);
}
