/* Inside of state/: the layout of a store, and what its files share. */
#ifndef WEIR_STATE_INT_H
#define WEIR_STATE_INT_H

#include "state/state.h"

/* Pointers to things that begin with an int64_t time, ascending; the first `first` places are unused. */
struct timeline {
    void **items;
    uint32_t first, end, cap;
};
/* Place of the first item with time >= t (relative to nothing: an index between first and end). */
uint32_t timeline_seek(const struct timeline *t, int64_t time);
void *timeline_find(const struct timeline *t, int64_t time);
bool timeline_insert(struct timeline *t, void *item);
void timeline_free(struct timeline *t);

/* Sessions that end in [time, time + width). */
struct bucket {
    int64_t time;
    int64_t min_end; /* no session that store_may_hold has not seen yet ends before */
    struct session *sessions;
};

struct store {
    struct store_options options;
    uint32_t stride;
    struct table table;        /* KEYED; SESSION: the owners */
    struct timeline windows;   /* of struct window * */
    struct window *last;       /* the window used last */
    struct timeline buckets;   /* of struct bucket * */
    int64_t bucket_width;
    struct slab slab;
    struct change *changes;
    uint32_t n_changes, cap_changes;
    uint32_t n_dead;
    size_t table_bytes;        /* pages, slots, windows, buckets */
    uint64_t n_sessions;
    struct store_marks marks, written;
    struct snapshot *cold;     /* where evicted entries are; NULL: all is in memory */
    uint32_t cold_store;       /* number of the store within */
};

/* table.c; `bytes` is the account that the table's memory goes to. */
void table_init(struct table *t, uint32_t stride);
struct entry *table_at(const struct table *t, uint32_t index);
struct entry *table_find(const struct table *t, struct str key, uint64_t hash); /* dead ones too */
struct entry *table_add(struct table *t, struct str key, uint64_t hash, struct slab *slab, size_t *bytes);
void table_erase(struct table *t, struct entry *e, struct slab *slab); /* gives back key and variable part too */
void table_free(struct table *t, struct slab *slab, size_t *bytes);
/* The next entry in use at or behind *index, dead or alive; NULL at the end. */
struct entry *table_next(const struct table *t, uint32_t *index);

/* store.c */
struct entry *entry_revive(struct store *s, struct entry *e);
bool store_touch_session(struct store *s, struct session *session, bool existed);
/* windows.c, sessions.c */
struct window *window_get(struct store *s, int64_t start, bool create);
void windows_expire(struct store *s);
void windows_free(struct store *s);
struct session *session_find(struct store *s, struct str key, uint64_t hash, int64_t start, int64_t end);
struct session *session_add(struct store *s, struct str key, uint64_t hash, int64_t start, int64_t end);
void session_erase(struct store *s, struct session *session);
void sessions_expire(struct store *s);
void sessions_free(struct store *s);
/* Lowest session end that its segment of time keeps alive. */
int64_t sessions_segment_bound(const struct store *s);

/* changelog.c: keys and values as the snapshot shares them. */
void change_key(struct buf *out, const struct store *s, int64_t start, int64_t end, struct str key);
void entry_value(struct buf *out, const struct store *s, const struct entry *e);
bool entry_load(struct store *s, struct entry *e, struct str value);

#endif
