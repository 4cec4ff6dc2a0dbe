/* Which records of a partition are superseded by a later one with the same key, in bounded memory however many there
 * are.
 *
 * Each record is noted with the hash of its key, in one of many buckets by that hash, whose full blocks go to a
 * temporary file. Afterwards each bucket is looked through on its own, from its last note to its first: a key that was
 * seen already is superseded. What is found are bits of a window of offsets; where a window is not enough, it moves on
 * and the notes are looked through again. Keys are known by 128 bits of their hash, as Kafka knows them by MD5. */
#ifndef WEIR_EMBEDDED_SUPERSEDED_H
#define WEIR_EMBEDDED_SUPERSEDED_H

#include "topics/embedded/embedded_int.h"

enum {
    NOTE_BUCKETS = 256,
    NOTE_BLOCK = 256, /* notes; 6 KB, of which each bucket holds one in memory */
};

struct key_note {
    uint64_t low, high; /* of the hash; not both 0 */
    uint64_t at;        /* offset * 2, + 1: it goes if it is the only one of its key */
};
struct note_block {
    int64_t previous; /* number in the file; -1: none */
    struct key_note notes[NOTE_BLOCK];
};
struct note_bucket {
    struct note_block *block; /* the last one */
    uint64_t n;               /* notes in all blocks */
};
struct notes {
    struct embedded *log;
    struct note_bucket buckets[NOTE_BUCKETS];
    int fd; /* -1: no block was full yet */
    int64_t n_blocks;
};
struct marks { /* of the offsets from `from` on, `n_bits` of them */
    uint64_t *bits;
    int64_t from, n_bits;
    int64_t next; /* the first superseded offset behind them; INT64_MAX: none */
};

void notes_init(struct notes *n, struct embedded *log);
void notes_clear(struct notes *n);
/* Offsets in ascending order. `may_go`: the record is to be marked also if nothing supersedes it, provided that it is
 * the only one of its key. */
enum status notes_add(struct notes *n, struct str key, int64_t offset, bool may_go, struct diag *d) MUST_CHECK;
/* Marks what is superseded in one bucket. A key lies in one bucket only. */
enum status notes_mark(const struct notes *n, int bucket, struct marks *m, struct diag *d) MUST_CHECK;

/* An empty window. The memory is kept from one window to the next. */
bool marks_start(struct marks *m, int64_t from, int64_t n_bits);
void marks_clear(struct marks *m);
static inline bool marks_has(const struct marks *m, int64_t offset)
{
    uint64_t i = (uint64_t)offset - (uint64_t)m->from;
    return i < (uint64_t)m->n_bits && (m->bits[i / 64] >> i % 64 & 1);
}
int64_t marks_count(const struct marks *m, int64_t first, int64_t last); /* offsets first..last that are marked */

#endif
