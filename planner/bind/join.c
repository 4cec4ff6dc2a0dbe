/* Joins of a query as far as names go: which sources meet in each, and what ON says (rules.md 5.2). The criteria are
 * turned so that `right` is about the joined source; messages keep the order of the text. Kinds and types of the
 * sources, WITHIN and keys come later, in logical/join_rules.c. */
#include "planner/planner_int.h"

/* ---- the sources that an expression refers to ---- */

struct references {
    const struct query *q;
    uint32_t n; /* different ones */
    uint32_t first;
    bool seen[MAX_JOINED];
};

static bool note_source(void *data, const struct ast_expr *e)
{
    struct references *r = data;
    for (uint32_t i = 0; e->kind == AST_COLUMN && e->source.len && i < r->q->n_sources; i++) {
        if (!str_eq(e->source, r->q->sources[i].alias))
            continue;
        if (!r->seen[i] && r->n++ == 0)
            r->first = i;
        r->seen[i] = true;
        break;
    }
    return true;
}

static enum status one_source(struct planner *p, const struct query *q, const struct ast_expr *on,
                              const struct ast_expr *side, uint32_t *which)
{
    struct references r = {.q = q};
    ast_walk(side, note_source, &r);
    *which = r.first;
    if (r.n == 1)
        return STATUS_OK;
    struct str text = ast_expr_text(p->a, side), whole = ast_expr_text(p->a, on);
    return plan_error(p, side->span,
                      "Invalid comparison expression '" STR_FMT "' in join '" STR_FMT
                      "'. Each side of the join comparision must contain references from exactly one source.",
                      STR_ARG(text), STR_ARG(whole));
}

/* ---- ON ---- */

static bool is_equality(const struct ast_expr *e)
{
    return e->kind == AST_COMPARISON && e->op == OP_EQ;
}

static enum status check_form(struct planner *p, const struct ast_expr *on)
{
    struct str text = ast_expr_text(p->a, on);
    if (is_equality(on))
        return STATUS_OK;
    if (on->kind == AST_COMPARISON)
        return plan_error(p, on->span, "Only equality join criteria is supported.");
    bool several = on->kind == AST_AND || on->kind == AST_OR;
    for (uint32_t i = 0; several && i < on->n_args; i++)
        several = is_equality(on->args[i]);
    if (several)
        return plan_error(
            p, on->span, "Invalid join condition: joins on multiple conditions are not yet supported. Got " STR_FMT ".",
            STR_ARG(text));
    return plan_error(p, on->span, "Unsupported join expression: " STR_FMT, STR_ARG(text));
}

static enum status split_criteria(struct planner *p, const struct query *q, struct query_join *join, uint32_t joined)
{
    const struct ast_expr *on = join->on;
    uint32_t left = 0, right = 0;
    enum status st = STATUS_OK;
    TRY(check_form(p, on));
    TRY(one_source(p, q, on, on->args[0], &left));
    TRY(one_source(p, q, on, on->args[1], &right));
    if (left == right)
        TRY(plan_error(p, on->span,
                       "Each side of the join must reference exactly one source and not the same source. Left side "
                       "references `" STR_FMT "` and right references `" STR_FMT "`",
                       STR_ARG(q->sources[left].alias), STR_ARG(q->sources[right].alias)));
    if (left != joined && right != joined)
        TRY(plan_error(p, on->span,
                       "A join criteria is expected to reference the source (`" STR_FMT
                       "`) in the FROM clause, instead the right source references `" STR_FMT
                       "` and the left source references `" STR_FMT "`",
                       STR_ARG(q->sources[joined].alias), STR_ARG(q->sources[right].alias),
                       STR_ARG(q->sources[left].alias)));
    bool flipped = left == joined;
    join->left = on->args[flipped];
    join->right = on->args[!flipped];
    join->left_source = flipped ? right : left;
    if (join->left_source > joined)
        TRY(plan_error(p, on->span,
                       "Cannot build JOIN tree; neither source in the join is the FROM source or included in a "
                       "previous JOIN: " STR_FMT ", " STR_FMT,
                       STR_ARG(q->sources[joined].alias), STR_ARG(q->sources[join->left_source].alias)));
done:
    return st;
}

/* ---- the sources ---- */

static enum status check_occurrences(struct planner *p, const struct query *q, uint32_t joined)
{
    struct str name = q->sources[joined].source->name;
    for (uint32_t i = 0; i < joined; i++) {
        if (!str_eq(q->sources[i].source->name, name))
            continue;
        if (joined == 1)
            return plan_error(p, q->sources[joined].span,
                              "Can not join '" STR_FMT "' to '" STR_FMT "': self joins are not yet supported.",
                              STR_ARG(name), STR_ARG(name));
        return plan_error(p, q->sources[joined].span,
                          "N-way joins do not support multiple occurrences of the same source. Source: '" STR_FMT "'.",
                          STR_ARG(name));
    }
    return STATUS_OK;
}

static const char *window_name(enum window_kind kind)
{
    static const char *const names[] = {"", "TUMBLING", "HOPPING", "SESSION"};
    return names[kind];
}

static void window_text(struct buf *out, const struct source *s)
{
    if (s->schema.window == WINDOW_NONE)
        buf_printf(out, "\n`" STR_FMT "` is not windowed", STR_ARG(s->name));
    else
        buf_printf(out, "\n`" STR_FMT "` is %s windowed", STR_ARG(s->name), window_name(s->schema.window));
}

static enum status check_windows(struct planner *p, const struct query *q, const struct query_join *join,
                                 uint32_t joined)
{
    const struct source *left = q->sources[join->left_source].source, *right = q->sources[joined].source;
    enum window_kind x = left->schema.window, y = right->schema.window;
    if ((x == WINDOW_NONE) != (y == WINDOW_NONE)) {
        struct buf text;
        buf_init(&text, 0);
        window_text(&text, left);
        window_text(&text, right);
        enum status st = plan_error(p, q->sources[joined].span,
                                    "Can not join windowed source to non-windowed source.%s", buf_z(&text));
        buf_free(&text);
        return st;
    }
    if ((x == WINDOW_SESSION) == (y == WINDOW_SESSION))
        return STATUS_OK;
    return plan_error(p, q->sources[joined].span,
                      "Incompatible windowed sources.\nLeft source: %s\nRight source: %s\nSession windowed sources can "
                      "only be joined to other session windowed sources, and may still not result in expected "
                      "behaviour as session bounds must be an exact match for the join to work\nHopping and tumbling "
                      "windowed sources can only be joined to other hopping and tumbling windowed sources",
                      window_name(x), window_name(y));
}

enum status query_analyse_joins(struct planner *p, struct query *q)
{
    enum status st = STATUS_OK;
    if (q->n_sources > MAX_JOINED)
        return plan_error(p, q->ast->span, "Too many joins in one query");
    for (uint32_t i = 0; i < q->ast->n_joins && st == STATUS_OK; i++) {
        st = check_occurrences(p, q, i + 1);
        if (st == STATUS_OK)
            st = split_criteria(p, q, &q->joins[i], i + 1);
        if (st == STATUS_OK)
            st = check_windows(p, q, &q->joins[i], i + 1);
    }
    return st;
}
