/* Topics of the embedded log: create, delete, describe, list, offsets, truncate. */
#include "topics/embedded/embedded_int.h"

static const int64_t default_retention_ms = INT64_C(7) * 24 * 3600 * 1000; /* as a Kafka broker's */

/* ---- changing ----------------------------------------------------------------------------------------- */

static enum status insert_topic(struct db *db, const struct topic_spec *spec, struct diag *d)
{
    struct topic_row row = {0};
    enum status st = topic_row_find(db, spec->name, &row, d);
    if (st == STATUS_OK)
        return diag_set(d, STATUS_EXISTS, "Topic %s exists already", spec->name);
    if (st != STATUS_NOT_FOUND)
        return st;
    row = (struct topic_row){
        .n_partitions = spec->n_partitions,
        .compact = spec->compact,
        .retention_ms = spec->retention_ms ? spec->retention_ms
                        : spec->compact    ? -1
                                           : default_retention_ms,
        .retention_bytes = spec->retention_bytes ? spec->retention_bytes : -1,
    };
    memcpy(row.name, spec->name, strlen(spec->name) + 1);
    st = db_number(db, DB_TOPIC_NEXT_ID, &row.id, d);
    if (st == STATUS_OK)
        st = topic_row_put(db, &row, d);
    for (int32_t p = 0; p < spec->n_partitions && st == STATUS_OK; p++)
        st = part_put(db, &(struct part_row){.id = part_id(row.id, p)}, d);
    return st;
}

enum status embedded_topic_create(struct log *log, const struct topic_spec *spec, struct diag *d)
{
    struct embedded *e = embedded_of(log);
    enum status st = write_begin(e, d);
    return st != STATUS_OK ? st : write_end(e, insert_topic(&e->writing, spec, d), d);
}

/* The topic loses its name and its partitions at once, its records step by step. */
static enum status delete_topic(struct embedded *e, const char *name, bool *more, struct diag *d)
{
    struct topic_row row;
    sqlite3_stmt *s;
    enum status st = topic_row_find(&e->writing, name, &row, d);
    if (st == STATUS_NOT_FOUND)
        return diag_set(d, st, "There is no topic %s", name);
    TRY(st);
    row.name[0] = 0;
    TRY(topic_row_put(&e->writing, &row, d));
    TRY(db_statement(&e->writing, DB_PART_REMOVE, &s, d));
    sqlite3_bind_int64(s, 1, part_id(row.id, 0));
    sqlite3_bind_int64(s, 2, part_id(row.id + 1, 0) - 1);
    TRY(db_step(&e->writing, s, NULL, d));
    st = remove_deleted_topic(e, more, d);
done:
    return st;
}

enum status embedded_topic_delete(struct log *log, const char *name, struct diag *d)
{
    struct embedded *e = embedded_of(log);
    bool more = false;
    enum status st = write_begin(e, d);
    if (st != STATUS_OK)
        return st;
    st = write_end(e, delete_topic(e, name, &more, d), d);
    if (st == STATUS_OK)
        house_note(e);
    return st;
}

static enum status truncate_part(struct embedded *e, const char *name, int32_t partition, int64_t offset,
                                 struct diag *d)
{
    struct topic_row topic;
    struct part_row part;
    bool more = false;
    enum status st = part_find(&e->writing, name, partition, &topic, &part, d);
    if (st != STATUS_OK)
        return st;
    if (offset > part.stop)
        return diag_set(d, STATUS_INVALID, "Topic %s, partition %d ends at offset %lld, it cannot be truncated to %lld",
                        name, partition, (long long)part.stop, (long long)offset);
    if (offset <= part.start)
        return STATUS_OK;
    part.start = offset;
    st = remove_below_start(&e->writing, &part, &more, d);
    return st == STATUS_OK ? part_put(&e->writing, &part, d) : st;
}

enum status embedded_topic_truncate(struct log *log, const char *name, int32_t partition, int64_t offset,
                                    struct diag *d)
{
    struct embedded *e = embedded_of(log);
    enum status st = write_begin(e, d);
    if (st != STATUS_OK)
        return st;
    st = write_end(e, truncate_part(e, name, partition, offset, d), d);
    if (st == STATUS_OK)
        house_note(e);
    return st;
}

/* ---- looking up --------------------------------------------------------------------------------------- */

static enum status query_begin(struct embedded *e, struct diag *d)
{
    pthread_mutex_lock(&e->query_mutex);
    enum status st = db_read_begin(&e->query, d);
    if (st != STATUS_OK)
        pthread_mutex_unlock(&e->query_mutex);
    return st;
}

static void query_end(struct embedded *e)
{
    db_read_end(&e->query);
    pthread_mutex_unlock(&e->query_mutex);
}

static struct topic_spec spec_of(const struct topic_row *row, const char *name)
{
    return (struct topic_spec){
        name, (int32_t)row->n_partitions, 1, row->compact != 0, row->retention_ms, row->retention_bytes};
}

enum status topic_look_up(struct embedded *log, const char *name, struct topic_row *out, struct diag *d)
{
    enum status st = query_begin(log, d);
    if (st != STATUS_OK)
        return st;
    st = topic_row_find(&log->query, name, out, d);
    query_end(log);
    return st;
}

enum status embedded_topic_describe(struct log *log, const char *name, struct topic_spec *out, struct diag *d)
{
    struct topic_row row;
    enum status st = topic_look_up(embedded_of(log), name, &row, d);
    if (st == STATUS_OK)
        *out = spec_of(&row, name);
    return st;
}

static enum status list_next(struct db *db, sqlite3_stmt *s, struct arena *a, struct topic_spec *out, bool *more,
                             struct diag *d)
{
    struct topic_row row;
    enum status st = db_step(db, s, more, d);
    if (st != STATUS_OK || !*more)
        return st;
    st = topic_row_load(db, s, &row, d);
    if (st != STATUS_OK)
        return st;
    const char *name = str_dup(a, str_from(row.name)).p;
    if (!name)
        return diag_nomem(d);
    *out = spec_of(&row, name);
    return STATUS_OK;
}

static enum status list_all(struct db *db, struct arena *a, struct topic_spec **out, size_t *n, struct diag *d)
{
    sqlite3_stmt *s;
    bool more = true;
    size_t cap = 0;
    enum status st = db_statement(db, DB_TOPIC_LIST, &s, d);
    if (st != STATUS_OK)
        return st;
    while (st == STATUS_OK) {
        if (*n == cap) {
            cap = cap ? cap * 2 : 16;
            struct topic_spec *grown = arena_alloc(a, cap * sizeof *grown);
            if (!grown) {
                st = diag_nomem(d);
                break;
            }
            if (*n)
                memcpy(grown, *out, *n * sizeof *grown);
            *out = grown;
        }
        st = list_next(db, s, a, &(*out)[*n], &more, d);
        if (!more)
            break;
        *n += st == STATUS_OK;
    }
    sqlite3_reset(s);
    return st;
}

enum status embedded_topic_list(struct log *log, struct arena *a, struct topic_spec **out, size_t *n, struct diag *d)
{
    struct embedded *e = embedded_of(log);
    enum status st = query_begin(e, d);
    if (st != STATUS_OK)
        return st;
    st = list_all(&e->query, a, out, n, d);
    query_end(e);
    return st;
}

enum status embedded_topic_offsets(struct log *log, const char *name, int32_t partition, int64_t *begin, int64_t *end,
                                   int64_t *uncommitted_end, struct diag *d)
{
    struct embedded *e = embedded_of(log);
    struct topic_row topic;
    struct part_row part;
    enum status st = query_begin(e, d);
    if (st != STATUS_OK)
        return st;
    st = part_find(&e->query, name, partition, &topic, &part, d);
    query_end(e);
    if (st == STATUS_OK) {
        *begin = part.start;
        *end = *uncommitted_end = part.stop;
    }
    return st;
}

/* ---- offset for time ---------------------------------------------------------------------------------- */

/* The first record of the chunk from `start` on with this timestamp or a later one. */
static enum status search_chunk(struct db *db, const struct entry_row *entry, int64_t start, int64_t ts, bool *found,
                                int64_t *offset, struct diag *d)
{
    struct chunk_cursor c;
    struct record r;
    struct arena headers;
    arena_init(&headers, 0);
    char *blob = mem_alloc((size_t)entry->bytes);
    enum status st = blob ? chunk_get(db, entry, blob, d) : diag_nomem(d);
    if (st == STATUS_OK && (!chunk_open(&c, blob, (size_t)entry->bytes, entry->base) || chunk_seek(&c, start)))
        st = STATUS_DATA;
    while (st == STATUS_OK && c.i < c.n && !*found) {
        st = chunk_next(&c, &r, &headers);
        if (st == STATUS_OK && r.ts >= ts) {
            *found = true;
            *offset = r.offset;
        }
    }
    if (st == STATUS_DATA)
        st = log_damaged(db, entry->part, entry->base, "the records are malformed", d);
    arena_free(&headers);
    mem_free(blob);
    return st;
}

static enum status search_time(struct db *db, const struct part_row *part, int64_t ts, int64_t *offset, struct diag *d)
{
    sqlite3_stmt *s;
    struct entry_row entry;
    bool more = true, found = false;
    *offset = part->stop;
    enum status st = entry_from(db, part->id, part->start, &s, d);
    if (st != STATUS_OK)
        return st;
    while (!found && (st = entry_next(db, s, &entry, &more, d)) == STATUS_OK && more)
        if (entry.n > 0 && entry.max_ts >= ts && (st = search_chunk(db, &entry, part->start, ts, &found, offset, d)))
            break;
    sqlite3_reset(s);
    return st;
}

enum status embedded_topic_offset_for_time(struct log *log, const char *name, int32_t partition, int64_t ts,
                                           int64_t *offset, struct diag *d)
{
    struct embedded *e = embedded_of(log);
    struct topic_row topic;
    struct part_row part;
    enum status st = query_begin(e, d);
    if (st != STATUS_OK)
        return st;
    st = part_find(&e->query, name, partition, &topic, &part, d);
    if (st == STATUS_OK)
        st = search_time(&e->query, &part, ts, offset, d);
    query_end(e);
    return st;
}
