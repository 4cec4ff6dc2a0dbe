/* How fast records are decoded and encoded, on one thread:
 *
 *   formats_bench [TEXT]           the measurements with TEXT in their name, one a line: what, nanoseconds a record,
 *                                  megabytes a second
 *   formats_bench --check N        N mutated texts through our reader and simdjson: they must agree on what is valid
 *
 * The time is the process's CPU time in the best of many rounds, which a busy machine disturbs least. Records are the
 * orders of the other benchmarks: 168 bytes, 9 scalar fields, one STRUCT. A record's time includes all of decode():
 * columns, validity, strings. */
#include "bench/json_yardstick.h"
#include "formats/formats.h"
#include "formats/row.h"

#include <stdio.h>
#include <stdlib.h>

enum { N = 4096, ROUNDS = 200, MAX_FIELDS = 12 };

static struct arena memory;
static struct str orders[N], rows[N], csv[N], avro[N], messages[N];
static uint64_t seed = 42;
static const char *wanted = "";

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static struct schema_column columns[] = {
    {.name = STR("ORDERTIME"), .type = &TYPE_BIGINT},  {.name = STR("ORDERID"), .type = &TYPE_BIGINT},
    {.name = STR("ITEMID"), .type = &TYPE_STRING},     {.name = STR("USERID"), .type = &TYPE_STRING},
    {.name = STR("ORDERUNITS"), .type = &TYPE_DOUBLE}, {.name = STR("ADDRESS")},
};
static const struct field address[] = {
    {STR("CITY"), &TYPE_STRING}, {STR("STATE"), &TYPE_STRING}, {STR("ZIPCODE"), &TYPE_INT}};

static void make_orders(void)
{
    columns[5].type = type_struct(&memory, address, 3);
    for (unsigned i = 0; i < N; i++) {
        uint64_t s = next_random();
        orders[i] = str_printf(
            &memory,
            "{\"ordertime\":%lld,\"orderid\":%u,\"itemid\":\"Item_%u\",\"userid\":\"User_%06u\",\"orderunits\":%u.%02u,"
            "\"address\":{\"city\":\"City_%u\",\"state\":\"State_%u\",\"zipcode\":%u}}",
            1600000000000LL + i / 10, 1000000 + i, (unsigned)(s % 1000), (unsigned)((s >> 20) % 100000),
            (unsigned)((s >> 40) % 10), (unsigned)((s >> 33) % 100), (unsigned)(s >> 12) % 100,
            (unsigned)(s >> 15) % 50, (unsigned)(s >> 18) % 90000 + 10000);
        csv[i] = str_printf(&memory, "%lld,%u,Item_%u,User_%06u,%u.%02u", 1600000000000LL + i / 10, 1000000 + i,
                            (unsigned)(s % 1000), (unsigned)((s >> 20) % 100000), (unsigned)((s >> 40) % 10),
                            (unsigned)((s >> 33) % 100));
    }
}

static size_t bytes_of(const struct str *records)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < N; i++)
        bytes += records[i].len;
    return bytes;
}

/* The shortest of the rounds so far. */
struct timer {
    int64_t begin, best;
};

static void timer_start(struct timer *t)
{
    t->begin = clock_cpu_ns();
}

static void timer_stop(struct timer *t)
{
    int64_t ns = clock_cpu_ns() - t->begin;
    if (t->best == 0 || ns < t->best)
        t->best = ns;
}

static void report(const char *what, const struct timer *t, size_t bytes)
{
    printf("%-44s %7.1f ns/record %8.0f MB/s\n", what, (double)t->best / N, (double)bytes * 1e3 / (double)t->best);
}

static void die(const char *what)
{
    fprintf(stderr, "formats_bench: %s\n", what);
    exit(1);
}

static void decoding(const char *what, struct format_spec spec, uint32_t n_columns, const struct str *records,
                     const struct decode_field *fields, uint32_t n_fields)
{
    struct decoder *dec;
    struct arena a;
    struct column out[MAX_FIELDS];
    static uint8_t states[N];
    if (!strstr(what, wanted))
        return;
    if (decoder_create(&spec, columns, n_columns, fields, n_fields, &dec, NULL) != STATUS_OK)
        die(what);
    arena_init(&a, 0);
    struct timer t = {0};
    for (int round = 0; round < ROUNDS; round++) {
        timer_start(&t);
        arena_clear(&a);
        if (decode(dec, records, N, &a, out, states, NULL) != STATUS_OK || states[N - 1] != ROW_OK)
            die(what);
        timer_stop(&t);
    }
    report(what, &t, bytes_of(records));
    arena_free(&a);
    decoder_destroy(dec);
}

static void yardstick_run(void)
{
    if (!strstr("simdjson", wanted))
        return;
    struct yardstick *y = yardstick_create();
    struct timer t = {0};
    int64_t time, sum = 0;
    const char *user;
    size_t len;
    double units;
    for (int round = 0; round < ROUNDS; round++) {
        timer_start(&t);
        for (unsigned i = 0; i < N; i++) {
            if (!yardstick_order(y, orders[i].p, orders[i].len, &time, &user, &len, &units))
                die("simdjson");
            sum += time + (int64_t)len;
        }
        timer_stop(&t);
    }
    if (sum == 0)
        die("nothing read");
    report("simdjson On-Demand, 3 of 9 (no columns)", &t, bytes_of(orders));
    yardstick_destroy(y);
}

static void encoding(const char *what, struct format_spec spec, const uint32_t *which, uint32_t n)
{
    struct decoder *dec;
    struct encoder *enc;
    struct column out[MAX_FIELDS];
    struct schema_column sink[MAX_FIELDS];
    struct decode_field fields[MAX_FIELDS];
    static uint8_t states[N];
    struct format_spec json = {.kind = FORMAT_JSON, .wrapped = true};
    for (uint32_t i = 0; i < n; i++) {
        sink[i] = columns[which[i]];
        fields[i] = (struct decode_field){.column = which[i], .type = sink[i].type};
    }
    struct buf b;
    bool is_null;
    buf_init(&b, 0);
    if (decoder_create(&json, columns, 6, fields, n, &dec, NULL) != STATUS_OK ||
        encoder_create(&spec, sink, n, &enc, NULL) != STATUS_OK ||
        decode(dec, orders, N, &memory, out, states, NULL) != STATUS_OK)
        die(what);
    size_t bytes = 0;
    struct timer t = {0};
    for (int round = 0; round < ROUNDS; round++) {
        timer_start(&t);
        b.len = 0;
        for (uint32_t i = 0; i < N; i++)
            if (encode(enc, out, i, &b, &is_null, NULL) != STATUS_OK)
                die(what);
        bytes = b.len;
        timer_stop(&t);
    }
    if (strstr(what, wanted))
        report(what, &t, bytes);
    struct str *keep = spec.kind == FORMAT_ROW              ? rows
                       : spec.kind >= FORMAT_PROTOBUF       ? messages
                       : spec.kind == FORMAT_AVRO && n == 6 ? avro
                                                            : NULL;
    if (keep) { /* for decoding */
        for (uint32_t i = 0; i < N; i++) {
            b.len = 0;
            if (encode(enc, out, i, &b, &is_null, NULL) != STATUS_OK)
                die(what);
            keep[i] = str_dup(&memory, buf_str(&b));
        }
    }
    buf_free(&b);
    encoder_destroy(enc);
    decoder_destroy(dec);
}

/* ---- agreement with simdjson -------------------------------------------------------------------------- */

static const char *const pieces[] = {
    "{", "}",  "[",   "]",   ",",        ":",    "\"", "\\", "null",   "true",  "false",        "1",    "-",  "0", ".",
    "e", "E+", "\\u", "\\n", "\xC3\xA9", "\xff", " ",  "\n", "\"k\":", "1.5e3", "\xED\xA0\x80", "\x01", "tru"};

static void mutate(struct buf *b)
{
    for (uint64_t n = next_random() % 5; n > 0; n--) {
        size_t at = b->len ? next_random() % b->len : 0;
        struct str piece = str_from(pieces[next_random() % (sizeof pieces / sizeof *pieces)]);
        if (next_random() % 3 == 0 && at + piece.len < b->len) {
            memcpy(b->p + at, piece.p, piece.len);
        } else if (next_random() % 2) {
            buf_puts(b, piece);
            memmove(b->p + at + piece.len, b->p + at, b->len - piece.len - at);
            memcpy(b->p + at, piece.p, piece.len);
        } else if (b->len - at > 2) {
            memmove(b->p + at, b->p + at + 2, b->len - at - 2);
            b->len -= 2;
        }
    }
}

/* What the two mean to treat differently: half surrogates, and numbers beyond a double. */
static bool may_differ(const struct buf *b)
{
    for (size_t i = 1; i < b->len; i++)
        if ((b->p[i] | 32) == 'e' && b->p[i - 1] >= '0' && b->p[i - 1] <= '9')
            return true;
    return memmem(b->p, b->len, "\\u", 2) != NULL;
}

static int check(long n)
{
    static const char *const seeds[] = {"{\"a\":1497014222380,\"b\":\"It\xC3\xA9m_184\",\"c\":8.13,\"d\":[1,null,{"
                                        "\"x\":[]}],\"e\":{\"f\":\"\\n\\u0041\"}}",
                                        "[1,-2.50,\"x\\\\y\",[[]],{},{\"k\":{\"k\":0}},true,false,null]",
                                        " {\n \"a\" : [ 1 , 2 ] } "};
    struct format_spec bare = {.kind = FORMAT_JSON};
    struct schema_column column = {.name = STR("A"), .type = &TYPE_STRING};
    struct decoder *dec;
    struct yardstick *y = yardstick_create();
    struct buf b;
    struct arena a;
    long n_valid = 0, n_skipped = 0, n_wrong = 0;
    if (!y || decoder_create(&bare, &column, 1, NULL, 0, &dec, NULL) != STATUS_OK)
        die("check");
    buf_init(&b, 0);
    arena_init(&a, 0);
    for (long i = 0; i < n; i++) {
        b.len = 0;
        /* Between brackets the end of the value is the end of the text, unless a mutation closes it early. */
        buf_puts(&b, str_from(seeds[next_random() % 3]));
        mutate(&b);
        uint8_t state;
        struct str payload = buf_str(&b);
        arena_clear(&a);
        if (decode(dec, &payload, 1, &a, NULL, &state, NULL) != STATUS_OK)
            die("decode");
        bool ours = state == ROW_OK, theirs = yardstick_valid(y, b.p, b.len);
        if (ours != theirs && (may_differ(&b) || ours)) {
            /* Accepted by us alone: right if some beginning of the text is a whole value. */
            bool explained = may_differ(&b);
            for (size_t len = 1; !explained && len < b.len; len++)
                explained = yardstick_valid(y, b.p, len);
            n_skipped += explained;
            if (explained)
                continue;
        }
        n_valid += ours;
        if (ours != theirs) {
            n_wrong++;
            printf("ours %d, theirs %d: " STR_FMT "\n", ours, theirs, STR_ARG(payload));
        }
    }
    printf("%ld texts, %ld valid for both, %ld differ for a known reason, %ld wrong\n", n, n_valid, n_skipped, n_wrong);
    buf_free(&b);
    arena_free(&a);
    decoder_destroy(dec);
    yardstick_destroy(y);
    return n_wrong != 0;
}

/* The orders as messages; those that the last encoding of all columns kept are decoded. */
static void protobuf(const uint32_t *three, const uint32_t *all, const struct decode_field *read3,
                     const struct decode_field *with_city, const struct decode_field *whole)
{
    struct schema_site site = {.topic = "orders"};
    struct format_spec nosr = {.kind = FORMAT_PROTOBUF_NOSR, .wrapped = true},
                       framed = {.kind = FORMAT_PROTOBUF, .wrapped = true, .site = &site};
    if (registry_open_memory(&site.registry, NULL) != STATUS_OK)
        die("registry");
    encoding("PROTOBUF encode, 3 columns", framed, three, 3);
    encoding("PROTOBUF encode, all", framed, all, 6);
    decoding("PROTOBUF decode, 3 of 9", framed, 6, messages, read3, 3);
    encoding("PROTOBUF_NOSR encode, all", nosr, all, 6);
    decoding("PROTOBUF_NOSR decode, 3 of 9", nosr, 6, messages, read3, 3);
    decoding("PROTOBUF_NOSR decode, 3 of 9, one inside a STRUCT", nosr, 6, messages, with_city, 3);
    decoding("PROTOBUF_NOSR decode, all, STRUCT as a whole", nosr, 6, messages, whole, 6);
    registry_close(site.registry);
}

int main(int argc, char **argv)
{
    arena_init(&memory, 0);
    if (argc == 3 && strcmp(argv[1], "--check") == 0)
        return check(atol(argv[2]));
    if (argc == 2)
        wanted = argv[1];
    make_orders();
    static const uint32_t city[] = {0}, all[] = {0, 1, 2, 3, 4}, three[] = {0, 3, 4}, nested[] = {0, 1, 2, 3, 4, 5};
    const struct type *s = columns[5].type;
    const struct decode_field read3[] = {
        {0, 0, NULL, &TYPE_BIGINT}, {3, 0, NULL, &TYPE_STRING}, {4, 0, NULL, &TYPE_DOUBLE}};
    const struct decode_field with_city[] = {
        {1, 0, NULL, &TYPE_BIGINT}, {4, 0, NULL, &TYPE_DOUBLE}, {5, 1, city, &TYPE_STRING}};
    const struct decode_field whole[] = {{0, 0, NULL, &TYPE_BIGINT}, {1, 0, NULL, &TYPE_BIGINT},
                                         {2, 0, NULL, &TYPE_STRING}, {3, 0, NULL, &TYPE_STRING},
                                         {4, 0, NULL, &TYPE_DOUBLE}, {5, 0, NULL, s}};
    struct format_spec json = {.kind = FORMAT_JSON, .wrapped = true}, row = {.kind = FORMAT_ROW},
                       delimited = {.kind = FORMAT_DELIMITED};
    decoding("JSON decode, 3 of 9", json, 6, orders, read3, 3);
    decoding("JSON decode, none of 9", json, 6, orders, NULL, 0);
    decoding("JSON decode, 3 of 9, one inside a STRUCT", json, 6, orders, with_city, 3);
    decoding("JSON decode, all, STRUCT as a whole", json, 6, orders, whole, 6);
    yardstick_run();
    encoding("JSON encode, 3 columns", json, three, 3);
    encoding("JSON encode, all", json, nested, 6);
    decoding("DELIMITED decode, 5 columns", delimited, 5, csv, whole, 5);
    encoding("DELIMITED encode, 5 columns", delimited, all, 5);
    encoding("ROW encode, 5 columns", row, all, 5);
    decoding("ROW decode, 5 columns", row, 5, rows, whole, 5);
    struct registry *registry;
    if (registry_open_memory(&registry, NULL) != STATUS_OK)
        die("registry");
    struct schema_site site = {registry, "orders", false};
    struct format_spec avro_spec = {.kind = FORMAT_AVRO, .wrapped = true, .site = &site};
    encoding("AVRO encode, 3 columns", avro_spec, three, 3);
    encoding("AVRO encode, all", avro_spec, nested, 6);
    decoding("AVRO decode, 3 of 9", avro_spec, 6, avro, read3, 3);
    decoding("AVRO decode, none of 9", avro_spec, 6, avro, NULL, 0);
    decoding("AVRO decode, 3 of 9, one inside a STRUCT", avro_spec, 6, avro, with_city, 3);
    decoding("AVRO decode, all, STRUCT as a whole", avro_spec, 6, avro, whole, 6);
    registry_close(registry);
    protobuf(three, nested, read3, with_city, whole);
    arena_free(&memory);
    return 0;
}
