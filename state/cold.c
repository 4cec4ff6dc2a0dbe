/* Entries that are in the snapshot alone: loading a snapshot, evicting, bringing back.
 *
 * Only clean entries whose last value is in the file are evicted, those not used since the evictor's last look first.
 * The filter has a bit for the hash of every key that was ever evicted, so that a key that never was costs no look into
 * the file. Windows and buckets of sessions know whether something of theirs is in the file alone. The sessions of one
 * key are evicted and brought back together. */
#include "state/snapshot.h"

#include "state/state_int.h"

enum { MIN_FILTER = 8 << 10, LOOKS = 2 };

enum status store_attach(struct store *s, struct snapshot *sn, uint32_t number, size_t filter_bytes, struct diag *d)
{
    if (!snapshot_attach(sn, s, number))
        return diag_set(d, STATUS_UNSUPPORTED, "Too many stores in one task");
    s->snapshot = sn;
    s->number = number;
    if (!filter_bytes)
        return STATUS_OK;
    size_t bytes = MIN_FILTER;
    while (bytes < filter_bytes)
        bytes *= 2;
    s->filter = mem_calloc(1, bytes);
    s->filter_mask = (uint64_t)bytes * 8 - 1;
    return s->filter ? STATUS_OK : diag_nomem(d);
}

static void note_cold(struct store *s, uint64_t hash)
{
    uint64_t bit = hash >> 20 & s->filter_mask;
    s->filter[bit >> 6] |= UINT64_C(1) << (bit & 63);
    s->cold = true;
}

static struct str key_bytes(struct buf *out, const struct store *s, int64_t start, int64_t end, struct str key)
{
    change_key(out, s, start, end, key);
    return buf_str(out);
}

/* ---- bringing back ---------------------------------------------------------------------------------------- */

struct entry *cold_entry(struct store *s, struct table *t, int64_t start, struct str key, uint64_t hash)
{
    struct buf bytes;
    struct str value;
    buf_init(&bytes, 0);
    buf_putc(&bytes, (char)s->number);
    struct str full = key_bytes(&bytes, s, start, 0, key);
    struct entry *e = NULL;
    if (!bytes.failed && snapshot_get(s->snapshot, full, &value) == LOOKUP_FOUND &&
        value.len >= 8 + s->options.fixed_size) {
        e = table_add(t, key, hash, &s->slab, &s->account);
        if (e && !entry_load(s, e, value)) {
            table_erase(t, e, &s->slab, &s->account);
            e = NULL;
        }
    }
    buf_free(&bytes);
    return e;
}

/* A row of the file into memory, unless it is there already. */
static bool take_row(void *data, struct str key, struct str value)
{
    struct store *s = data;
    int64_t start, end;
    struct str user_key;
    if (!change_key_parse(s, key, &start, &end, &user_key))
        return true; /* the marks */
    uint64_t hash = key_hash(user_key);
    if (value.len < 8 + s->options.fixed_size)
        return false;
    if (s->options.kind == STORE_SESSION) {
        if (session_find(s, user_key, hash, start, end))
            return true;
        struct session *x = session_add(s, user_key, hash, start, end);
        return x && entry_load(s, &x->entry, value);
    }
    struct window *w = s->options.kind == STORE_WINDOWED ? timeline_find(&s->windows, start) : NULL;
    if (s->options.kind == STORE_WINDOWED && !w)
        return true; /* expired */
    struct table *t = w ? &w->table : &s->table;
    if (table_find(t, user_key, hash))
        return true;
    struct entry *e = table_add(t, user_key, hash, &s->slab, &s->account);
    return e && entry_load(s, e, value);
}

bool cold_sessions(struct store *s, struct str key, uint64_t hash)
{
    struct entry *owner = table_find(&s->table, key, hash);
    if (owner && (owner->flags & ENTRY_WHOLE))
        return true;
    if (!snapshot_owner(s->snapshot, s->number, key, take_row, s))
        return false;
    owner = table_find(&s->table, key, hash);
    if (owner)
        owner->flags |= ENTRY_WHOLE;
    return true;
}

static bool take_between(struct store *s, int64_t lo, int64_t hi)
{
    struct buf from, to;
    buf_init(&from, 0);
    buf_init(&to, 0);
    bool session = s->options.kind == STORE_SESSION, last = hi == INT64_MAX;
    key_bytes(&from, s, session ? INT64_MIN : lo, lo, str_make("", 0));
    if (!last)
        key_bytes(&to, s, session ? INT64_MIN : hi + 1, hi + 1, str_make("", 0));
    bool ok =
        !from.failed && !to.failed &&
        snapshot_range(s->snapshot, s->number, buf_str(&from), last ? str_make(NULL, 0) : buf_str(&to), take_row, s);
    buf_free(&from);
    buf_free(&to);
    return ok;
}

static bool cold_windows(struct store *s, int64_t lo, int64_t hi)
{
    for (uint32_t i = timeline_seek(&s->windows, lo); i < s->windows.end; i++) {
        struct window *w = s->windows.items[i];
        if (w->start > hi)
            break;
        if (w->cold && !take_between(s, w->start, w->start))
            return false;
        w->cold = false;
    }
    return true;
}

static bool cold_buckets(struct store *s, int64_t lo, int64_t hi)
{
    bool any = false;
    for (uint32_t i = s->buckets.first; i < s->buckets.end; i++) {
        const struct bucket *b = s->buckets.items[i];
        any |= b->cold && b->time <= hi && (b->time > INT64_MAX - s->bucket_width || b->time + s->bucket_width > lo);
    }
    if (!any)
        return true;
    if (!take_between(s, lo, hi))
        return false;
    for (uint32_t i = s->buckets.first; i < s->buckets.end; i++) { /* those that lie within are all here now */
        struct bucket *b = s->buckets.items[i];
        if (b->time >= lo && b->time <= INT64_MAX - s->bucket_width && b->time + s->bucket_width - 1 <= hi)
            b->cold = false;
    }
    return true;
}

bool cold_range(struct store *s, int64_t lo, int64_t hi)
{
    switch (s->options.kind) {
    case STORE_KEYED:
        return snapshot_range(s->snapshot, s->number, STR("\1"), str_make(NULL, 0), take_row, s);
    case STORE_WINDOWED:
        return cold_windows(s, lo, hi);
    case STORE_SESSION:
        return cold_buckets(s, lo, hi);
    }
    return false;
}

/* ---- loading ------------------------------------------------------------------------------------------------ */

struct loading {
    struct store *store;
    size_t limit; /* of the store; SIZE_MAX: none */
};

/* The row stays in the file: what must be known of it. */
static bool note_row(struct store *s, struct str key)
{
    int64_t start, end;
    struct str user_key;
    if (!change_key_parse(s, key, &start, &end, &user_key))
        return false;
    note_cold(s, key_hash(user_key));
    if (s->options.kind == STORE_WINDOWED) {
        struct window *w = start < store_horizon(s) ? NULL : window_get(s, start, true);
        if (w)
            w->cold = true;
        return w || start < store_horizon(s);
    }
    if (s->options.kind == STORE_KEYED)
        return true;
    struct bucket *b = bucket_of(s, end, true);
    if (!b)
        return false;
    b->cold = true;
    if (end < b->min_end)
        b->min_end = end;
    if (end > s->marks.time)
        s->marks.time = end;
    return true;
}

static bool load_row(void *data, struct str key, struct str value)
{
    struct loading *l = data;
    bool entry = key.len > 0 && key.p[0] == 1;
    if (entry && l->store->filter && store_memory(l->store) > l->limit)
        return note_row(l->store, key);
    struct record r = {.key = key, .value = value};
    return restore_record(l->store, &r, NULL) == STATUS_OK;
}

enum status snapshot_load(struct snapshot *sn, size_t limit, struct diag *d)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < SNAPSHOT_STORES; i++)
        n += snapshot_store(sn, i) != NULL;
    for (uint32_t i = 0; i < SNAPSHOT_STORES; i++) {
        struct store *s = snapshot_store(sn, i);
        struct loading l = {.store = s, .limit = limit ? limit / n : SIZE_MAX};
        if (!s)
            continue;
        s->loading = true;
        bool ok = snapshot_range(sn, i, str_make("", 0), str_make(NULL, 0), load_row, &l);
        s->loading = false;
        if (ok)
            continue;
        enum status st = snapshot_status(sn, d);
        return st != STATUS_OK ? st : diag_nomem(d);
    }
    return STATUS_OK;
}

/* ---- evicting ------------------------------------------------------------------------------------------------ */

static bool may_go(const struct store *s, struct entry *e, int64_t start, int64_t end, bool second_look)
{
    if (e->dirty || (e->flags & (ENTRY_DEAD | ENTRY_UNFOLDED)))
        return false;
    if ((e->flags & ENTRY_USED) && !second_look) {
        e->flags &= ~(uint32_t)ENTRY_USED;
        return false;
    }
    struct buf key;
    buf_init(&key, 0);
    struct str bytes = key_bytes(&key, s, start, end, entry_key(e));
    bool held = !key.failed && snapshot_holds(s->snapshot, s->number, bytes);
    buf_free(&key);
    return held;
}

static size_t entry_cost(const struct store *s, const struct entry *e)
{
    return s->stride + 12 + (e->var_len ? slab_room(e->var_len) : 0) +
           (e->key_len > ENTRY_INLINE_KEY ? slab_room(e->key_len) : 0);
}

struct evicting {
    struct store *store;
    size_t wanted, freed;
    uint64_t n;
    bool second_look;
};

static bool enough(const struct evicting *x)
{
    return x->freed >= x->wanted;
}

static void evict_entry(struct evicting *x, struct table *t, struct entry *e)
{
    x->freed += entry_cost(x->store, e);
    x->n++;
    note_cold(x->store, key_hash(entry_key(e)));
    table_erase(t, e, &x->store->slab, &x->store->account);
}

static void evict_table(struct evicting *x, struct table *t, int64_t start, uint32_t *hand)
{
    for (uint32_t looked = 0; looked < t->n_indexes && !enough(x); looked++, ++*hand) {
        if (*hand >= t->n_indexes)
            *hand = 0;
        uint32_t index = *hand;
        struct entry *e = table_next(t, &index);
        if (e && index == *hand && may_go(x->store, e, start, 0, x->second_look))
            evict_entry(x, t, e);
    }
}

static void evict_windows(struct evicting *x)
{
    struct store *s = x->store;
    for (uint32_t i = s->windows.first; i < s->windows.end && !enough(x); i++) {
        struct window *w = s->windows.items[i];
        uint64_t before = x->n;
        uint32_t hand = 0;
        evict_table(x, &w->table, w->start, &hand);
        w->cold |= x->n > before;
        if (w->table.n_entries == 0 && w->table.n_pages)
            table_free(&w->table, &s->slab, &s->account);
    }
}

static struct session *sessions_of(struct entry *owner)
{
    return *(struct session **)(void *)owner->fixed;
}

static void evict_owner(struct evicting *x, struct entry *owner)
{
    struct store *s = x->store;
    note_cold(s, key_hash(entry_key(owner)));
    for (struct session *session = sessions_of(owner), *next; session; session = next) {
        next = session->next;
        x->freed += sizeof *session + s->options.fixed_size + session->entry.var_len;
        x->n++;
        struct bucket *b = bucket_of(s, session->end, false);
        b->cold = true;
        if (session->end < b->min_end)
            b->min_end = session->end;
        s->n_sessions--;
        session_erase(s, session); /* the last one takes the owner with it */
    }
}

static void evict_sessions(struct evicting *x)
{
    struct table *t = &x->store->table;
    for (uint32_t index = 0; !enough(x); index++) {
        struct entry *owner = table_next(t, &index);
        if (!owner)
            break;
        bool all = true;
        for (struct session *session = sessions_of(owner); session; session = session->next)
            all &= may_go(x->store, &session->entry, session->start, session->end, x->second_look);
        if (all)
            evict_owner(x, owner);
    }
}

uint64_t store_evict(struct store *s, size_t bytes)
{
    struct evicting x = {.store = s, .wanted = bytes};
    if (!s->filter)
        return 0;
    for (int look = 0; look < LOOKS && !enough(&x); look++) {
        x.second_look = look > 0;
        switch (s->options.kind) {
        case STORE_KEYED:
            evict_table(&x, &s->table, 0, &s->hand);
            break;
        case STORE_WINDOWED:
            evict_windows(&x);
            break;
        case STORE_SESSION:
            evict_sessions(&x);
            break;
        }
    }
    return x.n;
}
