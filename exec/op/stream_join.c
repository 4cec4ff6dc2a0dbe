/* Stream-stream joins: the rows of both inputs wait in their sides for partners within a window of time. */
#include "exec/op/join.h"

static enum status open_side(struct op *op, struct diag *d)
{
    (void)op;
    return diag_set(d, STATUS_UNSUPPORTED, "not supported yet: JOIN");
}

const struct op_def op_stream_join_side = {
    .name = "stream join side",
    .open = open_side,
};
