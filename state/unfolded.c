/* Which entries the snapshot lacks: marking them, and collecting them part by part.
 *
 * A round goes through the stores by number, through tables by index, through windows by start, through sessions by
 * end. Entries do not move, so a place stays good from part to part. What changes behind the round's place is marked
 * again and belongs to the next round; its records are behind the round's offsets in the changelog. */
#include "state/snapshot_int.h"

enum { PART_BYTES = 1 << 20 };

void mark_unfolded(struct store *s, struct table *t, struct entry *e)
{
    if (!s->snapshot || s->loading)
        return;
    e->flags |= ENTRY_UNFOLDED;
    s->unfolded = true;
    if (!t)
        session_of(e)->bucket->unfolded = true;
    else if (s->options.kind == STORE_WINDOWED)
        window_of(t)->unfolded = true;
}

void mark_removed(struct store *s, int64_t start, int64_t end, struct str key)
{
    struct snapshot *sn = s->snapshot;
    if (!sn || s->loading)
        return;
    sn->key.len = 0;
    buf_putc(&sn->key, (char)s->number);
    row_key(&sn->key, s, start, end, key);
    if (sn->key.failed || !waiting_put(&sn->removed, buf_str(&sn->key), str_make(NULL, 0)))
        sn->status = STATUS_NOMEM;
}

bool snapshot_in_round(const struct snapshot *sn)
{
    return sn->in_round;
}

bool snapshot_has_work(const struct snapshot *sn)
{
    bool any = sn->in_round || sn->removed.table.n_entries;
    for (uint32_t i = 0; i < SNAPSHOT_STORES; i++)
        any |= sn->stores[i] && sn->stores[i]->unfolded;
    return any;
}

/* ---- collecting ----------------------------------------------------------------------------------------- */

static bool collect_bytes(struct snapshot *sn)
{
    struct str key = buf_str(&sn->key);
    waiting_forget(&sn->removed, key); /* it has come back to life */
    return !sn->key.failed && !sn->value.failed && waiting_put(&sn->folding, key, buf_str(&sn->value));
}

static bool collect_entry(struct snapshot *sn, const struct store *s, int64_t start, int64_t end, struct entry *e)
{
    if (!(e->flags & ENTRY_UNFOLDED) || (e->flags & ENTRY_DEAD))
        return true;
    sn->key.len = sn->value.len = 0;
    buf_putc(&sn->key, (char)s->number);
    row_key(&sn->key, s, start, end, entry_key(e));
    entry_value(&sn->value, s, e);
    e->flags &= ~(uint32_t)ENTRY_UNFOLDED;
    return collect_bytes(sn);
}

static bool part_is_full(const struct snapshot *sn)
{
    return waiting_memory(&sn->folding) >= PART_BYTES;
}

/* Entries of a table from at.index on, until the part is full. */
static bool collect_table(struct snapshot *sn, struct store *s, const struct table *t, int64_t start)
{
    for (struct entry *e; !part_is_full(sn) && (e = table_next(t, &sn->at.index)); sn->at.index++)
        if (!collect_entry(sn, s, start, 0, e))
            return false;
    return true;
}

static bool collect_windows(struct snapshot *sn, struct store *s)
{
    for (uint32_t i = timeline_seek(&s->windows, sn->at.time); i < s->windows.end; i++) {
        struct window *w = s->windows.items[i];
        if (w->start != sn->at.time)
            sn->at.index = 0;
        sn->at.time = w->start;
        if (sn->at.index == 0) {
            if (!w->unfolded)
                continue;
            w->unfolded = false;
        }
        if (!collect_table(sn, s, &w->table, w->start))
            return false;
        if (part_is_full(sn))
            return true;
        sn->at.index = 0;
    }
    return true;
}

/* In the order of time, which is the file's. A part that ends within a bucket leaves it to the next one. */
static bool collect_buckets(struct snapshot *sn, struct store *s)
{
    for (uint32_t i = timeline_seek(&s->buckets, sn->at.time); i < s->buckets.end; i++) {
        struct bucket *b = s->buckets.items[i];
        sn->at.time = b->time;
        if (!b->unfolded)
            continue;
        for (struct session *x = b->sessions; x && !part_is_full(sn); x = x->next_in_bucket)
            if (!collect_entry(sn, s, x->start, x->end, &x->entry))
                return false;
        if (part_is_full(sn))
            return true;
        b->unfolded = false;
    }
    return true;
}

static bool collect_marks(struct snapshot *sn, const struct store *s)
{
    sn->key.len = sn->value.len = 0;
    buf_putc(&sn->key, (char)s->number);
    buf_putc(&sn->key, 0);
    marks_value(&sn->value, &s->marks);
    return collect_bytes(sn);
}

static bool collect_removed(struct snapshot *sn)
{
    uint32_t index = 0;
    for (const struct entry *e; (e = table_next(&sn->removed.table, &index)); index++)
        if (!waiting_put(&sn->folding, entry_key(e), str_make(NULL, 0)))
            return false;
    waiting_clear(&sn->removed);
    return true;
}

void collect_begin(struct snapshot *sn)
{
    sn->in_round = true;
    sn->at.store = sn->at.index = 0;
    sn->at.time = INT64_MIN;
    for (uint32_t i = 0; i < SNAPSHOT_STORES; i++)
        if (sn->stores[i])
            sn->stores[i]->unfolded = false;
}

static bool collect_store(struct snapshot *sn, struct store *s)
{
    bool ok = s->options.kind == STORE_WINDOWED  ? collect_windows(sn, s)
              : s->options.kind == STORE_SESSION ? collect_buckets(sn, s)
                                                 : collect_table(sn, s, &s->table, 0);
    return ok && (part_is_full(sn) || collect_marks(sn, s));
}

/* Removals that came since the last part go with this one: the last part must not leave any that its offsets count. */
bool collect_part(struct snapshot *sn)
{
    bool ok = collect_removed(sn);
    for (; ok && sn->at.store < SNAPSHOT_STORES && !part_is_full(sn); sn->at.store += !part_is_full(sn)) {
        struct store *s = sn->stores[sn->at.store];
        if (s)
            ok = collect_store(sn, s);
        if (ok && !part_is_full(sn)) {
            sn->at.index = 0;
            sn->at.time = INT64_MIN;
        }
    }
    sn->last_part = ok && sn->at.store == SNAPSHOT_STORES;
    return ok;
}
