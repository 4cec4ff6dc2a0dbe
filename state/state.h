/* State stores: what operators remember between records. One store belongs to one operator of one task, and is used by
 * one thread at a time.
 *
 * Three kinds, which share entries, the list of changes and the changelog:
 *   KEYED     key -> entry
 *   WINDOWED  (window start, key) -> entry; entries are grouped by window, so that expiry drops whole windows
 *   SESSION   key -> sessions (start, end, entry), ordered by end; also reachable by end over all keys
 * Keys are bytes that the operator makes (exec/key.h), with their xxh3 hash beside them. An entry has a timestamp, a fixed
 * part whose size is the store's (accumulators, in place), and a variable part (any bytes, in a slab). Entries do
 * not move while they live.
 *
 * Changes. Before an operator changes an entry it calls store_touch, which puts the entry at the end of the list of
 * changes if it is not there yet, and keeps the previous value if the store was made with `keep_old`. The list is what
 * is emitted downstream when output is coalesced, and what store_write_changes appends to the changelog, once a key.
 * Removed entries stay, dead, until store_clear_changes.
 *
 * Time. `time` is the highest window start (session end) that was put. Windows with start < time - retention, and sessions
 * with end <= time - retention, are not found any more; store_clear_changes frees them. `observed`, `closed` and `seq` belong to the operator
 * (stream time, up to where windows were closed, and how many rows it has taken); they are written to the changelog with the entries.
 *
 * Memory. Everything is counted in store_memory. With a budget and a snapshot (snapshot.h), entries that were not used lately
 * live in the snapshot alone, and come back when they are asked for. */
#ifndef WEIR_STATE_H
#define WEIR_STATE_H

#include "core/core.h"
#include "topics/topics.h"

/* ---- slab: small pieces of memory in size classes ---------------------------------------------------------- */

enum { SLAB_CLASSES = 20 };
struct slab_chunk;
struct slab {
    struct slab_chunk *chunks;
    char *next, *end;
    void *free[SLAB_CLASSES];
    size_t used;  /* bytes held from the heap */
    size_t freed; /* of these, given back and free for use again */
};
void *slab_alloc(struct slab *s, size_t size); /* 16-byte aligned; NULL: no memory */
void slab_free(struct slab *s, void *p, size_t size); /* `size` as allocated */
size_t slab_room(size_t size);                 /* bytes that an allocation of `size` really has */
void slab_clear(struct slab *s);

/* ---- entries ------------------------------------------------------------------------------------------------ */

enum { ENTRY_INLINE_KEY = 16 };
enum {
    ENTRY_DEAD = 1,
    ENTRY_USED = 2,       /* since the last look of the evictor */
    ENTRY_KEY_SHARED = 4, /* the key belongs to another entry */
    ENTRY_UNFOLDED = 8,   /* the snapshot does not have this value yet */
};

struct entry {
    int64_t ts;
    char *var;         /* variable part; borrowed by readers until the entry changes */
    uint32_t var_len;
    uint32_t flags;
    uint32_t key_len;
    uint32_t dirty;    /* place in the list of changes + 1; 0: clean */
    union {
        char bytes[ENTRY_INLINE_KEY];
        const char *p;
    } key;
    _Alignas(16) char fixed[]; /* store's fixed_size bytes */
};
static inline struct str entry_key(const struct entry *e)
{
    return str_make(e->key_len <= ENTRY_INLINE_KEY ? e->key.bytes : e->key.p, e->key_len);
}

uint64_t key_hash(struct str key);

/* ---- one hash table: open addressing, hash beside the key ---------------------------------------------------- */

enum { TABLE_PAGES_SMALL = 9, TABLE_PAGE = 1024 };
struct table_slot {
    uint32_t hash;
    uint32_t entry; /* index + 1; 0: free */
};
struct table {
    struct table_slot *slots;
    uint32_t n_slots, n_entries; /* entries: with dead ones */
    uint32_t n_live;
    uint32_t n_indexes;          /* indexes given out so far */
    uint32_t free;               /* list of indexes to use again: index + 1 */
    uint32_t stride;
    char **pages;
    uint32_t n_pages;
};

/* ---- stores ------------------------------------------------------------------------------------------------- */

enum store_kind { STORE_KEYED, STORE_WINDOWED, STORE_SESSION };

struct store_options {
    const char *name;     /* borrowed */
    enum store_kind kind;
    uint32_t fixed_size;
    int64_t retention;    /* ms; WINDOWED and SESSION */
    int64_t gap;          /* ms; SESSION: how far sessions of a key reach; for the index by end */
    bool keep_old;        /* changes keep the previous value */
};

struct store;
struct snapshot;

struct window {
    int64_t start;
    bool cold;     /* some of its entries may be in the snapshot alone */
    bool unfolded; /* some of its entries may be unfolded */
    struct table table;
};

struct session {
    int64_t start, end;
    struct session *next, *previous; /* of the key, descending (end, start) */
    struct session *prev_in_bucket, *next_in_bucket;
    struct bucket *bucket;
    struct entry *owner; /* the key's entry in the store's table */
    struct entry entry;
};

/* One entry of the list of changes. */
struct change {
    struct entry *entry;
    struct table *table;     /* NULL: a session */
    int64_t start, end;      /* of the window or session; else 0 */
    bool existed;            /* before the change */
    int64_t old_ts;
    const char *old_fixed;   /* with keep_old, if it existed */
    const char *old_var;
    uint32_t old_var_len;
};

enum status store_create(const struct store_options *options, struct store **out, struct diag *d) MUST_CHECK;
void store_destroy(struct store *s);
const char *store_name(const struct store *s);
enum store_kind store_kind(const struct store *s);
size_t store_memory(const struct store *s); /* bytes held */
size_t store_slack(const struct store *s);  /* of these, free for new entries */
uint64_t store_count(const struct store *s); /* live entries in memory */
uint32_t store_fixed_size(const struct store *s);

/* The marks: see above. INT64_MIN: not set yet; `seq` begins with 0. */
struct store_marks {
    int64_t time, observed, closed, seq;
};
struct store_marks *store_marks(struct store *s);
/* Lowest window start (session end) that is still found; INT64_MIN: all. */
int64_t store_horizon(const struct store *s);

/* KEYED: the table. WINDOWED: the table of a window, NULL if there is none or it has expired, or, with `create`, if memory
 * is out; `create` also moves `time`. */
struct table *store_table(struct store *s);
struct table *store_window(struct store *s, int64_t start, bool create);

/* WINDOWED: the first window from a time on, and the last one up to a time, that may hold entries. False: there is none. */
bool store_next_window(const struct store *s, int64_t from, int64_t *start);
bool store_previous_window(const struct store *s, int64_t to, int64_t *start);
/* WINDOWED: frees windows whose entries have all been removed. To be called when the list of changes is empty. */
void store_drop_windows(struct store *s);

static inline void store_prefetch(const struct table *t, uint64_t hash)
{
    if (t->n_slots)
        __builtin_prefetch(&t->slots[(uint32_t)hash & (t->n_slots - 1)]);
}
/* The second half: the entry that the (by now cached) first slot points to. */
void store_prefetch_entry(const struct table *t, uint64_t hash);
/* The live entry of a key, or NULL. `start`: of the table's window, 0 without. */
struct entry *store_get(struct store *s, struct table *t, int64_t start, struct str key, uint64_t hash);
/* The same when the list of changes was last cleared; with keep_old. Borrowed until the store changes. False: none. */
struct old_entry {
    int64_t ts;
    struct str var;
};
bool store_get_old(struct store *s, struct table *t, int64_t start, struct str key, uint64_t hash,
                   struct old_entry *out);
/* The same, made if it was not there (*created; fixed part zeroed). NULL: no memory. */
struct entry *store_put(struct store *s, struct table *t, int64_t start, struct str key, uint64_t hash,
                        bool *created);
/* To be called before an entry changes; `existed` false: it was just created. False: no memory. */
bool store_touch(struct store *s, struct table *t, int64_t start, struct entry *e, bool existed);
/* Replaces the variable part. False: no memory, nothing changed. */
bool store_set_var(struct store *s, struct entry *e, const void *p, uint32_t len);
/* Adds to the end of it. False: no memory, nothing changed. */
bool store_append_var(struct store *s, struct entry *e, const void *p, uint32_t len);
/* Removes a live entry. False: no memory. */
bool store_remove(struct store *s, struct table *t, int64_t start, struct entry *e);

/* SESSION. Sessions of a key with end >= from_end and start <= to_start, that are found (horizon), ascending (end, start): *n of them
 * in `a`. */
enum status store_sessions(struct store *s, struct str key, uint64_t hash, int64_t from_end, int64_t to_start,
                           struct arena *a, struct session ***out, uint32_t *n) MUST_CHECK;
/* The session [start, end] of a key, made if it was not there; touched; moves `time`. NULL: no memory. */
struct session *store_put_session(struct store *s, struct str key, uint64_t hash, int64_t start, int64_t end,
                                  bool *created);
bool store_remove_session(struct store *s, struct session *session);

/* How many live entries have gone from memory, evicted: whoever keeps pointers to entries drops them when it has moved. */
uint64_t store_evicted(const struct store *s);

/* The list of changes, in the order in which keys became dirty. */
uint32_t store_changes(const struct store *s);
const struct change *store_change(const struct store *s, uint32_t i);
/* Whether a change is there to be seen: not born and dead again between two flushes. */
static inline bool change_counts(const struct change *c)
{
    return c->existed || !(c->entry->flags & ENTRY_DEAD);
}
/* Forgets the list, frees dead entries and what has expired. */
void store_clear_changes(struct store *s);

/* Entries in order: KEYED by key bytes; WINDOWED with lo <= start <= hi by (start, key); SESSION with lo <= end <= hi by
 * (end, start, key). Sessions beyond the horizon are included, windows are not. Arrays in `a`, valid until the store changes. */
struct entry_ref {
    int64_t start, end;
    struct entry *entry;
};
enum status store_collect(struct store *s, int64_t lo, int64_t hi, struct arena *a, struct entry_ref **out, size_t *n,
                          struct diag *d) MUST_CHECK;
/* A cheap test that is false only if store_collect would find nothing (WINDOWED, SESSION). For the operator that closes
 * windows: `lo` must not go back from call to call. */
bool store_may_hold(const struct store *s, int64_t lo, int64_t hi);

/* ---- changelog ---------------------------------------------------------------------------------------------- */

/* Record keys: a byte 1, the window start or session end and start (8 bytes each, big-endian, sign flipped), the key bytes; or
 * a byte 0 alone: the marks. Values: timestamp (8 bytes, little-endian), fixed part, variable part; null: removed. */
typedef enum status (*changelog_append)(void *data, const struct record *records, size_t n, struct diag *d);
/* Appends the changes (and the marks if they moved). The list stays as it is. */
enum status store_write_changes(struct store *s, changelog_append append, void *data, struct diag *d) MUST_CHECK;
/* Applies records of the changelog, oldest first. STATUS_DATA for a record that this store did not write. */
enum status store_restore(struct store *s, const struct record *records, size_t n, struct diag *d) MUST_CHECK;

#endif
