/* Entries that are in the snapshot alone: loading a snapshot, evicting, bringing back.
 *
 * Only clean entries whose last value is in the file are evicted, those not used since the evictor's last look first.
 * The filter has a bit for the hash of every key that was ever evicted, so that a key that never was costs no look into
 * the file. Windows know whether something of theirs is in the file alone. What is particular to sessions is in
 * cold_sessions.c. */
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

void cold_note(struct store *s, uint64_t hash)
{
    uint64_t bit = hash >> 20 & s->filter_mask;
    s->filter[bit >> 6] |= UINT64_C(1) << (bit & 63);
    s->cold = true;
}

/* ---- bringing back ---------------------------------------------------------------------------------------- */

struct entry *cold_entry(struct store *s, struct table *t, int64_t start, struct str key, uint64_t hash)
{
    struct buf bytes;
    struct str value;
    buf_init(&bytes, 0);
    buf_putc(&bytes, (char)s->number);
    row_key(&bytes, s, start, 0, key);
    struct entry *e = NULL;
    if (!bytes.failed && snapshot_get(s->snapshot, buf_str(&bytes), &value) == LOOKUP_FOUND &&
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

bool cold_take_row(void *data, struct str key, struct str value)
{
    struct store *s = data;
    int64_t start, end;
    struct str user_key;
    if (!row_key_parse(s, key, &start, &end, &user_key))
        return true; /* the marks */
    uint64_t hash = key_hash(user_key);
    if (value.len < 8 + s->options.fixed_size)
        return false;
    if (s->options.kind == STORE_SESSION) {
        if (session_has_expired(s, end) || session_find(s, user_key, hash, start, end))
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

static bool take_window(struct store *s, int64_t start)
{
    struct buf from, to;
    buf_init(&from, 0);
    buf_init(&to, 0);
    row_key_time(&from, start);
    row_key_time(&to, start + 1);
    bool ok = !from.failed && !to.failed &&
              snapshot_range(s->snapshot, s->number, buf_str(&from), buf_str(&to), cold_take_row, s);
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
        if (w->cold && !take_window(s, w->start))
            return false;
        w->cold = false;
    }
    return true;
}

bool cold_range(struct store *s, int64_t lo, int64_t hi)
{
    switch (s->options.kind) {
    case STORE_KEYED:
        return snapshot_range(s->snapshot, s->number, STR("\1"), str_make(NULL, 0), cold_take_row, s);
    case STORE_WINDOWED:
        return cold_windows(s, lo, hi);
    case STORE_SESSION:
        return cold_slices(s, lo, hi);
    }
    return false;
}

/* ---- loading ------------------------------------------------------------------------------------------------ */

struct loading {
    struct store *store;
    size_t limit; /* of the store; SIZE_MAX: none */
};

/* The row stays in the file: what must be known of it. */
static bool note_row(struct store *s, int64_t start, int64_t end, struct str key)
{
    uint64_t hash = key_hash(key);
    if (s->options.kind == STORE_SESSION) {
        if (end > s->marks.time)
            s->marks.time = end;
        return cold_note_session(s, hash, start, end);
    }
    cold_note(s, hash);
    if (s->options.kind == STORE_WINDOWED && start >= store_horizon(s)) {
        struct window *w = window_get(s, start, true);
        if (!w)
            return false;
        w->cold = true;
    }
    return true;
}

static bool load_row(void *data, struct str key, struct str value)
{
    struct loading *l = data;
    int64_t start, end;
    struct str user_key;
    if (!row_key_parse(l->store, key, &start, &end, &user_key))
        return false;
    if (l->store->filter && store_memory(l->store) > l->limit)
        return note_row(l->store, start, end, user_key);
    return restore_entry(l->store, start, end, user_key, value, NULL) == STATUS_OK;
}

static bool load_marks(struct snapshot *sn, struct store *s)
{
    char key[] = {(char)s->number, 0};
    struct str value;
    switch (snapshot_get(sn, str_make(key, sizeof key), &value)) {
    case LOOKUP_FOUND:
        return marks_load(s, value);
    case LOOKUP_NONE:
        return true;
    case LOOKUP_FAILED:
        break;
    }
    return false;
}

/* The newest first: what does not fit is more likely wanted less. */
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
        bool ok = load_marks(sn, s) && snapshot_all(sn, i, load_row, &l);
        s->loading = false;
        snapshot_rest(sn);
        sessions_expire(s);
        if (ok)
            continue;
        enum status st = snapshot_status(sn, d);
        return st != STATUS_OK ? st : diag_nomem(d);
    }
    return STATUS_OK;
}

/* ---- evicting ------------------------------------------------------------------------------------------------ */

bool evict_is_enough(const struct evicting *x)
{
    return x->freed >= x->wanted;
}

bool evict_may(const struct evicting *x, struct entry *e, int64_t start, int64_t end)
{
    if (e->dirty || (e->flags & (ENTRY_DEAD | ENTRY_UNFOLDED)))
        return false;
    if ((e->flags & ENTRY_USED) && !x->second_look) {
        e->flags &= ~(uint32_t)ENTRY_USED;
        return false;
    }
    return snapshot_holds(x->store->snapshot, x->store, start, end, e);
}

static size_t entry_cost(const struct store *s, const struct entry *e)
{
    return s->stride + 12 + (e->var_len ? slab_room(e->var_len) : 0) +
           (e->key_len > ENTRY_INLINE_KEY ? slab_room(e->key_len) : 0);
}

static void evict_entry(struct evicting *x, struct table *t, struct entry *e)
{
    x->freed += entry_cost(x->store, e);
    x->n++;
    cold_note(x->store, key_hash(entry_key(e)));
    table_erase(t, e, &x->store->slab, &x->store->account);
}

static void evict_table(struct evicting *x, struct table *t, int64_t start, uint32_t *hand)
{
    for (uint32_t looked = 0; looked < t->n_indexes && !evict_is_enough(x); looked++, ++*hand) {
        if (*hand >= t->n_indexes)
            *hand = 0;
        uint32_t index = *hand;
        struct entry *e = table_next(t, &index);
        if (e && index == *hand && evict_may(x, e, start, 0))
            evict_entry(x, t, e);
    }
}

static void evict_windows(struct evicting *x)
{
    struct store *s = x->store;
    for (uint32_t i = s->windows.first; i < s->windows.end && !evict_is_enough(x); i++) {
        struct window *w = s->windows.items[i];
        uint64_t before = x->n;
        uint32_t hand = 0;
        evict_table(x, &w->table, w->start, &hand);
        w->cold |= x->n > before;
        if (w->table.n_entries == 0 && w->table.n_pages)
            table_free(&w->table, &s->slab, &s->account);
    }
}

/* Pages and chunks do not move, so what they hold free goes back only when all is free. */
static void release_room(struct store *s)
{
    bool empty = s->n_changes == 0 && s->table.n_entries == 0;
    for (uint32_t i = s->windows.first; i < s->windows.end && empty; i++)
        empty = ((const struct window *)s->windows.items[i])->table.n_entries == 0;
    if (!empty)
        return;
    table_free(&s->table, &s->slab, &s->account);
    slab_clear(&s->slab);
}

uint64_t store_evicted(const struct store *s)
{
    return s->evicted;
}

uint64_t store_evict(struct store *s, size_t bytes)
{
    struct evicting x = {.store = s, .wanted = bytes};
    if (!s->filter)
        return 0;
    for (int look = 0; look < LOOKS && !evict_is_enough(&x); look++) {
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
    release_room(s);
    s->evicted += x.n;
    return x.n;
}
