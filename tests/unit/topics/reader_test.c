/* Reading: assignment, pausing, fairness, slices, waiting and waking. */
#include "log_fixture.h"

#include <pthread.h>

LOG_TEST(reader, slices_of_any_size)
{
    make_topic(f, "t", 1, false);
    put_many(f->log, "t", 0, 0, 7);
    put(f, "t", 0, "x", "y");
    static const char all[] = "0:k0=v0 1:k1=v1 2:k2=v2 3:k3=v3 4:k4=v4 5:k5=v5 6:k6=v6 7:x=y";
    for (uint32_t max = 1; max <= 9; max++)
        CHECK_TEXT(read_all(f->log, "t", 0, max), all);
    CHECK_TEXT(read_all(f->log, "t", 0, BATCH_ROWS), all);
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    struct record_batch *b;
    CHECK_INT(reader_poll(r, 0, 0, &b, NULL), STATUS_INVALID);
    CHECK_INT(reader_poll(r, 0, BATCH_ROWS + 1, &b, NULL), STATUS_INVALID);
    reader_close(r);
}

LOG_TEST(reader, small_chunks_come_together)
{
    make_topic(f, "t", 1, false);
    for (int i = 0; i < 300; i++)
        put_many(f->log, "t", 0, i, 1);
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    struct record_batch *b;
    OK(f, reader_poll(r, 0, BATCH_ROWS, &b, &f->d));
    REQUIRE(b != NULL);
    CHECK_INT(b->n, 300);
    CHECK_INT(b->next_offset, 300);
    record_batch_drop(b);
    reader_close(r);
    check_sequence(f->log, "t", 0, 123, 300);
}

LOG_TEST(reader, batches_outlive_the_reader)
{
    make_topic(f, "t", 1, false);
    put_many(f->log, "t", 0, 0, 10);
    struct log_reader *r = open_reader(f->log, "t", 0, 4);
    struct record_batch *b, *c;
    OK(f, reader_poll(r, 0, 3, &b, &f->d));
    OK(f, reader_poll(r, 0, 3, &c, &f->d));
    REQUIRE(b && c);
    reader_close(r);
    record_batch_keep(b);
    record_batch_drop(b);
    CHECK(str_eq(b->records[2].value, STR("v6")) && b->records[2].offset == 6);
    CHECK(str_eq(c->records[0].value, STR("v7")) && c->records[0].offset == 7);
    CHECK_INT(b->next_offset, 7);
    CHECK_INT(c->next_offset, 10);
    record_batch_drop(b);
    record_batch_drop(c);
    record_batch_drop(NULL);
}

LOG_TEST(reader, assigning)
{
    make_topic(f, "t", 2, false);
    put_many(f->log, "t", 0, 0, 10);
    struct log_reader *r = open_reader(f->log, "t", 0, 10);
    struct record_batch *b;
    OK(f, reader_poll(r, 0, 3, &b, &f->d));
    CHECK(!b);
    CHECK_INT(reader_assign(r, "t", 0, 11, &f->d), STATUS_INVALID);
    CHECK_INT(reader_assign(r, "t", 2, 0, NULL), STATUS_NOT_FOUND);
    CHECK_INT(reader_assign(r, "u", 0, 0, NULL), STATUS_NOT_FOUND);
    OK(f, reader_assign(r, "t", 0, 8, &f->d)); /* moves */
    OK(f, reader_poll(r, 0, 1, &b, &f->d));
    REQUIRE(b != NULL);
    CHECK_INT(b->records[0].offset, 8);
    record_batch_drop(b);
    OK(f, reader_assign(r, "t", 0, 2, &f->d)); /* what was fetched is forgotten */
    OK(f, reader_poll(r, 0, 1, &b, &f->d));
    REQUIRE(b != NULL);
    CHECK_INT(b->records[0].offset, 2);
    record_batch_drop(b);
    reader_pause(r, "t", 0, true);
    reader_pause(r, "t", 1, true); /* not assigned: nothing */
    OK(f, reader_poll(r, 0, 1, &b, &f->d));
    CHECK(!b);
    reader_pause(r, "t", 0, false);
    OK(f, reader_poll(r, 0, 100, &b, &f->d));
    REQUIRE(b != NULL);
    CHECK_INT(b->records[0].offset, 3);
    CHECK_INT(b->n, 7);
    record_batch_drop(b);
    OK(f, reader_assign(r, "t", 0, 0, &f->d));
    reader_unassign(r, "t", 0);
    reader_unassign(r, "t", 0);
    OK(f, reader_poll(r, 0, 1, &b, &f->d));
    CHECK(!b);
    reader_close(r);
    reader_close(NULL);
}

LOG_TEST(reader, fair)
{
    enum { PARTS = 5 };
    int64_t seen[PARTS] = {0};
    make_topic(f, "t", PARTS, false);
    for (int p = 0; p < PARTS; p++)
        put_many(f->log, "t", p, 0, 1000);
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    for (int p = 1; p < PARTS; p++)
        OK(f, reader_assign(r, "t", p, 0, &f->d));
    for (int i = 0; i < 100 * PARTS; i++) {
        struct record_batch *b;
        OK(f, reader_poll(r, 0, 10, &b, &f->d));
        REQUIRE(b != NULL);
        CHECK_INT(b->records[0].offset, seen[b->partition]);
        seen[b->partition] += b->n;
        record_batch_drop(b);
        if (i % PARTS == PARTS - 1)
            for (int p = 0; p < PARTS; p++)
                CHECK_INT(seen[p], (i / PARTS + 1) * 10);
    }
    reader_close(r);
}

LOG_TEST(reader, timeout)
{
    make_topic(f, "t", 1, false);
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    struct record_batch *b;
    int64_t began = clock_mono_ns();
    OK(f, reader_poll(r, 50, 10, &b, &f->d));
    CHECK(!b);
    int64_t ms = (clock_mono_ns() - began) / 1000000;
    CHECK(ms >= 49 && ms < 2000);
    OK(f, reader_poll(r, -1, 10, &b, &f->d));
    CHECK(!b);
    reader_close(r);
}

struct other_thread {
    struct log *log;
    struct log_reader *wake;
    int delay_ms;
};

static void *act_later(void *arg)
{
    struct other_thread *t = arg;
    clock_sleep_ms(t->delay_ms);
    if (t->wake)
        reader_wake(t->wake);
    else
        put_many(t->log, "t", 0, 0, 1);
    return NULL;
}

LOG_TEST(reader, commit_ends_the_wait)
{
    make_topic(f, "t", 1, false);
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    struct record_batch *b;
    pthread_t thread;
    struct other_thread other = {f->log, NULL, 30};
    pthread_create(&thread, NULL, act_later, &other);
    int64_t began = clock_mono_ns();
    OK(f, reader_poll(r, 20000, 10, &b, &f->d));
    REQUIRE(b != NULL);
    CHECK_INT(b->n, 1);
    CHECK(clock_mono_ns() - began < INT64_C(5000000000));
    record_batch_drop(b);
    pthread_join(thread, NULL);
    reader_close(r);
}

LOG_TEST(reader, is_woken)
{
    make_topic(f, "t", 1, false);
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    struct record_batch *b;
    pthread_t thread;
    struct other_thread other = {f->log, r, 30};
    pthread_create(&thread, NULL, act_later, &other);
    int64_t began = clock_mono_ns();
    OK(f, reader_poll(r, 20000, 10, &b, &f->d));
    CHECK(!b);
    pthread_join(thread, NULL);
    reader_wake(r); /* also counts when it comes before the wait */
    OK(f, reader_poll(r, 20000, 10, &b, &f->d));
    CHECK(!b);
    CHECK(clock_mono_ns() - began < INT64_C(5000000000));
    reader_close(r);
}

FILE_TEST(reader, notices_another_log_on_the_file)
{
    make_topic(f, "t", 1, false);
    struct log *second = fixture_second(f);
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    struct record_batch *b;
    OK(f, reader_poll(r, 0, 10, &b, &f->d));
    CHECK(!b);
    put_many(second, "t", 0, 0, 1);
    OK(f, reader_poll(r, 0, 10, &b, &f->d)); /* looks, without waiting */
    REQUIRE(b != NULL);
    record_batch_drop(b);
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        struct other_thread other = {second, NULL, 10 + i};
        pthread_create(&thread, NULL, act_later, &other);
        int64_t began = clock_mono_ns();
        OK(f, reader_poll(r, 20000, 10, &b, &f->d));
        REQUIRE(b != NULL);
        CHECK(clock_mono_ns() - began < INT64_C(5000000000));
        record_batch_drop(b);
        pthread_join(thread, NULL);
    }
    reader_close(r);
    log_close(second);
}
