/* Compaction: of every key the last record stays, offsets do not change, tombstones go after TOMBSTONE_MS.
 *
 * A partition is read once, for the keys and offsets of its records (superseded.h), on a connection of its own and in
 * short read transactions. What is superseded then is so for ever, whatever happens to the partition meanwhile. Chunks
 * are put together anew where that gains enough, again beside the writers; only to store a new chunk instead of old
 * ones there is a write transaction, which makes sure that those are still the same. A tombstone goes when nothing
 * older with its key is left, and the very last record of a partition stays, so that readers get to its end. So each
 * step is right by itself, and a crash between steps only means to start over. */
#include "topics/embedded/superseded.h"

enum {
    DUE_BYTES = 256 << 10, /* it is not worth while for less */
    GAIN = 4,              /* a chunk is rewritten if a fourth of its records goes */
    LARGE_RECORDS = CHUNK_MAX_RECORDS / 2,
    LARGE_BYTES = CHUNK_FULL_BYTES / 2,
    JOIN_MS = 6 * 3600 * 1000, /* chunks are joined only if of like age: a tombstone's age is its chunk's */
    GROUP_ENTRIES = 256,       /* for one new chunk; so that the write transaction is short */
    GROUP_BYTES = 2 << 20,
    KEEP_BYTES = 2 << 20, /* of memory for a chunk, from one to the next */
    READING_CACHE_KIB = 256,
};

struct group { /* neighbouring chunks that may become one */
    struct entry_row entries[GROUP_ENTRIES];
    uint32_t n;
    int64_t records, goes; /* those there are, and those of them that are marked */
    int64_t most;          /* the most records that stay of one chunk */
    int64_t stays;         /* bytes that stay, by and large */
    int64_t bytes, born;
};
enum phase { SCAN, MARK, BUILD, REPLACE, FINISH };
struct compaction {
    struct embedded *log;
    struct db reading;
    int64_t part, now_ms;
    bool all; /* however little there is to gain */
    enum phase phase;
    int64_t start, upto; /* the partition as it began */
    int64_t cursor;      /* next offset to look at */
    int64_t window_end;  /* up to where `marks` tell */
    int bucket;          /* next to be looked through */
    struct notes notes;
    struct marks marks;
    struct group group;
    struct chunk_builder builder; /* what stays of the group */
    char *chunk;                  /* the one that is being read */
    size_t chunk_cap;
};

/* As Kafka's min.cleanable.dirty.ratio of 0.5: a partition is not read before it has doubled. */
bool compaction_is_due(const struct part_row *part)
{
    int64_t dirty = part->bytes - part->clean_bytes;
    return dirty >= DUE_BYTES && dirty >= part->clean_bytes;
}

/* ---- reading chunks ----------------------------------------------------------------------------------- */

typedef enum status visit_fn(struct compaction *c, const struct entry_row *entry, const struct record *r,
                             struct diag *d);

static enum status load_chunk(struct compaction *c, const struct entry_row *entry, struct diag *d)
{
    size_t size = (size_t)entry->bytes;
    if (size > c->chunk_cap || c->chunk_cap > KEEP_BYTES) {
        mem_free(c->chunk);
        c->chunk_cap = size > CHUNK_FULL_BYTES / 4 ? size : CHUNK_FULL_BYTES / 4;
        c->chunk = mem_alloc(c->chunk_cap);
        if (!c->chunk) {
            c->chunk_cap = 0;
            return diag_nomem(d);
        }
    }
    return chunk_get(&c->reading, entry, c->chunk, d);
}

/* Calls `visit` with each record of a chunk. */
static enum status each_record(struct compaction *c, const struct entry_row *entry, visit_fn *visit, struct diag *d)
{
    struct chunk_cursor at;
    struct record r;
    struct arena headers;
    if (entry->n == 0)
        return STATUS_OK;
    arena_init(&headers, 0);
    enum status st = load_chunk(c, entry, d);
    if (st == STATUS_OK && !chunk_open(&at, c->chunk, (size_t)entry->bytes, entry->base))
        st = STATUS_DATA;
    while (st == STATUS_OK && at.i < at.n) {
        st = chunk_next(&at, &r, &headers);
        if (st == STATUS_OK && (r.offset < entry->base || r.offset > entry->last))
            st = STATUS_DATA;
        if (st == STATUS_OK)
            st = visit(c, entry, &r, d);
    }
    if (st == STATUS_DATA)
        st = log_damaged(&c->reading, entry->part, entry->base, "the records are malformed", d);
    arena_free(&headers);
    return st == STATUS_NOMEM ? diag_nomem(d) : st;
}

/* ---- the scan ----------------------------------------------------------------------------------------- */

static enum status note_record(struct compaction *c, const struct entry_row *entry, const struct record *r,
                               struct diag *d)
{
    if (!r->key.p || r->offset < c->cursor) /* another process may have joined a chunk with those before it */
        return STATUS_OK;
    bool is_expired = !r->value.p && c->now_ms - entry->born > TOMBSTONE_MS;
    return notes_add(&c->notes, r->key, r->offset, is_expired && r->offset != c->upto - 1, d);
}

static enum status scan_entries(struct compaction *c, struct diag *d)
{
    sqlite3_stmt *s;
    struct entry_row entry;
    bool row = true;
    int64_t bytes = 0;
    enum status st = entry_from(&c->reading, c->part, c->cursor, &s, d);
    while (st == STATUS_OK && c->cursor < c->upto && bytes < STEP_BYTES) {
        st = entry_next(&c->reading, s, &entry, &row, d);
        if (st != STATUS_OK || !row || entry.last >= c->upto)
            break;
        st = each_record(c, &entry, note_record, d);
        c->cursor = entry.last + 1;
        bytes += entry.bytes + 1024;
    }
    sqlite3_reset(s);
    if (bytes == 0)
        c->cursor = c->upto; /* retention has removed the rest */
    return st;
}

/* The next window begins at `from`. */
static enum status begin_window(struct compaction *c, int64_t from, struct diag *d)
{
    int64_t n = c->upto - from < c->log->compact_window ? c->upto - from : c->log->compact_window;
    c->phase = MARK;
    c->bucket = 0;
    return marks_start(&c->marks, from, n) ? STATUS_OK : diag_nomem(d);
}

static enum status scan_step(struct compaction *c, struct diag *d)
{
    enum status st = db_read_begin(&c->reading, d);
    if (st != STATUS_OK)
        return st;
    st = scan_entries(c, d);
    db_read_end(&c->reading);
    if (st != STATUS_OK || c->cursor < c->upto)
        return st;
    c->cursor = 0;
    return begin_window(c, c->start, d);
}

static enum status mark_step(struct compaction *c, struct diag *d)
{
    enum status st = notes_mark(&c->notes, c->bucket, &c->marks, d);
    if (++c->bucket == NOTE_BUCKETS) {
        c->phase = BUILD;
        c->window_end = c->marks.next < c->upto ? c->marks.next : c->upto;
    }
    return st;
}

/* ---- groups ------------------------------------------------------------------------------------------- */

/* By and large: another process may have removed marked records already. */
static int64_t count_going(const struct compaction *c, const struct entry_row *e)
{
    int64_t n = e->n ? marks_count(&c->marks, e->base, e->last) : 0;
    return n < e->n ? n : e->n;
}

/* For certain, and without a look into the chunk. */
static bool goes_whole(const struct compaction *c, const struct entry_row *e)
{
    return e->last - e->base + 1 == e->n && count_going(c, e) == e->n;
}

static int64_t bytes_staying(const struct entry_row *e, int64_t goes)
{
    return e->n ? (int64_t)((double)e->bytes * (double)(e->n - goes) / (double)e->n) : 0;
}

/* A large chunk of which little goes: it is left as it is, and ends a group. */
static bool stands_alone(const struct compaction *c, const struct entry_row *e, int64_t goes)
{
    return !c->all && goes * GAIN < e->n && (e->n - goes >= LARGE_RECORDS || bytes_staying(e, goes) >= LARGE_BYTES);
}

static bool group_takes(const struct compaction *c, const struct entry_row *e, int64_t goes)
{
    const struct group *g = &c->group;
    if (g->n == 0)
        return true;
    int64_t apart = e->born > g->born ? e->born - g->born : g->born - e->born;
    bool are_old = c->now_ms - e->born > TOMBSTONE_MS && c->now_ms - g->born > TOMBSTONE_MS;
    return g->n < GROUP_ENTRIES && g->records - g->goes + e->n - goes <= CHUNK_MAX_RECORDS &&
           g->stays + bytes_staying(e, goes) <= CHUNK_FULL_BYTES && g->bytes + e->bytes <= GROUP_BYTES &&
           (apart <= JOIN_MS || are_old);
}

static void group_add(struct group *g, const struct entry_row *e, int64_t goes)
{
    if (g->n == 0 || e->born > g->born)
        g->born = e->born;
    g->entries[g->n++] = *e;
    g->records += e->n;
    g->goes += goes;
    g->stays += bytes_staying(e, goes);
    g->bytes += e->bytes;
    if (e->n - goes > g->most)
        g->most = e->n - goes;
}

/* Enough goes; or it makes one chunk of several, none of which has more than half of the records: so a record is copied
 * for that no more often than its chunk can double. */
static bool is_worthwhile(const struct compaction *c)
{
    const struct group *g = &c->group;
    if (c->all)
        return g->goes > 0 || g->n > 1;
    return (g->goes > 0 && g->goes * GAIN >= g->records) || (g->n > 1 && g->most * 2 <= g->records - g->goes);
}

/* Collects the next entries that may become one, from the cursor on; the cursor goes behind them. */
static enum status next_group(struct compaction *c, int *looked_at, struct diag *d)
{
    sqlite3_stmt *s;
    struct entry_row e;
    bool row;
    struct group *g = &c->group;
    g->n = 0;
    g->records = g->goes = g->most = g->stays = g->bytes = g->born = 0;
    enum status st = entry_from(&c->reading, c->part, c->cursor, &s, d);
    while (st == STATUS_OK && *looked_at < STEP_ENTRIES) {
        st = entry_next(&c->reading, s, &e, &row, d);
        if (st != STATUS_OK)
            break;
        if (!row || e.base >= c->window_end || e.last >= c->upto) {
            *looked_at = g->n ? *looked_at : STEP_ENTRIES;
            c->cursor = g->n ? c->cursor : c->window_end;
            break;
        }
        int64_t goes = count_going(c, &e);
        bool is_alone = stands_alone(c, &e, goes);
        if (g->n && (is_alone || !group_takes(c, &e, goes)))
            break;
        if (!is_alone)
            group_add(g, &e, goes);
        c->cursor = e.last + 1;
        ++*looked_at;
    }
    sqlite3_reset(s);
    return st;
}

/* ---- rewriting ---------------------------------------------------------------------------------------- */

static enum status keep_record(struct compaction *c, const struct entry_row *entry, const struct record *r,
                               struct diag *d)
{
    (void)entry;
    (void)d;
    if (marks_has(&c->marks, r->offset) || (r->offset < c->start && r->offset != c->upto - 1))
        return STATUS_OK;
    uint64_t gap = (uint64_t)(r->offset - c->group.entries[0].base) - c->builder.n;
    return chunk_add(&c->builder, r, r->ts, gap) ? STATUS_OK : STATUS_NOMEM;
}

static enum status build_group(struct compaction *c, struct diag *d)
{
    enum status st = STATUS_OK;
    if (chunk_builder_memory(&c->builder) > 2 * KEEP_BYTES)
        chunk_builder_free(&c->builder);
    chunk_builder_reset(&c->builder);
    for (uint32_t i = 0; i < c->group.n && st == STATUS_OK; i++) {
        const struct entry_row *e = &c->group.entries[i];
        if (!goes_whole(c, e))
            st = each_record(c, e, keep_record, d);
    }
    return st;
}

static enum status build_step(struct compaction *c, struct diag *d)
{
    int looked_at = 0;
    enum status st = db_read_begin(&c->reading, d);
    if (st != STATUS_OK)
        return st;
    while (st == STATUS_OK && c->phase == BUILD && looked_at < STEP_ENTRIES) {
        st = next_group(c, &looked_at, d);
        if (st == STATUS_OK && c->group.n && is_worthwhile(c)) {
            st = build_group(c, d);
            c->phase = REPLACE;
        }
    }
    db_read_end(&c->reading);
    if (st != STATUS_OK || c->phase == REPLACE || c->cursor < c->window_end)
        return st;
    if (c->window_end < c->upto) {
        c->cursor = c->window_end; /* a chunk on the border is looked at twice */
        return begin_window(c, c->window_end, d);
    }
    c->phase = FINISH;
    return STATUS_OK;
}

/* Is the partition still as it was read? Under the write transaction. */
static enum status check_group(struct compaction *c, bool *is_same, struct diag *d)
{
    sqlite3_stmt *s;
    struct entry_row e;
    const struct group *g = &c->group;
    *is_same = true;
    enum status st = entry_from(&c->log->writing, c->part, g->entries[0].base, &s, d);
    for (uint32_t i = 0; st == STATUS_OK && *is_same && i < g->n; i++) {
        bool row;
        st = entry_next(&c->log->writing, s, &e, &row, d);
        *is_same = st == STATUS_OK && row && memcmp(&e, &g->entries[i], sizeof e) == 0;
    }
    sqlite3_reset(s);
    return st;
}

static enum status store_group(struct compaction *c, struct part_row *part, const struct chunk_blob *blob,
                               struct diag *d)
{
    struct db *db = &c->log->writing;
    const struct group *g = &c->group;
    struct entry_row joined = {
        .part = part->id, .base = g->entries[0].base, .last = g->entries[g->n - 1].last, .born = g->born};
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < g->n && st == STATUS_OK; i++) {
        st = entry_remove(db, &g->entries[i], d);
        part_forget(part, &g->entries[i]);
    }
    if (st == STATUS_OK)
        st = blob->n ? chunk_put(db, &joined, blob, d) : entry_put(db, &joined, d);
    part->bytes += joined.bytes;
    if (joined.last < part->clean)
        part->clean_bytes += joined.bytes;
    return st == STATUS_OK ? part_put(db, part, d) : st;
}

/* What has changed meanwhile is left as it is: retention or another process was there. */
static enum status replace_step(struct compaction *c, struct diag *d)
{
    struct part_row part;
    struct chunk_blob blob = {0};
    bool is_same = false;
    if (c->builder.n && !chunk_seal(&c->builder, c->log->path != NULL, &blob))
        return diag_nomem(d);
    enum status st = write_begin(c->log, d);
    if (st == STATUS_OK) {
        st = part_get(&c->log->writing, c->part, &part, d);
        if (st == STATUS_OK)
            st = check_group(c, &is_same, d);
        if (st == STATUS_OK && is_same)
            st = store_group(c, &part, &blob, d);
        bool is_void = st == STATUS_OK && !is_same;
        st = write_end(c->log, is_void ? STATUS_CANCELLED : st, d);
        st = is_void ? STATUS_OK : st;
    }
    mem_free(blob.p);
    c->phase = BUILD;
    return st;
}

static enum status finish_step(struct compaction *c, struct diag *d)
{
    struct db *db = &c->log->writing;
    sqlite3_stmt *s;
    struct entry_row entry;
    struct part_row part;
    bool row = true;
    int64_t dirty = 0;
    enum status st = write_begin(c->log, d);
    if (st != STATUS_OK)
        return st;
    st = part_get(db, c->part, &part, d);
    if (st == STATUS_OK)
        st = entry_from(db, c->part, c->upto, &s, d);
    while (st == STATUS_OK && (st = entry_next(db, s, &entry, &row, d)) == STATUS_OK && row)
        dirty += entry.bytes;
    if (st == STATUS_OK) {
        part.clean = part.clean < c->upto ? c->upto : part.clean;
        part.clean_bytes = part.bytes - dirty;
        st = part_put(db, &part, d);
    }
    return write_end(c->log, st, d);
}

/* ---- a run -------------------------------------------------------------------------------------------- */

static enum status read_part(struct compaction *c, struct diag *d)
{
    struct part_row part;
    enum status st = db_open(c->log, &c->reading, READING_CACHE_KIB, d);
    if (st == STATUS_OK)
        st = db_read_begin(&c->reading, d);
    if (st != STATUS_OK)
        return st;
    st = part_get(&c->reading, c->part, &part, d);
    db_read_end(&c->reading);
    if (st == STATUS_OK) {
        c->cursor = c->start = part.start;
        c->upto = part.stop;
    }
    return st;
}

enum status compaction_create(struct embedded *log, int64_t part, int64_t now_ms, bool all, struct compaction **out,
                              struct diag *d)
{
    struct compaction *c = mem_calloc(1, sizeof *c);
    *out = NULL;
    if (!c)
        return diag_nomem(d);
    c->log = log;
    c->part = part;
    c->now_ms = now_ms;
    c->all = all;
    notes_init(&c->notes, log);
    chunk_builder_init(&c->builder);
    enum status st = read_part(c, d);
    if (st == STATUS_OK)
        *out = c;
    else
        compaction_destroy(c);
    return st;
}

enum status compaction_step(struct compaction *c, bool *more, struct diag *d)
{
    *more = c->phase != FINISH;
    switch (c->phase) {
    case SCAN:
        return scan_step(c, d);
    case MARK:
        return mark_step(c, d);
    case BUILD:
        return build_step(c, d);
    case REPLACE:
        return replace_step(c, d);
    default:
        return finish_step(c, d);
    }
}

void compaction_destroy(struct compaction *c)
{
    if (!c)
        return;
    db_close(&c->reading);
    notes_clear(&c->notes);
    marks_clear(&c->marks);
    chunk_builder_free(&c->builder);
    mem_free(c->chunk);
    mem_free(c);
}
