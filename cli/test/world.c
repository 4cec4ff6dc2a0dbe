/* The world of one case: a catalog, properties, topics in memory, and the queries that its statements made. Statements
 * take effect here as they do in the engine, without a command topic, workers or transactions. */
#include "cli/test/schemas.h"
#include "exec/expr/expr.h"

const char test_service_id[] = "some.ksql.service.id";
const char test_topic_prefix[] = "_confluent-ksql-some.ksql.service.idquery_";

static int64_t wall_clock(void *data)
{
    (void)data;
    return clock_wall_ms();
}

/* Functions see the time of day; what a source stamps its records with is known to the cases. */
static int64_t frozen_clock(void *data)
{
    (void)data;
    return 0;
}

/* May be called from the tasks of any query of this world; one thread. */
static void keep_error(void *data, const struct processing_error *e)
{
    struct world *w = data;
    if (!w->first_error[0])
        snprintf(w->first_error, sizeof w->first_error, "%s: %s", e->logger ? e->logger : "", e->message);
}

enum status world_init(struct world *w, const struct test_options *o, struct diag *d)
{
    *w = (struct world){.options = o};
    arena_init(&w->arena, 0);
    map_init(&w->properties);
    map_init(&w->topics);
    w->catalog = catalog_create();
    enum status st = registry_open_memory(&w->registry, d);
    w->exec = (struct exec_options){
        .service_id = test_service_id,
        .topic_prefix = test_topic_prefix,
        .commit_interval_ms = 100,
        .batch_rows = o->batch,
        .clock = {.wall_ms = wall_clock, .record_ms = frozen_clock},
        .on_error = keep_error,
        .on_error_data = w,
        .registry = w->registry,
    };
    if (st != STATUS_OK)
        return st;
    return w->catalog ? functions_init(true, d) : diag_nomem(d);
}

void world_free(struct world *w)
{
    for (uint32_t i = 0; i < w->n_queries; i++)
        query_destroy(w->queries[i]);
    if (w->catalog)
        catalog_destroy(w->catalog);
    map_free(&w->properties);
    map_free(&w->topics);
    registry_close(w->registry);
    arena_free(&w->arena);
}

/* ---- properties and topics ------------------------------------------------------------------------------- */

enum status world_set(struct world *w, struct str name, struct str value, struct diag *d)
{
    struct str copy = str_dup(&w->arena, value);
    return copy.p && map_put(&w->properties, name, (void *)copy.p) ? STATUS_OK : diag_nomem(d);
}

const char *world_property(const struct world *w, const char *name)
{
    return map_get(&w->properties, str_from(name));
}

static bool context_property(void *data, const char *name, struct str *value)
{
    const char *text = world_property(data, name);
    if (text)
        *value = str_from(text);
    return text != NULL;
}

static bool context_topic(void *data, const char *name, struct topic_facts *facts)
{
    const struct test_topic *t = world_topic(data, name);
    if (t)
        *facts = (struct topic_facts){.partitions = t->partitions, .replicas = t->replicas, .retention_ms = -1};
    return t != NULL;
}

void world_context(struct world *w, struct planner_context *out)
{
    *out = (struct planner_context){
        .catalog = w->catalog,
        .property = context_property,
        .topic = context_topic,
        .data = w,
        .registry = w->registry,
        .evaluate = expr_constant,
        .query_number = w->next_query,
    };
}

struct test_topic *world_topic(struct world *w, const char *name)
{
    return map_get(&w->topics, str_from(name));
}

enum status world_add_topic(struct world *w, const char *name, uint32_t partitions, uint32_t replicas, struct diag *d)
{
    if (world_topic(w, name))
        return STATUS_OK;
    struct test_topic *t = ARENA_NEW(&w->arena, struct test_topic);
    struct str copy = str_dup(&w->arena, str_from(name));
    if (!t || !copy.p || !map_put(&w->topics, copy, t))
        return diag_nomem(d);
    *t = (struct test_topic){
        .name = copy.p, .partitions = partitions ? partitions : 1, .replicas = replicas ? replicas : 1};
    return STATUS_OK;
}

static const struct ast_expr *with_value(const struct ast_properties *with, struct str name)
{
    for (uint32_t i = 0; i < with->n; i++)
        if (str_eq(with->items[i].name.text, name))
            return with->items[i].value;
    return NULL;
}

static uint32_t with_number(const struct ast_properties *with, struct str name, uint32_t otherwise)
{
    const struct ast_expr *e = with_value(with, name);
    return e && e->kind == AST_INT && e->integer > 0 ? (uint32_t)e->integer : otherwise;
}

enum status world_topics_of(struct world *w, const struct ast_stmt *s, struct diag *d)
{
    if (s->kind != STMT_CREATE_SOURCE)
        return STATUS_OK;
    const struct ast_create_source *create = (const struct ast_create_source *)s;
    const struct ast_expr *topic = with_value(&create->with, STR("KAFKA_TOPIC"));
    struct str name = str_dup(&w->arena, topic && topic->kind == AST_STRING ? topic->text : create->name.text);
    if (!name.p)
        return diag_nomem(d);
    if (world_topic(w, name.p))
        return STATUS_OK;
    enum status st = world_add_topic(w, name.p, with_number(&create->with, STR("PARTITIONS"), WORLD_PARTITIONS),
                                     with_number(&create->with, STR("REPLICAS"), 1), d);
    if (st == STATUS_OK)
        world_topic(w, name.p)->by_statement = true;
    return st;
}

const struct source *world_source_of(const struct world *w, const char *topic)
{
    MAP_EACH (catalog_sources(w->catalog), e) {
        const struct source *s = e->value;
        if (!strcmp(s->topic, topic))
            return s;
    }
    return NULL;
}

/* ---- records --------------------------------------------------------------------------------------------- */

static const struct headers *copy_headers(struct arena *a, const struct headers *from)
{
    struct headers *to = from ? ARENA_NEW(a, struct headers) : NULL;
    struct record_header *items = to ? ARENA_ARRAY(a, struct record_header, from->n) : NULL;
    if (!items)
        return NULL;
    for (uint32_t i = 0; i < from->n; i++)
        items[i] = (struct record_header){str_dup(a, from->items[i].key), str_dup(a, from->items[i].value),
                                          from->items[i].is_null};
    *to = (struct headers){from->n, items};
    return to;
}

bool records_add(struct records *list, struct arena *a, const struct record *r)
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        struct record *items = ARENA_ARRAY(a, struct record, cap);
        if (!items)
            return false;
        if (list->n)
            memcpy(items, list->items, list->n * sizeof *items);
        list->items = items;
        list->cap = cap;
    }
    struct record *to = &list->items[list->n];
    *to = (struct record){.ts = r->ts, .offset = (int64_t)list->n, .headers = copy_headers(a, r->headers)};
    to->key = r->key.p ? str_dup(a, r->key) : r->key;
    to->value = r->value.p ? str_dup(a, r->value) : r->value;
    list->n++;
    return !a->failed;
}

/* ---- INSERT VALUES --------------------------------------------------------------------------------------- */

static enum status encode_values(struct world *w, const struct source *s, bool is_key, const struct value *values,
                                 struct str *out, struct diag *d)
{
    enum status st = STATUS_OK;
    const struct schema_column *columns = is_key ? s->schema.columns : source_value_columns(s);
    uint32_t n = is_key ? s->schema.n_keys : source_n_values(s);
    struct schema_site site;
    const struct format_spec format =
        format_at(is_key ? &s->formats.key : &s->formats.value, w->registry, s->topic, is_key, &site);
    struct encoder *encoder = NULL;
    struct buf bytes;
    bool is_null = false;
    struct column *cells = ARENA_ARRAY(&w->arena, struct column, n);
    buf_init(&bytes, 0);
    if (!cells)
        return diag_nomem(d);
    for (uint32_t i = 0; i < n; i++) {
        if (!column_init(&cells[i], columns[i].type, 1, true, &w->arena))
            return diag_nomem(d);
        if (value_is_null(&values[i]))
            column_set_null(&cells[i], 0);
        else
            column_set(&cells[i], 0, &values[i]);
    }
    TRY(encoder_create(&format, columns, n, &encoder, d));
    TRY(encode(encoder, cells, 0, &bytes, &is_null, d));
    *out = is_null ? (struct str){NULL, 0} : str_dup(&w->arena, buf_str(&bytes));
    if (bytes.failed || w->arena.failed)
        st = diag_nomem(d);
done:
    if (encoder)
        encoder_destroy(encoder);
    buf_free(&bytes);
    return st;
}

static enum status insert_values(struct world *w, const struct planned_insert *i, struct test_topic **inserted,
                                 struct diag *d)
{
    enum status st = STATUS_OK;
    const struct source *s = i->target;
    uint32_t n_keys = s->schema.n_keys;
    struct record r = {.ts = i->rowtime};
    TRY(world_add_topic(w, s->topic, 1, 1, d));
    if (n_keys > 1 || (n_keys == 1 && !value_is_null(&i->values[0])))
        TRY(encode_values(w, s, true, i->values, &r.key, d));
    if (source_n_values(s))
        TRY(encode_values(w, s, false, i->values + n_keys, &r.value, d));
    *inserted = world_topic(w, s->topic);
    if (!records_add(&(*inserted)->records, &w->arena, &r))
        st = diag_nomem(d);
done:
    return st;
}

/* ---- statements ------------------------------------------------------------------------------------------ */

static int find_query(const struct world *w, const char *id)
{
    for (uint32_t i = 0; i < w->n_queries; i++)
        if (!strcmp(query_name(w->queries[i]), id))
            return (int)i;
    return -1;
}

static enum status drop_query(struct world *w, const char *id)
{
    int i = id ? find_query(w, id) : -1;
    if (i >= 0) {
        query_destroy(w->queries[i]);
        memmove(&w->queries[i], &w->queries[i + 1], (w->n_queries - (uint32_t)i - 1) * sizeof(struct query *));
        w->n_queries--;
    }
    return STATUS_OK;
}

static enum status add_query(struct world *w, const struct planned *p, struct diag *d)
{
    enum status st = STATUS_OK;
    int old = find_query(w, p->query_id);
    struct query *q = query_create(w, p->plan, p->query_id, d);
    if (!q)
        return d->code ? d->code : diag_nomem(d);
    if (old >= 0) {
        st = query_inherit(q, w->queries[old], d);
        query_destroy(w->queries[old]);
        w->queries[old] = q;
        return st;
    }
    w->next_query++;
    if (w->n_queries == w->cap_queries) {
        uint32_t cap = w->cap_queries ? w->cap_queries * 2 : 8;
        struct query **queries = ARENA_ARRAY(&w->arena, struct query *, cap);
        if (!queries) {
            query_destroy(q);
            return diag_nomem(d);
        }
        if (w->n_queries)
            memcpy(queries, w->queries, w->n_queries * sizeof *queries);
        w->queries = queries;
        w->cap_queries = cap;
    }
    w->queries[w->n_queries++] = q;
    return STATUS_OK;
}

static enum status set_property(struct world *w, const struct ast_setting *s, struct diag *d)
{
    if (s->head.kind == STMT_UNSET) {
        map_remove(&w->properties, s->name.text);
        return STATUS_OK;
    }
    return world_set(w, s->name.text, s->value, d);
}

/* ksqlDB's runner takes no notice of the PARTITIONS of a CREATE statement: queries find the usual number. */
static void forget_partitions(struct world *w, const char *name)
{
    struct test_topic *t = world_topic(w, name);
    if (t && t->by_statement)
        t->partitions = WORLD_PARTITIONS;
}

enum status world_execute(struct world *w, const struct ast_stmt *s, struct test_topic **inserted, struct diag *d)
{
    enum status st = STATUS_OK;
    struct planner_context context;
    struct planned p = {0};
    *inserted = NULL;
    TRY(parser_prepare(s, d));
    if (s->kind == STMT_SET || s->kind == STMT_UNSET)
        return set_property(w, (const struct ast_setting *)s, d);
    world_context(w, &context);
    TRY(planner_plan_statement(&context, &w->arena, s, &p, d));
    if (p.kind == PLANNED_INSERT_VALUES)
        return insert_values(w, p.insert, inserted, d);
    if (p.kind != PLANNED_DDL && p.kind != PLANNED_PERSISTENT)
        return STATUS_OK;
    if (p.topic.name && !p.topic.exists)
        TRY(world_add_topic(w, p.topic.name, p.topic.partitions, p.topic.replicas, d));
    if (p.ddl && p.ddl->kind == DDL_DROP_SOURCE)
        TRY(drop_query(w, p.ddl->terminates));
    if (p.ddl && p.ddl->kind == DDL_CREATE_SOURCE)
        TRY(schemas_of_source(w, p.ddl->source, p.kind == PLANNED_PERSISTENT, d));
    TRY(planner_apply(w->catalog, &p, d));
    if (s->kind == STMT_CREATE_SOURCE && p.topic.name)
        forget_partitions(w, p.topic.name);
    if (p.plan)
        TRY(add_query(w, &p, d));
done:
    return st;
}
