/* The layout of chunks: what is put in comes out, and no bytes make the decoder read beyond its end. */
#include "tests/unit/unit.h"

#include "topics/embedded/chunk.h"

#include <stdlib.h>

static struct chunk_blob seal(struct chunk_builder *b)
{
    struct chunk_blob blob = {0};
    REQUIRE(chunk_seal(b, false, &blob));
    return blob;
}

/* A chunk with everything: nulls, empties, headers, odd timestamps, gaps. */
static struct chunk_blob make_sample(void)
{
    static const struct record_header two[2] = {{STR("h1"), {"x", 1}, false}, {STR(""), {NULL, 0}, true}};
    static const struct headers headers = {2, two}, none = {0, NULL};
    struct chunk_builder b;
    chunk_builder_init(&b);
    CHECK(chunk_add(&b, &(struct record){.key = STR("a"), .value = STR("one")}, 5, 0));
    CHECK(chunk_add(&b, &(struct record){.value = STR("")}, INT64_MIN, 0));
    CHECK(chunk_add(&b, &(struct record){.key = STR(""), .headers = &headers}, INT64_MAX, 3));
    CHECK(chunk_add(&b, &(struct record){.key = STR("k"), .value = STR("v"), .headers = &none}, -1, 70000));
    struct chunk_blob blob = seal(&b);
    CHECK_INT(b.n, 0);
    chunk_builder_free(&b);
    return blob;
}

TEST(chunk, round_trip)
{
    struct chunk_blob blob = make_sample();
    struct chunk_cursor c;
    struct record r;
    struct arena a;
    arena_init(&a, 0);
    CHECK_INT(blob.n, 4);
    CHECK(blob.max_ts == INT64_MAX);
    REQUIRE(chunk_open(&c, blob.p, blob.size, 100));
    CHECK_INT(c.n, 4);
    CHECK_INT(chunk_next(&c, &r, &a), STATUS_OK);
    CHECK(str_eq(r.key, STR("a")) && str_eq(r.value, STR("one")) && r.ts == 5 && r.offset == 100 && !r.headers);
    CHECK_INT(chunk_next(&c, &r, &a), STATUS_OK);
    CHECK(!r.key.p && r.value.p && r.value.len == 0 && r.ts == INT64_MIN && r.offset == 101);
    CHECK_INT(chunk_next(&c, &r, &a), STATUS_OK);
    CHECK(r.key.p && r.key.len == 0 && !r.value.p && r.ts == INT64_MAX && r.offset == 105);
    REQUIRE(r.headers && r.headers->n == 2);
    CHECK(str_eq(r.headers->items[0].key, STR("h1")) && str_eq(r.headers->items[0].value, STR("x")));
    CHECK(!r.headers->items[0].is_null && r.headers->items[1].is_null && r.headers->items[1].key.len == 0);
    CHECK_INT(chunk_next(&c, &r, &a), STATUS_OK);
    CHECK(str_eq(r.key, STR("k")) && r.ts == -1 && r.offset == 100 + 3 + 70000 && !r.headers);
    CHECK_INT(c.i, c.n);
    CHECK_INT(chunk_open(&c, blob.p, blob.size, 100) ? chunk_seek(&c, 103) : STATUS_IO, STATUS_OK);
    CHECK_INT(c.i, 2);
    CHECK_INT(chunk_seek(&c, 1000000), STATUS_OK);
    CHECK_INT(c.i, 4);
    arena_free(&a);
    mem_free(blob.p);
}

TEST(chunk, widths)
{
    enum { N = 3 };
    static const size_t lengths[] = {0, 1, 253, 254, 255, 256, 65534, 65535, 65536, 20000000};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        struct chunk_builder b;
        struct chunk_cursor c;
        struct record r;
        struct arena a;
        char *value = malloc(lengths[l] + 1);
        memset(value, 'x', lengths[l] + 1);
        arena_init(&a, 0);
        chunk_builder_init(&b);
        for (int i = 0; i < N; i++)
            CHECK(chunk_add(&b, &(struct record){.value = str_make(value, lengths[l])}, i * INT64_C(1) << (l * 6), 0));
        struct chunk_blob blob = seal(&b);
        REQUIRE(chunk_open(&c, blob.p, blob.size, 0));
        for (int i = 0; i < N; i++) {
            CHECK_INT(chunk_next(&c, &r, &a), STATUS_OK);
            CHECK(r.value.len == lengths[l] && memcmp(r.value.p, value, lengths[l]) == 0);
            CHECK(r.ts == i * INT64_C(1) << (l * 6));
        }
        mem_free(blob.p);
        chunk_builder_free(&b);
        free(value);
    }
}

static volatile unsigned bytes_seen;

/* Walks a chunk that may be anything, touching every byte. The sanitizers watch. */
static void walk(const void *p, size_t size)
{
    struct chunk_cursor c;
    struct record r;
    struct arena a;
    arena_init(&a, 1 << 20);
    if (chunk_open(&c, p, size, 7)) {
        while (c.i < c.n && c.i < 10000 && chunk_next(&c, &r, &a) == STATUS_OK) {
            unsigned sum = 0;
            for (uint32_t i = 0; i < r.key.len; i++)
                sum ^= (unsigned char)r.key.p[i];
            for (uint32_t i = 0; i < r.value.len; i++)
                sum ^= (unsigned char)r.value.p[i];
            bytes_seen = sum;
        }
    }
    if (chunk_open(&c, p, size, 7))
        (void)!chunk_seek(&c, 90);
    arena_free(&a);
}

TEST(chunk, malformed)
{
    struct chunk_blob blob = make_sample();
    for (size_t cut = 0; cut < blob.size; cut++) { /* a copy of its own, so that reading beyond it is seen */
        char *p = malloc(cut ? cut : 1);
        memcpy(p, blob.p, cut);
        walk(p, cut);
        free(p);
    }
    srand(1);
    for (int i = 0; i < 20000; i++) {
        char *p = malloc(blob.size);
        memcpy(p, blob.p, blob.size);
        for (int k = 0; k <= i % 4; k++)
            p[(size_t)rand() % blob.size] = (char)rand();
        walk(p, blob.size);
        free(p);
    }
    mem_free(blob.p);
}

/* What is packed comes back, and nothing that is unpacked goes beyond its length. */
TEST(chunk, pack)
{
    struct chunk_builder b;
    struct chunk_blob plain, packed;
    char text[64];
    chunk_builder_init(&b);
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < 300; i++) {
            int n = snprintf(text, sizeof text, "{\"number\": %d, \"name\": \"number %d\"}", i, i);
            CHECK(chunk_add(&b, &(struct record){.value = str_make(text, (size_t)n)}, i, 0));
        }
        REQUIRE(chunk_seal(&b, again != 0, again ? &packed : &plain));
    }
    chunk_builder_free(&b);
    CHECK(plain.size == plain.length && packed.length == plain.length && packed.size < plain.size / 2);
    CHECK(packed.hash == chunk_hash(packed.p, packed.size) && packed.n == 300 && packed.max_ts == 299);
    char *to = malloc(plain.length);
    CHECK(chunk_unpack(packed.p, packed.size, to, packed.length));
    CHECK(memcmp(to, plain.p, plain.length) == 0);
    for (size_t cut = 0; cut < packed.size; cut++) {
        char *p = malloc(cut ? cut : 1);
        memcpy(p, packed.p, cut);
        CHECK(!chunk_unpack(p, cut, to, packed.length));
        free(p);
    }
    char *less = malloc(packed.length - 1);
    CHECK(!chunk_unpack(packed.p, packed.size, less, packed.length - 1));
    free(less);
    for (int round = 0; round < 20000; round++) {
        char *p = malloc(packed.size);
        memcpy(p, packed.p, packed.size);
        for (int i = 0; i < 1 + round % 4; i++)
            p[(size_t)rand() % packed.size] = (char)rand();
        if (chunk_unpack(p, packed.size, to, packed.length))
            walk(to, packed.length);
        free(p);
    }
    free(to);
    mem_free(plain.p);
    mem_free(packed.p);
}

TEST(chunk, no_memory)
{
    struct record r = {.key = STR("key"), .value = STR("a value, and another value")};
    for (long nth = 1;; nth++) {
        struct chunk_builder b;
        struct chunk_blob blob = {0};
        chunk_builder_init(&b);
        mem_fail_after(nth);
        bool ok = true;
        for (int i = 0; i < 300 && ok; i++)
            ok = chunk_add(&b, &r, i, 0);
        ok = ok && chunk_seal(&b, true, &blob);
        mem_fail_after(0);
        if (!ok && b.n > 0) { /* what was there stays, and can go on */
            CHECK(chunk_add(&b, &r, 1, 0));
            CHECK(chunk_seal(&b, true, &blob));
        }
        mem_free(blob.p);
        chunk_builder_free(&b);
        if (ok)
            break;
        REQUIRE(nth < 1000);
    }
}
