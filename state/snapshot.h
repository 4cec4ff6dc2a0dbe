/* The snapshot of a task's stores: one SQLite file (WAL), a copy of the changelogs up to offsets that it names. It is
 * never the truth: it may be deleted at any time when no task uses it, and what it lacks is replayed from the
 * changelogs.
 *
 * What was written to the changelogs is given to snapshot_put as well, where it waits, last value of a key only. After
 * a commit, snapshot_fold hands it to a thread that writes it in one SQLite transaction with the offsets. Rows carry a
 * checksum.
 *
 * A store that is attached to a snapshot may evict clean entries that the file holds; store_get and its siblings then
 * read them back. A filter of hashes keeps new keys from going to the file. When reading back fails, the store cannot
 * be used any more: snapshot_status tells, and whoever drives the task gives it up.
 *
 * Threads: the functions are for the task's thread. The folding thread only reads what was handed to it. */
#ifndef WEIR_STATE_SNAPSHOT_H
#define WEIR_STATE_SNAPSHOT_H

#include "state/state.h"

enum { SNAPSHOT_STORES = 32 }; /* a task; numbered from 0 */

/* Opens or creates the file. `shape` describes what is in it (stores and their layouts): a file of another shape, or a
 * damaged one, is begun anew. */
enum status snapshot_open(const char *path, struct str shape, struct snapshot **out, struct diag *d) MUST_CHECK;
/* Waits for the folding thread. A file that turned out damaged is deleted. */
void snapshot_close(struct snapshot *sn);
void snapshot_delete(const char *path);
/* Closes it and deletes its file. */
enum status snapshot_discard(struct snapshot *sn, struct diag *d) MUST_CHECK;
/* STATUS_OK, or why the stores can no longer be trusted. */
enum status snapshot_status(const struct snapshot *sn, struct diag *d);
size_t snapshot_memory(const struct snapshot *sn);

/* Attaches a store, empty so far, under a number. `filter_bytes`: size of the filter of evicted keys; 0: it never
 * evicts. */
enum status store_attach(struct store *s, struct snapshot *sn, uint32_t number, size_t filter_bytes,
                         struct diag *d) MUST_CHECK;
/* The changelog offset behind what the file holds of a store; -1: nothing. */
int64_t snapshot_offset(const struct snapshot *sn, uint32_t number);
/* Reads the file into its stores; what goes beyond `limit` bytes (0: none) stays in the file. */
enum status snapshot_load(struct snapshot *sn, size_t limit, struct diag *d) MUST_CHECK;

/* A record of a store's changelog (key, value or null). */
enum status snapshot_put(struct snapshot *sn, uint32_t number, const struct record *r, struct diag *d) MUST_CHECK;
size_t snapshot_pending(const struct snapshot *sn); /* bytes that wait to be folded */
/* Starts to fold what waits; all of it has been committed. offsets[number]: ends of the changelogs. With `wait` the
 * call returns when it is in the file. Does nothing while an earlier fold is under way. A fold that fails (disk full)
 * is tried again by the next call; only with `wait` its failure is returned. */
enum status snapshot_fold(struct snapshot *sn, const int64_t *offsets, bool wait, struct diag *d) MUST_CHECK;
bool snapshot_folding(struct snapshot *sn);

/* Evicts clean entries until the store holds about `target` bytes of entries less than now; what is not in the file yet
 * stays. Returns the number of entries evicted. For use between a commit and the next change. */
uint64_t store_evict(struct store *s, size_t bytes);

#endif
