/* A registry in this process, for tests: subjects are lists of versions; equal schemas have one id. Nothing is checked
 * for compatibility. */
#include "formats/registry_int.h"

struct subject {
    struct str name;
    const struct registered_schema **versions; /* in the registry's arena */
    uint32_t n, cap;
};

struct memory_registry {
    struct registry base;
    struct map subjects; /* name -> struct subject * */
    const struct registered_schema **all;
    uint32_t n, cap;
    int32_t last_id;
};

static enum status not_found(struct diag *d, struct str subject)
{
    return diag_set(d, STATUS_NOT_FOUND, "Subject '" STR_FMT "' not found.", STR_ARG(subject));
}

static enum status memory_by_id(struct registry *r, int32_t id, const struct registered_schema **out, struct diag *d)
{
    (void)r; /* all that there are have been kept */
    *out = NULL;
    return diag_set(d, STATUS_NOT_FOUND, "Schema %d not found", (int)id);
}

static enum status memory_by_subject(struct registry *r, struct str subject, int32_t version,
                                     const struct registered_schema **out, struct diag *d)
{
    struct memory_registry *m = (struct memory_registry *)r;
    struct subject *s = map_get(&m->subjects, subject);
    *out = NULL;
    if (!s || s->n == 0)
        return not_found(d, subject);
    if (version < 0 || (uint32_t)version > s->n)
        return diag_set(d, STATUS_NOT_FOUND, "Version %d not found.", (int)version);
    struct registered_schema *answer = ARENA_NEW(&r->arena, struct registered_schema);
    if (!answer)
        return diag_nomem(d);
    uint32_t at = version ? (uint32_t)version : s->n;
    *answer = *s->versions[at - 1];
    answer->version = (int32_t)at;
    *out = answer;
    return STATUS_OK;
}

static bool same(const struct registered_schema *x, const struct registered_schema *y)
{
    if (x->type != y->type || !str_eq(x->text, y->text) || x->n_references != y->n_references)
        return false;
    for (uint32_t i = 0; i < x->n_references; i++)
        if (!str_eq(x->references[i].name, y->references[i].name) ||
            !str_eq(x->references[i].subject, y->references[i].subject) ||
            x->references[i].version != y->references[i].version)
            return false;
    return true;
}

static bool append(struct arena *a, const struct registered_schema ***items, uint32_t *n, uint32_t *cap,
                   const struct registered_schema *schema)
{
    if (*n == *cap) {
        uint32_t more = *cap ? *cap * 2 : 4;
        const struct registered_schema **grown = ARENA_ARRAY(a, const struct registered_schema *, more);
        if (!grown)
            return false;
        if (*n)
            memcpy(grown, *items, *n * sizeof *grown);
        *items = grown;
        *cap = more;
    }
    (*items)[(*n)++] = schema;
    return true;
}

/* The schema with an id: one that is there, else a new one. */
static const struct registered_schema *find_or_keep(struct memory_registry *m, const struct registered_schema *schema)
{
    for (uint32_t i = 0; i < m->n; i++)
        if (same(m->all[i], schema) && (schema->id == 0 || schema->id == m->all[i]->id))
            return m->all[i];
    struct registered_schema copy = *schema;
    copy.id = schema->id ? schema->id : m->last_id + 1;
    copy.version = 0;
    const struct registered_schema *kept = registry_keep(&m->base, &copy);
    if (!kept || !append(&m->base.arena, &m->all, &m->n, &m->cap, kept))
        return NULL;
    if (kept->id > m->last_id)
        m->last_id = kept->id;
    return kept;
}

static struct subject *subject_of(struct memory_registry *m, struct str name)
{
    struct subject *s = map_get(&m->subjects, name);
    if (s)
        return s;
    s = ARENA_NEW(&m->base.arena, struct subject);
    if (!s)
        return NULL;
    *s = (struct subject){.name = str_dup(&m->base.arena, name)};
    return s->name.p && map_put(&m->subjects, s->name, s) ? s : NULL;
}

static enum status memory_add(struct registry *r, struct str subject, const struct registered_schema *schema,
                              int32_t *id, struct diag *d)
{
    struct memory_registry *m = (struct memory_registry *)r;
    struct subject *s = subject_of(m, subject);
    const struct registered_schema *kept = NULL;
    for (uint32_t i = 0; s && i < s->n && !kept && schema->id == 0; i++) /* equal ones may have several ids */
        if (same(s->versions[i], schema))
            kept = s->versions[i];
    if (s && !kept)
        kept = find_or_keep(m, schema);
    if (!kept)
        return diag_nomem(d);
    *id = kept->id;
    for (uint32_t i = 0; i < s->n; i++)
        if (s->versions[i] == kept)
            return STATUS_OK;
    return append(&r->arena, &s->versions, &s->n, &s->cap, kept) ? STATUS_OK : diag_nomem(d);
}

static enum status memory_remove(struct registry *r, struct str subject, struct diag *d)
{
    (void)d;
    map_remove(&((struct memory_registry *)r)->subjects, subject);
    return STATUS_OK;
}

static void memory_close(struct registry *r)
{
    map_free(&((struct memory_registry *)r)->subjects);
}

enum status registry_open_memory(struct registry **out, struct diag *d)
{
    static const struct registry_ops ops = {memory_by_id, memory_by_subject, memory_add, memory_remove, memory_close};
    struct registry *r = registry_make(&ops, sizeof(struct memory_registry));
    if (!r)
        return diag_nomem(d);
    map_init(&((struct memory_registry *)r)->subjects);
    *out = r;
    return STATUS_OK;
}
