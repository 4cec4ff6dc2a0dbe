/* The last select of a query, and the rules of keys in a projection (rules.md 2.4). Persistent queries: the keys stand
 * first, in their own order, under the names that the projection gives them. Transient ones keep all keys, hidden where
 * they are not selected, and say in which order the client sees the columns. */
#include "planner/logical/logical.h"

struct projecting {
    struct planner *p;
    const struct query *q;
    const struct logical *input;
    const struct projection *proj;
    int *key_of;               /* one an item: the key that it is, or -1 */
    int *item_of;              /* one a key: the first item that is it, or -1 */
    bool follows_items;        /* the keys are those that are selected, in that order */
    uint32_t n_keys;           /* of the result */
    uint32_t *keys;            /* which of the input's they are */
    const struct expr **bound; /* one an item */
};

/* ---- which item is which key ---- */

static enum status duplicate_key(struct projecting *w, uint32_t key, uint32_t first, uint32_t second)
{
    static const char tail[] = "\nEach key column must only be in the projection once. If you intended to copy the key "
                               "into the value, then consider using the AS_VALUE function to indicate which key "
                               "reference should be copied.";
    struct str a = w->q->items[first].name, b = w->q->items[second].name;
    if (w->proj->rule != KEYS_GROUPED && str_cmp(a, b) > 0) { /* sorted */
        struct str smaller = b;
        b = a;
        a = smaller;
    }
    if (w->proj->rule == KEYS_GROUPED)
        return plan_error(w->p, w->q->items[second].span,
                          "The projection contains a key column more than once: `" STR_FMT "` and `" STR_FMT "`.%s",
                          STR_ARG(a), STR_ARG(b), tail);
    return plan_error(w->p, w->q->items[second].span,
                      "The projection contains a key column (`" STR_FMT "`) more than once, aliased as: " STR_FMT
                      " and " STR_FMT ".%s",
                      STR_ARG(w->input->schema.columns[key].name), STR_ARG(a), STR_ARG(b), tail);
}

static enum status match_keys(struct projecting *w)
{
    bool persistent = w->q->purpose == PURPOSE_PERSISTENT;
    for (uint32_t k = 0; k < w->proj->n_keys; k++)
        w->item_of[k] = -1;
    for (uint32_t i = 0; i < w->q->n_items; i++) {
        w->key_of[i] = -1;
        for (uint32_t k = 0; k < w->proj->n_keys; k++) {
            if (!ast_expr_eq(w->q->items[i].expr, w->proj->keys[k]))
                continue;
            if (w->item_of[k] < 0) {
                w->item_of[k] = (int)i;
                w->key_of[i] = (int)k;
            } else if (persistent) {
                return duplicate_key(w, k, (uint32_t)w->item_of[k], i);
            }
            break;
        }
    }
    return STATUS_OK;
}

/* The texts of the keys that messages name: all, or those that are missing. */
static uint32_t list_keys(const struct projecting *w, bool only_missing, struct str *texts, uint32_t most)
{
    const struct projection *proj = w->proj;
    uint32_t n = 0;
    for (uint32_t k = 0; k < proj->n_key_texts && n < most; k++)
        if (!only_missing || w->item_of[k] < 0)
            texts[n++] = proj->key_texts[k];
    return n;
}

static enum status missing_left_keys(struct projecting *w)
{
    struct str names[64];
    uint32_t n = list_keys(w, true, names, 64);
    struct buf list;
    buf_init(&list, 0);
    for (uint32_t i = 0; i < n; i++)
        buf_printf(&list, "%s`" STR_FMT "`", i ? ", " : "", STR_ARG(names[i]));
    enum status st = plan_error(w->p, w->q->ast->span,
                                "Primary key column%s missing in projection. For foreign-key table-table joins, the "
                                "projection must include all primary key columns from the left input table (`" STR_FMT
                                "`). Missing column%s: %s.",
                                n > 1 ? "s" : "", STR_ARG(w->proj->left_table), n > 1 ? "s" : "", buf_z(&list));
    buf_free(&list);
    return st;
}

static enum status missing_keys(struct projecting *w)
{
    const struct projection *proj = w->proj;
    bool is_join = proj->rule == KEYS_JOINED || proj->rule == KEYS_SYNTHETIC;
    struct str texts[64];
    uint32_t n = list_keys(w, proj->rule == KEYS_GROUPED, texts, 64);
    struct buf names, example;
    buf_init(&names, 0);
    buf_init(&example, 0);
    print_list(&names, texts, n, is_join ? " or " : " and ");
    print_list(&example, texts, is_join ? 1 : n, ", ");
    bool synthetic = proj->rule == KEYS_SYNTHETIC;
    enum status st = plan_error(
        w->p, w->q->ast->span,
        "Key%s missing from projection (ie, SELECT). %s\nThe query used to build `" STR_FMT
        "` must include the %s%s %s in its projection (eg, SELECT %s...).%s%s%s",
        n > 1 && !is_join ? "s" : "", synthetic ? "See https://cnfl.io/2LV7ouS." : "", STR_ARG(w->q->sink),
        proj->key_kind, n > 1 ? "s" : "", buf_z(&names), buf_z(&example), synthetic ? "\n" : "",
        synthetic ? buf_z(&names) : "",
        synthetic ? " was added as a synthetic key column because the join criteria did not match any source column. "
                    "This expression must be included in the projection and may be aliased. "
                  : "");
    buf_free(&names);
    buf_free(&example);
    return st;
}

static enum status check_all_keys(struct projecting *w)
{
    uint32_t n_missing = 0;
    for (uint32_t k = 0; k < w->proj->n_keys && !w->follows_items; k++)
        n_missing += w->item_of[k] < 0;
    if (n_missing == 0)
        return STATUS_OK;
    return w->proj->rule == KEYS_FOREIGN ? missing_left_keys(w) : missing_keys(w);
}

/* ---- expressions ----------------------------------------------------------------------------------------------------
 */

static enum status bind_items(struct projecting *w)
{
    struct binder b;
    binder_init(&b, w->p, &w->input->schema);
    for (uint32_t i = 0; i < w->q->n_items; i++) {
        w->bound[i] = w->key_of[i] >= 0 ? expr_column(w->p, &w->input->schema, (uint32_t)w->key_of[i])
                                        : bind_item(&b, w->proj->plain[i], "Select");
        if (!w->bound[i])
            return w->p->d->code;
        if (expr_is_null_literal(w->bound[i]))
            return plan_error(
                w->p, w->q->items[i].span,
                "Can't infer a type of null. Please explicitly cast it to a required type, e.g. CAST(null "
                "AS VARCHAR).");
    }
    return STATUS_OK;
}

static enum status check_names(struct projecting *w)
{
    for (uint32_t i = 0; i < w->q->n_items; i++)
        for (uint32_t j = 0; j < i; j++)
            if (str_eq(w->q->items[i].name, w->q->items[j].name))
                return plan_error(w->p, w->q->items[i].span,
                                  "Duplicate value columns found in schema: `" STR_FMT "` " STR_FMT,
                                  STR_ARG(w->q->items[i].name), STR_ARG(type_text(w->p, w->bound[i]->type)));
    return STATUS_OK;
}

/* ---- the node ---- */

/* A client that selects no key of a stream needs none: then they are not even read. */
static bool hides_all_keys(const struct projecting *w)
{
    if (w->q->purpose == PURPOSE_PERSISTENT || w->input->changelog != CHANGELOG_APPEND)
        return false;
    for (uint32_t k = 0; k < w->proj->n_keys; k++)
        if (w->item_of[k] >= 0)
            return false;
    return true;
}

/* ksqlDB's second planner, which is for plain selects from streams alone, takes the keys as they are selected: they may
 * be in another order, or missing. */
static bool takes_keys_as_selected(const struct planner *p, const struct query *q, const struct logical *input)
{
    return q->purpose == PURPOSE_PERSISTENT && q->is_create_as && input->changelog == CHANGELOG_APPEND &&
           input->schema.window == WINDOW_NONE && q->n_sources == 1 && q->n_group_by == 0 && q->n_partition_by == 0 &&
           planner_flag(p, "ksql.new.query.planner.enabled", false);
}

static bool choose_keys(struct projecting *w)
{
    uint32_t n = w->input->schema.n_keys;
    if (!(w->keys = PLAN_ARRAY(w->p, uint32_t, n)))
        return false;
    if (w->follows_items) {
        for (uint32_t i = 0; i < w->q->n_items; i++)
            if (w->key_of[i] >= 0)
                w->keys[w->n_keys++] = (uint32_t)w->key_of[i];
    } else if (!hides_all_keys(w)) {
        for (; w->n_keys < n; w->n_keys++)
            w->keys[w->n_keys] = w->n_keys;
    }
    return true;
}

static uint32_t key_place(const struct projecting *w, uint32_t key)
{
    uint32_t k = 0;
    while (k < w->n_keys && w->keys[k] != key)
        k++;
    return k;
}

static const struct logical *build_select(struct projecting *w, struct logical_query *out)
{
    struct planner *p = w->p;
    if (!choose_keys(w))
        return NULL;
    uint32_t n_keys = w->n_keys, n = n_keys;
    struct schema_column *columns = PLAN_ARRAY(p, struct schema_column, n_keys + w->q->n_items);
    const struct expr **exprs = PLAN_ARRAY(p, const struct expr *, n_keys + w->q->n_items);
    uint32_t *output = PLAN_ARRAY(p, uint32_t, w->q->n_items);
    struct logical *node = logical_new(p, LOGICAL_PROJECT, w->proj->context, w->input);
    if (!columns || !exprs || !output || !node)
        return NULL;
    for (uint32_t k = 0; k < n_keys; k++) {
        uint32_t key = w->keys[k];
        columns[k] = w->input->schema.columns[key];
        if (key < w->proj->n_keys && w->item_of[key] >= 0)
            columns[k].name = w->q->items[w->item_of[key]].name;
        if (!(exprs[k] = expr_column(p, &w->input->schema, key)))
            return NULL;
    }
    for (uint32_t i = 0; i < w->q->n_items; i++) {
        output[i] = w->key_of[i] >= 0 ? key_place(w, (uint32_t)w->key_of[i]) : n;
        if (w->key_of[i] >= 0)
            continue;
        columns[n] = (struct schema_column){.name = w->q->items[i].name, .type = w->bound[i]->type, .role = ROLE_VALUE};
        exprs[n++] = w->bound[i];
    }
    node->schema.columns = columns;
    node->schema.n_columns = n;
    node->schema.n_keys = n_keys;
    node->select.exprs = exprs;
    out->n_output = w->q->n_items;
    out->output = output;
    return node;
}

/* Errors that ksqlDB only finds when it builds the sink go aside. */
static enum status check_sink_rules(struct projecting *w, struct diag *aside)
{
    struct diag *usual = w->p->d;
    *aside = (struct diag)DIAG_INIT;
    w->p->d = aside;
    enum status st = check_all_keys(w);
    bool has_values = false;
    for (uint32_t i = 0; i < w->q->n_items; i++)
        has_values |= w->key_of[i] < 0;
    if (st == STATUS_OK && !has_values)
        st = plan_error(w->p, w->q->ast->span, "The projection contains no value columns.");
    w->p->d = usual;
    return st == STATUS_NOMEM ? diag_nomem(usual) : st;
}

const struct logical *logical_project(struct planner *p, struct query *q, const struct logical *input,
                                      const struct projection *proj, struct logical_query *out)
{
    struct projecting w = {
        .p = p,
        .q = q,
        .input = input,
        .proj = proj,
        .key_of = PLAN_ARRAY(p, int, q->n_items),
        .item_of = PLAN_ARRAY(p, int, proj->n_keys),
        .bound = PLAN_ARRAY(p, const struct expr *, q->n_items),
        .follows_items = takes_keys_as_selected(p, q, input),
    };
    if (!w.key_of || !w.item_of || !w.bound || match_keys(&w) != STATUS_OK || bind_items(&w) != STATUS_OK ||
        check_names(&w) != STATUS_OK)
        return NULL;
    if (q->purpose == PURPOSE_PERSISTENT && check_sink_rules(&w, &out->sink_error) == STATUS_NOMEM)
        return NULL;
    return build_select(&w, out);
}

enum status logical_check_sink(struct planner *p, const struct logical_query *lq)
{
    if (lq->sink_error.code != STATUS_OK && p->d->code == STATUS_OK)
        *p->d = lq->sink_error;
    return p->d->code;
}
