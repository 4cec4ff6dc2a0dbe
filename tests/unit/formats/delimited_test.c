/* DELIMITED both ways. */
#include "util.h"

#define CHECK_CSV(schema, text, expected) CHECK_TEXT(decoded(&delimited_spec, schema, text, strlen(text)), expected)

TEST(delimited, every_type)
{
    CHECK_CSV("A BOOLEAN, B INT, C BIGINT, D DOUBLE, E STRING, F BYTES, G DATE, H TIME, I TIMESTAMP, J DECIMAL(6,2)",
              "TRUE,-12,+9007199254740993, 1.5d ,x y,aGk,1,61000,1000,1234.5",
              "true|-12|9007199254740993|1.5|x y|aGk=|1970-01-02|00:01:01|1970-01-01T00:00:01.000|1234.50");
    CHECK_CSV("A BOOLEAN, B INT, C STRING, D DOUBLE", ",,,", "null|null|null|null");
    CHECK_CSV("A BOOLEAN", "yes", "false");
    CHECK_CSV("A DOUBLE", "NaN", "NaN");
}

TEST(delimited, quoting)
{
    CHECK_CSV("A STRING, B STRING, C STRING", "a, b ,c", "a| b |c");
    CHECK_CSV("A STRING, B STRING", "\"a,b\" \t,\"say \"\"hi\"\"\"", "a,b|say \"hi\"");
    CHECK_CSV("A STRING, B STRING", "\"\",\"two\nlines\"", "null|two\nlines");
    CHECK_CSV("A STRING, B STRING", "a\"b\",c\"", "a\"b\"|c\"");
    CHECK_CSV("A STRING, B STRING", "a,", "a|null");
    CHECK_CSV("A STRING", "\"\"", "null");
    CHECK_CSV("A STRING", "\r\n\n\rx", "x");
    CHECK_CSV("A STRING", "x\ny,z", "x");
    CHECK_CSV("A STRING", "back\\slash", "back\\slash");
    CHECK_CSV("A STRING", "\xff\xE4\xB8x", "\xEF\xBF\xBD\xEF\xBF\xBDx"); /* as Java repairs UTF-8 */
}

TEST(delimited, bad_records)
{
    CHECK_CSV("A STRING", "", "BAD: No fields in record");
    CHECK_CSV("A STRING", "\n\r\n", "BAD: No fields in record");
    CHECK_CSV("A STRING, B INT", "a", "BAD: Column count mismatch on deserialization. expected: 2, got: 1");
    CHECK_CSV("A STRING, B INT", "a,x,c", "BAD: Column count mismatch on deserialization. expected: 2, got: 3");
    CHECK_CSV("A STRING", "\"a\"b", "BAD: (line 1) invalid char between encapsulated token and delimiter");
    CHECK_CSV("A STRING", "\"a", "BAD: (startline 1) EOF reached before encapsulated token finished");
    CHECK_CSV("A STRING", "a\n\"b", "BAD: (startline 2) EOF reached before encapsulated token finished");
    CHECK_CSV("A INT", "x\n\"b", "BAD: (startline 2) EOF reached before encapsulated token finished");
    CHECK_CSV("A INT", " 1", "BAD: For input string: \" 1\"");
    CHECK_CSV("A INT", "3000000000", "BAD: For input string: \"3000000000\"");
    CHECK_CSV("A BIGINT", "1.0", "BAD: For input string: \"1.0\"");
    CHECK_CSV("A DOUBLE", "x", "BAD: For input string: \"x\"");
    CHECK_CSV("A BYTES", "a GkK", "BAD: Illegal base64 text");
    CHECK_CSV("A BYTES", "aGk=x", "BAD: Illegal base64 text");
    CHECK_CSV("A BYTES", "aG=", "BAD: Illegal base64 text");
    CHECK_CSV("A DECIMAL(3,1)", "1.25",
              "BAD: Cannot fit decimal '1.25' into DECIMAL(3, 1) without rounding. (Requires 3,2)");
    CHECK_CSV("A TIME", "86400001",
              "BAD: Time values must use number of milliseconds greater than 0 and less than 86400000.");
    CHECK_TEXT(decoded(&delimited_spec, "A INT", NULL, SIZE_MAX), "NULL");
}

#define CHECK_WRITTEN(schema, json, expected)                                                                          \
    CHECK_TEXT(reencoded(&json_spec, &delimited_spec, schema, json, strlen(json)), expected)

TEST(delimited, written)
{
    CHECK_WRITTEN("A INT, B INT", "{\"a\":-10,\"b\":-10}", "\"-10\",-10");
    CHECK_WRITTEN("A STRING, B STRING", "{\"a\":\"\",\"b\":\"\"}", "\"\",");
    CHECK_WRITTEN("A STRING, B STRING", "{}", ",");
    CHECK_WRITTEN("A STRING", "{}", "");
    CHECK_WRITTEN("A STRING, B STRING", "{\"a\":\"_a\",\"b\":\"_b\"}", "\"_a\",_b");
    CHECK_WRITTEN("A STRING, B STRING", "{\"a\":\"é\",\"b\":\"é\"}", "\"é\",é");
    CHECK_WRITTEN("A STRING, B STRING", "{\"a\":\"x,y\",\"b\":\"say \\\"hi\\\"\"}", "\"x,y\",\"say \"\"hi\"\"\"");
    CHECK_WRITTEN("A STRING, B STRING", "{\"a\":\"x \",\"b\":\" x\"}", "\"x \",\" x\"");
    CHECK_WRITTEN("A STRING, B STRING", "{\"a\":\"x\\ny\",\"b\":\"#x\"}", "\"x\ny\",\"#x\"");
    CHECK_WRITTEN("A BOOLEAN, B DOUBLE, C DECIMAL(12,10), D BYTES, E DATE, F TIME, G TIMESTAMP, H BIGINT",
                  "{\"a\":true,\"b\":1e10,\"c\":1e-10,\"d\":\"aGk=\",\"e\":5,\"f\":6,\"g\":7,\"h\":8}",
                  "true,1.0E10,0.0000000001,aGk=,5,6,7,8");
}

TEST(delimited, other_delimiters)
{
    struct format_spec tab = {.kind = FORMAT_DELIMITED, .delimiter = '\t'},
                       bar = {.kind = FORMAT_DELIMITED, .delimiter = '|'};
    CHECK_TEXT(decoded(&tab, "A STRING, B STRING", "a,b\tc", 5), "a,b|c");
    CHECK_TEXT(reencoded(&json_spec, &bar, "A STRING, B STRING", "{\"a\":\"x,y\",\"b\":\"x|y\"}", 21), "x,y|\"x|y\"");
}

TEST(delimited, random_round_trips)
{
    uint64_t state = 5;
    for (int i = 0; i < 3000; i++) {
        struct side s;
        side_init(&s, "A STRING, B INT, C BIGINT, D DOUBLE, E DECIMAL(38,10), F BYTES, G DATE, H TIME, I TIMESTAMP, J "
                      "STRING, K BOOLEAN");
        struct value values[11];
        for (uint32_t k = 0; k < s.n; k++)
            values[k] = random_value(&s.a, s.columns[k].type, &state);
        /* Empty texts and bytes come back as null. */
        for (uint32_t k = 0; k < s.n; k++)
            if ((values[k].kind == KIND_STRING || values[k].kind == KIND_BYTES) && values[k].str.len == 0)
                values[k] = VALUE_NULL;
        struct column columns[11], back[11];
        REQUIRE(columns_from_values(&s, values, columns));
        CHECK_INT(round_trip(&delimited_spec, &s, columns, back), ROW_OK);
        for (uint32_t k = 0; k < s.n; k++) {
            struct value v = column_get(&back[k], 0);
            CHECK(value_eq(&v, &values[k]));
        }
        side_free(&s);
    }
}
