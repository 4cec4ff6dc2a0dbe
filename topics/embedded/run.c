/* Reading runs from the file and cutting record batches from them. */
#include "topics/embedded/run.h"

/* ---- reading ------------------------------------------------------------------------------------------ */

void run_drop(struct run *r)
{
    if (!r || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    mem_free(r->memory);
    mem_free(r->chunks);
    mem_free(r);
}

static bool run_grow(struct run *r, size_t more)
{
    if (r->n_chunks == r->cap_chunks) {
        uint32_t cap = r->cap_chunks ? r->cap_chunks * 4 : 4;
        struct run_chunk *chunks = mem_realloc(r->chunks, cap * sizeof *chunks);
        if (!chunks)
            return false;
        r->chunks = chunks;
        r->cap_chunks = cap;
    }
    if (more <= r->cap - r->size)
        return true;
    size_t cap = r->size + more > r->cap * 2 ? r->size + more : r->cap * 2;
    char *memory = mem_realloc(r->memory, cap);
    if (!memory)
        return false;
    r->memory = memory;
    r->cap = cap;
    return true;
}

static enum status run_add(struct db *db, struct run *r, const struct entry_row *entry, struct diag *d)
{
    size_t size = (size_t)entry->bytes;
    if (!run_grow(r, size))
        return diag_nomem(d);
    enum status st = chunk_get(db, entry, r->memory + r->size, d);
    if (st == STATUS_OK) {
        r->chunks[r->n_chunks++] = (struct run_chunk){r->size, size, entry->base, entry->last};
        r->size += size;
    }
    return st;
}

static enum status read_entries(struct db *db, sqlite3_stmt *s, struct run *r, int64_t part, int64_t stop,
                                uint32_t max_records, struct diag *d)
{
    uint64_t n = 0;
    bool is_first = true, more = true;
    while (n < max_records && r->n_chunks < RUN_CHUNKS && r->next_offset < stop) {
        struct entry_row entry;
        enum status st = entry_next(db, s, &entry, &more, d);
        if (st != STATUS_OK)
            return st;
        if (!more || (is_first ? entry.base > r->next_offset : entry.base != r->next_offset))
            return log_damaged(db, part, r->next_offset, "an index entry is missing", d);
        if (r->n_chunks && r->size + (size_t)entry.bytes > RUN_BYTES)
            break;
        if (entry.n > 0 && (st = run_add(db, r, &entry, d)) != STATUS_OK)
            return st;
        is_first = false;
        n += (uint64_t)entry.n;
        r->next_offset = entry.last + 1;
    }
    return STATUS_OK;
}

enum status run_read(struct db *db, int64_t part, int64_t offset, int64_t stop, uint32_t max_records, struct run **out,
                     struct diag *d)
{
    sqlite3_stmt *s;
    struct run *r = mem_calloc(1, sizeof *r);
    if (!r)
        return diag_nomem(d);
    r->refs = 1;
    r->next_offset = offset;
    enum status st = entry_from(db, part, offset, &s, d);
    if (st == STATUS_OK) {
        st = read_entries(db, s, r, part, stop, max_records, d);
        sqlite3_reset(s);
    }
    if (st == STATUS_OK)
        *out = r;
    else
        run_drop(r);
    return st;
}

/* ---- cutting ------------------------------------------------------------------------------------------ */

struct run_batch {
    struct record_batch head;
    struct run *run;
    struct arena headers;
    char topic[LOG_MAX_TOPIC_NAME + 1];
    struct record records[];
};

static void run_batch_destroy(struct record_batch *batch)
{
    struct run_batch *b = (struct run_batch *)batch;
    arena_free(&b->headers);
    run_drop(b->run);
    mem_free(b);
}

static enum status open_chunk(struct run_cursor *c, uint32_t i)
{
    const struct run_chunk *chunk = &c->run->chunks[i];
    c->chunk = i;
    return chunk_open(&c->at, c->run->memory + chunk->at, chunk->size, chunk->base) ? STATUS_OK : STATUS_DATA;
}

enum status run_cursor_init(struct run_cursor *c, struct run *run, int64_t offset)
{
    *c = (struct run_cursor){.run = run};
    if (run->n_chunks == 0)
        return STATUS_OK;
    enum status st = open_chunk(c, 0);
    return st == STATUS_OK ? chunk_seek(&c->at, offset) : st;
}

void run_cursor_clear(struct run_cursor *c)
{
    run_drop(c->run);
    *c = (struct run_cursor){0};
}

/* Moves to the next chunk with records; false at the end of the run. */
static enum status advance(struct run_cursor *c, bool *has_more)
{
    while (c->run->n_chunks > 0 && c->at.i == c->at.n && c->chunk + 1 < c->run->n_chunks) {
        enum status st = open_chunk(c, c->chunk + 1);
        if (st != STATUS_OK)
            return st;
    }
    *has_more = c->run->n_chunks > 0 && c->at.i < c->at.n;
    return STATUS_OK;
}

static struct run_batch *batch_make(struct run *run, const char *topic, int32_t partition, uint32_t n)
{
    struct run_batch *b = mem_alloc(sizeof *b + n * sizeof(struct record));
    if (!b)
        return NULL;
    b->head = (struct record_batch){
        .refs = 1, .partition = partition, .topic = b->topic, .records = b->records, .destroy = run_batch_destroy};
    memcpy(b->topic, topic, strlen(topic) + 1);
    arena_init(&b->headers, 0);
    if (run)
        __atomic_fetch_add(&run->refs, 1, __ATOMIC_RELAXED);
    b->run = run;
    return b;
}

struct record_batch *run_empty_batch(const char *topic, int32_t partition, int64_t next_offset)
{
    struct run_batch *b = batch_make(NULL, topic, partition, 0);
    if (!b)
        return NULL;
    b->head.next_offset = next_offset;
    return &b->head;
}

/* Records that are left in the run, at most `max`. */
static uint32_t count_left(const struct run_cursor *c, uint32_t max)
{
    uint64_t n = c->at.n - c->at.i;
    for (uint32_t i = c->chunk + 1; i < c->run->n_chunks && n < max; i++) {
        uint32_t more;
        memcpy(&more, c->run->memory + c->run->chunks[i].at + 8, 4);
        n += more;
    }
    return n < max ? (uint32_t)n : max;
}

enum status run_cut(struct run_cursor *c, const char *topic, int32_t partition, uint32_t max_records,
                    struct record_batch **out, int64_t *where)
{
    bool has_more;
    enum status st = advance(c, &has_more);
    if (st != STATUS_OK || !has_more)
        goto done;
    uint32_t cap = count_left(c, max_records);
    struct run_batch *b = batch_make(c->run, topic, partition, cap);
    if (!b)
        return STATUS_NOMEM;
    while (st == STATUS_OK && has_more && b->head.n < cap) {
        while (st == STATUS_OK && b->head.n < cap && c->at.i < c->at.n) {
            st = chunk_next(&c->at, &b->records[b->head.n], &b->headers);
            b->head.n += st == STATUS_OK;
        }
        if (st == STATUS_OK)
            st = advance(c, &has_more);
    }
    if (st == STATUS_OK) {
        b->head.next_offset = has_more ? b->records[b->head.n - 1].offset + 1 : c->run->next_offset;
        *out = &b->head;
        return STATUS_OK;
    }
    record_batch_drop(b);
done:
    if (st != STATUS_OK)
        *where = c->run->chunks[c->chunk].base;
    return st;
}
