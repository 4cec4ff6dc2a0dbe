/* What all aggregations share: the state of a group, its steps and its results.
 *
 * In the store, an entry's fixed part holds the accumulators of fixed size, one after the other; its variable part is
 * ROW bytes of the required columns and then of the states of variable size. States of variable size are worked on as
 * values: agg_load before the first step, agg_save after the last. */
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
    int64_t seq; /* of the row at hand: where states are merged, it tells which row was first */
};

/* Opens the kernel and the operator's store: the name, the size of an entry's fixed part are set here. */
enum status agg_open(struct agg *g, struct op *op, struct store_options store, struct diag *d) MUST_CHECK;
void agg_close(struct agg *g);

/* ---- one group's state --------------------------------------------------------------------------------------- */

/* A state as if no row had come yet. */
void agg_init(struct agg *g, char *fixed);
/* Takes the variable states from an entry's variable part. */
enum status agg_load(struct agg *g, struct str var, struct diag *d) MUST_CHECK;
/* Adds or takes away a row of the input. STATUS_RUNTIME when an aggregate fails. */
enum status agg_step(struct agg *g, char *fixed, const struct column *cells, uint32_t row, bool undo,
                     struct diag *d) MUST_CHECK;
/* Merges another state (fixed and variable parts of an entry) into this one. */
enum status agg_merge(struct agg *g, char *fixed, const char *other, struct str other_var, struct diag *d) MUST_CHECK;
/* Writes required columns of the row and variable states into the entry. */
enum status agg_save(struct agg *g, struct entry *e, const struct column *cells, uint32_t row,
                     struct diag *d) MUST_CHECK;

/* An entry with a row added: its state (new, or loaded), its variable part, its time. */
enum status agg_update(struct agg *g, struct entry *e, bool created, const struct batch *b, uint32_t row,
                       struct diag *d) MUST_CHECK;

/* ---- results -------------------------------------------------------------------------------------------------- */

/* Room for at least one more row (emits a full batch). `in` is kept by the batch: its cells may be borrowed. */
enum status agg_room(struct agg *g, uint32_t expected, struct batch *in, struct diag *d) MUST_CHECK;
/* Results of the state at hand (fixed, and the loaded variable states) into a row of `b`, the output or its
 * before-batch. */
enum status agg_results(struct agg *g, const char *fixed, struct batch *b, uint32_t row, struct diag *d) MUST_CHECK;
/* Key and required columns of a row from a row of the input. */
void agg_copy_row(struct agg *g, struct batch *b, uint32_t row, const struct column *cells, uint32_t from);
/* The previous state of the group as before-image of output row `row`; its key is that of the input row. */
enum status agg_before(struct agg *g, uint32_t row, const struct column *cells, uint32_t from, const char *fixed,
                       struct str var, int64_t ts, struct diag *d) MUST_CHECK;
/* The two halves of a result of an input row: before the state changes, and behind that. `before`: NULL, there was no state. The result's
 * row in g->out.b, for what else belongs into it. */
enum status agg_begin(struct agg *g, uint32_t expected, struct batch *b, uint32_t row, const struct entry *before,
                      struct diag *d) MUST_CHECK;
enum status agg_add(struct agg *g, const struct batch *b, const struct column *cells, uint32_t row, int64_t ts,
                    const char *fixed, uint32_t *at, struct diag *d) MUST_CHECK;

/* A stored group as an output row. */
struct agg_stored {
    struct str key;
    int64_t start, end, ts;
    bool dead;
    const char *fixed;
    struct str var;
    const char *old_fixed; /* NULL: there was none */
    struct str old_var;
    int64_t old_ts;
};
enum status agg_add_stored(struct agg *g, const struct agg_stored *stored, uint32_t expected,
                           const struct headers *headers, struct diag *d) MUST_CHECK;
/* Emits what is collected. */
enum status agg_emit(struct agg *g, struct diag *d) MUST_CHECK;
/* The list of changes as output (when coalescing), and the changelog. `window_size`: windows' end; 0: sessions, or
 * none. */
enum status agg_flush(struct agg *g, int64_t window_size, bool emit, struct diag *d) MUST_CHECK;

#endif
