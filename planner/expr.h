/* Bound expressions: names resolved, types known, casts explicit. Const plain data in the plan's arena.
 * Made by bind/, rewritten by rewrite/, run by exec/expr. */
#ifndef WEIR_PLANNER_EXPR_H
#define WEIR_PLANNER_EXPR_H

#include "functions/functions.h"

enum expr_kind {
    EXPR_LITERAL, /* value (null: type TYPE_NULL or the type it was given) */
    EXPR_COLUMN,  /* column: index into the input schema */
    EXPR_PSEUDO,  /* pseudo */
    EXPR_CALL,    /* call; args */
    EXPR_CAST,    /* args[0]; explicit or planned */
    EXPR_ARITH,   /* op; args[0..1], of one numeric type (unequal DECIMALs allowed); or '+' of two or more STRINGs */
    EXPR_CHAIN,   /* args[0], then args each of which computes on from the result of the one before it (SO_FAR) */
    EXPR_SO_FAR,  /* only inside of a CHAIN */
    EXPR_NEGATE,  /* args[0] */
    EXPR_COMPARE, /* op; args[0..1]: both of one kind (unequal DECIMALs allowed), or DECIMAL-with-DOUBLE never (cast) */
    EXPR_AND,
    EXPR_OR, /* two args or more; short circuit */
    EXPR_NOT,
    EXPR_IS_NULL,
    EXPR_IS_NOT_NULL,
    EXPR_BETWEEN,   /* args: value, low, high */
    EXPR_IN,        /* args: value, then the list; one type */
    EXPR_LIKE,      /* args: value, pattern; escape: `escape` or 0 */
    EXPR_CASE,      /* args: when, then, when, then, ..., [else] (odd count: there is an else); lazy */
    EXPR_SUBSCRIPT, /* args: ARRAY and INT (1-based, negative from the end), or MAP and key */
    EXPR_FIELD,     /* args[0] a STRUCT; column: index of the field */
    EXPR_ARRAY,
    EXPR_STRUCT,     /* args: the items, cast to one type; fields in order */
    EXPR_MAP,        /* args: key, value, key, value ... */
    EXPR_LAMBDA,     /* args[0]: the body; n_params; only as an argument of a call */
    EXPR_LAMBDA_VAR, /* column: depth-first number of the parameter (see lambda_base) */
};

enum pseudo {
    PSEUDO_ROWTIME,
    PSEUDO_ROWPARTITION,
    PSEUDO_ROWOFFSET,
    PSEUDO_WINDOWSTART,
    PSEUDO_WINDOWEND,
    PSEUDO_HEADERS,
    PSEUDO_HEADER /* name: which */
};

enum arith_op { ARITH_ADD, ARITH_SUB, ARITH_MUL, ARITH_DIV, ARITH_MOD };
enum compare_op {
    COMPARE_EQ,
    COMPARE_NE,
    COMPARE_LT,
    COMPARE_LE,
    COMPARE_GT,
    COMPARE_GE,
    COMPARE_DISTINCT,
    COMPARE_NOT_DISTINCT
};

struct expr {
    enum expr_kind kind;
    uint8_t op;  /* arith_op, compare_op, pseudo */
    char escape; /* LIKE */
    bool fails_all; /* an error here always makes the whole item null (ksql.nested.error.set.null) */
    const struct type *type;
    uint32_t column;
    uint32_t n_args;
    const struct expr *const *args;
    struct value value; /* LITERAL */
    const struct resolved_call *call;
    uint32_t lambda_base; /* LAMBDA: number of its first parameter; parameters are numbered over the whole
                             expression, so that an inner lambda sees the outer ones' */
    uint32_t n_params;
    struct str name; /* COLUMN, LAMBDA_VAR, FIELD, HEADER: for printing */
    struct str text; /* as messages print it; set on the roots of items and predicates */
};

/* A bound expression as messages print it: fully parenthesised (rules.md section 0). */
void expr_print(struct buf *out, const struct expr *e);
bool expr_eq(const struct expr *x, const struct expr *y);

#endif
