/* The rules of joins that need the kinds of the sources, in the order in which ksqlDB finds them (rules.md 5.2). */
#include "planner/logical/join_int.h"

static const char *join_words(enum ast_join_type type)
{
    static const char *const words[] = {"[INNER] JOIN", "LEFT [OUTER] JOIN", "RIGHT [OUTER] JOIN", "[FULL] OUTER JOIN"};
    return words[type];
}

bool joined_is_table(const struct query *q, uint32_t last)
{
    for (uint32_t i = 0; i <= last; i++)
        if (!q->sources[i].source->is_table)
            return false;
    return true;
}

/* One join while it is checked. */
struct checked {
    struct planner *p;
    const struct query *q;
    const struct query_join *join;
    const struct source *left, *right;
    bool is_first, left_table, right_table;
};

/* "T1.ID = T2.ID", as written. */
static struct str criteria(const struct checked *c)
{
    struct planner *p = c->p;
    struct str x = ast_expr_text(p->a, c->join->on->args[0]), y = ast_expr_text(p->a, c->join->on->args[1]);
    struct str text = str_printf(p->a, STR_FMT " = " STR_FMT, STR_ARG(x), STR_ARG(y));
    return text.p ? text : STR("");
}

static enum status refuse(const struct checked *c, const char *what)
{
    return plan_error(c->p, c->join->ast->span, "Invalid join condition: %s. Got " STR_FMT ".", what,
                      STR_ARG(criteria(c)));
}

static enum status refuse_type(const struct checked *c, const char *what)
{
    return plan_error(c->p, c->join->ast->span,
                      "Invalid join type: full-outer join not supported for %s join. Got " STR_FMT " %s " STR_FMT ".",
                      what, STR_ARG(c->left->name), join_words(c->join->ast->type), STR_ARG(c->right->name));
}

static enum status check_stream_table(const struct checked *c)
{
    enum ast_join_type type = c->join->ast->type;
    if (type == JOIN_FULL)
        return refuse_type(c, "stream-table");
    if (type == JOIN_RIGHT)
        return plan_error(c->p, c->join->ast->span, "Invalid join type encountered: %s", join_words(type));
    if (!c->join->right_keyed)
        return refuse(c, "stream-table joins require to join on the table's primary key");
    return STATUS_OK;
}

static enum status check_table_table(const struct checked *c)
{
    enum ast_join_type type = c->join->ast->type;
    if (!c->join->right_keyed)
        return refuse(c, "table-table joins require to join on the primary key of the right input table");
    if (!c->join->is_foreign)
        return STATUS_OK;
    if (type == JOIN_FULL)
        return refuse_type(c, "foreign-key table-table");
    if (type == JOIN_RIGHT)
        return plan_error(c->p, c->join->ast->span, "RIGHT OUTER JOIN on a foreign key is not supported");
    if (!c->is_first)
        return refuse(c, "foreign-key table-table joins are not supported as part of n-way joins");
    if (c->left->schema.window != WINDOW_NONE || c->right->schema.window != WINDOW_NONE)
        return plan_error(c->p, c->join->ast->span,
                          "Foreign-key table-table joins are not supported on windowed tables.");
    return STATUS_OK;
}

static enum status check_kinds(const struct checked *c)
{
    if (c->left_table && !c->right_table)
        return plan_error(
            c->p, c->join->ast->span,
            "Invalid join order: table-stream joins are not supported; only stream-table joins. Got " STR_FMT
            " %s " STR_FMT ".",
            STR_ARG(c->left->name), join_words(c->join->ast->type), STR_ARG(c->right->name));
    if (!c->right_table)
        return STATUS_OK;
    return c->left_table ? check_table_table(c) : check_stream_table(c);
}

static enum status check_partitions(const struct checked *c)
{
    uint32_t x = c->left->partitions, y = c->right->partitions;
    if (x == y || c->join->is_foreign)
        return STATUS_OK;
    return plan_error(c->p, c->join->ast->span,
                      "Can't join `" STR_FMT "` with `" STR_FMT
                      "` since the number of partitions don't match. `" STR_FMT "` partitions = %u; `" STR_FMT
                      "` partitions = %u. Please repartition either one so that the number of partitions match.",
                      STR_ARG(c->left->name), STR_ARG(c->right->name), STR_ARG(c->left->name), x,
                      STR_ARG(c->right->name), y);
}

static enum status check_within(const struct checked *c)
{
    const struct ast_join *ast = c->join->ast;
    int64_t sum;
    if (!c->right_table && !ast->has_within)
        return plan_error(c->p, ast->span,
                          "Stream-Stream joins must have a WITHIN clause specified. None was provided. To learn about "
                          "how to specify a WITHIN clause with a stream-stream join, please visit: "
                          "https://docs.confluent.io/current/ksql/docs/syntax-reference.html"
                          "#create-stream-as-select");
    if (c->right_table && ast->has_within && !c->left_table)
        return plan_error(c->p, ast->span,
                          "A window definition was provided for a Stream-Table join. These joins are not windowed. "
                          "Please drop the window definition (ie. the WITHIN clause) and try to execute your join "
                          "again.");
    if (c->right_table && ast->has_within)
        return plan_error(c->p, ast->span,
                          "A window definition was provided for a Table-Table join. These joins are not windowed. "
                          "Please drop the window definition (i.e. the WITHIN clause) and try to execute your "
                          "Table-Table join again.");
    if (ast->has_within && (__builtin_add_overflow(ast->before.ms, ast->after.ms, &sum) ||
                            __builtin_add_overflow(sum, ast->grace.ms, &sum)))
        return plan_error(c->p, ast->span, "WITHIN and its grace period are too long together");
    return STATUS_OK;
}

enum status join_check(struct planner *p, struct query *q)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < q->n_joins; i++) {
        struct checked c = {.p = p,
                            .q = q,
                            .join = &q->joins[i],
                            .left = q->sources[q->joins[i].left_source].source,
                            .right = q->sources[i + 1].source,
                            .is_first = i == 0,
                            .left_table = joined_is_table(q, i),
                            .right_table = q->sources[i + 1].source->is_table};
        TRY(join_find_key(p, q, i));
        TRY(check_kinds(&c));
        TRY(check_partitions(&c));
        TRY(check_within(&c));
    }
done:
    return st;
}

enum status join_check_types(struct planner *p, const struct query_join *join, bool tables, const struct type *left,
                             const struct type *right)
{
    if (type_eq(left, right))
        return STATUS_OK;
    if (!tables)
        return plan_error(p, join->on->span, "Invalid join. Key types differ: " STR_FMT " vs " STR_FMT,
                          STR_ARG(type_text(p, left)), STR_ARG(type_text(p, right)));
    bool flipped = join->left != join->on->args[0];
    struct str x = ast_expr_text(p->a, join->on->args[0]), y = ast_expr_text(p->a, join->on->args[1]);
    return plan_error(p, join->on->span,
                      "Invalid join condition: types don't match. Got " STR_FMT "{" STR_FMT "} = " STR_FMT "{" STR_FMT
                      "}.",
                      STR_ARG(x), STR_ARG(type_text(p, flipped ? right : left)), STR_ARG(y),
                      STR_ARG(type_text(p, flipped ? left : right)));
}
