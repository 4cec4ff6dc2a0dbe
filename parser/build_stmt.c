/* The grammar's actions for statements, and what happens when one is complete. */
#include "parser/parser_int.h"

#include <stdlib.h>

static void *new_stmt(struct builder *b, enum ast_stmt_kind kind, size_t size)
{
    struct ast_stmt *s = build_alloc(b, size);
    if (s) {
        s->kind = kind;
        s->depth = 1;
    }
    return s;
}
#define NEW_STMT(b, kind, type) ((type *)new_stmt((b), (kind), sizeof(type)))

/* ---- completion ------------------------------------------------------------------------------------------- */

static int compare_holes(const void *x, const void *y)
{
    const struct ast_hole *a = x, *b = y;
    return a->span.begin < b->span.begin ? -1 : a->span.begin > b->span.begin;
}

static void set_place(struct builder *b, struct ast_stmt *s, struct token first, struct token last)
{
    bool semicolon = last.kind == TK_SEMI;
    uint32_t begin = (uint32_t)(first.p - b->text.p), end = (uint32_t)(last.p - b->text.p) + last.len;
    s->text = str_make(first.p, end - begin);
    while (semicolon && end > begin && (b->text.p[end - 1] == ';' || strchr(" \t\r\n", b->text.p[end - 1])))
        end--;
    s->span = (struct span){first.line, first.column, begin, end};
}

/* The statement inside EXPLAIN starts behind that word. */
static void set_inner_place(struct builder *b, const struct ast_stmt *outer, struct token last)
{
    while (outer->kind == STMT_EXPLAIN && ((const struct ast_explain *)outer)->statement) {
        struct ast_stmt *inner = (struct ast_stmt *)(uintptr_t)((const struct ast_explain *)outer)->statement;
        struct lexer l = {
            .text = b->text, .pos = outer->span.begin, .line = outer->span.line, .column = outer->span.column};
        lexer_next(&l);
        set_place(b, inner, lexer_next(&l), last);
        outer = inner;
    }
}

void build_finish_statement(struct builder *b, struct ast_stmt *s)
{
    if (!s || b->status != STATUS_OK)
        return;
    set_place(b, s, b->ended_first, b->ended_last);
    set_inner_place(b, s, b->ended_last);
    struct ast_hole *holes = build_array(b, &b->holes, sizeof *holes, &s->n_holes);
    if (holes)
        qsort(holes, s->n_holes, sizeof *holes, compare_holes);
    s->holes = holes;
    s->mistake = b->mistake;
    b->holes = (struct list){0};
    b->mistake = NULL;
    build_list(b, &b->statements, s);
}

void build_finish_expr(struct builder *b, struct ast_expr *e)
{
    b->expr = e;
}

void build_finish_type(struct builder *b, struct ast_type *t)
{
    b->type = t;
}

void build_finish_schema(struct builder *b, struct list *elements)
{
    b->elements = elements;
}

/* ---- parts ------------------------------------------------------------------------------------------------ */

struct list *build_property(struct builder *b, struct list *to, struct token name, struct ast_expr *value)
{
    struct ast_property *p = value ? BUILD_NEW(b, struct ast_property) : NULL;
    if (!p)
        return to;
    p->name = build_ident(b, name);
    if (name.kind == TK_TEXT)
        p->name = build_ident_as_written(b, name);
    p->value = value;
    p->span = span_join(p->name.span, value->span);
    return build_list(b, to, p);
}

struct ast_properties *build_properties(struct builder *b, struct token first, struct list *items, struct token last)
{
    struct ast_properties *p = BUILD_NEW(b, struct ast_properties);
    if (!p)
        return NULL;
    p->span = span_join(token_span(b, first), token_span(b, last));
    p->items = build_array(b, items, sizeof *p->items, &p->n);
    return p;
}

/* Names of a source's properties do not depend on case, quoted or not. */
static struct ast_properties folded(struct builder *b, const struct ast_properties *with)
{
    if (!with)
        return (struct ast_properties){0};
    for (uint32_t i = 0; i < with->n; i++) {
        struct ast_property *p = (struct ast_property *)(uintptr_t)&with->items[i];
        p->name.text = str_upper_ascii(b->arena, p->name.text);
        if (!p->name.text.p) {
            build_nomem(b);
            p->name.text = STR("");
        }
    }
    return *with;
}

static enum ast_role role_of(int kind)
{
    switch (kind) {
    case TK_KEY:
        return AST_ROLE_KEY;
    case TK_PRIMARY:
        return AST_ROLE_PRIMARY_KEY;
    case TK_HEADERS:
        return AST_ROLE_HEADERS;
    case TK_HEADER:
        return AST_ROLE_HEADER;
    default:
        return AST_ROLE_NONE;
    }
}

void *build_element(struct builder *b, struct token name, struct ast_type *type, struct token role, struct token header)
{
    struct ast_element *e = type ? BUILD_NEW(b, struct ast_element) : NULL;
    if (!e)
        return NULL;
    e->name = build_ident(b, name);
    e->type = type;
    e->role = role_of(role.kind);
    e->span = span_join(span_join(e->name.span, type->span), token_span(b, role));
    if (token_given(header))
        e->header = build_text(b, header);
    return e;
}

/* ---- CREATE, INSERT, DROP, ALTER ---------------------------------------------------------------------------- */

struct ast_stmt *build_query_stmt(struct builder *b, struct ast_query *q)
{
    struct ast_stmt_query *s = q ? NEW_STMT(b, STMT_QUERY, struct ast_stmt_query) : NULL;
    if (s)
        s->query = q;
    return (struct ast_stmt *)s;
}

struct ast_stmt *build_create_source(struct builder *b, int kind, int flags, struct token name, struct list *elements,
                                     struct ast_properties *with)
{
    struct ast_create_source *s =
        NEW_STMT(b, kind == TK_ASSERT ? STMT_ASSERT_SOURCE : STMT_CREATE_SOURCE, struct ast_create_source);
    if (!s)
        return NULL;
    s->is_table = flags & FLAG_TABLE;
    s->or_replace = flags & FLAG_OR_REPLACE;
    s->is_source = flags & FLAG_SOURCE;
    s->if_not_exists = flags & FLAG_IF;
    s->name = build_source_ident(b, name);
    s->has_elements = elements != NULL;
    s->elements = build_array(b, elements, sizeof *s->elements, &s->n_elements);
    s->with = folded(b, with);
    check_elements(b, s->is_table, s->elements, s->n_elements);
    return &s->head;
}

struct ast_stmt *build_create_as(struct builder *b, int flags, struct token name, struct ast_properties *with,
                                 struct ast_query *q)
{
    struct ast_create_as *s = q ? NEW_STMT(b, STMT_CREATE_AS, struct ast_create_as) : NULL;
    if (!s)
        return NULL;
    if (flags & FLAG_SOURCE) {
        build_syntax_error(b, NULL, name);
        return NULL;
    }
    s->is_table = flags & FLAG_TABLE;
    s->or_replace = flags & FLAG_OR_REPLACE;
    s->if_not_exists = flags & FLAG_IF;
    s->name = build_source_ident(b, name);
    s->with = folded(b, with);
    s->query = q;
    if (q->has_limit)
        build_mistake(b, q->limit_span, "CREATE %s AS SELECT statements don't support LIMIT clause.",
                      s->is_table ? "TABLE" : "STREAM");
    return &s->head;
}

struct ast_stmt *build_create_connector(struct builder *b, int flags, struct token name, struct ast_properties *with)
{
    struct ast_create_connector *s = with ? NEW_STMT(b, STMT_CREATE_CONNECTOR, struct ast_create_connector) : NULL;
    if (!s)
        return NULL;
    s->is_sink = flags & FLAG_SINK;
    s->if_not_exists = flags & FLAG_IF;
    s->name = build_ident(b, name);
    s->with = *with;
    return &s->head;
}

struct ast_stmt *build_create_type(struct builder *b, int flags, struct token name, struct ast_type *type)
{
    struct ast_create_type *s = type ? NEW_STMT(b, STMT_CREATE_TYPE, struct ast_create_type) : NULL;
    if (!s)
        return NULL;
    s->if_not_exists = flags & FLAG_IF;
    s->name = build_ident(b, name);
    s->type = type;
    return &s->head;
}

struct ast_stmt *build_insert_select(struct builder *b, struct token target, struct ast_properties *with,
                                     struct ast_query *q)
{
    struct ast_insert_select *s = q ? NEW_STMT(b, STMT_INSERT_SELECT, struct ast_insert_select) : NULL;
    if (!s)
        return NULL;
    s->target = build_source_ident(b, target);
    s->with = folded(b, with);
    s->query = q;
    return &s->head;
}

static enum ast_stmt_kind values_kind(int kind)
{
    return kind == TK_INSERT ? STMT_INSERT_VALUES : kind == TK_VALUES ? STMT_ASSERT_VALUES : STMT_ASSERT_NULL_VALUES;
}

struct ast_stmt *build_insert_values(struct builder *b, int kind, struct token target, struct list *columns,
                                     struct list *values)
{
    struct ast_insert_values *s = NEW_STMT(b, values_kind(kind), struct ast_insert_values);
    if (!s)
        return NULL;
    s->target = build_source_ident(b, target);
    s->columns = build_array(b, columns, sizeof *s->columns, &s->n_columns);
    if (values) {
        s->n_values = values->n;
        s->values = (const struct ast_expr *const *)values->items;
    }
    if (s->n_values == 0)
        build_mistake(b, s->target.span, "Expected some values for INSERT INTO statement.");
    else if (s->n_columns && s->n_columns != s->n_values && s->head.kind != STMT_ASSERT_NULL_VALUES)
        check_columns(b, s);
    return &s->head;
}

struct ast_stmt *build_drop(struct builder *b, int kind, int flags, struct token name)
{
    struct ast_drop *s = NEW_STMT(b,
                                  kind == TK_STREAM ? STMT_DROP_SOURCE
                                  : kind == TK_TYPE ? STMT_DROP_TYPE
                                                    : STMT_DROP_CONNECTOR,
                                  struct ast_drop);
    if (!s)
        return NULL;
    s->is_table = flags & FLAG_TABLE;
    s->if_exists = flags & FLAG_IF;
    s->delete_topic = flags & FLAG_DELETE_TOPIC;
    s->name = kind == TK_STREAM ? build_source_ident(b, name) : build_ident(b, name);
    return &s->head;
}

struct ast_stmt *build_alter_source(struct builder *b, int flags, struct token name, struct list *elements)
{
    struct ast_alter_source *s = NEW_STMT(b, STMT_ALTER_SOURCE, struct ast_alter_source);
    if (!s)
        return NULL;
    s->is_table = flags & FLAG_TABLE;
    s->name = build_source_ident(b, name);
    s->elements = build_array(b, elements, sizeof *s->elements, &s->n_elements);
    return &s->head;
}

/* ---- LIST, DESCRIBE, PRINT, EXPLAIN ------------------------------------------------------------------------- */

static enum ast_list_what list_what(int kind)
{
    switch (kind) {
    case TK_TOPICS:
        return LIST_TOPICS;
    case TK_STREAMS:
        return LIST_STREAMS;
    case TK_TABLES:
        return LIST_TABLES;
    case TK_FUNCTIONS:
        return LIST_FUNCTIONS;
    case TK_CONNECTORS:
        return LIST_CONNECTORS;
    case TK_PLUGINS:
        return LIST_CONNECTOR_PLUGINS;
    case TK_TYPES:
        return LIST_TYPES;
    case TK_VARIABLES:
        return LIST_VARIABLES;
    case TK_QUERIES:
        return LIST_QUERIES;
    default:
        return LIST_PROPERTIES;
    }
}

struct ast_stmt *build_list_stmt(struct builder *b, int what, int flags, int scope)
{
    struct ast_list *s = NEW_STMT(b, STMT_LIST, struct ast_list);
    if (!s)
        return NULL;
    s->what = list_what(what);
    s->all = flags & FLAG_ALL;
    s->extended = flags & FLAG_EXTENDED;
    s->scope = scope == TK_SOURCE ? CONNECTOR_SOURCE : scope == TK_SINK ? CONNECTOR_SINK : CONNECTOR_ANY;
    return &s->head;
}

struct ast_stmt *build_describe(struct builder *b, int what, int flags, struct token name)
{
    struct ast_describe *s = NEW_STMT(b, STMT_DESCRIBE, struct ast_describe);
    if (!s)
        return NULL;
    s->extended = flags & FLAG_EXTENDED;
    if (what == TK_STREAMS) {
        s->what = DESCRIBE_STREAMS;
    } else if (what == 0 && name.kind == TK_TABLES) {
        s->what = DESCRIBE_TABLES;
    } else {
        s->what = what == TK_FUNCTION ? DESCRIBE_FUNCTION : what == TK_CONNECTOR ? DESCRIBE_CONNECTOR : DESCRIBE_SOURCE;
        s->name = what == 0 ? build_source_ident(b, name) : build_ident(b, name);
    }
    return &s->head;
}

struct ast_stmt *build_print(struct builder *b, struct token topic, int flags, struct token interval,
                             struct token limit)
{
    struct ast_print *s = NEW_STMT(b, STMT_PRINT, struct ast_print);
    if (!s)
        return NULL;
    s->topic = build_ident_as_written(b, topic);
    s->from_beginning = flags & FLAG_BEGINNING;
    s->interval = token_given(interval) ? build_int(b, interval, "INTERVAL") : 1;
    s->has_limit = token_given(limit);
    if (s->has_limit)
        s->limit = build_int(b, limit, "LIMIT");
    return &s->head;
}

struct ast_stmt *build_explain(struct builder *b, struct ast_stmt *statement, struct token query)
{
    struct ast_explain *s = statement || token_given(query) ? NEW_STMT(b, STMT_EXPLAIN, struct ast_explain) : NULL;
    if (!s)
        return NULL;
    s->statement = statement;
    s->query = build_ident_as_written(b, query);
    if (statement)
        s->head.depth = statement->depth + 1;
    if (s->head.depth > b->max_depth)
        build_too_deep(b);
    return &s->head;
}

/* ---- queries, settings, assertions -------------------------------------------------------------------------- */

struct ast_stmt *build_query_control(struct builder *b, int kind, struct token query)
{
    struct ast_query_control *s = NEW_STMT(b,
                                           kind == TK_TERMINATE ? STMT_TERMINATE
                                           : kind == TK_PAUSE   ? STMT_PAUSE
                                                                : STMT_RESUME,
                                           struct ast_query_control);
    if (!s)
        return NULL;
    s->all = query.kind == TK_ALL;
    if (!s->all)
        s->query = build_ident_as_written(b, query);
    return &s->head;
}

static enum ast_stmt_kind setting_kind(int kind)
{
    switch (kind) {
    case TK_SET:
        return STMT_SET;
    case TK_UNSET:
        return STMT_UNSET;
    case TK_SYSTEM:
        return STMT_ALTER_SYSTEM;
    case TK_DEFINE:
        return STMT_DEFINE;
    default:
        return STMT_UNDEFINE;
    }
}

struct ast_stmt *build_setting(struct builder *b, int kind, struct token name, struct token value)
{
    struct ast_setting *s = NEW_STMT(b, setting_kind(kind), struct ast_setting);
    if (!s)
        return NULL;
    s->name = build_ident_as_written(b, name);
    if (token_given(value))
        s->value = build_text(b, value);
    return &s->head;
}

struct ast_stmt *build_assert_topic(struct builder *b, int flags, struct token topic, struct ast_properties *with,
                                    struct ast_duration *timeout)
{
    struct ast_assert_topic *s = NEW_STMT(b, STMT_ASSERT_TOPIC, struct ast_assert_topic);
    if (!s)
        return NULL;
    s->exists = !(flags & FLAG_NOT);
    s->topic = build_ident_as_written(b, topic);
    s->with = folded(b, with);
    if (timeout)
        s->timeout = *timeout;
    return &s->head;
}

struct ast_stmt *build_assert_schema(struct builder *b, int flags, struct token subject, struct token id,
                                     struct ast_duration *timeout)
{
    struct ast_assert_schema *s = NEW_STMT(b, STMT_ASSERT_SCHEMA, struct ast_assert_schema);
    if (!s)
        return NULL;
    s->exists = !(flags & FLAG_NOT);
    s->has_subject = token_given(subject);
    s->subject = build_ident_as_written(b, subject);
    s->has_id = token_given(id);
    if (s->has_id && (id.kind != TK_INTEGER_VALUE || !parse_i64(number_text(b, id), &s->id) || s->id > INT32_MAX))
        build_mistake(b, token_span(b, id), "ID must be an integer");
    if (timeout)
        s->timeout = *timeout;
    if (!s->has_subject && !s->has_id)
        build_mistake(b, (struct span){0}, "ASSERT SCHEMA statements much include a subject name or an id");
    return &s->head;
}

struct ast_stmt *build_run_script(struct builder *b, struct token file)
{
    struct ast_run_script *s = NEW_STMT(b, STMT_RUN_SCRIPT, struct ast_run_script);
    if (s)
        s->file = build_text(b, file);
    return (struct ast_stmt *)s;
}
