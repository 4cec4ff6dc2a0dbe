/* The logical plan and what is made of it: nodes, the passes that build and rewrite them, and the physical plan.
 * Private to planner/. */
#ifndef WEIR_PLANNER_LOGICAL_H
#define WEIR_PLANNER_LOGICAL_H

#include "planner/planner_int.h"

/* ---- nodes ---- */

enum logical_kind {
    LOGICAL_SOURCE,
    LOGICAL_FILTER,
    LOGICAL_PROJECT,
    LOGICAL_REKEY,     /* PARTITION BY: new keys, then the columns */
    LOGICAL_FLAT_MAP,  /* input columns, then one a table function */
    LOGICAL_GROUP,     /* new keys, then the columns that the aggregate reads */
    LOGICAL_AGGREGATE, /* keys, then one column a call */
    LOGICAL_JOIN,      /* keys, then columns of the inputs */
};

enum join_shape { JOIN_STREAM_STREAM, JOIN_STREAM_TABLE, JOIN_TABLE_TABLE, JOIN_FOREIGN_KEY };

/* How the rows of a REKEY below a join get to their new places. */
struct moved {
    const char *topic; /* "Join-left-repartition" */
    bool keep_null_keys;
    struct topic_formats formats; /* ksqlDB's */
};

/* What a row of a node's output means. */
enum changelog {
    CHANGELOG_APPEND,  /* a stream */
    CHANGELOG_UPSERT,  /* a table: new states by key */
    CHANGELOG_RETRACT, /* a table: new states with the previous ones */
};

struct aggregate_item {
    const struct resolved_call *call;
    uint32_t n_args, n_literals;
    const uint32_t *args; /* indexes into the input's columns */
    const struct value *literals;
    struct str text;
    int64_t limit; /* of the items in its state; 0: none */
};

struct logical {
    enum logical_kind kind;
    const char *context; /* ksqlDB's: "KsqlTopic", "WhereFilter", "Aggregate-Prepare" */
    struct schema schema;
    enum changelog changelog;
    uint32_t n_inputs;
    const struct logical *inputs[2];
    union {
        struct {
            const struct source *source;
            const struct source_read *reads; /* one a column of the schema */
            bool is_materialized;
        } source;
        struct {
            const struct expr *predicate;
        } filter;
        struct { /* PROJECT, REKEY, GROUP */
            const struct expr *const *exprs;
            bool keeps_key;            /* GROUP by exactly the key: nothing moves */
            const struct moved *moved; /* REKEY: through a topic; NULL: the key is only for the sink */
        } select;
        struct {
            uint32_t n_calls;
            const struct expr *const *calls;
        } flat_map;
        struct {
            uint32_t n_calls;
            const struct aggregate_item *calls;
            struct window_spec window;
            struct str reads, functions; /* see plan.h */
        } aggregate;
        struct { /* inputs are exchanged for RIGHT joins. FOREIGN_KEY: keys are those of input 0, of input 1 only the
                    columns behind its keys are used */
            enum join_shape shape;
            enum join_outer outer;
            const struct join_column *columns; /* one a column of the schema behind the keys */
            int64_t before, after, grace;
            bool has_grace;
            const char *stores[2], *pending_store;
            const struct expr *foreign_key; /* over input 0 */
            bool keeps_result;              /* FOREIGN_KEY: what is above wants previous states */
            const char *subscriptions, *answers, *subscription_store;
            struct topic_formats left_formats, right_formats; /* FOREIGN_KEY: of the inputs */
        } join;
    };
};

/* The logical plan of a query: its root, and what the query's result looks like from outside. */
struct logical_query {
    const struct logical *root;
    bool is_table;
    uint32_t n_output; /* what is selected, in order: indexes into root->schema */
    const uint32_t *output;
    struct diag sink_error; /* what is wrong with the keys in the projection: found when the sink is built */
};
/* Reports the sink error, if there is one. */
enum status logical_check_sink(struct planner *p, const struct logical_query *lq);
enum status query_to_logical(struct planner *p, struct query *q, struct logical_query *out);
struct logical *logical_new(struct planner *p, enum logical_kind kind, const char *context,
                            const struct logical *input);
const struct logical *logical_source(struct planner *p, const struct source *s, const char *context);
void logical_print(struct buf *out, const struct logical *node);

enum projection_rule {
    KEYS_ALL,       /* every key must be selected */
    KEYS_GROUPED,   /* the same, and only those that are missing are named */
    KEYS_JOINED,    /* one key; key_texts: the columns that it may be selected as */
    KEYS_SYNTHETIC, /* one key, that no source has */
    KEYS_FOREIGN,   /* the keys of the left table of a foreign-key join */
};

/* What the projection of a query needs to know of the keys below it. */
struct projection {
    uint32_t n_keys;
    const struct ast_expr **keys; /* qualified: an item equal to one is that key */
    enum projection_rule rule;
    uint32_t n_key_texts;
    const struct str *key_texts; /* as messages show them */
    const char *key_kind;        /* "key column", "partitioning expression", "grouping expression", "join expression" */
    struct str left_table;       /* KEYS_FOREIGN */
    const struct ast_expr **plain; /* the items' expressions over the input's schema, one an item of the query */
    const struct ast_expr **shown; /* the same as messages show them */
    const char *context;
};
/* logical/join.c: the tree of joins in the place of the source; fills in `proj`. */
const struct logical *logical_joins(struct planner *p, struct query *q, struct projection *proj);
/* logical/aggregate.c: everything between the source and the projection of a grouped query; fills in `proj`. */
const struct logical *logical_aggregate(struct planner *p, struct query *q, const struct logical *input,
                                        struct projection *proj);
/* logical/rekey.c: PARTITION BY, and table functions. */
const struct logical *logical_rekey(struct planner *p, struct query *q, const struct logical *input,
                                    struct projection *proj);
const struct logical *logical_flat_map(struct planner *p, struct query *q, const struct logical *input,
                                       struct projection *proj);
/* logical/project.c: the last select, and the rules of keys in it. */
const struct logical *logical_project(struct planner *p, struct query *q, const struct logical *input,
                                      const struct projection *proj, struct logical_query *out);
/* The name of a key that PARTITION BY or GROUP BY makes: that of the column, of the field, or a new KSQL_COL_n. */
struct str new_key_name(struct planner *p, const struct schema *schema, const struct ast_expr *e, unsigned *next);
/* Whether the expressions (plain) are exactly the key columns, in order. */
bool exprs_are_key(const struct schema *schema, const struct ast_expr *const *exprs, uint32_t n);
enum status window_bind(struct planner *p, const struct ast_window *w, bool is_final, struct window_spec *out);

/* ---- rewrites ---- */

const struct logical *rewrite_all(struct planner *p, const struct logical *root);
const struct logical *rewrite_fold(struct planner *p, const struct logical *node);
const struct expr *fold_or(struct planner *p, const struct expr *e); /* its arguments are folded; NULL: no memory */
const struct logical *rewrite_merge(struct planner *p, const struct logical *node);
const struct logical *rewrite_filter(struct planner *p, const struct logical *node);
const struct logical *rewrite_prune(struct planner *p, const struct logical *node);
/* Marks where previous states are needed, and so which source tables are materialized. `keep_tables`: all of them, for
 * pull queries. */
const struct logical *rewrite_changelog(struct planner *p, const struct logical *node, bool keep_tables);

/* `e` with its arguments mapped: itself if none changed, else a copy. NULL (from `map` too): no memory. */
typedef const struct expr *(*expr_map)(struct planner *p, const struct expr *e, void *data);
const struct expr *expr_map_args(struct planner *p, const struct expr *e, expr_map map, void *data);
/* Answers a copy of `e` in which `change` has replaced nodes (NULL from it: go on below). NULL: no memory. */
typedef const struct expr *(*expr_change)(void *data, const struct expr *e, bool *failed);
const struct expr *expr_rewrite(struct planner *p, const struct expr *e, expr_change change, void *data);
void expr_walk(const struct expr *e, bool (*visit)(void *data, const struct expr *e), void *data);

/* statement/select.c: the logical plan of an analysed query, and the rewritten one. `keep_tables`: what it reads may be
 * asked for by pull queries. */
enum status plan_logical(struct planner *p, struct query *q, bool keep_tables, struct logical_query *lq,
                         struct planned *out);

/* ---- physical plan ---- */

struct sink_target { /* where the rows go */
    enum { TARGET_TOPIC, TARGET_CLIENT } kind;
    struct str name;
    const char *topic;
    struct topic_formats formats;
    struct timestamp_spec timestamp;
};
struct plan *physical_plan(struct planner *p, const struct logical *root, const struct sink_target *target,
                           const struct query *q, const char *query_id);

#endif
