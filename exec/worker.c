/* A worker: one thread, one reader, one writer, and its share of every query. It reads, pushes, and commits everything together.
 *
 * When a commit fails, what was done since the last one is thrown away: all tasks are built anew from positions and
 * changelogs. That is also how a query starts, and how a slot comes, so there is one way into every state. */
#include "exec/executor_int.h"

#include <stdio.h>

enum { IDLE_WAIT_MS = 100, DRAIN_WAIT_MS = 5, RETRY_MIN_MS = 50, RETRY_MAX_MS = 2000, CALM_MS = 1000 };

void worker_wake(struct worker *w)
{
    atomic_store(&w->wake, 1);
    feeds_wake(&w->feeds);
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

/* ---- shares ----------------------------------------------------------------------------------------------------- */

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

bool pending_reserve(struct worker *w)
{
    if (w->cap_pending > w->n_pending)
        return true;
    uint32_t cap = w->n_pending + 16;
    struct query **pending = mem_realloc(w->pending, cap * sizeof *pending);
    if (!pending)
        return false;
    w->pending = pending;
    w->cap_pending = cap;
    return true;
}

static struct query *take_pending(struct worker *w)
{
    pthread_mutex_lock(&w->executor->mutex);
    struct query *q = w->n_pending ? w->pending[--w->n_pending] : NULL;
    pthread_mutex_unlock(&w->executor->mutex);
    return q;
}

static void take_up_pending(struct worker *w)
{
    for (struct query *q; (q = take_pending(w));) {
        struct share *s = share_create(q, &w->feeds);
        if (s) {
            s->next = w->shares;
            w->shares = s;
            continue;
        }
        struct diag d = DIAG_INIT;
        diag_nomem(&d);
        query_fail(w->executor, q, &d);
        leave_query(w->executor, q);
    }
}

/* ---- which tasks ---------------------------------------------------------------------------------------------------- */

static bool slots_have_changed(const struct worker *w)
{
    return w->slots_seen != atomic_load(&w->executor->slots_version);
}

/* Takes note of the slots as they are now and drops the tasks of those that went, which the others wait for. */
static void see_slots(struct worker *w)
{
    struct executor *x = w->executor;
    pthread_mutex_lock(&x->mutex);
    int version = atomic_load(&x->slots_version);
    for (int i = 0; i < N_SLOTS; i++)
        w->slots[i] = x->slot_worker[i] == (int8_t)w->index;
    pthread_mutex_unlock(&x->mutex);
    for (struct share *s = w->shares; s; s = s->next)
        share_drop(s, w->slots);
    pthread_mutex_lock(&x->mutex);
    w->slots_seen = version;
    pthread_cond_broadcast(&x->changed);
    pthread_mutex_unlock(&x->mutex);
}

/* What passes when one waits for it. */
static bool is_passing(const struct worker *w, enum status st)
{
    return st == STATUS_IO || st == STATUS_TIMEOUT || st == STATUS_ABORTED ||
           (st == STATUS_FULL && !w->executor->options.drain);
}

static bool is_ended(const struct worker *w, const struct query *q)
{
    return atomic_load(&q->state) == QUERY_FAILED || atomic_load(&q->stop) || atomic_load(&w->executor->closing);
}

static bool wants_tasks(const struct worker *w, const struct share *s)
{
    return !s->settled && w->slots_seen > 0 && !is_ended(w, s->query);
}

/* Builds the tasks that are missing. A query that cannot have them has failed, the others go on. */
static enum status build_tasks(struct worker *w, struct diag *d)
{
    struct executor *x = w->executor;
    const struct task_output out = worker_output(w);
    bool is_fresh = false;
    for (struct share *s = w->shares; s; s = s->next) {
        if (!wants_tasks(w, s))
            continue;
        enum status st = is_fresh ? STATUS_OK : positions_refresh(x->positions, d);
        is_fresh = true;
        if (st == STATUS_OK)
            st = share_build(s, w->slots, x->log, x->positions, &out, d);
        if (st == STATUS_OK)
            continue;
        if (is_passing(w, st))
            return st;
        query_fail(x, s->query, d);
        diag_clear(d);
    }
    return STATUS_OK;
}

/* Gives up what is open and begins again from the last commit, for as long as it takes. */
static void recover(struct worker *w, enum status why, struct diag *d)
{
    executor_note_trouble(w->executor, &w->in_trouble, d);
    for (struct share *s = w->shares; s; s = s->next)
        share_drop(s, NULL);
    do {
        struct diag again = DIAG_INIT;
        if (w->writer && w->in_transaction)
            writer_abort(w->writer);
        w->in_transaction = false;
        see_slots(w);
        if (why != STATUS_RUNTIME && w->writer) {
            writer_close(w->writer);
            w->writer = NULL;
        }
        if (why != STATUS_RUNTIME && why != STATUS_ABORTED) {
            w->retry_ms = w->retry_ms ? w->retry_ms * 2 : RETRY_MIN_MS;
            if (w->retry_ms > RETRY_MAX_MS)
                w->retry_ms = RETRY_MAX_MS;
            clock_sleep_ms(w->retry_ms);
        }
        why = w->writer ? STATUS_OK : worker_open_writer(w, &again);
        if (why == STATUS_OK)
            why = build_tasks(w, &again);
        if (why != STATUS_OK)
            executor_note_trouble(w->executor, &w->in_trouble, &again);
    } while (why != STATUS_OK && !atomic_load(&w->executor->closing));
    w->recovered_ns = clock_mono_ns();
}

/* What failed may not have been tried again yet (a record that cannot be decoded without the schema registry), so that only time can
 * tell. */
static void settle(struct worker *w)
{
    if (!w->in_trouble || clock_mono_ns() - w->recovered_ns < CALM_MS * INT64_C(1000000))
        return;
    w->retry_ms = 0;
    executor_trouble_over(w->executor, &w->in_trouble);
}

/* ---- the loop ------------------------------------------------------------------------------------------------------- */

static bool is_dirty(const struct worker *w)
{
    for (struct share *s = w->shares; s; s = s->next)
        for (const struct work *k = s->works; k; k = k->next)
            if (k->dirty)
                return true;
    return false;
}

static int64_t commit_due_ms(const struct worker *w)
{
    int64_t interval = w->shares ? INT64_MAX : 0;
    for (const struct share *s = w->shares; s; s = s->next)
        if (s->query->options.commit_interval_ms < interval)
            interval = s->query->options.commit_interval_ms;
    return interval - (clock_mono_ns() - w->last_commit_ns) / 1000000;
}

/* How long reading may wait when nothing comes: whatever else may happen wakes the reader. */
static int idle_wait_ms(struct worker *w)
{
    int wait = w->executor->options.drain ? DRAIN_WAIT_MS : IDLE_WAIT_MS;
    if (atomic_exchange(&w->wake, 0))
        return 0;
    if (!w->in_transaction && !is_dirty(w))
        return wait;
    int64_t due = commit_due_ms(w);
    return due < 0 ? 0 : due < wait ? (int)due : wait;
}

static enum status pause_shares(struct worker *w, struct query **culprit, struct diag *d)
{
    enum status st = STATUS_OK;
    for (struct share *s = w->shares; s; s = s->next) {
        *culprit = s->query;
        TRY(share_pause(s, atomic_load(&s->query->paused), d));
    }
    *culprit = NULL;
done:
    return st;
}

/* Whether the whole query has read everything; asked by one worker, on behalf of all. The others learn of it which stages
 * are done on other servers. */
static bool query_drained(struct worker *w, struct query *q)
{
    struct executor *x = w->executor;
    bool ours[N_SLOTS];
    if (w->index != 0)
        return false;
    pthread_mutex_lock(&x->mutex);
    bool is_settled = slots_are_seen(x) && atomic_load(&q->n_settled) >= (int)x->n_workers;
    for (int i = 0; i < N_SLOTS; i++)
        ours[i] = x->slot_worker[i] >= 0;
    pthread_mutex_unlock(&x->mutex);
    if (!is_settled)
        return false;
    bool drained = others_drained(q, ours, x->log, x->positions);
    for (uint32_t i = 0; i < q->plan->n_stages; i++)
        drained &= atomic_load(&q->tasks_left[i]) == 0;
    return drained;
}

/* Ends the shares of stopped, failed and drained queries; everything of theirs is committed. */
static void end_shares(struct worker *w)
{
    struct executor *x = w->executor;
    for (struct share **at = &w->shares; *at;) {
        struct query *q = (*at)->query;
        if (x->options.drain) {
            share_drained(*at, x->log, x->n_workers, topic_is_written, x);
            if (query_drained(w, q))
                set_state(x, q, QUERY_DRAINED);
        }
        if (atomic_load(&q->state) == QUERY_DRAINED || is_ended(w, q))
            end_share(w, at);
        else
            at = &(*at)->next;
    }
}

static bool wants_to_end(const struct worker *w)
{
    bool end = atomic_load(&w->executor->closing);
    for (struct share *s = w->shares; s; s = s->next)
        end |= is_ended(w, s->query);
    return end;
}

static enum status merge_shares(struct worker *w, struct query **culprit, struct diag *d)
{
    enum status st = STATUS_OK;
    for (struct share *s = w->shares; s; s = s->next) {
        *culprit = s->query;
        TRY(share_merge(s, w->executor->log, d));
    }
    *culprit = NULL;
done:
    return st;
}

static enum status turn(struct worker *w, struct query **culprit, struct diag *d)
{
    enum status st = STATUS_OK;
    bool busy = false;
    take_up_pending(w);
    bool move = slots_have_changed(w), end = wants_to_end(w);
    if (!move && !end) {
        TRY(build_tasks(w, d));
        TRY(pause_shares(w, culprit, d));
        TRY(feeds_step(&w->feeds, &w->executor->options, idle_wait_ms(w), &busy, culprit, d));
        TRY(merge_shares(w, culprit, d));
        if (commit_due_ms(w) > 0 && (busy ? !worker_state_is_large(w) : !w->executor->options.drain))
            return STATUS_OK;
    }
    if (is_dirty(w) || w->in_transaction) {
        TRY(worker_commit(w, culprit, d));
    }
    settle(w);
    if (move)
        see_slots(w);
    if (!busy)
        end_shares(w);
done:
    return st;
}

/* An error that nobody was charged with may come from a topic that is gone. */
static bool blame(struct worker *w, const struct diag *d)
{
    bool found = false;
    for (struct share *s = w->shares; s; s = s->next)
        for (struct work *k = s->works; k; k = k->next)
            for (uint32_t i = 0; i < s->query->plan->stages[k->stage].n_sources; i++) {
                struct topic_spec spec;
                if (topic_describe(w->executor->log, k->sources[i].topic, &spec, NULL) != STATUS_NOT_FOUND)
                    continue;
                query_fail(w->executor, s->query, d);
                found = true;
            }
    return found;
}

/* What an error means for the queries; true: the worker cannot go on. */
static bool judge(struct worker *w, enum status *st, struct query *culprit, const struct diag *d)
{
    if (is_passing(w, *st))
        return false;
    bool is_its_own = *st == STATUS_RUNTIME || *st == STATUS_DATA || *st == STATUS_NOMEM || *st == STATUS_UNSUPPORTED;
    bool fenced = *st == STATUS_FENCED;
    bool is_blamed = *st == STATUS_NOT_FOUND && blame(w, d);
    if (!is_blamed && culprit && (is_its_own || *st == STATUS_NOT_FOUND))
        query_fail(w->executor, culprit, d);
    else if (!is_blamed)
        for (struct share *s = w->shares; s; s = s->next)
            query_fail(w->executor, s->query, d);
    *st = STATUS_RUNTIME;
    return fenced;
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
        if (judge(w, &st, culprit, &d) || atomic_load(&x->closing))
            break; /* when closing, the last commit did not go through: the next start does the work again */
        recover(w, st, &d);
    }
    pthread_mutex_lock(&x->mutex);
    w->ended = true; /* it gets no more queries, and commits nothing any more */
    pthread_cond_broadcast(&x->changed);
    pthread_mutex_unlock(&x->mutex);
    take_up_pending(w);
    while (w->shares)
        end_share(w, &w->shares);
    return NULL;
}

enum status worker_start(struct worker *w, struct diag *d)
{
    enum status st = worker_open_writer(w, d);
    if (st == STATUS_OK)
        st = feeds_open(&w->feeds, w->executor->log, d);
    if (st != STATUS_OK)
        return st;
    if (pthread_create(&w->thread, NULL, run, w) != 0)
        return diag_set(d, STATUS_IO, "cannot start a thread");
    w->started = true;
    return STATUS_OK;
}

void worker_end(struct worker *w)
{
    worker_wake(w);
    if (w->started)
        pthread_join(w->thread, NULL);
    feeds_close(&w->feeds);
    if (w->writer)
        writer_close(w->writer);
    map_free(&w->partitions);
    mem_free(w->pending);
}
