/* Inside of exec/: operators and tasks. An operator is a const table (struct op_def) and one `struct op` a step and task. A join has
 * one more for each input whose rows it keeps (op_*_join_side), which holds the store: below the join, with the join's step.
 *
 * Batches are pushed from the sources to the sink (op_emit calls the next operator's push); a pushed batch is borrowed. flush
 * runs once a commit, sources first: it emits what coalescing held back and writes the changelog. Nothing else has a
 * side effect outside of the task. */
#ifndef WEIR_EXEC_INT_H
#define WEIR_EXEC_INT_H

#include "exec/exec.h"
#include "state/snapshot.h"
#include "state/state.h"

struct op;

/* Whether an operator wants the previous rows (batch.before) from its inputs. */
enum before_need { BEFORE_UNUSED, BEFORE_WANTED, BEFORE_AS_PARENT };

struct op_def {
    const char *name;
    enum before_need before;
    /* Makes op->state; the diag has the reason of a failure. NULL: no state. */
    enum status (*open)(struct op *op, struct diag *d);
    enum status (*push)(struct op *op, uint32_t port, struct batch *b, struct diag *d);
    /* Sources only, instead of push. */
    enum status (*read)(struct op *op, const struct record_batch *records, uint32_t from, uint32_t to, struct diag *d);
    enum status (*flush)(struct op *op, struct diag *d); /* NULL: holds nothing back */
    void (*close)(struct op *op);                        /* NULL: nothing to free */
};

struct op {
    const struct op_def *def;
    struct task *task;
    const struct step *step;
    struct op *parent;       /* NULL: the sink */
    uint32_t port;           /* which of the parent's inputs this is */
    struct op *inputs[2];
    bool emits_before;       /* the parent wants previous rows */
    bool is_below_side;      /* of a join: what is above holds changes back, and shows the newest rows to others */
    void *state;
    struct store *store;     /* made by open with op_store; NULL: stateless */
    const char *changelog;   /* full topic name */
    uint32_t store_number;   /* within the task's snapshot */
};

struct task {
    const struct plan *plan;
    const struct stage *stage;
    int32_t partition;
    struct exec_options options;
    struct task_output out;
    struct op *ops;          /* inputs before their users; the sink is the last */
    uint32_t n_ops;
    struct op **sources;     /* as in the stage */
    int64_t stream_time;
    bool row_by_row;         /* the sink needs the stream time of each row: push single rows */
    bool time_of_nulls;      /* the same, but only around records without value */
    bool stopped;            /* the client wants no more */
    int64_t n_in, n_out;     /* records of the query's own sources and of its sink, not those between its stages */
    int64_t n_errors;
    int64_t limit_left;      /* -1: none */
    struct snapshot *snapshot; /* NULL: none is used */
    int64_t last_fold_ns;
    size_t restore_limit; /* bytes of the stores until the first commit; 0: none */
    struct arena arena;      /* names and operators, for life */
};

extern const struct op_def op_source, op_repartition_source, op_filter, op_project, op_select_key, op_group_by,
    op_table_group_by, op_flat_map, op_aggregate, op_window_aggregate, op_session_aggregate, op_table_aggregate,
    op_pass, op_sink, op_repartition_sink, op_client_sink, op_stream_join_side, op_table_join_side,
    op_stream_stream_join, op_stream_table_join, op_table_table_join, op_table_table_inner_join, op_subscriptions,
    op_foreign_key_join, op_foreign_key_answer;

/* The operator that runs a step; NULL: not built. */
const struct op_def *op_for(const struct step *s);

/* Hands a batch to the next operator; empty ones are not handed on. */
static inline enum status op_emit(struct op *op, struct batch *b, struct diag *d)
{
    return b->n_selected ? op->parent->def->push(op->parent, op->port, b, d) : STATUS_OK;
}

/* True: changes are emitted at flush, not as they come. */
static inline bool op_coalesces(const struct op *op)
{
    return op->task->options.cache_bytes > 0 && !op->is_below_side;
}

/* Wall-clock time, ms; 0 without a clock. */
static inline int64_t op_wall_ms(const struct op *op)
{
    const struct exec_clock *clock = &op->task->options.clock;
    return clock->wall_ms ? clock->wall_ms(clock->data) : 0;
}

/* The format of one side of a topic as codecs want it: with the place of its schemas, which is put into *site and must live as long
 * as the codec. */
struct format_spec op_format(const struct op *op, const struct format_spec *format, const char *topic, bool is_key,
                             struct schema_site *site);

/* Makes op->store with its changelog. */
enum status op_store(struct op *op, struct store_options options, struct diag *d) MUST_CHECK;
/* Writes the store's changes to the changelog and forgets them. */
enum status op_flush_store(struct op *op, struct diag *d) MUST_CHECK;

/* An entry for the processing log; `record` may be NULL. */
void op_report(struct op *op, int kind, const char *logger, const char *message, const struct record *record,
               const struct record_batch *from);

/* Full name of a changelog topic. */
const char *changelog_topic(struct arena *a, const struct plan *p, const char *store, const struct exec_options *options);
/* Names of the state stores of a step, for changelogs; the result is their number. */
enum { STEP_STORES = 3 };
uint32_t step_stores(const struct step *s, const char *names[STEP_STORES]);
/* Name of the store that a join keeps of its input `port`; NULL: none. */
const char *join_side_store(const struct step *s, uint32_t port);

/* What a worker sets when it rebuilds a task, and reads when it records positions. */
void task_set_stream_time(struct task *t, int64_t stream_time);
void task_counts(const struct task *t, int64_t *in, int64_t *out, int64_t *errors);

/* ---- snapshots: task_snapshot.c ----------------------------------------------------------------------------------
 *
 * A worker that wants them calls, for a new task: task_use_snapshot; then replays each changelog from task_snapshot_offset
 * on. After each commit that succeeded: task_committed. A task that uses none is whole without them. */

/* Opens the task's snapshot in options.state_dir, if that is set and the stage has state, and fills the stores from it, up to
 * `limit` bytes (0: all of it). One that
 * is ahead of the log (which lost commits together with the power) is begun anew. */
enum status task_use_snapshot(struct task *t, struct log *log, size_t limit, struct diag *d) MUST_CHECK;
/* Where the replay of a changelog begins; -1: at its start. */
int64_t task_snapshot_offset(const struct task *t, const char *changelog);
/* An operator's changelog has been read back up to an offset: what is beyond the limit goes into the snapshot. */
enum status task_restored(struct task *t, const struct op *op, int64_t offset, struct diag *d) MUST_CHECK;
/* Everything that was flushed has been committed: folds it into the snapshot every few seconds, and, when the task's state is larger
 * than `limit` bytes (0: none), at once, and evicts what is over. */
enum status task_committed(struct task *t, struct log *log, size_t limit, struct diag *d) MUST_CHECK;
/* Bytes of state that are in use; task_memory less what is free for new entries. */
size_t task_used(const struct task *t);
/* Deletes the snapshots of a query, when no task of it runs any more. */
void task_forget_snapshots(const struct exec_options *options, const struct plan *p);

#endif
