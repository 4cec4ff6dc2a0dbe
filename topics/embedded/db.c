/* Connections of the embedded log: opening and creating the file, prepared statements, transactions, and the meaning
 * of SQLite's errors. */
#include "topics/embedded/embedded_int.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static const char *const statement_text[DB_N_STATEMENTS] = {
#define X(name, text) text,
    DB_STATEMENTS(X)
#undef X
};

static const char schema[] = "CREATE TABLE topic(id INTEGER PRIMARY KEY AUTOINCREMENT, n_partitions INT, compact INT,"
                             " retention_ms INT, retention_bytes INT, name TEXT UNIQUE, sum INT);"
                             "CREATE TABLE part(id INTEGER PRIMARY KEY, start INT, stop INT, bytes INT, clean INT,"
                             " clean_bytes INT, sum INT);"
                             "CREATE TABLE entry(part INT, last INT, base INT, n INT, bytes INT, max_ts INT, born INT,"
                             " chunk INT, hash INT, sum INT, PRIMARY KEY(part, last)) WITHOUT ROWID;"
                             "CREATE TABLE chunk(id INTEGER PRIMARY KEY, data BLOB);"
                             "CREATE TABLE writer(id TEXT PRIMARY KEY, epoch INT, sum INT) WITHOUT ROWID;"
                             "CREATE TABLE scrub(n INT);"
                             "INSERT INTO scrub VALUES(0);";

/* ---- errors ------------------------------------------------------------------------------------------- */

/* SQLite tells no space for ENOSPC alone. Its own note of errno (sqlite3_system_errno) is gone after the rollback that
 * an error in a commit brings, so errno is cleared before each step and looked at behind it. */
static enum status status_of(int rc, int os)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return STATUS_FULL;
    case SQLITE_NOMEM:
        return STATUS_NOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STATUS_TIMEOUT;
    case SQLITE_IOERR:
        if (rc == SQLITE_IOERR_NOMEM)
            return STATUS_NOMEM;
        return os == ENOSPC || os == EDQUOT || os == EFBIG ? STATUS_FULL : STATUS_IO;
    default:
        return STATUS_IO;
    }
}

enum status db_error(struct db *db, int rc, struct diag *d)
{
    enum status st = status_of(rc, errno);
    const char *log = embedded_name(db->log);
    switch (st) {
    case STATUS_NOMEM:
        return diag_nomem(d);
    case STATUS_FULL:
        return diag_set(d, st, "No space left for the log %s", log);
    case STATUS_TIMEOUT:
        return diag_set(d, st, "The log %s was locked by another process for %d ms", log, db->busy_limit_ms);
    default:
        return diag_set(d, st, "The log %s: %s (SQLite error %d)", log,
                        db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc), rc);
    }
}

/* ---- statements --------------------------------------------------------------------------------------- */

enum status db_statement(struct db *db, enum db_statement which, sqlite3_stmt **out, struct diag *d)
{
    sqlite3_stmt **s = &db->statements[which];
    *out = NULL;
    if (!*s) {
        int rc = sqlite3_prepare_v3(db->handle, statement_text[which], -1, SQLITE_PREPARE_PERSISTENT, s, NULL);
        if (rc != SQLITE_OK)
            return db_error(db, rc, d);
    }
    *out = *s;
    return STATUS_OK;
}

enum status db_step(struct db *db, sqlite3_stmt *s, bool *row, struct diag *d)
{
    errno = 0;
    int rc = sqlite3_step(s);
    if (row)
        *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW)
        return STATUS_OK;
    enum status st = rc == SQLITE_DONE ? STATUS_OK : db_error(db, rc, d);
    sqlite3_reset(s);
    return st;
}

enum status db_run(struct db *db, enum db_statement which, struct diag *d)
{
    sqlite3_stmt *s;
    bool row = true;
    enum status st = db_statement(db, which, &s, d);
    while (st == STATUS_OK && row)
        st = db_step(db, s, &row, d);
    return st;
}

enum status db_number(struct db *db, enum db_statement which, int64_t *out, struct diag *d)
{
    sqlite3_stmt *s;
    bool row = false;
    *out = 0;
    enum status st = db_statement(db, which, &s, d);
    if (st == STATUS_OK)
        st = db_step(db, s, &row, d);
    if (row) {
        *out = sqlite3_column_int64(s, 0);
        sqlite3_reset(s);
    }
    return st;
}

enum status db_exec(struct db *db, const char *sql, struct diag *d)
{
    errno = 0;
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? STATUS_OK : db_error(db, sqlite3_extended_errcode(db->handle), d);
}

/* ---- opening ------------------------------------------------------------------------------------------ */

/* Called when another process holds a lock that is needed: short sleeps, since their transactions are short. */
static int wait_busy(void *arg, int count)
{
    struct db *db = arg;
    int64_t now = clock_mono_ns();
    if (count == 0)
        db->busy_since_ns = now;
    if (now - db->busy_since_ns > (int64_t)db->busy_limit_ms * 1000000)
        return 0;
    usleep(count < 5 ? 200 : count < 20 ? 1000 : 5000);
    return 1;
}

static enum status check_format(struct db *db, bool *is_new, struct diag *d)
{
    int64_t application = 0, version = 0, tables = 0;
    static const struct {
        const char *sql;
    } questions[3] = {{"PRAGMA application_id"}, {"PRAGMA user_version"}, {"SELECT count(*) FROM sqlite_master"}};
    int64_t *answers[3] = {&application, &version, &tables};
    for (int i = 0; i < 3; i++) {
        sqlite3_stmt *s = NULL;
        int rc = sqlite3_prepare_v2(db->handle, questions[i].sql, -1, &s, NULL);
        if (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
            *answers[i] = sqlite3_column_int64(s, 0);
        rc = sqlite3_finalize(s) == SQLITE_OK ? rc : sqlite3_extended_errcode(db->handle);
        if (rc != SQLITE_ROW)
            return db_error(db, rc, d);
    }
    *is_new = tables == 0 && application == 0;
    if (*is_new)
        return STATUS_OK;
    if (application != DB_APPLICATION)
        return diag_set(d, STATUS_INVALID, "%s is a SQLite database, but not a log of weir", embedded_name(db->log));
    if (version != DB_FORMAT)
        return diag_set(d, STATUS_UNSUPPORTED, "The log %s has format %lld; this program knows format %d",
                        embedded_name(db->log), (long long)version, DB_FORMAT);
    return STATUS_OK;
}

/* Several processes may create the file at the same moment; the write lock decides who does. */
static enum status create_schema(struct db *db, struct diag *d)
{
    bool is_new = true;
    enum status st = db_exec(db, "BEGIN IMMEDIATE", d);
    if (st != STATUS_OK)
        return st;
    TRY(check_format(db, &is_new, d));
    if (is_new) {
        char marks[96];
        snprintf(marks, sizeof marks, "PRAGMA application_id = %d; PRAGMA user_version = %d", DB_APPLICATION,
                 DB_FORMAT);
        TRY(db_exec(db, schema, d));
        TRY(db_exec(db, marks, d));
    }
    st = db_exec(db, "COMMIT", d);
done:
    if (st != STATUS_OK)
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

/* Settings that only count before the file has content must come before the switch to the WAL. The switch does not
 * call the busy handler while another process switches. */
static enum status set_up_file(struct db *db, struct diag *d)
{
    char sql[128];
    snprintf(sql, sizeof sql, "PRAGMA page_size = %d; PRAGMA auto_vacuum = INCREMENTAL", DB_PAGE);
    enum status st = db_exec(db, sql, d);
    if (st != STATUS_OK || !db->log->path)
        return st;
    int64_t give_up = clock_mono_ns() + (int64_t)db->busy_limit_ms * 1000000;
    for (;;) {
        int rc = sqlite3_exec(db->handle, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        if (rc == SQLITE_OK)
            return STATUS_OK;
        if ((rc & 0xff) != SQLITE_BUSY || clock_mono_ns() > give_up)
            return db_error(db, sqlite3_extended_errcode(db->handle), d);
        clock_sleep_ms(1);
    }
}

/* What is read must agree, in case another process is creating the file. */
static enum status check_existing(struct db *db, bool *is_new, struct diag *d)
{
    enum status st = db_exec(db, "BEGIN", d);
    if (st == STATUS_OK)
        st = check_format(db, is_new, d);
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

static enum status set_up(struct db *db, int cache_kib, struct diag *d)
{
    char sql[256];
    bool is_new = false;
    enum status st = check_existing(db, &is_new, d);
    if (st == STATUS_OK && is_new) {
        st = set_up_file(db, d);
        if (st == STATUS_OK)
            st = create_schema(db, d);
    }
    if (st != STATUS_OK)
        return st;
    snprintf(sql, sizeof sql, "PRAGMA cache_size = -%d; PRAGMA synchronous = %s; PRAGMA wal_autocheckpoint = 0%s",
             cache_kib, db->log->sync_full ? "FULL" : "NORMAL",
             db->log->path ? "; PRAGMA journal_size_limit = 67108864" : "; PRAGMA journal_mode = MEMORY");
    return db_exec(db, sql, d);
}

enum status db_open(struct embedded *log, struct db *db, int cache_kib, struct diag *d)
{
    *db = (struct db){.log = log, .busy_limit_ms = DB_BUSY_MS};
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
    int rc = sqlite3_open_v2(log->uri, &db->handle, flags, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_handler(db->handle, wait_busy, db);
    if (rc != SQLITE_OK) {
        enum status st = db_error(db, rc, d);
        db_close(db);
        return st;
    }
    sqlite3_extended_result_codes(db->handle, 1);
    if (!log->path) {
        sqlite3_int64 limit = (sqlite3_int64)1 << 36;
        sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_SIZE_LIMIT, &limit);
    }
    if (!log->path)
        pthread_rwlock_rdlock(&log->memory_lock);
    enum status st = set_up(db, cache_kib, d);
    if (!log->path)
        pthread_rwlock_unlock(&log->memory_lock);
    if (st != STATUS_OK)
        db_close(db);
    return st;
}

void db_close(struct db *db)
{
    for (int i = 0; i < DB_N_STATEMENTS; i++)
        sqlite3_finalize(db->statements[i]);
    if (db->handle)
        sqlite3_close(db->handle);
    *db = (struct db){0};
}

/* ---- transactions ------------------------------------------------------------------------------------- */

enum status db_read_begin(struct db *db, struct diag *d)
{
    if (!db->log->path)
        pthread_rwlock_rdlock(&db->log->memory_lock);
    enum status st = db_run(db, DB_BEGIN, d);
    if (st != STATUS_OK && !db->log->path)
        pthread_rwlock_unlock(&db->log->memory_lock);
    return st;
}

void db_read_end(struct db *db)
{
    struct diag unused = DIAG_INIT; /* ending a read transaction has nothing to lose */
    if (!sqlite3_get_autocommit(db->handle) && db_run(db, DB_COMMIT, &unused) != STATUS_OK)
        (void)!db_run(db, DB_ROLLBACK, &unused);
    if (!db->log->path)
        pthread_rwlock_unlock(&db->log->memory_lock);
}

static void write_unlock(struct embedded *log)
{
    if (!log->path)
        pthread_rwlock_unlock(&log->memory_lock);
    pthread_mutex_unlock(&log->write_mutex);
}

static void write_rollback(struct embedded *log)
{
    struct diag unused = DIAG_INIT; /* the first error is the one to tell */
    if (!sqlite3_get_autocommit(log->writing.handle))
        (void)!db_run(&log->writing, DB_ROLLBACK, &unused);
}

/* A commit that failed halfway (its fsync, say) may have left all its frames in the WAL. They do not count now, but
 * would after a crash, so a transaction of no meaning is written over them before anything else happens. */
static enum status write_scrub(struct embedded *log, struct diag *d)
{
    enum status st = db_run(&log->writing, DB_BEGIN_WRITE, d);
    if (st == STATUS_OK)
        st = db_run(&log->writing, DB_SCRUB, d);
    if (st == STATUS_OK)
        st = db_run(&log->writing, DB_COMMIT, d);
    if (st == STATUS_OK)
        log->scrub_first = false;
    else
        write_rollback(log);
    return st;
}

enum status write_begin(struct embedded *log, struct diag *d)
{
    enum status st = STATUS_OK;
    pthread_mutex_lock(&log->write_mutex);
    if (!log->path)
        pthread_rwlock_wrlock(&log->memory_lock);
    if (log->scrub_first)
        st = write_scrub(log, d);
    if (st == STATUS_OK)
        st = db_run(&log->writing, DB_BEGIN_WRITE, d);
    if (st != STATUS_OK)
        write_unlock(log);
    return st;
}

enum status write_end(struct embedded *log, enum status st, struct diag *d)
{
    if (st == STATUS_OK) {
        st = db_run(&log->writing, DB_COMMIT, d);
        if (st != STATUS_OK) {
            struct diag unused = DIAG_INIT;
            write_rollback(log);
            log->scrub_first = log->path != NULL;
            if (log->scrub_first)
                (void)!write_scrub(log, &unused);
        }
    } else {
        write_rollback(log);
    }
    write_unlock(log);
    if (st == STATUS_OK)
        log_notify(log);
    return st;
}
