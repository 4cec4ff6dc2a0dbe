/* The entry points: feed tokens to the generated parser until the text ends or something fails. */
#include "parser/parser_int.h"

enum { MAX_TEXT = INT32_MAX };

static int bracket_step(int kind)
{
    switch (kind) {
    case TK_LP:
    case TK_LSQ:
        return 1;
    case TK_RP:
    case TK_RSQ:
        return -1;
    default:
        return 0;
    }
}

/* Keeps what errors and statement texts need to know, before the token goes to the parser. */
static void watch(struct builder *b, struct token t)
{
    struct statement_trace *s = &b->trace;
    if (b->last.kind == TK_SEMI || !token_given(b->last)) {
        *s = (struct statement_trace){0};
        b->stmt_first = t;
        b->nesting = 0;
    }
    int step = bracket_step(t.kind);
    if (step > 0 && ++b->nesting > b->max_depth)
        build_too_deep(b);
    else if (step < 0 && b->nesting > 0)
        b->nesting--;
}

static void note(struct builder *b, struct token t)
{
    struct statement_trace *s = &b->trace;
    if (s->n < 4)
        s->first[s->n] = t.kind;
    s->n++;
    s->has_as |= t.kind == TK_AS;
    s->has_with |= t.kind == TK_WITH;
    s->has_query |= t.kind == TK_SELECT || t.kind == TK_VALUES;
    s->list_before_with |= t.kind == TK_LP && !s->has_with;
    if (t.kind == TK_SEMI) {
        b->ended_first = b->stmt_first;
        b->ended_last = t;
    }
    b->last = t;
}

static void on_directive(void *context, struct token t)
{
    struct builder *b = context;
    struct directive *d = BUILD_NEW(b, struct directive);
    if (!d)
        return;
    d->span = token_span(b, t);
    struct str s = str_make(t.p + 3, t.len - 3);
    while (s.len && (*s.p == ' ' || *s.p == '\t')) {
        s.p++;
        s.len--;
    }
    while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
        s.len--;
    d->text = s;
    build_list(b, &b->directives, d);
}

static enum status builder_run(struct builder *b, int start)
{
    void *parser = sql_parseAlloc(mem_alloc, b);
    if (!parser)
        return diag_nomem(b->diag);
    b->tokens.lexer.on_directive = on_directive;
    b->tokens.lexer.context = b;
    sql_parse(parser, start, NO_TOKEN);
    for (bool more = true; more && b->status == STATUS_OK;) {
        tokens_advance(&b->tokens);
        struct token t = b->tokens.current;
        watch(b, t);
        if (b->status != STATUS_OK)
            break;
        more = t.kind != TOKEN_END;
        if (!more && !token_given(b->ended_last)) { /* one statement without a semicolon */
            b->ended_first = b->stmt_first;
            b->ended_last = b->last;
        }
        sql_parse(parser, t.kind, t);
        note(b, t);
    }
    sql_parseFree(parser, mem_free);
    return b->status;
}

static enum status builder_init(struct builder *b, struct arena *a, struct str text,
                                const struct parse_options *options, struct diag *d)
{
    *b = (struct builder){.arena = a, .text = text, .diag = d, .max_depth = AST_MAX_DEPTH};
    if (options && options->max_depth && options->max_depth < AST_MAX_DEPTH)
        b->max_depth = options->max_depth;
    if (text.len > MAX_TEXT)
        return diag_set(d, STATUS_INVALID, "Error processing statement: the text is longer than 2 GB.");
    if (!str_is_utf8(text))
        return diag_set(d, STATUS_PARSE, "The text is not valid UTF-8.");
    tokens_init(&b->tokens, text, options && options->test_statements);
    return STATUS_OK;
}

/* A piece of text that is no statement: a mistake in it is an error at once. */
static enum status run_piece(struct builder *b, struct arena *a, struct str text, int start, struct diag *d)
{
    enum status st;
    TRY(builder_init(b, a, text, NULL, d));
    TRY(builder_run(b, start));
    if (b->mistake && d && d->code == STATUS_OK)
        *d = *b->mistake;
    if (b->mistake)
        st = b->mistake->code;
done:
    return st;
}

enum status parser_parse(struct arena *a, struct str text, const struct parse_options *options, struct script *out,
                         struct diag *d)
{
    enum status st;
    struct builder b;
    *out = (struct script){.text = text};
    TRY(builder_init(&b, a, text, options, d));
    TRY(builder_run(&b, TK_START_SCRIPT));
    out->n = b.statements.n;
    out->statements = (const struct ast_stmt *const *)b.statements.items;
    out->directives = build_array(&b, &b.directives, sizeof *out->directives, &out->n_directives);
    st = b.status;
done:
    return st;
}

enum status parser_statement(struct arena *a, struct str text, const struct parse_options *options,
                             const struct ast_stmt **out, struct diag *d)
{
    enum status st;
    struct builder b;
    *out = NULL;
    TRY(builder_init(&b, a, text, options, d));
    TRY(builder_run(&b, TK_START_STATEMENT));
    *out = b.statements.items[0];
done:
    return st;
}

enum status parser_expression(struct arena *a, struct str text, const struct ast_expr **out, struct diag *d)
{
    struct builder b;
    enum status st = run_piece(&b, a, text, TK_START_EXPR, d);
    *out = st == STATUS_OK ? b.expr : NULL;
    return st;
}

enum status parser_type_text(struct arena *a, struct str text, const struct ast_type **out, struct diag *d)
{
    struct builder b;
    enum status st = run_piece(&b, a, text, TK_START_TYPE, d);
    *out = st == STATUS_OK ? b.type : NULL;
    return st;
}

enum status parser_schema(struct arena *a, struct str text, const struct ast_element **elements, uint32_t *n,
                          struct diag *d)
{
    struct builder b;
    enum status st = run_piece(&b, a, text, TK_START_SCHEMA, d);
    *elements = NULL;
    *n = 0;
    if (st != STATUS_OK)
        return st;
    *elements = build_array(&b, b.elements, sizeof **elements, n);
    return b.status;
}
