/* Group commit: writers that commit at the same time share one SQLite transaction. The first to come leads: it takes
 * the queue, stores everything, commits, and tells the others. When the group fails, each is tried alone, so that one
 * that cannot succeed does no harm to the rest. */
#include "topics/embedded/embedded_int.h"

struct commit_request {
    struct embedded_writer *writer;
    struct diag *diag;
    enum status status;
    bool is_done;
    struct commit_request *next;
};

/* ---- storing one transaction -------------------------------------------------------------------------- */

static enum status check_epoch(struct db *db, struct embedded_writer *w, struct diag *d)
{
    sqlite3_stmt *s;
    bool row = false;
    enum status st = db_statement(db, DB_WRITER_GET, &s, d);
    if (st != STATUS_OK)
        return st;
    sqlite3_bind_text(s, 1, w->id, -1, SQLITE_STATIC);
    st = db_step(db, s, &row, d);
    if (st == STATUS_OK && row) {
        int64_t epoch = sqlite3_column_int64(s, 0);
        if ((int64_t)chunk_hash(&epoch, sizeof epoch) != sqlite3_column_int64(s, 1))
            st = diag_set(d, STATUS_IO, "The log %s is damaged at the writer %s", embedded_name(db->log), w->id);
        else if (epoch != w->epoch)
            st = STATUS_FENCED;
    } else if (st == STATUS_OK) {
        st = STATUS_FENCED;
    }
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    w->is_fenced = w->is_fenced || st == STATUS_FENCED;
    return st;
}

static enum status store_chunk(struct db *db, struct embedded_writer *w, struct entry_row *entry,
                               const struct pending_chunk *c, struct diag *d)
{
    if (c->blob.p)
        return chunk_put(db, entry, &c->blob, d);
    struct chunk_blob blob = c->blob;
    blob.p = mem_alloc(blob.size);
    enum status st = blob.p ? spill_read(w, c, blob.p, d) : diag_nomem(d);
    if (st == STATUS_OK)
        st = chunk_put(db, entry, &blob, d);
    mem_free(blob.p);
    return st;
}

static enum status store_part(struct db *db, struct embedded_writer *w, const struct part_buffer *b, int64_t now,
                              struct diag *d)
{
    struct part_row part;
    enum status st = part_get(db, b->part, &part, d);
    if (st == STATUS_NOT_FOUND)
        return diag_set(d, st, "A topic of the transaction was deleted before the commit");
    for (const struct pending_chunk *c = b->first; c && st == STATUS_OK; c = c->next) {
        struct entry_row entry = {.part = b->part, .base = part.stop, .last = part.stop + c->blob.n - 1, .born = now};
        st = store_chunk(db, w, &entry, c, d);
        part.stop += c->blob.n;
        part.bytes += (int64_t)c->blob.length;
    }
    return st == STATUS_OK ? part_put(db, &part, d) : st;
}

static enum status store(struct db *db, struct embedded_writer *w, int64_t now, struct diag *d)
{
    enum status st = w->id ? check_epoch(db, w, d) : STATUS_OK;
    if (st == STATUS_OK && w->fence && !membership_holds(w->fence))
        st = diag_set(d, STATUS_FENCED, "The membership that the transaction depends on has ended");
    for (struct part_buffer *b = w->used; b && st == STATUS_OK; b = b->next_used)
        if (b->first)
            st = store_part(db, w, b, now, d);
    return st;
}

/* ---- the group ---------------------------------------------------------------------------------------- */

static void commit_alone(struct embedded *log, struct commit_request *r)
{
    r->status = write_begin(log, r->diag);
    if (r->status == STATUS_OK)
        r->status = write_end(log, store(&log->writing, r->writer, clock_wall_ms(), r->diag), r->diag);
}

static enum status commit_together(struct embedded *log, struct commit_request *group)
{
    struct diag unused = DIAG_INIT;
    enum status st = write_begin(log, &unused);
    if (st != STATUS_OK)
        return st;
    int64_t now = clock_wall_ms();
    for (struct commit_request *r = group; r && st == STATUS_OK; r = r->next)
        st = store(&log->writing, r->writer, now, &unused);
    return write_end(log, st, &unused);
}

static void commit_group(struct embedded *log, struct commit_request *group)
{
    if (group->next && commit_together(log, group) == STATUS_OK) {
        for (struct commit_request *r = group; r; r = r->next)
            r->status = STATUS_OK;
        return;
    }
    for (struct commit_request *r = group; r; r = r->next)
        commit_alone(log, r);
}

static void enqueue(struct embedded *log, struct commit_request *r)
{
    if (log->queue_tail)
        log->queue_tail->next = r;
    else
        log->queue_head = r;
    log->queue_tail = r;
}

enum status embedded_commit(struct embedded_writer *w, struct diag *d)
{
    struct embedded *log = w->log;
    struct commit_request request = {.writer = w, .diag = d};
    pthread_mutex_lock(&log->commit_mutex);
    enqueue(log, &request);
    while (log->has_leader && !request.is_done)
        pthread_cond_wait(&log->commit_cond, &log->commit_mutex);
    if (!request.is_done) {
        struct commit_request *group = log->queue_head;
        log->queue_head = log->queue_tail = NULL;
        log->has_leader = true;
        pthread_mutex_unlock(&log->commit_mutex);
        commit_group(log, group);
        pthread_mutex_lock(&log->commit_mutex);
        log->has_leader = false;
        for (struct commit_request *r = group, *next; r; r = next) {
            next = r->next; /* the request may go as soon as it is done */
            r->is_done = true;
        }
        pthread_cond_broadcast(&log->commit_cond);
    }
    pthread_mutex_unlock(&log->commit_mutex);
    house_note(log);
    return request.status;
}
