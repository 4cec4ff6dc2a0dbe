/* What the files of functions/ share: parsed signatures, and the tables of the families. Private to this folder. */
#ifndef WEIR_FUNCTIONS_INT_H
#define WEIR_FUNCTIONS_INT_H

#include "functions/functions.h"

/* ---- signatures (signature.c) ------------------------------------------------------------------------------ */

enum sig_kind {
    SIG_PLAIN,   /* a type without parameters, or DECIMAL of any precision; LAMBDA never */
    SIG_GENERIC, /* one capital letter */
    SIG_ANY,     /* takes every type, each argument its own */
    SIG_ARRAY,   /* items: element */
    SIG_MAP,     /* items: key, value */
    SIG_STRUCT,  /* items: fields; none: every struct */
    SIG_LAMBDA,  /* items: n parameters, then the result */
};

struct sig_type {
    enum sig_kind kind;
    enum type_kind base;       /* PLAIN */
    uint16_t precision, scale; /* DECIMAL(p, s); precision 0: not given */
    char generic;              /* 'A'..'Z' */
    uint32_t n;
    const struct sig_type *items;
    const struct str *names; /* STRUCT: of the fields */
};

struct sig_param {
    struct sig_type type;
    struct str name; /* may be empty */
};

struct signature {
    uint32_t n_params;
    uint32_t n_columns; /* parameters before ';': the others must be literals */
    int variadic;       /* index of the parameter that repeats; -1: none */
    const struct sig_param *params;
    struct sig_type result;
    bool computed; /* '*': by the variant's result_type */
};

/* Parses "(T, ARRAY<U> list; INT k) -> MAP<T, U> *". False: not a signature, or no memory. Names point into `text`. */
bool signature_parse(struct arena *a, const char *text, struct signature *out);
void signature_type_print(struct buf *out, const struct sig_type *t);
bool sig_has_generic(const struct sig_type *t); /* or ANY */
/* The signatures of a registered function, one a variant; NULL: not registered. */
const struct signature *function_signatures(const struct function *f);

/* ---- families ------------------------------------------------------------------------------------------------ */

struct function_family {
    const struct function *functions;
    uint32_t n;
};
#define FAMILY(table)                                                                                                  \
    {                                                                                                                  \
        (table), sizeof(table) / sizeof((table)[0])                                                                    \
    }

/* .variants and .n_variants of a table row. */
#define VARIANTS(...)                                                                                                  \
    .variants = (const struct function_variant[]){__VA_ARGS__},                                                        \
    .n_variants = sizeof((const struct function_variant[]){__VA_ARGS__}) / sizeof(struct function_variant)
/* A variant of an aggregate. */
#define AGGREGATE(text, ops)                                                                                           \
    {                                                                                                                  \
        .signature = (text), .aggregate = (ops)                                                                        \
    }
/* A scalar variant that is called with nulls, and one that is not. */
#define CALL(text, function)                                                                                           \
    {                                                                                                                  \
        .signature = (text), .fn = (function)                                                                          \
    }
#define CALL_NOT_NULL(text, function)                                                                                  \
    {                                                                                                                  \
        .signature = (text), .fn = (function), .null_in_null_out = true                                                \
    }

extern const struct function_family functions_array, functions_bytes, functions_conditional, functions_date_math,
    functions_datetime, functions_geo, functions_json, functions_lambda, functions_map, functions_mask, functions_math,
    functions_regex, functions_string, functions_table, functions_url;
extern const struct function_family functions_agg_basic, functions_agg_collect, functions_agg_distinct,
    functions_agg_offset, functions_agg_statistics, functions_agg_topk;
extern const struct function_family functions_testing, functions_testing_aggregates;

#endif
