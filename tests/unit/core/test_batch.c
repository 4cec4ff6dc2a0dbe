/* Batches: counting, owners, recycling, columns of every kind. */
#include "../unit.h"
#include "core/core.h"

#include <pthread.h>

static int drops[8], n_drops;

static void record_drop(void *thing)
{
    if (n_drops < 8)
        drops[n_drops++] = *(int *)thing;
}

TEST(batch, owners_go_in_reverse_order)
{
    int things[] = {1, 2, 3};
    n_drops = 0;
    struct batch *b = batch_create(2);
    REQUIRE(b != NULL);
    for (int i = 0; i < 3; i++)
        CHECK(batch_own(b, &things[i], record_drop));
    CHECK(batch_keep(b) == b);
    batch_drop(b);
    CHECK_INT(n_drops, 0);
    batch_drop(b);
    CHECK_INT(n_drops, 3);
    CHECK(drops[0] == 3 && drops[1] == 2 && drops[2] == 1);
    batch_drop(NULL);
}

TEST(batch, starts_empty_even_when_recycled)
{
    for (int round = 0; round < 3; round++) {
        struct batch *b = batch_create(3);
        REQUIRE(b != NULL);
        CHECK(b->refs == 1 && b->n_rows == 0 && b->n_columns == 3 && !b->selection && !b->ts && !b->owners &&
              !b->before);
        for (uint32_t i = 0; i < 3; i++) {
            CHECK(b->columns[i].type == NULL && b->columns[i].valid == NULL);
            CHECK(column_init(&b->columns[i], &TYPE_BIGINT, BATCH_ROWS, true, &b->arena));
            memset(b->columns[i].data, 0xAB, BATCH_ROWS * 8);
        }
        b->n_rows = 7;
        b->ts = b->columns[0].i64;
        batch_drop(b);
    }
}

TEST(batch, steady_state_allocates_nothing)
{
    long calls = 0;
    for (int round = 0; round < 20; round++) {
        if (round == 10)
            calls = mem_calls();
        struct batch *b = batch_create(4);
        REQUIRE(b != NULL);
        for (uint32_t i = 0; i < 4; i++)
            CHECK(column_init(&b->columns[i], &TYPE_DOUBLE, BATCH_ROWS, true, &b->arena));
        batch_drop(b);
    }
    CHECK_INT(mem_calls(), calls);
}

TEST(batch, derived_ones_keep_their_parent)
{
    int thing = 5;
    uint16_t selection[] = {1, 3};
    n_drops = 0;
    struct batch *parent = batch_create(1);
    REQUIRE(parent != NULL);
    CHECK(batch_own(parent, &thing, record_drop));
    parent->n_rows = 4;
    parent->n_selected = 2;
    parent->selection = selection;
    parent->ts = ARENA_ARRAY(&parent->arena, int64_t, 4);
    struct batch *b = batch_derive(parent, 5);
    REQUIRE(b != NULL);
    batch_drop(parent);
    CHECK_INT(n_drops, 0);
    CHECK(b->n_rows == 4 && b->n_columns == 5 && b->ts[3] == 0);
    uint32_t seen[4], n = 0;
    BATCH_EACH (b, i, row) {
        seen[n++] = row;
    }
    CHECK(n == 2 && seen[0] == 1 && seen[1] == 3);
    batch_drop(b);
    CHECK_INT(n_drops, 1);
}

TEST(batch, each_without_selection)
{
    struct batch *b = batch_create(0);
    REQUIRE(b != NULL);
    uint32_t n = 0;
    BATCH_EACH (b, i, row) {
        n += row + 1;
    }
    CHECK_INT(n, 0);
    b->n_rows = b->n_selected = 3;
    BATCH_EACH (b, i, row) {
        n += row;
    }
    CHECK_INT(n, 3);
    batch_drop(b);
}

TEST(batch, every_allocation_may_fail)
{
    for (long nth = 1;; nth++) {
        struct batch *held[40] = {NULL};
        int thing = 1, n = 0;
        n_drops = 0;
        int expected = 0;
        mem_fail_after(nth);
        bool ok = true;
        for (; n < 40 && ok; n++) {
            held[n] = n % 2 ? batch_derive(held[n - 1], 3) : batch_create(3);
            ok = held[n] && column_init(&held[n]->columns[0], &TYPE_STRING, 1000, true, &held[n]->arena);
            if (ok && n < 4) {
                expected++;
                ok = batch_own(held[n], &thing, record_drop);
            }
        }
        mem_fail_after(0);
        for (int i = 0; i < n; i++)
            batch_drop(held[i]);
        CHECK_INT(n_drops, expected);
        if (ok)
            break;
        REQUIRE(nth < 1000);
    }
}

static void *use_batches(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++) {
        struct batch *b = batch_create(2), *c = b ? batch_derive(b, 2) : NULL;
        batch_drop(b);
        batch_drop(c);
    }
    return NULL;
}

/* The sanitizer sees to it that a thread leaves nothing behind. */
TEST(batch, threads_clean_up)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, use_batches, NULL) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

TEST(column, stores_every_kind)
{
    struct arena a;
    arena_init(&a, 0);
    int128 number = -5;
    struct nested nested = {0};
    const struct type *decimal = type_decimal(&a, 5, 0), *array = type_array(&a, &TYPE_INT);
    const struct {
        const struct type *type;
        struct value v;
    } cases[] = {
        {&TYPE_BOOLEAN, {.kind = KIND_BOOLEAN, .boolean = true}},
        {&TYPE_INT, {.kind = KIND_INT, .i32 = -7}},
        {&TYPE_BIGINT, {.kind = KIND_BIGINT, .i64 = INT64_MIN}},
        {&TYPE_DOUBLE, {.kind = KIND_DOUBLE, .f64 = -0.0}},
        {decimal, {.kind = KIND_DECIMAL, .decimal = &number}},
        {&TYPE_STRING, {.kind = KIND_STRING, .str = STR("abc")}},
        {&TYPE_BYTES, {.kind = KIND_BYTES, .str = STR("")}},
        {&TYPE_DATE, {.kind = KIND_DATE, .i32 = 3}},
        {&TYPE_TIME, {.kind = KIND_TIME, .i32 = 4}},
        {&TYPE_TIMESTAMP, {.kind = KIND_TIMESTAMP, .i64 = 5}},
        {array, {.kind = KIND_ARRAY, .nested = &nested}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct column c;
        struct value null = VALUE_NULL, got;
        REQUIRE(column_init(&c, cases[i].type, 130, true, &a));
        for (uint32_t row = 0; row < 130; row++)
            column_set(&c, row, row % 3 ? &cases[i].v : &null);
        for (uint32_t row = 0; row < 130; row++) {
            got = column_get(&c, row);
            CHECK(value_eq(&got, row % 3 ? &cases[i].v : &null));
            CHECK(column_is_null(&c, row) == (row % 3 == 0));
        }
        column_set(&c, 0, &cases[i].v);
        CHECK(!column_is_null(&c, 0));
    }
    struct column plain;
    REQUIRE(column_init(&plain, &TYPE_INT, 0, false, &a));
    CHECK(plain.valid == NULL && plain.data != NULL);
    REQUIRE(column_init(&plain, &TYPE_NULL, 1, false, &a));
    struct value got = column_get(&plain, 0);
    CHECK(value_is_null(&got));
    arena_free(&a);
}

TEST(clock, goes_forward)
{
    int64_t mono = clock_mono_ns(), cpu = clock_cpu_ns(), wall = clock_wall_ms();
    clock_sleep_ms(2);
    clock_sleep_ms(0);
    clock_sleep_ms(-1);
    CHECK(clock_mono_ns() - mono >= 2000000);
    CHECK(clock_cpu_ns() >= cpu);
    CHECK(clock_wall_ms() >= wall && wall > INT64_C(1577836800000));
}
