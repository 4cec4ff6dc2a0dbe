/* The broker dies and comes back, or stands still, under writers, readers and members. Needs a broker started by broker.sh
 * whose data directory is in $WEIR_TEST_BROKER_DATA; without it these tests pass without a look. */
#include "tests/broker/kafka_log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static bool broker(const char *command)
{
    char line[2048];
    snprintf(line, sizeof line, "'%s' %s '%s' >/dev/null", BROKER_SH, command, getenv("WEIR_TEST_BROKER_DATA"));
    return system(line) == 0;
}

static bool may_break_the_broker(void)
{
    if (getenv("WEIR_TEST_BROKER_DATA"))
        return true;
    fprintf(stderr, "(WEIR_TEST_BROKER_DATA is not set: skipped) ");
    return false;
}

/* Does something to the broker in the background: at once, after a while, or both. */
struct trouble {
    pthread_t thread;
    int first_ms, then_ms;
    const char *first, *then;
};

static void *make_trouble(void *arg)
{
    struct trouble *t = arg;
    clock_sleep_ms(t->first_ms);
    if (t->first)
        CHECK(broker(t->first));
    clock_sleep_ms(t->then_ms);
    CHECK(broker(t->then));
    return NULL;
}

static void trouble_start(struct trouble *t)
{
    REQUIRE(pthread_create(&t->thread, NULL, make_trouble, t) == 0);
}

/* The number behind "v" of the last record of a partition; -1: there is none. */
static long last_number(struct log *log, const char *topic)
{
    int64_t begin, end = 0;
    long last = -1;
    enum status st;
    for (int i = 0; (st = topic_offsets(log, topic, 0, &begin, NULL, &end, NULL)) != STATUS_OK && i < 60; i++)
        clock_sleep_ms(500);
    CHECK_INT(st, STATUS_OK);
    struct log_reader *r = reader_at(log, topic, 0, begin);
    for (int64_t at = begin; at < end;) {
        struct record_batch *b = NULL;
        OK(reader_poll(r, 30000, BATCH_ROWS, &b, d));
        REQUIRE(b != NULL);
        for (uint32_t i = 0; i < b->n; i++) {
            char text[32];
            snprintf(text, sizeof text, "%.*s", (int)b->records[i].value.len - 1, b->records[i].value.p + 1);
            last = strtol(text, NULL, 10);
        }
        at = b->next_offset;
        record_batch_drop(b);
    }
    reader_close(r);
    return last;
}

/* Transactions of EACH records in `topic`, each with its number in `positions`, as the engine does it. After an error the number
 * of the last committed one is read back, and writing goes on behind it. */
enum { EACH = 20 };
static int write_transactions(struct log *log, struct log_writer *w, const char *topic, const char *positions,
                              int first, int n)
{
    int errors = 0;
    for (int i = first; i < first + n;) {
        enum status st = writer_begin(w, NULL);
        if (st == STATUS_OK) {
            st = append_numbered(w, topic, 0, i * EACH, EACH);
            if (st == STATUS_OK)
                st = append_numbered(w, positions, 0, i, 1);
            if (st == STATUS_OK)
                st = writer_commit(w, NULL);
            else
                writer_abort(w);
        }
        CHECK(st == STATUS_OK || st == STATUS_ABORTED || st == STATUS_IO || st == STATUS_TIMEOUT);
        if (st == STATUS_OK) {
            i++;
        } else {
            REQUIRE(++errors < 100);
            clock_sleep_ms(200);
            i = (int)last_number(log, positions) + 1;
        }
    }
    return errors;
}

TEST(failures, killed_under_transactions)
{
    enum { ROUNDS = 3, N = 100 };
    if (!may_break_the_broker())
        return;
    struct log *log = kafka_log();
    const char *topic = fresh_topic(log, "killed", 1), *positions = fresh_topic(log, "killed-positions", 1);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    struct log_reader *r = reader_at(log, topic, 0, 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct trouble t = {
            .first_ms = 50 + 170 * round, .first = "kill", .then_ms = 500 + 1000 * round, .then = "restart"};
        trouble_start(&t);
        write_transactions(log, w, topic, positions, round * N, N);
        pthread_join(t.thread, NULL);
    }
    write_transactions(log, w, topic, positions, ROUNDS * N, 1);
    writer_close(w);
    /* The reader has seen all of it too: every record once, in order. */
    for (long next = 0; next < (ROUNDS * N + 1) * EACH;) {
        struct record_batch *b = NULL;
        OK(reader_poll(r, 30000, BATCH_ROWS, &b, d));
        REQUIRE(b != NULL);
        for (uint32_t i = 0; i < b->n; i++) {
            char expected[32];
            int len = snprintf(expected, sizeof expected, "v%ld", next++);
            CHECK(str_eq(b->records[i].value, str_make(expected, (size_t)len)));
        }
        record_batch_drop(b);
    }
    reader_close(r);
}

/* Longer than the coordinator keeps a transaction open. */
TEST(failures, broker_stands_still)
{
    if (!may_break_the_broker())
        return;
    struct log *log = kafka_log();
    const char *topic = fresh_topic(log, "still", 1), *positions = fresh_topic(log, "still-positions", 1);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    struct trouble t = {.first_ms = 100, .first = "pause", .then_ms = 15000, .then = "resume"};
    trouble_start(&t);
    write_transactions(log, w, topic, positions, 0, 100);
    pthread_join(t.thread, NULL);
    write_transactions(log, w, topic, positions, 100, 1);
    writer_close(w);
    long long sum;
    CHECK_INT(read_to_end(log, topic, 0, &sum), 101 * EACH);
    CHECK_INT(sum, 101LL * EACH * (101 * EACH - 1) / 2);
}

TEST(failures, plain_writer_loses_nothing)
{
    enum { N = 200 };
    if (!may_break_the_broker())
        return;
    struct log *log = kafka_log();
    const char *topic = fresh_topic(log, "plain-killed", 1);
    struct log_writer *w = writer_new(log, NULL);
    struct trouble t = {.first_ms = 100, .first = "kill", .then_ms = 1000, .then = "restart"};
    trouble_start(&t);
    for (int i = 0; i < N;) {
        enum status st = writer_begin(w, NULL);
        if (st == STATUS_OK)
            st = append_numbered(w, topic, 0, i, 1);
        if (st == STATUS_OK)
            st = writer_commit(w, NULL);
        else
            writer_abort(w);
        i += st == STATUS_OK;
        clock_sleep_ms(st == STATUS_OK ? 2 : 200);
    }
    pthread_join(t.thread, NULL);
    writer_close(w);
    long long sum;
    CHECK(read_to_end(log, topic, 0, &sum) >= N);
    CHECK(sum >= (long long)N * (N - 1) / 2);
}

TEST(failures, requests_without_broker)
{
    if (!may_break_the_broker())
        return;
    struct log *log = kafka_log();
    const char *topic = fresh_topic(log, "down", 1);
    struct diag e = DIAG_INIT;
    int64_t end;
    CHECK(broker("kill"));
    int64_t start = clock_mono_ns();
    enum status st = topic_offsets(log, topic, 0, NULL, &end, NULL, &e);
    CHECK(st == STATUS_IO || st == STATUS_TIMEOUT);
    CHECK(strstr(e.message, getenv("WEIR_TEST_BOOTSTRAP")) != NULL);
    CHECK((clock_mono_ns() - start) / 1000000 < 30000);
    CHECK(broker("restart"));
    for (int i = 0; i < 60 && st != STATUS_OK; i++)
        st = topic_offsets(log, topic, 0, NULL, &end, NULL, NULL);
    CHECK_INT(st, STATUS_OK);
}

/* Of its errors, there is only the one that no broker answers. */
static enum status poll_member(struct membership *m, uint8_t *owned)
{
    bool changed;
    struct diag d = DIAG_INIT;
    enum status st = membership_poll(m, 100, owned, &changed, &d);
    CHECK(st == STATUS_OK || st == STATUS_IO);
    return st;
}

TEST(failures, member_comes_back)
{
    enum { SLOTS = 4 };
    if (!may_break_the_broker())
        return;
    struct log *log = kafka_log();
    const char *topic = fresh_topic(log, "back", 1);
    struct membership *m = NULL;
    uint8_t owned[SLOTS] = {0};
    OK(membership_join(log, fresh_name("service"), NULL, SLOTS, &m, d));
    REQUIRE(m != NULL);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    struct trouble t = {.first_ms = 2000, .first = "kill", .then_ms = 500, .then = "restart"};
    trouble_start(&t);
    bool told = false;
    for (int64_t until = clock_mono_ns() + INT64_C(8000000000); clock_mono_ns() < until;)
        told |= poll_member(m, owned) == STATUS_IO;
    CHECK(told);
    pthread_join(t.thread, NULL);
    enum status st = STATUS_IO;
    for (int64_t until = clock_mono_ns() + INT64_C(60000000000); st != STATUS_OK && clock_mono_ns() < until;) {
        if (poll_member(m, owned) != STATUS_OK)
            continue;
        membership_release_done(m);
        int n = 0;
        for (int i = 0; i < SLOTS; i++)
            n += owned[i];
        st = n == SLOTS ? writer_begin(w, NULL) : STATUS_IO;
        if (st != STATUS_OK)
            continue;
        st = append_numbered(w, topic, 0, 0, 1);
        if (st == STATUS_OK)
            st = membership_fence(m, w, NULL);
        if (st == STATUS_OK)
            st = writer_commit(w, NULL);
        else
            writer_abort(w);
    }
    CHECK_INT(st, STATUS_OK);
    writer_close(w);
    membership_leave(m);
}
