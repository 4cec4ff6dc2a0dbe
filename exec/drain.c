/* Draining: finding out whether the tasks of a query have read everything.
 *
 * A source has its end when nobody writes there any more: other queries to a topic, earlier stages to a repartition topic,
 * here and on other servers, whose positions tell how far they are. Stages that write in a circle (joins by foreign
 * keys) would wait for each other. They are done together: when all that they read from elsewhere has been read, and each
 * task of them was found idle (at the ends of what it reads, and nothing uncommitted) while none of them moved. A move is
 * counted after it: a record that was committed before is seen by who looks at the new count. */
#include "exec/executor_int.h"

void work_moved(struct work *w)
{
    if (w->in_circle)
        atomic_fetch_add(&w->share->query->moves, 1);
}

/* Whether all that write to what a repartition source reads are done, on other servers, too. */
static bool writers_drained(const struct query *q, const struct step *source, uint32_t n_workers)
{
    if (atomic_load(&q->n_settled) < (int)n_workers)
        return false;
    for (uint32_t i = 0; i < q->plan->n_stages; i++)
        if ((atomic_load(&q->tasks_left[i]) > 0 || atomic_load(&q->others_done) <= (int)i) &&
            stage_writes(&q->plan->stages[i], source))
            return false;
    return true;
}

/* The present end of a source; -1: it cannot be told. A drain covers what has been written by now: on Kafka a commit that
 * has returned may take a moment to show. */
static int64_t present_end(const struct work_source *source, struct log *log)
{
    int64_t begin, end, uncommitted;
    const struct work *w = source->work;
    if (topic_offsets(log, source->topic, w->partition, &begin, &end, &uncommitted, NULL) != STATUS_OK)
        return -1;
    return w->share->query->options.drain ? uncommitted : end;
}

static bool source_drained(struct work_source *source, struct log *log, uint32_t n_workers,
                           bool (*written)(void *data, const char *topic, const struct query *reader), void *data)
{
    const struct work *w = source->work;
    const struct query *q = w->share->query;
    const struct step *step = q->plan->stages[w->stage].sources[source->number];
    if (source->drain_end < 0 && (step->kind == STEP_REPARTITION_SOURCE ? writers_drained(q, step, n_workers)
                                                                        : !written(data, source->topic, q)))
        source->drain_end = present_end(source, log);
    return source->drain_end >= 0 && source->position >= source->drain_end;
}

/* ---- circles -------------------------------------------------------------------------------------------------------- */

/* Whether a task of a circle reads something that the circle writes. */
static bool is_of_circle(const struct plan *p, const struct step *source)
{
    bool is = false;
    for (uint32_t i = 0; i < p->n_stages && !is && source->kind == STEP_REPARTITION_SOURCE; i++)
        is = stage_in_circle(&p->stages[i]) && stage_writes(&p->stages[i], source);
    return is;
}

static bool is_at_end(const struct work_source *source, struct log *log)
{
    int64_t end = source->is_missing ? 0 : present_end(source, log);
    return end >= 0 && source->position >= end;
}

/* One more task is idle at this count of moves. False: others have seen a later one already. */
static bool add_quiet(struct query *q, long long moves)
{
    long long seen = atomic_load(&q->quiet), next;
    do {
        if (seen >> QUIET_BITS > moves)
            return false;
        next = seen >> QUIET_BITS == moves ? seen + 1 : moves << QUIET_BITS | 1;
    } while (!atomic_compare_exchange_weak(&q->quiet, &seen, next));
    return true;
}

/* Looks at a task of a circle: whether it is idle. */
static void look_at(struct work *w, struct log *log, uint32_t n_workers,
                    bool (*written)(void *data, const char *topic, const struct query *reader), void *data)
{
    struct query *q = w->share->query;
    const struct stage *stage = &q->plan->stages[w->stage];
    long long moves = atomic_load(&q->moves);
    bool idle = !w->dirty && w->quiet_at != moves;
    for (uint32_t k = 0; idle && k < stage->n_sources; k++)
        idle = is_of_circle(q->plan, stage->sources[k]) ? is_at_end(&w->sources[k], log)
                                                        : source_drained(&w->sources[k], log, n_workers, written, data);
    if (idle && add_quiet(q, moves))
        w->quiet_at = moves;
}

/* Whether all tasks of circles in this process were found idle at the present count. */
static bool circles_are_quiet(const struct query *q, uint32_t n_workers)
{
    long long quiet = atomic_load(&q->quiet), left = 0;
    for (uint32_t i = 0; i < q->plan->n_stages; i++)
        left += stage_in_circle(&q->plan->stages[i]) ? atomic_load(&q->tasks_left[i]) : 0;
    return atomic_load(&q->n_settled) >= (int)n_workers && quiet >> QUIET_BITS == atomic_load(&q->moves) &&
           (quiet & ((1LL << QUIET_BITS) - 1)) >= left;
}

/* ---- all tasks ------------------------------------------------------------------------------------------------------ */

bool share_drained(struct share *s, struct log *log, uint32_t n_workers,
                   bool (*written)(void *data, const char *topic, const struct query *reader), void *data)
{
    bool all = s->settled;
    struct query *q = s->query;
    for (struct work *w = s->works; w; w = w->next)
        if (w->in_circle && !w->drained)
            look_at(w, log, n_workers, written, data);
    for (struct work *w = s->works; w; w = w->next) {
        bool drained = !w->dirty;
        if (w->in_circle && !w->drained && drained)
            drained = circles_are_quiet(q, n_workers);
        /* Each source is looked at: the others may wait for its end. */
        for (uint32_t k = 0; !w->in_circle && !w->drained && k < q->plan->stages[w->stage].n_sources; k++)
            drained &= source_drained(&w->sources[k], log, n_workers, written, data);
        if (drained && !w->drained) {
            w->drained = true;
            atomic_fetch_sub(&q->tasks_left[w->stage], 1);
        }
        all &= w->drained;
    }
    return all;
}

/* ---- other servers -------------------------------------------------------------------------------------------------- */

/* ends[source]: set as soon as they can be told. */
static bool other_drained(const struct query *q, uint32_t stage, int32_t partition, int64_t *ends, struct log *log,
                          struct positions *positions, struct arena *a)
{
    struct position position = {.n = 0};
    const char *name = task_key(a, q, stage, partition);
    bool known = name && positions_get(positions, str_from(name), a, &position);
    for (uint32_t i = 0; i < q->plan->stages[stage].n_sources; i++) {
        int64_t begin, end, uncommitted;
        const char *topic = source_topic(a, q->plan, q->plan->stages[stage].sources[i], &q->options);
        if (!topic)
            return false;
        enum status st =
            ends[i] < 0 ? topic_offsets(log, topic, partition, &begin, &end, &uncommitted, NULL) : STATUS_OK;
        if (ends[i] < 0 && st == STATUS_OK)
            ends[i] = begin == uncommitted ? 0 : uncommitted;
        if (st == STATUS_NOT_FOUND || ends[i] == 0) /* fewer partitions than tasks, or empty */
            continue;
        if (st != STATUS_OK || !known || i >= position.n || position.offsets[i] < ends[i])
            return false;
    }
    return true;
}

bool others_drained(struct query *q, const bool ours[N_SLOTS], struct log *log, struct positions *positions)
{
    struct arena a;
    int64_t *ends = q->others_ends;
    bool all = true, is_fresh = false;
    int done = 0;
    arena_init(&a, 0);
    for (uint32_t i = 0; i < q->plan->n_stages && all; i++) {
        all = i == 0 || atomic_load(&q->tasks_left[i - 1]) == 0; /* ends are final behind the stages before, here too */
        for (int32_t p = 0; p < q->n_partitions[i] && all; p++, ends += q->plan->stages[i].n_sources) {
            if (ours[slot_of(p)])
                continue;
            all = (is_fresh || positions_refresh(positions, NULL) == STATUS_OK) &&
                  other_drained(q, i, p, ends, log, positions, &a);
            is_fresh = true;
        }
        done += all;
    }
    arena_free(&a);
    atomic_store(&q->others_done, done);
    return all;
}
