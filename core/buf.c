/* Growing byte buffers. A failure sticks, so that writers need not check each append. */
#include "str.h"

#include <stdio.h>

void buf_init(struct buf *b, size_t limit)
{
    *b = (struct buf){.limit = limit};
}

void buf_free(struct buf *b)
{
    mem_free(b->p);
    buf_init(b, b->limit);
}

/* There is one byte more than `cap` says: for the NUL of buf_z. */
static bool grow(struct buf *b, size_t need)
{
    size_t size = 64;
    while (size <= need)
        size = size > SIZE_MAX / 2 ? SIZE_MAX : size * 2;
    if (b->limit && size - 1 > b->limit)
        size = b->limit + 1;
    char *p = mem_realloc(b->p, size);
    if (!p)
        return false;
    b->p = p;
    b->cap = size - 1;
    return true;
}

bool buf_reserve_slow(struct buf *b, size_t more)
{
    if (b->failed)
        return false;
    if (more >= SIZE_MAX - b->len || (b->limit && b->len + more > b->limit) || !grow(b, b->len + more))
        b->failed = true;
    return !b->failed;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    size_t room = b->p && !b->failed ? b->cap - b->len + 1 : 0;
    int n = vsnprintf(b->p ? b->p + b->len : NULL, room, format, args);
    if (n < 0) {
        b->failed = true;
    } else if ((size_t)n < room) {
        b->len += (size_t)n;
    } else if (n > 0 && buf_reserve(b, (size_t)n)) {
        vsnprintf(b->p + b->len, (size_t)n + 1, format, again);
        b->len += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

/* Two digits a step; written from the end. */
void buf_put_i64(struct buf *b, int64_t v)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
        "49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
        "9899";
    char text[24], *end = text + sizeof text, *p = end;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    while (rest >= 100) {
        p -= 2;
        memcpy(p, pairs + rest % 100 * 2, 2);
        rest /= 100;
    }
    if (rest >= 10) {
        p -= 2;
        memcpy(p, pairs + rest * 2, 2);
    } else {
        *--p = (char)('0' + rest);
    }
    if (v < 0)
        *--p = '-';
    buf_put(b, p, (size_t)(end - p));
}

const char *buf_z(struct buf *b)
{
    if (b->failed || b->len == 0)
        return "";
    b->p[b->len] = '\0';
    return b->p;
}
