/* Opening and closing an engine, and finding the catalog and the queries again in the command topic. */
#include "engine/engine_int.h"

#include <stdlib.h>
#include <unistd.h>

static int64_t wall_ms(void *data)
{
    (void)data;
    return clock_wall_ms();
}

static int64_t property_number(const struct engine_options *o, const char *name, int64_t otherwise)
{
    int64_t v;
    for (size_t i = o->n_properties; i-- > 0;) {
        const char *have = o->properties[i].name;
        if (!strncmp(have, "ksql.streams.", 13))
            have += 13;
        if (!strcmp(have, name) && parse_i64(str_from(o->properties[i].value), &v))
            return v;
    }
    return otherwise;
}

static const char *property_text(const struct engine_options *o, const char *name, const char *otherwise)
{
    for (size_t i = o->n_properties; i-- > 0;) {
        const char *have = o->properties[i].name;
        if (!strncmp(have, "ksql.streams.", 13))
            have += 13;
        if (!strcmp(have, name))
            return o->properties[i].value;
    }
    return otherwise;
}

enum { DEFAULT_COMMIT_MS = 100, DEFAULT_CACHE_BYTES = 10485760, DEFAULT_BUDGET_MB = 256 };

static enum status open_executor(struct engine *e, struct diag *d)
{
    const struct engine_options *o = &e->options;
    const char *prefix = arena_printf(&e->arena, "_confluent-ksql-%squery_", o->service_id);
    if (!prefix)
        return diag_nomem(d);
    const struct exec_options x = {
        .service_id = o->service_id,
        .topic_prefix = prefix,
        .commit_interval_ms = property_number(o, "commit.interval.ms", DEFAULT_COMMIT_MS),
        .cache_bytes = (size_t)property_number(o, "cache.max.bytes.buffering", DEFAULT_CACHE_BYTES),
        .memory_budget = (size_t)property_number(o, "weir.memory.budget.mb", DEFAULT_BUDGET_MB) << 20,
        .state_dir = o->state_dir,
        .exactly_once = strncmp(property_text(o, "processing.guarantee", "exactly_once_v2"), "exactly_once", 12) == 0,
        .batch_rows = BATCH_ROWS,
        .drain = o->drain,
        .clock = {wall_ms, NULL},
        .on_error = processing_log_add,
        .on_error_data = e->errors,
    };
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t workers = o->n_workers ? o->n_workers : processors > 0 ? (uint32_t)processors : 1;
    return executor_create(e->log, &x, workers, &e->executor, d);
}

/* One recorded statement: as when it was first carried out, but it is not recorded again. */
static enum status replay(struct engine *e, const struct command *c, struct diag *d)
{
    enum status st = STATUS_OK;
    struct session *s = NULL;
    struct arena *a = &e->arena;
    const struct ast_stmt *statement;
    TRY(session_create(e, &s, d));
    for (uint32_t i = 0; i < c->n_properties; i++)
        TRY(session_set(s, c->names[i], c->values[i], d));
    struct str text = str_dup(a, c->statement);
    TRY(parser_statement(a, text, NULL, &statement, d));
    TRY(parser_prepare(statement, d));
    e->next_query_number = c->query_number;
    if (statement->kind == STMT_TERMINATE)
        TRY(statement_terminate(s, (const struct ast_query_control *)statement, true, NULL, d));
    else
        TRY(statement_execute(s, statement, true, false, NULL, d));
done:
    if (st != STATUS_OK)
        diag_context(d, c->statement.p, c->statement.len);
    session_destroy(s);
    return st;
}

enum status engine_open(const struct engine_options *options, struct engine **out, struct diag *d)
{
    enum status st = STATUS_OK;
    struct engine *e = mem_calloc(1, sizeof *e);
    if (!e)
        return diag_nomem(d);
    e->options = *options;
    if (!e->options.service_id)
        e->options.service_id = "default_";
    e->log = options->log;
    arena_init(&e->arena, 0);
    snprintf(e->command_topic, sizeof e->command_topic, "_confluent-ksql-%s_command_topic", e->options.service_id);
    snprintf(e->errors_topic, sizeof e->errors_topic, "%sksql_processing_log", e->options.service_id);
    e->catalog = catalog_create();
    if (!e->catalog) {
        st = diag_nomem(d);
        goto done;
    }
    TRY(functions_init(false, d));
    TRY(processing_log_open(e->log, e->errors_topic, &e->errors, d));
    TRY(open_executor(e, d));
    TRY(commands_open(e, d));
    TRY(commands_replay(e, replay, d));
    *out = e;
    e = NULL;
done:
    if (e) {
        enum status ignored = engine_close(e, NULL);
        (void)ignored; /* the first error is reported */
    }
    return st;
}

bool engine_wait(struct engine *e, const volatile int *stop, bool *failed)
{
    *failed = false;
    while (!executor_wait_drained(e->executor, 50))
        if (*stop)
            return false;
    MAP_EACH(catalog_queries(e->catalog), entry) {
        const struct catalog_query *q = entry->value;
        struct query_status status;
        if (executor_status(e->executor, q->id, &status) && status.state == QUERY_FAILED)
            *failed = true;
    }
    return true;
}

enum status engine_close(struct engine *e, struct diag *d)
{
    enum status st = STATUS_OK;
    if (e->executor)
        st = executor_close(e->executor, d);
    if (e->commands)
        writer_close(e->commands);
    processing_log_close(e->errors);
    catalog_destroy(e->catalog);
    while (e->plans) {
        struct running_plan *next = e->plans->next;
        arena_free(&e->plans->arena);
        mem_free(e->plans);
        e->plans = next;
    }
    arena_free(&e->arena);
    mem_free(e);
    return st;
}

void engine_print_stats(struct engine *e, struct buf *out)
{
    static const char *const states[] = {"RUNNING", "RECOVERING", "ERROR", "DRAINED", "STOPPED"};
    MAP_EACH(catalog_queries(e->catalog), entry) {
        const struct catalog_query *q = entry->value;
        struct query_status s;
        if (!executor_status(e->executor, q->id, &s))
            continue;
        buf_printf(out, "query=%s state=%s records_in=%lld records_out=%lld errors=%lld memory_kb=%zu", q->id,
                   states[s.state], (long long)s.records_in, (long long)s.records_out, (long long)s.errors,
                   s.memory / 1024);
        buf_printf(out, s.message[0] ? " message=%s\n" : "%s\n", s.message);
    }
}
