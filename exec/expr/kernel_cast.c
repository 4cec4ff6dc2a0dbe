/* Casts between fixed-width numbers, and casts that change nothing. */
#include "exec/expr/expr_int.h"

#include <math.h>

static bool same(struct eval *x, const struct node *n, struct rows rows, const struct vec *args, struct vec *out)
{
    (void)x, (void)n, (void)rows;
    *out = args[0];
    return true;
}

/* Saturates; NaN is 0. */
static int32_t double_to_i32(double d)
{
    return isnan(d) ? 0 : d <= INT32_MIN ? INT32_MIN : d >= INT32_MAX ? INT32_MAX : (int32_t)d;
}

static int64_t double_to_i64(double d)
{
    return isnan(d) ? 0 : d <= -0x1p63 ? INT64_MIN : d >= 0x1p63 ? INT64_MAX : (int64_t)d;
}

static bool numbers(struct eval *x, const struct node *n, struct rows rows, const struct vec *args, struct vec *out)
{
    struct vec v = args[0];
    if (v.constant && value_is_null(&v.value)) {
        *out = v;
        return true;
    }
    if (!vec_spread(x, n->arg_types[0], rows, &v) || !vec_init(x, n, false, out))
        return false;
    const struct column *from = &v.column;
    struct column *to = &out->column;
    to->valid = from->valid;
    enum type_kind from_kind = n->arg_types[0]->kind, to_kind = n->e->type->kind;
    if (from_kind == KIND_INT && to_kind == KIND_BIGINT)
        ROWS_LOOP(rows, row, { to->i64[row] = from->i32[row]; });
    else if (from_kind == KIND_INT)
        ROWS_LOOP(rows, row, { to->f64[row] = from->i32[row]; });
    else if (from_kind == KIND_BIGINT && to_kind == KIND_INT)
        ROWS_LOOP(rows, row, { to->i32[row] = (int32_t)(uint32_t)(uint64_t)from->i64[row]; });
    else if (from_kind == KIND_BIGINT)
        ROWS_LOOP(rows, row, { to->f64[row] = (double)from->i64[row]; });
    else if (to_kind == KIND_INT)
        ROWS_LOOP(rows, row, { to->i32[row] = double_to_i32(from->f64[row]); });
    else
        ROWS_LOOP(rows, row, { to->i64[row] = double_to_i64(from->f64[row]); });
    return true;
}

static bool is_fixed_number(const struct type *t)
{
    return t->kind == KIND_INT || t->kind == KIND_BIGINT || t->kind == KIND_DOUBLE;
}

kernel_fn kernel_cast(const struct expr *e)
{
    const struct type *from = e->args[0]->type;
    if (type_eq(from, e->type))
        return same;
    return is_fixed_number(from) && is_fixed_number(e->type) ? numbers : NULL;
}
