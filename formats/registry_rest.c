/* The schema registry's REST API: which requests are made, and what their answers say. How they travel: registry_http.c. */
#include "formats/registry_http.h"
#include "formats/registry_int.h"
#include "formats/tree.h"

struct rest_registry {
    struct registry base;
    struct http *http;
    struct map added; /* subject, NUL, type, schema -> id as a pointer: what is registered already */
};

static struct rest_registry *rest_of(struct registry *r)
{
    return (struct rest_registry *)r;
}

/* ---- answers -------------------------------------------------------------------------------------------------------- */

static enum status unreadable(struct diag *d)
{
    return diag_set(d, STATUS_IO, "The schema registry gives an answer that cannot be understood");
}

static bool read_type(const struct tree *answer, enum schema_type *out)
{
    struct str name;
    *out = SCHEMA_AVRO; /* which is not always said */
    if (!tree_text(answer, "schemaType", &name))
        return true;
    for (int type = SCHEMA_AVRO; type <= SCHEMA_PROTOBUF; type++) {
        *out = (enum schema_type)type;
        if (str_eq(name, str_from(schema_type_name(*out))))
            return true;
    }
    return false;
}

static bool read_references(const struct tree *answer, struct arena *a, struct registered_schema *out)
{
    const struct tree *list = tree_get(answer, "references");
    if (!list || list->kind != TREE_ARRAY)
        return true;
    struct schema_reference *references = ARENA_ARRAY(a, struct schema_reference, list->n);
    if (!references)
        return false;
    for (uint32_t i = 0; i < list->n; i++)
        if (!tree_text(&list->items[i], "name", &references[i].name) ||
            !tree_text(&list->items[i], "subject", &references[i].subject) ||
            !tree_int(&list->items[i], "version", &references[i].version))
            return false;
    out->n_references = list->n;
    out->references = references;
    return true;
}

static bool read_schema(const struct tree *answer, struct arena *a, struct registered_schema *out)
{
    return tree_text(answer, "schema", &out->text) && read_type(answer, &out->type) && read_references(answer, a, out);
}

/* ---- requests --------------------------------------------------------------------------------------------------------- */

/* A request whose answer is an object, in the arena. */
static enum status ask(struct registry *r, const char *method, struct buf *path, const struct buf *body,
                       struct arena *a, const struct tree **answer, struct diag *d)
{
    struct str text;
    if (path->failed || (body && body->failed))
        return diag_nomem(d);
    enum status st = http_ask(rest_of(r)->http, method, buf_z(path), body, &text, d);
    if (st != STATUS_OK)
        return st;
    st = tree_parse(a, text, answer, NULL);
    return st == STATUS_OK ? st : st == STATUS_NOMEM ? diag_nomem(d) : unreadable(d);
}

static void put_subject(struct buf *path, struct str subject)
{
    buf_puts(path, STR("/subjects/"));
    http_put_escaped(path, subject);
}

static enum status rest_by_id(struct registry *r, int32_t id, const struct registered_schema **out, struct diag *d)
{
    enum status st = STATUS_OK;
    struct arena a;
    struct buf path;
    const struct tree *answer;
    struct registered_schema schema = {.id = id};
    *out = NULL;
    arena_init(&a, 0);
    buf_init(&path, 0);
    buf_printf(&path, "/schemas/ids/%d", (int)id);
    TRY(ask(r, "GET", &path, NULL, &a, &answer, d));
    if (!read_schema(answer, &a, &schema))
        TRY(unreadable(d));
    *out = registry_keep(r, &schema);
    if (!*out)
        st = diag_nomem(d);
done:
    buf_free(&path);
    arena_free(&a);
    return st;
}

/* One that is known by its id is kept once, whatever its subjects and versions. */
static const struct registered_schema *keep_version(struct registry *r, struct registered_schema *schema)
{
    struct registered_schema *out = ARENA_NEW(&r->arena, struct registered_schema);
    int32_t version = schema->version;
    const struct registered_schema *kept = map_get(&r->by_id, str_make((const char *)&schema->id, sizeof schema->id));
    schema->version = 0;
    if (!kept)
        kept = registry_keep(r, schema);
    if (!kept || !out)
        return NULL;
    *out = *kept;
    out->version = version;
    return out;
}

static enum status rest_by_subject(struct registry *r, struct str subject, int32_t version,
                                   const struct registered_schema **out, struct diag *d)
{
    enum status st = STATUS_OK;
    struct arena a;
    struct buf path;
    const struct tree *answer;
    struct registered_schema schema = {0};
    *out = NULL;
    arena_init(&a, 0);
    buf_init(&path, 0);
    put_subject(&path, subject);
    if (version)
        buf_printf(&path, "/versions/%d", (int)version);
    else
        buf_puts(&path, STR("/versions/latest"));
    TRY(ask(r, "GET", &path, NULL, &a, &answer, d));
    if (!read_schema(answer, &a, &schema) || !tree_int(answer, "id", &schema.id) ||
        !tree_int(answer, "version", &schema.version))
        TRY(unreadable(d));
    *out = keep_version(r, &schema);
    if (!*out)
        st = diag_nomem(d);
done:
    buf_free(&path);
    arena_free(&a);
    return st;
}

static void put_body(struct buf *out, const struct registered_schema *schema)
{
    buf_puts(out, STR("{\"schema\":"));
    tree_put_text(out, schema->text);
    if (schema->type != SCHEMA_AVRO)
        buf_printf(out, ",\"schemaType\":\"%s\"", schema_type_name(schema->type));
    for (uint32_t i = 0; i < schema->n_references; i++) {
        const struct schema_reference *reference = &schema->references[i];
        buf_puts(out, i ? STR(",{\"name\":") : STR(",\"references\":[{\"name\":"));
        tree_put_text(out, reference->name);
        buf_puts(out, STR(",\"subject\":"));
        tree_put_text(out, reference->subject);
        buf_printf(out, ",\"version\":%d}", (int)reference->version);
    }
    buf_puts(out, schema->n_references ? STR("]}") : STR("}"));
}

static void put_added_key(struct buf *out, struct str subject, const struct buf *body)
{
    buf_puts(out, subject);
    buf_putc(out, 0);
    buf_puts(out, buf_str(body));
}

static enum status post(struct registry *r, struct str subject, const struct buf *body, int32_t *id, struct diag *d)
{
    enum status st = STATUS_OK;
    struct arena a;
    struct buf path;
    const struct tree *answer;
    arena_init(&a, 0);
    buf_init(&path, 0);
    put_subject(&path, subject);
    buf_puts(&path, STR("/versions"));
    TRY(ask(r, "POST", &path, body, &a, &answer, d));
    if (!tree_int(answer, "id", id))
        st = unreadable(d);
done:
    buf_free(&path);
    arena_free(&a);
    return st;
}

static enum status rest_add(struct registry *r, struct str subject, const struct registered_schema *schema, int32_t *id,
                            struct diag *d)
{
    enum status st = STATUS_OK;
    struct map *added = &rest_of(r)->added;
    struct buf body, key;
    buf_init(&body, 0);
    buf_init(&key, 0);
    put_body(&body, schema);
    put_added_key(&key, subject, &body);
    if (body.failed || key.failed)
        TRY(diag_nomem(d));
    intptr_t known = (intptr_t)map_get(added, buf_str(&key));
    if (known)
        *id = (int32_t)known;
    else
        TRY(post(r, subject, &body, id, d));
    if (!known && *id && !map_put(added, buf_str(&key), (void *)(intptr_t)*id))
        st = diag_nomem(d);
done:
    buf_free(&body);
    buf_free(&key);
    return st;
}

static void forget(struct map *added, struct str subject)
{
    MAP_EACH (added, entry) {
        struct str key = entry->key;
        if (key.len > subject.len && key.p[subject.len] == 0 && str_starts(key, subject))
            map_remove(added, key);
    }
}

static enum status rest_remove(struct registry *r, struct str subject, struct diag *d)
{
    struct diag own = DIAG_INIT;
    struct str answer;
    struct buf path;
    buf_init(&path, 0);
    put_subject(&path, subject);
    enum status st =
        path.failed ? diag_nomem(&own) : http_ask(rest_of(r)->http, "DELETE", buf_z(&path), NULL, &answer, &own);
    buf_free(&path);
    if (st == STATUS_NOT_FOUND)
        st = STATUS_OK;
    if (st == STATUS_OK)
        forget(&rest_of(r)->added, subject);
    else if (d && d->code == STATUS_OK)
        *d = own;
    return st;
}

static void rest_close(struct registry *r)
{
    http_close(rest_of(r)->http);
    map_free(&rest_of(r)->added);
}

enum status registry_open_http(const struct registry_options *options, struct registry **out, struct diag *d)
{
    static const struct registry_ops ops = {rest_by_id, rest_by_subject, rest_add, rest_remove, rest_close};
    *out = NULL;
    struct registry *r = registry_make(&ops, sizeof(struct rest_registry));
    if (!r)
        return diag_nomem(d);
    map_init(&rest_of(r)->added);
    enum status st = http_open(options, &rest_of(r)->http, d);
    if (st == STATUS_OK)
        *out = r;
    else
        registry_close(r);
    return st;
}
