/* Damaged files and full disks. */
#include "log_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- damage ------------------------------------------------------------------------------------------- */

/* Reads everything; counts records, and those that are not what was written. The status is that of the first error. */
static enum status survey(const char *path, int64_t *n, int64_t *wrong, struct diag *d)
{
    struct log *log = NULL;
    struct log_reader *r = NULL;
    struct topic_spec *topics;
    struct arena a;
    size_t n_topics;
    int64_t begin, end, next = 0;
    enum status st;
    arena_init(&a, 0);
    *n = *wrong = 0;
    TRY(log_open_embedded(&(struct embedded_options){.path = path}, &log, d));
    TRY(topic_list(log, &a, &topics, &n_topics, d));
    TRY(topic_offsets(log, "t", 0, &begin, &end, NULL, d));
    *wrong += n_topics != 1 || begin != 0 || end != 6000;
    TRY(reader_open(log, &r, d));
    TRY(reader_assign(r, "t", 0, 0, d));
    while (next < end) {
        struct record_batch *b;
        TRY(reader_poll(r, 0, BATCH_ROWS, &b, d));
        if (!b) {
            *wrong += 1;
            break;
        }
        for (uint32_t i = 0; i < b->n; i++, next++) {
            char key[24], value[24];
            snprintf(key, sizeof key, "k%lld", (long long)next);
            snprintf(value, sizeof value, "v%lld", (long long)next);
            *wrong += b->records[i].offset != next || !str_eq(b->records[i].key, str_from(key)) ||
                      !str_eq(b->records[i].value, str_from(value)) || b->records[i].ts != next;
        }
        *n += b->n;
        record_batch_drop(b);
    }
done:
    reader_close(r);
    if (log)
        log_close(log);
    arena_free(&a);
    return st;
}

static void copy_file(const char *from, const char *to)
{
    char bytes[65536];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ssize_t n;
    REQUIRE(in >= 0 && out >= 0);
    while ((n = read(in, bytes, sizeof bytes)) > 0)
        REQUIRE(write(out, bytes, (size_t)n) == n);
    close(in);
    close(out);
}

static void flip_bit(const char *path, int64_t bit)
{
    unsigned char c;
    int fd = open(path, O_RDWR);
    REQUIRE(fd >= 0 && pread(fd, &c, 1, bit / 8) == 1);
    c ^= (unsigned char)(1 << bit % 8);
    REQUIRE(pwrite(fd, &c, 1, bit / 8) == 1);
    close(fd);
}

/* Any one bit: either it did not matter, or the error tells; never a wrong record. */
FILE_TEST(damage, a_flipped_bit)
{
    enum { FLIPS = 150 };
    struct stat size;
    char copy[160];
    int64_t n, wrong;
    int told = 0, with_place = 0;
    make_topic(f, "t", 1, false);
    put_many(f->log, "t", 0, 0, 5000);
    for (int i = 0; i < 100; i++)
        put_many(f->log, "t", 0, 5000 + i * 10, 10);
    log_close(f->log);
    CHECK_INT(survey(f->path, &n, &wrong, &f->d), STATUS_OK);
    CHECK_INT(n, 6000);
    CHECK_INT(wrong, 0);
    REQUIRE(stat(f->path, &size) == 0);
    snprintf(copy, sizeof copy, "%s/copy", f->folder);
    srand(11);
    for (int i = 0; i < FLIPS; i++) {
        struct diag d = DIAG_INIT;
        int64_t bit = ((int64_t)rand() << 20 ^ rand()) % (size.st_size * 8);
        copy_file(f->path, copy);
        flip_bit(copy, bit);
        enum status st = survey(copy, &n, &wrong, &d);
        if (st == STATUS_OK && n != 6000)
            wrong++;
        if (wrong)
            fprintf(stderr, "\nbit %lld: %s, %lld records, %lld wrong\n", (long long)bit, status_name(st), (long long)n,
                    (long long)wrong);
        CHECK_INT(wrong, 0);
        CHECK(st == STATUS_OK || d.message[0]);
        told += st != STATUS_OK;
        with_place += strstr(d.message, "topic t, partition 0, offset") != NULL;
    }
    CHECK(told > FLIPS / 2); /* most of the file is records */
    CHECK(with_place > FLIPS / 4);
    OK(f, log_open_embedded(&(struct embedded_options){.path = f->path}, &f->log, &f->d));
}

FILE_TEST(damage, the_rest_is_served)
{
    struct record_batch *b;
    make_topic(f, "t", 2, false);
    put_many(f->log, "t", 0, 0, 100);
    put_many(f->log, "t", 0, 100, 100);
    put_many(f->log, "t", 1, 0, 100);
    OK(f, db_exec(&embedded_of(f->log)->writing,
                  "UPDATE chunk SET data = CAST(replace(CAST(data AS TEXT), '', '') AS BLOB) || x'00' WHERE id = 2",
                  &f->d));
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    OK(f, reader_poll(r, 0, 50, &b, &f->d));
    record_batch_drop(b);
    OK(f, reader_poll(r, 0, 50, &b, &f->d));
    record_batch_drop(b);
    CHECK_INT(reader_poll(r, 0, 50, &b, &f->d), STATUS_IO);
    CHECK(strstr(f->d.message, "topic t, partition 0, offset 100") != NULL);
    CHECK_TEXT(f->d.context, "Topic t, partition 0, offset 100");
    diag_clear(&f->d);
    CHECK_INT(reader_poll(r, 0, 50, &b, &f->d), STATUS_IO); /* again and again */
    diag_clear(&f->d);
    OK(f, reader_assign(r, "t", 1, 0, &f->d));
    int64_t n = 0;
    for (int i = 0; i < 10; i++) {
        if (reader_poll(r, 0, 50, &b, NULL) == STATUS_OK && b)
            n += b->n;
        record_batch_drop(b);
    }
    CHECK_INT(n, 100);
    reader_close(r);
}

FILE_TEST(damage, not_a_log)
{
    struct log *log;
    char path[160];
    snprintf(path, sizeof path, "%s/text", f->folder);
    int fd = open(path, O_WRONLY | O_CREAT, 0644);
    char text[9000];
    memset(text, 'x', sizeof text);
    REQUIRE(write(fd, text, sizeof text) == sizeof text);
    close(fd);
    CHECK_INT(log_open_embedded(&(struct embedded_options){.path = path}, &log, &f->d), STATUS_IO);
    CHECK(!log && f->d.message[0]);
    diag_clear(&f->d);
    snprintf(path, sizeof path, "%s/other.db", f->folder);
    sqlite3 *db;
    REQUIRE(sqlite3_open(path, &db) == SQLITE_OK);
    sqlite3_exec(db, "CREATE TABLE precious(x); INSERT INTO precious VALUES(1)", NULL, NULL, NULL);
    sqlite3_close(db);
    CHECK_INT(log_open_embedded(&(struct embedded_options){.path = path}, &log, &f->d), STATUS_INVALID);
    CHECK(strstr(f->d.message, "not a log of weir") != NULL);
    diag_clear(&f->d);
    CHECK_INT(log_open_embedded(&(struct embedded_options){.path = "/nonexistent/folder/log"}, &log, &f->d), STATUS_IO);
    CHECK_INT(log_open_embedded(&(struct embedded_options){.path = ""}, &log, NULL), STATUS_INVALID);
    OK(f, db_exec(&embedded_of(f->log)->writing, "PRAGMA user_version = 99", &f->d));
    CHECK_INT(log_open_embedded(&(struct embedded_options){.path = f->path}, &log, NULL), STATUS_UNSUPPORTED);
    snprintf(path, sizeof path, "%s/odd ?#%%41 name", f->folder);
    OK(f, log_open_embedded(&(struct embedded_options){.path = path}, &log, &f->d));
    CHECK(access(path, F_OK) == 0);
    log_close(log);
}

/* ---- no space ----------------------------------------------------------------------------------------- */

static enum status write_some(struct log *log, int n, struct diag *d)
{
    struct log_writer *w = NULL;
    enum status st;
    TRY(writer_open(log, NULL, &w, d));
    TRY(writer_begin(w, d));
    for (int i = 0; i < n; i++) {
        struct record x = {.key = STR("k"), .value = noise((size_t)i, 1000), .ts = i};
        TRY(writer_append(w, "t", 0, &x, 1, d));
        TRY(writer_append(w, "t", 1, &x, 1, d));
    }
    st = writer_commit(w, d);
done:
    writer_close(w);
    return st;
}

LOG_TEST(full, a_transaction_that_does_not_fit)
{
    make_topic(f, "t", 2, false);
    OK(f, write_some(f->log, 10, &f->d));
    OK(f, embedded_limit_pages(f->log, 200, &f->d)); /* 1.6 MB */
    CHECK_INT(write_some(f->log, 1000, &f->d), STATUS_FULL);
    CHECK(f->d.message[0]);
    diag_clear(&f->d);
    CHECK_INT(end_of(f->log, "t", 0), 10);
    CHECK_INT(end_of(f->log, "t", 1), 10);
    OK(f, write_some(f->log, 10, &f->d)); /* a small one still fits */
    CHECK_INT(end_of(f->log, "t", 1), 20);
    CHECK_INT(write_some(f->log, 5000, NULL), STATUS_FULL);
    OK(f, embedded_limit_pages(f->log, 0, &f->d));
    OK(f, write_some(f->log, 5000, &f->d)); /* there is space again */
    CHECK_INT(end_of(f->log, "t", 0), 5020);
    CHECK_INT(end_of(f->log, "t", 1), 5020);
}

/* In a child whose files may not grow beyond `bytes`: writes until the disk is full, and checks that nothing is half
 * there. The number of transactions that were committed is the exit status. */
static void child_fills_disk(const char *path, rlim_t bytes)
{
    struct rlimit limit = {bytes, bytes};
    struct log *log;
    struct diag d = DIAG_INIT;
    int committed = 0;
    int64_t begin, end[2], first;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    if (log_open_embedded(&(struct embedded_options){.path = path}, &log, NULL) != STATUS_OK)
        _exit(201);
    first = end_of(log, "t", 0);
    enum status st;
    while ((st = write_some(log, 10, &d)) == STATUS_OK)
        committed++;
    for (int p = 0; p < 2; p++)
        if (topic_offsets(log, "t", p, &begin, &end[p], NULL, NULL) != STATUS_OK)
            _exit(202);
    if (st != STATUS_FULL || end[0] != end[1] || end[0] != first + committed * 10)
        _exit(203);
    log_close(log);
    _exit(committed);
}

/* At many places: each size lets the log fail in another write. */
FILE_TEST(full, disk)
{
    int64_t end = 0;
    make_topic(f, "t", 2, false);
    log_close(f->log);
    for (rlim_t bytes = 200 << 10; bytes < 2 << 20; bytes += 123456) {
        int status = 0;
        pid_t child = fork();
        if (child == 0)
            child_fills_disk(f->path, bytes);
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
        CHECK(WEXITSTATUS(status) < 200);
        OK(f, log_open_embedded(&(struct embedded_options){.path = f->path}, &f->log, &f->d));
        end += WEXITSTATUS(status) * 10;
        CHECK_INT(end_of(f->log, "t", 0), end);
        CHECK_INT(end_of(f->log, "t", 1), end);
        check_integrity(f);
        log_close(f->log);
    }
    CHECK(end > 100);
    OK(f, log_open_embedded(&(struct embedded_options){.path = f->path}, &f->log, &f->d));
    OK(f, write_some(f->log, 1000, &f->d));
    CHECK_INT(end_of(f->log, "t", 1), end + 1000);
}
