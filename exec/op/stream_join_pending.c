/* Rows of outer stream-stream joins that wait for a partner or for the end of their window, in order. What is kept is in
 * stream_join.h.
 *
 * Of each side the entries of its first window are sorted, once; what comes into that window later is put into its place.
 * Entries that have gone are skipped. Between two flushes entries do not go from memory, so pointers stay good. */
#include "exec/op/stream_join.h"
#include "formats/row.h"

enum { WINDOWS = 64, OFFSET = 4 /* bytes of a time within a window, in front of a key */ };

enum status pending_open(struct pending *p, struct op *op, const char *name, int64_t longest, struct diag *d)
{
    *p = (struct pending){.shift = 1, .last = INT64_MAX};
    while (p->shift < 8 * OFFSET - 1 && INT64_C(1) << p->shift < longest / WINDOWS)
        p->shift++;
    buf_init(&p->key, 0);
    arena_init(&p->scratch, 0);
    pending_flushed(p);
    enum status st = op_store(
        op, (struct store_options){.name = name, .kind = STORE_WINDOWED, .retention = INT64_MAX / 2}, d);
    p->store = op->store;
    return st;
}

void pending_close(struct pending *p)
{
    for (int side = 0; side < 2; side++)
        mem_free(p->runs[side].entries);
    buf_free(&p->key);
    arena_free(&p->scratch);
}

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

static bool note_new(struct pending_run *r, int64_t start, struct entry *e)
{
    if (start >= r->next)
        return true;
    if (start == r->start)
        return insert(r, e);
    r->start = INT64_MIN; /* back to an earlier one */
    r->next = start;
    r->at = r->n = 0;
    return true;
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
        r->next = start + 1;
    }
    arena_clear(&p->scratch);
    return st;
}

enum status pending_first(struct pending *p, uint32_t side, struct entry **e, struct diag *d)
{
    struct pending_run *r = &p->runs[side];
    for (;;) {
        while (r->at < r->n && (r->entries[r->at]->flags & ENTRY_DEAD))
            r->at++;
        *e = r->at < r->n ? r->entries[r->at] : NULL;
        int64_t start;
        if (*e || !store_next_window(p->store, r->next, &start))
            return STATUS_OK;
        enum status st = STATUS_OK;
        if ((start & 1) == side)
            st = sort_window(p, r, start, d);
        else
            r->next = start + 1;
        if (st != STATUS_OK)
            return st;
    }
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
    if (ts >= p->last) {
        p->last = ts;
        p->last_waits = true;
    }
    return !created || note_new(&p->runs[side], start, e);
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
    if (ts == p->last)
        p->last_waits = false;
    return store_remove(p->store, t, start, e);
}

enum status pending_last(struct pending *p, int64_t *ts, struct diag *d)
{
    int64_t to = INT64_MAX, start;
    for (; !p->last_waits && store_previous_window(p->store, to, &start); to = start - 1) {
        struct entry_ref *refs;
        size_t n;
        int64_t beside = window_start(p, 0, start); /* the other side's is as late */
        enum status st = store_collect(p->store, beside, beside + 1, &p->scratch, &refs, &n, d);
        if (st != STATUS_OK)
            return st;
        p->last_waits = n > 0;
        p->last = INT64_MIN;
        for (size_t i = 0; i < n; i++)
            if (refs[i].entry->ts > p->last)
                p->last = refs[i].entry->ts;
        arena_clear(&p->scratch);
        start = beside;
    }
    if (!p->last_waits)
        p->last = INT64_MIN;
    *ts = p->last;
    return STATUS_OK;
}

void pending_flushed(struct pending *p)
{
    for (int side = 0; side < 2; side++) {
        struct pending_run *r = &p->runs[side];
        r->start = r->next = INT64_MIN;
        r->at = r->n = 0;
    }
    if (p->store)
        store_drop_windows(p->store);
}
