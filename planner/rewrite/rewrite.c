/* The order of the rewrites, and the pass that finds out which tables must remember what they held. */
#include "planner/logical/logical.h"

const struct logical *rewrite_all(struct planner *p, const struct logical *root)
{
    static const struct {
        enum rewrite_flag flag;
        const struct logical *(*run)(struct planner *p, const struct logical *node);
    } passes[] = {
        {REWRITE_FOLD, rewrite_fold},
        {REWRITE_FILTER, rewrite_filter},
        {REWRITE_MERGE, rewrite_merge},
        {REWRITE_PRUNE, rewrite_prune},
    };
    for (size_t i = 0; root && i < sizeof passes / sizeof *passes; i++)
        if (!(p->context->skip_rewrites & passes[i].flag))
            root = passes[i].run(p, root);
    return root;
}

static bool is_table(const struct logical *node)
{
    return node->changelog != CHANGELOG_APPEND;
}

static const struct logical *mark(struct planner *p, const struct logical *node, bool wants_old, bool keep_tables)
{
    struct logical *copy = arena_dup(p->a, node, sizeof *node);
    if (!copy) {
        (void)plan_nomem(p);
        return NULL;
    }
    if (is_table(node))
        copy->changelog = wants_old ? CHANGELOG_RETRACT : CHANGELOG_UPSERT;
    if (node->kind == LOGICAL_SOURCE)
        copy->source.is_materialized = is_table(node) && (wants_old || keep_tables);
    bool passes_on = node->kind == LOGICAL_PROJECT && wants_old;
    bool keeps_rows = node->kind == LOGICAL_JOIN; /* by itself: its inputs need not remember theirs */
    for (uint32_t i = 0; i < node->n_inputs; i++) {
        bool looks_back = node->kind == LOGICAL_FILTER || node->kind == LOGICAL_GROUP;
        copy->inputs[i] = mark(p, node->inputs[i], is_table(node->inputs[i]) && (looks_back || passes_on),
                               keep_tables && !keeps_rows);
        if (!copy->inputs[i])
            return NULL;
    }
    return copy;
}

const struct logical *rewrite_changelog(struct planner *p, const struct logical *node, bool keep_tables)
{
    return mark(p, node, false, keep_tables);
}
