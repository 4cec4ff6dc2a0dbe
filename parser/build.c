/* What all actions of the grammar share: memory, lists, names, texts, spans, mistakes. */
#include "parser/parser_int.h"

#include <stdio.h>

/* ---- failure -------------------------------------------------------------------------------------------- */

void build_nomem(struct builder *b)
{
    if (b->status == STATUS_OK)
        b->status = diag_nomem(b->diag);
}

void build_too_deep(struct builder *b)
{
    if (b->status != STATUS_OK)
        return;
    b->status = diag_set_at(b->diag, STATUS_INVALID, token_span(b, b->tokens.current),
                            "Error processing statement: Statement is too large to parse. This may be caused by having "
                            "too many nested expressions in the statement.");
    diag_hint(b->diag, "expressions may be nested %u levels deep", b->max_depth);
}

void build_stack_overflow(struct builder *b, bool at_limit)
{
    if (at_limit)
        build_too_deep(b);
    else
        build_nomem(b);
}

void *build_alloc(struct builder *b, size_t size)
{
    void *p = b->status == STATUS_OK ? arena_zalloc(b->arena, size) : NULL;
    if (!p)
        build_nomem(b);
    return p;
}

/* ---- mistakes ------------------------------------------------------------------------------------------- */

static void mistake_set(struct builder *b, struct span where, const char *prefix, const char *context,
                        const char *format, va_list args)
{
    if (b->mistake || b->status != STATUS_OK)
        return;
    struct diag *d = BUILD_NEW(b, struct diag);
    if (!d)
        return;
    diag_vset(d, STATUS_PARSE, where, format, args);
    if (prefix)
        diag_prefix(d, prefix);
    if (context)
        diag_context(d, context, strlen(context));
    b->mistake = d;
}

void build_mistake(struct builder *b, struct span where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    mistake_set(b, where, "Failed to prepare statement: ", NULL, format, args);
    va_end(args);
}

void build_mistake_bare(struct builder *b, struct span where, const char *context, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    mistake_set(b, where, NULL, context, format, args);
    va_end(args);
}

/* ---- lists ---------------------------------------------------------------------------------------------- */

struct list *build_list(struct builder *b, struct list *to, void *item)
{
    struct list *l = to ? to : BUILD_NEW(b, struct list);
    if (!l || !item)
        return l;
    if (l->n == l->cap) {
        uint32_t cap = l->cap ? l->cap * 2 : 4;
        void **items = build_alloc(b, (size_t)cap * sizeof *items);
        if (!items)
            return l;
        if (l->n)
            memcpy(items, l->items, l->n * sizeof *items);
        l->items = items;
        l->cap = cap;
    }
    l->items[l->n++] = item;
    return l;
}

void *build_array(struct builder *b, const struct list *l, size_t item_size, uint32_t *n)
{
    *n = 0;
    if (!l || l->n == 0)
        return NULL;
    char *array = build_alloc(b, item_size * l->n);
    if (!array)
        return NULL;
    for (uint32_t i = 0; i < l->n; i++)
        memcpy(array + item_size * i, l->items[i], item_size);
    *n = l->n;
    return array;
}

/* ---- places --------------------------------------------------------------------------------------------- */

struct span token_span(const struct builder *b, struct token t)
{
    if (!token_given(t))
        return (struct span){0};
    uint32_t begin = (uint32_t)(t.p - b->text.p);
    return (struct span){t.line, t.column, begin, begin + t.len};
}

struct span span_join(struct span first, struct span last)
{
    if (!first.line)
        return last;
    if (last.line && last.end > first.end)
        first.end = last.end;
    return first;
}

/* ---- names and texts ------------------------------------------------------------------------------------ */

static void add_hole(struct builder *b, struct token t, enum ast_hole_kind kind)
{
    struct ast_hole *hole = BUILD_NEW(b, struct ast_hole);
    if (!hole)
        return;
    hole->kind = kind;
    hole->span = token_span(b, t);
    build_list(b, &b->holes, hole);
}

void build_literal_hole(struct builder *b, struct token t)
{
    add_hole(b, t, HOLE_LITERAL);
}

/* The inside of a quoted token, doubled quotes undone. */
static struct str unquote(struct builder *b, struct token t)
{
    char quote = t.p[0];
    struct str inside = str_make(t.p + 1, t.len - 2);
    if (inside.len == 0 || !memchr(inside.p, quote, inside.len))
        return inside.len ? inside : STR("");
    char *copy = build_alloc(b, inside.len);
    if (!copy)
        return STR("");
    uint32_t n = 0;
    for (uint32_t i = 0; i < inside.len; i++) {
        copy[n++] = inside.p[i];
        i += inside.p[i] == quote;
    }
    return str_make(copy, n);
}

static bool has_variable(struct token t)
{
    return t.len > 4 && memmem(t.p, t.len, "${", 2) != NULL;
}

struct str build_text(struct builder *b, struct token t)
{
    if (has_variable(t))
        add_hole(b, t, HOLE_STRING);
    return unquote(b, t);
}

static struct str fold(struct builder *b, struct token t)
{
    bool upper = true;
    for (uint32_t i = 0; i < t.len && upper; i++)
        upper = t.p[i] < 'a' || t.p[i] > 'z';
    struct str s = str_make(t.p, t.len);
    if (upper || b->status != STATUS_OK)
        return s;
    s = str_upper_ascii(b->arena, s);
    if (!s.p) {
        build_nomem(b);
        return STR("");
    }
    return s;
}

struct ast_name build_ident_as_written(struct builder *b, struct token t)
{
    struct ast_name name = {.span = token_span(b, t), .text = str_make(t.p, t.len)};
    if (!token_given(t))
        return (struct ast_name){0};
    if (t.kind == TK_TEXT) {
        name.quoted = true;
        name.text = build_text(b, t);
    } else if (t.shape == SHAPE_QUOTED || t.shape == SHAPE_BACKQUOTED) {
        name.quoted = true;
        name.text = unquote(b, t);
    } else if (t.shape == SHAPE_VARIABLE) {
        add_hole(b, t, HOLE_NAME);
    }
    return name;
}

struct ast_name build_ident(struct builder *b, struct token t)
{
    struct ast_name name = build_ident_as_written(b, t);
    if (token_given(t) && !name.quoted && t.shape != SHAPE_VARIABLE)
        name.text = fold(b, t);
    return name;
}

static bool is_source_name(struct str s)
{
    for (uint32_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return true;
}

struct ast_name build_source_ident(struct builder *b, struct token t)
{
    struct ast_name name = build_ident(b, t);
    if (!is_source_name(name.text)) {
        struct str context = str_dup(b->arena, name.text);
        build_mistake_bare(b, name.span, context.p,
                           "Illegal argument at Line: %u, Col: %u. Source names may only contain alphanumeric values, "
                           "'_' or '-'. Got: '" STR_FMT "'",
                           name.span.line, name.span.column, STR_ARG(name.text));
    }
    return name;
}

struct list *build_name(struct builder *b, struct list *to, struct token name)
{
    struct ast_name *n = BUILD_NEW(b, struct ast_name);
    if (n)
        *n = build_ident(b, name);
    return build_list(b, to, n);
}

struct list *build_name_first(struct builder *b, struct token name, struct list *rest)
{
    struct list *all = build_name(b, NULL, name);
    for (uint32_t i = 0; rest && i < rest->n; i++)
        build_list(b, all, rest->items[i]);
    return all;
}

static bool is_number_part(const char *p, uint32_t at)
{
    char c = p[at];
    if (c == '+' || c == '-')
        return at > 0 && (p[at - 1] == 'e' || p[at - 1] == 'E');
    return (c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E';
}

struct str number_text(struct builder *b, struct token t)
{
    uint32_t at = t.len;
    if (t.p[0] != '-')
        return str_make(t.p, t.len);
    while (at > 1 && is_number_part(t.p, at - 1))
        at--;
    if (at == 1)
        return str_make(t.p, t.len);
    struct str s = str_printf(b->arena, "-%.*s", (int)(t.len - at), t.p + at);
    if (s.p)
        return s;
    build_nomem(b);
    return STR("0");
}

int64_t build_integer(struct builder *b, struct token t, const char *command)
{
    struct str digits = number_text(b, t);
    int64_t n = 0;
    if (t.kind != TK_INTEGER_VALUE)
        build_mistake(b, token_span(b, t), "Value must be integer for command: %s", command);
    else if (!parse_i64(digits, &n))
        build_mistake(b, token_span(b, t), "line %u:%u: Invalid numeric literal: " STR_FMT, t.line, t.column + 1,
                      STR_ARG(digits));
    return n;
}

int64_t build_int(struct builder *b, struct token t, const char *command)
{
    int64_t n = 0;
    if (t.kind == TK_INTEGER_VALUE && parse_i64(number_text(b, t), &n) && n >= INT32_MIN && n <= INT32_MAX)
        return n;
    build_mistake(b, token_span(b, t), "Value must be integer for command: %s", command);
    return 0;
}
