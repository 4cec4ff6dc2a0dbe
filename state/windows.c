/* Windowed stores: a timeline of windows, each with a hash table of its own. Also the timeline itself, which sessions
 * use for their index by end. */
#include "state/state_int.h"

static int64_t time_at(const struct timeline *t, uint32_t i)
{
    int64_t time;
    memcpy(&time, t->items[i], sizeof time);
    return time;
}

uint32_t timeline_seek(const struct timeline *t, int64_t time)
{
    uint32_t lo = t->first, hi = t->end;
    if (lo < hi && time_at(t, hi - 1) < time) /* the usual case */
        return hi;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (time_at(t, mid) < time)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void *timeline_find(const struct timeline *t, int64_t time)
{
    uint32_t i = timeline_seek(t, time);
    return i < t->end && time_at(t, i) == time ? t->items[i] : NULL;
}

bool timeline_insert(struct timeline *t, void *item)
{
    if (t->end == t->cap && t->first > t->cap / 2) { /* room in front */
        memmove(t->items, t->items + t->first, (size_t)(t->end - t->first) * sizeof *t->items);
        t->end -= t->first;
        t->first = 0;
    }
    if (t->end == t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : 4;
        void **items = mem_realloc(t->items, cap * sizeof *items);
        if (!items)
            return false;
        t->items = items;
        t->cap = cap;
    }
    int64_t time;
    memcpy(&time, item, sizeof time);
    uint32_t at = timeline_seek(t, time);
    memmove(t->items + at + 1, t->items + at, (size_t)(t->end - at) * sizeof *t->items);
    t->items[at] = item;
    t->end++;
    return true;
}

void timeline_free(struct timeline *t)
{
    mem_free(t->items);
    *t = (struct timeline){0};
}

/* ---- windows ------------------------------------------------------------------------------------------ */

static struct window *add_window(struct store *s, int64_t start)
{
    struct window *w = mem_alloc(sizeof *w);
    if (!w)
        return NULL;
    w->start = start;
    w->cold = w->unfolded = false;
    table_init(&w->table, s->stride);
    if (!timeline_insert(&s->windows, w)) {
        mem_free(w);
        return NULL;
    }
    s->account.held += sizeof *w + sizeof(void *);
    return w;
}

struct window *window_get(struct store *s, int64_t start, bool create)
{
    if (create && start > s->marks.time)
        s->marks.time = start;
    if (start < store_horizon(s))
        return NULL;
    if (s->last && s->last->start == start)
        return s->last;
    struct window *w = timeline_find(&s->windows, start);
    if (!w && create)
        w = add_window(s, start);
    if (w)
        s->last = w;
    return w;
}

static void free_window(struct store *s, struct window *w)
{
    table_free(&w->table, &s->slab, &s->account);
    s->account.held -= sizeof *w + sizeof(void *);
    mem_free(w);
}

void windows_expire(struct store *s)
{
    int64_t horizon = store_horizon(s);
    struct timeline *t = &s->windows;
    while (t->first < t->end && ((struct window *)t->items[t->first])->start < horizon) {
        if (s->last == t->items[t->first])
            s->last = NULL;
        free_window(s, t->items[t->first++]);
    }
}

static bool may_hold_entries(const struct window *w)
{
    return w->cold || w->table.n_live;
}

bool store_next_window(const struct store *s, int64_t from, int64_t *start)
{
    const struct timeline *t = &s->windows;
    for (uint32_t i = timeline_seek(t, from); i < t->end; i++) {
        const struct window *w = t->items[i];
        *start = w->start;
        if (may_hold_entries(w))
            return true;
    }
    return false;
}

bool store_previous_window(const struct store *s, int64_t to, int64_t *start)
{
    const struct timeline *t = &s->windows;
    for (uint32_t i = t->end; i-- > t->first;) {
        const struct window *w = t->items[i];
        *start = w->start;
        if (w->start <= to && may_hold_entries(w))
            return true;
    }
    return false;
}

void store_drop_windows(struct store *s)
{
    struct timeline *t = &s->windows;
    uint32_t kept = t->first;
    for (uint32_t i = t->first; i < t->end; i++) {
        struct window *w = t->items[i];
        if (w->cold || w->table.n_entries)
            t->items[kept++] = w;
        else
            free_window(s, w);
    }
    t->end = kept;
    s->last = NULL;
}

void windows_free(struct store *s)
{
    for (uint32_t i = s->windows.first; i < s->windows.end; i++)
        free_window(s, s->windows.items[i]);
    timeline_free(&s->windows);
}
