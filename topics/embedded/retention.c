/* Removing old records: below a partition's start (after a truncation), by the topic's limits of time and bytes, and of
 * deleted topics. The age of records is how long the log has held them: timestamps in records may say anything. */
#include "topics/embedded/embedded_int.h"

void part_forget(struct part_row *part, const struct entry_row *entry)
{
    part->bytes -= entry->bytes;
    if (entry->last < part->clean)
        part->clean_bytes = part->clean_bytes > entry->bytes ? part->clean_bytes - entry->bytes : 0;
}

enum status remove_below_start(struct db *db, struct part_row *part, bool *more, struct diag *d)
{
    int64_t bytes = 0;
    *more = false;
    if (part->clean < part->start)
        part->clean = part->start;
    for (int i = 0;; i++) {
        sqlite3_stmt *s;
        struct entry_row entry;
        bool row;
        enum status st = entry_from(db, part->id, 0, &s, d);
        if (st == STATUS_OK)
            st = entry_next(db, s, &entry, &row, d);
        if (st != STATUS_OK || !row)
            return st;
        sqlite3_reset(s);
        if (entry.last >= part->start)
            return STATUS_OK;
        *more = i >= STEP_ENTRIES || bytes >= STEP_BYTES;
        if (*more)
            return STATUS_OK;
        st = entry_remove(db, &entry, d);
        if (st != STATUS_OK)
            return st;
        part_forget(part, &entry);
        bytes += entry.bytes;
    }
}

enum status apply_retention(struct db *db, const struct topic_row *topic, struct part_row *part, int64_t now_ms,
                            struct diag *d)
{
    sqlite3_stmt *s;
    struct entry_row entry;
    bool row = true;
    int64_t left = part->bytes;
    enum status st = entry_from(db, part->id, part->start, &s, d);
    while (st == STATUS_OK && (st = entry_next(db, s, &entry, &row, d)) == STATUS_OK && row) {
        bool too_old = topic->retention_ms >= 0 && now_ms - entry.born > topic->retention_ms;
        bool too_much = topic->retention_bytes >= 0 && left - entry.bytes >= topic->retention_bytes;
        if (!too_old && !too_much)
            break;
        left -= entry.bytes;
        part->start = entry.last + 1;
    }
    sqlite3_reset(s);
    return st;
}

static enum status remove_range(struct db *db, int64_t first, int64_t last, bool *more, struct diag *d)
{
    int64_t bytes = 0;
    for (int i = 0;; i++) {
        sqlite3_stmt *s;
        struct entry_row entry;
        bool row;
        enum status st = db_statement(db, DB_ENTRY_RANGE, &s, d);
        if (st != STATUS_OK)
            return st;
        sqlite3_bind_int64(s, 1, first);
        sqlite3_bind_int64(s, 2, last);
        st = entry_next(db, s, &entry, &row, d);
        if (st != STATUS_OK || !row)
            return st;
        sqlite3_reset(s);
        *more = i >= STEP_ENTRIES || bytes >= STEP_BYTES;
        if (*more)
            return STATUS_OK;
        st = entry_remove(db, &entry, d);
        if (st != STATUS_OK)
            return st;
        bytes += entry.bytes;
    }
}

enum status remove_deleted_topic(struct embedded *log, bool *more, struct diag *d)
{
    struct db *db = &log->writing;
    struct topic_row topic;
    sqlite3_stmt *s;
    bool row;
    *more = false;
    enum status st = db_statement(db, DB_TOPIC_NAMELESS, &s, d);
    if (st == STATUS_OK)
        st = db_step(db, s, &row, d);
    if (st != STATUS_OK || !row)
        return st;
    st = topic_row_load(db, s, &topic, d);
    sqlite3_reset(s);
    if (st == STATUS_OK)
        st = remove_range(db, part_id(topic.id, 0), part_id(topic.id + 1, 0) - 1, more, d);
    if (st != STATUS_OK || *more)
        return st;
    *more = true; /* perhaps another topic */
    st = db_statement(db, DB_TOPIC_REMOVE, &s, d);
    if (st != STATUS_OK)
        return st;
    sqlite3_bind_int64(s, 1, topic.id);
    return db_step(db, s, NULL, d);
}
