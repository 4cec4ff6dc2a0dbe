/* The ROW format: round trips of everything, and damaged bytes. */
#include "formats/row.h"
#include "util.h"

static const char every_type[] =
    "A BOOLEAN, B INT, C BIGINT, D DOUBLE, E STRING, F BYTES, G DATE, H TIME, I TIMESTAMP, J DECIMAL(38,2), K "
    "ARRAY<INT>, "
    "L MAP<STRING,ARRAY<DOUBLE>>, M STRUCT<X STRING,Y STRUCT<Z ARRAY<MAP<STRING,DECIMAL(20,3)>>>>, N MAP<INT,STRING>";

static struct value random_cell(struct side *s, uint32_t k, uint64_t *state)
{
    if (k != 13)
        return random_value(&s->a, s->columns[k].type, state);
    static struct value keys[2], items[2];
    static struct nested map = {2, items, keys};
    keys[0] = (struct value){.kind = KIND_INT, .i32 = (int32_t)random_next(state)};
    keys[1] = VALUE_NULL;
    items[0] = items[1] = (struct value){.kind = KIND_STRING, .str = STR("x")};
    return (struct value){.kind = KIND_MAP, .nested = &map};
}

static bool out_columns(struct side *s, struct column *out)
{
    for (uint32_t k = 0; k < s->n; k++)
        if (!column_init(&out[k], s->columns[k].type, 1, true, &s->a))
            return false;
    return true;
}

TEST(row, random_round_trips)
{
    uint64_t state = 1;
    for (int i = 0; i < 3000; i++) {
        struct side s;
        side_init(&s, every_type);
        struct value values[14], back;
        struct column columns[14], out[14];
        struct decode_field fields[14];
        struct buf b;
        buf_init(&b, 0);
        for (uint32_t k = 0; k < s.n; k++) {
            values[k] = random_cell(&s, k, &state);
            fields[k] = (struct decode_field){.column = s.n - 1 - k, .type = s.columns[s.n - 1 - k].type};
        }
        REQUIRE(columns_from_values(&s, values, columns));
        row_put_columns(&b, columns, s.n, 0);
        struct row_cursor c = row_cursor(buf_str(&b));
        REQUIRE(out_columns(&s, out));
        REQUIRE(row_get_columns(&c, out, s.n, 0, &s.a));
        CHECK(c.p == c.end);
        for (uint32_t k = 0; k < s.n; k++) {
            back = column_get(&out[k], 0);
            CHECK(value_eq(&values[k], &back));
            b.len = 0;
            row_put_columns(&b, &columns[k], 1, 0);
            c = row_cursor(buf_str(&b));
            CHECK(row_get_columns(&c, &out[k], 1, 0, &s.a) && c.p == c.end);
            back = column_get(&out[k], 0);
            CHECK(value_eq(&values[k], &back));
            c = row_cursor(buf_str(&b));
            c.p++;
            CHECK(value_is_null(&values[k]) || (row_skip_cell(&c, s.columns[k].type) && c.p == c.end));
        }
        struct encoder *enc;
        struct decoder *dec;
        bool is_null;
        uint8_t row;
        b.len = 0;
        REQUIRE(encoder_create(&row_spec, s.columns, s.n, &enc, NULL) == STATUS_OK);
        REQUIRE(encode(enc, columns, 0, &b, &is_null, NULL) == STATUS_OK);
        CHECK(!is_null);
        struct str payload = buf_str(&b);
        REQUIRE(decoder_create(&row_spec, s.columns, s.n, fields, s.n, &dec, NULL) == STATUS_OK);
        REQUIRE(decode(dec, &payload, 1, &s.a, out, &row, NULL) == STATUS_OK);
        CHECK_INT(row, ROW_OK);
        for (uint32_t k = 0; k < s.n; k++) {
            struct value v = column_get(&out[k], 0);
            CHECK(value_eq(&values[s.n - 1 - k], &v));
        }
        decoder_destroy(dec);
        encoder_destroy(enc);
        buf_free(&b);
        side_free(&s);
    }
}

TEST(row, is_compact)
{
    struct side s;
    struct column columns[3];
    struct buf b;
    side_init(&s, "A BIGINT, B STRING, C INT");
    struct value values[3] = {{.kind = KIND_BIGINT, .i64 = -3}, {.kind = KIND_STRING, .str = STR("ab")}, VALUE_NULL};
    buf_init(&b, 0);
    REQUIRE(columns_from_values(&s, values, columns));
    row_put_columns(&b, columns, 3, 0);
    CHECK_INT(b.len, 5);
    CHECK(memcmp(b.p,
                 "\x04\x05\x02"
                 "ab",
                 5) == 0);
    buf_free(&b);
    side_free(&s);
}

TEST(row, doubles_keep_their_bits)
{
    struct side s;
    struct buf b;
    struct value v = {.kind = KIND_DOUBLE, .f64 = -0.0}, back;
    struct column column, out;
    buf_init(&b, 0);
    side_init(&s, "A DOUBLE");
    REQUIRE(columns_from_values(&s, &v, &column) && out_columns(&s, &out));
    row_put_columns(&b, &column, 1, 0);
    struct row_cursor c = row_cursor(buf_str(&b));
    CHECK(row_get_columns(&c, &out, 1, 0, &s.a));
    back = column_get(&out, 0);
    CHECK(value_eq(&v, &back));
    buf_free(&b);
    side_free(&s);
}

TEST(row, paths)
{
    struct side s;
    side_init(&s, "A STRUCT<B INT, C STRUCT<D STRING, E ARRAY<INT>>>, X INT");
    static const uint32_t to_d[] = {1, 0};
    const struct decode_field fields[] = {{0, 2, to_d, &TYPE_STRING}, {1, 0, NULL, &TYPE_INT}};
    uint64_t state = 9;
    for (int i = 0; i < 500; i++) {
        struct value values[2] = {random_value(&s.a, s.columns[0].type, &state), random_value(&s.a, &TYPE_INT, &state)};
        struct value expected = VALUE_NULL;
        if (!value_is_null(&values[0]) && !value_is_null(&values[0].nested->items[1]))
            expected = values[0].nested->items[1].nested->items[0];
        struct column columns[2], out[2];
        struct decoder *dec;
        struct buf b;
        uint8_t row;
        buf_init(&b, 0);
        REQUIRE(columns_from_values(&s, values, columns));
        row_put_columns(&b, columns, 2, 0);
        REQUIRE(decoder_create(&row_spec, s.columns, s.n, fields, 2, &dec, NULL) == STATUS_OK);
        struct str payload = buf_str(&b);
        REQUIRE(decode(dec, &payload, 1, &s.a, out, &row, NULL) == STATUS_OK);
        struct value d = column_get(&out[0], 0), x = column_get(&out[1], 0);
        CHECK(row == ROW_OK && value_eq(&d, &expected) && value_eq(&x, &values[1]));
        decoder_destroy(dec);
        buf_free(&b);
    }
    side_free(&s);
}

TEST(row, damaged_bytes)
{
    uint64_t state = 77;
    for (int i = 0; i < 20000; i++) {
        struct side s;
        side_init(&s, every_type);
        struct value values[14];
        struct column columns[14], out[14];
        struct buf b;
        buf_init(&b, 0);
        for (uint32_t k = 0; k < s.n; k++)
            values[k] = random_cell(&s, k, &state);
        REQUIRE(columns_from_values(&s, values, columns) && out_columns(&s, out));
        row_put_columns(&b, columns, s.n, 0);
        size_t len = random_next(&state) % 2 ? b.len : random_next(&state) % (b.len + 1);
        char *bytes = mem_alloc(len);
        memcpy(bytes, b.p, len);
        for (uint64_t n = random_next(&state) % 4; n > 0 && len; n--)
            bytes[random_next(&state) % len] = (char)random_next(&state);
        struct row_cursor c = row_cursor(str_make(bytes, len));
        if (row_get_columns(&c, out, s.n, 0, &s.a)) {
            b.len = 0;
            row_put_columns(&b, out, s.n, 0); /* whatever was read can be written */
        }
        c = row_cursor(str_make(bytes, len));
        for (uint32_t k = 0; k < s.n && row_skip_cell(&c, s.columns[k].type); k++)
            CHECK(c.p <= c.end);
        mem_free(bytes);
        buf_free(&b);
        side_free(&s);
    }
}

TEST(row, bad_payloads)
{
    CHECK_TEXT(decoded(&row_spec, "A INT, B STRING",
                       "\x00\x02\x05"
                       "ab",
                       5),
               "BAD: The bytes are not a row of this schema");
    CHECK_TEXT(decoded(&row_spec, "A INT, B STRING", "", 0), "BAD: The bytes are not a row of this schema");
    CHECK_TEXT(decoded(&row_spec, "A INT, B STRING",
                       "\x00\x02\x02"
                       "ab",
                       5),
               "1|ab");
    CHECK_TEXT(decoded(&row_spec, "A INT, B STRING", "\x03", 1), "null|null");
    CHECK_TEXT(decoded(&row_spec, "A INT", NULL, SIZE_MAX), "NULL");
}
