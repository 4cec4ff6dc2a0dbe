/* Transient queries: run in the caller's thread, with a plain writer for their repartition topics, which go with them. */
#include "exec/executor_int.h"

#include <stdio.h>

enum { WAIT_MS = 5 };

struct transient {
    struct executor *executor;
    const struct transient_run *run;
    const struct task_output *client;
    struct log_writer *writer; /* NULL: the plan has one stage, nothing is written */
    bool in_transaction, stop;
    int64_t left; /* of LIMIT; -1: none */
};

/* Only repartitioned rows are written: the state of a transient query ends with it. */
static enum status append(void *data, const char *topic, int32_t partition, const struct record *records, size_t n,
                          struct diag *d)
{
    enum status st = STATUS_OK;
    struct transient *t = data;
    static const char changelog[] = "-changelog";
    size_t len = strlen(topic), suffix = sizeof changelog - 1;
    if (!t->writer || (len >= suffix && strcmp(topic + len - suffix, changelog) == 0))
        return STATUS_OK;
    if (!t->in_transaction)
        TRY(writer_begin(t->writer, d));
    t->in_transaction = true;
    TRY(writer_append(t->writer, topic, partition, records, n, d));
done:
    return st;
}

static enum status rows(void *data, const struct batch *b, bool *stop, struct diag *d)
{
    struct transient *t = data;
    struct batch some = *b;
    if (t->left >= 0 && some.n_selected > t->left) {
        some.n_selected = (uint32_t)t->left;
        if (!some.selection)
            some.n_rows = some.n_selected; /* equal without a selection */
    }
    enum status st = some.n_selected ? t->client->rows(t->client->data, &some, stop, d) : STATUS_OK;
    t->left -= t->left > 0 ? some.n_selected : 0;
    t->stop |= *stop || t->left == 0;
    *stop = t->stop;
    return st;
}

static enum status flush(struct transient *t, struct share *s, struct diag *d)
{
    enum status st = STATUS_OK;
    for (struct work *w = s->works; w && !t->stop; w = w->next)
        if (w->dirty)
            TRY(task_flush(w->task, d));
    if (t->in_transaction)
        TRY(writer_commit(t->writer, d));
    t->in_transaction = false;
    for (struct work *w = s->works; w; w = w->next)
        work_committed(w);
done:
    return st;
}

/* The ends of sources count as they are now, whoever writes to them. */
static bool nobody_writes(void *executor, const char *topic, const struct query *reader)
{
    (void)executor;
    (void)topic;
    (void)reader;
    return false;
}

/* Whether all sources have been read to their ends; fixes the ends that can be told. */
static bool at_ends(struct transient *t, struct share *s)
{
    if (t->run->until == TRANSIENT_ENDLESS)
        return false;
    for (struct work *w = s->works; w && t->run->until == TRANSIENT_LAST_STATE; w = w->next)
        w->dirty = false; /* what has been read waits in the stores for the end */
    return share_drained(s, t->executor->log, 1, s->query->options.drain ? topic_is_written : nobody_writes,
                         t->executor);
}

static bool is_stopped(struct transient *t)
{
    t->stop |= atomic_load(&t->executor->closing) || (t->run->stopped && t->run->stopped(t->run->data));
    return t->stop;
}

static enum status loop(struct transient *t, struct share *s, struct diag *d)
{
    enum status st = STATUS_OK;
    const struct exec_options *options = &s->query->options;
    bool whole = t->run->until == TRANSIENT_LAST_STATE, ended = at_ends(t, s);
    int64_t last = clock_mono_ns();
    while (!is_stopped(t) && !ended) {
        bool busy;
        struct query *culprit;
        TRY(feeds_step(s->feeds, options, WAIT_MS, &busy, &culprit, d));
        TRY(share_merge(s, t->executor->log, d));
        bool due = clock_mono_ns() - last >= options->commit_interval_ms * 1000000;
        if (busy && !due)
            continue;
        if (!whole)
            TRY(flush(t, s, d));
        last = clock_mono_ns();
        ended = at_ends(t, s);
    }
    for (struct work *w = s->works; whole && w && !t->stop; w = w->next)
        TRY(task_flush(w->task, d));
done:
    return st;
}

enum status executor_run_transient(struct executor *x, const struct plan *p, const struct transient_run *run,
                                   const struct task_output *client, struct diag *d)
{
    enum status st = STATUS_OK;
    struct share *s = NULL;
    struct query q = {0};
    struct feeds feeds = {0};
    struct transient t = {.executor = x, .run = run, .client = client, .left = p->limit};
    const struct task_output out = {.append = append, .rows = rows, .data = &t};
    struct query_settings settings = run->settings;
    bool slots[N_SLOTS];
    memset(slots, true, sizeof slots);
    if (run->until == TRANSIENT_LAST_STATE)
        settings.cache_bytes = SIZE_MAX; /* changes wait for the flush */
    if (t.left == 0)
        return STATUS_OK;
    TRY(create_internal_topics(x, p, false, d));
    TRY(query_init(&q, x->log, p, &settings, &x->options, d));
    atomic_store(&q.others_done, (int)p->n_stages); /* it runs here alone */
    if (p->n_stages > 1)
        TRY(writer_open(x->log, NULL, &t.writer, d));
    TRY(feeds_open(&feeds, x->log, d));
    s = share_create(&q, &feeds);
    if (!s) {
        st = diag_nomem(d);
        goto done;
    }
    TRY(share_build(s, slots, x->log, NULL, &out, d));
    TRY(loop(&t, s, d));
done:
    share_destroy(s);
    feeds_close(&feeds);
    if (t.writer) {
        enum status deleted = delete_internal_topics(x, p, false, NULL);
        (void)deleted; /* they hold nothing that anybody misses */
        writer_close(t.writer);
    }
    query_clear(&q);
    return st;
}
