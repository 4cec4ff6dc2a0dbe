/* Compaction: of every key the last record stays, offsets do not change, tombstones go after TOMBSTONE_MS.
 *
 * It goes through a partition twice, a bounded step at a time. First the part that is not clean yet is scanned for the
 * last offset of each key (known by 128 bits of its hash, as Kafka knows it by MD5). Then all chunks are rewritten
 * without the records that a later one supersedes, and small neighbours are joined. Each step is right by itself: the
 * record that supersedes is there before and after, so that a crash between steps only means to start over. The very
 * last record of a partition always stays, so that readers get to its end. */
#include "topics/embedded/embedded_int.h"

#include <xxhash.h>

enum {
    MAP_FIRST = 1024,
    MAP_MOST = 1 << 21,        /* slots; a scan ends when the map would be fuller than 3/4 */
    DUE_BYTES = 256 << 10,     /* it is not worth while for less */
    JOIN_MS = 6 * 3600 * 1000, /* chunks are joined only if of like age: a tombstone's age is its chunk's */
};

struct key_slot {
    uint64_t low, high; /* both 0: free */
    int64_t offset;
};
struct compaction {
    int64_t part;
    int64_t upto;   /* it ends here: where the partition ended when it began, or where the map was full */
    int64_t cursor; /* next offset to look at */
    bool is_rewriting;
    struct key_slot *slots;
    uint32_t n_slots, n_keys;
};

struct group { /* chunks that become one */
    struct entry_row *entries;
    uint32_t n, cap;
    int64_t records, bytes, born;
};

bool compaction_is_due(const struct part_row *part)
{
    int64_t dirty = part->bytes - part->clean_bytes;
    return dirty >= DUE_BYTES && dirty >= part->clean_bytes / 2;
}

void compaction_destroy(struct compaction *c)
{
    if (c)
        mem_free(c->slots);
    mem_free(c);
}

/* ---- the map ------------------------------------------------------------------------------------------ */

static struct key_slot key_hash(struct str key)
{
    XXH128_hash_t h = XXH3_128bits(key.p, key.len);
    return (struct key_slot){h.low64, h.low64 | h.high64 ? h.high64 : 1, 0};
}

static struct key_slot *map_find(const struct compaction *c, const struct key_slot *key)
{
    uint32_t mask = c->n_slots - 1;
    for (uint32_t i = (uint32_t)key->low & mask;; i = (i + 1) & mask) {
        struct key_slot *s = &c->slots[i];
        if ((s->low | s->high) == 0 || (s->low == key->low && s->high == key->high))
            return s;
    }
}

static bool map_grow(struct compaction *c)
{
    struct compaction grown = *c;
    grown.n_slots = c->n_slots ? c->n_slots * 2 : MAP_FIRST;
    grown.slots = mem_calloc(grown.n_slots, sizeof *grown.slots);
    if (!grown.slots)
        return false;
    for (uint32_t i = 0; i < c->n_slots; i++)
        if (c->slots[i].low | c->slots[i].high)
            *map_find(&grown, &c->slots[i]) = c->slots[i];
    mem_free(c->slots);
    *c = grown;
    return true;
}

static bool map_has_room(const struct compaction *c, int64_t more)
{
    return c->n_keys + more <= (int64_t)MAP_MOST / 4 * 3;
}

static bool map_note(struct compaction *c, struct str key, int64_t offset)
{
    if (c->n_keys >= c->n_slots / 4 * 3 && !map_grow(c))
        return false;
    struct key_slot k = key_hash(key), *s = map_find(c, &k);
    c->n_keys += (s->low | s->high) == 0;
    *s = (struct key_slot){k.low, k.high, offset};
    return true;
}

static bool is_superseded(const struct compaction *c, const struct record *r)
{
    if (!r->key.p || c->n_slots == 0)
        return false;
    struct key_slot k = key_hash(r->key);
    const struct key_slot *s = map_find(c, &k);
    return (s->low | s->high) != 0 && s->offset > r->offset;
}

/* ---- the scan ----------------------------------------------------------------------------------------- */

/* Calls `visit` with each record of a chunk. */
static enum status each_record(struct db *db, const struct entry_row *entry,
                               enum status (*visit)(void *arg, const struct record *r), void *arg, struct diag *d)
{
    struct chunk_cursor c;
    struct record r;
    struct arena headers;
    if (entry->n == 0)
        return STATUS_OK;
    arena_init(&headers, 0);
    char *blob = mem_alloc((size_t)entry->bytes);
    enum status st = blob ? chunk_get(db, entry, blob, d) : diag_nomem(d);
    if (st == STATUS_OK && !chunk_open(&c, blob, (size_t)entry->bytes, entry->base))
        st = STATUS_DATA;
    while (st == STATUS_OK && c.i < c.n) {
        st = chunk_next(&c, &r, &headers);
        if (st == STATUS_OK)
            st = visit(arg, &r);
    }
    if (st == STATUS_DATA)
        st = log_damaged(db, entry->part, entry->base, "the records are malformed", d);
    arena_free(&headers);
    mem_free(blob);
    return st;
}

static enum status scan_record(void *arg, const struct record *r)
{
    return !r->key.p || map_note(arg, r->key, r->offset) ? STATUS_OK : STATUS_NOMEM;
}

static enum status scan_step(struct db *db, struct compaction *c, struct diag *d)
{
    sqlite3_stmt *s;
    struct entry_row entry;
    bool row = true;
    int64_t bytes = 0;
    enum status st = entry_from(db, c->part, c->cursor, &s, d);
    while (st == STATUS_OK && c->cursor < c->upto && bytes < STEP_BYTES) {
        st = entry_next(db, s, &entry, &row, d);
        if (st != STATUS_OK || !row)
            break;
        if (!map_has_room(c, entry.n)) {
            c->upto = entry.base;
            break;
        }
        st = each_record(db, &entry, scan_record, c, d);
        c->cursor = entry.last + 1;
        bytes += entry.bytes + 1024;
    }
    sqlite3_reset(s);
    if (!row)
        c->cursor = c->upto;
    return st;
}

/* ---- the rewriting ------------------------------------------------------------------------------------ */

struct rewrite {
    const struct compaction *compaction;
    const struct part_row *part;
    struct chunk_builder builder;
    int64_t base; /* of the new chunk */
    bool is_old;  /* the tombstones of the chunk that is being read may go */
    uint32_t removed;
};

static enum status rewrite_record(void *arg, const struct record *r)
{
    struct rewrite *w = arg;
    bool is_expired = w->is_old && r->key.p && !r->value.p;
    bool goes = r->offset < w->part->start || is_superseded(w->compaction, r) || is_expired;
    if (goes && r->offset != w->part->stop - 1) {
        w->removed++;
        return STATUS_OK;
    }
    uint64_t gap = (uint64_t)(r->offset - w->base) - w->builder.n;
    return chunk_add(&w->builder, r, r->ts, gap) ? STATUS_OK : STATUS_NOMEM;
}

/* Replaces the chunks of the group by one that holds what stays. */
static enum status replace_group(struct db *db, struct part_row *part, const struct group *g, struct rewrite *w,
                                 struct diag *d)
{
    struct entry_row joined = {.part = part->id, .base = w->base, .last = g->entries[g->n - 1].last, .born = g->born};
    struct chunk_blob blob = {0};
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < g->n && st == STATUS_OK; i++)
        st = entry_remove(db, &g->entries[i], d);
    part->bytes -= g->bytes;
    if (st != STATUS_OK)
        return st;
    if (w->builder.n == 0)
        return entry_put(db, &joined, d);
    if (!chunk_seal(&w->builder, db->log->path != NULL, &blob))
        return diag_nomem(d);
    st = chunk_put(db, &joined, &blob, d);
    part->bytes += (int64_t)blob.length;
    mem_free(blob.p);
    return st;
}

static enum status rewrite_group(struct db *db, const struct compaction *c, struct part_row *part,
                                 const struct group *g, int64_t now_ms, struct diag *d)
{
    struct rewrite w = {.compaction = c, .part = part, .base = g->entries[0].base};
    enum status st = STATUS_OK;
    chunk_builder_init(&w.builder);
    for (uint32_t i = 0; i < g->n && st == STATUS_OK; i++) {
        w.is_old = now_ms - g->entries[i].born > TOMBSTONE_MS;
        st = each_record(db, &g->entries[i], rewrite_record, &w, d);
    }
    if (st == STATUS_OK && (w.removed || g->n > 1))
        st = replace_group(db, part, g, &w, d);
    chunk_builder_free(&w.builder);
    return st == STATUS_NOMEM ? diag_nomem(d) : st;
}

static bool group_takes(const struct group *g, const struct entry_row *e, int64_t now_ms)
{
    if (g->n == 0)
        return true;
    int64_t apart = e->born > g->born ? e->born - g->born : g->born - e->born;
    bool are_old = now_ms - e->born > TOMBSTONE_MS && now_ms - g->born > TOMBSTONE_MS;
    return g->records + e->n <= CHUNK_MAX_RECORDS && g->bytes + e->bytes <= CHUNK_FULL_BYTES &&
           (apart <= JOIN_MS || are_old);
}

static bool group_add(struct group *g, const struct entry_row *e)
{
    if (g->n == g->cap) {
        uint32_t cap = g->cap ? g->cap * 2 : 64;
        struct entry_row *grown = mem_realloc(g->entries, cap * sizeof *grown);
        if (!grown)
            return false;
        g->entries = grown;
        g->cap = cap;
    }
    if (g->n == 0 || e->born > g->born)
        g->born = e->born;
    g->entries[g->n++] = *e;
    g->records += e->n;
    g->bytes += e->bytes;
    return true;
}

/* Collects entries from the cursor on. */
static enum status next_group(struct db *db, const struct compaction *c, int64_t now_ms, struct group *g,
                              struct diag *d)
{
    sqlite3_stmt *s;
    struct entry_row entry;
    bool row;
    g->n = 0;
    g->records = g->bytes = 0;
    enum status st = entry_from(db, c->part, c->cursor, &s, d);
    while (st == STATUS_OK) {
        st = entry_next(db, s, &entry, &row, d);
        if (st != STATUS_OK || !row || entry.last >= c->upto || !group_takes(g, &entry, now_ms))
            break;
        if (!group_add(g, &entry))
            st = diag_nomem(d);
    }
    sqlite3_reset(s);
    return st;
}

static enum status rewrite_step(struct db *db, struct compaction *c, struct part_row *part, int64_t now_ms,
                                struct diag *d)
{
    struct group g = {0};
    int64_t bytes = 0;
    enum status st = STATUS_OK;
    while (st == STATUS_OK && c->cursor < c->upto && bytes < STEP_BYTES) {
        st = next_group(db, c, now_ms, &g, d);
        if (st != STATUS_OK)
            break;
        if (g.n == 0) {
            c->cursor = c->upto;
            break;
        }
        st = rewrite_group(db, c, part, &g, now_ms, d);
        c->cursor = g.entries[g.n - 1].last + 1;
        bytes += g.bytes + 1024 * (int64_t)g.n;
    }
    mem_free(g.entries);
    return st;
}

/* ---- steps -------------------------------------------------------------------------------------------- */

static enum status finish(struct db *db, const struct compaction *c, struct part_row *part, struct diag *d)
{
    sqlite3_stmt *s;
    struct entry_row entry;
    bool row = true;
    int64_t dirty = 0;
    enum status st = entry_from(db, part->id, c->upto, &s, d);
    while (st == STATUS_OK && (st = entry_next(db, s, &entry, &row, d)) == STATUS_OK && row)
        dirty += entry.bytes;
    sqlite3_reset(s);
    if (part->clean < c->upto)
        part->clean = c->upto;
    part->clean_bytes = part->bytes - dirty;
    return st;
}

static enum status start(struct embedded *log, const struct part_row *part, struct diag *d)
{
    compaction_destroy(log->compaction);
    struct compaction *c = log->compaction = mem_calloc(1, sizeof *c);
    if (!c)
        return diag_nomem(d);
    c->part = part->id;
    c->upto = part->stop;
    c->cursor = part->clean > part->start ? part->clean : part->start;
    return STATUS_OK;
}

static enum status step(struct embedded *log, struct part_row *part, int64_t now_ms, bool *more, struct diag *d)
{
    struct db *db = &log->writing;
    enum status st = STATUS_OK;
    if (!log->compaction || log->compaction->part != part->id)
        st = start(log, part, d);
    if (st != STATUS_OK)
        return st;
    struct compaction *c = log->compaction;
    *more = true;
    if (!c->is_rewriting) {
        st = scan_step(db, c, d);
        if (st == STATUS_OK && c->cursor >= c->upto) {
            c->is_rewriting = true;
            c->cursor = 0;
        }
        return st;
    }
    st = rewrite_step(db, c, part, now_ms, d);
    if (st == STATUS_OK && c->cursor >= c->upto) {
        st = finish(db, c, part, d);
        *more = false;
    }
    return st == STATUS_OK ? part_put(db, part, d) : st;
}

enum status compact_step(struct embedded *log, int64_t id, int64_t now_ms, bool *more, struct diag *d)
{
    struct part_row part;
    *more = false;
    enum status st = part_get(&log->writing, id, &part, d);
    if (st == STATUS_OK)
        st = step(log, &part, now_ms, more, d);
    if (st != STATUS_OK || !*more) {
        compaction_destroy(log->compaction);
        log->compaction = NULL;
    }
    return st == STATUS_NOT_FOUND ? STATUS_OK : st;
}
