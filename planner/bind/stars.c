/* Stars: `*`, `source.*` and `struct->*` become plain items, in ksqlDB's order (rules.md 2.3). */
#include "planner/planner_int.h"

struct item_list {
    struct planner *p;
    struct query_item *items;
    uint32_t n, cap;
};

static struct query_item *add_item(struct item_list *list, struct span span, const struct ast_expr *expr,
                                   struct str name)
{
    if (!expr || !name.p)
        return NULL;
    if (list->n == list->cap) {
        uint32_t cap = list->cap ? 2 * list->cap : 16;
        struct query_item *grown = PLAN_ARRAY(list->p, struct query_item, cap);
        if (!grown)
            return NULL;
        if (list->n)
            memcpy(grown, list->items, list->n * sizeof *grown);
        list->items = grown;
        list->cap = cap;
    }
    struct query_item *item = &list->items[list->n++];
    *item = (struct query_item){.kind = ITEM_EXPR, .span = span, .expr = expr, .name = name, .from_star = true};
    return item;
}

static bool add_column(struct item_list *list, struct span span, struct str alias, struct str name)
{
    return add_item(list, span, ast_column(list->p, alias, name, span), name) != NULL;
}

/* The columns of the node below the projection: keys, bounds, the rest. New keys of PARTITION BY stand for their
 * expressions, so that they are known again as keys. */
static bool expand_source(struct item_list *list, const struct query *q, struct span span, const struct schema *schema)
{
    struct str alias = q->sources[0].alias;
    bool rekeyed = q->n_partition_by && schema->n_keys == q->n_partition_by;
    for (uint32_t i = 0; i < schema->n_keys; i++) {
        struct str name = schema->columns[i].name;
        if (rekeyed ? !add_item(list, span, q->partition_by[i], name) : !add_column(list, span, alias, name))
            return false;
    }
    if (schema->window != WINDOW_NONE && q->purpose != PURPOSE_PERSISTENT &&
        (!add_column(list, span, alias, STR("WINDOWSTART")) || !add_column(list, span, alias, STR("WINDOWEND"))))
        return false;
    for (uint32_t i = schema->n_keys; i < schema->n_columns; i++)
        if (!add_column(list, span, alias, schema->columns[i].name))
            return false;
    return true;
}

/* ---- joins ---- */

static int partition_key(const struct query *q, const struct schema *schema, struct str name)
{
    bool rekeyed = q->n_partition_by && schema->n_keys == q->n_partition_by;
    for (uint32_t k = 0; rekeyed && k < schema->n_keys; k++)
        if (str_eq(schema->columns[k].name, name))
            return (int)k;
    return -1;
}

/* A column of a source, under its alias. New keys of PARTITION BY stand for their expressions, and `*` has them
 * already.
 */
static bool add_joined(struct item_list *list, const struct query *q, const struct query_item *item,
                       const struct schema *schema, const struct query_source *s, struct str column)
{
    const struct ast_expr *e = ast_column(list->p, s->alias, column, item->span);
    struct str name = e ? query_column_name(list->p, q, e) : (struct str){NULL, 0};
    int key = name.p ? partition_key(q, schema, name) : -1;
    if (key >= 0 && item->kind == ITEM_STAR)
        return true;
    return add_item(list, item->span, key >= 0 ? q->partition_by[key] : e, name) != NULL;
}

/* Below PARTITION BY also what else a row has: ksqlDB shows the columns of the node there. */
static bool add_pseudos(struct item_list *list, const struct query *q, const struct query_item *item,
                        const struct schema *schema, const struct query_source *s)
{
    static const char *const names[] = {"ROWTIME", "ROWPARTITION", "ROWOFFSET"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!add_joined(list, q, item, schema, s, str_from(names[i])))
            return false;
    return true;
}

static bool expand_side(struct item_list *list, const struct query *q, const struct query_item *item,
                        const struct schema *schema, const struct query_source *s)
{
    const struct schema *own = &s->source->schema;
    bool keys_last = q->n_partition_by > 0;
    for (uint32_t k = 0; k < own->n_keys && !keys_last; k++)
        if (!add_joined(list, q, item, schema, s, own->columns[k].name))
            return false;
    if (own->window != WINDOW_NONE && (!add_joined(list, q, item, schema, s, STR("WINDOWSTART")) ||
                                       !add_joined(list, q, item, schema, s, STR("WINDOWEND"))))
        return false;
    for (uint32_t i = own->n_keys; i < own->n_columns; i++)
        if (!add_joined(list, q, item, schema, s, own->columns[i].name))
            return false;
    if (keys_last && !add_pseudos(list, q, item, schema, s))
        return false;
    for (uint32_t k = 0; k < own->n_keys && keys_last; k++)
        if (!add_joined(list, q, item, schema, s, own->columns[k].name))
            return false;
    return true;
}

/* `*` of a join: the key if no source has it, then the sources in the order of the text. */
static bool expand_join(struct item_list *list, const struct query *q, const struct query_item *item,
                        const struct schema *schema)
{
    const struct ast_expr *key = q->joins[q->n_joins - 1].key;
    bool all = item->kind == ITEM_STAR;
    for (uint32_t k = 0; k < q->n_partition_by && all; k++)
        if (schema->n_keys == q->n_partition_by &&
            !add_item(list, item->span, q->partition_by[k], schema->columns[k].name))
            return false;
    if (all && key && key->source.len == 0 && !q->n_partition_by && !add_item(list, item->span, key, key->text))
        return false;
    for (uint32_t i = 0; i < q->n_sources; i++)
        if ((all || str_eq(q->sources[i].alias, item->source)) && !expand_side(list, q, item, schema, &q->sources[i]))
            return false;
    return true;
}

/* ---- fields ---- */

/* Of a path of fields each has to be there, and to be a struct. */
static bool check_path(struct binder *b, const struct ast_expr *e)
{
    struct planner *p = b->p;
    if (e->kind != AST_DEREF)
        return true;
    if (!check_path(b, e->args[0]))
        return false;
    const struct expr *base = bind_item(b, e->args[0], "Select");
    if (!base)
        return false;
    if (base->type->kind == KIND_STRUCT && type_field(base->type, e->text) < 0) {
        (void)plan_error(p, e->span, "Field " STR_FMT " was not found on STRUCT.", STR_ARG(e->text));
        return false;
    }
    return true;
}

static bool expand_struct(struct item_list *list, const struct query *q, const struct query_item *item,
                          const struct schema *schema)
{
    struct planner *p = list->p;
    struct binder b;
    binder_init(&b, p, schema);
    const struct ast_expr *plain = query_plain(p, q, item->expr);
    const struct expr *base = plain && check_path(&b, plain) ? bind_item(&b, plain, "Select") : NULL;
    if (!base)
        return false;
    if (base->type->kind != KIND_STRUCT) {
        (void)plan_error(
            p, item->span, "%s " STR_FMT " is not a STRUCT type.", item->expr->kind == AST_DEREF ? "Field" : "Column",
            STR_ARG(item->expr->kind == AST_COLUMN || item->expr->kind == AST_DEREF ? item->expr->text : base->text));
        return false;
    }
    for (uint32_t i = 0; i < base->type->n_fields; i++) {
        struct ast_expr *deref = PLAN_NEW(p, struct ast_expr);
        const struct ast_expr **args = PLAN_ARRAY(p, const struct ast_expr *, 1);
        if (!deref || !args)
            return false;
        args[0] = item->expr;
        *deref = (struct ast_expr){.kind = AST_DEREF,
                                   .depth = item->expr->depth + 1,
                                   .span = item->span,
                                   .text = base->type->fields[i].name,
                                   .n_args = 1,
                                   .args = args};
        if (!add_item(list, item->span, deref, deref->text))
            return false;
    }
    return true;
}

enum status query_expand_stars(struct planner *p, struct query *q, const struct schema *schema)
{
    struct item_list list = {.p = p};
    for (uint32_t i = 0; i < q->n_items; i++) {
        const struct query_item *item = &q->items[i];
        bool ok;
        if (item->kind == ITEM_EXPR) {
            struct query_item *added = add_item(&list, item->span, item->expr, item->name);
            ok = added != NULL;
            if (ok)
                *added = *item;
        } else if (item->kind == ITEM_STRUCT_STAR) {
            ok = expand_struct(&list, q, item, schema);
        } else if (q->n_joins) {
            ok = expand_join(&list, q, item, schema);
        } else {
            ok = expand_source(&list, q, item->span, schema);
        }
        if (!ok)
            return p->d->code == STATUS_OK ? plan_nomem(p) : p->d->code;
    }
    q->items = list.items;
    q->n_items = list.n;
    return STATUS_OK;
}
