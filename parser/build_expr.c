/* The grammar's actions for expressions; leaves are in build_leaf.c. */
#include "parser/parser_int.h"

struct ast_expr *build_expr(struct builder *b, enum ast_expr_kind kind, struct span span, uint32_t n_args,
                            const struct ast_expr *const *args)
{
    struct ast_expr *e = BUILD_NEW(b, struct ast_expr);
    if (!e)
        return NULL;
    *e = (struct ast_expr){.kind = kind, .span = span, .n_args = n_args, .args = args};
    for (uint32_t i = 0; i < n_args; i++) {
        if (args[i]->depth > e->depth)
            e->depth = args[i]->depth;
    }
    if (++e->depth > b->max_depth) {
        build_too_deep(b);
        return NULL;
    }
    return e;
}

/* A node over up to three arguments; NULL if one of the first `n` is missing after an error. */
static struct ast_expr *node(struct builder *b, enum ast_expr_kind kind, struct span span, uint32_t n,
                             const struct ast_expr *x, const struct ast_expr *y, const struct ast_expr *z)
{
    const struct ast_expr **args = build_alloc(b, 3 * sizeof *args);
    if (!args || (n > 0 && !x) || (n > 1 && !y) || (n > 2 && !z))
        return NULL;
    args[0] = x;
    args[1] = y;
    args[2] = z;
    return build_expr(b, kind, span, n, args);
}

/* A node over a list. */
static struct ast_expr *node_list(struct builder *b, enum ast_expr_kind kind, struct span span, const struct list *l)
{
    if (b->status != STATUS_OK)
        return NULL;
    return build_expr(b, kind, span, l ? l->n : 0, l ? (const struct ast_expr *const *)l->items : NULL);
}

static struct ast_expr *negate(struct builder *b, struct token negation, struct ast_expr *e)
{
    return token_given(negation) && e ? node(b, AST_NOT, e->span, 1, e, NULL, NULL) : e;
}

struct ast_expr *build_parens(struct builder *b, struct token open, struct ast_expr *e, struct token close)
{
    (void)b;
    (void)open;
    (void)close;
    return e;
}

/* ---- operators ------------------------------------------------------------------------------------------ */

struct ast_expr *build_unary(struct builder *b, struct token op, struct ast_expr *e)
{
    if (!e)
        return NULL;
    struct span span = span_join(token_span(b, op), e->span);
    if (op.kind == TK_NOT)
        return node(b, AST_NOT, span, 1, e, NULL, NULL);
    struct ast_expr *signed_expr = node(b, AST_SIGN, span, 1, e, NULL, NULL);
    if (signed_expr)
        signed_expr->op = op.kind == TK_MINUS ? OP_SUB : OP_ADD;
    return signed_expr;
}

static const struct operator_kind {
    int token;
    enum ast_expr_kind kind;
    enum ast_op op;
} operators[] = {
    {TK_OR, AST_OR, OP_NONE},
    {TK_AND, AST_AND, OP_NONE},
    {TK_EQ, AST_COMPARISON, OP_EQ},
    {TK_NE, AST_COMPARISON, OP_NE},
    {TK_LT, AST_COMPARISON, OP_LT},
    {TK_LE, AST_COMPARISON, OP_LE},
    {TK_GT, AST_COMPARISON, OP_GT},
    {TK_GE, AST_COMPARISON, OP_GE},
    {TK_DISTINCT, AST_COMPARISON, OP_DISTINCT},
    {TK_NOT, AST_COMPARISON, OP_NOT_DISTINCT},
    {TK_PLUS, AST_ARITHMETIC, OP_ADD},
    {TK_MINUS, AST_ARITHMETIC, OP_SUB},
    {TK_STAR, AST_ARITHMETIC, OP_MUL},
    {TK_SLASH, AST_ARITHMETIC, OP_DIV},
    {TK_PERCENT, AST_ARITHMETIC, OP_MOD},
};

static bool is_sum(enum ast_op op)
{
    return op == OP_ADD || op == OP_SUB;
}

/* Is `left` a chain that is deep enough to grow in width, by an operator of that kind? */
static bool takes_more(const struct ast_expr *left, enum ast_expr_kind kind, enum ast_op op)
{
    if (left->depth < AST_CHAIN_DEPTH || left->kind != kind)
        return false;
    switch (kind) {
    case AST_AND:
    case AST_OR:
        return true;
    case AST_CALL:
        return left->op == OP_CONCAT;
    case AST_ARITHMETIC:
        return is_sum(left->op) == is_sum(op);
    default:
        return false;
    }
}

/* Room for one argument more; it doubles. */
static bool make_room(struct builder *b, struct ast_expr *e)
{
    enum { FIRST = 8 };
    uint32_t n = e->n_args;
    if (n > 2 && (n < FIRST || (n & (n - 1)) != 0))
        return true;
    uint32_t cap = n > 2 ? 2 * n : FIRST;
    const struct ast_expr **args = build_alloc(b, cap * sizeof *args);
    enum ast_op *ops = e->kind == AST_ARITHMETIC ? build_alloc(b, cap * sizeof *ops) : NULL;
    if (!args || (e->kind == AST_ARITHMETIC && !ops))
        return false;
    memcpy(args, e->args, n * sizeof *args);
    for (uint32_t i = 0; ops && i + 1 < n; i++)
        ops[i] = ast_chain_op(e, i);
    e->args = args;
    if (ops)
        e->ops = ops;
    return true;
}

static struct ast_expr *take_more(struct builder *b, struct ast_expr *chain, enum ast_op op, struct ast_expr *right)
{
    if (right->depth >= b->max_depth) {
        build_too_deep(b);
        return NULL;
    }
    if (!make_room(b, chain))
        return NULL;
    if (chain->kind == AST_ARITHMETIC)
        ((enum ast_op *)(uintptr_t)chain->ops)[chain->n_args - 1] = op;
    ((const struct ast_expr **)(uintptr_t)chain->args)[chain->n_args++] = right;
    chain->depth = right->depth >= chain->depth ? right->depth + 1 : chain->depth;
    chain->span = span_join(chain->span, right->span);
    return chain;
}

struct ast_expr *build_binary(struct builder *b, int op, struct ast_expr *left, struct ast_expr *right)
{
    if (!left || !right)
        return NULL;
    const struct operator_kind *o = operators;
    while (o->token != op)
        o++;
    if (takes_more(left, o->kind, o->op))
        return take_more(b, left, o->op, right);
    struct ast_expr *e = node(b, o->kind, span_join(left->span, right->span), 2, left, right, NULL);
    if (e)
        e->op = o->op;
    return e;
}

struct ast_expr *build_concat(struct builder *b, struct ast_expr *left, struct ast_expr *right)
{
    if (!left || !right)
        return NULL;
    if (takes_more(left, AST_CALL, OP_CONCAT))
        return take_more(b, left, OP_CONCAT, right);
    struct ast_expr *e = node(b, AST_CALL, span_join(left->span, right->span), 2, left, right, NULL);
    if (e) {
        e->op = OP_CONCAT;
        e->text = STR("CONCAT");
    }
    return e;
}

struct ast_expr *build_null_test(struct builder *b, struct ast_expr *e, bool negated, struct token last)
{
    if (!e)
        return NULL;
    return node(b, negated ? AST_IS_NOT_NULL : AST_IS_NULL, span_join(e->span, token_span(b, last)), 1, e, NULL, NULL);
}

struct ast_expr *build_between(struct builder *b, struct ast_expr *e, struct token negation, struct ast_expr *low,
                               struct ast_expr *high)
{
    if (!e || !high)
        return NULL;
    return negate(b, negation, node(b, AST_BETWEEN, span_join(e->span, high->span), 3, e, low, high));
}

struct ast_expr *build_in(struct builder *b, struct ast_expr *e, struct token negation, struct list *items,
                          struct token last)
{
    if (!e || !items)
        return NULL;
    const struct ast_expr **args = build_alloc(b, (items->n + 1) * sizeof *args);
    if (!args)
        return NULL;
    args[0] = e;
    memcpy(args + 1, items->items, items->n * sizeof *args);
    return negate(b, negation, build_expr(b, AST_IN, span_join(e->span, token_span(b, last)), items->n + 1, args));
}

struct ast_expr *build_like(struct builder *b, struct ast_expr *e, struct token negation, struct ast_expr *pattern,
                            struct token escape)
{
    if (!e || !pattern)
        return NULL;
    struct span span = span_join(span_join(e->span, pattern->span), token_span(b, escape));
    struct ast_expr *like = node(b, AST_LIKE, span, 2, e, pattern, NULL);
    if (like && token_given(escape)) {
        like->text = build_text(b, escape);
        uint32_t n = 0; /* characters */
        for (uint32_t i = 0; i < like->text.len; i++)
            n += ((unsigned char)like->text.p[i] & 0xC0) != 0x80;
        if (n != 1)
            build_mistake(b, like->span, "Line: %u, Col: %u: Expected single character escape but got: " STR_FMT,
                          like->span.line, like->span.column, STR_ARG(like->text));
    }
    return negate(b, negation, like);
}

struct ast_expr *build_at_zone(struct builder *b, struct ast_expr *e, struct token zone)
{
    if (!e)
        return NULL;
    struct ast_expr *at = node(b, AST_AT_ZONE, span_join(e->span, token_span(b, zone)), 1, e, NULL, NULL);
    if (at)
        at->text = build_text(b, zone);
    return at;
}

struct ast_expr *build_subscript(struct builder *b, struct ast_expr *base, struct ast_expr *index, struct token last)
{
    if (!base)
        return NULL;
    return node(b, AST_SUBSCRIPT, span_join(base->span, token_span(b, last)), 2, base, index, NULL);
}

struct ast_expr *build_deref(struct builder *b, struct ast_expr *base, struct token field)
{
    if (!base)
        return NULL;
    struct ast_name name = build_ident(b, field);
    struct ast_expr *e = node(b, AST_DEREF, span_join(base->span, name.span), 1, base, NULL, NULL);
    if (e) {
        e->text = name.text;
        e->quoted = name.quoted;
    }
    return e;
}

/* ---- CASE, CAST, constructors ----------------------------------------------------------------------------- */

struct ast_expr *build_cast(struct builder *b, struct token first, struct ast_expr *e, struct ast_type *type,
                            struct token last)
{
    struct span span = span_join(token_span(b, first), token_span(b, last));
    struct ast_expr *cast = type ? node(b, AST_CAST, span, 1, e, NULL, NULL) : NULL;
    if (cast)
        cast->type = type;
    return cast;
}

struct ast_expr *build_case(struct builder *b, struct token first, struct ast_expr *operand, struct list *whens,
                            struct ast_expr *otherwise, struct token last)
{
    struct list *all = build_list(b, NULL, operand);
    for (uint32_t i = 0; whens && i < whens->n; i++)
        build_list(b, all, whens->items[i]);
    build_list(b, all, otherwise);
    return node_list(b, operand ? AST_CASE_SIMPLE : AST_CASE, span_join(token_span(b, first), token_span(b, last)),
                     all);
}

struct list *build_pair(struct builder *b, struct list *to, struct ast_expr *first, struct ast_expr *second)
{
    return build_list(b, build_list(b, to, first), second);
}

struct ast_expr *build_constructor(struct builder *b, struct token first, struct list *args, struct token last)
{
    return node_list(b, first.kind == TK_MAP_LP ? AST_MAP : AST_ARRAY,
                     span_join(token_span(b, first), token_span(b, last)), args);
}

struct struct_entry {
    struct ast_name name;
    const struct ast_expr *value;
};

struct list *build_struct_field(struct builder *b, struct list *to, struct token name, struct ast_expr *value)
{
    struct struct_entry *entry = BUILD_NEW(b, struct struct_entry);
    if (entry)
        *entry = (struct struct_entry){build_ident(b, name), value};
    return build_list(b, to, entry);
}

struct ast_expr *build_struct(struct builder *b, struct token first, struct list *fields, struct token last)
{
    uint32_t n = fields ? fields->n : 0;
    const struct ast_expr **values = build_alloc(b, n * sizeof *values);
    struct ast_name *names = build_alloc(b, n * sizeof *names);
    if (!values || !names)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        const struct struct_entry *entry = fields->items[i];
        values[i] = entry->value;
        names[i] = entry->name;
    }
    struct ast_expr *e = build_expr(b, AST_STRUCT, span_join(token_span(b, first), token_span(b, last)), n, values);
    if (e) {
        e->names = names;
        e->n_names = n;
    }
    return e;
}

/* ---- calls and lambdas ------------------------------------------------------------------------------------ */

struct ast_expr *build_call(struct builder *b, struct token name, bool star, struct list *args, struct token last)
{
    struct ast_expr *e = node_list(b, AST_CALL, span_join(token_span(b, name), token_span(b, last)), args);
    if (!e)
        return NULL;
    struct ast_name function = build_ident(b, name);
    e->text = function.text;
    e->quoted = function.quoted;
    e->star = star;
    return e;
}

static bool is_one_of(struct str name, const struct ast_name *names, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (str_eq(names[i].text, name))
            return true;
    }
    return false;
}

/* Columns in a lambda's body that are its arguments become AST_LAMBDA_VAR. The tree is still the builder's own. */
static void bind_arguments(const struct ast_expr *e, const struct ast_name *names, uint32_t n)
{
    if (e->kind == AST_COLUMN && e->source.len == 0 && is_one_of(e->text, names, n))
        ((struct ast_expr *)(uintptr_t)e)->kind = AST_LAMBDA_VAR;
    for (uint32_t i = 0; i < e->n_args; i++)
        bind_arguments(e->args[i], names, n);
}

static void print_names(struct buf *out, const struct ast_name *names, uint32_t n)
{
    buf_putc(out, '[');
    for (uint32_t i = 0; i < n; i++) {
        buf_puts(out, i ? STR(", ") : STR(""));
        buf_puts(out, names[i].text);
    }
    buf_putc(out, ']');
}

static void check_duplicate_arguments(struct builder *b, struct span span, const struct ast_name *names, uint32_t n)
{
    bool duplicate = false;
    for (uint32_t i = 1; i < n && i < 100; i++)
        duplicate |= is_one_of(names[i].text, names, i);
    if (!duplicate)
        return;
    struct buf text;
    buf_init(&text, 0);
    print_names(&text, names, n);
    build_mistake(b, span, "Lambda arguments have duplicates: %s", buf_z(&text));
    buf_free(&text);
}

struct ast_expr *build_lambda(struct builder *b, struct token first, struct list *names, struct ast_expr *body)
{
    uint32_t n;
    struct ast_name *array = build_array(b, names, sizeof *array, &n);
    if (!body || !array)
        return NULL;
    struct ast_expr *e = node(b, AST_LAMBDA, span_join(token_span(b, first), body->span), 1, body, NULL, NULL);
    if (!e)
        return NULL;
    e->names = array;
    e->n_names = n;
    check_duplicate_arguments(b, e->span, array, n);
    bind_arguments(body, array, n);
    return e;
}

struct list *build_lambda_name(struct builder *b, struct ast_expr *e, struct token arrow)
{
    struct ast_name *name = BUILD_NEW(b, struct ast_name);
    if (!name || !e)
        return NULL;
    if (e->kind != AST_COLUMN || e->source.len) {
        build_syntax_error(b, NULL, arrow);
        return NULL;
    }
    *name = (struct ast_name){e->span, e->text, e->quoted};
    return build_list(b, NULL, name);
}
