/* Private to formats/: parts of the ROW format, inline because they are its inner loop. */
#ifndef WEIR_FORMATS_ROW_INT_H
#define WEIR_FORMATS_ROW_INT_H

#include "formats/row.h"

static inline uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static inline int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
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
