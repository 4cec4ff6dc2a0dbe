/* What all aggregations share: the state of a group, its steps and its results.
 *
 * In the store, an entry's fixed part holds the accumulators of fixed size, one after the other; its variable part is
 * ROW bytes of the required columns and then of the states of variable size. States of variable size are worked on as
 * values, loaded before the first step and saved after the last. */
#ifndef WEIR_EXEC_OP_AGG_H
#define WEIR_EXEC_OP_AGG_H

#include "exec/key.h"
#include "exec/rows.h"

struct agg_call {
    struct aggregate_call call;
    const uint32_t *args; /* columns of the input */
    uint32_t n_args;
    uint32_t at;      /* fixed: offset in the fixed part */
    int32_t variable; /* variable: index among the variable states; -1: fixed */
};

struct agg {
    struct op *op;
    struct agg_call *calls;
    uint32_t n_calls, n_required, n_variable;
    uint32_t fixed_size;
    const uint32_t *required; /* columns of the input */
    struct column *row;       /* required columns of the row being saved (borrowed), then one-row columns of states */
    struct value *states;     /* variable states of the group being worked on */
    const struct type **state_types;
    struct value *args;   /* of one call */
    struct column *saved; /* one-row columns of the variable part, for reading */
    struct arena scratch; /* cleared from row to row when states are variable */
    struct buf bytes;
    struct row_builder out; /* results being collected */
    const struct schema *input;
    int64_t seq;         /* of the row at hand: where states are merged, it tells which row was first */
    int64_t window_size; /* of windows whose end it tells; 0: sessions, or none */
    bool emit;           /* a result a row: neither coalesced nor held back until the end */
    uint32_t expected;   /* results of the batch at hand: a guess */
};

/* Opens the kernel and the operator's store: the name, the size of an entry's fixed part are set here. */
enum status agg_open(struct agg *g, struct op *op, struct store_options store, struct diag *d) MUST_CHECK;
void agg_close(struct agg *g);

/* The row being worked on. */
struct agg_row {
    struct batch *b;
    uint32_t row;
    struct str key;
    uint64_t hash;
    const struct column *now, *old; /* what is added to the state, and what is taken from it (not both NULL) */
};

/* ---- one group's state --------------------------------------------------------------------------------------- */

/* Takes a row into its group's entry in a table of the store; `start`: of the table's window, 0 without. Collects the
 * result when results are wanted. */
enum status agg_apply(struct agg *g, struct table *t, int64_t start, const struct agg_row *r,
                      struct diag *d) MUST_CHECK;

/* A state as if no row had come yet. */
void agg_init(struct agg *g, char *fixed);
/* Adds or takes away a row of the input. STATUS_RUNTIME when an aggregate fails. */
enum status agg_step(struct agg *g, char *fixed, const struct column *cells, uint32_t row, bool undo,
                     struct diag *d) MUST_CHECK;
/* Merges another state (fixed and variable parts of an entry) into this one. */
enum status agg_merge(struct agg *g, char *fixed, const char *other, struct str other_var, struct diag *d) MUST_CHECK;
/* Writes required columns of the row and variable states into the entry. */
enum status agg_save(struct agg *g, struct entry *e, const struct column *cells, uint32_t row,
                     struct diag *d) MUST_CHECK;
/* An entry's variable part into the saved columns; texts are copied, for the entry may be about to change. */
enum status agg_read(struct agg *g, struct str var, struct arena *a, struct diag *d) MUST_CHECK;
enum status agg_unreadable(struct agg *g, struct diag *d);
/* Results of the state at hand (fixed, and the loaded variable states) into a row of `b`, the output or its
 * before-batch. */
enum status agg_results(struct agg *g, const char *fixed, struct batch *b, uint32_t row, struct diag *d) MUST_CHECK;

/* ---- results -------------------------------------------------------------------------------------------------- */

/* Room for at least one more row (emits a full batch). `in` is kept by the batch: its cells may be borrowed. */
enum status agg_room(struct agg *g, struct batch *in, struct diag *d) MUST_CHECK;
/* Key and required columns of output row `row` from a row of the input. */
void agg_copy_row(struct agg *g, uint32_t row, const struct column *cells, uint32_t from);
/* Makes output row `row` a tombstone. */
void agg_remove(struct agg *g, uint32_t row);
/* The previous state of the row's group, `e`, as before-image of output row `at`. */
enum status agg_before(struct agg *g, uint32_t at, const struct agg_row *r, const struct entry *e,
                       struct diag *d) MUST_CHECK;
/* The two halves of a row's result: before the state changes (`before`: NULL, there was none), and behind that. */
enum status agg_begin(struct agg *g, const struct agg_row *r, const struct entry *before, struct diag *d) MUST_CHECK;
enum status agg_add(struct agg *g, const struct agg_row *r, const struct column *cells, int64_t start,
                    const struct entry *e, struct diag *d) MUST_CHECK;
/* Results of all windows that start (sessions that end) in [lo, hi], in the order of store_collect; scratch in `a`. */
enum status agg_add_closed(struct agg *g, int64_t lo, int64_t hi, struct arena *a, const struct headers *headers,
                           struct diag *d) MUST_CHECK;
/* Emits what is collected. */
enum status agg_emit(struct agg *g, struct diag *d) MUST_CHECK;
/* An operator's flush, whose state begins with a struct agg: the list of changes as output, when coalescing, and the
 * changelog. */
enum status agg_flush(struct op *op, struct diag *d) MUST_CHECK;

#endif
