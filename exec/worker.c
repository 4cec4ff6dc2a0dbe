/* A worker: one thread, one writer, and its share of every query. It reads, pushes, and commits everything together.
 *
 * When a commit fails, what was done since the last one is thrown away: all tasks are built anew from positions and
 * changelogs. That is also how it starts, so there is one way into every state. */
#include "exec/executor_int.h"

#include <stdio.h>

enum { IDLE_WAIT_MS = 5, RETRY_MIN_MS = 50, RETRY_MAX_MS = 2000 };
#define TRUNCATE_EVERY_RECORDS INT64_C(100000)

void worker_wake(struct worker *w)
{
    atomic_store(&w->wake, 1);
}

static void set_state(struct executor *x, struct query *q, enum query_state state)
{
    pthread_mutex_lock(&x->mutex);
    if (atomic_load(&q->state) != QUERY_FAILED || state == QUERY_FAILED)
        atomic_store(&q->state, state);
    pthread_cond_broadcast(&x->changed);
    pthread_mutex_unlock(&x->mutex);
}

void query_fail(struct executor *x, struct query *q, const struct diag *d)
{
    pthread_mutex_lock(&x->mutex);
    snprintf(q->message, sizeof q->message, "%.*s", (int)sizeof q->message - 1, d->message);
    pthread_mutex_unlock(&x->mutex);
    set_state(x, q, QUERY_FAILED);
}

static void note_trouble(struct worker *w, const struct diag *d)
{
    pthread_mutex_lock(&w->executor->mutex);
    for (struct share *s = w->shares; s; s = s->next)
        snprintf(s->query->message, sizeof s->query->message, "%.*s", (int)sizeof s->query->message - 1, d->message);
    pthread_mutex_unlock(&w->executor->mutex);
}

/* ---- output --------------------------------------------------------------------------------------------------- */

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

static enum status open_writer(struct worker *w, struct diag *d)
{
    char id[300];
    const struct exec_options *o = &w->executor->options;
    snprintf(id, sizeof id, "weir-%s-%u", o->service_id ? o->service_id : "", w->index);
    return writer_open(w->executor->log, o->exactly_once ? id : NULL, &w->writer, d);
}

/* ---- shares ----------------------------------------------------------------------------------------------------- */

static enum status take_up(struct worker *w, struct query *q, struct diag *d)
{
    struct executor *x = w->executor;
    const struct task_output out = {.append = append, .partitions = partitions, .data = w};
    struct share *s;
    enum status st = positions_refresh(x->positions, d);
    if (st == STATUS_OK)
        st = share_create(x->log, q, &x->options, x->positions, &out, w->index, x->n_workers, &s, d);
    if (st != STATUS_OK)
        return st;
    s->next = w->shares;
    w->shares = s;
    return STATUS_OK;
}

/* This worker has nothing to do with the query any more. Whoever waits for the last one may free it at once. */
static void leave_query(struct executor *x, struct query *q)
{
    pthread_mutex_lock(&x->mutex);
    enum query_state state = (enum query_state)atomic_load(&q->state);
    if (atomic_fetch_sub(&q->n_shares, 1) == 1 && (state == QUERY_RUNNING || state == QUERY_RECOVERING))
        atomic_store(&q->state, QUERY_STOPPED);
    pthread_cond_broadcast(&x->changed);
    pthread_mutex_unlock(&x->mutex);
}

static void end_share(struct worker *w, struct share **at)
{
    struct share *s = *at;
    struct query *q = s->query;
    *at = s->next;
    share_destroy(s);
    leave_query(w->executor, q);
}

bool pending_reserve(struct worker *w, uint32_t more)
{
    if (w->cap_pending - w->n_pending - w->n_owed >= more)
        return true;
    uint32_t cap = w->n_pending + w->n_owed + more + 16;
    struct query **pending = mem_realloc(w->pending, cap * sizeof *pending);
    if (!pending)
        return false;
    w->pending = pending;
    w->cap_pending = cap;
    return true;
}

static void put_back(struct worker *w, struct query *q)
{
    pthread_mutex_lock(&w->executor->mutex);
    w->n_owed--;
    w->pending[w->n_pending++] = q;
    pthread_mutex_unlock(&w->executor->mutex);
}

static struct query *take_pending(struct worker *w)
{
    pthread_mutex_lock(&w->executor->mutex);
    struct query *q = w->n_pending ? w->pending[--w->n_pending] : NULL;
    w->n_owed += q != NULL;
    pthread_mutex_unlock(&w->executor->mutex);
    return q;
}

static void no_longer_owed(struct worker *w)
{
    pthread_mutex_lock(&w->executor->mutex);
    w->n_owed--;
    pthread_mutex_unlock(&w->executor->mutex);
}

static enum status take_up_pending(struct worker *w, struct diag *d)
{
    for (struct query *q; (q = take_pending(w));) {
        enum status st = atomic_load(&q->stop) ? STATUS_CANCELLED : take_up(w, q, d);
        if (st == STATUS_IO || st == STATUS_TIMEOUT) {
            put_back(w, q);
            return st;
        }
        no_longer_owed(w);
        if (st == STATUS_OK)
            continue;
        if (st != STATUS_CANCELLED)
            query_fail(w->executor, q, d);
        leave_query(w->executor, q);
        diag_clear(d);
    }
    return STATUS_OK;
}

/* Builds every share anew. */
static enum status rebuild(struct worker *w, struct diag *d)
{
    uint32_t n = 0;
    for (struct share *s = w->shares; s; s = s->next)
        n++;
    pthread_mutex_lock(&w->executor->mutex);
    bool room = pending_reserve(w, n);
    w->n_owed += room ? n : 0;
    pthread_mutex_unlock(&w->executor->mutex);
    if (!room)
        return diag_nomem(d);
    while (w->shares) {
        struct share *old = w->shares;
        struct query *q = old->query;
        w->shares = old->next;
        for (uint32_t i = 0; i < old->n_works; i++)
            if (old->works[i].drained)
                atomic_fetch_add(&q->tasks_left[old->works[i].stage], 1);
        share_destroy(old);
        if (atomic_load(&q->state) == QUERY_FAILED) {
            no_longer_owed(w);
            leave_query(w->executor, q);
        } else {
            put_back(w, q);
        }
    }
    return take_up_pending(w, d);
}

/* Gives up what is open and begins again from the last commit, for as long as it takes. */
static void recover(struct worker *w, enum status why, struct diag *d)
{
    int wait = RETRY_MIN_MS;
    note_trouble(w, d);
    do {
        struct diag again = DIAG_INIT;
        if (w->writer && w->in_transaction)
            writer_abort(w->writer);
        w->in_transaction = false;
        if (why != STATUS_RUNTIME && w->writer) {
            writer_close(w->writer);
            w->writer = NULL;
        }
        if (why != STATUS_RUNTIME && why != STATUS_ABORTED) {
            clock_sleep_ms(wait);
            wait = wait * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : wait * 2;
        }
        why = w->writer ? STATUS_OK : open_writer(w, &again);
        if (why == STATUS_OK)
            why = rebuild(w, &again);
        if (why != STATUS_OK)
            note_trouble(w, &again);
    } while (why != STATUS_OK && !atomic_load(&w->executor->closing));
}

/* ---- commit ------------------------------------------------------------------------------------------------------- */

static enum status flush_work(struct worker *w, struct share *s, struct work *k, struct diag *d)
{
    enum status st = STATUS_OK;
    int64_t offsets[64];
    struct position position = {.stream_time = task_stream_time(k->task), .offsets = offsets};
    position.n = s->query->plan->stages[k->stage].n_sources;
    if (position.n > 64)
        return diag_set(d, STATUS_UNSUPPORTED, "not supported yet: a stage with more than 64 sources");
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
        for (uint32_t i = 0; i < s->n_works; i++)
            bytes += task_used(s->works[i].task);
    return bytes;
}

/* What waits for the commit cannot be evicted: a worker whose state is large does not wait for long. */
static bool state_is_large(const struct worker *w)
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
        for (uint32_t i = 0; i < s->n_works && st == STATUS_OK; i++) {
            struct task *t = s->works[i].task;
            size_t limit = all ? (size_t)((double)budget * (double)task_used(t) / (double)all) : 0;
            st = task_committed(t, w->executor->log, limit, d);
        }
    return st;
}

static enum status commit(struct worker *w, struct query **culprit, struct diag *d)
{
    enum status st = STATUS_OK;
    for (struct share *s = w->shares; s; s = s->next) {
        *culprit = s->query;
        for (uint32_t i = 0; i < s->n_works; i++)
            if (s->works[i].dirty)
                TRY(flush_work(w, s, &s->works[i], d));
    }
    *culprit = NULL;
    if (w->in_transaction) {
        st = writer_commit(w->writer, d);
        w->in_transaction = false;
        if (st != STATUS_OK)
            return st;
    }
    for (struct share *s = w->shares; s; s = s->next) {
        for (uint32_t i = 0; i < s->n_works; i++)
            s->works[i].dirty = false;
        share_count(s);
    }
    w->last_commit_ns = clock_mono_ns();
    TRY(fold_snapshots(w, d));
done:
    return st;
}

/* Repartition topics are emptied behind what has been committed. That is housekeeping: it may fail. */
static void truncate_repartitions(struct worker *w)
{
    for (struct share *s = w->shares; s; s = s->next)
        for (uint32_t i = 0; i < s->n_works; i++) {
            struct work *k = &s->works[i];
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

/* ---- the loop ------------------------------------------------------------------------------------------------------- */

/* Reads once for every share. The only share may wait; several are looked at in turn. */
static enum status step_all(struct worker *w, bool *busy, struct query **culprit, struct diag *d)
{
    int wait = w->shares && !w->shares->next && !w->in_transaction ? IDLE_WAIT_MS : 0;
    *busy = false;
    for (struct share *s = w->shares; s; s = s->next) {
        bool read = false;
        if (atomic_load(&s->query->paused)) {
            if (wait)
                clock_sleep_ms(wait);
            continue;
        }
        *culprit = s->query;
        enum status st = share_step(s, &w->executor->options, wait, &read, d);
        if (st != STATUS_OK)
            return st;
        *busy |= read;
    }
    *culprit = NULL;
    return STATUS_OK;
}

static bool commit_is_due(const struct worker *w)
{
    return clock_mono_ns() - w->last_commit_ns >= w->executor->options.commit_interval_ms * 1000000;
}

/* Ends the shares of stopped and drained queries; everything of theirs is committed. */
static void end_shares(struct worker *w)
{
    for (struct share **at = &w->shares; *at;) {
        struct query *q = (*at)->query;
        bool drained = w->executor->options.drain &&
                       share_drained(*at, w->executor->log, topic_is_written, w->executor);
        bool all = drained;
        for (uint32_t i = 0; all && i < q->plan->n_stages; i++)
            all = atomic_load(&q->tasks_left[i]) == 0;
        if (all)
            set_state(w->executor, q, QUERY_DRAINED);
        if (all || atomic_load(&q->stop) || atomic_load(&w->executor->closing))
            end_share(w, at);
        else
            at = &(*at)->next;
    }
}

static bool is_dirty(const struct worker *w)
{
    for (struct share *s = w->shares; s; s = s->next)
        for (uint32_t i = 0; i < s->n_works; i++)
            if (s->works[i].dirty)
                return true;
    return false;
}

static bool wants_to_stop(const struct worker *w)
{
    bool stop = atomic_load(&w->executor->closing);
    for (struct share *s = w->shares; s; s = s->next)
        stop |= atomic_load(&s->query->stop);
    return stop;
}

static enum status turn(struct worker *w, struct query **culprit, struct diag *d)
{
    enum status st = STATUS_OK;
    bool busy;
    TRY(take_up_pending(w, d));
    TRY(step_all(w, &busy, culprit, d));
    bool stop = wants_to_stop(w);
    if (stop || commit_is_due(w) || (busy && state_is_large(w)) || (!busy && w->executor->options.drain)) {
        if (is_dirty(w) || w->in_transaction) {
            TRY(commit(w, culprit, d));
            truncate_repartitions(w);
        }
        if (stop || !busy)
            end_shares(w);
    }
    if (!busy && (!w->shares || w->shares->next || w->in_transaction) && !atomic_exchange(&w->wake, 0))
        clock_sleep_ms(1);
done:
    return st;
}

static void *run(void *data)
{
    struct worker *w = data;
    struct executor *x = w->executor;
    w->last_commit_ns = clock_mono_ns();
    while (!atomic_load(&x->closing) || w->shares) {
        struct diag d = DIAG_INIT;
        struct query *culprit = NULL;
        enum status st = turn(w, &culprit, &d);
        if (st == STATUS_OK)
            continue;
        bool fatal = st != STATUS_IO && st != STATUS_TIMEOUT && st != STATUS_ABORTED && st != STATUS_FULL;
        if (culprit && (st == STATUS_RUNTIME || st == STATUS_DATA || st == STATUS_NOMEM || st == STATUS_UNSUPPORTED)) {
            query_fail(x, culprit, &d);
            st = STATUS_RUNTIME;
        } else if (fatal || (x->options.drain && st == STATUS_FULL)) {
            for (struct share *s = w->shares; s; s = s->next)
                query_fail(x, s->query, &d);
            if (st == STATUS_FENCED)
                break;
            st = STATUS_RUNTIME;
        }
        if (atomic_load(&x->closing))
            break; /* the last commit did not go through: the next start does the work again */
        recover(w, st, &d);
    }
    while (w->shares)
        end_share(w, &w->shares);
    return NULL;
}

enum status worker_start(struct worker *w, struct diag *d)
{
    enum status st = open_writer(w, d);
    if (st != STATUS_OK)
        return st;
    if (pthread_create(&w->thread, NULL, run, w) != 0)
        return diag_set(d, STATUS_IO, "cannot start a thread");
    w->started = true;
    return STATUS_OK;
}
