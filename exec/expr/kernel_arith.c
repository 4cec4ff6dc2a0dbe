/* Arithmetic on columns of INT, BIGINT and DOUBLE, and DECIMAL without boxing. */
#include "exec/expr/expr_int.h"
#include "functions/decimal_ops.h"

#include <math.h>

/* out[row] = EXPR of A and B, where each is a column or a constant, not both constants. */
#define BINARY(rows, T, cells, a, b, out, EXPR)                                                                        \
    do {                                                                                                               \
        T *restrict to = (out)->column.cells;                                                                          \
        if ((a)->constant) {                                                                                           \
            const T *restrict right = (b)->column.cells, A = (a)->value.cells;                                         \
            ROWS_LOOP(rows, row, {                                                                                     \
                const T B = right[row];                                                                                \
                to[row] = (T)(EXPR);                                                                                   \
            });                                                                                                        \
        } else if ((b)->constant) {                                                                                    \
            const T *restrict left = (a)->column.cells, B = (b)->value.cells;                                          \
            ROWS_LOOP(rows, row, {                                                                                     \
                const T A = left[row];                                                                                 \
                to[row] = (T)(EXPR);                                                                                   \
            });                                                                                                        \
        } else {                                                                                                       \
            const T *restrict left = (a)->column.cells, *restrict right = (b)->column.cells;                           \
            ROWS_LOOP(rows, row, {                                                                                     \
                const T A = left[row], B = right[row];                                                                 \
                to[row] = (T)(EXPR);                                                                                   \
            });                                                                                                        \
        }                                                                                                              \
    } while (0)

/* Division of small numbers that are not negative is several times faster in 32 bits. */
#define DIVIDE(T, A, B, op)                                                                                            \
    ((uint64_t)((int64_t)(A) | (int64_t)(B)) >> 32 == 0 ? (T)((uint32_t)(A)op(uint32_t)(B)) : (T)((A)op(B)))
/* Wraps, as Java does; division is guarded because cells of null rows hold anything. */
#define WHOLE_ARITH(name, T, U, cells)                                                                                 \
    static void name(enum arith_op op, struct rows rows, const struct vec *a, const struct vec *b, struct vec *out)    \
    {                                                                                                                  \
        switch (op) {                                                                                                  \
        case ARITH_ADD:                                                                                                \
            BINARY(rows, T, cells, a, b, out, (U)A + (U)B);                                                            \
            break;                                                                                                     \
        case ARITH_SUB:                                                                                                \
            BINARY(rows, T, cells, a, b, out, (U)A - (U)B);                                                            \
            break;                                                                                                     \
        case ARITH_MUL:                                                                                                \
            BINARY(rows, T, cells, a, b, out, (U)A *(U)B);                                                             \
            break;                                                                                                     \
        case ARITH_DIV:                                                                                                \
            BINARY(rows, T, cells, a, b, out, B == 0 ? 0 : B == -1 ? (T)(0 - (U)A) : DIVIDE(T, A, B, /));              \
            break;                                                                                                     \
        case ARITH_MOD:                                                                                                \
            BINARY(rows, T, cells, a, b, out, B == 0 || B == -1 ? 0 : DIVIDE(T, A, B, %));                             \
            break;                                                                                                     \
        }                                                                                                              \
    }
WHOLE_ARITH(arith_i32, int32_t, uint32_t, i32)
WHOLE_ARITH(arith_i64, int64_t, uint64_t, i64)

static void arith_f64(enum arith_op op, struct rows rows, const struct vec *a, const struct vec *b, struct vec *out)
{
    switch (op) {
    case ARITH_ADD:
        BINARY(rows, double, f64, a, b, out, A + B);
        break;
    case ARITH_SUB:
        BINARY(rows, double, f64, a, b, out, A - B);
        break;
    case ARITH_MUL:
        BINARY(rows, double, f64, a, b, out, A *B);
        break;
    case ARITH_DIV:
        BINARY(rows, double, f64, a, b, out, A / B);
        break;
    case ARITH_MOD:
        BINARY(rows, double, f64, a, b, out, fmod(A, B));
        break;
    }
}

static bool is_zero(const struct vec *v, enum type_kind kind, uint32_t row)
{
    if (v->constant)
        return kind == KIND_INT ? v->value.i32 == 0 : v->value.i64 == 0;
    return kind == KIND_INT ? v->column.i32[row] == 0 : v->column.i64[row] == 0;
}

static bool fail_zeros(struct eval *x, struct rows rows, const struct vec *divisor, enum type_kind kind)
{
    if (divisor->constant && !is_zero(divisor, kind, 0))
        return true;
    ROWS_EACH(rows, i, row)
    {
        if (is_zero(divisor, kind, row) && !eval_fail(x, row, "/ by zero"))
            return false;
    }
    return true;
}

static const char null_operand[] = "Arithmetic on null";

/* Fails the rows without result, and takes them out of `rows`; false: no memory. */
static bool check_operands(struct eval *x, const struct node *n, struct rows *rows, const struct vec *args)
{
    if (!fail_nulls(x, *rows, &args[0], null_operand) || !fail_nulls(x, *rows, &args[1], null_operand) ||
        !rows_live(x, rows))
        return false;
    enum type_kind kind = n->e->type->kind;
    bool divides = n->e->op == ARITH_DIV || n->e->op == ARITH_MOD;
    if (!divides || (kind != KIND_INT && kind != KIND_BIGINT))
        return true;
    return fail_zeros(x, *rows, &args[1], kind) && rows_live(x, rows);
}

static bool arith_fixed(struct eval *x, const struct node *n, struct rows rows, const struct vec *args, struct vec *out)
{
    struct vec a = args[0];
    const struct vec *b = &args[1];
    enum arith_op op = (enum arith_op)n->e->op;
    if (!vec_init(x, n, false, out) || !check_operands(x, n, &rows, args))
        return false;
    if (rows.n == 0)
        return true;
    if (a.constant && b->constant && !vec_spread(x, n->arg_types[0], rows, &a))
        return false;
    if (n->e->type->kind == KIND_INT)
        arith_i32(op, rows, &a, b, out);
    else if (n->e->type->kind == KIND_BIGINT)
        arith_i64(op, rows, &a, b, out);
    else
        arith_f64(op, rows, &a, b, out);
    return true;
}

static bool decimal_step(const struct node *n, int128 a, int128 b, int128 *out)
{
    unsigned a_scale = n->arg_types[0]->scale, b_scale = n->arg_types[1]->scale;
    switch ((enum arith_op)n->e->op) {
    case ARITH_ADD:
        return decimal_add(a, a_scale, b, b_scale, n->e->type, out);
    case ARITH_SUB:
        return decimal_sub(a, a_scale, b, b_scale, n->e->type, out);
    case ARITH_MUL:
        return decimal_mul(a, a_scale, b, b_scale, n->e->type, out);
    case ARITH_DIV:
        return decimal_div(a, a_scale, b, b_scale, n->e->type, out);
    case ARITH_MOD:
        return decimal_mod(a, a_scale, b, b_scale, n->e->type, out);
    }
    return false;
}

static bool arith_decimal(struct eval *x, const struct node *n, struct rows rows, const struct vec *args,
                          struct vec *out)
{
    if (!vec_init(x, n, false, out) || !check_operands(x, n, &rows, args))
        return false;
    bool divides = n->e->op == ARITH_DIV || n->e->op == ARITH_MOD;
    ROWS_EACH(rows, i, row)
    {
        int128 a = args[0].constant ? *args[0].value.decimal : args[0].column.i128[row];
        int128 b = args[1].constant ? *args[1].value.decimal : args[1].column.i128[row];
        const char *why = divides && b == 0 ? "Division by zero" : "Rounding necessary";
        if (((divides && b == 0) || !decimal_step(n, a, b, &out->column.i128[row])) && !eval_fail(x, row, why))
            return false;
    }
    return true;
}

static bool negate(struct eval *x, const struct node *n, struct rows rows, const struct vec *args, struct vec *out)
{
    const struct vec *v = &args[0];
    if (!vec_init(x, n, false, out) || !fail_nulls(x, rows, v, "Negation of null") || !rows_live(x, &rows))
        return false;
    struct vec spread = *v;
    if (rows.n == 0 || !vec_spread(x, n->e->type, rows, &spread))
        return rows.n == 0;
    const struct column *from = &spread.column;
    struct column *to = &out->column;
    switch (n->e->type->kind) {
    case KIND_INT:
        ROWS_LOOP(rows, row, { to->i32[row] = (int32_t)(0 - (uint32_t)from->i32[row]); });
        break;
    case KIND_BIGINT:
        ROWS_LOOP(rows, row, { to->i64[row] = (int64_t)(0 - (uint64_t)from->i64[row]); });
        break;
    case KIND_DOUBLE:
        ROWS_LOOP(rows, row, { to->f64[row] = -from->f64[row]; });
        break;
    default:
        ROWS_LOOP(rows, row, { to->i128[row] = (int128)(0 - (unsigned __int128)from->i128[row]); });
        break;
    }
    return true;
}

kernel_fn kernel_arith(const struct expr *e)
{
    enum type_kind kind = e->type->kind;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (e->args[i]->type->kind != kind)
            return NULL;
    if (kind < KIND_INT || kind > KIND_DOUBLE)
        return NULL;
    if (e->kind == EXPR_NEGATE)
        return negate;
    return kind == KIND_DECIMAL ? arith_decimal : arith_fixed;
}
