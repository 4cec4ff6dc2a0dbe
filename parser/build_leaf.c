/* The grammar's actions for what ends an expression: literals, words, columns. */
#include "parser/parser_int.h"

#include <math.h>

static struct ast_expr *leaf(struct builder *b, enum ast_expr_kind kind, struct token t)
{
    return build_expr(b, kind, token_span(b, t), 0, NULL);
}

/* A bare unit: capitals, plural. */
static struct str unit_text(int kind)
{
    switch (kind) {
    case TK_YEARS:
        return STR("YEARS");
    case TK_MONTHS:
        return STR("MONTHS");
    case TK_DAYS:
        return STR("DAYS");
    case TK_HOURS:
        return STR("HOURS");
    case TK_MINUTES:
        return STR("MINUTES");
    case TK_SECONDS:
        return STR("SECONDS");
    default:
        return STR("MILLISECONDS");
    }
}

static struct ast_expr *text_leaf(struct builder *b, enum ast_expr_kind kind, struct token t, struct str text)
{
    struct ast_expr *e = leaf(b, kind, t);
    if (e)
        e->text = text;
    return e;
}

static struct ast_expr *boolean_leaf(struct builder *b, struct token t)
{
    struct ast_expr *e = leaf(b, AST_BOOLEAN, t);
    if (e)
        e->boolean = t.kind == TK_TRUE;
    return e;
}

struct ast_expr *build_word(struct builder *b, struct token t)
{
    switch (t.kind) {
    case TK_NULL:
        return leaf(b, AST_NULL, t);
    case TK_TRUE:
    case TK_FALSE:
        return boolean_leaf(b, t);
    case TK_TEXT:
        return text_leaf(b, AST_STRING, t, build_text(b, t));
    case TK_VARIABLE:
        build_literal_hole(b, t);
        return text_leaf(b, AST_VARIABLE, t, str_make(t.p, t.len));
    default:
        return text_leaf(b, AST_UNIT, t, unit_text(t.kind));
    }
}

static void set_double(struct builder *b, struct ast_expr *e, struct token t)
{
    e->kind = AST_DOUBLE;
    if (!parse_double(e->text, &e->number) || isinf(e->number))
        build_mistake(b, e->span, "line %u:%u: Number overflows DOUBLE: " STR_FMT, t.line, t.column + 1,
                      STR_ARG(e->text));
}

static void set_integer(struct builder *b, struct ast_expr *e, struct token t)
{
    if (!parse_i64(e->text, &e->integer))
        build_mistake(b, e->span, "line %u:%u: Invalid numeric literal: " STR_FMT, t.line, t.column + 1,
                      STR_ARG(e->text));
    e->kind = e->integer >= INT32_MIN && e->integer <= INT32_MAX ? AST_INT : AST_BIGINT;
}

struct ast_expr *build_number(struct builder *b, struct token t)
{
    struct ast_expr *e = text_leaf(b, AST_DECIMAL, t, number_text(b, t));
    if (!e)
        return NULL;
    if (t.kind == TK_FLOATING_POINT_VALUE)
        set_double(b, e, t);
    else if (t.kind == TK_INTEGER_VALUE)
        set_integer(b, e, t);
    return e;
}

struct ast_expr *build_typed_text(struct builder *b, struct token type, struct token text)
{
    struct ast_name name = build_ident(b, type);
    if (!str_eq(name.text, STR("DECIMAL")))
        build_mistake(b, name.span, "Unknown type: " STR_FMT ", location:Line: %u, Col: %u", STR_ARG(name.text),
                      type.line, type.column);
    struct ast_expr *e = text_leaf(b, AST_DECIMAL, text, build_text(b, text));
    int128 unscaled;
    int scale;
    if (!e)
        return NULL;
    e->span = span_join(name.span, e->span);
    if (!parse_decimal(e->text, &unscaled, &scale))
        build_mistake(b, e->span, "line %u:%u: Invalid decimal literal: " STR_FMT, type.line, type.column + 1,
                      STR_ARG(e->text));
    return e;
}

struct ast_expr *build_column(struct builder *b, struct token source, struct token name)
{
    struct ast_expr *e = leaf(b, AST_COLUMN, name);
    if (!e)
        return NULL;
    struct ast_name from = build_ident(b, source), column = build_ident(b, name);
    e->text = column.text;
    e->quoted = column.quoted;
    e->source = from.text;
    e->source_quoted = from.quoted;
    e->span = span_join(from.span, e->span);
    return e;
}
