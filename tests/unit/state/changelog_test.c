/* Sessions, and the way through the changelog: a store that is written and read back is the same store. */
#include "state/state.h"
#include "tests/unit/unit.h"

#include <stdio.h>

struct log_copy { /* the records of a changelog, in memory of their own */
    struct record records[4096];
    size_t n;
    struct arena arena;
};

static enum status copy_records(void *data, const struct record *records, size_t n, struct diag *d)
{
    struct log_copy *log = data;
    (void)d;
    for (size_t i = 0; i < n; i++) {
        struct record *r = &log->records[log->n++];
        *r = records[i];
        r->key = str_dup(&log->arena, records[i].key);
        if (r->value.p)
            r->value = str_dup(&log->arena, records[i].value);
    }
    return STATUS_OK;
}

static struct store *make_store(enum store_kind kind, int64_t retention)
{
    struct store_options options = {.name = "s", .kind = kind, .fixed_size = 8, .retention = retention, .gap = 10};
    struct store *s = NULL;
    struct diag d = DIAG_INIT;
    REQUIRE(store_create(&options, &s, &d) == STATUS_OK);
    return s;
}

static struct session *put_session(struct store *s, struct str key, int64_t start, int64_t end, int64_t n)
{
    bool created;
    struct session *x = store_put_session(s, key, key_hash(key), start, end, &created);
    REQUIRE(x != NULL);
    memcpy(x->entry.fixed, &n, sizeof n);
    x->entry.ts = end;
    return x;
}

/* The sessions of a store as text: "key[start,end]=n ..." in order. */
static const char *sessions_text(struct store *s, int64_t lo, int64_t hi)
{
    static char text[4096];
    struct arena a;
    arena_init(&a, 0);
    struct entry_ref *refs;
    size_t n, len = 0;
    struct diag d = DIAG_INIT;
    REQUIRE(store_collect(s, lo, hi, &a, &refs, &n, &d) == STATUS_OK);
    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        struct str key = entry_key(refs[i].entry);
        int64_t v;
        memcpy(&v, refs[i].entry->fixed, sizeof v);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s[%lld,%lld]=%lld", i ? " " : "", STR_ARG(key),
                                (long long)refs[i].start, (long long)refs[i].end, (long long)v);
    }
    arena_free(&a);
    return text;
}

TEST(sessions, are_found_by_key_in_order_of_their_end)
{
    struct store *s = make_store(STORE_SESSION, 1000);
    put_session(s, STR("a"), 50, 60, 2);
    put_session(s, STR("a"), 10, 20, 1);
    put_session(s, STR("b"), 15, 15, 3);
    struct arena a;
    arena_init(&a, 0);
    struct session **list;
    uint32_t n;
    REQUIRE(store_sessions(s, STR("a"), key_hash(STR("a")), 15, 55, &a, &list, &n) == STATUS_OK);
    REQUIRE(n == 2);
    CHECK_INT(list[0]->end, 20);
    CHECK_INT(list[1]->end, 60);
    REQUIRE(store_sessions(s, STR("a"), key_hash(STR("a")), 21, 49, &a, &list, &n) == STATUS_OK);
    CHECK_INT(n, 0);
    CHECK_TEXT(sessions_text(s, 0, 100), "b[15,15]=3 a[10,20]=1 a[50,60]=2");
    CHECK_TEXT(sessions_text(s, 16, 59), "a[10,20]=1");
    arena_free(&a);
    store_destroy(s);
}

TEST(sessions, that_were_removed_are_gone_and_may_come_back)
{
    struct store *s = make_store(STORE_SESSION, 1000);
    struct session *x = put_session(s, STR("a"), 1, 2, 1);
    put_session(s, STR("a"), 1, 5, 2);
    REQUIRE(store_remove_session(s, x));
    CHECK_TEXT(sessions_text(s, 0, 100), "a[1,5]=2");
    CHECK(!change_counts(store_change(s, 0)));
    CHECK_INT(store_count(s), 1);
    put_session(s, STR("a"), 1, 2, 7);
    CHECK_TEXT(sessions_text(s, 0, 100), "a[1,2]=7 a[1,5]=2");
    store_clear_changes(s);
    REQUIRE(store_remove_session(s, put_session(s, STR("a"), 1, 2, 7)));
    REQUIRE(store_remove_session(s, put_session(s, STR("a"), 1, 5, 7)));
    CHECK(change_counts(store_change(s, 0)));
    store_clear_changes(s);
    CHECK_TEXT(sessions_text(s, 0, 100), "");
    CHECK_INT(store_count(s), 0);
    store_destroy(s);
}

TEST(sessions, behind_the_horizon_are_hidden_first_and_freed_by_segments)
{
    struct store *s = make_store(STORE_SESSION, 100);
    struct arena a;
    arena_init(&a, 0);
    put_session(s, STR("a"), 0, 10, 1);
    put_session(s, STR("b"), 0, 500, 2);
    struct session **list;
    uint32_t n;
    REQUIRE(store_sessions(s, STR("a"), key_hash(STR("a")), 0, 1000, &a, &list, &n) == STATUS_OK);
    CHECK_INT(n, 0);
    store_clear_changes(s);
    CHECK_TEXT(sessions_text(s, 0, 1000), "a[0,10]=1 b[0,500]=2");
    put_session(s, STR("b"), 0, 200000, 3);
    store_clear_changes(s);
    CHECK_TEXT(sessions_text(s, 0, 300000), "b[0,200000]=3");
    CHECK_INT(store_count(s), 1);
    arena_free(&a);
    store_destroy(s);
}

TEST(sessions, closing_hint_is_never_wrong)
{
    struct store *s = make_store(STORE_SESSION, 1000000);
    CHECK(!store_may_hold(s, 0, 100));
    put_session(s, STR("a"), 5, 30, 1);
    CHECK(!store_may_hold(s, 0, 29));
    CHECK(store_may_hold(s, 0, 30));
    CHECK(!store_may_hold(s, 31, 60));
    put_session(s, STR("b"), 40, 45, 1);
    CHECK(store_may_hold(s, 31, 60));
    store_destroy(s);
}

static struct store *round_trip(struct store *s, struct log_copy *log)
{
    struct diag d = DIAG_INIT;
    REQUIRE(store_write_changes(s, copy_records, log, &d) == STATUS_OK);
    store_clear_changes(s);
    struct store *back = make_store(store_kind(s), 1000);
    REQUIRE(store_restore(back, log->records, log->n, &d) == STATUS_OK);
    return back;
}

TEST(changelog, restores_keyed_entries)
{
    static struct log_copy log;
    log = (struct log_copy){0};
    struct store *s = make_store(STORE_KEYED, 0);
    bool created;
    for (int64_t i = 0; i < 2000; i++) {
        char key[32];
        int len = snprintf(key, sizeof key, "key-%lld-0123456789", (long long)(i % 1500));
        struct str k = str_make(key, (size_t)len);
        struct entry *e = store_put(s, store_table(s), 0, k, key_hash(k), &created);
        REQUIRE(e && store_touch(s, store_table(s), 0, e, !created) && store_set_var(s, e, &i, sizeof i));
        memcpy(e->fixed, &i, sizeof i);
        e->ts = i;
    }
    struct store *back = round_trip(s, &log);
    CHECK_INT(log.n, 1500);
    CHECK_INT(store_count(back), 1500);
    struct str k = STR("key-3-0123456789");
    REQUIRE(store_remove(s, store_table(s), 0, store_get(s, store_table(s), 0, k, key_hash(k))));
    store_destroy(back);
    back = round_trip(s, &log);
    CHECK_INT(log.n, 1501);
    CHECK_INT(store_count(back), 1499);
    CHECK(store_get(back, store_table(back), 0, k, key_hash(k)) == NULL);
    struct str k4 = STR("key-4-0123456789");
    struct entry *e = store_get(back, store_table(back), 0, k4, key_hash(k4));
    REQUIRE(e != NULL);
    int64_t n;
    memcpy(&n, e->fixed, sizeof n);
    CHECK_INT(n, 1504);
    CHECK_INT(e->ts, 1504);
    CHECK_INT(e->var_len, 8);
    store_destroy(back);
    store_destroy(s);
    arena_free(&log.arena);
}

TEST(changelog, restores_windows_sessions_and_marks)
{
    static struct log_copy log;
    log = (struct log_copy){0};
    struct store *s = make_store(STORE_SESSION, 1000);
    put_session(s, STR("a"), 50, 60, 2);
    put_session(s, STR("a"), 10, 20, 1);
    REQUIRE(store_remove_session(s, put_session(s, STR("c"), 1, 2, 9)));
    store_marks(s)->observed = 77;
    store_marks(s)->closed = 5;
    store_marks(s)->seq = 1234567890123;
    struct store *back = round_trip(s, &log);
    CHECK_INT(log.n, 3);
    CHECK_TEXT(sessions_text(back, 0, 100), "a[10,20]=1 a[50,60]=2");
    CHECK_INT(store_marks(back)->observed, 77);
    CHECK_INT(store_marks(back)->closed, 5);
    CHECK_INT(store_marks(back)->seq, 1234567890123);
    CHECK_INT(store_marks(back)->time, 60);
    struct diag d = DIAG_INIT;
    REQUIRE(store_write_changes(s, copy_records, &log, &d) == STATUS_OK);
    CHECK_INT(log.n, 3); /* nothing new: nothing written */
    store_destroy(back);
    store_destroy(s);

    log.n = 0;
    s = make_store(STORE_WINDOWED, 1000);
    bool created;
    struct table *t = store_window(s, 40, true);
    struct entry *e = store_put(s, t, 40, STR("k"), key_hash(STR("k")), &created);
    REQUIRE(e && store_touch(s, t, 40, e, false));
    e->ts = 44;
    back = round_trip(s, &log);
    REQUIRE(store_window(back, 40, false) != NULL);
    e = store_get(back, store_window(back, 40, false), 40, STR("k"), key_hash(STR("k")));
    REQUIRE(e != NULL);
    CHECK_INT(e->ts, 44);
    store_destroy(back);
    store_destroy(s);
    arena_free(&log.arena);
}

TEST(changelog, refuses_what_it_did_not_write)
{
    struct store *s = make_store(STORE_WINDOWED, 1000);
    struct record bad[] = {
        {.key = STR("")},
        {.key = STR("\1short")},
        {.key = STR("\2aaaaaaaakey"), .value = STR("0123456789abcdef")},
        {.key = STR("\1aaaaaaaakey"), .value = STR("tooshort")},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct diag d = DIAG_INIT;
        CHECK_INT(store_restore(s, &bad[i], 1, &d), STATUS_DATA);
        CHECK(d.message[0] != '\0');
    }
    CHECK_INT(store_count(s), 0);
    store_destroy(s);
}
