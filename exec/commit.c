/* What a worker writes: its transaction, which begins with the first record and holds the output of all its tasks, and the commit, which
 * adds what they held back, their changelogs and their positions. */
#include "exec/executor_int.h"

#include <stdio.h>

#define TRUNCATE_EVERY_RECORDS INT64_C(100000)

static enum status begin_if_needed(struct worker *w, struct diag *d)
{
    if (w->in_transaction)
        return STATUS_OK;
    enum status st = writer_begin(w->writer, d);
    w->in_transaction = st == STATUS_OK;
    return st;
}

static enum status append(void *data, const char *topic, int32_t partition, const struct record *records, size_t n,
                          struct diag *d)
{
    struct worker *w = data;
    enum status st = begin_if_needed(w, d);
    return st == STATUS_OK ? writer_append(w->writer, topic, partition, records, n, d) : st;
}

static int32_t partitions(void *data, const char *topic)
{
    struct worker *w = data;
    return cached_partitions(w->executor->log, &w->partitions, topic);
}

struct task_output worker_output(struct worker *w)
{
    return (struct task_output){.append = append, .partitions = partitions, .data = w};
}

enum status worker_open_writer(struct worker *w, struct diag *d)
{
    char id[300];
    const struct exec_options *o = &w->executor->options;
    snprintf(id, sizeof id, "weir-%s-%s%s%u", o->service_id ? o->service_id : "", o->server_id ? o->server_id : "",
             o->server_id ? "-" : "", w->index);
    return writer_open(w->executor->log, o->exactly_once ? id : NULL, &w->writer, d);
}

static enum status flush_work(struct worker *w, struct work *k, struct diag *d)
{
    enum status st = STATUS_OK;
    int64_t offsets[MAX_SOURCES];
    struct position position = {.stream_time = task_stream_time(k->task), .offsets = offsets};
    position.n = k->share->query->plan->stages[k->stage].n_sources;
    TRY(task_flush(k->task, d));
    for (uint32_t i = 0; i < position.n; i++)
        offsets[i] = k->sources[i].position;
    TRY(begin_if_needed(w, d));
    TRY(positions_append(w->executor->positions, w->writer, str_from(k->name), &position, d));
done:
    return st;
}

static size_t state_used(const struct worker *w)
{
    size_t bytes = 0;
    for (struct share *s = w->shares; s; s = s->next)
        for (const struct work *k = s->works; k; k = k->next)
            bytes += task_used(k->task);
    return bytes;
}

bool worker_state_is_large(const struct worker *w)
{
    const struct exec_options *o = &w->executor->options;
    size_t budget = o->memory_budget / w->executor->n_workers;
    return budget && o->state_dir && state_used(w) > budget / 2;
}

/* Snapshots follow the commit. Of the worker's part of the memory budget each task gets what it uses of the whole. */
static enum status fold_snapshots(struct worker *w, struct diag *d)
{
    enum status st = STATUS_OK;
    size_t budget = w->executor->options.memory_budget / w->executor->n_workers, all = budget ? state_used(w) : 0;
    for (struct share *s = w->shares; s; s = s->next)
        for (struct work *k = s->works; k && st == STATUS_OK; k = k->next) {
            size_t limit = all ? (size_t)((double)budget * (double)task_used(k->task) / (double)all) : 0;
            st = task_committed(k->task, w->executor->log, limit, d);
        }
    return st;
}

/* What the commit holds counts only while we are a member of the service: then we have been told of every slot that went. A
 * plain writer has no transactions to depend on anything. */
static enum status fence(struct worker *w, struct diag *d)
{
    struct executor *x = w->executor;
    if (!x->options.exactly_once)
        return STATUS_OK;
    enum status st = membership_fence(x->membership, w->writer, d);
    return st == STATUS_FENCED ? STATUS_ABORTED : st;
}

static enum status commit_transaction(struct worker *w, struct diag *d)
{
    if (!w->in_transaction)
        return STATUS_OK;
    enum status st = fence(w, d);
    if (st != STATUS_OK)
        return st;
    w->in_transaction = false;
    return writer_commit(w->writer, d);
}

/* Repartition topics are emptied behind what has been committed. That is housekeeping: it may fail. */
static void truncate_repartitions(struct worker *w)
{
    for (struct share *s = w->shares; s; s = s->next)
        for (struct work *k = s->works; k; k = k->next) {
            const struct stage *stage = &s->query->plan->stages[k->stage];
            for (uint32_t j = 0; j < stage->n_sources; j++) {
                struct work_source *source = &k->sources[j];
                if (stage->sources[j]->kind != STEP_REPARTITION_SOURCE ||
                    source->position - source->truncated < TRUNCATE_EVERY_RECORDS)
                    continue;
                if (topic_truncate(w->executor->log, source->topic, k->partition, source->position, NULL) == STATUS_OK)
                    source->truncated = source->position;
            }
        }
}

enum status worker_commit(struct worker *w, struct query **culprit, struct diag *d)
{
    enum status st = STATUS_OK;
    for (struct share *s = w->shares; s; s = s->next) {
        *culprit = s->query;
        for (struct work *k = s->works; k; k = k->next)
            if (k->dirty)
                TRY(flush_work(w, k, d));
    }
    *culprit = NULL;
    TRY(commit_transaction(w, d));
    for (struct share *s = w->shares; s; s = s->next) {
        for (struct work *k = s->works; k; k = k->next)
            work_committed(k);
        share_count(s);
    }
    w->last_commit_ns = clock_mono_ns();
    TRY(fold_snapshots(w, d));
    truncate_repartitions(w);
done:
    return st;
}
