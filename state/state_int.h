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
    bool cold;       /* some of its sessions may be in the snapshot alone */
    struct session *sessions;
};

/* Bytes of tables: held, and of these free for new entries. */
struct account {
    size_t held, slack;
};

struct store {
    struct store_options options;
    uint32_t stride;
    struct table table;      /* KEYED; SESSION: the owners */
    struct timeline windows; /* of struct window * */
    struct window *last;     /* the window used last */
    struct timeline buckets; /* of struct bucket * */
    int64_t bucket_width;
    struct slab slab;
    struct change *changes;
    uint32_t n_changes, cap_changes;
    uint32_t n_dead;
    struct account account; /* pages, slots, windows, buckets */
    uint64_t n_sessions;
    struct store_marks marks, written;
    struct snapshot *snapshot; /* NULL: all is in memory */
    uint32_t number;           /* of the store within */
    uint64_t *filter;          /* a bit for the hashes of evicted keys; NULL: nothing is ever evicted */
    uint64_t filter_mask;      /* bits - 1 */
    bool cold;                 /* something was evicted */
    bool unfolded;             /* some entries may be unfolded */
    bool loading;              /* what comes in is in the snapshot */
    uint32_t hand;             /* where the evictor stopped in the table */
};

/* table.c */
void table_init(struct table *t, uint32_t stride);
struct entry *table_at(const struct table *t, uint32_t index);
struct entry *table_find(const struct table *t, struct str key, uint64_t hash); /* dead ones too */
struct entry *table_add(struct table *t, struct str key, uint64_t hash, struct slab *slab, struct account *account);
void table_erase(struct table *t, struct entry *e, struct slab *slab,
                 struct account *account); /* gives back key and variable part too */
void table_free(struct table *t, struct slab *slab, struct account *account);
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
struct bucket *bucket_of(struct store *s, int64_t end, bool create);
/* Lowest session end that its segment of time keeps alive. */
int64_t sessions_segment_bound(const struct store *s);

/* cold.c: entries that are in the snapshot alone. */
static inline bool filter_has(const struct store *s, uint64_t hash)
{
    uint64_t bit = hash >> 20 & s->filter_mask;
    return s->filter[bit >> 6] >> (bit & 63) & 1;
}
/* Brings the entry of a key back; NULL: there is none (or reading failed: snapshot_status). */
struct entry *cold_entry(struct store *s, struct table *t, int64_t start, struct str key, uint64_t hash);
/* Brings all sessions of a key back. False: no memory, or reading failed. */
bool cold_sessions(struct store *s, struct str key, uint64_t hash);
/* Brings back what lies in a range of time (any time: KEYED). */
bool cold_range(struct store *s, int64_t lo, int64_t hi);

/* unfolded.c: the value of an entry is not in the snapshot any more; `t`: its table, NULL: a session. */
void mark_unfolded(struct store *s, struct table *t, struct entry *e);
/* A removed entry that the snapshot may have. */
void mark_removed(struct store *s, int64_t start, int64_t end, struct str key);

/* snapshot.c, for cold.c */
enum lookup { LOOKUP_NONE, LOOKUP_FOUND, LOOKUP_FAILED };
/* The value of a changelog key; borrowed until the next call. */
enum lookup snapshot_get(struct snapshot *sn, struct str key, struct str *value);
/* Whether a folded entry of this key is in the file, and not only on its way. */
bool snapshot_holds(const struct snapshot *sn, uint32_t number, struct str key);
/* Calls row(data, key, value) for the file's rows in [from, to) (`owner`: for those of an owner), without those that
 * wait to be removed. The key has no number in front. False when row or the file failed. */
bool snapshot_range(struct snapshot *sn, uint32_t number, struct str from, struct str to,
                    bool (*row)(void *data, struct str key, struct str value), void *data);
bool snapshot_owner(struct snapshot *sn, uint32_t number, struct str owner,
                    bool (*row)(void *data, struct str key, struct str value), void *data);
bool snapshot_attach(struct snapshot *sn, struct store *s, uint32_t number);
struct store *snapshot_store(const struct snapshot *sn, uint32_t number);

/* changelog.c: keys and values as the snapshot shares them. */
void change_key(struct buf *out, const struct store *s, int64_t start, int64_t end, struct str key);
void entry_value(struct buf *out, const struct store *s, const struct entry *e);
bool entry_load(struct store *s, struct entry *e, struct str value);
/* A changelog key taken apart; false: not an entry's key (the marks, or not this store's). */
bool change_key_parse(const struct store *s, struct str key, int64_t *start, int64_t *end, struct str *user_key);
enum status restore_record(struct store *s, const struct record *r, struct diag *d);
/* The marks as a value; their key is a zero byte. */
void marks_value(struct buf *out, const struct store_marks *m);

#endif
