/* The harness of op_harness.h: plans and expressions. */
#include "op_harness.h"

#include <stdarg.h>

/* ---- plans -------------------------------------------------------------------------------------------------- */

void op_setup(struct op_test *t)
{
    memset(t, 0, sizeof *t);
    arena_init(&t->arena, 0);
    t->plan = (struct plan){.arena = &t->arena, .query_id = "Q_1", .limit = -1, .stages = t->stages};
}

void op_teardown(struct op_test *t)
{
    arena_free(&t->arena);
}

static const struct type *type_named(struct op_test *t, const char *name)
{
    static const struct {
        const char *name;
        const struct type *type;
    } types[] = {
        {"STRING", &TYPE_STRING}, {"BIGINT", &TYPE_BIGINT},       {"INT", &TYPE_INT},
        {"DOUBLE", &TYPE_DOUBLE}, {"TIMESTAMP", &TYPE_TIMESTAMP}, {"BOOLEAN", &TYPE_BOOLEAN},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    REQUIRE(strcmp(name, "ARRAY") == 0);
    return type_array(&t->arena, &TYPE_STRING);
}

struct schema op_schema(struct op_test *t, const char *text)
{
    struct schema_column *columns = ARENA_ARRAY(&t->arena, struct schema_column, 16);
    struct schema s = {.columns = columns};
    char *copy = arena_dup(&t->arena, text, strlen(text) + 1), *save;
    for (char *part = strtok_r(copy, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
        char name[32], type[32], role[32] = "";
        REQUIRE(sscanf(part, " %31s %31s %31s", name, type, role) >= 2);
        struct schema_column *c = &columns[s.n_columns++];
        c->name = str_dup(&t->arena, str_from(name));
        c->type = type_named(t, type);
        c->role = strcmp(role, "KEY") == 0 ? ROLE_KEY : ROLE_VALUE;
        s.n_keys += c->role == ROLE_KEY;
    }
    return s;
}

static struct topic_formats text_formats(const struct schema *s)
{
    return (struct topic_formats){.key = {.kind = s->n_keys ? FORMAT_KAFKA : FORMAT_NONE},
                                  .value = {.kind = FORMAT_DELIMITED, .delimiter = ',', .wrapped = true}};
}

struct step *op_step(struct op_test *t, enum step_kind kind, const struct step *input, const char *columns)
{
    REQUIRE(t->n_steps < OP_STEPS);
    struct step *s = &t->steps[t->n_steps++];
    *s = (struct step){.kind = kind, .context = "Step"};
    s->schema = columns ? op_schema(t, columns) : input->schema;
    if (input) {
        s->n_inputs = 1;
        s->inputs[0] = input;
    }
    return s;
}

struct step *op_source_step(struct op_test *t, bool table, const char *columns)
{
    struct step *s = op_step(t, table ? STEP_TABLE_SOURCE : STEP_STREAM_SOURCE, NULL, columns);
    s->context = "KsqlTopic";
    s->source.topic = "in";
    s->source.topic_schema = s->schema;
    s->source.formats = text_formats(&s->schema);
    s->source.store = table ? "KsqlTopic-Reduce" : NULL;
    return s;
}

struct step *op_join_step(struct op_test *t, enum step_kind kind, const struct step *left, const struct step *right,
                          enum join_outer outer, const char *columns)
{
    struct step *s = op_step(t, kind, left, columns);
    struct join_column *list = ARENA_ARRAY(&t->arena, struct join_column, s->schema.n_columns);
    uint32_t n = 0;
    s->inputs[s->n_inputs++] = right;
    for (uint32_t port = 0; port < 2; port++)
        for (uint32_t c = s->inputs[port]->schema.n_keys; c < s->inputs[port]->schema.n_columns; c++)
            list[n++] = (struct join_column){port, c};
    REQUIRE(n == s->schema.n_columns - s->schema.n_keys);
    s->join.columns = list;
    s->join.outer = outer;
    s->join.stores[0] = kind == STEP_STREAM_TABLE_JOIN ? NULL : "Join-left";
    s->join.stores[1] = "Join-right";
    return s;
}

struct step *op_sink_step(struct op_test *t, const struct step *input, bool table)
{
    struct step *s = op_step(t, table ? STEP_TABLE_SINK : STEP_STREAM_SINK, input, NULL);
    s->sink.topic = "out";
    s->sink.formats = text_formats(&s->schema);
    for (const struct step *x = input; x; x = x->n_inputs ? x->inputs[0] : NULL)
        if (x->kind == STEP_STREAM_SOURCE && x->source.formats.window != WINDOW_NONE)
            s->sink.formats.window = x->source.formats.window;
        else if (x->kind == STEP_STREAM_WINDOWED_AGGREGATE)
            s->sink.formats.window = x->aggregate.window.kind;
    op_stage(t, s);
    return s;
}

static void add_sources(const struct step **sources, uint32_t *n, const struct step *s)
{
    if (!s->n_inputs) {
        REQUIRE(*n < OP_SOURCES);
        sources[(*n)++] = s;
    }
    for (uint32_t i = 0; i < s->n_inputs; i++)
        add_sources(sources, n, s->inputs[i]);
}

void op_stage(struct op_test *t, const struct step *root)
{
    uint32_t i = t->plan.n_stages++;
    REQUIRE(i < OP_STAGES);
    t->stages[i] = (struct stage){.root = root, .sources = t->sources[i]};
    add_sources(t->sources[i], &t->stages[i].n_sources, root);
    t->plan.sink = root;
}

struct step *op_repartition(struct op_test *t, const struct step *input, bool table)
{
    struct step *sink = op_step(t, STEP_REPARTITION_SINK, input, NULL);
    sink->repartition.name = "Aggregate-GroupBy-repartition";
    sink->repartition.is_table = table;
    sink->repartition.shown_formats = text_formats(&sink->schema);
    op_stage(t, sink);
    struct step *source = op_step(t, STEP_REPARTITION_SOURCE, NULL, NULL == input ? "" : "K STRING KEY");
    source->schema = input->schema;
    source->repartition = sink->repartition;
    return source;
}

/* ---- expressions -------------------------------------------------------------------------------------------- */

static struct expr *node(struct op_test *t, enum expr_kind kind, const struct type *type)
{
    struct expr *e = ARENA_NEW(&t->arena, struct expr);
    e->kind = kind;
    e->type = type;
    return e;
}

const struct expr *op_column(struct op_test *t, const struct schema *s, uint32_t column)
{
    struct expr *e = node(t, EXPR_COLUMN, s->columns[column].type);
    e->column = column;
    e->name = s->columns[column].name;
    return e;
}

const struct expr *const *op_exprs(struct op_test *t, uint32_t n, ...)
{
    const struct expr **list = ARENA_ARRAY(&t->arena, const struct expr *, n);
    va_list args;
    va_start(args, n);
    for (uint32_t i = 0; i < n; i++)
        list[i] = va_arg(args, const struct expr *);
    va_end(args);
    return list;
}

static const struct expr *pair(struct op_test *t, enum expr_kind kind, int op, const struct type *type,
                               const struct expr *x, const struct expr *y)
{
    struct expr *e = node(t, kind, type);
    e->op = (uint8_t)op;
    e->n_args = 2;
    e->args = op_exprs(t, 2, x, y);
    return e;
}

const struct expr *op_compare(struct op_test *t, const struct expr *x, enum compare_op op, int64_t bigint)
{
    struct expr *literal = node(t, EXPR_LITERAL, &TYPE_BIGINT);
    literal->value = (struct value){.kind = KIND_BIGINT, .i64 = bigint};
    return pair(t, EXPR_COMPARE, op, &TYPE_BOOLEAN, x, literal);
}

const struct expr *op_divide(struct op_test *t, const struct expr *x, const struct expr *y)
{
    return pair(t, EXPR_ARITH, ARITH_DIV, &TYPE_BIGINT, x, y);
}

const struct expr *op_array(struct op_test *t, const struct expr *x, const struct expr *y)
{
    return pair(t, EXPR_ARRAY, 0, type_array(&t->arena, x->type), x, y);
}
