/* Joins with tables: a side holds the present row of each key. */
#include "exec/op/join.h"

static enum status open_side(struct op *op, struct diag *d)
{
    (void)op;
    return diag_set(d, STATUS_UNSUPPORTED, "not supported yet: JOIN");
}

const struct op_def op_table_join_side = {
    .name = "table join side",
    .open = open_side,
};
