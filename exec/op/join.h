/* What joins share. Inputs whose rows a join keeps come through an operator of their own, the side, which puts them
 * into its store and hands them on; the join, above, does the pairing in its push: the port says which input a batch
 * comes from. */
#ifndef WEIR_EXEC_OP_JOIN_H
#define WEIR_EXEC_OP_JOIN_H

#include "exec/rows.h"

/* The store of a side; NULL: nothing is kept of that input. */
static inline struct store *join_store(const struct op *join, uint32_t port)
{
    return join->inputs[port]->store;
}

/* Where the columns of a result come from: the rows that arrived, and what each of them has met. */
struct join_halves {
    const struct schema *schema;       /* of the result */
    const struct join_column *columns; /* one a column behind the keys */
    uint32_t port;                     /* the input of the rows that arrived */
    const struct column *arrived;      /* keys, then values */
    const uint8_t *arrived_shown;      /* by row: 0: the result has nulls for it; NULL: all are shown */
    const struct column *met;          /* values of the other input, whose keys are the same */
    const uint8_t *met_shown;
};
/* The result's columns, sharing data with the halves; `rows` are those that count. False: no memory. */
bool join_make_columns(struct column *out, const struct join_halves *h, const struct batch *rows, struct arena *a);

#endif
