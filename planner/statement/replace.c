/* CREATE OR REPLACE: what may change (rules.md 4.2). Sources may gain columns at the end; plans may change in their
 * filters and selects, but not in what holds state or decides where rows go. */
#include "planner/planner_int.h"

/* ---- sources ---- */

struct differences {
    struct planner *p;
    const struct source *old;
    struct buf text;
};

static void differ(struct differences *d, const char *what, struct str old, struct str new_one, const char *tail)
{
    buf_printf(&d->text, "%s has %s = " STR_FMT " which is not upgradeable to " STR_FMT "%s",
               d->text.len ? "\n\tAND DataSource" : "DataSource", what, STR_ARG(old), STR_ARG(new_one), tail);
}

static struct str schema_text(struct planner *p, const struct schema_column *columns, uint32_t n, uint32_t n_keys)
{
    struct buf b;
    struct schema schema = {.n_columns = n, .n_keys = n_keys, .columns = columns};
    buf_init(&b, 0);
    schema_print(&b, &schema);
    return planner_take(p, &b);
}

static bool same_column(const struct schema_column *x, const struct schema_column *y)
{
    return str_eq(x->name, y->name) && type_eq(x->type, y->type) && x->role == y->role;
}

/* The columns of one side that are changed, missing or at another place. */
static struct str changed_columns(struct planner *p, const struct schema_column *old, uint32_t n_old,
                                  const struct schema_column *now, uint32_t n_now, bool keys)
{
    struct schema_column *bad = PLAN_ARRAY(p, struct schema_column, n_old + n_now);
    uint32_t n = 0;
    for (uint32_t i = 0; bad && i < n_old; i++)
        if (i >= n_now || !same_column(&old[i], &now[i]))
            bad[n++] = old[i];
    for (uint32_t i = n_old; bad && keys && i < n_now; i++)
        bad[n++] = now[i];
    return n ? schema_text(p, bad, n, keys ? n : 0) : STR("");
}

static void compare_schemas(struct differences *d, const struct source *now)
{
    struct planner *p = d->p;
    const struct schema *a = &d->old->schema, *b = &now->schema;
    struct str keys = changed_columns(p, a->columns, a->n_keys, b->columns, b->n_keys, true);
    struct str values = changed_columns(p, a->columns + a->n_keys, a->n_columns - a->n_keys, b->columns + b->n_keys,
                                        b->n_columns - b->n_keys, false);
    if (keys.len == 0 && values.len == 0)
        return;
    struct str old_text = schema_text(p, a->columns, a->n_columns, a->n_keys);
    struct str new_text = schema_text(p, b->columns, b->n_columns, b->n_keys);
    char *tail = arena_printf(p->a,
                              keys.len ? ". (Key columns must be identical. The following key columns are changed, "
                                         "missing or reordered: [" STR_FMT "])"
                                       : ". (The following columns are changed, missing or reordered: [" STR_FMT "])",
                              STR_ARG(keys.len ? keys : values));
    if (tail)
        differ(d, "schema", old_text, new_text, tail);
}

/* A schema id may change: the columns of the new one are compared. */
static bool same_format(const struct format_spec *x, const struct format_spec *y)
{
    return x->kind == y->kind && x->delimiter == y->delimiter && x->nulls == y->nulls &&
           str_eq(str_from(x->full_name), str_from(y->full_name));
}

enum status check_replaceable(struct planner *p, const struct source *old, const struct source *now)
{
    struct differences d = {.p = p, .old = old};
    buf_init(&d.text, 0);
    if (old->is_table != now->is_table)
        differ(&d, "type", old->is_table ? STR("KTABLE") : STR("KSTREAM"),
               now->is_table ? STR("KTABLE") : STR("KSTREAM"), "");
    if (strcmp(old->topic, now->topic) != 0 || !same_format(&old->formats.key, &now->formats.key) ||
        !same_format(&old->formats.value, &now->formats.value))
        differ(&d, "topic", str_from(old->topic), str_from(now->topic), "");
    if (!str_eq(old->timestamp_column, now->timestamp_column))
        differ(&d, "timestampColumn", old->timestamp_column, now->timestamp_column, "");
    compare_schemas(&d, now);
    enum status st = STATUS_OK;
    if (d.text.len) {
        struct str text = planner_take(p, &d.text);
        struct str prefix = STR("DataSource");
        st = plan_invalid(p, p->statement->span, "Cannot upgrade data source: DataSource '`" STR_FMT "`'" STR_FMT,
                          STR_ARG(old->name), STR_ARG(str_make(text.p + prefix.len, text.len - prefix.len)));
    }
    buf_free(&d.text);
    return st;
}

/* ---- queries ---- */

static bool is_free(enum step_kind kind)
{
    return kind == STEP_STREAM_FILTER || kind == STEP_TABLE_FILTER || kind == STEP_STREAM_SELECT ||
           kind == STEP_TABLE_SELECT || kind == STEP_REPARTITION_SINK || kind == STEP_REPARTITION_SOURCE;
}

static bool can_be_upgraded(const struct step *s)
{
    switch (s->kind) {
    case STEP_STREAM_SOURCE:
    case STEP_TABLE_SOURCE:
        return s->source.formats.window == WINDOW_NONE;
    case STEP_STREAM_SELECT_KEY:
    case STEP_STREAM_GROUP_BY:
    case STEP_STREAM_GROUP_BY_KEY:
    case STEP_STREAM_AGGREGATE:
    case STEP_STREAM_SINK:
    case STEP_TABLE_SINK:
        return true;
    default:
        return is_free(s->kind);
    }
}

static bool is_join(const struct step *s)
{
    return s->n_inputs == 2;
}

struct step_list {
    const struct step *items[64];
    uint32_t n;
};

static const struct step *below(const struct plan *plan, const struct step *s)
{
    if (s->kind != STEP_REPARTITION_SOURCE)
        return s->n_inputs ? s->inputs[0] : NULL;
    for (uint32_t i = 0; i < plan->n_stages; i++) {
        const struct step *root = plan->stages[i].root;
        if (root->kind == STEP_REPARTITION_SINK && strcmp(root->repartition.name, s->repartition.name) == 0)
            return root;
    }
    return NULL;
}

/* The steps that matter, from the sink down. */
static enum status list_steps(struct planner *p, const struct plan *plan, bool is_new, struct step_list *out)
{
    for (const struct step *s = plan->sink; s; s = below(plan, s)) {
        if (is_new && is_join(s))
            return plan_invalid(p, p->statement->span,
                                "Query is not upgradeable. Cannot change a non-join source into a join source.");
        if (!can_be_upgraded(s)) {
            bool windowed = s->kind == STEP_STREAM_SOURCE || s->kind == STEP_TABLE_SOURCE;
            if (s->kind == STEP_STREAM_WINDOWED_AGGREGATE && s->aggregate.window.emit_final)
                return plan_invalid(p, p->statement->span, "Upgrades not yet supported for TableSuppress");
            return plan_invalid(p, p->statement->span, "Upgrades not yet supported for %s%s",
                                windowed ? "Windowed" : "", step_kind_name(s->kind));
        }
        if (!is_free(s->kind) && out->n < sizeof out->items / sizeof *out->items)
            out->items[out->n++] = s;
    }
    return STATUS_OK;
}

/* By their texts: columns may stand at other places than before. */
static bool same_keys(struct planner *p, const struct step *x, const struct step *y)
{
    bool same = x->schema.n_keys == y->schema.n_keys;
    for (uint32_t i = 0; same && i < x->schema.n_keys; i++) {
        struct buf a, b;
        buf_init(&a, 0);
        buf_init(&b, 0);
        expr_print(&a, x->select.exprs[i]);
        expr_print(&b, y->select.exprs[i]);
        same = str_eq(buf_str(&a), buf_str(&b));
        if (a.failed || b.failed)
            (void)plan_nomem(p);
        buf_free(&a);
        buf_free(&b);
    }
    return same;
}

/* Calls of one text may still be of other types. */
static bool same_variants(const struct step *x, const struct step *y)
{
    bool same = x->aggregate.n_calls == y->aggregate.n_calls;
    for (uint32_t i = 0; same && i < x->aggregate.n_calls; i++)
        same = x->aggregate.calls[i].call->variant == y->aggregate.calls[i].call->variant;
    return same;
}

struct values {
    struct str old, now;
};

static const char *aggregate_difference(const struct step *x, const struct step *y, struct values *differ)
{
    if (!str_eq(x->aggregate.reads, y->aggregate.reads)) {
        *differ = (struct values){x->aggregate.reads, y->aggregate.reads};
        return "columns not part of aggregate";
    }
    *differ = (struct values){x->aggregate.functions, y->aggregate.functions};
    return str_eq(differ->old, differ->now) && same_variants(x, y) ? NULL : "aggregate functions";
}

/* The property in which two steps of one kind differ, and its values; NULL: none. */
static const char *difference(struct planner *p, const struct step *x, const struct step *y, struct values *differ)
{
    *differ = (struct values){str_from(step_kind_name(x->kind)), str_from(step_kind_name(y->kind))};
    switch (x->kind) {
    case STEP_STREAM_SOURCE:
    case STEP_TABLE_SOURCE:
        if (strcmp(x->source.topic, y->source.topic) != 0)
            return "topicName";
        if (!same_format(&x->source.formats.key, &y->source.formats.key) ||
            !same_format(&x->source.formats.value, &y->source.formats.value))
            return "formats";
        return x->source.timestamp.kind != y->source.timestamp.kind ? "timestampColumn" : NULL;
    case STEP_STREAM_SELECT_KEY:
        return same_keys(p, x, y) ? NULL : "keyExpressions";
    case STEP_STREAM_GROUP_BY:
    case STEP_STREAM_GROUP_BY_KEY:
        return same_keys(p, x, y) ? NULL : "group by clause";
    case STEP_STREAM_AGGREGATE:
        return aggregate_difference(x, y, differ);
    case STEP_STREAM_SINK:
    case STEP_TABLE_SINK:
        return strcmp(x->sink.topic, y->sink.topic) != 0 ? "topicName" : NULL;
    default:
        return NULL;
    }
}

static enum status compare_plans(struct planner *p, const struct step_list *old, const struct step_list *now)
{
    for (uint32_t i = 0; i < old->n && i < now->n; i++) {
        const struct step *x = old->items[i], *y = now->items[i];
        struct values differ = {str_from(step_kind_name(x->kind)), str_from(step_kind_name(y->kind))};
        const char *what = x->kind != y->kind ? "class" : difference(p, x, y, &differ);
        bool list = what && x->kind == y->kind && x->kind == STEP_STREAM_AGGREGATE;
        if (what)
            return plan_invalid(p, p->statement->span,
                                "Query is not upgradeable. Plan step of type %s must have matching %s. Values differ: "
                                "%s" STR_FMT "%s vs. %s" STR_FMT "%s",
                                step_kind_name(y->kind), what, list ? "[" : "", STR_ARG(differ.old), list ? "]" : "",
                                list ? "[" : "", STR_ARG(differ.now), list ? "]" : "");
    }
    if (old->n != now->n)
        return plan_invalid(p, p->statement->span,
                            "Query is not upgradeable. Cannot add a class %s step that is not in the original query "
                            "plan.",
                            step_kind_name(now->items[now->n - 1]->kind));
    return STATUS_OK;
}

enum status check_query_replaceable(struct planner *p, const struct source *old, const struct plan *plan)
{
    const struct catalog_query *query = old->created_by ? catalog_query(p->catalog, str_from(old->created_by)) : NULL;
    struct buf writers;
    uint32_t n = 0;
    buf_init(&writers, 0);
    MAP_EACH (catalog_queries(p->catalog), e) {
        const struct catalog_query *other = e->value;
        if (other->kind != QUERY_SOURCE_TABLE && str_eq(other->sink, old->name))
            buf_printf(&writers, "%s%s", n++ ? ", " : "", other->id);
    }
    enum status st = STATUS_OK;
    if (n > 1)
        st = plan_invalid(p, p->statement->span,
                          "REPLACE for sink `" STR_FMT
                          "` is not supported because there are multiple queries writing into it: [%s]",
                          STR_ARG(old->name), buf_z(&writers));
    buf_free(&writers);
    if (st != STATUS_OK || !query || !query->plan)
        return st;
    struct step_list before = {.n = 0}, after = {.n = 0};
    st = list_steps(p, query->plan, false, &before);
    if (st == STATUS_OK)
        st = list_steps(p, plan, true, &after);
    return st == STATUS_OK ? compare_plans(p, &before, &after) : st;
}
