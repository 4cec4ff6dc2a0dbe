/* What topics/topics.h promises, on any log: topics, transactions, reading, membership. What needs a broker's help (failures,
 * several members) is in test_kafka.c. */
#include "tests/broker/log_tests.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { WAIT_MS = 20000 };

/* ---- helpers --------------------------------------------------------------------------------------------- */

const char *fresh_name(const char *stem)
{
    static char names[8][64];
    static int next;
    static int64_t start;
    if (!start)
        start = clock_wall_ms();
    char *name = names[next % 8];
    snprintf(name, sizeof names[0], "%s-%llx-%d", stem, (unsigned long long)start * 32768 + (unsigned)getpid() % 32768,
             next++);
    return name;
}

const char *fresh_topic(struct log *log, const char *stem, int32_t n_partitions)
{
    struct topic_spec spec = {.name = fresh_name(stem), .n_partitions = n_partitions};
    OK(topic_create(log, &spec, d));
    return spec.name;
}

struct log_writer *writer_new(struct log *log, const char *id)
{
    struct log_writer *w = NULL;
    OK(writer_open(log, id, &w, d));
    REQUIRE(w != NULL);
    return w;
}

struct log_reader *reader_at(struct log *log, const char *topic, int32_t partition, int64_t offset)
{
    struct log_reader *r = NULL;
    OK(reader_open(log, &r, d));
    REQUIRE(r != NULL);
    OK(reader_assign(r, topic, partition, offset, d));
    return r;
}

enum status append_numbered(struct log_writer *w, const char *topic, int32_t partition, int first, int n)
{
    enum status st = STATUS_OK;
    for (int i = first; i < first + n && st == STATUS_OK; i++) {
        char key[32], value[32];
        struct record r = {.ts = 1000 + i};
        r.key = str_make(key, (size_t)snprintf(key, sizeof key, "k%d", i));
        r.value = str_make(value, (size_t)snprintf(value, sizeof value, "v%d", i));
        st = writer_append(w, topic, partition, &r, 1, NULL);
    }
    return st;
}

void commit_numbered(struct log_writer *w, const char *topic, int32_t partition, int first, int n)
{
    OK(writer_begin(w, d));
    OK(append_numbered(w, topic, partition, first, n));
    OK(writer_commit(w, d));
}

static long number_of(const struct record *r)
{
    int64_t n;
    bool good = r->value.len > 1 && r->value.p[0] == 'v' && parse_i64(str_make(r->value.p + 1, r->value.len - 1), &n);
    return good ? (long)n : -1;
}

void wait_until_seen(struct log *log, const char *topic, int32_t partition)
{
    int64_t end = 0, all = -1;
    for (int i = 0; i < 500 && end != all; i++) {
        if (i)
            clock_sleep_ms(10);
        OK(topic_offsets(log, topic, partition, NULL, &end, &all, d));
    }
    CHECK_INT(end, all);
}

long read_to_end(struct log *log, const char *topic, int32_t partition, long long *sum)
{
    int64_t begin = 0, end = 0, until = clock_mono_ns() + (int64_t)WAIT_MS * 1000000;
    long n = 0;
    OK(topic_offsets(log, topic, partition, &begin, NULL, &end, d));
    struct log_reader *r = reader_at(log, topic, partition, begin);
    *sum = 0;
    for (int64_t at = begin; at < end;) {
        struct record_batch *b = NULL;
        OK(reader_poll(r, 200, BATCH_ROWS, &b, d));
        for (uint32_t i = 0; b && i < b->n; i++, n++) {
            CHECK(b->records[i].offset >= at);
            at = b->records[i].offset + 1;
            *sum += number_of(&b->records[i]);
        }
        if (b) {
            CHECK(b->next_offset >= at);
            at = b->next_offset;
        }
        record_batch_drop(b);
        if (clock_mono_ns() > until) {
            n = -1;
            break;
        }
    }
    reader_close(r);
    return n;
}

/* The next batch with records; NULL after WAIT_MS. */
static struct record_batch *next_records(struct log_reader *r, uint32_t max)
{
    for (int64_t until = clock_mono_ns() + (int64_t)WAIT_MS * 1000000; clock_mono_ns() < until;) {
        struct record_batch *b = NULL;
        OK(reader_poll(r, 200, max, &b, d));
        if (b && b->n)
            return b;
        record_batch_drop(b);
    }
    return NULL;
}

/* ---- topics ---------------------------------------------------------------------------------------------- */

void log_test_topic_life(struct log *log)
{
    struct diag e = DIAG_INIT;
    struct topic_spec spec = {
        .name = fresh_name("life"), .n_partitions = 3, .compact = true, .retention_ms = 3600000, .retention_bytes = 1 << 30};
    CHECK_INT(topic_describe(log, spec.name, &spec, &e), STATUS_NOT_FOUND);
    CHECK_INT(e.code, STATUS_OK);
    OK(topic_create(log, &spec, d));
    CHECK_INT(topic_create(log, &spec, &e), STATUS_EXISTS);
    CHECK(strstr(e.message, spec.name) != NULL);

    struct topic_spec got = {0};
    OK(topic_describe(log, spec.name, &got, d));
    CHECK(got.name == spec.name);
    CHECK_INT(got.n_partitions, 3);
    CHECK(got.replicas >= 1);
    CHECK(got.compact);
    CHECK_INT(got.retention_ms, 3600000);
    CHECK_INT(got.retention_bytes, 1 << 30);

    const char *plain = fresh_topic(log, "life-plain", 1);
    OK(topic_describe(log, plain, &got, d));
    CHECK(!got.compact);
    CHECK(got.retention_ms > 0 || got.retention_ms == -1); /* the log's default */
    CHECK(got.retention_bytes > 0 || got.retention_bytes == -1);
    struct topic_spec table = {.name = fresh_name("life-table"), .n_partitions = 1, .compact = true};
    OK(topic_create(log, &table, d));
    OK(topic_describe(log, table.name, &got, d));
    CHECK(got.compact);
    CHECK_INT(got.retention_ms, -1);

    int64_t begin = -1, end = -1, all = -1;
    OK(topic_offsets(log, plain, 0, &begin, &end, &all, d));
    CHECK_INT(begin, 0);
    CHECK_INT(end, 0);
    CHECK_INT(all, 0);

    OK(topic_delete(log, spec.name, d));
    CHECK_INT(topic_describe(log, spec.name, &got, NULL), STATUS_NOT_FOUND);
    CHECK_INT(topic_delete(log, spec.name, NULL), STATUS_NOT_FOUND);
    CHECK_INT(topic_offsets(log, spec.name, 0, &begin, &end, NULL, NULL), STATUS_NOT_FOUND);
    CHECK_INT(topic_offsets(log, plain, 1, &begin, &end, NULL, NULL), STATUS_NOT_FOUND);
    OK(topic_create(log, &spec, d)); /* the name is free again */
}

void log_test_topic_names(struct log *log)
{
    char longest[251];
    memset(longest, 'x', sizeof longest - 1);
    longest[250] = 0;
    const char *bad[] = {"", ".", "..", "with space", "umlaut\xc3\xa4", "slash/", longest};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct topic_spec spec = {.name = bad[i], .n_partitions = 1};
        CHECK_INT(topic_create(log, &spec, NULL), STATUS_INVALID);
    }
    struct topic_spec spec = {.name = fresh_name("none"), .n_partitions = 0};
    CHECK_INT(topic_create(log, &spec, NULL), STATUS_INVALID);
}

void log_test_topic_sorted_list(struct log *log)
{
    const char *second = fresh_topic(log, "list-b", 2), *first = fresh_topic(log, "list-a", 1);
    struct arena a;
    struct topic_spec *specs = NULL;
    size_t n = 0;
    int seen = 0;
    arena_init(&a, 0);
    OK(topic_list(log, &a, &specs, &n, d));
    for (size_t i = 0; i < n; i++) {
        CHECK(i == 0 || strcmp(specs[i - 1].name, specs[i].name) < 0);
        if (strcmp(specs[i].name, first) == 0 && specs[i].n_partitions == 1)
            seen++;
        if (strcmp(specs[i].name, second) == 0 && specs[i].n_partitions == 2)
            seen++;
    }
    CHECK_INT(seen, 2);
    arena_free(&a);
}

/* ---- records --------------------------------------------------------------------------------------------- */

static void check_str(struct str got, struct str expected)
{
    CHECK_INT(got.p == NULL, expected.p == NULL);
    CHECK(str_eq(got, expected));
}

void log_test_records_as_written(struct log *log)
{
    const char *topic = fresh_topic(log, "records", 2);
    const struct record_header items[] = {
        {.key = STR("h"), .value = STR("1")}, {.key = STR("null"), .is_null = true}, {.key = STR("h"), .value = STR("")}};
    const struct headers headers = {.n = 3, .items = items};
    const struct record records[] = {
        {.key = STR("key"), .value = STR("value"), .ts = 1700000000123},
        {.value = STR("no key"), .ts = 5},
        {.key = STR("tombstone"), .ts = 6},
        {.key = STR(""), .value = STR(""), .ts = 7},
        {.key = STR("\0\xff\0"), .value = STR("a\0b"), .ts = 8},
        {.key = STR("headers"), .value = STR("x"), .ts = 9, .headers = &headers},
    };
    enum { N = sizeof records / sizeof records[0] };
    struct log_writer *w = writer_new(log, fresh_name("id"));
    int64_t before = clock_wall_ms();
    OK(writer_begin(w, d));
    OK(writer_append(w, topic, 1, records, N, d));
    struct record now = {.value = STR("now"), .ts = -1};
    OK(writer_append(w, topic, 1, &now, 1, d));
    OK(writer_commit(w, d));

    struct log_reader *r = reader_at(log, topic, 1, 0);
    int64_t offset = 0;
    for (int i = 0; i < N + 1;) {
        struct record_batch *b = next_records(r, BATCH_ROWS);
        REQUIRE(b != NULL);
        CHECK_INT(b->partition, 1);
        CHECK_TEXT(b->topic, topic);
        for (uint32_t k = 0; k < b->n; k++, i++) {
            const struct record *got = &b->records[k];
            CHECK_INT(got->offset, offset++);
            if (i == N) {
                CHECK(got->ts >= before - 1000 && got->ts <= clock_wall_ms() + 1000);
                continue;
            }
            check_str(got->key, records[i].key);
            check_str(got->value, records[i].value);
            CHECK_INT(got->ts, records[i].ts);
            REQUIRE((got->headers != NULL) == (records[i].headers != NULL));
            for (uint32_t h = 0; got->headers && h < 3; h++) {
                CHECK_INT(got->headers->n, 3);
                check_str(got->headers->items[h].key, items[h].key);
                CHECK(str_eq(got->headers->items[h].value, items[h].value));
                CHECK_INT(got->headers->items[h].is_null, items[h].is_null);
            }
        }
        CHECK(b->next_offset >= offset);
        record_batch_drop(b);
    }
    reader_close(r);
    writer_close(w);
}

void log_test_partition_by_key(struct log *log)
{
    enum { PARTITIONS = 4 };
    const char *topic = fresh_topic(log, "bykey", PARTITIONS), *keyless = fresh_topic(log, "keyless", PARTITIONS);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    OK(writer_begin(w, d));
    OK(append_numbered(w, topic, -1, 0, 100));
    struct record records[8 * PARTITIONS];
    for (int i = 0; i < 8 * PARTITIONS; i++)
        records[i] = (struct record){.value = STR("v1"), .ts = 1};
    OK(writer_append(w, keyless, -1, records, 8 * PARTITIONS, d));
    OK(writer_commit(w, d));
    writer_close(w);
    for (int p = 0; p < PARTITIONS; p++) {
        long long sum = 0, expected = 0;
        long n = 0;
        for (int i = 0; i < 100; i++) {
            char key[16];
            if (partition_for_key(str_make(key, (size_t)snprintf(key, sizeof key, "k%d", i)), PARTITIONS) == p) {
                expected += i;
                n++;
            }
        }
        CHECK_INT(read_to_end(log, topic, p, &sum), n);
        CHECK_INT(sum, expected);
        CHECK_INT(read_to_end(log, keyless, p, &sum), 8);
    }
}

/* ---- transactions ---------------------------------------------------------------------------------------- */

void log_test_abort_leaves_nothing(struct log *log)
{
    const char *topic = fresh_topic(log, "abort", 2);
    long long sum;
    struct log_writer *w = writer_new(log, fresh_name("id"));
    OK(writer_begin(w, d));
    OK(append_numbered(w, topic, 0, 0, 50));
    OK(append_numbered(w, topic, 1, 0, 50));
    writer_abort(w);
    commit_numbered(w, topic, 0, 100, 3);
    OK(writer_begin(w, d));
    OK(append_numbered(w, topic, 0, 0, 50));
    writer_close(w); /* aborts */
    CHECK_INT(read_to_end(log, topic, 0, &sum), 3);
    CHECK_INT(sum, 100 + 101 + 102);
    CHECK_INT(read_to_end(log, topic, 1, &sum), 0);
}

void log_test_open_transaction_is_unseen(struct log *log)
{
    const char *topic = fresh_topic(log, "open", 1);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    struct log_reader *r = reader_at(log, topic, 0, 0);
    struct record_batch *b = NULL;
    int64_t end = -1, all = -1;
    long long sum;
    OK(writer_begin(w, d));
    OK(append_numbered(w, topic, 0, 0, 10));
    OK(reader_poll(r, 300, BATCH_ROWS, &b, d));
    CHECK(b == NULL);
    OK(topic_offsets(log, topic, 0, NULL, &end, &all, d));
    CHECK_INT(end, 0);
    CHECK(all == 0 || all == 10);
    OK(writer_commit(w, d));
    b = next_records(r, BATCH_ROWS);
    REQUIRE(b != NULL);
    CHECK(b->n >= 1 && b->records[0].offset == 0);
    record_batch_drop(b);
    reader_close(r);
    writer_close(w);
    wait_until_seen(log, topic, 0);
    OK(topic_offsets(log, topic, 0, NULL, &end, &all, d));
    CHECK(end >= 10 && all >= end);
    CHECK_INT(read_to_end(log, topic, 0, &sum), 10);
}

void log_test_atomic_over_topics(struct log *log)
{
    const char *x = fresh_topic(log, "atomic-x", 3), *y = fresh_topic(log, "atomic-y", 1);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    long long sum;
    for (int round = 0; round < 6; round++) {
        OK(writer_begin(w, d));
        for (int p = 0; p < 3; p++)
            OK(append_numbered(w, x, p, 10 * round, 10));
        OK(append_numbered(w, y, 0, round, 1));
        if (round % 2)
            writer_abort(w);
        else
            OK(writer_commit(w, d));
    }
    writer_close(w);
    for (int p = 0; p < 3; p++) {
        CHECK_INT(read_to_end(log, x, p, &sum), 30);
        CHECK_INT(sum, 3 * 45 + 10 * (0 + 20 + 40));
    }
    CHECK_INT(read_to_end(log, y, 0, &sum), 3);
    CHECK_INT(sum, 0 + 2 + 4);
}

void log_test_empty_transactions(struct log *log)
{
    struct log_writer *w = writer_new(log, fresh_name("id"));
    OK(writer_begin(w, d));
    OK(writer_commit(w, d));
    OK(writer_begin(w, d));
    writer_abort(w);
    OK(writer_begin(w, d));
    OK(writer_commit(w, d));
    writer_close(w);
}

void log_test_second_writer_fences(struct log *log)
{
    const char *topic = fresh_topic(log, "fence", 1);
    char id[64];
    long long sum;
    snprintf(id, sizeof id, "%s", fresh_name("id"));
    struct log_writer *old = writer_new(log, id);
    commit_numbered(old, topic, 0, 1, 1);
    OK(writer_begin(old, d));
    OK(append_numbered(old, topic, 0, 100, 5));
    struct log_writer *new = writer_new(log, id);
    commit_numbered(new, topic, 0, 2, 1);
    struct diag e = DIAG_INIT;
    CHECK_INT(writer_commit(old, &e), STATUS_FENCED);
    CHECK(e.message[0] != 0);
    commit_numbered(new, topic, 0, 3, 1);
    writer_close(old);
    commit_numbered(new, topic, 0, 4, 1);
    writer_close(new);
    CHECK_INT(read_to_end(log, topic, 0, &sum), 4);
    CHECK_INT(sum, 1 + 2 + 3 + 4);
}

void log_test_plain_writer(struct log *log)
{
    const char *topic = fresh_topic(log, "plain", 1);
    struct log_writer *w = writer_new(log, NULL), *other = writer_new(log, NULL);
    long long sum;
    commit_numbered(w, topic, 0, 0, 10);
    commit_numbered(other, topic, 0, 10, 10);
    commit_numbered(w, topic, 0, 20, 10);
    writer_close(w);
    writer_close(other);
    CHECK_INT(read_to_end(log, topic, 0, &sum), 30);
    CHECK_INT(sum, 29 * 30 / 2);
}

void log_test_append_to_nowhere(struct log *log)
{
    const char *topic = fresh_topic(log, "where", 2);
    struct record r = {.value = STR("v1")};
    struct log_writer *w = writer_new(log, fresh_name("id"));
    struct diag e = DIAG_INIT;
    long long sum;
    OK(writer_begin(w, d));
    CHECK_INT(writer_append(w, fresh_name("missing"), 0, &r, 1, &e), STATUS_NOT_FOUND);
    CHECK(strstr(e.message, "missing") != NULL);
    CHECK_INT(writer_append(w, topic, 2, &r, 1, NULL), STATUS_NOT_FOUND);
    OK(writer_append(w, topic, 1, &r, 1, d));
    OK(writer_commit(w, d));
    writer_close(w);
    CHECK_INT(read_to_end(log, topic, 1, &sum), 1);
}

/* ---- reading --------------------------------------------------------------------------------------------- */

void log_test_assign_checks_offsets(struct log *log)
{
    const char *topic = fresh_topic(log, "assign", 1);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    int64_t end;
    commit_numbered(w, topic, 0, 0, 10);
    writer_close(w);
    wait_until_seen(log, topic, 0);
    OK(topic_truncate(log, topic, 0, 4, d));
    OK(topic_offsets(log, topic, 0, NULL, &end, NULL, d));

    struct log_reader *r = reader_at(log, topic, 0, 1); /* below the first record */
    struct record_batch *b = next_records(r, 1);
    REQUIRE(b != NULL);
    CHECK_INT(b->n, 1);
    CHECK_INT(b->records[0].offset, 4);
    record_batch_drop(b);
    struct diag e = DIAG_INIT;
    CHECK_INT(reader_assign(r, topic, 0, end + 1, &e), STATUS_INVALID);
    CHECK(strstr(e.message, topic) != NULL);
    OK(reader_assign(r, topic, 0, end, d));
    CHECK_INT(reader_assign(r, topic, 1, 0, NULL), STATUS_NOT_FOUND);
    CHECK_INT(reader_assign(r, fresh_name("missing"), 0, 0, NULL), STATUS_NOT_FOUND);
    reader_close(r);
}

void log_test_assign_again_moves(struct log *log)
{
    const char *topic = fresh_topic(log, "again", 1);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    commit_numbered(w, topic, 0, 0, 100);
    writer_close(w);
    struct log_reader *r = reader_at(log, topic, 0, 0);
    const int64_t places[] = {0, 50, 99, 10, 0};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        OK(reader_assign(r, topic, 0, places[i], d));
        struct record_batch *b = next_records(r, 7);
        REQUIRE(b != NULL);
        CHECK(b->n <= 7);
        CHECK_INT(b->records[0].offset, places[i]);
        CHECK_INT(number_of(&b->records[0]), places[i]);
        record_batch_drop(b);
    }
    reader_close(r);
}

void log_test_unassign_stops(struct log *log)
{
    const char *topic = fresh_topic(log, "unassign", 2);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    OK(writer_begin(w, d));
    for (int p = 0; p < 2; p++)
        OK(append_numbered(w, topic, p, 0, 1000));
    OK(writer_commit(w, d));
    writer_close(w);
    struct log_reader *r = reader_at(log, topic, 0, 0);
    OK(reader_assign(r, topic, 1, 0, d));
    struct record_batch *b = next_records(r, 10);
    record_batch_drop(b);
    reader_unassign(r, topic, 0);
    reader_unassign(r, topic, 0); /* not assigned any more: nothing happens */
    for (long n = 0; n < 900; n += b->n, record_batch_drop(b)) {
        b = next_records(r, 100);
        REQUIRE(b != NULL);
        CHECK_INT(b->partition, 1);
    }
    reader_close(r);
}

void log_test_pause_keeps_place(struct log *log)
{
    enum { N = 3000 };
    const char *topic = fresh_topic(log, "pause", 2);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    OK(writer_begin(w, d));
    for (int p = 0; p < 2; p++)
        OK(append_numbered(w, topic, p, 0, N));
    OK(writer_commit(w, d));
    writer_close(w);

    struct log_reader *r = reader_at(log, topic, 0, 0);
    OK(reader_assign(r, topic, 1, 0, d));
    long next[2] = {0, 0};
    bool paused = false;
    for (int turn = 0; next[0] < N || next[1] < N; turn++) {
        if (turn % 5 == 0) {
            paused = next[1] < N && !paused;
            reader_pause(r, topic, 0, paused);
        }
        struct record_batch *b = next_records(r, 100);
        REQUIRE(b != NULL);
        CHECK(!paused || b->partition == 1);
        for (uint32_t i = 0; i < b->n; i++)
            CHECK_INT(number_of(&b->records[i]), next[b->partition]++);
        record_batch_drop(b);
        if (next[1] == N && paused) {
            paused = false;
            reader_pause(r, topic, 0, false);
        }
    }
    reader_close(r);
}

void log_test_fair_partitions(struct log *log)
{
    enum { N = 5000, PARTITIONS = 4 };
    const char *topic = fresh_topic(log, "fair", PARTITIONS);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    OK(writer_begin(w, d));
    for (int p = 0; p < PARTITIONS; p++)
        OK(append_numbered(w, topic, p, 0, N));
    OK(writer_commit(w, d));
    writer_close(w);
    struct log_reader *r = NULL;
    OK(reader_open(log, &r, d));
    for (int p = 0; p < PARTITIONS; p++)
        OK(reader_assign(r, topic, p, 0, d));
    clock_sleep_ms(500); /* for a log that fetches in the background: so that all are there */
    long n[PARTITIONS] = {0}, first_done = 0;
    while (n[0] + n[1] + n[2] + n[3] < N * PARTITIONS) {
        struct record_batch *b = next_records(r, 50);
        REQUIRE(b != NULL);
        CHECK(b->n <= 50);
        n[b->partition] += b->n;
        if (n[b->partition] == N && !first_done)
            first_done = n[0] + n[1] + n[2] + n[3];
        record_batch_drop(b);
    }
    CHECK(first_done > 2 * N); /* when one is through, the others are not far behind */
    reader_close(r);
}

static void *drop_elsewhere(void *b)
{
    record_batch_drop(b);
    return NULL;
}

void log_test_batch_outlives_reader(struct log *log)
{
    const char *topic = fresh_topic(log, "outlive", 1);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    commit_numbered(w, topic, 0, 0, 100);
    writer_close(w);
    struct log_reader *r = reader_at(log, topic, 0, 0);
    struct record_batch *b = next_records(r, BATCH_ROWS);
    REQUIRE(b != NULL);
    record_batch_keep(b);
    record_batch_drop(b);
    reader_close(r);
    CHECK_TEXT(b->topic, topic);
    for (uint32_t i = 0; i < b->n; i++)
        CHECK_INT(number_of(&b->records[i]), i);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, drop_elsewhere, b) == 0);
    pthread_join(thread, NULL);
}

static void *wake_soon(void *r)
{
    clock_sleep_ms(200);
    reader_wake(r);
    return NULL;
}

void log_test_wake_ends_waiting(struct log *log)
{
    const char *topic = fresh_topic(log, "wake", 1);
    struct log_reader *r = reader_at(log, topic, 0, 0);
    struct record_batch *b = NULL;
    pthread_t thread;
    int64_t start = clock_mono_ns();
    REQUIRE(pthread_create(&thread, NULL, wake_soon, r) == 0);
    OK(reader_poll(r, 30000, 10, &b, d));
    pthread_join(thread, NULL);
    CHECK(b == NULL);
    CHECK((clock_mono_ns() - start) / 1000000 < 5000);
    start = clock_mono_ns();
    OK(reader_poll(r, 0, 10, &b, d));
    CHECK(b == NULL);
    CHECK((clock_mono_ns() - start) / 1000000 < 100);
    OK(reader_poll(r, 150, 10, &b, d));
    CHECK(b == NULL);
    CHECK((clock_mono_ns() - start) / 1000000 >= 140);
    reader_close(r);
}

void log_test_no_memory_loses_nothing(struct log *log)
{
    enum { N = 2000 };
    const char *topic = fresh_topic(log, "nomem", 1);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    commit_numbered(w, topic, 0, 0, N);
    writer_close(w);
    struct log_reader *r = reader_at(log, topic, 0, 0);
    long next = 0, failures = 0;
    for (int turn = 0; next < N && turn < 2000; turn++) {
        struct record_batch *b = NULL;
        bool fail = failures < 10; /* however long the first records take to come */
        if (fail)
            mem_fail_after(1 + failures % 4);
        enum status st = reader_poll(r, fail ? 20 : 1000, 100, &b, NULL);
        mem_fail_after(0);
        CHECK(st == STATUS_OK || st == STATUS_NOMEM);
        failures += st == STATUS_NOMEM;
        for (uint32_t i = 0; b && i < b->n; i++)
            CHECK_INT(number_of(&b->records[i]), next++);
        record_batch_drop(b);
    }
    CHECK_INT(next, N);
    CHECK(failures > 0);
    reader_close(r);
}

/* ---- offsets --------------------------------------------------------------------------------------------- */

void log_test_offset_for_time(struct log *log)
{
    const char *topic = fresh_topic(log, "time", 1);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    int64_t offset = -1, end;
    OK(topic_offset_for_time(log, topic, 0, 5, &offset, d));
    CHECK_INT(offset, 0);
    OK(writer_begin(w, d));
    for (int i = 0; i < 10; i++) {
        struct record r = {.value = STR("v1"), .ts = 1000 + 10 * i};
        OK(writer_append(w, topic, 0, &r, 1, d));
    }
    OK(writer_commit(w, d));
    writer_close(w);
    wait_until_seen(log, topic, 0);
    OK(topic_offsets(log, topic, 0, NULL, &end, NULL, d));
    const struct {
        int64_t ts, offset;
    } cases[] = {{0, 0}, {1000, 0}, {1001, 1}, {1010, 1}, {1085, 9}, {1090, 9}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        OK(topic_offset_for_time(log, topic, 0, cases[i].ts, &offset, d));
        CHECK_INT(offset, cases[i].offset);
    }
    OK(topic_offset_for_time(log, topic, 0, 1091, &offset, d));
    CHECK(offset >= 10 && offset <= end); /* Kafka counts the marker, which is younger */
    CHECK_INT(topic_offset_for_time(log, topic, 1, 0, &offset, NULL), STATUS_NOT_FOUND);
}

void log_test_truncate_moves_begin(struct log *log)
{
    const char *topic = fresh_topic(log, "truncate", 1);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    int64_t begin = -1, end;
    long long sum;
    commit_numbered(w, topic, 0, 0, 100);
    wait_until_seen(log, topic, 0);
    OK(topic_truncate(log, topic, 0, 40, d));
    OK(topic_offsets(log, topic, 0, &begin, NULL, NULL, d));
    CHECK_INT(begin, 40);
    OK(topic_truncate(log, topic, 0, 20, d)); /* those are gone already */
    OK(topic_offsets(log, topic, 0, &begin, &end, NULL, d));
    CHECK_INT(begin, 40);
    CHECK_INT(read_to_end(log, topic, 0, &sum), 60);
    OK(topic_truncate(log, topic, 0, end, d));
    CHECK_INT(read_to_end(log, topic, 0, &sum), 0);
    commit_numbered(w, topic, 0, 7, 1); /* offsets go on */
    CHECK_INT(read_to_end(log, topic, 0, &sum), 1);
    CHECK_INT(sum, 7);
    writer_close(w);
    CHECK_INT(topic_truncate(log, topic, 1, 0, NULL), STATUS_NOT_FOUND);
}

void log_test_large_record(struct log *log)
{
    enum { SIZE = 5 << 20 };
    const char *topic = fresh_topic(log, "large", 1);
    char *value = mem_alloc(SIZE);
    REQUIRE(value != NULL);
    for (int i = 0; i < SIZE; i++)
        value[i] = (char)((unsigned)i * 2654435761u >> 24);
    struct record r = {.key = STR("k"), .value = str_make(value, SIZE), .ts = 1};
    struct log_writer *w = writer_new(log, fresh_name("id"));
    OK(writer_begin(w, d));
    OK(append_numbered(w, topic, 0, 0, 1));
    OK(writer_append(w, topic, 0, &r, 1, d));
    OK(append_numbered(w, topic, 0, 1, 1));
    OK(writer_commit(w, d));
    writer_close(w);
    struct log_reader *reader = reader_at(log, topic, 0, 1);
    struct record_batch *b = next_records(reader, 1);
    REQUIRE(b != NULL);
    CHECK_INT(b->records[0].offset, 1);
    CHECK_INT(b->records[0].value.len, SIZE);
    CHECK(str_eq(b->records[0].value, r.value));
    record_batch_drop(b);
    b = next_records(reader, 1);
    REQUIRE(b != NULL);
    CHECK_INT(number_of(&b->records[0]), 1);
    record_batch_drop(b);
    reader_close(reader);
    mem_free(value);
}

void log_test_many_records_once(struct log *log)
{
    enum { N = 20000, PARTITIONS = 3, ROUNDS = 3 };
    const char *topic = fresh_topic(log, "many", PARTITIONS);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    for (int round = 0; round < ROUNDS; round++)
        commit_numbered(w, topic, -1, round * N, N);
    writer_close(w);
    long n = 0;
    long long total = 0, sum;
    for (int p = 0; p < PARTITIONS; p++) {
        n += read_to_end(log, topic, p, &sum);
        total += sum;
    }
    CHECK_INT(n, ROUNDS * N);
    CHECK_INT(total, (long long)ROUNDS * N * (ROUNDS * N - 1) / 2);
}

struct follow {
    struct log *log;
    const char *topic;
    char id[64];
};

static void *write_slowly(void *arg)
{
    struct follow *f = arg;
    struct log_writer *w = writer_new(f->log, f->id);
    for (int round = 0; round < 20; round++) {
        if (round % 4 == 3) {
            OK(writer_begin(w, d));
            OK(append_numbered(w, f->topic, 0, 1000000, 5));
            writer_abort(w);
        }
        commit_numbered(w, f->topic, 0, round * 10, 10);
        clock_sleep_ms(10);
    }
    writer_close(w);
    return NULL;
}

void log_test_follow_while_written(struct log *log)
{
    struct follow f = {.log = log, .topic = fresh_topic(log, "follow", 1)};
    pthread_t thread;
    snprintf(f.id, sizeof f.id, "%s", fresh_name("id"));
    struct log_reader *r = reader_at(log, f.topic, 0, 0);
    REQUIRE(pthread_create(&thread, NULL, write_slowly, &f) == 0);
    for (long next = 0; next < 200;) {
        struct record_batch *b = next_records(r, BATCH_ROWS);
        REQUIRE(b != NULL);
        for (uint32_t i = 0; i < b->n; i++)
            CHECK_INT(number_of(&b->records[i]), next++);
        record_batch_drop(b);
    }
    pthread_join(thread, NULL);
    reader_close(r);
}

/* ---- membership ------------------------------------------------------------------------------------------ */

void log_test_member_owns_all(struct log *log)
{
    enum { SLOTS = 8 };
    const char *topic = fresh_topic(log, "member", 1);
    struct membership *m = NULL;
    uint8_t owned[SLOTS];
    bool changed = false, ever_changed = false;
    int n = 0;
    long long sum;
    OK(membership_join(log, fresh_name("service"), NULL, SLOTS, &m, d));
    REQUIRE(m != NULL);
    for (int64_t until = clock_mono_ns() + (int64_t)WAIT_MS * 1000000; n < SLOTS && clock_mono_ns() < until;) {
        OK(membership_poll(m, 100, owned, &changed, d));
        ever_changed |= changed;
        n = 0;
        for (int i = 0; i < SLOTS; i++)
            n += owned[i];
    }
    CHECK_INT(n, SLOTS);
    CHECK(ever_changed);
    OK(membership_poll(m, 0, owned, &changed, d));
    CHECK(!changed);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    for (int i = 0; i < 3; i++) {
        OK(writer_begin(w, d));
        OK(append_numbered(w, topic, 0, i, 1));
        OK(membership_fence(m, w, d));
        OK(writer_commit(w, d));
    }
    writer_close(w);
    membership_release_done(m); /* nothing is to be released: nothing happens */
    membership_leave(m);
    CHECK_INT(read_to_end(log, topic, 0, &sum), 3);
}
