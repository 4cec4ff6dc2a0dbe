/* See snapshot_fixture.h. */
#include "tests/unit/state/snapshot_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char path[64];

struct snapshot *open_snapshot(void)
{
    struct snapshot *sn = NULL;
    struct diag d = DIAG_INIT;
    enum status st = snapshot_open(path, STR("shape 1"), &sn, &d);
    CHECK_TEXT(d.message, "");
    REQUIRE(st == STATUS_OK);
    return sn;
}

void new_path(void)
{
    snprintf(path, sizeof path, "/tmp/weir-snapshot-%d.db", (int)getpid());
    snapshot_delete(path);
}

struct store *make_store(enum store_kind kind, struct snapshot *sn, size_t filter)
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

void commit(struct store *s, struct snapshot *sn, int64_t offset, bool fold)
{
    int64_t offsets[SNAPSHOT_STORES] = {offset};
    struct diag d = DIAG_INIT;
    REQUIRE(store_write_changes(s, to_nowhere, NULL, &d) == STATUS_OK);
    store_clear_changes(s);
    if (fold)
        REQUIRE(snapshot_fold(sn, offsets, 5, true, &d) == STATUS_OK);
    CHECK_TEXT(d.message, "");
}

struct str key_of(char *room, uint32_t k)
{
    return str_make(room, (size_t)snprintf(room, 64, k % 2 ? "key %u" : "a longer key for number %u", k));
}

void put(struct store *s, struct table *t, int64_t start, uint32_t k, int64_t n)
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

int64_t get(struct store *s, struct table *t, int64_t start, uint32_t k)
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

void add_to_sessions(struct store *s, struct str key, int64_t ts, struct arena *a)
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

size_t closed_between(struct store *s, int64_t lo, int64_t hi, uint64_t *sums)
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

enum status to_changelog(void *data, const struct record *records, size_t n, struct diag *d)
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
