/* The hash map: against a plain array, and with allocations that fail. */
#include "../unit.h"
#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>

static int numbers[1000];

static struct str key_of(char *space, size_t size, int i)
{
    return str_make(space, (size_t)snprintf(space, size, "key-%d", i));
}

TEST(map, put_get_remove)
{
    struct map m;
    map_init(&m);
    CHECK(map_get(&m, STR("a")) == NULL);
    CHECK(map_remove(&m, STR("a")) == NULL);
    CHECK(map_put(&m, STR("a"), &numbers[1]));
    CHECK(map_put(&m, STR(""), &numbers[2]));
    CHECK(map_put(&m, STR("a\0b"), &numbers[3]));
    CHECK(map_get(&m, STR("a")) == &numbers[1]);
    CHECK(map_get(&m, (struct str){NULL, 0}) == &numbers[2]);
    CHECK(map_get(&m, STR("a\0b")) == &numbers[3]);
    CHECK(map_put(&m, STR("a"), &numbers[4]));
    CHECK_INT(m.n_live, 3);
    CHECK(map_remove(&m, STR("a")) == &numbers[4]);
    CHECK(map_get(&m, STR("a")) == NULL);
    CHECK_INT(m.n_live, 2);
    map_free(&m);
    CHECK_INT(m.n_live, 0);
}

TEST(map, keys_are_copied)
{
    char key[] = "abc";
    struct map m;
    map_init(&m);
    CHECK(map_put(&m, str_from(key), &numbers[0]));
    key[0] = 'x';
    CHECK(map_get(&m, STR("abc")) == &numbers[0]);
    map_free(&m);
}

TEST(map, walks_in_insertion_order)
{
    struct map m;
    char space[32];
    map_init(&m);
    for (int i = 0; i < 1000; i++)
        CHECK(map_put(&m, key_of(space, sizeof space, i), &numbers[i]));
    for (int i = 0; i < 1000; i += 3)
        CHECK(map_remove(&m, key_of(space, sizeof space, i)) == &numbers[i]);
    CHECK(map_put(&m, key_of(space, sizeof space, 0), &numbers[0]));
    int n = 0, last = -1;
    MAP_EACH (&m, e) {
        int i = (int)((int *)e->value - numbers);
        CHECK(i > last || i == 0);
        last = i;
        n++;
    }
    CHECK_INT(last, 0);
    CHECK_INT(n, (int)m.n_live);
    map_free(&m);
    MAP_EACH (&m, e) {
        CHECK(e == NULL);
    }
}

TEST(map, random_operations_match_an_array)
{
    struct map m;
    char space[32];
    bool there[200] = {false};
    map_init(&m);
    srand(7);
    for (int step = 0; step < 100000; step++) {
        int i = rand() % 200;
        struct str key = key_of(space, sizeof space, i);
        switch (rand() % 3) {
        case 0:
            CHECK(map_put(&m, key, &numbers[i]));
            there[i] = true;
            break;
        case 1:
            CHECK(map_remove(&m, key) == (there[i] ? &numbers[i] : NULL));
            there[i] = false;
            break;
        default:
            CHECK(map_get(&m, key) == (there[i] ? &numbers[i] : NULL));
        }
    }
    CHECK(m.cap_entries <= 1024);
    map_free(&m);
}

TEST(map, every_allocation_may_fail)
{
    for (long nth = 1;; nth++) {
        struct map m;
        char space[32];
        int n = 0;
        map_init(&m);
        mem_fail_after(nth);
        while (n < 100 && map_put(&m, key_of(space, sizeof space, n), &numbers[n]))
            n++;
        mem_fail_after(0);
        CHECK_INT(m.n_live, n);
        for (int i = 0; i < 100; i++)
            CHECK(map_get(&m, key_of(space, sizeof space, i)) == (i < n ? &numbers[i] : NULL));
        map_free(&m);
        if (n == 100)
            break;
        REQUIRE(nth < 1000);
    }
}
