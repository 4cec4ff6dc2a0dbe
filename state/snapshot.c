/* The snapshot's file: opening, folding, reading back. What is evicted and brought back is in cold.c.
 *
 * Keys in the file are the store's number (a byte) and the changelog key; values are an xxh3 of key and value (8 bytes) and
 * the value. Sessions have the key of their owner beside, with an index. */
#include "state/snapshot.h"

#include "state/state_int.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { CHECKSUM = 8, OWNER_AT = 18 /* number, kind, end, start */, FOLD_STACK = 512 << 10 };
enum { FOLD_IDLE, FOLD_RUNNING, FOLD_DONE, FOLD_FAILED };

/* Last values by key: entries whose variable part is the value, dead ones for removals. */
struct waiting {
    struct table table;
    struct slab slab;
    struct account account;
};

struct snapshot {
    char *path;
    struct str shape;
    bool exists;                  /* the file: the first fold creates it */
    sqlite3 *read, *write;        /* of the task's and of the folding thread */
    sqlite3_stmt *get, *range, *owner;
    struct store *stores[SNAPSHOT_STORES];
    bool of_sessions[SNAPSHOT_STORES]; /* the folding thread does not look into stores */
    int64_t offsets[SNAPSHOT_STORES];
    struct waiting pending, folding;
    struct buf key;               /* of the lookup at hand */
    enum status status;
    bool damaged;
    /* The fold under way. */
    pthread_t thread;
    atomic_int state;
    int64_t fold_offsets[SNAPSHOT_STORES];
    struct str expired[SNAPSHOT_STORES]; /* rows of the store below this key go */
    char expired_bytes[SNAPSHOT_STORES][16];
    struct diag fold_diag;
};

/* ---- waiting values --------------------------------------------------------------------------------------- */

static size_t waiting_memory(const struct waiting *w)
{
    return w->account.held + w->slab.used;
}

static void waiting_clear(struct waiting *w)
{
    table_free(&w->table, &w->slab, &w->account);
    slab_clear(&w->slab);
    *w = (struct waiting){0};
    table_init(&w->table, sizeof(struct entry));
}

static bool waiting_put(struct waiting *w, struct str key, struct str value)
{
    uint64_t hash = key_hash(key);
    struct entry *e = table_find(&w->table, key, hash);
    if (!e && !(e = table_add(&w->table, key, hash, &w->slab, &w->account)))
        return false;
    if (e->var && (!value.p || slab_room(e->var_len) != slab_room(value.len))) {
        slab_free(&w->slab, e->var, e->var_len);
        e->var = NULL;
        e->var_len = 0;
    }
    e->flags = value.p ? 0 : ENTRY_DEAD;
    if (!value.p)
        return true;
    if (!e->var && !(e->var = slab_alloc(&w->slab, value.len)))
        return false;
    memcpy(e->var, value.p, value.len);
    e->var_len = value.len;
    return true;
}

/* The waiting value of a key with its number; NULL: nothing waits. */
static const struct entry *waiting_value(const struct snapshot *sn, struct str key)
{
    uint64_t hash = key_hash(key);
    const struct entry *e = table_find(&sn->pending.table, key, hash);
    return e ? e : table_find(&sn->folding.table, key, hash);
}

/* ---- SQLite ------------------------------------------------------------------------------------------------- */

static enum status sqlite_status(int rc)
{
    switch (rc & 0xFF) {
    case SQLITE_FULL:
        return STATUS_FULL;
    case SQLITE_NOMEM:
        return STATUS_NOMEM;
    default:
        return STATUS_IO;
    }
}

static bool means_damage(int rc)
{
    return (rc & 0xFF) == SQLITE_CORRUPT || (rc & 0xFF) == SQLITE_NOTADB;
}

static enum status failed(const struct snapshot *sn, sqlite3 *db, int rc, struct diag *d)
{
    return diag_set(d, sqlite_status(rc), "Snapshot %s: %s", sn->path, db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
}

static int execute(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int connect(const struct snapshot *sn, sqlite3 **db)
{
    int rc = sqlite3_open_v2(sn->path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(*db, 10000);
        rc = execute(*db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-1024;");
    }
    return rc;
}

static int create_tables(sqlite3 *db)
{
    return execute(db, "CREATE TABLE IF NOT EXISTS entries(key BLOB PRIMARY KEY, value BLOB NOT NULL, owner BLOB) "
                       "WITHOUT ROWID;"
                       "CREATE INDEX IF NOT EXISTS by_owner ON entries(owner) WHERE owner IS NOT NULL;"
                       "CREATE TABLE IF NOT EXISTS offsets(store INTEGER PRIMARY KEY, next INTEGER NOT NULL);"
                       "CREATE TABLE IF NOT EXISTS shape(text BLOB NOT NULL);");
}

/* Whether the file is of this shape; a new one becomes so. */
static int check_shape(sqlite3 *db, struct str shape, bool *same)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT text FROM shape", -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        struct str found = str_make(sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));
        *same = str_eq(found, shape);
        sqlite3_finalize(stmt);
        return SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    if (rc != SQLITE_DONE)
        return rc;
    *same = true;
    rc = sqlite3_prepare_v2(db, "INSERT INTO shape VALUES(?)", -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_blob(stmt, 1, shape.p, (int)shape.len, SQLITE_STATIC);
        rc = sqlite3_step(stmt);
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int read_offsets(struct snapshot *sn)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(sn->read, "SELECT store, next FROM offsets", -1, &stmt, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        int number = sqlite3_column_int(stmt, 0);
        if (number >= 0 && number < SNAPSHOT_STORES)
            sn->offsets[number] = sqlite3_column_int64(stmt, 1);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int prepare(struct snapshot *sn)
{
    int rc = sqlite3_prepare_v2(sn->read, "SELECT value FROM entries WHERE key = ?", -1, &sn->get, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(sn->read, "SELECT key, value FROM entries WHERE key >= ? AND key < ? ORDER BY key", -1,
                                &sn->range, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(sn->read, "SELECT key, value FROM entries WHERE owner = ? ORDER BY key", -1, &sn->owner,
                                NULL);
    return rc;
}

static void disconnect(struct snapshot *sn)
{
    sqlite3_finalize(sn->get);
    sqlite3_finalize(sn->range);
    sqlite3_finalize(sn->owner);
    sn->get = sn->range = sn->owner = NULL;
    sqlite3_close(sn->read);
    sqlite3_close(sn->write);
    sn->read = sn->write = NULL;
}

/* Ready to read; the tables are there when the file is. */
static int open_for_reading(struct snapshot *sn)
{
    if (sn->read)
        return SQLITE_OK;
    int rc = connect(sn, &sn->read);
    return rc == SQLITE_OK ? prepare(sn) : rc;
}

/* Looks at a file of an earlier time. */
static int open_file(struct snapshot *sn, bool *usable)
{
    int rc = connect(sn, &sn->read);
    *usable = true;
    if (rc == SQLITE_OK)
        rc = create_tables(sn->read);
    if (rc == SQLITE_OK)
        rc = check_shape(sn->read, sn->shape, usable);
    if (rc == SQLITE_OK && *usable)
        rc = read_offsets(sn);
    if (rc == SQLITE_OK && *usable)
        rc = prepare(sn);
    if (means_damage(rc))
        *usable = false;
    sn->exists = *usable && rc == SQLITE_OK;
    return *usable ? rc : SQLITE_OK;
}

void snapshot_delete(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        struct buf name;
        buf_init(&name, 0);
        buf_printf(&name, "%s%s", path, suffixes[i]);
        if (!name.failed)
            unlink(buf_z(&name));
        buf_free(&name);
    }
}

static bool copy_names(struct snapshot *sn, const char *path, struct str shape)
{
    char *copy = mem_alloc(shape.len);
    if (copy && shape.len)
        memcpy(copy, shape.p, shape.len);
    sn->shape = str_make(copy, copy ? shape.len : 0);
    sn->path = mem_strdup(path);
    return copy && sn->path;
}

/* What cannot be written to later is better known now. */
static bool folder_is_there(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct buf folder;
    buf_init(&folder, 0);
    buf_put(&folder, slash ? path : ".", slash ? (size_t)(slash - path) : 1);
    bool there = !folder.failed && (folder.len == 0 || access(buf_z(&folder), W_OK) == 0);
    buf_free(&folder);
    return there;
}

enum status snapshot_open(const char *path, struct str shape, struct snapshot **out, struct diag *d)
{
    struct snapshot *sn = mem_calloc(1, sizeof *sn);
    if (!sn)
        return diag_nomem(d);
    table_init(&sn->pending.table, sizeof(struct entry));
    table_init(&sn->folding.table, sizeof(struct entry));
    for (uint32_t i = 0; i < SNAPSHOT_STORES; i++)
        sn->offsets[i] = -1;
    bool usable = true;
    int rc = SQLITE_OK;
    if (!copy_names(sn, path, shape))
        rc = SQLITE_NOMEM;
    else if (access(path, F_OK) == 0)
        rc = open_file(sn, &usable);
    else if (!folder_is_there(path))
        rc = SQLITE_CANTOPEN;
    if (!usable) {
        disconnect(sn);
        snapshot_delete(path);
    }
    if (rc == SQLITE_OK) {
        *out = sn;
        return STATUS_OK;
    }
    enum status st = failed(sn, sn->read, rc, d);
    snapshot_close(sn);
    return st;
}

static void join_fold(struct snapshot *sn)
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

void snapshot_close(struct snapshot *sn)
{
    if (!sn)
        return;
    join_fold(sn);
    disconnect(sn);
    waiting_clear(&sn->pending);
    waiting_clear(&sn->folding);
    buf_free(&sn->key);
    if (sn->damaged)
        snapshot_delete(sn->path);
    mem_free(sn->path);
    mem_free((char *)(uintptr_t)sn->shape.p);
    mem_free(sn);
}

enum status snapshot_discard(struct snapshot *sn, struct diag *d)
{
    char *path = mem_strdup(sn->path);
    snapshot_close(sn);
    if (!path)
        return diag_nomem(d);
    snapshot_delete(path);
    mem_free(path);
    return STATUS_OK;
}

enum status snapshot_status(const struct snapshot *sn, struct diag *d)
{
    if (sn->status == STATUS_OK)
        return STATUS_OK;
    return diag_set(d, sn->status, "Snapshot %s cannot be read%s", sn->path, sn->damaged ? ": it is damaged" : "");
}

size_t snapshot_memory(const struct snapshot *sn)
{
    return sizeof *sn + waiting_memory(&sn->pending) + waiting_memory(&sn->folding);
}

bool snapshot_attach(struct snapshot *sn, struct store *s, uint32_t number)
{
    if (number >= SNAPSHOT_STORES)
        return false;
    sn->stores[number] = s;
    sn->of_sessions[number] = s->options.kind == STORE_SESSION;
    return true;
}

struct store *snapshot_store(const struct snapshot *sn, uint32_t number)
{
    return number < SNAPSHOT_STORES ? sn->stores[number] : NULL;
}

int64_t snapshot_offset(const struct snapshot *sn, uint32_t number)
{
    return sn->offsets[number];
}

/* ---- folding ------------------------------------------------------------------------------------------------ */

static struct str numbered(struct buf *out, uint32_t number, struct str key)
{
    out->len = 0;
    buf_putc(out, (char)number);
    buf_puts(out, key);
    return buf_str(out);
}

enum status snapshot_put(struct snapshot *sn, uint32_t number, const struct record *r, struct diag *d)
{
    struct str key = numbered(&sn->key, number, r->key);
    return !sn->key.failed && waiting_put(&sn->pending, key, r->value) ? STATUS_OK : diag_nomem(d);
}

size_t snapshot_pending(const struct snapshot *sn)
{
    return sn->pending.table.n_entries ? waiting_memory(&sn->pending) : 0;
}

static uint64_t checksum(struct str key, struct str value)
{
    return XXH3_64bits_withSeed(value.p, value.len, XXH3_64bits(key.p, key.len));
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
    uint64_t sum = checksum(key, str_make(e->var, e->var_len));
    f->value.len = 0;
    buf_put(&f->value, &sum, sizeof sum);
    buf_put(&f->value, e->var, e->var_len);
    if (f->value.failed)
        return SQLITE_NOMEM;
    bool owned = sn->of_sessions[(uint8_t)key.p[0]] && key.len >= OWNER_AT;
    struct buf owner;
    buf_init(&owner, 0);
    if (owned)
        numbered(&owner, (uint8_t)key.p[0], str_make(key.p + OWNER_AT, key.len - OWNER_AT));
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
    int rc = connect(sn, &sn->write);
    if (rc == SQLITE_OK)
        rc = create_tables(sn->write);
    if (rc == SQLITE_OK)
        rc = check_shape(sn->write, sn->shape, &same);
    if (rc != SQLITE_OK) {
        failed(sn, sn->write, rc, &sn->fold_diag);
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
        rc = execute(sn->write, "BEGIN IMMEDIATE");
    if (rc == SQLITE_OK) {
        rc = prepare_fold(sn->write, &f);
        if (rc == SQLITE_OK)
            rc = fold_all(sn, &f);
        sqlite3_finalize(f.put);
        sqlite3_finalize(f.remove);
        sqlite3_finalize(f.offset);
        sqlite3_finalize(f.expire);
        if (rc == SQLITE_OK)
            rc = execute(sn->write, "COMMIT");
        if (rc != SQLITE_OK)
            failed(sn, sn->write, rc, &sn->fold_diag);
        if (rc != SQLITE_OK && !sqlite3_get_autocommit(sn->write))
            execute(sn->write, "ROLLBACK");
    } else {
        failed(sn, sn->write, rc, &sn->fold_diag);
    }
    buf_free(&f.value);
    atomic_store(&sn->state, rc == SQLITE_OK ? FOLD_DONE : FOLD_FAILED);
    return NULL;
}

bool snapshot_folding(struct snapshot *sn)
{
    int state = atomic_load(&sn->state);
    if (state == FOLD_DONE || state == FOLD_FAILED)
        join_fold(sn);
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
    join_fold(sn);
    do { /* twice when an earlier fold had failed */
        enum status st = start_fold(sn, offsets, d);
        if (st != STATUS_OK)
            return st;
        bool ran = atomic_load(&sn->state) != FOLD_IDLE;
        join_fold(sn);
        if (ran && sn->folding.table.n_entries)
            return diag_set(d, sn->fold_diag.code, "%s", sn->fold_diag.message);
    } while (sn->pending.table.n_entries);
    return STATUS_OK;
}

/* ---- reading back -------------------------------------------------------------------------------------------- */

static bool give_up(struct snapshot *sn, enum status why, bool damaged)
{
    sn->status = why;
    sn->damaged |= damaged;
    return false;
}

static bool may_read(struct snapshot *sn)
{
    int rc = open_for_reading(sn);
    return rc == SQLITE_OK || give_up(sn, sqlite_status(rc), means_damage(rc));
}

/* The value without its checksum. */
static bool check_value(struct snapshot *sn, struct str key, struct str *value)
{
    uint64_t sum;
    if (value->len < CHECKSUM)
        return give_up(sn, STATUS_IO, true);
    memcpy(&sum, value->p, sizeof sum);
    *value = str_make(value->p + CHECKSUM, value->len - CHECKSUM);
    return sum == checksum(key, *value) || give_up(sn, STATUS_IO, true);
}

static struct str blob(sqlite3_stmt *stmt, int column)
{
    const char *p = sqlite3_column_blob(stmt, column);
    return str_make(p ? p : "", (size_t)sqlite3_column_bytes(stmt, column));
}

enum lookup snapshot_get(struct snapshot *sn, struct str key, struct str *value)
{
    const struct entry *e = waiting_value(sn, key);
    if (e) {
        *value = str_make(e->var, e->var_len);
        return e->flags & ENTRY_DEAD ? LOOKUP_NONE : LOOKUP_FOUND;
    }
    if (!sn->exists)
        return LOOKUP_NONE;
    if (!may_read(sn))
        return LOOKUP_FAILED;
    sqlite3_reset(sn->get);
    sqlite3_bind_blob(sn->get, 1, key.p, (int)key.len, SQLITE_TRANSIENT);
    int rc = sqlite3_step(sn->get);
    if (rc == SQLITE_DONE) {
        sqlite3_reset(sn->get);
        return LOOKUP_NONE;
    }
    if (rc != SQLITE_ROW) {
        give_up(sn, sqlite_status(rc), means_damage(rc));
        return LOOKUP_FAILED;
    }
    *value = blob(sn->get, 0);
    return check_value(sn, key, value) ? LOOKUP_FOUND : LOOKUP_FAILED;
}

bool snapshot_holds(const struct snapshot *sn, uint32_t number, struct str key)
{
    struct buf full;
    buf_init(&full, 0);
    bool waits = waiting_value(sn, numbered(&full, number, key)) != NULL;
    bool ok = !full.failed && !waits;
    buf_free(&full);
    return ok;
}

static bool each_row(struct snapshot *sn, sqlite3_stmt *stmt, bool (*row)(void *, struct str, struct str), void *data)
{
    int rc;
    bool ok = true;
    while (ok && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct str key = blob(stmt, 0), value = blob(stmt, 1);
        const struct entry *e = waiting_value(sn, key);
        if (!check_value(sn, key, &value)) {
            ok = false;
            break;
        }
        if (e && (e->flags & ENTRY_DEAD))
            continue;
        if (e)
            value = str_make(e->var, e->var_len);
        ok = row(data, str_make(key.p + 1, key.len - 1), value);
    }
    if (ok && rc != SQLITE_DONE)
        ok = give_up(sn, sqlite_status(rc), means_damage(rc));
    sqlite3_reset(stmt);
    return ok;
}

bool snapshot_range(struct snapshot *sn, uint32_t number, struct str from, struct str to,
                    bool (*row)(void *, struct str, struct str), void *data)
{
    if (!sn->exists)
        return true;
    if (!may_read(sn))
        return false;
    struct buf lo, hi;
    buf_init(&lo, 0);
    buf_init(&hi, 0);
    numbered(&lo, number, from);
    if (to.p)
        numbered(&hi, number, to);
    else
        buf_putc(&hi, (char)(number + 1));
    sqlite3_bind_blob(sn->range, 1, lo.p, (int)lo.len, SQLITE_TRANSIENT);
    sqlite3_bind_blob(sn->range, 2, hi.p, (int)hi.len, SQLITE_TRANSIENT);
    bool ok = !lo.failed && !hi.failed && each_row(sn, sn->range, row, data);
    buf_free(&lo);
    buf_free(&hi);
    return ok;
}

bool snapshot_owner(struct snapshot *sn, uint32_t number, struct str owner,
                    bool (*row)(void *, struct str, struct str), void *data)
{
    if (!sn->exists)
        return true;
    if (!may_read(sn))
        return false;
    struct buf full;
    buf_init(&full, 0);
    numbered(&full, number, owner);
    sqlite3_bind_blob(sn->owner, 1, full.p, (int)full.len, SQLITE_TRANSIENT);
    bool ok = !full.failed && each_row(sn, sn->owner, row, data);
    buf_free(&full);
    return ok;
}
