/* Accesses: columns, or fields somewhere inside of STRUCT columns. Lists of them, and expressions that are re-pointed
 * to what a pruned node delivers. */
#include "planner/rewrite/need.h"

/* ---- lists of accesses ---- */

void need_add(struct need *need, const struct access *a)
{
    if (need->failed)
        return;
    if (need->n == need->cap) {
        uint32_t cap = need->cap ? 2 * need->cap : 16;
        struct access *grown = PLAN_ARRAY(need->p, struct access, cap);
        if (!grown) {
            need->failed = true;
            return;
        }
        if (need->n)
            memcpy(grown, need->items, need->n * sizeof *grown);
        need->items = grown;
        need->cap = cap;
    }
    need->items[need->n++] = *a;
}

void need_column(struct need *need, uint32_t column)
{
    need_add(need, &(struct access){.column = column});
}

static int access_cmp(const void *x, const void *y)
{
    const struct access *a = x, *b = y;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    for (uint32_t i = 0; i < a->n_path && i < b->n_path; i++)
        if (a->path[i] != b->path[i])
            return a->path[i] < b->path[i] ? -1 : 1;
    return (a->n_path > b->n_path) - (a->n_path < b->n_path);
}

/* Whether `outer` is the same place as `a` or one that holds it. */
bool access_holds(const struct access *outer, const struct access *a)
{
    return outer->column == a->column && outer->n_path <= a->n_path &&
           memcmp(outer->path, a->path, outer->n_path * sizeof *a->path) == 0;
}

/* Sorted, without duplicates and without places inside of others. Keys: whole, and all if one is needed. */
void need_normalise(struct need *need, uint32_t n_keys, bool keep_keys)
{
    for (uint32_t i = 0; i < need->n; i++)
        keep_keys = keep_keys || need->items[i].column < n_keys;
    for (uint32_t k = 0; keep_keys && k < n_keys; k++)
        need_column(need, k);
    if (need->failed || need->n == 0)
        return;
    qsort(need->items, need->n, sizeof *need->items, access_cmp); /* a holder sorts before what it holds */
    uint32_t n = 1;
    for (uint32_t i = 1; i < need->n; i++)
        if (!access_holds(&need->items[n - 1], &need->items[i]))
            need->items[n++] = need->items[i];
    need->n = n;
}

/* ---- expressions ---- */

/* A column, or fields of one: the access. */
bool expr_is_access(const struct expr *e, struct access *out)
{
    uint32_t path[MAX_PATH], n = 0;
    for (; e->kind == EXPR_FIELD && n < MAX_PATH; e = e->args[0])
        path[n++] = e->column;
    if (e->kind != EXPR_COLUMN)
        return false;
    *out = (struct access){.column = e->column, .n_path = n};
    for (uint32_t i = 0; i < n; i++)
        out->path[i] = path[n - 1 - i];
    return true;
}

static bool collect_access(void *data, const struct expr *e)
{
    struct access a;
    if (!expr_is_access(e, &a))
        return true;
    need_add(data, &a);
    return false;
}

void need_expr(struct need *need, const struct expr *e)
{
    expr_walk(e, collect_access, need);
}

struct pointing {
    struct planner *p;
    const struct need *have;
    const struct schema *schema; /* of what delivers `have` */
};

/* The delivered column, and below it the fields that are still to be taken. */
static const struct expr *point_to(struct pointing *w, const struct expr *like, const struct access *a)
{
    uint32_t at = 0;
    while (at < w->have->n && !access_holds(&w->have->items[at], a))
        at++;
    const struct expr *e = at < w->have->n ? expr_column(w->p, w->schema, at) : NULL;
    for (uint32_t i = at < w->have->n ? w->have->items[at].n_path : 0; e && i < a->n_path; i++) {
        const struct type *t = e->type;
        struct expr *field = (struct expr *)(uintptr_t)expr_n(w->p, EXPR_FIELD, t->fields[a->path[i]].type, &e, 1);
        if (!field)
            return NULL;
        field->column = a->path[i];
        field->name = t->fields[a->path[i]].name;
        e = field;
    }
    if (e && like)
        ((struct expr *)(uintptr_t)e)->text = like->text;
    return e;
}

const struct expr *need_point_to(struct planner *p, const struct need *have, const struct schema *schema,
                                 const struct expr *like, const struct access *a)
{
    struct pointing w = {p, have, schema};
    return point_to(&w, like, a);
}

static const struct expr *repoint_node(void *data, const struct expr *e, bool *failed)
{
    struct access a;
    if (!expr_is_access(e, &a))
        return NULL;
    const struct expr *pointed = point_to(data, e, &a);
    *failed = pointed == NULL;
    return pointed;
}

const struct expr *need_repoint(struct planner *p, const struct expr *e, const struct need *have,
                                const struct logical *input)
{
    struct pointing w = {p, have, &input->schema};
    return expr_rewrite(p, e, repoint_node, &w);
}

/* ---- schemas ---- */

static const struct type *type_at(const struct type *t, const struct access *a)
{
    for (uint32_t i = 0; i < a->n_path; i++)
        t = t->fields[a->path[i]].type;
    return t;
}

static struct str name_at(struct planner *p, const struct schema_column *column, const struct access *a)
{
    struct str name = column->name;
    const struct type *t = column->type;
    for (uint32_t i = 0; i < a->n_path; i++) {
        const struct field *f = &t->fields[a->path[i]];
        name = str_printf(p->a, STR_FMT "->" STR_FMT, STR_ARG(name), STR_ARG(f->name));
        t = f->type;
    }
    return name;
}

/* The schema of a node that delivers `have` of its former columns. */
bool need_narrow_schema(struct planner *p, struct schema *schema, const struct need *have)
{
    struct schema_column *columns = PLAN_ARRAY(p, struct schema_column, have->n);
    if (!columns || have->failed)
        return false;
    uint32_t n_keys = 0;
    for (uint32_t i = 0; i < have->n; i++) {
        const struct access *a = &have->items[i];
        columns[i] = schema->columns[a->column];
        columns[i].type = type_at(columns[i].type, a);
        columns[i].name = name_at(p, &schema->columns[a->column], a);
        n_keys += a->column < schema->n_keys;
    }
    schema->columns = columns;
    schema->n_columns = have->n;
    schema->n_keys = n_keys;
    return true;
}
