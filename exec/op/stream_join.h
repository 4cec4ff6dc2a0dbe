/* The parts of a stream-stream join: the sides, which keep the rows of both inputs, and the rows that wait for a partner.
 *
 * A side's rows lie in a windowed store, in buckets of time that expire as a whole: an entry a key and bucket, its variable
 * part the rows in the order of arrival: time within the bucket (varint), length (varint), ROW bytes of the cells that the
 * result has. An entry that has grown to SIDE_CHUNK bytes is moved to a key of its own, and begins anew, so that the commit of a
 * busy key writes no more than that; the entry knows how many were moved. Of the key's own columns nothing is kept but
 * the key.
 *
 * Rows that wait lie in the store of the join: an entry a side, time and key, whose variable part is the rows: length (varint),
 * ROW bytes as above. Windows of that store are a side's rows of a bucket of time; they never expire, and are freed when empty. */
#ifndef WEIR_EXEC_OP_STREAM_JOIN_H
#define WEIR_EXEC_OP_STREAM_JOIN_H

#include "exec/op/join.h"

enum { SIDE_CHUNK = 1024 };

/* a + b without overflow; b >= 0. */
static inline int64_t time_add(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/* ---- what of a row is in the result ------------------------------------------------------------------------- */

struct join_copy {
    uint16_t from, to; /* column of the input, column of the result */
    uint32_t size;     /* of a cell */
};
struct join_cells {
    uint32_t n, n_keys;
    struct join_copy *cells, *keys; /* n of other columns, n_keys of the key's */
    struct column *scratch;         /* n */
};

/* ---- a side ------------------------------------------------------------------------------------------------- */

enum { SIDE_WINDOWS = 8 };
struct side_window {
    int64_t start;
    bool known;
    struct table *table; /* NULL: there is none */
};
struct join_side {
    struct op *op;
    int64_t retention;
    unsigned shift;           /* a bucket is as long as 2 to the power of this, ms */
    struct join_cells cells;
    struct str *keys;         /* of the batch at hand, by the place in its selection, as keys_encode says */
    uint64_t *hashes;
    struct side_window windows[SIDE_WINDOWS]; /* those looked at last; good until the flush */
    struct buf row, key;      /* scratch */
};

struct join_hit {
    int64_t ts;
    const char *row; /* in the store: until it changes */
    uint32_t len, number;
};
struct join_hits {
    struct join_hit *items;
    uint32_t n, cap;
    bool unordered;
};
/* The rows of a key with lo <= ts <= hi that are not too old for the side, by (ts, arrival). */
enum status side_find(struct join_side *s, struct str key, uint64_t hash, int64_t lo, int64_t hi, struct join_hits *hits,
                      struct diag *d) MUST_CHECK;
/* Ahead of looking for rows about a time; the second one later than the first. */
void side_prefetch(struct join_side *s, int64_t ts, uint64_t hash);
void side_prefetch_entry(struct join_side *s, int64_t ts, uint64_t hash);

/* ---- rows that wait ------------------------------------------------------------------------------------------ */

/* The entries of a side in order, from a window of the store on: those of the window looked at are sorted. */
struct pending_run {
    int64_t start, next; /* the window at hand; windows from `next` on are still to be looked at */
    struct entry **entries;
    uint32_t at, n, cap;
};
struct pending {
    struct store *store;
    unsigned shift;
    struct pending_run runs[2];
    int64_t last;    /* nothing that waits is later */
    bool last_waits; /* something of that time waits */
    struct buf key;  /* scratch */
    struct arena scratch;
};
/* `longest`: how long rows wait, ms, for the width of windows. */
enum status pending_open(struct pending *p, struct op *op, const char *name, int64_t longest, struct diag *d) MUST_CHECK;
void pending_close(struct pending *p);
bool pending_put(struct pending *p, uint32_t side, int64_t ts, struct str key, struct str row) MUST_CHECK;
/* Takes away all rows of a side, time and key. */
bool pending_remove(struct pending *p, uint32_t side, int64_t ts, struct str key) MUST_CHECK;
/* The first entry of a side by (time, key bytes); NULL: there is none. */
enum status pending_first(struct pending *p, uint32_t side, struct entry **e, struct diag *d) MUST_CHECK;
struct str pending_key(const struct entry *e); /* as it was put */
/* Highest time that something waits with; INT64_MIN: nothing waits. */
enum status pending_last(struct pending *p, int64_t *ts, struct diag *d) MUST_CHECK;
/* When the changes have been written. */
void pending_flushed(struct pending *p);

#endif
