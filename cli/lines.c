/* Cutting an input into lines. It is read into blocks; a line that crosses the end of a block is moved to the next one,
 * and a block that holds no whole line grows. */
#include "cli/lines.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { BLOCK_SIZE = 512 << 10, LOOK_EVERY_MS = 100 };
static const size_t MAX_LINE = (size_t)256 << 20;

struct line_block {
    int refs; /* atomic */
    struct buf bytes;
};

static struct line_block *line_block_keep(struct line_block *b)
{
    __atomic_fetch_add(&b->refs, 1, __ATOMIC_RELAXED);
    return b;
}

void line_block_drop(struct line_block *b)
{
    if (!b || __atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    buf_free(&b->bytes);
    mem_free(b);
}

void line_reader_init(struct line_reader *r, int fd, const volatile int *interrupted)
{
    *r = (struct line_reader){.fd = fd, .interrupted = interrupted};
}

void line_reader_free(struct line_reader *r)
{
    line_block_drop(r->block);
    r->block = NULL;
}

static bool is_ready(int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, timeout_ms) != 0; /* an error shows when it is read */
}

bool lines_would_wait(const struct line_reader *r, int timeout_ms)
{
    size_t rest = r->block ? r->block->bytes.len - r->scanned : 0;
    if (r->at_end || (rest && memchr(r->block->bytes.p + r->scanned, '\n', rest)))
        return false;
    return !is_ready(r->fd, timeout_ms);
}

/* A block of its own to read on into, beginning with what is left of the present one. */
static enum status next_block(struct line_reader *r, struct diag *d)
{
    struct line_block *old = r->block, *b = mem_calloc(1, sizeof *b);
    if (!b)
        return diag_nomem(d);
    b->refs = 1;
    buf_init(&b->bytes, MAX_LINE);
    if (!buf_reserve(&b->bytes, BLOCK_SIZE)) {
        line_block_drop(b);
        return diag_nomem(d);
    }
    if (old)
        buf_put(&b->bytes, old->bytes.p + r->at, old->bytes.len - r->at);
    r->scanned -= r->at;
    r->at = 0;
    r->block = b;
    line_block_drop(old);
    return b->bytes.failed ? diag_nomem(d) : STATUS_OK;
}

static enum status read_once(struct line_reader *r, struct diag *d)
{
    struct buf *b = &r->block->bytes;
    for (;;) {
        while (!*r->interrupted && !is_ready(r->fd, LOOK_EVERY_MS)) /* a signal may go to another thread */
            continue;
        ssize_t got = *r->interrupted ? 0 : read(r->fd, b->p + b->len, b->cap - b->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return diag_set(d, STATUS_IO, "cannot read the input: %s", strerror(errno));
        b->len += (size_t)got;
        r->at_end = got == 0;
        return STATUS_OK;
    }
}

/* Room for more of a long line; false: it has become too long, or memory is out. */
static bool grow(struct buf *b)
{
    size_t more = b->len + BLOCK_SIZE;
    if (more > MAX_LINE - b->len)
        more = MAX_LINE - b->len;
    return more > 0 && buf_reserve(b, more);
}

/* Reads until there is a whole line, and more while more is there and the block has room. */
static enum status fill(struct line_reader *r, struct diag *d)
{
    enum status st = STATUS_OK;
    if (!r->block || r->at > 0)
        TRY(next_block(r, d));
    struct buf *b = &r->block->bytes;
    bool whole = false;
    while (!r->at_end && !(whole && (b->len >= BLOCK_SIZE || !is_ready(r->fd, 0)))) {
        if (b->cap == b->len && !whole && !grow(b))
            return diag_set(d, STATUS_DATA, "line %lld is longer than %zu bytes", (long long)r->number + 1, MAX_LINE);
        if (b->cap == b->len)
            break;
        TRY(read_once(r, d));
        if (!whole && b->len > r->scanned) {
            whole = memchr(b->p + r->scanned, '\n', b->len - r->scanned) != NULL;
            r->scanned = whole ? r->scanned : b->len;
        }
    }
done:
    return st;
}

/* Cuts lines off what is there. */
static uint32_t cut(struct line_reader *r, struct str *lines, int64_t *numbers, uint32_t max)
{
    const struct buf *b = &r->block->bytes;
    uint32_t n = 0;
    while (n < max && r->at < b->len) {
        const char *newline = memchr(b->p + r->scanned, '\n', b->len - r->scanned);
        if (!newline && (!r->at_end || *r->interrupted)) {
            r->scanned = b->len;
            break;
        }
        size_t end = newline ? (size_t)(newline - b->p) : b->len;
        size_t behind = newline ? end + 1 : end;
        if (newline && end > r->at && b->p[end - 1] == '\r')
            end--;
        r->number++;
        if (end > r->at) {
            numbers[n] = r->number;
            lines[n++] = str_make(b->p + r->at, end - r->at);
        }
        r->at = r->scanned = behind;
    }
    return n;
}

enum status lines_next(struct line_reader *r, struct str *lines, int64_t *numbers, uint32_t max, uint32_t *n,
                       struct line_block **block, struct diag *d)
{
    enum status st = STATUS_OK;
    *n = 0;
    *block = NULL;
    for (;;) {
        if (r->block)
            *n = cut(r, lines, numbers, max);
        if (*n || (r->at_end && r->block))
            break;
        TRY(fill(r, d));
    }
    if (*n)
        *block = line_block_keep(r->block);
done:
    return st;
}
