/* Compaction and retention. */
#include "log_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static const int64_t hour = 3600 * 1000;

static void maintain(struct fixture *f, int64_t now_ms)
{
    OK(f, embedded_maintain(f->log, now_ms, true, &f->d));
}

LOG_TEST(compact, keeps_the_last_of_each_key)
{
    make_topic(f, "t", 1, true);
    put(f, "t", 0, "a", "1");
    put(f, "t", 0, "b", "2");
    put(f, "t", 0, "a", "3");
    put(f, "t", 0, NULL, "no key");
    put(f, "t", 0, "a", "4");
    put(f, "t", 0, "c", "5");
    maintain(f, clock_wall_ms());
    static const char compacted[] = "1:b=2 3:null=no key 4:a=4 5:c=5";
    CHECK_TEXT(read_all(f->log, "t", 0, 10), compacted);
    CHECK_TEXT(read_all(f->log, "t", 0, 1), compacted);
    CHECK_INT(begin_of(f->log, "t", 0), 0);
    CHECK_INT(end_of(f->log, "t", 0), 6);
    maintain(f, clock_wall_ms());
    CHECK_TEXT(read_all(f->log, "t", 0, 10), compacted);
    put(f, "t", 0, "b", "6");
    put(f, "t", 0, "c", "7");
    maintain(f, clock_wall_ms());
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "3:null=no key 4:a=4 6:b=6 7:c=7");
    struct log_reader *r = open_reader(f->log, "t", 0, 5); /* into a hole */
    struct record_batch *b;
    OK(f, reader_poll(r, 0, 1, &b, &f->d));
    REQUIRE(b != NULL);
    CHECK_INT(b->records[0].offset, 6);
    record_batch_drop(b);
    reader_close(r);
}

LOG_TEST(compact, leaves_other_topics_alone)
{
    make_topic(f, "t", 1, false);
    put(f, "t", 0, "a", "1");
    put(f, "t", 0, "a", "2");
    maintain(f, clock_wall_ms());
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "0:a=1 1:a=2");
}

LOG_TEST(compact, tombstones_go_after_a_day)
{
    int64_t now = clock_wall_ms();
    make_topic(f, "t", 1, true);
    put(f, "t", 0, "a", "1");
    put(f, "t", 0, "b", "");
    put(f, "t", 0, "a", NULL);
    put(f, "t", 0, "z", "last");
    maintain(f, now);
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "1:b= 2:a=null 3:z=last");
    maintain(f, now + 23 * hour);
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "1:b= 2:a=null 3:z=last");
    maintain(f, now + 25 * hour);
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "1:b= 3:z=last");
    put(f, "t", 0, "z", NULL);
    maintain(f, now + 50 * hour); /* the last record stays, so that readers reach the end */
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "1:b= 4:z=null");
    put(f, "t", 0, "y", "1");
    maintain(f, now + 50 * hour);
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "1:b= 5:y=1");
}

LOG_TEST(compact, what_was_fetched_stays)
{
    make_topic(f, "t", 1, true);
    for (int i = 0; i < 10; i++)
        put(f, "t", 0, "a", "x");
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    struct record_batch *b;
    OK(f, reader_poll(r, 0, 2, &b, &f->d));
    REQUIRE(b && b->n == 2);
    maintain(f, clock_wall_ms());
    CHECK(str_eq(b->records[1].value, STR("x")));
    record_batch_drop(b);
    int64_t next = 2;
    while (next < 10) {
        OK(f, reader_poll(r, 0, 3, &b, &f->d));
        REQUIRE(b != NULL);
        CHECK(b->records[0].offset >= next);
        next = b->next_offset;
        record_batch_drop(b);
    }
    CHECK_INT(next, 10);
    reader_close(r);
}

/* A reader ends at the end, wherever the holes are. */
static int64_t drain(struct fixture *f, int64_t from, uint32_t max, int64_t *count)
{
    struct log_reader *r = open_reader(f->log, "t", 0, from);
    int64_t next = from;
    *count = 0;
    for (;;) {
        struct record_batch *b;
        OK(f, reader_poll(r, 0, max, &b, &f->d));
        if (!b)
            break;
        for (uint32_t i = 0; i < b->n; i++) {
            CHECK(b->records[i].offset >= next);
            next = b->records[i].offset + 1;
        }
        *count += b->n;
        next = b->next_offset;
        record_batch_drop(b);
    }
    reader_close(r);
    return next;
}

/* Random keys, values and tombstones in many chunks, compacted time and again, against a table in memory. */
LOG_TEST(compact, random)
{
    enum { KEYS = 500, ROUNDS = 30 };
    static int64_t last[KEYS];
    static bool has_value[KEYS];
    srand(7);
    memset(last, -1, sizeof last);
    make_topic(f, "t", 1, true);
    int64_t end = 0, now = clock_wall_ms(), count;
    for (int round = 0; round < ROUNDS; round++) {
        struct log_writer *w = open_writer(f->log, NULL);
        OK(f, writer_begin(w, &f->d));
        int n = 1 + rand() % (round % 3 ? 20 : 9000);
        for (int i = 0; i < n; i++) {
            char key[16], value[32];
            int k = rand() % (1 + rand() % KEYS);
            snprintf(key, sizeof key, "%d", k);
            snprintf(value, sizeof value, "%lld", (long long)end);
            has_value[k] = rand() % 5 != 0;
            last[k] = end++;
            struct record x = text_record(key, has_value[k] ? value : NULL, 1);
            OK(f, writer_append(w, "t", 0, &x, 1, &f->d));
        }
        OK(f, writer_commit(w, &f->d));
        writer_close(w);
        if (round % 4 == 3)
            maintain(f, now);
        CHECK_INT(drain(f, rand() % (end + 1), 1 + (uint32_t)(rand() % BATCH_ROWS), &count), end);
    }
    maintain(f, now);
    int64_t keys = 0, values = 0;
    for (int k = 0; k < KEYS; k++) {
        keys += last[k] >= 0;
        values += last[k] >= 0 && has_value[k];
    }
    CHECK_INT(drain(f, 0, 1000, &count), end);
    CHECK_INT(count, keys);
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    struct record_batch *b;
    OK(f, reader_poll(r, 0, BATCH_ROWS, &b, &f->d));
    REQUIRE(b && b->n == keys);
    for (uint32_t i = 0; i < b->n; i++) {
        char text[32];
        snprintf(text, sizeof text, STR_FMT, STR_ARG(b->records[i].key));
        int k = atoi(text);
        CHECK_INT(b->records[i].offset, last[k]);
        snprintf(text, sizeof text, "%lld", (long long)last[k]);
        CHECK(has_value[k] ? str_eq(b->records[i].value, str_from(text)) : b->records[i].value.p == NULL);
    }
    record_batch_drop(b);
    reader_close(r);
    maintain(f, now + 100 * hour);
    CHECK_INT(drain(f, 0, 1000, &count), end);
    CHECK(count == values || count == values + 1); /* the very last may be a tombstone */
}

/* The positions of a query: the same keys over and over in tiny transactions must not fill the file. */
FILE_TEST(compact, small_transactions_do_not_pile_up)
{
    make_topic(f, "t", 1, true);
    int64_t pages = 0;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 250; i++)
            put_many(f->log, "t", 0, 0, 10);
        OK(f, embedded_maintain(f->log, clock_wall_ms(), false, &f->d));
    }
    pages = count_pages(f, DB_ALL_PAGES);
    CHECK(pages * DB_PAGE < 6 << 20);
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    struct record_batch *b;
    int64_t n = 0, next = 0;
    do {
        OK(f, reader_poll(r, 0, BATCH_ROWS, &b, &f->d));
        n += b ? b->n : 0;
        next = b ? b->next_offset : next;
        record_batch_drop(b);
    } while (b);
    CHECK_INT(next, 50000);
    CHECK(n < 25000); /* half of it at least was given up */
    reader_close(r);
}

LOG_TEST(compact, truncated_inside_a_chunk)
{
    make_topic(f, "t", 1, true);
    put_many(f->log, "t", 0, 0, 100);
    OK(f, topic_truncate(f->log, "t", 0, 40, &f->d));
    maintain(f, clock_wall_ms());
    check_sequence(f->log, "t", 0, 40, 100);
    put_many(f->log, "t", 0, 0, 100);
    maintain(f, clock_wall_ms());
    CHECK_INT(begin_of(f->log, "t", 0), 40);
    int64_t count;
    CHECK_INT(drain(f, 40, 10, &count), 200);
    CHECK_INT(count, 100);
}

LOG_TEST(retention, by_time)
{
    int64_t now = clock_wall_ms();
    OK(f, topic_create(f->log, &(struct topic_spec){.name = "t", .n_partitions = 1, .retention_ms = hour}, &f->d));
    make_topic(f, "week", 1, false);
    OK(f, topic_create(f->log, &(struct topic_spec){.name = "ever", .n_partitions = 1, .retention_ms = -1}, &f->d));
    put_many(f->log, "t", 0, 0, 10); /* timestamps in 1970: what counts is how long the log has had them */
    put_many(f->log, "week", 0, 0, 10);
    put_many(f->log, "ever", 0, 0, 10);
    maintain(f, now);
    check_sequence(f->log, "t", 0, 0, 10);
    maintain(f, now + 2 * hour);
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "");
    CHECK_INT(begin_of(f->log, "t", 0), 10);
    check_sequence(f->log, "week", 0, 0, 10);
    put_many(f->log, "t", 0, 10, 10);
    check_sequence(f->log, "t", 0, 10, 20);
    maintain(f, now + 8 * 24 * hour);
    CHECK_INT(begin_of(f->log, "week", 0), 10);
    check_sequence(f->log, "ever", 0, 0, 10);
}

LOG_TEST(retention, by_bytes)
{
    OK(f, topic_create(f->log, &(struct topic_spec){.name = "t", .n_partitions = 2, .retention_bytes = 100000}, &f->d));
    for (int i = 0; i < 100; i++)
        put_many(f->log, "t", 1, i * 400, 400); /* about 5 KB each */
    maintain(f, clock_wall_ms());
    int64_t begin = begin_of(f->log, "t", 1);
    CHECK(begin > 0 && begin % 400 == 0);
    check_sequence(f->log, "t", 1, begin, 40000);
    struct part_row part;
    struct topic_row topic;
    struct embedded *e = embedded_of(f->log);
    pthread_mutex_lock(&e->query_mutex);
    OK(f, part_find(&e->query, "t", 1, &topic, &part, &f->d));
    pthread_mutex_unlock(&e->query_mutex);
    CHECK(part.bytes >= 100000 && part.bytes < 110000);
    maintain(f, clock_wall_ms());
    CHECK_INT(begin_of(f->log, "t", 1), begin);
}

LOG_TEST(retention, of_a_compacted_topic)
{
    int64_t now = clock_wall_ms();
    OK(f,
       topic_create(f->log, &(struct topic_spec){.name = "t", .n_partitions = 1, .compact = true, .retention_ms = hour},
                    &f->d));
    put(f, "t", 0, "a", "1");
    put(f, "t", 0, "a", "2");
    put(f, "t", 0, "b", "3");
    maintain(f, now);
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "1:a=2 2:b=3");
    maintain(f, now + 2 * hour);
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "");
    CHECK_INT(begin_of(f->log, "t", 0), 3);
}

FILE_TEST(retention, gives_pages_back)
{
    enum { N = 6000, SIZE = 10000 };
    int64_t before = 0, after = 0;
    make_topic(f, "t", 1, false);
    struct log_writer *w = open_writer(f->log, NULL);
    OK(f, writer_begin(w, &f->d));
    for (int i = 0; i < N; i++) {
        struct record x = {.key = STR("k"), .value = noise((size_t)i, SIZE), .ts = i};
        OK(f, writer_append(w, "t", 0, &x, 1, &f->d));
    }
    OK(f, writer_commit(w, &f->d));
    writer_close(w);
    before = count_pages(f, DB_ALL_PAGES);
    CHECK(before * DB_PAGE > N * SIZE);
    OK(f, topic_truncate(f->log, "t", 0, N - 100, &f->d));
    maintain(f, clock_wall_ms());
    after = count_pages(f, DB_ALL_PAGES);
    CHECK(after * DB_PAGE < 24 << 20);
    CHECK_INT(begin_of(f->log, "t", 0), N - 100);
    CHECK_INT(end_of(f->log, "t", 0), N);
    check_integrity(f);
    OK(f, topic_delete(f->log, "t", &f->d));
    maintain(f, clock_wall_ms());
    before = count_pages(f, DB_FREE_PAGES);
    after = count_pages(f, DB_ALL_PAGES);
    CHECK(after - before < 20); /* nothing but the empty tables is in use */
    check_integrity(f);
}
