/* AVRO at random: rows there and back, Apache's avro-c reading what was written and writing it alike, mutated messages. */
#include "avro_util.h"

#include <avro.h>

#include <stdlib.h>

static const char *const schemas[] = {
    "A BOOLEAN, B INT, C BIGINT, D DOUBLE, E STRING, F BYTES, G DECIMAL(9,2), H DATE, I TIME, J TIMESTAMP",
    "A ARRAY<INT>, B MAP<STRING,STRING>, C STRUCT<X INT,Y ARRAY<STRUCT<Z DECIMAL(38,10)>>>, D STRING",
    "A MAP<STRING,MAP<STRING,ARRAY<DOUBLE>>>, B ARRAY<ARRAY<TIMESTAMP>>, C STRUCT<D STRUCT<E STRUCT<F BYTES>>>",
    "A DECIMAL(38,0), B DECIMAL(1,1), C MAP<STRING,STRUCT<X BOOLEAN,Y DATE>>",
    "A BIGINT",
};
enum { N_SCHEMAS = sizeof schemas / sizeof *schemas };

static void random_row(struct side *s, struct column *columns, uint64_t *state)
{
    struct value values[MAX_COLUMNS];
    for (uint32_t i = 0; i < s->n; i++)
        values[i] = random_value(&s->a, s->columns[i].type, state);
    REQUIRE(columns_from_values(s, values, columns));
}

static bool same_row(const struct side *s, const struct column *x, const struct column *y)
{
    for (uint32_t i = 0; i < s->n; i++) {
        struct value v = column_get(&x[i], 0), w = column_get(&y[i], 0);
        if (!value_eq(&v, &w))
            return false;
    }
    return true;
}

TEST(avro_fuzz, round_trips)
{
    uint64_t state = 11;
    for (int round = 0; round < 1500; round++) {
        struct avro_fixture f;
        struct side s;
        struct column columns[16], back[16];
        avro_open(&f);
        side_init(&s, schemas[round % N_SCHEMAS]);
        f.spec.wrapped = s.n > 1 || round % 2;
        random_row(&s, columns, &state);
        bool is_null = !f.spec.wrapped && column_is_null(&columns[0], 0);
        CHECK_INT(round_trip(&f.spec, &s, columns, back), is_null ? ROW_NULL : ROW_OK);
        CHECK(same_row(&s, columns, back));
        side_free(&s);
        avro_close(&f);
    }
}

/* The message as avro-c reads and writes it again. */
static void check_against_avro_c(struct str schema, struct str body)
{
    avro_schema_t parsed;
    avro_value_t value;
    char *again = mem_alloc(body.len + 1);
    REQUIRE(avro_schema_from_json_length(schema.p, schema.len, &parsed) == 0);
    avro_value_iface_t *iface = avro_generic_class_from_schema(parsed);
    REQUIRE(iface != NULL && avro_generic_value_new(iface, &value) == 0);
    avro_reader_t reader = avro_reader_memory(body.p, body.len);
    avro_writer_t writer = avro_writer_memory(again, body.len + 1);
    CHECK_INT(avro_value_read(reader, &value), 0);
    CHECK_INT(avro_value_write(writer, &value), 0);
    CHECK_INT(avro_writer_tell(writer), body.len);
    CHECK(memcmp(again, body.p, body.len) == 0);
    avro_writer_free(writer);
    avro_reader_free(reader);
    avro_value_decref(&value);
    avro_value_iface_decref(iface);
    avro_schema_decref(parsed);
    mem_free(again);
}

TEST(avro_fuzz, as_avro_c)
{
    uint64_t state = 12;
    for (int round = 0; round < 600; round++) {
        struct avro_fixture f;
        struct side s;
        struct column columns[16];
        struct encoder *enc;
        struct buf b;
        bool is_null;
        const struct registered_schema *schema;
        avro_open(&f);
        side_init(&s, schemas[round % N_SCHEMAS]);
        buf_init(&b, 0);
        random_row(&s, columns, &state);
        REQUIRE(encoder_create(&f.spec, s.columns, s.n, &enc, NULL) == STATUS_OK);
        REQUIRE(encode(enc, columns, 0, &b, &is_null, NULL) == STATUS_OK);
        REQUIRE(registry_by_subject(f.registry, STR("t-value"), 0, &schema, NULL) == STATUS_OK);
        check_against_avro_c(schema->text, str_make(b.p + SCHEMA_HEADER, b.len - SCHEMA_HEADER));
        encoder_destroy(enc);
        buf_free(&b);
        side_free(&s);
        avro_close(&f);
    }
}

static void mutate(struct buf *b, uint64_t *state)
{
    static const unsigned char odd[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0xfe, 3};
    for (uint64_t n = random_next(state) % 4; n > 0 && b->len > SCHEMA_HEADER; n--) {
        size_t at = SCHEMA_HEADER + random_next(state) % (b->len - SCHEMA_HEADER);
        size_t many = random_next(state) % 12;
        switch (random_next(state) % 4) {
        case 0:
            b->p[at] = (char)odd[random_next(state) % sizeof odd];
            break;
        case 1:
            b->p[at] = (char)random_next(state);
            break;
        case 2:
            for (size_t i = at; i < b->len && i < at + many; i++)
                b->p[i] = (char)0xff;
            break;
        default:
            b->len = at;
        }
    }
}

/* A decoder of everything and one of nothing agree on what is a record; neither reads beyond its end. */
TEST(avro_fuzz, mutations)
{
    uint64_t state = 13;
    int n_good = 0, n_bad = 0;
    for (int k = 0; k < N_SCHEMAS; k++) {
        struct avro_fixture f;
        struct side s;
        struct column columns[16], out[16];
        struct encoder *enc;
        struct decoder *all, *none;
        struct decode_field fields[16];
        struct buf b;
        bool is_null;
        avro_open(&f);
        side_init(&s, schemas[k]);
        buf_init(&b, 0);
        for (uint32_t i = 0; i < s.n; i++)
            fields[i] = (struct decode_field){.column = i, .type = s.columns[i].type};
        REQUIRE(encoder_create(&f.spec, s.columns, s.n, &enc, NULL) == STATUS_OK);
        REQUIRE(decoder_create(&f.spec, s.columns, s.n, fields, s.n, &all, NULL) == STATUS_OK);
        REQUIRE(decoder_create(&f.spec, s.columns, s.n, fields, 0, &none, NULL) == STATUS_OK);
        for (int round = 0; round < 2000; round++) {
            struct arena a;
            uint8_t state_all, state_none;
            arena_init(&a, 64 << 20);
            random_row(&s, columns, &state);
            b.len = 0;
            REQUIRE(encode(enc, columns, 0, &b, &is_null, NULL) == STATUS_OK);
            mutate(&b, &state);
            char *copy = mem_alloc(b.len);
            memcpy(copy, b.p, b.len);
            struct str payload = str_make(copy, b.len);
            CHECK_INT(decode(all, &payload, 1, &a, out, &state_all, NULL), STATUS_OK);
            CHECK_INT(decode(none, &payload, 1, &a, out, &state_none, NULL), STATUS_OK);
            CHECK(state_all == state_none || state_none == ROW_OK);
            n_good += state_all == ROW_OK;
            n_bad += state_all == ROW_BAD;
            mem_free(copy);
            arena_free(&a);
        }
        encoder_destroy(enc);
        decoder_destroy(all);
        decoder_destroy(none);
        buf_free(&b);
        side_free(&s);
        avro_close(&f);
    }
    CHECK(n_good > 1000 && n_bad > 1000);
}

/* Any allocation may fail; nothing is lost or read twice. */
TEST(avro_fuzz, memory_runs_out)
{
    struct avro_fixture f;
    struct side s;
    struct column columns[16], back[16];
    uint64_t state = 14;
    avro_open(&f);
    side_init(&s, schemas[1]);
    random_row(&s, columns, &state);
    CHECK_INT(round_trip(&f.spec, &s, columns, back), ROW_OK); /* the schema is known from here on */
    bool done = false;
    for (long n = 1; !done && n < 10000; n++) {
        struct encoder *enc = NULL;
        struct decoder *dec = NULL;
        struct decode_field fields[4];
        struct buf b;
        struct arena a;
        uint8_t row_state;
        bool is_null;
        buf_init(&b, 0);
        arena_init(&a, 0);
        for (uint32_t i = 0; i < s.n; i++)
            fields[i] = (struct decode_field){.column = i, .type = s.columns[i].type};
        mem_fail_after(n);
        enum status st = encoder_create(&f.spec, s.columns, s.n, &enc, NULL);
        if (st == STATUS_OK)
            st = encode(enc, columns, 0, &b, &is_null, NULL);
        if (st == STATUS_OK)
            st = decoder_create(&f.spec, s.columns, s.n, fields, s.n, &dec, NULL);
        struct str payload = buf_str(&b);
        if (st == STATUS_OK)
            st = decode(dec, &payload, 1, &a, back, &row_state, NULL);
        mem_fail_after(0);
        CHECK(st == STATUS_OK || st == STATUS_NOMEM);
        done = st == STATUS_OK;
        if (done)
            CHECK(row_state == ROW_OK && same_row(&s, columns, back));
        encoder_destroy(enc);
        decoder_destroy(dec);
        buf_free(&b);
        arena_free(&a);
    }
    CHECK(done);
    side_free(&s);
    avro_close(&f);
}

/* Schema texts that are broken anywhere are refused, or are still schemas. */
TEST(avro_fuzz, schema_texts)
{
    static const char whole[] =
        "{\"type\":\"record\",\"name\":\"r\",\"namespace\":\"a.b\",\"fields\":[{\"name\":\"x\",\"type\":[\"null\",{"
        "\"type\":\"enum\","
        "\"name\":\"e\",\"symbols\":[\"P\",\"Q\"]}],\"default\":null},{\"name\":\"y\",\"type\":{\"type\":\"array\","
        "\"items\":{"
        "\"type\":\"map\",\"values\":\"e\"}}},{\"name\":\"z\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\","
        "\"precision\":"
        "4,\"scale\":2}},{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"fx\",\"size\":4}}]}";
    uint64_t state = 15;
    struct avro_fixture f;
    avro_open(&f);
    int n_good = 0;
    for (int round = 0; round < 4000; round++) {
        char *text = mem_alloc(sizeof whole - 1);
        size_t len = sizeof whole - 1;
        struct arena a;
        const struct schema_column *got;
        uint32_t n;
        arena_init(&a, 0);
        memcpy(text, whole, len);
        for (uint64_t k = random_next(&state) % 3; k > 0; k--) {
            size_t at = random_next(&state) % len, from = random_next(&state) % len;
            size_t many = 1 + random_next(&state) % 12;
            for (size_t i = 0; i < many && at + i < len && from + i < len; i++)
                text[at + i] = whole[from + i];
        }
        struct registered_schema s = {.type = SCHEMA_AVRO, .text = str_make(text, len)};
        enum status st = columns_from_schema(&f.spec, f.registry, &s, false, &a, &got, &n, NULL);
        CHECK(st == STATUS_OK || st == STATUS_INVALID);
        n_good += st == STATUS_OK;
        arena_free(&a);
        mem_free(text);
    }
    CHECK(n_good > 500 && n_good < 4000);
    avro_close(&f);
}

/* Bytes at random as messages of all kinds of schemas, read into the columns that are inferred, and into none. */
TEST(avro_fuzz, random_bytes)
{
    static const char
        *const
            writers[] =
                {
                    RECORD(FIELD("a", "[\"null\",\"int\",\"string\"]") "," FIELD("b", "[\"int\",\"null\"]") "," FIELD(
                        "c", "[\"float\"]")),
                    RECORD(FIELD("a", "{\"type\":\"map\",\"values\":[\"null\",{\"type\":\"enum\",\"name\":\"e\","
                                      "\"symbols\":[\"X\",\"Y\"]}]}") "," FIELD(
                        "b", "{\"type\":\"array\",\"items\":{\"type\":\"fixed\",\"name\":\"x\",\"size\":2}}")),
                    RECORD(FIELD("a", "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"e\",\"connect."
                                      "internal.type\":\"MapEntry\","
                                      "\"fields\":[" FIELD("key", "[\"null\",\"string\"]") "," FIELD(
                                          "value", "[\"null\",\"double\"]") "]}}")),
                    RECORD(FIELD("a", "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"q\",\"fields\":[]}"
                                      "}") "," FIELD("b", "{\"type\":\"bytes\",\"logicalType\":\"decimal\","
                                                          "\"precision\":20,\"scale\":3}") "," FIELD(
                        "c", "{\"type\":\"int\",\"logicalType\":\"time-millis\"}")),
                };
    uint64_t state = 16;
    int n_good = 0;
    for (size_t k = 0; k < sizeof writers / sizeof *writers; k++) {
        struct avro_fixture f;
        struct arena a;
        struct decoder *all, *none;
        struct decode_field fields[8];
        const struct schema_column *columns;
        const struct registered_schema *schema;
        uint32_t n;
        avro_open(&f);
        arena_init(&a, 0);
        int32_t id = avro_add(&f, writers[k]);
        REQUIRE(registry_by_id(f.registry, id, &schema, NULL) == STATUS_OK);
        REQUIRE(columns_from_schema(&f.spec, f.registry, schema, false, &a, &columns, &n, NULL) == STATUS_OK);
        for (uint32_t i = 0; i < n; i++)
            fields[i] = (struct decode_field){.column = i, .type = columns[i].type};
        REQUIRE(decoder_create(&f.spec, columns, n, fields, n, &all, NULL) == STATUS_OK);
        REQUIRE(decoder_create(&f.spec, columns, n, fields, 0, &none, NULL) == STATUS_OK);
        for (int round = 0; round < 3000; round++) {
            struct arena rows;
            struct column out[8];
            uint8_t state_all, state_none;
            size_t len = SCHEMA_HEADER + random_next(&state) % 24;
            char *bytes = mem_alloc(len);
            memcpy(bytes, "\0\0\0\0\1", SCHEMA_HEADER);
            for (size_t i = SCHEMA_HEADER; i < len; i++)
                bytes[i] = (char)(random_next(&state) % 3 ? random_next(&state) % 6 : random_next(&state));
            struct str payload = str_make(bytes, len);
            arena_init(&rows, 64 << 20);
            CHECK_INT(decode(all, &payload, 1, &rows, out, &state_all, NULL), STATUS_OK);
            CHECK_INT(decode(none, &payload, 1, &rows, out, &state_none, NULL), STATUS_OK);
            CHECK(state_all == state_none || state_none == ROW_OK);
            n_good += state_all == ROW_OK;
            arena_free(&rows);
            mem_free(bytes);
        }
        decoder_destroy(all);
        decoder_destroy(none);
        arena_free(&a);
        avro_close(&f);
    }
    CHECK(n_good > 100);
}
