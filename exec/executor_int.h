/* What executor.c, worker.c, work.c, feed.c, slots.c and transient.c share.
 *
 * A query on a worker is a `struct share`, and each of its tasks there a `struct work`. What they read comes from the worker's
 * feeds. All of these belong to the worker's thread; `struct query` is shared by all workers, under executor.mutex. */
#ifndef WEIR_EXECUTOR_INT_H
#define WEIR_EXECUTOR_INT_H

#include "exec/exec_int.h"
#include "exec/positions.h"

#include <pthread.h>
#include <stdatomic.h>

enum { N_SLOTS = 64, MAX_SOURCES = 64 };

struct query {
    const struct plan *plan;
    const char *id;
    struct exec_options options; /* the executor's, with what the query sets itself */
    bool from_latest;
    atomic_int stop;             /* asked to stop */
    atomic_int paused;           /* asked not to read on */
    atomic_int n_shares;         /* workers that still run it */
    atomic_int n_settled;        /* of them: those that have built the tasks which fall to them */
    atomic_int state;            /* enum query_state */
    int32_t *n_partitions;       /* a stage: its tasks, on all servers */
    atomic_int *tasks_left;      /* a stage: tasks of this process that are not drained */
    atomic_llong moves;          /* drain.c: how often tasks of a circle have read, committed, come or gone */
    atomic_llong quiet;          /* drain.c: such a count << QUIET_BITS | tasks that were found idle at that count */
    atomic_int others_done;      /* drain.c: so many stages, from the first on, are drained on other servers */
    int64_t *others_ends;        /* a task and source of other servers: drain_end; the first worker's */
    atomic_llong in, out, errors, memory;
    char message[512];           /* under executor.mutex */
    struct query *next;
};

struct queue {                   /* record batches that wait; see merge.c */
    struct record_batch **batches;
    uint32_t n, cap;
    uint32_t at;                 /* next record of the first one */
    size_t bytes;
};

/* One source of a task: a place in one partition. */
struct work_source {
    struct work *work;
    uint32_t number;             /* within the stage */
    const char *topic;
    bool is_missing;             /* the topic has fewer partitions than the stage has tasks */
    int64_t fetched;             /* next offset to be read */
    int64_t position;            /* next offset to be pushed into the task: less, if there is a queue */
    struct queue queue;
    int64_t known_end;           /* merge.c: the end of the partition, when it was looked at last; */
    int64_t looked_ns;           /* that is; 0: never */
    int64_t drain_end;           /* drain: -1: not known yet */
    int64_t truncated;           /* repartition: removed below this */
    struct feed *feed;           /* where it comes from; NULL: paused */
    struct work_source *next;    /* of the feed */
};

struct work {
    struct share *share;
    uint32_t stage;
    int32_t partition;
    struct task *task;
    const char *name;            /* "CSAS_X_0/1/3": key of its position */
    bool dirty;                  /* has read something since the last commit */
    bool drained;
    bool in_circle;              /* what it reads may depend on what it writes */
    int64_t quiet_at;            /* drain.c: it was found idle at this count of moves; -1: never */
    bool merges;                 /* its sources have queues */
    int64_t slack;               /* merge.c: how far their records may be out of order, ms */
    struct work_source *sources; /* one a source of the stage */
    int64_t last_in, last_out, last_errors, last_memory;
    struct arena arena;
    struct work *next;
};

struct share {
    struct query *query;
    struct feeds *feeds;
    bool paused;                 /* its sources are not subscribed */
    bool settled;                /* has all the tasks that fall to it */
    struct work *works;
    struct share *next;
};

/* What a thread reads: see feed.c. */
struct lane {
    struct log_reader *reader;   /* NULL: not open */
    struct map feeds;            /* topic and partition -> struct feed, owned */
};
struct feeds {
    struct log *log;
    struct lane live, behind;
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
    struct feeds feeds;
    struct query **pending;      /* under executor.mutex: to be taken up */
    uint32_t n_pending, cap_pending;
    atomic_int wake;
    bool in_trouble;             /* as executor_note_trouble wants it */
    int retry_ms;                /* in trouble: how long to wait before the next try */
    int64_t recovered_ns;        /* when the last try began */
    bool slots[N_SLOTS];         /* those whose tasks fall to it, as of slots_seen */
    int slots_seen;              /* executor.slots_version; written under executor.mutex */
    bool ended;                  /* its thread is over; under executor.mutex */
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
    pthread_cond_t changed;      /* a query's state, a share's end, what a worker has seen of the slots */
    atomic_int closing;
    struct membership *membership;
    pthread_t member_thread;
    bool member_started, member_in_trouble;
    int n_troubles;              /* under the mutex: who is in trouble, workers and the member thread */
    char trouble[512];           /* under the mutex: what one of them has told */
    atomic_int slots_version;    /* counts changes of slot_worker; 0: nothing is known yet */
    int8_t slot_worker[N_SLOTS]; /* under the mutex; -1: the slot is not ours */
};

/* ---- slots.c: which tasks are ours ---------------------------------------------------------------------------------
 *
 * All tasks of partition p, of whatever query and stage, belong to one slot. A server owns slots, and each of its slots belongs to
 * one worker. */

int32_t slot_of(int32_t partition);
enum status slots_join(struct executor *x, struct diag *d) MUST_CHECK;
/* Serves the membership in a thread of its own, until executor.closing; the workers have started. */
enum status slots_serve(struct executor *x, struct diag *d) MUST_CHECK;
/* Whether all workers know the slots as they are; under the mutex. */
bool slots_are_seen(const struct executor *x);
/* After the workers have ended. */
void slots_leave(struct executor *x);

/* ---- feed.c: reading ------------------------------------------------------------------------------------------------- */

enum status feeds_open(struct feeds *f, struct log *log, struct diag *d) MUST_CHECK;
void feeds_close(struct feeds *f);
/* Has the source read from its position on. */
enum status feeds_subscribe(struct feeds *f, struct work_source *s, struct diag *d) MUST_CHECK;
void feeds_unsubscribe(struct feeds *f, struct work_source *s); /* one that is not subscribed stays so */
/* Reads once, waiting up to timeout_ms, and pushes what came into the tasks. *busy: something came. *culprit (may be changed in any
 * case): the query that failed. */
enum status feeds_step(struct feeds *f, const struct exec_options *options, int timeout_ms, bool *busy,
                       struct query **culprit, struct diag *d) MUST_CHECK;
void feeds_wake(struct feeds *f); /* from any thread */

/* ---- merge.c: several sources of a task, in the order of time --------------------------------------------------- */

bool stage_merges(const struct stage *stage);
int64_t stage_slack(const struct stage *stage);
/* Puts a batch behind those that wait. */
enum status merge_put(struct work_source *s, struct record_batch *b, struct diag *d) MUST_CHECK;
void merge_clear(struct work_source *s);
/* Pushes what may go of what waits for the share's tasks. Between two calls of feeds_step. */
enum status share_merge(struct share *s, struct log *log, struct diag *d) MUST_CHECK;

/* ---- work.c: the tasks of a query on one worker ------------------------------------------------------------------- */

/* The topic that a source step reads. */
const char *source_topic(struct arena *a, const struct plan *p, const struct step *s, const struct exec_options *options);
/* Number of tasks of a stage: the most partitions of its sources. */
enum status stage_partitions(struct log *log, const struct plan *p, uint32_t stage, const struct exec_options *options,
                             int32_t *n, struct diag *d) MUST_CHECK;
/* The query's struct with its numbers of partitions; its internal topics must be there. query_free(NULL) is fine. */
enum status query_init(struct query *q, struct log *log, const struct plan *p, const struct query_settings *settings,
                       const struct exec_options *options, struct diag *d) MUST_CHECK;
void query_clear(struct query *q);
/* The key of a task's position. NULL: no memory. */
const char *task_key(struct arena *a, const struct query *q, uint32_t stage, int32_t partition);

struct share *share_create(struct query *query, struct feeds *feeds); /* NULL: no memory */
/* Builds the tasks that are missing of those in `slots`: state from changelogs, places from `positions` (NULL: a transient
 * query, nothing is recorded). After an error the share is without tasks. */
enum status share_build(struct share *s, const bool slots[N_SLOTS], struct log *log, struct positions *positions,
                        const struct task_output *out, struct diag *d) MUST_CHECK;
/* Throws away the tasks that are not in `slots` (NULL: all) with what they have not committed. */
void share_drop(struct share *s, const bool *slots);
void share_destroy(struct share *s); /* NULL is fine */
/* Stops and resumes reading, where it is not so already. */
enum status share_pause(struct share *s, bool paused, struct diag *d) MUST_CHECK;
/* The records [from, to) of a batch as a batch that ends before `next_offset` at the latest. NULL: no memory. */
struct record_batch *slice(struct record_batch *b, uint32_t from, uint32_t to, int64_t next_offset);
/* Takes the records of a batch that lie between what the source has read and its end. */
enum status source_take(struct work_source *s, struct record_batch *b, struct diag *d) MUST_CHECK;
/* A commit has succeeded. */
void work_committed(struct work *w);

/* ---- drain.c ------------------------------------------------------------------------------------------------------- */

enum { QUIET_BITS = 24 };
/* A task has read, committed, come or gone. */
void work_moved(struct work *w);
/* Marks the tasks that have read everything (after a commit); true: none is left here. `written` tells whether
 * somebody may still write to a topic. */
bool share_drained(struct share *s, struct log *log, uint32_t n_workers,
                   bool (*written)(void *data, const char *topic, const struct query *reader), void *data);
/* Whether the positions say that other servers, which have the tasks that are not in `ours`, have read everything, too; up to which
 * stage they have is put into query.others_done. */
bool others_drained(struct query *q, const bool ours[N_SLOTS], struct log *log, struct positions *positions);

/* ---- stages.c ------------------------------------------------------------------------------------------------------ */

/* Whether the stage reads what comes of its own output. */
bool stage_in_circle(const struct stage *stage);
/* Whether a source is where it reads that. Such a topic has as many partitions as the stage has tasks. */
bool source_closes_circle(const struct stage *stage, uint32_t source);
/* Whether the stage writes to what a REPARTITION_SOURCE reads. */
bool stage_writes(const struct stage *stage, const struct step *source);

/* Adds what the tasks did to the query's counters. */
void share_count(struct share *s);

/* Number of partitions of a topic, kept in `cache`; 1 if it cannot be found out (then the append fails). */
int32_t cached_partitions(struct log *log, struct map *cache, const char *topic);

/* ---- commit.c: what a worker writes --------------------------------------------------------------------------------- */

/* Fences what wrote under the worker's name before. */
enum status worker_open_writer(struct worker *w, struct diag *d) MUST_CHECK;
/* For the worker's tasks. */
struct task_output worker_output(struct worker *w);
/* What waits for the commit cannot be evicted: a worker whose state is large does not wait for long. */
bool worker_state_is_large(const struct worker *w);
/* Commits what its tasks have done. *culprit: the query whose task failed, if it was one. */
enum status worker_commit(struct worker *w, struct query **culprit, struct diag *d) MUST_CHECK;

/* ---- worker.c ------------------------------------------------------------------------------------------------------- */

enum status worker_start(struct worker *w, struct diag *d) MUST_CHECK;
void worker_end(struct worker *w); /* executor.closing is set; waits for the last commit */
void worker_wake(struct worker *w);
/* Room for one more pending query; under the mutex. False: no memory. */
bool pending_reserve(struct worker *w);
void query_fail(struct executor *x, struct query *q, const struct diag *d);
/* What holds up all that runs, and that it does so no more. `mine`: whether the caller is in trouble, under the mutex. */
void executor_note_trouble(struct executor *x, bool *mine, const struct diag *d);
void executor_trouble_over(struct executor *x, bool *mine);
/* Whether a query that is not drained yet writes to this topic. */
bool topic_is_written(void *executor, const char *topic, const struct query *reader);
/* Creates the repartition and changelog topics of a plan where they are missing. */
enum status create_internal_topics(struct executor *x, const struct plan *p, bool changelogs, struct diag *d) MUST_CHECK;
enum status delete_internal_topics(struct executor *x, const struct plan *p, bool changelogs, struct diag *d) MUST_CHECK;

#endif
