/* Chunks: the blobs in which the embedded log keeps records, some thousand to a blob. Pure encoding and decoding, no
 * I/O.
 *
 *   0  u8      version, 1
 *   1  u8 x 5  width in bytes (0, 1, 2, 4, 8) of the entries of the five arrays
 *   8  u32     n, the number of records
 *  12  u32     number of headers of all records together
 *  16  i64     the smallest timestamp
 *  24  arrays of n entries: key length + 1 (0: null), value length + 1 (0: null), timestamp - smallest,
 *      offset - base - index (0 unless compaction has made holes), length of the headers; width 0: all entries are 0
 *      then the bytes of the records: key, value, headers; key, value, headers; ...
 *
 * Headers of a record: u32 count, count x (u32 key length, u32 value length + 1), then key, value, key, value, ...
 * All numbers are little-endian. A scan touches the arrays only, records point into the chunk.
 *
 * Chunks are stored packed (LZ4, one block, nothing around it) where that makes them smaller by an eighth, else as they
 * are: whoever stores them keeps both sizes, and those differ if and only if a chunk is packed. */
#ifndef WEIR_EMBEDDED_CHUNK_H
#define WEIR_EMBEDDED_CHUNK_H

#include "topics/topics.h"

enum {
    CHUNK_MAX_RECORDS = BATCH_ROWS,
    CHUNK_FULL_BYTES = 1 << 20,   /* payload at which a chunk is closed; one record may be larger */
    CHUNK_MAX_RECORD = 256 << 20, /* payload of one record */
    CHUNK_HEAD = 24,
    CHUNK_ARRAYS = 5,
    CHUNK_PACK_LEAST = 4096, /* smaller chunks are not worth packing */
};

/* ---- building ----------------------------------------------------------------------------------------- */

struct chunk_meta {               /* of one record */
    uint32_t key, value, headers; /* as in the arrays */
    int64_t ts;
    uint64_t gap;
};
struct chunk_builder {
    struct chunk_meta *meta;
    uint32_t n, cap;
    uint32_t n_headers;
    int64_t min_ts, max_ts;
    struct buf data;
};
/* A chunk ready to be stored. */
struct chunk_blob {
    char *p;       /* mem_free */
    size_t size;   /* as stored */
    size_t length; /* of the chunk: larger than `size` if that is packed */
    uint32_t n;
    int64_t max_ts;
    uint64_t hash; /* xxh3 of what is stored */
};

void chunk_builder_init(struct chunk_builder *b);
void chunk_builder_free(struct chunk_builder *b);
void chunk_builder_reset(struct chunk_builder *b); /* empties it and keeps its memory */
size_t chunk_builder_memory(const struct chunk_builder *b);
size_t chunk_record_size(const struct record *r); /* payload bytes */
/* Copies the record; its timestamp and the gap in front of it are given apart. False: no memory, the builder as before.
 */
bool chunk_add(struct chunk_builder *b, const struct record *r, int64_t ts, uint64_t gap);
static inline bool chunk_is_full(const struct chunk_builder *b)
{
    return b->n == CHUNK_MAX_RECORDS || b->data.len >= CHUNK_FULL_BYTES;
}
/* Makes the blob and resets the builder, which may not be empty. `pack`: smaller if it can be, for disks.
 * False: no memory, the builder as before. */
bool chunk_seal(struct chunk_builder *b, bool pack, struct chunk_blob *out);

/* ---- scanning ----------------------------------------------------------------------------------------- */

uint64_t chunk_hash(const void *p, size_t size);
/* What was stored in `size` bytes becomes the chunk, exactly `length` bytes at `to`. False: it was not packed so. */
bool chunk_unpack(const void *p, size_t size, char *to, size_t length);

struct chunk_cursor {
    const uint8_t *arrays[CHUNK_ARRAYS];
    uint8_t widths[CHUNK_ARRAYS];
    uint32_t n, i; /* i: the record that comes next */
    int64_t min_ts;
    int64_t base; /* offset of the chunk */
    const char *next, *end;
};
/* False if this is not a chunk. `base` is where its offsets begin. */
bool chunk_open(struct chunk_cursor *c, const void *p, size_t size, int64_t base);
/* The next record; headers go to the arena. STATUS_DATA: the chunk is malformed. i < n must hold. */
enum status chunk_next(struct chunk_cursor *c, struct record *r, struct arena *a);
/* Skips records below `offset`. */
enum status chunk_seek(struct chunk_cursor *c, int64_t offset);

#endif
