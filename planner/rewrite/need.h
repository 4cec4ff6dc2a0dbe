/* What is read of a node: the lists that pruning carries down and up. Private to rewrite/. */
#ifndef WEIR_PLANNER_NEED_H
#define WEIR_PLANNER_NEED_H

#include "planner/logical/logical.h"

enum { MAX_PATH = 16 };

struct access {
    uint32_t column;
    uint32_t n_path;
    uint32_t path[MAX_PATH];
};
struct need {
    struct planner *p;
    struct access *items;
    uint32_t n, cap;
    bool failed;
};

void need_add(struct need *need, const struct access *a);
void need_column(struct need *need, uint32_t column);
/* Every place that the expression reads. */
void need_expr(struct need *need, const struct expr *e);
/* Sorted, without duplicates and without places inside of others. Keys: whole, and all if one is needed. */
void need_normalise(struct need *need, uint32_t n_keys, bool keep_keys);
/* Whether `outer` is the same place as `a` or one that holds it. */
bool access_holds(const struct access *outer, const struct access *a);
/* A column, or fields of one: the access. */
bool expr_is_access(const struct expr *e, struct access *out);
/* The column of `schema`, which delivers `have`, that is or holds the place, and below it the fields that are still to
 * be taken. `like` (may be NULL): whose text it keeps. */
const struct expr *need_point_to(struct planner *p, const struct need *have, const struct schema *schema,
                                 const struct expr *like, const struct access *a);
/* `e` over what `input` delivers now. */
const struct expr *need_repoint(struct planner *p, const struct expr *e, const struct need *have,
                                const struct logical *input);
/* The schema of a node that delivers `have` of its former columns. */
bool need_narrow_schema(struct planner *p, struct schema *schema, const struct need *have);
/* prune.c: `need`: in: what is read of the node; out: what the new node delivers, in order. */
const struct logical *prune_node(struct planner *p, const struct logical *node, struct need *need);
/* prune_join.c */
bool prune_join(struct planner *p, struct logical *node, struct need *need);

#endif
