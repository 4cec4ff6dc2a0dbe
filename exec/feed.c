/* Feeds: what a thread reads. However many queries it runs, it has one reader (the live lane), and a second one only while some
 * query is behind.
 *
 * A feed is one partition in one lane, with all the sources that read it, each from its own place on. A source that begins before
 * the place of the live feed reads in the lane behind, so that nobody waits for it, and changes over when it has caught up. In the lane
 * behind, a feed goes back to whoever is the furthest behind, and the others skip what they have read already. */
#include "exec/executor_int.h"

struct feed {
    struct lane *lane;
    int64_t position; /* next offset that the reader delivers */
    struct work_source *sources;
    int32_t partition;
    char topic[];
};

enum { BEHIND_WAIT_MS = 1 };

/* ---- lanes ------------------------------------------------------------------------------------------------------------- */

/* The key of a feed: the topic and the four bytes of the partition. Valid until the next call with the same buffer. */
static struct str feed_key(char buffer[256], const char *topic, int32_t partition)
{
    size_t len = strlen(topic);
    if (len > 256 - sizeof partition)
        len = 256 - sizeof partition;
    memcpy(buffer, topic, len);
    memcpy(buffer + len, &partition, sizeof partition);
    return str_make(buffer, (uint32_t)(len + sizeof partition));
}

static struct feed *find(const struct lane *lane, const char *topic, int32_t partition)
{
    char buffer[256];
    return map_get(&lane->feeds, feed_key(buffer, topic, partition));
}

static void feed_remove(struct feed *feed)
{
    char buffer[256];
    struct lane *lane = feed->lane;
    reader_unassign(lane->reader, feed->topic, feed->partition);
    map_remove(&lane->feeds, feed_key(buffer, feed->topic, feed->partition));
    mem_free(feed);
}

/* The feed of a partition in this lane, made if it is not there, reading on from `position`. */
static enum status feed_assign(struct lane *lane, const char *topic, int32_t partition, int64_t position,
                               struct feed **out, struct diag *d)
{
    char buffer[256];
    struct feed *feed = find(lane, topic, partition);
    if (!feed) {
        size_t len = strlen(topic) + 1;
        feed = mem_alloc(sizeof *feed + len);
        if (!feed)
            return diag_nomem(d);
        *feed = (struct feed){.lane = lane, .partition = partition};
        memcpy(feed->topic, topic, len);
        if (!map_put(&lane->feeds, feed_key(buffer, topic, partition), feed)) {
            mem_free(feed);
            return diag_nomem(d);
        }
    }
    enum status st = reader_assign(lane->reader, topic, partition, position, d);
    if (st == STATUS_OK) {
        feed->position = position;
        *out = feed;
    } else if (!feed->sources) {
        feed_remove(feed);
    }
    return st;
}

static void lane_close(struct lane *lane)
{
    if (!lane->reader)
        return;
    MAP_EACH (&lane->feeds, entry) {
        mem_free(entry->value);
    }
    map_free(&lane->feeds);
    reader_close(lane->reader);
    lane->reader = NULL;
}

enum status feeds_open(struct feeds *f, struct log *log, struct diag *d)
{
    *f = (struct feeds){.log = log};
    map_init(&f->live.feeds);
    map_init(&f->behind.feeds);
    return reader_open(log, &f->live.reader, d);
}

void feeds_close(struct feeds *f)
{
    lane_close(&f->live);
    lane_close(&f->behind);
}

void feeds_wake(struct feeds *f)
{
    if (f->live.reader)
        reader_wake(f->live.reader);
}

/* ---- subscribing ---------------------------------------------------------------------------------------------------- */

enum status feeds_subscribe(struct feeds *f, struct work_source *s, struct diag *d)
{
    enum status st = STATUS_OK;
    struct feed *feed = find(&f->live, s->topic, s->work->partition);
    struct lane *lane = feed && feed->position > s->fetched ? &f->behind : &f->live;
    if (lane == &f->behind)
        feed = find(lane, s->topic, s->work->partition);
    if (!lane->reader)
        TRY(reader_open(f->log, &lane->reader, d));
    if (!feed || feed->position > s->fetched)
        TRY(feed_assign(lane, s->topic, s->work->partition, s->fetched, &feed, d));
    s->feed = feed;
    s->next = feed->sources;
    feed->sources = s;
done:
    return st;
}

void feeds_unsubscribe(struct feeds *f, struct work_source *s)
{
    struct feed *feed = s->feed;
    if (!feed)
        return;
    struct work_source **at = &feed->sources;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    s->feed = NULL;
    if (!feed->sources)
        feed_remove(feed);
    if (f->behind.reader && f->behind.feeds.n_live == 0)
        lane_close(&f->behind);
}

/* A source of the lane behind changes over as soon as the live feed has nothing that it has missed. */
static enum status catch_up(struct feeds *f, struct work_source *s, struct diag *d)
{
    const struct feed *live = find(&f->live, s->topic, s->work->partition);
    if (live && live->position > s->fetched)
        return STATUS_OK;
    feeds_unsubscribe(f, s);
    return feeds_subscribe(f, s, d);
}

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

static enum status deliver(struct feeds *f, struct lane *lane, struct record_batch *b, struct query **culprit,
                           struct diag *d)
{
    enum status st = STATUS_OK;
    struct feed *feed = find(lane, b->topic, b->partition);
    if (!feed)
        return STATUS_OK;
    feed->position = b->next_offset;
    for (struct work_source *s = feed->sources, *next; s && st == STATUS_OK; s = next) {
        next = s->next;
        *culprit = s->work->share->query;
        st = source_take(s, b, d);
        if (st == STATUS_OK && lane == &f->behind)
            st = catch_up(f, s, d); /* with the last source the feed goes, and the lane with its last feed */
    }
    return st;
}

static enum status lane_step(struct feeds *f, struct lane *lane, uint32_t max_records, int timeout_ms, bool *busy,
                             struct query **culprit, struct diag *d)
{
    struct record_batch *b = NULL;
    enum status st = reader_poll(lane->reader, timeout_ms, max_records, &b, d);
    if (!b)
        return st;
    *busy = true;
    st = deliver(f, lane, b, culprit, d);
    record_batch_drop(b);
    return st;
}

enum status feeds_step(struct feeds *f, const struct exec_options *options, int timeout_ms, bool *busy,
                       struct query **culprit, struct diag *d)
{
    uint32_t max_records = options->batch_rows ? options->batch_rows : BATCH_ROWS;
    *busy = false;
    *culprit = NULL;
    enum status st = lane_step(f, &f->live, max_records, f->behind.reader ? 0 : timeout_ms, busy, culprit, d);
    if (st == STATUS_OK && f->behind.reader)
        st = lane_step(f, &f->behind, max_records, *busy || !timeout_ms ? 0 : BEHIND_WAIT_MS, busy, culprit, d);
    if (st == STATUS_OK)
        *culprit = NULL;
    return st;
}
