/* What registries have in common: schemas are kept by their id, and one thread at a time is let in. */
#include "formats/registry_int.h"

const char *schema_type_name(enum schema_type type)
{
    static const char *const names[] = {"AVRO", "JSON", "PROTOBUF"};
    return names[type];
}

struct registry *registry_make(const struct registry_ops *ops, size_t size)
{
    struct registry *r = mem_calloc(1, size);
    if (!r)
        return NULL;
    r->ops = ops;
    pthread_mutex_init(&r->mutex, NULL);
    arena_init(&r->arena, 0);
    map_init(&r->by_id);
    return r;
}

void registry_close(struct registry *r)
{
    if (!r)
        return;
    if (r->ops->close)
        r->ops->close(r);
    map_free(&r->by_id);
    arena_free(&r->arena);
    pthread_mutex_destroy(&r->mutex);
    mem_free(r);
}

void registry_print_urls(struct buf *out, const char *urls)
{
    while (*urls) {
        size_t len = strcspn(urls, ","), scheme = 0;
        const char *slashes = strstr(urls, "://");
        if (slashes && slashes < urls + len)
            scheme = (size_t)(slashes + 3 - urls);
        size_t host = scheme;
        for (size_t i = scheme; i < len && urls[i] != '/'; i++)
            if (urls[i] == '@')
                host = i + 1;
        buf_put(out, urls, scheme);
        buf_put(out, urls + host, len - host);
        urls += len;
        if (*urls)
            buf_putc(out, *urls++);
    }
}

static struct str id_key(const int32_t *id)
{
    return str_make((const char *)id, sizeof *id);
}

const struct registered_schema *registry_keep(struct registry *r, const struct registered_schema *schema)
{
    struct arena *a = &r->arena;
    struct registered_schema *copy = ARENA_NEW(a, struct registered_schema);
    struct schema_reference *references = ARENA_ARRAY(a, struct schema_reference, schema->n_references);
    if (!copy || !references)
        return NULL;
    *copy = *schema;
    copy->text = str_dup(a, schema->text);
    copy->references = references;
    for (uint32_t i = 0; i < schema->n_references; i++) {
        const struct schema_reference *from = &schema->references[i];
        references[i] = (struct schema_reference){str_dup(a, from->name), str_dup(a, from->subject), from->version};
    }
    return !a->failed && map_put(&r->by_id, id_key(&schema->id), copy) ? copy : NULL;
}

enum status registry_by_id(struct registry *r, int32_t id, const struct registered_schema **out, struct diag *d)
{
    enum status st = STATUS_OK;
    pthread_mutex_lock(&r->mutex);
    *out = map_get(&r->by_id, id_key(&id));
    if (!*out)
        st = r->ops->by_id(r, id, out, d);
    pthread_mutex_unlock(&r->mutex);
    return st;
}

enum status registry_by_subject(struct registry *r, struct str subject, int32_t version,
                                const struct registered_schema **out, struct diag *d)
{
    pthread_mutex_lock(&r->mutex);
    enum status st = r->ops->by_subject(r, subject, version, out, d);
    pthread_mutex_unlock(&r->mutex);
    return st;
}

enum status registry_add(struct registry *r, struct str subject, const struct registered_schema *schema, int32_t *id,
                         struct diag *d)
{
    pthread_mutex_lock(&r->mutex);
    enum status st = r->ops->add(r, subject, schema, id, d);
    pthread_mutex_unlock(&r->mutex);
    return st;
}

enum status registry_remove(struct registry *r, struct str subject, struct diag *d)
{
    pthread_mutex_lock(&r->mutex);
    enum status st = r->ops->remove(r, subject, d);
    pthread_mutex_unlock(&r->mutex);
    return st;
}
