/* The side of a join whose input is a table: the present row of each key, and, unless a stream is joined with it, its
 * changes. */
#include "exec/op/table_rows.h"

static enum status side_open(struct op *op, struct diag *d)
{
    struct table_rows *t;
    const struct step *table = op->step->inputs[op->port];
    const struct table_rows_options options = {.store = join_side_store(op->step, op->port),
                                               .schema = &table->schema,
                                               .windowed = table->schema.window != WINDOW_NONE,
                                               .silent = op->step->kind == STEP_STREAM_TABLE_JOIN,
                                               .old = op->step->kind == STEP_TABLE_TABLE_JOIN};
    enum status st = table_rows_open(op, &options, &t, d);
    op->state = t;
    return st;
}

static void side_close(struct op *op)
{
    table_rows_close(op->state);
}

static enum status side_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    (void)port;
    return table_rows_push(op->state, b, d);
}

static enum status side_flush(struct op *op, struct diag *d)
{
    return table_rows_flush(op->state, d);
}

const struct op_def op_table_join_side = {
    .name = "table join side",
    .before = BEFORE_UNUSED,
    .open = side_open,
    .push = side_push,
    .flush = side_flush,
    .close = side_close,
};
