/* PROTOBUF_NOSR: the wire format, by bytes that are written out. */
#include "util.h"

#include <stdio.h>

static const struct format_spec nosr = {.kind = FORMAT_PROTOBUF_NOSR, .wrapped = true},
                                bare = {.kind = FORMAT_PROTOBUF_NOSR},
                                optional = {.kind = FORMAT_PROTOBUF_NOSR,
                                            .wrapped = true,
                                            .nulls = PROTO_NULLS_OPTIONAL},
                                wrapper = {.kind = FORMAT_PROTOBUF_NOSR, .wrapped = true, .nulls = PROTO_NULLS_WRAPPER};

#define DECODED(spec, schema, bytes) decoded(&(spec), schema, bytes, sizeof(bytes) - 1)
#define CHECK_NOSR(schema, bytes, expected) CHECK_TEXT(DECODED(nosr, schema, bytes), expected)
#define BAD "BAD: Error deserializing Protobuf message: "

TEST(protobuf, scalars)
{
    CHECK_NOSR("A INT", "\x08\x01", "1");
    CHECK_NOSR("A INT", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "-1");
    CHECK_NOSR("A INT", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "-1"); /* cut to 32 bits */
    CHECK_NOSR("A BIGINT", "\x08\x80\x80\x80\x80\x10", "4294967296");
    CHECK_NOSR("A DOUBLE", "\x09\x00\x00\x00\x00\x00\x00\xf8\x3f", "1.5");
    CHECK_NOSR("A BOOLEAN", "\x08\x01", "true");
    CHECK_NOSR("A BOOLEAN", "\x08\x80\x02", "true");
    CHECK_NOSR("A BOOLEAN", "\x08\x00", "false");
    CHECK_NOSR("A STRING",
               "\x0a\x03"
               "abc",
               "abc");
    CHECK_NOSR("A INT, B STRING, C BIGINT", "\x18\x07\x12\x01x\x08\x05", "5|x|7"); /* in any order */
    CHECK_NOSR("A INT", "\x08\x01\x08\x02", "2");                                  /* the last one counts */
}

TEST(protobuf, absent_is_zero)
{
    CHECK_NOSR("A INT, B BIGINT, C DOUBLE, D BOOLEAN, E STRING", "", "0|0|0.0|false|");
    CHECK_NOSR("A ARRAY<INT>, B MAP<STRING, INT>, C STRUCT<X INT>", "", "[]|{}|null");
    CHECK_NOSR("A DECIMAL(4, 2), B DATE, C TIME, D TIMESTAMP", "", "null|null|null|null");
    CHECK_TEXT(DECODED(optional, "A INT, B STRING, C DOUBLE, D BOOLEAN", ""), "null|null|null|null");
    CHECK_TEXT(DECODED(optional, "A INT, B STRING", "\x08\x00\x12\x00"), "0|");
    CHECK_TEXT(DECODED(wrapper, "A INT, B STRING", ""), "null|null");
    CHECK_TEXT(DECODED(wrapper, "A INT, B STRING", "\x0a\x00\x12\x00"), "0|");
    CHECK_TEXT(DECODED(wrapper, "A INT, B STRING", "\x0a\x02\x08\x05\x12\x03\x0a\x01x"), "5|x");
    CHECK_TEXT(decoded(&nosr, "A INT", NULL, SIZE_MAX), "NULL");
}

TEST(protobuf, nested)
{
    CHECK_NOSR("A ARRAY<INT>", "\x0a\x03\x01\x02\x03", "[1, 2, 3]");
    CHECK_NOSR("A ARRAY<INT>", "\x08\x01\x08\x02", "[1, 2]"); /* not packed */
    CHECK_NOSR("A ARRAY<INT>", "\x08\x01\x0a\x02\x02\x03\x08\x04", "[1, 2, 3, 4]");
    CHECK_NOSR("A ARRAY<STRING>", "\x0a\x01x\x0a\x00\x0a\x01y", "[x, , y]");
    CHECK_NOSR("A MAP<STRING, INT>", "\x0a\x05\x0a\x01k\x10\x01\x0a\x03\x0a\x01z", "{z=0, k=1}");
    CHECK_NOSR("A MAP<STRING, INT>", "\x0a\x05\x0a\x01k\x10\x01\x0a\x05\x0a\x01k\x10\x02", "{k=2}");
    CHECK_NOSR("A MAP<STRING, INT>", "\x0a\x00", "{=0}");
    CHECK_NOSR("A STRUCT<X INT, Y STRING>", "\x0a\x00", "Struct{X=0,Y=}");
    CHECK_NOSR("A STRUCT<X INT, Y STRING>", "\x0a\x02\x08\x01\x0a\x03\x12\x01y", "Struct{X=1,Y=y}"); /* merged */
    CHECK_NOSR("A STRUCT<X ARRAY<STRUCT<Y MAP<STRING, INT>>>>", "\x0a\x09\x0a\x07\x0a\x05\x0a\x01k\x10\x07",
               "Struct{X=[Struct{Y={k=7}}]}");
    CHECK_NOSR("A ARRAY<ARRAY<INT>>", "\x0a\x03\x0a\x01\x01\x0a\x00", "[[1], []]");
}

TEST(protobuf, types_of_their_own)
{
    CHECK_NOSR("A DECIMAL(4, 2)", "\x0a\x06\x0a\x02\x04\xd2\x18\x02", "12.34");
    CHECK_NOSR("A DECIMAL(4, 2)", "\x0a\x05\x0a\x01\x7b\x18\x01", "12.30"); /* of another scale */
    CHECK_NOSR("A DECIMAL(4, 2)", "\x0a\x05\x0a\x01\x85\x18\x02", "-1.23");
    CHECK_NOSR("A DECIMAL(2, 1)", "\x0a\x06\x0a\x02\x04\xd2\x18\x02", BAD "a decimal does not fit into its type");
    CHECK_NOSR("A DECIMAL(2, 1)",
               "\x0a\x13\x0a\x11\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
               BAD "a decimal does not fit into its type");
    CHECK_NOSR("A DECIMAL(2, 0)",
               "\x0a\x14\x0a\x12\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05", "5");
    CHECK_NOSR("A DATE", "\x0a\x07\x08\xb2\x0f\x10\x0a\x18\x07", "1970-10-07");
    CHECK_NOSR("A DATE", "\x0a\x07\x08\xb2\x0f\x10\x0d\x18\x07", BAD "a date is not one of the calendar");
    CHECK_NOSR("A TIME", "\x0a\x04\x08\x01\x10\x02", "01:02");
    CHECK_NOSR("A TIME", "\x0a\x04\x08\x19\x10\x02", BAD "a time is not one of the day");
    CHECK_NOSR("A TIMESTAMP", "\x0a\x09\x08\x01\x10\x80\x84\xaf\x5f\x18\x00", "1970-01-01T00:00:01.200");
    CHECK_NOSR("A TIMESTAMP", "\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
               BAD "the input ended unexpectedly in the middle of a field");
    CHECK_NOSR("A TIMESTAMP", "\x0a\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f", BAD "a timestamp is out of range");
}

TEST(protobuf, unknown_fields)
{
    CHECK_NOSR("A INT",
               "\x10\x05\x08\x01\x1a\x02zz\x21"
               "12345678\x2d"
               "1234",
               "1");
    CHECK_NOSR("A INT",
               "\x0d"
               "1234",
               "0");                                              /* of another wire type */
    CHECK_NOSR("A INT", "\x13\x1b\x08\x05\x1c\x14\x08\x01", "1"); /* groups */
    CHECK_NOSR("A INT", "\xf8\xff\xff\xff\x0f\x01\x08\x03", "3"); /* the largest field number */
    CHECK_NOSR("A STRING", "\x0a\x01x\x52\x02\xff\xff", "x");     /* nobody knows that it is a string */
}

TEST(protobuf, malformed)
{
    CHECK_NOSR("A INT", "\x08", BAD "the input ended unexpectedly in the middle of a field");
    CHECK_NOSR("A INT", "\x08\x80", BAD "the input ended unexpectedly in the middle of a field");
    CHECK_NOSR("A INT", "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", BAD "a varint is malformed");
    CHECK_NOSR("A INT", "\x00\x01", BAD "a tag is invalid (zero)");
    CHECK_NOSR("A INT", "\x0e\x01", BAD "a tag has an invalid wire type");
    CHECK_NOSR("A INT", "\x0c", BAD "a group ends that did not begin");
    CHECK_NOSR("A INT", "\x13\x08\x01", BAD "the input ended unexpectedly in the middle of a field");
    CHECK_NOSR("A STRING",
               "\x0a\x05"
               "abc",
               BAD "the input ended unexpectedly in the middle of a field");
    CHECK_NOSR("A STRING", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
               BAD "the input ended unexpectedly in the middle of a field");
    CHECK_NOSR("A STRING", "\x0a\x02\xc3\x28", BAD "a string is not valid UTF-8");
    CHECK_NOSR("A ARRAY<INT>", "\x0a\x02\x01\x80", BAD "the input ended unexpectedly in the middle of a field");
    CHECK_NOSR("A ARRAY<DOUBLE>",
               "\x0a\x09"
               "123456789",
               BAD "the input ended unexpectedly in the middle of a field");
    CHECK_NOSR("A STRUCT<X INT>", "\x0a\x02\x08\x80", BAD "the input ended unexpectedly in the middle of a field");
}

TEST(protobuf, deep_groups_end)
{
    char bytes[4096];
    memset(bytes, 0x13, sizeof bytes); /* groups in groups */
    CHECK_TEXT(decoded(&nosr, "A INT", bytes, sizeof bytes), BAD "messages are nested too deeply");
}

TEST(protobuf, bare_values)
{
    CHECK_TEXT(DECODED(bare, "A INT", "\x08\x05"), "5");
    CHECK_TEXT(DECODED(bare, "A INT", ""), "0");
    CHECK_TEXT(DECODED(bare, "A STRING", "\x0a\x01x"), "x");
    CHECK_TEXT(DECODED(bare, "A STRUCT<X INT, Y STRING>", "\x08\x05\x12\x01y"), "Struct{X=5,Y=y}");
    CHECK_TEXT(DECODED(bare, "A DATE", "\x08\xb2\x0f\x10\x0a\x18\x07"), "1970-10-07");
    CHECK_TEXT(DECODED(bare, "A DECIMAL(4, 2)", "\x0a\x02\x04\xd2\x18\x02"), "12.34");
    CHECK_TEXT(DECODED(bare, "A DATE", "\x08"), BAD "the input ended unexpectedly in the middle of a field");
}

/* ---- writing ----------------------------------------------------------------------------------------------- */

/* JSON in, the bytes in hexadecimal out. */
static const char *written(const struct format_spec *spec, const char *schema, const char *json)
{
    static char hex[1024];
    const struct format_spec *in = spec->wrapped ? &json_spec : &json_bare;
    const char *bytes = reencoded(in, spec, schema, json, strlen(json));
    size_t n = strlen(bytes); /* enough for bytes without zeros */
    hex[0] = '\0';
    for (size_t i = 0; i < n && i < 400; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned char)bytes[i]);
    return hex;
}

TEST(protobuf, writing)
{
    CHECK_TEXT(written(&nosr, "A INT, B STRING", "{\"A\":5,\"B\":\"x\"}"), "0805120178");
    CHECK_TEXT(written(&nosr, "A INT, B STRING, C BOOLEAN, D DOUBLE", "{\"A\":0,\"B\":\"\",\"C\":false,\"D\":0}"), "");
    CHECK_TEXT(written(&nosr, "A INT, B STRING", "{}"), "");
    CHECK_TEXT(written(&nosr, "A INT", "{\"A\":-1}"), "08ffffffffffffffffff01");
    CHECK_TEXT(written(&nosr, "A ARRAY<INT>", "{\"A\":[1,300]}"), "0a0301ac02");
    CHECK_TEXT(written(&nosr, "A ARRAY<STRING>", "{\"A\":[\"x\",\"y\"]}"), "0a01780a0179");
    CHECK_TEXT(written(&nosr, "A MAP<STRING, INT>", "{\"A\":{\"k\":1}}"), "0a050a016b1001");
    CHECK_TEXT(written(&nosr, "A STRUCT<X INT>", "{\"A\":{\"X\":1}}"), "0a020801");
    CHECK_TEXT(written(&nosr, "A DECIMAL(4, 2)", "{\"A\":12.34}"), "0a080a0204d210041802");
    CHECK_TEXT(written(&nosr, "A DATE", "{\"A\":279}"), "0a0708b20f100a1807");
    CHECK_TEXT(written(&nosr, "A TIMESTAMP", "{\"A\":-1}"), "0a1108ffffffffffffffffff0110c08faedc03");
    CHECK_TEXT(written(&wrapper, "A INT, B INT", "{\"A\":5}"), "0a020805");
    CHECK_TEXT(written(&bare, "A INT", "5"), "0805");
    CHECK_TEXT(written(&bare, "A STRUCT<X INT>", "{\"X\":5}"), "0805");
}

TEST(protobuf, long_parts_get_long_lengths)
{
    char json[1000], text[301];
    memset(text, 'x', 300);
    text[300] = '\0';
    snprintf(json, sizeof json, "{\"A\":{\"X\":\"%s\"}}", text);
    const char *bytes = reencoded(&json_spec, &nosr, "A STRUCT<X STRING>", json, strlen(json));
    CHECK_INT(strlen(bytes), 306);
    CHECK(memcmp(bytes, "\x0a\xaf\x02\x0a\xac\x02xxx", 9) == 0);
    CHECK(strcmp(bytes + 6, text) == 0);
}

TEST(protobuf, null_of_a_bare_value_is_a_null_payload)
{
    struct side s;
    struct column column, back;
    const struct value null = VALUE_NULL;
    side_init(&s, "A INT");
    REQUIRE(columns_from_values(&s, &null, &column));
    CHECK_INT(round_trip(&bare, &s, &column, &back), ROW_NULL);
    CHECK_INT(round_trip(&nosr, &s, &column, &back), ROW_OK);
    CHECK(back.valid == NULL && back.i32[0] == 0);
    CHECK_INT(round_trip(&optional, &s, &column, &back), ROW_OK);
    CHECK(column_is_null(&back, 0));
    side_free(&s);
}

TEST(protobuf, part_of_a_struct)
{
    struct side s;
    struct decoder *dec;
    struct column out;
    uint8_t state;
    static const uint32_t path[] = {1, 0};
    const struct decode_field field = {0, 2, path, &TYPE_INT};
    struct str payload = STR("\x0a\x06\x0a\x01z\x12\x01\x08");
    side_init(&s, "A STRUCT<X STRING, Y STRUCT<Z INT, U STRING>>");
    REQUIRE(decoder_create(&nosr, s.columns, s.n, &field, 1, &dec, NULL) == STATUS_OK);
    CHECK_INT(decode(dec, &payload, 1, &s.a, &out, &state, NULL), STATUS_OK);
    CHECK_INT(state, ROW_BAD); /* what is not wanted is checked */
    payload = STR("\x0a\x07\x0a\x01z\x12\x02\x08\x09");
    CHECK_INT(decode(dec, &payload, 1, &s.a, &out, &state, NULL), STATUS_OK);
    CHECK(state == ROW_OK && out.i32[0] == 9);
    decoder_destroy(dec);
    side_free(&s);
}

TEST(protobuf, memory_that_runs_out)
{
    struct side s;
    struct value v = VALUE_NULL;
    struct column column, back;
    uint64_t state = 7;
    side_init(&s, "A STRUCT<X ARRAY<STRING>, Y MAP<STRING, DECIMAL(9, 2)>, Z ARRAY<STRUCT<D DATE>>>");
    while (value_is_null(&v))
        v = random_value(&s.a, s.columns[0].type, &state);
    REQUIRE(columns_from_values(&s, &v, &column));
    const struct decode_field field = {.type = s.columns[0].type};
    bool done = false;
    for (long n = 1; n < 1000 && !done; n++) {
        struct encoder *enc = NULL;
        struct decoder *dec = NULL;
        struct arena a;
        struct buf b;
        bool is_null;
        uint8_t row = ROW_OK;
        buf_init(&b, 0);
        arena_init(&a, 0);
        mem_fail_after(n);
        done = encoder_create(&nosr, s.columns, s.n, &enc, NULL) == STATUS_OK &&
               decoder_create(&nosr, s.columns, s.n, &field, 1, &dec, NULL) == STATUS_OK &&
               encode(enc, &column, 0, &b, &is_null, NULL) == STATUS_OK;
        struct str payload = buf_str(&b);
        done = done && decode(dec, &payload, 1, &a, &back, &row, NULL) == STATUS_OK;
        mem_fail_after(0);
        CHECK_INT(row, ROW_OK);
        encoder_destroy(enc);
        decoder_destroy(dec);
        buf_free(&b);
        arena_free(&a);
    }
    CHECK(done);
    side_free(&s);
}
