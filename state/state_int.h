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
    bool unfolded;   /* some of its sessions may be unfolded */
    struct session *sessions;
};

/* What lies together in the snapshot: sessions that end in [time, time + width). */
struct slice {
    int64_t time;
    bool cold; /* some of its sessions may be in the snapshot alone */
};
static inline int64_t time_floor(int64_t time, int64_t width)
{
    int64_t rest = time % width;
    if (rest < 0)
        rest += width;
    return time < INT64_MIN + rest ? INT64_MIN : time - rest;
}

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
    struct timeline slices;  /* of struct slice *: those that were ever cold */
    int64_t bucket_width, slice_width;
    int64_t expired;         /* sessions: what ends before is gone, as far as whole buckets do */
    int64_t cold_end;        /* highest end of sessions that were evicted */
    int64_t cold_length;     /* their greatest length */
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
    uint64_t evicted;          /* entries, so far */
    uint32_t hand;             /* where the evictor stopped in the table */
};

/* table.c */
void table_init(struct table *t, uint32_t stride);
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
static inline struct window *window_of(struct table *t)
{
    return (struct window *)(void *)((char *)t - offsetof(struct window, table));
}
static inline struct session *session_of(struct entry *e)
{
    return (struct session *)(void *)((char *)e - offsetof(struct session, entry));
}
struct window *window_get(struct store *s, int64_t start, bool create);
void windows_expire(struct store *s);
void windows_free(struct store *s);
struct session *session_find(struct store *s, struct str key, uint64_t hash, int64_t start, int64_t end);
struct session *session_add(struct store *s, struct str key, uint64_t hash, int64_t start, int64_t end);
void session_erase(struct store *s, struct session *session);
void sessions_expire(struct store *s);
void sessions_free(struct store *s);
void sessions_drop_empty_buckets(struct store *s);
/* Lowest session end that its segment of time keeps alive. */
int64_t sessions_segment_bound(const struct store *s);

/* Whether all of a session's bucket has expired. */
bool session_has_expired(const struct store *s, int64_t end);

/* cold.c: entries that are in the snapshot alone. */
static inline bool filter_has(const struct store *s, uint64_t hash)
{
    uint64_t bit = hash >> 20 & s->filter_mask;
    return s->filter[bit >> 6] >> (bit & 63) & 1;
}
void cold_note(struct store *s, uint64_t hash);
/* Brings the entry of a key back; NULL: there is none (or reading failed: snapshot_status). */
struct entry *cold_entry(struct store *s, struct table *t, int64_t start, struct str key, uint64_t hash);
/* Brings back what lies in a range of time (any time: KEYED). */
bool cold_range(struct store *s, int64_t lo, int64_t hi);
/* A row of the file into memory, unless it is there already; `data`: the store. */
bool cold_take_row(void *data, struct str key, struct str value);
struct evicting {
    struct store *store;
    size_t wanted, freed;
    uint64_t n;
    bool second_look;
};
bool evict_is_enough(const struct evicting *x);
bool evict_may(const struct evicting *x, struct entry *e, int64_t start, int64_t end);

/* cold_sessions.c */
/* Brings back the sessions of a key with end >= from_end and start <= to_start. False: no memory, or reading failed. */
bool cold_sessions(struct store *s, struct str key, uint64_t hash, int64_t from_end, int64_t to_start);
bool cold_slices(struct store *s, int64_t lo, int64_t hi);
bool cold_slices_hold(const struct store *s, int64_t lo, int64_t hi);
bool cold_note_session(struct store *s, uint64_t hash, int64_t start, int64_t end);
void evict_sessions(struct evicting *x);

/* unfolded.c: the value of an entry is not in the snapshot any more; `t`: its table, NULL: a session. */
void mark_unfolded(struct store *s, struct table *t, struct entry *e);
/* A removed entry that the snapshot may have. */
void mark_removed(struct store *s, int64_t start, int64_t end, struct str key);

/* snapshot.c, for cold.c */
enum lookup { LOOKUP_NONE, LOOKUP_FOUND, LOOKUP_FAILED };
/* The value of a changelog key; borrowed until the next call. */
enum lookup snapshot_get(struct snapshot *sn, struct str key, struct str *value);
/* Whether a folded entry is in the file, and not only on its way. */
bool snapshot_holds(const struct snapshot *sn, const struct store *s, int64_t start, int64_t end,
                    const struct entry *e);
/* Calls row(data, key, value) for the file's rows in [from, to), without those that wait to be removed. The key has no
 * number in front. snapshot_all: for all entries, the last key first. False when row or the file failed. */
typedef bool (*snapshot_row)(void *data, struct str key, struct str value);
bool snapshot_range(struct snapshot *sn, uint32_t number, struct str from, struct str to, snapshot_row row, void *data);
bool snapshot_all(struct snapshot *sn, uint32_t number, snapshot_row row, void *data);
/* Gives back what reading keeps in memory. */
void snapshot_rest(struct snapshot *sn);
bool snapshot_attach(struct snapshot *sn, struct store *s, uint32_t number);
struct store *snapshot_store(const struct snapshot *sn, uint32_t number);

/* changelog.c: values as the snapshot shares them. */
void entry_value(struct buf *out, const struct store *s, const struct entry *e);
bool entry_load(struct store *s, struct entry *e, struct str value);
/* An entry of a changelog or a snapshot; no value: it was removed. */
enum status restore_entry(struct store *s, int64_t start, int64_t end, struct str key, struct str value,
                          struct diag *d) MUST_CHECK;
/* The marks as a value; their key is a zero byte. False: not the marks. */
void marks_value(struct buf *out, const struct store_marks *m);
bool marks_load(struct store *s, struct str value);

/* row.c: keys in the snapshot's file. */
void put_be64(struct buf *out, int64_t v); /* sorts as the number does */
int64_t get_be64(const char *p);
void row_key(struct buf *out, const struct store *s, int64_t start, int64_t end, struct str key);
/* False: not an entry's key (the marks, or not this store's). */
bool row_key_parse(const struct store *s, struct str key, int64_t *start, int64_t *end, struct str *user_key);
/* The begin of the keys of a time: window start or slice. */
void row_key_time(struct buf *out, int64_t time);

#endif
