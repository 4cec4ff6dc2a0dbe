/* Joins: the records of a task's sources in the order of time. What has been read of each source waits in a queue; the
 * lowest time at the head of a queue goes first, and of equal times a table's. A source whose queue is empty is waited
 * for while the log is known to have more of it, or, when draining, until its end has been reached; otherwise it holds
 * nobody up (Kafka Streams with max.task.idle.ms=0 does the same). Where a join of streams does not mind, a source goes
 * on a little past the others: batches are cheaper than single records. Times are those of the records, before any
 * TIMESTAMP column is looked at.
 *
 * A queue that is full is not read into any more, until half of it has gone. */
#include "exec/executor_int.h"

enum { QUEUE_BYTES = 1 << 20, RECORD_BYTES = 64 /* what a record takes beside its key and value */ };
#define LOOK_EVERY_NS INT64_C(500000000)
#define LIVE_MS 1000 /* a record that is not older comes as it happens: nothing can lie behind it */

/* How much older, in ms, than what was pushed of another source a record may be when its turn comes, and the joins still
 * make the same of it. With tables each state counts. Of two streams it is less than the grace, for which rows are kept
 * and waited for; but where a row goes on alone at once, its partner must have had its turn. */
static int64_t slack_of(const struct step *s)
{
    int64_t slack = INT64_MAX;
    if (s->kind == STEP_STREAM_STREAM_JOIN)
        slack = s->join.grace > 0 && (s->join.outer == OUTER_NONE || s->join.has_grace) ? s->join.grace - 1 : 0;
    else if (s->n_inputs > 1)
        slack = 0;
    for (uint32_t i = 0; i < s->n_inputs; i++) {
        int64_t below = slack_of(s->inputs[i]);
        slack = below < slack ? below : slack;
    }
    return slack;
}

int64_t stage_slack(const struct stage *stage)
{
    return slack_of(stage->root);
}

bool stage_merges(const struct stage *stage)
{
    return stage->n_sources > 1 && !stage_in_circle(stage); /* what is read back comes of what it would hold up */
}

/* ---- queues -------------------------------------------------------------------------------------------------------- */

static size_t batch_bytes(const struct record_batch *b)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < b->n; i++)
        bytes += RECORD_BYTES + b->records[i].key.len + b->records[i].value.len;
    return bytes;
}

enum status merge_put(struct work_source *s, struct record_batch *b, struct diag *d)
{
    struct queue *q = &s->queue;
    if (q->n == q->cap) {
        uint32_t cap = q->cap ? 2 * q->cap : 8;
        struct record_batch **grown = mem_realloc(q->batches, cap * sizeof(struct record_batch *));
        if (!grown)
            return diag_nomem(d);
        q->batches = grown;
        q->cap = cap;
    }
    q->bytes += batch_bytes(b);
    q->batches[q->n++] = record_batch_keep(b);
    return STATUS_OK;
}

static void pop(struct queue *q)
{
    q->bytes -= batch_bytes(q->batches[0]);
    record_batch_drop(q->batches[0]);
    memmove(q->batches, q->batches + 1, --q->n * sizeof(struct record_batch *));
    q->at = 0;
}

void merge_clear(struct work_source *s)
{
    while (s->queue.n)
        pop(&s->queue);
    mem_free(s->queue.batches);
    s->queue = (struct queue){0};
}

/* ---- the order ------------------------------------------------------------------------------------------------------ */

struct place { /* of a record among those of all sources */
    int64_t ts;
    bool is_stream;
    uint32_t source;
};

static struct place place_of(const struct work_source *s, const struct record *r)
{
    const struct step *step = s->work->share->query->plan->stages[s->work->stage].sources[s->number];
    bool is_table =
        step->kind == STEP_TABLE_SOURCE || (step->kind == STEP_REPARTITION_SOURCE && step->repartition.is_table);
    return (struct place){r->ts, !is_table, s->number};
}

static bool is_before(struct place x, struct place y)
{
    if (x.ts != y.ts)
        return x.ts < y.ts;
    return x.is_stream != y.is_stream ? y.is_stream : x.source < y.source;
}

static const struct record *head(const struct work_source *s)
{
    const struct queue *q = &s->queue;
    return q->n ? &q->batches[0]->records[q->at] : NULL;
}

/* Batches without records only move the place. */
static void skip_empty(struct work_source *s)
{
    while (s->queue.n && s->queue.at == s->queue.batches[0]->n) {
        s->position = s->queue.batches[0]->next_offset;
        s->work->dirty = true;
        pop(&s->queue);
    }
}

/* *awaited: the log has records of this source that have not been read. `ts`: of the record that would go first. */
static enum status look_for_more(struct work_source *s, struct log *log, int64_t ts, bool *awaited, struct diag *d)
{
    int64_t begin, now = clock_mono_ns();
    enum status st = STATUS_OK;
    *awaited = false;
    if (s->is_missing)
        return STATUS_OK;
    if (s->work->share->query->options.drain) {
        *awaited = s->drain_end < 0 || s->fetched < s->drain_end;
        return STATUS_OK;
    }
    bool is_due = s->looked_ns == 0 || (now - s->looked_ns > LOOK_EVERY_NS && ts < clock_wall_ms() - LIVE_MS);
    if (s->fetched >= s->known_end && is_due) {
        st = topic_offsets(log, s->topic, s->work->partition, &begin, &s->known_end, NULL, d);
        s->looked_ns = now;
    }
    *awaited = s->fetched < s->known_end;
    return st;
}

/* The source whose record is next, and the place of the first record of any other; NULL: none, or it may not go yet. */
static enum status next_source(struct work *w, struct log *log, struct work_source **out, struct place *other,
                               struct diag *d)
{
    uint32_t n = w->share->query->plan->stages[w->stage].n_sources;
    struct work_source *best = NULL;
    struct place first = {.ts = INT64_MAX, .is_stream = true, .source = UINT32_MAX};
    *out = NULL;
    *other = first;
    for (uint32_t i = 0; i < n; i++) {
        struct work_source *s = &w->sources[i];
        skip_empty(s);
        if (!head(s))
            continue;
        struct place here = place_of(s, head(s));
        if (is_before(here, first)) {
            *other = first;
            first = here;
            best = s;
        } else if (is_before(here, *other)) {
            *other = here;
        }
    }
    for (uint32_t i = 0; i < n && best; i++) {
        bool awaited = false;
        enum status st = head(&w->sources[i]) ? STATUS_OK : look_for_more(&w->sources[i], log, first.ts, &awaited, d);
        if (st != STATUS_OK || awaited)
            return st;
    }
    *out = best;
    return STATUS_OK;
}

/* Pushes the records of one source that stand before `other`, or near enough behind it. */
static enum status push_run(struct work_source *s, struct place other, struct diag *d)
{
    struct queue *q = &s->queue;
    struct record_batch *b = q->batches[0];
    uint32_t to = q->at + 1;
    struct place here = place_of(s, head(s));
    other.ts = other.ts > INT64_MAX - s->work->slack ? INT64_MAX : other.ts + s->work->slack;
    for (; to < b->n; to++) {
        here.ts = b->records[to].ts;
        if (!is_before(here, other))
            break;
    }
    struct record_batch *part = slice(b, q->at, to, b->next_offset);
    if (!part)
        return diag_nomem(d);
    enum status st = task_push(s->work->task, s->number, part, d);
    s->position = part->next_offset;
    s->work->dirty = true;
    record_batch_drop(part);
    q->at = to;
    skip_empty(s);
    return st;
}

static enum status merge(struct work *w, struct log *log, struct diag *d)
{
    struct work_source *s;
    struct place other;
    enum status st;
    do {
        st = next_source(w, log, &s, &other, d);
        if (st == STATUS_OK && s)
            st = push_run(s, other, d);
    } while (st == STATUS_OK && s);
    return st;
}

/* ---- reading more, or less ------------------------------------------------------------------------------------------ */

static enum status balance(struct work *w, struct diag *d)
{
    struct share *share = w->share;
    for (uint32_t i = 0; i < share->query->plan->stages[w->stage].n_sources; i++) {
        struct work_source *s = &w->sources[i];
        enum status st = STATUS_OK;
        if (s->feed && s->queue.bytes >= QUEUE_BYTES)
            feeds_unsubscribe(share->feeds, s);
        else if (!s->feed && !s->is_missing && !share->paused && s->queue.bytes < QUEUE_BYTES / 2)
            st = feeds_subscribe(share->feeds, s, d);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

enum status share_merge(struct share *s, struct log *log, struct diag *d)
{
    enum status st = STATUS_OK;
    for (struct work *w = s->works; w && st == STATUS_OK; w = w->next) {
        if (!w->merges)
            continue;
        st = merge(w, log, d);
        if (st == STATUS_OK)
            st = balance(w, d);
    }
    return st;
}
