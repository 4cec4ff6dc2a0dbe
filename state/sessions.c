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

static int64_t floor_to(int64_t time, int64_t width)
{
    int64_t rest = time % width;
    return rest < 0 ? time - rest - width : time - rest;
}

int64_t sessions_segment_bound(const struct store *s)
{
    if (s->marks.time == INT64_MIN)
        return INT64_MIN;
    int64_t segment = s->options.retention / 2 > MIN_SEGMENT_MS ? s->options.retention / 2 : MIN_SEGMENT_MS;
    return floor_to(s->marks.time - s->options.retention, segment);
}

struct bucket *bucket_of(struct store *s, int64_t end, bool create)
{
    int64_t time = floor_to(end, s->bucket_width);
    struct bucket *b = timeline_find(&s->buckets, time);
    if (b || !create)
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
    struct bucket *b = bucket_of(s, session->end, true);
    if (!b)
        return false;
    session->next_in_bucket = b->sessions;
    if (b->sessions)
        b->sessions->prev_in_bucket = session;
    b->sessions = session;
    if (session->end < b->min_end)
        b->min_end = session->end;
    return true;
}

static void unlink_bucket(struct store *s, struct session *session)
{
    if (session->next_in_bucket)
        session->next_in_bucket->prev_in_bucket = session->prev_in_bucket;
    if (session->prev_in_bucket)
        session->prev_in_bucket->next_in_bucket = session->next_in_bucket;
    else
        bucket_of(s, session->end, false)->sessions = session->next_in_bucket;
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
    unlink_bucket(s, session);
    if (session->entry.var)
        slab_free(&s->slab, session->entry.var, session->entry.var_len);
    slab_free(&s->slab, session, session_size(s));
    if (!*list_of(owner))
        table_erase(&s->table, owner, &s->slab, &s->account);
}

enum status store_sessions(struct store *s, struct str key, uint64_t hash, int64_t from_end, int64_t to_start,
                           struct arena *a, struct session ***out, uint32_t *n)
{
    if (s->cold && filter_has(s, hash) && !cold_sessions(s, key, hash))
        return STATUS_NOMEM;
    struct entry *owner = table_find(&s->table, key, hash);
    int64_t horizon = store_horizon(s);
    uint32_t count = 0;
    *n = 0;
    *out = NULL;
    if (from_end < horizon)
        from_end = horizon;
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
    if (s->cold && filter_has(s, hash) && !cold_sessions(s, key, hash))
        return NULL;
    struct session *session = session_find(s, key, hash, start, end);
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

void sessions_expire(struct store *s)
{
    int64_t bound = s->options.kind == STORE_SESSION ? sessions_segment_bound(s) : INT64_MIN;
    struct timeline *t = &s->buckets;
    while (t->first < t->end) {
        struct bucket *b = t->items[t->first];
        if (b->time + s->bucket_width > bound)
            break;
        drop_bucket(s, b);
        t->first++;
    }
}

void sessions_free(struct store *s)
{
    for (uint32_t i = s->buckets.first; i < s->buckets.end; i++) {
        drop_bucket(s, s->buckets.items[i]);
        s->buckets.first = i + 1;
    }
    timeline_free(&s->buckets);
}
