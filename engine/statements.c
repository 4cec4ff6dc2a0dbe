/* Statements that change the catalog or run queries. The order of one that changes it:
 *     plan -> register its schemas -> create its topic -> record it -> apply it to the catalog -> start or stop queries.
 * What can fail for the user's sake fails before it is recorded, and leaves nothing behind. */
#include "engine/engine_int.h"
#include "exec/expr/expr.h"

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
    struct session *s = data;
    struct diag own = DIAG_INIT;
    enum status st = topic_describe(s->engine->log, topic, &spec, &own);
    if (is_passing(st) && s->trouble.code == STATUS_OK)
        s->trouble = own; /* nobody knows whether it exists */
    if (st != STATUS_OK)
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
        .registry = s->engine->registry,
        .recorded = s->engine->replaying,
        .evaluate = expr_constant,
        .query_number = (uint64_t)s->engine->next_query_number,
        .now_ms = clock_wall_ms(),
    };
}

/* *created: it was not there. */
static enum status create_topic(struct engine *e, const struct planned_topic *t, bool *created, struct diag *d)
{
    *created = false;
    if (!t->name || t->exists)
        return STATUS_OK;
    const struct topic_spec spec = {
        .name = t->name,
        .n_partitions = (int32_t)t->partitions,
        .replicas = (int16_t)t->replicas,
        .compact = t->compact,
        .retention_ms = t->retention_ms > 0 ? t->retention_ms : 0,
    };
    return topic_ensure(e->log, &spec, created, d); /* another server of this service may be first */
}

enum status statement_record(struct session *s, const struct ast_stmt *statement, struct str filled, struct diag *d)
{
    struct arena a;
    arena_init(&a, 0);
    struct command c = {.statement = statement->text, .query_number = s->engine->next_query_number};
    if (filled.p) {
        c.statement = filled;
        c.written = statement->text;
    }
    c.names = ARENA_ARRAY(&a, struct str, s->properties.n_live);
    c.values = ARENA_ARRAY(&a, struct str, s->properties.n_live);
    enum status st = STATUS_OK;
    if (a.failed) {
        st = diag_nomem(d);
    } else {
        MAP_EACH (&s->properties, entry) {
            c.names[c.n_properties] = entry->key;
            c.values[c.n_properties++] = str_from(entry->value);
        }
        st = commands_append(s->engine, &c, d);
        s->recorded = st == STATUS_OK;
    }
    arena_free(&a);
    return st;
}

/* Whether it is certain that the record is not there, and that nobody else has recorded the same. */
static bool is_unrecorded(const struct engine *e, enum status st)
{
    return st == STATUS_DATA || st == STATUS_NOMEM || (st == STATUS_FULL && strcmp(log_kind(e->log), "kafka") != 0);
}

/* Its topic and its record: both or none, as far as that is known. A topic that another server may need now is left. */
static enum status make_lasting(struct session *s, const struct planned *p, struct diag *d)
{
    bool created;
    struct log *log = s->engine->log;
    enum status st = create_topic(s->engine, &p->topic, &created, d);
    if (st != STATUS_OK)
        return st;
    st = statement_record(s, p->statement, p->filled, d);
    if (st == STATUS_OK || !created)
        return st;
    if (!is_unrecorded(s->engine, st) || topic_delete(log, p->topic.name, NULL) != STATUS_OK)
        diag_hint(d, "the topic %s has been created, and is empty", p->topic.name);
    return st;
}

/* What goes with a dropped source: its query, and, if asked for, its topic. */
static enum status after_drop(struct engine *e, const struct planned_ddl *ddl, const struct topic_formats *formats,
                              struct diag *d)
{
    enum status st = STATUS_OK;
    if (ddl->terminates)
        TRY(queries_stop(e, ddl->terminates, true, d));
    if (!e->replaying && ddl->delete_topic && ddl->drop_topic) {
        st = topic_delete(e->log, ddl->drop_topic, d);
        if (st == STATUS_NOT_FOUND)
            st = STATUS_OK;
        registry_forget(e, formats, ddl->drop_topic);
    }
done:
    return st;
}

/* Carries out what changes the catalog. Takes *r over if a query starts; then it is NULL. */
static enum status carry_out(struct session *s, const struct planned *p, struct running **r, struct diag *d)
{
    enum status st = STATUS_OK;
    struct engine *e = s->engine;
    const struct source *dropped =
        p->ddl && p->ddl->kind == DDL_DROP_SOURCE ? catalog_source(e->catalog, p->ddl->name) : NULL;
    const struct topic_formats formats = dropped ? dropped->formats : (struct topic_formats){0};
    if (!e->replaying) {
        TRY(registry_prepare(e, p, d));
        TRY(make_lasting(s, p, d));
    }
    TRY(planner_apply(e->catalog, p, d));
    if (!history_note(e, p->statement, s->written.p ? s->written : p->statement->text))
        return diag_nomem(d);
    if (p->ddl && p->ddl->kind == DDL_DROP_SOURCE)
        TRY(after_drop(e, p->ddl, &formats, d));
    if (p->plan) {
        struct running *taken = *r;
        *r = NULL;
        taken->plan = p->plan;
        taken->settings = session_query_settings(s);
        TRY(queries_add(e, taken, d)); /* keeps it, and with it the message, also when it fails */
    }
done:
    return st;
}

/* Whether a plan made from the statement outlives it. */
static bool makes_query(const struct ast_stmt *statement)
{
    return statement->kind == STMT_CREATE_AS || statement->kind == STMT_INSERT_SELECT ||
           statement->kind == STMT_CREATE_SOURCE;
}

/* Plans point into the statement's tree: it is parsed again into the arena that lives as long as the query. */
static enum status own_statement(struct arena *a, const struct ast_stmt **statement, struct diag *d)
{
    struct str text = str_dup(a, (*statement)->text);
    if (!text.p)
        return diag_nomem(d);
    enum status st = parser_statement(a, text, NULL, statement, d);
    return st == STATUS_OK ? parser_prepare(*statement, d) : st;
}

/* From a place in the statement's own text to one in the script. */
static void place_in_script(struct diag *d, const struct span *statement)
{
    struct span *at = &d->where;
    if (!at->line)
        return;
    if (at->line == 1)
        at->column += statement->column - 1;
    at->line += statement->line - 1;
    at->begin += statement->begin;
    at->end += statement->begin;
}

static enum status plan(struct session *s, const struct ast_stmt *statement, struct arena *a, struct planned *p,
                        struct diag *d)
{
    enum status st = STATUS_OK;
    struct diag own = DIAG_INIT;
    struct planner_context context;
    const struct ast_stmt *planned = statement;
    if (makes_query(statement))
        TRY(own_statement(a, &planned, &own));
    session_context(s, &context);
    diag_clear(&s->trouble);
    st = planner_plan_statement(&context, a, planned, p, &own);
    if (s->trouble.code != STATUS_OK) {
        own = s->trouble;
        st = own.code;
    }
done:
    if (st == STATUS_OK)
        return st;
    if (planned != statement)
        place_in_script(&own, &statement->span);
    if (d && d->code == STATUS_OK)
        *d = own;
    return st;
}

enum status statement_execute(struct session *s, const struct ast_stmt *statement, bool repeatable,
                              const struct engine_sink *sink, struct diag *d)
{
    enum status st = STATUS_OK;
    struct planned p = {0};
    if (repeatable && history_has(s->engine, statement))
        return STATUS_OK;
    struct running *r = running_create();
    if (!r)
        return diag_nomem(d);
    TRY(plan(s, statement, &r->arena, &p, d));
    switch (p.kind) {
    case PLANNED_NOTHING:
        break;
    case PLANNED_DDL:
    case PLANNED_PERSISTENT:
        TRY(carry_out(s, &p, &r, d));
        break;
    case PLANNED_INSERT_VALUES:
        TRY(insert_values(s->engine, p.insert, d));
        break;
    case PLANNED_PUSH:
        TRY(transient_run(s, &p, sink, d));
        break;
    case PLANNED_PULL:
        TRY(pull_run(s, &p, sink, d));
        break;
    case PLANNED_ADMIN:
        TRY(admin_execute(s, statement, sink, d));
        break;
    }
    sink_message(sink, p.message);
done:
    running_destroy(r);
    return st;
}
