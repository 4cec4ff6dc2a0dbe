/* ASSERT TOPIC: waits until a topic exists with the partitions and replicas that are asked for (or does not exist), at
 * most for the timeout. */
#include "engine/engine_int.h"

enum { LOOK_EVERY_MS = 20, DEFAULT_TIMEOUT_MS = 1000 };

static bool literal_number(const struct ast_expr *e, int64_t *out)
{
    if (e->kind == AST_STRING)
        return parse_i64(e->text, out);
    *out = e->integer;
    return e->kind == AST_INT || e->kind == AST_BIGINT;
}

/* Names the first property that does not hold, in `why`; empty: all do. */
static enum status compare(const struct ast_assert_topic *a, const struct topic_spec *spec, struct buf *why,
                           struct diag *d)
{
    for (uint32_t i = 0; i < a->with.n; i++) {
        const struct ast_property *p = &a->with.items[i];
        int64_t wanted, have;
        if (str_eq(p->name.text, STR("PARTITIONS")))
            have = spec->n_partitions;
        else if (str_eq(p->name.text, STR("REPLICAS")))
            have = spec->replicas > 0 ? spec->replicas : 1;
        else
            return diag_set_at(d, STATUS_INVALID, p->span, "Cannot assert unknown topic property: " STR_FMT,
                               STR_ARG(p->name.text));
        if (!literal_number(p->value, &wanted))
            return diag_set_at(d, STATUS_INVALID, p->span, STR_FMT " must be a number", STR_ARG(p->name.text));
        if (have != wanted && !why->len)
            buf_printf(why,
                       "Mismatched configuration for topic " STR_FMT ": For config " STR_FMT ", expected %lld got %lld",
                       STR_ARG(a->topic.text), STR_ARG(p->name.text), (long long)wanted, (long long)have);
    }
    return STATUS_OK;
}

/* One look; `why`: what is not as asserted. */
static enum status look(struct session *s, const struct ast_assert_topic *a, const char *topic, struct buf *why,
                        struct diag *d)
{
    struct topic_spec spec = {0};
    why->len = 0;
    enum status st = topic_describe(s->engine->log, topic, &spec, d);
    if (st != STATUS_OK && st != STATUS_NOT_FOUND)
        return st;
    bool exists = st == STATUS_OK;
    if (exists != a->exists)
        buf_printf(why, "Topic %s %s", topic, exists ? "exists" : "does not exist");
    else if (exists)
        return compare(a, &spec, why, d);
    return STATUS_OK;
}

enum status assert_topic(struct session *s, const struct ast_assert_topic *a, const struct engine_sink *sink,
                         struct diag *d)
{
    enum status st = STATUS_OK;
    struct arena arena;
    struct buf why;
    int64_t timeout_ms = ast_duration_given(&a->timeout) ? a->timeout.ms : DEFAULT_TIMEOUT_MS;
    int64_t started = clock_mono_ns();
    arena_init(&arena, 0);
    buf_init(&why, 0);
    const char *topic = str_dup(&arena, a->topic.text).p;
    if (!topic) {
        st = diag_nomem(d);
        goto done;
    }
    for (;;) {
        TRY(look(s, a, topic, &why, d));
        if (!why.len || (clock_mono_ns() - started) / 1000000 >= timeout_ms || sink_stopped(s->engine, sink))
            break;
        clock_sleep_ms(LOOK_EVERY_MS);
    }
    if (why.len || why.failed) {
        st = why.failed ? diag_nomem(d) : diag_set_at(d, STATUS_INVALID, a->head.span, "%s", buf_z(&why));
        goto done;
    }
    buf_printf(&why, "Topic %s %s.", topic, a->exists ? "exists" : "does not exist");
    sink_message(sink, buf_z(&why));
done:
    buf_free(&why);
    arena_free(&arena);
    return st;
}
