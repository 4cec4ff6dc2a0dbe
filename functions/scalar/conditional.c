/* COALESCE, IFNULL, NULLIF, GREATEST, LEAST, AS_VALUE. */
#include "functions/decimal_ops.h"
#include "functions/functions_int.h"

static bool coalesce(struct call *c, const struct value *args, struct value *result)
{
    *result = VALUE_NULL;
    for (uint32_t i = 0; i < c->n_args && value_is_null(result); i++)
        *result = args[i];
    return true;
}

static bool nullif(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    *result = value_is_null(&args[0]) || !value_eq(&args[0], &args[1]) ? args[0] : VALUE_NULL;
    return true;
}

static bool as_value(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    *result = args[0];
    return true;
}

/* ---- GREATEST, LEAST ------------------------------------------------------------------------------------------- */

static bool extreme(struct call *c, const struct value *args, int sign, struct value *result)
{
    *result = VALUE_NULL;
    for (uint32_t i = 0; i < c->n_args; i++)
        if (!value_is_null(&args[i]) && (value_is_null(result) || value_cmp(&args[i], result) * sign > 0))
            *result = args[i];
    return true;
}

/* The arguments may have different scales. */
static bool extreme_decimal(struct call *c, const struct value *args, int sign, struct value *result)
{
    uint32_t best = c->n_args;
    *result = VALUE_NULL;
    for (uint32_t i = 0; i < c->n_args; i++) {
        if (value_is_null(&args[i]))
            continue;
        if (best == c->n_args ||
            decimal_cmp(*args[i].decimal, c->arg_types[i]->scale, *args[best].decimal, c->arg_types[best]->scale) *
                    sign >
                0)
            best = i;
    }
    return best == c->n_args ||
           cast_value(c->arena, &args[best], c->arg_types[best], c->result_type, result, c->error, sizeof c->error);
}

static bool greatest(struct call *c, const struct value *args, struct value *result)
{
    return extreme(c, args, 1, result);
}

static bool least(struct call *c, const struct value *args, struct value *result)
{
    return extreme(c, args, -1, result);
}

static bool greatest_decimal(struct call *c, const struct value *args, struct value *result)
{
    return extreme_decimal(c, args, 1, result);
}

static bool least_decimal(struct call *c, const struct value *args, struct value *result)
{
    return extreme_decimal(c, args, -1, result);
}

/* The DECIMAL that holds all of them: most whole digits, most fraction digits. */
static const struct type *widest_decimal(struct arena *a, const struct type *const *args, uint32_t n, struct diag *d)
{
    unsigned whole = 0, scale = 0;
    for (uint32_t i = 0; i < n; i++) {
        unsigned of_arg = (unsigned)(args[i]->precision - args[i]->scale);
        if (args[i]->kind != KIND_DECIMAL)
            continue;
        whole = of_arg > whole ? of_arg : whole;
        scale = args[i]->scale > scale ? args[i]->scale : scale;
    }
    const struct type *t = type_decimal(a, whole + scale ? whole + scale : 1, scale);
    if (!t)
        diag_nomem(d);
    return t;
}

#define EXTREME_VARIANTS(any, decimal)                                                                                 \
    VARIANTS(CALL("(INT, INT... vals) -> INT", any), CALL("(BIGINT, BIGINT... vals) -> BIGINT", any),                  \
             CALL("(DOUBLE, DOUBLE... vals) -> DOUBLE", any), CALL("(STRING, STRING... vals) -> STRING", any),         \
             CALL("(BYTES, BYTES... vals) -> BYTES", any), CALL("(DATE, DATE... vals) -> DATE", any),                  \
             CALL("(TIME, TIME... vals) -> TIME", any), CALL("(TIMESTAMP, TIMESTAMP... vals) -> TIMESTAMP", any),      \
             {.signature = "(DECIMAL, DECIMAL... vals) -> DECIMAL *", .fn = (decimal), .result_type = widest_decimal})

static const struct function table[] = {
    {.name = "COALESCE",
     .declared_name = "COALESCE",
     .category = "CONDITIONAL",
     .description = "Returns first non-null element",
     VARIANTS(CALL("(T first, T... others) -> T", coalesce))},
    {.name = "IFNULL",
     .declared_name = "IFNULL",
     .category = "CONDITIONAL",
     .description = "Returns expression if not null, otherwise altValue",
     VARIANTS(CALL("(T expression, T altValue) -> T", coalesce))},
    {.name = "NULLIF",
     .declared_name = "NULLIF",
     .category = "CONDITIONAL",
     .description = "Returns NULL if two expressions are equal, otherwise the first expression",
     VARIANTS(CALL("(T expression1, T expression2) -> T", nullif))},
    {.name = "AS_VALUE",
     .declared_name = "AS_VALUE",
     .category = "",
     .description = "Creates a copy of a key column in the value",
     VARIANTS(CALL("(T keyColumn) -> T", as_value))},
    {.name = "GREATEST",
     .declared_name = "greatest",
     .category = "MATHEMATICAL",
     .description = "Returns the highest non-null value among its arguments",
     EXTREME_VARIANTS(greatest, greatest_decimal)},
    {.name = "LEAST",
     .declared_name = "least",
     .category = "MATHEMATICAL",
     .description = "Returns the lowest non-null value among its arguments",
     EXTREME_VARIANTS(least, least_decimal)},
};

const struct function_family functions_conditional = FAMILY(table);
