/* What the files of the snapshot share: its layout, and SQLite's errors. */
#ifndef WEIR_STATE_SNAPSHOT_INT_H
#define WEIR_STATE_SNAPSHOT_INT_H

#include "state/snapshot.h"
#include "state/state_int.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

enum { CHECKSUM = 8, TIME_ROW = -1 /* among the offsets */ };
enum { FOLD_IDLE, FOLD_RUNNING, FOLD_DONE, FOLD_FAILED };

/* Last values by key: entries whose variable part is the value, dead ones for removals. */
struct waiting {
    struct table table;
    struct slab slab;
    struct account account;
};

struct snapshot {
    char *path;
    struct buf shape;
    bool exists;           /* the file: the first fold creates it */
    sqlite3 *read, *write; /* of the task's and of the folding thread */
    sqlite3_stmt *get, *range, *all;
    struct store *stores[SNAPSHOT_STORES];
    int64_t offsets[SNAPSHOT_STORES], time;
    struct waiting removed; /* keys: to be deleted from the file */
    struct waiting folding; /* what the thread writes */
    struct buf key, value;  /* of the entry at hand */
    enum status status;
    bool damaged;
    /* The fold under way. */
    pthread_t thread;
    atomic_int state;
    bool in_round;
    bool last_part; /* of the round: the thread writes the offsets, too */
    int64_t round_offsets[SNAPSHOT_STORES], round_time;
    struct { /* where the round is */
        uint32_t store, index;
        int64_t time; /* of the window or bucket */
    } at;
    struct str expired[SNAPSHOT_STORES]; /* rows of the store below this key go */
    struct buf expired_bytes[SNAPSHOT_STORES];
    struct diag fold_diag;
};

/* waiting.c */
size_t waiting_memory(const struct waiting *w);
void waiting_clear(struct waiting *w);
bool waiting_put(struct waiting *w, struct str key, struct str value);
/* What is on its way for a key with its number: a removal (ENTRY_DEAD), or a value that is being written; NULL:
 * nothing. */
const struct entry *waiting_value(const struct snapshot *sn, struct str key);
void waiting_forget(struct waiting *w, struct str key);

/* snapshot.c */
enum status snapshot_failed(const struct snapshot *sn, sqlite3 *db, int rc, struct diag *d);
int sqlite_execute(sqlite3 *db, const char *sql);
/* A connection that can write, with the tables; *same: the file is of our shape. */
int snapshot_connect(const struct snapshot *sn, sqlite3 **db);
int snapshot_tables(const struct snapshot *sn, sqlite3 *db, bool *same);
uint64_t snapshot_checksum(struct str key, struct str value);

/* unfolded.c: the next part of the round into sn->folding; sets last_part. False: no memory. */
bool collect_part(struct snapshot *sn);
/* Begins a round. */
void collect_begin(struct snapshot *sn);

/* fold.c: waits for the folding thread, and takes over what it did. */
void snapshot_join(struct snapshot *sn);

#endif
