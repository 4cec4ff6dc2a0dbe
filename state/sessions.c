/* Session stores: a list of sessions a key, and an index by end over all keys: buckets of equal width in a timeline.
 *
 * Sessions behind the horizon are not found by key, but are freed only when the segment of time that they are in goes
 * as a whole, as in Kafka Streams, whose closing of sessions can still see them: a segment is half the retention, at
 * least a minute. */
#include "state/state_int.h"

enum { MIN_SEGMENT_MS = 60000 };

static struct session **list_of(struct entry *owner)
{
    return (struct session **)(void *)owner->fixed;
}

int64_t sessions_segment_bound(const struct store *s)
{
    if (s->marks.time == INT64_MIN)
        return INT64_MIN;
    int64_t segment = s->options.retention / 2 > MIN_SEGMENT_MS ? s->options.retention / 2 : MIN_SEGMENT_MS;
    return time_floor(s->marks.time - s->options.retention, segment);
}

static struct bucket *make_bucket(struct store *s, int64_t end)
{
    int64_t time = time_floor(end, s->bucket_width);
    struct bucket *b = timeline_find(&s->buckets, time);
    if (b)
        return b;
    b = mem_alloc(sizeof *b);
    if (!b)
        return NULL;
    *b = (struct bucket){.time = time, .min_end = INT64_MAX};
    if (!timeline_insert(&s->buckets, b)) {
        mem_free(b);
        return NULL;
    }
    s->account.held += sizeof *b + sizeof(void *);
    return b;
}

static bool link_bucket(struct store *s, struct session *session)
{
    struct bucket *b = make_bucket(s, session->end);
    if (!b)
        return false;
    session->bucket = b;
    session->next_in_bucket = b->sessions;
    if (b->sessions)
        b->sessions->prev_in_bucket = session;
    b->sessions = session;
    if (session->end < b->min_end)
        b->min_end = session->end;
    return true;
}

static void unlink_bucket(struct session *session)
{
    if (session->next_in_bucket)
        session->next_in_bucket->prev_in_bucket = session->prev_in_bucket;
    if (session->prev_in_bucket)
        session->prev_in_bucket->next_in_bucket = session->next_in_bucket;
    else
        session->bucket->sessions = session->next_in_bucket;
}

/* A key's list has its newest session first: that is the one that is nearly always wanted, and a long retention leaves
 * many old ones behind it. */
static bool comes_before(const struct session *x, int64_t start, int64_t end)
{
    return x->end != end ? x->end > end : x->start > start;
}

static size_t session_size(const struct store *s)
{
    return sizeof(struct session) + s->options.fixed_size;
}

struct session *session_find(struct store *s, struct str key, uint64_t hash, int64_t start, int64_t end)
{
    struct entry *owner = table_find(&s->table, key, hash);
    struct session *session = owner ? *list_of(owner) : NULL;
    while (session && comes_before(session, start, end))
        session = session->next;
    return session && session->start == start && session->end == end ? session : NULL;
}

struct session *session_add(struct store *s, struct str key, uint64_t hash, int64_t start, int64_t end)
{
    struct entry *owner = table_find(&s->table, key, hash);
    if (!owner && !(owner = table_add(&s->table, key, hash, &s->slab, &s->account)))
        return NULL;
    struct session *session = slab_alloc(&s->slab, session_size(s));
    if (!session)
        return NULL;
    memset(session, 0, session_size(s));
    session->start = start;
    session->end = end;
    session->owner = owner;
    session->entry.key = owner->key;
    session->entry.key_len = owner->key_len;
    session->entry.flags = ENTRY_KEY_SHARED | ENTRY_USED;
    if (!link_bucket(s, session)) {
        slab_free(&s->slab, session, session_size(s));
        return NULL;
    }
    struct session *before = NULL, *after = *list_of(owner);
    while (after && comes_before(after, start, end)) {
        before = after;
        after = after->next;
    }
    session->previous = before;
    session->next = after;
    *(before ? &before->next : list_of(owner)) = session;
    if (after)
        after->previous = session;
    s->n_sessions++;
    return session;
}

/* The session's entry is dead or about to be forgotten; n_sessions was adjusted by who killed it. */
void session_erase(struct store *s, struct session *session)
{
    struct entry *owner = session->owner;
    *(session->previous ? &session->previous->next : list_of(owner)) = session->next;
    if (session->next)
        session->next->previous = session->previous;
    unlink_bucket(session);
    if (session->entry.var)
        slab_free(&s->slab, session->entry.var, session->entry.var_len);
    slab_free(&s->slab, session, session_size(s));
    if (!*list_of(owner))
        table_erase(&s->table, owner, &s->slab, &s->account);
}

enum status store_sessions(struct store *s, struct str key, uint64_t hash, int64_t from_end, int64_t to_start,
                           struct arena *a, struct session ***out, uint32_t *n)
{
    int64_t horizon = store_horizon(s);
    uint32_t count = 0;
    *n = 0;
    *out = NULL;
    if (from_end < horizon)
        from_end = horizon;
    if (s->cold && from_end <= s->cold_end && !cold_sessions(s, key, hash, from_end, to_start))
        return STATUS_NOMEM;
    struct entry *owner = table_find(&s->table, key, hash);
    struct session *newest = owner ? *list_of(owner) : NULL;
    for (struct session *x = newest; x && x->end >= from_end; x = x->next)
        count += x->start <= to_start && !(x->entry.flags & ENTRY_DEAD);
    if (count == 0)
        return STATUS_OK;
    struct session **list = arena_alloc(a, count * sizeof *list);
    if (!list)
        return STATUS_NOMEM;
    *n = count;
    for (struct session *x = newest; x && x->end >= from_end; x = x->next)
        if (x->start <= to_start && !(x->entry.flags & ENTRY_DEAD))
            list[--count] = x;
    *out = list;
    return STATUS_OK;
}

struct session *store_put_session(struct store *s, struct str key, uint64_t hash, int64_t start, int64_t end,
                                  bool *created)
{
    if (end > s->marks.time)
        s->marks.time = end;
    struct session *session = session_find(s, key, hash, start, end);
    if (!session && s->cold && end <= s->cold_end) {
        if (!cold_sessions(s, key, hash, end, start))
            return NULL;
        session = session_find(s, key, hash, start, end);
    }
    *created = !session || (session->entry.flags & ENTRY_DEAD);
    if (!session) {
        session = session_add(s, key, hash, start, end);
    } else if (*created) {
        entry_revive(s, &session->entry);
        s->n_sessions++;
    }
    return session && store_touch_session(s, session, !*created) ? session : NULL;
}

static void drop_bucket(struct store *s, struct bucket *b)
{
    while (b->sessions) {
        s->n_sessions--;
        session_erase(s, b->sessions);
    }
    s->account.held -= sizeof *b + sizeof(void *);
    mem_free(b);
}

static void drop_slice(struct store *s, struct slice *slice)
{
    s->account.held -= sizeof *slice + sizeof(void *);
    mem_free(slice);
}

bool session_has_expired(const struct store *s, int64_t end)
{
    int64_t bucket = time_floor(end, s->bucket_width);
    return bucket < s->expired && (uint64_t)s->expired - (uint64_t)bucket >= (uint64_t)s->bucket_width;
}

void sessions_expire(struct store *s)
{
    struct timeline *t = &s->buckets, *slices = &s->slices;
    if (s->options.kind == STORE_SESSION)
        s->expired = sessions_segment_bound(s);
    for (; t->first < t->end && session_has_expired(s, ((struct bucket *)t->items[t->first])->time); t->first++)
        drop_bucket(s, t->items[t->first]);
    for (; slices->first < slices->end; slices->first++) {
        struct slice *slice = slices->items[slices->first];
        if (!session_has_expired(s, slice->time) || !session_has_expired(s, slice->time + s->slice_width - 1))
            break;
        drop_slice(s, slice);
    }
}

void sessions_drop_empty_buckets(struct store *s)
{
    struct timeline *t = &s->buckets;
    uint32_t kept = t->first;
    for (uint32_t i = t->first; i < t->end; i++) {
        struct bucket *b = t->items[i];
        if (b->sessions)
            t->items[kept++] = b;
        else
            drop_bucket(s, b);
    }
    t->end = kept;
}

void sessions_free(struct store *s)
{
    for (uint32_t i = s->buckets.first; i < s->buckets.end; i++)
        drop_bucket(s, s->buckets.items[i]);
    for (uint32_t i = s->slices.first; i < s->slices.end; i++)
        drop_slice(s, s->slices.items[i]);
    timeline_free(&s->buckets);
    timeline_free(&s->slices);
}
