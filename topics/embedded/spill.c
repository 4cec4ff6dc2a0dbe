/* Large transactions: closed chunks beyond SPILL_BYTES wait for the commit in a temporary file beside the log, which
 * has no name and so goes with the process. (Not in an open SQLite transaction: that would lock out all other writers.)
 */
#include "topics/embedded/embedded_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status spill_error(struct embedded_writer *w, struct diag *d)
{
    int e = errno;
    enum status st = e == ENOSPC || e == EDQUOT || e == EFBIG ? STATUS_FULL : STATUS_IO;
    return diag_set(d, st, "The temporary file of a transaction beside the log %s: %s", embedded_name(w->log),
                    strerror(e));
}

/* Some file systems have no O_TMPFILE. */
static int open_nameless(const char *log_path)
{
    char name[4096];
    int n = snprintf(name, sizeof name, "%s.spill-XXXXXX", log_path);
    if (n < 0 || (size_t)n >= sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    return fd;
}

static enum status write_chunk(struct embedded_writer *w, struct pending_chunk *chunk, struct diag *d)
{
    size_t done = 0;
    while (done < chunk->blob.size) {
        ssize_t n = pwrite(w->spill_fd, chunk->blob.p + done, chunk->blob.size - done, w->spill_size + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return spill_error(w, d);
        done += (size_t)n;
    }
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
    if (w->spill_fd < 0 && (w->spill_fd = open_nameless(w->log->path)) < 0)
        return spill_error(w, d);
    enum status st = STATUS_OK;
    for (struct part_buffer *b = w->used; b && st == STATUS_OK; b = b->next_used)
        for (struct pending_chunk *c = b->first; c && st == STATUS_OK; c = c->next)
            if (c->blob.p)
                st = write_chunk(w, c, d);
    return st;
}

enum status spill_read(struct embedded_writer *w, const struct pending_chunk *chunk, char *to, struct diag *d)
{
    size_t done = 0;
    while (done < chunk->blob.size) {
        ssize_t n = pread(w->spill_fd, to + done, chunk->blob.size - done, chunk->spill_at + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return spill_error(w, d);
        done += (size_t)n;
    }
    if (chunk_hash(to, chunk->blob.size) != chunk->blob.hash) {
        errno = EIO;
        return spill_error(w, d);
    }
    return STATUS_OK;
}

void spill_clear(struct embedded_writer *w)
{
    if (w->spill_fd >= 0)
        close(w->spill_fd);
    w->spill_fd = -1;
    w->spill_size = 0;
}
