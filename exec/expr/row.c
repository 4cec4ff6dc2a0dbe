/* Row mode: every operation on single values. It defines what the vector kernels must give. */
#include "exec/expr/expr_int.h"
#include "functions/decimal_ops.h"

#include <math.h>
#include <stdio.h>

/* Always false. */
static bool row_fail(struct eval *x, const char *format, ...) PRINTF_LIKE(2, 3);
static bool row_fail(struct eval *x, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(x->error, sizeof x->error, format, args);
    va_end(args);
    return false;
}

static bool row_nomem(struct eval *x)
{
    x->nomem = true;
    return row_fail(x, "Out of memory");
}

/* ---- arithmetic ------------------------------------------------------------------------------------------------- */

static bool int_arith(struct eval *x, enum arith_op op, int64_t a, int64_t b, int64_t *out)
{
    uint64_t p = (uint64_t)a, q = (uint64_t)b;
    if ((op == ARITH_DIV || op == ARITH_MOD) && b == 0)
        return row_fail(x, "/ by zero");
    switch (op) {
    case ARITH_ADD:
        *out = (int64_t)(p + q);
        break;
    case ARITH_SUB:
        *out = (int64_t)(p - q);
        break;
    case ARITH_MUL:
        *out = (int64_t)(p * q);
        break;
    case ARITH_DIV:
        *out = b == -1 ? (int64_t)(0 - p) : a / b;
        break;
    case ARITH_MOD:
        *out = b == -1 ? 0 : a % b;
        break;
    }
    return true;
}

static double double_arith(enum arith_op op, double a, double b)
{
    switch (op) {
    case ARITH_ADD:
        return a + b;
    case ARITH_SUB:
        return a - b;
    case ARITH_MUL:
        return a * b;
    case ARITH_DIV:
        return a / b;
    case ARITH_MOD:
        return fmod(a, b);
    }
    return NAN;
}

static bool decimal_arith(struct eval *x, const struct node *n, int128 a, int128 b, int128 *out)
{
    static bool (*const ops[])(int128, unsigned, int128, unsigned, const struct type *,
                               int128 *) = {[ARITH_ADD] = decimal_add,
                                            [ARITH_SUB] = decimal_sub,
                                            [ARITH_MUL] = decimal_mul,
                                            [ARITH_DIV] = decimal_div,
                                            [ARITH_MOD] = decimal_mod};
    if (n->e->op >= ARITH_DIV && b == 0)
        return row_fail(x, "Division by zero");
    if (ops[n->e->op](a, n->arg_types[0]->scale, b, n->arg_types[1]->scale, n->e->type, out))
        return true;
    return row_fail(x, "Rounding necessary");
}

static bool set_decimal(struct eval *x, int128 v, struct value *out)
{
    *out = (struct value){.kind = KIND_DECIMAL, .decimal = arena_dup(x->run->arena, &v, sizeof v)};
    return out->decimal || row_nomem(x);
}

static bool concat_texts(struct eval *x, const struct value *args, uint32_t n, struct value *out)
{
    uint64_t size = 0, at = 0;
    for (uint32_t i = 0; i < n; i++)
        size += value_is_null(&args[i]) ? 4 : args[i].str.len;
    char *p = size <= UINT32_MAX ? arena_alloc(x->run->arena, (size_t)size) : NULL;
    if (!p)
        return row_nomem(x);
    for (uint32_t i = 0; i < n; i++) {
        struct str s = value_is_null(&args[i]) ? STR("null") : args[i].str;
        if (s.len)
            memcpy(p + at, s.p, s.len);
        at += s.len;
    }
    *out = (struct value){.kind = KIND_STRING, .str = str_make(p, (size_t)size)};
    return true;
}

static bool apply_arith(struct eval *x, const struct node *n, const struct value *args, struct value *out)
{
    enum arith_op op = (enum arith_op)n->e->op;
    enum type_kind kind = n->arg_types[0]->kind;
    int64_t whole;
    int128 decimal;
    if (n->e->type->kind == KIND_STRING)
        return concat_texts(x, args, n->n_args, out);
    if (value_is_null(&args[0]) || value_is_null(&args[1]))
        return row_fail(x, "Arithmetic on null");
    switch (kind) {
    case KIND_INT:
        if (!int_arith(x, op, args[0].i32, args[1].i32, &whole))
            return false;
        *out = (struct value){.kind = KIND_INT, .i32 = (int32_t)(uint32_t)(uint64_t)whole};
        return true;
    case KIND_BIGINT:
        if (!int_arith(x, op, args[0].i64, args[1].i64, &whole))
            return false;
        *out = (struct value){.kind = KIND_BIGINT, .i64 = whole};
        return true;
    case KIND_DOUBLE:
        *out = (struct value){.kind = KIND_DOUBLE, .f64 = double_arith(op, args[0].f64, args[1].f64)};
        return true;
    case KIND_DECIMAL:
        return decimal_arith(x, n, *args[0].decimal, *args[1].decimal, &decimal) && set_decimal(x, decimal, out);
    default:
        return row_fail(x, "Unsupported arithmetic types");
    }
}

static bool apply_negate(struct eval *x, const struct value *v, struct value *out)
{
    *out = *v;
    switch ((enum type_kind)v->kind) {
    case KIND_INT:
        out->i32 = (int32_t)(0 - (uint32_t)v->i32);
        return true;
    case KIND_BIGINT:
        out->i64 = (int64_t)(0 - (uint64_t)v->i64);
        return true;
    case KIND_DOUBLE:
        out->f64 = -v->f64;
        return true;
    case KIND_DECIMAL:
        return set_decimal(x, (int128)(0 - (unsigned __int128)*v->decimal), out);
    default:
        return row_fail(x, "Negation of null");
    }
}

/* ---- predicates ---------------------------------------------------------------------------------------------------
 */

static void set_boolean(struct value *out, bool b)
{
    *out = (struct value){.kind = KIND_BOOLEAN, .boolean = b};
}

/* NaN is neither equal nor unequal to anything. */
static bool compare_doubles(enum compare_op op, double a, double b)
{
    switch (op) {
    case COMPARE_EQ:
        return a == b;
    case COMPARE_NE:
    case COMPARE_DISTINCT:
        return a < b || a > b;
    case COMPARE_NOT_DISTINCT:
        return !(a < b || a > b);
    case COMPARE_LT:
        return a < b;
    case COMPARE_LE:
        return a <= b;
    case COMPARE_GT:
        return a > b;
    case COMPARE_GE:
        return a >= b;
    }
    return false;
}

bool compare_values(enum compare_op op, const struct value *a, const struct type *at, const struct value *b,
                    const struct type *bt)
{
    if (a->kind == KIND_DOUBLE && b->kind == KIND_DOUBLE)
        return compare_doubles(op, a->f64, b->f64);
    if (a->kind == KIND_DECIMAL && b->kind == KIND_DECIMAL)
        return compare_order(op, decimal_cmp(*a->decimal, at->scale, *b->decimal, bt->scale));
    if (a->kind >= KIND_ARRAY)
        return compare_order(op, !value_eq(a, b));
    return compare_order(op, value_cmp(a, b));
}

static bool apply_compare(const struct node *n, const struct value *args)
{
    enum compare_op op = (enum compare_op)n->e->op;
    bool first = value_is_null(&args[0]), second = value_is_null(&args[1]);
    if (first || second)
        return op == COMPARE_DISTINCT ? first != second : op == COMPARE_NOT_DISTINCT ? first == second : false;
    return compare_values(op, &args[0], n->arg_types[0], &args[1], n->arg_types[1]);
}

static bool apply_between(const struct node *n, const struct value *args)
{
    if (value_is_null(&args[0]) || value_is_null(&args[1]) || value_is_null(&args[2]))
        return false;
    return compare_values(COMPARE_GE, &args[0], n->arg_types[0], &args[1], n->arg_types[1]) &&
           compare_values(COMPARE_LE, &args[0], n->arg_types[0], &args[2], n->arg_types[2]);
}

static bool apply_in(const struct node *n, const struct value *args)
{
    if (value_is_null(&args[0]))
        return false;
    if (n->list)
        return value_set_has(n->list, &args[0]);
    for (uint32_t i = 1; i < n->n_args; i++)
        if (!value_is_null(&args[i]) && value_eq(&args[0], &args[i]))
            return true;
    return false;
}

static bool apply_like(struct eval *x, const struct node *n, const struct value *args, struct value *out)
{
    if (value_is_null(&args[0]) || value_is_null(&args[1]))
        return row_fail(x, "LIKE on null");
    const struct like *like = n->like ? n->like : like_compile(x->run->scratch, args[1].str, n->e->escape);
    if (!like)
        return row_nomem(x);
    set_boolean(out, like_matches(like, args[0].str));
    return true;
}

/* ---- nested values --------------------------------------------------------------------------------------------------
 */

static struct value apply_subscript(const struct value *args)
{
    if (value_is_null(&args[0]) || value_is_null(&args[1]))
        return VALUE_NULL;
    const struct nested *list = args[0].nested;
    if (args[0].kind == KIND_ARRAY) {
        int64_t index = args[1].kind == KIND_BIGINT ? args[1].i64 : args[1].i32;
        int64_t at = index < 0 ? index + list->n : index - 1;
        return at >= 0 && at < list->n ? list->items[at] : VALUE_NULL;
    }
    for (uint32_t i = 0; i < list->n; i++)
        if (value_eq(&list->keys[i], &args[1]))
            return list->items[i];
    return VALUE_NULL;
}

static bool apply_items(struct eval *x, const struct node *n, const struct value *args, struct value *out)
{
    struct nested *made = ARENA_NEW(x->run->arena, struct nested);
    if (!made || !(made->items = arena_dup(x->run->arena, args, n->n_args * sizeof *args)))
        return row_nomem(x);
    made->n = n->n_args;
    *out = (struct value){.kind = n->e->type->kind, .nested = made};
    return true;
}

static bool apply_map(struct eval *x, const struct node *n, const struct value *args, struct value *out)
{
    uint32_t entries = n->n_args / 2;
    struct nested *made = ARENA_NEW(x->run->arena, struct nested);
    if (!made || !(made->keys = ARENA_ARRAY(x->run->arena, struct value, entries)) ||
        !(made->items = ARENA_ARRAY(x->run->arena, struct value, entries)))
        return row_nomem(x);
    for (uint32_t i = 0; i < entries; i++) {
        made->keys[i] = args[2 * i];
        made->items[i] = args[2 * i + 1];
    }
    made->n = entries;
    if (!value_map_order_sized(x->run->arena, made->keys, made->items, &made->n, entries))
        return row_nomem(x);
    *out = (struct value){.kind = KIND_MAP, .nested = made};
    return true;
}

/* ---- calls and casts
 * -------------------------------------------------------------------------------------------------- */

static bool apply_call(struct eval *x, const struct node *n, const struct value *args, struct value *out)
{
    const struct function_variant *v = n->e->call->variant;
    void *site[2] = {x, (void *)(uintptr_t)n};
    struct call *c = n->call;
    *out = VALUE_NULL;
    for (uint32_t i = 0; v->null_in_null_out && i < n->n_args; i++)
        if (value_is_null(&args[i]))
            return true;
    c->arena = x->run->arena;
    c->now_ms = x->run->now_ms;
    c->invoke_data = site;
    if (v->fn(c, args, out))
        return true;
    *out = VALUE_NULL;
    if (x->run->arena->failed)
        x->nomem = true;
    return row_fail(x, "%s", c->error);
}

static bool apply_cast(struct eval *x, const struct node *n, const struct value *args, struct value *out)
{
    if (cast_value(x->run->arena, &args[0], n->arg_types[0], n->e->type, out, x->error, sizeof x->error))
        return true;
    if (x->run->arena->failed)
        x->nomem = true;
    return false;
}

bool row_apply(struct eval *x, const struct node *n, const struct value *args, struct value *out)
{
    switch (n->e->kind) {
    case EXPR_CALL:
        return apply_call(x, n, args, out);
    case EXPR_CAST:
        return apply_cast(x, n, args, out);
    case EXPR_ARITH:
        return apply_arith(x, n, args, out);
    case EXPR_NEGATE:
        return apply_negate(x, &args[0], out);
    case EXPR_COMPARE:
        set_boolean(out, apply_compare(n, args));
        return true;
    case EXPR_NOT:
        if (value_is_null(&args[0]))
            return row_fail(x, "NOT of null");
        set_boolean(out, !args[0].boolean);
        return true;
    case EXPR_IS_NULL:
        set_boolean(out, value_is_null(&args[0]));
        return true;
    case EXPR_IS_NOT_NULL:
        set_boolean(out, !value_is_null(&args[0]));
        return true;
    case EXPR_BETWEEN:
        set_boolean(out, apply_between(n, args));
        return true;
    case EXPR_IN:
        set_boolean(out, apply_in(n, args));
        return true;
    case EXPR_LIKE:
        return apply_like(x, n, args, out);
    case EXPR_SUBSCRIPT:
        *out = apply_subscript(args);
        return true;
    case EXPR_FIELD:
        *out = value_is_null(&args[0]) ? VALUE_NULL : args[0].nested->items[n->e->column];
        return true;
    case EXPR_ARRAY:
    case EXPR_STRUCT:
        return apply_items(x, n, args, out);
    case EXPR_MAP:
        return apply_map(x, n, args, out);
    default:
        return row_fail(x, "Not an operation");
    }
}

/* ---- lazy operators and leaves
 * --------------------------------------------------------------------------------------- */

static bool eval_condition(struct eval *x, const struct node *n, uint32_t row, bool *out)
{
    struct value v;
    if (!row_eval(x, n, row, &v))
        return false;
    if (value_is_null(&v))
        return row_fail(x, "A condition is null");
    *out = v.boolean;
    return true;
}

static bool eval_logic(struct eval *x, const struct node *n, uint32_t row, struct value *out)
{
    bool stop = n->e->kind == EXPR_OR, b = !stop;
    for (uint32_t i = 0; b != stop && i < n->n_args; i++)
        if (!eval_condition(x, n->args[i], row, &b))
            return false;
    set_boolean(out, b);
    return true;
}

static bool eval_chain(struct eval *x, const struct node *n, uint32_t row, struct value *out)
{
    struct value outer = x->so_far;
    bool ok = true;
    for (uint32_t i = 0; ok && i < n->n_args; i++) {
        ok = row_eval(x, n->args[i], row, out);
        x->so_far = *out;
    }
    x->so_far = outer;
    return ok;
}

static bool eval_case(struct eval *x, const struct node *n, uint32_t row, struct value *out)
{
    uint32_t i = 0;
    for (; i + 1 < n->n_args; i += 2) {
        bool hit;
        if (!eval_condition(x, n->args[i], row, &hit))
            return false;
        if (hit)
            return row_eval(x, n->args[i + 1], row, out);
    }
    *out = VALUE_NULL;
    return i == n->n_args || row_eval(x, n->args[i], row, out);
}

static bool eval_strict(struct eval *x, const struct node *n, uint32_t row, struct value *out)
{
    for (uint32_t i = 0; i < n->n_args; i++) {
        n->values[i] = VALUE_NULL;
        if (n->args[i]->e->kind != EXPR_LAMBDA && !row_eval(x, n->args[i], row, &n->values[i]))
            return false;
    }
    x->row = row;
    return row_apply(x, n, n->values, out);
}

bool row_inner(struct eval *x, const struct node *n, uint32_t row, struct value *out)
{
    switch (n->e->kind) {
    case EXPR_LITERAL:
        *out = n->e->value;
        return true;
    case EXPR_COLUMN:
        *out = column_get(&x->in->columns[n->e->column], row);
        return true;
    case EXPR_PSEUDO:
        return pseudo_row(x, n->e, row, out) || row_nomem(x);
    case EXPR_LAMBDA_VAR:
        *out = x->prog->vars[n->e->column];
        return true;
    case EXPR_CHAIN:
        return eval_chain(x, n, row, out);
    case EXPR_SO_FAR:
        *out = x->so_far;
        return true;
    case EXPR_AND:
    case EXPR_OR:
        return eval_logic(x, n, row, out);
    case EXPR_CASE:
        return eval_case(x, n, row, out);
    default:
        return eval_strict(x, n, row, out);
    }
}

bool row_eval(struct eval *x, const struct node *n, uint32_t row, struct value *out)
{
    if (row_inner(x, n, row, out))
        return true;
    if (!n->boundary || x->nomem || !eval_record(x, row, x->error))
        return false;
    *out = VALUE_NULL;
    return true;
}
