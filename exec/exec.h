/* Execution: runs the stages of physical plans over the log.
 *
 * A `struct task` runs one stage for one partition: it is pushed batches of records and pushes rows through its operators. A
 * `struct worker` is a thread that owns a reader, one transactional writer and some tasks of every query; its loop is
 *     poll records -> run tasks -> every commit interval: commit.
 * One commit of a worker is one transaction: sink records, changelog records, repartition records and positions of all
 * its tasks, together. After a failed commit the worker's tasks are thrown away and rebuilt from positions and changelogs.
 *
 * Positions (how far a task has read each source partition, and its stream time) are records in a compacted internal topic, keyed by task.
 * Nothing here knows SQL text, or which log it runs on. Wall-clock time comes in through `exec_clock`. */
#ifndef WEIR_EXEC_H
#define WEIR_EXEC_H

#include "planner/plan.h"
#include "topics/topics.h"

/* ---- what queries share -------------------------------------------------------------------------------------- */

struct exec_clock {
    int64_t (*wall_ms)(void *data);
    int64_t (*record_ms)(void *data); /* of sources that stamp their records by the clock; NULL: wall_ms */
    void *data;
};

/* An entry for the processing log; texts are valid during the call. */
struct processing_error {
    const char *query_id;
    const char *logger;        /* step context: "KsqlTopic.Source", "Project" */
    enum { ERROR_DESERIALIZE, ERROR_EXPRESSION, ERROR_SERIALIZE, ERROR_RECORD } kind;
    const char *message;
    const char *topic;         /* of the record; NULL if not known */
    int32_t partition;
    int64_t offset;
    struct str record;         /* the raw payload; may be empty */
};

struct exec_options {
    const char *service_id;       /* "default_" */
    const char *topic_prefix;     /* of internal topics: "_confluent-ksql-" + service id + "query_" is put before the query id */
    int64_t commit_interval_ms;   /* of one query: its settings set it */
    size_t cache_bytes;           /* likewise, cache.max.bytes.buffering: 0: emit every change; else coalesce between commits */
    size_t memory_budget;         /* of all state stores; bytes; 0: none */
    const char *state_dir;        /* snapshots; NULL: none (recovery reads whole changelogs); of one process at a time */
    const char *server_id;        /* names this server among those of the service, now and when it is started again; NULL: it
                                     has a new name each time, and what it held when it died is free only after seconds */
    uint64_t log_id;              /* a snapshot of another log counts for nothing; the executor sets this */
    bool exactly_once;            /* false: a plain writer */
    uint32_t batch_rows;          /* <= BATCH_ROWS; tests use 1 and 3 */
    struct registry *registry;    /* of schemas; borrowed; NULL: none */
    bool drain;                   /* end when the sources' current ends are reached */
    struct exec_clock clock;
    void (*on_error)(void *data, const struct processing_error *e); /* the processing log; called from worker threads */
    void *on_error_data;
};

/* ---- one task (also the unit that tests drive) ------------------------------------------------------------------ */

struct task;
struct log_writer;

/* Where a task's output goes: a worker's open transaction, a test's list, a client. */
struct task_output {
    /* Rows for a topic. partition -1: by key. The records are copied before return. */
    enum status (*append)(void *data, const char *topic, int32_t partition, const struct record *records, size_t n,
                          struct diag *d);
    /* Rows for the client of a transient query. *stop is set when it wants no more. */
    enum status (*rows)(void *data, const struct batch *b, bool *stop, struct diag *d);
    void *data;
    /* Number of partitions of a topic, for keys whose bytes do not tell the partition (windowed ones). NULL: all have one. */
    int32_t (*partitions)(void *data, const char *topic);
};

enum status task_create(const struct plan *p, uint32_t stage, int32_t partition, const struct exec_options *options,
                        const struct task_output *out, struct task **task, struct diag *d) MUST_CHECK;
void task_destroy(struct task *t);
/* Records of one source, in order; source counts within the stage. Everything that follows from them has been output (or, when coalescing, is dirty) when it returns.
 * STATUS_RUNTIME: the query must stop (its text in `d`). */
enum status task_push(struct task *t, uint32_t source, const struct record_batch *records, struct diag *d) MUST_CHECK;
/* Emits what coalescing held back and the changelog of the keys changed since the last call, to `out`. */
enum status task_flush(struct task *t, struct diag *d) MUST_CHECK;
int64_t task_stream_time(const struct task *t); /* INT64_MIN: none yet */
size_t task_memory(const struct task *t);       /* bytes of state */
/* Internal topics that the stage's task needs: changelogs (compacted) of its stores. Names are full topic names, in the arena. */
enum status stage_changelogs(const struct plan *p, uint32_t stage, const struct exec_options *options,
                             struct arena *a, const char ***names, size_t *n, struct diag *d) MUST_CHECK;
/* Feeds records of a changelog back into the task's stores, before the first push. */
enum status task_restore(struct task *t, const char *changelog, const struct record_batch *records,
                         struct diag *d) MUST_CHECK;
/* Whether stages write for each other: then some results between two states may be left out, the more so the more is read at once. */
bool plan_has_circle(const struct plan *p);
/* Name of the repartition topic of a step in this plan. */
const char *repartition_topic(struct arena *a, const struct plan *p, const struct step *s,
                              const struct exec_options *options);

/* ---- running a query on the log -------------------------------------------------------------------------------------- */

struct executor; /* the workers of one process */
/* Joins the service `options->service_id`. STATUS_EXISTS: on the embedded log one process at a time can. */
enum status executor_create(struct log *log, const struct exec_options *options, uint32_t n_workers,
                            struct executor **out, struct diag *d) MUST_CHECK;
/* What holds for one query. */
struct query_settings {
    bool from_latest;           /* sources without a recorded position start at their end */
    bool paused;                /* as if executor_pause were called before anything is read */
    int64_t commit_interval_ms; /* a worker commits as often as the query with the shortest interval asks for */
    size_t cache_bytes;         /* as in exec_options */
};
/* Starts a persistent query: creates its internal topics where missing, and has the workers build those of its tasks that fall to
 * them (slots.c). The plan must outlive the query. STATUS_EXISTS: one of this id runs. */
enum status executor_start(struct executor *x, const struct plan *p, const struct query_settings *settings,
                           struct diag *d) MUST_CHECK;
/* How a transient query runs. */
struct transient_run {
    struct query_settings settings;
    /* When it ends by itself: never; at the present ends of its sources; there, and only the last state of each key of a table is
     * given to the client (a view of the table as it is now). */
    enum { TRANSIENT_ENDLESS, TRANSIENT_DRAIN, TRANSIENT_LAST_STATE } until;
    bool (*stopped)(void *data); /* asked often: true: nobody wants more; NULL: never */
    void *data;
};
/* A transient query: runs in the caller's thread, not transactional, rows to `rows`; ends at the limit, when *stop is set, when
 * run->stopped says so, or as run->until says. With options.drain, ends of topics that a query still writes are waited for. */
enum status executor_run_transient(struct executor *x, const struct plan *p, const struct transient_run *run,
                                   const struct task_output *rows, struct diag *d) MUST_CHECK;
/* What becomes of a query that is stopped. */
enum query_end {
    QUERY_KEEP,   /* it may be started again */
    QUERY_LEAVE,  /* another server forgets it: only the snapshots go that are here */
    QUERY_FORGET, /* its internal topics and positions go as well (TERMINATE, DROP) */
};
/* Stops a query after a last commit. */
enum status executor_stop(struct executor *x, const char *query_id, enum query_end end, struct diag *d) MUST_CHECK;
/* Whether no other server of the service is known to have work. */
bool executor_is_alone(struct executor *x);

/* A paused query keeps its state and its place; while it is paused it counts as ended for those who wait. False: no such query. */
bool executor_pause(struct executor *x, const char *query_id, bool paused);

enum query_state { QUERY_RUNNING, QUERY_RECOVERING, QUERY_FAILED, QUERY_DRAINED, QUERY_STOPPED, QUERY_PAUSED };
struct query_status {
    enum query_state state;
    int64_t records_in, records_out; /* of the topics that the query reads and writes */
    int64_t errors;
    size_t memory;            /* bytes of state */
    char message[512];        /* why it failed, or what holds it up now; or empty */
};
bool executor_status(struct executor *x, const char *query_id, struct query_status *out);
/* What holds up all queries now (no broker, a full disk), and passes when one waits for it; empty: nothing. */
void executor_trouble(struct executor *x, char *text, size_t size);
/* Waits until every query is drained, failed, stopped or paused; false on timeout (ms; -1: none). */
bool executor_wait_drained(struct executor *x, int64_t timeout_ms);
/* Last commit, then stops the workers. */
enum status executor_close(struct executor *x, struct diag *d) MUST_CHECK;

#endif
