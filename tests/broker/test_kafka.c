/* The log tests on the broker at $WEIR_TEST_BOOTSTRAP, and what only a broker can do: options, limits, open transactions
 * of others. Several members of a service are in test_kafka_members.c, failures of the broker in test_failures.c. */
#include "tests/broker/kafka_log.h"

#include <stdio.h>
#include <stdlib.h>

#define RUN(name)                                                                                                      \
    TEST(kafka, name)                                                                                                  \
    {                                                                                                                  \
        log_test_##name(kafka_log());                                                                                  \
    }
LOG_TESTS(RUN)

struct log *kafka_log_with(const struct kafka_option *options, size_t n)
{
    struct log *log = NULL;
    const char *bootstrap = getenv("WEIR_TEST_BOOTSTRAP");
    REQUIRE(bootstrap != NULL);
    struct kafka_options o = {.bootstrap_servers = bootstrap, .options = options, .n_options = n};
    OK(log_open_kafka(&o, &log, d));
    REQUIRE(log != NULL);
    return log;
}

static struct log *shared_log;

static void close_shared_log(void)
{
    log_close(shared_log);
}

struct log *kafka_log(void)
{
    if (!shared_log) {
        shared_log = kafka_log_with(NULL, 0);
        atexit(close_shared_log);
    }
    return shared_log;
}

/* ---- options --------------------------------------------------------------------------------------------- */

static enum status open_with(const char *bootstrap, const char *name, const char *value, struct diag *e)
{
    struct kafka_option option = {name, value};
    struct kafka_options o = {.bootstrap_servers = bootstrap, .options = &option, .n_options = name ? 1 : 0};
    struct log *log = NULL;
    enum status st = log_open_kafka(&o, &log, e);
    CHECK((st == STATUS_OK) == (log != NULL));
    if (log)
        log_close(log);
    return st;
}

TEST(kafka_only, options_pass_through)
{
    const char *bootstrap = getenv("WEIR_TEST_BOOTSTRAP");
    static const struct kafka_option good[] = {
        {"ksql.streams.num.stream.threads", "4"},
        {"ksql.streams.producer.linger.ms", "1"},
        {"ksql.streams.consumer.fetch.min.bytes", "1"},
        {"ksql.streams.ssl.endpoint.identification.algorithm", ""},
        {"ksql.streams.sasl.jaas.config", "x.PlainLoginModule required username=\"me\" password='a \"b';"},
        {"security.protocol", "plaintext"},
        {"ksql.streams.processing.guarantee", "exactly_once_v2"},
        {"ksql.streams.buffer.memory", "33554432"},
        {"ksql.streams.auto.offset.reset", "earliest"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct diag e = DIAG_INIT;
        CHECK_INT(open_with(bootstrap, good[i].name, good[i].value, &e), STATUS_OK);
        CHECK_TEXT(e.message, "");
    }
    static const struct {
        const char *name, *value, *says;
    } bad[] = {
        {"ksql.streams.no.such.option", "1", "no.such.option"},
        {"linger.ms", "soon", "linger.ms"},
        {"producer.compression.type", "zip", "compression"},
        {"ksql.streams.ssl.truststore.location", "/x/trust.jks", "PEM"},
        {"sasl.jaas.config", "x.PlainLoginModule required", "sasl.jaas.config"},
        {"ksql.streams.buffer.memory", "much", "buffer.memory"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct diag e = DIAG_INIT;
        CHECK_INT(open_with(bootstrap, bad[i].name, bad[i].value, &e), STATUS_INVALID);
        CHECK(strstr(e.message, bad[i].says) != NULL);
    }
}

TEST(kafka_only, no_broker)
{
    struct diag e = DIAG_INIT;
    CHECK(open_with("127.0.0.1:1", NULL, NULL, &e) != STATUS_OK);
    CHECK(strstr(e.message, "127.0.0.1:1") != NULL);
    CHECK(strstr(e.message, "refused") != NULL);
    diag_clear(&e);
    CHECK_INT(open_with("", NULL, NULL, &e), STATUS_INVALID);
}

TEST(kafka_only, create_refused)
{
    struct topic_spec spec = {.name = fresh_name("replicas"), .n_partitions = 1, .replicas = 3};
    struct diag e = DIAG_INIT;
    CHECK_INT(topic_create(kafka_log(), &spec, &e), STATUS_INVALID);
    CHECK(strstr(e.message, spec.name) != NULL);
    CHECK(strstr(e.message, getenv("WEIR_TEST_BOOTSTRAP")) != NULL);
}

/* ---- limits ---------------------------------------------------------------------------------------------- */

TEST(kafka_only, too_large_record_spares_transaction)
{
    enum { SIZE = 20 << 20 }; /* the broker of the tests takes 16 MB */
    const char *topic = fresh_topic(kafka_log(), "limit", 1);
    char *value = mem_calloc(1, SIZE);
    REQUIRE(value != NULL);
    struct record r = {.value = str_make(value, SIZE)};
    struct log_writer *w = writer_new(kafka_log(), fresh_name("id"));
    struct diag e = DIAG_INIT;
    long long sum;
    OK(writer_begin(w, d));
    OK(append_numbered(w, topic, 0, 1, 1));
    CHECK_INT(writer_append(w, topic, 0, &r, 1, &e), STATUS_DATA);
    CHECK(strstr(e.message, topic) != NULL);
    OK(append_numbered(w, topic, 0, 2, 1));
    OK(writer_commit(w, d));
    writer_close(w);
    mem_free(value);
    CHECK_INT(read_to_end(kafka_log(), topic, 0, &sum), 2);
    CHECK_INT(sum, 3);
}

TEST(kafka_only, more_than_memory_blocks)
{
    enum { SIZE = 1000, ROUNDS = 200, EACH = 1000 }; /* 200 MB in one transaction, through 64 MB of buffers */
    const char *topic = fresh_topic(kafka_log(), "blocks", 2);
    static char value[SIZE] = "v1";
    static struct record records[EACH];
    for (int i = 0; i < EACH; i++)
        records[i] = (struct record){.value = str_make(value, SIZE), .ts = 1};
    struct log_writer *w = writer_new(kafka_log(), fresh_name("id"));
    OK(writer_begin(w, d));
    for (int i = 0; i < ROUNDS; i++)
        OK(writer_append(w, topic, i % 2, records, EACH, d));
    OK(writer_commit(w, d));
    writer_close(w);
    long long sum;
    CHECK_INT(read_to_end(kafka_log(), topic, 0, &sum), ROUNDS * EACH / 2);
    CHECK_INT(read_to_end(kafka_log(), topic, 1, &sum), ROUNDS * EACH / 2);
    OK(topic_delete(kafka_log(), topic, d));
}

/* A paused partition is read on from its place, though more was fetched of it than may be held. */
TEST(kafka_only, long_pause)
{
    enum { N = 60000 };
    const char *topic = fresh_topic(kafka_log(), "hold", 2);
    struct log_writer *w = writer_new(kafka_log(), fresh_name("id"));
    for (int p = 0; p < 2; p++)
        commit_numbered(w, topic, p, 0, N);
    writer_close(w);
    struct log_reader *r = reader_at(kafka_log(), topic, 0, 0);
    OK(reader_assign(r, topic, 1, 0, d));
    long next[2] = {0, 0};
    for (int half = 0; half < 2; half++) {
        reader_pause(r, topic, 0, half == 0);
        while (next[1 - half] < N) {
            struct record_batch *b = NULL;
            OK(reader_poll(r, 10000, 1000, &b, d));
            REQUIRE(b != NULL);
            CHECK(half == 1 || b->partition == 1);
            for (uint32_t i = 0; i < b->n; i++) {
                char expected[32];
                int len = snprintf(expected, sizeof expected, "v%ld", next[b->partition]++);
                CHECK(str_eq(b->records[i].value, str_make(expected, (size_t)len)));
            }
            record_batch_drop(b);
        }
    }
    CHECK_INT(next[1], N);
    reader_close(r);
}

/* ---- topics that go away ---------------------------------------------------------------------------------- */

TEST(kafka_only, topic_deleted_and_created_again)
{
    const char *topic = fresh_topic(kafka_log(), "renewed", 1);
    struct log_writer *w = writer_new(kafka_log(), fresh_name("id"));
    struct log_reader *r = reader_at(kafka_log(), topic, 0, 0);
    struct topic_spec spec = {.name = topic, .n_partitions = 3};
    commit_numbered(w, topic, 0, 0, 100);
    OK(topic_delete(kafka_log(), topic, d));
    enum status st = writer_begin(w, NULL);
    CHECK_INT(st, STATUS_OK);
    st = append_numbered(w, topic, 0, 200, 10);
    CHECK(st == STATUS_OK || st == STATUS_NOT_FOUND);
    if (st == STATUS_OK) {
        CHECK(writer_commit(w, NULL) != STATUS_OK);
    } else {
        writer_abort(w);
    }
    st = STATUS_OK;
    for (int64_t until = clock_mono_ns() + INT64_C(45000000000); st == STATUS_OK && clock_mono_ns() < until;) {
        struct record_batch *b = NULL;
        st = reader_poll(r, 1000, 10, &b, NULL);
        record_batch_drop(b);
    }
    CHECK_INT(st, STATUS_NOT_FOUND);
    reader_close(r);
    OK(topic_create(kafka_log(), &spec, d));
    for (int i = 0; i < 3; i++)
        commit_numbered(w, topic, i, i, 1);
    writer_close(w);
    long long sum;
    for (int i = 0; i < 3; i++) {
        CHECK_INT(read_to_end(kafka_log(), topic, i, &sum), 1);
        CHECK_INT(sum, i);
    }
}

/* ---- open transactions of others ------------------------------------------------------------------------- */

TEST(kafka_only, uncommitted_end_is_beyond)
{
    const char *topic = fresh_topic(kafka_log(), "beyond", 1);
    struct log_writer *w = writer_new(kafka_log(), fresh_name("id"));
    int64_t end = -1, all = -1;
    commit_numbered(w, topic, 0, 0, 5);
    wait_until_seen(kafka_log(), topic, 0);
    OK(writer_begin(w, d));
    OK(append_numbered(w, topic, 0, 5, 5));
    for (int i = 0; i < 100 && all < 11; i++, clock_sleep_ms(20))
        OK(topic_offsets(kafka_log(), topic, 0, NULL, &end, &all, d));
    CHECK_INT(end, 6); /* five records and a marker */
    CHECK_INT(all, 11);
    writer_abort(w);
    writer_close(w);
    wait_until_seen(kafka_log(), topic, 0);
    OK(topic_offsets(kafka_log(), topic, 0, NULL, &end, &all, d));
    CHECK_INT(end, 12);
}

/* Who takes over an id waits until the old transaction is settled: nothing of it appears later. */
TEST(kafka_only, successor_settles)
{
    const char *topic = fresh_topic(kafka_log(), "settle", 1);
    char id[64];
    int64_t end = -1, all = -1;
    snprintf(id, sizeof id, "%s", fresh_name("id"));
    struct log_writer *old = writer_new(kafka_log(), id);
    OK(writer_begin(old, d));
    OK(append_numbered(old, topic, 0, 0, 5));
    for (int i = 0; i < 100 && all < 5; i++, clock_sleep_ms(20))
        OK(topic_offsets(kafka_log(), topic, 0, NULL, &end, &all, d));
    CHECK_INT(end, 0);
    struct log_writer *successor = writer_new(kafka_log(), id);
    wait_until_seen(kafka_log(), topic, 0);
    CHECK_INT(writer_commit(old, NULL), STATUS_FENCED);
    CHECK_INT(writer_begin(old, NULL), STATUS_FENCED); /* and does not fence the successor */
    long long sum;
    commit_numbered(successor, topic, 0, 7, 1);
    CHECK_INT(read_to_end(kafka_log(), topic, 0, &sum), 1);
    writer_close(old);
    writer_close(successor);
}

/* broker.sh lets the coordinator look every second */
enum { EXPIRED_MS = 13000 };

TEST(kafka_only, expired_transaction_is_aborted)
{
    const char *topic = fresh_topic(kafka_log(), "expire", 1);
    struct log_writer *w = writer_new(kafka_log(), fresh_name("id"));
    long long sum;
    OK(writer_begin(w, d));
    OK(append_numbered(w, topic, 0, 0, 5));
    clock_sleep_ms(EXPIRED_MS);
    CHECK_INT(writer_commit(w, NULL), STATUS_ABORTED);
    commit_numbered(w, topic, 0, 7, 1);
    writer_close(w);
    CHECK_INT(read_to_end(kafka_log(), topic, 0, &sum), 1);
    CHECK_INT(sum, 7);
}

/* Adds partitions to the transaction until it is told that there is no such transaction any more. */
static enum status grow(struct log_writer *w, const char *topic)
{
    enum status st = STATUS_OK;
    for (int i = 0; i < 8 && st == STATUS_OK; i++) {
        st = append_numbered(w, topic, i, 0, 1);
        clock_sleep_ms(200);
    }
    return st;
}

/* With the time that a user has set. Nobody else has our id: we go on. */
TEST(kafka_only, expired_transaction_grows)
{
    static const struct kafka_option hasty[] = {{"producer.transaction.timeout.ms", "2000"},
                                                {"producer.socket.timeout.ms", "2000"}};
    struct log *log = kafka_log_with(hasty, 2);
    const char *topic = fresh_topic(kafka_log(), "grow", 8);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    long long sum;
    OK(writer_begin(w, d));
    OK(append_numbered(w, topic, 0, 0, 5));
    clock_sleep_ms(EXPIRED_MS - 8000);
    CHECK_INT(grow(w, topic), STATUS_ABORTED);
    writer_abort(w);
    commit_numbered(w, topic, 0, 7, 1);
    writer_close(w);
    log_close(log);
    CHECK_INT(read_to_end(kafka_log(), topic, 0, &sum), 1);
    CHECK_INT(sum, 7);
}

TEST(kafka_only, fenced_transaction_grows)
{
    const char *topic = fresh_topic(kafka_log(), "grow", 8), *id = fresh_name("id");
    struct log_writer *old = writer_new(kafka_log(), id);
    OK(writer_begin(old, d));
    OK(append_numbered(old, topic, 0, 0, 5));
    struct log_writer *successor = writer_new(kafka_log(), id);
    CHECK_INT(grow(old, topic), STATUS_FENCED);
    writer_abort(old);
    CHECK_INT(writer_begin(old, NULL), STATUS_FENCED);
    commit_numbered(successor, topic, 0, 7, 1);
    writer_close(old);
    writer_close(successor);
}

/* ---- memory ---------------------------------------------------------------------------------------------- */

static enum status use_everything(const char *bootstrap, const char *topic)
{
    const struct kafka_option option = {"client.id", "test"};
    const struct kafka_options o = {.bootstrap_servers = bootstrap, .options = &option, .n_options = 1};
    struct log *log = NULL;
    struct log_reader *r = NULL;
    struct log_writer *w = NULL;
    struct record_batch *b = NULL;
    struct membership *m = NULL;
    struct topic_spec *specs;
    struct arena a;
    size_t n;
    enum status st;
    arena_init(&a, 0);
    TRY(log_open_kafka(&o, &log, NULL));
    TRY(topic_list(log, &a, &specs, &n, NULL));
    TRY(writer_open(log, topic, &w, NULL));
    TRY(writer_begin(w, NULL));
    TRY(append_numbered(w, topic, 0, 0, 2));
    TRY(writer_commit(w, NULL));
    TRY(reader_open(log, &r, NULL));
    TRY(reader_assign(r, topic, 0, 0, NULL));
    TRY(membership_join(log, topic, NULL, 2, &m, NULL));
    while (!b)
        TRY(reader_poll(r, 1000, 10, &b, NULL));
done:
    record_batch_drop(b);
    membership_leave(m);
    reader_close(r);
    writer_close(w);
    if (log)
        log_close(log);
    arena_free(&a);
    return st;
}

TEST(kafka_only, every_allocation_may_fail)
{
    const char *topic = fresh_topic(kafka_log(), "memory", 1);
    enum status st = STATUS_NOMEM;
    long n = 0;
    while (st != STATUS_OK && n < 200) {
        mem_fail_after(++n);
        st = use_everything(getenv("WEIR_TEST_BOOTSTRAP"), topic);
        mem_fail_after(0);
        CHECK(st == STATUS_OK || st == STATUS_NOMEM);
    }
    CHECK_INT(st, STATUS_OK);
    CHECK(n > 10);
}
