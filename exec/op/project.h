/* Expressions over batches, as select, select key, group by and filter use them. */
#ifndef WEIR_EXEC_OP_PROJECT_H
#define WEIR_EXEC_OP_PROJECT_H

#include "exec/expr/expr.h"
#include "exec/rows.h"

struct projection {
    struct op *op;
    const struct expr *const *exprs;
    struct expr_prog **progs;
    uint32_t n;
    struct arena scratch;
};

/* A projection of these expressions; what is there after a failure is to be freed as well. NULL is fine there. */
enum status projection_create(struct op *op, const struct expr *const *exprs, uint32_t n, struct projection **out,
                              struct diag *d) MUST_CHECK;
void projection_free(struct projection *p);
/* For operators whose state is a projection: of these expressions, of the step's select. */
enum status projection_open(struct op *op, const struct expr *const *exprs, uint32_t n, struct diag *d) MUST_CHECK;
enum status projection_open_select(struct op *op, struct diag *d) MUST_CHECK;
void projection_close(struct op *op);

/* How failures of item i are told: fills `out` with the frame's text. NULL: failures are not reported. */
typedef void (*projection_frame)(struct buf *out, const struct projection *p, uint32_t item);
void expression_frame(struct buf *out, const struct projection *p, uint32_t item);

/* Computes items [first, last) over the live rows of `in` into out->columns[first..last). */
enum status projection_run(struct projection *p, const struct batch *in, struct batch *out, uint32_t first,
                           uint32_t last, projection_frame frame, struct diag *d) MUST_CHECK;

/* The new row's part of a select: keys over all rows, values over rows that have one (the others get nulls). A batch
 * with the rows of `in` and p->n columns; NULL with a status. */
enum status project_rows(struct projection *p, struct batch *in, uint32_t n_keys, projection_frame key_frame,
                         projection_frame value_frame, struct batch **out, struct diag *d) MUST_CHECK;

/* A row without value: a tombstone of a table, or a stream's record with a null value. */
static inline bool row_is_dead(const struct batch *b, uint32_t row)
{
    return (b->kinds && b->kinds[row] == ROW_DELETE) || (b->null_value && b->null_value[row]);
}
/* The rows that are not dead, as a selection in b's arena. False: no memory. */
bool live_rows(struct batch *b, uint16_t **selection, uint32_t *n);
/* The text of an expression for messages. */
void print_expr(struct buf *out, const struct expr *e);

#endif
