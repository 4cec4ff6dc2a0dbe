/* Runs hand-built plans over records in memory. Keys are in the KAFKA format, values DELIMITED, so that texts say it
 * all.
 *
 * op_check runs a plan at batch sizes 1, 3 and 4096, and each of these also with a restart in the middle (a new task,
 * restored from the changelog), and demands the same output every time. */
#ifndef WEIR_TESTS_OP_HARNESS_H
#define WEIR_TESTS_OP_HARNESS_H

#include "exec/exec.h"
#include "../unit.h"

enum { OP_STEPS = 24, OP_STAGES = 4, OP_INPUTS = 64, OP_SOURCES = 4 /* a stage */ };

struct op_input {
    const char *key;   /* NULL: null */
    const char *value; /* NULL: null */
    int64_t ts;
    const char *header; /* value of a header "h"; NULL: no headers */
    int source;         /* which topic of the plan: counts stage by stage */
    bool long_key;      /* the key is a BIGINT in decimal */
    bool windowed;      /* the key is of a window that starts at: */
    int64_t start;
};

#define IN(k, v, t)                                                                                                    \
    {                                                                                                                  \
        .key = (k), .value = (v), .ts = (t)                                                                            \
    }
#define IN_2(k, v, t) /* of the second source */                                                                       \
    {                                                                                                                  \
        .key = (k), .value = (v), .ts = (t), .source = 1                                                               \
    }
#define IN_H(k, v, t, h)                                                                                               \
    {                                                                                                                  \
        .key = (k), .value = (v), .ts = (t), .header = (h)                                                             \
    }

struct op_test {
    struct arena arena;
    struct plan plan;
    struct step steps[OP_STEPS];
    uint32_t n_steps;
    struct stage stages[OP_STAGES];
    const struct step *sources[OP_STAGES][OP_SOURCES];
    size_t cache_bytes; /* 0: every change */
    const char *errors; /* processing log of the last run: "message;" each */
    bool show_headers;
    bool one_by_one;    /* an input is pushed when all that follows from the one before has been read */
};

void op_setup(struct op_test *t);
void op_teardown(struct op_test *t);

/* "K STRING KEY, A BIGINT, B STRING" */
struct schema op_schema(struct op_test *t, const char *text);
/* Steps; `columns` as for op_schema. */
struct step *op_source_step(struct op_test *t, bool table, const char *columns);
struct step *op_step(struct op_test *t, enum step_kind kind, const struct step *input, const char *columns);
/* A join whose output is the key, and then all columns of both inputs behind their keys. */
struct step *op_stream_join_step(struct op_test *t, enum join_outer outer, const struct step *left, const struct step *right,
                                 const char *columns);
/* A join: "L R ..." are its columns behind the key: L1 is column 1 of the left input. Its sides are stored in "left" and "right". */
struct step *op_join_step(struct op_test *t, enum step_kind kind, enum join_outer outer, const struct step *left,
                          const struct step *right, const char *columns, const char *from);
/* A join by a foreign key, an expression over `left`, with the stage of its answers; R1 is the right table's first value. Its topics
 * count: the right table, then the left one. */
struct step *op_foreign_key_step(struct op_test *t, enum join_outer outer, const struct step *left,
                                 const struct step *right, const struct expr *key, const char *columns,
                                 const char *from);
/* Ends a stage that begins at the sources below. */
void op_stage(struct op_test *t, const struct step *root);
struct step *op_sink_step(struct op_test *t, const struct step *input, bool table);
/* GROUP BY repartition: a sink, a stage, and the source of the next one. */
struct step *op_repartition(struct op_test *t, const struct step *input, bool table);

const struct expr *op_column(struct op_test *t, const struct schema *s, uint32_t column);
const struct expr *op_compare(struct op_test *t, const struct expr *x, enum compare_op op, int64_t bigint);
const struct expr *op_divide(struct op_test *t, const struct expr *x, const struct expr *y);
const struct expr *op_array(struct op_test *t, const struct expr *x, const struct expr *y);
const struct expr *const *op_exprs(struct op_test *t, uint32_t n, ...);

enum op_aggregate { OP_COUNT, OP_SUM, OP_COLLECT }; /* COLLECT: of texts; its result is the list joined by '+' */
/* An aggregate step with one call a letter of the aggregates; arguments and required columns are columns of the input.
 */
struct step *op_aggregate_step(struct op_test *t, enum step_kind kind, const struct step *input, const char *columns,
                               uint32_t n_required, const uint32_t *required, uint32_t n_calls,
                               const enum op_aggregate *calls, const uint32_t *args);

/* The output: "key[start,end]=value@ts" a line; null is a tombstone. */
const char *op_run(struct op_test *t, const struct op_input *inputs, uint32_t n, uint32_t batch_rows,
                   uint32_t restart_at, uint32_t flush_every);
/* The same output whatever the batch size and restarts. */
void op_check(struct op_test *t, const struct op_input *inputs, uint32_t n, const char *expected);
/* The query must stop with this text. */
void op_check_fails(struct op_test *t, const struct op_input *inputs, uint32_t n, const char *message);

#define OP_CHECK(t, inputs, expected) op_check(t, inputs, sizeof(inputs) / sizeof *(inputs), expected)

#endif
