/* Keys of joins. The key of a result is a value that several columns hold; which of them names it is up to the
 * projection: the first one that is selected. FULL OUTER joins, and those on expressions at both sides, have a
 * synthetic key (rules.md 2.4, 5.2). */
#include "planner/logical/join_int.h"

/* ---- columns that hold the key ---- */

static bool has_same(const struct ast_expr *const *list, uint32_t n, const struct ast_expr *e)
{
    for (uint32_t i = 0; i < n; i++)
        if (ast_expr_eq(list[i], e))
            return true;
    return false;
}

static void add_same(struct query_join *join, const struct ast_expr *e)
{
    if (e->kind == AST_COLUMN && !has_same(join->same, join->n_same, e))
        join->same[join->n_same++] = e;
}

/* The one key column of a source, or NULL. */
static const struct ast_expr *source_key(struct planner *p, const struct query_source *s)
{
    const struct schema *schema = &s->source->schema;
    return schema->n_keys == 1 ? ast_column(p, s->alias, schema->columns[0].name, s->span) : NULL;
}

static bool is_selected(const struct query *q, const struct ast_expr *column)
{
    for (uint32_t i = 0; i < q->n_items; i++) {
        const struct query_item *item = &q->items[i];
        if (item->kind == ITEM_STAR || (item->kind == ITEM_SOURCE_STAR && str_eq(item->source, column->source)) ||
            (item->kind == ITEM_EXPR && ast_expr_eq(item->expr, column)))
            return true;
    }
    return false;
}

static bool is_source_column(void *data, struct str name)
{
    const struct query *q = data;
    for (uint32_t i = 0; i < q->n_sources; i++)
        if (schema_find(&q->sources[i].source->schema, name) >= 0)
            return true;
    return false;
}

/* ROWKEY, or ROWKEY_1 and so on where sources have columns of that name. */
static const struct ast_expr *synthetic_key(struct planner *p, struct query *q, const struct query_join *join)
{
    struct str name = free_field_name(p, STR("ROWKEY"), is_source_column, q);
    return name.p ? ast_column(p, (struct str){NULL, 0}, name, join->on->span) : NULL;
}

static enum status choose_name(struct planner *p, struct query *q, struct query_join *join)
{
    for (uint32_t i = 0; i < join->n_same && !join->key; i++)
        if (is_selected(q, join->same[i]))
            join->key = join->same[i];
    if (!join->key)
        join->key = join->n_same ? join->same[0] : synthetic_key(p, q, join);
    return join->key ? STATUS_OK : p->d->code;
}

enum status join_find_key(struct planner *p, struct query *q, uint32_t at)
{
    struct query_join *join = &q->joins[at], *before = at ? &q->joins[at - 1] : NULL;
    const struct ast_expr *first = at ? NULL : source_key(p, &q->sources[0]);
    const struct ast_expr *right = source_key(p, &q->sources[at + 1]);
    uint32_t n_before = before ? before->n_same : first != NULL;
    const struct ast_expr *const *same = before ? before->same : &first;
    join->same = PLAN_ARRAY(p, const struct ast_expr *, n_before + 2);
    if (!join->same)
        return STATUS_NOMEM;
    join->left_keyed = has_same(same, n_before, join->left);
    join->right_keyed = right && ast_expr_eq(right, join->right);
    join->is_foreign = joined_is_table(q, at + 1) && join->right_keyed && !join->left_keyed;
    for (uint32_t i = 0; i < n_before && (join->is_foreign || join->left_keyed); i++)
        add_same(join, same[i]);
    if (join->is_foreign)
        return p->d->code; /* the keys of the left table stay */
    add_same(join, join->left);
    add_same(join, join->right);
    if (join->ast->type == JOIN_FULL)
        join->n_same = 0;
    return choose_name(p, q, join);
}

/* ---- the projection ---- */

static bool look_for_synthetic(void *data, const struct ast_expr *e)
{
    const struct ast_expr **found = data;
    if (!*found && e->kind == AST_COLUMN && e->source.len == 0)
        *found = e;
    return !*found;
}

enum status join_check_synthetic(struct planner *p, const struct query *q)
{
    const struct ast_expr *key = q->joins[q->n_joins - 1].key;
    for (uint32_t i = 0; i < q->n_items; i++) {
        const struct ast_expr *found = NULL;
        ast_walk(q->items[i].expr, look_for_synthetic, &found);
        if (found && !(key && ast_expr_eq(found, key)))
            return plan_error_placed(p, found->span, "Column '" STR_FMT "' cannot be resolved.", STR_ARG(found->text));
    }
    return STATUS_OK;
}

static enum status foreign_keys(struct planner *p, const struct query *q, struct projection *proj)
{
    const struct source *left = q->sources[0].source;
    uint32_t n = left->schema.n_keys;
    const struct ast_expr **keys = PLAN_ARRAY(p, const struct ast_expr *, n);
    struct str *texts = PLAN_ARRAY(p, struct str, n);
    for (uint32_t k = 0; k < n; k++) {
        struct str name = left->schema.columns[k].name;
        if (!keys || !texts || !(keys[k] = ast_column(p, q->sources[0].alias, name, q->ast->span)))
            return p->d->code;
        texts[k] = name;
    }
    proj->rule = KEYS_FOREIGN;
    proj->left_table = left->name;
    proj->n_keys = proj->n_key_texts = n;
    proj->keys = keys;
    proj->key_texts = texts;
    return keys && texts ? STATUS_OK : p->d->code;
}

enum status join_projection(struct planner *p, const struct query *q, const struct logical *root,
                            struct projection *proj)
{
    const struct query_join *join = &q->joins[q->n_joins - 1];
    if (join->is_foreign)
        return foreign_keys(p, q, proj);
    uint32_t n = join->n_same ? join->n_same : 1;
    const struct ast_expr **keys = PLAN_ARRAY(p, const struct ast_expr *, 1);
    struct str *texts = PLAN_ARRAY(p, struct str, n);
    if (!keys || !texts)
        return p->d->code;
    keys[0] = join->key;
    for (uint32_t i = 0; i < n; i++)
        texts[i] = ast_expr_text(p->a, join->n_same ? join->same[i] : join->key);
    proj->rule = join->n_same ? KEYS_JOINED : KEYS_SYNTHETIC;
    proj->n_keys = root->schema.n_keys;
    proj->keys = keys;
    proj->n_key_texts = n;
    proj->key_texts = texts;
    proj->key_kind = "join expression";
    return STATUS_OK;
}
