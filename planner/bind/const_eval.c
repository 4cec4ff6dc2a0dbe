/* The value of an expression without columns, for INSERT VALUES: literals, casts, signs, constructors, calls without
 * lambdas, and arithmetic on INT, BIGINT and DOUBLE. An error is an error here, not a null. */
#include "planner/planner_int.h"

static enum status eval_error(struct planner *p, const char *text)
{
    return plan_error(p, p->statement->span, "%s", text);
}

static enum status eval_args(struct planner *p, const struct expr *e, struct value **out)
{
    *out = PLAN_ARRAY(p, struct value, e->n_args);
    enum status st = *out ? STATUS_OK : STATUS_NOMEM;
    for (uint32_t i = 0; i < e->n_args && st == STATUS_OK; i++)
        st = const_eval(p, e->args[i], &(*out)[i]);
    return st;
}

static enum status eval_call(struct planner *p, const struct expr *e, struct value *out)
{
    struct value *args;
    const struct function_variant *variant = e->call->variant;
    enum status st = eval_args(p, e, &args);
    struct call *call = st == STATUS_OK ? PLAN_NEW(p, struct call) : NULL;
    const struct type **types = call ? PLAN_ARRAY(p, const struct type *, e->n_args) : NULL;
    const struct value **literals = types ? PLAN_ARRAY(p, const struct value *, e->n_args) : NULL;
    if (!literals)
        return st == STATUS_OK ? STATUS_NOMEM : st;
    for (uint32_t i = 0; i < e->n_args; i++) {
        types[i] = e->args[i]->type;
        literals[i] = &args[i];
        if (value_is_null(&args[i]) && variant->null_in_null_out) {
            *out = VALUE_NULL;
            return STATUS_OK;
        }
    }
    *call = (struct call){.arena = p->a,
                          .n_args = e->n_args,
                          .arg_types = types,
                          .result_type = e->type,
                          .state_arena = p->a,
                          .now_ms = p->context->now_ms};
    if (variant->prepare && !variant->prepare(call, literals))
        return plan_nomem(p);
    if (!variant->fn(call, args, out))
        st = eval_error(p, call->error);
    if (variant->release)
        variant->release(call);
    return st;
}

static enum status eval_nested(struct planner *p, const struct expr *e, struct value *out)
{
    struct value *args;
    enum status st = eval_args(p, e, &args);
    struct nested *nested = st == STATUS_OK ? PLAN_NEW(p, struct nested) : NULL;
    if (!nested)
        return st == STATUS_OK ? STATUS_NOMEM : st;
    nested->n = e->n_args;
    nested->items = args;
    if (e->kind == EXPR_MAP) {
        nested->n = e->n_args / 2;
        nested->keys = PLAN_ARRAY(p, struct value, nested->n);
        nested->items = PLAN_ARRAY(p, struct value, nested->n);
        for (uint32_t i = 0; nested->keys && nested->items && i < nested->n; i++) {
            nested->keys[i] = args[2 * i];
            nested->items[i] = args[2 * i + 1];
        }
        if (!nested->keys || !nested->items ||
            !value_map_order_sized(p->a, nested->keys, nested->items, &nested->n, nested->n))
            return plan_nomem(p);
    }
    *out = (struct value){.kind = (uint8_t)e->type->kind, .nested = nested};
    return STATUS_OK;
}

static bool int_arith(enum arith_op op, int64_t x, int64_t y, int64_t *out)
{
    switch (op) {
    case ARITH_ADD:
        *out = (int64_t)((uint64_t)x + (uint64_t)y);
        return true;
    case ARITH_SUB:
        *out = (int64_t)((uint64_t)x - (uint64_t)y);
        return true;
    case ARITH_MUL:
        *out = (int64_t)((uint64_t)x * (uint64_t)y);
        return true;
    default:
        if (y == 0)
            return false;
        if (y == -1)
            *out = op == ARITH_DIV ? (int64_t)(UINT64_C(0) - (uint64_t)x) : 0;
        else
            *out = op == ARITH_DIV ? x / y : x % y;
        return true;
    }
}

static enum status eval_arith(struct planner *p, const struct expr *e, struct value *out)
{
    struct value *args;
    enum status st = eval_args(p, e, &args);
    if (st != STATUS_OK)
        return st;
    if (value_is_null(&args[0]) || value_is_null(&args[1]))
        return eval_error(p, "Arithmetic with NULL");
    int64_t result;
    bool is_int = e->type->kind == KIND_INT;
    if (is_int || e->type->kind == KIND_BIGINT) {
        if (!int_arith((enum arith_op)e->op, is_int ? args[0].i32 : args[0].i64, is_int ? args[1].i32 : args[1].i64,
                       &result))
            return eval_error(p, "/ by zero");
        *out = is_int ? (struct value){.kind = KIND_INT, .i32 = (int32_t)result}
                      : (struct value){.kind = KIND_BIGINT, .i64 = result};
        return STATUS_OK;
    }
    if (e->type->kind == KIND_DOUBLE && e->op != ARITH_MOD) {
        double x = args[0].f64, y = args[1].f64;
        double sum = e->op == ARITH_ADD ? x + y : e->op == ARITH_SUB ? x - y : e->op == ARITH_MUL ? x * y : x / y;
        *out = (struct value){.kind = KIND_DOUBLE, .f64 = sum};
        return STATUS_OK;
    }
    return plan_unsupported(p, p->statement->span, "this arithmetic in INSERT VALUES");
}

static enum status eval_cast(struct planner *p, const struct expr *e, struct value *out)
{
    struct value v;
    char error[256];
    enum status st = const_eval(p, e->args[0], &v);
    if (st != STATUS_OK)
        return st;
    *out = VALUE_NULL;
    if (!value_is_null(&v) && !cast_value(p->a, &v, e->args[0]->type, e->type, out, error, sizeof error))
        return eval_error(p, error);
    return STATUS_OK;
}

static enum status eval_negate(struct planner *p, const struct expr *e, struct value *out)
{
    enum status st = const_eval(p, e->args[0], out);
    if (st != STATUS_OK || value_is_null(out))
        return st;
    int128 *decimal;
    switch (out->kind) {
    case KIND_INT:
        out->i32 = (int32_t)(0u - (uint32_t)out->i32);
        break;
    case KIND_BIGINT:
        out->i64 = (int64_t)(UINT64_C(0) - (uint64_t)out->i64);
        break;
    case KIND_DOUBLE:
        out->f64 = -out->f64;
        break;
    default:
        if (!(decimal = PLAN_NEW(p, int128)))
            return STATUS_NOMEM;
        *decimal = -*out->decimal;
        out->decimal = decimal;
    }
    return STATUS_OK;
}

enum status const_eval(struct planner *p, const struct expr *e, struct value *out)
{
    switch (e->kind) {
    case EXPR_LITERAL:
        *out = e->value;
        return STATUS_OK;
    case EXPR_CAST:
        return eval_cast(p, e, out);
    case EXPR_NEGATE:
        return eval_negate(p, e, out);
    case EXPR_CALL:
        return eval_call(p, e, out);
    case EXPR_ARRAY:
    case EXPR_MAP:
    case EXPR_STRUCT:
        return eval_nested(p, e, out);
    case EXPR_ARITH:
        return eval_arith(p, e, out);
    default:
        return plan_unsupported(p, p->statement->span, "this expression in INSERT VALUES");
    }
}
