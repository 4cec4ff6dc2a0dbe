/* PROTOBUF with a registry: which message a record is, schemas that are not the columns', writing by a given schema. */
#include "formats/registry_int.h"
#include "util.h"

#include <stdio.h>

#define P3 "syntax = \"proto3\"; "

static struct registry *r;
static struct schema_site site;
static struct format_spec spec;

static void setup(void)
{
    REQUIRE(registry_open_memory(&r, NULL) == STATUS_OK);
    site = (struct schema_site){.registry = r, .topic = "t"};
    spec = (struct format_spec){.kind = FORMAT_PROTOBUF, .wrapped = true, .site = &site};
}

static int32_t add(const char *text)
{
    const struct registered_schema schema = {.type = SCHEMA_PROTOBUF, .text = str_from(text)};
    int32_t id = 0;
    REQUIRE(registry_add(r, STR("t-value"), &schema, &id, NULL) == STATUS_OK);
    return id;
}

/* The record with the schema's id in front. */
static const char *read_record(const char *schema, int32_t id, const char *body, size_t n)
{
    struct buf b;
    buf_init(&b, 0);
    schema_header_put(&b, id);
    buf_put(&b, body, n);
    const char *text = decoded(&spec, schema, b.p, b.len);
    buf_free(&b);
    return text;
}

#define CHECK_READ(schema, id, body, expected) CHECK_TEXT(read_record(schema, id, body, sizeof(body) - 1), expected)
#define BAD "BAD: Error deserializing Protobuf message: "

TEST(protobuf_registry, which_message)
{
    setup();
    int32_t id = add(P3 "message A { int32 a = 1; message B { int32 b = 1; } message C { int32 a = 2; } } "
                        "message D { string a = 1; }");
    CHECK_READ("A INT", id, "\x00\x08\x05", "5");
    CHECK_READ("A INT", id, "\x02\x00\x08\x05", "5");
    CHECK_READ("B INT", id, "\x04\x00\x00\x08\x05", "5");
    CHECK_READ("A INT", id, "\x04\x00\x02\x10\x05", "5");
    CHECK_READ("A STRING", id, "\x02\x02\x0a\x01x", "x");
    CHECK_READ("A INT", id, "\x02\x04\x08\x05", "BAD: The schema has no message with the indexes of the record");
    CHECK_READ("A INT", id, "\x02\x01\x08\x05", "BAD: The schema has no message with the indexes of the record");
    CHECK_READ("A INT", id, "\x01\x08\x05", BAD "its list of message indexes is malformed");
    CHECK_READ("A INT", id, "\xff\xff\xff\xff\x0f", BAD "its list of message indexes is malformed");
    CHECK_READ("A INT", id, "\x02", BAD "the input ended unexpectedly in the middle of a field");
    CHECK_READ("A INT", id, "", BAD "the input ended unexpectedly in the middle of a field");
    CHECK_TEXT(decoded(&spec, "A INT", "\x00\x00\x00", 3),
               BAD "it does not begin with a zero byte and the id of a schema");
    CHECK_TEXT(decoded(&spec, "A INT", "", 0), BAD "it does not begin with a zero byte and the id of a schema");
    CHECK_READ("A INT", 77, "\x00", "BAD: Error retrieving Protobuf schema for id 77: Schema 77 not found");
    registry_close(r);
}

TEST(protobuf_registry, map_fields_do_not_count_as_messages)
{
    setup();
    int32_t id = add(P3 "message A { map<string, int32> m = 1; message B { int32 b = 1; } }");
    CHECK_READ("B INT", id, "\x04\x00\x00\x08\x05", "5");
    CHECK_READ("M MAP<STRING, INT>", id, "\x00\x0a\x05\x0a\x01k\x10\x01", "{k=1}");
    registry_close(r);
}

TEST(protobuf_registry, writers_of_other_schemas)
{
    setup();
    int32_t id = add(P3 "message A { string c = 9; int32 b = 1; message S { int32 y = 4; } S s = 300; "
                        "repeated S l = 5; }");
    CHECK_READ("A INT, B INT, C STRING", id, "\x00\x08\x05\x4a\x01x", "null|5|x");
    CHECK_READ("B BIGINT", id, "\x00\x08\x05", "5"); /* wider */
    CHECK_READ("S STRUCT<Y INT, Z INT>", id, "\x00\xe2\x12\x02\x20\x07", "Struct{Y=7}");
    CHECK_READ("L ARRAY<STRUCT<Y BIGINT>>", id, "\x00\x2a\x02\x20\x07\x2a\x00", "[Struct{Y=7}, Struct{Y=0}]");
    CHECK_READ("B STRING", id, "\x00\x08\x05", "BAD: Cannot deserialize type int32 as type string for path: ->b");
    CHECK_READ("C INT", id, "\x00", "BAD: Cannot deserialize type string as type int32 for path: ->c");
    CHECK_READ("L STRUCT<Y INT>", id, "\x00", "BAD: Cannot deserialize type array as type struct for path: ->l");
    CHECK_READ("S ARRAY<INT>", id, "\x00", "BAD: Cannot deserialize type struct as type array for path: ->s");
    int32_t next = add(P3 "message A { bool b = 1; }");
    CHECK_READ("B INT", next, "\x00\x08\x01", "BAD: Cannot deserialize type boolean as type int32 for path: ->b");
    int32_t wrong = add("this is no schema");
    const char *text = read_record("B INT", wrong, "\x00", 1);
    CHECK(strncmp(text, "BAD: Error retrieving Protobuf schema for id 3: The schema is not valid Protobuf", 80) == 0);
    registry_close(r);
}

TEST(protobuf_registry, scalars_of_all_kinds)
{
    setup();
    int32_t id =
        add(P3 "message M { float b = 2; uint32 e = 5; uint64 f = 6; sint32 g = 7; sint64 h = 8; fixed32 i = 9; "
               "fixed64 j = 10; sfixed32 k = 11; sfixed64 l = 12; }");
    CHECK_READ("B DOUBLE, E BIGINT, F BIGINT, G INT, H BIGINT", id,
               "\x00\x15\x00\x00\xc0\x3f\x28\xff\xff\xff\xff\x0f\x30\x07\x38\x01\x40\x03", "1.5|4294967295|7|-1|-2");
    CHECK_READ(
        "I BIGINT, J BIGINT, K INT, L BIGINT", id,
        "\x00\x4d\xff\xff\xff\xff\x51\x01\x00\x00\x00\x00\x00\x00\x00\x5d\xfe\xff\xff\xff\x61\xfd\xff\xff\xff\xff\xff"
        "\xff\xff",
        "4294967295|1|-2|-3");
    registry_close(r);
}

TEST(protobuf_registry, enums_and_oneofs)
{
    setup();
    int32_t id = add(P3 "message M { enum Suit { SPADES = 0; HEARTS = 1; CLUBS = 4; } Suit s = 1; repeated Suit l = 2; "
                        "oneof pick { int32 x = 3; string y = 4; } }");
    CHECK_READ("S STRING, L ARRAY<STRING>", id, "\x00\x08\x04\x12\x02\x01\x00", "CLUBS|[HEARTS, SPADES]");
    CHECK_READ("S STRING", id, "\x00", "SPADES");
    CHECK_READ("S STRING", id, "\x00\x08\x07", "UNKNOWN_ENUM_VALUE_Suit_7");
    CHECK_READ("PICK_0 STRUCT<X INT, Y STRING>", id, "\x00\x18\x05", "Struct{X=5}");
    CHECK_READ("PICK_0 STRUCT<X INT, Y STRING>", id, "\x00\x18\x05\x22\x01z", "Struct{Y=z}");
    CHECK_READ("PICK_0 STRUCT<X INT, Y STRING>", id, "\x00", "null");
    CHECK_READ("X INT", id, "\x00\x18\x05", "5");
    registry_close(r);
}

TEST(protobuf_registry, proto2)
{
    setup();
    int32_t id = add("message M { optional int32 a = 1 [default = 7]; optional string b = 2 [default = \"x\"]; "
                     "optional int32 c = 3; repeated group G = 4 { optional int32 d = 1; } repeated int32 e = 5; }");
    CHECK_READ("A INT, B STRING, C INT", id, "\x00", "7|x|null");
    CHECK_READ("A BIGINT, B STRING, C INT", id, "\x00\x08\x00\x12\x00\x18\x00", "0||0");
    CHECK_READ("G ARRAY<STRUCT<D INT>>", id, "\x00\x23\x08\x05\x24\x23\x24", "[Struct{D=5}, Struct{}]");
    CHECK_READ("G ARRAY<STRUCT<D INT>>", id, "\x00\x23\x08\x05",
               BAD "the input ended unexpectedly in the middle of a field");
    CHECK_READ("B STRING", id, "\x00\x12\x01\xff", "\xef\xbf\xbd"); /* not checked, but repaired */
    registry_close(r);
}

TEST(protobuf_registry, messages_in_themselves)
{
    char body[2000] = {0};
    setup();
    int32_t id = add(P3 "message M { int32 a = 1; M m = 2; }");
    CHECK_READ("A INT", id, "\x00\x08\x05\x12\x04\x12\x02\x08\x07", "5");
    CHECK_READ("A INT, M STRUCT<A INT, M STRUCT<A INT>>", id, "\x00\x08\x05\x12\x04\x12\x02\x08\x07",
               "5|Struct{A=0,M=Struct{A=7}}");
    size_t n = sizeof body;
    for (unsigned depth = 0; depth < 150; depth++) {
        size_t inner = sizeof body - n;
        if (inner >= 128)
            body[--n] = (char)(inner >> 7);
        body[--n] = (char)(inner >= 128 ? inner | 0x80 : inner);
        body[--n] = 0x12;
    }
    body[--n] = 0;
    CHECK_TEXT(read_record("A INT", id, body + n, sizeof body - n), BAD "messages are nested too deeply");
    registry_close(r);
}

/* ---- writing ----------------------------------------------------------------------------------------------- */

/* JSON in, the bytes behind the zero byte in hexadecimal out; or the error. */
static const char *written(const char *schema, const char *json)
{
    static char hex[2000];
    struct side s;
    struct encoder *enc = NULL;
    struct decoder *dec;
    struct diag d = DIAG_INIT;
    struct buf b;
    struct decode_field fields[8];
    struct column columns[8];
    struct str payload = str_from(json);
    bool is_null;
    uint8_t state;
    side_init(&s, schema);
    buf_init(&b, 0);
    for (uint32_t i = 0; i < s.n; i++)
        fields[i] = (struct decode_field){.column = i, .type = s.columns[i].type};
    REQUIRE(decoder_create(&json_spec, s.columns, s.n, fields, s.n, &dec, NULL) == STATUS_OK);
    REQUIRE(decode(dec, &payload, 1, &s.a, columns, &state, NULL) == STATUS_OK && state == ROW_OK);
    hex[0] = '\0';
    if (encoder_create(&spec, s.columns, s.n, &enc, &d) != STATUS_OK ||
        encode(enc, columns, 0, &b, &is_null, &d) != STATUS_OK)
        snprintf(hex, sizeof hex, "%s", d.message);
    else
        for (size_t i = 1; i < b.len && i < 250; i++)
            snprintf(hex + 2 * (i - 1), 3, "%02x", (unsigned char)b.p[i]);
    encoder_destroy(enc);
    decoder_destroy(dec);
    buf_free(&b);
    side_free(&s);
    return hex;
}

TEST(protobuf_registry, columns_are_registered)
{
    const struct registered_schema *schema;
    setup();
    CHECK_TEXT(written("A INT, B STRING", "{\"A\":5,\"B\":\"x\"}"), "00000001000805120178");
    REQUIRE(registry_by_subject(r, STR("t-value"), 0, &schema, NULL) == STATUS_OK);
    CHECK(str_eq(schema->text,
                 STR("syntax = \"proto3\";\n\nmessage ConnectDefault1 {\n  int32 A = 1;\n  string B = 2;\n}\n")));
    CHECK_TEXT(written("A INT, B STRING", "{}"), "0000000100");
    spec.full_name = "a.B";
    CHECK_TEXT(written("A INT", "{\"A\":5}"), "00000002000805");
    spec.site = NULL;
    CHECK_TEXT(written("A INT", "{\"A\":5}"),
               "Cannot create topic '' with format PROTOBUF without configuring 'ksql.schema.registry.url'");
    registry_close(r);
}

TEST(protobuf_registry, by_a_given_schema)
{
    setup();
    spec.schema_id =
        add(P3 "message A { int32 x = 1; } message B { enum E { P = 0; Q = 5; } uint32 u = 2; float f = 3; "
               "E e = 4; sint32 s = 5; fixed64 t = 6; optional int32 o = 7; repeated sfixed32 l = 8; "
               "oneof pick { int32 v = 9; string w = 10; } message C { int32 z = 1; } C c = 11; "
               "map<string, E> m = 12; }");
    CHECK_TEXT(written("x INT", "{\"x\":5}"), "00000001000805");
    spec.full_name = "B";
    CHECK_TEXT(written("u BIGINT", "{\"u\":5}"), "0000000102021005");
    CHECK_TEXT(written("u BIGINT", "{\"u\":-5}"), "The number -5 does not fit into its field");
    CHECK_TEXT(written("u BIGINT", "{\"u\":4294967296}"), "The number 4294967296 does not fit into its field");
    CHECK_TEXT(written("f DOUBLE", "{\"f\":1.5}"), "0000000102021d0000c03f");
    CHECK_TEXT(written("e STRING", "{\"e\":\"Q\"}"), "0000000102022005");
    CHECK_TEXT(written("e STRING", "{\"e\":\"Z\"}"), "'Z' is not a value of the enum E");
    CHECK_TEXT(written("s INT, t BIGINT", "{\"s\":-1,\"t\":1}"), "0000000102022801310100000000000000");
    CHECK_TEXT(written("o INT", "{\"o\":0}"), "0000000102023800");
    CHECK_TEXT(written("o INT", "{}"), "000000010202");
    CHECK_TEXT(written("l ARRAY<INT>", "{\"l\":[1,null]}"), "00000001020242080100000000000000");
    CHECK_TEXT(written("pick_0 STRUCT<v INT, w STRING>", "{\"pick_0\":{\"w\":\"\"}}"), "0000000102025200");
    CHECK_TEXT(written("c STRUCT<z INT>", "{\"c\":{\"z\":7}}"), "0000000102025a020807");
    CHECK_TEXT(written("m MAP<STRING, STRING>", "{\"m\":{\"k\":\"Q\"}}"), "00000001020262050a016b1005");
    CHECK_TEXT(written("nope INT", "{}"), "The message 'B' has no field for the column nope");
    CHECK_TEXT(written("u STRING", "{}"), "A value of type STRING cannot be written to the field 'u' of type uint32");
    CHECK_TEXT(written("l INT", "{}"),
               "A value of type INTEGER cannot be written to the field 'l' of type repeated sfixed32");
    spec.full_name = "B.C";
    CHECK_TEXT(written("z INT", "{\"z\":5}"), "00000001"
                                              "04"
                                              "0200"
                                              "0805");
    spec.full_name = "D";
    CHECK_TEXT(written("z INT", "{}"), "The schema of id 1 has no message 'D'");
    registry_close(r);
}

/* ---- trouble with the registry ----------------------------------------------------------------------------- */

TEST(protobuf_registry, schemas_that_come_later)
{
    struct side s;
    struct decoder *dec;
    struct column out;
    uint8_t state;
    const struct decode_field field = {.type = &TYPE_INT};
    const struct str payload = STR("\x00\x00\x00\x00\x01\x00\x08\x05");
    setup();
    side_init(&s, "A INT");
    REQUIRE(decoder_create(&spec, s.columns, s.n, &field, 1, &dec, NULL) == STATUS_OK);
    CHECK_INT(decode(dec, &payload, 1, &s.a, &out, &state, NULL), STATUS_OK);
    CHECK_INT(state, ROW_BAD);
    add(P3 "message A { int32 a = 1; }");
    CHECK_INT(decode(dec, &payload, 1, &s.a, &out, &state, NULL), STATUS_OK);
    CHECK(state == ROW_OK && out.i32[0] == 5);
    decoder_destroy(dec);
    side_free(&s);
    registry_close(r);
}

static bool is_down = true;

static enum status flaky_by_id(struct registry *own, int32_t id, const struct registered_schema **out, struct diag *d)
{
    const struct registered_schema schema = {
        .id = id, .type = SCHEMA_PROTOBUF, .text = STR(P3 "message A { int32 a = 1; }")};
    if (is_down)
        return diag_set(d, STATUS_IO, "nobody answers");
    *out = registry_keep(own, &schema);
    return *out ? STATUS_OK : diag_nomem(d);
}

static void flaky_close(struct registry *own)
{
    (void)own;
}

TEST(protobuf_registry, that_does_not_answer)
{
    static const struct registry_ops ops = {.by_id = flaky_by_id, .close = flaky_close};
    struct side s;
    struct decoder *dec;
    struct column out;
    uint8_t state;
    const struct decode_field field = {.type = &TYPE_INT};
    const struct str payload = STR("\x00\x00\x00\x00\x09\x00\x08\x05");
    REQUIRE((r = registry_make(&ops, sizeof(struct registry))) != NULL);
    site = (struct schema_site){.registry = r, .topic = "t"};
    spec = (struct format_spec){.kind = FORMAT_PROTOBUF, .wrapped = true, .site = &site};
    side_init(&s, "A INT");
    REQUIRE(decoder_create(&spec, s.columns, s.n, &field, 1, &dec, NULL) == STATUS_OK);
    CHECK_INT(decode(dec, &payload, 1, &s.a, &out, &state, NULL), STATUS_IO);
    is_down = false;
    CHECK_INT(decode(dec, &payload, 1, &s.a, &out, &state, NULL), STATUS_OK);
    CHECK(state == ROW_OK && out.i32[0] == 5);
    decoder_destroy(dec);
    side_free(&s);
    registry_close(r);
}
