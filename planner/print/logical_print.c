/* The logical plan as text: a line a node, the root first, inputs below it and further right. */
#include "planner/logical/logical.h"

static const char *const changelog_names[] = {"append", "upsert", "retract"};
static const char *const window_names[] = {"", "TUMBLING", "HOPPING", "SESSION"};

static void print_columns(struct buf *out, const struct schema *schema, const struct expr *const *exprs)
{
    for (uint32_t i = 0; i < schema->n_columns; i++) {
        buf_printf(out, "%s" STR_FMT " := ", i ? ", " : "", STR_ARG(schema->columns[i].name));
        expr_print(out, exprs[i]);
    }
}

static void print_calls(struct buf *out, const struct logical *node)
{
    const struct schema *in = &node->inputs[0]->schema;
    for (uint32_t i = 0; i < node->aggregate.n_calls; i++) {
        const struct aggregate_item *call = &node->aggregate.calls[i];
        buf_printf(out, "%s" STR_FMT " := %s(", i ? ", " : "",
                   STR_ARG(node->schema.columns[node->schema.n_keys + i].name), call->call->function->name);
        for (uint32_t j = 0; j < call->n_args; j++)
            buf_printf(out, "%s" STR_FMT, j ? ", " : "", STR_ARG(in->columns[call->args[j]].name));
        for (uint32_t j = 0; j < call->n_literals; j++) {
            buf_puts(out, call->n_args + j ? STR(", ") : STR(""));
            value_print(out, &call->literals[j], call->call->param_types[call->n_args + j]);
        }
        buf_putc(out, ')');
    }
    const struct window_spec *w = &node->aggregate.window;
    if (w->kind != WINDOW_NONE)
        buf_printf(out, " WINDOW %s(size %lld, advance %lld, grace %lld, retention %lld)%s", window_names[w->kind],
                   (long long)w->size, (long long)w->advance, (long long)w->grace, (long long)w->retention,
                   w->emit_final ? " FINAL" : "");
}

static void print_source(struct buf *out, const struct logical *node)
{
    const struct source *s = node->source.source;
    buf_printf(out, STR_FMT " reads", STR_ARG(s->name));
    for (uint32_t i = 0; i < node->schema.n_columns; i++)
        buf_printf(out, "%s " STR_FMT, i ? "," : "", STR_ARG(node->schema.columns[i].name));
    if (node->source.is_materialized)
        buf_puts(out, STR(" into a store"));
}

static void print_join(struct buf *out, const struct logical *node)
{
    static const char *const shapes[] = {"stream-stream", "stream-table", "table-table", "foreign-key"};
    static const char *const outers[] = {"inner", "left", "full"};
    buf_printf(out, "%s %s:", outers[node->join.outer], shapes[node->join.shape]);
    for (uint32_t i = 0; i < node->schema.n_columns; i++) {
        buf_printf(out, "%s " STR_FMT, i ? "," : "", STR_ARG(node->schema.columns[i].name));
        if (i < node->schema.n_keys)
            continue;
        const struct join_column *from = &node->join.columns[i - node->schema.n_keys];
        buf_printf(out, " := %u." STR_FMT, from->input,
                   STR_ARG(node->inputs[from->input]->schema.columns[from->column].name));
    }
    if (node->join.foreign_key) {
        buf_puts(out, STR(" on "));
        expr_print(out, node->join.foreign_key);
    }
    if (node->join.shape == JOIN_STREAM_STREAM)
        buf_printf(out, " within (%lld, %lld) grace %lld%s", (long long)node->join.before, (long long)node->join.after,
                   (long long)node->join.grace, node->join.has_grace ? "" : " by default");
}

static void print_node(struct buf *out, const struct logical *node)
{
    static const char *const names[] = {"Source",  "Filter", "Project",   "Rekey",
                                        "FlatMap", "Group",  "Aggregate", "Join"};
    buf_printf(out, "%s[%s] ", names[node->kind], changelog_names[node->changelog]);
    switch (node->kind) {
    case LOGICAL_SOURCE:
        print_source(out, node);
        break;
    case LOGICAL_FILTER:
        expr_print(out, node->filter.predicate);
        break;
    case LOGICAL_PROJECT:
    case LOGICAL_REKEY:
    case LOGICAL_GROUP:
        print_columns(out, &node->schema, node->select.exprs);
        if (node->kind == LOGICAL_GROUP && node->select.keeps_key)
            buf_puts(out, STR(" (by the key)"));
        if (node->kind == LOGICAL_REKEY && node->select.moved)
            buf_printf(out, " through %s%s", node->select.moved->topic,
                       node->select.moved->keep_null_keys ? " with null keys" : "");
        break;
    case LOGICAL_FLAT_MAP:
        for (uint32_t i = 0; i < node->flat_map.n_calls; i++) {
            buf_puts(out, i ? STR(", ") : STR(""));
            expr_print(out, node->flat_map.calls[i]);
        }
        break;
    case LOGICAL_AGGREGATE:
        print_calls(out, node);
        break;
    case LOGICAL_JOIN:
        print_join(out, node);
        break;
    }
}

static void print_tree(struct buf *out, const struct logical *node, int depth)
{
    buf_printf(out, "%*s", 2 * depth, "");
    print_node(out, node);
    buf_puts(out, STR("\n"));
    for (uint32_t i = 0; i < node->n_inputs; i++)
        print_tree(out, node->inputs[i], depth + 1);
}

void logical_print(struct buf *out, const struct logical *node)
{
    print_tree(out, node, 0);
}
