/* Snapshots with the changelog behind them: rounds of several parts, crashes in between, sessions over restarts. */
#include "tests/unit/state/snapshot_fixture.h"

#include <stdlib.h>
#include <unistd.h>

enum { WIDE_KEYS = 12000 };

static void change_some(struct store *s, int64_t *model, uint32_t *seed, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        *seed = *seed * 1664525 + 1013904223;
        uint32_t k = (*seed >> 8) % WIDE_KEYS;
        char room[64];
        struct str key = key_of(room, k);
        struct entry *e = store_get(s, store_table(s), 0, key, key_hash(key));
        CHECK((e != NULL) == (model[k] != INT64_MIN));
        if (e && (*seed & 0xF0) == 0) {
            REQUIRE(store_remove(s, store_table(s), 0, e));
            model[k] = INT64_MIN;
        } else {
            put(s, store_table(s), 0, k, i + 1);
            model[k] = (model[k] == INT64_MIN ? 0 : model[k]) + i + 1;
        }
    }
}

TEST(snapshot, with_the_changelog_behind_it_survives_crashes_at_any_part)
{
    new_path();
    struct snapshot *sn = open_snapshot();
    struct store *s = make_store(STORE_KEYED, sn, 1);
    struct changelog log = {0};
    struct diag d = DIAG_INIT;
    static int64_t model[WIDE_KEYS];
    for (uint32_t k = 0; k < WIDE_KEYS; k++)
        model[k] = INT64_MIN;
    uint32_t seed = 5, parts = 0, rounds = 0;
    for (uint32_t step = 1; step <= 60; step++) {
        change_some(s, model, &seed, step == 1 ? 2 * WIDE_KEYS : 300);
        REQUIRE(store_write_changes(s, to_changelog, &log, &d) == STATUS_OK);
        store_clear_changes(s);
        int64_t offsets[SNAPSHOT_STORES] = {(int64_t)log.n};
        REQUIRE(snapshot_fold(sn, offsets, 5, false, &d) == STATUS_OK);
        parts += snapshot_in_round(sn);
        while (step % 3 == 0 && snapshot_folding(sn))
            usleep(1000);
        rounds += !snapshot_in_round(sn);
        store_evict(s, 20000);
        if (step % 7)
            continue;
        store_destroy(s); /* a crash, but for the part that is being written */
        snapshot_close(sn);
        sn = open_snapshot();
        s = make_store(STORE_KEYED, sn, 1);
        REQUIRE(snapshot_load(sn, 400000, &d) == STATUS_OK);
        int64_t from = snapshot_offset(sn, 0) < 0 ? 0 : snapshot_offset(sn, 0);
        REQUIRE(store_restore(s, log.records + from, log.n - (size_t)from, &d) == STATUS_OK);
    }
    CHECK(parts > 5);
    CHECK(rounds > 2);
    for (uint32_t k = 0; k < WIDE_KEYS; k++)
        CHECK_INT(get(s, store_table(s), 0, k), model[k]);
    store_destroy(s);
    snapshot_close(sn);
    snapshot_delete(path);
    free(log.records);
    arena_free(&log.arena);
}

/* ---- sessions over restarts ----------------------------------------------------------------------------------- */

struct random {
    uint32_t seed;
};
static uint32_t below(struct random *r, uint32_t n)
{
    r->seed = r->seed * 1664525 + 1013904223;
    return (r->seed >> 8) % n;
}

/* Keys of which one begins another, and such that look like the numbers that stand behind keys in the file. */
static struct str odd_key(char *room, uint32_t k)
{
    static const char bytes[] = "\x80\0\0\0\xFF\xFF\xFF\xFF";
    uint32_t len = k % 9;
    memcpy(room, bytes, len);
    room[len] = (char)('a' + k / 9);
    return str_make(room, k < 9 ? len : len + 1);
}

static struct store *long_lived(struct snapshot *sn)
{
    struct store_options options = {
        .name = "s", .kind = STORE_SESSION, .fixed_size = 8, .retention = 200000, .gap = 1000};
    struct store *s = NULL;
    struct diag d = DIAG_INIT;
    REQUIRE(store_create(&options, &s, &d) == STATUS_OK);
    if (sn)
        REQUIRE(store_attach(s, sn, 0, 1, &d) == STATUS_OK);
    return s;
}

static uint64_t all_sessions(struct store *s, size_t *n)
{
    uint64_t sums = 0;
    *n = closed_between(s, INT64_MIN, INT64_MAX, &sums);
    return sums;
}

TEST(snapshot, sessions_expire_and_come_back_over_restarts_as_without_evictions)
{
    new_path();
    struct snapshot *sn = open_snapshot();
    struct store *tight = long_lived(sn), *roomy = long_lived(NULL);
    struct changelog log = {0};
    struct diag d = DIAG_INIT;
    struct arena a;
    struct random r = {11};
    uint64_t evicted = 0;
    arena_init(&a, 0);
    for (int64_t step = 1; step <= 6000; step++) {
        char room[16];
        struct str key = odd_key(room, below(&r, 45));
        int64_t ts = step * 100 - (below(&r, 4) == 0 ? below(&r, 150000) : 0);
        for (int64_t t = ts; t <= ts + (below(&r, 50) == 0 ? 30000 : 0); t += 10) { /* a few are long */
            arena_clear(&a);
            add_to_sessions(tight, key, t, &a);
            add_to_sessions(roomy, key, t, &a);
        }
        if (step % 50)
            continue;
        REQUIRE(store_write_changes(tight, to_changelog, &log, &d) == STATUS_OK);
        store_clear_changes(tight);
        store_clear_changes(roomy);
        int64_t offsets[SNAPSHOT_STORES] = {(int64_t)log.n};
        REQUIRE(snapshot_fold(sn, offsets, step, step % 100 == 0, &d) == STATUS_OK);
        evicted += store_evict(tight, step % 300 ? 4000 : SIZE_MAX);
        if (step % 700 == 0) { /* a restart, with what the file and the changelog hold */
            store_destroy(tight);
            snapshot_close(sn);
            sn = open_snapshot();
            tight = long_lived(sn);
            REQUIRE(snapshot_load(sn, 12000, &d) == STATUS_OK);
            int64_t from = snapshot_offset(sn, 0) < 0 ? 0 : snapshot_offset(sn, 0);
            REQUIRE(store_restore(tight, log.records + from, log.n - (size_t)from, &d) == STATUS_OK);
        }
        if (step % 500 == 0) {
            size_t n, m;
            CHECK_INT(all_sessions(tight, &n), all_sessions(roomy, &m));
            CHECK_INT(n, m);
            CHECK(n > 50);
        }
    }
    CHECK(evicted > 1000);
    CHECK(snapshot_status(sn, NULL) == STATUS_OK);
    arena_free(&a);
    arena_free(&log.arena);
    free(log.records);
    store_destroy(tight);
    store_destroy(roomy);
    snapshot_close(sn);
    snapshot_delete(path);
}
