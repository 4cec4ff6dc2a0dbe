/* The AVRO encoder: by the schema of the columns, and by registered schemas. */
#include "avro_util.h"

#include <stdio.h>

/* A JSON object as a row of these columns, written in AVRO: the bytes behind the header in hexadecimal, "NULL", or the
 * message of a refusal. `schema` NULL: that of the columns. */
static const char *encoded(const char *schema, bool wrapped, const char *columns, const char *json)
{
    static char text[2048];
    struct avro_fixture f;
    struct side s;
    struct decoder *dec;
    struct encoder *enc = NULL;
    struct decode_field fields[16];
    struct column out[16];
    struct diag d = DIAG_INIT;
    struct buf b;
    uint8_t row_state;
    bool is_null = false;
    avro_open(&f);
    f.spec.wrapped = wrapped;
    f.spec.schema_id = schema ? avro_add(&f, schema) : 0;
    side_init(&s, columns);
    buf_init(&b, 0);
    for (uint32_t i = 0; i < s.n; i++)
        fields[i] = (struct decode_field){.column = i, .type = s.columns[i].type};
    struct str payload = str_from(json);
    REQUIRE(decoder_create(&json_spec, s.columns, s.n, fields, s.n, &dec, NULL) == STATUS_OK);
    REQUIRE(decode(dec, &payload, 1, &s.a, out, &row_state, NULL) == STATUS_OK && row_state == ROW_OK);
    enum status st = encoder_create(&f.spec, s.columns, s.n, &enc, &d);
    if (st == STATUS_OK)
        st = encode(enc, out, 0, &b, &is_null, &d);
    text[0] = '\0';
    if (st != STATUS_OK) {
        CHECK_INT(b.len, 0);
        snprintf(text, sizeof text, "%s: %s", status_name(st), d.message);
    } else if (is_null) {
        strcpy(text, "NULL");
        CHECK_INT(b.len, 0);
    } else {
        REQUIRE(b.len >= SCHEMA_HEADER && b.len < 300);
        CHECK(memcmp(b.p, "\0\0\0\0\1", 5) == 0);
        for (size_t i = SCHEMA_HEADER; i < b.len; i++)
            sprintf(text + 2 * (i - SCHEMA_HEADER), "%02x", (unsigned char)b.p[i]);
    }
    encoder_destroy(enc);
    decoder_destroy(dec);
    buf_free(&b);
    side_free(&s);
    avro_close(&f);
    return text;
}

#define OWN(columns, json) encoded(NULL, true, columns, json)
#define AS(type, columns, json) encoded(RECORD("{\"name\":\"F\",\"type\":" type "}"), true, columns, json)

TEST(avro_encode, by_columns)
{
    CHECK_TEXT(OWN("A INT, B STRING, C BOOLEAN", "{\"A\":-1,\"B\":\"hi\",\"C\":true}"), "0201020468690201");
    CHECK_TEXT(OWN("A INT, B STRING", "{}"), "0000");
    CHECK_TEXT(OWN("A BIGINT", "{\"A\":-9223372036854775808}"), "02ffffffffffffffffff01");
    CHECK_TEXT(OWN("A DOUBLE", "{\"A\":1}"), "02000000000000f03f");
    CHECK_TEXT(OWN("A BYTES", "{\"A\":\"aGk=\"}"), "02046869");
    CHECK_TEXT(OWN("A DATE, B TIME, C TIMESTAMP", "{\"A\":4,\"B\":1,\"C\":2}"), "020802020204");
    CHECK_TEXT(OWN("A ARRAY<INT>", "{\"A\":[1,null]}"), "020402020000");
    CHECK_TEXT(OWN("A ARRAY<INT>", "{\"A\":[]}"), "0200");
    CHECK_TEXT(OWN("A MAP<STRING,INT>", "{\"A\":{\"k\":null}}"), "02020202"
                                                                 "6b"
                                                                 "0000");
    CHECK_TEXT(OWN("A STRUCT<B INT>", "{\"A\":{\"B\":3}}"), "020206");
}

TEST(avro_encode, decimals)
{
    CHECK_TEXT(OWN("A DECIMAL(4,2)", "{\"A\":65.21}"), "02041979");
    CHECK_TEXT(OWN("A DECIMAL(4,2)", "{\"A\":0}"), "020200");
    CHECK_TEXT(OWN("A DECIMAL(4,2)", "{\"A\":-0.01}"), "0202ff");
    CHECK_TEXT(OWN("A DECIMAL(4,2)", "{\"A\":1.28}"), "02040080");
    CHECK_TEXT(OWN("A DECIMAL(4,2)", "{\"A\":-1.28}"), "020280");
    CHECK_TEXT(OWN("A DECIMAL(38,0)", "{\"A\":-99999999999999999999999999999999999999}"),
               "0220b4c4b357a5793b85f675ddc000000001");
#define FIXED "{\"type\":\"fixed\",\"name\":\"x\",\"size\":2,\"logicalType\":\"decimal\",\"precision\":4,\"scale\":1}"
    CHECK_TEXT(AS(FIXED, "F DECIMAL(6,2)", "{\"F\":-1.50}"), "fff1");
    CHECK_TEXT(AS(FIXED, "F DECIMAL(6,2)", "{\"F\":1.55}"),
               "data: Cannot write `F` as Avro type fixed: the decimal does not fit its precision and scale");
    CHECK_TEXT(AS(FIXED, "F DECIMAL(6,2)", "{\"F\":1000}"),
               "data: Cannot write `F` as Avro type fixed: the decimal does not fit its precision and scale");
}

TEST(avro_encode, whole_values)
{
    CHECK_TEXT(encoded(NULL, false, "A INT", "{\"A\":5}"), "0a");
    CHECK_TEXT(encoded(NULL, false, "A INT", "{}"), "NULL");
    CHECK_TEXT(encoded(NULL, false, "A ARRAY<INT>", "{\"A\":[null]}"), "020000");
    CHECK_TEXT(encoded(NULL, false, "A STRUCT<B INT>", "{\"A\":{}}"), "00");
    CHECK_TEXT(encoded("[\"null\",\"long\"]", false, "A INT", "{\"A\":5}"), "020a");
    CHECK_TEXT(encoded("\"string\"", false, "A INT", "{\"A\":5}"),
               "invalid: Cannot write `A` INTEGER as Avro type string");
    CHECK_TEXT(encoded("\"int\"", true, "A INT", "{\"A\":5}"),
               "invalid: Cannot write `value` STRUCT<`A` INTEGER> as Avro type int");
    CHECK_TEXT(encoded("[\"null\"," RECORD(FIELD("A", "\"int\"")) "]", true, "A INT", "{\"A\":5}"), "020a");
}

TEST(avro_encode, by_registered_schema)
{
    const char *two = RECORD(FIELD("b", "\"string\"") "," FIELD("a", "[\"long\",\"null\"]"));
    CHECK_TEXT(encoded(two, true, "A INT, B STRING", "{\"A\":5,\"B\":\"x\"}"), "0278000a");
    CHECK_TEXT(encoded(two, true, "A INT, B STRING", "{\"B\":\"x\"}"), "027802");
    CHECK_TEXT(encoded(two, true, "A INT, B STRING", "{\"A\":5}"),
               "data: Invalid value: null used for required field: \"b\", schema type: STRING");
    CHECK_TEXT(encoded(two, true, "A INT", "{\"A\":5}"),
               "data: Invalid value: null used for required field: \"b\", schema type: STRING");
    CHECK_TEXT(AS("\"int\"", "F BIGINT", "{\"F\":5}"), "0a");
    CHECK_TEXT(AS("\"int\"", "F BIGINT", "{\"F\":3000000000}"),
               "data: Cannot write `F` as Avro type int: the number is too large");
    CHECK_TEXT(AS("\"float\"", "F DOUBLE", "{\"F\":1.5}"), "0000c03f");
    CHECK_TEXT(AS("\"double\"", "F INT", "{\"F\":1}"), "000000000000f03f");
    CHECK_TEXT(AS("{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"X\",\"Y\"]}", "F STRING", "{\"F\":\"Y\"}"), "02");
    CHECK_TEXT(AS("{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"X\",\"Y\"]}", "F STRING", "{\"F\":\"Z\"}"),
               "data: Cannot write `F` as Avro type enum: it has no such symbol");
    CHECK_TEXT(AS("{\"type\":\"fixed\",\"name\":\"x\",\"size\":2}", "F BYTES", "{\"F\":\"aGk=\"}"), "6869");
    CHECK_TEXT(AS("{\"type\":\"fixed\",\"name\":\"x\",\"size\":3}", "F BYTES", "{\"F\":\"aGk=\"}"),
               "data: Cannot write `F` as Avro type fixed: the length differs");
    CHECK_TEXT(AS("{\"type\":\"map\",\"values\":\"int\"}", "F MAP<STRING,INT>", "{\"F\":{\"k\":1}}"), "02026b0200");
    CHECK_TEXT(AS("[\"null\",\"int\",\"string\"]", "F STRUCT<`INT` INT,`STRING` STRING>", "{\"F\":{\"STRING\":\"x\"}}"),
               "040278");
    CHECK_TEXT(AS("[\"null\",\"int\",\"string\"]", "F STRUCT<`INT` INT,`STRING` STRING>", "{\"F\":{}}"), "00");
    CHECK_TEXT(AS("[\"null\",\"int\",\"string\"]", "F STRING", "{\"F\":\"x\"}"), "040278");
    CHECK_TEXT(AS("\"string\"", "F INT", "{}"), "invalid: Cannot write `F` INTEGER as Avro type string");
}

TEST(avro_encode, defaults)
{
#define PRESET(type, preset)                                                                                           \
    encoded(RECORD("{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"b\",\"type\":" type ",\"default\":" preset "}"),     \
            true, "A INT", "{\"A\":1}")
    CHECK_TEXT(PRESET("\"int\"", "100"), "02c801");
    CHECK_TEXT(PRESET("\"double\"", "1"), "02000000000000f03f");
    CHECK_TEXT(PRESET("\"float\"", "\"NaN\""), "020000c07f");
    CHECK_TEXT(PRESET("\"boolean\"", "true"), "0201");
    CHECK_TEXT(PRESET("\"string\"", "\"\\u00e9\""), "0204c3a9");
    CHECK_TEXT(PRESET("\"bytes\"", "\"\\u00ff\\u0001\""), "0204ff01");
    CHECK_TEXT(PRESET("[\"null\",\"int\"]", "null"), "0200");
    CHECK_TEXT(PRESET("[\"int\",\"null\"]", "7"), "02000e");
    CHECK_TEXT(PRESET("{\"type\":\"array\",\"items\":\"int\"}", "[1, 2]"), "020202020400");
    CHECK_TEXT(PRESET("{\"type\":\"map\",\"values\":\"int\"}", "{\"k\":1}"), "0202026b0200");
    CHECK_TEXT(PRESET("{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"X\",\"Y\"]}", "\"Y\""), "0202");
    CHECK_TEXT(PRESET("{\"type\":\"record\",\"name\":\"q\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"},{\"name\":"
                      "\"y\",\"type\":"
                      "\"int\",\"default\":9}]}",
                      "{\"x\":1}"),
               "020212");
    CHECK_TEXT(PRESET("\"int\"", "\"x\""), "invalid: Invalid default for field b: \"x\"");
    CHECK_TEXT(PRESET("\"int\"", "3000000000"), "invalid: Invalid default for field b: 3000000000");
    CHECK_TEXT(PRESET("\"int\"", "null"),
               "data: Invalid value: null used for required field: \"b\", schema type: INT32");
    /* A null in a column that the schema has a default for. */
    CHECK_TEXT(
        encoded(RECORD("{\"name\":\"s\",\"type\":" RECORD("{\"name\":\"n\",\"type\":\"long\",\"default\":10}") "}"),
                true, "S STRUCT<N BIGINT>", "{\"S\":{}}"),
        "14");
}

TEST(avro_encode, no_schema)
{
    struct avro_fixture f;
    struct side s;
    struct encoder *enc;
    struct diag d = DIAG_INIT;
    avro_open(&f);
    side_init(&s, "A INT");
    f.spec.schema_id = 9;
    CHECK_INT(encoder_create(&f.spec, s.columns, 1, &enc, &d), STATUS_NOT_FOUND);
    CHECK(enc == NULL);
    side_free(&s);
    avro_close(&f);
}
