/* Queries and statements back to SQL, laid out as ksqlDB's formatter does: clauses on lines of their own. */
#include "parser/parser_int.h"

static void put(struct buf *out, const char *text)
{
    buf_puts(out, str_from(text));
}

static void put_if(struct buf *out, bool condition, const char *text)
{
    if (condition)
        put(out, text);
}

/* ---- queries -------------------------------------------------------------------------------------------------- */

static void put_duration(struct buf *out, const char *before, const struct ast_duration *d)
{
    static const char *const units[] = {"MILLISECONDS", "SECONDS", "MINUTES", "HOURS", "DAYS"};
    if (ast_duration_given(d))
        buf_printf(out, "%s%lld %s", before, (long long)d->amount, units[d->unit]);
}

static void put_window(struct buf *out, const struct ast_window *w)
{
    put(out, "\nWINDOW ");
    if (w->name.text.p) {
        ast_format_name(out, w->name.text);
        put(out, " ");
    }
    const char *kind = w->kind == WINDOW_TUMBLING  ? "TUMBLING ("
                       : w->kind == WINDOW_HOPPING ? "HOPPING ("
                                                   : "SESSION (";
    put(out, kind);
    put_duration(out, w->kind == WINDOW_SESSION ? "" : "SIZE ", &w->size);
    put_duration(out, ", ADVANCE BY ", &w->advance);
    put_duration(out, ", RETENTION ", &w->retention);
    put_duration(out, ", GRACE PERIOD ", &w->grace);
    put(out, ")");
}

static void put_item(struct buf *out, const struct ast_item *item)
{
    switch (item->kind) {
    case ITEM_STAR:
        put(out, "*");
        break;
    case ITEM_SOURCE_STAR:
        ast_format_name(out, item->source.text);
        put(out, ".*");
        break;
    case ITEM_STRUCT_STAR:
        ast_format_expr(out, item->expr);
        put(out, "->*");
        break;
    case ITEM_EXPR:
        ast_format_expr(out, item->expr);
        if (item->alias.text.p) {
            put(out, " ");
            ast_format_name(out, item->alias.text);
        }
        break;
    }
}

static void put_source(struct buf *out, const struct ast_source *s)
{
    ast_format_name(out, s->name.text);
    if (s->alias.text.p) {
        put(out, " ");
        ast_format_name(out, s->alias.text);
    }
}

static bool same_duration(const struct ast_duration *x, const struct ast_duration *y)
{
    return x->amount == y->amount && x->unit == y->unit;
}

static void put_join(struct buf *out, const struct ast_join *j)
{
    static const char *const words[] = {"INNER", "LEFT OUTER", "RIGHT OUTER", "FULL OUTER"};
    buf_printf(out, "\n%s JOIN ", words[j->type]);
    put_source(out, &j->source);
    if (j->has_within && same_duration(&j->before, &j->after)) {
        put_duration(out, " WITHIN ", &j->before);
    } else if (j->has_within) {
        put_duration(out, " WITHIN (", &j->before);
        put_duration(out, ", ", &j->after);
        put(out, ")");
    }
    put_duration(out, " GRACE PERIOD ", &j->grace);
    if (j->on) {
        put(out, " ON ");
        ast_format_expr(out, j->on);
    }
}

static void put_keys(struct buf *out, const char *clause, const struct ast_keys *k)
{
    if (!ast_keys_given(k))
        return;
    bool wrap = k->n == 0 || (k->parenthesised && k->n > 1);
    buf_printf(out, "\n%s %s", clause, wrap ? "(" : "");
    for (uint32_t i = 0; i < k->n; i++) {
        put(out, i ? ", " : "");
        ast_format_expr(out, k->exprs[i]);
    }
    put_if(out, wrap, ")");
}

static void put_clause(struct buf *out, const char *clause, const struct ast_expr *e)
{
    if (!e)
        return;
    put(out, clause);
    ast_format_expr(out, e);
}

static void ast_format_query(struct buf *out, const struct ast_query *q)
{
    put(out, "SELECT");
    for (uint32_t i = 0; i < q->n_items; i++) {
        put(out, q->n_items == 1 ? " " : i ? ",\n  " : "\n  ");
        put_item(out, &q->items[i]);
    }
    put(out, "\nFROM ");
    put_source(out, &q->from);
    for (uint32_t i = 0; i < q->n_joins; i++)
        put_join(out, &q->joins[i]);
    if (q->window)
        put_window(out, q->window);
    put_clause(out, "\nWHERE ", q->where);
    put_keys(out, "GROUP BY", &q->group_by);
    put_keys(out, "PARTITION BY", &q->partition_by);
    put_clause(out, "\nHAVING ", q->having);
    put_if(out, q->emit == EMIT_CHANGES, "\nEMIT CHANGES");
    put_if(out, q->emit == EMIT_FINAL, "\nEMIT FINAL");
    if (q->has_limit)
        buf_printf(out, "\nLIMIT %lld", (long long)q->limit);
}

/* ---- parts of statements ---------------------------------------------------------------------------------------- */

static void put_properties(struct buf *out, const struct ast_properties *with, bool raw)
{
    if (!with->span.line)
        return;
    put(out, " WITH (");
    for (uint32_t i = 0; i < with->n; i++) {
        put(out, i ? ", " : "");
        if (raw && with->items[i].name.quoted)
            ast_format_text(out, with->items[i].name.text);
        else
            ast_format_name(out, with->items[i].name.text);
        put(out, "=");
        ast_format_expr(out, with->items[i].value);
    }
    put(out, ")");
}

static void put_element(struct buf *out, const struct ast_element *e)
{
    ast_format_name(out, e->name.text);
    put(out, " ");
    ast_format_type(out, e->type);
    put_if(out, e->role == AST_ROLE_KEY, " KEY");
    put_if(out, e->role == AST_ROLE_PRIMARY_KEY, " PRIMARY KEY");
    put_if(out, e->role == AST_ROLE_HEADERS, " HEADERS");
    if (e->role == AST_ROLE_HEADER) {
        put(out, " HEADER(");
        ast_format_text(out, e->header);
        put(out, ")");
    }
}

static void put_elements(struct buf *out, bool given, const struct ast_element *elements, uint32_t n)
{
    if (!given)
        return;
    put(out, " (");
    for (uint32_t i = 0; i < n; i++) {
        put(out, i ? ", " : "");
        put_element(out, &elements[i]);
    }
    put(out, ")");
}

static const char *source_word(bool is_table)
{
    return is_table ? "TABLE " : "STREAM ";
}

static void put_values(struct buf *out, const struct ast_insert_values *s, const char *before, const char *values)
{
    put(out, before);
    ast_format_name(out, s->target.text);
    for (uint32_t i = 0; i < s->n_columns; i++) {
        put(out, i ? ", " : " (");
        ast_format_name(out, s->columns[i].text);
    }
    put_if(out, s->n_columns > 0, ")");
    put(out, values);
    for (uint32_t i = 0; i < s->n_values; i++) {
        put(out, i ? ", " : "");
        ast_format_expr(out, s->values[i]);
    }
    put(out, ")");
}

/* ---- statements ------------------------------------------------------------------------------------------------- */

static void put_create_source(struct buf *out, const struct ast_create_source *s)
{
    put(out, s->head.kind == STMT_ASSERT_SOURCE ? "ASSERT " : "CREATE ");
    put_if(out, s->or_replace, "OR REPLACE ");
    put_if(out, s->is_source, "SOURCE ");
    put(out, source_word(s->is_table));
    put_if(out, s->if_not_exists, "IF NOT EXISTS ");
    ast_format_name(out, s->name.text);
    put_elements(out, s->has_elements, s->elements, s->n_elements);
    put_properties(out, &s->with, false);
}

static void put_create_as(struct buf *out, const struct ast_create_as *s)
{
    put(out, "CREATE ");
    put_if(out, s->or_replace, "OR REPLACE ");
    put(out, source_word(s->is_table));
    put_if(out, s->if_not_exists, "IF NOT EXISTS ");
    ast_format_name(out, s->name.text);
    put_properties(out, &s->with, false);
    put(out, " AS ");
    ast_format_query(out, s->query);
}

static void put_create_connector(struct buf *out, const struct ast_create_connector *s)
{
    put(out, s->is_sink ? "CREATE SINK CONNECTOR " : "CREATE SOURCE CONNECTOR ");
    put_if(out, s->if_not_exists, "IF NOT EXISTS ");
    ast_format_name(out, s->name.text);
    put_properties(out, &s->with, true);
}

static void put_create_type(struct buf *out, const struct ast_create_type *s)
{
    put(out, "CREATE TYPE ");
    put_if(out, s->if_not_exists, "IF NOT EXISTS ");
    ast_format_name(out, s->name.text);
    put(out, " AS ");
    ast_format_type(out, s->type);
}

static void put_insert_select(struct buf *out, const struct ast_insert_select *s)
{
    put(out, "INSERT INTO ");
    ast_format_name(out, s->target.text);
    put_properties(out, &s->with, false);
    put(out, " ");
    ast_format_query(out, s->query);
}

static void put_drop(struct buf *out, const struct ast_drop *s)
{
    put(out, "DROP ");
    put(out, s->head.kind == STMT_DROP_TYPE        ? "TYPE "
             : s->head.kind == STMT_DROP_CONNECTOR ? "CONNECTOR "
                                                   : source_word(s->is_table));
    put_if(out, s->if_exists, "IF EXISTS ");
    ast_format_name(out, s->name.text);
    put_if(out, s->delete_topic, " DELETE TOPIC");
}

static void put_alter(struct buf *out, const struct ast_alter_source *s)
{
    put(out, "ALTER ");
    put(out, source_word(s->is_table));
    ast_format_name(out, s->name.text);
    for (uint32_t i = 0; i < s->n_elements; i++) {
        put(out, i ? ",\nADD COLUMN " : "\nADD COLUMN ");
        put_element(out, &s->elements[i]);
    }
}

static void put_list_stmt(struct buf *out, const struct ast_list *s)
{
    static const char *const words[] = {"PROPERTIES",        "TOPICS", "STREAMS",   "TABLES", "FUNCTIONS", "CONNECTORS",
                                        "CONNECTOR PLUGINS", "TYPES",  "VARIABLES", "QUERIES"};
    put(out, "LIST ");
    put_if(out, s->all, "ALL ");
    put_if(out, s->scope == CONNECTOR_SOURCE, "SOURCE ");
    put_if(out, s->scope == CONNECTOR_SINK, "SINK ");
    put(out, words[s->what]);
    put_if(out, s->extended, " EXTENDED");
}

static void put_describe(struct buf *out, const struct ast_describe *s)
{
    put(out, "DESCRIBE ");
    put_if(out, s->what == DESCRIBE_STREAMS, "STREAMS");
    put_if(out, s->what == DESCRIBE_TABLES, "TABLES");
    put_if(out, s->what == DESCRIBE_FUNCTION, "FUNCTION ");
    put_if(out, s->what == DESCRIBE_CONNECTOR, "CONNECTOR ");
    if (s->name.text.p)
        ast_format_name(out, s->name.text);
    put_if(out, s->extended, " EXTENDED");
}

static void put_print(struct buf *out, const struct ast_print *s)
{
    put(out, "PRINT ");
    format_raw_name(out, s->topic.text);
    put_if(out, s->from_beginning, " FROM BEGINNING");
    if (s->interval != 1)
        buf_printf(out, " INTERVAL %lld", (long long)s->interval);
    if (s->has_limit)
        buf_printf(out, " LIMIT %lld", (long long)s->limit);
}

static void put_query_control(struct buf *out, const struct ast_query_control *s)
{
    put(out, s->head.kind == STMT_TERMINATE ? "TERMINATE " : s->head.kind == STMT_PAUSE ? "PAUSE " : "RESUME ");
    if (s->all)
        put(out, "ALL");
    else
        format_raw_name(out, s->query.text);
}

static void put_setting(struct buf *out, const struct ast_setting *s)
{
    bool variable = s->head.kind == STMT_DEFINE || s->head.kind == STMT_UNDEFINE;
    put(out, s->head.kind == STMT_SET            ? "SET "
             : s->head.kind == STMT_UNSET        ? "UNSET "
             : s->head.kind == STMT_ALTER_SYSTEM ? "ALTER SYSTEM "
             : s->head.kind == STMT_DEFINE       ? "DEFINE "
                                                 : "UNDEFINE ");
    if (variable)
        format_raw_name(out, s->name.text);
    else
        ast_format_text(out, s->name.text);
    if (s->value.p) {
        put(out, "=");
        ast_format_text(out, s->value);
    }
}

static void put_assert_topic(struct buf *out, const struct ast_assert_topic *s)
{
    put(out, s->exists ? "ASSERT TOPIC " : "ASSERT NOT EXISTS TOPIC ");
    format_raw_name(out, s->topic.text);
    put_properties(out, &s->with, false);
    put_duration(out, " TIMEOUT ", &s->timeout);
}

static void put_assert_schema(struct buf *out, const struct ast_assert_schema *s)
{
    put(out, s->exists ? "ASSERT SCHEMA" : "ASSERT NOT EXISTS SCHEMA");
    if (s->has_subject) {
        put(out, " SUBJECT ");
        format_raw_name(out, s->subject.text);
    }
    if (s->has_id)
        buf_printf(out, " ID %lld", (long long)s->id);
    put_duration(out, " TIMEOUT ", &s->timeout);
}

static void put_explain(struct buf *out, const struct ast_explain *s)
{
    put(out, "EXPLAIN ");
    if (s->statement)
        ast_format_stmt(out, s->statement);
    else
        format_raw_name(out, s->query.text);
}

void ast_format_stmt(struct buf *out, const struct ast_stmt *s)
{
    switch (s->kind) {
    case STMT_QUERY:
        ast_format_query(out, ((const struct ast_stmt_query *)s)->query);
        break;
    case STMT_CREATE_SOURCE:
    case STMT_ASSERT_SOURCE:
        put_create_source(out, (const struct ast_create_source *)s);
        break;
    case STMT_CREATE_AS:
        put_create_as(out, (const struct ast_create_as *)s);
        break;
    case STMT_CREATE_CONNECTOR:
        put_create_connector(out, (const struct ast_create_connector *)s);
        break;
    case STMT_CREATE_TYPE:
        put_create_type(out, (const struct ast_create_type *)s);
        break;
    case STMT_INSERT_SELECT:
        put_insert_select(out, (const struct ast_insert_select *)s);
        break;
    case STMT_INSERT_VALUES:
        put_values(out, (const struct ast_insert_values *)s, "INSERT INTO ", " VALUES (");
        break;
    case STMT_ASSERT_VALUES:
        put_values(out, (const struct ast_insert_values *)s, "ASSERT VALUES ", " VALUES (");
        break;
    case STMT_ASSERT_NULL_VALUES:
        put_values(out, (const struct ast_insert_values *)s, "ASSERT NULL VALUES ", " KEY (");
        break;
    case STMT_DROP_SOURCE:
    case STMT_DROP_CONNECTOR:
    case STMT_DROP_TYPE:
        put_drop(out, (const struct ast_drop *)s);
        break;
    case STMT_ALTER_SOURCE:
        put_alter(out, (const struct ast_alter_source *)s);
        break;
    case STMT_LIST:
        put_list_stmt(out, (const struct ast_list *)s);
        break;
    case STMT_DESCRIBE:
        put_describe(out, (const struct ast_describe *)s);
        break;
    case STMT_PRINT:
        put_print(out, (const struct ast_print *)s);
        break;
    case STMT_TERMINATE:
    case STMT_PAUSE:
    case STMT_RESUME:
        put_query_control(out, (const struct ast_query_control *)s);
        break;
    case STMT_SET:
    case STMT_UNSET:
    case STMT_ALTER_SYSTEM:
    case STMT_DEFINE:
    case STMT_UNDEFINE:
        put_setting(out, (const struct ast_setting *)s);
        break;
    case STMT_EXPLAIN:
        put_explain(out, (const struct ast_explain *)s);
        break;
    case STMT_ASSERT_TOPIC:
        put_assert_topic(out, (const struct ast_assert_topic *)s);
        break;
    case STMT_ASSERT_SCHEMA:
        put_assert_schema(out, (const struct ast_assert_schema *)s);
        break;
    case STMT_RUN_SCRIPT:
        put(out, "RUN SCRIPT ");
        ast_format_text(out, ((const struct ast_run_script *)s)->file);
        break;
    }
}
