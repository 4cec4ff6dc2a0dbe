/* Private parts of exec/expr: compiled nodes, and one evaluation in progress. */
#ifndef WEIR_EXEC_EXPR_INT_H
#define WEIR_EXEC_EXPR_INT_H

#include "exec/expr/expr.h"
#include "functions/value_set.h"

/* ---- compiled expressions ------------------------------------------------------------------------------------ */

struct eval;
struct like;
struct vec;
struct rows;

struct node {
    const struct expr *e;
    struct node **args;
    uint32_t n_args;
    bool result;          /* its cells are the program's result, or may become it */
    bool boundary;        /* a failure inside makes this node null, no more */
    bool sure;            /* BOOLEAN that can neither fail nor be null */
    struct value *values; /* room for the arguments of one row */
    const struct type **arg_types;
    struct call *call;      /* CALL */
    struct like *like;      /* LIKE with a literal pattern */
    struct value_set *list; /* IN with many literals: those that are not null */
    /* The vector kernel, or NULL: row by row. Arguments are in `args`. False: no memory. */
    bool (*kernel)(struct eval *x, const struct node *n, struct rows rows, const struct vec *args, struct vec *out);
};

enum {
    LONG_LIST = 10,  /* arguments of IN above which its literals become a hash table */
    LONG_CHAIN = 1000, /* arguments of AND and OR above which columns of results would take too much memory */
};

struct expr_prog {
    struct node *root;
    struct node **calls; /* whose variants have something to release */
    uint32_t n_calls;
    struct value *vars; /* lambda parameters, by number */
    uint32_t n_vars;
};

/* ---- evaluation ----------------------------------------------------------------------------------------------- */

/* The rows to compute: at[0..n), or all of 0..n when `at` is NULL. */
struct rows {
    const uint16_t *at;
    uint32_t n;
};
/* A loop over rows whose dense form the compiler can vectorise. */
#define ROWS_LOOP(rows, row, ...)                                                                                      \
    do {                                                                                                               \
        if (!(rows).at) {                                                                                              \
            for (uint32_t row = 0; row < (rows).n; row++)                                                              \
                __VA_ARGS__                                                                                            \
        } else {                                                                                                       \
            for (uint32_t row##_i = 0; row##_i < (rows).n; row##_i++) {                                                \
                uint32_t row = (rows).at[row##_i];                                                                     \
                __VA_ARGS__                                                                                            \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)
#define ROWS_EACH(rows, i, row)                                                                                        \
    for (uint32_t i = 0, row = 0; i < (rows).n && (row = (rows).at ? (rows).at[i] : i, 1); i++)

/* A column of results, or one value for all rows. */
struct vec {
    bool constant;
    struct value value;   /* constant */
    struct column column; /* otherwise */
};

struct failure {
    uint32_t row;
    uint32_t number; /* in order of detection */
    const char *message;
};

struct eval {
    struct expr_prog *prog;
    const struct expr_run *run;
    const struct batch *in;
    uint32_t n_physical;
    uint64_t *failed; /* rows that failed since the innermost boundary; NULL: none */
    struct failure *failures;
    uint32_t n_failures, cap_failures;
    uint32_t row;        /* row mode: the current one */
    struct value so_far; /* row mode: of the chain being computed */
    char error[512];     /* row mode: why it failed */
    bool nomem;
};

/* Row mode (row.c). False: it failed, the text is in x->error, or x->nomem is set. */
bool row_eval(struct eval *x, const struct node *n, uint32_t row, struct value *out);
bool row_inner(struct eval *x, const struct node *n, uint32_t row, struct value *out); /* not stopped by a boundary */
/* The operation alone, on computed arguments. Not for AND, OR, CASE, LAMBDA. */
bool row_apply(struct eval *x, const struct node *n, const struct value *args, struct value *out);

/* Column mode (eval.c). False: no memory. */
bool eval_fail(struct eval *x, uint32_t row, const char *message);
bool eval_record(struct eval *x, uint32_t row, const char *message); /* reports, without failing the row */
/* A new column of results of node `n` for all physical rows. */
bool vec_init(struct eval *x, const struct node *n, bool nullable, struct vec *out);
/* Turns a constant into a column with that value in the rows. */
bool vec_spread(struct eval *x, const struct type *type, struct rows rows, struct vec *v);
struct value vec_get(const struct vec *v, uint32_t row);
bool vec_is_null(const struct vec *v, uint32_t row);
/* The rows without those that failed. */
bool rows_live(struct eval *x, struct rows *rows);
/* Every null in `v` among the rows fails. */
bool fail_nulls(struct eval *x, struct rows rows, const struct vec *v, const char *message);
/* Clears the byte of each row that is null in `v`. */
void mask_nulls(uint8_t *bytes, struct rows rows, const struct vec *v);

/* Choice of kernels, at compile time; NULL: none. */
typedef bool (*kernel_fn)(struct eval *x, const struct node *n, struct rows rows, const struct vec *args,
                          struct vec *out);
kernel_fn kernel_arith(const struct expr *e);
kernel_fn kernel_compare(const struct expr *e);
kernel_fn kernel_cast(const struct expr *e);
kernel_fn kernel_misc(const struct expr *e); /* NOT, IS NULL, BETWEEN, LIKE, IN, FIELD */
/* The comparison of two vectors into bytes; nulls give 0. */
bool compare_vecs(struct eval *x, enum compare_op op, const struct type *xt, const struct type *yt, struct rows rows,
                  const struct vec *a, const struct vec *b, uint8_t *out);
bool compare_has_kernel(const struct type *xt, const struct type *yt);
/* What a comparison says of an order (<0, 0, >0). */
static inline bool compare_order(enum compare_op op, int order)
{
    switch (op) {
    case COMPARE_EQ:
    case COMPARE_NOT_DISTINCT:
        return order == 0;
    case COMPARE_NE:
    case COMPARE_DISTINCT:
        return order != 0;
    case COMPARE_LT:
        return order < 0;
    case COMPARE_LE:
        return order <= 0;
    case COMPARE_GT:
        return order > 0;
    case COMPARE_GE:
        return order >= 0;
    }
    return false;
}
/* One comparison; neither is null. */
bool compare_values(enum compare_op op, const struct value *a, const struct type *at, const struct value *b,
                    const struct type *bt);

/* Pseudo columns (pseudo.c). */
bool pseudo_vec(struct eval *x, const struct node *n, struct rows rows, struct vec *out);
bool pseudo_row(struct eval *x, const struct expr *e, uint32_t row, struct value *out);

/* LIKE (like.c): `%` any run, `_` one character, neither across line ends, as Java's regular expressions have it. */
struct like *like_compile(struct arena *a, struct str pattern, char escape); /* NULL: no memory */
bool like_matches(const struct like *l, struct str text);

#endif
