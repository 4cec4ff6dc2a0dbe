/* Statements that change the catalog or run queries: plan, create the topic, record, apply, start. */
#include "engine/engine_int.h"

static bool context_property(void *data, const char *name, struct str *value)
{
    const char *text = session_property(data, name);
    if (text)
        *value = str_from(text);
    return text != NULL;
}

static bool context_topic(void *data, const char *topic, struct topic_facts *facts)
{
    struct topic_spec spec;
    if (topic_describe(((struct session *)data)->engine->log, topic, &spec, NULL) != STATUS_OK)
        return false;
    *facts = (struct topic_facts){.partitions = (uint32_t)spec.n_partitions,
                                  .replicas = spec.replicas > 0 ? (uint32_t)spec.replicas : 1,
                                  .retention_ms = spec.retention_ms};
    return true;
}

void session_context(struct session *s, struct planner_context *out)
{
    *out = (struct planner_context){
        .catalog = s->engine->catalog,
        .property = context_property,
        .topic = context_topic,
        .data = s,
        .query_number = (uint64_t)s->engine->next_query_number,
        .now_ms = clock_wall_ms(),
    };
}

static enum status create_topic(struct engine *e, const struct planned_topic *t, struct diag *d)
{
    if (!t->name || t->exists)
        return STATUS_OK;
    const struct topic_spec spec = {
        .name = t->name,
        .n_partitions = (int32_t)t->partitions,
        .replicas = (int16_t)t->replicas,
        .compact = t->compact,
        .retention_ms = t->retention_ms > 0 ? t->retention_ms : 0,
    };
    enum status st = topic_create(e->log, &spec, d);
    return st == STATUS_EXISTS ? STATUS_OK : st; /* another server of this service was first */
}

bool statement_is_recorded(const struct ast_stmt *statement)
{
    switch (statement->kind) {
    case STMT_CREATE_SOURCE:
    case STMT_CREATE_AS:
    case STMT_CREATE_TYPE:
    case STMT_INSERT_SELECT:
    case STMT_DROP_SOURCE:
    case STMT_DROP_TYPE:
    case STMT_ALTER_SOURCE:
    case STMT_TERMINATE: return true;
    default: return false;
    }
}

enum status statement_record(struct session *s, const struct ast_stmt *statement, struct diag *d)
{
    struct arena a;
    arena_init(&a, 0);
    struct command c = {.statement = statement->text, .query_number = s->engine->next_query_number};
    c.names = ARENA_ARRAY(&a, struct str, s->properties.n_live);
    c.values = ARENA_ARRAY(&a, struct str, s->properties.n_live);
    enum status st = STATUS_OK;
    if (a.failed) {
        st = diag_nomem(d);
    } else {
        MAP_EACH(&s->properties, entry) {
            c.names[c.n_properties] = entry->key;
            c.values[c.n_properties++] = str_from(entry->value);
        }
        st = commands_append(s->engine, &c, d);
    }
    arena_free(&a);
    return st;
}

/* The recorded statement that a repeated one would make again, or {NULL, 0}. */
static struct str recorded_text(const struct engine *e, const struct ast_stmt *statement)
{
    if (statement->kind == STMT_CREATE_SOURCE || statement->kind == STMT_CREATE_AS) {
        struct str name = statement->kind == STMT_CREATE_SOURCE ? ((const struct ast_create_source *)statement)->name.text
                                                                : ((const struct ast_create_as *)statement)->name.text;
        const struct source *source = catalog_source(e->catalog, name);
        return source ? source->sql : (struct str){NULL, 0};
    }
    if (statement->kind == STMT_INSERT_SELECT)
        MAP_EACH(catalog_queries(e->catalog), entry) {
            const struct catalog_query *q = entry->value;
            if (q->kind == QUERY_INSERT && str_eq(q->sql, statement->text))
                return q->sql;
        }
    return (struct str){NULL, 0};
}

/* Starts the plan; from now on the engine owns its arena. */
static enum status start_query(struct session *s, const struct planned *p, struct running_plan *r, struct diag *d)
{
    const char *reset = session_property(s, "auto.offset.reset");
    if (p->replaces_query) {
        enum status st = executor_stop(s->engine->executor, p->query_id, false, d);
        if (st != STATUS_OK)
            return st;
    }
    r->next = s->engine->plans;
    s->engine->plans = r;
    return executor_start(s->engine->executor, p->plan, reset && !strcmp(reset, "latest"), d);
}

static enum status after_drop(struct engine *e, const struct planned_ddl *ddl, struct diag *d)
{
    enum status st = STATUS_OK;
    if (ddl->terminates)
        TRY(executor_stop(e->executor, ddl->terminates, true, d));
    if (ddl->delete_topic && ddl->drop_topic) {
        st = topic_delete(e->log, ddl->drop_topic, d);
        if (st == STATUS_NOT_FOUND)
            st = STATUS_OK;
    }
done:
    return st;
}

/* Carries out what changes the catalog. Takes `r` (the arena of the plan) over if a query starts; then *r is NULL. */
static enum status carry_out(struct session *s, const struct planned *p, struct running_plan **r, bool replayed,
                             struct diag *d)
{
    enum status st = STATUS_OK;
    struct engine *e = s->engine;
    TRY(create_topic(e, &p->topic, d));
    if (!replayed)
        TRY(statement_record(s, p->statement, d));
    if (p->ddl && p->ddl->kind == DDL_DROP_SOURCE && !replayed)
        TRY(after_drop(e, p->ddl, d));
    else if (p->ddl && p->ddl->kind == DDL_DROP_SOURCE && p->ddl->terminates)
        TRY(executor_stop(e->executor, p->ddl->terminates, false, d));
    TRY(planner_apply(e->catalog, p, d));
    if (p->plan) {
        struct running_plan *taken = *r;
        *r = NULL;
        TRY(start_query(s, p, taken, d));
    }
done:
    return st;
}

enum status statement_execute(struct session *s, const struct ast_stmt *statement, bool replayed, bool repeatable,
                              const struct engine_sink *sink, struct diag *d)
{
    enum status st = STATUS_OK;
    struct engine *e = s->engine;
    struct planner_context context;
    struct planned p = {0};
    struct running_plan *r = mem_calloc(1, sizeof *r);
    if (!r)
        return diag_nomem(d);
    arena_init(&r->arena, 0);
    struct str recorded = repeatable ? recorded_text(e, statement) : (struct str){NULL, 0};
    if (recorded.p && str_eq(recorded, statement->text))
        goto done; /* it is in effect already */
    session_context(s, &context);
    TRY(planner_plan_statement(&context, &r->arena, statement, &p, d));
    switch (p.kind) {
    case PLANNED_NOTHING: break;
    case PLANNED_DDL:
    case PLANNED_PERSISTENT: TRY(carry_out(s, &p, &r, replayed, d)); break;
    case PLANNED_INSERT_VALUES: TRY(insert_values(e, p.insert, d)); break;
    case PLANNED_PUSH:
    case PLANNED_PULL: TRY(transient_run(s, &p, sink, d)); break;
    case PLANNED_ADMIN: TRY(admin_execute(s, statement, sink, d)); break;
    }
    sink_message(sink, p.message);
done:
    if (r) {
        arena_free(&r->arena);
        mem_free(r);
    }
    return st;
}

static enum status terminate_one(struct session *s, const struct ast_query_control *statement, struct str id,
                                 bool replayed, struct diag *d)
{
    enum status st = STATUS_OK;
    struct engine *e = s->engine;
    const struct catalog_query *q = catalog_query(e->catalog, id);
    if (!q)
        return diag_set_at(d, STATUS_INVALID, statement->query.span, "Unknown queryId: " STR_FMT, STR_ARG(id));
    if (q->kind == QUERY_SOURCE_TABLE)
        return diag_set_at(d, STATUS_INVALID, statement->query.span,
                           "Cannot terminate query '" STR_FMT "' because it is linked to a source table.", STR_ARG(id));
    if (!replayed && !statement->all)
        TRY(statement_record(s, &statement->head, d));
    TRY(executor_stop(e->executor, q->id, !replayed, d));
    catalog_remove_query(e->catalog, id);
done:
    return st;
}

enum status statement_terminate(struct session *s, const struct ast_query_control *statement, bool replayed,
                                const struct engine_sink *sink, struct diag *d)
{
    enum status st = STATUS_OK;
    if (!statement->all) {
        TRY(terminate_one(s, statement, statement->query.text, replayed, d));
        sink_message(sink, "Query terminated.");
        return STATUS_OK;
    }
    if (!replayed)
        TRY(statement_record(s, &statement->head, d));
    for (bool found = true; found;) {
        found = false;
        MAP_EACH(catalog_queries(s->engine->catalog), entry) {
            const struct catalog_query *q = entry->value;
            if (q->kind == QUERY_SOURCE_TABLE)
                continue;
            TRY(terminate_one(s, statement, str_from(q->id), replayed, d));
            found = true; /* the map has changed: begin again */
            break;
        }
    }
    sink_message(sink, "All queries terminated.");
done:
    return st;
}
