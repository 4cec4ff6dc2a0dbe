/* The tasks of one query on one worker: building them from positions and changelogs, reading for them, and finding out
 * whether they have read everything. */
#include "exec/executor_int.h"

enum { RESTORE_WAIT_MS = 100 };

const char *source_topic(struct arena *a, const struct plan *p, const struct step *s, const struct exec_options *options)
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
static enum status first_position(struct log *log, const struct query *q, const struct step *s, struct work *w,
                                  struct work_source *source, struct diag *d)
{
    int64_t begin, end;
    enum status st = topic_offsets(log, source->topic, w->partition, &begin, &end, NULL, d);
    if (st != STATUS_OK)
        return st;
    bool latest = q->from_latest && s->kind == STEP_STREAM_SOURCE;
    source->position = latest ? end : begin;
    w->dirty |= latest; /* the start is recorded with the first commit */
    return STATUS_OK;
}

static enum status assign_sources(struct log *log, struct share *s, struct work *w, const struct exec_options *options,
                                  const struct position *position, struct diag *d)
{
    enum status st = STATUS_OK;
    const struct stage *stage = &s->query->plan->stages[w->stage];
    w->sources = ARENA_ARRAY(&s->arena, struct work_source, stage->n_sources);
    if (!w->sources)
        return diag_nomem(d);
    for (uint32_t i = 0; i < stage->n_sources; i++) {
        struct work_source *source = &w->sources[i];
        int32_t n;
        source->topic = source_topic(&s->arena, s->query->plan, stage->sources[i], options);
        source->drain_end = -1;
        if (!source->topic)
            return diag_nomem(d);
        TRY(topic_partitions(log, source->topic, &n, d));
        if (w->partition >= n) {
            source->drain_end = 0;
            continue;
        }
        if (position && i < position->n)
            source->position = position->offsets[i];
        else
            TRY(first_position(log, s->query, stage->sources[i], w, source, d));
        TRY(reader_assign(s->reader, source->topic, w->partition, source->position, d));
    }
done:
    return st;
}

static enum status build_work(struct log *log, struct share *s, struct work *w, const struct exec_options *options,
                              struct positions *positions, const struct task_output *out, struct diag *d)
{
    enum status st = STATUS_OK;
    struct position position = {.stream_time = INT64_MIN};
    w->name = arena_printf(&s->arena, "%s/%u/%d", s->query->id, w->stage, (int)w->partition);
    if (!w->name)
        return diag_nomem(d);
    bool known = positions && positions_get(positions, str_from(w->name), &s->arena, &position);
    TRY(task_create(s->query->plan, w->stage, w->partition, options, out, &w->task, d));
    if (positions) {
        const char **changelogs;
        size_t n;
        TRY(task_use_snapshot(w->task, log, options->memory_budget / s->cap_works, d));
        TRY(stage_changelogs(s->query->plan, w->stage, options, &s->arena, &changelogs, &n, d));
        for (size_t i = 0; i < n; i++)
            TRY(restore_changelog(log, w, changelogs[i], d));
    }
    if (known)
        task_set_stream_time(w->task, position.stream_time);
    TRY(assign_sources(log, s, w, options, known ? &position : NULL, d));
done:
    return st;
}

enum status share_create(struct log *log, struct query *query, const struct exec_options *options,
                         struct positions *positions, const struct task_output *out, uint32_t index, uint32_t n_workers,
                         struct share **share, struct diag *d)
{
    enum status st = STATUS_OK;
    struct share *s = mem_calloc(1, sizeof *s);
    if (!s)
        return diag_nomem(d);
    arena_init(&s->arena, 0);
    s->query = query;
    s->drain = options->drain;
    uint32_t cap = 0;
    for (uint32_t i = 0; i < query->plan->n_stages; i++) {
        int32_t n;
        TRY(stage_partitions(log, query->plan, i, options, &n, d));
        cap += (uint32_t)n;
    }
    s->cap_works = cap;
    s->works = ARENA_ARRAY(&s->arena, struct work, cap);
    if (!s->works) {
        st = diag_nomem(d);
        goto done;
    }
    TRY(reader_open(log, &s->reader, d));
    for (uint32_t i = 0; i < query->plan->n_stages; i++) {
        int32_t n;
        TRY(stage_partitions(log, query->plan, i, options, &n, d));
        for (int32_t p = 0; p < n; p++) {
            if ((uint32_t)p % n_workers != index)
                continue;
            struct work *w = &s->works[s->n_works++];
            w->stage = i;
            w->partition = p;
            TRY(build_work(log, s, w, options, positions, out, d));
        }
    }
    *share = s;
    s = NULL;
done:
    share_destroy(s);
    return st;
}

void share_destroy(struct share *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->n_works; i++)
        if (s->works[i].task)
            task_destroy(s->works[i].task);
    if (s->reader)
        reader_close(s->reader);
    arena_free(&s->arena);
    mem_free(s);
}

static struct work *find_work(struct share *s, const struct record_batch *b, uint32_t *source)
{
    for (uint32_t i = 0; i < s->n_works; i++) {
        struct work *w = &s->works[i];
        if (w->partition != b->partition)
            continue;
        for (uint32_t k = 0; k < s->query->plan->stages[w->stage].n_sources; k++)
            if (strcmp(w->sources[k].topic, b->topic) == 0) {
                *source = k;
                return w;
            }
    }
    return NULL;
}

/* The part of a batch below a source's end, as a batch of its own. */
struct cut_batch {
    struct record_batch head;
    struct record_batch *whole;
};

static void cut_destroy(struct record_batch *b)
{
    record_batch_drop(((struct cut_batch *)b)->whole);
    mem_free(b);
}

/* What lies behind the end of a draining source is left for the next run. Takes *b over when it is cut. */
static enum status cut_at_end(struct record_batch **b, const struct work_source *source, struct diag *d)
{
    struct record_batch *whole = *b;
    if (source->drain_end < 0 || whole->next_offset <= source->drain_end)
        return STATUS_OK;
    struct cut_batch *cut = mem_alloc(sizeof *cut);
    if (!cut)
        return diag_nomem(d);
    *cut = (struct cut_batch){.head = *whole, .whole = whole};
    cut->head.refs = 1;
    cut->head.destroy = cut_destroy;
    cut->head.next_offset = source->drain_end;
    while (cut->head.n && cut->head.records[cut->head.n - 1].offset >= source->drain_end)
        cut->head.n--;
    *b = &cut->head;
    return STATUS_OK;
}

enum status share_step(struct share *s, const struct exec_options *options, int timeout_ms, bool *busy, struct diag *d)
{
    enum status st = STATUS_OK;
    struct record_batch *b = NULL;
    uint32_t source;
    *busy = false;
    TRY(reader_poll(s->reader, timeout_ms, options->batch_rows ? options->batch_rows : BATCH_ROWS, &b, d));
    if (!b)
        return STATUS_OK;
    struct work *w = find_work(s, b, &source);
    if (w)
        TRY(cut_at_end(&b, &w->sources[source], d));
    if (w && b->next_offset > w->sources[source].position) {
        if (b->n)
            TRY(task_push(w->task, source, b, d));
        w->sources[source].position = b->next_offset;
        w->dirty = true;
        *busy = true;
    }
done:
    if (b)
        record_batch_drop(b);
    return st;
}

static bool source_drained(struct share *s, struct work *w, struct work_source *source, struct log *log,
                           bool (*written)(void *data, const char *topic, const struct query *reader), void *data)
{
    int64_t begin, end, uncommitted;
    const struct stage *stage = &s->query->plan->stages[w->stage];
    if (source->drain_end >= 0)
        return source->position >= source->drain_end;
    if (stage->sources[source - w->sources]->kind == STEP_REPARTITION_SOURCE) {
        for (uint32_t i = 0; i < w->stage; i++)
            if (atomic_load(&s->query->tasks_left[i]) > 0)
                return false;
    } else if (written(data, source->topic, s->query)) {
        return false;
    }
    /* A drain covers what has been written by now: on Kafka a commit that has returned may take a moment to show. */
    if (topic_offsets(log, source->topic, w->partition, &begin, &end, &uncommitted, NULL) == STATUS_OK)
        source->drain_end = s->drain ? uncommitted : end;
    return source->drain_end >= 0 && source->position >= source->drain_end;
}

bool share_drained(struct share *s, struct log *log, bool (*written)(void *data, const char *topic, const struct query *reader),
                   void *data)
{
    bool all = true;
    for (uint32_t i = 0; i < s->n_works; i++) {
        struct work *w = &s->works[i];
        bool drained = !w->dirty;
        for (uint32_t k = 0; !w->drained && drained && k < s->query->plan->stages[w->stage].n_sources; k++)
            drained = source_drained(s, w, &w->sources[k], log, written, data);
        if (drained && !w->drained) {
            w->drained = true;
            atomic_fetch_sub(&s->query->tasks_left[w->stage], 1);
        }
        all &= w->drained;
    }
    return all;
}

void share_count(struct share *s)
{
    size_t memory = 0;
    for (uint32_t i = 0; i < s->n_works; i++) {
        struct work *w = &s->works[i];
        int64_t in, out, errors;
        task_counts(w->task, &in, &out, &errors);
        if (w->stage == 0)
            atomic_fetch_add(&s->query->in, in - w->last_in);
        if (w->stage + 1 == s->query->plan->n_stages)
            atomic_fetch_add(&s->query->out, out - w->last_out);
        atomic_fetch_add(&s->query->errors, errors - w->last_errors);
        w->last_in = in;
        w->last_out = out;
        w->last_errors = errors;
        memory += task_memory(w->task);
    }
    atomic_store(&s->query->memory, (long long)memory);
}
