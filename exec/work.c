/* The tasks of one query on one worker: building them from positions and changelogs, and taking records in. */
#include "exec/executor_int.h"

enum { RESTORE_WAIT_MS = 100 };

const char *source_topic(struct arena *a, const struct plan *p, const struct step *s,
                         const struct exec_options *options)
{
    return s->kind == STEP_REPARTITION_SOURCE ? repartition_topic(a, p, s, options) : s->source.topic;
}

static enum status topic_partitions(struct log *log, const char *topic, int32_t *n, struct diag *d)
{
    struct topic_spec spec;
    enum status st = topic_describe(log, topic, &spec, d);
    if (st == STATUS_NOT_FOUND)
        return diag_set(d, st, "The topic %s does not exist", topic);
    *n = spec.n_partitions;
    return st;
}

int32_t cached_partitions(struct log *log, struct map *cache, const char *topic)
{
    struct topic_spec spec;
    intptr_t n = (intptr_t)map_get(cache, str_from(topic));
    if (n)
        return (int32_t)n;
    if (topic_describe(log, topic, &spec, NULL) != STATUS_OK)
        return 1;
    n = spec.n_partitions;
    return map_put(cache, str_from(topic), (void *)n) ? (int32_t)n : spec.n_partitions;
}

enum status stage_partitions(struct log *log, const struct plan *p, uint32_t stage, const struct exec_options *options,
                             int32_t *n, struct diag *d)
{
    enum status st = STATUS_OK;
    struct arena a;
    arena_init(&a, 0);
    *n = 0;
    for (uint32_t i = 0; i < p->stages[stage].n_sources; i++) {
        const char *topic = source_topic(&a, p, p->stages[stage].sources[i], options);
        int32_t have;
        if (source_closes_circle(&p->stages[stage], i))
            continue;
        if (!topic) {
            st = diag_nomem(d);
            goto done;
        }
        TRY(topic_partitions(log, topic, &have, d));
        *n = have > *n ? have : *n;
    }
done:
    arena_free(&a);
    return st;
}

/* ---- queries ---------------------------------------------------------------------------------------------------- */

enum status query_init(struct query *q, struct log *log, const struct plan *p, const struct query_settings *settings,
                       const struct exec_options *options, struct diag *d)
{
    *q = (struct query){.plan = p, .id = p->query_id, .options = *options, .from_latest = settings->from_latest};
    q->options.commit_interval_ms = settings->commit_interval_ms;
    q->options.cache_bytes = settings->cache_bytes;
    atomic_store(&q->paused, settings->paused);
    q->tasks_left = mem_calloc(p->n_stages, sizeof *q->tasks_left);
    q->n_partitions = mem_calloc(p->n_stages, sizeof *q->n_partitions);
    enum status st = q->tasks_left && q->n_partitions ? STATUS_OK : diag_nomem(d);
    for (uint32_t i = 0; i < p->n_stages && st == STATUS_OK; i++) {
        st = stage_partitions(log, p, i, options, &q->n_partitions[i], d);
        if (st == STATUS_OK && p->stages[i].n_sources > MAX_SOURCES)
            st = diag_set(d, STATUS_UNSUPPORTED, "not supported yet: a task with more than %d sources", MAX_SOURCES);
    }
    size_t n_ends = 0;
    for (uint32_t i = 0; i < p->n_stages && st == STATUS_OK; i++)
        n_ends += (size_t)q->n_partitions[i] * p->stages[i].n_sources;
    q->others_ends = mem_alloc(n_ends * sizeof *q->others_ends + 1);
    if (st == STATUS_OK && !q->others_ends)
        st = diag_nomem(d);
    for (size_t i = 0; i < n_ends && st == STATUS_OK; i++)
        q->others_ends[i] = -1;
    if (st != STATUS_OK)
        query_clear(q);
    return st;
}

void query_clear(struct query *q)
{
    mem_free(q->tasks_left);
    mem_free(q->n_partitions);
    mem_free(q->others_ends);
    q->others_ends = NULL;
    q->tasks_left = NULL;
    q->n_partitions = NULL;
}

const char *task_key(struct arena *a, const struct query *q, uint32_t stage, int32_t partition)
{
    return arena_printf(a, "%s/%u/%d", q->id, stage, (int)partition);
}

static uint32_t query_tasks(const struct query *q)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < q->plan->n_stages; i++)
        n += (uint32_t)q->n_partitions[i];
    return n;
}

/* ---- building ------------------------------------------------------------------------------------------------------ */

/* Replays one changelog partition behind the task's snapshot, up to the end of what a predecessor may have left open. */
static enum status restore_changelog(struct log *log, struct work *w, const char *topic, struct diag *d)
{
    enum status st = STATUS_OK;
    struct log_reader *reader = NULL;
    struct record_batch *b = NULL;
    int64_t at, end, uncommitted;
    TRY(topic_offsets(log, topic, w->partition, &at, &end, &uncommitted, d));
    if (task_snapshot_offset(w->task, topic) > at)
        at = task_snapshot_offset(w->task, topic);
    if (at >= uncommitted)
        return STATUS_OK;
    TRY(reader_open(log, &reader, d));
    TRY(reader_assign(reader, topic, w->partition, at, d));
    while (at < uncommitted) {
        TRY(reader_poll(reader, RESTORE_WAIT_MS, BATCH_ROWS, &b, d));
        if (!b)
            continue;
        if (b->n)
            TRY(task_restore(w->task, topic, b, d));
        at = b->next_offset;
        record_batch_drop(b);
        b = NULL;
    }
done:
    if (b)
        record_batch_drop(b);
    if (reader)
        reader_close(reader);
    return st;
}

/* Where a source that has no recorded position begins. */
static enum status first_position(struct log *log, struct work_source *source, struct diag *d)
{
    int64_t begin, end;
    struct work *w = source->work;
    const struct query *q = w->share->query;
    enum status st = topic_offsets(log, source->topic, w->partition, &begin, &end, NULL, d);
    if (st != STATUS_OK)
        return st;
    bool latest = q->from_latest && q->plan->stages[w->stage].sources[source->number]->kind == STEP_STREAM_SOURCE;
    source->position = latest ? end : begin;
    w->dirty |= latest; /* the start is recorded with the first commit */
    return STATUS_OK;
}

static enum status place_sources(struct log *log, struct work *w, const struct position *position, struct diag *d)
{
    enum status st = STATUS_OK;
    const struct plan *plan = w->share->query->plan;
    const struct stage *stage = &plan->stages[w->stage];
    w->sources = ARENA_ARRAY(&w->arena, struct work_source, stage->n_sources);
    if (!w->sources)
        return diag_nomem(d);
    for (uint32_t i = 0; i < stage->n_sources; i++) {
        struct work_source *source = &w->sources[i];
        int32_t n;
        *source = (struct work_source){.work = w, .number = i, .drain_end = -1};
        source->topic = source_topic(&w->arena, plan, stage->sources[i], &w->share->query->options);
        if (!source->topic)
            return diag_nomem(d);
        TRY(topic_partitions(log, source->topic, &n, d));
        source->is_missing = w->partition >= n;
        if (source->is_missing)
            source->drain_end = 0;
        else if (position && i < position->n)
            source->position = position->offsets[i];
        else
            TRY(first_position(log, source, d));
        source->fetched = source->position;
    }
done:
    return st;
}

static void work_destroy(struct work *w)
{
    struct query *q = w->share->query;
    for (uint32_t i = 0; w->sources && i < q->plan->stages[w->stage].n_sources; i++) {
        feeds_unsubscribe(w->share->feeds, &w->sources[i]);
        merge_clear(&w->sources[i]);
    }
    work_moved(w);
    if (!w->drained)
        atomic_fetch_sub(&q->tasks_left[w->stage], 1);
    atomic_fetch_sub(&q->memory, w->last_memory);
    if (w->task)
        task_destroy(w->task);
    arena_free(&w->arena);
    mem_free(w);
}

static enum status build_work(struct log *log, struct work *w, struct positions *positions,
                              const struct task_output *out, struct diag *d)
{
    enum status st = STATUS_OK;
    const struct query *q = w->share->query;
    struct position position = {.stream_time = INT64_MIN};
    w->name = task_key(&w->arena, q, w->stage, w->partition);
    if (!w->name)
        return diag_nomem(d);
    bool known = positions && positions_get(positions, str_from(w->name), &w->arena, &position);
    TRY(task_create(q->plan, w->stage, w->partition, &q->options, out, &w->task, d));
    if (positions) {
        const char **changelogs;
        size_t n;
        TRY(task_use_snapshot(w->task, log, q->options.memory_budget / query_tasks(q), d));
        TRY(stage_changelogs(q->plan, w->stage, &q->options, &w->arena, &changelogs, &n, d));
        for (size_t i = 0; i < n; i++)
            TRY(restore_changelog(log, w, changelogs[i], d));
    }
    if (known)
        task_set_stream_time(w->task, position.stream_time);
    TRY(place_sources(log, w, known ? &position : NULL, d));
done:
    return st;
}

static enum status subscribe(struct work *w, struct diag *d)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < w->share->query->plan->stages[w->stage].n_sources; i++)
        if (!w->sources[i].is_missing && !w->sources[i].feed)
            TRY(feeds_subscribe(w->share->feeds, &w->sources[i], d));
done:
    return st;
}

static enum status add_work(struct share *s, uint32_t stage, int32_t partition, struct log *log,
                            struct positions *positions, const struct task_output *out, struct diag *d)
{
    struct work *w = mem_calloc(1, sizeof *w);
    if (!w)
        return diag_nomem(d);
    *w = (struct work){.share = s, .stage = stage, .partition = partition, .next = s->works};
    w->merges = stage_merges(&s->query->plan->stages[stage]);
    w->slack = stage_slack(&s->query->plan->stages[stage]);
    w->in_circle = stage_in_circle(&s->query->plan->stages[stage]);
    w->quiet_at = -1;
    arena_init(&w->arena, 0);
    s->works = w;
    atomic_fetch_add(&s->query->tasks_left[stage], 1);
    work_moved(w);
    enum status st = build_work(log, w, positions, out, d);
    return st == STATUS_OK && !s->paused ? subscribe(w, d) : st;
}

static bool has_work(const struct share *s, uint32_t stage, int32_t partition)
{
    const struct work *w = s->works;
    while (w && (w->stage != stage || w->partition != partition))
        w = w->next;
    return w != NULL;
}

struct share *share_create(struct query *query, struct feeds *feeds)
{
    struct share *s = mem_calloc(1, sizeof *s);
    if (s)
        *s = (struct share){.query = query, .feeds = feeds};
    return s;
}

enum status share_build(struct share *s, const bool slots[N_SLOTS], struct log *log, struct positions *positions,
                        const struct task_output *out, struct diag *d)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < s->query->plan->n_stages; i++)
        for (int32_t p = 0; p < s->query->n_partitions[i]; p++)
            if (slots[slot_of(p)] && !has_work(s, i, p))
                TRY(add_work(s, i, p, log, positions, out, d));
    if (!s->settled)
        atomic_fetch_add(&s->query->n_settled, 1);
    s->settled = true;
done:
    if (st != STATUS_OK)
        share_drop(s, NULL);
    return st;
}

void share_drop(struct share *s, const bool *slots)
{
    for (struct work **at = &s->works; *at;) {
        struct work *w = *at;
        if (slots && slots[slot_of(w->partition)]) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        work_destroy(w);
    }
    if (s->settled)
        atomic_fetch_sub(&s->query->n_settled, 1);
    s->settled = false;
}

void share_destroy(struct share *s)
{
    if (!s)
        return;
    share_drop(s, NULL);
    mem_free(s);
}

enum status share_pause(struct share *s, bool paused, struct diag *d)
{
    enum status st = STATUS_OK;
    if (s->paused == paused)
        return STATUS_OK;
    s->paused = paused;
    for (struct work *w = s->works; w; w = w->next)
        if (!paused)
            TRY(subscribe(w, d));
        else
            for (uint32_t i = 0; i < s->query->plan->stages[w->stage].n_sources; i++)
                feeds_unsubscribe(s->feeds, &w->sources[i]);
done:
    return st;
}

/* ---- taking records in -------------------------------------------------------------------------------------------- */

/* Part of a batch, as a batch of its own. */
struct slice {
    struct record_batch head;
    struct record_batch *whole;
};

static void slice_destroy(struct record_batch *b)
{
    record_batch_drop(((struct slice *)b)->whole);
    mem_free(b);
}

struct record_batch *slice(struct record_batch *b, uint32_t from, uint32_t to, int64_t next_offset)
{
    if (from == 0 && to == b->n && b->next_offset <= next_offset)
        return record_batch_keep(b);
    struct slice *part = mem_alloc(sizeof *part);
    if (!part)
        return NULL;
    *part = (struct slice){.head = *b, .whole = record_batch_keep(b)};
    part->head.refs = 1;
    part->head.destroy = slice_destroy;
    part->head.records += from;
    part->head.n = to - from;
    part->head.next_offset = to < b->n ? b->records[to].offset : b->next_offset;
    if (part->head.next_offset > next_offset)
        part->head.next_offset = next_offset;
    return &part->head;
}

enum status source_take(struct work_source *s, struct record_batch *b, struct diag *d)
{
    enum status st = STATUS_OK;
    int64_t end = s->drain_end < 0 ? INT64_MAX : s->drain_end; /* what lies behind is left for the next run */
    uint32_t from = 0, to = b->n;
    if (b->next_offset <= s->fetched || s->fetched >= end)
        return STATUS_OK;
    while (from < to && b->records[from].offset < s->fetched)
        from++;
    while (to > from && b->records[to - 1].offset >= end)
        to--;
    struct record_batch *part = slice(b, from, to, end);
    if (!part)
        return diag_nomem(d);
    if (s->work->merges) {
        TRY(merge_put(s, part, d));
        s->fetched = part->next_offset;
        goto done;
    }
    if (part->n)
        TRY(task_push(s->work->task, s->number, part, d));
    s->position = s->fetched = part->next_offset;
    s->work->dirty = true;
    work_moved(s->work);
done:
    record_batch_drop(part);
    return st;
}

void work_committed(struct work *w)
{
    if (w->dirty)
        work_moved(w);
    w->dirty = false;
}

void share_count(struct share *s)
{
    struct query *q = s->query;
    for (struct work *w = s->works; w; w = w->next) {
        int64_t in, out, errors, memory = (int64_t)task_memory(w->task);
        task_counts(w->task, &in, &out, &errors);
        atomic_fetch_add(&q->in, in - w->last_in);
        atomic_fetch_add(&q->out, out - w->last_out);
        atomic_fetch_add(&q->errors, errors - w->last_errors);
        atomic_fetch_add(&q->memory, memory - w->last_memory);
        w->last_in = in;
        w->last_out = out;
        w->last_errors = errors;
        w->last_memory = memory;
    }
}
