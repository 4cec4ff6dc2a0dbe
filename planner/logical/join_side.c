/* The inputs of joins: a source whose columns bear its alias, and the REKEYs that make the rows of both inputs meet: by
 * the same key, in the same key format. Formats that a schema registry knows are always written anew, as ids of schemas
 * differ. */
#include "planner/logical/join_int.h"

/* ---- sources ---- */

struct pseudo_use {
    struct str alias, name;
    bool found;
};

static bool look_for_use(void *data, const struct ast_expr *e)
{
    struct pseudo_use *u = data;
    u->found = u->found || (e->kind == AST_COLUMN && str_eq(e->source, u->alias) && str_eq(e->text, u->name));
    return !u->found;
}

static void look_in(struct pseudo_use *u, const struct ast_expr *const *list, uint32_t n)
{
    for (uint32_t i = 0; i < n && !u->found; i++)
        if (list[i])
            ast_walk(list[i], look_for_use, u);
}

/* Whether the query speaks of a pseudo column of the source. Stars do of the bounds of windows; below PARTITION BY of
 * all. */
static bool uses_pseudo(const struct query *q, struct str alias, const char *name)
{
    struct pseudo_use u = {.alias = alias, .name = str_from(name)};
    look_in(&u, &q->where, 1);
    look_in(&u, &q->having, 1);
    look_in(&u, q->group_by, q->n_group_by);
    look_in(&u, q->partition_by, q->n_partition_by);
    for (uint32_t i = 0; i < q->n_joins; i++)
        look_in(&u, &q->joins[i].on, 1);
    for (uint32_t i = 0; i < q->n_items && !u.found; i++) {
        const struct query_item *item = &q->items[i];
        bool star = item->kind == ITEM_STAR || (item->kind == ITEM_SOURCE_STAR && str_eq(item->source, alias));
        u.found = star && (q->n_partition_by || is_window_bound(u.name));
        look_in(&u, &item->expr, 1);
    }
    return u.found;
}

struct column_list {
    struct planner *p;
    uint32_t n;
    struct schema_column *columns;
    const struct expr **exprs;
};

static bool add_column(struct column_list *list, struct schema_column column, const struct expr *e)
{
    if (!e || !column.name.p) {
        if (list->p->d->code == STATUS_OK)
            (void)plan_nomem(list->p);
        return false;
    }
    list->columns[list->n] = column;
    list->exprs[list->n++] = e;
    return true;
}

static struct str under_alias(struct planner *p, struct str alias, struct str name)
{
    return str_printf(p->a, STR_FMT "_" STR_FMT, STR_ARG(alias), STR_ARG(name));
}

static bool add_pseudos(struct joining *w, const struct query_source *s, const struct logical *source,
                        struct column_list *list)
{
    static const enum pseudo all[] = {PSEUDO_ROWTIME, PSEUDO_ROWPARTITION, PSEUDO_ROWOFFSET, PSEUDO_WINDOWSTART,
                                      PSEUDO_WINDOWEND};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const struct expr *e = expr_pseudo(w->p, all[i]);
        if (!e)
            return false;
        if ((is_window_bound(e->name) && source->schema.window == WINDOW_NONE) ||
            !uses_pseudo(w->q, s->alias, e->name.p))
            continue;
        if (!add_column(list,
                        (struct schema_column){
                            .name = under_alias(w->p, s->alias, e->name), .type = e->type, .role = ROLE_VALUE},
                        e))
            return false;
    }
    return true;
}

/* ksqlDB's PrependAlias: every column, the pseudo columns that are used, and for the right table of a foreign-key join
 * its key once more, as rows come back from there without keys. */
static const struct logical *prepend_alias(struct joining *w, const struct query_source *s, const char *context,
                                           const struct logical *source, bool with_key_copy)
{
    const struct schema *from = &source->schema;
    struct logical *node = logical_new(w->p, LOGICAL_PROJECT, context, source);
    uint32_t most = from->n_columns + 6;
    struct column_list list = {.p = w->p,
                               .columns = PLAN_ARRAY(w->p, struct schema_column, most),
                               .exprs = PLAN_ARRAY(w->p, const struct expr *, most)};
    if (!node || !list.columns || !list.exprs)
        return NULL;
    for (uint32_t i = 0; i < from->n_columns; i++) {
        struct schema_column column = {.name = under_alias(w->p, s->alias, from->columns[i].name),
                                       .type = from->columns[i].type,
                                       .role = i < from->n_keys ? ROLE_KEY : ROLE_VALUE};
        if (!add_column(&list, column, expr_column(w->p, from, i)))
            return NULL;
    }
    if (!add_pseudos(w, s, source, &list))
        return NULL;
    if (with_key_copy) {
        struct schema_column column = list.columns[0];
        column.role = ROLE_VALUE;
        if (!add_column(&list, column, expr_column(w->p, from, 0)))
            return NULL;
        list.columns[0].name = STR("KSQL_FOREIGN_KEY");
    }
    node->schema.columns = list.columns;
    node->schema.n_columns = list.n;
    node->select.exprs = list.exprs;
    return node;
}

bool join_source(struct joining *w, uint32_t which, const char *prefix, const char *side, bool with_key_copy,
                 struct joined *out)
{
    struct planner *p = w->p;
    const struct query_source *s = &w->q->sources[which];
    const char *context = arena_printf(p->a, "%sKafkaTopic_%s", prefix, side);
    const char *select = arena_printf(p->a, "%sPrependAlias%s", prefix, side);
    if (!context || !select) {
        (void)plan_nomem(p);
        return false;
    }
    const struct logical *node = logical_source(p, s->source, context);
    if (node)
        node = prepend_alias(w, s, select, node, with_key_copy);
    *out = (struct joined){.node = node, .formats = s->source->formats, .is_source = true};
    return node != NULL;
}

const struct expr *join_bind_side(struct joining *w, const struct ast_expr *side, const struct logical *node)
{
    struct binder b;
    binder_init(&b, w->p, &node->schema);
    const struct ast_expr *plain = query_plain(w->p, w->q, side);
    return plain ? bind_item(&b, plain, "SelectKey") : NULL;
}

/* ---- the key format ---- */

static bool same_key_format(const struct topic_formats *x, const struct topic_formats *y)
{
    return x->key.kind == y->key.kind && x->key.delimiter == y->key.delimiter && x->window == y->window &&
           x->window_size == y->window_size;
}

/* Of two inputs that must both move: the left one's format, or else the usual one. */
static bool default_key_format(struct joining *w, const struct joined *left, struct topic_formats *out)
{
    enum format_kind kind = left->formats.key.kind;
    struct str name;
    *out = left->formats;
    if (kind == FORMAT_NONE) {
        if (!planner_property(w->p, "ksql.persistence.default.format.key", &name))
            name = STR("KAFKA");
        if (format_from_name(w->p, name, w->q->ast->span, &kind) != STATUS_OK)
            return false;
        out->key = (struct format_spec){.kind = kind};
    }
    return true;
}

static bool choose_format(struct joining *w, const struct query_join *join, const struct joined *left,
                          const struct joined *right, const struct expr *key, struct topic_formats *out)
{
    if (join->left_keyed && left->formats.key.kind != FORMAT_NONE)
        *out = left->formats;
    else if (join->right_keyed && right->formats.key.kind != FORMAT_NONE)
        *out = right->formats;
    else if (!default_key_format(w, left, out))
        return false;
    struct schema_column column = {.name = STR("K"), .type = key->type, .role = ROLE_KEY};
    struct buf reason;
    buf_init(&reason, 0);
    if (!format_accepts(out->key.kind, &column, 1, true, &reason))
        out->key = (struct format_spec){.kind = FORMAT_JSON};
    buf_free(&reason);
    enum wrap_feature feature;
    wrap_key(&out->key, 1, &feature);
    return true;
}

/* ---- moving ---- */

struct move {
    struct joining *w;
    const char *prefix, *side;
    bool is_keyed;
    const struct ast_expr *expr; /* of ON, plain; NULL: the keys that are there */
    const struct expr *bound;
    const struct moved *moved;
};

/* The old columns behind the new key: values, then old keys; none that was only made for a join. */
static bool carry(const struct schema *from, bool drop_keys, struct str new_name, struct column_list *list)
{
    for (uint32_t i = 0; i < from->n_columns; i++) {
        uint32_t at = (i + from->n_keys) % from->n_columns;
        struct schema_column column = from->columns[at];
        if (str_eq(column.name, new_name) || (drop_keys && at < from->n_keys))
            continue;
        column.role = ROLE_VALUE;
        if (!add_column(list, column, expr_column(list->p, from, at)))
            return false;
    }
    return true;
}

static bool new_keys(struct move *m, const struct schema *from, struct column_list *list)
{
    struct planner *p = m->w->p;
    unsigned next = 0;
    for (uint32_t k = 0; m->is_keyed && k < from->n_keys; k++)
        if (!add_column(list, from->columns[k], expr_column(p, from, k)))
            return false;
    if (m->is_keyed)
        return true;
    struct str name = new_key_name(p, from, m->expr, &next);
    return name.p && check_no_map_key(p, name, m->bound->type, m->expr->span) == STATUS_OK &&
           add_column(list, (struct schema_column){.name = name, .type = m->bound->type, .role = ROLE_KEY}, m->bound);
}

static bool rekey(struct move *m, struct joined *in)
{
    struct planner *p = m->w->p;
    const struct schema *from = &in->node->schema;
    const char *context = arena_printf(p->a, "%s%sSourceKeyed", m->prefix, m->side);
    struct logical *node = context ? logical_new(p, LOGICAL_REKEY, context, in->node) : NULL;
    struct column_list list = {.p = p,
                               .columns = PLAN_ARRAY(p, struct schema_column, from->n_columns + 1),
                               .exprs = PLAN_ARRAY(p, const struct expr *, from->n_columns + 1)};
    if (!node || !list.columns || !list.exprs || !new_keys(m, from, &list))
        return false;
    node->schema.n_keys = list.n;
    if (from->window != WINDOW_NONE) { /* of the common key format */
        node->schema.window = m->moved->formats.window;
        node->schema.window_size = m->moved->formats.window_size;
    }
    if (!carry(from, m->is_keyed || in->has_own_key, list.columns[0].name, &list))
        return false;
    node->schema.columns = list.columns;
    node->schema.n_columns = list.n;
    node->select.exprs = list.exprs;
    node->select.moved = m->moved;
    in->node = node;
    in->has_own_key = m->is_keyed ? in->has_own_key : m->expr->kind != AST_COLUMN;
    return true;
}

static enum status check_windowed(struct joining *w, const struct query_join *join, const struct joined *in,
                                  bool is_keyed, const struct topic_formats *to)
{
    if (in->node->schema.window == WINDOW_NONE || (is_keyed && format_has_registry(to->key.kind)))
        return STATUS_OK;
    return plan_error(w->p, join->on->span,
                      "Implicit repartitioning of windowed sources is not supported. See "
                      "https://github.com/confluentinc/ksql/issues/4385.");
}

static const char *topic_name(struct planner *p, const char *prefix, const char *side, bool table, bool with_table)
{
    if (table)
        return arena_printf(p->a, "%s%sSourceKeyed-SelectKey-repartition", prefix, side);
    if (with_table)
        return arena_printf(p->a, "%sJoin-repartition", prefix);
    return arena_printf(p->a, "%sJoin-%s-repartition", prefix, side[0] == 'L' ? "left" : "right");
}

static const struct moved *moved_to(struct planner *p, const char *topic, const struct topic_formats *key,
                                    const struct joined *in, bool keep_null_keys)
{
    struct moved *moved = topic ? PLAN_NEW(p, struct moved) : NULL;
    if (!moved) {
        (void)plan_nomem(p);
        return NULL;
    }
    *moved = (struct moved){.topic = topic, .keep_null_keys = keep_null_keys, .formats = *key};
    moved->formats.value = in->formats.value;
    moved->formats.key.schema_id = moved->formats.value.schema_id = 0; /* of the source's columns */
    return moved;
}

/* Whether null keys of the input reach the result: it is on the outer side of a join of streams, or of a stream and a
 * table. */
static bool is_outer(const struct query_join *join, bool left)
{
    enum ast_join_type type = join->ast->type;
    return type == JOIN_FULL || type == (left ? JOIN_LEFT : JOIN_RIGHT);
}

/* One input of a join: its part of ON, and what that means for it. */
struct meeting {
    struct joined *in;
    const char *side;
    const struct ast_expr *expr;
    const struct expr *bound;
    bool is_left, is_keyed, is_table;
};

static bool must_move(const struct meeting *m, const struct topic_formats *to)
{
    return !m->is_keyed || !same_key_format(to, &m->in->formats) ||
           (m->in->is_source && format_has_registry(to->key.kind));
}

static bool move_input(struct joining *w, const struct query_join *join, const char *prefix, bool with_table,
                       const struct topic_formats *to, const struct meeting *side)
{
    struct planner *p = w->p;
    const char *topic = topic_name(p, prefix, side->side, side->is_table, with_table);
    struct move m = {.w = w, .prefix = prefix, .side = side->side, .is_keyed = side->is_keyed, .bound = side->bound};
    m.expr = query_plain(p, w->q, side->expr);
    m.moved = m.expr ? moved_to(p, topic, to, side->in, !side->is_table && is_outer(join, side->is_left)) : NULL;
    return m.moved && check_windowed(w, join, side->in, side->is_keyed, to) == STATUS_OK && rekey(&m, side->in);
}

bool join_meet(struct joining *w, const struct query_join *join, const char *prefix, struct joined *left,
               struct joined *right)
{
    struct meeting sides[2] = {
        {.in = left, .side = "Left", .expr = join->left, .is_left = true, .is_keyed = join->left_keyed},
        {.in = right, .side = "Right", .expr = join->right, .is_keyed = join->right_keyed},
    };
    for (int i = 0; i < 2; i++) {
        sides[i].is_table = sides[i].in->node->changelog != CHANGELOG_APPEND;
        if (!(sides[i].bound = join_bind_side(w, sides[i].expr, sides[i].in->node)))
            return false;
    }
    struct topic_formats to;
    bool tables = sides[0].is_table && sides[1].is_table;
    if (join_check_types(w->p, join, tables, sides[0].bound->type, sides[1].bound->type) != STATUS_OK ||
        !choose_format(w, join, left, right, sides[0].bound, &to))
        return false;
    for (int i = 0; i < 2; i++)
        if (must_move(&sides[i], &to) && !move_input(w, join, prefix, sides[1].is_table, &to, &sides[i]))
            return false;
    to.value = left->formats.value;
    left->formats = to;
    return true;
}

bool join_meet_foreign(struct joining *w, const char *prefix, const struct joined *left, struct joined *right)
{
    if (!format_has_registry(right->formats.key.kind))
        return true;
    struct topic_formats to = left->formats;
    struct move m = {.w = w, .prefix = prefix, .side = "Right", .is_keyed = true};
    m.moved = moved_to(w->p, topic_name(w->p, prefix, "Right", true, true), &to, right, false);
    if (!m.moved || !rekey(&m, right))
        return false;
    right->formats.key = to.key;
    return true;
}
