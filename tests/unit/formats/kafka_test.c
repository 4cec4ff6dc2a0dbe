/* KAFKA and NONE. */
#include "util.h"

TEST(kafka, values)
{
    CHECK_TEXT(decoded(&kafka_spec, "A INT", "\x00\x00\x01\x02", 4), "258");
    CHECK_TEXT(decoded(&kafka_spec, "A INT", "\xff\xff\xff\xff", 4), "-1");
    CHECK_TEXT(decoded(&kafka_spec, "A BIGINT", "\x80\0\0\0\0\0\0\x01", 8), "-9223372036854775807");
    CHECK_TEXT(decoded(&kafka_spec, "A DOUBLE", "\x3f\xf8\0\0\0\0\0\0", 8), "1.5");
    CHECK_TEXT(decoded(&kafka_spec, "A STRING", "h\xC3\xA9", 3), "hé");
    CHECK_TEXT(decoded(&kafka_spec, "A STRING", "", 0), "");
    CHECK_TEXT(decoded(&kafka_spec, "A STRING", "a\xE4\xB8z\xF0\x9F\x98", 7), "a\xEF\xBF\xBDz\xEF\xBF\xBD");
    CHECK_TEXT(decoded(&kafka_spec, "A BYTES", "hi", 2), "aGk=");
    CHECK_TEXT(decoded(&kafka_spec, "A STRING", NULL, SIZE_MAX), "NULL");
}

TEST(kafka, wrong_sizes)
{
    CHECK_TEXT(decoded(&kafka_spec, "A INT", "abc", 3), "BAD: Size of data received by IntegerDeserializer is not 4");
    CHECK_TEXT(decoded(&kafka_spec, "A BIGINT", "abcd", 4), "BAD: Size of data received by LongDeserializer is not 8");
    CHECK_TEXT(decoded(&kafka_spec, "A DOUBLE", "", 0), "BAD: Size of data received by Deserializer is not 8");
}

TEST(kafka, none)
{
    CHECK_TEXT(decoded(&none_spec, "", NULL, SIZE_MAX), "NULL");
    CHECK_TEXT(decoded(&none_spec, "", "x", 1), "BAD: Data should be null for a VoidDeserializer.");
    struct encoder *enc;
    struct buf b;
    bool is_null = false;
    buf_init(&b, 0);
    REQUIRE(encoder_create(&none_spec, NULL, 0, &enc, NULL) == STATUS_OK);
    CHECK_INT(encode(enc, NULL, 0, &b, &is_null, NULL), STATUS_OK);
    CHECK(is_null && b.len == 0);
    encoder_destroy(enc);
}

TEST(kafka, round_trips)
{
    static const char *const schemas[] = {"A INT", "A BIGINT", "A DOUBLE", "A STRING", "A BYTES"};
    uint64_t state = 3;
    for (int i = 0; i < 5000; i++) {
        struct side s;
        side_init(&s, schemas[i % 5]);
        struct value v = random_value(&s.a, s.columns[0].type, &state), back;
        struct column column, out;
        REQUIRE(columns_from_values(&s, &v, &column));
        CHECK_INT(round_trip(&kafka_spec, &s, &column, &out), value_is_null(&v) ? ROW_NULL : ROW_OK);
        back = column_get(&out, 0);
        CHECK(value_eq(&v, &back));
        side_free(&s);
    }
}
