/* JSON, writing. */
#include "util.h"

#define CHECK_WRITTEN(schema, json, expected)                                                                          \
    CHECK_TEXT(reencoded(&json_spec, &json_spec, schema, json, strlen(json)), expected)
#define CHECK_WRITTEN_BARE(schema, json, expected)                                                                     \
    CHECK_TEXT(reencoded(&json_bare, &json_bare, schema, json, strlen(json)), expected)

TEST(json_encode, scalars)
{
    CHECK_WRITTEN(
        "A BOOLEAN, B INT, C BIGINT, D DOUBLE, E STRING, F BYTES, G DATE, H TIME, I TIMESTAMP, J DECIMAL(6,2)",
        "{\"a\":true,\"b\":-12,\"c\":-9223372036854775808,\"d\":1.5,\"e\":\"x y\",\"f\":\"aGk=\",\"g\":1,\"h\":61000,"
        "\"i\":1000,\"j\":1234.5}",
        "{\"A\":true,\"B\":-12,\"C\":-9223372036854775808,\"D\":1.5,\"E\":\"x y\",\"F\":\"aGk=\",\"G\":1,\"H\":61000,"
        "\"I\":1000,\"J\":1234.50}");
    CHECK_WRITTEN("A BOOLEAN, B STRING", "{}", "{\"A\":null,\"B\":null}");
    CHECK_WRITTEN("A DOUBLE, B DOUBLE, C DOUBLE, D DOUBLE",
                  "{\"a\":\"NaN\",\"b\":\"Infinity\",\"c\":\"-Infinity\",\"d\":1e10}",
                  "{\"A\":\"NaN\",\"B\":\"Infinity\",\"C\":\"-Infinity\",\"D\":1.0E10}");
    CHECK_WRITTEN("A DECIMAL(12,10), B DECIMAL(5,3)", "{\"a\":1e-10,\"b\":12.3}", "{\"A\":1E-10,\"B\":12.300}");
    CHECK_WRITTEN("A INT, B INT, C INT, D BIGINT", "{\"a\":0,\"b\":9,\"c\":100,\"d\":12345678901}",
                  "{\"A\":0,\"B\":9,\"C\":100,\"D\":12345678901}");
    CHECK_WRITTEN("`a\"b` INT, `é` INT", "{}", "{\"a\\\"b\":null,\"é\":null}");
}

TEST(json_encode, strings)
{
    CHECK_WRITTEN("A STRING", "{\"a\":\"\\\"\\\\\\/\\b\\t\\n\\f\\r\\u0000\\u001f\\u007f\\u2028é\"}",
                  "{\"A\":\"\\\"\\\\/\\b\\t\\n\\f\\r\\u0000\\u001F\x7F\xE2\x80\xA8é\"}");
    CHECK_WRITTEN("A STRING", "{\"a\":\"x\xF0\x9F\x98\x80y\xF4\x8F\xBF\xBF\"}",
                  "{\"A\":\"x\\uD83D\\uDE00y\\uDBFF\\uDFFF\"}");
    CHECK_WRITTEN("A STRING", "{\"a\":\"0123456789abcdef0123456789abcdef\\n0123456789abcdef\\t\"}",
                  "{\"A\":\"0123456789abcdef0123456789abcdef\\n0123456789abcdef\\t\"}");
    CHECK_WRITTEN("A STRING", "{\"a\":\"\"}", "{\"A\":\"\"}");
}

TEST(json_encode, nested)
{
    CHECK_WRITTEN("A ARRAY<INT>, M MAP<STRING,DOUBLE>, S STRUCT<X INT,Y ARRAY<STRUCT<Z DECIMAL(4,2)>>>",
                  "{\"a\":[1,null],\"m\":{\"foo\":1,\"bar\\\"\":null},\"s\":{\"y\":[{\"z\":1},null]}}",
                  "{\"A\":[1,null],\"M\":{\"bar\\\"\":null,\"foo\":1.0},\"S\":{\"X\":null,\"Y\":[{\"Z\":1.00},null]}}");
    CHECK_WRITTEN("A ARRAY<INT>, M MAP<STRING,DOUBLE>", "{\"a\":[],\"m\":{}}", "{\"A\":[],\"M\":{}}");
}

TEST(json_encode, bare)
{
    CHECK_WRITTEN_BARE("A INT", "5", "5");
    CHECK_WRITTEN_BARE("A INT", "null", "NULL");
    CHECK_WRITTEN_BARE("A STRING", "\"x\"", "\"x\"");
    CHECK_WRITTEN_BARE("A STRUCT<X INT>", "{\"x\":1}", "{\"X\":1}");
    CHECK_WRITTEN_BARE("A INT, B INT", "{\"a\":1}", "{\"A\":1,\"B\":null}");
    CHECK_WRITTEN("A INT", "{\"a\":5}", "{\"A\":5}");
}

TEST(json_encode, null_keys_of_maps)
{
    struct side s;
    side_init(&s, "A MAP<STRING,INT>");
    struct value keys[1] = {VALUE_NULL}, items[1] = {{.kind = KIND_INT, .i32 = 1}};
    struct nested map = {1, items, keys};
    struct value v = {.kind = KIND_MAP, .nested = &map};
    struct column column;
    struct encoder *enc;
    struct buf b;
    bool is_null;
    buf_init(&b, 0);
    REQUIRE(columns_from_values(&s, &v, &column));
    REQUIRE(encoder_create(&json_bare, s.columns, 1, &enc, NULL) == STATUS_OK);
    REQUIRE(encode(enc, &column, 0, &b, &is_null, NULL) == STATUS_OK);
    CHECK_TEXT(buf_z(&b), "{\"null\":1}");
    encoder_destroy(enc);
    buf_free(&b);
    side_free(&s);
}

TEST(json_encode, buffer_limits)
{
    struct side s;
    side_init(&s, "A STRING");
    struct value v = {.kind = KIND_STRING, .str = STR("some text that does not fit")};
    struct column column;
    struct encoder *enc;
    struct buf b;
    struct diag d = DIAG_INIT;
    bool is_null;
    buf_init(&b, 16);
    REQUIRE(columns_from_values(&s, &v, &column));
    REQUIRE(encoder_create(&json_spec, s.columns, 1, &enc, NULL) == STATUS_OK);
    CHECK_INT(encode(enc, &column, 0, &b, &is_null, &d), STATUS_NOMEM);
    encoder_destroy(enc);
    buf_free(&b);
    side_free(&s);
}
