/* The catalog's maps and counted entries. What may be put in, and when, is decided by the statements' planners. */
#include "planner/catalog.h"

struct catalog {
    struct map sources, types, queries;
};

static bool count_down(int *refs)
{
    return __atomic_sub_fetch(refs, 1, __ATOMIC_ACQ_REL) == 0;
}

static void count_up(int *refs)
{
    __atomic_add_fetch(refs, 1, __ATOMIC_RELAXED);
}

/* ---- entries ---- */

/* Every entry begins with its count, followed by its arena. */
struct entry {
    int refs;
    struct arena arena;
};
_Static_assert(offsetof(struct source, arena) == offsetof(struct entry, arena), "entry head");
_Static_assert(offsetof(struct catalog_query, arena) == offsetof(struct entry, arena), "entry head");
_Static_assert(offsetof(struct custom_type, arena) == offsetof(struct entry, arena), "entry head");

static void *entry_create(size_t size)
{
    struct entry *e = mem_calloc(1, size);
    if (e) {
        e->refs = 1;
        arena_init(&e->arena, 0);
    }
    return e;
}

static void entry_drop(const void *entry)
{
    struct entry *e = (struct entry *)(uintptr_t)entry;
    if (e && count_down(&e->refs)) {
        arena_free(&e->arena);
        mem_free(e);
    }
}

struct source *source_create(void)
{
    struct source *s = entry_create(sizeof *s);
    if (s)
        s->key_properties.schema_id = s->value_properties.schema_id = -1;
    return s;
}

void source_drop(const struct source *s)
{
    entry_drop(s);
}

static struct str copy_str(struct arena *a, struct str s)
{
    return s.p ? str_dup(a, s) : s;
}

static const char *copy_text(struct arena *a, const char *text)
{
    return text ? str_dup(a, str_from(text)).p : NULL;
}

static bool copy_columns(struct arena *a, struct source *to, const struct source *from)
{
    uint32_t n = from->schema.n_columns;
    struct schema_column *columns = ARENA_ARRAY(a, struct schema_column, n ? n : 1);
    for (uint32_t i = 0; i < n; i++) {
        if (!columns)
            return false;
        columns[i] = from->schema.columns[i];
        columns[i].name = copy_str(a, columns[i].name);
        columns[i].header = copy_str(a, columns[i].header);
        if (!(columns[i].type = type_copy(a, columns[i].type)))
            return false;
    }
    to->schema.columns = columns;
    to->declared = arena_dup(a, from->declared, n * sizeof *from->declared);
    return columns && to->declared;
}

bool source_copy(struct arena *a, struct source *to, const struct source *from)
{
    int refs = to->refs;
    struct arena own = to->arena;
    *to = *from;
    to->refs = refs;
    to->arena = own;
    to->name = copy_str(a, from->name);
    to->topic = copy_text(a, from->topic);
    to->timestamp_column = copy_str(a, from->timestamp_column);
    to->timestamp.format = copy_str(a, from->timestamp.format);
    to->sql = copy_str(a, from->sql);
    to->created_by = copy_text(a, from->created_by);
    to->key_properties.schema_full_name = copy_text(a, from->key_properties.schema_full_name);
    to->value_properties.schema_full_name = copy_text(a, from->value_properties.schema_full_name);
    to->key_properties.nullable_representation = copy_text(a, from->key_properties.nullable_representation);
    to->value_properties.nullable_representation = copy_text(a, from->value_properties.nullable_representation);
    to->formats.key.full_name = copy_text(a, from->formats.key.full_name);
    to->formats.value.full_name = copy_text(a, from->formats.value.full_name);
    return copy_columns(a, to, from) && !a->failed;
}

const char *source_kind_name(const struct source *s)
{
    return s->is_table ? "table" : "stream";
}

/* ---- the catalog ---- */

struct catalog *catalog_create(void)
{
    struct catalog *c = mem_calloc(1, sizeof *c);
    if (c) {
        map_init(&c->sources);
        map_init(&c->types);
        map_init(&c->queries);
    }
    return c;
}

static void entries_free(struct map *m)
{
    MAP_EACH (m, e)
        entry_drop(e->value);
    map_free(m);
}

void catalog_destroy(struct catalog *c)
{
    if (!c)
        return;
    entries_free(&c->sources);
    entries_free(&c->types);
    entries_free(&c->queries);
    mem_free(c);
}

static bool entries_copy(struct map *to, const struct map *from)
{
    MAP_EACH (from, e) {
        count_up(&((struct entry *)e->value)->refs);
        if (!map_put(to, e->key, e->value)) {
            entry_drop(e->value);
            return false;
        }
    }
    return true;
}

struct catalog *catalog_clone(const struct catalog *c)
{
    struct catalog *copy = catalog_create();
    if (!copy)
        return NULL;
    if (!entries_copy(&copy->sources, &c->sources) || !entries_copy(&copy->types, &c->types) ||
        !entries_copy(&copy->queries, &c->queries)) {
        catalog_destroy(copy);
        return NULL;
    }
    return copy;
}

const struct source *catalog_source(const struct catalog *c, struct str name)
{
    return map_get(&c->sources, name);
}

const struct custom_type *catalog_type(const struct catalog *c, struct str name)
{
    return map_get(&c->types, name);
}

const struct catalog_query *catalog_query(const struct catalog *c, struct str id)
{
    return map_get(&c->queries, id);
}

const struct map *catalog_sources(const struct catalog *c)
{
    return &c->sources;
}

const struct map *catalog_types(const struct catalog *c)
{
    return &c->types;
}

const struct map *catalog_queries(const struct catalog *c)
{
    return &c->queries;
}

static enum status put(struct map *m, struct str name, void *entry)
{
    void *old = map_get(m, name);
    if (!map_put(m, name, entry)) {
        entry_drop(entry);
        return STATUS_NOMEM;
    }
    entry_drop(old);
    return STATUS_OK;
}

enum status catalog_put_source(struct catalog *c, struct source *s)
{
    return put(&c->sources, s->name, s);
}

enum status catalog_put_type(struct catalog *c, struct str name, const struct type *type)
{
    struct custom_type *t = entry_create(sizeof *t);
    if (!t)
        return STATUS_NOMEM;
    t->name = str_dup(&t->arena, name);
    t->type = type_copy(&t->arena, type);
    if (t->arena.failed || !t->type) {
        entry_drop(t);
        return STATUS_NOMEM;
    }
    return put(&c->types, t->name, t);
}

enum status catalog_put_query(struct catalog *c, const struct catalog_query *query)
{
    struct catalog_query *q = entry_create(sizeof *q);
    if (!q)
        return STATUS_NOMEM;
    struct str *sources = ARENA_ARRAY(&q->arena, struct str, query->n_sources);
    for (uint32_t i = 0; sources && i < query->n_sources; i++)
        sources[i] = str_dup(&q->arena, query->sources[i]);
    q->id = str_dup(&q->arena, str_from(query->id)).p;
    q->kind = query->kind;
    if (query->sink.p)
        q->sink = str_dup(&q->arena, query->sink);
    q->n_sources = query->n_sources;
    q->sources = sources;
    q->sql = str_dup(&q->arena, query->sql);
    q->plan = query->plan;
    if (q->arena.failed) {
        entry_drop(q);
        return STATUS_NOMEM;
    }
    return put(&c->queries, str_from(q->id), q);
}

static bool take_out(struct map *m, struct str name)
{
    void *entry = map_remove(m, name);
    entry_drop(entry);
    return entry != NULL;
}

bool catalog_remove_source(struct catalog *c, struct str name)
{
    return take_out(&c->sources, name);
}

bool catalog_remove_type(struct catalog *c, struct str name)
{
    return take_out(&c->types, name);
}

bool catalog_remove_query(struct catalog *c, struct str id)
{
    return take_out(&c->queries, id);
}

/* ---- hints ---- */

enum { MAX_HINTS = 8 };

static uint32_t similar_sources(const struct catalog *c, struct str name, char only, const struct source **found)
{
    uint32_t n = 0;
    MAP_EACH (&c->sources, e) {
        const struct source *s = e->value;
        if (n == MAX_HINTS || !str_eq_nocase(s->name, name) || (only && s->is_table != (only == 't')))
            continue;
        uint32_t at = n++;
        for (; at && str_cmp(found[at - 1]->name, s->name) < 0; at--) /* lower case comes first */
            found[at] = found[at - 1];
        found[at] = s;
    }
    return n;
}

static bool has_lower(struct str s)
{
    for (uint32_t i = 0; i < s.len; i++)
        if (s.p[i] >= 'a' && s.p[i] <= 'z')
            return true;
    return false;
}

void catalog_hint(struct buf *out, const struct catalog *c, struct str name, char only)
{
    static const char quote_it[] = "? Hint: wrap the source name in double quotes to make it case-sensitive.";
    const struct source *found[MAX_HINTS];
    uint32_t n = similar_sources(c, name, only, found);
    if (n == 0)
        return;
    if (n == 1 && !has_lower(found[0]->name)) {
        buf_printf(out, "\nDid you mean " STR_FMT "? Hint: try removing double quotes from the source name.",
                   STR_ARG(found[0]->name));
        return;
    }
    buf_printf(out, "\nDid you mean ");
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_puts(out, n == 2 ? STR(" or ") : i + 1 == n ? STR(", or ") : STR(", "));
        buf_printf(out, "\"" STR_FMT "\"", STR_ARG(found[i]->name));
        if (n > 1)
            buf_puts(out, found[i]->is_table ? STR(" (TABLE)") : STR(" (STREAM)"));
    }
    buf_puts(out, str_from(quote_it));
}
