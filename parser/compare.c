/* Equality of trees: structure and values; where something stands and how a name was quoted does not count. */
#include "parser/parser_int.h"

static bool names_eq(const struct ast_name *x, const struct ast_name *y, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!str_eq(x[i].text, y[i].text))
            return false;
    }
    return true;
}

static bool type_tree_eq(const struct ast_type *x, const struct ast_type *y)
{
    if (x->kind != y->kind || x->n_fields != y->n_fields || x->precision != y->precision || x->scale != y->scale ||
        !str_eq(x->name.text, y->name.text))
        return false;
    if ((x->key && !type_tree_eq(x->key, y->key)) || (x->element && !type_tree_eq(x->element, y->element)))
        return false;
    for (uint32_t i = 0; i < x->n_fields; i++) {
        if (!names_eq(&x->fields[i].name, &y->fields[i].name, 1) || !type_tree_eq(x->fields[i].type, y->fields[i].type))
            return false;
    }
    return true;
}

bool ast_expr_eq(const struct ast_expr *x, const struct ast_expr *y)
{
    if (x->kind != y->kind || x->star != y->star || x->boolean != y->boolean || x->n_args != y->n_args ||
        x->n_names != y->n_names || !str_eq(x->source, y->source))
        return false;
    if (x->kind != AST_CALL && x->op != y->op) /* || is CONCAT */
        return false;
    for (uint32_t i = 0; x->kind == AST_ARITHMETIC && i + 1 < x->n_args; i++) {
        if (ast_chain_op(x, i) != ast_chain_op(y, i))
            return false;
    }
    if (x->kind == AST_DOUBLE ? x->number != y->number : !str_eq(x->text, y->text))
        return false;
    if ((x->kind == AST_INT || x->kind == AST_BIGINT) && x->integer != y->integer)
        return false;
    if (x->kind == AST_CAST && !type_tree_eq(x->type, y->type))
        return false;
    if (x->n_names && !names_eq(x->names, y->names, x->n_names))
        return false;
    for (uint32_t i = 0; i < x->n_args; i++) {
        if (!ast_expr_eq(x->args[i], y->args[i]))
            return false;
    }
    return true;
}
