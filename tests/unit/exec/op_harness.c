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

struct step *op_stream_join_step(struct op_test *t, enum join_outer outer, const struct step *left,
                                 const struct step *right, const char *columns)
{
    struct step *s = op_step(t, STEP_STREAM_STREAM_JOIN, left, columns);
    struct join_column *list = ARENA_ARRAY(&t->arena, struct join_column, s->schema.n_columns);
    uint32_t n = 0;
    s->inputs[s->n_inputs++] = right;
    for (uint32_t port = 0; port < 2; port++)
        for (uint32_t c = s->inputs[port]->schema.n_keys; c < s->inputs[port]->schema.n_columns; c++)
            list[n++] = (struct join_column){port, c};
    REQUIRE(n == s->schema.n_columns - s->schema.n_keys);
    s->join.columns = list;
    s->join.outer = outer;
    s->join.stores[0] = "Join-left";
    s->join.stores[1] = "Join-right";
    return s;
}

struct step *op_within_step(struct op_test *t, bool waits, enum join_outer outer, int64_t before, int64_t after,
                            int64_t grace)
{
    const struct step *left = op_source_step(t, false, "K STRING KEY, L STRING");
    const struct step *right = op_source_step(t, false, "K STRING KEY, R STRING");
    struct step *s = op_stream_join_step(t, outer, left, right, "K STRING KEY, L STRING, R STRING");
    s->join.before = before;
    s->join.after = after;
    s->join.grace = grace;
    s->join.has_grace = waits;
    s->join.pending_store = waits && outer != OUTER_NONE ? "Join-waiting" : NULL;
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

static void find_sources(const struct step *s, const struct step **sources, uint32_t *n)
{
    for (uint32_t i = 0; i < s->n_inputs; i++)
        find_sources(s->inputs[i], sources, n);
    if (s->n_inputs)
        return;
    REQUIRE(*n < OP_SOURCES);
    sources[(*n)++] = s;
}

void op_stage(struct op_test *t, const struct step *root)
{
    uint32_t i = t->plan.n_stages++, n = 0;
    REQUIRE(i < OP_STAGES);
    find_sources(root, t->sources[i], &n);
    t->stages[i] = (struct stage){.root = root, .n_sources = n, .sources = t->sources[i]};
    t->plan.sink = root;
}

/* "L1 R2" */
static const struct join_column *join_columns(struct op_test *t, const char *from)
{
    struct join_column *columns = ARENA_ARRAY(&t->arena, struct join_column, 16);
    for (uint32_t n = 0; *from; n++) {
        REQUIRE(n < 16 && (*from == 'L' || *from == 'R'));
        columns[n] = (struct join_column){.input = *from == 'R', .column = (uint32_t)(from[1] - '0')};
        from += 2;
        from += *from == ' ';
    }
    return columns;
}

struct step *op_join_step(struct op_test *t, enum step_kind kind, enum join_outer outer, const struct step *left,
                          const struct step *right, const char *columns, const char *from)
{
    struct step *s = op_step(t, kind, left, columns);
    s->n_inputs = 2;
    s->inputs[1] = right;
    s->join.outer = outer;
    s->join.columns = join_columns(t, from);
    s->join.stores[0] = kind == STEP_STREAM_TABLE_JOIN ? NULL : arena_printf(&t->arena, "left%u", t->n_steps);
    s->join.stores[1] = arena_printf(&t->arena, "right%u", t->n_steps);
    return s;
}

static void add_columns(struct schema *to, const struct schema *from, uint32_t first, uint32_t end,
                        enum column_role role)
{
    struct schema_column *columns = (struct schema_column *)(uintptr_t)to->columns;
    for (uint32_t i = first; i < end; i++) {
        columns[to->n_columns] = from->columns[i];
        columns[to->n_columns++].role = role;
        to->n_keys += role == ROLE_KEY;
    }
}

static struct step *repartition_step(struct op_test *t, enum step_kind kind, const struct schema *schema,
                                     const char *name, bool to_partition)
{
    struct step *s = op_step(t, kind, NULL, "K STRING KEY");
    s->schema = *schema;
    s->repartition.name = name;
    s->repartition.to_partition = to_partition;
    s->repartition.shown_formats = text_formats(schema);
    return s;
}

struct step *op_foreign_key_step(struct op_test *t, enum join_outer outer, const struct step *left,
                                 const struct step *right, const struct expr *key, const char *columns,
                                 const char *from)
{
    const struct schema *l = &left->schema, *r = &right->schema;
    struct schema extra = op_schema(t, "X BOOLEAN, I INT, H BIGINT, P INT");
    struct schema asked = {.columns = ARENA_ARRAY(&t->arena, struct schema_column, 16)};
    struct schema told = {.columns = ARENA_ARRAY(&t->arena, struct schema_column, 16)};
    add_columns(&asked, r, 0, r->n_keys, ROLE_KEY);
    add_columns(&asked, l, 0, l->n_keys, ROLE_VALUE);
    add_columns(&asked, &extra, 1, 4, ROLE_VALUE);
    add_columns(&told, l, 0, l->n_keys, ROLE_KEY);
    add_columns(&told, r, r->n_keys, r->n_columns, ROLE_VALUE);
    add_columns(&told, &extra, 0, 1, ROLE_VALUE);
    add_columns(&told, &extra, 2, 4, ROLE_VALUE);
    const char *registration = arena_printf(&t->arena, "REGISTRATION-%u-topic", t->n_steps);
    const char *response = arena_printf(&t->arena, "RESPONSE-%u-topic", t->n_steps);
    struct step *answer = op_step(t, STEP_FOREIGN_KEY_ANSWER, NULL, "K STRING KEY");
    answer->schema = told;
    answer->n_inputs = 2;
    answer->inputs[0] = repartition_step(t, STEP_REPARTITION_SOURCE, &asked, registration, false);
    answer->inputs[1] = right;
    answer->answer.stores[0] = arena_printf(&t->arena, "subscriptions%u", t->n_steps);
    answer->answer.stores[1] = arena_printf(&t->arena, "right%u", t->n_steps);
    struct step *sink = repartition_step(t, STEP_REPARTITION_SINK, &told, response, true);
    sink->n_inputs = 1;
    sink->inputs[0] = answer;
    op_stage(t, sink);
    struct step *join = op_step(t, STEP_FOREIGN_KEY_JOIN, left, columns);
    join->n_inputs = 2;
    join->inputs[1] = repartition_step(t, STEP_REPARTITION_SOURCE, &told, response, true);
    join->foreign_key.outer = outer;
    join->foreign_key.columns = join_columns(t, from);
    join->foreign_key.foreign_key = key;
    join->foreign_key.store = arena_printf(&t->arena, "left%u", t->n_steps);
    join->foreign_key.subscriptions = repartition_step(t, STEP_REPARTITION_SINK, &asked, registration, false);
    return join;
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
