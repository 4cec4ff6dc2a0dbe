/* The registry: every family's table, by name, with parsed signatures. Built once, then read by all threads. */
#include "functions/functions_int.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct entry {
    const struct function *function;
    const struct signature *signatures;
};

static struct {
    pthread_mutex_t lock;
    bool built, with_tests;
    struct arena arena;
    struct map by_name; /* struct entry * */
    const struct function **sorted;
    size_t n;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const struct function_family *const families[] = {
    &functions_agg_basic,  &functions_agg_collect,    &functions_agg_distinct,
    &functions_agg_offset, &functions_agg_statistics, &functions_agg_topk,
    &functions_array,      &functions_bytes,          &functions_conditional,
    &functions_date_math,  &functions_datetime,       &functions_geo,
    &functions_json,       &functions_lambda,         &functions_map,
    &functions_mask,       &functions_math,           &functions_regex,
    &functions_string,     &functions_table,          &functions_url,
};

/* Those of the conformance cases. */
static const struct function_family *const test_families[] = {&functions_testing, &functions_testing_aggregates};

static enum status add_function(const struct function *f, struct diag *d)
{
    struct entry *e = ARENA_NEW(&registry.arena, struct entry);
    struct signature *signatures = ARENA_ARRAY(&registry.arena, struct signature, f->n_variants);
    if (!e || !signatures)
        return diag_nomem(d);
    for (uint32_t i = 0; i < f->n_variants; i++)
        if (!signature_parse(&registry.arena, f->variants[i].signature, &signatures[i]))
            return registry.arena.failed ? diag_nomem(d)
                                         : diag_set(d, STATUS_INVALID, "Bad signature of function %s: %s", f->name,
                                                    f->variants[i].signature);
    *e = (struct entry){f, signatures};
    return map_put(&registry.by_name, str_from(f->name), e) ? STATUS_OK : diag_nomem(d);
}

static enum status add_family(const struct function_family *family, struct diag *d)
{
    for (uint32_t i = 0; i < family->n; i++) {
        enum status st = add_function(&family->functions[i], d);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

static int by_name(const void *x, const void *y)
{
    const struct function *const *f = x, *const *g = y;
    return strcmp((*f)->name, (*g)->name);
}

static enum status sort_functions(struct diag *d)
{
    registry.sorted = ARENA_ARRAY(&registry.arena, const struct function *, registry.by_name.n_live);
    if (!registry.sorted)
        return diag_nomem(d);
    registry.n = 0;
    MAP_EACH (&registry.by_name, e)
        registry.sorted[registry.n++] = ((struct entry *)e->value)->function;
    qsort(registry.sorted, registry.n, sizeof *registry.sorted, by_name);
    return STATUS_OK;
}

static enum status build(bool with_tests, struct diag *d)
{
    enum status st = STATUS_OK;
    arena_free(&registry.arena);
    map_free(&registry.by_name);
    map_init(&registry.by_name);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        TRY(add_family(families[i], d));
    for (size_t i = 0; with_tests && i < sizeof test_families / sizeof *test_families; i++)
        TRY(add_family(test_families[i], d));
    TRY(sort_functions(d));
    registry.with_tests = with_tests;
done:
    registry.built = st == STATUS_OK;
    return st;
}

enum status functions_init(bool with_test_functions, struct diag *d)
{
    enum status st = STATUS_OK;
    pthread_mutex_lock(&registry.lock);
    if (!registry.built || (with_test_functions && !registry.with_tests))
        st = build(with_test_functions, d);
    pthread_mutex_unlock(&registry.lock);
    return st;
}

static const struct entry *find(struct str name)
{
    char upper[64];
    if (!registry.built || name.len > sizeof upper)
        return NULL;
    for (uint32_t i = 0; i < name.len; i++)
        upper[i] = (char)(name.p[i] >= 'a' && name.p[i] <= 'z' ? name.p[i] - 32 : name.p[i]);
    return map_get(&registry.by_name, str_make(upper, name.len));
}

const struct function *function_find(struct str name)
{
    const struct entry *e = find(name);
    return e ? e->function : NULL;
}

const struct signature *function_signatures(const struct function *f)
{
    const struct entry *e = find(str_from(f->name));
    return e && e->function == f ? e->signatures : NULL;
}

const struct function *const *functions_all(size_t *n)
{
    *n = registry.n;
    return registry.sorted;
}

bool call_error(struct call *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->error, sizeof c->error, format, args);
    va_end(args);
    return false;
}
