/* The schema registry, as the engine uses it: which one there is, and schemas of topics that statements make or delete. */
#include "engine/engine_int.h"

#define PREFIX STR("ksql.schema.registry.")

static const char *const NAMES[] = {"url", "basic.auth.credentials.source", "basic.auth.user.info", "ssl.ca.location"};
enum { URL, CREDENTIALS_SOURCE, USER_INFO, CA_FILE, N_NAMES };

bool registry_property(struct str name)
{
    return str_starts(name, PREFIX);
}

static const char *option(const struct engine *e, int which)
{
    const struct engine_options *o = &e->options;
    for (size_t i = o->n_properties; i-- > 0;)
        if (registry_property(str_from(o->properties[i].name)) &&
            !strcmp(o->properties[i].name + PREFIX.len, NAMES[which]))
            return o->properties[i].value;
    return NULL;
}

static const char *configured_url(const struct engine *e)
{
    const char *url = option(e, URL);
    return url ? url : "";
}

void registry_show(const struct engine *e, struct buf *out)
{
    registry_print_urls(out, configured_url(e));
}

static enum status check_names(const struct engine *e, struct diag *d)
{
    for (size_t i = 0; i < e->options.n_properties; i++) {
        const char *name = e->options.properties[i].name;
        if (!registry_property(str_from(name)))
            continue;
        int which = 0;
        while (which < N_NAMES && strcmp(name + PREFIX.len, NAMES[which]) != 0)
            which++;
        if (which == N_NAMES)
            return diag_set(d, STATUS_INVALID, "Unknown property: %s", name);
    }
    return STATUS_OK;
}

/* "user:password"; as Confluent's clients: only if the source says so. */
static enum status read_user(struct engine *e, struct registry_options *o, struct diag *d)
{
    const char *source = option(e, CREDENTIALS_SOURCE), *info = option(e, USER_INFO);
    if (!source || !strcmp(source, "URL"))
        return STATUS_OK; /* libcurl takes what is in the URL */
    if (strcmp(source, "USER_INFO") != 0)
        return diag_set(d, STATUS_INVALID,
                        "Invalid value %s for configuration " STR_FMT "%s: it can be URL or USER_INFO", source,
                        STR_ARG(PREFIX), NAMES[CREDENTIALS_SOURCE]);
    char *user = info ? arena_dup(&e->arena, info, strlen(info) + 1) : NULL, *colon = user ? strchr(user, ':') : NULL;
    if (info && !user)
        return diag_nomem(d);
    if (!colon)
        return diag_set(d, STATUS_INVALID, "Configuration " STR_FMT "%s needs user:password", STR_ARG(PREFIX),
                        NAMES[USER_INFO]);
    *colon = 0;
    o->user = user;
    o->password = colon + 1;
    return STATUS_OK;
}

enum status registry_configure(struct engine *e, struct diag *d)
{
    struct registry_options o = {.url = configured_url(e), .ca_file = option(e, CA_FILE)};
    enum status st = check_names(e, d);
    if (st == STATUS_OK && *o.url)
        st = read_user(e, &o, d);
    e->registry = e->options.registry;
    if (st != STATUS_OK || !*o.url || e->registry)
        return st;
    st = registry_open_http(&o, &e->registry, d);
    e->owns_registry = st == STATUS_OK;
    return st;
}

struct format_spec registry_format(const struct engine *e, const struct format_spec *format, const char *topic,
                                   bool is_key, struct schema_site *site)
{
    return format_at(format, e->registry, topic, is_key, site);
}

/* ---- subjects ------------------------------------------------------------------------------------------------------- */

/* Whether the subject has a schema. */
static enum status is_there(const struct schema_site *site, struct str subject, bool *out, struct diag *d)
{
    const struct registered_schema *schema;
    enum status st = registry_by_subject(site->registry, subject, 0, &schema, d);
    *out = st == STATUS_OK;
    if (st != STATUS_NOT_FOUND)
        return st;
    diag_clear(d);
    return STATUS_OK;
}

/* What somebody has registered for an existing topic is let be: only what a query writes has to have its own schema. */
static enum status register_side(const struct format_spec *format, const struct source *source, bool is_written,
                                 struct str subject, struct diag *d)
{
    enum status st = STATUS_OK;
    bool is_key = format->site->is_key, there = false;
    int32_t id;
    if (!is_written)
        TRY(is_there(format->site, subject, &there, d));
    if (!there)
        st = schema_register(format, is_key ? source->schema.columns : source_value_columns(source),
                             is_key ? source->schema.n_keys : source_n_values(source), &id, d);
done:
    return st;
}

static enum status prepare_side(struct engine *e, const struct source *source, bool is_key, bool is_written,
                                struct diag *d)
{
    enum status st = STATUS_OK;
    struct schema_site site;
    struct buf subject;
    struct diag own = DIAG_INIT;
    const struct format_spec format =
        registry_format(e, is_key ? &source->formats.key : &source->formats.value, source->topic, is_key, &site);
    if (!format_has_registry(format.kind) || (is_key ? source->schema.n_keys : source_n_values(source)) == 0)
        return STATUS_OK;
    if (!site.registry)
        return format_lacks_registry(d, STATUS_INVALID, (struct span){0}, format.kind, source->topic);
    if (format.schema_id)
        return is_written ? schema_adopt(&format, STATUS_INVALID, d) : STATUS_OK;
    if (!schema_subject(&subject, source->topic, is_key))
        st = diag_nomem(d);
    else if ((st = register_side(&format, source, is_written, buf_str(&subject), &own)) != STATUS_OK)
        st = diag_set(d, st, "Could not register schema for topic: %s", own.message);
    buf_free(&subject);
    return st;
}

enum status registry_prepare(struct engine *e, const struct planned *p, struct diag *d)
{
    if (!p->ddl || p->ddl->kind != DDL_CREATE_SOURCE || !p->ddl->source)
        return STATUS_OK;
    bool is_written = p->statement->kind == STMT_CREATE_AS;
    enum status st = prepare_side(e, p->ddl->source, true, is_written, d);
    return st == STATUS_OK ? prepare_side(e, p->ddl->source, false, is_written, d) : st;
}

static void forget_side(struct engine *e, const char *topic, bool is_key)
{
    struct buf subject;
    struct diag own = DIAG_INIT;
    enum status st = schema_subject(&subject, topic, is_key) ? registry_remove(e->registry, buf_str(&subject), &own)
                                                             : diag_nomem(&own);
    if (st != STATUS_OK)
        engine_notice(e, "the schemas of the deleted topic %s are left in the registry: %s", topic, own.message);
    buf_free(&subject);
}

void registry_forget(struct engine *e, const struct topic_formats *formats, const char *topic)
{
    if (e->registry && format_has_registry(formats->key.kind))
        forget_side(e, topic, true);
    if (e->registry && format_has_registry(formats->value.kind))
        forget_side(e, topic, false);
}
