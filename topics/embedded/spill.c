/* Temporary files beside the log, which have no name and so go with the process; and what transactions keep there:
 * closed chunks beyond SPILL_BYTES wait in one for the commit. (Not in an open SQLite transaction: that would lock out
 * all other writers.) */
#include "topics/embedded/embedded_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status file_error(const struct embedded *log, struct diag *d)
{
    int e = errno;
    enum status st = e == ENOSPC || e == EDQUOT || e == EFBIG ? STATUS_FULL : STATUS_IO;
    return diag_set(d, st, "A temporary file beside the log %s: %s", embedded_name(log), strerror(e));
}

/* Some file systems have no O_TMPFILE. */
enum status nameless_open(const struct embedded *log, int *fd, struct diag *d)
{
    char name[4096];
    int n = snprintf(name, sizeof name, "%s.spill-XXXXXX", log->path ? log->path : "");
    if (n < 0 || (size_t)n >= sizeof name) {
        errno = ENAMETOOLONG;
        return file_error(log, d);
    }
    *fd = log->path ? mkostemp(name, O_CLOEXEC) : memfd_create("weir", MFD_CLOEXEC);
    if (*fd < 0)
        return file_error(log, d);
    if (log->path)
        unlink(name);
    return STATUS_OK;
}

enum status nameless_write(const struct embedded *log, int fd, const void *p, size_t size, int64_t at, struct diag *d)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pwrite(fd, (const char *)p + done, size - done, at + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return file_error(log, d);
        done += (size_t)n;
    }
    return STATUS_OK;
}

enum status nameless_read(const struct embedded *log, int fd, void *to, size_t size, int64_t at, struct diag *d)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, (char *)to + done, size - done, at + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return file_error(log, d);
        done += (size_t)n;
    }
    return STATUS_OK;
}

static enum status write_chunk(struct embedded_writer *w, struct pending_chunk *chunk, struct diag *d)
{
    enum status st = nameless_write(w->log, w->spill_fd, chunk->blob.p, chunk->blob.size, w->spill_size, d);
    if (st != STATUS_OK)
        return st;
    chunk->spill_at = w->spill_size;
    w->spill_size += (int64_t)chunk->blob.size;
    w->pending_bytes -= chunk->blob.size;
    mem_free(chunk->blob.p);
    chunk->blob.p = NULL;
    return STATUS_OK;
}

enum status spill_pending(struct embedded_writer *w, struct diag *d)
{
    if (!w->log->path)
        return STATUS_OK; /* memory either way */
    enum status st = w->spill_fd < 0 ? nameless_open(w->log, &w->spill_fd, d) : STATUS_OK;
    for (struct part_buffer *b = w->used; b && st == STATUS_OK; b = b->next_used)
        for (struct pending_chunk *c = b->first; c && st == STATUS_OK; c = c->next)
            if (c->blob.p)
                st = write_chunk(w, c, d);
    return st;
}

enum status spill_read(struct embedded_writer *w, const struct pending_chunk *chunk, char *to, struct diag *d)
{
    enum status st = nameless_read(w->log, w->spill_fd, to, chunk->blob.size, chunk->spill_at, d);
    if (st == STATUS_OK && chunk_hash(to, chunk->blob.size) != chunk->blob.hash) {
        errno = EIO;
        st = file_error(w->log, d);
    }
    return st;
}

void spill_clear(struct embedded_writer *w)
{
    if (w->spill_fd >= 0)
        close(w->spill_fd);
    w->spill_fd = -1;
    w->spill_size = 0;
}
