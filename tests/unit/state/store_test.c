/* Stores against a plain model: keyed entries, changes and previous values, windows and their expiry. */
#include "state/state.h"
#include "tests/unit/unit.h"

#include <stdio.h>

enum { MODEL_KEYS = 300 };

static struct str number_key(char *room, unsigned n)
{
    /* every third key is longer than what fits into an entry */
    int len = snprintf(room, 64, n % 3 == 0 ? "a-rather-long-key-%08u" : "k%u", n);
    return str_make(room, (size_t)len);
}

static struct store *make_store(enum store_kind kind, int64_t retention, bool keep_old)
{
    struct store_options options = {
        .name = "s", .kind = kind, .fixed_size = 8, .retention = retention, .gap = 10, .keep_old = keep_old};
    struct store *s = NULL;
    struct diag d = DIAG_INIT;
    REQUIRE(store_create(&options, &s, &d) == STATUS_OK);
    return s;
}

static void put_number(struct store *s, struct table *t, int64_t start, struct str key, int64_t n)
{
    bool created;
    struct entry *e = store_put(s, t, start, key, key_hash(key), &created);
    REQUIRE(e != NULL);
    REQUIRE(store_touch(s, t, start, e, !created));
    memcpy(e->fixed, &n, sizeof n);
    char text[64];
    int len = snprintf(text, sizeof text, "%0*lld", (int)(n % 40) + 1, (long long)n);
    REQUIRE(store_set_var(s, e, text, (uint32_t)len));
    e->ts = n;
}

static int64_t get_number(struct store *s, struct table *t, struct str key)
{
    struct entry *e = store_get(s, t, 0, key, key_hash(key));
    if (!e)
        return -1;
    int64_t n;
    memcpy(&n, e->fixed, sizeof n);
    char text[64];
    int len = snprintf(text, sizeof text, "%0*lld", (int)(n % 40) + 1, (long long)n);
    CHECK(str_eq(str_make(e->var, e->var_len), str_make(text, (size_t)len)));
    CHECK_INT(e->ts, n);
    return n;
}

TEST(store, behaves_like_a_map_under_random_changes)
{
    struct store *s = make_store(STORE_KEYED, 0, true);
    int64_t model[MODEL_KEYS];
    memset(model, -1, sizeof model);
    uint32_t seed = 7, n_live = 0;
    for (int64_t step = 1; step < 60000; step++) {
        seed = seed * 1664525 + 1013904223;
        unsigned k = (seed >> 8) % MODEL_KEYS;
        char room[64];
        struct str key = number_key(room, k);
        if ((seed >> 4 & 3) == 0) {
            struct entry *e = store_get(s, store_table(s), 0, key, key_hash(key));
            CHECK((e != NULL) == (model[k] >= 0));
            if (e) {
                REQUIRE(store_remove(s, store_table(s), 0, e));
                n_live--;
            }
            model[k] = -1;
        } else {
            n_live += model[k] < 0;
            put_number(s, store_table(s), 0, key, step);
            model[k] = step;
        }
        if (step % 997 == 0)
            store_clear_changes(s);
        CHECK_INT(store_count(s), n_live);
    }
    for (unsigned k = 0; k < MODEL_KEYS; k++) {
        char room[64];
        CHECK_INT(get_number(s, store_table(s), number_key(room, k)), model[k]);
    }
    store_destroy(s);
}

TEST(store, lists_changes_once_a_key_with_the_previous_value)
{
    struct store *s = make_store(STORE_KEYED, 0, true);
    put_number(s, store_table(s), 0, STR("b"), 1);
    put_number(s, store_table(s), 0, STR("a"), 2);
    put_number(s, store_table(s), 0, STR("b"), 3);
    REQUIRE(store_changes(s) == 2);
    CHECK(str_eq(entry_key(store_change(s, 0)->entry), STR("b")));
    CHECK(!store_change(s, 0)->existed);
    CHECK(str_eq(entry_key(store_change(s, 1)->entry), STR("a")));
    store_clear_changes(s);
    CHECK_INT(store_changes(s), 0);

    put_number(s, store_table(s), 0, STR("b"), 4);
    put_number(s, store_table(s), 0, STR("b"), 5);
    REQUIRE(store_remove(s, store_table(s), 0, store_get(s, store_table(s), 0, STR("a"), key_hash(STR("a")))));
    put_number(s, store_table(s), 0, STR("c"), 6);
    REQUIRE(store_remove(s, store_table(s), 0, store_get(s, store_table(s), 0, STR("c"), key_hash(STR("c")))));
    REQUIRE(store_changes(s) == 3);
    const struct change *c = store_change(s, 0);
    int64_t old;
    memcpy(&old, c->old_fixed, sizeof old);
    CHECK(c->existed);
    CHECK_INT(old, 3);
    CHECK_INT(c->old_ts, 3);
    CHECK_INT(c->old_var_len, 4);
    CHECK(change_counts(store_change(s, 1)));
    CHECK(!change_counts(store_change(s, 2)));
    CHECK(store_get(s, store_table(s), 0, STR("a"), key_hash(STR("a"))) == NULL);
    put_number(s, store_table(s), 0, STR("a"), 7); /* comes back to life */
    CHECK_INT(get_number(s, store_table(s), STR("a")), 7);
    store_clear_changes(s);
    CHECK_INT(store_count(s), 2);
    store_destroy(s);
}

TEST(store, drops_windows_behind_the_horizon)
{
    struct store *s = make_store(STORE_WINDOWED, 100, false);
    for (int64_t start = 0; start < 1000; start += 10)
        for (unsigned k = 0; k < 5; k++) {
            char room[64];
            put_number(s, store_window(s, start, true), start, number_key(room, k), start + k);
        }
    CHECK_INT(store_horizon(s), 990 - 100);
    CHECK(store_window(s, 880, false) == NULL);
    CHECK(store_window(s, 880, true) == NULL);
    REQUIRE(store_window(s, 890, false) != NULL);
    size_t before = store_memory(s);
    CHECK_INT(store_count(s), 500);
    store_clear_changes(s);
    CHECK_INT(store_count(s), 55);
    CHECK(store_memory(s) < before);
    char room[64];
    CHECK_INT(get_number(s, store_window(s, 950, false), number_key(room, 3)), 953);
    store_destroy(s);
}

TEST(store, finds_windows_with_entries_and_drops_those_without)
{
    struct store *s = make_store(STORE_WINDOWED, INT64_MAX / 2, false);
    int64_t start = 0;
    CHECK(!store_next_window(s, INT64_MIN, &start));
    CHECK(!store_previous_window(s, INT64_MAX, &start));
    size_t empty = store_memory(s);
    for (int64_t at = 10; at <= 40; at += 10)
        put_number(s, store_window(s, at, true), at, STR("k"), at);
    size_t full = store_memory(s);
    store_clear_changes(s);
    for (int64_t at = 20; at <= 30; at += 10)
        REQUIRE(store_remove(s, store_window(s, at, false), at,
                             store_get(s, store_window(s, at, false), at, STR("k"), key_hash(STR("k")))));
    CHECK(store_next_window(s, INT64_MIN, &start) && start == 10);
    CHECK(store_next_window(s, 11, &start) && start == 40);
    CHECK(!store_next_window(s, 41, &start));
    CHECK(store_previous_window(s, 39, &start) && start == 10);
    CHECK(!store_previous_window(s, 9, &start));
    store_drop_windows(s); /* the removed ones are still in the list of changes */
    CHECK(store_window(s, 20, false) != NULL);
    store_clear_changes(s);
    store_drop_windows(s);
    CHECK(store_window(s, 20, false) == NULL && store_window(s, 30, false) == NULL);
    CHECK_INT(get_number(s, store_window(s, 10, false), STR("k")), 10);
    CHECK_INT(get_number(s, store_window(s, 40, false), STR("k")), 40);
    put_number(s, store_window(s, 20, true), 20, STR("k"), 20);
    CHECK(store_next_window(s, 11, &start) && start == 20);
    CHECK(store_memory(s) < full && store_memory(s) > empty);
    store_destroy(s);
}

TEST(store, variable_parts_grow)
{
    struct store *s = make_store(STORE_KEYED, 0, false);
    bool created;
    struct entry *e = store_put(s, store_table(s), 0, STR("k"), key_hash(STR("k")), &created);
    char text[6000];
    uint32_t n = 0;
    for (uint32_t len = 0; n + len < sizeof text; len = (len + 7) % 40) {
        memset(text + n, 'a' + (int)(len % 26), len);
        REQUIRE(store_append_var(s, e, text + n, len));
        n += len;
        CHECK(str_eq(str_make(e->var, e->var_len), str_make(text, n)));
    }
    REQUIRE(store_set_var(s, e, "x", 1));
    REQUIRE(store_append_var(s, e, "y", 1));
    CHECK(str_eq(str_make(e->var, e->var_len), STR("xy")));
    store_destroy(s);
}

TEST(store, collects_windows_in_order)
{
    struct store *s = make_store(STORE_WINDOWED, 1000, false);
    struct arena a;
    arena_init(&a, 0);
    put_number(s, store_window(s, 20, true), 20, STR("b"), 1);
    put_number(s, store_window(s, 10, true), 10, STR("z"), 2);
    put_number(s, store_window(s, 20, true), 20, STR("a"), 3);
    put_number(s, store_window(s, 30, true), 30, STR("a"), 4);
    struct entry_ref *refs;
    size_t n;
    struct diag d = DIAG_INIT;
    CHECK(store_may_hold(s, 0, 10));
    CHECK(!store_may_hold(s, 11, 19));
    REQUIRE(store_collect(s, 5, 20, &a, &refs, &n, &d) == STATUS_OK);
    REQUIRE(n == 3);
    CHECK_INT(refs[0].entry->ts, 2);
    CHECK_INT(refs[1].entry->ts, 3);
    CHECK_INT(refs[2].entry->ts, 1);
    CHECK_INT(refs[2].start, 20);
    arena_free(&a);
    store_destroy(s);
}

TEST(store, keeps_its_account_when_everything_goes)
{
    struct store *s = make_store(STORE_KEYED, 0, true);
    size_t empty = store_memory(s);
    for (unsigned k = 0; k < 5000; k++) {
        char room[64];
        put_number(s, store_table(s), 0, number_key(room, k), k);
    }
    size_t full = store_memory(s);
    CHECK(full > empty + 5000 * 60);
    store_clear_changes(s);
    for (unsigned k = 0; k < 5000; k++) {
        char room[64];
        struct str key = number_key(room, k);
        REQUIRE(store_remove(s, store_table(s), 0, store_get(s, store_table(s), 0, key, key_hash(key))));
    }
    store_clear_changes(s);
    CHECK_INT(store_count(s), 0);
    for (unsigned k = 0; k < 5000; k++) {
        char room[64];
        put_number(s, store_table(s), 0, number_key(room, k), k);
    }
    CHECK(store_memory(s) <= full + full / 8);
    store_destroy(s);
}

TEST(store, survives_every_failing_allocation)
{
    for (long nth = 1; nth < 60; nth++) {
        struct store *s = make_store(STORE_KEYED, 0, true);
        mem_fail_after(nth);
        for (unsigned k = 0; k < 200; k++) {
            char room[64];
            struct str key = number_key(room, k);
            bool created;
            struct entry *e = store_put(s, store_table(s), 0, key, key_hash(key), &created);
            if (!e || !store_touch(s, store_table(s), 0, e, !created) || !store_set_var(s, e, "0123456789abcdefg", 17))
                break;
        }
        mem_fail_after(0);
        store_destroy(s);
    }
}

TEST(slab, reuses_what_was_freed)
{
    struct slab slab = {0};
    void *p = slab_alloc(&slab, 40);
    REQUIRE(p != NULL);
    slab_free(&slab, p, 40);
    CHECK(slab_alloc(&slab, 33) == p);
    void *large = slab_alloc(&slab, 100000);
    REQUIRE(large != NULL);
    size_t used = slab.used;
    slab_free(&slab, large, 100000);
    CHECK(slab.used < used);
    CHECK_INT(slab_room(1), 16);
    CHECK_INT(slab_room(256), 256);
    CHECK_INT(slab_room(257), 512);
    CHECK_INT(slab_room(4096), 4096);
    CHECK_INT(slab_room(4097), 5120);
    slab_clear(&slab);
    CHECK_INT(slab.used, 0);
}
