/* A grouped query while it is being planned: what the files of the aggregation share. Private to logical/. */
#ifndef WEIR_PLANNER_AGGREGATE_INT_H
#define WEIR_PLANNER_AGGREGATE_INT_H

#include "planner/logical/logical.h"

enum { MAX_AGGREGATES = 256 };

struct aggregation {
    struct planner *p;
    struct query *q;
    const struct logical *input;
    struct projection *proj;
    uint32_t n_groups;
    const struct ast_expr **groups; /* plain */
    uint32_t n_calls;
    const struct ast_expr *calls[MAX_AGGREGATES]; /* plain, distinct */
    struct aggregate_item items[MAX_AGGREGATES];
    /* Prepare: the old keys, then these. */
    uint32_t n_args;
    const struct ast_expr *args[2 * MAX_AGGREGATES];
    const struct expr *arg_exprs[2 * MAX_AGGREGATES];
    bool keeps_key;
};

/* Whether `e` (plain) is one of the grouping expressions, and which. */
bool is_group(const struct aggregation *g, const struct ast_expr *e, uint32_t *which);
/* Collects the aggregate calls of the projection and of HAVING (plain; may be NULL), and checks the rules of GROUP BY.
 */
enum status aggregate_check(struct aggregation *g, const struct ast_expr *having);
/* A sink needs a key, and so a GROUP BY. */
enum status aggregate_check_groups(struct aggregation *g);

/* What a query that replaces this one must have, too: "`A`, `B`" and "COUNT(*), SUM(A)". NULL: no memory. */
struct str aggregate_reads(struct aggregation *g, const struct ast_expr *having);
struct str aggregate_functions(struct aggregation *g);

#endif
