/* The snapshot of a task's stores: one SQLite file (WAL), a copy of the changelogs up to offsets that it names. It is
 * never the truth: it may be deleted at any time when no task uses it, and what it lacks is replayed from the
 * changelogs.
 *
 * An attached store marks the entries whose value the file does not have, and notes what was removed. snapshot_fold,
 * called after commits, goes through the marked ones in rounds: at each call a part of them is copied and given to a
 * thread, which writes it in one SQLite transaction, the last one together with the offsets that were true when the
 * round began. Between rounds changes of one entry fall together, and what expires is never written. Rows carry a
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

/* Whether the thread writes. */
bool snapshot_folding(struct snapshot *sn);
bool snapshot_in_round(const struct snapshot *sn);
/* Whether a round is under way, or there is something for one. */
bool snapshot_has_work(const struct snapshot *sn);
/* When the round that the file holds began (wall clock, ms); 0: it holds none. */
int64_t snapshot_time(const struct snapshot *sn);
/* Begins or goes on with a round; everything in the stores has been committed. offsets[number]: ends of the changelogs, as of now_ms.
 * With `wait` the call returns when the round is over. Does nothing while the thread writes. A part that cannot be
 * written (disk full) is tried again by the next call; only with `wait` the failure is returned. */
enum status snapshot_fold(struct snapshot *sn, const int64_t *offsets, int64_t now_ms, bool wait,
                          struct diag *d) MUST_CHECK;

/* Evicts clean entries until the store holds about `target` bytes of entries less than now; what is not in the file yet
 * stays. Returns the number of entries evicted. For use between a commit and the next change. */
uint64_t store_evict(struct store *s, size_t bytes);

#endif
