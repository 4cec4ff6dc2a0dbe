/* The snapshot's file: opening, shape, offsets; reading rows back. Folding is in fold.c, what is evicted and brought
 * back in cold.c.
 *
 * Keys in the file are the store's number (a byte) and what row.c makes; values are an xxh3 of key and value (8 bytes)
 * and the value. */
#include "state/snapshot_int.h"

#include <stdio.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define LAYOUT "2 " /* of the file: begins the shape */

/* The key with its number in front; it lies in `out`. */
static struct str snapshot_key(struct buf *out, uint32_t number, struct str key)
{
    out->len = 0;
    buf_putc(out, (char)number);
    buf_puts(out, key);
    return buf_str(out);
}

uint64_t snapshot_checksum(struct str key, struct str value)
{
    return XXH3_64bits_withSeed(value.p, value.len, XXH3_64bits(key.p, key.len));
}

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

static bool sqlite_means_damage(int rc)
{
    return (rc & 0xFF) == SQLITE_CORRUPT || (rc & 0xFF) == SQLITE_NOTADB;
}

enum status snapshot_failed(const struct snapshot *sn, sqlite3 *db, int rc, struct diag *d)
{
    return diag_set(d, sqlite_status(rc), "Snapshot %s: %s", sn->path, db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
}

int sqlite_execute(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int snapshot_connect(const struct snapshot *sn, sqlite3 **db)
{
    int rc = sqlite3_open_v2(sn->path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(*db, 10000);
        rc = sqlite_execute(*db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-1024;");
    }
    return rc;
}

static int create_tables(sqlite3 *db)
{
    return sqlite_execute(db,
                          "CREATE TABLE IF NOT EXISTS entries(key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
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

int snapshot_tables(const struct snapshot *sn, sqlite3 *db, bool *same)
{
    int rc = create_tables(db);
    return rc == SQLITE_OK ? check_shape(db, buf_str(&sn->shape), same) : rc;
}

static int read_offsets(struct snapshot *sn)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(sn->read, "SELECT store, next FROM offsets", -1, &stmt, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        int number = sqlite3_column_int(stmt, 0);
        if (number == TIME_ROW)
            sn->time = sqlite3_column_int64(stmt, 1);
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
        rc = sqlite3_prepare_v2(sn->read, "SELECT key, value FROM entries WHERE key >= ? AND key < ? ORDER BY key DESC",
                                -1, &sn->all, NULL);
    return rc;
}

static void disconnect(struct snapshot *sn)
{
    sqlite3_finalize(sn->get);
    sqlite3_finalize(sn->range);
    sqlite3_finalize(sn->all);
    sn->get = sn->range = sn->all = NULL;
    sqlite3_close(sn->read);
    sqlite3_close(sn->write);
    sn->read = sn->write = NULL;
}

/* Ready to read; the tables are there when the file is. */
static int snapshot_reader(struct snapshot *sn)
{
    if (sn->read)
        return SQLITE_OK;
    int rc = snapshot_connect(sn, &sn->read);
    return rc == SQLITE_OK ? prepare(sn) : rc;
}

/* Looks at a file of an earlier time. */
static int open_file(struct snapshot *sn, bool *usable)
{
    int rc = snapshot_connect(sn, &sn->read);
    *usable = true;
    if (rc == SQLITE_OK)
        rc = snapshot_tables(sn, sn->read, usable);
    if (rc == SQLITE_OK && *usable)
        rc = read_offsets(sn);
    if (rc == SQLITE_OK && *usable)
        rc = prepare(sn);
    if (sqlite_means_damage(rc))
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
    buf_puts(&sn->shape, STR(LAYOUT));
    buf_puts(&sn->shape, shape);
    sn->path = mem_strdup(path);
    return !sn->shape.failed && sn->path;
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
    table_init(&sn->removed.table, sizeof(struct entry));
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
    enum status st = snapshot_failed(sn, sn->read, rc, d);
    snapshot_close(sn);
    return st;
}

void snapshot_close(struct snapshot *sn)
{
    if (!sn)
        return;
    snapshot_join(sn);
    disconnect(sn);
    waiting_clear(&sn->removed);
    waiting_clear(&sn->folding);
    buf_free(&sn->key);
    buf_free(&sn->value);
    for (uint32_t i = 0; i < SNAPSHOT_STORES; i++)
        buf_free(&sn->expired_bytes[i]);
    if (sn->damaged)
        snapshot_delete(sn->path);
    mem_free(sn->path);
    buf_free(&sn->shape);
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
    return sizeof *sn + waiting_memory(&sn->removed) + waiting_memory(&sn->folding);
}

void snapshot_rest(struct snapshot *sn)
{
    if (sn->read)
        sqlite3_db_release_memory(sn->read);
}

bool snapshot_attach(struct snapshot *sn, struct store *s, uint32_t number)
{
    if (number >= SNAPSHOT_STORES)
        return false;
    sn->stores[number] = s;
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

int64_t snapshot_time(const struct snapshot *sn)
{
    return sn->time;
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
    int rc = snapshot_reader(sn);
    return rc == SQLITE_OK || give_up(sn, sqlite_status(rc), sqlite_means_damage(rc));
}

/* The value without its checksum. */
static bool check_value(struct snapshot *sn, struct str key, struct str *value)
{
    uint64_t sum;
    if (value->len < CHECKSUM)
        return give_up(sn, STATUS_IO, true);
    memcpy(&sum, value->p, sizeof sum);
    *value = str_make(value->p + CHECKSUM, value->len - CHECKSUM);
    return sum == snapshot_checksum(key, *value) || give_up(sn, STATUS_IO, true);
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
    sqlite3_bind_blob(sn->get, 1, key.p, (int)key.len, SQLITE_TRANSIENT);
    int rc = sqlite3_step(sn->get);
    sn->value.len = 0;
    if (rc == SQLITE_ROW)
        buf_puts(&sn->value, blob(sn->get, 0));
    sqlite3_reset(sn->get); /* a reader that stays sees an old file, and keeps the write-ahead log from ending */
    if (rc == SQLITE_DONE)
        return LOOKUP_NONE;
    if (rc != SQLITE_ROW)
        return give_up(sn, sqlite_status(rc), sqlite_means_damage(rc)), LOOKUP_FAILED;
    if (sn->value.failed)
        return give_up(sn, STATUS_NOMEM, false), LOOKUP_FAILED;
    *value = buf_str(&sn->value);
    return check_value(sn, key, value) ? LOOKUP_FOUND : LOOKUP_FAILED;
}

bool snapshot_holds(const struct snapshot *sn, const struct store *s, int64_t start, int64_t end, const struct entry *e)
{
    if (sn->folding.table.n_entries == 0)
        return true;
    struct buf key;
    buf_init(&key, 0);
    buf_putc(&key, (char)s->number);
    row_key(&key, s, start, end, entry_key(e));
    bool held = !key.failed && !table_find(&sn->folding.table, buf_str(&key), key_hash(buf_str(&key)));
    buf_free(&key);
    return held;
}

static bool each_row(struct snapshot *sn, sqlite3_stmt *stmt, snapshot_row row, void *data)
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
        ok = give_up(sn, sqlite_status(rc), sqlite_means_damage(rc));
    sqlite3_reset(stmt);
    return ok;
}

static bool between(struct snapshot *sn, bool last_first, uint32_t number, struct str from, struct str to,
                    snapshot_row row, void *data)
{
    if (!sn->exists)
        return true;
    if (!may_read(sn))
        return false;
    sqlite3_stmt *stmt = last_first ? sn->all : sn->range;
    struct buf lo, hi;
    buf_init(&lo, 0);
    buf_init(&hi, 0);
    snapshot_key(&lo, number, from);
    if (to.p)
        snapshot_key(&hi, number, to);
    else
        buf_putc(&hi, (char)(number + 1));
    sqlite3_bind_blob(stmt, 1, lo.p, (int)lo.len, SQLITE_TRANSIENT);
    sqlite3_bind_blob(stmt, 2, hi.p, (int)hi.len, SQLITE_TRANSIENT);
    bool ok = !lo.failed && !hi.failed && each_row(sn, stmt, row, data);
    buf_free(&lo);
    buf_free(&hi);
    return ok;
}

bool snapshot_range(struct snapshot *sn, uint32_t number, struct str from, struct str to, snapshot_row row, void *data)
{
    return between(sn, false, number, from, to, row, data);
}

bool snapshot_all(struct snapshot *sn, uint32_t number, snapshot_row row, void *data)
{
    return between(sn, true, number, STR("\1"), str_make(NULL, 0), row, data);
}
