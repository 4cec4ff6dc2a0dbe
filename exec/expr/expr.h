/* Runs bound expressions over batches, column by column.
 *
 * A program is compiled once per operator, and holds the state of its call sites (compiled patterns, buffers): it
 * belongs to one thread. Common operations on fixed-width columns run as tight loops over whole columns; everything
 * else row by row on `struct value`. What rows give does not depend on which of the two it was, nor on the size of the
 * batches.
 *
 * NULL and errors (reference rules.md 3.4): a failed row makes the whole item null, but inside of a CAST, of an item of
 * ARRAY[], MAP() or STRUCT(), and of an argument that is itself a call or a dereference only that inner value becomes
 * null, unless the expression is marked `fails_all`. Every failure is reported. A comparison with null is false. */
#ifndef WEIR_EXEC_EXPR_EXPR_H
#define WEIR_EXEC_EXPR_EXPR_H

#include "planner/expr.h"

struct expr_prog;

/* The expression must outlive the program. The program's memory is in the arena, but for what expr_release frees. */
enum status expr_compile(const struct expr *e, struct arena *a, struct expr_prog **out, struct diag *d) MUST_CHECK;
void expr_release(struct expr_prog *p); /* NULL is allowed */

/* Failures of one evaluation: called at its end, ordered by row, once per failure; `message` is valid during the call.
 * The frame around it ("Error computing expression ...") is the caller's. */
struct expr_errors {
    void (*report)(void *data, uint32_t row, const char *message);
    void *data;
};

/* What an evaluation may use. */
struct expr_run {
    struct arena *arena;              /* of the batch that the result goes to: cells, strings, nested parts */
    struct arena *scratch;            /* intermediate columns; may be cleared after the call */
    int64_t now_ms;                   /* wall clock */
    const struct expr_errors *errors; /* NULL: not wanted */
};

/* Computes a column with a cell for each physical row of `in`; only live rows are computed, the others are undefined.
 * A bare column or pseudo column is not copied: `out` shares it. Strings and nested parts may be shared with `in`. So
 * `in` must live as long as `out` is used (batch_derive sees to it). STATUS_NOMEM is the only failure. */
enum status expr_eval(struct expr_prog *p, const struct batch *in, struct column *out,
                      const struct expr_run *run) MUST_CHECK;

/* A predicate: writes the live rows for which it is true, ascending, and their number. `selection` has room for
 * in->n_selected. Null and failed rows are left out. */
enum status expr_filter(struct expr_prog *p, const struct batch *in, uint16_t *selection, uint32_t *n,
                        const struct expr_run *run) MUST_CHECK;

/* One row of `in`: for places that are not columnar. `in` may be NULL when the expression is constant. */
enum status expr_eval_row(struct expr_prog *p, const struct batch *in, uint32_t row, struct value *out,
                          const struct expr_run *run) MUST_CHECK;

/* The value of an expression without columns, in `a`. An error anywhere in it is an error here (nothing becomes null): false,
 * with its text, which is empty if memory is out. */
bool expr_constant(const struct expr *e, struct arena *a, int64_t now_ms, struct value *out, char *error,
                   size_t error_size);

/* The value of the last header of that key, as BYTES. */
struct value header_find(const struct headers *headers, struct str key);
/* All headers, in the order of the record: ARRAY<STRUCT<KEY STRING, VALUE BYTES>>. False: no memory. */
bool headers_array(struct arena *a, const struct headers *headers, struct value *out);

#endif
