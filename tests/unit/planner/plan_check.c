/* What holds of every plan: columns that are referred to exist and have the type that is said, inputs of joins have the
 * same keys, both ends of a repartition topic agree, stages know their sources. */
#include "tests/unit/planner/harness.h"

struct checking {
    const struct plan *plan;
    const struct step *step;
    const struct schema *in;
    struct buf *why;
};

static void complain(struct checking *c, const char *what)
{
    buf_printf(c->why, "%s (%s): %s\n", step_kind_name(c->step->kind), c->step->context, what);
}

static void check_expr_node(struct checking *c, const struct expr *e)
{
    if (e->kind == EXPR_COLUMN && e->column >= c->in->n_columns)
        complain(c, "an expression reads a column that is not there");
    else if (e->kind == EXPR_COLUMN && !type_eq(e->type, c->in->columns[e->column].type))
        complain(c, "an expression takes a column for another type");
    for (uint32_t i = 0; i < e->n_args; i++)
        check_expr_node(c, e->args[i]);
}

static void check_select(struct checking *c)
{
    for (uint32_t i = 0; i < c->step->schema.n_columns; i++) {
        const struct expr *e = c->step->select.exprs[i];
        check_expr_node(c, e);
        if (!type_eq(e->type, c->step->schema.columns[i].type))
            complain(c, "a column has another type than its expression");
    }
}

static void check_source(struct checking *c)
{
    const struct step *s = c->step;
    for (uint32_t i = 0; i < s->schema.n_columns; i++) {
        const struct source_read *read = &s->source.reads[i];
        const struct type *t = s->source.topic_schema.columns[read->column].type;
        for (uint32_t j = 0; j < read->n_path; j++)
            t = t->fields[read->path[j]].type;
        if (!type_eq(t, s->schema.columns[i].type))
            complain(c, "a column has another type than what is read");
    }
}

static void check_columns(struct checking *c, const struct join_column *columns)
{
    const struct step *s = c->step;
    for (uint32_t i = s->schema.n_keys; i < s->schema.n_columns; i++) {
        const struct join_column *from = &columns[i - s->schema.n_keys];
        const struct schema *in = &s->inputs[from->input]->schema;
        if (from->column >= in->n_columns)
            complain(c, "a column of an input that is not there");
        else if (!type_eq(in->columns[from->column].type, s->schema.columns[i].type))
            complain(c, "a column has another type than in the input");
    }
}

static void check_keys(struct checking *c, uint32_t input)
{
    const struct schema *in = &c->step->inputs[input]->schema, *out = &c->step->schema;
    bool same = in->n_keys == out->n_keys && in->window == out->window;
    for (uint32_t k = 0; same && k < in->n_keys; k++)
        same = type_eq(in->columns[k].type, out->columns[k].type);
    if (!same)
        complain(c, "an input has other keys");
}

static void check_foreign_key(struct checking *c)
{
    const struct step *s = c->step, *sent = s->foreign_key.subscriptions;
    check_columns(c, s->foreign_key.columns);
    check_keys(c, 0);
    check_keys(c, 1);
    check_expr_node(c, s->foreign_key.foreign_key);
    if (!type_eq(sent->schema.columns[0].type, s->foreign_key.foreign_key->type) ||
        sent->schema.n_columns != s->schema.n_keys + 4)
        complain(c, "subscriptions of another form");
}

static void check_answer(struct checking *c)
{
    const struct schema *in = &c->step->inputs[0]->schema, *right = &c->step->inputs[1]->schema,
                        *out = &c->step->schema;
    if (in->n_columns != out->n_keys + 4 || out->n_columns != out->n_keys + right->n_columns - right->n_keys + 3)
        complain(c, "answers of another form");
    if (!type_eq(in->columns[0].type, right->columns[0].type))
        complain(c, "the foreign key has not the type of the right table's");
}

static bool writes(const struct step *s, const struct step *source)
{
    if (s->kind == STEP_REPARTITION_SINK && strcmp(s->repartition.name, source->repartition.name) == 0)
        return schema_eq(&s->schema, &source->schema);
    if (s->kind == STEP_FOREIGN_KEY_JOIN && writes(s->foreign_key.subscriptions, source))
        return true;
    for (uint32_t i = 0; i < s->n_inputs; i++)
        if (writes(s->inputs[i], source))
            return true;
    return false;
}

static void check_repartition_source(struct checking *c)
{
    for (uint32_t i = 0; i < c->plan->n_stages; i++)
        if (writes(c->plan->stages[i].root, c->step))
            return;
    complain(c, "nobody writes the topic in this form");
}

static void check_step(struct checking *c)
{
    switch (c->step->kind) {
    case STEP_STREAM_SOURCE:
    case STEP_TABLE_SOURCE:
        check_source(c);
        break;
    case STEP_STREAM_FILTER:
    case STEP_TABLE_FILTER:
        check_expr_node(c, c->step->filter.predicate);
        break;
    case STEP_STREAM_SELECT:
    case STEP_TABLE_SELECT:
    case STEP_STREAM_SELECT_KEY:
    case STEP_TABLE_SELECT_KEY:
    case STEP_STREAM_GROUP_BY:
    case STEP_STREAM_GROUP_BY_KEY:
    case STEP_TABLE_GROUP_BY:
        check_select(c);
        break;
    case STEP_STREAM_STREAM_JOIN:
    case STEP_STREAM_TABLE_JOIN:
    case STEP_TABLE_TABLE_JOIN:
        check_columns(c, c->step->join.columns);
        check_keys(c, 0);
        check_keys(c, 1);
        break;
    case STEP_FOREIGN_KEY_JOIN:
        check_foreign_key(c);
        break;
    case STEP_FOREIGN_KEY_ANSWER:
        check_answer(c);
        break;
    case STEP_REPARTITION_SOURCE:
        check_repartition_source(c);
        break;
    default:
        break;
    }
}

static uint32_t check_tree(struct checking *c, const struct step *s)
{
    uint32_t n_sources = s->n_inputs == 0;
    for (uint32_t i = 0; i < s->n_inputs; i++)
        n_sources += check_tree(c, s->inputs[i]);
    c->step = s;
    c->in = s->n_inputs ? &s->inputs[0]->schema : NULL;
    check_step(c);
    return n_sources;
}

void plan_check(const struct plan *plan, struct buf *why)
{
    bool has_sink = false;
    for (uint32_t i = 0; i < plan->n_stages; i++) {
        struct checking c = {.plan = plan, .why = why};
        uint32_t n = check_tree(&c, plan->stages[i].root);
        if (n != plan->stages[i].n_sources)
            complain(&c, "the stage lists other sources than it has");
        has_sink = has_sink || plan->stages[i].root == plan->sink;
    }
    if (!has_sink)
        buf_puts(why, STR("no stage ends in the sink\n"));
}
