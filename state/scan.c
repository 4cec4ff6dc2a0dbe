/* Entries of a store in order: for full scans, ranges of windows, and the closing of windows and sessions. */
#include "state/state_int.h"

#include <stdlib.h>

struct list {
    struct entry_ref *refs;
    size_t n, cap;
    struct arena *arena;
};

static bool add(struct list *l, struct entry_ref ref)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        struct entry_ref *refs = arena_alloc(l->arena, cap * sizeof *refs);
        if (!refs)
            return false;
        if (l->n)
            memcpy(refs, l->refs, l->n * sizeof *refs);
        l->refs = refs;
        l->cap = cap;
    }
    l->refs[l->n++] = ref;
    return true;
}

static int by_time_and_key(const void *a, const void *b)
{
    const struct entry_ref *x = a, *y = b;
    if (x->end != y->end)
        return x->end < y->end ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return str_cmp(entry_key(x->entry), entry_key(y->entry));
}

static bool add_table(struct list *l, const struct table *t, int64_t start)
{
    size_t from = l->n;
    uint32_t index = 0;
    for (struct entry *e; (e = table_next(t, &index)); index++)
        if (!(e->flags & ENTRY_DEAD) && !add(l, (struct entry_ref){.start = start, .end = 0, .entry = e}))
            return false;
    if (l->n > from)
        qsort(l->refs + from, l->n - from, sizeof *l->refs, by_time_and_key);
    return true;
}

static bool add_windows(struct list *l, const struct store *s, int64_t lo, int64_t hi)
{
    const struct timeline *t = &s->windows;
    if (lo < store_horizon(s))
        lo = store_horizon(s);
    for (uint32_t i = timeline_seek(t, lo); i < t->end; i++) {
        const struct window *w = t->items[i];
        if (w->start > hi)
            break;
        if (!add_table(l, &w->table, w->start))
            return false;
    }
    return true;
}

static bool add_sessions(struct list *l, const struct store *s, int64_t lo, int64_t hi)
{
    int64_t bound = sessions_segment_bound(s);
    if (lo < bound)
        lo = bound;
    for (uint32_t i = s->buckets.first; i < s->buckets.end; i++) {
        struct bucket *b = s->buckets.items[i];
        if (b->time > hi)
            break;
        if (b->time <= INT64_MAX - s->bucket_width && b->time + s->bucket_width <= lo)
            continue;
        for (struct session *x = b->sessions; x; x = x->next_in_bucket)
            if (x->end >= lo && x->end <= hi && !(x->entry.flags & ENTRY_DEAD) &&
                !add(l, (struct entry_ref){.start = x->start, .end = x->end, .entry = &x->entry}))
                return false;
    }
    if (l->n)
        qsort(l->refs, l->n, sizeof *l->refs, by_time_and_key);
    return true;
}

enum status store_collect(struct store *s, int64_t lo, int64_t hi, struct arena *a, struct entry_ref **out, size_t *n,
                          struct diag *d)
{
    struct list l = {.arena = a};
    if (s->cold && !cold_range(s, lo, hi))
        return diag_set(d, STATUS_IO, "The snapshot of %s cannot be read", s->options.name);
    bool ok = s->options.kind == STORE_KEYED      ? add_table(&l, &s->table, 0)
              : s->options.kind == STORE_WINDOWED ? add_windows(&l, s, lo, hi)
                                                  : add_sessions(&l, s, lo, hi);
    *out = l.refs;
    *n = l.n;
    return ok ? STATUS_OK : diag_nomem(d);
}

bool store_may_hold(const struct store *s, int64_t lo, int64_t hi)
{
    if (s->options.kind == STORE_WINDOWED) {
        uint32_t i = timeline_seek(&s->windows, lo);
        return i < s->windows.end && ((const struct window *)s->windows.items[i])->start <= hi;
    }
    if (s->cold && cold_slices_hold(s, lo, hi))
        return true;
    int64_t from = lo > INT64_MIN + s->bucket_width ? lo - s->bucket_width + 1 : lo;
    for (uint32_t i = timeline_seek(&s->buckets, from); i < s->buckets.end; i++) {
        struct bucket *b = s->buckets.items[i];
        if (b->time > hi)
            return false;
        if (b->min_end > hi)
            continue;
        b->min_end = INT64_MAX;
        for (const struct session *x = b->sessions; x; x = x->next_in_bucket)
            if (x->end >= lo && x->end < b->min_end)
                b->min_end = x->end;
        if (b->min_end <= hi)
            return true;
    }
    return false;
}
