/* The public face of parser/: text to trees (ast.h), trees to text.
 *
 * Errors go to a diag with ksqlDB's wording; its `where` is the place in the text, its `context` what ksqlDB echoes
 * behind "\nStatement: " (for syntax errors: the failing line). Prefixes that belong to the stage are part of the
 * message. No state is kept between calls; any thread may call. Text need not be valid UTF-8 (parser_parse refuses it
 * with a clear error) and may hold NUL bytes. */
#ifndef WEIR_PARSER_H
#define WEIR_PARSER_H

#include "parser/ast.h"

/* ---- parsing ------------------------------------------------------------------------------------------ */

struct parse_options {
    bool test_statements; /* allow ASSERT VALUES / NULL VALUES / STREAM / TABLE and RUN SCRIPT */
    uint32_t max_depth;   /* 0: AST_MAX_DEPTH, which is also the most */
};

/* `--@name: value` to the end of its line. */
struct directive {
    struct span span;
    struct str text; /* from behind `--@` to the end of the line, blanks trimmed */
};

struct script {
    uint32_t n;
    const struct ast_stmt *const *statements;
    uint32_t n_directives;
    const struct directive *directives; /* in the order of the text */
    struct str text;                    /* what was parsed (borrowed) */
};

/* Parses a whole script; every statement must end with a semicolon. `text` is borrowed: it must live as long as the
 * trees. `options` may be NULL. On the first syntax error nothing is returned (STATUS_PARSE; STATUS_INVALID for text
 * nested too deeply). Mistakes inside one statement do not fail here: see parser_prepare. */
enum status parser_parse(struct arena *a, struct str text, const struct parse_options *options, struct script *out,
                         struct diag *d) MUST_CHECK;

/* One statement, with or without its semicolon; anything behind it is an error. */
enum status parser_statement(struct arena *a, struct str text, const struct parse_options *options,
                             const struct ast_stmt **out, struct diag *d) MUST_CHECK;

/* One expression, and nothing behind it. Mistakes in it are reported too. */
enum status parser_expression(struct arena *a, struct str text, const struct ast_expr **out, struct diag *d) MUST_CHECK;

/* A type, as in CREATE TYPE or CAST. */
enum status parser_type_text(struct arena *a, struct str text, const struct ast_type **out, struct diag *d) MUST_CHECK;

/* A schema text without parentheses: "ID INT KEY, F STRING". Empty text gives no elements. */
enum status parser_schema(struct arena *a, struct str text, const struct ast_element **elements, uint32_t *n,
                          struct diag *d) MUST_CHECK;

/* What ksqlDB checks when it builds the tree of a statement, when the statement's turn has come: literals out of
 * range, duplicate names, key kinds, clauses that need something. Call it before planning (with variables: after
 * parser_substitute). STATUS_PARSE or STATUS_STATEMENT; the diag carries the prefix "Failed to prepare statement: "
 * where ksqlDB has it. Types are checked apart: parser_type. */
enum status parser_prepare(const struct ast_stmt *s, struct diag *d) MUST_CHECK;

/* ---- variables ---------------------------------------------------------------------------------------- */

/* Finds the value of a variable (case-sensitive name, without ${}); false: not defined. */
typedef bool (*variable_lookup)(void *context, struct str name, struct str *value);

/* Replaces ${x} in a statement where ksqlDB does: names, literals, inside string literals. `*out` is the text to be
 * parsed again, or the statement's own text if there was nothing to replace. Call it only if the session has variables
 * and ksql.variable.substitution.enable is not false; otherwise ${x} stays as it is. */
enum status parser_substitute(struct arena *a, const struct ast_stmt *s, variable_lookup lookup, void *context,
                              struct str *out, struct diag *d) MUST_CHECK;

/* ---- types -------------------------------------------------------------------------------------------- */

/* Finds a custom type by its name; NULL: there is none. */
typedef const struct type *(*type_lookup)(void *context, struct str name);

/* Resolves a written type; `lookup` may be NULL. Errors: unknown names, DECIMAL bounds, duplicate fields (messages
 * without the prefix). */
enum status parser_type(struct arena *a, const struct ast_type *t, type_lookup lookup, void *context,
                        const struct type **out, struct diag *d) MUST_CHECK;

/* ---- printing ----------------------------------------------------------------------------------------- */

/* As messages show an expression: fully parenthesised, names unquoted (rules of ksqlDB's ExpressionFormatter). */
void ast_expr_print(struct buf *out, const struct ast_expr *e);
struct str ast_expr_text(struct arena *a, const struct ast_expr *e); /* the same, in the arena; {NULL,0}: no memory */

/* As SQL that parses to the same tree: names quoted where needed. Statements end without a semicolon. */
void ast_format_expr(struct buf *out, const struct ast_expr *e);
void ast_format_type(struct buf *out, const struct ast_type *t);
void ast_format_stmt(struct buf *out, const struct ast_stmt *s);
/* A name as SQL: in backquotes unless folding leaves it alone and it is no reserved word. */
void ast_format_name(struct buf *out, struct str name);
void ast_format_text(struct buf *out, struct str s); /* a literal, in single quotes */
const char *ast_op_text(enum ast_op op);             /* as it stands between its sides */

/* For a terminal: message, the line with a caret under the place, hint. `text` is the whole text that was parsed. */
void diag_render(struct buf *out, const struct diag *d, struct str text, bool color);

/* ---- comparing and keywords --------------------------------------------------------------------------- */

/* Same structure and values; spans and quoting do not count. */
bool ast_expr_eq(const struct ast_expr *x, const struct ast_expr *y);

bool sql_is_reserved(struct str word); /* any case */
/* All keywords, sorted, NULL-terminated; for completion and docs. */
const char *const *sql_keywords(void);

#endif
