/* Opening and closing an engine, and waiting for its queries. */
#include "engine/engine_int.h"

#include <stdarg.h>
#include <unistd.h>

static int64_t wall_ms(void *data)
{
    (void)data;
    return clock_wall_ms();
}

enum { WAIT_MS = 50 };

static enum status open_executor(struct engine *e, struct diag *d)
{
    enum status st = STATUS_OK;
    const struct engine_options *o = &e->options;
    int64_t budget_mb;
    bool exactly_once;
    TRY(options_number(o, "weir.memory.budget.mb", &budget_mb, d));
    TRY(options_exactly_once(o, &exactly_once, d));
    bool has_server = o->state_dir && strcmp(log_kind(e->log), "kafka") == 0; /* embedded, there is only one */
    if (has_server)
        TRY(server_claim(&e->server, o->state_dir, o->service_id, d));
    const struct exec_options x = {
        .service_id = o->service_id,
        .topic_prefix = arena_printf(&e->arena, "_confluent-ksql-%squery_", o->service_id),
        .memory_budget = (size_t)budget_mb << 20,
        .state_dir = has_server ? e->server.dir : o->state_dir,
        .server_id = has_server ? e->server.id : NULL,
        .exactly_once = exactly_once,
        .batch_rows = BATCH_ROWS,
        .registry = e->registry,
        .drain = o->drain,
        .clock = {.wall_ms = wall_ms},
        .on_error = processing_log_add,
        .on_error_data = e->errors,
    };
    if (!x.topic_prefix)
        return diag_nomem(d);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t workers = o->n_workers ? o->n_workers : processors > 0 ? (uint32_t)processors : 1;
    TRY(executor_create(e->log, &x, workers, &e->executor, d));
done:
    return st;
}

enum status engine_open(const struct engine_options *options, struct engine **out, struct diag *d)
{
    enum status st = STATUS_OK;
    bool news;
    struct engine *e = mem_calloc(1, sizeof *e);
    if (!e)
        return diag_nomem(d);
    e->options = *options;
    if (!e->options.service_id)
        e->options.service_id = "default_";
    e->log = options->log;
    e->server.fd = -1;
    arena_init(&e->arena, 0);
    map_init(&e->histories);
    snprintf(e->command_topic, sizeof e->command_topic, "_confluent-ksql-%s_command_topic", e->options.service_id);
    snprintf(e->errors_topic, sizeof e->errors_topic, "%sksql_processing_log", e->options.service_id);
    e->catalog = catalog_create();
    if (!e->catalog) {
        st = diag_nomem(d);
        goto done;
    }
    TRY(functions_init(false, d));
    TRY(processing_log_open(e->log, e->errors_topic, &e->errors, d));
    TRY(registry_configure(e, d));
    TRY(open_executor(e, d));
    TRY(commands_open(e, d));
    TRY(engine_catch_up(e, &news, d));
    *out = e;
    e = NULL;
done:
    if (e) {
        enum status ignored = engine_close(e, NULL);
        (void)ignored; /* the first error is reported */
    }
    return st;
}

void engine_notice(const struct engine *e, const char *format, ...)
{
    char text[2048];
    va_list args;
    if (!e->options.notice)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    e->options.notice(e->options.notice_data, text);
}

static bool any_failure_told(const struct engine *e)
{
    const struct running *r = e->queries;
    while (r && !r->failure_told)
        r = r->next;
    return r != NULL;
}

/* Queries that do not drain end only by failing, or by a statement of another server; then the next may come as well. */
bool engine_wait(struct engine *e, const volatile int *stop, bool *failed)
{
    bool ended, told = false;
    do {
        told |= engine_follow(e, true);
        ended = executor_wait_drained(e->executor, WAIT_MS) && !queries_are_waiting(e);
        queries_tell_trouble(e, ended);
        *failed = any_failure_told(e);
        if (ended && told && !e->options.drain && !*failed) {
            ended = false;
            clock_sleep_ms(WAIT_MS);
        }
    } while (!ended && !*stop);
    return ended;
}

enum status engine_close(struct engine *e, struct diag *d)
{
    enum status st = STATUS_OK;
    if (e->executor)
        st = executor_close(e->executor, d);
    commands_close(e);
    if (e->inserts)
        writer_close(e->inserts);
    server_release(&e->server);
    processing_log_close(e->errors);
    history_free(e);
    catalog_destroy(e->catalog);
    queries_free(e);
    if (e->owns_registry)
        registry_close(e->registry);
    arena_free(&e->arena);
    mem_free(e);
    return st;
}

void engine_print_stats(struct engine *e, struct buf *out)
{
    for (const struct running *r = e->queries; r; r = r->next) {
        struct query_status s;
        queries_status(e, r->plan->query_id, &s);
        buf_printf(out, "query=%s state=%s records_in=%lld records_out=%lld errors=%lld memory_kb=%zu",
                   r->plan->query_id, query_state_name(s.state), (long long)s.records_in, (long long)s.records_out,
                   (long long)s.errors, s.memory / 1024);
        buf_printf(out, s.message[0] ? " message=%s\n" : "%s\n", s.message);
    }
}
