/* Joins while they become logical nodes: what the files of the matter share. Private to logical/. */
#ifndef WEIR_PLANNER_JOIN_INT_H
#define WEIR_PLANNER_JOIN_INT_H

#include "planner/logical/logical.h"

/* A source or a join of several, as an input of the next join. */
struct joined {
    const struct logical *node;
    struct topic_formats formats; /* key: in which rows are partitioned now */
    bool is_source;
    bool has_own_key; /* the key column is made for the join: not to be seen above */
};

struct joining {
    struct planner *p;
    const struct query *q;
};

/* ---- join_rules.c ---- */

/* Kinds, keys, partitions and WITHIN of every join (rules.md 5.2); fills in what the query_joins say of keys. */
enum status join_check(struct planner *p, struct query *q);
/* Whether the sources up to number `last` give a table. */
bool joined_is_table(const struct query *q, uint32_t last);
/* Types of both sides, which were bound; `join` says how messages show them. */
enum status join_check_types(struct planner *p, const struct query_join *join, bool tables, const struct type *left,
                             const struct type *right);

/* ---- join_side.c ---- */

/* Source number `which` with its columns under their aliases. `prefix`, `side`: "L_", "Left". */
bool join_source(struct joining *w, uint32_t which, const char *prefix, const char *side, bool with_key_copy,
                 struct joined *out);
/* The key and partitioning that both inputs of a join must have: gives those that differ a REKEY. */
bool join_meet(struct joining *w, const struct query_join *join, const char *prefix, struct joined *left,
               struct joined *right);
/* The same of a foreign-key join, of which only the right table may have to move. */
bool join_meet_foreign(struct joining *w, const char *prefix, const struct joined *left, struct joined *right);
/* One side of ON, bound to its input's columns. NULL after an error. */
const struct expr *join_bind_side(struct joining *w, const struct ast_expr *side, const struct logical *node);

/* ---- join_names.c ---- */

/* Gives the joins of the tree the names of their stores and internal topics. */
enum status join_name_stores(struct planner *p, const struct logical *root);

/* ---- join_key.c ---- */

/* Which columns hold the key of join number `at`, and which of them names it. The joins before it are known. */
enum status join_find_key(struct planner *p, struct query *q, uint32_t at);
/* What the projection must contain. */
enum status join_projection(struct planner *p, const struct query *q, const struct logical *root,
                            struct projection *proj);
/* Names of synthetic keys in SELECT that are none. */
enum status join_check_synthetic(struct planner *p, const struct query *q);

#endif
