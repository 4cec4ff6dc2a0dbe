/* The embedded log: opening, closing, and its table of operations. */
#include "topics/embedded/embedded_int.h"

enum { WRITER_CACHE_KIB = 8192, QUERY_CACHE_KIB = 512 };

static void embedded_close(struct log *log)
{
    struct embedded *e = embedded_of(log);
    house_stop(e);
    db_close(&e->house);
    db_close(&e->query);
    db_close(&e->writing);
    embedded_waiting_destroy(e);
    pthread_mutex_destroy(&e->write_mutex);
    pthread_mutex_destroy(&e->query_mutex);
    pthread_mutex_destroy(&e->commit_mutex);
    pthread_mutex_destroy(&e->house_mutex);
    pthread_mutex_destroy(&e->member_mutex);
    pthread_cond_destroy(&e->commit_cond);
    pthread_cond_destroy(&e->house_cond);
    pthread_rwlock_destroy(&e->memory_lock);
    mem_free(e->path);
    mem_free(e->uri);
    mem_free(e);
}

static const struct log_ops embedded_ops = {
    .kind = "embedded",
    .close = embedded_close,
    .topic_create = embedded_topic_create,
    .topic_delete = embedded_topic_delete,
    .topic_describe = embedded_topic_describe,
    .topic_list = embedded_topic_list,
    .topic_offsets = embedded_topic_offsets,
    .topic_offset_for_time = embedded_topic_offset_for_time,
    .topic_truncate = embedded_topic_truncate,
    .reader_open = embedded_reader_open,
    .reader_close = embedded_reader_close,
    .reader_assign = embedded_reader_assign,
    .reader_unassign = embedded_reader_unassign,
    .reader_pause = embedded_reader_pause,
    .reader_poll = embedded_reader_poll,
    .reader_wake = embedded_reader_wake,
    .writer_open = embedded_writer_open,
    .writer_close = embedded_writer_close,
    .writer_begin = embedded_writer_begin,
    .writer_append = embedded_writer_append,
    .writer_commit = embedded_writer_commit,
    .writer_abort = embedded_writer_abort,
    .membership_join = embedded_membership_join,
    .membership_poll = embedded_membership_poll,
    .membership_release_done = embedded_membership_release_done,
    .membership_fence = embedded_membership_fence,
    .membership_leave = embedded_membership_leave,
};

/* In memory: a database that all connections of this log share by its name. In a file: the path, made safe for a URI.
 */
static char *make_uri(const char *path)
{
    static unsigned counter;
    struct buf b;
    buf_init(&b, 0);
    buf_puts(&b, STR("file:"));
    if (path) {
        for (const char *p = path; *p; p++)
            if (strchr("%?#", *p))
                buf_printf(&b, "%%%02X", (unsigned char)*p);
            else
                buf_putc(&b, *p);
    } else {
        buf_printf(&b, "/weir-%u?vfs=memdb", __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED));
    }
    buf_putc(&b, 0);
    char *uri = b.failed ? NULL : mem_strdup(b.p);
    buf_free(&b);
    return uri;
}

/* Writers go before readers, who would else keep them out for ever by polling. */
static bool init_locks(struct embedded *e)
{
    pthread_rwlockattr_t attr;
    pthread_mutex_init(&e->write_mutex, NULL);
    pthread_mutex_init(&e->query_mutex, NULL);
    pthread_mutex_init(&e->commit_mutex, NULL);
    pthread_mutex_init(&e->house_mutex, NULL);
    pthread_mutex_init(&e->member_mutex, NULL);
    if (pthread_rwlockattr_init(&attr) != 0)
        return false;
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    bool ok = pthread_rwlock_init(&e->memory_lock, &attr) == 0;
    pthread_rwlockattr_destroy(&attr);
    return ok && pthread_init_cond(&e->house_cond) && pthread_cond_init(&e->commit_cond, NULL) == 0;
}

enum status log_open_embedded(const struct embedded_options *options, struct log **out, struct diag *d)
{
    *out = NULL;
    if (options->path && !*options->path)
        return diag_set(d, STATUS_INVALID, "The path of the log is empty");
    struct embedded *e = mem_calloc(1, sizeof *e);
    if (!e)
        return diag_nomem(d);
    e->head.ops = &embedded_ops;
    house_init(e);
    e->sync_full = options->sync_full;
    e->path = options->path ? mem_strdup(options->path) : NULL;
    e->uri = make_uri(options->path);
    enum status st = embedded_waiting_init(e, d);
    if (!init_locks(e) || !e->uri || (options->path && !e->path))
        st = diag_nomem(d);
    if (st == STATUS_OK)
        st = db_open(e, &e->writing, WRITER_CACHE_KIB, d);
    if (st == STATUS_OK)
        st = db_open(e, &e->query, QUERY_CACHE_KIB, d);
    if (st != STATUS_OK) {
        embedded_close(&e->head);
        return st;
    }
    sqlite3_wal_hook(e->writing.handle, house_count_pages, e);
    *out = &e->head;
    return STATUS_OK;
}
