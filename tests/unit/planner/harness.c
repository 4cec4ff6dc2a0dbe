/* See harness.h. */
#include "tests/unit/planner/harness.h"

#include <stdio.h>
#include <string.h>

static bool find_property(void *data, const char *name, struct str *value)
{
    struct session *s = data;
    for (uint32_t i = 0; i < s->n_properties; i++)
        if (str_eq(s->properties[i][0], str_from(name))) {
            *value = s->properties[i][1];
            return true;
        }
    return false;
}

static bool find_topic(void *data, const char *topic, struct topic_facts *facts)
{
    struct session *s = data;
    uint32_t *created = map_get(&s->created, str_from(topic));
    *facts =
        (struct topic_facts){.partitions = created ? *created : s->topic_partitions, .replicas = 1, .retention_ms = -1};
    return facts->partitions != 0;
}

/* Enough for the planner: items of structs and arrays that are literals. */
static bool evaluate(const struct expr *e, struct arena *a, int64_t now_ms, struct value *out, char *error,
                     size_t error_size)
{
    struct nested *nested = ARENA_NEW(a, struct nested);
    (void)now_ms, (void)error, (void)error_size;
    *out = VALUE_NULL;
    if (!nested || !(nested->items = ARENA_ARRAY(a, struct value, e->n_args)))
        return false;
    if (e->kind != EXPR_STRUCT && e->kind != EXPR_ARRAY)
        return true;
    nested->n = e->n_args;
    for (uint32_t i = 0; i < e->n_args; i++)
        nested->items[i] = e->args[i]->value;
    *out = (struct value){.kind = (uint8_t)e->type->kind, .nested = nested};
    return true;
}

void session_open(struct session *s)
{
    *s = (struct session){.diag = DIAG_INIT};
    arena_init(&s->arena, 0);
    map_init(&s->created);
    s->catalog = catalog_create();
    s->context =
        (struct planner_context){.property = find_property, .topic = find_topic, .data = s, .evaluate = evaluate};
    struct diag d = DIAG_INIT;
    if (functions_init(false, &d) != STATUS_OK)
        CU_FAIL_FATAL("functions");
}

void session_close(struct session *s)
{
    catalog_destroy(s->catalog);
    map_free(&s->created);
    arena_free(&s->arena);
}

void session_set(struct session *s, const char *name, const char *value)
{
    s->properties[s->n_properties][0] = str_from(name);
    s->properties[s->n_properties++][1] = str_from(value);
}

static enum status plan_one(struct session *s, const struct ast_stmt *statement)
{
    s->context.catalog = s->catalog;
    s->context.query_number = s->query_number;
    enum status st = parser_prepare(statement, &s->diag);
    if (st == STATUS_OK)
        st = planner_plan_statement(&s->context, &s->arena, statement, &s->last, &s->diag);
    if (st == STATUS_OK)
        st = planner_apply(s->catalog, &s->last, &s->diag);
    if (st != STATUS_OK)
        return st;
    if (s->last.kind == PLANNED_PERSISTENT && !s->last.replaces_query)
        s->query_number++;
    if (s->last.topic.name && !s->last.topic.exists) {
        uint32_t *partitions = arena_dup(&s->arena, &s->last.topic.partitions, sizeof s->last.topic.partitions);
        if (!partitions || !map_put(&s->created, str_from(s->last.topic.name), partitions))
            return STATUS_NOMEM;
    }
    return STATUS_OK;
}

enum status session_run(struct session *s, const char *sql)
{
    struct script script;
    struct str text = str_dup(&s->arena, str_from(sql));
    diag_clear(&s->diag);
    if (!text.p)
        return STATUS_NOMEM;
    enum status st = parser_parse(&s->arena, text, NULL, &script, &s->diag);
    for (uint32_t i = 0; st == STATUS_OK && i < script.n; i++) {
        st = plan_one(s, script.statements[i]);
        if (!s->each)
            continue;
        s->each(s, script.statements[i], st);
        diag_clear(&s->diag);
        st = STATUS_OK;
    }
    return st;
}

void session_refuses(struct session *s, const char *sql, enum status wanted, const char *message)
{
    enum status st = session_run(s, sql);
    unit_check_text(st == STATUS_OK ? "no error" : s->diag.message, message, sql, __FILE__, __LINE__);
    unit_check_int(st, wanted, sql, __FILE__, __LINE__);
}

static const char create_all_types[] =
    "CREATE STREAM T (ID INT KEY, I INT, B BIGINT, DEC DECIMAL(4, 2), D DOUBLE, S STRING, BO BOOLEAN, BYT BYTES, DA "
    "DATE, "
    "TI TIME, TS TIMESTAMP, A ARRAY<INT>, M MAP<STRING, INT>, ST STRUCT<F INT, G STRUCT<H STRING>>) "
    "WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);";

const struct expr *session_expr(struct session *s, const char *e)
{
    char sql[2048];
    snprintf(sql, sizeof sql, "SELECT %s AS X FROM T EMIT CHANGES;", e);
    if (!catalog_source(s->catalog, STR("T")) && session_run(s, create_all_types) != STATUS_OK)
        unit_check_text(s->diag.message, "", "the stream T", __FILE__, __LINE__);
    s->context.skip_rewrites = REWRITE_ALL;
    enum status st = session_run(s, sql);
    s->context.skip_rewrites = 0;
    if (st != STATUS_OK)
        return NULL;
    const struct step *select = s->last.plan->sink->inputs[0];
    return select->select.exprs[s->last.plan->output_columns[0]];
}
