/* Writing: transactions, fencing, records of every kind and size. */
#include "log_fixture.h"

#include <stdlib.h>

LOG_TEST(writer, order_of_calls)
{
    struct record x = text_record("k", "v", 1);
    make_topic(f, "t", 1, false);
    struct log_writer *w = open_writer(f->log, NULL);
    CHECK_INT(writer_append(w, "t", 0, &x, 1, NULL), STATUS_INVALID);
    CHECK_INT(writer_commit(w, NULL), STATUS_INVALID);
    writer_abort(w);
    OK(f, writer_begin(w, &f->d));
    CHECK_INT(writer_begin(w, NULL), STATUS_INVALID);
    CHECK_INT(writer_append(w, "u", 0, &x, 1, NULL), STATUS_NOT_FOUND);
    CHECK_INT(writer_append(w, "t", 1, &x, 1, NULL), STATUS_NOT_FOUND);
    CHECK_INT(writer_append(w, "t", -2, &x, 1, NULL), STATUS_INVALID);
    OK(f, writer_append(w, "t", 0, NULL, 0, &f->d));
    OK(f, writer_append(w, "t", 0, &x, 1, &f->d)); /* the mistakes did no harm */
    OK(f, writer_commit(w, &f->d));
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "0:k=v");
    OK(f, writer_begin(w, &f->d));
    OK(f, writer_commit(w, &f->d)); /* empty */
    CHECK_INT(end_of(f->log, "t", 0), 1);
    writer_close(w);
    writer_close(NULL);
    CHECK_INT(writer_open(f->log, "", &w, NULL), STATUS_INVALID);
}

LOG_TEST(writer, atomic_over_topics)
{
    struct record x = text_record("k", "v", 1);
    make_topic(f, "a", 2, false);
    make_topic(f, "b", 1, true);
    struct log_writer *w = open_writer(f->log, "w");
    OK(f, writer_begin(w, &f->d));
    OK(f, writer_append(w, "a", 1, &x, 1, &f->d));
    OK(f, writer_append(w, "b", 0, &x, 1, &f->d));
    CHECK_TEXT(read_all(f->log, "a", 1, 10), "");
    CHECK_INT(end_of(f->log, "b", 0), 0);
    writer_abort(w);
    CHECK_TEXT(read_all(f->log, "a", 1, 10), "");
    OK(f, writer_begin(w, &f->d));
    OK(f, writer_append(w, "a", 1, &x, 1, &f->d));
    OK(f, writer_append(w, "b", 0, &x, 1, &f->d));
    OK(f, writer_append(w, "a", 1, &x, 1, &f->d));
    OK(f, writer_commit(w, &f->d));
    CHECK_TEXT(read_all(f->log, "a", 1, 10), "0:k=v 1:k=v");
    CHECK_TEXT(read_all(f->log, "b", 0, 10), "0:k=v");
    OK(f, writer_begin(w, &f->d));
    OK(f, writer_append(w, "a", 0, &x, 1, &f->d));
    writer_close(w); /* aborts */
    CHECK_TEXT(read_all(f->log, "a", 0, 10), "");
}

LOG_TEST(writer, fencing)
{
    struct record x = text_record("k", "v", 1);
    make_topic(f, "t", 1, false);
    struct log_writer *old = open_writer(f->log, "w"), *other = open_writer(f->log, "other");
    OK(f, writer_begin(old, &f->d));
    OK(f, writer_append(old, "t", 0, &x, 1, &f->d));
    struct log_writer *new = open_writer(f->log, "w");
    CHECK_INT(writer_commit(old, &f->d), STATUS_FENCED);
    CHECK_TEXT(f->d.message, "Another writer with the id w has taken over");
    CHECK_INT(writer_begin(old, NULL), STATUS_FENCED);
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "");
    diag_clear(&f->d);
    OK(f, writer_begin(new, &f->d));
    OK(f, writer_append(new, "t", 0, &x, 1, &f->d));
    OK(f, writer_commit(new, &f->d));
    OK(f, writer_begin(other, &f->d));
    OK(f, writer_append(other, "t", 0, &x, 1, &f->d));
    OK(f, writer_commit(other, &f->d));
    CHECK_TEXT(read_all(f->log, "t", 0, 10), "0:k=v 1:k=v");
    writer_close(old);
    writer_close(new);
    writer_close(other);
}

FILE_TEST(writer, fenced_by_another_process)
{
    struct record x = text_record("k", "v", 1);
    make_topic(f, "t", 1, false);
    struct log *second = fixture_second(f);
    struct log_writer *old = open_writer(f->log, "w");
    OK(f, writer_begin(old, &f->d));
    OK(f, writer_append(old, "t", 0, &x, 1, &f->d));
    OK(f, writer_commit(old, &f->d));
    struct log_writer *new = open_writer(second, "w");
    OK(f, writer_begin(old, &f->d));
    CHECK_INT(writer_commit(old, NULL), STATUS_FENCED); /* even with nothing in it */
    writer_close(old);
    writer_close(new);
    log_close(second);
    fixture_reopen(f); /* the epoch lasts */
    struct log_writer *newest = open_writer(f->log, "w");
    CHECK_INT(((struct embedded_writer *)newest)->epoch, 3);
    writer_close(newest);
}

LOG_TEST(writer, nulls_and_empties)
{
    struct record records[4] = {{.key = STR("tombstone"), .value = {NULL, 0}},
                                {.key = STR("empty"), .value = STR("")},
                                {.key = {NULL, 0}, .value = STR("no key")},
                                {.key = STR(""), .value = STR("empty key")}};
    struct record_batch *b;
    make_topic(f, "t", 1, false);
    struct log_writer *w = open_writer(f->log, NULL);
    OK(f, writer_begin(w, &f->d));
    OK(f, writer_append(w, "t", 0, records, 4, &f->d));
    OK(f, writer_commit(w, &f->d));
    writer_close(w);
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    OK(f, reader_poll(r, 0, 10, &b, &f->d));
    REQUIRE(b && b->n == 4);
    CHECK(b->records[0].value.p == NULL && str_eq(b->records[0].key, STR("tombstone")));
    CHECK(b->records[1].value.p != NULL && b->records[1].value.len == 0);
    CHECK(b->records[2].key.p == NULL && str_eq(b->records[2].value, STR("no key")));
    CHECK(b->records[3].key.p != NULL && b->records[3].key.len == 0);
    record_batch_drop(b);
    reader_close(r);
}

LOG_TEST(writer, headers)
{
    static const struct record_header items[3] = {
        {STR("trace"), STR("abc"), false}, {STR("trace"), STR(""), false}, {STR("null"), {NULL, 0}, true}};
    static const struct headers headers = {3, items};
    struct record records[3] = {text_record("a", "1", 1), text_record("b", "2", 2), text_record("c", "3", 3)};
    struct record_batch *b;
    records[1].headers = &headers;
    make_topic(f, "t", 1, false);
    struct log_writer *w = open_writer(f->log, NULL);
    OK(f, writer_begin(w, &f->d));
    OK(f, writer_append(w, "t", 0, records, 3, &f->d));
    OK(f, writer_commit(w, &f->d));
    writer_close(w);
    CHECK_TEXT(read_all(f->log, "t", 0, 1), "0:a=1 1:b=2 2:c=3");
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    OK(f, reader_poll(r, 0, 10, &b, &f->d));
    REQUIRE(b && b->n == 3);
    CHECK(!b->records[0].headers && !b->records[2].headers);
    const struct headers *h = b->records[1].headers;
    REQUIRE(h && h->n == 3);
    CHECK(str_eq(h->items[0].key, STR("trace")) && str_eq(h->items[0].value, STR("abc")));
    CHECK(!h->items[1].is_null && h->items[1].value.len == 0);
    CHECK(h->items[2].is_null && str_eq(h->items[2].key, STR("null")));
    record_batch_drop(b);
    reader_close(r);
}

LOG_TEST(writer, timestamps)
{
    static const int64_t ts[] = {0, -1, 1700000000000, -2, INT64_MAX, INT64_MIN};
    struct record_batch *b;
    make_topic(f, "t", 1, false);
    struct log_writer *w = open_writer(f->log, NULL);
    int64_t before = clock_wall_ms();
    OK(f, writer_begin(w, &f->d));
    for (int i = 0; i < 6; i++) {
        struct record x = text_record("k", "v", ts[i]);
        OK(f, writer_append(w, "t", 0, &x, 1, &f->d));
    }
    OK(f, writer_commit(w, &f->d));
    writer_close(w);
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    OK(f, reader_poll(r, 0, 10, &b, &f->d));
    REQUIRE(b && b->n == 6);
    for (int i = 0; i < 6; i++)
        CHECK(ts[i] == -1 ? b->records[i].ts >= before && b->records[i].ts <= clock_wall_ms()
                          : b->records[i].ts == ts[i]);
    record_batch_drop(b);
    reader_close(r);
}

LOG_TEST(writer, partitions_by_key)
{
    enum { N = 1000, PARTS = 7 };
    int64_t total = 0;
    make_topic(f, "keyed", PARTS, false);
    make_topic(f, "keyless", PARTS, false);
    put_many(f->log, "keyed", -1, 0, N);
    struct log_writer *w = open_writer(f->log, NULL);
    OK(f, writer_begin(w, &f->d));
    for (int i = 0; i < N; i++) {
        struct record x = text_record(NULL, "v", 1);
        OK(f, writer_append(w, "keyless", -1, &x, 1, &f->d));
    }
    OK(f, writer_commit(w, &f->d));
    writer_close(w);
    for (int p = 0; p < PARTS; p++) {
        struct record_batch *b;
        struct log_reader *r = open_reader(f->log, "keyed", p, 0);
        OK(f, reader_poll(r, 0, BATCH_ROWS, &b, &f->d));
        REQUIRE(b != NULL);
        for (uint32_t i = 0; i < b->n; i++)
            CHECK_INT(partition_for_key(b->records[i].key, PARTS), p);
        total += b->n;
        record_batch_drop(b);
        reader_close(r);
        int64_t n = end_of(f->log, "keyless", p);
        CHECK(n == N / PARTS || n == N / PARTS + 1);
    }
    CHECK_INT(total, N);
}

FILE_TEST(writer, survives_power_loss_if_asked)
{
    log_close(f->log);
    OK(f, log_open_embedded(&(struct embedded_options){.path = f->path, .sync_full = true}, &f->log, &f->d));
    int64_t mode = 0;
    sqlite3_stmt *s = NULL;
    CHECK(sqlite3_prepare_v2(embedded_of(f->log)->writing.handle, "PRAGMA synchronous", -1, &s, NULL) == SQLITE_OK);
    mode = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    sqlite3_finalize(s);
    CHECK_INT(mode, 2);
    make_topic(f, "t", 1, false);
    put_many(f->log, "t", 0, 0, 10);
    fixture_reopen(f);
    check_sequence(f->log, "t", 0, 0, 10);
}

LOG_TEST(writer, many_chunks)
{
    make_topic(f, "t", 2, false);
    put_many(f->log, "t", 0, 0, 100000);
    put_many(f->log, "t", 0, 100000, 1);
    put_many(f->log, "t", 0, 100001, 4096);
    check_sequence(f->log, "t", 0, 0, 104097);
    check_sequence(f->log, "t", 0, 4095, 104097);
    check_sequence(f->log, "t", 0, 104097, 104097);
}

/* Chunks that are not full, of many partitions, which together are too much for memory. */
FILE_TEST(writer, spills_what_is_not_full)
{
    enum { PARTS = 120, SIZE = 900000 };
    make_topic(f, "t", PARTS, false);
    struct log_writer *w = open_writer(f->log, "w");
    for (int round = 0; round < 2; round++) {
        OK(f, writer_begin(w, &f->d));
        for (int p = 0; p < PARTS; p++) {
            struct record x = {.key = STR("k"), .value = noise((size_t)p, SIZE), .ts = p};
            OK(f, writer_append(w, "t", p, &x, 1, &f->d));
        }
        CHECK(((struct embedded_writer *)w)->spill_size > SPILL_BYTES);
        CHECK(((struct embedded_writer *)w)->open_bytes < SPILL_BYTES);
        if (round == 0) {
            writer_abort(w);
            CHECK_INT(((struct embedded_writer *)w)->open_bytes, 0);
        }
    }
    OK(f, writer_commit(w, &f->d));
    writer_close(w);
    for (int p = 0; p < PARTS; p++) {
        struct record_batch *b;
        struct log_reader *r = open_reader(f->log, "t", p, 0);
        OK(f, reader_poll(r, 0, 10, &b, &f->d));
        CHECK(b && b->n == 1 && b->records[0].ts == p && str_eq(b->records[0].value, noise((size_t)p, SIZE)));
        record_batch_drop(b);
        reader_close(r);
    }
}

/* Chunks of every size, those that pack and those that do not, come back as they went in. */
FILE_TEST(writer, packs)
{
    static const size_t sizes[] = {100, 3000, 5000, 100000, 150000, 900000, 3000000};
    enum { N = sizeof sizes / sizeof *sizes };
    char *same = calloc(1, sizes[N - 1]);
    int64_t pages = 0;
    make_topic(f, "noise", 1, false);
    make_topic(f, "same", 1, false);
    for (size_t i = 0; i < N; i++) {
        struct log_writer *w = open_writer(f->log, NULL);
        struct record x = {.value = noise(i, sizes[i] < NOISE_MOST ? sizes[i] : NOISE_MOST)};
        struct record y = {.value = str_make(same, sizes[i])};
        OK(f, writer_begin(w, &f->d));
        OK(f, writer_append(w, "noise", 0, &x, 1, &f->d));
        OK(f, writer_append(w, "same", 0, &y, 1, &f->d));
        OK(f, writer_commit(w, &f->d));
        writer_close(w);
    }
    for (size_t i = 0; i < N; i++) {
        struct record_batch *b, *c;
        struct log_reader *r = open_reader(f->log, "noise", 0, (int64_t)i),
                          *s = open_reader(f->log, "same", 0, (int64_t)i);
        OK(f, reader_poll(r, 0, 1, &b, &f->d));
        OK(f, reader_poll(s, 0, 1, &c, &f->d));
        REQUIRE(b && c);
        CHECK(str_eq(b->records[0].value, noise(i, sizes[i] < NOISE_MOST ? sizes[i] : NOISE_MOST)));
        CHECK(str_eq(c->records[0].value, str_make(same, sizes[i])));
        record_batch_drop(b);
        record_batch_drop(c);
        reader_close(r);
        reader_close(s);
    }
    free(same);
    OK(f, db_number(&embedded_of(f->log)->query, DB_ALL_PAGES, &pages, &f->d));
    CHECK(pages * DB_PAGE < 3 << 20); /* of 6.5 MB of records */
}

LOG_TEST(writer, huge_record)
{
    enum { SIZE = 64 << 20 };
    char *bytes = malloc(SIZE);
    struct record_batch *b;
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 31 >> 3);
    make_topic(f, "t", 1, false);
    struct log_writer *w = open_writer(f->log, NULL);
    struct record small = text_record("k", "v", 1), huge = {.key = STR("huge"), .value = str_make(bytes, SIZE)};
    OK(f, writer_begin(w, &f->d));
    OK(f, writer_append(w, "t", 0, &small, 1, &f->d));
    OK(f, writer_append(w, "t", 0, &huge, 1, &f->d));
    OK(f, writer_append(w, "t", 0, &huge, 1, &f->d)); /* goes through the spill file */
    OK(f, writer_append(w, "t", 0, &small, 1, &f->d));
    OK(f, writer_commit(w, &f->d));
    struct record too_large[2] = {small, {.key = STR("x"), .value = str_make(bytes, CHUNK_MAX_RECORD)}};
    OK(f, writer_begin(w, &f->d)); /* the bytes behind SIZE are not touched: the size alone is refused */
    CHECK_INT(writer_append(w, "t", 0, too_large, 2, NULL), STATUS_DATA);
    OK(f, writer_append(w, "t", 0, &small, 1, &f->d));
    OK(f, writer_commit(w, &f->d));
    writer_close(w);
    CHECK_INT(end_of(f->log, "t", 0), 5);
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    for (int64_t next = 0; next < 5;) {
        OK(f, reader_poll(r, 0, 10, &b, &f->d));
        REQUIRE(b != NULL);
        for (uint32_t i = 0; i < b->n; i++, next++) {
            bool is_huge = next == 1 || next == 2;
            CHECK_INT(b->records[i].value.len, is_huge ? SIZE : 1);
            CHECK(!is_huge || memcmp(b->records[i].value.p, bytes, SIZE) == 0);
        }
        record_batch_drop(b);
    }
    reader_close(r);
    free(bytes);
}

static enum status write_three(struct log *log, struct log_writer **w)
{
    struct record x[2] = {text_record("k", "v", 1), text_record("l", "v", 1)};
    enum status st;
    TRY(writer_open(log, "id", w, NULL));
    TRY(writer_begin(*w, NULL));
    TRY(writer_append(*w, "t", 0, x, 2, NULL));
    TRY(writer_append(*w, "t", 1, x, 1, NULL));
    TRY(writer_commit(*w, NULL));
done:
    return st;
}

/* Every allocation fails once: whatever the status says is what readers see. */
LOG_TEST(writer, no_memory)
{
    int64_t committed = 0;
    make_topic(f, "t", 2, false);
    for (long nth = 1; nth < 400 && committed == 0; nth++) {
        struct log_writer *w = NULL;
        mem_fail_after(nth);
        enum status st = write_three(f->log, &w);
        mem_fail_after(0);
        writer_close(w);
        CHECK(st == STATUS_OK || st == STATUS_NOMEM);
        committed += st == STATUS_OK;
        CHECK_INT(end_of(f->log, "t", 0), 2 * committed);
        CHECK_INT(end_of(f->log, "t", 1), committed);
    }
    CHECK_INT(committed, 1);
}

static enum status read_two(struct log *log, struct log_reader **r, struct record_batch **b)
{
    enum status st;
    TRY(reader_open(log, r, NULL));
    TRY(reader_assign(*r, "t", 0, 0, NULL));
    TRY(reader_poll(*r, 0, 10, b, NULL));
done:
    return st;
}

LOG_TEST(reader, no_memory)
{
    enum status st = STATUS_NOMEM;
    make_topic(f, "t", 1, false);
    put_many(f->log, "t", 0, 0, 2);
    for (long nth = 1; nth < 400 && st != STATUS_OK; nth++) {
        struct log_reader *r = NULL;
        struct record_batch *b = NULL;
        mem_fail_after(nth);
        st = read_two(f->log, &r, &b);
        mem_fail_after(0);
        CHECK(st == STATUS_OK || st == STATUS_NOMEM);
        if (r && st == STATUS_NOMEM) { /* it can be tried again */
            OK(f, reader_assign(r, "t", 0, 0, &f->d));
            OK(f, reader_poll(r, 0, 10, &b, &f->d));
        }
        CHECK(!r || (b && b->n == 2));
        record_batch_drop(b);
        reader_close(r);
    }
    CHECK_INT(st, STATUS_OK);
}
