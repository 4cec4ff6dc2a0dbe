/* Folding: what waits goes into the file, in one SQLite transaction with the offsets, by a thread that looks at nothing
 * but what was handed to it. */
#include "state/snapshot_int.h"

#include <stdlib.h>

enum { FOLD_STACK = 512 << 10 };

enum { TOGETHER = 16 }; /* rows that one statement writes: a third cheaper than one by one */

struct fold {
    sqlite3_stmt *put, *put_many, *remove, *offset, *expire;
    const struct entry *next[TOGETHER]; /* to be put */
    int n;
    struct buf values; /* theirs, with checksums */
};

static int step_once(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void bind_row(sqlite3_stmt *stmt, int at, struct str key, const char *value, uint32_t len)
{
    sqlite3_bind_blob(stmt, at, key.p, (int)key.len, SQLITE_STATIC);
    sqlite3_bind_blob(stmt, at + 1, value, (int)len, SQLITE_STATIC);
}

static int put_rows(struct fold *f)
{
    int rc = f->values.failed ? SQLITE_NOMEM : SQLITE_OK;
    bool many = f->n == TOGETHER;
    const char *value = f->values.p;
    for (int i = 0; i < f->n && rc == SQLITE_OK; i++) {
        uint32_t len = CHECKSUM + f->next[i]->var_len;
        bind_row(many ? f->put_many : f->put, many ? 2 * i + 1 : 1, entry_key(f->next[i]), value, len);
        value += len;
        if (!many)
            rc = step_once(f->put);
    }
    if (many && rc == SQLITE_OK)
        rc = step_once(f->put_many);
    f->n = 0;
    f->values.len = 0;
    return rc;
}

static int fold_entry(struct fold *f, const struct entry *e)
{
    struct str key = entry_key(e);
    if (e->flags & ENTRY_DEAD) {
        sqlite3_bind_blob(f->remove, 1, key.p, (int)key.len, SQLITE_STATIC);
        return step_once(f->remove);
    }
    uint64_t sum = snapshot_checksum(key, str_make(e->var, e->var_len));
    buf_put(&f->values, &sum, sizeof sum);
    buf_put(&f->values, e->var, e->var_len);
    f->next[f->n++] = e;
    return f->n == TOGETHER ? put_rows(f) : SQLITE_OK;
}

static int put_offset(struct fold *f, int row, int64_t value)
{
    sqlite3_bind_int(f->offset, 1, row);
    sqlite3_bind_int64(f->offset, 2, value);
    return step_once(f->offset);
}

static int fold_offsets(struct snapshot *sn, struct fold *f)
{
    int rc = put_offset(f, TIME_ROW, sn->round_time);
    for (int i = 0; i < SNAPSHOT_STORES && rc == SQLITE_OK; i++) {
        if (!sn->stores[i])
            continue;
        rc = put_offset(f, i, sn->round_offsets[i]);
        if (rc != SQLITE_OK || !sn->expired[i].p)
            continue;
        char from[2] = {(char)i, 1};
        sqlite3_bind_blob(f->expire, 1, from, sizeof from, SQLITE_STATIC);
        sqlite3_bind_blob(f->expire, 2, sn->expired[i].p, (int)sn->expired[i].len, SQLITE_STATIC);
        rc = step_once(f->expire);
    }
    return rc;
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(entry_key(*(const struct entry *const *)a), entry_key(*(const struct entry *const *)b));
}

/* In the order of keys, in which SQLite inserts fastest. Without memory for a list: as they come. */
static int fold_all(struct snapshot *sn, struct fold *f)
{
    const struct table *t = &sn->folding.table;
    const struct entry **list = mem_alloc(t->n_entries * sizeof *list);
    uint32_t index = 0, n = 0;
    int rc = SQLITE_OK;
    for (const struct entry *e; rc == SQLITE_OK && (e = table_next(t, &index)); index++) {
        if (list)
            list[n++] = e;
        else
            rc = fold_entry(f, e);
    }
    if (list)
        qsort(list, n, sizeof *list, by_key);
    for (uint32_t i = 0; rc == SQLITE_OK && i < n; i++)
        rc = fold_entry(f, list[i]);
    mem_free(list);
    if (rc == SQLITE_OK)
        rc = put_rows(f);
    return rc == SQLITE_OK && sn->last_part ? fold_offsets(sn, f) : rc;
}

static int prepare_fold(sqlite3 *db, struct fold *f)
{
    static const char put[] =
        "INSERT OR REPLACE INTO entries VALUES(?,?)"
        ",(?,?),(?,?),(?,?),(?,?),(?,?),(?,?),(?,?),(?,?),(?,?),(?,?),(?,?),(?,?),(?,?),(?,?),(?,?)";
    int rc = sqlite3_prepare_v2(db, put, (int)strcspn(put, ")") + 1, &f->put, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, put, -1, &f->put_many, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, "DELETE FROM entries WHERE key = ?", -1, &f->remove, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO offsets VALUES(?, ?)", -1, &f->offset, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, "DELETE FROM entries WHERE key >= ? AND key < ?", -1, &f->expire, NULL);
    return rc;
}

static int open_for_writing(struct snapshot *sn)
{
    bool same;
    int rc = snapshot_connect(sn, &sn->write);
    if (rc == SQLITE_OK)
        rc = snapshot_tables(sn, sn->write, &same);
    if (rc != SQLITE_OK) {
        snapshot_failed(sn, sn->write, rc, &sn->fold_diag);
        sqlite3_close(sn->write);
        sn->write = NULL;
    }
    return rc;
}

static void *fold_thread(void *data)
{
    struct snapshot *sn = data;
    struct fold f = {0};
    buf_init(&f.values, 0);
    int rc = sn->write ? SQLITE_OK : open_for_writing(sn);
    if (rc == SQLITE_OK)
        rc = sqlite_execute(sn->write, "BEGIN IMMEDIATE");
    if (rc == SQLITE_OK) {
        rc = prepare_fold(sn->write, &f);
        if (rc == SQLITE_OK)
            rc = fold_all(sn, &f);
        sqlite3_finalize(f.put);
        sqlite3_finalize(f.put_many);
        sqlite3_finalize(f.remove);
        sqlite3_finalize(f.offset);
        sqlite3_finalize(f.expire);
        if (rc == SQLITE_OK)
            rc = sqlite_execute(sn->write, "COMMIT");
        if (rc != SQLITE_OK)
            snapshot_failed(sn, sn->write, rc, &sn->fold_diag);
        if (rc != SQLITE_OK && !sqlite3_get_autocommit(sn->write))
            sqlite_execute(sn->write, "ROLLBACK");
    } else {
        snapshot_failed(sn, sn->write, rc, &sn->fold_diag);
    }
    buf_free(&f.values);
    atomic_store(&sn->state, rc == SQLITE_OK ? FOLD_DONE : FOLD_FAILED);
    return NULL;
}

void snapshot_join(struct snapshot *sn)
{
    if (atomic_load(&sn->state) == FOLD_IDLE)
        return;
    pthread_join(sn->thread, NULL);
    bool done = atomic_load(&sn->state) == FOLD_DONE;
    atomic_store(&sn->state, FOLD_IDLE);
    if (!done)
        return;
    sn->exists = true;
    if (sn->last_part) {
        memcpy(sn->offsets, sn->round_offsets, sizeof sn->offsets);
        sn->time = sn->round_time;
        sn->in_round = sn->last_part = false;
        sqlite3_db_release_memory(sn->write);
        snapshot_rest(sn);
    }
    waiting_clear(&sn->folding);
}

bool snapshot_folding(struct snapshot *sn)
{
    int state = atomic_load(&sn->state);
    if (state == FOLD_DONE || state == FOLD_FAILED)
        snapshot_join(sn);
    return atomic_load(&sn->state) == FOLD_RUNNING;
}

/* Rows of windows and sessions that have expired: a key that is above them all. */
static void set_expired(struct snapshot *sn, uint32_t number)
{
    const struct store *s = sn->stores[number];
    sn->expired[number] = str_make(NULL, 0);
    if (!s || s->options.kind == STORE_KEYED)
        return;
    int64_t bound = s->options.kind == STORE_WINDOWED ? store_horizon(s) : sessions_segment_bound(s);
    if (bound == INT64_MIN)
        return;
    struct buf *key = &sn->expired_bytes[number];
    key->len = 0;
    buf_putc(key, (char)number);
    row_key_time(key, s->options.kind == STORE_SESSION ? time_floor(bound, s->slice_width) : bound);
    if (!key->failed)
        sn->expired[number] = buf_str(key);
}

/* A part that could not be written is still in `folding`, and is tried again. */
static enum status next_part(struct snapshot *sn, const int64_t *offsets, int64_t now_ms, struct diag *d)
{
    if (sn->folding.table.n_entries || sn->last_part)
        return STATUS_OK;
    if (!sn->in_round) {
        memcpy(sn->round_offsets, offsets, sizeof sn->round_offsets);
        sn->round_time = now_ms;
        collect_begin(sn);
    }
    if (!collect_part(sn))
        return diag_nomem(d);
    for (uint32_t i = 0; sn->last_part && i < SNAPSHOT_STORES; i++)
        set_expired(sn, i);
    return STATUS_OK;
}

static enum status start_thread(struct snapshot *sn, struct diag *d)
{
    pthread_attr_t attributes;
    diag_clear(&sn->fold_diag);
    atomic_store(&sn->state, FOLD_RUNNING);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, FOLD_STACK);
    int error = pthread_create(&sn->thread, &attributes, fold_thread, sn);
    pthread_attr_destroy(&attributes);
    if (error == 0)
        return STATUS_OK;
    atomic_store(&sn->state, FOLD_IDLE);
    return diag_set(d, STATUS_IO, "Cannot start a thread");
}

enum status snapshot_fold(struct snapshot *sn, const int64_t *offsets, int64_t now_ms, bool wait, struct diag *d)
{
    enum status st = STATUS_OK;
    if (!wait && snapshot_folding(sn))
        return STATUS_OK;
    do {
        snapshot_join(sn);
        TRY(next_part(sn, offsets, now_ms, d));
        TRY(start_thread(sn, d));
        if (!wait)
            break;
        snapshot_join(sn);
        if (sn->folding.table.n_entries || sn->last_part)
            return diag_set(d, sn->fold_diag.code, "%s", sn->fold_diag.message);
    } while (sn->in_round);
done:
    return st;
}
