/* The syntax tree: what the parser makes and everything behind it reads.
 *
 * Plain, open, const data in an arena; nothing here is freed by itself. A node starts with its tag (`kind`), then says
 * where it stands in the text (`span`: line and column over the whole text that was parsed, byte offsets into it).
 * The tree is as written: names are folded to upper case unless they were quoted, numbers are typed, everything else
 * (types, names, functions) is resolved by the planner.
 *
 * Depth: no tree is deeper than AST_MAX_DEPTH levels, so recursive walks need no check of their own. Chains of one
 * operator (a OR b OR c ...) lean to the left; from AST_CHAIN_DEPTH levels on they grow in width: the topmost node has
 * more than two arguments then. */
#ifndef WEIR_PARSER_AST_H
#define WEIR_PARSER_AST_H

#include "core/core.h"

enum { AST_MAX_DEPTH = 1000, AST_CHAIN_DEPTH = 100 };

/* ---- names -------------------------------------------------------------------------------------------- */

/* An identifier. `text` is what it means: upper case, or as it stood between its quotes (doubled ones undone).
 * `${x}` keeps its text including the braces: it was not replaced. p NULL: there is no name (no alias, ...). */
struct ast_name {
    struct span span;
    struct str text;
    bool quoted;
};

/* ---- types -------------------------------------------------------------------------------------------- */

enum ast_type_kind {
    AST_TYPE_NAME,    /* STRING, VARCHAR, INT, ... or a custom type: see parser_type() */
    AST_TYPE_DECIMAL, /* precision, scale (unchecked) */
    AST_TYPE_ARRAY,   /* element */
    AST_TYPE_MAP,     /* key, element */
    AST_TYPE_STRUCT,  /* n_fields, fields */
};

struct ast_type {
    enum ast_type_kind kind;
    uint32_t depth;
    struct span span;
    struct ast_name name;
    int64_t precision, scale;
    const struct ast_type *key, *element;
    uint32_t n_fields;
    const struct ast_field *fields;
};
struct ast_field {
    struct ast_name name;
    const struct ast_type *type;
};

/* ---- expressions -------------------------------------------------------------------------------------- */

enum ast_expr_kind {
    /* literals */
    AST_NULL,
    AST_BOOLEAN,  /* boolean */
    AST_INT,      /* integer, in 32 bits; the sign of a negative literal belongs to it */
    AST_BIGINT,   /* integer */
    AST_DECIMAL,  /* text: sign, digits and point as written (`1.50`); also DECIMAL '1.50' */
    AST_DOUBLE,   /* number; text as written */
    AST_STRING,   /* text: quotes undone */
    AST_VARIABLE, /* ${x} in the place of a literal; text with the braces */
    AST_UNIT,     /* a bare time unit as an argument; text: capitals, plural (DAYS). Only the plural words, which are
                     reserved, and MILLISECOND: DAY alone is a column of that name, which functions may take as a unit */
    /* names */
    AST_COLUMN,     /* source (len 0: none), text */
    AST_LAMBDA_VAR, /* text: the name of an argument of an enclosing lambda */
    /* operators */
    AST_SIGN,        /* op OP_ADD or OP_SUB; 1 arg */
    AST_ARITHMETIC,  /* ast_chain_op: OP_ADD..OP_MOD; 2 args, or a chain of + and -, or of *, / and % */
    AST_COMPARISON,  /* op OP_EQ..OP_NOT_DISTINCT; 2 args */
    AST_AND,         /* 2 args, or a chain */
    AST_OR,          /* 2 args, or a chain */
    AST_NOT,         /* 1 arg; NOT BETWEEN, NOT IN and NOT LIKE are AST_NOT of the predicate */
    AST_IS_NULL,     /* 1 arg */
    AST_IS_NOT_NULL, /* 1 arg */
    AST_BETWEEN,     /* value, low, high */
    AST_IN,          /* value, items... (no items: refused by parser_prepare) */
    AST_LIKE,        /* value, pattern; text: the escape (len 0: none), checked by parser_prepare */
    AST_AT_ZONE,     /* e AT TIME ZONE 'text'; 1 arg; has no meaning yet: refused when typed */
    /* others */
    AST_CASE,        /* when, then, when, then..., [else]: odd n_args means that the last one is the ELSE */
    AST_CASE_SIMPLE, /* operand, when, then..., [else]: even n_args means ELSE; refused when typed */
    AST_CAST,        /* 1 arg; type */
    AST_SUBSCRIPT,   /* base, index */
    AST_DEREF,       /* base; text: the field */
    AST_CALL, /* text: function name; args; star: f(*), args are then empty; op OP_CONCAT: written as ||, may be a chain
               */
    AST_LAMBDA, /* body in args[0]; n_names, names: its arguments */
    AST_ARRAY,  /* items */
    AST_MAP,    /* key, value, key, value... */
    AST_STRUCT, /* values; names[i] is the field of args[i] */
};

enum ast_op {
    OP_NONE,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_DISTINCT,     /* IS DISTINCT FROM */
    OP_NOT_DISTINCT, /* IS NOT DISTINCT FROM */
    OP_CONCAT,       /* on AST_CALL of CONCAT only */
};

struct ast_expr {
    enum ast_expr_kind kind;
    enum ast_op op;
    bool quoted; /* text was a quoted name (AST_COLUMN, AST_DEREF, AST_CALL) */
    bool source_quoted;
    bool star;
    bool boolean;
    uint32_t depth;   /* 1: a leaf */
    struct span span; /* from the first to the last token of the expression */
    struct str text;
    struct str source;
    union {
        int64_t integer;
        double number;
        const struct ast_type *type;
        const struct ast_name *names; /* AST_LAMBDA, AST_STRUCT */
        const enum ast_op *ops;       /* AST_ARITHMETIC with more than 2 args; ops[i] stands before args[i + 1] */
    };
    uint32_t n_names;
    uint32_t n_args;
    const struct ast_expr *const *args;
};

/* The operator before args[i + 1] of an operator with two or more arguments. */
static inline enum ast_op ast_chain_op(const struct ast_expr *e, uint32_t i)
{
    return e->kind == AST_ARITHMETIC && e->n_args > 2 ? e->ops[i] : e->op;
}

/* ---- queries ------------------------------------------------------------------------------------------ */

enum ast_item_kind {
    ITEM_STAR,        /* *          */
    ITEM_SOURCE_STAR, /* source.*   */
    ITEM_EXPR,        /* expr [AS alias] */
    ITEM_STRUCT_STAR, /* expr->*    */
};
struct ast_item {
    enum ast_item_kind kind;
    struct span span;
    struct ast_name source; /* ITEM_SOURCE_STAR */
    const struct ast_expr *expr;
    struct ast_name alias; /* text.p NULL: none */
};

enum ast_unit { UNIT_MILLISECONDS, UNIT_SECONDS, UNIT_MINUTES, UNIT_HOURS, UNIT_DAYS };
struct ast_duration {
    struct span span; /* line 0: not given */
    int64_t amount;
    enum ast_unit unit;
    int64_t ms; /* amount in milliseconds, at most INT64_MAX */
};
static inline bool ast_duration_given(const struct ast_duration *d)
{
    return d->span.line != 0;
}

struct ast_source {
    struct span span;
    struct ast_name name;
    struct ast_name alias; /* as written; text.p NULL: none, then the name is the alias */
};

enum ast_join_type { JOIN_INNER, JOIN_LEFT, JOIN_RIGHT, JOIN_FULL };
struct ast_join {
    enum ast_join_type type;
    struct span span;
    struct ast_source source;
    bool has_within;
    struct ast_duration before, after; /* equal for the form WITHIN n unit */
    struct ast_duration grace;
    const struct ast_expr *on; /* NULL: left out (refused by parser_prepare) */
};

struct ast_window {
    enum window_kind kind;    /* WINDOW_TUMBLING, _HOPPING, _SESSION */
    struct span span;         /* from WINDOW on */
    struct ast_name name;     /* WINDOW name TUMBLING (...); text.p NULL: none */
    struct ast_duration size; /* SESSION: the gap */
    struct ast_duration advance;
    struct ast_duration retention, grace;
};

/* GROUP BY or PARTITION BY. */
struct ast_keys {
    struct span span; /* line 0: there is no such clause */
    uint32_t n;       /* 0 with a span: `()`, refused by parser_prepare */
    bool parenthesised;
    const struct ast_expr *const *exprs;
};
static inline bool ast_keys_given(const struct ast_keys *k)
{
    return k->span.line != 0;
}

enum ast_emit { EMIT_NONE, EMIT_CHANGES, EMIT_FINAL };

struct ast_query {
    struct span span;
    uint32_t n_items;
    const struct ast_item *items;
    struct ast_source from;
    uint32_t n_joins;
    const struct ast_join *joins;    /* left to right */
    const struct ast_window *window; /* NULL: none */
    const struct ast_expr *where;    /* NULL: none */
    struct ast_keys group_by, partition_by;
    const struct ast_expr *having; /* NULL: none */
    enum ast_emit emit;            /* EMIT_NONE: a pull query, or a persistent one */
    bool has_limit;
    int64_t limit; /* may be negative: `LIMIT -1` is refused later */
    struct span limit_span;
};

/* ---- statements --------------------------------------------------------------------------------------- */

enum ast_stmt_kind {
    STMT_QUERY,            /* struct ast_stmt_query */
    STMT_CREATE_SOURCE,    /* struct ast_create_source */
    STMT_CREATE_AS,        /* struct ast_create_as */
    STMT_CREATE_CONNECTOR, /* struct ast_create_connector */
    STMT_CREATE_TYPE,      /* struct ast_create_type */
    STMT_INSERT_SELECT,    /* struct ast_insert_select */
    STMT_INSERT_VALUES,    /* struct ast_insert_values */
    STMT_DROP_SOURCE,      /* struct ast_drop */
    STMT_DROP_CONNECTOR,   /* struct ast_drop */
    STMT_DROP_TYPE,        /* struct ast_drop */
    STMT_ALTER_SOURCE,     /* struct ast_alter_source */
    STMT_LIST,             /* struct ast_list */
    STMT_DESCRIBE,         /* struct ast_describe */
    STMT_PRINT,            /* struct ast_print */
    STMT_TERMINATE,        /* struct ast_query_control */
    STMT_PAUSE,            /* struct ast_query_control */
    STMT_RESUME,           /* struct ast_query_control */
    STMT_SET,              /* struct ast_setting */
    STMT_UNSET,            /* struct ast_setting */
    STMT_ALTER_SYSTEM,     /* struct ast_setting */
    STMT_DEFINE,           /* struct ast_setting */
    STMT_UNDEFINE,         /* struct ast_setting */
    STMT_EXPLAIN,          /* struct ast_explain */
    STMT_ASSERT_TOPIC,     /* struct ast_assert_topic */
    STMT_ASSERT_SCHEMA,    /* struct ast_assert_schema */
    /* test scripts only */
    STMT_ASSERT_VALUES,      /* struct ast_insert_values */
    STMT_ASSERT_NULL_VALUES, /* struct ast_insert_values */
    STMT_ASSERT_SOURCE,      /* struct ast_create_source */
    STMT_RUN_SCRIPT,         /* struct ast_run_script */
};

/* A place that variable substitution looks at. */
enum ast_hole_kind {
    HOLE_NAME,    /* ${x} as an identifier */
    HOLE_LITERAL, /* ${x} as a literal */
    HOLE_STRING,  /* a string literal that holds ${ */
};
struct ast_hole {
    enum ast_hole_kind kind;
    struct span span;
};

/* The head of every statement: cast by `kind`. */
struct ast_stmt {
    enum ast_stmt_kind kind;
    uint32_t depth;
    struct span span; /* without the semicolon */
    struct str text;  /* as written, with the semicolon; points into the text that was parsed */
    uint32_t n_holes;
    const struct ast_hole *holes; /* in the order of the text */
    /* A mistake that does not keep the statement from being parsed (a number too large, two equal columns...). ksqlDB
     * finds it when the statement's turn comes. parser_prepare() reports it. NULL: none. */
    const struct diag *mistake;
};

/* name = value of a WITH clause. */
struct ast_property {
    struct span span;
    struct ast_name name;         /* upper case, also if quoted, except for connectors: then as written if quoted */
    const struct ast_expr *value; /* a literal; AST_NULL is possible */
};
struct ast_properties {
    struct span span; /* line 0: no WITH */
    uint32_t n;
    const struct ast_property *items;
};

enum ast_role { AST_ROLE_NONE, AST_ROLE_KEY, AST_ROLE_PRIMARY_KEY, AST_ROLE_HEADERS, AST_ROLE_HEADER };
struct ast_element {
    struct span span;
    struct ast_name name;
    const struct ast_type *type;
    enum ast_role role;
    struct str header; /* AST_ROLE_HEADER: which one */
};

struct ast_stmt_query {
    struct ast_stmt head;
    const struct ast_query *query;
};
struct ast_create_source { /* also ASSERT STREAM|TABLE */
    struct ast_stmt head;
    bool is_table, or_replace, is_source, if_not_exists;
    bool has_elements; /* `()` or a list was written */
    struct ast_name name;
    uint32_t n_elements;
    const struct ast_element *elements;
    struct ast_properties with;
};
struct ast_create_as {
    struct ast_stmt head;
    bool is_table, or_replace, if_not_exists;
    struct ast_name name;
    struct ast_properties with;
    const struct ast_query *query;
};
struct ast_create_connector {
    struct ast_stmt head;
    bool is_sink, if_not_exists;
    struct ast_name name;
    struct ast_properties with;
};
struct ast_create_type {
    struct ast_stmt head;
    bool if_not_exists;
    struct ast_name name;
    const struct ast_type *type;
};
struct ast_insert_select {
    struct ast_stmt head;
    struct ast_name target;
    struct ast_properties with;
    const struct ast_query *query;
};
struct ast_insert_values { /* also ASSERT VALUES and ASSERT NULL VALUES (values: the key) */
    struct ast_stmt head;
    struct ast_name target;
    uint32_t n_columns; /* 0: no list */
    const struct ast_name *columns;
    uint32_t n_values;
    const struct ast_expr *const *values;
};
struct ast_drop {
    struct ast_stmt head;
    bool is_table, if_exists, delete_topic;
    struct ast_name name;
};
struct ast_alter_source {
    struct ast_stmt head;
    bool is_table;
    struct ast_name name;
    uint32_t n_elements; /* roles are all AST_ROLE_NONE */
    const struct ast_element *elements;
};

enum ast_list_what {
    LIST_PROPERTIES,
    LIST_TOPICS,
    LIST_STREAMS,
    LIST_TABLES,
    LIST_FUNCTIONS,
    LIST_CONNECTORS,
    LIST_CONNECTOR_PLUGINS,
    LIST_TYPES,
    LIST_VARIABLES,
    LIST_QUERIES,
};
enum ast_connector_scope { CONNECTOR_ANY, CONNECTOR_SOURCE, CONNECTOR_SINK };
struct ast_list {
    struct ast_stmt head;
    enum ast_list_what what;
    bool all; /* LIST ALL TOPICS */
    bool extended;
    enum ast_connector_scope scope;
};

enum ast_describe_what { DESCRIBE_SOURCE, DESCRIBE_STREAMS, DESCRIBE_TABLES, DESCRIBE_FUNCTION, DESCRIBE_CONNECTOR };
struct ast_describe {
    struct ast_stmt head;
    enum ast_describe_what what;
    bool extended;
    struct ast_name name; /* none for DESCRIBE_STREAMS and DESCRIBE_TABLES */
};
struct ast_print {
    struct ast_stmt head;
    struct ast_name topic; /* as written: case kept, whether quoted or not */
    bool from_beginning;
    int64_t interval; /* 1 if not given */
    bool has_limit;
    int64_t limit;
};
struct ast_query_control {
    struct ast_stmt head;
    bool all;
    struct ast_name query; /* as written: query ids keep their case */
};
struct ast_setting { /* SET, UNSET, ALTER SYSTEM, DEFINE, UNDEFINE */
    struct ast_stmt head;
    struct ast_name name; /* property: text of the literal; variable: as written, case kept */
    struct str value;     /* quotes undone; p NULL for UNSET and UNDEFINE */
};
struct ast_explain {
    struct ast_stmt head;
    const struct ast_stmt *statement; /* NULL: then `query` */
    struct ast_name query;            /* as written */
};
struct ast_assert_topic {
    struct ast_stmt head;
    bool exists;           /* false: ASSERT NOT EXISTS */
    struct ast_name topic; /* as written */
    struct ast_properties with;
    struct ast_duration timeout; /* not given: 1000 ms */
};
struct ast_assert_schema {
    struct ast_stmt head;
    bool exists;
    bool has_subject, has_id; /* at least one, else refused by parser_prepare */
    struct ast_name subject;  /* as written */
    int64_t id;
    struct ast_duration timeout;
};
struct ast_run_script {
    struct ast_stmt head;
    struct str file;
};

#endif
