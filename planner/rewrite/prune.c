/* Projection push-down: from the top down, what each node must deliver is collected as accesses: a column, or a field
 * somewhere inside of a STRUCT column. Sources then read these only, so that nothing else of a record is decoded.
 *
 * A node may deliver more than it is asked for (a filter passes on what only it looks at): the list that comes back
 * says what, in order, and expressions above are re-pointed by it. Keys go all or none; tables and windowed sources
 * keep them. */
#include "planner/planner_int.h"

enum { MAX_PATH = 16 };

struct access {
    uint32_t column;
    uint32_t n_path;
    uint32_t path[MAX_PATH];
};
struct need {
    struct planner *p;
    struct access *items;
    uint32_t n, cap;
    bool failed;
};

/* ---- lists of accesses ---- */

static void need_add(struct need *need, const struct access *a)
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

static void need_column(struct need *need, uint32_t column)
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
static bool holds(const struct access *outer, const struct access *a)
{
    return outer->column == a->column && outer->n_path <= a->n_path &&
           memcmp(outer->path, a->path, outer->n_path * sizeof *a->path) == 0;
}

/* Sorted, without duplicates and without places inside of others. Keys: whole, and all if one is needed. */
static void need_normalise(struct need *need, uint32_t n_keys, bool keep_keys)
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
        if (!holds(&need->items[n - 1], &need->items[i]))
            need->items[n++] = need->items[i];
    need->n = n;
}

/* ---- expressions ---- */

/* A column, or fields of one: the access. */
static bool is_access(const struct expr *e, struct access *out)
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
    if (!is_access(e, &a))
        return true;
    need_add(data, &a);
    return false;
}

static void need_expr(struct need *need, const struct expr *e)
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
    while (at < w->have->n && !holds(&w->have->items[at], a))
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

static const struct expr *repoint_node(void *data, const struct expr *e, bool *failed)
{
    struct access a;
    if (!is_access(e, &a))
        return NULL;
    const struct expr *pointed = point_to(data, e, &a);
    *failed = pointed == NULL;
    return pointed;
}

static const struct expr *repoint(struct planner *p, const struct expr *e, const struct need *have,
                                  const struct logical *input)
{
    struct pointing w = {p, have, &input->schema};
    return expr_rewrite(p, e, repoint_node, &w);
}

/* ---- nodes ---- */

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
static bool narrow_schema(struct planner *p, struct schema *schema, const struct need *have)
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

static bool keeps_keys(const struct logical *node)
{
    return node->changelog != CHANGELOG_APPEND || node->schema.window != WINDOW_NONE;
}

static const struct logical *prune(struct planner *p, const struct logical *node, struct need *need);

static bool prune_source(struct planner *p, struct logical *node, struct need *need)
{
    need_normalise(need, node->schema.n_keys, keeps_keys(node));
    struct source_read *reads = PLAN_ARRAY(p, struct source_read, need->n);
    for (uint32_t i = 0; reads && i < need->n; i++) {
        const struct access *a = &need->items[i];
        reads[i].column = node->source.reads[a->column].column;
        reads[i].n_path = a->n_path;
        if (a->n_path && !(reads[i].path = arena_dup(p->a, a->path, a->n_path * sizeof *a->path)))
            return false;
    }
    node->source.reads = reads;
    return reads && narrow_schema(p, &node->schema, need);
}

static bool prune_filter(struct planner *p, struct logical *node, struct need *need)
{
    need_expr(need, node->filter.predicate);
    const struct logical *input = prune(p, node->inputs[0], need);
    if (!input)
        return false;
    node->inputs[0] = input;
    node->schema = input->schema;
    node->filter.predicate = repoint(p, node->filter.predicate, need, input);
    return node->filter.predicate != NULL;
}

/* Fields are taken out of an item's value here only if the item is itself an access. */
static void widen_computed(const struct logical *node, struct need *need)
{
    struct access a;
    for (uint32_t i = 0; i < need->n; i++)
        if (!is_access(node->select.exprs[need->items[i].column], &a) || a.n_path + need->items[i].n_path > MAX_PATH)
            need->items[i].n_path = 0;
}

static bool prune_select(struct planner *p, struct logical *node, struct need *need)
{
    widen_computed(node, need);
    need_normalise(need, node->schema.n_keys, keeps_keys(node) || node->kind != LOGICAL_PROJECT);
    struct need below = {.p = p};
    struct access *whole = PLAN_ARRAY(p, struct access, need->n);
    const struct expr **exprs = PLAN_ARRAY(p, const struct expr *, need->n);
    if (!whole || !exprs || need->failed)
        return false;
    for (uint32_t i = 0; i < need->n; i++) {
        const struct expr *e = node->select.exprs[need->items[i].column];
        if (!is_access(e, &whole[i])) {
            need_expr(&below, e);
            continue;
        }
        memcpy(whole[i].path + whole[i].n_path, need->items[i].path, need->items[i].n_path * sizeof *whole[i].path);
        whole[i].n_path += need->items[i].n_path;
        need_add(&below, &whole[i]);
    }
    const struct logical *input = prune(p, node->inputs[0], &below);
    if (!input)
        return false;
    struct pointing w = {p, &below, &input->schema};
    for (uint32_t i = 0; i < need->n; i++) {
        const struct expr *e = node->select.exprs[need->items[i].column];
        struct access a;
        exprs[i] =
            is_access(e, &a) ? point_to(&w, need->items[i].n_path ? NULL : e, &whole[i]) : repoint(p, e, &below, input);
        if (!exprs[i])
            return false;
    }
    node->inputs[0] = input;
    node->select.exprs = exprs;
    return narrow_schema(p, &node->schema, need);
}

static bool prune_flat_map(struct planner *p, struct logical *node, struct need *need)
{
    uint32_t n_in = node->inputs[0]->schema.n_columns, n_calls = node->flat_map.n_calls;
    struct need below = {.p = p};
    for (uint32_t i = 0; i < need->n; i++)
        if (need->items[i].column < n_in)
            need_add(&below, &need->items[i]);
    for (uint32_t i = 0; i < n_calls; i++)
        need_expr(&below, node->flat_map.calls[i]);
    const struct logical *input = prune(p, node->inputs[0], &below);
    const struct expr **calls = PLAN_ARRAY(p, const struct expr *, n_calls);
    if (!input || !calls)
        return false;
    for (uint32_t i = 0; i < n_calls; i++)
        if (!(calls[i] = repoint(p, node->flat_map.calls[i], &below, input)))
            return false;
    for (uint32_t i = 0; i < n_calls; i++)
        need_column(&below, n_in + i);
    *need = below;
    node->inputs[0] = input;
    node->flat_map.calls = calls;
    return narrow_schema(p, &node->schema, need);
}

static bool prune_aggregate(struct planner *p, struct logical *node, struct need *need)
{
    struct need below = {.p = p};
    uint32_t n_calls = node->aggregate.n_calls;
    struct aggregate_item *calls = PLAN_ARRAY(p, struct aggregate_item, n_calls);
    for (uint32_t i = 0; i < node->schema.n_keys; i++)
        need_column(&below, i);
    for (uint32_t i = 0; i < n_calls; i++)
        for (uint32_t j = 0; j < node->aggregate.calls[i].n_args; j++)
            need_column(&below, node->aggregate.calls[i].args[j]);
    const struct logical *input = prune(p, node->inputs[0], &below);
    if (!input || !calls)
        return false;
    struct pointing w = {p, &below, &input->schema};
    for (uint32_t i = 0; i < n_calls; i++) {
        calls[i] = node->aggregate.calls[i];
        uint32_t *args = PLAN_ARRAY(p, uint32_t, calls[i].n_args);
        for (uint32_t j = 0; args && j < calls[i].n_args; j++) {
            const struct expr *e = point_to(&w, NULL, &(struct access){.column = calls[i].args[j]});
            if (!e)
                return false;
            args[j] = e->column;
        }
        calls[i].args = args;
    }
    need->n = 0;
    for (uint32_t i = 0; i < node->schema.n_columns; i++)
        need_column(need, i);
    node->inputs[0] = input;
    node->aggregate.calls = calls;
    return !need->failed;
}

/* `need`: in: what is read of the node; out: what the new node delivers, in order. */
static const struct logical *prune(struct planner *p, const struct logical *node, struct need *need)
{
    struct logical *copy = need->failed ? NULL : arena_dup(p->a, node, sizeof *node);
    bool ok = false;
    if (copy) {
        switch (node->kind) {
        case LOGICAL_SOURCE:
            ok = prune_source(p, copy, need);
            break;
        case LOGICAL_FILTER:
            ok = prune_filter(p, copy, need);
            break;
        case LOGICAL_PROJECT:
        case LOGICAL_REKEY:
        case LOGICAL_GROUP:
            ok = prune_select(p, copy, need);
            break;
        case LOGICAL_FLAT_MAP:
            ok = prune_flat_map(p, copy, need);
            break;
        case LOGICAL_AGGREGATE:
            ok = prune_aggregate(p, copy, need);
            break;
        }
    }
    if (!ok)
        (void)plan_nomem(p);
    return ok ? copy : NULL;
}

const struct logical *rewrite_prune(struct planner *p, const struct logical *root)
{
    struct need need = {.p = p};
    for (uint32_t i = 0; i < root->schema.n_columns; i++)
        need_column(&need, i);
    return prune(p, root, &need);
}
