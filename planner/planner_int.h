/* What the passes of the planner share: the statement being planned, the analysed query, bound names. (Logical
 * nodes: logical/logical.h.)
 * Private to planner/. Convention: a function that answers a pointer answers NULL after it has set the diag. */
#ifndef WEIR_PLANNER_INT_H
#define WEIR_PLANNER_INT_H

#include "planner/planner.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- one statement being planned ---- */

struct planner {
    const struct planner_context *context;
    const struct catalog *catalog;
    const struct ast_stmt *statement;
    struct arena *a;
    struct diag *d;
    bool nested_errors_fail; /* ksql.nested.error.set.null is false */
};

/* Zeroed memory from the arena; NULL after the diag was set. */
void *planner_alloc(struct planner *p, size_t size);
#define PLAN_NEW(p, type) ((type *)planner_alloc((p), sizeof(type)))
#define PLAN_ARRAY(p, type, n) ((type *)planner_alloc((p), (size_t)(n) * sizeof(type)))
/* Errors. plan_error: KsqlStatementException at a place; the text is ksqlDB's. */
enum status plan_error(struct planner *p, struct span where, const char *format, ...) PRINTF_LIKE(3, 4);
enum status plan_invalid(struct planner *p, struct span where, const char *format, ...) PRINTF_LIKE(3, 4);
/* As plan_error, with "Line: l, Col: c: " in front of the text. */
enum status plan_error_placed(struct planner *p, struct span where, const char *format, ...) PRINTF_LIKE(3, 4);
enum status plan_unsupported(struct planner *p, struct span where, const char *what);
enum status plan_nomem(struct planner *p);
/* The bytes of `b` in the arena, and the buffer is freed. {NULL, 0} after the diag was set. */
struct str planner_take(struct planner *p, struct buf *b);
/* A property of the session; false: not set. */
bool planner_property(const struct planner *p, const char *name, struct str *value);
bool planner_flag(const struct planner *p, const char *name, bool otherwise);
const struct type *planner_type(struct planner *p, const struct ast_type *t); /* with the catalog's custom types */

/* Names */
bool is_pseudo_name(struct str name); /* ROWTIME ROWPARTITION ROWOFFSET WINDOWSTART WINDOWEND */
bool is_window_bound(struct str name);
/* `base`, or the first of base_1, base_2 .. that `taken` does not have. */
struct str free_field_name(struct planner *p, struct str field, bool (*taken)(void *data, struct str name), void *data);
/* Texts joined as "A", "A and B", "A, B and C". */
void print_list(struct buf *out, const struct str *items, uint32_t n, const char *last);

/* ---- WITH clauses ---- */

enum with_place { WITH_CREATE_SOURCE, WITH_CREATE_AS, WITH_INSERT };

struct with_side {         /* key or value */
    bool is_key;
    struct str format;     /* p NULL: not given */
    bool format_from_both; /* given by FORMAT */
    bool has_delimiter;
    char delimiter;
    struct serde_properties serde;
    struct span format_span;
};
struct with {
    struct str topic; /* p NULL: not given */
    struct with_side key, value;
    int64_t partitions, replicas, retention_ms; /* -1: not given */
    struct str timestamp, timestamp_format;
    bool has_wrap, wrap;
    enum window_kind window;
    bool has_window_size;
    int64_t window_size;
    struct str query_id;
};
enum status with_parse(struct planner *p, const struct ast_properties *properties, enum with_place place,
                       struct with *out);

/* ---- formats -------------------------------------------------------------------------------------------------------
 */

/* Fills in a side's format from its name. */
enum status format_from_name(struct planner *p, struct str name, struct span where, enum format_kind *kind);
/* What WITH says of schemas; what a format does not know is refused before (format_check_properties). */
void format_take_properties(struct format_spec *spec, const struct serde_properties *serde);
/* AVRO keys are records with a name after their source, unless WITH names them. */
enum status format_name_key(struct planner *p, struct format_spec *spec, struct str source);
/* The properties that a format does not know. */
enum status format_check_properties(struct planner *p, enum format_kind kind, const struct with_side *side);
/* Wrapping of single columns: sets spec->wrapped and the feature. `explicit_wrap`: -1 not given, 0, 1. */
enum status wrap_value(struct planner *p, struct format_spec *spec, uint32_t n_columns, int explicit_wrap,
                       enum wrap_feature *feature);
void wrap_key(struct format_spec *spec, uint32_t n_columns, enum wrap_feature *feature);
/* "Key format does not support schema. ..." unless the format holds the columns. Maps in keys are refused. */
enum status format_check_schema(struct planner *p, const struct format_spec *spec, enum wrap_feature feature,
                                const struct schema_column *columns, uint32_t n, bool is_key);
bool type_has_map(const struct type *t);
/* "Map keys, including types that contain maps, ..." for keys that hold a map. */
enum status check_no_map_key(struct planner *p, struct str name, const struct type *t, struct span where);
/* The last check of all: formats with schemas need a registry. */
enum status format_check_registry(struct planner *p, const char *topic, const struct topic_formats *formats);

/* ---- schemas of the registry (statement/infer.c) ---- */

/* The columns of a side that the statement does not list, from the topic's latest schema or the one that WITH names. `spec` is
 * complete but for `wrapped`, which is set; `bare`: WRAP_SINGLE_VALUE is false. */
enum status infer_columns(struct planner *p, const char *topic, bool is_key, bool bare, struct format_spec *spec,
                          const struct schema_column **columns, uint32_t *n);
/* The statement with these columns instead of its own, as text; declared headers stay. `wrap`: with WRAP_SINGLE_VALUE=true. */
enum status infer_fill(struct planner *p, const struct ast_create_source *ast, const struct schema_column *columns,
                       uint32_t n, bool wrap, struct str *out);
/* CREATE AS with a schema id: the query's columns must be the first ones of that schema. */
enum status check_schema_id(struct planner *p, const char *topic, bool is_key, const struct format_spec *spec,
                            const struct schema_column *columns, uint32_t n);

/* INSERT VALUES: keys are not written with a schema that differs from the one that the topic's keys have. */
enum status check_insert_key(struct planner *p, const struct source *target);

/* ---- timestamps ---- */

/* TIMESTAMP and TIMESTAMP_FORMAT against the columns of a schema (rules.md 7.4). */
enum status timestamp_resolve(struct planner *p, const struct schema *schema, struct str column, struct str format,
                              struct timestamp_spec *out);

/* ---- the analysed query ---------------------------------------------------------------------------------------------
 */

struct query_source {
    const struct source *source;
    struct str alias;
    struct span span;
};

/* One item of SELECT. Expressions have all names qualified by aliases (AST_COLUMN.source). */
struct query_item {
    enum ast_item_kind kind;
    struct span span;
    struct str source; /* ITEM_SOURCE_STAR */
    const struct ast_expr *expr;
    struct str name; /* of the column: the alias, or made up */
    bool is_aliased;
    bool from_star; /* made by expanding a star */
};

enum { MAX_JOINED = 32 }; /* sources of one query */

/* One JOIN: of source number i + 1 with what the joins before it made. */
struct query_join {
    const struct ast_join *ast;
    const struct ast_expr *on;           /* qualified, as written */
    const struct ast_expr *left, *right; /* its sides; right: that of the joined source */
    uint32_t left_source;                /* which source `left` is about */
    /* logical/join_rules.c: */
    bool left_keyed, right_keyed; /* `left`, `right` is the key that the input has anyway */
    bool is_foreign;
    uint32_t n_same; /* columns that hold the key of the result: any of them may be selected as such */
    const struct ast_expr **same;
    const struct ast_expr *key; /* the one that the key is named after, or a synthetic name without source. NULL:
                                   is_foreign, the keys of the left table */
};

enum purpose { PURPOSE_PERSISTENT, PURPOSE_PUSH, PURPOSE_PULL };

struct query {
    const struct ast_query *ast;
    enum purpose purpose;
    bool is_create_as, is_create_table;
    struct str sink; /* PERSISTENT */
    uint32_t n_sources;
    struct query_source *sources; /* [0]: FROM */
    uint32_t n_joins;
    struct query_join *joins;
    uint32_t n_items;
    struct query_item *items;
    const struct ast_expr *where, *having;
    uint32_t n_group_by, n_partition_by;
    const struct ast_expr **group_by, **partition_by;
    const struct ast_window *window;
    bool is_final;
};

/* bind/sanitize.c: finds the sources, qualifies the names, names the items. */
enum status query_sanitize(struct planner *p, const struct ast_query *ast, struct query *q);
/* bind/analyse.c: the rules that need no types, in ksqlDB's order. */
enum status query_analyse(struct planner *p, struct query *q);
/* bind/join.c: part of it. */
enum status query_analyse_joins(struct planner *p, struct query *q);
/* Replaces stars by items. `types` gives the scope in which `expr->*` is typed. */
enum status query_expand_stars(struct planner *p, struct query *q, const struct schema *schema);

/* ---- syntax trees -------------------------------------------------------------------------------------------------
 */

/* Copies a tree with every node answered by `change` (NULL: keep and go on below). Sets *failed on no memory. */
typedef const struct ast_expr *(*ast_change)(void *data, const struct ast_expr *e);
const struct ast_expr *ast_rewrite(struct planner *p, const struct ast_expr *e, ast_change change, void *data);
/* Walks a tree, parents first; false from `visit` skips what is below. */
void ast_walk(const struct ast_expr *e, bool (*visit)(void *data, const struct ast_expr *e), void *data);
const struct ast_expr *ast_column(struct planner *p, struct str source, struct str name, struct span span);
/* The tree as it reads after planning: SRC.COL becomes COL (joins: SRC_COL). */
const struct ast_expr *query_plain(struct planner *p, const struct query *q, const struct ast_expr *e);
struct str query_column_name(struct planner *p, const struct query *q, const struct ast_expr *column);
const struct function *ast_function(const struct ast_expr *e); /* of an AST_CALL; NULL: unknown */
bool ast_is_aggregate(const struct ast_expr *e);
bool ast_has_aggregate(const struct ast_expr *e);
bool ast_is_table_function(const struct ast_expr *e);

/* ---- binding expressions ---- */

struct lambda_scope {
    const struct lambda_scope *outer;
    const struct ast_name *names;
    const struct type *const *types;
    uint32_t n, base;
};

struct binder {
    struct planner *p;
    const struct schema *schema; /* of the input; its window says whether the bounds exist */
    bool is_windowed;
    bool magic_time;            /* ROWTIME and window bounds against text literals: WHERE, HAVING */
    const struct query *joined; /* names are those of a join: ALIAS_ROWTIME is magic too. NULL: none */
    const struct lambda_scope *lambdas;
    uint32_t n_lambda_vars;
    uint32_t below_opaque; /* inside of what is not typed before code generation */
    bool failed_late;      /* the error belongs to code generation */
};
void binder_init(struct binder *b, struct planner *p, const struct schema *schema);
/* Raw binding: errors carry no frame. */
const struct expr *bind_expr(struct binder *b, const struct ast_expr *e);
enum status bind_fail(struct binder *b, const struct ast_expr *at, const char *format, ...) PRINTF_LIKE(3, 4);
struct str bind_text(struct binder *b, const struct ast_expr *e); /* as messages print it */
struct str type_text(struct planner *p, const struct type *t);
/* With frames: an item ("Select", "SelectKey"), a predicate ("WHERE", "HAVING"). `name`: as messages call it. */
const struct expr *bind_item(struct binder *b, const struct ast_expr *e, const char *frame);
const struct expr *bind_predicate(struct binder *b, const struct ast_expr *e, const char *clause);

/* Building blocks (bind/build.c); they answer NULL after an error. */
struct expr *expr_new(struct planner *p, enum expr_kind kind, const struct type *type);
const struct expr *expr_literal(struct planner *p, struct value v, const struct type *type);
/* A literal of the DECIMAL that a text needs: its own digits, and one before the point even when that is 0. False, without an
 * error: the text is no number. True with *out NULL: an error. */
bool expr_decimal(struct planner *p, struct str text, const struct expr **out);
const struct expr *expr_column(struct planner *p, const struct schema *schema, uint32_t index);
const struct expr *expr_pseudo(struct planner *p, enum pseudo which);
const struct expr *expr_n(struct planner *p, enum expr_kind kind, const struct type *type,
                          const struct expr *const *args, uint32_t n);
/* `e` cast to `to`, folded for literals; `e` itself if the type is right already. */
const struct expr *expr_cast(struct planner *p, const struct expr *e, const struct type *to);
static inline bool expr_is_null_literal(const struct expr *e)
{
    return e->kind == EXPR_LITERAL && value_is_null(&e->value) && e->type->kind == KIND_NULL;
}

/* Parts of bind_expr. */
const struct expr *bind_call(struct binder *b, const struct ast_expr *e);
/* A call of a function of that kind; the arguments are cast to the parameters. */
const struct expr *bind_call_of(struct binder *b, const struct ast_expr *e, enum function_kind kind);
const struct expr *bind_arithmetic(struct binder *b, const struct ast_expr *e);
const struct expr *bind_comparison(struct binder *b, const struct ast_expr *e);
const struct expr *bind_between(struct binder *b, const struct ast_expr *e);
const struct expr *bind_in(struct binder *b, const struct ast_expr *e);
const struct expr *bind_case(struct binder *b, const struct ast_expr *e);
const struct expr *bind_array(struct binder *b, const struct ast_expr *e);
const struct expr *bind_map(struct binder *b, const struct ast_expr *e);
const struct type *wider_type(struct planner *p, const struct type *x, const struct type *y); /* both numeric */

/* ---- statements ---- */

enum status plan_create_source(struct planner *p, const struct ast_create_source *s, struct planned *out);
enum status plan_create_as(struct planner *p, const struct ast_create_as *s, struct planned *out);
enum status plan_insert_select(struct planner *p, const struct ast_insert_select *s, struct planned *out);
enum status plan_insert_values(struct planner *p, const struct ast_insert_values *s, struct planned *out);
/* The last check, of the formats of the sources and the sink (NULL: none). */
enum status check_registries(struct planner *p, const struct query *q, const struct source *sink);
enum status plan_select(struct planner *p, const struct ast_stmt_query *s, struct planned *out);
enum status plan_pull(struct planner *p, struct query *q, struct planned *out);
enum status plan_drop_source(struct planner *p, const struct ast_drop *s, struct planned *out);
enum status plan_alter_source(struct planner *p, const struct ast_alter_source *s, struct planned *out);
enum status plan_create_type(struct planner *p, const struct ast_create_type *s, struct planned *out);
enum status plan_drop_type(struct planner *p, const struct ast_drop *s, struct planned *out);
/* Sets the diag's context to the statement as ksqlDB echoes it: formatted, with the names of the sanitized query. */
void echo_create_as(struct planner *p, const struct ast_create_as *ast, const struct query *q);
/* CREATE OR REPLACE over `old` (rules.md 4.2). */
enum status check_replaceable(struct planner *p, const struct source *old, const struct source *new_one);
enum status check_query_replaceable(struct planner *p, const struct source *old, const struct plan *plan);
/* "Cannot add stream 'X': ..." if the name is taken. */
enum status check_name_free(struct planner *p, struct str name, bool is_table, bool or_replace);
/* Copies columns into a schema in key-first order (headers last), with `declared`. */
enum status schema_from_columns(struct planner *p, const struct schema_column *columns, uint32_t n, struct source *out);
/* A deep copy of a catalog entry in the statement's arena (its own arena stays empty). */
struct source *source_copy_into(struct planner *p, const struct source *s);
/* A new entry in the statement's arena. */
struct source *source_new(struct planner *p, struct str name, bool is_table);
/* The topic of a new stream or table: there already, with the right numbers, or to be created. */
enum status topic_for_source(struct planner *p, const struct with *w, struct span where, struct planned_topic *out);
enum status topic_for_sink(struct planner *p, const struct with *w, const struct source *from, struct span where,
                           struct planned_topic *out);

#endif
