/* Comparisons of columns, into bytes of 0 and 1. */
#include "exec/expr/expr_int.h"
#include "functions/decimal_ops.h"

#define COMPARE(rows, T, cells, field, a, b, out, EXPR)                                                                \
    do {                                                                                                               \
        uint8_t *restrict to = (out);                                                                                  \
        if ((a)->constant) {                                                                                           \
            const T *restrict right = (b)->column.cells, A = (a)->value.field;                                         \
            ROWS_LOOP(rows, row, {                                                                                     \
                const T B = right[row];                                                                                \
                to[row] = (uint8_t)(EXPR);                                                                             \
            });                                                                                                        \
        } else if ((b)->constant) {                                                                                    \
            const T *restrict left = (a)->column.cells, B = (b)->value.field;                                          \
            ROWS_LOOP(rows, row, {                                                                                     \
                const T A = left[row];                                                                                 \
                to[row] = (uint8_t)(EXPR);                                                                             \
            });                                                                                                        \
        } else {                                                                                                       \
            const T *restrict left = (a)->column.cells, *restrict right = (b)->column.cells;                           \
            ROWS_LOOP(rows, row, {                                                                                     \
                const T A = left[row], B = right[row];                                                                 \
                to[row] = (uint8_t)(EXPR);                                                                             \
            });                                                                                                        \
        }                                                                                                              \
    } while (0)

/* NOT_EQUAL is below or above: a NaN is neither. */
#define COMPARE_CELLS(name, T, cells, field)                                                                           \
    static void name(enum compare_op op, struct rows rows, const struct vec *a, const struct vec *b, uint8_t *out)     \
    {                                                                                                                  \
        switch (op) {                                                                                                  \
        case COMPARE_EQ:                                                                                               \
            COMPARE(rows, T, cells, field, a, b, out, A == B);                                                         \
            break;                                                                                                     \
        case COMPARE_NE:                                                                                               \
        case COMPARE_DISTINCT:                                                                                         \
            COMPARE(rows, T, cells, field, a, b, out, (A < B) | (A > B));                                              \
            break;                                                                                                     \
        case COMPARE_NOT_DISTINCT:                                                                                     \
            COMPARE(rows, T, cells, field, a, b, out, !((A < B) | (A > B)));                                           \
            break;                                                                                                     \
        case COMPARE_LT:                                                                                               \
            COMPARE(rows, T, cells, field, a, b, out, A < B);                                                          \
            break;                                                                                                     \
        case COMPARE_LE:                                                                                               \
            COMPARE(rows, T, cells, field, a, b, out, A <= B);                                                         \
            break;                                                                                                     \
        case COMPARE_GT:                                                                                               \
            COMPARE(rows, T, cells, field, a, b, out, A > B);                                                          \
            break;                                                                                                     \
        case COMPARE_GE:                                                                                               \
            COMPARE(rows, T, cells, field, a, b, out, A >= B);                                                         \
            break;                                                                                                     \
        }                                                                                                              \
    }
COMPARE_CELLS(compare_u8, uint8_t, u8, boolean)
COMPARE_CELLS(compare_i32, int32_t, i32, i32)
COMPARE_CELLS(compare_i64, int64_t, i64, i64)
COMPARE_CELLS(compare_f64, double, f64, f64)

static struct str text_of(const struct vec *v, uint32_t row)
{
    return v->constant ? v->value.str : v->column.str[row];
}

static void compare_texts(enum compare_op op, bool is_text, struct rows rows, const struct vec *a, const struct vec *b,
                          uint8_t *out)
{
    ROWS_EACH(rows, i, row)
    {
        out[row] = 0;
        if (vec_is_null(a, row) || vec_is_null(b, row))
            continue;
        struct str s = text_of(a, row), t = text_of(b, row);
        if (op == COMPARE_EQ || op == COMPARE_NOT_DISTINCT)
            out[row] = str_eq(s, t);
        else if (op == COMPARE_NE || op == COMPARE_DISTINCT)
            out[row] = !str_eq(s, t);
        else
            out[row] = compare_order(op, is_text ? str_cmp_utf16(s, t) : str_cmp(s, t));
    }
}

static void compare_any(enum compare_op op, const struct type *xt, const struct type *yt, struct rows rows,
                        const struct vec *a, const struct vec *b, uint8_t *out)
{
    ROWS_EACH(rows, i, row)
    {
        struct value v = vec_get(a, row), w = vec_get(b, row);
        out[row] = !value_is_null(&v) && !value_is_null(&w) && compare_values(op, &v, xt, &w, yt);
    }
}

/* DISTINCT and its negation see nulls. */
static void distinct_nulls(enum compare_op op, struct rows rows, const struct vec *a, const struct vec *b, uint8_t *out)
{
    ROWS_EACH(rows, i, row)
    {
        bool first = vec_is_null(a, row), second = vec_is_null(b, row);
        if (first || second)
            out[row] = (first != second) == (op == COMPARE_DISTINCT);
    }
}

static bool may_be_null(const struct vec *v)
{
    return v->constant ? value_is_null(&v->value) : v->column.valid != NULL;
}

bool compare_vecs(struct eval *x, enum compare_op op, const struct type *xt, const struct type *yt, struct rows rows,
                  const struct vec *a, const struct vec *b, uint8_t *out)
{
    struct vec spread = *a;
    bool null_constant = (a->constant && value_is_null(&a->value)) || (b->constant && value_is_null(&b->value));
    if (null_constant) {
        ROWS_LOOP(rows, row, { out[row] = 0; });
    } else {
        if (a->constant && b->constant && !vec_spread(x, xt, rows, &spread))
            return false;
        a = &spread;
        switch (xt->kind) {
        case KIND_BOOLEAN:
            compare_u8(op, rows, a, b, out);
            break;
        case KIND_INT:
        case KIND_DATE:
        case KIND_TIME:
            compare_i32(op, rows, a, b, out);
            break;
        case KIND_BIGINT:
        case KIND_TIMESTAMP:
            compare_i64(op, rows, a, b, out);
            break;
        case KIND_DOUBLE:
            compare_f64(op, rows, a, b, out);
            break;
        case KIND_STRING:
        case KIND_BYTES:
            compare_texts(op, xt->kind == KIND_STRING, rows, a, b, out);
            break;
        default:
            compare_any(op, xt, yt, rows, a, b, out);
        }
        mask_nulls(out, rows, a);
        mask_nulls(out, rows, b);
    }
    if ((op == COMPARE_DISTINCT || op == COMPARE_NOT_DISTINCT) && (may_be_null(a) || may_be_null(b)))
        distinct_nulls(op, rows, a, b, out);
    return true;
}

bool compare_has_kernel(const struct type *xt, const struct type *yt)
{
    return xt->kind == yt->kind && xt->kind != KIND_NULL;
}

static bool compare(struct eval *x, const struct node *n, struct rows rows, const struct vec *args, struct vec *out)
{
    return vec_init(x, n, false, out) && compare_vecs(x, (enum compare_op)n->e->op, n->arg_types[0], n->arg_types[1],
                                                      rows, &args[0], &args[1], out->column.u8);
}

kernel_fn kernel_compare(const struct expr *e)
{
    return compare_has_kernel(e->args[0]->type, e->args[1]->type) ? compare : NULL;
}
