/* PROTOBUF_NOSR against libprotobuf: random rows, and bytes that random changes were made to. */
#include "protobuf_peer.h"
#include "util.h"

enum { MAX_FIELDS = 16, ROUNDS = 3000 };

struct pair {
    struct side s;
    struct format_spec spec;
    struct peer *peer;
    struct encoder *enc;
    struct decoder *dec;
    uint64_t state;
};

static void pair_open(struct pair *p, enum proto_nulls nulls, const char *schema)
{
    struct buf text;
    struct decode_field fields[MAX_FIELDS];
    buf_init(&text, 0);
    side_init(&p->s, schema);
    p->state = 42;
    p->spec = (struct format_spec){.kind = FORMAT_PROTOBUF_NOSR, .wrapped = true, .nulls = nulls};
    for (uint32_t i = 0; i < p->s.n; i++)
        fields[i] = (struct decode_field){.column = i, .type = p->s.columns[i].type};
    REQUIRE(columns_to_schema(&p->spec, p->s.columns, p->s.n, false, &text, NULL) == STATUS_OK);
    REQUIRE((p->peer = peer_open(buf_str(&text))) != NULL);
    REQUIRE(encoder_create(&p->spec, p->s.columns, p->s.n, &p->enc, NULL) == STATUS_OK);
    REQUIRE(decoder_create(&p->spec, p->s.columns, p->s.n, fields, p->s.n, &p->dec, NULL) == STATUS_OK);
    buf_free(&text);
}

static void pair_close(struct pair *p)
{
    encoder_destroy(p->enc);
    decoder_destroy(p->dec);
    peer_close(p->peer);
    side_free(&p->s);
}

/* Ours; the payload is copied to memory of its exact size. */
static uint8_t read_ours(struct pair *p, struct str bytes, struct arena *a, struct value *items)
{
    struct column out[MAX_FIELDS];
    uint8_t state = ROW_NULL;
    char *copy = mem_alloc(bytes.len);
    struct str payload = str_make(copy, bytes.len);
    if (bytes.len)
        memcpy(copy, bytes.p, bytes.len);
    CHECK_INT(decode(p->dec, &payload, 1, a, out, &state, NULL), STATUS_OK);
    for (uint32_t i = 0; i < p->s.n; i++) {
        struct value v = column_get(&out[i], 0);
        CHECK(value_copy(a, &items[i], &v));
    }
    mem_free(copy);
    return state;
}

static bool same_rows(const struct pair *p, const struct value *x, const struct value *y)
{
    for (uint32_t i = 0; i < p->s.n; i++)
        if (!value_eq(&x[i], &y[i]))
            return false;
    return true;
}

static void random_row(struct pair *p, struct arena *a, struct value *items, struct buf *ours, struct buf *theirs)
{
    struct column columns[MAX_FIELDS];
    bool is_null;
    for (uint32_t i = 0; i < p->s.n; i++) {
        items[i] = random_value(a, p->s.columns[i].type, &p->state);
        REQUIRE(column_init(&columns[i], p->s.columns[i].type, 1, true, a));
        column_set(&columns[i], 0, &items[i]);
    }
    ours->len = theirs->len = 0;
    REQUIRE(encode(p->enc, columns, 0, ours, &is_null, NULL) == STATUS_OK);
    REQUIRE(peer_write(p->peer, p->s.columns, p->s.n, items, theirs));
}

static void mutate(struct pair *p, struct buf *b)
{
    for (uint64_t n = random_next(&p->state) % 4 + 1; n > 0 && b->len; n--) {
        size_t at = random_next(&p->state) % b->len;
        switch (random_next(&p->state) % 4) {
        case 0:
            b->p[at] = (char)random_next(&p->state);
            break;
        case 1:
            b->p[at] ^= (char)(1 << random_next(&p->state) % 8);
            break;
        case 2:
            memmove(b->p + at, b->p + at + 1, b->len - at - 1);
            b->len--;
            break;
        default:
            buf_putc(b, b->p[at]);
        }
    }
}

static void rows_agree(enum proto_nulls nulls, const char *schema)
{
    struct pair p;
    struct buf ours, theirs;
    struct arena a;
    struct value row[MAX_FIELDS], back[MAX_FIELDS], also[MAX_FIELDS];
    unsigned n_wrong = 0;
    pair_open(&p, nulls, schema);
    buf_init(&ours, 0);
    buf_init(&theirs, 0);
    arena_init(&a, 0);
    for (int i = 0; i < ROUNDS && n_wrong == 0; i++) {
        arena_clear(&a);
        random_row(&p, &a, row, &ours, &theirs);
        n_wrong += !peer_read(p.peer, buf_str(&ours), p.s.columns, p.s.n, &a, also);
        n_wrong += read_ours(&p, buf_str(&ours), &a, back) != ROW_OK || !same_rows(&p, back, also);
        n_wrong += read_ours(&p, buf_str(&theirs), &a, back) != ROW_OK || !same_rows(&p, back, also);
    }
    CHECK_INT(n_wrong, 0);
    buf_free(&ours);
    buf_free(&theirs);
    arena_free(&a);
    pair_close(&p);
}

#define SCALARS "A INT, B BIGINT, C DOUBLE, D BOOLEAN, E STRING, F BYTES"
#define LISTS                                                                                                          \
    "G ARRAY<INT>, H ARRAY<DOUBLE>, I ARRAY<STRING>, J MAP<STRING, INT>, K STRUCT<X INT, Y STRING>, "                  \
    "L ARRAY<STRUCT<X BIGINT, Y ARRAY<BOOLEAN>>>, M MAP<STRING, STRUCT<X INT>>"
#define KNOWN "N DECIMAL(19, 4), O DATE, P TIME, Q TIMESTAMP, R ARRAY<DECIMAL(9, 2)>, S MAP<STRING, DATE>"

TEST(protobuf_random, rows_as_libprotobuf_has_them)
{
    for (int nulls = PROTO_NULLS_NONE; nulls <= PROTO_NULLS_WRAPPER; nulls++) {
        rows_agree((enum proto_nulls)nulls, SCALARS);
        rows_agree((enum proto_nulls)nulls, LISTS);
        rows_agree((enum proto_nulls)nulls, KNOWN);
        rows_agree((enum proto_nulls)nulls, "A ARRAY<ARRAY<STRING>>, B ARRAY<MAP<STRING, ARRAY<INT>>>");
    }
}

/* What libprotobuf takes we take, with the same values; what it refuses we refuse. */
static void changes_agree(enum proto_nulls nulls, const char *schema)
{
    struct pair p;
    struct buf ours, theirs;
    struct arena a;
    struct value row[MAX_FIELDS], back[MAX_FIELDS], also[MAX_FIELDS];
    unsigned n_wrong = 0, n_fine = 0, n_bad = 0;
    pair_open(&p, nulls, schema);
    buf_init(&ours, 0);
    buf_init(&theirs, 0);
    arena_init(&a, 0);
    for (int i = 0; i < ROUNDS * 5 && n_wrong == 0; i++) {
        arena_clear(&a);
        random_row(&p, &a, row, &ours, &theirs);
        mutate(&p, &ours);
        bool fine = peer_read(p.peer, buf_str(&ours), p.s.columns, p.s.n, &a, also);
        bool taken = read_ours(&p, buf_str(&ours), &a, back) == ROW_OK;
        n_wrong += fine != taken || (fine && !same_rows(&p, back, also));
        n_fine += fine;
        n_bad += !fine;
    }
    CHECK_INT(n_wrong, 0);
    CHECK(n_fine > ROUNDS / 10 && n_bad > ROUNDS / 10);
    buf_free(&ours);
    buf_free(&theirs);
    arena_free(&a);
    pair_close(&p);
}

TEST(protobuf_random, changed_bytes)
{
    for (int nulls = PROTO_NULLS_NONE; nulls <= PROTO_NULLS_WRAPPER; nulls++) {
        changes_agree((enum proto_nulls)nulls, SCALARS);
        changes_agree((enum proto_nulls)nulls, LISTS);
    }
}

/* Values of a calendar have rules of their own: only that nothing breaks. */
TEST(protobuf_random, changed_bytes_of_known_messages)
{
    struct pair p;
    struct buf ours, theirs;
    struct arena a;
    struct value row[MAX_FIELDS], back[MAX_FIELDS];
    pair_open(&p, PROTO_NULLS_NONE, KNOWN);
    buf_init(&ours, 0);
    buf_init(&theirs, 0);
    arena_init(&a, 0);
    for (int i = 0; i < ROUNDS * 5; i++) {
        arena_clear(&a);
        random_row(&p, &a, row, &ours, &theirs);
        mutate(&p, &ours);
        (void)read_ours(&p, buf_str(&ours), &a, back);
    }
    buf_free(&ours);
    buf_free(&theirs);
    arena_free(&a);
    pair_close(&p);
}
