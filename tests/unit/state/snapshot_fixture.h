/* What the tests of snapshots share: one file, stores with entries that count, and all records that were ever written.
 */
#ifndef WEIR_TESTS_SNAPSHOT_FIXTURE_H
#define WEIR_TESTS_SNAPSHOT_FIXTURE_H

#include "state/snapshot.h"
#include "tests/unit/unit.h"

extern char path[64]; /* of the file */
void new_path(void);  /* no file is there yet */
struct snapshot *open_snapshot(void);

/* `filter`: as for store_attach; without a snapshot nothing is attached. */
struct store *make_store(enum store_kind kind, struct snapshot *sn, size_t filter);
/* What a commit does. */
void commit(struct store *s, struct snapshot *sn, int64_t offset, bool fold);

/* Key number k, in a room of 64 bytes. */
struct str key_of(char *room, uint32_t k);
/* Adds n to the entry of a key. */
void put(struct store *s, struct table *t, int64_t start, uint32_t k, int64_t n);
/* The sum in it; INT64_MIN: there is none. */
int64_t get(struct store *s, struct table *t, int64_t start, uint32_t k);
/* Joins all sessions within the gap, as the operator does. */
void add_to_sessions(struct store *s, struct str key, int64_t ts, struct arena *a);
/* The number of sessions that end in [lo, hi]; what is in them goes into *sums. */
size_t closed_between(struct store *s, int64_t lo, int64_t hi, uint64_t *sums);

/* For store_write_changes. */
struct changelog {
    struct record *records;
    size_t n, cap;
    struct arena arena;
};
enum status to_changelog(void *data, const struct record *records, size_t n, struct diag *d);

#endif
