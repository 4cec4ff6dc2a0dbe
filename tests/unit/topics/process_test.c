/* Several threads and several processes on one log, and processes that die at any moment. */
#include "log_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- threads ------------------------------------------------------------------------------------------ */

enum { THREADS = 4, TRANSACTIONS = 100, PER = 5 };

struct worker {
    struct fixture *f;
    int number;
    int failures;
    struct diag d;
};

/* Counts what does not hold, and says the first of it. */
static void expect(struct worker *t, bool holds, const char *what, int line)
{
    if (!holds && t->failures++ == 0)
        fprintf(stderr, "\n%s:%d: %s: %s\n", __FILE__, line, what, t->d.message);
}
#define EXPECT(t, condition) expect((t), (condition), #condition, __LINE__)

/* Each transaction puts PER records into the thread's partition of `a` and one into the shared partition of `b`. */
static void *write_transactions(void *arg)
{
    struct worker *t = arg;
    char id[16], text[32];
    struct log_writer *w;
    snprintf(id, sizeof id, "w%d", t->number);
    EXPECT(t, writer_open(t->f->log, id, &w, &t->d) == STATUS_OK);
    for (int i = 0; i < TRANSACTIONS; i++) {
        bool aborts = i % 10 == 9;
        EXPECT(t, writer_begin(w, &t->d) == STATUS_OK);
        for (int k = 0; k < PER; k++) {
            snprintf(text, sizeof text, "%d.%d", i, k);
            struct record x = text_record(id, text, i);
            EXPECT(t, writer_append(w, "a", t->number, &x, 1, &t->d) == STATUS_OK);
        }
        struct record x = text_record(id, "b", i);
        EXPECT(t, writer_append(w, "b", 0, &x, 1, &t->d) == STATUS_OK);
        if (aborts)
            writer_abort(w);
        else
            EXPECT(t, writer_commit(w, &t->d) == STATUS_OK);
    }
    writer_close(w);
    return NULL;
}

/* Follows all partitions until everything is there; the records of `a` must come in order and whole. */
static void *follow(void *arg)
{
    struct worker *t = arg;
    struct log_reader *r = open_reader(t->f->log, "b", 0, 0);
    int64_t seen = 0, next[THREADS] = {0}, goal = THREADS * TRANSACTIONS * 9 / 10;
    for (int p = 0; p < THREADS; p++)
        EXPECT(t, reader_assign(r, "a", p, 0, &t->d) == STATUS_OK);
    int64_t total = 0, give_up = clock_mono_ns() + INT64_C(60000000000);
    while (total < goal * (PER + 1) && clock_mono_ns() < give_up) {
        struct record_batch *b;
        EXPECT(t, reader_poll(r, 1000, 100, &b, &t->d) == STATUS_OK);
        for (uint32_t i = 0; b && i < b->n; i++) {
            total++;
            if (strcmp(b->topic, "b") == 0) {
                EXPECT(t, b->records[i].offset == seen++);
                continue;
            }
            char text[32];
            int64_t n = next[b->partition]++, transaction = n / PER / 9 * 10 + n / PER % 9;
            snprintf(text, sizeof text, "%d.%d", (int)transaction, (int)(n % PER));
            EXPECT(t, b->records[i].offset == n && str_eq(b->records[i].value, str_from(text)));
        }
        record_batch_drop(b);
    }
    EXPECT(t, seen == goal);
    reader_close(r);
    return NULL;
}

static void run_workers(struct fixture *f)
{
    pthread_t threads[THREADS + 2];
    struct worker workers[THREADS + 2];
    make_topic(f, "a", THREADS, false);
    make_topic(f, "b", 1, false);
    for (int i = 0; i < THREADS + 2; i++) {
        workers[i] = (struct worker){.f = f, .number = i, .d = DIAG_INIT};
        REQUIRE(pthread_create(&threads[i], NULL, i < THREADS ? write_transactions : follow, &workers[i]) == 0);
    }
    for (int i = 0; i < THREADS + 2; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(workers[i].failures, 0);
    }
    CHECK_INT(end_of(f->log, "b", 0), THREADS * TRANSACTIONS * 9 / 10);
    check_integrity(f);
}

LOG_TEST(threads, writers_and_readers)
{
    run_workers(f);
}

LOG_TEST(threads, housekeeping_beside_them)
{
    hurry_house(f->log);
    make_topic(f, "c", 2, true);
    for (int i = 0; i < 5; i++)
        put_many(f->log, "c", i % 2, 0, 20000);
    run_workers(f);
    for (int i = 0; i < 5; i++)
        put_many(f->log, "c", i % 2, 0, 20000);
    OK(f, topic_delete(f->log, "c", &f->d));
    put_many(f->log, "a", 0, 0, 1);
}

static void *compact_all_the_time(void *arg)
{
    struct worker *t = arg;
    for (int i = 0; i < 200; i++)
        EXPECT(t, embedded_maintain(t->f->log, clock_wall_ms(), true, &t->d) == STATUS_OK);
    return NULL;
}

LOG_TEST(threads, compaction_beside_writers)
{
    pthread_t thread;
    struct worker worker = {.f = f, .d = DIAG_INIT};
    make_topic(f, "t", 1, true);
    REQUIRE(pthread_create(&thread, NULL, compact_all_the_time, &worker) == 0);
    for (int i = 0; i < 200; i++)
        put_many(f->log, "t", 0, i % 7, 20);
    pthread_join(thread, NULL);
    CHECK_INT(worker.failures, 0);
    OK(f, embedded_maintain(f->log, clock_wall_ms(), true, &f->d));
    int64_t n = 0;
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    struct record_batch *b;
    OK(f, reader_poll(r, 0, BATCH_ROWS, &b, &f->d));
    REQUIRE(b != NULL);
    n += b->n;
    CHECK_INT(b->next_offset, 4000);
    record_batch_drop(b);
    CHECK_INT(n, 26); /* k0 .. k25 */
    reader_close(r);
}

/* ---- processes ---------------------------------------------------------------------------------------- */

static struct log *open_in_child(const char *path)
{
    struct log *log;
    if (log_open_embedded(&(struct embedded_options){.path = path}, &log, NULL) != STATUS_OK)
        _exit(10);
    return log;
}

static void child_writes(const char *path, int number, int n)
{
    char key[16];
    struct log *log = open_in_child(path);
    struct log_writer *w;
    snprintf(key, sizeof key, "c%d", number);
    if (writer_open(log, key, &w, NULL) != STATUS_OK)
        _exit(11);
    for (int i = 0; i < n; i++) {
        struct record x[2] = {text_record(key, "v", i), text_record(key, "v", i)};
        if (writer_begin(w, NULL) != STATUS_OK || writer_append(w, "t", 0, x, 2, NULL) != STATUS_OK ||
            writer_append(w, "t", 1, x, 1, NULL) != STATUS_OK || writer_commit(w, NULL) != STATUS_OK)
            _exit(12);
    }
    writer_close(w);
    log_close(log);
    _exit(0);
}

FILE_TEST(processes, share_the_file)
{
    enum { CHILDREN = 3, N = 150 };
    pid_t children[CHILDREN];
    int64_t next = 0, give_up = clock_mono_ns() + INT64_C(60000000000), counts[CHILDREN] = {0};
    make_topic(f, "t", 2, false);
    log_close(f->log); /* nothing of SQLite may cross a fork */
    for (int i = 0; i < CHILDREN; i++)
        if ((children[i] = fork()) == 0)
            child_writes(f->path, i, N);
    OK(f, log_open_embedded(&(struct embedded_options){.path = f->path}, &f->log, &f->d));
    struct log_reader *r = open_reader(f->log, "t", 0, 0);
    while (next < 2 * CHILDREN * N && clock_mono_ns() < give_up) {
        struct record_batch *b;
        OK(f, reader_poll(r, 1000, 100, &b, &f->d));
        for (uint32_t i = 0; b && i < b->n; i++) {
            CHECK_INT(b->records[i].offset, next);
            next++;
            counts[b->records[i].key.p[1] - '0']++;
        }
        record_batch_drop(b);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = 0;
        CHECK(waitpid(children[i], &status, 0) == children[i] && WIFEXITED(status) && WEXITSTATUS(status) == 0);
        CHECK_INT(counts[i], 2 * N);
    }
    CHECK_INT(end_of(f->log, "t", 1), CHILDREN * N);
    reader_close(r);
}

FILE_TEST(processes, create_it_together)
{
    enum { CHILDREN = 6 };
    pid_t children[CHILDREN];
    log_close(f->log);
    unlink(f->path);
    for (int i = 0; i < CHILDREN; i++)
        if ((children[i] = fork()) == 0) {
            struct log *log = open_in_child(f->path);
            char name[16];
            snprintf(name, sizeof name, "t%d", i);
            bool ok = topic_create(log, &(struct topic_spec){.name = name, .n_partitions = 1}, NULL) == STATUS_OK;
            log_close(log);
            _exit(ok ? 0 : 13);
        }
    for (int i = 0; i < CHILDREN; i++) {
        int status = 0;
        CHECK(waitpid(children[i], &status, 0) == children[i] && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    OK(f, log_open_embedded(&(struct embedded_options){.path = f->path}, &f->log, &f->d));
    struct arena a;
    struct topic_spec *topics;
    size_t n;
    arena_init(&a, 0);
    OK(f, topic_list(f->log, &a, &topics, &n, &f->d));
    CHECK_INT(n, CHILDREN);
    arena_free(&a);
}

/* Writes transactions for ever: transaction i puts the records of its number into both partitions, then says so through
 * the pipe. Some are aborted, some left open, some large enough to be split into many chunks. */
static void child_until_killed(const char *path, int pipe_fd, uint32_t seed)
{
    struct log *log = open_in_child(path);
    struct log_writer *w;
    if (seed & 1)
        hurry_house(log);
    if (writer_open(log, "w", &w, NULL) != STATUS_OK)
        _exit(11);
    int64_t first = end_of(log, "t", 0);
    for (;;) {
        seed = seed * 1664525 + 1013904223;
        int n = seed >> 28 == 0 ? 20000 : 1 + (int)(seed >> 24) % 50;
        if (writer_begin(w, NULL) != STATUS_OK)
            _exit(12);
        for (int i = 0; i < n; i++) {
            char key[24];
            snprintf(key, sizeof key, "%lld", (long long)first + i);
            struct record x = text_record(key, key, 1);
            if (writer_append(w, "t", 0, &x, 1, NULL) != STATUS_OK ||
                writer_append(w, "t", 1, &x, 1, NULL) != STATUS_OK)
                _exit(13);
        }
        if (seed >> 20 & 1) {
            writer_abort(w);
            continue;
        }
        if (writer_commit(w, NULL) != STATUS_OK)
            _exit(14);
        first += n;
        if (write(pipe_fd, &first, sizeof first) != sizeof first)
            _exit(15);
    }
}

static void check_both_partitions(struct fixture *f, int64_t end)
{
    for (int p = 0; p < 2; p++) {
        struct log_reader *r = open_reader(f->log, "t", p, 0);
        int64_t next = 0;
        while (next < end) {
            struct record_batch *b;
            OK(f, reader_poll(r, 0, BATCH_ROWS, &b, &f->d));
            REQUIRE(b != NULL);
            bool same = true;
            for (uint32_t i = 0; i < b->n; i++, next++) {
                char key[24];
                snprintf(key, sizeof key, "%lld", (long long)next);
                same = same && b->records[i].offset == next && str_eq(b->records[i].value, str_from(key));
            }
            CHECK(same);
            record_batch_drop(b);
        }
        CHECK_INT(next, end);
        reader_close(r);
    }
}

FILE_TEST(processes, killed_at_any_moment)
{
    enum { KILLS = 40 };
    make_topic(f, "t", 2, false);
    log_close(f->log);
    int64_t end = 0;
    srand(3);
    for (int i = 0; i < KILLS; i++) {
        int fds[2], status;
        REQUIRE(pipe(fds) == 0);
        pid_t child = fork();
        if (child == 0)
            child_until_killed(f->path, fds[1], (uint32_t)rand());
        close(fds[1]);
        usleep((unsigned)rand() % 60000);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        CHECK(WIFSIGNALED(status));
        int64_t told = end, last;
        while (read(fds[0], &last, sizeof last) == sizeof last)
            told = last;
        close(fds[0]);
        OK(f, log_open_embedded(&(struct embedded_options){.path = f->path}, &f->log, &f->d));
        end = end_of(f->log, "t", 0);
        CHECK(end >= told); /* what was told is there; one more may be */
        CHECK_INT(end_of(f->log, "t", 1), end);
        if (i % 8 == 7) {
            check_both_partitions(f, end);
            check_integrity(f);
        }
        log_close(f->log);
    }
    OK(f, log_open_embedded(&(struct embedded_options){.path = f->path}, &f->log, &f->d));
    check_both_partitions(f, end);
}

/* ---- membership --------------------------------------------------------------------------------------- */

LOG_TEST(membership, one_owner)
{
    struct membership *m, *n, *other;
    uint8_t owned[8] = {0};
    bool changed;
    OK(f, membership_join(f->log, "svc", NULL, 8, &m, &f->d));
    OK(f, membership_poll(m, 60000, owned, &changed, &f->d)); /* news do not wait */
    CHECK(changed);
    for (int i = 0; i < 8; i++)
        CHECK_INT(owned[i], 1);
    OK(f, membership_poll(m, 1, owned, &changed, &f->d));
    CHECK(!changed);
    CHECK_INT(membership_join(f->log, "svc", NULL, 8, &n, &f->d), STATUS_EXISTS);
    CHECK(!n);
    diag_clear(&f->d);
    OK(f, membership_join(f->log, "../odd name/%", NULL, 8, &other, &f->d));
    CHECK_INT(membership_join(f->log, "", NULL, 8, &n, NULL), STATUS_INVALID);
    CHECK_INT(membership_join(f->log, "x", NULL, 0, &n, NULL), STATUS_INVALID);
    membership_release_done(m);
    membership_leave(m);
    OK(f, membership_join(f->log, "svc", NULL, 8, &n, &f->d));
    membership_leave(n);
    membership_leave(other);
    membership_leave(NULL);
}

LOG_TEST(membership, fences_transactions)
{
    struct membership *m;
    struct record x = text_record("k", "v", 1);
    make_topic(f, "t", 1, false);
    struct log_writer *w = open_writer(f->log, "w");
    OK(f, membership_join(f->log, "svc", NULL, 8, &m, &f->d));
    CHECK_INT(membership_fence(m, w, NULL), STATUS_INVALID);
    for (int leaves = 0; leaves < 2; leaves++) {
        OK(f, writer_begin(w, &f->d));
        OK(f, writer_append(w, "t", 0, &x, 1, &f->d));
        OK(f, membership_fence(m, w, &f->d));
        if (leaves)
            membership_leave(m);
        CHECK_INT(writer_commit(w, NULL), leaves ? STATUS_FENCED : STATUS_OK);
    }
    OK(f, writer_begin(w, &f->d)); /* the writer itself is not fenced */
    OK(f, writer_commit(w, &f->d));
    CHECK_INT(end_of(f->log, "t", 0), 1);
    writer_close(w);
}

FILE_TEST(membership, goes_with_the_process)
{
    int fds[2], status;
    char byte;
    REQUIRE(pipe(fds) == 0);
    struct membership *m;
    log_close(f->log);
    pid_t child = fork();
    if (child == 0) {
        struct log *log = open_in_child(f->path);
        if (membership_join(log, "svc", NULL, 4, &m, NULL) != STATUS_OK || write(fds[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    CHECK(read(fds[0], &byte, 1) == 1);
    OK(f, log_open_embedded(&(struct embedded_options){.path = f->path}, &f->log, &f->d));
    CHECK_INT(membership_join(f->log, "svc", NULL, 4, &m, NULL), STATUS_EXISTS);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    OK(f, membership_join(f->log, "svc", NULL, 4, &m, &f->d));
    membership_leave(m);
    close(fds[0]);
    close(fds[1]);
}
