/* The public face of topics/: checks what a caller can get wrong and passes on to the log's own operations. Record
 * batches are counted here. Nothing here knows which log it is. */
#include "topics/topics_int.h"

/* ---- record batches ----------------------------------------------------------------------------------- */

struct record_batch *record_batch_keep(struct record_batch *b)
{
    __atomic_fetch_add(&b->refs, 1, __ATOMIC_RELAXED);
    return b;
}

void record_batch_drop(void *b)
{
    struct record_batch *batch = b;
    if (batch && __atomic_sub_fetch(&batch->refs, 1, __ATOMIC_ACQ_REL) == 0)
        batch->destroy(batch);
}

/* ---- checks ------------------------------------------------------------------------------------------- */

enum status topic_name_check(const char *name, struct diag *d)
{
    size_t len = name ? strlen(name) : 0;
    if (len == 0)
        return diag_set(d, STATUS_INVALID, "The name of a topic may not be empty");
    if (len > LOG_MAX_TOPIC_NAME)
        return diag_set(d, STATUS_INVALID, "The name of a topic may not be longer than %d characters: %.300s",
                        LOG_MAX_TOPIC_NAME, name);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return diag_set(d, STATUS_INVALID, "A topic may not be named '.' or '..'");
    for (const char *p = name; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("._-", *p)))
            return diag_set(d, STATUS_INVALID,
                            "Invalid topic name '%s': only ASCII letters, digits, '.', '_' and '-' are allowed", name);
    return STATUS_OK;
}

static enum status check_partition(const char *name, int32_t partition, struct diag *d)
{
    enum status st = topic_name_check(name, d);
    if (st == STATUS_OK && partition < 0)
        st = diag_set(d, STATUS_INVALID, "There is no partition %d of topic %s", partition, name);
    return st;
}

/* ---- the log and its topics --------------------------------------------------------------------------- */

void log_close(struct log *log)
{
    if (log)
        log->ops->close(log);
}

const char *log_kind(const struct log *log)
{
    return log->ops->kind;
}

enum status topic_create(struct log *log, const struct topic_spec *spec, struct diag *d)
{
    enum status st = topic_name_check(spec->name, d);
    if (st != STATUS_OK)
        return st;
    if (spec->n_partitions < 1 || spec->n_partitions > LOG_MAX_PARTITIONS)
        return diag_set(d, STATUS_INVALID, "The number of partitions of topic %s must be 1 to %d, not %d", spec->name,
                        LOG_MAX_PARTITIONS, spec->n_partitions);
    if (spec->retention_ms < -1 || spec->retention_bytes < -1)
        return diag_set(d, STATUS_INVALID, "The retention of topic %s may not be less than -1", spec->name);
    return log->ops->topic_create(log, spec, d);
}

enum status topic_ensure(struct log *log, const struct topic_spec *spec, bool *created, struct diag *d)
{
    struct diag own = DIAG_INIT; /* STATUS_EXISTS fills it, and is no error here */
    enum status st = topic_create(log, spec, &own);
    if (created)
        *created = st == STATUS_OK;
    if (st == STATUS_OK || st == STATUS_EXISTS)
        return STATUS_OK;
    if (d && d->code == STATUS_OK)
        *d = own;
    return st;
}

enum status topic_delete(struct log *log, const char *name, struct diag *d)
{
    enum status st = topic_name_check(name, d);
    return st != STATUS_OK ? st : log->ops->topic_delete(log, name, d);
}

enum status topic_describe(struct log *log, const char *name, struct topic_spec *out, struct diag *d)
{
    enum status st = topic_name_check(name, d);
    return st != STATUS_OK ? st : log->ops->topic_describe(log, name, out, d);
}

enum status topic_list(struct log *log, struct arena *a, struct topic_spec **out, size_t *n, struct diag *d)
{
    *out = NULL;
    *n = 0;
    return log->ops->topic_list(log, a, out, n, d);
}

enum status topic_offsets(struct log *log, const char *name, int32_t partition, int64_t *begin, int64_t *end,
                          int64_t *uncommitted_end, struct diag *d)
{
    int64_t unused[3];
    enum status st = check_partition(name, partition, d);
    if (st != STATUS_OK)
        return st;
    return log->ops->topic_offsets(log, name, partition, begin ? begin : &unused[0], end ? end : &unused[1],
                                   uncommitted_end ? uncommitted_end : &unused[2], d);
}

enum status topic_offset_for_time(struct log *log, const char *name, int32_t partition, int64_t ts, int64_t *offset,
                                  struct diag *d)
{
    enum status st = check_partition(name, partition, d);
    return st != STATUS_OK ? st : log->ops->topic_offset_for_time(log, name, partition, ts, offset, d);
}

enum status topic_truncate(struct log *log, const char *name, int32_t partition, int64_t offset, struct diag *d)
{
    enum status st = check_partition(name, partition, d);
    if (st == STATUS_OK && offset < 0)
        st = diag_set(d, STATUS_INVALID, "Topic %s cannot be truncated to offset %lld", name, (long long)offset);
    return st != STATUS_OK ? st : log->ops->topic_truncate(log, name, partition, offset, d);
}

/* ---- reading ------------------------------------------------------------------------------------------ */

enum status reader_open(struct log *log, struct log_reader **out, struct diag *d)
{
    *out = NULL;
    return log->ops->reader_open(log, out, d);
}

void reader_close(struct log_reader *r)
{
    if (r)
        r->ops->reader_close(r);
}

enum status reader_assign(struct log_reader *r, const char *topic, int32_t partition, int64_t offset, struct diag *d)
{
    enum status st = check_partition(topic, partition, d);
    return st != STATUS_OK ? st : r->ops->reader_assign(r, topic, partition, offset, d);
}

void reader_unassign(struct log_reader *r, const char *topic, int32_t partition)
{
    r->ops->reader_unassign(r, topic, partition);
}

void reader_pause(struct log_reader *r, const char *topic, int32_t partition, bool paused)
{
    r->ops->reader_pause(r, topic, partition, paused);
}

enum status reader_poll(struct log_reader *r, int timeout_ms, uint32_t max_records, struct record_batch **out,
                        struct diag *d)
{
    *out = NULL;
    if (max_records == 0 || max_records > BATCH_ROWS)
        return diag_set(d, STATUS_INVALID, "A poll is for 1 to %d records, not %u", BATCH_ROWS, max_records);
    return r->ops->reader_poll(r, timeout_ms < 0 ? 0 : timeout_ms, max_records, out, d);
}

void reader_wake(struct log_reader *r)
{
    r->ops->reader_wake(r);
}

/* ---- writing ------------------------------------------------------------------------------------------ */

int32_t writer_partition(struct log_writer *w, const struct record *r, int32_t n_partitions)
{
    if (r->key.p)
        return partition_for_key(r->key, n_partitions);
    return (int32_t)(w->next_partition++ % (uint32_t)n_partitions);
}

enum status writer_open(struct log *log, const char *id, struct log_writer **out, struct diag *d)
{
    *out = NULL;
    if (id && !*id)
        return diag_set(d, STATUS_INVALID, "The id of a writer may not be empty");
    return log->ops->writer_open(log, id, out, d);
}

void writer_close(struct log_writer *w)
{
    if (!w)
        return;
    writer_abort(w);
    w->ops->writer_close(w);
}

enum status writer_begin(struct log_writer *w, struct diag *d)
{
    if (w->in_transaction)
        return diag_set(d, STATUS_INVALID, "A transaction is open already");
    enum status st = w->ops->writer_begin(w, d);
    w->in_transaction = st == STATUS_OK;
    return st;
}

enum status writer_append(struct log_writer *w, const char *topic, int32_t partition, const struct record *records,
                          size_t n, struct diag *d)
{
    if (!w->in_transaction)
        return diag_set(d, STATUS_INVALID, "No transaction is open");
    enum status st = partition == -1 ? topic_name_check(topic, d) : check_partition(topic, partition, d);
    return st != STATUS_OK ? st : w->ops->writer_append(w, topic, partition, records, n, d);
}

enum status writer_commit(struct log_writer *w, struct diag *d)
{
    if (!w->in_transaction)
        return diag_set(d, STATUS_INVALID, "No transaction is open");
    w->in_transaction = false;
    return w->ops->writer_commit(w, d);
}

void writer_abort(struct log_writer *w)
{
    if (!w->in_transaction)
        return;
    w->in_transaction = false;
    w->ops->writer_abort(w);
}

/* ---- membership --------------------------------------------------------------------------------------- */

enum status membership_join(struct log *log, const char *service_id, const char *server_id, int32_t n_slots,
                            struct membership **out, struct diag *d)
{
    *out = NULL;
    if (!service_id || !*service_id || n_slots < 1)
        return diag_set(d, STATUS_INVALID, "A membership needs the id of a service and at least one slot");
    return log->ops->membership_join(log, service_id, server_id, n_slots, out, d);
}

enum status membership_poll(struct membership *m, int timeout_ms, uint8_t *owned, bool *changed, struct diag *d)
{
    *changed = false;
    return m->ops->membership_poll(m, timeout_ms < 0 ? 0 : timeout_ms, owned, changed, d);
}

void membership_release_done(struct membership *m)
{
    m->ops->membership_release_done(m);
}

enum status membership_fence(struct membership *m, struct log_writer *w, struct diag *d)
{
    if (!w->in_transaction)
        return diag_set(d, STATUS_INVALID, "No transaction is open");
    return m->ops->membership_fence(m, w, d);
}

void membership_leave(struct membership *m)
{
    if (m)
        m->ops->membership_leave(m);
}
