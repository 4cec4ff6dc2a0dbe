/* Rows of the embedded log's tables: loading with their checksums checked, storing with them made. A row whose bits
 * have changed on disk is never believed. */
#include "topics/embedded/embedded_int.h"

#include <errno.h>
#include <xxhash.h>

/* ---- checksums ---------------------------------------------------------------------------------------- */

static int64_t topic_sum(const struct topic_row *row)
{
    int64_t numbers[5] = {row->id, row->n_partitions, row->compact, row->retention_ms, row->retention_bytes};
    return (int64_t)XXH3_64bits_withSeed(numbers, sizeof numbers, XXH3_64bits(row->name, strlen(row->name)));
}

static int64_t part_sum(const struct part_row *row)
{
    return (int64_t)XXH3_64bits_withSeed(row, sizeof *row, 1);
}

static int64_t entry_sum(const struct entry_row *row)
{
    return (int64_t)XXH3_64bits_withSeed(row, sizeof *row, 2);
}

enum status log_damaged(struct db *db, int64_t part, int64_t offset, const char *what, struct diag *d)
{
    struct diag unused = DIAG_INIT;
    struct topic_row topic = {0};
    sqlite3_stmt *s;
    bool row = false;
    if (db_statement(db, DB_TOPIC_GET, &s, &unused) == STATUS_OK) {
        sqlite3_bind_int64(s, 1, part >> PART_BITS);
        if (db_step(db, s, &row, &unused) == STATUS_OK && row && topic_row_load(db, s, &topic, &unused) != STATUS_OK)
            topic.name[0] = 0;
        sqlite3_reset(s);
    }
    return diag_set(d, STATUS_IO, "The log %s is damaged at topic %s, partition %d, offset %lld: %s",
                    embedded_name(db->log), topic.name[0] ? topic.name : "?", (int)(part & ((1 << PART_BITS) - 1)),
                    (long long)offset, what);
}

/* ---- topics ------------------------------------------------------------------------------------------- */

enum status topic_row_load(struct db *db, sqlite3_stmt *s, struct topic_row *out, struct diag *d)
{
    *out = (struct topic_row){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 2),
                              sqlite3_column_int64(s, 3), sqlite3_column_int64(s, 4), ""};
    const char *name = (const char *)sqlite3_column_text(s, 5);
    size_t len = name ? strlen(name) : 0;
    if (len <= LOG_MAX_TOPIC_NAME && len > 0)
        memcpy(out->name, name, len + 1);
    if (len > LOG_MAX_TOPIC_NAME || topic_sum(out) != sqlite3_column_int64(s, 6))
        return diag_set(d, STATUS_IO, "The log %s is damaged at the description of topic %.*s", embedded_name(db->log),
                        LOG_MAX_TOPIC_NAME, name ? name : "?");
    return STATUS_OK;
}

enum status topic_row_find(struct db *db, const char *name, struct topic_row *out, struct diag *d)
{
    sqlite3_stmt *s;
    bool row = false;
    enum status st = db_statement(db, DB_TOPIC_FIND, &s, d);
    if (st != STATUS_OK)
        return st;
    sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    st = db_step(db, s, &row, d);
    if (st == STATUS_OK)
        st = row ? topic_row_load(db, s, out, d) : STATUS_NOT_FOUND;
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return st;
}

enum status topic_row_put(struct db *db, const struct topic_row *row, struct diag *d)
{
    sqlite3_stmt *s;
    enum status st = db_statement(db, DB_TOPIC_PUT, &s, d);
    if (st != STATUS_OK)
        return st;
    int64_t numbers[5] = {row->id, row->n_partitions, row->compact, row->retention_ms, row->retention_bytes};
    for (int i = 0; i < 5; i++)
        sqlite3_bind_int64(s, i + 1, numbers[i]);
    if (row->name[0])
        sqlite3_bind_text(s, 6, row->name, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(s, 6);
    sqlite3_bind_int64(s, 7, topic_sum(row));
    st = db_step(db, s, NULL, d);
    sqlite3_clear_bindings(s);
    return st;
}

/* ---- partitions --------------------------------------------------------------------------------------- */

enum status part_get(struct db *db, int64_t id, struct part_row *out, struct diag *d)
{
    sqlite3_stmt *s;
    bool row = false;
    enum status st = db_statement(db, DB_PART_GET, &s, d);
    if (st != STATUS_OK)
        return st;
    sqlite3_bind_int64(s, 1, id);
    st = db_step(db, s, &row, d);
    if (st != STATUS_OK)
        return st;
    if (!row)
        return STATUS_NOT_FOUND;
    *out = (struct part_row){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 2),
                             sqlite3_column_int64(s, 3), sqlite3_column_int64(s, 4), sqlite3_column_int64(s, 5)};
    bool is_right = out->id == id && part_sum(out) == sqlite3_column_int64(s, 6);
    sqlite3_reset(s);
    return is_right ? STATUS_OK : log_damaged(db, id, 0, "the description of the partition", d);
}

enum status part_put(struct db *db, const struct part_row *row, struct diag *d)
{
    sqlite3_stmt *s;
    enum status st = db_statement(db, DB_PART_PUT, &s, d);
    if (st != STATUS_OK)
        return st;
    int64_t numbers[7] = {row->id, row->start, row->stop, row->bytes, row->clean, row->clean_bytes, part_sum(row)};
    for (int i = 0; i < 7; i++)
        sqlite3_bind_int64(s, i + 1, numbers[i]);
    return db_step(db, s, NULL, d);
}

enum status part_find(struct db *db, const char *name, int32_t partition, struct topic_row *topic, struct part_row *out,
                      struct diag *d)
{
    enum status st = topic_row_find(db, name, topic, d);
    if (st == STATUS_NOT_FOUND)
        return diag_set(d, st, "There is no topic %s", name);
    if (st != STATUS_OK)
        return st;
    if (partition >= topic->n_partitions)
        return diag_set(d, STATUS_NOT_FOUND, "There is no partition %d of topic %s", partition, name);
    st = part_get(db, part_id(topic->id, partition), out, d);
    if (st == STATUS_NOT_FOUND)
        return log_damaged(db, part_id(topic->id, partition), 0, "the description of the partition is missing", d);
    return st;
}

/* ---- entries and chunks ------------------------------------------------------------------------------- */

enum status entry_from(struct db *db, int64_t part, int64_t offset, sqlite3_stmt **out, struct diag *d)
{
    enum status st = db_statement(db, DB_ENTRY_FROM, out, d);
    if (st == STATUS_OK) {
        sqlite3_bind_int64(*out, 1, part);
        sqlite3_bind_int64(*out, 2, offset);
    }
    return st;
}

enum status entry_next(struct db *db, sqlite3_stmt *s, struct entry_row *out, bool *more, struct diag *d)
{
    enum status st = db_step(db, s, more, d);
    if (st != STATUS_OK || !*more)
        return st;
    int64_t n[10];
    for (int i = 0; i < 10; i++)
        n[i] = sqlite3_column_int64(s, i);
    *out = (struct entry_row){n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8]};
    if (entry_sum(out) != n[9]) {
        sqlite3_reset(s);
        return log_damaged(db, out->part, out->last, "the checksum of an index entry is wrong", d);
    }
    return STATUS_OK;
}

enum status entry_put(struct db *db, const struct entry_row *row, struct diag *d)
{
    sqlite3_stmt *s;
    enum status st = db_statement(db, DB_ENTRY_PUT, &s, d);
    if (st != STATUS_OK)
        return st;
    int64_t n[10] = {row->part,   row->last, row->base,  row->n,    row->bytes,
                     row->max_ts, row->born, row->chunk, row->hash, entry_sum(row)};
    for (int i = 0; i < 10; i++)
        sqlite3_bind_int64(s, i + 1, n[i]);
    return db_step(db, s, NULL, d);
}

enum status entry_remove(struct db *db, const struct entry_row *row, struct diag *d)
{
    sqlite3_stmt *s;
    enum status st = db_statement(db, DB_ENTRY_REMOVE, &s, d);
    if (st != STATUS_OK)
        return st;
    sqlite3_bind_int64(s, 1, row->part);
    sqlite3_bind_int64(s, 2, row->last);
    st = db_step(db, s, NULL, d);
    if (st != STATUS_OK || row->n == 0)
        return st;
    st = db_statement(db, DB_CHUNK_REMOVE, &s, d);
    if (st != STATUS_OK)
        return st;
    sqlite3_bind_int64(s, 1, row->chunk);
    return db_step(db, s, NULL, d);
}

enum status chunk_put(struct db *db, struct entry_row *row, const struct chunk_blob *blob, struct diag *d)
{
    sqlite3_stmt *s;
    enum status st = db_statement(db, DB_CHUNK_PUT, &s, d);
    if (st != STATUS_OK)
        return st;
    sqlite3_bind_blob64(s, 1, blob->p, blob->size, SQLITE_STATIC);
    st = db_step(db, s, NULL, d);
    sqlite3_clear_bindings(s);
    if (st != STATUS_OK)
        return st;
    row->n = blob->n;
    row->bytes = (int64_t)blob->length;
    row->max_ts = blob->max_ts;
    row->hash = (int64_t)blob->hash;
    row->chunk = sqlite3_last_insert_rowid(db->handle);
    return entry_put(db, row, d);
}

/* The stored bytes become the chunk at `to`, once they are known to be right. They may lie there already. */
static enum status take_stored(struct db *db, const struct entry_row *row, const void *stored, size_t size, char *to,
                               struct diag *d)
{
    if ((int64_t)chunk_hash(stored, size) != row->hash)
        return log_damaged(db, row->part, row->base, "the checksum of the records is wrong", d);
    if (size < (size_t)row->bytes)
        return chunk_unpack(stored, size, to, (size_t)row->bytes)
                   ? STATUS_OK
                   : log_damaged(db, row->part, row->base, "the records are malformed", d);
    if (stored != to)
        memcpy(to, stored, size);
    return STATUS_OK;
}

static enum status read_blob(struct db *db, const struct entry_row *row, sqlite3_blob *blob, char *to, struct diag *d)
{
    size_t size = (size_t)sqlite3_blob_bytes(blob);
    if (size > (size_t)row->bytes)
        return log_damaged(db, row->part, row->base, "records are missing", d);
    char *packed = size < (size_t)row->bytes ? mem_alloc(size + 1) : NULL;
    if (!packed && size < (size_t)row->bytes)
        return diag_nomem(d);
    errno = 0;
    int rc = sqlite3_blob_read(blob, packed ? packed : to, (int)size, 0);
    enum status st = rc == SQLITE_OK ? take_stored(db, row, packed ? packed : to, size, to, d) : db_error(db, rc, d);
    mem_free(packed);
    return st;
}

/* Large blobs are copied straight from the pages; small ones are cheaper through a statement. */
static enum status read_large(struct db *db, const struct entry_row *row, char *to, struct diag *d)
{
    sqlite3_blob *blob = NULL;
    enum status st;
    int rc = sqlite3_blob_open(db->handle, "main", "chunk", "data", row->chunk, 0, &blob);
    if (rc == SQLITE_OK)
        st = read_blob(db, row, blob, to, d);
    else if (rc == SQLITE_ERROR) /* no such row */
        st = log_damaged(db, row->part, row->base, "records are missing", d);
    else
        st = db_error(db, rc, d);
    sqlite3_blob_close(blob);
    return st;
}

static enum status read_small(struct db *db, const struct entry_row *row, char *to, struct diag *d)
{
    sqlite3_stmt *s;
    bool found = false;
    enum status st = db_statement(db, DB_CHUNK_GET, &s, d);
    if (st != STATUS_OK)
        return st;
    sqlite3_bind_int64(s, 1, row->chunk);
    st = db_step(db, s, &found, d);
    if (st != STATUS_OK)
        return st;
    const void *p = found ? sqlite3_column_blob(s, 0) : NULL;
    if (p && sqlite3_column_bytes(s, 0) <= row->bytes)
        st = take_stored(db, row, p, (size_t)sqlite3_column_bytes(s, 0), to, d);
    else
        st = sqlite3_errcode(db->handle) == SQLITE_NOMEM
                 ? diag_nomem(d)
                 : log_damaged(db, row->part, row->base, "records are missing", d);
    sqlite3_reset(s);
    return st;
}

enum status chunk_get(struct db *db, const struct entry_row *row, char *to, struct diag *d)
{
    enum { LARGE = 128 << 10 };
    return row->bytes >= LARGE ? read_large(db, row, to, d) : read_small(db, row, to, d);
}
