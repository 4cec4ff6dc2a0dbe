/* A persistent query in a case's world: the tasks of all its stages (partition 0), and the queues between them. As in
 * Kafka Streams' test driver, an input is followed to its last consequence before the next one is taken; of the queues
 * that have records, the one whose head has the lowest time goes first.
 *
 * Changelog records are kept, so that tasks can be rebuilt from them. */
#include "cli/test/test.h"

struct feed { /* one source step of one stage */
    uint32_t stage, source;
};

struct queue { /* what waits on a topic that the query reads */
    const char *topic;
    struct records records;
    size_t head;
    size_t pumped; /* how many records of the topic query_pump has seen */
    struct feed *feeds;
    uint32_t n_feeds;
};

struct changelog {
    const char *name;
    uint32_t stage;
    struct records records;
};

struct query {
    struct world *w;
    const struct plan *plan;
    const char *id;
    struct task **tasks; /* one a stage */
    struct queue *queues;
    uint32_t n_queues;
    struct changelog *changelogs;
    uint32_t n_changelogs;
    struct task_output output;
};

static struct queue *find_queue(const struct query *q, const char *topic)
{
    for (uint32_t i = 0; i < q->n_queues; i++)
        if (!strcmp(q->queues[i].topic, topic))
            return &q->queues[i];
    return NULL;
}

static struct changelog *find_changelog(const struct query *q, const char *topic)
{
    for (uint32_t i = 0; i < q->n_changelogs; i++)
        if (!strcmp(q->changelogs[i].name, topic))
            return &q->changelogs[i];
    return NULL;
}

/* A task's output: to changelogs, to queues, and to topics that outlive the query. */
static enum status append(void *data, const char *topic, int32_t partition, const struct record *records, size_t n,
                          struct diag *d)
{
    struct query *q = data;
    struct changelog *changelog = find_changelog(q, topic);
    struct queue *queue = changelog ? NULL : find_queue(q, topic);
    struct test_topic *known = changelog ? NULL : world_topic(q->w, topic);
    (void)partition;
    if (!changelog && !queue && !known)
        return diag_set(d, STATUS_NOT_FOUND, "a record was written to %s, which does not exist", topic);
    for (size_t i = 0; i < n; i++) {
        if (queue && known)
            queue->pumped++;
        bool ok = (!changelog || records_add(&changelog->records, &q->w->arena, &records[i])) &&
                  (!queue || records_add(&queue->records, &q->w->arena, &records[i])) &&
                  (!known || records_add(&known->records, &q->w->arena, &records[i]));
        if (!ok)
            return diag_nomem(d);
    }
    return STATUS_OK;
}

static void keep_batch(struct record_batch *b) /* batches live in the world's arena */
{
    (void)b;
}

static struct record_batch *make_batch(struct query *q, const char *topic, struct record *records, size_t n)
{
    struct record_batch *b = ARENA_NEW(&q->w->arena, struct record_batch);
    if (b)
        *b = (struct record_batch){.refs = 1,
                                   .n = (uint32_t)n,
                                   .topic = topic,
                                   .records = records,
                                   .next_offset = records[n - 1].offset + 1,
                                   .destroy = keep_batch};
    return b;
}

/* ---- making ---------------------------------------------------------------------------------------------- */

static const char *source_topic(struct query *q, const struct step *s)
{
    return s->kind == STEP_REPARTITION_SOURCE ? repartition_topic(&q->w->arena, q->plan, s, &q->w->exec)
                                              : s->source.topic;
}

static bool add_feed(struct query *q, const char *topic, struct feed feed, uint32_t max)
{
    struct queue *queue = topic ? find_queue(q, topic) : NULL;
    if (topic && !queue) {
        queue = &q->queues[q->n_queues++];
        const struct test_topic *known = world_topic(q->w, topic);
        queue->topic = topic;
        queue->pumped = known ? known->records.n : 0;
        queue->feeds = ARENA_ARRAY(&q->w->arena, struct feed, max);
    }
    if (!queue || !queue->feeds)
        return false;
    queue->feeds[queue->n_feeds++] = feed;
    return true;
}

static enum status make_queues(struct query *q, struct diag *d)
{
    uint32_t max = 0;
    for (uint32_t i = 0; i < q->plan->n_stages; i++)
        max += q->plan->stages[i].n_sources;
    q->queues = ARENA_ARRAY(&q->w->arena, struct queue, max);
    if (!q->queues)
        return diag_nomem(d);
    for (uint32_t i = 0; i < q->plan->n_stages; i++)
        for (uint32_t j = 0; j < q->plan->stages[i].n_sources; j++)
            if (!add_feed(q, source_topic(q, q->plan->stages[i].sources[j]), (struct feed){i, j}, max))
                return diag_nomem(d);
    return STATUS_OK;
}

static enum status make_changelogs(struct query *q, struct diag *d)
{
    enum { MAX = 64 };
    q->changelogs = ARENA_ARRAY(&q->w->arena, struct changelog, MAX);
    if (!q->changelogs)
        return diag_nomem(d);
    for (uint32_t i = 0; i < q->plan->n_stages; i++) {
        const char **names;
        size_t n;
        enum status st = stage_changelogs(q->plan, i, &q->w->exec, &q->w->arena, &names, &n, d);
        if (st != STATUS_OK)
            return st;
        for (size_t j = 0; j < n; j++) {
            if (q->n_changelogs == MAX)
                return diag_set(d, STATUS_UNSUPPORTED, "more than %d changelogs in a query", MAX);
            q->changelogs[q->n_changelogs++] = (struct changelog){.name = names[j], .stage = i};
        }
    }
    return STATUS_OK;
}

static void destroy_tasks(struct query *q)
{
    for (uint32_t i = 0; q->tasks && i < q->plan->n_stages; i++) {
        if (q->tasks[i])
            task_destroy(q->tasks[i]);
        q->tasks[i] = NULL;
    }
}

/* New tasks, with the state that the changelogs hold. */
static enum status make_tasks(struct query *q, struct diag *d)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < q->plan->n_stages; i++)
        TRY(task_create(q->plan, i, 0, &q->w->exec, &q->output, &q->tasks[i], d));
    for (uint32_t i = 0; i < q->n_changelogs; i++) {
        struct changelog *c = &q->changelogs[i];
        struct record_batch *b = c->records.n ? make_batch(q, c->name, c->records.items, c->records.n) : NULL;
        if (c->records.n && !b)
            return diag_nomem(d);
        if (b)
            TRY(task_restore(q->tasks[c->stage], c->name, b, d));
    }
done:
    return st;
}

struct query *query_create(struct world *w, const struct plan *plan, const char *id, struct diag *d)
{
    struct query *q = ARENA_NEW(&w->arena, struct query);
    if (!q)
        return NULL;
    q->w = w;
    q->plan = plan;
    q->id = id;
    q->output = (struct task_output){.append = append, .data = q};
    q->tasks = ARENA_ARRAY(&w->arena, struct task *, plan->n_stages);
    if (!q->tasks || make_queues(q, d) != STATUS_OK || make_changelogs(q, d) != STATUS_OK ||
        make_tasks(q, d) != STATUS_OK) {
        query_destroy(q);
        return NULL;
    }
    return q;
}

void query_destroy(struct query *q)
{
    destroy_tasks(q);
}

const char *query_name(const struct query *q)
{
    return q->id;
}

bool query_reads(const struct query *q, const char *topic)
{
    return find_queue(q, topic) != NULL;
}

/* ---- running --------------------------------------------------------------------------------------------- */

/* The queue that goes next, and how many of its records are in turn before another queue is. */
static struct queue *next_queue(struct query *q, size_t *n)
{
    struct queue *best = NULL;
    int64_t best_ts = 0, other = INT64_MAX;
    for (uint32_t i = 0; i < q->n_queues; i++) {
        struct queue *c = &q->queues[i];
        if (c->head == c->records.n)
            continue;
        int64_t ts = c->records.items[c->head].ts;
        if (best && best_ts <= ts) {
            other = ts < other ? ts : other;
            continue;
        }
        other = best ? best_ts : other;
        best = c;
        best_ts = ts;
    }
    if (!best)
        return NULL;
    size_t left = best->records.n - best->head,
           most = best->n_feeds > 1 || plan_has_circle(q->plan) ? 1 : q->w->options->batch;
    for (*n = 1; *n < left && *n < most && best->records.items[best->head + *n].ts < other;)
        ++*n;
    return best;
}

static enum status run_queues(struct query *q, struct diag *d)
{
    size_t n;
    for (struct queue *queue; (queue = next_queue(q, &n));) {
        struct record_batch *b = make_batch(q, queue->topic, queue->records.items + queue->head, n);
        if (!b)
            return diag_nomem(d);
        queue->head += n;
        for (uint32_t i = 0; i < queue->n_feeds; i++) {
            enum status st = task_push(q->tasks[queue->feeds[i].stage], queue->feeds[i].source, b, d);
            if (st != STATUS_OK)
                return st;
        }
    }
    return STATUS_OK;
}

enum status query_pipe(struct query *q, const char *topic, const struct record *records, size_t n, struct diag *d)
{
    struct queue *queue = find_queue(q, topic);
    for (size_t i = 0; queue && i < n; i++)
        if (!records_add(&queue->records, &q->w->arena, &records[i]))
            return diag_nomem(d);
    return queue ? run_queues(q, d) : STATUS_OK;
}

enum status query_pump(struct query *q, bool *moved, struct diag *d)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < q->n_queues; i++) {
        struct queue *queue = &q->queues[i];
        const struct test_topic *known = world_topic(q->w, queue->topic);
        while (known && queue->pumped < known->records.n) {
            struct record record = known->records.items[queue->pumped++];
            *moved = true;
            TRY(query_pipe(q, queue->topic, &record, 1, d));
            TRY(query_between(q, d));
        }
    }
done:
    return st;
}

static enum status flush_tasks(struct query *q, struct diag *d)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < q->plan->n_stages && st == STATUS_OK; i++)
        st = task_flush(q->tasks[i], d);
    return st;
}

enum status query_between(struct query *q, struct diag *d)
{
    enum status st = STATUS_OK;
    if (!q->w->options->restore)
        return STATUS_OK;
    TRY(flush_tasks(q, d));
    destroy_tasks(q);
    TRY(make_tasks(q, d));
done:
    return st;
}

enum status query_inherit(struct query *q, struct query *old, struct diag *d)
{
    enum status st = STATUS_OK;
    TRY(flush_tasks(old, d));
    for (uint32_t i = 0; i < old->n_changelogs; i++) {
        struct changelog *to = find_changelog(q, old->changelogs[i].name);
        if (to)
            to->records = old->changelogs[i].records;
    }
    destroy_tasks(q);
    TRY(make_tasks(q, d));
done:
    return st;
}

enum status query_internal_topics(struct query *q,
                                  enum status (*visit)(void *data, const char *name, const struct step *step),
                                  void *data, struct diag *d)
{
    enum status st = STATUS_OK;
    (void)d;
    for (uint32_t i = 0; i < q->n_changelogs; i++)
        TRY(visit(data, q->changelogs[i].name, NULL));
    for (uint32_t i = 0; i < q->plan->n_stages; i++)
        for (uint32_t j = 0; j < q->plan->stages[i].n_sources; j++) {
            const struct step *s = q->plan->stages[i].sources[j];
            if (s->kind == STEP_REPARTITION_SOURCE)
                TRY(visit(data, source_topic(q, s), s));
        }
done:
    return st;
}
