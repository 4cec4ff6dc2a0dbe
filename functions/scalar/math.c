/* Mathematical functions. INT, BIGINT and DOUBLE variants of a function of one DOUBLE share an implementation. */
#include "functions/decimal_ops.h"
#include "functions/functions_int.h"
#include "functions/text.h"

#include <math.h>
#include <sys/random.h>

static double number(const struct value *v)
{
    return v->kind == KIND_INT ? v->i32 : v->kind == KIND_BIGINT ? (double)v->i64 : v->f64;
}

#define UNARY(name, expression)                                                                                        \
    static bool name(struct call *c, const struct value *args, struct value *result)                                   \
    {                                                                                                                  \
        (void)c;                                                                                                       \
        double x = number(&args[0]);                                                                                   \
        *result = value_double(expression);                                                                            \
        return true;                                                                                                   \
    }
UNARY(acos_of, acos(x))
UNARY(asin_of, asin(x))
UNARY(atan_of, atan(x))
UNARY(cbrt_of, (double)cbrtl(x))
UNARY(cos_of, cos(x))
UNARY(cosh_of, cosh(x))
UNARY(cot_of, 1.0 / tan(x))
UNARY(degrees_of, x *(180.0 / M_PI))
UNARY(exp_of, exp(x))
UNARY(ln_of, log(x))
UNARY(radians_of, x / 180.0 * M_PI)
UNARY(sin_of, sin(x))
UNARY(sinh_of, sinh(x))
UNARY(sqrt_of, sqrt(x))
UNARY(tan_of, tan(x))
UNARY(tanh_of, tanh(x))

static bool atan2_of(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    *result = value_double(atan2(number(&args[0]), number(&args[1])));
    return true;
}

/* Java differs from C: 1^NaN and (+-1)^(+-infinity) are NaN. */
static bool power_of(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    double base = number(&args[0]), exponent = number(&args[1]);
    bool undefined = (isnan(exponent) || (isinf(exponent) && fabs(base) == 1));
    *result = value_double(undefined ? NAN : pow(base, exponent));
    return true;
}

static bool log_of(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    double base = number(&args[0]), x = number(&args[1]);
    *result = value_double(base <= 0 || base == 1 ? NAN : log(x) / log(base));
    return true;
}

static bool pi(struct call *c, const struct value *args, struct value *result)
{
    (void)c, (void)args;
    *result = value_double(M_PI);
    return true;
}

static bool random_number(struct call *c, const struct value *args, struct value *result)
{
    (void)args;
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits)
        return call_error(c, "No random numbers");
    *result = value_double((double)(bits >> 11) * 0x1p-53);
    return true;
}

/* ---- ABS, SIGN, CEIL, FLOOR
 * ------------------------------------------------------------------------------------------ */

static bool return_decimal(struct call *c, int128 v, struct value *result)
{
    *result = (struct value){.kind = KIND_DECIMAL, .decimal = arena_dup(c->arena, &v, sizeof v)};
    return result->decimal || return_nomem(c);
}

static bool absolute(struct call *c, const struct value *args, struct value *result)
{
    const struct value *v = &args[0];
    *result = *v;
    switch ((enum type_kind)v->kind) {
    case KIND_INT:
        result->i32 = v->i32 < 0 ? (int32_t)(0 - (uint32_t)v->i32) : v->i32;
        return true;
    case KIND_BIGINT:
        result->i64 = v->i64 < 0 ? (int64_t)(0 - (uint64_t)v->i64) : v->i64;
        return true;
    case KIND_DECIMAL:
        return *v->decimal >= 0 || return_decimal(c, -*v->decimal, result);
    default:
        result->f64 = fabs(v->f64);
        return true;
    }
}

static bool sign(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    const struct value *v = &args[0];
    if (v->kind == KIND_INT)
        *result = value_int((v->i32 > 0) - (v->i32 < 0));
    else if (v->kind == KIND_BIGINT)
        *result = value_int((v->i64 > 0) - (v->i64 < 0));
    else
        *result = value_int((v->f64 > 0) - (v->f64 < 0));
    return true;
}

/* To a whole number of DECIMAL, in its own scale. */
static bool whole_decimal(struct call *c, const struct value *v, enum decimal_rounding how, struct value *result)
{
    int scale = c->arg_types[0]->scale;
    int128 whole;
    if (!decimal_round(*v->decimal, scale, 0, how, &whole) || !decimal_rescale(whole, 0, scale, &whole))
        return call_error(c, "Numeric overflow");
    return return_decimal(c, whole, result);
}

static bool ceiling(struct call *c, const struct value *args, struct value *result)
{
    *result = args[0];
    if (args[0].kind == KIND_DECIMAL)
        return whole_decimal(c, &args[0], DECIMAL_CEIL, result);
    if (args[0].kind == KIND_DOUBLE)
        result->f64 = ceil(args[0].f64);
    return true;
}

static bool floor_of(struct call *c, const struct value *args, struct value *result)
{
    *result = args[0];
    if (args[0].kind == KIND_DECIMAL)
        return whole_decimal(c, &args[0], DECIMAL_FLOOR, result);
    if (args[0].kind == KIND_DOUBLE)
        result->f64 = floor(args[0].f64);
    return true;
}

/* ---- ROUND, TRUNC
 * ------------------------------------------------------------------------------------------------------ */

static int64_t saturate(double d)
{
    return isnan(d) ? 0 : d <= -0x1p63 ? INT64_MIN : d >= 0x1p63 ? INT64_MAX : (int64_t)d;
}

static bool to_bigint(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    *result = value_bigint(args[0].kind == KIND_INT ? args[0].i32 : args[0].i64);
    return true;
}

static bool round_double(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    double x = args[0].f64, whole = floor(x);
    *result = value_bigint(saturate(x - whole >= 0.5 ? whole + 1 : whole));
    return true;
}

static bool trunc_double(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    *result = value_bigint(saturate(args[0].f64));
    return true;
}

/* Ties go up: away from zero when positive, towards it when negative. */
static enum decimal_rounding half_up(bool negative)
{
    return negative ? DECIMAL_HALF_DOWN : DECIMAL_HALF_UP;
}

/* By the digits of the number's text, as BigDecimal.valueOf has them. */
static bool double_places(struct call *c, double x, int32_t places, enum decimal_rounding how, struct value *result)
{
    struct buf text;
    int128 v;
    int scale;
    buf_init(&text, 0);
    print_double(&text, x);
    bool ok = parse_decimal(buf_str(&text), &v, &scale);
    buf_free(&text);
    if (!ok)
        return call_error(c, "Infinite or NaN");
    *result = value_double(x);
    if (places >= scale)
        return true;
    if (!decimal_round(v, scale, places, how, &v))
        return call_error(c, "Numeric overflow");
    buf_init(&text, 0);
    print_decimal(&text, v, places > 0 ? (unsigned)places : 0);
    ok = parse_double(buf_str(&text), &result->f64);
    buf_free(&text);
    return ok || return_nomem(c);
}

static bool round_places(struct call *c, const struct value *args, struct value *result)
{
    return double_places(c, args[0].f64, args[1].i32, half_up(args[0].f64 < 0), result);
}

static bool trunc_places(struct call *c, const struct value *args, struct value *result)
{
    return double_places(c, args[0].f64, args[1].i32, DECIMAL_TRUNCATE, result);
}

/* The result has scale 0 (one argument) or that of the argument. */
static bool decimal_places(struct call *c, const struct value *args, enum decimal_rounding how, struct value *result)
{
    int scale = c->arg_types[0]->scale, places = c->n_args == 2 ? args[1].i32 : 0;
    int128 v = *args[0].decimal;
    int to = c->result_type->scale;
    if (places >= scale)
        return decimal_rescale(v, scale, to, &v) ? return_decimal(c, v, result) : call_error(c, "Numeric overflow");
    if (!decimal_round(v, scale, places, how, &v) || !decimal_rescale(v, places > 0 ? places : 0, to, &v))
        return call_error(c, "Numeric overflow");
    return return_decimal(c, v, result);
}

static bool round_decimal(struct call *c, const struct value *args, struct value *result)
{
    return decimal_places(c, args, half_up(*args[0].decimal < 0), result);
}

static bool trunc_decimal(struct call *c, const struct value *args, struct value *result)
{
    return decimal_places(c, args, DECIMAL_TRUNCATE, result);
}

static const struct type *same_type(struct arena *a, const struct type *const *args, uint32_t n, struct diag *d)
{
    (void)a, (void)n, (void)d;
    return args[0];
}

static const struct type *whole_type(struct arena *a, const struct type *const *args, uint32_t n, struct diag *d)
{
    (void)n;
    unsigned whole = (unsigned)(args[0]->precision - args[0]->scale);
    const struct type *t = type_decimal(a, whole ? whole : 1, 0);
    if (!t)
        diag_nomem(d);
    return t;
}

/* ---- table
 * --------------------------------------------------------------------------------------------------------------- */

#define ONE_NUMBER(fn)                                                                                                 \
    VARIANTS(CALL_NOT_NULL("(INT value) -> DOUBLE", fn), CALL_NOT_NULL("(BIGINT value) -> DOUBLE", fn),                \
             CALL_NOT_NULL("(DOUBLE value) -> DOUBLE", fn))
#define TWO_NUMBERS(fn, x, y)                                                                                          \
    CALL_NOT_NULL("(INT " x ", INT " y ") -> DOUBLE", fn),                                                             \
        CALL_NOT_NULL("(BIGINT " x ", BIGINT " y ") -> DOUBLE", fn),                                                   \
        CALL_NOT_NULL("(DOUBLE " x ", DOUBLE " y ") -> DOUBLE", fn)
#define SAME_NUMBER(impl)                                                                                              \
    VARIANTS(                                                                                                          \
        CALL_NOT_NULL("(INT val) -> INT", impl), CALL_NOT_NULL("(BIGINT val) -> BIGINT", impl),                        \
        CALL_NOT_NULL("(DOUBLE val) -> DOUBLE", impl),                                                                 \
        {.signature = "(DECIMAL val) -> DECIMAL *", .fn = (impl), .null_in_null_out = true, .result_type = same_type})
#define ROUNDING(one, places, of_decimal)                                                                              \
    VARIANTS(CALL_NOT_NULL("(BIGINT val) -> BIGINT", to_bigint), CALL_NOT_NULL("(INT val) -> BIGINT", to_bigint),      \
             CALL_NOT_NULL("(DOUBLE val) -> BIGINT", one),                                                             \
             CALL_NOT_NULL("(DOUBLE val, INT decimalPlaces) -> DOUBLE", places),                                       \
             {.signature = "(DECIMAL val) -> DECIMAL *",                                                               \
              .fn = (of_decimal),                                                                                      \
              .null_in_null_out = true,                                                                                \
              .result_type = whole_type},                                                                              \
             {.signature = "(DECIMAL val, INT decimalPlaces) -> DECIMAL *",                                            \
              .fn = (of_decimal),                                                                                      \
              .null_in_null_out = true,                                                                                \
              .result_type = same_type})
#define MATH(upper, lower, text)                                                                                       \
    .name = (upper), .declared_name = (lower), .category = "MATHEMATICAL", .description = (text)

static const struct function table[] = {
    {MATH("ABS", "abs", "The absolute value of a number"), SAME_NUMBER(absolute)},
    {MATH("ACOS", "acos", "The inverse cosine, in radians"), ONE_NUMBER(acos_of)},
    {MATH("ASIN", "asin", "The inverse sine, in radians"), ONE_NUMBER(asin_of)},
    {MATH("ATAN", "atan", "The inverse tangent, in radians"), ONE_NUMBER(atan_of)},
    {MATH("ATAN2", "atan2", "The angle of a point, in radians"), VARIANTS(TWO_NUMBERS(atan2_of, "y", "x"))},
    {MATH("CBRT", "cbrt", "The cube root"), ONE_NUMBER(cbrt_of)},
    {MATH("CEIL", "ceil", "The smallest whole number that is not below"), SAME_NUMBER(ceiling)},
    {MATH("COS", "cos", "The cosine of radians"), ONE_NUMBER(cos_of)},
    {MATH("COSH", "cosh", "The hyperbolic cosine"), ONE_NUMBER(cosh_of)},
    {MATH("COT", "cot", "The cotangent of radians"), ONE_NUMBER(cot_of)},
    {MATH("DEGREES", "degrees", "Radians to degrees"), ONE_NUMBER(degrees_of)},
    {MATH("EXP", "exp", "Euler's number to that power"), ONE_NUMBER(exp_of)},
    {MATH("FLOOR", "floor", "The largest whole number that is not above"), SAME_NUMBER(floor_of)},
    {MATH("LN", "ln", "The natural logarithm"), ONE_NUMBER(ln_of)},
    {MATH("LOG", "log", "The natural logarithm, or that to a base"),
     VARIANTS(CALL_NOT_NULL("(INT value) -> DOUBLE", ln_of), CALL_NOT_NULL("(BIGINT value) -> DOUBLE", ln_of),
              CALL_NOT_NULL("(DOUBLE value) -> DOUBLE", ln_of), TWO_NUMBERS(log_of, "base", "value"))},
    {MATH("PI", "pi", "The number pi"), VARIANTS(CALL("() -> DOUBLE", pi))},
    {MATH("POWER", "power", "A number to a power"), VARIANTS(TWO_NUMBERS(power_of, "base", "exponent"))},
    {MATH("RADIANS", "radians", "Degrees to radians"), ONE_NUMBER(radians_of)},
    {MATH("RANDOM", "random", "A number from 0 (included) to 1 (excluded)"),
     VARIANTS({.signature = "() -> DOUBLE", .fn = random_number, .nondeterministic = true})},
    {MATH("ROUND", "round", "Rounds to the nearest, ties up"), ROUNDING(round_double, round_places, round_decimal)},
    {MATH("SIGN", "sign", "-1, 0 or 1"),
     VARIANTS(CALL_NOT_NULL("(INT value) -> INT", sign), CALL_NOT_NULL("(BIGINT value) -> INT", sign),
              CALL_NOT_NULL("(DOUBLE value) -> INT", sign))},
    {MATH("SIN", "sin", "The sine of radians"), ONE_NUMBER(sin_of)},
    {MATH("SINH", "sinh", "The hyperbolic sine"), ONE_NUMBER(sinh_of)},
    {MATH("SQRT", "sqrt", "The square root"), ONE_NUMBER(sqrt_of)},
    {MATH("TAN", "tan", "The tangent of radians"), ONE_NUMBER(tan_of)},
    {MATH("TANH", "tanh", "The hyperbolic tangent"), ONE_NUMBER(tanh_of)},
    {MATH("TRUNC", "trunc", "Cuts digits behind the point"), ROUNDING(trunc_double, trunc_places, trunc_decimal)},
};

const struct function_family functions_math = FAMILY(table);
