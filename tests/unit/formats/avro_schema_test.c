/* Schema texts of AVRO: to columns, and from columns. */
#include "avro_util.h"

/* "A INTEGER, B STRING", or the message of the refusal. */
static const char *columns(const char *schema, bool wrapped, int32_t schema_id, bool is_key)
{
    static char text[2048];
    struct avro_fixture f;
    struct arena a;
    struct buf b;
    struct diag d = DIAG_INIT;
    const struct schema_column *got;
    uint32_t n;
    arena_init(&a, 0);
    buf_init(&b, 0);
    avro_open(&f);
    struct format_spec spec = f.spec;
    spec.wrapped = wrapped;
    spec.schema_id = schema_id;
    struct registered_schema s = {.type = SCHEMA_AVRO, .text = str_from(schema)};
    enum status st = columns_from_schema(&spec, f.registry, &s, is_key, &a, &got, &n, &d);
    if (st != STATUS_OK) {
        CHECK_INT(st, STATUS_INVALID);
        buf_puts(&b, str_from(d.message));
    }
    for (uint32_t i = 0; st == STATUS_OK && i < n; i++) {
        CHECK_INT(got[i].role, is_key ? ROLE_KEY : ROLE_VALUE);
        buf_printf(&b, "%s" STR_FMT " ", i ? ", " : "", STR_ARG(got[i].name));
        type_print(&b, got[i].type);
    }
    strncpy(text, buf_z(&b), sizeof text - 1);
    buf_free(&b);
    arena_free(&a);
    avro_close(&f);
    return text;
}

#define COLUMNS(schema) columns(schema, true, 0, false)
#define ONE(type) COLUMNS(RECORD(FIELD("f", type)))

TEST(avro_schema, scalars)
{
    CHECK_TEXT(
        COLUMNS(
            RECORD(FIELD("b", "\"boolean\"") "," FIELD("i", "\"int\"") "," FIELD("l", "{\"type\":\"long\"}") "," FIELD(
                "f", "\"float\"") "," FIELD("d", "\"double\"") "," FIELD("s", "\"string\"") "," FIELD("y",
                                                                                                      "\"bytes\""))),
        "B BOOLEAN, I INTEGER, L BIGINT, F DOUBLE, D DOUBLE, S STRING, Y BYTES");
    CHECK_TEXT(ONE("{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"X\",\"Y\"]}"), "F STRING");
    CHECK_TEXT(ONE("{\"type\":\"fixed\",\"name\":\"x\",\"size\":3}"), "F BYTES");
    CHECK_TEXT(ONE("[\"null\",\"int\"]"), "F INTEGER");
    CHECK_TEXT(ONE("[\"int\",\"null\"]"), "F INTEGER");
    CHECK_TEXT(ONE("[\"int\"]"), "F INTEGER");
    CHECK_TEXT(ONE("{\"type\":\"string\",\"logicalType\":\"uuid\"}"), "F STRING");
    CHECK_TEXT(ONE("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}"), "F BIGINT");
    CHECK_TEXT(ONE("{\"type\":\"int\",\"connect.type\":\"int16\"}"), "F INTEGER");
}

TEST(avro_schema, logical_types)
{
    CHECK_TEXT(ONE("{\"type\":\"int\",\"logicalType\":\"date\"}"), "F DATE");
    CHECK_TEXT(ONE("{\"type\":\"int\",\"logicalType\":\"time-millis\"}"), "F TIME");
    CHECK_TEXT(ONE("{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}"), "F TIMESTAMP");
    CHECK_TEXT(ONE("{\"type\":\"long\",\"logicalType\":\"date\"}"), "F BIGINT");
    CHECK_TEXT(ONE("[\"null\",{\"type\":\"int\",\"connect.version\":1,\"connect.name\":"
                   "\"org.apache.kafka.connect.data.Date\"}]"),
               "F DATE");
    CHECK_TEXT(ONE("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4,\"scale\":2}"), "F DECIMAL(4, 2)");
    CHECK_TEXT(ONE("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":4}"), "F DECIMAL(4, 0)");
    CHECK_TEXT(
        ONE("{\"type\":\"fixed\",\"name\":\"x\",\"size\":5,\"logicalType\":\"decimal\",\"precision\":9,\"scale\":1}"),
        "F DECIMAL(9, 1)");
    CHECK_TEXT(
        ONE("{\"type\":\"bytes\",\"connect.name\":\"org.apache.kafka.connect.data.Decimal\",\"connect.parameters\":"
            "{\"scale\":\"3\",\"connect.decimal.precision\":\"7\"}}"),
        "F DECIMAL(7, 3)");
    CHECK_TEXT(ONE("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"scale\":2}"), "F DECIMAL(38, 2)");
    CHECK_TEXT(ONE("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":64,\"scale\":40}"),
               "DECIMAL scale must be at most 38: 40");
}

TEST(avro_schema, nested)
{
    CHECK_TEXT(ONE("{\"type\":\"array\",\"items\":[\"null\",\"long\"]}"), "F ARRAY<BIGINT>");
    CHECK_TEXT(ONE("{\"type\":\"map\",\"values\":{\"type\":\"array\",\"items\":\"int\"}}"),
               "F MAP<STRING, ARRAY<INTEGER>>");
    CHECK_TEXT(ONE("{\"type\":\"record\",\"name\":\"q\",\"fields\":[" FIELD("g", "\"int\"") "]}"),
               "F STRUCT<`G` INTEGER>");
    CHECK_TEXT(ONE("[\"null\",\"int\",\"string\"]"), "F STRUCT<`INT` INTEGER, `STRING` STRING>");
    CHECK_TEXT(
        ONE("[\"null\",{\"type\":\"array\",\"items\":\"int\"},{\"type\":\"fixed\",\"name\":\"a.b.Fix\",\"size\":2}]"),
        "F STRUCT<`ARRAY` ARRAY<INTEGER>, `FIX` BYTES>");
    CHECK_TEXT(
        ONE("{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"e\",\"connect.internal.type\":\"MapEntry\","
            "\"fields\":[" FIELD("key", "[\"null\",\"string\"]") "," FIELD("value", "\"int\"") "]}}"),
        "F MAP<STRING, INTEGER>");
    CHECK_TEXT(
        ONE("{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"MapEntry\",\"namespace\":"
            "\"io.confluent.connect.avro\",\"fields\":[" FIELD("key", "\"long\"") "," FIELD("value", "\"int\"") "]}}"),
        "F MAP<BIGINT, INTEGER>");
    CHECK_TEXT(ONE("{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"e\",\"fields\":[" FIELD(
                   "key", "\"string\"") "," FIELD("value", "\"int\"") "]}}"),
               "F ARRAY<STRUCT<`KEY` STRING, `VALUE` INTEGER>>");
}

TEST(avro_schema, names)
{
    CHECK_TEXT(columns(RECORD(FIELD("aB", "\"int\"")), true, 7, false), "aB INTEGER");
    CHECK_TEXT(columns(RECORD(FIELD("aB", RECORD(FIELD("cD", "\"int\"")))), true, 7, false), "aB STRUCT<`cD` INTEGER>");
    /* A named type is used again, by its short and its full name. */
    CHECK_TEXT(COLUMNS(RECORD(FIELD("a", "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"X\"]}") "," FIELD(
                   "b", "\"E\"") "," FIELD("c", "\"n.s.E\"") "," FIELD("d", "{\"type\":\"E\"}"))),
               "A STRING, B STRING, C STRING, D STRING");
}

TEST(avro_schema, whole_values)
{
    CHECK_TEXT(columns("\"int\"", false, 0, false), "ROWVAL INTEGER");
    CHECK_TEXT(columns("{\"type\":\"string\",\"name\":\"K\"}", false, 0, true), "ROWKEY STRING");
    CHECK_TEXT(columns("[\"null\",\"long\"]", false, 0, true), "ROWKEY BIGINT");
    CHECK_TEXT(columns(RECORD(FIELD("a", "\"int\"")), false, 0, true), "ROWKEY STRUCT<`A` INTEGER>");
    CHECK_TEXT(columns("[\"null\"," RECORD(FIELD("a", "\"int\"")) "]", true, 0, false), "A INTEGER");
    CHECK_TEXT(COLUMNS("\"int\""),
               "Schema returned from schema registry is anonymous type. To use this schema with ksqlDB, set "
               "'WRAP_SINGLE_VALUE=false' in the WITH clause properties.");
    CHECK_TEXT(COLUMNS(RECORD("")), "");
}

TEST(avro_schema, refused)
{
    CHECK_TEXT(COLUMNS(""), "Not an Avro schema: no JSON");
    CHECK_TEXT(COLUMNS("{"), "Not an Avro schema: no JSON");
    CHECK_TEXT(COLUMNS("\"int\" x"), "Not an Avro schema: no JSON");
    CHECK_TEXT(COLUMNS("5"), "Not an Avro schema: a type is neither text, object nor array");
    CHECK_TEXT(COLUMNS("{}"), "Not an Avro schema: an object has no type");
    CHECK_TEXT(ONE("\"nothing\""), "Not an Avro schema: undefined name: nothing");
    CHECK_TEXT(ONE("[]"), "Not an Avro schema: an empty union");
    CHECK_TEXT(ONE("[[\"int\"]]"), "Not an Avro schema: a union inside of a union");
    CHECK_TEXT(ONE("{\"type\":\"array\"}"), "Not an Avro schema: no type of elements in array");
    CHECK_TEXT(ONE("{\"type\":\"fixed\",\"name\":\"x\",\"size\":-1}"), "Not an Avro schema: a fixed has no size");
    CHECK_TEXT(ONE("{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[1]}"),
               "Not an Avro schema: an enum has a symbol that is no text: e");
    CHECK_TEXT(ONE("\"null\""), "Standalone null schemas are not supported by this converter");
    CHECK_TEXT(COLUMNS(RECORD(FIELD("next", "[\"null\",\"r\"]"))), "Recursive schemas are not supported: r");
    CHECK_TEXT(COLUMNS("{\"type\":\"record\",\"name\":\"x\"}"), "Not an Avro schema: a record has no fields: x");
    CHECK_TEXT(COLUMNS("{\"type\":\"record\",\"fields\":[]}"), "Not an Avro schema: a type has no name");
    struct buf deep;
    buf_init(&deep, 0);
    for (int i = 0; i < 300; i++)
        buf_puts(&deep, STR("{\"type\":\"array\",\"items\":"));
    buf_puts(&deep, STR("\"int\""));
    for (int i = 0; i < 300; i++)
        buf_putc(&deep, '}');
    CHECK_TEXT(COLUMNS(buf_z(&deep)), "Not an Avro schema: types are nested too deeply");
    buf_free(&deep);
}

TEST(avro_schema, references)
{
    struct avro_fixture f;
    struct arena a;
    const struct schema_column *got;
    uint32_t n;
    int32_t id;
    arena_init(&a, 0);
    avro_open(&f);
    struct registered_schema e = {.type = SCHEMA_AVRO,
                                  .text = STR("{\"type\":\"enum\",\"name\":\"p.E\",\"symbols\":[\"X\"]}")};
    CHECK_INT(registry_add(f.registry, STR("enums"), &e, &id, NULL), STATUS_OK);
    struct schema_reference to = {STR("p.E"), STR("enums"), 1};
    struct registered_schema s = {
        .type = SCHEMA_AVRO, .text = STR(RECORD(FIELD("a", "\"p.E\""))), .n_references = 1, .references = &to};
    CHECK_INT(columns_from_schema(&f.spec, f.registry, &s, false, &a, &got, &n, NULL), STATUS_OK);
    CHECK(n == 1 && got[0].type->kind == KIND_STRING);
    to.version = 2;
    CHECK_INT(columns_from_schema(&f.spec, f.registry, &s, false, &a, &got, &n, NULL), STATUS_NOT_FOUND);
    avro_close(&f);
    arena_free(&a);
}

/* ---- texts -------------------------------------------------------------------------------------------- */

static const char *text_of(const char *schema, bool wrapped, const char *full_name)
{
    static char text[4096];
    struct side s;
    struct buf b;
    struct diag d = DIAG_INIT;
    struct format_spec spec = {.kind = FORMAT_AVRO, .wrapped = wrapped, .full_name = full_name};
    side_init(&s, schema);
    buf_init(&b, 0);
    if (columns_to_schema(&spec, s.columns, s.n, false, &b, &d) != STATUS_OK) {
        b.len = 0;
        buf_puts(&b, str_from(d.message));
    }
    strncpy(text, buf_z(&b), sizeof text - 1);
    buf_free(&b);
    side_free(&s);
    return text;
}

TEST(avro_text, record)
{
    CHECK_TEXT(
        text_of("FOO INT, B STRING", true, NULL),
        "{\"type\":\"record\",\"name\":\"KsqlDataSourceSchema\",\"namespace\":\"io.confluent.ksql.avro_schemas\","
        "\"fields\":[{\"name\":\"FOO\",\"type\":[\"null\",\"int\"],\"default\":null},"
        "{\"name\":\"B\",\"type\":[\"null\",\"string\"],\"default\":null}],"
        "\"connect.name\":\"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema\"}");
    CHECK_TEXT(
        text_of("F1 STRUCT<A INT>", false, "a.b.Key"),
        "{\"type\":\"record\",\"name\":\"Key\",\"namespace\":\"a.b\",\"fields\":[{\"name\":\"A\",\"type\":[\"null\","
        "\"int\"],\"default\":null}],\"connect.name\":\"a.b.Key\"}");
    CHECK_TEXT(
        text_of("F1 STRUCT<A INT>, G INT", true, "Key"),
        "{\"type\":\"record\",\"name\":\"Key\",\"fields\":[{\"name\":\"F1\",\"type\":[\"null\",{\"type\":\"record\","
        "\"name\":\"Key_F1\",\"fields\":[{\"name\":\"A\",\"type\":[\"null\",\"int\"],\"default\":null}],"
        "\"connect.name\":\"Key_F1\"}],\"default\":null},{\"name\":\"G\",\"type\":[\"null\",\"int\"],\"default\":null}]"
        ","
        "\"connect.name\":\"Key\"}");
    CHECK_TEXT(text_of("A INT", true, "1x"), "Schema is not compatible with Avro: Illegal name: 1x");
    CHECK_TEXT(text_of("A INT", true, "a..b"), "Schema is not compatible with Avro: Illegal name: a..b");
}

TEST(avro_text, single_values)
{
    CHECK_TEXT(text_of("A INT", false, NULL), "\"int\"");
    CHECK_TEXT(text_of("A DATE", false, NULL), "{\"type\":\"int\",\"connect.version\":1,\"connect.name\":"
                                               "\"org.apache.kafka.connect.data.Date\",\"logicalType\":\"date\"}");
    CHECK_TEXT(
        text_of("A DECIMAL(4,2)", false, NULL),
        "{\"type\":\"bytes\",\"scale\":2,\"precision\":4,\"connect.version\":1,\"connect.parameters\":{\"scale\":\"2\","
        "\"connect.decimal.precision\":\"4\"},\"connect.name\":\"org.apache.kafka.connect.data.Decimal\","
        "\"logicalType\":\"decimal\"}");
    CHECK_TEXT(text_of("A ARRAY<BIGINT>", false, NULL), "{\"type\":\"array\",\"items\":[\"null\",\"long\"]}");
    CHECK_TEXT(
        text_of("A MAP<STRING,STRUCT<X INT>>", false, "M"),
        "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"M\",\"fields\":[{\"name\":\"key\",\"type\":["
        "\"null\","
        "\"string\"],\"default\":null},{\"name\":\"value\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"M_"
        "MapValue\","
        "\"fields\":[{\"name\":\"X\",\"type\":[\"null\",\"int\"],\"default\":null}],\"connect.name\":\"M_MapValue\"}],"
        "\"default\":null}],\"connect.internal.type\":\"MapEntry\"},\"connect.name\":\"M\"}");
}

/* What is written is read as the same columns. */
TEST(avro_text, back_to_columns)
{
    CHECK_TEXT(
        COLUMNS(text_of("A BOOLEAN, B INT, C BIGINT, D DOUBLE, E STRING, F BYTES, G DECIMAL(10,3), H DATE, I TIME, J "
                        "TIMESTAMP, K ARRAY<STRUCT<X INT>>, L MAP<STRING,MAP<STRING,DATE>>, M STRUCT<N STRUCT<O "
                        "ARRAY<INT>>>",
                        true, NULL)),
        "A BOOLEAN, B INTEGER, C BIGINT, D DOUBLE, E STRING, F BYTES, G DECIMAL(10, 3), H DATE, I TIME, J TIMESTAMP, "
        "K ARRAY<STRUCT<`X` INTEGER>>, L MAP<STRING, MAP<STRING, DATE>>, M STRUCT<`N` STRUCT<`O` ARRAY<INTEGER>>>");
}
