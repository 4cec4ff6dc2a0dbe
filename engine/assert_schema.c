/* ASSERT SCHEMA: waits until a subject, an id, or an id within a subject is in the schema registry (or is not), at most for the
 * timeout. */
#include "engine/engine_int.h"

enum { LOOK_EVERY_MS = 100, DEFAULT_TIMEOUT_MS = 1000 };

/* Any version of the subject may have the id; versions that were deleted leave gaps. */
static enum status find_id(struct registry *r, struct str subject, int32_t id, const struct registered_schema **schema,
                           struct diag *d)
{
    for (int32_t version = (*schema)->version; (*schema)->id != id && version-- > 1;) {
        const struct registered_schema *older;
        enum status st = registry_by_subject(r, subject, version, &older, d);
        if (st == STATUS_OK)
            *schema = older;
        else if (st != STATUS_NOT_FOUND)
            return st;
    }
    return (*schema)->id == id ? STATUS_OK : STATUS_NOT_FOUND;
}

static enum status look(struct registry *r, const struct ast_assert_schema *a, bool *exists, struct diag *d)
{
    struct diag own = DIAG_INIT;
    const struct registered_schema *schema;
    bool is_possible = !a->has_id || (a->id > 0 && a->id <= INT32_MAX);
    enum status st = !is_possible     ? STATUS_NOT_FOUND
                     : a->has_subject ? registry_by_subject(r, a->subject.text, 0, &schema, &own)
                                      : registry_by_id(r, (int32_t)a->id, &schema, &own);
    if (st == STATUS_OK && a->has_subject && a->has_id)
        st = find_id(r, a->subject.text, (int32_t)a->id, &schema, &own);
    *exists = st == STATUS_OK;
    if (st == STATUS_OK || st == STATUS_NOT_FOUND)
        return STATUS_OK;
    return diag_set_at(d, st, a->head.span, "%s", own.message);
}

static void put_what(struct buf *out, const struct ast_assert_schema *a, bool exists)
{
    buf_puts(out, STR("Schema with"));
    if (a->has_subject)
        buf_printf(out, " subject name " STR_FMT, STR_ARG(a->subject.text));
    if (a->has_id)
        buf_printf(out, " id %lld", (long long)a->id);
    buf_puts(out, exists ? STR(" exists") : STR(" does not exist"));
}

enum status assert_schema(struct session *s, const struct ast_assert_schema *a, const struct engine_sink *sink,
                          struct diag *d)
{
    enum status st = STATUS_OK;
    struct registry *r = s->engine->registry;
    bool exists = false;
    struct buf text;
    int64_t timeout_ms = ast_duration_given(&a->timeout) ? a->timeout.ms : DEFAULT_TIMEOUT_MS;
    int64_t started = clock_mono_ns();
    if (!r)
        return diag_set_at(d, STATUS_INVALID, a->head.span,
                           "ASSERT SCHEMA needs a schema registry: 'ksql.schema.registry.url' is not configured");
    buf_init(&text, 0);
    for (;;) {
        TRY(look(r, a, &exists, d));
        if (exists == a->exists || (clock_mono_ns() - started) / 1000000 >= timeout_ms || sink_stopped(s->engine, sink))
            break;
        clock_sleep_ms(LOOK_EVERY_MS);
    }
    put_what(&text, a, exists);
    if (exists == a->exists)
        buf_putc(&text, '.');
    if (text.failed)
        st = diag_nomem(d);
    else if (exists == a->exists)
        sink_message(sink, buf_z(&text));
    else
        st = diag_set_at(d, STATUS_INVALID, a->head.span, "%s", buf_z(&text));
done:
    buf_free(&text);
    return st;
}
