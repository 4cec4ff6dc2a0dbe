/* Builders of bound expressions and of batches for the tests of exec/expr. */
#ifndef WEIR_TESTS_EXPR_BUILD_H
#define WEIR_TESTS_EXPR_BUILD_H

#include "exec/expr/expr.h"
#include "../unit.h"

struct expr_test {
    struct arena arena, scratch;
    struct batch *in;
    char errors[2048]; /* "row:message;" of the last evaluation */
    struct expr_errors sink;
};

void expr_setup(struct expr_test *t);
void expr_teardown(struct expr_test *t);

struct expr *expr_node(struct expr_test *t, enum expr_kind kind, int op, const struct type *type, uint32_t n, ...);
struct expr *expr_null(struct expr_test *t, const struct type *type);
struct expr *expr_int(struct expr_test *t, int32_t v);
struct expr *expr_bigint(struct expr_test *t, int64_t v);
struct expr *expr_double(struct expr_test *t, double v);
struct expr *expr_bool(struct expr_test *t, bool v);
struct expr *expr_text(struct expr_test *t, const char *v);
struct expr *expr_decimal(struct expr_test *t, const struct type *type, int64_t unscaled);
struct expr *expr_column(struct expr_test *t, uint32_t column);
/* Resolves the function by the types of the arguments; lambdas have `lambda_result` as their bodies' type. */
struct expr *expr_call(struct expr_test *t, const char *name, uint32_t n, ...);
struct expr *expr_lambda(struct expr_test *t, uint32_t base, uint32_t n_params, const struct expr *body);
struct expr *expr_var(struct expr_test *t, uint32_t number, const struct type *type);

/* Evaluates over t->in and prints the live rows: "1|null|x"; failures go to t->errors. */
const char *expr_shown(struct expr_test *t, const struct expr *e);

#endif
