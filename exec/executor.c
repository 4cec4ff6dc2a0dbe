/* The executor: the workers of one process, and the queries that they run. */
#include "exec/executor_int.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

/* ---- internal topics ------------------------------------------------------------------------------------------- */

static enum status create_topic(struct executor *x, const char *name, int32_t partitions, bool compact, struct diag *d)
{
    const struct topic_spec spec = {
        .name = name, .n_partitions = partitions, .compact = compact, .retention_ms = compact ? 0 : -1};
    return topic_ensure(x->log, &spec, NULL, d);
}

static bool topic_is_there(struct executor *x, const char *name)
{
    struct topic_spec spec;
    return topic_describe(x->log, name, &spec, NULL) == STATUS_OK;
}

/* A repartition topic has as many partitions as there are tasks that write to it; one that closes a circle, as tasks that read it. */
static enum status create_repartitions(struct executor *x, const struct plan *p, uint32_t stage, int32_t n,
                                       struct arena *a, struct diag *d)
{
    const struct stage *s = &p->stages[stage];
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i <= s->n_sources && st == STATUS_OK; i++) {
        bool is_root = i == s->n_sources;
        const struct step *step = is_root ? s->root : s->sources[i];
        if (is_root ? step->kind != STEP_REPARTITION_SINK || step->repartition.to_partition
                    : !source_closes_circle(s, i))
            continue;
        const char *topic = repartition_topic(a, p, step, &x->options);
        st = topic ? create_topic(x, topic, n, false, d) : diag_nomem(d);
    }
    return st;
}

enum status create_internal_topics(struct executor *x, const struct plan *p, bool changelogs, struct diag *d)
{
    enum status st = STATUS_OK;
    struct arena a;
    arena_init(&a, 0);
    for (uint32_t i = 0; i < p->n_stages; i++) { /* in order: a stage's partitions come from the topics before it */
        const char **names;
        int32_t n;
        size_t n_names = 0;
        TRY(stage_partitions(x->log, p, i, &x->options, &n, d));
        TRY(create_repartitions(x, p, i, n, &a, d));
        if (changelogs)
            TRY(stage_changelogs(p, i, &x->options, &a, &names, &n_names, d));
        for (size_t k = 0; k < n_names; k++)
            TRY(create_topic(x, names[k], n, true, d));
    }
done:
    arena_free(&a);
    return st;
}

static enum status delete_topic(struct executor *x, const char *name, struct diag *d)
{
    struct diag own = DIAG_INIT;
    enum status st = topic_is_there(x, name) ? topic_delete(x->log, name, &own) : STATUS_OK;
    if (st == STATUS_OK || st == STATUS_NOT_FOUND) /* another server of the service may do the same */
        return STATUS_OK;
    if (d && d->code == STATUS_OK)
        *d = own;
    return st;
}

enum status delete_internal_topics(struct executor *x, const struct plan *p, bool changelogs, struct diag *d)
{
    enum status st = STATUS_OK;
    struct arena a;
    arena_init(&a, 0);
    for (uint32_t i = 0; i < p->n_stages; i++) {
        const struct stage *stage = &p->stages[i];
        const char **names;
        size_t n_names = 0;
        for (uint32_t k = 0; k < stage->n_sources; k++) { /* each repartition topic is read once */
            if (stage->sources[k]->kind != STEP_REPARTITION_SOURCE)
                continue;
            const char *topic = repartition_topic(&a, p, stage->sources[k], &x->options);
            TRY(topic ? delete_topic(x, topic, d) : diag_nomem(d));
        }
        if (changelogs)
            TRY(stage_changelogs(p, i, &x->options, &a, &names, &n_names, d));
        for (size_t k = 0; k < n_names; k++)
            TRY(delete_topic(x, names[k], d));
    }
done:
    arena_free(&a);
    return st;
}

/* ---- queries ------------------------------------------------------------------------------------------------------ */

static void query_free(struct query *q)
{
    if (q)
        query_clear(q);
    mem_free(q);
}

static struct query *find_query(struct executor *x, const char *id) /* under the mutex */
{
    struct query *q = x->queries;
    while (q && strcmp(q->id, id) != 0)
        q = q->next;
    return q;
}

/* What the outside sees: a query that would run, but for PAUSE, is paused. */
static enum query_state visible_state(const struct query *q)
{
    enum query_state state = (enum query_state)atomic_load(&q->state);
    return (state == QUERY_RUNNING || state == QUERY_RECOVERING) && atomic_load(&q->paused) ? QUERY_PAUSED : state;
}

bool topic_is_written(void *executor, const char *topic, const struct query *reader)
{
    struct executor *x = executor;
    bool written = false;
    pthread_mutex_lock(&x->mutex);
    for (struct query *q = x->queries; q && !written; q = q->next) {
        enum query_state state = visible_state(q);
        const struct step *sink = q->plan->sink;
        bool to_topic = sink->kind == STEP_STREAM_SINK || sink->kind == STEP_TABLE_SINK;
        written = q != reader && to_topic && (state == QUERY_RUNNING || state == QUERY_RECOVERING) &&
                  strcmp(sink->sink.topic, topic) == 0;
    }
    pthread_mutex_unlock(&x->mutex);
    return written;
}

static bool reserve_all(struct executor *x) /* under the mutex */
{
    for (uint32_t i = 0; i < x->n_workers; i++)
        if (!pending_reserve(&x->workers[i]))
            return false;
    return true;
}

/* Makes room for a query: one of the same id that has ended goes. */
static enum status take_place(struct executor *x, const char *id, struct diag *d) /* under the mutex */
{
    struct query **at = &x->queries;
    while (*at && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    struct query *old = *at;
    if (!old)
        return STATUS_OK;
    if (atomic_load(&old->n_shares) > 0)
        return diag_set(d, STATUS_EXISTS, "The query %s is running already", id);
    *at = old->next;
    query_free(old);
    return STATUS_OK;
}

/* Gives the query to all workers. */
static enum status add_query(struct executor *x, struct query *q, struct diag *d) /* under the mutex */
{
    if (!reserve_all(x))
        return diag_nomem(d);
    enum status st = take_place(x, q->id, d);
    if (st != STATUS_OK)
        return st;
    q->next = x->queries;
    x->queries = q;
    for (uint32_t i = 0; i < x->n_workers; i++) {
        struct worker *w = &x->workers[i];
        if (w->ended)
            continue;
        atomic_fetch_add(&q->n_shares, 1);
        w->pending[w->n_pending++] = q;
    }
    if (atomic_load(&q->n_shares) < (int)x->n_workers) {
        snprintf(q->message, sizeof q->message, "Another process has taken over the work of this one");
        atomic_store(&q->state, QUERY_FAILED);
    }
    return STATUS_OK;
}

enum status executor_start(struct executor *x, const struct plan *p, const struct query_settings *settings,
                           struct diag *d)
{
    enum status st = STATUS_OK;
    struct query *q = mem_alloc(sizeof *q);
    if (!q)
        return diag_nomem(d);
    *q = (struct query){.plan = p};
    TRY(create_internal_topics(x, p, true, d));
    TRY(query_init(q, x->log, p, settings, &x->options, d));
    pthread_mutex_lock(&x->mutex);
    st = add_query(x, q, d);
    pthread_mutex_unlock(&x->mutex);
    if (st == STATUS_OK)
        q = NULL;
    for (uint32_t i = 0; i < x->n_workers; i++)
        worker_wake(&x->workers[i]);
done:
    query_free(q);
    return st;
}

/* Forgets the positions of all tasks of a query, in one transaction. */
static enum status forget_positions(struct executor *x, const struct query *q, struct diag *d)
{
    enum status st = STATUS_OK;
    struct log_writer *w = NULL;
    struct arena a;
    arena_init(&a, 0);
    TRY(writer_open(x->log, NULL, &w, d));
    TRY(writer_begin(w, d));
    for (uint32_t i = 0; i < q->plan->n_stages; i++)
        for (int32_t p = 0; p < q->n_partitions[i]; p++) {
            const char *key = task_key(&a, q, i, p);
            if (!key) {
                st = diag_nomem(d);
                goto done;
            }
            TRY(positions_append(x->positions, w, str_from(key), NULL, d));
        }
    TRY(writer_commit(w, d));
done:
    if (w)
        writer_close(w);
    arena_free(&a);
    return st;
}

enum status executor_stop(struct executor *x, const char *query_id, enum query_end end, struct diag *d)
{
    enum status st = STATUS_OK;
    pthread_mutex_lock(&x->mutex);
    struct query *q = find_query(x, query_id);
    if (q) {
        atomic_store(&q->stop, 1);
        for (uint32_t i = 0; i < x->n_workers; i++)
            worker_wake(&x->workers[i]);
        while (atomic_load(&q->n_shares) > 0)
            pthread_cond_wait(&x->changed, &x->mutex);
        struct query **at = &x->queries;
        while (*at != q)
            at = &(*at)->next;
        *at = q->next;
    }
    pthread_mutex_unlock(&x->mutex);
    if (!q)
        return STATUS_OK;
    if (end == QUERY_FORGET) {
        TRY(forget_positions(x, q, d));
        TRY(delete_internal_topics(x, q->plan, true, d));
    }
    if (end != QUERY_KEEP)
        task_forget_snapshots(&x->options, q->plan);
done:
    query_free(q);
    return st;
}

bool executor_is_alone(struct executor *x)
{
    bool all = true;
    pthread_mutex_lock(&x->mutex);
    for (int i = 0; i < N_SLOTS; i++)
        all &= x->slot_worker[i] >= 0;
    pthread_mutex_unlock(&x->mutex);
    return all;
}

bool executor_pause(struct executor *x, const char *query_id, bool paused)
{
    pthread_mutex_lock(&x->mutex);
    struct query *q = find_query(x, query_id);
    if (q)
        atomic_store(&q->paused, paused);
    for (uint32_t i = 0; i < x->n_workers; i++)
        worker_wake(&x->workers[i]);
    pthread_cond_broadcast(&x->changed);
    pthread_mutex_unlock(&x->mutex);
    return q != NULL;
}

void executor_note_trouble(struct executor *x, bool *mine, const struct diag *d)
{
    pthread_mutex_lock(&x->mutex);
    x->n_troubles += !*mine;
    *mine = true;
    snprintf(x->trouble, sizeof x->trouble, "%.*s", (int)sizeof x->trouble - 1, d->message);
    pthread_mutex_unlock(&x->mutex);
}

void executor_trouble_over(struct executor *x, bool *mine)
{
    pthread_mutex_lock(&x->mutex);
    x->n_troubles -= *mine;
    *mine = false;
    pthread_mutex_unlock(&x->mutex);
}

static const char *trouble(const struct executor *x) /* under the mutex */
{
    return x->n_troubles ? x->trouble : "";
}

void executor_trouble(struct executor *x, char *text, size_t size)
{
    pthread_mutex_lock(&x->mutex);
    snprintf(text, size, "%s", trouble(x));
    pthread_mutex_unlock(&x->mutex);
}

bool executor_status(struct executor *x, const char *query_id, struct query_status *out)
{
    pthread_mutex_lock(&x->mutex);
    const struct query *q = find_query(x, query_id);
    if (q) {
        out->state = visible_state(q);
        out->records_in = atomic_load(&q->in);
        out->records_out = atomic_load(&q->out);
        out->errors = atomic_load(&q->errors);
        out->memory = (size_t)atomic_load(&q->memory);
        bool goes_on = out->state == QUERY_RUNNING || out->state == QUERY_RECOVERING;
        snprintf(out->message, sizeof out->message, "%s", goes_on ? trouble(x) : q->message);
    }
    pthread_mutex_unlock(&x->mutex);
    return q != NULL;
}

static bool all_ended(const struct executor *x) /* under the mutex */
{
    for (const struct query *q = x->queries; q; q = q->next) {
        enum query_state state = visible_state(q);
        if (state == QUERY_RUNNING || state == QUERY_RECOVERING)
            return false;
        if (state == QUERY_DRAINED && atomic_load(&q->n_shares) > 0)
            return false;
    }
    return true;
}

bool executor_wait_drained(struct executor *x, int64_t timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + (timeout_ms % 1000) * 1000000;
    until.tv_sec += (time_t)(timeout_ms / 1000 + ns / 1000000000);
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&x->mutex);
    int error = 0;
    while (!all_ended(x) && error != ETIMEDOUT)
        error = timeout_ms < 0 ? pthread_cond_wait(&x->changed, &x->mutex)
                               : pthread_cond_timedwait(&x->changed, &x->mutex, &until);
    bool ended = all_ended(x);
    pthread_mutex_unlock(&x->mutex);
    return ended;
}

/* ---- life ------------------------------------------------------------------------------------------------------------ */

enum status executor_create(struct log *log, const struct exec_options *options, uint32_t n_workers,
                            struct executor **out, struct diag *d)
{
    enum status st = STATUS_OK;
    char topic[256];
    struct executor *x = mem_calloc(1, sizeof *x);
    if (!x)
        return diag_nomem(d);
    x->log = log;
    x->options = *options;
    pthread_mutex_init(&x->mutex, NULL);
    pthread_cond_init(&x->changed, NULL);
    x->workers = mem_calloc(n_workers, sizeof *x->workers);
    if (!x->workers) {
        st = diag_nomem(d);
        goto done;
    }
    x->n_workers = n_workers;
    TRY(slots_join(x, d));
    snprintf(topic, sizeof topic, "_weir-%s-positions", options->service_id ? options->service_id : "");
    for (uint32_t i = 0; i < n_workers; i++) {
        x->workers[i].executor = x;
        x->workers[i].index = i;
        map_init(&x->workers[i].partitions);
        TRY(worker_start(&x->workers[i], d)); /* its writer fences a predecessor: only then are positions final */
    }
    TRY(positions_open(log, topic, &x->positions, d));
    x->options.log_id = positions_log_id(x->positions);
    TRY(slots_serve(x, d));
    *out = x;
    x = NULL;
done:
    if (x) {
        enum status ignored = executor_close(x, NULL);
        (void)ignored; /* the first error is reported */
    }
    return st;
}

enum status executor_close(struct executor *x, struct diag *d)
{
    (void)d;
    atomic_store(&x->closing, 1);
    for (uint32_t i = 0; i < x->n_workers; i++)
        worker_end(&x->workers[i]);
    slots_leave(x);
    positions_close(x->positions);
    while (x->queries) {
        struct query *next = x->queries->next;
        query_free(x->queries);
        x->queries = next;
    }
    mem_free(x->workers);
    pthread_mutex_destroy(&x->mutex);
    pthread_cond_destroy(&x->changed);
    mem_free(x);
    return STATUS_OK;
}
