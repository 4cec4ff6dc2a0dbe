/* What the grammar calls: one function a rule. The parser module implements them; sql.y knows trees only as opaque
 * pointers. Every function may return NULL after an error; the others accept such NULLs, and the caller of the
 * generated parser stops after the token at hand. Lists are `struct list *` of what the name says. */
#ifndef WEIR_GRAMMAR_ACTIONS_H
#define WEIR_GRAMMAR_ACTIONS_H

#include "core/str.h"

struct builder;
struct list;
struct ast_expr;
struct ast_type;
struct ast_stmt;
struct ast_query;
struct ast_duration;
struct ast_source;
struct ast_window;
struct ast_keys;
struct ast_properties;

/* A piece of text. For an absent optional token line is 0. */
struct token {
    const char *p;
    uint32_t len;
    uint32_t line, column;
    uint16_t kind;  /* TK_...; before %fallback */
    uint16_t shape; /* enum token_shape: how a name was written */
};
enum token_shape { SHAPE_PLAIN, SHAPE_DIGITS_FIRST, SHAPE_QUOTED, SHAPE_BACKQUOTED, SHAPE_VARIABLE, SHAPE_BAD };
#define NO_TOKEN ((struct token){.line = 0})

/* Flags that optional words leave. */
enum {
    FLAG_OR_REPLACE = 1,
    FLAG_SOURCE = 2,
    FLAG_IF = 4, /* IF EXISTS, IF NOT EXISTS */
    FLAG_TABLE = 8,
    FLAG_SINK = 16,
    FLAG_DELETE_TOPIC = 32,
    FLAG_ALL = 64,
    FLAG_EXTENDED = 128,
    FLAG_BEGINNING = 256,
    FLAG_NOT = 512,
};

/* errors */
void build_syntax_error(struct builder *b, void *parser, struct token t);
void build_stack_overflow(struct builder *b, bool at_limit);
/* Could these tokens be read next? For the list of what was expected; the parser is not changed. */
bool sql_accepts(const void *parser, const int *kinds, int n);

/* lists */
struct list *build_list(struct builder *b, struct list *to, void *item); /* to NULL: a new one; item NULL: nothing is added */

/* results */
void build_finish_statement(struct builder *b, struct ast_stmt *s);
void build_finish_expr(struct builder *b, struct ast_expr *e);
void build_finish_type(struct builder *b, struct ast_type *t);
void build_finish_schema(struct builder *b, struct list *elements);

/* An `int` that stands for a choice is the code of the token that made it (TK_...), 0 for none. */

/* expressions */
struct ast_expr *build_word(struct builder *b, struct token t); /* NULL TRUE FALSE 'text' ${x} DAYS */
struct ast_expr *build_number(struct builder *b, struct token t);
struct ast_expr *build_typed_text(struct builder *b, struct token type, struct token text);
struct ast_expr *build_column(struct builder *b, struct token source, struct token name);
struct ast_expr *build_parens(struct builder *b, struct token open, struct ast_expr *e, struct token close);
struct ast_expr *build_unary(struct builder *b, struct token op, struct ast_expr *e);
/* IS DISTINCT FROM is TK_DISTINCT, IS NOT DISTINCT FROM is TK_NOT. */
struct ast_expr *build_binary(struct builder *b, int op, struct ast_expr *left, struct ast_expr *right);
struct ast_expr *build_concat(struct builder *b, struct ast_expr *left, struct ast_expr *right);
struct ast_expr *build_null_test(struct builder *b, struct ast_expr *e, bool negated, struct token last);
struct ast_expr *build_between(struct builder *b, struct ast_expr *e, struct token negation, struct ast_expr *low,
                               struct ast_expr *high);
struct ast_expr *build_in(struct builder *b, struct ast_expr *e, struct token negation, struct list *items,
                          struct token last);
struct ast_expr *build_like(struct builder *b, struct ast_expr *e, struct token negation, struct ast_expr *pattern,
                            struct token escape);
struct ast_expr *build_at_zone(struct builder *b, struct ast_expr *e, struct token zone);
struct ast_expr *build_subscript(struct builder *b, struct ast_expr *base, struct ast_expr *index, struct token last);
struct ast_expr *build_deref(struct builder *b, struct ast_expr *base, struct token field);
struct ast_expr *build_cast(struct builder *b, struct token first, struct ast_expr *e, struct ast_type *type,
                            struct token last);
struct ast_expr *build_case(struct builder *b, struct token first, struct ast_expr *operand, struct list *whens,
                            struct ast_expr *otherwise, struct token last);
struct ast_expr *build_constructor(struct builder *b, struct token first, struct list *args, struct token last);
struct ast_expr *build_struct(struct builder *b, struct token first, struct list *fields, struct token last);
struct list *build_pair(struct builder *b, struct list *to, struct ast_expr *first, struct ast_expr *second);
struct list *build_struct_field(struct builder *b, struct list *to, struct token name, struct ast_expr *value);
struct ast_expr *build_call(struct builder *b, struct token name, bool star, struct list *args, struct token last);
struct ast_expr *build_lambda(struct builder *b, struct token first, struct list *names, struct ast_expr *body);
struct list *build_lambda_name(struct builder *b, struct ast_expr *e, struct token arrow); /* (e) =>: e must be a name */

/* names, types */
struct list *build_name(struct builder *b, struct list *to, struct token name);
struct list *build_name_first(struct builder *b, struct token name, struct list *rest);
struct ast_type *build_type_name(struct builder *b, struct token name, struct token last);
struct ast_type *build_type_decimal(struct builder *b, struct token first, struct token precision, struct token scale,
                                    struct token last);
struct ast_type *build_type_array(struct builder *b, struct token first, struct ast_type *element, struct token last);
struct ast_type *build_type_map(struct builder *b, struct token first, struct ast_type *key, struct ast_type *value,
                                struct token last);
struct ast_type *build_type_struct(struct builder *b, struct token first, struct list *fields, struct token last);
struct list *build_type_field(struct builder *b, struct list *to, struct token name, struct ast_type *type);

/* queries */
struct ast_query *build_query(struct builder *b, struct token first, struct list *items, struct ast_source *from,
                              struct list *joins, struct ast_window *window);
struct ast_query *build_query_clauses(struct builder *b, struct ast_query *q, struct ast_expr *where,
                                      struct ast_keys *group_by, struct ast_keys *partition_by,
                                      struct ast_expr *having);
struct ast_query *build_query_end(struct builder *b, struct ast_query *q, int emit, struct token limit);
void *build_item(struct builder *b, int kind, struct token t, struct ast_expr *e); /* TK_STAR, TK_AS, TK_DEREF */
void *build_item_source(struct builder *b, struct token source, struct token star);
struct ast_source *build_source(struct builder *b, struct token name, struct token alias);
struct list *build_join(struct builder *b, struct list *to, struct token type, struct ast_source *source,
                        struct list *within, struct ast_duration *grace, struct ast_expr *on);
struct ast_duration *build_duration(struct builder *b, struct token amount, struct token unit);
struct ast_window *build_window_tail(struct builder *b, struct ast_duration *retention, struct ast_duration *grace,
                                     struct token last);
struct ast_window *build_window(struct builder *b, struct ast_window *w, struct token kind, struct ast_duration *size,
                                struct ast_duration *advance);
struct ast_window *build_window_place(struct builder *b, struct ast_window *w, struct token first, struct token name);
struct ast_keys *build_keys(struct builder *b, struct token first, bool parenthesised, struct list *exprs);

/* statements */
struct list *build_property(struct builder *b, struct list *to, struct token name, struct ast_expr *value);
struct ast_properties *build_properties(struct builder *b, struct token first, struct list *items, struct token last);
void *build_element(struct builder *b, struct token name, struct ast_type *type, struct token role,
                    struct token header);
struct ast_stmt *build_query_stmt(struct builder *b, struct ast_query *q);
struct ast_stmt *build_create_source(struct builder *b, int kind, int flags, struct token name, struct list *elements,
                                     struct ast_properties *with);
struct ast_stmt *build_create_as(struct builder *b, int flags, struct token name, struct ast_properties *with,
                                 struct ast_query *q);
struct ast_stmt *build_create_connector(struct builder *b, int flags, struct token name, struct ast_properties *with);
struct ast_stmt *build_create_type(struct builder *b, int flags, struct token name, struct ast_type *type);
struct ast_stmt *build_insert_select(struct builder *b, struct token target, struct ast_properties *with,
                                     struct ast_query *q);
struct ast_stmt *build_insert_values(struct builder *b, int kind, struct token target, struct list *columns,
                                     struct list *values);
struct ast_stmt *build_drop(struct builder *b, int kind, int flags, struct token name);
struct ast_stmt *build_alter_source(struct builder *b, int flags, struct token name, struct list *elements);
struct ast_stmt *build_list_stmt(struct builder *b, int what, int flags, int scope);
struct ast_stmt *build_describe(struct builder *b, int what, int flags, struct token name);
struct ast_stmt *build_print(struct builder *b, struct token topic, int flags, struct token interval,
                             struct token limit);
struct ast_stmt *build_query_control(struct builder *b, int kind, struct token query);
struct ast_stmt *build_setting(struct builder *b, int kind, struct token name, struct token value);
struct ast_stmt *build_explain(struct builder *b, struct ast_stmt *statement, struct token query);
struct ast_stmt *build_assert_topic(struct builder *b, int flags, struct token topic, struct ast_properties *with,
                                    struct ast_duration *timeout);
struct ast_stmt *build_assert_schema(struct builder *b, int flags, struct token subject, struct token id,
                                     struct ast_duration *timeout);
struct ast_stmt *build_run_script(struct builder *b, struct token file);

#endif
