/* SQL tests: files of statements and assertions, cut into tests by `--@test: name`. Records of INSERT VALUES run
 * through all queries at once; ASSERT VALUES takes the next record of a topic that no assertion has seen. */
#include "cli/test/test.h"

/* ---- loading --------------------------------------------------------------------------------------------- */

static struct str trim(struct str s)
{
    while (s.len && strchr(" \t\r", s.p[0]))
        s.p++, s.len--;
    while (s.len && strchr(" \t\r", s.p[s.len - 1]))
        s.len--;
    return s;
}

/* The value of `--@name: value` if the line is that. */
static bool directive(struct str line, struct str name, struct str *value)
{
    struct str rest = trim(line);
    if (!str_starts(rest, STR("--@")))
        return false;
    rest = trim(str_make(rest.p + 3, rest.len - 3));
    if (!str_starts(rest, name))
        return false;
    rest = trim(str_make(rest.p + name.len, rest.len - name.len));
    if (!rest.len || rest.p[0] != ':')
        return false;
    *value = trim(str_make(rest.p + 1, rest.len - 1));
    return true;
}

static struct str next_line(struct str *rest)
{
    const char *end = rest->len ? memchr(rest->p, '\n', rest->len) : NULL;
    struct str line = str_make(rest->p, end ? (size_t)(end - rest->p) : rest->len);
    uint32_t used = line.len + (end != NULL);
    *rest = str_make(rest->p + used, rest->len - used);
    return line;
}

enum status sqltests_load(struct case_list *list, struct str base, struct str text, const char *path, struct diag *d)
{
    struct test_case *c = NULL;
    struct str rest = text, name;
    while (rest.len) {
        struct str line = next_line(&rest);
        if (!directive(line, STR("test"), &name))
            continue;
        if (c)
            c->sql.len = (uint32_t)(line.p - c->sql.p);
        c = cases_add(list);
        if (!c)
            return diag_nomem(d);
        *c = (struct test_case){.run = sqltest_run, .path = path, .sql = rest};
        c->name = str_printf(&list->arena, STR_FMT " - " STR_FMT, STR_ARG(base), STR_ARG(name));
    }
    if (!c)
        return diag_set(d, STATUS_INVALID, "the file has no tests: a test starts with a line `--@test: name`");
    return list->arena.failed ? diag_nomem(d) : STATUS_OK;
}

/* ---- running --------------------------------------------------------------------------------------------- */

struct run {
    const struct test_case *c;
    struct world w;
    struct diag d;
    bool assertion; /* the error is that of an assertion about records */
};

static enum status assertion_failed(struct run *r, const char *message)
{
    r->assertion = true;
    return diag_set(&r->d, STATUS_DATA, "%s", message);
}

/* Runs what was inserted, and the results of queries, through all queries, until nothing moves. */
static enum status cascade(struct run *r)
{
    enum status st = STATUS_OK;
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t i = 0; i < r->w.n_queries; i++)
            TRY(query_pump(r->w.queries[i], &moved, &r->d));
    }
done:
    return st;
}

/* ---- ASSERT VALUES, ASSERT NULL VALUES ------------------------------------------------------------------- */

/* The values as an INSERT into a stream of the same columns would have them: tables and windowed sources refuse some.
 */
static enum status plan_as_insert(struct run *r, const struct source *s, const struct ast_insert_values *assertion,
                                  const struct planned_insert **out)
{
    enum status st = STATUS_OK;
    struct planner_context context;
    struct planned p = {0};
    struct ast_insert_values insert = *assertion;
    struct catalog *catalog = catalog_clone(r->w.catalog);
    struct source *stream = source_create();
    if (!catalog || !stream) {
        st = diag_nomem(&r->d);
        goto done;
    }
    struct source copy = *s;
    copy.refs = stream->refs;
    copy.arena = stream->arena;
    copy.is_table = copy.read_only = false;
    copy.schema.window = copy.formats.window = WINDOW_NONE;
    *stream = copy;
    TRY(catalog_put_source(catalog, stream));
    stream = NULL;
    insert.head.kind = STMT_INSERT_VALUES;
    world_context(&r->w, &context);
    context.catalog = catalog;
    TRY(parser_prepare(&insert.head, &r->d));
    TRY(planner_plan_statement(&context, &r->w.arena, arena_dup(&r->w.arena, &insert, sizeof insert), &p, &r->d));
    *out = p.insert;
    if (!p.insert)
        st = diag_set(&r->d, STATUS_INVALID, "the assertion has no values");
done:
    if (stream)
        source_drop(stream);
    if (catalog)
        catalog_destroy(catalog);
    return st;
}

/* Decodes one side of one record into values. */
static enum status decode_side(struct run *r, const struct source *s, bool is_key, struct str bytes, struct value *out,
                               bool *bad)
{
    enum status st = STATUS_OK;
    const struct schema_column *columns = is_key ? s->schema.columns : source_value_columns(s);
    uint32_t n = is_key ? s->schema.n_keys : source_n_values(s);
    struct schema_site site;
    const struct format_spec format =
        format_at(is_key ? &s->formats.key : &s->formats.value, r->w.registry, s->topic, is_key, &site);
    struct decoder *decoder = NULL;
    struct decode_sink sink = {0};
    uint8_t state = ROW_OK;
    struct decode_field *fields = ARENA_ARRAY(&r->w.arena, struct decode_field, n);
    struct column *cells = ARENA_ARRAY(&r->w.arena, struct column, n);
    if (!fields || !cells)
        return diag_nomem(&r->d);
    for (uint32_t i = 0; i < n; i++)
        fields[i] = (struct decode_field){.column = i, .type = columns[i].type};
    TRY(decoder_create(&format, columns, n, fields, n, &decoder, &r->d));
    TRY(decode(decoder, &bytes, 1, &r->w.arena, cells, &state, &sink));
    *bad = state == ROW_BAD;
    for (uint32_t i = 0; i < n && state == ROW_OK; i++) { /* `out` is zeroed: null */
        struct value cell = column_is_null(&cells[i], 0) ? VALUE_NULL : column_get(&cells[i], 0);
        if (!value_copy(&r->w.arena, &out[i], &cell))
            st = diag_nomem(&r->d);
    }
done:
    if (decoder)
        decoder_destroy(decoder);
    return st;
}

static bool names_column(const struct ast_insert_values *a, struct str name)
{
    for (uint32_t i = 0; i < a->n_columns; i++)
        if (str_eq(a->columns[i].text, name))
            return true;
    return a->n_columns == 0;
}

static enum status compare_values(struct run *r, const struct source *s, const struct ast_insert_values *assertion,
                                  const struct planned_insert *expected, const struct record *record)
{
    enum status st = STATUS_OK;
    bool bad_key = false, bad_value = false, is_null = assertion->head.kind == STMT_ASSERT_NULL_VALUES;
    uint32_t n_keys = s->schema.n_keys, n_values = source_n_values(s);
    struct value *actual = ARENA_ARRAY(&r->w.arena, struct value, n_keys + n_values);
    struct side key_side = side_key(&r->w, s);
    struct str key = record->key;
    struct test_window window;
    if (!actual)
        return diag_nomem(&r->d);
    if ((key.p && !window_split(&key_side, &key, &window)) || is_null != (record->value.p == NULL))
        return assertion_failed(r, "Expected record does not match actual.");
    TRY(decode_side(r, s, true, key, actual, &bad_key));
    TRY(decode_side(r, s, false, record->value, actual + n_keys, &bad_value));
    bool same = !bad_key && !bad_value;
    for (uint32_t i = 0; i < n_keys + (is_null ? 0 : n_values); i++)
        if (names_column(assertion, s->schema.columns[i].name) &&
            !(is_null && assertion->n_columns == 0 && i >= n_keys))
            same = same && value_eq(&actual[i], &expected->values[i]);
    if (assertion->n_columns && names_column(assertion, STR("ROWTIME")))
        same = same && expected->rowtime == record->ts;
    if (!same)
        st = assertion_failed(r, "Expected record does not match actual.");
done:
    return st;
}

static enum status assert_values(struct run *r, const struct ast_insert_values *assertion)
{
    enum status st = STATUS_OK;
    const struct planned_insert *expected;
    const struct source *s = catalog_source(r->w.catalog, assertion->target.text);
    struct test_topic *topic = s ? world_topic(&r->w, s->topic) : NULL;
    if (!s)
        return diag_set(&r->d, STATUS_INVALID, STR_FMT " does not exist", STR_ARG(assertion->target.text));
    TRY(plan_as_insert(r, s, assertion, &expected));
    if (!topic || topic->n_read == topic->records.n)
        return assertion_failed(r, "Expected another record, but all records have already been read.");
    TRY(compare_values(r, s, assertion, expected, &topic->records.items[topic->n_read++]));
done:
    return st;
}

/* ---- ASSERT STREAM, ASSERT TABLE ------------------------------------------------------------------------- */

static struct str with_text(const struct ast_properties *with, struct str name)
{
    for (uint32_t i = 0; i < with->n; i++)
        if (str_eq(with->items[i].name.text, name) && with->items[i].value->kind == AST_STRING)
            return with->items[i].value->text;
    return (struct str){NULL, 0};
}

static enum status mismatch(struct run *r, const char *what, const struct source *s)
{
    return diag_set(&r->d, STATUS_INVALID, "Expected %s does not match actual for source " STR_FMT ".", what,
                    STR_ARG(s->name));
}

/* Formats are compared before the rest, by name: the statement may name one that is not built. */
static enum status compare_formats(struct run *r, const struct source *s, const struct ast_create_source *assertion)
{
    struct str both = with_text(&assertion->with, STR("FORMAT")), key = with_text(&assertion->with, STR("KEY_FORMAT")),
               value = with_text(&assertion->with, STR("VALUE_FORMAT"));
    key = key.p ? key : both;
    value = value.p ? value : both;
    if (key.p && !str_eq_nocase(key, str_from(format_name(s->formats.key.kind))))
        return mismatch(r, "key format", s);
    if (value.p && !str_eq_nocase(value, str_from(format_name(s->formats.value.kind))))
        return mismatch(r, "value format", s);
    return STATUS_OK;
}

static bool same_text(struct str x, struct str y)
{
    return (x.p == NULL) == (y.p == NULL) && str_eq(x, y);
}

static bool same_z(const char *x, const char *y)
{
    return same_text(str_from(x), str_from(y));
}

static enum status compare_serdes(struct run *r, const struct source *s, const struct serde_properties *actual,
                                  const struct serde_properties *expected, bool is_key)
{
    if (actual->schema_id != expected->schema_id)
        return mismatch(r, is_key ? "key schema id" : "value schema id", s);
    if (!same_z(actual->schema_full_name, expected->schema_full_name) ||
        !same_z(actual->nullable_representation, expected->nullable_representation))
        return mismatch(r, is_key ? "key format properties" : "value format properties", s);
    return STATUS_OK;
}

static enum status compare_sources(struct run *r, const struct source *actual, const struct source *expected)
{
    if (actual->is_table != expected->is_table)
        return mismatch(r, "type", actual);
    struct schema want = expected->schema; /* the statement's list has no window */
    want.window = actual->schema.window;
    want.window_size = actual->schema.window_size;
    if (!schema_eq(&actual->schema, &want))
        return mismatch(r, "schema", actual);
    if (strcmp(actual->topic, expected->topic) != 0)
        return mismatch(r, "kafka topic", actual);
    if (actual->formats.value.delimiter != expected->formats.value.delimiter)
        return mismatch(r, "value format properties", actual);
    enum status st = compare_serdes(r, actual, &actual->key_properties, &expected->key_properties, true);
    if (st == STATUS_OK)
        st = compare_serdes(r, actual, &actual->value_properties, &expected->value_properties, false);
    if (st != STATUS_OK)
        return st;
    if (actual->value_properties.wrap != expected->value_properties.wrap)
        return mismatch(r, "value serde features", actual);
    if (!same_text(actual->timestamp_column, expected->timestamp_column))
        return mismatch(r, "timestamp column", actual);
    if (!same_text(actual->timestamp.format, expected->timestamp.format))
        return mismatch(r, "timestamp format", actual);
    return STATUS_OK;
}

static enum status assert_source(struct run *r, const struct ast_create_source *assertion)
{
    enum status st = STATUS_OK;
    struct planner_context context;
    struct planned p = {0};
    struct ast_create_source create = *assertion;
    struct catalog *catalog = catalog_clone(r->w.catalog);
    const struct source *actual = catalog_source(r->w.catalog, assertion->name.text);
    if (!catalog)
        return diag_nomem(&r->d);
    if (!actual)
        TRY(diag_set(&r->d, STATUS_INVALID, STR_FMT " does not exist", STR_ARG(assertion->name.text)));
    if (actual->is_table != assertion->is_table)
        TRY(mismatch(r, "type", actual));
    TRY(compare_formats(r, actual, assertion));
    create.head.kind = STMT_CREATE_SOURCE;
    TRY(world_topics_of(&r->w, &create.head, &r->d));
    (void)catalog_remove_source(catalog, assertion->name.text);
    world_context(&r->w, &context);
    context.catalog = catalog;
    context.recorded = true; /* columns and schema ids are both given */
    TRY(parser_prepare(&create.head, &r->d));
    TRY(planner_plan_statement(&context, &r->w.arena, arena_dup(&r->w.arena, &create, sizeof create), &p, &r->d));
    st = p.ddl && p.ddl->source ? compare_sources(r, actual, p.ddl->source)
                                : diag_set(&r->d, STATUS_INVALID, "the assertion describes no source");
done:
    catalog_destroy(catalog);
    return st;
}

/* ---- scripts --------------------------------------------------------------------------------------------- */

static enum status run_text(struct run *r, struct str text, int depth);

/* The file is looked up in the folder of the test, then upwards: scripts lie in the root of the test data. */
static enum status run_script(struct run *r, struct str file, int depth)
{
    char folder[3072];
    if (depth > 8)
        return diag_set(&r->d, STATUS_INVALID, "scripts run each other in a circle");
    if (snprintf(folder, sizeof folder, "%s", r->c->path) >= (int)sizeof folder)
        return diag_set(&r->d, STATUS_INVALID, "the path of the test is too long");
    for (char *slash; (slash = strrchr(folder, '/'));) {
        char path[4096];
        struct str text;
        struct diag ignored = DIAG_INIT;
        *slash = 0;
        snprintf(path, sizeof path, "%s/%.*s", folder, file.len > 1000 ? 1000 : (int)file.len, file.p);
        if (file_read(&r->w.arena, path, &text, &ignored) == STATUS_OK)
            return run_text(r, text, depth + 1);
    }
    return diag_set(&r->d, STATUS_IO, "cannot find the script " STR_FMT, STR_ARG(file));
}

static enum status run_statement(struct run *r, const struct ast_stmt *s, int depth)
{
    enum status st = STATUS_OK;
    struct test_topic *inserted;
    switch (s->kind) {
    case STMT_ASSERT_VALUES:
    case STMT_ASSERT_NULL_VALUES:
        return assert_values(r, (const struct ast_insert_values *)s);
    case STMT_ASSERT_SOURCE:
        return assert_source(r, (const struct ast_create_source *)s);
    case STMT_RUN_SCRIPT:
        return run_script(r, ((const struct ast_run_script *)s)->file, depth);
    default:
        break;
    }
    TRY(world_topics_of(&r->w, s, &r->d));
    TRY(world_execute(&r->w, s, &inserted, &r->d));
    if (inserted)
        st = cascade(r);
done:
    return st;
}

static enum status run_text(struct run *r, struct str text, int depth)
{
    enum status st = STATUS_OK;
    static const struct parse_options options = {.test_statements = true};
    struct script script;
    TRY(parser_parse(&r->w.arena, text, &options, &script, &r->d));
    for (uint32_t i = 0; i < script.n; i++)
        TRY(run_statement(r, script.statements[i], depth));
done:
    return st;
}

static bool check_error(struct run *r, enum status st, struct str type, struct str message, struct buf *reason)
{
    if (st == STATUS_OK) {
        buf_printf(reason, "error: nothing failed, but expected was: " STR_FMT, STR_ARG(message));
        return false;
    }
    bool is_assertion = str_eq(type, STR("java.lang.AssertionError"));
    bool same_type = !type.p || (is_assertion ? r->assertion : !r->assertion && error_is_a(st, type)),
         same_text = error_contains(st, &r->d, message);
    if (same_type && same_text)
        return true;
    error_describe(reason, "run", st, &r->d);
    buf_printf(reason, "; expected another %s: " STR_FMT ": " STR_FMT, same_type ? "message" : "type", STR_ARG(type),
               STR_ARG(message));
    return false;
}

enum outcome sqltest_run(const struct test_case *c, const struct test_options *o, struct buf *reason)
{
    struct run r = {.c = c, .d = DIAG_INIT};
    struct str rest = c->sql, type = {NULL, 0}, message = {NULL, 0};
    bool passed = false;
    if (o->mutate)
        return CASE_SKIPPED; /* its assertions are statements */
    while (rest.len) {
        struct str line = next_line(&rest);
        (void)directive(line, STR("expected.error"), &type);
        (void)directive(line, STR("expected.message"), &message);
    }
    enum status st = world_init(&r.w, o, &r.d);
    if (st == STATUS_OK)
        st = run_text(&r, c->sql, 0);
    if (type.p || message.p)
        passed = check_error(&r, st, type, message, reason);
    else if (st != STATUS_OK)
        error_describe(reason, "run", st, &r.d);
    else
        passed = true;
    world_free(&r.w);
    return passed ? CASE_PASSED : CASE_FAILED;
}
