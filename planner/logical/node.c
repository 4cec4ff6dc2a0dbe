/* Logical nodes: making them, and the source at the bottom. */
#include "planner/logical/logical.h"

struct logical *logical_new(struct planner *p, enum logical_kind kind, const char *context, const struct logical *input)
{
    struct logical *node = PLAN_NEW(p, struct logical);
    if (!node)
        return NULL;
    node->kind = kind;
    node->context = context;
    if (input) {
        node->n_inputs = 1;
        node->inputs[0] = input;
        node->schema = input->schema;
        node->changelog = input->changelog;
    }
    return node;
}

const struct logical *logical_source(struct planner *p, const struct source *s, const char *context)
{
    struct logical *node = logical_new(p, LOGICAL_SOURCE, context, NULL);
    struct source_read *reads = PLAN_ARRAY(p, struct source_read, s->schema.n_columns);
    if (!node || !reads)
        return NULL;
    for (uint32_t i = 0; i < s->schema.n_columns; i++)
        reads[i].column = i;
    node->schema = s->schema;
    node->changelog = s->is_table ? CHANGELOG_UPSERT : CHANGELOG_APPEND;
    node->source.source = s;
    node->source.reads = reads;
    return node;
}

static bool in_schema(void *data, struct str name)
{
    return schema_find(data, name) >= 0;
}

struct str new_key_name(struct planner *p, const struct schema *schema, const struct ast_expr *e, unsigned *next)
{
    struct str name;
    if (e->kind == AST_COLUMN)
        return e->text;
    if (e->kind == AST_DEREF)
        return free_field_name(p, e->text, in_schema, (void *)(uintptr_t)schema);
    do
        name = str_printf(p->a, "KSQL_COL_%u", (*next)++);
    while (name.p && schema_find(schema, name) >= 0);
    if (!name.p)
        (void)plan_nomem(p);
    return name;
}

bool exprs_are_key(const struct schema *schema, const struct ast_expr *const *exprs, uint32_t n)
{
    if (n != schema->n_keys)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (exprs[i]->kind != AST_COLUMN || !str_eq(exprs[i]->text, schema->columns[i].name))
            return false;
    return true;
}

enum status check_no_map_key(struct planner *p, struct str name, const struct type *t, struct span where)
{
    if (!type_has_map(t))
        return STATUS_OK;
    return plan_error(p, where,
                      "Map keys, including types that contain maps, are not supported as they may lead to unexpected "
                      "behavior due to inconsistent serialization. Key column name: `" STR_FMT
                      "`. Column type: " STR_FMT ". See https://github.com/confluentinc/ksql/issues/6621 for more.",
                      STR_ARG(name), STR_ARG(type_text(p, t)));
}
