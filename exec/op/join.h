/* What joins share. Inputs whose rows a join keeps come through an operator of their own, the side, which puts them into its store
 * and hands them on; the join, above, does the pairing in its push: the port says which input a batch comes from. */
#ifndef WEIR_EXEC_OP_JOIN_H
#define WEIR_EXEC_OP_JOIN_H

#include "exec/rows.h"

/* The store of a side; NULL: nothing is kept of that input. */
static inline struct store *join_store(const struct op *join, uint32_t port)
{
    return join->inputs[port]->store;
}

#endif
