/* Mutated JSON: the fast way and the general way must agree on everything, and neither may touch a byte that is not its
 * own (under the sanitizers). A byte order mark in front is a reason for the general way, and changes nothing else. */
#include "util.h"

#include <stdio.h>

static const char schema[] = "A BIGINT, B STRING, C DOUBLE, D BOOLEAN, E INT, F DECIMAL(8,3), G ARRAY<INT>, H STRUCT<X "
                             "STRING,Y INT>, I MAP<STRING,INT>, "
                             "`j` STRING, K DATE, L BYTES, M TIMESTAMP, N TIME";

static const char *const seeds[] = {
    "{\"A\":1497014222380,\"B\":\"Item_184\",\"C\":8.13,\"D\":true,\"E\":18,\"F\":12.5,\"G\":[1,2],\"H\":{\"X\":\"s\","
    "\"Y\":3},"
    "\"I\":{\"k\":1},\"j\":\"lower\",\"K\":17000,\"L\":\"aGk=\",\"M\":1497014222380,\"N\":1000}",
    "{\"a\":1,\"b\":\"\\u00e9\\n\\ud83d\\ude00\",\"c\":-1.5e-3,\"d\":null,\"e\":-7,\"unknown\":{\"x\":[1,{\"y\":\"z\"}]"
    "}}",
    " { \"b\" : \"plain \xC3\xA9 text that is longer than sixteen bytes\" , \"c\" : 0.1 , \"a\" : 0 } ",
    "{\"B\":{\"x\":[1.50,true,null,\"q\"]},\"A\":\"12\",\"E\":2.9,\"C\":\"NaN\",\"F\":\"1.250\",\"h\":null,\"J\":1}",
    "{\"A\":1,\"A\":2,\"a\":3,\"B\":\"x\",\"b\":\"y\"}",
};

static const char *const tokens[] = {"{",
                                     "}",
                                     "[",
                                     "]",
                                     ",",
                                     ":",
                                     "\"",
                                     "\\",
                                     "null",
                                     "true",
                                     "false",
                                     "1",
                                     "-",
                                     "0",
                                     ".",
                                     "e",
                                     "E+",
                                     "\\u",
                                     "\\ud83d",
                                     "\xC3\xA9",
                                     "\xff",
                                     "\xF0\x9F\x98\x80",
                                     " ",
                                     "\n",
                                     "\"A\":",
                                     "\"b\":\"",
                                     "\"H\":{",
                                     "1e5",
                                     "99999999999999999999",
                                     "\x01"};

static void mutate(struct buf *b, uint64_t *state)
{
    for (uint64_t n = random_next(state) % 4; n > 0; n--) {
        size_t at = b->len ? random_next(state) % b->len : 0;
        const char *token = tokens[random_next(state) % (sizeof tokens / sizeof *tokens)];
        size_t len = strlen(token);
        switch (random_next(state) % 5) {
        case 0: /* overwrite */
            for (size_t i = 0; i < len && at + i < b->len; i++)
                b->p[at + i] = token[i];
            break;
        case 1: /* insert */
            buf_puts(b, str_from(token));
            memmove(b->p + at + len, b->p + at, b->len - len - at);
            memcpy(b->p + at, token, len);
            break;
        case 2: { /* remove */
            size_t cut = random_next(state) % 8;
            cut = cut > b->len - at ? b->len - at : cut;
            memmove(b->p + at, b->p + at + cut, b->len - at - cut);
            b->len -= cut;
            break;
        }
        case 3: /* cut off */
            if (random_next(state) % 4 == 0)
                b->len = at;
            break;
        default: /* a random byte */
            if (b->len)
                b->p[at] = (char)random_next(state);
        }
    }
}

struct result {
    struct arena a;
    struct column columns[14];
    uint8_t states[16];
    struct buf reasons[16];
};

static void keep_reason(void *data, uint32_t row, const char *reason)
{
    buf_puts(&((struct result *)data)->reasons[row], str_from(reason));
}

static void decode_all(struct decoder *dec, const struct str *payloads, uint32_t n, struct result *r)
{
    memset(r, 0, sizeof *r);
    arena_init(&r->a, 0);
    struct decode_sink sink = {keep_reason, r};
    REQUIRE(decode(dec, payloads, n, &r->a, r->columns, r->states, &sink) == STATUS_OK);
}

static void result_free(struct result *r)
{
    for (int i = 0; i < 16; i++)
        buf_free(&r->reasons[i]);
    arena_free(&r->a);
}

static bool same_row(struct result *x, struct result *y, uint32_t row)
{
    if (x->states[row] != y->states[row])
        return false;
    for (uint32_t k = 0; k < 14; k++) {
        struct value v = column_get(&x->columns[k], row), w = column_get(&y->columns[k], row);
        if (!value_eq(&v, &w))
            return false;
    }
    return strcmp(buf_z(&x->reasons[row]), buf_z(&y->reasons[row])) == 0;
}

TEST(json_fuzz, fast_and_general_agree)
{
    struct side s;
    struct decode_field fields[14];
    struct decoder *fast, *general, *picky;
    side_init(&s, schema);
    for (uint32_t i = 0; i < s.n; i++)
        fields[i] = (struct decode_field){.column = i, .type = s.columns[i].type};
    REQUIRE(decoder_create(&json_spec, s.columns, s.n, fields, s.n, &fast, NULL) == STATUS_OK);
    REQUIRE(decoder_create(&json_spec, s.columns, s.n, fields, s.n, &general, NULL) == STATUS_OK);
    REQUIRE(decoder_create(&json_spec, s.columns, s.n, fields, 1, &picky, NULL) == STATUS_OK);
    uint64_t state = 2024;
    int n_good = 0, n_bad = 0;
    for (int round = 0; round < 4000; round++) {
        struct str plain[16], marked[16];
        for (int i = 0; i < 16; i++) {
            struct buf b;
            buf_init(&b, 0);
            buf_puts(&b, str_from(seeds[random_next(&state) % (sizeof seeds / sizeof *seeds)]));
            mutate(&b, &state);
            char *p = mem_alloc(b.len), *q = mem_alloc(b.len + 3);
            if (b.len)
                memcpy(p, b.p, b.len);
            memcpy(q, "\xEF\xBB\xBF", 3);
            if (b.len)
                memcpy(q + 3, b.p, b.len);
            plain[i] = str_make(p, b.len);
            marked[i] = str_make(q, b.len + 3);
            buf_free(&b);
        }
        struct result x, y, z;
        decode_all(fast, plain, 16, &x);
        decode_all(general, marked, 16, &y);
        decode_all(picky, plain, 16, &z);
        for (uint32_t i = 0; i < 16; i++) {
            bool same = same_row(&x, &y, i) && z.states[i] == x.states[i];
            if (!same)
                fprintf(stderr, "differs: " STR_FMT "\n  %s\n  %s\n  %s\n", STR_ARG(plain[i]), buf_z(&x.reasons[i]),
                        buf_z(&y.reasons[i]), buf_z(&z.reasons[i]));
            CHECK(same);
            CHECK(x.states[i] != ROW_BAD || x.reasons[i].len > 0);
            n_good += x.states[i] == ROW_OK;
            n_bad += x.states[i] == ROW_BAD;
        }
        result_free(&x);
        result_free(&y);
        result_free(&z);
        for (int i = 0; i < 16; i++) {
            mem_free((void *)(uintptr_t)plain[i].p);
            mem_free((void *)(uintptr_t)marked[i].p);
        }
    }
    CHECK(n_good > 10000 && n_bad > 10000); /* both sides are tried */
    decoder_destroy(fast);
    decoder_destroy(general);
    decoder_destroy(picky);
    side_free(&s);
}

TEST(json_fuzz, random_round_trips)
{
    struct side s;
    struct decode_field fields[14];
    struct decoder *dec;
    struct encoder *enc;
    side_init(&s, schema);
    for (uint32_t i = 0; i < s.n; i++)
        fields[i] = (struct decode_field){.column = i, .type = s.columns[i].type};
    REQUIRE(decoder_create(&json_spec, s.columns, s.n, fields, s.n, &dec, NULL) == STATUS_OK);
    REQUIRE(encoder_create(&json_spec, s.columns, s.n, &enc, NULL) == STATUS_OK);
    uint64_t state = 11;
    for (int i = 0; i < 5000; i++) {
        struct value values[14];
        struct column columns[14];
        struct result r;
        struct buf b;
        bool is_null;
        buf_init(&b, 0);
        for (uint32_t k = 0; k < s.n; k++)
            values[k] = random_value(&s.a, s.columns[k].type, &state);
        REQUIRE(columns_from_values(&s, values, columns));
        REQUIRE(encode(enc, columns, 0, &b, &is_null, NULL) == STATUS_OK);
        struct str payload = buf_str(&b);
        decode_all(dec, &payload, 1, &r);
        bool same = r.states[0] == ROW_OK;
        for (uint32_t k = 0; k < s.n; k++) {
            struct value v = column_get(&r.columns[k], 0);
            same &= value_eq(&v, &values[k]);
        }
        if (!same)
            fprintf(stderr, "differs: %s\n%s\n", buf_z(&b), buf_z(&r.reasons[0]));
        CHECK(same);
        result_free(&r);
        buf_free(&b);
    }
    decoder_destroy(dec);
    encoder_destroy(enc);
    side_free(&s);
}
