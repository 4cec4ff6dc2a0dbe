/* Shared by the files of parser/: tokens, the builder behind the grammar's actions, small helpers. */
#ifndef WEIR_PARSER_INT_H
#define WEIR_PARSER_INT_H

#include "grammar/actions.h"
#include "grammar/sql.h"
#include "parser/parser.h"

/* The generated parser. */
void *sql_parseAlloc(void *(*alloc)(size_t), struct builder *b);
void sql_parse(void *parser, int kind, struct token t);
void sql_parseFree(void *parser, void (*release)(void *));

/* ---- lexer.c: text to raw tokens ---- */

enum { TOKEN_END = 0 }; /* kind of the end of the text */

struct lexer {
    struct str text;
    uint32_t pos, line, column;
    bool no_comment_end; /* there is no more "*" "/" ahead: do not look for it again */
    void (*on_directive)(void *context, struct token t); /* may be NULL */
    void *context;
};
void lexer_init(struct lexer *l, struct str text);
struct token lexer_next(struct lexer *l);

/* ---- tokens.c: the lexer's look-ahead for the grammar ---- */

struct tokens {
    struct lexer lexer;
    struct token current, next;
    int before, before_that; /* kinds of the tokens in front of `current`; TK_SEMI at the start */
    bool test_statements;
};
void tokens_init(struct tokens *t, struct str text, bool test_statements);
void tokens_advance(struct tokens *t); /* `current` is then the token to be parsed */

/* ---- keywords.c ---- */

int keyword_kind(struct str word);       /* TK_... or 0; any case */
bool keyword_is_free(int kind);
void token_kind_print(struct buf *out, int kind); /* as messages name it: 'SELECT', STRING, INTEGER_VALUE */

/* ---- builder ---- */

struct list {
    uint32_t n, cap;
    void **items;
};

/* What syntax errors need to know of the statement at hand. */
struct statement_trace {
    uint32_t n;            /* tokens so far, the current one not counted */
    uint16_t first[4];
    bool has_as, has_query, has_with, list_before_with;
};

struct builder {
    struct arena *arena;
    struct str text;
    struct diag *diag;
    enum status status;
    uint32_t max_depth;
    uint32_t nesting;          /* open brackets */
    struct tokens tokens;
    struct statement_trace trace;
    struct token stmt_first;   /* of the statement at hand */
    struct token ended_first, ended_last; /* of the statement that a semicolon has just ended */
    struct token last;         /* the last token that was passed to the parser */
    struct diag *mistake;      /* of the statement at hand; NULL: none */
    struct list holes;         /* of struct ast_hole */
    struct list statements, directives;
    struct ast_expr *expr;     /* results of the other entry points */
    struct ast_type *type;
    struct list *elements;
};

/* Failure of the whole parse. */
void build_nomem(struct builder *b);
void build_too_deep(struct builder *b);
/* Zeroed memory; NULL after build_nomem. */
void *build_alloc(struct builder *b, size_t size);
#define BUILD_NEW(b, type) ((type *)build_alloc((b), sizeof(type)))
/* Copies pointed-to structs into one array; *n is set. NULL for an empty list. */
void *build_array(struct builder *b, const struct list *l, size_t item_size, uint32_t *n);

/* Mistakes: the first one is kept. Prefixed unless `bare`. */
void build_mistake(struct builder *b, struct span where, const char *format, ...) PRINTF_LIKE(3, 4);
void build_mistake_bare(struct builder *b, struct span where, const char *context, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* The integer of a LIMIT and the like; a mistake if it is none. */
int64_t build_integer(struct builder *b, struct token t, const char *command);
int64_t build_int(struct builder *b, struct token t, const char *command); /* of 32 bits */

struct span token_span(const struct builder *b, struct token t);
struct span span_join(struct span first, struct span last);
static inline bool token_given(struct token t)
{
    return t.line != 0;
}
struct ast_name build_ident(struct builder *b, struct token t);        /* folded unless quoted */
struct ast_name build_ident_as_written(struct builder *b, struct token t); /* case kept; also for 'text' */
struct ast_name build_source_ident(struct builder *b, struct token t); /* folded, and checked as a source's name */
struct str number_text(struct builder *b, struct token t); /* without blanks and comments behind the sign */
void build_literal_hole(struct builder *b, struct token t);
struct str build_text(struct builder *b, struct token t);              /* a string literal, quotes undone */
/* A node over arguments; NULL: no memory, or too deep. */
struct ast_expr *build_expr(struct builder *b, enum ast_expr_kind kind, struct span span, uint32_t n_args,
                            const struct ast_expr *const *args);

/* ---- format_expr.c ---- */

void format_raw_name(struct buf *out, struct str name); /* case is not folded: topics, query ids, variables */

/* ---- mistakes.c: rules about finished parts ---- */

void check_elements(struct builder *b, bool is_table, const struct ast_element *elements, uint32_t n);
void check_keys(struct builder *b, const char *clause, const struct ast_keys *keys);
void check_columns(struct builder *b, const struct ast_insert_values *s);

#endif
