/* Builders of bound expressions. All answer NULL after setting the diag. */
#include "planner/planner_int.h"

enum { DECIMAL_DIGITS = 38 }; /* more do not fit into a value */

struct expr *expr_new(struct planner *p, enum expr_kind kind, const struct type *type)
{
    struct expr *e = type ? PLAN_NEW(p, struct expr) : NULL;
    if (!e) {
        (void)plan_nomem(p); /* a missing type is one that could not be allocated */
        return NULL;
    }
    e->kind = kind;
    e->type = type;
    e->fails_all = p->nested_errors_fail;
    return e;
}

const struct expr *expr_literal(struct planner *p, struct value v, const struct type *type)
{
    struct expr *e = expr_new(p, EXPR_LITERAL, type);
    if (e)
        e->value = v;
    return e;
}

bool expr_decimal(struct planner *p, struct str text, const struct expr **out)
{
    int128 unscaled;
    int scale;
    *out = NULL;
    if (!parse_decimal(text, &unscaled, &scale))
        return false;
    if (scale < 0 && decimal_rescale(unscaled, scale, 0, &unscaled))
        scale = 0;
    int digits = decimal_digits(unscaled), least = scale < DECIMAL_DIGITS ? scale + 1 : DECIMAL_DIGITS;
    int128 *stored = arena_dup(p->a, &unscaled, sizeof unscaled);
    if (!stored) {
        (void)plan_nomem(p);
        return true;
    }
    *out = expr_literal(p, (struct value){.kind = KIND_DECIMAL, .decimal = stored},
                        type_decimal(p->a, (unsigned)(digits > least ? digits : least), (unsigned)scale));
    return true;
}

const struct expr *expr_column(struct planner *p, const struct schema *schema, uint32_t index)
{
    struct expr *e = expr_new(p, EXPR_COLUMN, schema->columns[index].type);
    if (e) {
        e->column = index;
        e->name = schema->columns[index].name;
    }
    return e;
}

const struct expr *expr_pseudo(struct planner *p, enum pseudo which)
{
    static const char *const names[] = {"ROWTIME", "ROWPARTITION", "ROWOFFSET", "WINDOWSTART", "WINDOWEND"};
    struct expr *e = expr_new(p, EXPR_PSEUDO, which == PSEUDO_ROWPARTITION ? &TYPE_INT : &TYPE_BIGINT);
    if (e) {
        e->op = (uint8_t)which;
        e->name = str_from(names[which]);
    }
    return e;
}

const struct expr *expr_n(struct planner *p, enum expr_kind kind, const struct type *type,
                          const struct expr *const *args, uint32_t n)
{
    struct expr *e = expr_new(p, kind, type);
    if (!e)
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        if (!args[i])
            return NULL;
    e->args = arena_dup(p->a, args, n * sizeof *args);
    e->n_args = n;
    if (n && !e->args) {
        (void)plan_nomem(p);
        return NULL;
    }
    return e;
}

const struct expr *expr_cast(struct planner *p, const struct expr *e, const struct type *to)
{
    if (!e || type_eq(e->type, to))
        return e;
    if (e->kind == EXPR_LITERAL) {
        struct value v = VALUE_NULL;
        char error[256];
        if (value_is_null(&e->value) || cast_value(p->a, &e->value, e->type, to, &v, error, sizeof error))
            return expr_literal(p, v, to);
    }
    return expr_n(p, EXPR_CAST, to, &e, 1);
}
