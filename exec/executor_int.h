/* What executor.c, worker.c, work.c and transient.c share.
 *
 * A query on a worker is a `struct share`: a reader of its own, and the `struct work` of each task that fell to this
 * worker. Shares belong to their worker's thread; `struct query` is shared by all workers, under executor.mutex. */
#ifndef WEIR_EXECUTOR_INT_H
#define WEIR_EXECUTOR_INT_H

#include "exec/exec_int.h"
#include "exec/positions.h"

#include <pthread.h>
#include <stdatomic.h>

struct query {
    const struct plan *plan;
    const char *id;
    bool from_latest;
    atomic_int stop;             /* asked to stop */
    atomic_int paused;           /* asked not to read on */
    atomic_int n_shares;         /* workers that still run it */
    atomic_int state;            /* enum query_state */
    atomic_int *tasks_left;      /* a stage: tasks that are not drained */
    atomic_llong in, out, errors, memory;
    char message[512];           /* under executor.mutex */
    struct query *next;
};

struct work_source {
    const char *topic;
    int64_t position;            /* next offset to be read */
    int64_t drain_end;           /* drain: -1: not known yet */
    int64_t truncated;           /* repartition: removed below this */
};

struct work {
    uint32_t stage;
    int32_t partition;
    struct task *task;
    const char *name;            /* "CSAS_X_0/1/3": key of its position */
    bool dirty;                  /* has read something since the last commit */
    bool drained;
    struct work_source *sources; /* one a source of the stage */
    int64_t last_in, last_out, last_errors;
};

struct share {
    struct query *query;
    bool drain;                  /* options.drain */
    struct log_reader *reader;
    uint32_t n_works, cap_works;  /* cap: tasks of the query on all workers */
    struct work *works;
    struct arena arena;
    struct share *next;
};

struct worker {
    struct executor *executor;
    uint32_t index;
    pthread_t thread;
    bool started;
    struct log_writer *writer;
    bool in_transaction;
    int64_t last_commit_ns;
    struct share *shares;
    struct query **pending;      /* under executor.mutex: to be taken up */
    uint32_t n_pending, cap_pending;
    uint32_t n_owed;             /* taken from there, and may come back: room is kept for them */
    atomic_int wake;
    struct map partitions;       /* topic -> its number of partitions, as a pointer */
};

struct executor {
    struct log *log;
    struct exec_options options;
    struct positions *positions;
    struct worker *workers;
    uint32_t n_workers;
    struct query *queries;
    pthread_mutex_t mutex;
    pthread_cond_t changed;      /* a query's state, a share's end */
    atomic_int closing;
};

/* ---- work.c: the tasks of a query on one worker ------------------------------------------------------------------- */

/* The topic that a source step reads. */
const char *source_topic(struct arena *a, const struct plan *p, const struct step *s, const struct exec_options *options);
/* Number of tasks of a stage: the most partitions of its sources. */
enum status stage_partitions(struct log *log, const struct plan *p, uint32_t stage, const struct exec_options *options,
                             int32_t *n, struct diag *d) MUST_CHECK;
/* Builds the tasks of `query` that fall to worker `index` of `n_workers`: state from changelogs, positions from
 * `positions` (NULL: a transient query, nothing is recorded). NULL works: none fell to it. */
enum status share_create(struct log *log, struct query *query, const struct exec_options *options,
                         struct positions *positions, const struct task_output *out, uint32_t index, uint32_t n_workers,
                         struct share **share, struct diag *d) MUST_CHECK;
void share_destroy(struct share *s);
/* Reads once and pushes. *busy: something came. */
enum status share_step(struct share *s, const struct exec_options *options, int timeout_ms, bool *busy,
                       struct diag *d) MUST_CHECK;
/* Marks the tasks that have read everything (after a commit); true: none is left here. `written` tells whether
 * somebody may still write to a topic. */
bool share_drained(struct share *s, struct log *log, bool (*written)(void *data, const char *topic, const struct query *reader),
                   void *data);
/* Adds what the tasks did to the query's counters. */
void share_count(struct share *s);

/* Number of partitions of a topic, kept in `cache`; 1 if it cannot be found out (then the append fails). */
int32_t cached_partitions(struct log *log, struct map *cache, const char *topic);

/* ---- worker.c ------------------------------------------------------------------------------------------------------- */

enum status worker_start(struct worker *w, struct diag *d) MUST_CHECK;
void worker_wake(struct worker *w);
/* Room for `more` pending queries; under the mutex. False: no memory. */
bool pending_reserve(struct worker *w, uint32_t more);
void query_fail(struct executor *x, struct query *q, const struct diag *d);
/* Whether a query that is not drained yet writes to this topic. */
bool topic_is_written(void *executor, const char *topic, const struct query *reader);
/* Creates the repartition and changelog topics of a plan where they are missing. */
enum status create_internal_topics(struct executor *x, const struct plan *p, bool changelogs, struct diag *d) MUST_CHECK;
enum status delete_internal_topics(struct executor *x, const struct plan *p, bool changelogs, struct diag *d) MUST_CHECK;

#endif
