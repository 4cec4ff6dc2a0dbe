/* a = 1 OR a = 2 OR a IN (3, 4) becomes a IN (1, 2, 3, 4), which is looked up at once, however long it is. Only
 * neighbours are put together, so that what else stands in the OR is reached as before. */
#include "planner/logical/logical.h"

enum { FEWEST = 3 }; /* values: fewer are as fast one by one */

/* A column, or a field of one: it cannot fail, and gives the same again. */
static bool is_plain(const struct expr *e)
{
    while (e->kind == EXPR_FIELD)
        e = e->args[0];
    return e->kind == EXPR_COLUMN;
}

/* Of these types `=` and IN have the same idea of equality. */
static bool is_exact(const struct type *t)
{
    switch (t->kind) {
    case KIND_INT:
    case KIND_BIGINT:
    case KIND_STRING:
    case KIND_DATE:
    case KIND_TIME:
    case KIND_TIMESTAMP:
        return true;
    default:
        return false;
    }
}

static bool is_value_for(const struct expr *e, const struct expr *of)
{
    return e->kind == EXPR_LITERAL && type_eq(e->type, of->type);
}

/* What `e` compares with values, and where those stand; NULL: it is not of that kind. */
static const struct expr *compared(const struct expr *e, const struct expr *const **values, uint32_t *n)
{
    const struct expr *of = e->n_args ? e->args[0] : NULL;
    if (e->kind == EXPR_COMPARE && e->op == COMPARE_EQ && !is_plain(of)) {
        *values = e->args;
        *n = 1;
        of = e->args[1];
    } else if ((e->kind == EXPR_COMPARE && e->op == COMPARE_EQ) || e->kind == EXPR_IN) {
        *values = e->args + 1;
        *n = e->n_args - 1;
    } else {
        return NULL;
    }
    if (!is_plain(of) || !is_exact(of->type))
        return NULL;
    for (uint32_t i = 0; i < *n; i++)
        if (!is_value_for((*values)[i], of))
            return NULL;
    return of;
}

static uint32_t count(const struct expr *e)
{
    uint32_t n = e->kind == EXPR_OR ? 0 : 1;
    for (uint32_t i = 0; e->kind == EXPR_OR && i < e->n_args; i++)
        n += count(e->args[i]);
    return n;
}

static void collect(const struct expr *e, const struct expr **list, uint32_t *n)
{
    if (e->kind != EXPR_OR)
        list[(*n)++] = e;
    for (uint32_t i = 0; e->kind == EXPR_OR && i < e->n_args; i++)
        collect(e->args[i], list, n);
}

/* How many of the list compare the same thing, and with how many values in all. */
static uint32_t run_length(const struct expr *const *list, uint32_t n, uint32_t *n_values)
{
    const struct expr *const *values;
    uint32_t more, run = 0;
    const struct expr *of = compared(list[0], &values, &more);
    *n_values = 0;
    while (of && run < n) {
        const struct expr *next = compared(list[run], &values, &more);
        if (!next || !expr_eq(next, of))
            break;
        *n_values += more;
        run++;
    }
    return run;
}

static const struct expr *make_in(struct planner *p, const struct expr *const *list, uint32_t run, uint32_t n_values)
{
    const struct expr **args = PLAN_ARRAY(p, const struct expr *, n_values + 1);
    uint32_t at = 1;
    for (uint32_t i = 0; args && i < run; i++) {
        const struct expr *const *values;
        uint32_t n = 0;
        args[0] = compared(list[i], &values, &n);
        memcpy(args + at, values, n * sizeof *args);
        at += n;
    }
    return args ? expr_n(p, EXPR_IN, &TYPE_BOOLEAN, args, at) : NULL;
}

const struct expr *fold_or(struct planner *p, const struct expr *e)
{
    uint32_t n = count(e), at = 0, kept = 0;
    const struct expr **list = PLAN_ARRAY(p, const struct expr *, n);
    if (!list)
        return NULL;
    collect(e, list, &at);
    for (uint32_t i = 0; i < n;) {
        uint32_t n_values, run = run_length(list + i, n - i, &n_values);
        if (run < 2 || n_values < FEWEST) {
            run = 1;
            list[kept] = list[i];
        } else if (!(list[kept] = make_in(p, list + i, run, n_values))) {
            return NULL;
        }
        kept++;
        i += run;
    }
    if (kept == n)
        return e;
    const struct expr *made = kept == 1 ? list[0] : expr_n(p, EXPR_OR, &TYPE_BOOLEAN, list, kept);
    if (made)
        ((struct expr *)(uintptr_t)made)->text = e->text;
    return made;
}
