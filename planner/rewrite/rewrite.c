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

/* What is asked of a table. */
struct wish {
    bool old;    /* previous states */
    bool surely; /* also of the results of foreign-key joins, which must be kept for it: a GROUP BY has no use for a row
                    without the one that it replaces, while a filter makes do */
    bool kept;   /* for pull queries */
};

static struct wish wish_below(const struct logical *node, const struct logical *input, struct wish above)
{
    bool passes_on = node->kind == LOGICAL_PROJECT || node->kind == LOGICAL_FILTER;
    bool groups = node->kind == LOGICAL_GROUP;
    if (node->kind == LOGICAL_JOIN) /* keeps rows by itself: its inputs need not remember theirs */
        return (struct wish){0};
    if (!is_table(input))
        return (struct wish){.kept = above.kept};
    return (struct wish){.old = groups || node->kind == LOGICAL_FILTER || (passes_on && above.old),
                         .surely = groups || (passes_on && above.surely),
                         .kept = above.kept};
}

static const struct logical *mark(struct planner *p, const struct logical *node, struct wish wish)
{
    struct logical *copy = arena_dup(p->a, node, sizeof *node);
    if (!copy) {
        (void)plan_nomem(p);
        return NULL;
    }
    if (is_table(node))
        copy->changelog = wish.old ? CHANGELOG_RETRACT : CHANGELOG_UPSERT;
    if (node->kind == LOGICAL_SOURCE)
        copy->source.is_materialized = is_table(node) && (wish.old || wish.kept);
    if (node->kind == LOGICAL_JOIN)
        copy->join.keeps_result = node->join.shape == JOIN_FOREIGN_KEY && wish.surely;
    for (uint32_t i = 0; i < node->n_inputs; i++)
        if (!(copy->inputs[i] = mark(p, node->inputs[i], wish_below(node, node->inputs[i], wish))))
            return NULL;
    return copy;
}

const struct logical *rewrite_changelog(struct planner *p, const struct logical *node, bool keep_tables)
{
    return mark(p, node, (struct wish){.kept = keep_tables});
}
