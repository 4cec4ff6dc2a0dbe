/* Failing allocations, arenas and buffers. */
#include "../unit.h"
#include "core/core.h"

#include <stdio.h>

TEST(mem, the_nth_call_and_later_ones_fail)
{
    mem_fail_after(2);
    void *first = mem_alloc(8), *second = mem_alloc(8), *third = mem_calloc(1, 8);
    CHECK(mem_realloc(first, 100) == NULL);
    mem_fail_after(0);
    CHECK(first != NULL && second == NULL && third == NULL);
    mem_free(first);
    long calls = mem_calls();
    char *copy = mem_strdup("abc");
    CHECK_TEXT(copy, "abc");
    CHECK_INT(mem_calls(), calls + 1);
    mem_free(copy);
}

TEST(mem, empty_allocations_are_valid)
{
    void *a = mem_alloc(0), *b = mem_calloc(0, 8);
    CHECK(a != NULL && b != NULL);
    mem_free(a);
    mem_free(b);
    mem_free(NULL);
}

TEST(arena, aligned_and_apart)
{
    struct arena a;
    arena_init(&a, 0);
    CHECK_INT(a.used, 0);
    unsigned char *before = NULL;
    for (size_t size = 0; size < 3000; size += 7) {
        unsigned char *p = arena_alloc(&a, size);
        REQUIRE(p != NULL);
        CHECK((uintptr_t)p % 16 == 0);
        CHECK(p != before);
        memset(p, (int)size, size);
        before = p;
    }
    arena_free(&a);
    CHECK_INT(a.used, 0);
}

TEST(arena, large_blocks_do_not_waste_the_current_one)
{
    struct arena a;
    arena_init(&a, 0);
    char *small = arena_alloc(&a, 16), *large = arena_alloc(&a, 4 << 20), *next = arena_alloc(&a, 16);
    REQUIRE(small && large && next);
    memset(large, 1, 4 << 20);
    CHECK(next == small + 16);
    arena_clear(&a);
    CHECK(a.used < 1 << 20);
    CHECK(arena_alloc(&a, 16) != NULL);
    arena_free(&a);
    large = arena_alloc(&a, 4 << 20); /* as the first */
    REQUIRE(large != NULL);
    memset(large, 1, 4 << 20);
    CHECK(arena_alloc(&a, 16) != NULL);
    arena_free(&a);
}

TEST(arena, limit_is_sticky_until_cleared)
{
    struct arena a;
    arena_init(&a, 5000);
    size_t n = 0;
    while (arena_alloc(&a, 100))
        n++;
    CHECK(a.failed);
    CHECK(n >= 20 && n * 100 <= 5000);
    CHECK(a.used <= 5000);
    CHECK(arena_alloc(&a, 5000) == NULL);
    arena_clear(&a);
    CHECK(!a.failed);
    CHECK(arena_alloc(&a, 100) != NULL);
    arena_free(&a);
    CHECK_INT(a.limit, 5000);
}

TEST(arena, absurd_sizes_fail)
{
    struct arena a;
    arena_init(&a, 0);
    CHECK(arena_alloc(&a, SIZE_MAX) == NULL);
    CHECK(a.failed);
    arena_clear(&a);
    CHECK(arena_alloc(&a, SIZE_MAX - 40) == NULL);
    CHECK(a.failed);
    arena_free(&a);
}

TEST(arena, clear_keeps_a_block)
{
    struct arena a;
    arena_init(&a, 0);
    for (int i = 0; i < 1000; i++)
        REQUIRE(arena_alloc(&a, 100) != NULL);
    arena_clear(&a);
    long calls = mem_calls();
    CHECK(a.used > 0);
    for (int i = 0; i < 200; i++)
        REQUIRE(arena_alloc(&a, 100) != NULL);
    CHECK_INT(mem_calls(), calls);
    arena_free(&a);
}

TEST(arena, helpers)
{
    struct arena a;
    arena_init(&a, 0);
    char *zeros = arena_zalloc(&a, 100);
    REQUIRE(zeros != NULL);
    for (int i = 0; i < 100; i++)
        CHECK(zeros[i] == 0);
    CHECK_TEXT((char *)arena_dup(&a, "abc", 4), "abc");
    CHECK(arena_dup(&a, NULL, 0) != NULL);
    CHECK_TEXT(arena_printf(&a, "%s-%d", "x", 5), "x-5");
    CHECK_INT(strlen(arena_printf(&a, "%5000d", 1)), 5000);
    arena_free(&a);
}

TEST(arena, every_allocation_may_fail)
{
    for (long nth = 1;; nth++) {
        struct arena a;
        arena_init(&a, 0);
        mem_fail_after(nth);
        bool ok = true;
        for (int i = 0; i < 50 && ok; i++)
            ok = arena_zalloc(&a, 3000) != NULL && arena_printf(&a, "%d", i) != NULL && arena_alloc(&a, 400000) != NULL;
        mem_fail_after(0);
        CHECK(ok != a.failed);
        arena_free(&a);
        if (ok)
            break;
        REQUIRE(nth < 1000);
    }
}

TEST(buf, appends)
{
    struct buf b;
    buf_init(&b, 0);
    CHECK_TEXT(buf_z(&b), "");
    buf_puts(&b, STR("abc"));
    buf_putc(&b, '-');
    buf_puts(&b, (struct str){NULL, 0});
    buf_printf(&b, "%05.1f|%s", 2.5, "");
    buf_printf(&b, "%s", "");
    CHECK_TEXT(buf_z(&b), "abc-002.5|");
    CHECK_INT(b.len, 10);
    buf_free(&b);
}

TEST(buf, integers)
{
    struct buf b;
    buf_init(&b, 0);
    const int64_t values[] = {0, 7, -7, 10, 99, 100, 12345678901, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "%lld", (long long)values[i]);
        b.len = 0;
        buf_put_i64(&b, values[i]);
        CHECK_TEXT(buf_z(&b), expected);
    }
    buf_free(&b);
}

TEST(buf, terminating_needs_no_room_of_the_limit)
{
    struct buf b;
    buf_init(&b, 64);
    for (int i = 0; i < 64; i++)
        buf_putc(&b, 'x');
    CHECK(!b.failed);
    CHECK_INT(strlen(buf_z(&b)), 64);
    buf_putc(&b, 'x');
    CHECK(b.failed);
    CHECK_INT(b.len, 64);
    CHECK_TEXT(buf_z(&b), "");
    buf_free(&b);
}

TEST(buf, printf_up_to_the_limit)
{
    struct buf b;
    buf_init(&b, 100);
    buf_printf(&b, "%100d", 1);
    CHECK(!b.failed);
    CHECK_INT(b.len, 100);
    buf_printf(&b, "%d", 1);
    CHECK(b.failed);
    buf_free(&b);
}

TEST(buf, every_allocation_may_fail)
{
    for (long nth = 1;; nth++) {
        struct buf b;
        buf_init(&b, 0);
        mem_fail_after(nth);
        for (int i = 0; i < 1000; i++) {
            buf_printf(&b, "%d,", i);
            buf_put_i64(&b, i);
            buf_putc(&b, ' ');
        }
        const char *text = buf_z(&b);
        mem_fail_after(0);
        CHECK(b.failed ? *text == '\0' : strlen(text) == b.len);
        bool ok = !b.failed;
        buf_free(&b);
        if (ok)
            break;
        REQUIRE(nth < 1000);
    }
}
