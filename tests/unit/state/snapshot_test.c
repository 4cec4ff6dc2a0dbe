/* The snapshot: what was folded comes back, evicted entries are read through, and a store under a tight limit behaves
 * like one that has all the memory it wants. */
#include "state/snapshot.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[64];

static struct snapshot *open_snapshot(void)
{
    struct snapshot *sn = NULL;
    struct diag d = DIAG_INIT;
    enum status st = snapshot_open(path, STR("shape 1"), &sn, &d);
    CHECK_TEXT(d.message, "");
    REQUIRE(st == STATUS_OK);
    return sn;
}

static void new_path(void)
{
    snprintf(path, sizeof path, "/tmp/weir-snapshot-%d.db", (int)getpid());
    snapshot_delete(path);
}

static struct store *make_store(enum store_kind kind, struct snapshot *sn, size_t filter)
{
    struct store_options options = {.name = "s", .kind = kind, .fixed_size = 8, .retention = 100000, .gap = 10};
    struct store *s = NULL;
    struct diag d = DIAG_INIT;
    REQUIRE(store_create(&options, &s, &d) == STATUS_OK);
    if (sn)
        REQUIRE(store_attach(s, sn, 0, filter, &d) == STATUS_OK);
    return s;
}

static enum status to_nowhere(void *data, const struct record *records, size_t n, struct diag *d)
{
    (void)data;
    (void)records;
    (void)n;
    (void)d;
    return STATUS_OK;
}

/* What a commit does. */
static void commit(struct store *s, struct snapshot *sn, int64_t offset, bool fold)
{
    int64_t offsets[SNAPSHOT_STORES] = {offset};
    struct diag d = DIAG_INIT;
    REQUIRE(store_write_changes(s, to_nowhere, NULL, &d) == STATUS_OK);
    store_clear_changes(s);
    if (fold)
        REQUIRE(snapshot_fold(sn, offsets, 5, true, &d) == STATUS_OK);
    CHECK_TEXT(d.message, "");
}

static struct str key_of(char *room, uint32_t k)
{
    return str_make(room, (size_t)snprintf(room, 64, k % 2 ? "key %u" : "a longer key for number %u", k));
}

static void put(struct store *s, struct table *t, int64_t start, uint32_t k, int64_t n)
{
    char room[64], text[64];
    struct str key = key_of(room, k);
    bool created;
    struct entry *e = store_put(s, t, start, key, key_hash(key), &created);
    REQUIRE(e && store_touch(s, t, start, e, !created));
    int64_t sum = 0;
    memcpy(&sum, e->fixed, 8);
    sum += n;
    memcpy(e->fixed, &sum, 8);
    e->ts = n;
    REQUIRE(store_set_var(s, e, text, (uint32_t)snprintf(text, sizeof text, "%lld", (long long)sum)));
}

static int64_t get(struct store *s, struct table *t, int64_t start, uint32_t k)
{
    char room[64], text[64];
    struct str key = key_of(room, k);
    struct entry *e = store_get(s, t, start, key, key_hash(key));
    if (!e)
        return INT64_MIN;
    int64_t sum;
    memcpy(&sum, e->fixed, 8);
    CHECK(str_eq(str_make(e->var, e->var_len),
                 str_make(text, (size_t)snprintf(text, sizeof text, "%lld", (long long)sum))));
    return sum;
}

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

/* Joins all sessions within the gap, as the operator does. */
static void add_to_sessions(struct store *s, struct str key, int64_t ts, struct arena *a)
{
    struct session **found;
    uint32_t n;
    int64_t start = ts, end = ts, sum = 1;
    REQUIRE(store_sessions(s, key, key_hash(key), ts - 10, ts + 10, a, &found, &n) == STATUS_OK);
    for (uint32_t i = 0; i < n; i++) {
        int64_t theirs;
        memcpy(&theirs, found[i]->entry.fixed, 8);
        sum += theirs;
        start = found[i]->start < start ? found[i]->start : start;
        end = found[i]->end > end ? found[i]->end : end;
    }
    for (uint32_t i = 0; i < n; i++)
        REQUIRE(store_remove_session(s, found[i]));
    bool created;
    struct session *x = store_put_session(s, key, key_hash(key), start, end, &created);
    REQUIRE(x != NULL);
    memcpy(x->entry.fixed, &sum, 8);
    x->entry.ts = end;
}

static size_t closed_between(struct store *s, int64_t lo, int64_t hi, uint64_t *sums)
{
    struct arena a;
    arena_init(&a, 0);
    struct entry_ref *refs;
    size_t n = 0;
    struct diag d = DIAG_INIT;
    if (store_may_hold(s, lo, hi))
        REQUIRE(store_collect(s, lo, hi, &a, &refs, &n, &d) == STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        int64_t sum;
        memcpy(&sum, refs[i].entry->fixed, 8);
        *sums = *sums * 31 + (uint64_t)(sum * 7 + refs[i].start + refs[i].end * 3) + key_hash(entry_key(refs[i].entry));
    }
    arena_free(&a);
    return n;
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

/* ---- rounds of several parts, with changes and crashes in between ------------------------------------------- */

struct changelog { /* all records that were ever written */
    struct record *records;
    size_t n, cap;
    struct arena arena;
};

static enum status to_changelog(void *data, const struct record *records, size_t n, struct diag *d)
{
    struct changelog *log = data;
    (void)d;
    for (size_t i = 0; i < n; i++) {
        if (log->n == log->cap) {
            log->cap = log->cap ? log->cap * 2 : 1024;
            log->records = realloc(log->records, log->cap * sizeof *log->records);
            REQUIRE(log->records != NULL);
        }
        struct record *r = &log->records[log->n++];
        *r = records[i];
        r->key = str_dup(&log->arena, records[i].key);
        if (r->value.p)
            r->value = str_dup(&log->arena, records[i].value);
    }
    return STATUS_OK;
}

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
