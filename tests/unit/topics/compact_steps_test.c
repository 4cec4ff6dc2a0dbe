/* Compaction step by step: what else happens between two steps, runs that are given up, keys and offsets that do not
 * fit into memory together, what is worth while, and damage. */
#include "log_fixture.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEYS = 550, ROUND = 300 };

/* Of every key the last record is still there, if it is not below the start; *count: records there are. */
static void check_lasts(struct fixture *f, const int64_t *last, int64_t *count)
{
    int64_t seen[KEYS], begin = begin_of(f->log, "t", 0), end = end_of(f->log, "t", 0), next = begin;
    memset(seen, -1, sizeof seen);
    *count = 0;
    struct log_reader *r = open_reader(f->log, "t", 0, begin);
    while (next < end) {
        struct record_batch *b;
        OK(f, reader_poll(r, 0, 1000, &b, &f->d));
        REQUIRE(b != NULL);
        for (uint32_t i = 0; i < b->n; i++) {
            char text[16];
            snprintf(text, sizeof text, STR_FMT, STR_ARG(b->records[i].key));
            seen[atoi(text + 1)] = b->records[i].offset;
            CHECK(b->records[i].offset >= next);
            CHECK(b->records[i].value.len == b->records[i].key.len);
            next = b->records[i].offset + 1;
        }
        *count += b->n;
        next = b->next_offset;
        record_batch_drop(b);
    }
    CHECK_INT(next, end);
    reader_close(r);
    int64_t wrong = 0;
    for (int k = 0; k < KEYS; k++)
        wrong += last[k] >= begin && seen[k] != last[k];
    CHECK_INT(wrong, 0);
}

static void put_round(struct fixture *f, int first, int64_t *last)
{
    int64_t end = end_of(f->log, "t", 0);
    put_many(f->log, "t", 0, first, ROUND);
    for (int i = 0; i < ROUND; i++)
        last[first + i] = end + i;
}

static void fill(struct fixture *f, int64_t *last)
{
    make_topic(f, "t", 1, true);
    memset(last, -1, KEYS * sizeof *last);
    for (int first = 0; first + ROUND <= KEYS; first += 50)
        put_round(f, first, last);
}

static int64_t part_of_t(struct fixture *f, struct part_row *part)
{
    struct topic_row topic;
    struct embedded *e = embedded_of(f->log);
    pthread_mutex_lock(&e->query_mutex);
    OK(f, part_find(&e->query, "t", 0, &topic, part, &f->d));
    pthread_mutex_unlock(&e->query_mutex);
    return part->id;
}

struct survey {
    int64_t entries, records, bytes;
    int64_t n_chunks, chunks; /* and the sum of their numbers: it changes when one is rewritten */
};

static struct survey look(struct fixture *f)
{
    struct db db;
    sqlite3_stmt *s;
    struct entry_row e;
    struct part_row part;
    struct survey sum = {0};
    bool row = true;
    int64_t id = part_of_t(f, &part);
    OK(f, db_open(embedded_of(f->log), &db, 1024, &f->d));
    OK(f, db_read_begin(&db, &f->d));
    OK(f, entry_from(&db, id, 0, &s, &f->d));
    for (;;) {
        OK(f, entry_next(&db, s, &e, &row, &f->d));
        if (!row)
            break;
        sum.entries++;
        sum.records += e.n;
        sum.bytes += e.bytes;
        sum.n_chunks += e.n > 0;
        sum.chunks += e.chunk;
    }
    db_read_end(&db);
    db_close(&db);
    return sum;
}

/* What is counted is what there is, also after a look at everything else that was to be removed. */
static void check_accounts(struct fixture *f)
{
    struct part_row part;
    struct db db;
    sqlite3_stmt *s = NULL;
    struct survey sum = look(f);
    part_of_t(f, &part);
    CHECK_INT(part.bytes, sum.bytes);
    OK(f, db_open(embedded_of(f->log), &db, 1024, &f->d));
    OK(f, db_read_begin(&db, &f->d));
    REQUIRE(sqlite3_prepare_v2(db.handle, "SELECT count(*) FROM chunk", -1, &s, NULL) == SQLITE_OK);
    CHECK_INT(sqlite3_step(s), SQLITE_ROW);
    CHECK_INT(sqlite3_column_int64(s, 0), sum.n_chunks);
    sqlite3_finalize(s);
    db_read_end(&db);
    db_close(&db);
}

static struct compaction *begin_run(struct fixture *f, bool all)
{
    struct part_row part;
    struct compaction *c;
    OK(f, compaction_create(embedded_of(f->log), part_of_t(f, &part), clock_wall_ms(), all, &c, &f->d));
    return c;
}

enum event { TRUNCATED, ALSO_COMPACTED, APPENDED, ALL_REMOVED, DELETED, GIVEN_UP, N_EVENTS };

static void happen(struct fixture *f, enum event what, int64_t *last)
{
    switch (what) {
    case TRUNCATED: /* in the middle of a chunk; the one before it is removed */
        OK(f, topic_truncate(f->log, "t", 0, 450, &f->d));
        OK(f, embedded_maintain(f->log, clock_wall_ms(), false, &f->d));
        break;
    case ALSO_COMPACTED:
        OK(f, embedded_maintain(f->log, clock_wall_ms(), true, &f->d));
        break;
    case ALL_REMOVED:
        OK(f, topic_truncate(f->log, "t", 0, end_of(f->log, "t", 0), &f->d));
        OK(f, embedded_maintain(f->log, clock_wall_ms(), false, &f->d));
        break;
    case DELETED:
        OK(f, topic_delete(f->log, "t", &f->d));
        OK(f, embedded_maintain(f->log, clock_wall_ms(), false, &f->d));
        break;
    default:
        put_round(f, 100, last);
        break;
    }
}

/* True if the run had more than `steps` steps. */
static bool run_with(struct fixture *f, enum event what, int steps)
{
    int64_t last[KEYS], count;
    bool more = true;
    enum status st = STATUS_OK;
    fill(f, last);
    struct compaction *c = begin_run(f, true);
    for (int i = 0; more && i < steps; i++)
        OK(f, compaction_step(c, &more, &f->d));
    bool had_more = more;
    if (what != GIVEN_UP)
        happen(f, what, last);
    while (what != GIVEN_UP && more && st == STATUS_OK)
        st = compaction_step(c, &more, &f->d);
    compaction_destroy(c);
    CHECK(st == STATUS_OK || (what == DELETED && st == STATUS_NOT_FOUND));
    if (what == DELETED)
        return had_more;
    check_lasts(f, last, &count);
    if (f->folder[0] && what == GIVEN_UP)
        fixture_reopen(f);
    OK(f, embedded_maintain(f->log, clock_wall_ms(), true, &f->d));
    check_lasts(f, last, &count);
    int64_t expected = 0;
    for (int k = 0; k < KEYS; k++)
        expected += last[k] >= begin_of(f->log, "t", 0);
    CHECK_INT(count, expected);
    check_accounts(f);
    OK(f, topic_delete(f->log, "t", &f->d));
    return had_more;
}

/* Steps of which there are hundreds alike are not all tried. */
LOG_TEST(compact_steps, anything_may_happen_between_two)
{
    for (int what = 0; what < N_EVENTS; what++)
        for (int steps = 0; run_with(f, (enum event)what, steps);)
            steps += steps >= 2 && steps < 254 ? 84 : 1;
    if (f->folder[0])
        check_integrity(f);
}

/* The other run joins chunks of which this one has scanned the first. */
LOG_TEST(compact_steps, two_runs_beside_each_other)
{
    enum { CHUNKS = 16, RECORDS = 100, SIZE = 5000 }; /* two chunks become one; a step scans five */
    bool more[2] = {true, true};
    make_topic(f, "t", 1, true);
    for (int i = 0; i < CHUNKS; i++) {
        struct log_writer *w = open_writer(f->log, NULL);
        OK(f, writer_begin(w, &f->d));
        for (int k = 0; k < RECORDS; k++) {
            char key[16];
            snprintf(key, sizeof key, "k%d", i * RECORDS + k);
            struct record x = {.key = str_from(key), .value = noise((size_t)k, SIZE), .ts = 1};
            OK(f, writer_append(w, "t", 0, &x, 1, &f->d));
        }
        OK(f, writer_commit(w, &f->d));
        writer_close(w);
    }
    struct compaction *runs[2] = {begin_run(f, true), begin_run(f, true)};
    OK(f, compaction_step(runs[0], &more[0], &f->d));
    for (int i = 1; i >= 0; i--)
        while (more[i])
            OK(f, compaction_step(runs[i], &more[i], &f->d));
    compaction_destroy(runs[0]);
    compaction_destroy(runs[1]);
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    int64_t n = 0, next = 0;
    while (next < CHUNKS * RECORDS) {
        struct record_batch *b;
        OK(f, reader_poll(r, 0, BATCH_ROWS, &b, &f->d));
        REQUIRE(b != NULL);
        n += b->n;
        next = b->next_offset;
        record_batch_drop(b);
    }
    reader_close(r);
    CHECK_INT(n, CHUNKS * RECORDS);
}

/* Neither the keys fit into a table, nor the offsets into a window, nor the notes into memory. */
LOG_TEST(compact_steps, several_passes)
{
    int64_t last[KEYS], count;
    embedded_of(f->log)->compact_slots = 64;
    fill(f, last);
    srand(5);
    for (int round = 0; round < 300; round++)
        put_round(f, rand() % (KEYS - ROUND), last);
    for (int64_t window = 20000; window > 10; window /= 40) {
        embedded_of(f->log)->compact_window = window;
        put_round(f, 0, last);
        put_round(f, 0, last);
        OK(f, embedded_maintain(f->log, clock_wall_ms(), true, &f->d));
        check_lasts(f, last, &count);
        CHECK_INT(count, KEYS);
    }
}

static enum status compact_quietly(struct fixture *f, int64_t part)
{
    struct compaction *c;
    bool more = true;
    enum status st = compaction_create(embedded_of(f->log), part, clock_wall_ms(), true, &c, NULL);
    while (st == STATUS_OK && more)
        st = compaction_step(c, &more, NULL);
    compaction_destroy(c);
    return st;
}

LOG_TEST(compact_steps, no_memory)
{
    enum status st = STATUS_NOMEM;
    for (long nth = 1; nth < 400 && st != STATUS_OK; nth++) {
        struct part_row part;
        make_topic(f, "t", 1, true);
        for (int i = 0; i < 4; i++)
            put_many(f->log, "t", 0, i, 3);
        embedded_of(f->log)->compact_window = 64;
        int64_t id = part_of_t(f, &part);
        mem_fail_after(nth);
        st = compact_quietly(f, id);
        mem_fail_after(0);
        CHECK(st == STATUS_OK || st == STATUS_NOMEM);
        const char *text = read_all(f->log, "t", 0, 10);
        static const char lasts[] = "0:k0=v0 3:k1=v1 6:k2=v2 9:k3=v3 10:k4=v4 11:k5=v5";
        CHECK(strstr(text, "6:k2=v2") && strstr(text, "9:k3=v3 10:k4=v4 11:k5=v5"));
        OK(f, embedded_maintain(f->log, clock_wall_ms(), true, &f->d));
        CHECK_TEXT(read_all(f->log, "t", 0, 10), lasts);
        OK(f, topic_delete(f->log, "t", &f->d));
    }
    CHECK_INT(st, STATUS_OK);
}

/* ---- what is worth while ------------------------------------------------------------------------------ */

static void put_noise(struct fixture *f, int first, int n, int every)
{
    struct log_writer *w = open_writer(f->log, NULL);
    OK(f, writer_begin(w, &f->d));
    for (int i = 0; i < n; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", first + i * every);
        struct record x = {.key = str_from(key), .value = noise((size_t)i, 100), .ts = 1};
        OK(f, writer_append(w, "t", 0, &x, 1, &f->d));
    }
    OK(f, writer_commit(w, &f->d));
    writer_close(w);
}

LOG_TEST(compact_steps, little_gain_is_left_alone)
{
    struct part_row part;
    enum { N = 5 * CHUNK_MAX_RECORDS };
    make_topic(f, "t", 1, true);
    put_noise(f, 0, N, 1);
    struct survey before = look(f), after;
    OK(f, embedded_maintain(f->log, clock_wall_ms(), false, &f->d));
    after = look(f);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    part_of_t(f, &part);
    CHECK_INT(part.clean, N);
    CHECK_INT(part.clean_bytes, part.bytes);
    put_noise(f, 0, N / 8, 8); /* an eighth of each chunk */
    OK(f, embedded_maintain(f->log, clock_wall_ms(), false, &f->d));
    part_of_t(f, &part);
    CHECK_INT(part.clean, N); /* not due: that is less than there was */
    put_noise(f, N, N, 1);
    before = look(f);
    OK(f, embedded_maintain(f->log, clock_wall_ms(), false, &f->d));
    after = look(f);
    part_of_t(f, &part);
    CHECK_INT(part.clean, 2 * N + N / 8);
    CHECK_INT(after.records, before.records); /* looked at, and left */
    put_noise(f, 0, 2 * N, 1);
    put_noise(f, 0, CHUNK_MAX_RECORDS, 1);
    OK(f, embedded_maintain(f->log, clock_wall_ms(), false, &f->d));
    after = look(f);
    CHECK_INT(after.records, 2 * N); /* all that is old has gone; an entry stays for about 2 MB of it */
    CHECK_INT(after.entries, 2 * N / CHUNK_MAX_RECORDS + 3);
}

LOG_TEST(compact_steps, small_chunks_become_large_ones)
{
    make_topic(f, "t", 1, true);
    put_noise(f, 0, 3 * CHUNK_MAX_RECORDS, 1);
    for (int i = 0; i < 400; i++)
        put_noise(f, 20000 + i * 10, 10, 1);
    OK(f, embedded_maintain(f->log, clock_wall_ms(), false, &f->d));
    struct survey s = look(f);
    CHECK_INT(s.records, 3 * CHUNK_MAX_RECORDS + 4000);
    CHECK_INT(s.entries, 3 + 2); /* 256 at once */
}

static bool has_offset(struct fixture *f, int64_t offset)
{
    struct log_reader *r = open_reader(f->log, "t", 0, offset);
    struct record_batch *b;
    OK(f, reader_poll(r, 0, 1, &b, &f->d));
    bool has = b && b->n && b->records[0].offset == offset;
    record_batch_drop(b);
    reader_close(r);
    return has;
}

/* The value that it deletes lies in a chunk that is not rewritten, and must not come back. */
LOG_TEST(compact_steps, a_tombstone_stays_with_its_value)
{
    enum { N = CHUNK_MAX_RECORDS };
    int64_t tomorrow = clock_wall_ms() + 25 * (int64_t)3600 * 1000;
    make_topic(f, "t", 1, true);
    put_noise(f, 0, N, 1);
    put(f, "t", 0, "k7", NULL);
    put(f, "t", 0, "gone", NULL);
    put(f, "t", 0, "z", "last");
    OK(f, embedded_maintain(f->log, tomorrow, false, &f->d));
    CHECK(has_offset(f, 7));
    CHECK(has_offset(f, N));
    CHECK(!has_offset(f, N + 1));
    OK(f, embedded_maintain(f->log, tomorrow, true, &f->d));
    CHECK(!has_offset(f, 7));
    CHECK(has_offset(f, N));
    OK(f, embedded_maintain(f->log, tomorrow, true, &f->d));
    CHECK(!has_offset(f, N));
    CHECK(has_offset(f, N + 2));
}

/* ---- damage ------------------------------------------------------------------------------------------- */

/* Appends a chunk of one record that has the right checksum and the given byte changed. */
static void put_malformed(struct fixture *f, int byte, int value, uint64_t gap)
{
    struct embedded *e = embedded_of(f->log);
    struct chunk_builder b;
    struct chunk_blob blob;
    struct part_row part;
    struct record r = text_record("k", "v", 1);
    int64_t id = part_of_t(f, &part);
    chunk_builder_init(&b);
    REQUIRE(chunk_add(&b, &r, 1, gap) && chunk_seal(&b, false, &blob));
    if (byte >= 0)
        blob.p[byte] = (char)value;
    blob.hash = chunk_hash(blob.p, blob.size);
    OK(f, write_begin(e, &f->d));
    OK(f, part_get(&e->writing, id, &part, &f->d));
    struct entry_row entry = {.part = id, .base = part.stop, .last = part.stop, .born = 1};
    OK(f, chunk_put(&e->writing, &entry, &blob, &f->d));
    part.stop++;
    part.bytes += entry.bytes;
    OK(f, part_put(&e->writing, &part, &f->d));
    OK(f, write_end(e, STATUS_OK, &f->d));
    mem_free(blob.p);
    chunk_builder_free(&b);
}

LOG_TEST(compact_steps, a_malformed_chunk)
{
    static const struct {
        int byte, value;
        uint64_t gap;
    } cases[] = {{0, 2, 0}, {1, 3, 0}, {8, 2, 0}, {CHUNK_HEAD, 100, 0}, {-1, 0, 1}, {-1, 0, UINT64_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct diag d = DIAG_INIT;
        make_topic(f, "t", 2, true);
        put(f, "t", 0, "a", "1");
        put(f, "t", 0, "a", "2");
        put_malformed(f, cases[i].byte, cases[i].value, cases[i].gap);
        put(f, "t", 1, "a", "1");
        put(f, "t", 1, "a", "2");
        CHECK_INT(embedded_maintain(f->log, clock_wall_ms(), true, &d), STATUS_IO);
        CHECK(strstr(d.message, "topic t, partition 0, offset 2: the records are malformed") != NULL);
        CHECK_INT(end_of(f->log, "t", 0), 3);
        CHECK_TEXT(read_all(f->log, "t", 1, 10), "1:a=2"); /* the others are looked after */
        OK(f, topic_delete(f->log, "t", &f->d));
    }
}
