/* Joins: two fragments become one. A foreign-key join has a second stage, at the partitions of the right table, that
 * takes subscriptions and gives answers: the two stages write to each other. */
#include "planner/physical/physical_int.h"

static bool merge(struct lowering *w, struct fragment *f, struct fragment *other)
{
    settle_sources(f);
    settle_sources(other);
    for (uint32_t i = 0; i < other->n_sources; i++)
        if (!fragment_add_source(w, f, other->sources[i]))
            return false;
    f->has_state = f->has_state || other->has_state;
    if (other->after) /* only the left-most join of a tree may be a foreign-key join */
        f->after = other->after;
    return true;
}

static bool lower_whole_key(struct lowering *w, const struct logical *node, struct fragment *f)
{
    static const enum step_kind kinds[] = {[JOIN_STREAM_STREAM] = STEP_STREAM_STREAM_JOIN,
                                           [JOIN_STREAM_TABLE] = STEP_STREAM_TABLE_JOIN,
                                           [JOIN_TABLE_TABLE] = STEP_TABLE_TABLE_JOIN};
    struct fragment other = {0};
    if (!lower(w, node->inputs[0], f) || !lower(w, node->inputs[1], &other) || !merge(w, f, &other))
        return false;
    struct step *s = step_new(w, kinds[node->join.shape], node, f);
    if (!s)
        return false;
    s->n_inputs = 2;
    s->inputs[1] = other.top;
    s->join.outer = node->join.outer;
    s->join.columns = node->join.columns;
    s->join.before = node->join.before;
    s->join.after = node->join.after;
    s->join.grace = node->join.grace;
    s->join.has_grace = node->join.has_grace;
    s->join.stores[0] = node->join.stores[0];
    s->join.stores[1] = node->join.stores[1];
    s->join.pending_store = node->join.pending_store;
    f->has_state = true;
    return true;
}

/* ---- foreign keys ---- */

struct schema_list {
    struct schema_column *columns;
    uint32_t n;
};

static void add(struct schema_list *list, struct str name, const struct type *type, enum column_role role)
{
    list->columns[list->n++] = (struct schema_column){.name = name, .type = type, .role = role};
}

static void add_range(struct schema_list *list, const struct schema *from, uint32_t first, uint32_t end,
                      enum column_role role)
{
    for (uint32_t i = first; i < end; i++)
        add(list, from->columns[i].name, from->columns[i].type, role);
}

static bool subscription_schema(struct lowering *w, const struct logical *node, struct schema *out)
{
    const struct schema *left = &node->inputs[0]->schema;
    struct schema_list list = {.columns = PLAN_ARRAY(w->p, struct schema_column, left->n_keys + 4)};
    if (!list.columns)
        return false;
    add(&list, STR("FOREIGN_KEY"), node->join.foreign_key->type, ROLE_KEY);
    add_range(&list, left, 0, left->n_keys, ROLE_VALUE);
    add(&list, STR("INSTRUCTION"), &TYPE_INT, ROLE_VALUE);
    add(&list, STR("HASH"), &TYPE_BIGINT, ROLE_VALUE);
    add(&list, STR("PARTITION"), &TYPE_INT, ROLE_VALUE);
    *out = (struct schema){.n_columns = list.n, .n_keys = 1, .columns = list.columns};
    return true;
}

static bool answer_schema(struct lowering *w, const struct logical *node, struct schema *out)
{
    const struct schema *left = &node->inputs[0]->schema, *right = &node->inputs[1]->schema;
    struct schema_list list = {.columns = PLAN_ARRAY(w->p, struct schema_column, left->n_keys + right->n_columns + 3)};
    if (!list.columns)
        return false;
    add_range(&list, left, 0, left->n_keys, ROLE_KEY);
    add_range(&list, right, right->n_keys, right->n_columns, ROLE_VALUE);
    add(&list, STR("EXISTS"), &TYPE_BOOLEAN, ROLE_VALUE);
    add(&list, STR("HASH"), &TYPE_BIGINT, ROLE_VALUE);
    add(&list, STR("PARTITION"), &TYPE_INT, ROLE_VALUE);
    *out = (struct schema){.n_columns = list.n, .n_keys = left->n_keys, .columns = list.columns};
    return true;
}

static struct step *topic_step(struct lowering *w, enum step_kind kind, const struct logical *node,
                               const struct schema *schema, const struct moved *moved, bool to_partition,
                               struct fragment *f)
{
    struct step *s = step_new(w, kind, node, f);
    if (!s)
        return NULL;
    s->schema = *schema;
    s->repartition.name = moved->topic;
    s->repartition.to_partition = to_partition;
    s->repartition.shown_formats = moved->formats;
    return s;
}

/* The right table's stage: subscriptions in, answers out. */
static bool lower_answers(struct lowering *w, const struct logical *node, const struct schema *subscriptions,
                          const struct schema *answers, const struct moved *in, const struct moved *out,
                          struct fragment *f)
{
    struct fragment right = {0};
    struct step *source = topic_step(w, STEP_REPARTITION_SOURCE, node, subscriptions, in, false, f);
    if (!source || !fragment_add_source(w, f, source) || !lower(w, node->inputs[1], &right) || !merge(w, f, &right))
        return false;
    struct step *s = step_new(w, STEP_FOREIGN_KEY_ANSWER, node, f);
    if (!s)
        return false;
    s->schema = *answers;
    s->n_inputs = 2;
    s->inputs[1] = right.top;
    s->answer.stores[0] = node->join.subscription_store;
    s->answer.stores[1] = node->join.stores[1];
    f->has_state = true;
    return topic_step(w, STEP_REPARTITION_SINK, node, answers, out, true, f) != NULL;
}

/* Columns of the right table are those of the answers, behind the left table's keys. */
static const struct join_column *answer_columns(struct lowering *w, const struct logical *node)
{
    uint32_t n = node->schema.n_columns - node->schema.n_keys;
    struct join_column *columns = PLAN_ARRAY(w->p, struct join_column, n);
    for (uint32_t i = 0; columns && i < n; i++) {
        columns[i] = node->join.columns[i];
        if (columns[i].input == 1)
            columns[i].column += node->inputs[0]->schema.n_keys - node->inputs[1]->schema.n_keys;
    }
    return columns;
}

static bool lower_foreign_key(struct lowering *w, const struct logical *node, struct fragment *f)
{
    struct moved in = {.topic = node->join.subscriptions, .formats = node->join.right_formats};
    struct moved out = {.topic = node->join.answers, .formats = node->join.left_formats};
    struct schema subscriptions, answers;
    struct fragment *behind = PLAN_NEW(w->p, struct fragment);
    struct fragment sent = {0}, received = {0};
    const struct join_column *columns = answer_columns(w, node);
    if (!behind || !columns || !subscription_schema(w, node, &subscriptions) || !answer_schema(w, node, &answers) ||
        !lower(w, node->inputs[0], f))
        return false;
    struct step *source = topic_step(w, STEP_REPARTITION_SOURCE, node, &answers, &out, true, &received);
    struct step *sink = topic_step(w, STEP_REPARTITION_SINK, node, &subscriptions, &in, false, &sent);
    if (!source || !sink || !fragment_add_source(w, &received, source) || !merge(w, f, &received))
        return false;
    struct step *s = step_new(w, STEP_FOREIGN_KEY_JOIN, node, f);
    if (!s || !lower_answers(w, node, &subscriptions, &answers, &in, &out, behind))
        return false;
    s->n_inputs = 2;
    s->inputs[1] = source;
    s->foreign_key.outer = node->join.outer;
    s->foreign_key.columns = columns;
    s->foreign_key.foreign_key = node->join.foreign_key;
    s->foreign_key.store = node->join.stores[0];
    s->foreign_key.subscriptions = sink;
    if (node->join.keeps_result &&
        !(s->foreign_key.result_store = arena_printf(w->p->a, "%s-Materialize", node->context)))
        return false;
    f->has_state = true;
    f->after = behind;
    return true;
}

bool lower_join(struct lowering *w, const struct logical *node, struct fragment *f)
{
    return node->join.shape == JOIN_FOREIGN_KEY ? lower_foreign_key(w, node, f) : lower_whole_key(w, node, f);
}
