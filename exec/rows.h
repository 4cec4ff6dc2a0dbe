/* Making batches row by row, and taking rows out of them. */
#ifndef WEIR_EXEC_ROWS_H
#define WEIR_EXEC_ROWS_H

#include "exec/exec_int.h"

/* ---- gathering ---------------------------------------------------------------------------------------------- */

/* The rows `rows[0..n)` of a batch as a batch of its own (the same row may come more than once), with room for
 * n_columns columns; the columns of `b` are gathered into the first ones, as are the system columns. `b` is kept.
 * Without `before`. */
struct batch *batch_gather(struct batch *b, const uint16_t *rows, uint32_t n, uint32_t n_columns);
/* A batch that shares everything with `b`, and picks the rows of `selection` (borrowed, or of b's arena). */
struct batch *batch_select(struct batch *b, uint16_t *selection, uint32_t n);

/* ---- building ------------------------------------------------------------------------------------------------ */

/* Rows of an operator's output being collected. Columns are made with validity for `cap` rows. */
struct row_builder {
    struct op *op;
    const struct schema *schema;
    bool windowed, is_table;
    bool null_keys;            /* rows without key may come */
    uint32_t cap, n;
    struct batch *b;           /* NULL: nothing begun */
    int64_t *ts, *start, *end; /* start and end: windowed only */
    uint8_t *kinds;            /* is_table only */
    uint8_t *null_key;         /* null_keys only */
    bool any_null_key;
    uint8_t *has_before;       /* only if op->emits_before */
    int64_t *before_ts;
    const struct headers **headers;
    bool any_headers;
};
/* Begins a batch unless one is begun. `expected` rows (at most BATCH_ROWS are taken). False: no memory. */
bool rows_begin(struct row_builder *r, uint32_t expected);
/* The next row's index; kind UPSERT, nothing before, no headers. The batch has been begun and is not full. */
static inline uint32_t rows_add(struct row_builder *r, int64_t ts)
{
    uint32_t row = r->n++;
    r->ts[row] = ts;
    return row;
}
static inline bool rows_full(const struct row_builder *r)
{
    return r->b && r->n == r->cap;
}
/* What is there as a batch of the caller's, who drops it; NULL: nothing was begun. */
struct batch *rows_take(struct row_builder *r);
/* Emits what is there and lets go of it. */
enum status rows_emit(struct row_builder *r, struct diag *d) MUST_CHECK;
void rows_drop(struct row_builder *r);

#endif
