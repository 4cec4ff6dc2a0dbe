/* Sessions that are in the snapshot alone. They go by themselves, those that ended first before others, whatever their
 * keys: so nearly every look-up, which is about what is going on now, begins above all that is cold.
 *
 * Time is cut into slices, the same that order the file; a slice knows whether it is cold. A look-up that reaches back
 * asks the filter, which has a bit for each pair of slice and key, before it reads. Scans bring back whole slices. */
#include "state/state_int.h"

static uint64_t pair_hash(uint64_t hash, const struct slice *slice)
{
    return hash ^ (uint64_t)slice->time * UINT64_C(0x9E3779B97F4A7C15);
}

static int64_t last_of(const struct store *s, const struct slice *slice)
{
    return slice->time > INT64_MAX - s->slice_width ? INT64_MAX : slice->time + s->slice_width - 1;
}

static struct slice *make_slice(struct store *s, int64_t end)
{
    int64_t time = time_floor(end, s->slice_width);
    struct slice *slice = timeline_find(&s->slices, time);
    if (slice || !(slice = mem_alloc(sizeof *slice)))
        return slice;
    *slice = (struct slice){.time = time};
    if (!timeline_insert(&s->slices, slice)) {
        mem_free(slice);
        return NULL;
    }
    s->account.held += sizeof *slice + sizeof(void *);
    return slice;
}

bool cold_note_session(struct store *s, uint64_t hash, int64_t start, int64_t end)
{
    struct slice *slice = make_slice(s, end);
    if (!slice)
        return false;
    slice->cold = true;
    cold_note(s, pair_hash(hash, slice));
    if (end > s->cold_end)
        s->cold_end = end;
    if (end - start > s->cold_length)
        s->cold_length = end - start;
    return true;
}

/* ---- bringing back ---------------------------------------------------------------------------------------- */

struct wanted {
    struct store *store;
    struct str key;
};

/* Between two rows of a key there may be rows of longer keys. */
static bool take_wanted(void *data, struct str row, struct str value)
{
    struct wanted *w = data;
    int64_t start, end;
    struct str key;
    return !row_key_parse(w->store, row, &start, &end, &key) || !str_eq(key, w->key) ||
           cold_take_row(w->store, row, value);
}

/* The sessions of a key that end in [from_end, to_end], both within the slice. */
static bool take_key(struct store *s, const struct slice *slice, struct str key, int64_t from_end, int64_t to_end)
{
    struct wanted wanted = {.store = s, .key = key};
    struct buf from, to;
    buf_init(&from, 0);
    buf_init(&to, 0);
    row_key_time(&from, slice->time);
    buf_puts(&from, key);
    buf_puts(&to, buf_str(&from));
    put_be64(&from, from_end);
    put_be64(&to, to_end);
    put_be64(&to, INT64_MAX);
    buf_putc(&to, 0); /* the first key behind */
    bool ok = !from.failed && !to.failed &&
              snapshot_range(s->snapshot, s->number, buf_str(&from), buf_str(&to), take_wanted, &wanted);
    buf_free(&from);
    buf_free(&to);
    return ok;
}

bool cold_sessions(struct store *s, struct str key, uint64_t hash, int64_t from_end, int64_t to_start)
{
    int64_t to_end = to_start > INT64_MAX - s->cold_length ? INT64_MAX : to_start + s->cold_length;
    if (to_end > s->cold_end)
        to_end = s->cold_end;
    for (uint32_t i = timeline_seek(&s->slices, time_floor(from_end, s->slice_width)); i < s->slices.end; i++) {
        const struct slice *slice = s->slices.items[i];
        int64_t last = last_of(s, slice);
        if (slice->time > to_end)
            break;
        if (slice->cold && filter_has(s, pair_hash(hash, slice)) &&
            !take_key(s, slice, key, from_end > slice->time ? from_end : slice->time, to_end < last ? to_end : last))
            return false;
    }
    return true;
}

static bool take_slice(struct store *s, struct slice *slice)
{
    int64_t last = last_of(s, slice);
    struct buf from, to;
    buf_init(&from, 0);
    buf_init(&to, 0);
    row_key_time(&from, slice->time);
    if (last < INT64_MAX)
        row_key_time(&to, last + 1);
    bool ok = !from.failed && !to.failed &&
              snapshot_range(s->snapshot, s->number, buf_str(&from), buf_str(&to), cold_take_row, s);
    buf_free(&from);
    buf_free(&to);
    slice->cold &= !ok;
    return ok;
}

static struct slice *next_cold(const struct store *s, int64_t lo, int64_t hi)
{
    for (uint32_t i = timeline_seek(&s->slices, time_floor(lo, s->slice_width)); i < s->slices.end; i++) {
        struct slice *slice = s->slices.items[i];
        if (slice->time > hi)
            break;
        if (slice->cold)
            return slice;
    }
    return NULL;
}

bool cold_slices_hold(const struct store *s, int64_t lo, int64_t hi)
{
    return lo <= s->cold_end && next_cold(s, lo, hi);
}

bool cold_slices(struct store *s, int64_t lo, int64_t hi)
{
    for (struct slice *slice; lo <= s->cold_end && (slice = next_cold(s, lo, hi)); lo = slice->time)
        if (!take_slice(s, slice))
            return false;
    return true;
}

/* ---- evicting ------------------------------------------------------------------------------------------------ */

static void evict_session(struct evicting *x, struct session *session)
{
    struct store *s = x->store;
    if (!cold_note_session(s, key_hash(entry_key(&session->entry)), session->start, session->end))
        return;
    x->freed += slab_room(sizeof *session + s->options.fixed_size) +
                (session->entry.var ? slab_room(session->entry.var_len) : 0);
    x->n++;
    s->n_sessions--;
    session_erase(s, session);
}

void evict_sessions(struct evicting *x)
{
    struct store *s = x->store;
    x->second_look = true; /* there is a better order than that of use */
    for (uint32_t i = s->buckets.first; i < s->buckets.end && !evict_is_enough(x); i++) {
        const struct bucket *b = s->buckets.items[i];
        for (struct session *session = b->sessions, *next; session && !evict_is_enough(x); session = next) {
            next = session->next_in_bucket;
            if (evict_may(x, &session->entry, session->start, session->end))
                evict_session(x, session);
        }
    }
    sessions_drop_empty_buckets(s);
}
