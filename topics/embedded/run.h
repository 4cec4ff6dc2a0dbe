/* Runs: consecutive chunks of one partition as they were read from the file, in one counted block of memory. Record
 * batches are cut from a run, and point into it. */
#ifndef WEIR_EMBEDDED_RUN_H
#define WEIR_EMBEDDED_RUN_H

#include "topics/embedded/embedded_int.h"

enum { RUN_BYTES = 1 << 20, RUN_CHUNKS = 512 }; /* where a run ends at the latest; one chunk may be larger */

struct run_chunk {
    size_t at; /* in memory */
    size_t size;
    int64_t base, last;
};
struct run {
    int refs; /* atomic */
    char *memory;
    size_t size, cap;
    int64_t next_offset; /* behind the run */
    uint32_t n_chunks, cap_chunks;
    struct run_chunk *chunks;
};

/* Reads from `offset` up to `stop` at the latest, until there are `max_records` or the run is full. The chunks are
 * checked, and that none is missing. A run without chunks: compaction has left nothing there; next_offset tells how
 * far that goes. Under an open read transaction. */
enum status run_read(struct db *db, int64_t part, int64_t offset, int64_t stop, uint32_t max_records, struct run **out,
                     struct diag *d) MUST_CHECK;
void run_drop(struct run *r);

struct run_cursor { /* a place in a run; owns a count of it */
    struct run *run;
    uint32_t chunk;
    struct chunk_cursor at;
};
/* Takes the count of `run`. Seeks to `offset`. */
enum status run_cursor_init(struct run_cursor *c, struct run *run, int64_t offset) MUST_CHECK;
void run_cursor_clear(struct run_cursor *c);
/* A batch without records, which tells that there are none up to `next_offset`. NULL: no memory. */
struct record_batch *run_empty_batch(const char *topic, int32_t partition, int64_t next_offset);
/* Cuts up to `max_records` records; *out NULL when none are left. STATUS_DATA: the chunk with base *where is malformed.
 */
enum status run_cut(struct run_cursor *c, const char *topic, int32_t partition, uint32_t max_records,
                    struct record_batch **out, int64_t *where) MUST_CHECK;

#endif
