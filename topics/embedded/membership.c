/* Membership on the embedded log: one process owns all slots of a service, and holds a lock file beside the log as long
 * as it does (flock: it goes with the process). In memory, a list in the log does the same. */
#include "topics/embedded/embedded_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct embedded_membership {
    struct membership head;
    int refs; /* atomic: the member's own, and one a fenced transaction */
    struct embedded *log;
    char *path; /* of the lock file; NULL in memory */
    int fd;
    bool has_left; /* atomic */
    bool is_told;  /* the caller knows its slots */
    int32_t n_slots;
};
struct membership_owner { /* in memory */
    struct membership_owner *next;
    char service[];
};

static struct embedded_membership *member_of(struct membership *m)
{
    return (struct embedded_membership *)m;
}

static void membership_drop(struct embedded_membership *m)
{
    if (__atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    mem_free(m->path);
    mem_free(m);
}

static enum status taken(const char *service_id, struct diag *d)
{
    return diag_set(d, STATUS_EXISTS, "Another process is running the service %s on this log", service_id);
}

/* ---- in a file ---------------------------------------------------------------------------------------- */

/* LOG.SERVICE.lock, with what does not belong into a file name as %XX. */
static char *lock_path(const char *log_path, const char *service_id)
{
    struct buf b;
    buf_init(&b, 0);
    buf_puts(&b, str_from(log_path));
    buf_putc(&b, '.');
    for (const char *p = service_id; *p; p++) {
        bool is_plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '_' ||
                        *p == '-' || *p == '.';
        if (is_plain)
            buf_putc(&b, *p);
        else
            buf_printf(&b, "%%%02X", (unsigned char)*p);
    }
    buf_puts(&b, STR(".lock"));
    buf_putc(&b, 0);
    char *path = b.failed ? NULL : mem_strdup(b.p);
    buf_free(&b);
    return path;
}

/* Is the locked file still the one that the path names? The last owner removes it. */
static bool is_current(int fd, const char *path)
{
    struct stat ours, theirs;
    return fstat(fd, &ours) == 0 && stat(path, &theirs) == 0 && ours.st_ino == theirs.st_ino &&
           ours.st_dev == theirs.st_dev;
}

static enum status lock_file(struct embedded_membership *m, const char *service_id, struct diag *d)
{
    for (;;) {
        m->fd = open(m->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (m->fd < 0)
            return diag_set(d, STATUS_IO, "The lock file %s cannot be opened: %s", m->path, strerror(errno));
        if (flock(m->fd, LOCK_EX | LOCK_NB) != 0) {
            int e = errno;
            close(m->fd);
            m->fd = -1;
            if (e == EWOULDBLOCK)
                return taken(service_id, d);
            if (e == EINTR)
                continue;
            return diag_set(d, STATUS_IO, "The lock file %s cannot be locked: %s", m->path, strerror(e));
        }
        if (is_current(m->fd, m->path))
            return STATUS_OK;
        close(m->fd);
    }
}

/* ---- in memory ---------------------------------------------------------------------------------------- */

static enum status lock_memory(struct embedded *log, const char *service_id, struct diag *d)
{
    enum status st = STATUS_OK;
    size_t len = strlen(service_id) + 1;
    struct membership_owner *o = mem_alloc(sizeof *o + len);
    if (!o)
        return diag_nomem(d);
    memcpy(o->service, service_id, len);
    pthread_mutex_lock(&log->member_mutex);
    for (struct membership_owner *other = log->owners; other; other = other->next)
        if (strcmp(other->service, service_id) == 0)
            st = taken(service_id, d);
    if (st == STATUS_OK) {
        o->next = log->owners;
        log->owners = o;
    }
    pthread_mutex_unlock(&log->member_mutex);
    if (st != STATUS_OK)
        mem_free(o);
    return st;
}

static void unlock_memory(struct embedded *log, const char *service_id)
{
    pthread_mutex_lock(&log->member_mutex);
    for (struct membership_owner **at = &log->owners; *at; at = &(*at)->next)
        if (strcmp((*at)->service, service_id) == 0) {
            struct membership_owner *o = *at;
            *at = o->next;
            mem_free(o);
            break;
        }
    pthread_mutex_unlock(&log->member_mutex);
}

/* ---- operations --------------------------------------------------------------------------------------- */

enum status embedded_membership_join(struct log *log, const char *service_id, const char *server_id, int32_t n_slots,
                                     struct membership **out, struct diag *d)
{
    (void)server_id; /* there is only one */
    struct embedded *e = embedded_of(log);
    struct embedded_membership *m = mem_calloc(1, sizeof *m);
    if (!m)
        return diag_nomem(d);
    *m = (struct embedded_membership){{log->ops}, 1, e, NULL, -1, false, false, n_slots};
    m->path = e->path ? lock_path(e->path, service_id) : mem_strdup(service_id);
    enum status st = !m->path ? diag_nomem(d) : e->path ? lock_file(m, service_id, d) : lock_memory(e, service_id, d);
    if (st != STATUS_OK) {
        membership_drop(m);
        return st;
    }
    *out = &m->head;
    return STATUS_OK;
}

bool membership_holds(struct embedded_membership *m)
{
    return !__atomic_load_n(&m->has_left, __ATOMIC_ACQUIRE) && (m->fd < 0 || is_current(m->fd, m->path));
}

enum status embedded_membership_poll(struct membership *membership, int timeout_ms, uint8_t *owned, bool *changed,
                                     struct diag *d)
{
    struct embedded_membership *m = member_of(membership);
    if (!membership_holds(m))
        return diag_set(d, STATUS_FENCED, "The lock file %s was removed", m->path);
    if (m->is_told && timeout_ms > 0)
        clock_sleep_ms(timeout_ms);
    *changed = !m->is_told;
    m->is_told = true;
    memset(owned, 1, (size_t)m->n_slots);
    return STATUS_OK;
}

void embedded_membership_release_done(struct membership *m)
{
    (void)m; /* nothing is ever taken away */
}

enum status embedded_membership_fence(struct membership *membership, struct log_writer *writer, struct diag *d)
{
    struct embedded_membership *m = member_of(membership);
    struct embedded_writer *w = (struct embedded_writer *)writer;
    if (!membership_holds(m))
        return diag_set(d, STATUS_FENCED, "The membership that the transaction depends on has ended");
    membership_unfence(w);
    __atomic_fetch_add(&m->refs, 1, __ATOMIC_RELAXED);
    w->fence = m;
    return STATUS_OK;
}

void membership_unfence(struct embedded_writer *w)
{
    if (w->fence)
        membership_drop(w->fence);
    w->fence = NULL;
}

void embedded_membership_leave(struct membership *membership)
{
    struct embedded_membership *m = member_of(membership);
    __atomic_store_n(&m->has_left, true, __ATOMIC_RELEASE);
    if (m->log->path) {
        if (is_current(m->fd, m->path))
            unlink(m->path);
        close(m->fd);
    } else {
        unlock_memory(m->log, m->path);
    }
    membership_drop(m);
}
