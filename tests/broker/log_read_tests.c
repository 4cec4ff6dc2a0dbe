/* Readers: places, pauses, fairness, waiting, and records that are written meanwhile. */
#include "tests/broker/log_tests.h"

#include <pthread.h>
#include <stdio.h>

void log_test_assign_checks_offsets(struct log *log)
{
    const char *topic = fresh_topic(log, "assign", 1);
    int64_t end;
    fill_topic(log, topic, 1, 10);
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
    fill_topic(log, topic, 1, 100);
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
    fill_topic(log, topic, 2, 1000);
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
    fill_topic(log, topic, 2, N);

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
    fill_topic(log, topic, PARTITIONS, N);
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
    fill_topic(log, topic, 1, 100);
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
    fill_topic(log, topic, 1, N);
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
