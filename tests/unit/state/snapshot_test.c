/* The snapshot: what was folded comes back, evicted entries are read through, and a store under a tight limit behaves
 * like one that has all the memory it wants. Restarts in between are in snapshot_restart_test.c. */
#include "tests/unit/state/snapshot_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

TEST(snapshot, holds_what_was_folded_and_its_offset)
{
    new_path();
    struct snapshot *sn = open_snapshot();
    struct store *s = make_store(STORE_KEYED, sn, 0);
    CHECK_INT(snapshot_offset(sn, 0), -1);
    for (uint32_t k = 0; k < 1000; k++)
        put(s, store_table(s), 0, k, k);
    commit(s, sn, 77, true);
    put(s, store_table(s), 0, 5, 1000); /* not folded */
    commit(s, sn, 78, false);
    CHECK_INT(snapshot_offset(sn, 0), 77);
    store_destroy(s);
    snapshot_close(sn);

    sn = open_snapshot();
    s = make_store(STORE_KEYED, sn, 0);
    struct diag d = DIAG_INIT;
    REQUIRE(snapshot_load(sn, 0, &d) == STATUS_OK);
    CHECK_INT(snapshot_offset(sn, 0), 77);
    CHECK_INT(store_count(s), 1000);
    CHECK_INT(get(s, store_table(s), 0, 5), 5);
    CHECK_INT(get(s, store_table(s), 0, 999), 999);
    store_destroy(s);
    snapshot_close(sn);
    snapshot_delete(path);
}

TEST(snapshot, of_another_shape_or_damaged_is_begun_anew)
{
    new_path();
    struct snapshot *sn = open_snapshot();
    struct store *s = make_store(STORE_KEYED, sn, 0);
    put(s, store_table(s), 0, 1, 1);
    commit(s, sn, 7, true);
    store_destroy(s);
    snapshot_close(sn);
    struct diag d = DIAG_INIT;
    REQUIRE(snapshot_open(path, STR("shape 2"), &sn, &d) == STATUS_OK);
    CHECK_INT(snapshot_offset(sn, 0), -1);
    snapshot_close(sn);

    FILE *f = fopen(path, "w");
    REQUIRE(f != NULL);
    for (int i = 0; i < 10000; i++)
        fputc("this is no database"[i % 19], f);
    fclose(f);
    sn = open_snapshot();
    CHECK_INT(snapshot_offset(sn, 0), -1);
    snapshot_close(sn);
    snapshot_delete(path);

    snprintf(path, sizeof path, "/nonexistent/folder/x.db");
    CHECK(snapshot_open(path, STR("shape"), &sn, &d) != STATUS_OK);
    CHECK(d.message[0] != '\0');
}

static bool flip_byte_of(const char *needle)
{
    FILE *f = fopen(path, "r+");
    REQUIRE(f != NULL);
    static char bytes[4 << 20];
    size_t n = fread(bytes, 1, sizeof bytes, f);
    char *at = memmem(bytes, n, needle, strlen(needle));
    if (at) {
        fseek(f, at - bytes + 3, SEEK_SET);
        fputc(at[3] ^ 1, f);
    }
    fclose(f);
    return at != NULL;
}

TEST(snapshot, notices_a_flipped_bit)
{
    new_path();
    struct snapshot *sn = open_snapshot();
    struct store *s = make_store(STORE_KEYED, sn, 0);
    bool created;
    struct entry *e = store_put(s, store_table(s), 0, STR("k"), key_hash(STR("k")), &created);
    REQUIRE(e && store_touch(s, store_table(s), 0, e, false) && store_set_var(s, e, "remember these bytes", 20));
    commit(s, sn, 7, true);
    store_destroy(s);
    snapshot_close(sn); /* moves the WAL into the file */
    REQUIRE(flip_byte_of("remember these bytes"));
    sn = open_snapshot();
    s = make_store(STORE_KEYED, sn, 0);
    struct diag d = DIAG_INIT;
    CHECK_INT(snapshot_load(sn, 0, &d), STATUS_IO);
    CHECK(strstr(d.message, "damaged") != NULL);
    store_destroy(s);
    snapshot_close(sn);
    CHECK(access(path, F_OK) != 0); /* the next start does without it */
}

TEST(snapshot, evicted_entries_come_back)
{
    new_path();
    struct snapshot *sn = open_snapshot();
    struct store *s = make_store(STORE_KEYED, sn, 1);
    for (uint32_t k = 0; k < 1000; k++)
        put(s, store_table(s), 0, k, k);
    CHECK_INT(store_evict(s, SIZE_MAX), 0); /* dirty */
    commit(s, sn, 1, false);
    CHECK_INT(store_evict(s, SIZE_MAX), 0); /* not in the file yet */
    commit(s, sn, 1, true);
    CHECK_INT(store_evict(s, SIZE_MAX), 1000);
    CHECK_INT(store_count(s), 0);
    CHECK_INT(get(s, store_table(s), 0, 3), 3);
    put(s, store_table(s), 0, 3, 10);
    CHECK_INT(get(s, store_table(s), 0, 3), 13);
    CHECK_INT(get(s, store_table(s), 0, 5000), INT64_MIN);
    char room[64];
    struct str four = key_of(room, 4);
    REQUIRE(store_remove(s, store_table(s), 0, store_get(s, store_table(s), 0, four, key_hash(four))));
    CHECK_INT(get(s, store_table(s), 0, 4), INT64_MIN);
    commit(s, sn, 2, false);
    CHECK_INT(get(s, store_table(s), 0, 4), INT64_MIN); /* the removal waits */
    CHECK_INT(get(s, store_table(s), 0, 3), 13);
    struct arena a;
    arena_init(&a, 0);
    struct entry_ref *refs;
    size_t n;
    struct diag d = DIAG_INIT;
    REQUIRE(store_collect(s, 0, 0, &a, &refs, &n, &d) == STATUS_OK);
    CHECK_INT(n, 999);
    arena_free(&a);
    store_destroy(s);
    snapshot_close(sn);
    snapshot_delete(path);
}

TEST(snapshot, is_read_as_it_is_now_after_any_look_up)
{
    new_path();
    struct snapshot *sn = open_snapshot();
    struct store *s = make_store(STORE_KEYED, sn, 1);
    for (uint32_t k = 0; k < 100; k++)
        put(s, store_table(s), 0, k, 5);
    commit(s, sn, 1, true);
    CHECK_INT(store_evict(s, SIZE_MAX), 100);
    CHECK_INT(get(s, store_table(s), 0, 7), 5); /* from the file; and then the file changes */
    put(s, store_table(s), 0, 7, 1);
    commit(s, sn, 2, true);
    CHECK_INT(store_evict(s, SIZE_MAX), 1);
    struct arena a;
    struct entry_ref *refs;
    size_t n;
    struct diag d = DIAG_INIT;
    arena_init(&a, 0);
    REQUIRE(store_collect(s, 0, 0, &a, &refs, &n, &d) == STATUS_OK);
    CHECK_INT(n, 100);
    int64_t all = 0, sum;
    for (size_t i = 0; i < n; i++) {
        memcpy(&sum, refs[i].entry->fixed, 8);
        all += sum;
    }
    CHECK_INT(all, 501);
    arena_free(&a);
    store_destroy(s);
    snapshot_close(sn);
    snapshot_delete(path);
}

/* The same random work on a store without and one with evictions and folds in between. */
static void compare_keyed(enum store_kind kind)
{
    new_path();
    struct snapshot *sn = open_snapshot();
    struct store *tight = make_store(kind, sn, 1), *roomy = make_store(kind, NULL, 0);
    uint32_t seed = 3;
    enum { KEYS = 400, STEPS = 8000 };
    for (int step = 1; step < STEPS; step++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t k = (seed >> 8) % KEYS;
        int64_t start = kind == STORE_WINDOWED ? step / 1000 * 10 - (int64_t)(seed >> 28) % 3 * 10 : 0;
        if (start < 0)
            start = 0;
        struct store *both[] = {tight, roomy};
        for (int i = 0; i < 2; i++) {
            struct store *s = both[i];
            struct table *t = kind == STORE_WINDOWED ? store_window(s, start, true) : store_table(s);
            char room[64];
            struct str key = key_of(room, k);
            if ((seed >> 24 & 7) == 0) {
                struct entry *e = store_get(s, t, start, key, key_hash(key));
                if (e)
                    REQUIRE(store_remove(s, t, start, e));
            } else {
                put(s, t, start, k, step);
            }
        }
        CHECK_INT(get(tight, kind == STORE_WINDOWED ? store_window(tight, start, true) : store_table(tight), start, k),
                  get(roomy, kind == STORE_WINDOWED ? store_window(roomy, start, true) : store_table(roomy), start, k));
        if (step % 50)
            continue;
        commit(tight, sn, step, step % 200 == 0);
        store_clear_changes(roomy);
        store_evict(tight, step % 100 ? 10000 : SIZE_MAX);
    }
    struct arena a;
    arena_init(&a, 0);
    struct entry_ref *x, *y;
    size_t n, m;
    struct diag d = DIAG_INIT;
    REQUIRE(store_collect(tight, 0, INT64_MAX, &a, &x, &n, &d) == STATUS_OK);
    REQUIRE(store_collect(roomy, 0, INT64_MAX, &a, &y, &m, &d) == STATUS_OK);
    REQUIRE(n == m);
    CHECK(n > 100);
    for (size_t i = 0; i < n; i++) {
        CHECK(str_eq(entry_key(x[i].entry), entry_key(y[i].entry)));
        CHECK_INT(x[i].start, y[i].start);
        CHECK(memcmp(x[i].entry->fixed, y[i].entry->fixed, 8) == 0);
        CHECK_INT(x[i].entry->ts, y[i].entry->ts);
    }
    CHECK(snapshot_status(sn, NULL) == STATUS_OK);
    arena_free(&a);
    store_destroy(tight);
    store_destroy(roomy);
    snapshot_close(sn);
    snapshot_delete(path);
}

TEST(snapshot, keyed_store_is_the_same_with_evictions)
{
    compare_keyed(STORE_KEYED);
}

TEST(snapshot, windowed_store_is_the_same_with_evictions)
{
    compare_keyed(STORE_WINDOWED);
}

TEST(snapshot, session_store_is_the_same_with_evictions)
{
    new_path();
    struct snapshot *sn = open_snapshot();
    struct store *tight = make_store(STORE_SESSION, sn, 1), *roomy = make_store(STORE_SESSION, NULL, 0);
    struct arena a;
    arena_init(&a, 0);
    uint32_t seed = 9;
    uint64_t sums[2] = {0, 0};
    size_t closed[2] = {0, 0};
    for (int step = 1; step < 5000; step++) {
        seed = seed * 1664525 + 1013904223;
        char room[64];
        struct str key = key_of(room, (seed >> 8) % 60);
        int64_t ts = step + (seed >> 20) % 200;
        arena_clear(&a);
        add_to_sessions(tight, key, ts, &a);
        add_to_sessions(roomy, key, ts, &a);
        if (step % 10 == 0) {
            closed[0] += closed_between(tight, step - 40, step - 31, &sums[0]);
            closed[1] += closed_between(roomy, step - 40, step - 31, &sums[1]);
        }
        if (step % 50)
            continue;
        commit(tight, sn, step, step % 100 == 0);
        store_clear_changes(roomy);
        store_evict(tight, step % 200 ? 3000 : SIZE_MAX);
    }
    CHECK(closed[0] > 50);
    CHECK_INT(closed[0], closed[1]);
    CHECK_INT(sums[0], sums[1]);
    uint64_t all[2] = {0, 0};
    CHECK_INT(closed_between(tight, 0, INT64_MAX, &all[0]), closed_between(roomy, 0, INT64_MAX, &all[1]));
    CHECK_INT(all[0], all[1]);
    arena_free(&a);
    store_destroy(tight);
    store_destroy(roomy);
    snapshot_close(sn);
    snapshot_delete(path);
}

TEST(snapshot, loads_no_more_than_the_limit)
{
    for (int kind = STORE_KEYED; kind <= STORE_SESSION; kind++) {
        new_path();
        struct snapshot *sn = open_snapshot();
        struct store *s = make_store((enum store_kind)kind, sn, 1);
        for (uint32_t k = 0; k < 3000; k++) {
            char room[64];
            struct arena a;
            arena_init(&a, 0);
            if (kind == STORE_SESSION)
                add_to_sessions(s, key_of(room, k), k, &a);
            else
                put(s, kind == STORE_WINDOWED ? store_window(s, k / 100 * 10, true) : store_table(s), k / 100 * 10, k,
                    k + 1);
            arena_free(&a);
        }
        commit(s, sn, 5, true);
        size_t full = store_memory(s);
        store_destroy(s);
        snapshot_close(sn);

        sn = open_snapshot();
        s = make_store((enum store_kind)kind, sn, 1);
        struct diag d = DIAG_INIT;
        REQUIRE(snapshot_load(sn, full / 4, &d) == STATUS_OK);
        CHECK(store_count(s) < 2000);
        CHECK(store_memory(s) < full / 2);
        if (kind == STORE_KEYED) {
            for (uint32_t k = 0; k < 3000; k += 7)
                CHECK_INT(get(s, store_table(s), 0, k), k + 1);
        } else if (kind == STORE_WINDOWED) {
            for (uint32_t k = 0; k < 3000; k += 7)
                CHECK_INT(get(s, store_window(s, k / 100 * 10, false), k / 100 * 10, k), k + 1);
        } else {
            uint64_t sum = 0;
            CHECK_INT(closed_between(s, 100, 199, &sum), 100);
            CHECK_INT(closed_between(s, 2900, 2999, &sum), 100);
        }
        store_destroy(s);
        snapshot_close(sn);
    }
    snapshot_delete(path);
}

TEST(snapshot, eviction_of_everything_gives_the_room_back)
{
    for (int kind = STORE_KEYED; kind <= STORE_SESSION; kind++) {
        new_path();
        struct snapshot *sn = open_snapshot();
        struct store *s = make_store((enum store_kind)kind, sn, 1);
        size_t empty = store_memory(s);
        struct arena a;
        arena_init(&a, 0);
        for (uint32_t k = 0; k < 5000; k++) {
            char room[64];
            if (kind == STORE_SESSION)
                add_to_sessions(s, key_of(room, k), k, &a);
            else
                put(s, kind == STORE_WINDOWED ? store_window(s, 0, true) : store_table(s), 0, k, 1);
        }
        commit(s, sn, 1, true);
        CHECK(store_memory(s) > empty + 5000 * 64);
        CHECK_INT(store_evict(s, SIZE_MAX), 5000);
        CHECK(store_memory(s) < empty + 40000); /* what is known of windows and slices */
        arena_free(&a);
        store_destroy(s);
        snapshot_close(sn);
        snapshot_delete(path);
    }
}
