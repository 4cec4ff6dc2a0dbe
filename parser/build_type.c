/* The grammar's actions for types. Names are not resolved here: see types.c. */
#include "parser/parser_int.h"

static struct ast_type *new_type(struct builder *b, enum ast_type_kind kind, struct span span, uint32_t depth)
{
    struct ast_type *t = BUILD_NEW(b, struct ast_type);
    if (!t)
        return NULL;
    t->kind = kind;
    t->span = span;
    t->depth = depth + 1;
    if (t->depth > b->max_depth) {
        build_too_deep(b);
        return NULL;
    }
    return t;
}

static struct span range(const struct builder *b, struct token first, struct token last)
{
    return span_join(token_span(b, first), token_span(b, last));
}

struct ast_type *build_type_name(struct builder *b, struct token name, struct token last)
{
    struct ast_type *t = new_type(b, AST_TYPE_NAME, range(b, name, last), 0);
    if (t)
        t->name = build_ident(b, name);
    return t;
}

struct ast_type *build_type_decimal(struct builder *b, struct token first, struct token precision, struct token scale,
                                    struct token last)
{
    struct ast_type *t = new_type(b, AST_TYPE_DECIMAL, range(b, first, last), 0);
    if (t) {
        t->precision = build_int(b, precision, "DECIMAL(PRECISION)");
        t->scale = build_int(b, scale, "DECIMAL(SCALE)");
    }
    return t;
}

struct ast_type *build_type_array(struct builder *b, struct token first, struct ast_type *element, struct token last)
{
    if (!element)
        return NULL;
    struct span from = token_given(first) ? token_span(b, first) : element->span;
    struct ast_type *t = new_type(b, AST_TYPE_ARRAY, span_join(from, token_span(b, last)), element->depth);
    if (t)
        t->element = element;
    return t;
}

struct ast_type *build_type_map(struct builder *b, struct token first, struct ast_type *key, struct ast_type *value,
                                struct token last)
{
    if (!key || !value)
        return NULL;
    struct ast_type *t =
        new_type(b, AST_TYPE_MAP, range(b, first, last), key->depth > value->depth ? key->depth : value->depth);
    if (t) {
        t->key = key;
        t->element = value;
    }
    return t;
}

struct list *build_type_field(struct builder *b, struct list *to, struct token name, struct ast_type *type)
{
    struct ast_field *f = type ? BUILD_NEW(b, struct ast_field) : NULL;
    if (f) {
        f->name = build_ident(b, name);
        f->type = type;
    }
    return build_list(b, to, f);
}

struct ast_type *build_type_struct(struct builder *b, struct token first, struct list *fields, struct token last)
{
    uint32_t depth = 0;
    for (uint32_t i = 0; fields && i < fields->n; i++) {
        const struct ast_field *f = fields->items[i];
        depth = f->type->depth > depth ? f->type->depth : depth;
    }
    struct ast_type *t = new_type(b, AST_TYPE_STRUCT, range(b, first, last), depth);
    if (t)
        t->fields = build_array(b, fields, sizeof *t->fields, &t->n_fields);
    return t;
}
