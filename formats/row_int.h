/* Private to formats/: variable-length numbers of the ROW format, inline because they are its inner loop. */
#ifndef WEIR_FORMATS_ROW_INT_H
#define WEIR_FORMATS_ROW_INT_H

#include "formats/row.h"

enum { VARINT_MAX = 10 };

static inline uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

/* Room for VARINT_MAX bytes at p; returns the end. */
static inline char *varint_put(char *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (char)(v | 0x80);
    *p++ = (char)v;
    return p;
}

static inline void row_put_varint(struct buf *out, uint64_t v)
{
    if (buf_reserve(out, VARINT_MAX))
        out->len = (size_t)(varint_put(out->p + out->len, v) - out->p);
}

static inline bool row_get_varint(struct row_cursor *c, uint64_t *v)
{
    uint64_t result = 0;
    for (unsigned shift = 0; shift < 64 && c->p < c->end; shift += 7) {
        unsigned char byte = (unsigned char)*c->p++;
        result |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *v = result;
            return true;
        }
    }
    return false;
}

static inline bool row_take(struct row_cursor *c, uint64_t n, const char **p)
{
    if (n > (uint64_t)(c->end - c->p))
        return false;
    *p = c->p;
    c->p += n;
    return true;
}

static inline bool row_get_string(struct row_cursor *c, struct str *s)
{
    uint64_t len;
    const char *p;
    if (!row_get_varint(c, &len) || !row_take(c, len, &p))
        return false;
    *s = str_make(p, len);
    return true;
}

static inline bool bitmap_has(const char *bitmap, uint32_t i)
{
    return (unsigned char)bitmap[i / 8] >> (i & 7) & 1;
}

/* A cell without a null bit straight into a column. */
bool row_get_column_cell(struct row_cursor *c, struct column *column, uint32_t row, struct arena *a);

#endif
