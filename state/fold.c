/* Folding: what waits goes into the file, in one SQLite transaction with the offsets, by a thread that looks at nothing
 * but what was handed to it. */
#include "state/snapshot_int.h"

enum { FOLD_STACK = 512 << 10 };

enum status snapshot_put(struct snapshot *sn, uint32_t number, const struct record *r, struct diag *d)
{
    struct str key = snapshot_key(&sn->key, number, r->key);
    return !sn->key.failed && waiting_put(&sn->pending, key, r->value) ? STATUS_OK : diag_nomem(d);
}

size_t snapshot_pending(const struct snapshot *sn)
{
    return sn->pending.table.n_entries ? waiting_memory(&sn->pending) : 0;
}

struct fold {
    sqlite3_stmt *put, *remove, *offset, *expire;
    struct buf value;
};

static int step_once(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int fold_entry(struct snapshot *sn, struct fold *f, const struct entry *e)
{
    struct str key = entry_key(e);
    if (e->flags & ENTRY_DEAD) {
        sqlite3_bind_blob(f->remove, 1, key.p, (int)key.len, SQLITE_STATIC);
        return step_once(f->remove);
    }
    uint64_t sum = snapshot_checksum(key, str_make(e->var, e->var_len));
    f->value.len = 0;
    buf_put(&f->value, &sum, sizeof sum);
    buf_put(&f->value, e->var, e->var_len);
    if (f->value.failed)
        return SQLITE_NOMEM;
    bool owned = sn->of_sessions[(uint8_t)key.p[0]] && key.len >= OWNER_AT;
    struct buf owner;
    buf_init(&owner, 0);
    if (owned)
        snapshot_key(&owner, (uint8_t)key.p[0], str_make(key.p + OWNER_AT, key.len - OWNER_AT));
    sqlite3_bind_blob(f->put, 1, key.p, (int)key.len, SQLITE_STATIC);
    sqlite3_bind_blob(f->put, 2, f->value.p, (int)f->value.len, SQLITE_STATIC);
    if (owned)
        sqlite3_bind_blob(f->put, 3, owner.p, (int)owner.len, SQLITE_STATIC);
    else
        sqlite3_bind_null(f->put, 3);
    int rc = owner.failed ? SQLITE_NOMEM : step_once(f->put);
    buf_free(&owner);
    return rc;
}

static int fold_offsets(struct snapshot *sn, struct fold *f)
{
    int rc = SQLITE_OK;
    for (int i = 0; i < SNAPSHOT_STORES && rc == SQLITE_OK; i++) {
        if (!sn->stores[i])
            continue;
        sqlite3_bind_int(f->offset, 1, i);
        sqlite3_bind_int64(f->offset, 2, sn->fold_offsets[i]);
        rc = step_once(f->offset);
        if (rc != SQLITE_OK || !sn->expired[i].p)
            continue;
        char from[2] = {(char)i, 1};
        sqlite3_bind_blob(f->expire, 1, from, sizeof from, SQLITE_STATIC);
        sqlite3_bind_blob(f->expire, 2, sn->expired[i].p, (int)sn->expired[i].len, SQLITE_STATIC);
        rc = step_once(f->expire);
    }
    return rc;
}

static int fold_all(struct snapshot *sn, struct fold *f)
{
    uint32_t index = 0;
    int rc = SQLITE_OK;
    for (const struct entry *e; rc == SQLITE_OK && (e = table_next(&sn->folding.table, &index)); index++)
        rc = fold_entry(sn, f, e);
    return rc == SQLITE_OK ? fold_offsets(sn, f) : rc;
}

static int prepare_fold(sqlite3 *db, struct fold *f)
{
    int rc = sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO entries VALUES(?, ?, ?)", -1, &f->put, NULL);
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
    buf_init(&f.value, 0);
    int rc = sn->write ? SQLITE_OK : open_for_writing(sn);
    if (rc == SQLITE_OK)
        rc = sqlite_execute(sn->write, "BEGIN IMMEDIATE");
    if (rc == SQLITE_OK) {
        rc = prepare_fold(sn->write, &f);
        if (rc == SQLITE_OK)
            rc = fold_all(sn, &f);
        sqlite3_finalize(f.put);
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
    buf_free(&f.value);
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
    memcpy(sn->offsets, sn->fold_offsets, sizeof sn->offsets);
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
    uint64_t big = __builtin_bswap64((uint64_t)bound ^ UINT64_C(1) << 63);
    char *key = sn->expired_bytes[number];
    key[0] = (char)number;
    key[1] = 1;
    memcpy(key + 2, &big, sizeof big);
    sn->expired[number] = str_make(key, 2 + sizeof big);
}

/* An earlier fold that failed is still in `folding`: it is tried again first, with the offsets that it had. */
static void take_pending(struct snapshot *sn, const int64_t *offsets)
{
    if (sn->folding.table.n_entries)
        return;
    struct waiting empty = sn->folding;
    sn->folding = sn->pending;
    sn->pending = empty;
    memcpy(sn->fold_offsets, offsets, sizeof sn->fold_offsets);
    for (uint32_t i = 0; i < SNAPSHOT_STORES; i++)
        set_expired(sn, i);
}

static enum status start_fold(struct snapshot *sn, const int64_t *offsets, struct diag *d)
{
    pthread_attr_t attributes;
    take_pending(sn, offsets);
    if (!sn->folding.table.n_entries)
        return STATUS_OK;
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

enum status snapshot_fold(struct snapshot *sn, const int64_t *offsets, bool wait, struct diag *d)
{
    if (!wait)
        return snapshot_folding(sn) ? STATUS_OK : start_fold(sn, offsets, d);
    snapshot_join(sn);
    do { /* twice when an earlier fold had failed */
        enum status st = start_fold(sn, offsets, d);
        if (st != STATUS_OK)
            return st;
        bool ran = atomic_load(&sn->state) != FOLD_IDLE;
        snapshot_join(sn);
        if (ran && sn->folding.table.n_entries)
            return diag_set(d, sn->fold_diag.code, "%s", sn->fold_diag.message);
    } while (sn->pending.table.n_entries);
    return STATUS_OK;
}
