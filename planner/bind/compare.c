/* Arithmetic and comparisons: which types go together, and the casts that make both sides alike (rules.md 3.1).
 * Also the magic of ROWTIME and window bounds against a time written as text. */
#include "planner/planner_int.h"

/* INT as DECIMAL(10, 0) ... */
static const struct type *decimal_of(struct planner *p, const struct type *t)
{
    const struct type *decimal = t->kind == KIND_INT      ? type_decimal(p->a, 10, 0)
                                 : t->kind == KIND_BIGINT ? type_decimal(p->a, 19, 0)
                                                          : t;
    if (!decimal)
        (void)plan_nomem(p);
    return decimal;
}

const struct type *wider_type(struct planner *p, const struct type *x, const struct type *y)
{
    if (x->kind == KIND_DOUBLE || y->kind == KIND_DOUBLE)
        return &TYPE_DOUBLE;
    if (x->kind != KIND_DECIMAL && y->kind != KIND_DECIMAL)
        return x->kind > y->kind ? x : y;
    const struct type *a = decimal_of(p, x), *c = decimal_of(p, y);
    if (!a || !c)
        return NULL;
    unsigned scale = a->scale > c->scale ? a->scale : c->scale;
    unsigned whole_a = a->precision - a->scale, whole_c = c->precision - c->scale;
    const struct type *t = type_decimal(p->a, (whole_a > whole_c ? whole_a : whole_c) + scale, scale);
    if (!t)
        (void)plan_nomem(p);
    return t;
}

/* ---- arithmetic -----------------------------------------------------------------------------------------------------
 */

static const struct type *decimal_result(struct planner *p, enum arith_op op, const struct type *x,
                                         const struct type *y)
{
    unsigned p1 = x->precision, s1 = x->scale, p2 = y->precision, s2 = y->scale;
    unsigned scale = s1 > s2 ? s1 : s2, whole1 = p1 - s1, whole2 = p2 - s2;
    unsigned precision;
    switch (op) {
    case ARITH_ADD:
    case ARITH_SUB:
        precision = scale + (whole1 > whole2 ? whole1 : whole2) + 1;
        break;
    case ARITH_MUL:
        precision = p1 + p2 + 1;
        scale = s1 + s2;
        break;
    case ARITH_DIV:
        scale = s1 + p2 + 1 > 6 ? s1 + p2 + 1 : 6;
        precision = whole1 + s2 + scale;
        break;
    default:
        precision = (whole1 < whole2 ? whole1 : whole2) + scale;
    }
    const struct type *t = type_decimal(p->a, precision, scale);
    if (!t)
        (void)plan_nomem(p);
    return t;
}

static const struct expr *arithmetic_error(struct binder *b, const struct ast_expr *e, const struct expr **args)
{
    struct str text = bind_text(b, e), left = type_text(b->p, args[0]->type), right = type_text(b->p, args[1]->type);
    if (args[0]->type->kind == KIND_NULL || args[1]->type->kind == KIND_NULL)
        (void)bind_fail(b, e,
                        "Error processing expression: " STR_FMT ". Arithmetic on types " STR_FMT " and " STR_FMT
                        " are not supported.",
                        STR_ARG(text), STR_ARG(left), STR_ARG(right));
    else
        (void)bind_fail(b, e, "Error processing expression: " STR_FMT ". Unsupported arithmetic types. %s %s",
                        STR_ARG(text), type_base_name(args[0]->type->kind), type_base_name(args[1]->type->kind));
    return NULL;
}

/* One operation. `whole` is what messages show. */
static const struct expr *arith(struct binder *b, const struct ast_expr *whole, enum ast_op op, const struct expr *left,
                                const struct expr *right)
{
    static const enum arith_op ops[] = {
        [OP_ADD] = ARITH_ADD, [OP_SUB] = ARITH_SUB, [OP_MUL] = ARITH_MUL, [OP_DIV] = ARITH_DIV, [OP_MOD] = ARITH_MOD};
    struct planner *p = b->p;
    const struct expr *args[2] = {left, right};
    if (!left || !right)
        return NULL;
    const struct type *x = left->type, *y = right->type, *result = NULL;
    if (type_is_numeric(x) && type_is_numeric(y)) {
        const struct type *common = wider_type(p, x, y);
        if (common && common->kind == KIND_DECIMAL) { /* each keeps its own precision */
            args[0] = expr_cast(p, args[0], decimal_of(p, x));
            args[1] = expr_cast(p, args[1], decimal_of(p, y));
            result = args[0] && args[1] ? decimal_result(p, ops[op], args[0]->type, args[1]->type) : NULL;
        } else if ((result = common)) {
            args[0] = expr_cast(p, args[0], result);
            args[1] = expr_cast(p, args[1], result);
        }
    } else if (x->kind == KIND_STRING && y->kind == KIND_STRING && op == OP_ADD) {
        result = &TYPE_STRING;
    } else {
        return arithmetic_error(b, whole, args);
    }
    if (!result || !args[0] || !args[1])
        return NULL;
    struct expr *sum = (struct expr *)(uintptr_t)expr_n(p, EXPR_ARITH, result, args, 2);
    if (sum)
        sum->op = (uint8_t)ops[op];
    return sum;
}

/* A chain of more than two: texts are put together at once, numbers one after the other. */
static const struct expr *arith_chain(struct binder *b, const struct ast_expr *e)
{
    const struct expr **operands = PLAN_ARRAY(b->p, const struct expr *, e->n_args);
    const struct expr **steps = PLAN_ARRAY(b->p, const struct expr *, e->n_args);
    if (!operands || !steps || !(operands[0] = steps[0] = bind_expr(b, e->args[0])))
        return NULL;
    for (uint32_t i = 1; i < e->n_args; i++) {
        const struct expr *so_far = expr_new(b->p, EXPR_SO_FAR, steps[i - 1]->type);
        operands[i] = so_far ? bind_expr(b, e->args[i]) : NULL;
        if (!(steps[i] = arith(b, e, ast_chain_op(e, i - 1), so_far, operands[i])))
            return NULL;
    }
    const struct type *result = steps[e->n_args - 1]->type;
    if (result->kind == KIND_STRING)
        return expr_n(b->p, EXPR_ARITH, result, operands, e->n_args);
    return expr_n(b->p, EXPR_CHAIN, result, steps, e->n_args);
}

const struct expr *bind_arithmetic(struct binder *b, const struct ast_expr *e)
{
    if (e->n_args > 2)
        return arith_chain(b, e);
    const struct expr *left = bind_expr(b, e->args[0]);
    return left ? arith(b, e, e->op, left, bind_expr(b, e->args[1])) : NULL;
}

/* ---- comparisons ---- */

static bool is_time(const struct type *t)
{
    return t->kind == KIND_DATE || t->kind == KIND_TIME || t->kind == KIND_TIMESTAMP;
}

/* The type in which two sides are compared; NULL: they cannot be (no error set, unless memory is out). */
static const struct type *compared_as(struct planner *p, const struct type *x, const struct type *y, bool only_equality)
{
    if (type_is_numeric(x) && type_is_numeric(y))
        return wider_type(p, x, y);
    if (x->kind == KIND_STRING && is_time(y))
        return y;
    if (y->kind == KIND_STRING && is_time(x))
        return x;
    if ((x->kind == KIND_DATE && y->kind == KIND_TIMESTAMP) || (x->kind == KIND_TIMESTAMP && y->kind == KIND_DATE))
        return &TYPE_TIMESTAMP;
    if (x->kind != y->kind)
        return NULL;
    if (x->kind == KIND_STRING || x->kind == KIND_BYTES || is_time(x))
        return x;
    return only_equality && (x->kind == KIND_BOOLEAN || type_is_nested(x)) ? x : NULL;
}

static const struct expr *cast_compared(struct planner *p, const struct expr *e, const struct type *to)
{
    if (to->kind == KIND_DECIMAL) /* DECIMALs of any size compare */
        return expr_cast(p, e, decimal_of(p, e->type));
    return e->type->kind == to->kind ? e : expr_cast(p, e, to);
}

static bool is_magic_name(struct str name)
{
    return str_eq(name, STR("ROWTIME")) || is_window_bound(name);
}

static bool is_magic(const struct binder *b, const struct ast_expr *e)
{
    if (!b->magic_time || e->kind != AST_COLUMN)
        return false;
    for (uint32_t i = 0; b->joined && i < b->joined->n_sources; i++) {
        struct str alias = b->joined->sources[i].alias;
        if (str_starts(e->text, alias) && e->text.len > alias.len && e->text.p[alias.len] == '_' &&
            is_magic_name(str_make(e->text.p + alias.len + 1, e->text.len - alias.len - 1)))
            return true;
    }
    return is_magic_name(e->text);
}

/* A text against a magic column: its time in milliseconds. */
static const struct expr *bind_magic(struct binder *b, const struct ast_expr *e)
{
    int64_t ms;
    struct diag parse = DIAG_INIT;
    enum status st = parse_timestamp(e->text, &ms, &parse);
    if (st == STATUS_OK)
        return expr_literal(b->p, (struct value){.kind = KIND_BIGINT, .i64 = ms}, &TYPE_BIGINT);
    (void)bind_fail(b, e, "%s", parse.message);
    return NULL;
}

static const struct expr *bind_side(struct binder *b, const struct ast_expr *e, const struct ast_expr *other)
{
    if (e->kind == AST_STRING && is_magic(b, other))
        return bind_magic(b, e);
    return bind_expr(b, e);
}

static const char *const op_names[] = {
    [COMPARE_EQ] = "EQUAL",
    [COMPARE_NE] = "NOT_EQUAL",
    [COMPARE_LT] = "LESS_THAN",
    [COMPARE_LE] = "LESS_THAN_OR_EQUAL",
    [COMPARE_GT] = "GREATER_THAN",
    [COMPARE_GE] = "GREATER_THAN_OR_EQUAL",
    [COMPARE_DISTINCT] = "IS_DISTINCT_FROM",
    [COMPARE_NOT_DISTINCT] = "IS_NOT_DISTINCT_FROM",
};

/* Checks and casts both sides of one comparison. */
static bool make_comparable(struct binder *b, const struct ast_expr *e, const struct ast_expr *left_ast,
                            const struct ast_expr *right_ast, enum compare_op op, const struct expr **left,
                            const struct expr **right)
{
    struct planner *p = b->p;
    const struct type *x = (*left)->type, *y = (*right)->type;
    if (x->kind == KIND_NULL || y->kind == KIND_NULL) {
        (void)bind_fail(b, e, "Comparison with NULL not supported: %s %s %s\nUse 'IS NULL' or 'IS NOT NULL' instead.",
                        x->kind == KIND_NULL ? "NULL" : type_base_name(x->kind), ast_op_text((enum ast_op)(OP_EQ + op)),
                        y->kind == KIND_NULL ? "NULL" : type_base_name(y->kind));
        return false;
    }
    bool equality = op == COMPARE_EQ || op == COMPARE_NE || op >= COMPARE_DISTINCT;
    const struct type *as = compared_as(p, x, y, equality);
    if (!as) {
        (void)bind_fail(b, e, "Cannot compare " STR_FMT " (" STR_FMT ") to " STR_FMT " (" STR_FMT ") with %s.",
                        STR_ARG(bind_text(b, left_ast)), STR_ARG(type_text(p, x)), STR_ARG(bind_text(b, right_ast)),
                        STR_ARG(type_text(p, y)), op_names[op]);
        return false;
    }
    *left = cast_compared(p, *left, as);
    *right = cast_compared(p, *right, as);
    return *left && *right;
}

const struct expr *bind_comparison(struct binder *b, const struct ast_expr *e)
{
    enum compare_op op = (enum compare_op)(e->op - OP_EQ + COMPARE_EQ);
    const struct expr *args[2] = {bind_side(b, e->args[0], e->args[1])};
    if (!args[0] || !(args[1] = bind_side(b, e->args[1], e->args[0])) ||
        !make_comparable(b, e, e->args[0], e->args[1], op, &args[0], &args[1]))
        return NULL;
    struct expr *comparison = (struct expr *)(uintptr_t)expr_n(b->p, EXPR_COMPARE, &TYPE_BOOLEAN, args, 2);
    if (comparison)
        comparison->op = (uint8_t)op;
    return comparison;
}

static const struct expr *between(struct binder *b, const struct ast_expr *e)
{
    const struct expr *args[3];
    for (uint32_t i = 0; i < 3; i++)
        if (!(args[i] = i ? bind_side(b, e->args[i], e->args[0]) : bind_expr(b, e->args[i])))
            return NULL;
    /* All three in one type: first the value's with each bound, then the bounds after the value. */
    for (uint32_t i = 1; i < 3; i++)
        if (!make_comparable(b, e, e->args[0], e->args[i], i == 1 ? COMPARE_GE : COMPARE_LE, &args[0], &args[i]))
            return NULL;
    if (!make_comparable(b, e, e->args[0], e->args[1], COMPARE_GE, &args[0], &args[1]))
        return NULL;
    return expr_n(b->p, EXPR_BETWEEN, &TYPE_BOOLEAN, args, 3);
}

const struct expr *bind_between(struct binder *b, const struct ast_expr *e)
{
    b->below_opaque++;
    const struct expr *bound = between(b, e);
    b->below_opaque--;
    return bound;
}
