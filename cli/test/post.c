/* The `post` section of a case: what sources and topics must be there at the end, and which schemas their subjects have. Of changelogs,
 * only that they are there. */
#include "cli/test/schemas.h"

#include <regex.h>

static bool differs(struct buf *reason, const char *what, struct str name, struct str expected, struct str actual)
{
    buf_printf(reason, "post: " STR_FMT ": %s: expected " STR_FMT ", but was " STR_FMT, STR_ARG(name), what,
               STR_ARG(expected), STR_ARG(actual));
    return false;
}

/* A format may be written as a text or as an object. */
static struct str format_text(const struct json *j)
{
    return !j ? (struct str){NULL, 0} : j->kind == JSON_STRING ? j->text : json_text(j, "format");
}

static bool check_format(struct buf *reason, const char *what, struct str name, const struct json *expected,
                         const struct format_spec *actual)
{
    const char *kind = format_name(actual->kind);
    struct str text = format_text(expected),
               full_name = json_text(json_member(expected, "properties"), "fullSchemaName"),
               own_name = str_from(actual->full_name);
    if (text.p && !str_eq_nocase(text, str_from(kind)))
        return differs(reason, what, name, text, str_from(kind));
    return !full_name.p || str_eq(full_name, own_name) || differs(reason, what, name, full_name, own_name);
}

/* ---- sources --------------------------------------------------------------------------------------------- */

static bool role_matches(enum ast_role declared, enum column_role role)
{
    switch (declared) {
    case AST_ROLE_NONE:
        return role == ROLE_VALUE;
    case AST_ROLE_KEY:
    case AST_ROLE_PRIMARY_KEY:
        return role == ROLE_KEY;
    case AST_ROLE_HEADERS:
        return role == ROLE_HEADERS;
    case AST_ROLE_HEADER:
        return role == ROLE_HEADER;
    }
    return false;
}

/* The columns of one role, in order. */
static bool same_columns(struct arena *a, const struct schema *s, const struct ast_element *elements, uint32_t n,
                         enum column_role role, struct diag *d)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct type *type;
        if (!role_matches(elements[i].role, role))
            continue;
        while (at < s->n_columns && s->columns[at].role != role)
            at++;
        if (at == s->n_columns || !str_eq(s->columns[at].name, elements[i].name.text) ||
            parser_type(a, elements[i].type, NULL, NULL, &type, d) != STATUS_OK || !type_eq(type, s->columns[at].type))
            return false;
        at++;
    }
    while (at < s->n_columns && s->columns[at].role != role)
        at++;
    return at == s->n_columns;
}

static bool check_schema(struct world *w, const struct source *s, struct str text, struct buf *reason)
{
    const struct ast_element *elements;
    uint32_t n;
    struct diag d = DIAG_INIT;
    struct buf actual;
    bool same = parser_schema(&w->arena, text, &elements, &n, &d) == STATUS_OK;
    for (enum column_role role = ROLE_KEY; same && role <= ROLE_HEADER; role++)
        same = same_columns(&w->arena, &s->schema, elements, n, role, &d);
    if (same)
        return true;
    buf_init(&actual, 0);
    schema_print(&actual, &s->schema);
    differs(reason, "schema", s->name, text, buf_str(&actual));
    buf_free(&actual);
    return false;
}

static bool check_window(const struct source *s, const struct json *key_format, struct buf *reason)
{
    static const struct str names[] = {{"", 0}, {"TUMBLING", 8}, {"HOPPING", 7}, {"SESSION", 7}};
    struct str kind = json_text(key_format, "windowType");
    const struct json *size = json_member(key_format, "windowSize");
    int64_t ms;
    if (!key_format || key_format->kind != JSON_OBJECT)
        return true;
    if (!str_eq_nocase(kind, names[s->formats.window]))
        return differs(reason, "window type", s->name, kind, names[s->formats.window]);
    bool same = !size || (parse_i64(size->text, &ms) && ms == s->formats.window_size);
    return same || differs(reason, "window size", s->name, size->text, STR("another"));
}

static bool check_features(const struct source *s, const char *what, const struct json *expected,
                           const struct serde_properties *properties, const struct format_spec *format,
                           struct buf *reason)
{
    bool wrap = false, unwrap = false;
    if (!expected)
        return true;
    JSON_EACH (expected, j) {
        wrap |= str_eq(j->text, STR("WRAP_SINGLES"));
        unwrap |= str_eq(j->text, STR("UNWRAP_SINGLES"));
    }
    bool is_key = properties == &s->key_properties;
    uint32_t n_columns = is_key ? s->schema.n_keys : source_n_values(s);
    bool is_wrapped = properties->wrap == WRAP_SINGLES,
         is_unwrapped = properties->wrap == UNWRAP_SINGLES || (is_key && unwrap && n_columns == 1 && !format->wrapped);
    return (wrap == is_wrapped && unwrap == is_unwrapped) ||
           differs(reason, what, s->name, expected->text, STR("others"));
}

static bool check_source(struct world *w, const struct json *post, struct buf *reason)
{
    struct str name = json_text(post, "name"), type = json_text(post, "type"), schema = json_text(post, "schema");
    const struct source *s = catalog_source(w->catalog, name);
    const struct json *is_source = json_member(post, "isSource");
    if (!s) {
        buf_printf(reason, "post: there is no source " STR_FMT, STR_ARG(name));
        return false;
    }
    if (!str_eq_nocase(type, str_from(source_kind_name(s))))
        return differs(reason, "type", name, type, str_from(source_kind_name(s)));
    if (is_source && (is_source->kind == JSON_TRUE) != s->read_only)
        return differs(reason, "isSource", name, STR("another"), STR("the opposite"));
    return (!schema.p || check_schema(w, s, schema, reason)) &&
           check_format(reason, "key format", name, json_member(post, "keyFormat"), &s->formats.key) &&
           check_format(reason, "value format", name, json_member(post, "valueFormat"), &s->formats.value) &&
           check_window(s, json_member(post, "keyFormat"), reason) &&
           check_features(s, "key features", json_member(post, "keyFeatures"), &s->key_properties, &s->formats.key,
                          reason) &&
           check_features(s, "value features", json_member(post, "valueFeatures"), &s->value_properties,
                          &s->formats.value, reason);
}

/* ---- schemas --------------------------------------------------------------------------------------------- */

/* Members may come in any order. */
static bool same_json(const struct json *x, const struct json *y)
{
    if (!x || !y || x->kind != y->kind || x->n != y->n || !str_eq(x->text, y->text))
        return false;
    const struct json *other = y->first;
    JSON_EACH (x, child) {
        if (x->kind == JSON_OBJECT)
            for (other = y->first; other && !str_eq(other->key, child->key); other = other->next)
                ;
        if (!same_json(child, other))
            return false;
        other = other->next;
    }
    return true;
}

/* Protobuf's texts: the same words. */
static bool same_words(struct str x, struct str y)
{
    for (;;) {
        while (x.len && (unsigned char)x.p[0] <= ' ')
            x = str_make(x.p + 1, x.len - 1);
        while (y.len && (unsigned char)y.p[0] <= ' ')
            y = str_make(y.p + 1, y.len - 1);
        if (!x.len || !y.len || x.p[0] != y.p[0])
            return x.len == y.len && !x.len;
        x = str_make(x.p + 1, x.len - 1);
        y = str_make(y.p + 1, y.len - 1);
    }
}

static bool check_schema_text(struct arena *a, struct buf *reason, const char *what, struct str name,
                              const struct json *expected, enum schema_type type, struct str actual)
{
    char error[256];
    struct buf text;
    bool same = type == SCHEMA_PROTOBUF ? expected->kind == JSON_STRING && same_words(expected->text, actual)
                                        : same_json(expected, json_parse_file(a, actual, error, sizeof error));
    if (same)
        return true;
    buf_init(&text, 0);
    json_print_as_written(&text, expected);
    differs(reason, what, name, buf_str(&text), actual);
    buf_free(&text);
    return false;
}

/* The latest schema of a topic's side, and its id. */
static bool check_registered(struct world *w, const struct json *wanted, struct str name, bool is_key,
                             struct buf *reason)
{
    const struct json *text = json_member(wanted, is_key ? "keySchema" : "valueSchema"),
                      *id = json_member(wanted, is_key ? "keySchemaId" : "valueSchemaId");
    const struct registered_schema *schema;
    struct diag d = DIAG_INIT;
    const char *what = is_key ? "key schema" : "value schema";
    struct str subject = str_printf(&w->arena, STR_FMT "-%s", STR_ARG(name), is_key ? "key" : "value");
    int64_t number;
    if (!text && !id)
        return true;
    if (!subject.p || registry_by_subject(w->registry, subject, 0, &schema, &d) != STATUS_OK)
        return differs(reason, what, name, STR("one"), STR("none"));
    if (id && (!parse_i64(id->text, &number) || number != schema->id))
        return differs(reason, "schema id", name, id->text, str_printf(&w->arena, "%d", (int)schema->id));
    return !text || check_schema_text(&w->arena, reason, what, name, text, schema->type, schema->text);
}

/* What ksqlDB would register for an internal topic: its key columns in the format that is shown. Values there have columns of ksqlDB's
 * own. */
static bool check_internal_key(struct arena *a, const struct json *expected, struct str name, const struct step *step,
                               struct buf *reason)
{
    struct diag d = DIAG_INIT;
    struct buf text;
    const struct schema *s = &step->schema;
    const struct format_spec *spec = &step->repartition.shown_formats.key;
    if (!expected)
        return true;
    buf_init(&text, 0);
    bool same =
        format_has_registry(spec->kind) &&
        columns_to_schema(spec, s->columns, s->n_keys, true, &text, &d) == STATUS_OK &&
        check_schema_text(a, reason, "key schema", name, expected, format_schema_type(spec->kind), buf_str(&text));
    buf_free(&text);
    return same;
}

/* ---- topics ---------------------------------------------------------------------------------------------- */

struct topic_search {
    struct arena *arena;
    const struct json *wanted; /* one entry of `topics`; or NULL */
    const regex_t *blacklist;  /* or NULL */
    struct buf *reason;
    bool found, bad;
};

static enum status visit_internal(void *data, const char *name, const struct step *step)
{
    struct topic_search *t = data;
    if (t->blacklist && regexec(t->blacklist, name, 0, NULL, 0) == 0 && !t->bad) {
        buf_printf(t->reason, "post: topic %s should not be there", name);
        t->bad = true;
    }
    if (t->wanted && str_eq(json_text(t->wanted, "name"), str_from(name))) {
        t->found = true;
        if (step &&
            !(check_format(t->reason, "key format", str_from(name), json_member(t->wanted, "keyFormat"),
                           &step->repartition.shown_formats.key) &&
              check_format(t->reason, "value format", str_from(name), json_member(t->wanted, "valueFormat"),
                           &step->repartition.shown_formats.value) &&
              check_internal_key(t->arena, json_member(t->wanted, "keySchema"), str_from(name), step, t->reason)))
            t->bad = true;
    }
    return STATUS_OK;
}

static bool visit_all_internal(struct world *w, struct topic_search *t)
{
    struct diag d = DIAG_INIT;
    for (uint32_t i = 0; i < w->n_queries; i++)
        if (query_internal_topics(w->queries[i], visit_internal, t, &d) != STATUS_OK)
            return buf_puts(t->reason, str_from(d.message)), false;
    return true;
}

static bool check_topic(struct world *w, const struct json *wanted, struct buf *reason)
{
    struct str name = str_dup(&w->arena, json_text(wanted, "name"));
    const struct test_topic *topic = name.p ? world_topic(w, name.p) : NULL;
    const struct source *s = topic ? world_source_of(w, name.p) : NULL;
    const struct json *partitions = json_member(wanted, "partitions");
    int64_t n;
    if (!topic) {
        struct topic_search t = {.arena = &w->arena, .wanted = wanted, .reason = reason};
        if (!visit_all_internal(w, &t) || t.bad)
            return false;
        if (!t.found)
            buf_printf(reason, "post: there is no topic " STR_FMT, STR_ARG(name));
        return t.found;
    }
    if (partitions && !(parse_i64(partitions->text, &n) && n == topic->partitions)) {
        buf_printf(reason, "post: topic " STR_FMT ": partitions: expected " STR_FMT ", but was %u", STR_ARG(name),
                   STR_ARG(partitions->text), topic->partitions);
        return false;
    }
    return check_registered(w, wanted, name, true, reason) && check_registered(w, wanted, name, false, reason) &&
           (!s || (check_format(reason, "key format", name, json_member(wanted, "keyFormat"), &s->formats.key) &&
                   check_format(reason, "value format", name, json_member(wanted, "valueFormat"), &s->formats.value)));
}

static bool check_blacklist(struct world *w, struct str pattern, struct buf *reason)
{
    regex_t regex;
    struct str z = str_dup(&w->arena, pattern);
    if (!z.p || regcomp(&regex, z.p, REG_EXTENDED | REG_NOSUB) != 0)
        return buf_puts(reason, STR("post: the blacklist is not a regular expression")), false;
    struct topic_search t = {.arena = &w->arena, .blacklist = &regex, .reason = reason};
    MAP_EACH (&w->topics, e)
        (void)visit_internal(&t, ((const struct test_topic *)e->value)->name, NULL);
    bool ok = visit_all_internal(w, &t) && !t.bad;
    regfree(&regex);
    return ok;
}

bool post_check(struct world *w, const struct json *post, struct buf *reason)
{
    const struct json *topics = json_member(post, "topics");
    struct str blacklist = json_text(topics, "blacklist");
    JSON_EACH (json_member(post, "sources"), s)
        if (!check_source(w, s, reason))
            return false;
    JSON_EACH (json_member(topics, "topics"), t)
        if (!check_topic(w, t, reason))
            return false;
    return !blacklist.p || check_blacklist(w, blacklist, reason);
}
