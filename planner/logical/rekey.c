/* PARTITION BY, which gives a stream new keys, and table functions, which give it more rows. */
#include "planner/logical/logical.h"

static enum status check_partition_by(struct planner *p, const struct query *q, const struct logical *input)
{
    struct span where = q->ast->partition_by.span;
    if (input->changelog != CHANGELOG_APPEND) {
        struct str text = ast_expr_text(p->a, q->partition_by[0]);
        struct str key = input->schema.n_keys ? input->schema.columns[0].name : STR("");
        return plan_error(p, where,
                          "Cannot repartition a TABLE source. If this is a join, make sure that the criteria uses the "
                          "TABLE's key column " STR_FMT " instead of [" STR_FMT "]",
                          STR_ARG(key), STR_ARG(text));
    }
    if (input->schema.window != WINDOW_NONE)
        return plan_error(p, where,
                          "Implicit repartitioning of windowed sources is not supported. See "
                          "https://github.com/confluentinc/ksql/issues/4385.");
    for (uint32_t i = 0; i < q->n_partition_by && q->n_partition_by > 1; i++)
        if (q->partition_by[i]->kind == AST_NULL)
            return plan_error(p, where, "Cannot PARTITION BY multiple columns including NULL");
    return STATUS_OK;
}

/* Expressions (`plain`, and bound) and names of the new keys; proj learns what the projection must contain. */
static enum status bind_keys(struct planner *p, const struct query *q, const struct logical *input,
                             const struct ast_expr **plain, struct schema_column *columns, const struct expr **exprs,
                             struct projection *proj)
{
    struct binder b;
    binder_init(&b, p, &input->schema);
    struct str *texts = PLAN_ARRAY(p, struct str, proj->n_keys);
    unsigned next = 0;
    for (uint32_t i = 0; i < proj->n_keys; i++) {
        plain[i] = texts ? query_plain(p, q, q->partition_by[i]) : NULL;
        if (!plain[i] || !(exprs[i] = bind_item(&b, plain[i], "SelectKey")))
            return p->d->code;
        struct str name = new_key_name(p, &input->schema, plain[i], &next);
        columns[i] = (struct schema_column){.name = name, .type = exprs[i]->type, .role = ROLE_KEY};
        texts[i] = ast_expr_text(p->a, q->partition_by[i]);
        enum status st = check_no_map_key(p, name, exprs[i]->type, plain[i]->span);
        if (st != STATUS_OK || !name.p)
            return st;
    }
    proj->rule = KEYS_ALL;
    proj->n_key_texts = proj->n_keys;
    proj->keys = q->partition_by;
    proj->key_texts = texts;
    proj->key_kind = "partitioning expression";
    return STATUS_OK;
}

static bool is_new_key(const struct schema_column *keys, uint32_t n_keys, struct str name)
{
    for (uint32_t i = 0; i < n_keys; i++)
        if (str_eq(keys[i].name, name))
            return true;
    return false;
}

/* The other columns: values and headers, then the old keys; each only if no new key has taken its name. */
static uint32_t carry_columns(struct planner *p, const struct schema *from, uint32_t n_keys,
                              struct schema_column *columns, const struct expr **exprs)
{
    uint32_t n = n_keys;
    for (uint32_t i = 0; i < from->n_columns; i++) {
        uint32_t at = (i + from->n_keys) % from->n_columns;
        if (is_new_key(columns, n_keys, from->columns[at].name))
            continue;
        columns[n] = from->columns[at];
        if (columns[n].role == ROLE_KEY)
            columns[n].role = ROLE_VALUE;
        if (!(exprs[n++] = expr_column(p, from, at)))
            return 0;
    }
    return n;
}

const struct logical *logical_rekey(struct planner *p, struct query *q, const struct logical *input,
                                    struct projection *proj)
{
    if (check_partition_by(p, q, input) != STATUS_OK)
        return NULL;
    bool to_null = q->n_partition_by == 1 && q->partition_by[0]->kind == AST_NULL;
    if (to_null)
        q->n_partition_by = 0;
    proj->n_keys = q->n_partition_by;
    uint32_t most = input->schema.n_columns + proj->n_keys;
    struct schema_column *columns = PLAN_ARRAY(p, struct schema_column, most);
    const struct expr **exprs = PLAN_ARRAY(p, const struct expr *, most);
    const struct ast_expr **plain = PLAN_ARRAY(p, const struct ast_expr *, proj->n_keys);
    if (!columns || !exprs || !plain || bind_keys(p, q, input, plain, columns, exprs, proj) != STATUS_OK)
        return NULL;
    if (!to_null && exprs_are_key(&input->schema, plain, q->n_partition_by))
        return input;
    struct logical *node = logical_new(p, LOGICAL_REKEY, "PartitionBy", input);
    uint32_t n = carry_columns(p, &input->schema, proj->n_keys, columns, exprs);
    if (!node || (n == 0 && p->d->code != STATUS_OK))
        return NULL;
    node->schema = (struct schema){.n_columns = n, .n_keys = proj->n_keys, .columns = columns};
    node->select.exprs = exprs;
    return node;
}

/* ---- table functions ----------------------------------------------------------------------------------------------
 */

struct call_list {
    struct planner *p;
    struct binder *b;
    const struct expr *calls[32];
    uint32_t n;
};

/* Takes table functions out of an item: each becomes a column KSQL_SYNTH_n. */
static const struct ast_expr *take_call(void *data, const struct ast_expr *e)
{
    struct call_list *list = data;
    if (!ast_is_table_function(e))
        return NULL;
    if (list->n == sizeof list->calls / sizeof *list->calls) {
        (void)plan_error(list->p, e->span, "Too many table functions in one query");
        return NULL;
    }
    const struct expr *call = bind_call_of(list->b, e, FUNCTION_TABLE);
    if (!call)
        return NULL;
    struct str name = str_printf(list->p->a, "KSQL_SYNTH_%u", list->n);
    list->calls[list->n++] = call;
    return ast_column(list->p, (struct str){NULL, 0}, name, e->span);
}

static struct schema flat_schema(struct planner *p, const struct schema *from, const struct call_list *list)
{
    struct schema schema = *from;
    struct schema_column *columns = PLAN_ARRAY(p, struct schema_column, from->n_columns + list->n);
    if (!columns)
        return schema;
    if (from->n_columns)
        memcpy(columns, from->columns, from->n_columns * sizeof *columns);
    for (uint32_t i = 0; i < list->n; i++) {
        const struct type *t = list->calls[i]->type;
        columns[from->n_columns + i] = (struct schema_column){.name = str_printf(p->a, "KSQL_SYNTH_%u", i),
                                                              .type = t->kind == KIND_ARRAY ? t->element : t,
                                                              .role = ROLE_VALUE};
    }
    schema.columns = columns;
    schema.n_columns += list->n;
    return schema;
}

const struct logical *logical_flat_map(struct planner *p, struct query *q, const struct logical *input,
                                       struct projection *proj)
{
    struct binder b;
    binder_init(&b, p, &input->schema);
    struct call_list list = {.p = p, .b = &b};
    for (uint32_t i = 0; i < q->n_items; i++)
        if (!(proj->plain[i] = ast_rewrite(p, proj->plain[i], take_call, &list)))
            return NULL;
    if (list.n == 0)
        return input;
    struct logical *node = logical_new(p, LOGICAL_FLAT_MAP, "FlatMap", input);
    if (!node)
        return NULL;
    node->schema = flat_schema(p, &input->schema, &list);
    node->flat_map.n_calls = list.n;
    node->flat_map.calls = arena_dup(p->a, list.calls, list.n * sizeof *list.calls);
    if (!node->flat_map.calls || p->a->failed) {
        (void)plan_nomem(p);
        return NULL;
    }
    return node;
}
