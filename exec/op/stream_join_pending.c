/* Rows of outer stream-stream joins that wait for a partner or for the end of their window, in order. What is kept is
 * in stream_join.h.
 *
 * Of each side the entries of its first window (and, when asked for, of its last one) are sorted, once; what comes into
 * that window later is put into its place, and what dies is passed over. Entries go from memory only when the changes
 * are written, and by eviction: then it begins anew. */
#include "exec/op/stream_join.h"
#include "formats/row.h"

enum { WINDOWS = 64, OFFSET = 4 /* bytes of a time within a window, in front of a key */ };

/* A window for each side, beside each other: their starts differ by one. */
static int64_t window_start(const struct pending *p, uint32_t side, int64_t ts)
{
    return (int64_t)((uint64_t)ts >> p->shift << p->shift) + side;
}

static struct str make_key(struct pending *p, int64_t start, int64_t ts, struct str key)
{
    uint32_t offset = __builtin_bswap32((uint32_t)(ts - start)); /* sorts as the number does */
    p->key.len = 0;
    buf_put(&p->key, &offset, sizeof offset);
    buf_puts(&p->key, key);
    return buf_str(&p->key);
}

struct str pending_key(const struct entry *e)
{
    struct str key = entry_key(e);
    return str_make(key.p + OFFSET, key.len - OFFSET);
}

/* ---- order --------------------------------------------------------------------------------------------------- */

static bool reserve(struct pending_run *r, size_t n)
{
    if (n <= r->cap)
        return true;
    if (n > UINT32_MAX / 2)
        return false;
    struct entry **entries = mem_realloc(r->entries, 2 * n * sizeof *entries);
    if (!entries)
        return false;
    r->entries = entries;
    r->cap = (uint32_t)(2 * n);
    return true;
}

static bool insert(struct pending_run *r, struct entry *e)
{
    struct str key = entry_key(e);
    uint32_t lo = r->at, hi = r->n;
    if (!reserve(r, (size_t)r->n + 1))
        return false;
    if (lo < hi && str_cmp(entry_key(r->entries[hi - 1]), key) <= 0) /* the usual case */
        lo = hi;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (str_cmp(entry_key(r->entries[mid]), key) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    memmove(r->entries + lo + 1, r->entries + lo, (size_t)(r->n - lo) * sizeof *r->entries);
    r->entries[lo] = e;
    r->n++;
    return true;
}

static void begin_anew(struct pending *p)
{
    for (int side = 0; side < 2; side++) {
        struct pending_run *first = &p->first[side], *last = &p->last[side];
        first->start = first->next = last->start = INT64_MIN;
        last->next = INT64_MAX;
        first->at = first->n = last->n = 0;
    }
}

/* Entries may have been evicted since, between two commits. */
static void look_again(struct pending *p)
{
    if (p->evicted == store_evicted(p->store))
        return;
    p->evicted = store_evicted(p->store);
    begin_anew(p);
}

/* An entry has come into a window. */
static bool note_new(struct pending *p, uint32_t side, int64_t start, struct entry *e)
{
    struct pending_run *first = &p->first[side], *last = &p->last[side];
    look_again(p);
    if (start != first->start && start < first->next) { /* back to an earlier one */
        first->start = INT64_MIN;
        first->next = start;
        first->at = first->n = 0;
    }
    if (start > last->start) {
        last->start = INT64_MIN;
        last->next = INT64_MAX;
        last->n = 0;
    }
    return (start != first->start || insert(first, e)) && (start != last->start || insert(last, e));
}

static enum status sort_window(struct pending *p, struct pending_run *r, int64_t start, struct diag *d)
{
    struct entry_ref *refs;
    size_t n;
    enum status st = store_collect(p->store, start, start, &p->scratch, &refs, &n, d);
    if (st == STATUS_OK && !reserve(r, n))
        st = diag_nomem(d);
    if (st == STATUS_OK) {
        for (size_t i = 0; i < n; i++)
            r->entries[i] = refs[i].entry;
        r->n = (uint32_t)n;
        r->at = 0;
        r->start = start;
    }
    arena_clear(&p->scratch);
    return st;
}

static bool is_dead(const struct entry *e)
{
    return e->flags & ENTRY_DEAD;
}

enum status pending_first(struct pending *p, uint32_t side, struct entry **e, struct diag *d)
{
    struct pending_run *r = &p->first[side];
    enum status st = STATUS_OK;
    look_again(p);
    for (int64_t start; st == STATUS_OK; r->next = start + 1) {
        while (r->at < r->n && is_dead(r->entries[r->at]))
            r->at++;
        *e = r->at < r->n ? r->entries[r->at] : NULL;
        if (*e || !store_next_window(p->store, r->next, &start))
            break;
        if ((start & 1) == side)
            st = sort_window(p, r, start, d);
    }
    return st;
}

enum status pending_last(struct pending *p, uint32_t side, int64_t *ts, struct diag *d)
{
    struct pending_run *r = &p->last[side];
    enum status st = STATUS_OK;
    look_again(p);
    for (int64_t start; st == STATUS_OK; r->next = start - 1) {
        while (r->n > 0 && is_dead(r->entries[r->n - 1]))
            r->n--;
        *ts = r->n > 0 ? r->entries[r->n - 1]->ts : INT64_MIN;
        if (r->n > 0 || !store_previous_window(p->store, r->next, &start))
            break;
        if ((start & 1) == side)
            st = sort_window(p, r, start, d);
    }
    return st;
}

/* ---- entries ------------------------------------------------------------------------------------------------- */

bool pending_put(struct pending *p, uint32_t side, int64_t ts, struct str key, struct str row)
{
    int64_t start = window_start(p, side, ts);
    struct str whole = make_key(p, start - side, ts, key);
    struct table *t = store_window(p->store, start, true);
    bool created = false;
    struct entry *e = t && whole.p ? store_put(p->store, t, start, whole, key_hash(whole), &created) : NULL;
    char head[VARINT_MAX];
    uint32_t n = (uint32_t)(varint_put(head, row.len) - head);
    if (!e || !store_touch(p->store, t, start, e, !created) || !store_append_var(p->store, e, head, n) ||
        !store_append_var(p->store, e, row.p, row.len))
        return false;
    e->ts = ts;
    return !created || note_new(p, side, start, e);
}

bool pending_remove(struct pending *p, uint32_t side, int64_t ts, struct str key)
{
    int64_t start = window_start(p, side, ts);
    struct table *t = store_window(p->store, start, false);
    if (!t)
        return true;
    struct str whole = make_key(p, start - side, ts, key);
    struct entry *e = whole.p ? store_get(p->store, t, start, whole, key_hash(whole)) : NULL;
    if (!e)
        return whole.p != NULL;
    return store_remove(p->store, t, start, e);
}

/* The dead are about to be freed. */
static void bury(struct pending_run *r)
{
    uint32_t n = 0;
    for (uint32_t i = r->at; i < r->n; i++)
        if (!is_dead(r->entries[i]))
            r->entries[n++] = r->entries[i];
    r->n = n;
    r->at = 0;
}

void pending_flushing(struct pending *p)
{
    for (int side = 0; side < 2; side++) {
        bury(&p->first[side]);
        bury(&p->last[side]);
    }
}

void pending_flushed(struct pending *p)
{
    store_drop_windows(p->store);
}

/* ---- life ------------------------------------------------------------------------------------------------- */

enum status pending_open(struct pending *p, struct op *op, const char *name, int64_t longest, struct diag *d)
{
    *p = (struct pending){.shift = 1};
    while (p->shift < 8 * OFFSET - 1 && INT64_C(1) << p->shift < longest / WINDOWS)
        p->shift++;
    buf_init(&p->key, 0);
    arena_init(&p->scratch, 0);
    begin_anew(p);
    enum status st =
        op_store(op, (struct store_options){.name = name, .kind = STORE_WINDOWED, .retention = INT64_MAX / 2}, d);
    p->store = op->store;
    return st;
}

void pending_close(struct pending *p)
{
    for (int side = 0; side < 2; side++) {
        mem_free(p->first[side].entries);
        mem_free(p->last[side].entries);
    }
    buf_free(&p->key);
    arena_free(&p->scratch);
}
