/* The AVRO decoder: every type, evolution of schemas, nulls, and bytes that are no record. */
#include "avro_util.h"
#include "formats/registry_int.h"

#define ONE(type, columns, bytes) AVRO(RECORD(FIELD("f", type)), columns, bytes)
#define MALFORMED "BAD: Error deserializing Avro message for id 1"

TEST(avro_decode, scalars)
{
    CHECK_TEXT(ONE("\"boolean\"", "F BOOLEAN", "\1"), "true");
    CHECK_TEXT(ONE("\"int\"", "F INT", "\1"), "-1");
    CHECK_TEXT(ONE("\"int\"", "F INT", "\xff\xff\xff\xff\x0f"), "-2147483648");
    CHECK_TEXT(ONE("\"long\"", "F BIGINT", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "-9223372036854775808");
    CHECK_TEXT(ONE("\"float\"", "F DOUBLE", "\0\0\x80\x40"), "4.0");
    CHECK_TEXT(ONE("\"double\"", "F DOUBLE", "\0\0\0\0\0\0\xf8\x7f"), "NaN");
    CHECK_TEXT(ONE("\"string\"", "F STRING", "\x04hi"), "hi");
    CHECK_TEXT(ONE("\"string\"", "F STRING", "\0"), "");
    CHECK_TEXT(ONE("\"string\"", "F STRING",
                   "\x04"
                   "a\xff"),
               "a\xEF\xBF\xBD");
    CHECK_TEXT(ONE("\"bytes\"", "F BYTES", "\x04hi"), "aGk=");
    CHECK_TEXT(ONE("{\"type\":\"fixed\",\"name\":\"x\",\"size\":2}", "F BYTES", "hi"), "aGk=");
    CHECK_TEXT(ONE("{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"X\",\"Y\"]}", "F STRING", "\2"), "Y");
    CHECK_TEXT(ONE("{\"type\":\"int\",\"logicalType\":\"date\"}", "F DATE", "\x08"), "1970-01-05");
    CHECK_TEXT(ONE("{\"type\":\"int\",\"logicalType\":\"time-millis\"}", "F TIME", "\xc0\x3e"), "00:00:04");
    CHECK_TEXT(ONE("{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}", "F TIMESTAMP", "\x08"),
               "1970-01-01T00:00:00.004");
}

TEST(avro_decode, decimals)
{
#define DECIMAL "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":30,\"scale\":2}"
    CHECK_TEXT(ONE(DECIMAL, "F DECIMAL(4,2)", "\x04\x19\x79"), "65.21");
    CHECK_TEXT(ONE(DECIMAL, "F DECIMAL(4,2)", "\x02\xff"), "-0.01");
    CHECK_TEXT(ONE(DECIMAL, "F DECIMAL(4,2)", "\x00"), "0.00");
    CHECK_TEXT(ONE(DECIMAL, "F DECIMAL(5,3)", "\x04\x19\x79"), "65.210");
    CHECK_TEXT(ONE(DECIMAL, "F DECIMAL(4,2)", "\x28\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x19\x79"), "65.21");
    CHECK_TEXT(ONE(DECIMAL, "F DECIMAL(4,1)", "\x04\x19\x79"),
               "BAD: Cannot fit decimal '65.21' into DECIMAL(4, 1) without rounding. (Requires 4,2)");
    CHECK_TEXT(
        ONE(DECIMAL, "F DECIMAL(3,2)", "\x04\x19\x79"),
        "BAD: Numeric field overflow: A field with precision 3 and scale 2 must round to an absolute value less than "
        "10^1. Got 65.21");
    CHECK_TEXT(ONE(DECIMAL, "F DECIMAL(4,2)", "\x22\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
               "BAD: Cannot fit a decimal of 17 bytes into DECIMAL(4, 2)");
    CHECK_TEXT(
        ONE("{\"type\":\"fixed\",\"name\":\"x\",\"size\":3,\"logicalType\":\"decimal\",\"precision\":5,\"scale\":1}",
            "F DECIMAL(5,1)", "\xff\xff\xf6"),
        "-1.0");
}

TEST(avro_decode, wider_types)
{
    CHECK_TEXT(ONE("\"int\"", "F BIGINT", "\x14"), "10");
    CHECK_TEXT(ONE("\"int\"", "F DOUBLE", "\x14"), "10.0");
    CHECK_TEXT(ONE("\"long\"", "F DOUBLE", "\x14"), "10.0");
    CHECK_TEXT(ONE("\"int\"", "F STRING", "\x14"), "10");
    CHECK_TEXT(ONE("\"long\"", "F STRING", "\x13"), "-10");
    CHECK_TEXT(ONE("\"boolean\"", "F STRING", "\0"), "false");
    CHECK_TEXT(ONE("\"float\"", "F STRING", "\xcd\xcc\x8c\x3f"), "1.1");
    CHECK_TEXT(ONE("\"double\"", "F STRING", "\0\0\0\0\0\0\xf0\x3f"), "1.0");
    CHECK_TEXT(ONE("{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}", "F BIGINT", "\x08"), "4");
    CHECK_TEXT(ONE("{\"type\":\"int\",\"logicalType\":\"date\"}", "F INT", "\x08"), "4");
    CHECK_TEXT(ONE("[\"null\",\"int\",\"string\"]", "F STRING", "\x04\x02x"), "x");
    CHECK_TEXT(ONE("[\"null\",\"int\",\"string\"]", "F STRING", "\x02\x08"), "4");
    CHECK_TEXT(ONE("[\"null\",\"int\",\"string\"]", "F STRING", "\0"), "null");
    CHECK_TEXT(ONE("[\"int\"]", "F BIGINT", "\0\x08"), "4");
    CHECK_TEXT(ONE("[\"null\"]", "F BIGINT", "\0"), "null");
    CHECK_TEXT(ONE("\"null\"", "F BIGINT", ""), "null");
    CHECK_TEXT(ONE("{\"type\":\"array\",\"items\":\"int\"}", "F ARRAY<STRING>", "\x04\x02\x04\0"), "[1, 2]");
}

TEST(avro_decode, misfits)
{
    CHECK_TEXT(ONE("\"long\"", "F INT", "\x14"),
               "BAD: Can't convert type. sourceType: long, requiredType: INTEGER, path: $.F");
    CHECK_TEXT(ONE("\"string\"", "F BOOLEAN", "\0"),
               "BAD: Can't convert type. sourceType: string, requiredType: BOOLEAN, path: $.F");
    CHECK_TEXT(ONE(RECORD(FIELD("g", "\"int\"")), "F STRUCT<G BYTES>", "\0"),
               "BAD: Can't convert type. sourceType: int, requiredType: BYTES, path: $.F.G");
    CHECK_TEXT(ONE("{\"type\":\"array\",\"items\":\"int\"}", "F INT", "\0"),
               "BAD: Can't convert type. sourceType: array, requiredType: INTEGER, path: $.F");
    CHECK_TEXT(ONE("{\"type\":\"int\",\"logicalType\":\"date\"}", "F STRING", "\0"),
               "BAD: Can't convert type. sourceType: int, requiredType: STRING, path: $.F");
    CHECK_TEXT(ONE("\"long\"", "F TIMESTAMP", "\0"),
               "BAD: Can't convert type. sourceType: long, requiredType: TIMESTAMP, path: $.F");
    /* Nothing is wrong with a null. */
    CHECK_TEXT(ONE("[\"null\",\"string\"]", "F INT", "\0"), "null");
    CHECK_TEXT(ONE("[\"null\",\"string\"]", "F INT", "\2\0"),
               "BAD: Can't convert type. sourceType: string, requiredType: INTEGER, path: $.F");
    CHECK_TEXT(ONE("{\"type\":\"int\",\"logicalType\":\"time-millis\"}", "F TIME", "\1"),
               "BAD: Time values must use number of milliseconds greater than 0 and less than 86400000.");
}

TEST(avro_decode, nested)
{
    CHECK_TEXT(ONE("{\"type\":\"array\",\"items\":[\"null\",\"string\"]}", "F ARRAY<STRING>",
                   "\x04\x02\x02"
                   "a\0\0"),
               "[a, null]");
    /* Blocks, one with its size. */
    CHECK_TEXT(ONE("{\"type\":\"array\",\"items\":\"int\"}", "F ARRAY<INT>", "\x02\x02\x03\x04\x04\x06\x02\x08\0"),
               "[1, 2, 3, 4]");
    CHECK_TEXT(ONE("{\"type\":\"array\",\"items\":\"int\"}", "F ARRAY<INT>", "\0"), "[]");
    CHECK_TEXT(ONE("{\"type\":\"map\",\"values\":\"int\"}", "F MAP<STRING,INT>",
                   "\x04\x02"
                   "b\x02\x02"
                   "a\x04\0"),
               "{a=2, b=1}");
    CHECK_TEXT(ONE("{\"type\":\"map\",\"values\":\"int\"}", "F MAP<STRING,INT>",
                   "\x04\x02"
                   "a\x02\x02"
                   "a\x04\0"),
               "{a=2}");
    CHECK_TEXT(ONE("{\"type\":\"array\",\"items\":" RECORD(
                       FIELD("key", "\"int\"") "," FIELD("value", "[\"null\",\"int\"]")) "}",
                   "F MAP<STRING,INT>", "\x04\x02\0\x04\x02\x0a\0"),
               "{1=null, 2=5}");
    CHECK_TEXT(ONE(RECORD(FIELD("y", "\"int\"") "," FIELD("x", "\"int\"")), "F STRUCT<X INT,Z INT>", "\x02\x04"),
               "Struct{X=2}");
    CHECK_TEXT(ONE("[\"null\",\"int\",\"string\"]", "F STRUCT<`INT` INT,`STRING` STRING>", "\x04\x02x"),
               "Struct{STRING=x}");
    CHECK_TEXT(ONE("[\"null\",\"int\",\"string\"]", "F STRUCT<`INT` INT,`STRING` STRING>", "\0"), "null");
    CHECK_TEXT(ONE("[\"null\",\"int\",\"string\"]", "F STRUCT<`STRING` STRING>", "\x02\x02"), "Struct{}");
}

TEST(avro_decode, evolution)
{
    const char *const three = RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"string\"") "," FIELD("c", "\"long\""));
    CHECK_TEXT(avro_decoded(true, three, "C BIGINT, X INT, A INT", "\x02\x02x\x06", 4), "3|null|1");
    CHECK_TEXT(avro_decoded(true, three, "`b` STRING, `A` INT", "\x02\x02x\x06", 4), "x|1");
    CHECK_TEXT(AVRO(RECORD(FIELD("A", "\"int\"") "," FIELD("a", "\"int\"")), "`a` INT", "\x02\x04"), "2");
    CHECK_TEXT(AVRO(RECORD(FIELD("A", "\"int\"") "," FIELD("a", "\"int\"")), "A INT", "\x02\x04"), "1");
    /* A list is passed over. */
    CHECK_TEXT(AVRO(RECORD(FIELD("next", "[\"null\",\"r\"]") "," FIELD("v", "\"int\"")), "V INT", "\2\2\0\x02\x04\x06"),
               "3");
    /* Trailing bytes are not looked at. */
    CHECK_TEXT(ONE("\"int\"", "F INT", "\x02more"), "1");
}

TEST(avro_decode, whole_values)
{
    CHECK_TEXT(AVRO_BARE("\"int\"", "F INT", "\x02"), "1");
    CHECK_TEXT(AVRO_BARE("[\"null\",\"int\"]", "F INT", "\0"), "null");
    CHECK_TEXT(AVRO_BARE(RECORD(FIELD("a", "\"int\"")), "F STRUCT<A INT>", "\x02"), "Struct{A=1}");
    CHECK_TEXT(AVRO("[\"null\"," RECORD(FIELD("a", "\"int\"")) "]", "A INT", "\x02\x02"), "1");
    CHECK_TEXT(AVRO("[\"null\"," RECORD(FIELD("a", "\"int\"")) "]", "A INT", "\0"), "NULL");
    CHECK_TEXT(AVRO("\"int\"", "A INT", "\x02"),
               "BAD: Can't convert type. sourceType: int, requiredType: STRUCT<`A` INTEGER>, path: $");
    CHECK_TEXT(AVRO(RECORD(""), "A INT", ""), "null");
}

TEST(avro_decode, malformed)
{
    CHECK_TEXT(ONE("\"int\"", "F INT", ""), MALFORMED);
    CHECK_TEXT(ONE("\"int\"", "F INT", "\xff"), MALFORMED);
    CHECK_TEXT(ONE("\"int\"", "F INT", "\xff\xff\xff\xff\xff\x01"), MALFORMED);
    CHECK_TEXT(ONE("\"long\"", "F BIGINT", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), MALFORMED);
    CHECK_TEXT(ONE("\"string\"", "F STRING", "\x06hi"), MALFORMED);
    CHECK_TEXT(ONE("\"string\"", "F STRING", "\x01"), MALFORMED);
    CHECK_TEXT(ONE("\"double\"", "F DOUBLE", "1234567"), MALFORMED);
    CHECK_TEXT(ONE("[\"null\",\"int\"]", "F INT", "\x04"), MALFORMED);
    CHECK_TEXT(ONE("[\"null\",\"int\"]", "F INT", "\x01"), MALFORMED);
    CHECK_TEXT(ONE("{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"X\",\"Y\"]}", "F STRING", "\4"), MALFORMED);
    /* Counts far beyond the bytes, also of elements that have none. */
    CHECK_TEXT(
        ONE("{\"type\":\"array\",\"items\":\"int\"}", "F ARRAY<INT>", "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        MALFORMED);
    CHECK_TEXT(
        ONE("{\"type\":\"array\",\"items\":\"null\"}", "F ARRAY<INT>", "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        MALFORMED);
    CHECK_TEXT(ONE("{\"type\":\"array\",\"items\":\"null\"}", "F ARRAY<INT>", "\x06\0"), "[null, null, null]");
    CHECK_TEXT(ONE("{\"type\":\"array\",\"items\":\"int\"}", "F ARRAY<INT>", "\x01\x7f\x02\0"), MALFORMED);
    /* The smallest count has no counterpart. */
    CHECK_TEXT(
        ONE("{\"type\":\"array\",\"items\":\"int\"}", "F ARRAY<INT>", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0"),
        MALFORMED);
    struct buf deep;
    buf_init(&deep, 0);
    for (int i = 0; i < 100000; i++)
        buf_putc(&deep, 2);
    CHECK_TEXT(avro_decoded(true, RECORD(FIELD("next", "[\"null\",\"r\"]")), "V INT", deep.p, deep.len), MALFORMED);
    buf_free(&deep);
}

TEST(avro_decode, headers)
{
    struct avro_fixture f;
    avro_open(&f);
    avro_add(&f, RECORD(FIELD("a", "\"int\"")));
    CHECK_TEXT(decoded(&f.spec, "A INT", NULL, SIZE_MAX), "NULL");
    CHECK_TEXT(decoded(&f.spec, "A INT", "", 0), "BAD: Unknown magic byte!");
    CHECK_TEXT(decoded(&f.spec, "A INT", "\0\0\0\0", 4), "BAD: Unknown magic byte!");
    CHECK_TEXT(decoded(&f.spec, "A INT", "\1\0\0\0\1\2", 6), "BAD: Unknown magic byte!");
    CHECK_TEXT(decoded(&f.spec, "A INT", "\0\0\0\0\1\2", 6), "1");
    CHECK_TEXT(decoded(&f.spec, "A INT", "\0\0\0\0\7\2", 6),
               "BAD: Error retrieving Avro value schema for id 7: Schema 7 not found");
    struct registered_schema s = {.type = SCHEMA_JSON, .text = STR("{}")};
    int32_t id;
    CHECK_INT(registry_add(f.registry, STR("x"), &s, &id, NULL), STATUS_OK);
    CHECK_TEXT(decoded(&f.spec, "A INT", "\0\0\0\0\2\2", 6), "BAD: Not an Avro schema: its type is JSON");
    avro_close(&f);
}

/* Messages of two schemas by turns, and parts of a STRUCT as columns of their own. */
TEST(avro_decode, several_schemas_and_paths)
{
    struct avro_fixture f;
    struct side s;
    struct decoder *dec;
    struct arena a;
    struct column out[3];
    uint8_t states[4];
    static const uint32_t x[] = {0}, y[] = {1};
    avro_open(&f);
    avro_add(&f, RECORD(FIELD("s", RECORD(FIELD("x", "\"int\"") "," FIELD("y", "\"string\"")))));
    avro_add(&f, RECORD(FIELD("a", "\"int\"") "," FIELD("s", "[\"null\"," RECORD(FIELD("y", "\"string\"")) "]")));
    side_init(&s, "S STRUCT<X INT,Y STRING>, A BIGINT");
    const struct decode_field fields[] = {{0, 1, x, &TYPE_INT}, {0, 1, y, &TYPE_STRING}, {1, 0, NULL, &TYPE_BIGINT}};
    REQUIRE(decoder_create(&f.spec, s.columns, s.n, fields, 3, &dec, NULL) == STATUS_OK);
    const struct str payloads[] = {STR("\0\0\0\0\1\2\2p"), STR("\0\0\0\0\2\4\2\2q"), STR("\0\0\0\0\1\6\2r"),
                                   STR("\0\0\0\0\2\4\0")};
    arena_init(&a, 0);
    CHECK_INT(decode(dec, payloads, 4, &a, out, states, NULL), STATUS_OK);
    for (int i = 0; i < 4; i++)
        CHECK_INT(states[i], ROW_OK);
    CHECK(out[0].i32[0] == 1 && column_is_null(&out[0], 1) && out[0].i32[2] == 3 && column_is_null(&out[0], 3));
    CHECK(str_eq(out[1].str[0], STR("p")) && str_eq(out[1].str[1], STR("q")) && str_eq(out[1].str[2], STR("r")));
    CHECK(column_is_null(&out[1], 3));
    CHECK(column_is_null(&out[2], 0) && out[2].i64[1] == 2 && column_is_null(&out[2], 2) && out[2].i64[3] == 2);
    decoder_destroy(dec);
    arena_free(&a);
    side_free(&s);
    avro_close(&f);
}

/* A registry that cannot be reached at first. */
struct shaky {
    struct registry base;
    int failures, calls;
};

static enum status shaky_by_id(struct registry *r, int32_t id, const struct registered_schema **out, struct diag *d)
{
    struct shaky *s = (struct shaky *)r;
    s->calls++;
    if (s->failures-- > 0)
        return diag_set(d, STATUS_IO, "unreachable");
    const struct registered_schema schema = {.id = id, .type = SCHEMA_AVRO, .text = STR(RECORD(FIELD("a", "\"int\"")))};
    *out = registry_keep(r, &schema);
    return *out ? STATUS_OK : diag_nomem(d);
}

TEST(avro_decode, registry_out_of_reach)
{
    static const struct registry_ops ops = {.by_id = shaky_by_id};
    struct shaky *shaky = (struct shaky *)registry_make(&ops, sizeof *shaky);
    REQUIRE(shaky != NULL);
    shaky->failures = 2;
    struct schema_site site = {&shaky->base, "t", false};
    struct format_spec spec = {.kind = FORMAT_AVRO, .wrapped = true, .site = &site};
    struct side s;
    struct decoder *dec;
    struct arena a;
    struct column out;
    uint8_t states[3];
    side_init(&s, "A INT");
    const struct decode_field field = {.type = &TYPE_INT};
    const struct str payloads[] = {{NULL, 0}, STR("\0\0\0\0\5\2"), STR("\0\0\0\0\5\4")};
    REQUIRE(decoder_create(&spec, s.columns, 1, &field, 1, &dec, NULL) == STATUS_OK);
    arena_init(&a, 0);
    CHECK_INT(decode(dec, payloads, 3, &a, &out, states, NULL), STATUS_IO);
    CHECK_INT(decode(dec, payloads, 3, &a, &out, states, NULL), STATUS_IO);
    CHECK_INT(decode(dec, payloads, 3, &a, &out, states, NULL), STATUS_OK);
    CHECK(states[0] == ROW_NULL && states[1] == ROW_OK && states[2] == ROW_OK && out.i32[1] == 1 && out.i32[2] == 2);
    CHECK_INT(decode(dec, payloads, 3, &a, &out, states, NULL), STATUS_OK);
    CHECK_INT(shaky->calls, 3);
    decoder_destroy(dec);
    arena_free(&a);
    side_free(&s);
    registry_close(&shaky->base);
}
