/* Sessions: properties, variables, and running a text statement by statement. */
#include "engine/engine_int.h"

#include <assert.h>
#include <unistd.h>

enum { MAX_TRIES = 100 };

static void free_values(struct map *m)
{
    MAP_EACH (m, entry)
        mem_free(entry->value);
    map_free(m);
}

enum status session_create(struct engine *e, struct session **out, struct diag *d)
{
    enum status st = STATUS_OK;
    struct session *s = mem_calloc(1, sizeof *s);
    if (!s)
        return diag_nomem(d);
    s->engine = e;
    map_init(&s->properties);
    map_init(&s->variables);
    for (size_t i = 0; i < e->options.n_properties; i++)
        if (!registry_property(str_from(e->options.properties[i].name)))
            TRY(session_set(s, str_from(e->options.properties[i].name), str_from(e->options.properties[i].value), d));
    *out = s;
    s = NULL;
done:
    session_destroy(s);
    return st;
}

void session_destroy(struct session *s)
{
    if (!s)
        return;
    free_values(&s->properties);
    free_values(&s->variables);
    mem_free(s);
}

static enum status put_text(struct map *m, struct str name, struct str value, struct diag *d)
{
    char *copy = mem_alloc((size_t)value.len + 1);
    if (!copy)
        return diag_nomem(d);
    memcpy(copy, value.p ? value.p : "", value.len);
    copy[value.len] = 0;
    mem_free(map_get(m, name));
    if (map_put(m, name, copy))
        return STATUS_OK;
    map_remove(m, name);
    mem_free(copy);
    return diag_nomem(d);
}

enum status session_set(struct session *s, struct str name, struct str value, struct diag *d)
{
    if (registry_property(name))
        return diag_set(d, STATUS_INVALID, "Cannot override property '" STR_FMT "'", STR_ARG(name));
    if (!property_is_known(name))
        return diag_set(d, STATUS_INVALID, "Unknown property: " STR_FMT, STR_ARG(name));
    enum status st = property_check(name, value, d); /* now, not when a query starts */
    return st == STATUS_OK ? put_text(&s->properties, name, value, d) : st;
}

void session_clear_properties(struct session *s)
{
    free_values(&s->properties);
    map_init(&s->properties);
}

const char *session_property(const struct session *s, const char *name)
{
    const char *value = map_get(&s->properties, str_from(name));
    char prefixed[256];
    if (value)
        return value;
    snprintf(prefixed, sizeof prefixed, "ksql.streams.%s", name);
    return map_get(&s->properties, str_from(prefixed));
}

static int64_t number(const struct session *s, const char *name)
{
    const char *value = session_property(s, name);
    int64_t n = 0;
    enum status st =
        property_number(str_from(name), str_from(value ? value : property_find(str_from(name))->otherwise), &n, NULL);
    assert(st == STATUS_OK); /* checked when it was set */
    (void)st;
    return n;
}

struct query_settings session_query_settings(const struct session *s)
{
    const char *reset = session_property(s, "auto.offset.reset");
    bool new_name = session_property(s, "statestore.cache.max.bytes") != NULL; /* Kafka Streams' newer name of it */
    return (struct query_settings){
        .from_latest = reset && !strcmp(reset, "latest"),
        .commit_interval_ms = number(s, "commit.interval.ms"),
        .cache_bytes = (size_t)number(s, new_name ? "statestore.cache.max.bytes" : "cache.max.bytes.buffering"),
    };
}

void sink_message(const struct engine_sink *sink, const char *text)
{
    if (sink && sink->message && text) {
        enum status ignored = sink->message(sink->data, text);
        (void)ignored; /* a closed terminal is noticed when rows are written */
    }
}

static bool find_variable(void *data, struct str name, struct str *value)
{
    const char *text = map_get(&((struct session *)data)->variables, name);
    if (text)
        *value = str_from(text);
    return text != NULL;
}

/* Puts the session's variables in; *substituted: the statement was parsed again. */
static enum status substitute(struct session *s, struct arena *a, const struct ast_stmt **statement, bool *substituted,
                              struct diag *d)
{
    const char *enabled = session_property(s, "ksql.variable.substitution.enable");
    struct str text;
    *substituted = s->variables.n_live && (*statement)->n_holes && !(enabled && !strcmp(enabled, "false"));
    if (!*substituted)
        return STATUS_OK;
    enum status st = parser_substitute(a, *statement, find_variable, s, &text, d);
    return st == STATUS_OK ? parser_statement(a, text, NULL, statement, d) : st;
}

static enum status set_variable(struct session *s, const struct ast_setting *setting, struct diag *d)
{
    if (setting->value.p)
        return put_text(&s->variables, setting->name.text, setting->value, d);
    mem_free(map_remove(&s->variables, setting->name.text));
    return STATUS_OK;
}

static enum status set_property(struct session *s, const struct ast_setting *setting, struct diag *d)
{
    if (setting->value.p)
        return session_set(s, setting->name.text, setting->value, d);
    if (!property_is_known(setting->name.text))
        return diag_set(d, STATUS_INVALID, "Unknown property: " STR_FMT, STR_ARG(setting->name.text));
    mem_free(map_remove(&s->properties, setting->name.text));
    return STATUS_OK;
}

enum status statement_carry_out(struct session *s, const struct ast_stmt *statement, bool repeatable,
                                const struct engine_sink *sink, struct diag *d)
{
    switch (statement->kind) {
    case STMT_TERMINATE:
    case STMT_PAUSE:
    case STMT_RESUME:
        return control_execute(s, (const struct ast_query_control *)statement, sink, d);
    default:
        return statement_execute(s, statement, repeatable, sink, d);
    }
}

/* Two servers that take the writer from each other must not go on in step. */
static void step_aside(uint32_t tries)
{
    uint64_t seed = (uint64_t)clock_mono_ns() * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)getpid() << 20;
    clock_sleep_ms((int)((seed >> 20) % (UINT64_C(20) << (tries < 5 ? tries : 5))));
}

/* A statement that is to be recorded. If another server was first it is carried out again, with what is in effect now; that may
 * be this very statement. So it is if it was refused without knowing all that is recorded. */
static enum status run_lasting(struct session *s, const struct ast_stmt *statement, bool repeatable,
                               const struct engine_sink *sink, struct diag *d)
{
    for (uint32_t tries = 0; tries < MAX_TRIES; tries++) {
        struct diag own = DIAG_INIT;
        bool news = false;
        s->recorded = false;
        enum status st = statement_carry_out(s, statement, repeatable, sink, &own);
        if (st == STATUS_FENCED)
            step_aside(tries);
        else if (is_refusal(st) && engine_catch_up(s->engine, &news, NULL) != STATUS_OK)
            news = false;
        if (!s->recorded && (st == STATUS_FENCED || st == STATUS_ABORTED || news))
            continue;
        if (d && d->code == STATUS_OK)
            *d = own;
        return st;
    }
    return diag_set(d, STATUS_TIMEOUT,
                    "Other servers of the service keep recording statements; this one was not carried out");
}

static enum status dispatch(struct session *s, const struct ast_stmt *statement, bool repeatable,
                            const struct engine_sink *sink, struct diag *d)
{
    switch (statement->kind) {
    case STMT_SET:
    case STMT_UNSET:
        return set_property(s, (const struct ast_setting *)statement, d);
    case STMT_DEFINE:
    case STMT_UNDEFINE:
        return set_variable(s, (const struct ast_setting *)statement, d);
    case STMT_TERMINATE:
    case STMT_PAUSE:
    case STMT_RESUME:
    case STMT_CREATE_SOURCE:
    case STMT_CREATE_AS:
    case STMT_CREATE_TYPE:
    case STMT_INSERT_SELECT:
    case STMT_DROP_SOURCE:
    case STMT_DROP_TYPE:
    case STMT_ALTER_SOURCE:
        return run_lasting(s, statement, repeatable, sink, d);
    case STMT_QUERY:
    case STMT_INSERT_VALUES:
        return statement_execute(s, statement, false, sink, d);
    default:
        return admin_execute(s, statement, sink, d);
    }
}

static enum status run_one(struct session *s, struct arena *a, const struct ast_stmt *statement, bool repeatable,
                           const struct engine_sink *sink, struct diag *d)
{
    enum status st = STATUS_OK;
    struct diag own = DIAG_INIT;
    struct span place = statement->span;
    bool substituted;
    engine_follow(s->engine, true);
    TRY(substitute(s, a, &statement, &substituted, &own));
    TRY(parser_prepare(statement, &own));
    TRY(dispatch(s, statement, repeatable, sink, &own));
    if (sink_stopped(s->engine, sink))
        st = diag_set(&own, STATUS_CANCELLED, "The statement was cancelled");
done:
    if (st == STATUS_OK)
        return st;
    if (!own.where.line || substituted)
        own.where = place;
    if (d && d->code == STATUS_OK)
        *d = own;
    return st;
}

enum status session_run(struct session *s, struct str text, bool repeatable, const struct engine_sink *sink,
                        struct diag *d)
{
    enum status st = STATUS_OK;
    struct script script;
    struct arena a;
    arena_init(&a, 0);
    TRY(parser_parse(&a, text, NULL, &script, d));
    for (uint32_t i = 0; i < script.n; i++)
        TRY(run_one(s, &a, script.statements[i], repeatable, sink, d));
done:
    arena_free(&a);
    return st;
}
