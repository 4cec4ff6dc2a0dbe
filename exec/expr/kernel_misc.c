/* NOT, IS NULL, BETWEEN, LIKE with a literal pattern, IN with literal lists, and fields of structs. */
#include "exec/expr/expr_int.h"

static bool not_kernel(struct eval *x, const struct node *n, struct rows rows, const struct vec *args, struct vec *out)
{
    struct vec v = args[0];
    if (!vec_init(x, n, false, out))
        return false;
    if (!n->args[0]->sure && (!fail_nulls(x, rows, &v, "NOT of null") || !rows_live(x, &rows)))
        return false;
    if (rows.n == 0)
        return true;
    if (!vec_spread(x, &TYPE_BOOLEAN, rows, &v))
        return false;
    uint8_t *to = out->column.u8;
    const uint8_t *from = v.column.u8;
    ROWS_LOOP(rows, row, { to[row] = !from[row]; });
    return true;
}

static bool is_null_kernel(struct eval *x, const struct node *n, struct rows rows, const struct vec *args,
                           struct vec *out)
{
    const struct vec *v = &args[0];
    bool wanted = n->e->kind == EXPR_IS_NULL;
    if (v->constant || !v->column.valid) {
        bool null = v->constant && value_is_null(&v->value);
        *out = (struct vec){.constant = true, .value = {.kind = KIND_BOOLEAN, .boolean = null == wanted}};
        return true;
    }
    if (!vec_init(x, n, false, out))
        return false;
    uint8_t *to = out->column.u8;
    const uint64_t *valid = v->column.valid;
    ROWS_LOOP(rows, row, { to[row] = (uint8_t)((valid[row >> 6] >> (row & 63) & 1) ^ wanted); });
    return true;
}

static bool between(struct eval *x, const struct node *n, struct rows rows, const struct vec *args, struct vec *out)
{
    uint8_t *above = arena_alloc(x->run->scratch, x->n_physical);
    if (!above)
        return !(x->nomem = true);
    if (!vec_init(x, n, false, out))
        return false;
    uint8_t *to = out->column.u8;
    if (!compare_vecs(x, COMPARE_GE, n->arg_types[0], n->arg_types[1], rows, &args[0], &args[1], above) ||
        !compare_vecs(x, COMPARE_LE, n->arg_types[0], n->arg_types[2], rows, &args[0], &args[2], to))
        return false;
    ROWS_LOOP(rows, row, { to[row] &= above[row]; });
    return true;
}

static bool like(struct eval *x, const struct node *n, struct rows rows, const struct vec *args, struct vec *out)
{
    const struct vec *v = &args[0];
    if (!vec_init(x, n, false, out) || !fail_nulls(x, rows, v, "LIKE on null") || !rows_live(x, &rows))
        return false;
    ROWS_EACH(rows, i, row)
    out->column.u8[row] = like_matches(n->like, v->constant ? v->value.str : v->column.str[row]);
    return true;
}

static bool in_set(struct eval *x, const struct node *n, struct rows rows, const struct vec *args, struct vec *out)
{
    if (!vec_init(x, n, false, out))
        return false;
    ROWS_EACH(rows, i, row)
    {
        struct value v = vec_get(&args[0], row);
        out->column.u8[row] = !value_is_null(&v) && value_set_has(n->list, &v);
    }
    return true;
}

/* A list of literals: one pass over the column for each, which beats a search for the short lists that people write. */
static bool in_list(struct eval *x, const struct node *n, struct rows rows, const struct vec *args, struct vec *out)
{
    if (n->list)
        return in_set(x, n, rows, args, out);
    uint8_t *hit = arena_alloc(x->run->scratch, x->n_physical);
    if (!hit)
        return !(x->nomem = true);
    if (!vec_init(x, n, false, out))
        return false;
    uint8_t *to = out->column.u8;
    ROWS_LOOP(rows, row, { to[row] = 0; });
    for (uint32_t i = 1; i < n->n_args; i++) {
        if (!compare_vecs(x, COMPARE_EQ, n->arg_types[0], n->arg_types[i], rows, &args[0], &args[i], hit))
            return false;
        ROWS_LOOP(rows, row, { to[row] |= hit[row]; });
    }
    return true;
}

static bool field(struct eval *x, const struct node *n, struct rows rows, const struct vec *args, struct vec *out)
{
    const struct vec *v = &args[0];
    if (!vec_init(x, n, true, out))
        return false;
    ROWS_EACH(rows, i, row)
    {
        struct value made = VALUE_NULL;
        if (!vec_is_null(v, row))
            made = (v->constant ? v->value.nested : v->column.nested[row])->items[n->e->column];
        column_set(&out->column, row, &made);
    }
    return true;
}

/* Short lists are compared, where that is Java's equals too: not for DOUBLE and nested values. Long ones of literals
 * have become sets. */
static bool in_has_kernel(const struct expr *e)
{
    enum type_kind kind = e->args[0]->type->kind;
    bool literals = true, alike = true;
    for (uint32_t i = 1; i < e->n_args; i++) {
        literals = literals && e->args[i]->kind == EXPR_LITERAL;
        alike = alike && e->args[i]->type->kind == kind;
    }
    bool comparable = kind != KIND_DOUBLE && kind != KIND_DECIMAL && kind < KIND_ARRAY;
    return literals && (e->n_args > LONG_LIST || (alike && comparable));
}

kernel_fn kernel_misc(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_NOT:
        return not_kernel;
    case EXPR_IS_NULL:
    case EXPR_IS_NOT_NULL:
        return is_null_kernel;
    case EXPR_BETWEEN:
        return compare_has_kernel(e->args[0]->type, e->args[1]->type) &&
                       compare_has_kernel(e->args[0]->type, e->args[2]->type)
                   ? between
                   : NULL;
    case EXPR_LIKE:
        return e->args[1]->kind == EXPR_LITERAL && !value_is_null(&e->args[1]->value) ? like : NULL;
    case EXPR_IN:
        return in_has_kernel(e) ? in_list : NULL;
    case EXPR_FIELD:
        return field;
    default:
        return NULL;
    }
}
