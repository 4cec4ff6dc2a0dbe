/* Bound expressions as text, fully parenthesised. Casts that the planner added are shown too. (The parser prints the
 * same syntax from syntax trees, which have other nodes: what both can share are the texts of operators and literals.)
 */
#include "planner/planner_int.h"

static void print_literal(struct buf *out, const struct expr *e)
{
    if (value_is_null(&e->value))
        buf_puts(out, STR("null"));
    else if (e->type->kind == KIND_STRING)
        ast_format_text(out, e->value.str);
    else if (e->type->kind == KIND_UNIT)
        buf_puts(out, e->value.str);
    else
        value_print(out, &e->value, e->type);
}

static void print_args(struct buf *out, const struct expr *e, uint32_t from)
{
    for (uint32_t i = from; i < e->n_args; i++) {
        if (i > from)
            buf_puts(out, STR(", "));
        expr_print(out, e->args[i]);
    }
}

static void print_pairs(struct buf *out, const struct expr *e)
{
    buf_puts(out, e->kind == EXPR_MAP ? STR("MAP(") : STR("STRUCT("));
    uint32_t step = e->kind == EXPR_MAP ? 2 : 1;
    for (uint32_t i = 0; i < e->n_args; i += step) {
        if (i)
            buf_puts(out, STR(", "));
        if (step == 2)
            expr_print(out, e->args[i]);
        else
            buf_puts(out, e->type->fields[i].name);
        buf_puts(out, STR(":="));
        expr_print(out, e->args[i + step - 1]);
    }
    buf_putc(out, ')');
}

static void print_infix(struct buf *out, const struct expr *e, const char *op)
{
    buf_putc(out, '(');
    for (uint32_t i = 0; i < e->n_args; i++) {
        if (i)
            buf_printf(out, " %s ", op);
        expr_print(out, e->args[i]);
    }
    buf_putc(out, ')');
}

static void print_case(struct buf *out, const struct expr *e)
{
    buf_puts(out, STR("(CASE"));
    for (uint32_t i = 0; i + 1 < e->n_args; i += 2) {
        buf_puts(out, STR(" WHEN "));
        expr_print(out, e->args[i]);
        buf_puts(out, STR(" THEN "));
        expr_print(out, e->args[i + 1]);
    }
    if (e->n_args % 2) {
        buf_puts(out, STR(" ELSE "));
        expr_print(out, e->args[e->n_args - 1]);
    }
    buf_puts(out, STR(" END)"));
}

static void print_lambda(struct buf *out, const struct expr *e)
{
    buf_putc(out, '(');
    for (uint32_t i = 0; i < e->n_params; i++)
        buf_printf(out, "%s$%u", i ? ", " : "", e->lambda_base + i);
    buf_puts(out, STR(") => "));
    expr_print(out, e->args[0]);
}

static void print_like(struct buf *out, const struct expr *e)
{
    buf_putc(out, '(');
    expr_print(out, e->args[0]);
    buf_puts(out, STR(" LIKE "));
    expr_print(out, e->args[1]);
    if (e->escape)
        buf_printf(out, " ESCAPE '%c'", e->escape);
    buf_putc(out, ')');
}

static void print_suffixed(struct buf *out, const char *before, const struct expr *e, const char *after)
{
    buf_puts(out, str_from(before));
    expr_print(out, e->args[0]);
    buf_puts(out, str_from(after));
}

void expr_print(struct buf *out, const struct expr *e)
{
    switch (e->kind) {
    case EXPR_LITERAL:
        print_literal(out, e);
        break;
    case EXPR_COLUMN:
    case EXPR_PSEUDO:
        buf_puts(out, e->name);
        break;
    case EXPR_CALL:
        buf_printf(out, "%s(", e->call->function->name);
        print_args(out, e, 0);
        buf_putc(out, ')');
        break;
    case EXPR_CAST:
        print_suffixed(out, "CAST(", e, " AS ");
        type_print(out, e->type);
        buf_putc(out, ')');
        break;
    case EXPR_ARITH:
        print_infix(out, e, ast_op_text((enum ast_op)(OP_ADD + e->op)));
        break;
    case EXPR_COMPARE:
        print_infix(out, e, ast_op_text((enum ast_op)(OP_EQ + e->op)));
        break;
    case EXPR_AND:
        print_infix(out, e, "AND");
        break;
    case EXPR_OR:
        print_infix(out, e, "OR");
        break;
    case EXPR_NEGATE:
        print_suffixed(out, "-", e, "");
        break;
    case EXPR_NOT:
        print_suffixed(out, "(NOT ", e, ")");
        break;
    case EXPR_IS_NULL:
        print_suffixed(out, "(", e, " IS NULL)");
        break;
    case EXPR_IS_NOT_NULL:
        print_suffixed(out, "(", e, " IS NOT NULL)");
        break;
    case EXPR_BETWEEN:
        print_suffixed(out, "(", e, " BETWEEN ");
        expr_print(out, e->args[1]);
        buf_puts(out, STR(" AND "));
        expr_print(out, e->args[2]);
        buf_putc(out, ')');
        break;
    case EXPR_IN:
        print_suffixed(out, "(", e, " IN (");
        print_args(out, e, 1);
        buf_puts(out, STR("))"));
        break;
    case EXPR_LIKE:
        print_like(out, e);
        break;
    case EXPR_CASE:
        print_case(out, e);
        break;
    case EXPR_SUBSCRIPT:
        print_suffixed(out, "", e, "[");
        expr_print(out, e->args[1]);
        buf_putc(out, ']');
        break;
    case EXPR_FIELD:
        print_suffixed(out, "", e, "->");
        buf_puts(out, e->name);
        break;
    case EXPR_ARRAY:
        buf_puts(out, STR("ARRAY["));
        print_args(out, e, 0);
        buf_putc(out, ']');
        break;
    case EXPR_STRUCT:
    case EXPR_MAP:
        print_pairs(out, e);
        break;
    case EXPR_LAMBDA:
        print_lambda(out, e);
        break;
    case EXPR_CHAIN:
        buf_puts(out, STR("CHAIN["));
        print_args(out, e, 0);
        buf_putc(out, ']');
        break;
    case EXPR_SO_FAR:
        buf_putc(out, '$');
        break;
    case EXPR_LAMBDA_VAR:
        buf_printf(out, "$%u", e->column);
        break;
    }
}
