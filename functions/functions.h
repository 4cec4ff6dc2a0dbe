/* The functions of the language: a registry of const definitions, overload resolution, and the calls' run-time
 * interface.
 *
 * A function is a row in the table of its family's file (functions/scalar/string.c ...), with one variant per
 * signature. A signature is text as in the reference: "(ARRAY<T>, T) -> BOOLEAN", "(STRING, STRING...) -> INT",
 * "(ARRAY<T>, LAMBDA(T)->R) -> ARRAY<R>", "(UNIT, INT, DATE) -> DATE", "(DECIMAL) -> DECIMAL *" (the star:
 * `result_type` computes it). Capital letters are generics, ANY takes everything, names after types are optional.
 * Parameters of an aggregate behind a ';' must be literals: "(T; INT n) -> ARRAY<T>". The registry parses signatures
 * once, at functions_init.
 *
 * Threads: the registry is immutable after functions_init; calls belong to one thread each. */
#ifndef WEIR_FUNCTIONS_H
#define WEIR_FUNCTIONS_H

#include "core/core.h"

enum function_kind { FUNCTION_SCALAR, FUNCTION_AGGREGATE, FUNCTION_TABLE };

/* ---- scalar and table functions: the run-time side ------------------------------------------------------ */

struct call; /* one call site in one running expression */

/* Computes one row. The arguments have exactly the parameter types (casts were planned). Memory that the result points
 * to comes from call->arena (it lives as long as the batch) or is shared with the arguments. Returns false after
 * call_error(): the result is then NULL and the text goes to the processing log. */
typedef bool (*scalar_fn)(struct call *c, const struct value *args, struct value *result);

struct call {
    struct arena *arena;
    uint32_t n_args;
    const struct type *const *arg_types; /* of the values as passed */
    const struct type *result_type;
    void *state;               /* the variant's own, made by `prepare`; NULL if there is none */
    struct arena *state_arena; /* lives as long as the call site */
    int64_t now_ms;            /* wall clock, injected */
    char error[512];           /* of the last failed row */
    /* Calls lambda argument `index` (its position among the arguments) with n values. False: it failed (error is set).
     */
    bool (*invoke)(struct call *c, uint32_t index, const struct value *args, uint32_t n, struct value *result);
    void *invoke_data; /* of the evaluator */
};
bool call_error(struct call *c, const char *format, ...) PRINTF_LIKE(2, 3); /* always false */

/* ---- aggregates ------------------------------------------------------------------------------------------ */

/* The state of an aggregate for one group is `size` bytes in the store's slot (fixed), or, with size 0, a
 * struct value of the intermediate type that the operator decodes before and encodes after (variable: strings, lists).
 * A fixed state is plain bytes without pointers: it is written to the changelog as it stands (little-endian). */
struct aggregate_call {
    const struct aggregate *ops;
    uint32_t n_args; /* column arguments, without the literal ones */
    const struct type *const *arg_types;
    const struct value *literals; /* trailing literal arguments */
    uint32_t n_literals;
    const struct type *state_type; /* size 0 only */
    const struct type *result_type;
    struct arena *arena; /* for variable states and results: batch scratch */
    int64_t seq;         /* set before each step: grows with the rows of a task (a source offset); says which of two
                            sessions' values came first */
    int64_t limit;       /* items that COLLECT_LIST and COLLECT_SET may hold; 0: no limit */
    char error[512];
};
/* A variable state that is null is the empty one. Fixed states need not be aligned to more than 8 bytes. */
struct aggregate {
    uint32_t (*size)(const struct aggregate_call *c); /* bytes, a multiple of 8; 0: variable */
    const struct type *(*state_type)(struct arena *a, const struct aggregate_call *c); /* variable only */
    void (*init)(const struct aggregate_call *c, void *state);                     /* state: bytes, or struct value * */
    bool (*step)(struct aggregate_call *c, void *state, const struct value *args); /* false: error, kills the query */
    bool (*undo)(struct aggregate_call *c, void *state, const struct value *args); /* NULL: not for tables */
    bool (*merge)(struct aggregate_call *c, void *state, const void *other);       /* sessions */
    bool (*result)(struct aggregate_call *c, const void *state, struct value *out);
    /* Optional: whether the literals will do; the text of the error otherwise. The other operations
     * rely on it: it is called when a statement is planned. */
    const char *(*check)(const struct value *literals, uint32_t n);
};

/* ---- definitions ------------------------------------------------------------------------------------------ */

struct function_variant {
    const char *signature;
    scalar_fn fn; /* SCALAR: the result. TABLE: an ARRAY, one output row an element; the result type of
                     the signature is that ARRAY type too */
    const struct aggregate *aggregate; /* AGGREGATE */
    bool null_in_null_out;             /* SCALAR: any null argument gives null, fn is not called */
    bool nondeterministic;             /* may not be folded */
    /* Signature ends in '*': the result type from the argument types; NULL after diag_set. */
    const struct type *(*result_type)(struct arena *a, const struct type *const *args, uint32_t n, struct diag *d);
    /* Optional: makes call->state from literal arguments (args[i] NULL: not a literal), for example a compiled
     * pattern. False: no memory. An unusable literal is reported by the first call, not here. */
    bool (*prepare)(struct call *c, const struct value *const *args);
    void (*release)(struct call *c); /* frees what prepare made outside state_arena; also after it failed */
};
struct function {
    const char *name;          /* upper case */
    const char *declared_name; /* as messages print it: "greatest", "COALESCE" */
    enum function_kind kind;
    const char *category, *description;
    const struct function_variant *variants;
    uint32_t n_variants;
    uint32_t n_literal_args; /* AGGREGATE: how many trailing parameters must be literals (at most) */
};

/* Builds the registry; idempotent. `with_test_functions` adds those that the conformance cases call. */
enum status functions_init(bool with_test_functions, struct diag *d) MUST_CHECK;
const struct function *function_find(struct str name); /* any case; NULL: unknown */
/* All functions sorted by name. */
const struct function *const *functions_all(size_t *n);

/* ---- overload resolution (reference rules.md 8.1) ----------------------------------------------------------- */

struct resolved_call {
    const struct function *function;
    const struct function_variant *variant;
    const struct type *result;       /* complete, generics replaced */
    const struct type **param_types; /* one an argument: what the argument must be cast to; LAMBDA for lambdas */
    uint32_t n_args;
    /* Aggregates: how many of the arguments are columns; the rest are literals. */
    uint32_t n_columns;
};

/* Arguments during resolution: NULL literal: TYPE_NULL; lambda: TYPE_LAMBDA with its arity; unit: TYPE_UNIT. */
struct arg_info {
    const struct type *type;
    uint32_t lambda_arity;
};

/* Types of lambdas are found in two steps: the resolver calls back with the parameter types of lambda argument `index`,
 * and the binder answers the type of its body (NULL after diag_set). */
typedef const struct type *(*lambda_typer)(void *data, uint32_t index, const struct type *const *params, uint32_t n,
                                           struct diag *d);

/* Chooses the variant. Errors (STATUS_STATEMENT) have ksqlDB's texts. */
enum status function_resolve(struct arena *a, const struct function *f, const struct arg_info *args, uint32_t n,
                             lambda_typer typer, void *typer_data, struct resolved_call *out,
                             struct diag *d) MUST_CHECK;

/* Prints a variant as messages and DESCRIBE FUNCTION do: name(T a, U b). */
void function_print_variant(struct buf *out, const struct function *f, const struct function_variant *v);

/* ---- casts (used by planned CASTs, coercions, INSERT VALUES) -------------------------------------------------- */

bool cast_is_supported(const struct type *from, const struct type *to);
/* Explicit cast of one value, with ksqlDB's rules (java-semantics.md 1-3). False: error text in `error`. */
bool cast_value(struct arena *a, const struct value *v, const struct type *from, const struct type *to,
                struct value *out, char *error, size_t error_size);
/* INT -> BIGINT -> DECIMAL -> DOUBLE, STRING -> DATE/TIME/TIMESTAMP/BYTES, equal types. */
bool cast_is_implicit(const struct type *from, const struct type *to);

#endif
