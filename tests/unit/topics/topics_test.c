/* Topics: create, describe, list, delete, offsets, truncate; and the checks in front of every log. */
#include "log_fixture.h"

#include <stdio.h>

LOG_TEST(topics, create_and_describe)
{
    struct topic_spec spec = {
        .name = "orders", .n_partitions = 4, .replicas = 3, .retention_ms = 60000, .retention_bytes = 1 << 20};
    struct topic_spec out = {0};
    OK(f, topic_create(f->log, &spec, &f->d));
    CHECK_INT(topic_create(f->log, &spec, &f->d), STATUS_EXISTS);
    CHECK_TEXT(f->d.message, "Topic orders exists already");
    OK(f, topic_describe(f->log, "orders", &out, &f->d));
    CHECK(out.n_partitions == 4 && out.replicas == 1 && !out.compact && out.retention_ms == 60000 &&
          out.retention_bytes == 1 << 20);
    diag_clear(&f->d);
    CHECK_INT(topic_describe(f->log, "other", &out, &f->d), STATUS_NOT_FOUND);
    CHECK_INT(f->d.code, STATUS_OK);
    CHECK_TEXT(log_kind(f->log), "embedded");
    make_topic(f, "defaults", 1, false);
    OK(f, topic_describe(f->log, "defaults", &out, &f->d));
    CHECK(out.retention_ms == INT64_C(604800000) && out.retention_bytes == -1);
    make_topic(f, "compacted", 1, true);
    OK(f, topic_describe(f->log, "compacted", &out, &f->d));
    CHECK(out.compact && out.retention_ms == -1);
}

LOG_TEST(topics, bad_arguments)
{
    char longest[251];
    memset(longest, 'x', 250);
    longest[250] = 0;
    static const char *const bad[] = {"", ".", "..", "a b", "a/b", "\xc3\xa9", "a\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_INT(topic_create(f->log, &(struct topic_spec){.name = bad[i], .n_partitions = 1}, NULL), STATUS_INVALID);
    CHECK_INT(topic_create(f->log, &(struct topic_spec){.name = longest, .n_partitions = 1}, NULL), STATUS_INVALID);
    CHECK_INT(topic_create(f->log, &(struct topic_spec){.n_partitions = 1}, NULL), STATUS_INVALID);
    CHECK_INT(topic_create(f->log, &(struct topic_spec){.name = "t", .n_partitions = 0}, NULL), STATUS_INVALID);
    CHECK_INT(topic_create(f->log, &(struct topic_spec){.name = "t", .n_partitions = 1, .retention_ms = -2}, NULL),
              STATUS_INVALID);
    longest[249] = 0;
    make_topic(f, longest, 1, false);
    put(f, longest, 0, "k", "v");
    CHECK_TEXT(read_all(f->log, longest, 0, 10), "0:k=v");
    int64_t n;
    CHECK_INT(topic_offsets(f->log, longest, 1, &n, &n, &n, NULL), STATUS_NOT_FOUND);
    CHECK_INT(topic_offsets(f->log, longest, -1, &n, &n, &n, NULL), STATUS_INVALID);
    CHECK_INT(topic_offsets(f->log, "none", 0, &n, &n, &n, &f->d), STATUS_NOT_FOUND);
    CHECK_TEXT(f->d.message, "There is no topic none");
}

LOG_TEST(topics, list)
{
    struct arena a;
    struct topic_spec *topics;
    size_t n;
    arena_init(&a, 0);
    OK(f, topic_list(f->log, &a, &topics, &n, &f->d));
    CHECK_INT(n, 0);
    for (int i = 99; i >= 0; i--) {
        char name[16];
        snprintf(name, sizeof name, "t%02d", i);
        make_topic(f, name, i + 1, i % 2);
    }
    OK(f, topic_list(f->log, &a, &topics, &n, &f->d));
    REQUIRE(n == 100);
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%02d", i);
        CHECK_TEXT(topics[i].name, name);
        CHECK(topics[i].n_partitions == i + 1 && topics[i].compact == i % 2);
    }
    arena_free(&a);
    arena_init(&a, 100);
    CHECK_INT(topic_list(f->log, &a, &topics, &n, NULL), STATUS_NOMEM);
    arena_free(&a);
}

LOG_TEST(topics, deleted_and_made_anew)
{
    make_topic(f, "t", 2, false);
    put_many(f->log, "t", 0, 0, 5000);
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    struct log_writer *w = open_writer(f->log, "w");
    struct record x = text_record("k", "v", 1);
    OK(f, writer_begin(w, &f->d));
    OK(f, writer_append(w, "t", 0, &x, 1, &f->d));
    OK(f, topic_delete(f->log, "t", &f->d));
    CHECK_INT(topic_delete(f->log, "t", NULL), STATUS_NOT_FOUND);
    CHECK_INT(writer_commit(w, NULL), STATUS_NOT_FOUND);
    make_topic(f, "t", 1, false);
    struct record_batch *b;
    CHECK_INT(reader_poll(r, 0, 10, &b, &f->d), STATUS_NOT_FOUND);
    CHECK_TEXT(f->d.message, "Topic t was deleted");
    CHECK(!b);
    reader_unassign(r, "t", 0);
    OK(f, reader_poll(r, 0, 10, &b, &f->d));
    OK(f, writer_begin(w, &f->d));
    OK(f, writer_append(w, "t", 0, &x, 1, &f->d));
    OK(f, writer_commit(w, &f->d));
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "0:k=v");
    OK(f, reader_assign(r, "t", 0, 0, &f->d));
    OK(f, reader_poll(r, 0, 10, &b, &f->d));
    REQUIRE(b != NULL);
    CHECK_INT(b->n, 1);
    record_batch_drop(b);
    OK(f, embedded_maintain(f->log, 0, false, &f->d));
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "0:k=v");
    writer_close(w);
    reader_close(r);
}

LOG_TEST(topics, truncate)
{
    make_topic(f, "t", 1, false);
    for (int i = 0; i < 10; i++)
        put_many(f->log, "t", 0, i * 100, 100);
    CHECK_INT(topic_truncate(f->log, "t", 0, 1001, &f->d), STATUS_INVALID);
    CHECK_INT(topic_truncate(f->log, "t", 0, -1, NULL), STATUS_INVALID);
    CHECK_INT(topic_truncate(f->log, "t", 1, 0, NULL), STATUS_NOT_FOUND);
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    OK(f, topic_truncate(f->log, "t", 0, 250, &f->d));
    OK(f, topic_truncate(f->log, "t", 0, 30, &f->d)); /* below: nothing */
    CHECK_INT(begin_of(f->log, "t", 0), 250);
    CHECK_INT(end_of(f->log, "t", 0), 1000);
    check_sequence(f->log, "t", 0, 250, 1000);
    struct record_batch *b;
    OK(f, reader_poll(r, 0, 1, &b, &f->d)); /* assigned before, below the start now */
    REQUIRE(b != NULL);
    CHECK_INT(b->records[0].offset, 250);
    record_batch_drop(b);
    OK(f, topic_truncate(f->log, "t", 0, 1000, &f->d));
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "");
    OK(f, reader_assign(r, "t", 0, 500, &f->d));
    for (int told = 0; told < 2; told++) { /* nothing is left: the reader learns that once */
        OK(f, reader_poll(r, 0, 1, &b, &f->d));
        REQUIRE((b != NULL) == (told == 0));
        CHECK(!b || (b->n == 0 && b->next_offset == 1000 && strcmp(b->topic, "t") == 0));
        record_batch_drop(b);
    }
    put(f, "t", 0, "a", "b");
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "1000:a=b");
    OK(f, reader_assign(r, "t", 0, 7, &f->d)); /* below the first record: at the first */
    OK(f, reader_poll(r, 0, 1, &b, &f->d));
    REQUIRE(b != NULL);
    CHECK_INT(b->records[0].offset, 1000);
    record_batch_drop(b);
    reader_close(r);
}

FILE_TEST(topics, truncate_frees_the_file)
{
    make_topic(f, "t", 1, false);
    for (int round = 0; round < 40; round++) {
        put_many(f->log, "t", 0, round * 20000, 20000);
        OK(f, topic_truncate(f->log, "t", 0, (round + 1) * 20000, &f->d));
    }
    int64_t pages = 0;
    pages = count_pages(f, DB_ALL_PAGES);
    CHECK(pages * DB_PAGE < 8 << 20); /* one round takes about 0.5 MB */
}

LOG_TEST(topics, offset_for_time)
{
    int64_t offset;
    make_topic(f, "t", 1, false);
    OK(f, topic_offset_for_time(f->log, "t", 0, 5, &offset, &f->d));
    CHECK_INT(offset, 0);
    put_many(f->log, "t", 0, 0, 5000); /* timestamps 0..4999 */
    put_many(f->log, "t", 0, 3000, 3000);
    static const struct {
        int64_t ts, offset;
    } cases[] = {{-5, 0},      {0, 0},       {1, 1},       {4095, 4095},      {4096, 4096},  {4999, 4999},
                 {5000, 7000}, {5999, 7999}, {6000, 8000}, {INT64_MAX, 8000}, {INT64_MIN, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        OK(f, topic_offset_for_time(f->log, "t", 0, cases[i].ts, &offset, &f->d));
        CHECK_INT(offset, cases[i].offset);
    }
    OK(f, topic_truncate(f->log, "t", 0, 4500, &f->d));
    OK(f, topic_offset_for_time(f->log, "t", 0, 100, &offset, &f->d));
    CHECK_INT(offset, 4500);
    CHECK_INT(topic_offset_for_time(f->log, "t", 1, 100, &offset, NULL), STATUS_NOT_FOUND);
}

FILE_TEST(topics, survive_reopening)
{
    make_topic(f, "t", 3, true);
    put_many(f->log, "t", 2, 0, 10000);
    OK(f, topic_truncate(f->log, "t", 2, 100, &f->d));
    fixture_reopen(f);
    CHECK_INT(begin_of(f->log, "t", 2), 100);
    check_sequence(f->log, "t", 2, 100, 10000);
    CHECK_INT(end_of(f->log, "t", 0), 0);
    put_many(f->log, "t", 2, 10000, 10);
    check_sequence(f->log, "t", 2, 9000, 10010);
}
