/* What is written comes back as it was, by key, and by whole transactions; a second writer fences the first. */
#include "tests/broker/log_tests.h"

#include <stdio.h>

static void check_str(struct str got, struct str expected)
{
    CHECK_INT(got.p == NULL, expected.p == NULL);
    CHECK(str_eq(got, expected));
}

void log_test_records_as_written(struct log *log)
{
    const char *topic = fresh_topic(log, "records", 2);
    const struct record_header items[] = {{.key = STR("h"), .value = STR("1")},
                                          {.key = STR("null"), .is_null = true},
                                          {.key = STR("h"), .value = STR("")}};
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

/* ---- transactions ------------------------------------------------------------------------------------------------ */

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
