/* See log_fixture.h. */
#include "log_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void fixture_open(struct fixture *f, bool in_memory)
{
    *f = (struct fixture){.d = DIAG_INIT};
    if (!in_memory) {
        const char *base = getenv("TMPDIR");
        snprintf(f->folder, sizeof f->folder, "%.40s/weir-log-XXXXXX", base && *base ? base : "/tmp");
        REQUIRE(mkdtemp(f->folder) != NULL);
        snprintf(f->path, sizeof f->path, "%s/log", f->folder);
    }
    struct embedded_options options = {.path = in_memory ? NULL : f->path};
    OK(f, log_open_embedded(&options, &f->log, &f->d));
}

void fixture_reopen(struct fixture *f)
{
    struct embedded_options options = {.path = f->path};
    log_close(f->log);
    OK(f, log_open_embedded(&options, &f->log, &f->d));
}

void fixture_close(struct fixture *f)
{
    log_close(f->log);
    DIR *dir = f->folder[0] ? opendir(f->folder) : NULL;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char name[512];
        snprintf(name, sizeof name, "%s/%s", f->folder, e->d_name);
        unlink(name);
    }
    if (dir) {
        closedir(dir);
        rmdir(f->folder);
    }
}

void hurry_house(struct log *log)
{
    struct embedded *e = embedded_of(log);
    e->house_start_ms = 0;
    e->house_period_ms = 1;
    e->house_wal_pages = 8;
}

/* Connections of their own: those of the log belong to its threads. */
void check_integrity(struct fixture *f)
{
    struct db db;
    sqlite3_stmt *s = NULL;
    OK(f, db_open(embedded_of(f->log), &db, 1024, &f->d));
    OK(f, db_read_begin(&db, &f->d));
    CHECK(sqlite3_prepare_v2(db.handle, "PRAGMA integrity_check", -1, &s, NULL) == SQLITE_OK);
    CHECK(sqlite3_step(s) == SQLITE_ROW);
    CHECK_TEXT((const char *)sqlite3_column_text(s, 0), "ok");
    sqlite3_finalize(s);
    db_read_end(&db);
    db_close(&db);
}

int64_t count_pages(struct fixture *f, enum db_statement which)
{
    struct db db;
    int64_t n = 0;
    OK(f, db_open(embedded_of(f->log), &db, 1024, &f->d));
    OK(f, db_read_begin(&db, &f->d));
    OK(f, db_number(&db, which, &n, &f->d));
    db_read_end(&db);
    db_close(&db);
    return n;
}

struct log *fixture_second(struct fixture *f)
{
    struct log *log;
    struct embedded_options options = {.path = f->path};
    OK(f, log_open_embedded(&options, &log, &f->d));
    return log;
}

void unit_check_ok(struct fixture *f, enum status st, const char *what, const char *file, int line)
{
    if (st != STATUS_OK)
        fprintf(stderr, "\n%s:%d: %s: %s: %s\n", file, line, what, status_name(st), f ? f->d.message : "");
    CU_assertImplementation(st == STATUS_OK, (unsigned)line, what, file, "", CU_TRUE);
}

void make_topic(struct fixture *f, const char *name, int32_t n_partitions, bool compact)
{
    OK(f, topic_create(f->log, &(struct topic_spec){.name = name, .n_partitions = n_partitions, .compact = compact},
                       &f->d));
}

struct record text_record(const char *key, const char *value, int64_t ts)
{
    return (struct record){.key = str_from(key), .value = str_from(value), .ts = ts};
}

struct log_writer *open_writer(struct log *log, const char *id)
{
    struct log_writer *w;
    struct fixture f = {.d = DIAG_INIT};
    OK(&f, writer_open(log, id, &w, &f.d));
    return w;
}

struct log_reader *open_reader(struct log *log, const char *topic, int32_t partition, int64_t offset)
{
    struct log_reader *r;
    struct fixture f = {.d = DIAG_INIT};
    OK(&f, reader_open(log, &r, &f.d));
    OK(&f, reader_assign(r, topic, partition, offset, &f.d));
    return r;
}

static void put_records(struct log *log, const char *topic, int32_t partition, const struct record *records, size_t n)
{
    struct fixture f = {.d = DIAG_INIT};
    struct log_writer *w = open_writer(log, NULL);
    OK(&f, writer_begin(w, &f.d));
    OK(&f, writer_append(w, topic, partition, records, n, &f.d));
    OK(&f, writer_commit(w, &f.d));
    writer_close(w);
}

void put(struct fixture *f, const char *topic, int32_t partition, const char *key, const char *value)
{
    struct record r = text_record(key, value, 1000);
    put_records(f->log, topic, partition, &r, 1);
}

struct str noise(size_t n, size_t size)
{
    static unsigned char bytes[2 * NOISE_MOST];
    if (!bytes[0])
        for (uint64_t i = 0, x = 88172645463325252u; i < sizeof bytes; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            bytes[i] = i ? (unsigned char)(x >> 32) : 1;
        }
    return str_make((char *)bytes + n * size % NOISE_MOST, size);
}

void put_many(struct log *log, const char *topic, int32_t partition, int first, int n)
{
    struct record *records = calloc((size_t)n, sizeof *records);
    char(*text)[24] = calloc((size_t)n, sizeof *text);
    for (int i = 0; i < n; i++) {
        snprintf(text[i], sizeof text[i], "k%d", first + i);
        records[i] = text_record(text[i], text[i], first + i);
        records[i].value.p = strchr(text[i], 0) + 1;
        records[i].value.len = records[i].key.len;
        memcpy(text[i] + records[i].key.len + 1, text[i], records[i].key.len);
        text[i][records[i].key.len + 1] = 'v';
    }
    put_records(log, topic, partition, records, (size_t)n);
    free(text);
    free(records);
}

int64_t end_of(struct log *log, const char *topic, int32_t partition)
{
    struct fixture f = {.d = DIAG_INIT};
    int64_t begin, end;
    OK(&f, topic_offsets(log, topic, partition, &begin, &end, NULL, &f.d));
    return end;
}

int64_t begin_of(struct log *log, const char *topic, int32_t partition)
{
    struct fixture f = {.d = DIAG_INIT};
    int64_t begin, end;
    OK(&f, topic_offsets(log, topic, partition, &begin, &end, NULL, &f.d));
    return begin;
}

const char *read_all(struct log *log, const char *topic, int32_t partition, uint32_t max_records)
{
    static struct buf text;
    struct fixture f = {.d = DIAG_INIT};
    buf_free(&text);
    struct log_reader *r = open_reader(log, topic, partition, 0);
    for (;;) {
        struct record_batch *b;
        OK(&f, reader_poll(r, 0, max_records, &b, &f.d));
        if (!b)
            break;
        CHECK(b->n <= max_records);
        CHECK_INT(b->partition, partition);
        CHECK_TEXT(b->topic, topic);
        for (uint32_t i = 0; i < b->n; i++) {
            const struct record *x = &b->records[i];
            buf_printf(&text, "%s%lld:", text.len ? " " : "", (long long)x->offset);
            buf_puts(&text, x->key.p ? x->key : STR("null"));
            buf_putc(&text, '=');
            buf_puts(&text, x->value.p ? x->value : STR("null"));
        }
        CHECK(b->n == 0 || b->next_offset > b->records[b->n - 1].offset);
        record_batch_drop(b);
    }
    reader_close(r);
    return buf_z(&text);
}

void check_sequence(struct log *log, const char *topic, int32_t partition, int64_t begin, int64_t end)
{
    struct fixture f = {.d = DIAG_INIT};
    struct log_reader *r = open_reader(log, topic, partition, begin);
    int64_t next = begin;
    while (next < end) {
        struct record_batch *b;
        OK(&f, reader_poll(r, 0, BATCH_ROWS, &b, &f.d));
        REQUIRE(b != NULL);
        bool same = true;
        for (uint32_t i = 0; i < b->n; i++, next++) {
            char key[24], value[24];
            snprintf(key, sizeof key, "k%lld", (long long)next);
            snprintf(value, sizeof value, "v%lld", (long long)next);
            same = same && b->records[i].offset == next && str_eq(b->records[i].key, str_from(key)) &&
                   str_eq(b->records[i].value, str_from(value));
        }
        CHECK(same);
        CHECK_INT(b->next_offset, next);
        record_batch_drop(b);
    }
    CHECK_INT(next, end);
    reader_close(r);
}
