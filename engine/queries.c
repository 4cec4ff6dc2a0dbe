/* The persistent queries of an engine: their plans, which must outlive them, and whether they run. While the command
 * topic is replayed they are only remembered: a query that was terminated later must not be started again. */
#include "engine/engine_int.h"

enum { LOOK_EVERY_MS = 50, GRACE_MS = 300 };

struct running *running_create(void)
{
    struct running *r = mem_calloc(1, sizeof *r);
    if (r)
        arena_init(&r->arena, 0);
    return r;
}

void running_destroy(struct running *r)
{
    if (!r)
        return;
    arena_free(&r->arena);
    mem_free(r);
}

void queries_free(struct engine *e)
{
    while (e->queries) {
        struct running *next = e->queries->next;
        running_destroy(e->queries);
        e->queries = next;
    }
}

/* Where the query with this id is linked from; *result is NULL if there is none. */
static struct running **find(struct engine *e, const char *id)
{
    struct running **at = &e->queries;
    while (*at && strcmp((*at)->plan->query_id, id) != 0)
        at = &(*at)->next;
    return at;
}

static enum status start(struct engine *e, struct running *r, struct diag *d)
{
    struct diag own = DIAG_INIT;
    enum status st = executor_start(e->executor, r->plan, &r->settings, &own);
    r->started = st == STATUS_OK;
    if (r->started)
        return st;
    if (!is_passing(st)) /* otherwise it is tried again */
        snprintf(r->error, sizeof r->error, "%.*s", (int)sizeof r->error - 1, own.message);
    if (d && d->code == STATUS_OK)
        *d = own;
    return st;
}

enum status queries_add(struct engine *e, struct running *r, struct diag *d)
{
    enum status st = queries_stop(e, r->plan->query_id, false, d); /* OR REPLACE: the old plan makes room */
    struct running **at = &e->queries;
    while (*at)
        at = &(*at)->next;
    *at = r;
    return st != STATUS_OK || e->replaying ? st : start(e, r, d);
}

static bool is_waiting(const struct running *r)
{
    return !r->started && !r->error[0];
}

bool queries_are_waiting(const struct engine *e)
{
    const struct running *r = e->queries;
    while (r && !is_waiting(r))
        r = r->next;
    return r != NULL;
}

/* A query that cannot be started for its own sake (its topic is gone) has failed; the others are started. */
enum status queries_start(struct engine *e, struct diag *d)
{
    for (struct running *r = e->queries; r; r = r->next) {
        struct diag own = DIAG_INIT;
        enum status st = is_waiting(r) ? start(e, r, &own) : STATUS_OK;
        if (st == STATUS_OK || st == STATUS_NOT_FOUND || st == STATUS_UNSUPPORTED)
            continue;
        if (d && d->code == STATUS_OK)
            *d = own;
        return st;
    }
    return STATUS_OK;
}

/* Topics are not deleted while other servers still write to them, as far as that can be helped: they see the statement a moment
 * after it was recorded. Who comes later finds a query that has failed, and then that it is terminated. */
static void let_others_stop(const struct engine *e)
{
    int64_t left_ms = GRACE_MS - (clock_mono_ns() - e->commands.recorded_ns) / 1000000;
    if (left_ms > 0 && strcmp(log_kind(e->log), "kafka") == 0 && !executor_is_alone(e->executor))
        clock_sleep_ms((int)left_ms);
}

enum status queries_stop(struct engine *e, const char *id, bool forget, struct diag *d)
{
    struct running **at = find(e, id), *r = *at;
    if (!r)
        return STATUS_OK;
    enum query_end end = !forget ? QUERY_KEEP : e->replaying ? QUERY_LEAVE : QUERY_FORGET;
    if (end == QUERY_FORGET)
        let_others_stop(e);
    enum status st = r->started ? executor_stop(e->executor, id, end, d) : STATUS_OK;
    *at = r->next; /* the executor has let go of it, whatever became of its topics */
    running_destroy(r);
    return st;
}

void queries_pause(struct engine *e, const char *id, bool paused)
{
    struct running *r = *find(e, id);
    if (!r)
        return;
    r->settings.paused = paused;
    if (r->started)
        executor_pause(e->executor, id, paused);
}

void queries_status(struct engine *e, const char *id, struct query_status *out)
{
    const struct running *r = *find(e, id);
    *out = (struct query_status){.state = QUERY_STOPPED};
    if (!r || (r->started && executor_status(e->executor, id, out)))
        return;
    out->state = is_waiting(r) ? QUERY_RECOVERING : QUERY_FAILED;
    snprintf(out->message, sizeof out->message, "%.*s", (int)sizeof out->message - 1, r->error);
}

const char *query_state_name(enum query_state state)
{
    static const char *const names[] = {"RUNNING", "RECOVERING", "ERROR", "DRAINED", "STOPPED", "PAUSED"};
    return names[state];
}

static void tell_failure(struct engine *e, struct running *r)
{
    struct query_status s;
    queries_status(e, r->plan->query_id, &s);
    r->failure_told = s.state == QUERY_FAILED;
    if (r->failure_told)
        engine_notice(e, "query %s has failed: %s", r->plan->query_id, s.message);
}

static void tell_trouble(struct engine *e)
{
    char text[512];
    executor_trouble(e->executor, text, sizeof text);
    if (*text && !e->trouble_told)
        engine_notice(e, "queries are held up: %s", text);
    else if (!*text && e->trouble_told)
        engine_notice(e, "queries go on");
    e->trouble_told = *text != 0;
}

void queries_tell_trouble(struct engine *e, bool now)
{
    int64_t ns = clock_mono_ns();
    if (!now && ns - e->last_look_ns < LOOK_EVERY_MS * 1000000)
        return;
    e->last_look_ns = ns;
    tell_trouble(e);
    for (struct running *r = e->queries; r; r = r->next)
        if (!r->failure_told)
            tell_failure(e, r);
}
