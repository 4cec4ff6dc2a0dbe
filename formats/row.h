/* The ROW format: a lossless, compact encoding of rows and values for topics and state that only weir reads.
 *
 * A row of n cells is a bitmap of nulls (bit i of byte i / 8 set: cell i is null), then the cells that are not null,
 * one after the other and without tags, as the types say:
 * - BOOLEAN: 1 byte
 * - INT, DATE, TIME, BIGINT, TIMESTAMP, DECIMAL: variable length, 7 bits a byte, low first, zigzag
 * - DOUBLE: 8 bytes, little-endian; NaN has one form
 * - STRING, BYTES: length (variable), bytes
 * - ARRAY: count, bitmap, items
 * - MAP: count * 2 + 1 if a key is null, then (if so) the bitmap of keys, the keys, the bitmap of items, the items
 * - STRUCT: as a row
 *
 * Equal rows (value_eq) have equal bytes, except for maps of other order. Order of bytes means nothing. A reader checks
 * everything against the end of its input, so that damaged bytes are an error and no more. */
#ifndef WEIR_FORMATS_ROW_H
#define WEIR_FORMATS_ROW_H

#include "core/core.h"

struct row_cursor {
    const char *p, *end;
};

static inline struct row_cursor row_cursor(struct str bytes)
{
    return (struct row_cursor){bytes.p, bytes.len ? bytes.p + bytes.len : bytes.p};
}

/* ---- variable-length numbers: 7 bits a byte, low first ------------------------------------------------------ */

enum { VARINT_MAX = 10 };

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

/* ---- rows and cells ------------------------------------------------------------------------------------------ */

/* One row of columns [0, n). Failure shows in out->failed. */
void row_put_columns(struct buf *out, const struct column *columns, uint32_t n, uint32_t row);

/* The reverse, into the cells of `row`; the columns must have validity bits. Strings point into the bytes, nested parts
 * into the arena. False: damaged bytes, or a->failed. */
bool row_get_columns(struct row_cursor *c, struct column *columns, uint32_t n, uint32_t row, struct arena *a);

/* A single cell without a null bit, for a caller that has bitmaps of its own. */
void row_put_cell(struct buf *out, const struct value *v, const struct type *t);
bool row_get_cell(struct row_cursor *c, const struct type *t, struct arena *a, struct value *v);
bool row_skip_cell(struct row_cursor *c, const struct type *t);

#endif
