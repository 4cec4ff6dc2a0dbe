/* Schema texts of Protobuf: columns to text, text to columns. */
#include "util.h"

#include <stdio.h>

static const char *text_of(enum proto_nulls nulls, const char *full_name, const char *schema)
{
    static char out[4096];
    const struct format_spec spec = {.kind = FORMAT_PROTOBUF, .wrapped = true, .nulls = nulls, .full_name = full_name};
    struct side s;
    struct buf text;
    side_init(&s, schema);
    buf_init(&text, 0);
    CHECK_INT(columns_to_schema(&spec, s.columns, s.n, false, &text, NULL), STATUS_OK);
    snprintf(out, sizeof out, "%s", buf_z(&text));
    buf_free(&text);
    side_free(&s);
    return out;
}

#define HEAD "syntax = \"proto3\";\n\n"

TEST(protobuf_schema, texts)
{
    CHECK_TEXT(text_of(PROTO_NULLS_NONE, NULL, "I INT, L BIGINT, D DOUBLE, B BOOLEAN, S STRING, Y BYTES"),
               HEAD "message ConnectDefault1 {\n  int32 I = 1;\n  int64 L = 2;\n  double D = 3;\n  bool B = 4;\n"
                    "  string S = 5;\n  bytes Y = 6;\n}\n");
    CHECK_TEXT(text_of(PROTO_NULLS_OPTIONAL, NULL, "I INT, A ARRAY<INT>, T STRUCT<X INT>"),
               HEAD "message ConnectDefault1 {\n  optional int32 I = 1;\n  repeated int32 A = 2;\n"
                    "  ConnectDefault2 T = 3;\n\n  message ConnectDefault2 {\n    optional int32 X = 1;\n  }\n}\n");
    CHECK_TEXT(text_of(PROTO_NULLS_WRAPPER, NULL, "I INT, S STRING"),
               HEAD "import \"google/protobuf/wrappers.proto\";\n\nmessage ConnectDefault1 {\n"
                    "  google.protobuf.Int32Value I = 1;\n  google.protobuf.StringValue S = 2;\n}\n");
    CHECK_TEXT(text_of(PROTO_NULLS_NONE, NULL, "M MAP<STRING, STRUCT<X INT>>, N MAP<STRING, INT>"),
               HEAD "message ConnectDefault1 {\n  repeated ConnectDefault2Entry M = 1;\n"
                    "  repeated ConnectDefault4Entry N = 2;\n\n  message ConnectDefault2Entry {\n    string key = 1;\n"
                    "    ConnectDefault3 value = 2;\n\n    message ConnectDefault3 {\n      int32 X = 1;\n    }\n  }\n"
                    "  message ConnectDefault4Entry {\n    string key = 1;\n    int32 value = 2;\n  }\n}\n");
    CHECK_TEXT(text_of(PROTO_NULLS_NONE, "com.example.Order", "I INT"),
               "syntax = \"proto3\";\npackage com.example;\n\nmessage Order {\n  int32 I = 1;\n}\n");
    CHECK_TEXT(text_of(PROTO_NULLS_NONE, NULL, "T TIMESTAMP, D DATE, C TIME"), HEAD
               "import \"google/protobuf/timestamp.proto\";\nimport \"google/type/date.proto\";\n"
               "import \"google/type/timeofday.proto\";\n\nmessage ConnectDefault1 {\n"
               "  google.protobuf.Timestamp T = 1;\n  google.type.Date D = 2;\n  google.type.TimeOfDay C = 3;\n}\n");
    CHECK_TEXT(text_of(PROTO_NULLS_NONE, NULL, "A DECIMAL(9, 2)"),
               HEAD "import \"confluent/meta.proto\";\nimport \"confluent/type/decimal.proto\";\n\n"
                    "message ConnectDefault1 {\n  confluent.type.Decimal A = 1 [(confluent.field_meta) = {\n"
                    "    params: [\n      {\n        value: \"9\",\n        key: \"precision\"\n      },\n      {\n"
                    "        value: \"2\",\n        key: \"scale\"\n      }\n    ]\n  }];\n}\n");
}

/* ---- to columns -------------------------------------------------------------------------------------------- */

static const char *columns_in(const struct format_spec *spec, struct registry *r,
                              const struct registered_schema *schema)
{
    static struct buf out;
    struct arena a;
    const struct schema_column *columns;
    uint32_t n = 0;
    struct diag d = DIAG_INIT;
    arena_init(&a, 0);
    buf_free(&out);
    buf_init(&out, 0);
    if (columns_from_schema(spec, r, schema, false, &a, &columns, &n, &d) != STATUS_OK)
        buf_printf(&out, "%s: %s", status_name(d.code), d.message);
    for (uint32_t i = 0; i < n; i++) {
        buf_printf(&out, "%s" STR_FMT " ", i ? ", " : "", STR_ARG(columns[i].name));
        type_print(&out, columns[i].type);
    }
    arena_free(&a);
    static char text[2048];
    snprintf(text, sizeof text, "%s", buf_z(&out));
    buf_free(&out);
    return text;
}

static const char *inferred(const char *text)
{
    const struct format_spec spec = {.kind = FORMAT_PROTOBUF, .wrapped = true};
    const struct registered_schema schema = {.id = 1, .type = SCHEMA_PROTOBUF, .text = str_from(text)};
    return columns_in(&spec, NULL, &schema);
}

#define P3 "syntax = \"proto3\"; "

TEST(protobuf_schema, scalars_of_all_kinds)
{
    CHECK_TEXT(inferred(P3
                        "message M { double a = 1; float b = 2; int32 c = 3; int64 d = 4; uint32 e = 5; uint64 f = 6; "
                        "sint32 g = 7; sint64 h = 8; fixed32 i = 9; fixed64 j = 10; sfixed32 k = 11; "
                        "sfixed64 l = 12; bool m = 13; string n = 14; bytes o = 15; }"),
               "A DOUBLE, B DOUBLE, C INTEGER, D BIGINT, E BIGINT, F BIGINT, G INTEGER, H BIGINT, I BIGINT, J BIGINT, "
               "K INTEGER, L BIGINT, M BOOLEAN, N STRING, O BYTES");
}

TEST(protobuf_schema, messages)
{
    CHECK_TEXT(inferred(P3 "message M { enum E { X = 0; Y = 3; } E e = 1; message I { int32 x = 1; } I i = 2; "
                           "repeated I l = 3; map<string, I> m = 4; repeated string s = 5; }"),
               "E STRING, I STRUCT<`X` INTEGER>, L ARRAY<STRUCT<`X` INTEGER>>, M MAP<STRING, STRUCT<`X` INTEGER>>, "
               "S ARRAY<STRING>");
    CHECK_TEXT(inferred(P3 "message M { repeated AEntry a = 1; BEntry b = 2; message AEntry { string key = 1; "
                           "int32 value = 2; } message BEntry { string key = 1; int32 value = 2; } }"),
               "A MAP<STRING, INTEGER>, B STRUCT<`KEY` STRING, `VALUE` INTEGER>");
    CHECK_TEXT(inferred(P3 "message M { int32 a = 1; oneof choice { int32 x = 2; string y = 3; } optional int32 b = 4; "
                           "oneof other { bool z = 5; } }"),
               "CHOICE_0 STRUCT<`X` INTEGER, `Y` STRING>, OTHER_1 STRUCT<`Z` BOOLEAN>, A INTEGER, B INTEGER");
    CHECK_TEXT(inferred(P3 "message M { map<int32, string> m = 1; }"), "M MAP<INTEGER, STRING>");
    CHECK_TEXT(inferred(P3 "message M {}"), "");
}

TEST(protobuf_schema, messages_that_are_known)
{
    CHECK_TEXT(inferred(P3 "import \"google/protobuf/wrappers.proto\"; message M { google.protobuf.Int32Value a = 1; "
                           "google.protobuf.UInt32Value b = 2; google.protobuf.StringValue c = 3; "
                           "google.protobuf.BytesValue d = 4; google.protobuf.FloatValue e = 5; }"),
               "A INTEGER, B BIGINT, C STRING, D BYTES, E DOUBLE");
    CHECK_TEXT(inferred(P3 "import \"google/protobuf/timestamp.proto\"; import \"google/type/date.proto\"; "
                           "import \"google/type/timeofday.proto\"; message M { google.protobuf.Timestamp a = 1; "
                           "google.type.Date b = 2; google.type.TimeOfDay c = 3; }"),
               "A TIMESTAMP, B DATE, C TIME");
    CHECK_TEXT(inferred(P3 "import \"confluent/type/decimal.proto\"; message M { confluent.type.Decimal a = 1 "
                           "[(confluent.field_meta) = { params: [{ key: \"precision\", value: \"9\" }, "
                           "{ value: \"2\", key: \"scale\" }] }]; confluent.type.Decimal b = 2; }"),
               "A DECIMAL(9, 2), B DECIMAL(38, 0)");
    CHECK_TEXT(inferred(P3 "import \"google/protobuf/duration.proto\"; message M { google.protobuf.Duration a = 1; }"),
               "A STRUCT<`SECONDS` BIGINT, `NANOS` INTEGER>");
}

TEST(protobuf_schema, proto2)
{
    CHECK_TEXT(inferred("message M { required int32 a = 1; optional string b = 2 [default = \"x\"]; "
                        "repeated group G = 3 { optional int32 c = 1; } }"),
               "A INTEGER, B STRING, G ARRAY<STRUCT<`C` INTEGER>>");
}

TEST(protobuf_schema, refused)
{
    CHECK_TEXT(inferred(P3 "message M { int32 a = 1 }"),
               "invalid: The schema is not valid Protobuf: line 1, column 44: Expected \";\".");
    CHECK_TEXT(inferred(P3 "message M { X a = 1; }"),
               "invalid: The schema is not valid Protobuf: M.a: \"X\" is not defined.");
    CHECK_TEXT(inferred(P3 "import \"nowhere.proto\"; message M { int32 a = 1; }"),
               "invalid: The schema is not valid Protobuf: nowhere.proto: Import \"nowhere.proto\" was not found or "
               "had errors.");
    CHECK_TEXT(inferred(P3), "invalid: The schema has no message");
    CHECK_TEXT(inferred(P3 "message M { M m = 1; }"), "invalid: The message 'M' contains itself, which columns cannot");
    CHECK_TEXT(inferred(P3 "message M { repeated N n = 1; message N { map<string, M> m = 1; } }"),
               "invalid: The message 'M.N' contains itself, which columns cannot");
    CHECK(strncmp(inferred("{\"type\": \"record\"}"), "invalid: The schema is not valid Protobuf:", 42) == 0);
    CHECK(strncmp(inferred(""), "invalid: ", 9) == 0);
}

TEST(protobuf_schema, chosen_by_name)
{
    struct registered_schema schema = {.id = 1,
                                       .type = SCHEMA_PROTOBUF,
                                       .text =
                                           STR(P3 "package p; message A { int32 a = 1; message C { int32 c = 1; } } "
                                                  "message B { int32 b = 1; }")};
    struct format_spec spec = {.kind = FORMAT_PROTOBUF, .wrapped = true, .full_name = "p.B"};
    CHECK_TEXT(columns_in(&spec, NULL, &schema), "B INTEGER");
    spec.full_name = "p.A.C";
    spec.schema_id = 1;
    CHECK_TEXT(columns_in(&spec, NULL, &schema), "c INTEGER");
    spec.full_name = "B";
    CHECK_TEXT(columns_in(&spec, NULL, &schema), "not_found: The schema has no message 'B'");
    spec.full_name = NULL;
    CHECK_TEXT(
        columns_in(&spec, NULL, &schema),
        "invalid: Value schema has multiple schema definitions. \n\n- p.A\n- p.B\n\nPlease specify a schema full name "
        "in the WITH clause using VALUE_SCHEMA_FULL_NAME");
}

TEST(protobuf_schema, references)
{
    const struct format_spec spec = {.kind = FORMAT_PROTOBUF, .wrapped = true};
    struct registry *r;
    int32_t id;
    const struct schema_reference inner = {STR("inner.proto"), STR("inner"), 1},
                                  outer = {STR("outer.proto"), STR("outer"), 1},
                                  gone = {STR("gone.proto"), STR("gone"), 1};
    REQUIRE(registry_open_memory(&r, NULL) == STATUS_OK);
    struct registered_schema schema = {.type = SCHEMA_PROTOBUF, .text = STR(P3 "message Inner { int32 x = 1; }")};
    REQUIRE(registry_add(r, STR("inner"), &schema, &id, NULL) == STATUS_OK);
    schema = (struct registered_schema){.type = SCHEMA_PROTOBUF,
                                        .n_references = 1,
                                        .references = &inner,
                                        .text = STR(P3 "import \"inner.proto\"; message Outer { Inner i = 1; }")};
    REQUIRE(registry_add(r, STR("outer"), &schema, &id, NULL) == STATUS_OK);
    schema.references = &outer;
    schema.text = STR(P3 "import \"outer.proto\"; message M { Outer o = 1; }");
    CHECK_TEXT(columns_in(&spec, r, &schema), "O STRUCT<`I` STRUCT<`X` INTEGER>>");
    schema.references = &gone;
    CHECK_TEXT(columns_in(&spec, r, &schema), "not_found: Subject 'gone' not found.");
    registry_close(r);
}

TEST(protobuf_schema, texts_read_back)
{
    static const char schema[] =
        "A INT, B BIGINT, C DOUBLE, D BOOLEAN, E STRING, F BYTES, G DECIMAL(9, 2), H DATE, I TIME, "
        "J TIMESTAMP, K ARRAY<STRING>, L MAP<STRING, ARRAY<INT>>, M STRUCT<X INT, Y STRUCT<Z DATE>>";
    for (int nulls = PROTO_NULLS_NONE; nulls <= PROTO_NULLS_WRAPPER; nulls++)
        CHECK_TEXT(inferred(text_of((enum proto_nulls)nulls, nulls ? "a.b.C" : NULL, schema)),
                   "A INTEGER, B BIGINT, C DOUBLE, D BOOLEAN, E STRING, F BYTES, G DECIMAL(9, 2), H DATE, I TIME, "
                   "J TIMESTAMP, K ARRAY<STRING>, L MAP<STRING, ARRAY<INTEGER>>, "
                   "M STRUCT<`X` INTEGER, `Y` STRUCT<`Z` DATE>>");
}
