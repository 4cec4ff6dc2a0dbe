/* What aggregations in time windows and in sessions share: opening, rows, and the closing of EMIT FINAL: no results
 * from rows; instead every row may close windows, and all those are emitted whose end stream time has passed by the
 * grace (sessions: by the gap, too), each once, in the order of (start, key bytes) (sessions: of (end, start, key
 * bytes)).
 *
 * Stream time is the highest time that this operator has seen, and moves before the row is looked at. */
#ifndef WEIR_EXEC_OP_WINDOWED_H
#define WEIR_EXEC_OP_WINDOWED_H

#include "exec/op/agg.h"

struct windowed {
    struct agg agg;
    struct window_spec spec;
    struct arena scratch; /* of a row */
};

/* What differs: where a row goes that is not null, and where one goes that is to come soon. */
struct windowed_rows {
    enum status (*add)(struct windowed *w, const struct agg_row *r, int64_t observed, struct diag *d);
    void (*prefetch)(struct windowed *w, int64_t ts, uint64_t hash);
};

/* The operator's state is `w`, or begins with it. */
enum status windowed_open(struct windowed *w, struct op *op, struct diag *d) MUST_CHECK;
void windowed_close(struct op *op);
/* `windows`: into how many a row goes at most, for the room of results. */
enum status windowed_push(struct op *op, struct batch *b, const struct windowed_rows *rows, uint64_t windows,
                          struct diag *d) MUST_CHECK;

#endif
