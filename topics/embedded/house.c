/* Housekeeping of the embedded log, in a thread that starts when a log has been written to for a while: checkpoints of
 * the WAL beside the writers, and retention, compaction and giving back pages in small write transactions between
 * theirs. Errors are not reported here: whoever uses what is damaged or full learns it from his own operation. */
#include "topics/embedded/embedded_int.h"

#include <stdio.h>
#include <time.h>

enum {
    START_MS = 3000,     /* a log that lives shorter has no thread */
    PERIOD_MS = 5000,    /* between looks at all partitions while there are commits */
    IDLE_PERIODS = 12,   /* without commits, so many periods */
    WAL_PAGES = 2048,    /* at which a checkpoint is made: 16 MB */
    VACUUM_PAGES = 2048, /* free pages that are kept for use again */
    HOUSE_CACHE_KIB = 256,
    COMPACT_SLOTS = 1 << 18,  /* 6 MB */
    COMPACT_WINDOW = 1 << 24, /* 2 MB */
};

void house_init(struct embedded *log)
{
    log->opened_ns = clock_mono_ns();
    log->house_start_ms = START_MS;
    log->house_period_ms = PERIOD_MS;
    log->house_wal_pages = WAL_PAGES;
    log->compact_slots = COMPACT_SLOTS;
    log->compact_window = COMPACT_WINDOW;
}

int house_count_pages(void *arg, sqlite3 *handle, const char *name, int pages)
{
    struct embedded *log = arg;
    (void)handle;
    (void)name;
    __atomic_store_n(&log->wal_pages, pages, __ATOMIC_RELAXED);
    return SQLITE_OK;
}

static int wal_pages(struct embedded *log)
{
    return __atomic_load_n(&log->wal_pages, __ATOMIC_RELAXED);
}

static bool is_stopping(struct embedded *log)
{
    return __atomic_load_n(&log->house_stops, __ATOMIC_ACQUIRE);
}

/* ---- checkpoints -------------------------------------------------------------------------------------- */

/* By the house thread, on its own connection, and with the write lock held by ours: SQLite before 3.51.3 can lose
 * transactions when a writer starts the WAL over at the moment that a checkpoint begins ("WAL-reset bug" in its
 * documentation). */
static void checkpoint(struct embedded *log)
{
    struct diag unused = DIAG_INIT;
    int frames = 0, copied = 0;
    if (!log->path || wal_pages(log) < log->house_wal_pages)
        return;
    if (!log->house.handle && db_open(log, &log->house, HOUSE_CACHE_KIB, &unused) != STATUS_OK)
        return;
    if (write_begin(log, &unused) != STATUS_OK)
        return;
    int rc = sqlite3_wal_checkpoint_v2(log->house.handle, "main", SQLITE_CHECKPOINT_PASSIVE, &frames, &copied);
    if (rc == SQLITE_OK && copied == frames)
        __atomic_store_n(&log->wal_pages, 0, __ATOMIC_RELAXED); /* the next writer starts it over */
    (void)!write_end(log, STATUS_CANCELLED, &unused);
}

/* ---- partitions --------------------------------------------------------------------------------------- */

struct pass {
    struct embedded *log;
    int64_t now_ms;
    bool compact_all;
    bool in_thread; /* of the house: which also makes checkpoints */
};

/* Is there anything to do for the partition? Asked without the write lock. */
static enum status part_is_due(struct db *db, const struct pass *p, const struct topic_row *topic,
                               const struct part_row *part, bool *due, struct diag *d)
{
    sqlite3_stmt *s;
    struct entry_row first;
    struct part_row after = *part;
    bool row;
    *due = topic->compact && (compaction_is_due(part) || p->compact_all);
    enum status st = entry_from(db, part->id, 0, &s, d);
    if (st == STATUS_OK)
        st = entry_next(db, s, &first, &row, d);
    if (st != STATUS_OK || !row) {
        *due = false;
        return st;
    }
    sqlite3_reset(s);
    *due = *due || first.last < part->start;
    if (!*due)
        st = apply_retention(db, topic, &after, p->now_ms, d);
    *due = *due || after.start > part->start;
    return st;
}

static enum status trim_step(struct embedded *log, const struct topic_row *topic, int64_t id, int64_t now_ms,
                             bool *more, struct diag *d)
{
    struct part_row part;
    enum status st = part_get(&log->writing, id, &part, d);
    if (st == STATUS_OK)
        st = remove_below_start(&log->writing, &part, more, d);
    if (st == STATUS_OK && !*more) {
        int64_t start = part.start;
        st = apply_retention(&log->writing, topic, &part, now_ms, d);
        *more = part.start > start;
    }
    return st == STATUS_OK ? part_put(&log->writing, &part, d) : st;
}

enum step_kind { STEP_TRIM, STEP_DELETED, STEP_VACUUM };

static enum status vacuum_step(struct embedded *log, bool *more, struct diag *d)
{
    int64_t free_pages = 0, all_pages = 0;
    enum status st = db_number(&log->writing, DB_FREE_PAGES, &free_pages, d);
    if (st == STATUS_OK)
        st = db_number(&log->writing, DB_ALL_PAGES, &all_pages, d);
    *more = free_pages > VACUUM_PAGES && free_pages > all_pages / 4;
    return st == STATUS_OK && *more ? db_run(&log->writing, DB_VACUUM, d) : st;
}

/* Steps of one kind, each in its own write transaction, until there is no more to do. */
static enum status run_steps(const struct pass *p, enum step_kind kind, const struct topic_row *topic, int64_t part,
                             struct diag *d)
{
    struct embedded *log = p->log;
    bool more = true;
    enum status st = STATUS_OK;
    while (more && st == STATUS_OK && !is_stopping(log)) {
        more = false;
        st = write_begin(log, d);
        if (st != STATUS_OK)
            return st;
        switch (kind) {
        case STEP_TRIM:
            st = trim_step(log, topic, part, p->now_ms, &more, d);
            break;
        case STEP_DELETED:
            st = remove_deleted_topic(log, &more, d);
            break;
        case STEP_VACUUM:
            st = vacuum_step(log, &more, d);
            break;
        }
        st = write_end(log, st, d);
        if (p->in_thread)
            checkpoint(log);
    }
    return st == STATUS_NOT_FOUND ? STATUS_OK : st; /* deleted meanwhile */
}

static enum status compact_part(const struct pass *p, int64_t part, struct diag *d)
{
    struct compaction *c;
    bool more = true;
    enum status st = compaction_create(p->log, part, p->now_ms, p->compact_all, &c, d);
    while (st == STATUS_OK && more && !is_stopping(p->log)) {
        st = compaction_step(c, &more, d);
        if (p->in_thread)
            checkpoint(p->log);
    }
    compaction_destroy(c);
    return st == STATUS_NOT_FOUND ? STATUS_OK : st; /* deleted meanwhile */
}

static enum status look_at_part(const struct pass *p, const struct topic_row *topic, int64_t id, bool *due,
                                bool *compact, struct diag *d)
{
    struct embedded *log = p->log;
    struct part_row part;
    *due = *compact = false;
    pthread_mutex_lock(&log->query_mutex);
    enum status st = db_read_begin(&log->query, d);
    if (st == STATUS_OK) {
        st = part_get(&log->query, id, &part, d);
        if (st == STATUS_OK)
            st = part_is_due(&log->query, p, topic, &part, due, d);
        *compact = st == STATUS_OK && topic->compact && (p->compact_all || compaction_is_due(&part));
        db_read_end(&log->query);
    }
    pthread_mutex_unlock(&log->query_mutex);
    return st == STATUS_NOT_FOUND ? STATUS_OK : st;
}

static enum status keep_part(const struct pass *p, const struct topic_row *topic, int64_t id, struct diag *d)
{
    bool due, compact;
    enum status st = look_at_part(p, topic, id, &due, &compact, d);
    if (st == STATUS_OK && due)
        st = run_steps(p, STEP_TRIM, topic, id, d);
    if (st == STATUS_OK && due && compact)
        st = compact_part(p, id, d);
    return st;
}

/* One look at everything. A damaged partition does not keep the others from being looked after. */
static enum status keep_all(const struct pass *p, struct diag *d)
{
    struct embedded *log = p->log;
    struct topic_spec *topics;
    struct arena a;
    size_t n;
    arena_init(&a, 0);
    enum status st = topic_list(&log->head, &a, &topics, &n, d), first = st;
    for (size_t i = 0; st == STATUS_OK && i < n; i++) {
        struct topic_row row;
        if (topic_look_up(log, topics[i].name, &row, d) != STATUS_OK)
            continue;
        for (int32_t k = 0; k < row.n_partitions && !is_stopping(log); k++) {
            enum status one = keep_part(p, &row, part_id(row.id, k), d);
            first = first == STATUS_OK ? one : first;
        }
    }
    arena_free(&a);
    enum status deleted = run_steps(p, STEP_DELETED, NULL, 0, d);
    enum status vacuum = run_steps(p, STEP_VACUUM, NULL, 0, d);
    return first != STATUS_OK ? first : deleted != STATUS_OK ? deleted : vacuum;
}

enum status embedded_maintain(struct log *log, int64_t now_ms, bool compact_all, struct diag *d)
{
    struct pass p = {embedded_of(log), now_ms, compact_all, false};
    return keep_all(&p, d);
}

enum status embedded_limit_pages(struct log *log, int64_t pages, struct diag *d)
{
    struct embedded *e = embedded_of(log);
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld", pages ? (long long)pages : 4294967294LL);
    pthread_mutex_lock(&e->write_mutex);
    enum status st = db_exec(&e->writing, sql, d);
    pthread_mutex_unlock(&e->write_mutex);
    return st;
}

/* ---- the thread --------------------------------------------------------------------------------------- */

/* Waits for work or the period's end; under house_mutex. */
static void wait_for_work(struct embedded *log, int ms)
{
    int64_t ns = clock_mono_ns() + (int64_t)ms * 1000000;
    struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    while (!log->house_stops && !log->house_has_work &&
           pthread_cond_timedwait(&log->house_cond, &log->house_mutex, &t) == 0)
        ;
}

static void *house_main(void *arg)
{
    struct embedded *log = arg;
    struct diag unused = DIAG_INIT;
    int64_t passed_ns = clock_mono_ns();
    uint64_t passed_commits = 0;
    pthread_mutex_lock(&log->house_mutex);
    while (!log->house_stops) {
        wait_for_work(log, log->house_period_ms);
        log->house_has_work = false;
        pthread_mutex_unlock(&log->house_mutex);
        checkpoint(log);
        int64_t passed_ms = (clock_mono_ns() - passed_ns) / 1000000;
        int64_t idle_ms = (int64_t)log->house_period_ms * IDLE_PERIODS;
        if (passed_ms >= idle_ms || (passed_ms >= log->house_period_ms && log_commits(log) != passed_commits)) {
            struct pass p = {log, clock_wall_ms(), false, true};
            diag_clear(&unused);
            (void)!keep_all(&p, &unused);
            passed_ns = clock_mono_ns();
            passed_commits = log_commits(log);
        }
        pthread_mutex_lock(&log->house_mutex);
    }
    pthread_mutex_unlock(&log->house_mutex);
    return NULL;
}

void house_note(struct embedded *log)
{
    bool is_full = log->path && wal_pages(log) >= log->house_wal_pages;
    if (!is_full && __atomic_load_n(&log->house_runs, __ATOMIC_RELAXED))
        return;
    if (!is_full && clock_mono_ns() - log->opened_ns < (int64_t)log->house_start_ms * 1000000)
        return;
    pthread_mutex_lock(&log->house_mutex);
    if (!log->house_runs)
        __atomic_store_n(&log->house_runs, pthread_create(&log->house_thread, NULL, house_main, log) == 0,
                         __ATOMIC_RELAXED);
    log->house_has_work = is_full;
    if (is_full)
        pthread_cond_signal(&log->house_cond);
    pthread_mutex_unlock(&log->house_mutex);
}

void house_stop(struct embedded *log)
{
    pthread_mutex_lock(&log->house_mutex);
    __atomic_store_n(&log->house_stops, true, __ATOMIC_RELEASE);
    pthread_cond_signal(&log->house_cond);
    bool runs = log->house_runs;
    pthread_mutex_unlock(&log->house_mutex);
    if (runs)
        pthread_join(log->house_thread, NULL);
}
