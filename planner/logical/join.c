/* Joins: the left-deep tree that takes the place of the source. Each node gets its inputs, made to meet (join_side.c),
 * and the columns that it passes on. */
#include "planner/logical/join_int.h"

/* ---- columns ---- */

struct output {
    struct schema_column *columns;
    struct join_column *from;
    uint32_t n_keys, n; /* n: without the keys */
};

static bool is_key_name(const struct output *out, struct str name)
{
    for (uint32_t k = 0; k < out->n_keys; k++)
        if (str_eq(out->columns[k].name, name))
            return true;
    return false;
}

/* All columns of an input but those that are the key of the result, or were made for this join only. */
static void add_input(struct output *out, const struct joined *in, uint32_t input, uint32_t first)
{
    const struct schema *schema = &in->node->schema;
    for (uint32_t i = in->has_own_key && first == 0 ? schema->n_keys : first; i < schema->n_columns; i++) {
        if (is_key_name(out, schema->columns[i].name))
            continue;
        out->columns[out->n_keys + out->n] = schema->columns[i];
        out->columns[out->n_keys + out->n].role = ROLE_VALUE;
        out->from[out->n++] = (struct join_column){input, i};
    }
}

/* Two aliases may make one name of two columns: A and B_C, A_B and C. */
static enum status check_names(struct planner *p, const struct query_join *join, const struct output *out)
{
    uint32_t n = out->n_keys + out->n;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = i + 1; j < n; j++)
            if (str_eq(out->columns[i].name, out->columns[j].name))
                return plan_error(p, join->on->span, "Duplicate value columns found in schema: `" STR_FMT "` " STR_FMT,
                                  STR_ARG(out->columns[j].name), STR_ARG(type_text(p, out->columns[j].type)));
    return STATUS_OK;
}

static bool join_columns(struct planner *p, const struct query *q, const struct query_join *join, bool exchanged,
                         const struct joined *left, const struct joined *right, struct logical *node)
{
    const struct schema *l = &left->node->schema, *r = &right->node->schema;
    uint32_t most = l->n_columns + r->n_columns;
    struct output out = {.columns = PLAN_ARRAY(p, struct schema_column, l->n_keys + most),
                         .from = PLAN_ARRAY(p, struct join_column, most),
                         .n_keys = l->n_keys};
    if (!out.columns || !out.from)
        return false;
    memcpy(out.columns, l->columns, l->n_keys * sizeof *l->columns);
    if (!join->is_foreign) {
        out.columns[0].name = query_column_name(p, q, join->key);
        if (!out.columns[0].name.p) {
            (void)plan_nomem(p);
            return false;
        }
    }
    add_input(&out, left, exchanged, join->is_foreign ? l->n_keys : 0);
    add_input(&out, right, !exchanged, join->is_foreign ? r->n_keys : 0);
    node->schema.columns = out.columns;
    node->schema.n_keys = out.n_keys;
    node->schema.n_columns = out.n_keys + out.n;
    node->join.columns = out.from;
    return check_names(p, join, &out) == STATUS_OK;
}

/* ---- one join ---- */

static void set_window(const struct ast_join *ast, struct logical *node)
{
    node->join.before = ast->before.ms;
    node->join.after = ast->after.ms;
    node->join.has_grace = ast_duration_given(&ast->grace);
    int64_t day = MS_PER_DAY, twice;
    if (__builtin_mul_overflow(ast->before.ms, 2, &twice))
        twice = day;
    node->join.grace = node->join.has_grace ? ast->grace.ms : twice < day ? day - twice : 0;
}

static const struct logical *join_nodes(struct joining *w, const struct query_join *join, const char *context,
                                        const struct joined *left, const struct joined *right)
{
    struct planner *p = w->p;
    bool exchanged = join->ast->type == JOIN_RIGHT;
    const struct joined *inputs[2] = {exchanged ? right : left, exchanged ? left : right};
    struct logical *node = logical_new(p, LOGICAL_JOIN, context, inputs[0]->node);
    if (!node)
        return NULL;
    bool left_table = left->node->changelog != CHANGELOG_APPEND,
         right_table = right->node->changelog != CHANGELOG_APPEND;
    node->n_inputs = 2;
    node->inputs[1] = inputs[1]->node;
    node->schema.window = left->node->schema.window;
    node->schema.window_size = left->node->schema.window_size;
    node->join.shape = join->is_foreign ? JOIN_FOREIGN_KEY
                       : left_table     ? JOIN_TABLE_TABLE
                       : right_table    ? JOIN_STREAM_TABLE
                                        : JOIN_STREAM_STREAM;
    node->join.outer = join->ast->type == JOIN_INNER  ? OUTER_NONE
                       : join->ast->type == JOIN_FULL ? OUTER_BOTH
                                                      : OUTER_LEFT;
    node->join.left_formats = left->formats;
    node->join.right_formats = right->formats;
    if (node->join.shape == JOIN_STREAM_STREAM)
        set_window(join->ast, node);
    return join_columns(p, w->q, join, exchanged, left, right, node) ? node : NULL;
}

static bool bind_foreign_key(struct joining *w, const struct query_join *join, const struct joined *left,
                             const struct joined *right, const struct expr **key)
{
    *key = join_bind_side(w, join->left, left->node);
    return *key && join_check_types(w->p, join, true, (*key)->type, right->node->schema.columns[0].type) == STATUS_OK;
}

/* ---- the tree ---- */

static bool build(struct joining *w, uint32_t at, const char *prefix, struct joined *out);

static bool build_left(struct joining *w, uint32_t at, const char *prefix, struct joined *out)
{
    if (at == 0)
        return join_source(w, 0, prefix, "Left", false, out);
    const char *below = arena_printf(w->p->a, "%sL_", prefix);
    if (below)
        return build(w, at - 1, below, out);
    (void)plan_nomem(w->p);
    return false;
}

static bool build(struct joining *w, uint32_t at, const char *prefix, struct joined *out)
{
    struct planner *p = w->p;
    const struct query_join *join = &w->q->joins[at];
    const char *context = arena_printf(p->a, "%sJoin", prefix);
    struct joined left, right;
    const struct expr *foreign_key = NULL;
    if (!context) {
        (void)plan_nomem(p);
        return false;
    }
    if (!build_left(w, at, prefix, &left) || !join_source(w, at + 1, prefix, "Right", join->is_foreign, &right))
        return false;
    if (join->is_foreign
            ? !bind_foreign_key(w, join, &left, &right, &foreign_key) || !join_meet_foreign(w, prefix, &left, &right)
            : !join_meet(w, join, prefix, &left, &right))
        return false;
    const struct logical *node = join_nodes(w, join, context, &left, &right);
    if (!node)
        return false;
    ((struct logical *)(uintptr_t)node)->join.foreign_key = foreign_key;
    *out =
        (struct joined){.node = node, .formats = left.formats, .has_own_key = join->key && join->key->source.len == 0};
    return true;
}

const struct logical *logical_joins(struct planner *p, struct query *q, struct projection *proj)
{
    struct joining w = {.p = p, .q = q};
    struct joined root;
    if (join_check(p, q) != STATUS_OK || !build(&w, q->n_joins - 1, "", &root) ||
        join_name_stores(p, root.node) != STATUS_OK || join_check_synthetic(p, q) != STATUS_OK ||
        join_projection(p, q, root.node, proj) != STATUS_OK)
        return NULL;
    return root.node;
}
