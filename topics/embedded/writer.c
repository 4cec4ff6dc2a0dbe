/* Writers of the embedded log: records are encoded into chunks in memory as they are appended; nothing touches the file
 * before the commit (commit.c). */
#include "topics/embedded/embedded_int.h"

enum { KEEP_BYTES = 4 << 20 }; /* buffers that a writer keeps between transactions */

static struct embedded_writer *writer_of(struct log_writer *w)
{
    return (struct embedded_writer *)w;
}

/* ---- opening and fencing ------------------------------------------------------------------------------ */

static enum status take_epoch(struct db *db, const char *id, int64_t *epoch, struct diag *d)
{
    sqlite3_stmt *s;
    bool row = false;
    enum status st = db_statement(db, DB_WRITER_GET, &s, d);
    if (st != STATUS_OK)
        return st;
    sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
    st = db_step(db, s, &row, d);
    *epoch = row ? sqlite3_column_int64(s, 0) + 1 : 1;
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    if (st == STATUS_OK)
        st = db_statement(db, DB_WRITER_PUT, &s, d);
    if (st != STATUS_OK)
        return st;
    sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, *epoch);
    sqlite3_bind_int64(s, 3, (int64_t)chunk_hash(epoch, sizeof *epoch));
    st = db_step(db, s, NULL, d);
    sqlite3_clear_bindings(s);
    return st;
}

static enum status fence_earlier(struct embedded_writer *w, struct diag *d)
{
    enum status st = write_begin(w->log, d);
    return st != STATUS_OK ? st : write_end(w->log, take_epoch(&w->log->writing, w->id, &w->epoch, d), d);
}

enum status embedded_writer_open(struct log *log, const char *id, struct log_writer **out, struct diag *d)
{
    struct embedded_writer *w = mem_calloc(1, sizeof *w);
    if (!w)
        return diag_nomem(d);
    w->head.ops = log->ops;
    w->log = embedded_of(log);
    w->spill_fd = -1;
    enum status st = STATUS_OK;
    if (id) {
        w->id = mem_strdup(id);
        st = w->id ? fence_earlier(w, d) : diag_nomem(d);
    }
    if (st != STATUS_OK) {
        embedded_writer_close(&w->head);
        return st;
    }
    *out = &w->head;
    return STATUS_OK;
}

/* ---- buffers ------------------------------------------------------------------------------------------ */

static void drop_pending(struct part_buffer *b)
{
    while (b->first) {
        struct pending_chunk *c = b->first;
        b->first = c->next;
        mem_free(c->blob.p);
        mem_free(c);
    }
    b->last = NULL;
}

/* Empties everything, and frees buffers beyond what is worth keeping. */
static void end_transaction(struct embedded_writer *w)
{
    size_t kept = 0;
    for (struct part_buffer *b = w->used; b; b = b->next_used) {
        drop_pending(b);
        b->is_used = false;
        kept += chunk_builder_memory(&b->builder);
        if (kept > KEEP_BYTES)
            chunk_builder_free(&b->builder);
        else
            chunk_builder_reset(&b->builder);
    }
    w->used = w->used_last = NULL;
    w->pending_bytes = w->open_bytes = 0;
    spill_clear(w);
    membership_unfence(w);
}

static void topic_forget(struct writer_topic *t)
{
    for (int64_t p = 0; p < t->row.n_partitions; p++)
        if (t->buffers[p]) {
            chunk_builder_free(&t->buffers[p]->builder);
            mem_free(t->buffers[p]);
        }
    mem_free(t->buffers);
    mem_free(t);
}

void embedded_writer_close(struct log_writer *writer)
{
    struct embedded_writer *w = writer_of(writer);
    end_transaction(w);
    while (w->topics) {
        struct writer_topic *t = w->topics;
        w->topics = t->next;
        topic_forget(t);
    }
    mem_free(w->id);
    mem_free(w);
}

static enum status topic_make(const struct topic_row *row, struct writer_topic **out, struct diag *d)
{
    struct writer_topic *t = mem_calloc(1, sizeof *t);
    if (!t)
        return diag_nomem(d);
    t->row = *row;
    t->buffers = mem_calloc((size_t)row->n_partitions, sizeof(struct part_buffer *));
    if (!t->buffers) {
        mem_free(t);
        return diag_nomem(d);
    }
    *out = t;
    return STATUS_OK;
}

/* Moves the topic to the front of the list; NULL if it is not there. */
static struct writer_topic *topic_recall(struct embedded_writer *w, const char *name)
{
    for (struct writer_topic **at = &w->topics; *at; at = &(*at)->next) {
        struct writer_topic *t = *at;
        if (strcmp(t->row.name, name) == 0) {
            *at = t->next;
            t->next = w->topics;
            w->topics = t;
            return t;
        }
    }
    return NULL;
}

/* A topic is looked up once a transaction: it may have been deleted and made anew in between. */
static enum status topic_for(struct embedded_writer *w, const char *name, struct writer_topic **out, struct diag *d)
{
    struct topic_row row;
    struct writer_topic *t = topic_recall(w, name);
    if (t && t->checked_in == w->transaction) {
        *out = t;
        return STATUS_OK;
    }
    enum status st = topic_look_up(w->log, name, &row, d);
    if (st != STATUS_OK)
        return st == STATUS_NOT_FOUND ? diag_set(d, st, "There is no topic %s", name) : st;
    if (t && t->row.id != row.id) {
        w->topics = t->next;
        topic_forget(t);
        t = NULL;
    }
    if (!t) {
        st = topic_make(&row, &t, d);
        if (st != STATUS_OK)
            return st;
        t->next = w->topics;
        w->topics = t;
    }
    t->checked_in = w->transaction;
    *out = t;
    return STATUS_OK;
}

static struct part_buffer *buffer_for(struct embedded_writer *w, struct writer_topic *t, int32_t partition)
{
    struct part_buffer *b = t->buffers[partition];
    if (!b) {
        b = t->buffers[partition] = mem_calloc(1, sizeof *b);
        if (!b)
            return NULL;
        b->part = part_id(t->row.id, partition);
        chunk_builder_init(&b->builder);
    }
    if (!b->is_used) {
        b->is_used = true;
        b->next_used = NULL;
        if (w->used_last)
            w->used_last->next_used = b;
        else
            w->used = b;
        w->used_last = b;
    }
    return b;
}

/* Closes the chunk that is being built. */
static enum status close_chunk(struct embedded_writer *w, struct part_buffer *b, struct diag *d)
{
    struct pending_chunk *c = mem_calloc(1, sizeof *c);
    size_t open = b->builder.data.len;
    if (!c || !chunk_seal(&b->builder, w->log->path != NULL, &c->blob)) {
        mem_free(c);
        return diag_nomem(d);
    }
    if (b->last)
        b->last->next = c;
    else
        b->first = c;
    b->last = c;
    w->open_bytes -= open;
    w->pending_bytes += c->blob.size;
    return w->pending_bytes > SPILL_BYTES ? spill_pending(w, d) : STATUS_OK;
}

/* ---- transactions ------------------------------------------------------------------------------------- */

static enum status fenced(struct embedded_writer *w, struct diag *d)
{
    return diag_set(d, STATUS_FENCED, "Another writer with the id %s has taken over", w->id);
}

enum status embedded_writer_begin(struct log_writer *writer, struct diag *d)
{
    struct embedded_writer *w = writer_of(writer);
    if (w->is_fenced)
        return fenced(w, d);
    w->transaction++;
    w->failed = STATUS_OK;
    return STATUS_OK;
}

static enum status check_sizes(const struct record *records, size_t n, struct diag *d)
{
    for (size_t i = 0; i < n; i++)
        if (chunk_record_size(&records[i]) > CHUNK_MAX_RECORD)
            return diag_set(d, STATUS_DATA, "A record of %zu bytes is too large: the log takes %d",
                            chunk_record_size(&records[i]), CHUNK_MAX_RECORD);
    return STATUS_OK;
}

static enum status append_one(struct embedded_writer *w, struct writer_topic *t, int32_t partition,
                              const struct record *r, int64_t now, struct diag *d)
{
    int32_t p = partition >= 0 ? partition : writer_partition(&w->head, r, (int32_t)t->row.n_partitions);
    struct part_buffer *b = buffer_for(w, t, p);
    if (!b)
        return diag_nomem(d);
    size_t open = b->builder.data.len;
    if (!chunk_add(&b->builder, r, r->ts == -1 ? now : r->ts, 0))
        return diag_nomem(d);
    w->open_bytes += b->builder.data.len - open;
    return chunk_is_full(&b->builder) ? close_chunk(w, b, d) : STATUS_OK;
}

/* Many partitions with half-full chunks may take more memory than one transaction should. */
static enum status bound_memory(struct embedded_writer *w, struct diag *d)
{
    enum status st = STATUS_OK;
    if (w->open_bytes <= SPILL_BYTES || !w->log->path)
        return STATUS_OK;
    for (struct part_buffer *b = w->used; b && st == STATUS_OK; b = b->next_used)
        if (b->builder.n)
            st = close_chunk(w, b, d);
    return st == STATUS_OK ? spill_pending(w, d) : st;
}

enum status embedded_writer_append(struct log_writer *writer, const char *topic, int32_t partition,
                                   const struct record *records, size_t n, struct diag *d)
{
    struct embedded_writer *w = writer_of(writer);
    struct writer_topic *t;
    enum status st = topic_for(w, topic, &t, d);
    if (st != STATUS_OK)
        return st;
    if (partition >= t->row.n_partitions)
        return diag_set(d, STATUS_NOT_FOUND, "There is no partition %d of topic %s", partition, topic);
    st = check_sizes(records, n, d);
    if (st != STATUS_OK)
        return st;
    int64_t now = clock_wall_ms();
    for (size_t i = 0; i < n && st == STATUS_OK; i++)
        st = append_one(w, t, partition, &records[i], now, d);
    if (st == STATUS_OK)
        st = bound_memory(w, d);
    if (st != STATUS_OK)
        w->failed = st;
    return st;
}

static enum status close_all(struct embedded_writer *w, struct diag *d)
{
    enum status st = STATUS_OK;
    for (struct part_buffer *b = w->used; b && st == STATUS_OK; b = b->next_used)
        if (b->builder.n)
            st = close_chunk(w, b, d);
    return st;
}

enum status embedded_writer_commit(struct log_writer *writer, struct diag *d)
{
    struct embedded_writer *w = writer_of(writer);
    enum status st = STATUS_OK;
    if (w->failed != STATUS_OK)
        st = diag_set(d, STATUS_ABORTED, "The transaction was aborted, because an append to it had failed");
    if (st == STATUS_OK)
        st = close_all(w, d);
    if (st == STATUS_OK && (w->used || w->id || w->fence))
        st = embedded_commit(w, d);
    if (st == STATUS_FENCED && w->is_fenced)
        st = fenced(w, d);
    end_transaction(w);
    return st;
}

void embedded_writer_abort(struct log_writer *writer)
{
    end_transaction(writer_of(writer));
}
