/* STDDEV_SAMPLE, STDDEV_SAMP (which gives the variance, as ksqlDB's does) and CORRELATION. */
#include "functions/aggregate/list_state.h"
#include "functions/functions_int.h"
#include "functions/text.h"

#include <math.h>

static double number(const struct value *v)
{
    return v->kind == KIND_INT ? v->i32 : v->kind == KIND_BIGINT ? (double)v->i64 : v->f64;
}

/* ---- deviation, after Youngs and Cramer: sum, count, and the sum of squared differences
 * ------------------------------------- */

struct deviation {
    union {
        int64_t whole; /* wraps */
        double real;
    } sum;
    int64_t count;
    double m2;
};

static uint32_t deviation_size(const struct aggregate_call *c)
{
    (void)c;
    return sizeof(struct deviation);
}

static void deviation_init(const struct aggregate_call *c, void *state)
{
    (void)c;
    memset(state, 0, sizeof(struct deviation));
}

static double sum_of(const struct aggregate_call *c, const struct deviation *s)
{
    enum type_kind kind = c->arg_types[0]->kind;
    return kind == KIND_DOUBLE ? s->sum.real
           : kind == KIND_INT  ? (double)(int32_t)(uint32_t)(uint64_t)s->sum.whole
                               : (double)s->sum.whole;
}

/* value * n - (sum + value), where whole numbers wrap. */
static double delta(const struct aggregate_call *c, const struct deviation *s, const struct value *v)
{
    uint64_t n = (uint64_t)s->count + 1;
    if (v->kind == KIND_DOUBLE)
        return v->f64 * (double)n - (s->sum.real + v->f64);
    uint64_t x = (uint64_t)(v->kind == KIND_INT ? v->i32 : v->i64);
    uint64_t sum = (uint64_t)s->sum.whole + x;
    if (c->arg_types[0]->kind == KIND_INT)
        sum = (uint64_t)(int64_t)(int32_t)(uint32_t)sum;
    return (double)(int64_t)(x * n - sum);
}

static void change_sum(struct deviation *s, const struct value *v, int sign)
{
    if (v->kind == KIND_DOUBLE)
        s->sum.real += sign * v->f64;
    else
        s->sum.whole = (int64_t)((uint64_t)s->sum.whole +
                                 (uint64_t)(int64_t)sign * (uint64_t)(v->kind == KIND_INT ? v->i32 : v->i64));
}

static bool deviation_step(struct aggregate_call *c, void *state, const struct value *args)
{
    struct deviation *s = state;
    if (value_is_null(&args[0]))
        return true;
    if (s->count > 0) {
        double d = delta(c, s, &args[0]);
        s->m2 += d * d / ((double)(s->count + 1) * (double)s->count);
    }
    change_sum(s, &args[0], 1);
    s->count++;
    return true;
}

static bool deviation_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    struct deviation *s = state;
    if (value_is_null(&args[0]))
        return true;
    int64_t rest = s->count - 1;
    if (rest > 0) {
        double d = delta(c, s, &args[0]);
        s->m2 -= d * d / ((double)rest * (double)(rest + 1));
    }
    change_sum(s, &args[0], -1);
    s->count = rest;
    return true;
}

static bool deviation_merge(struct aggregate_call *c, void *state, const void *other)
{
    struct deviation *s = state;
    const struct deviation *o = other;
    double m2 = s->m2 + o->m2;
    if (s->count && o->count) {
        double between = sum_of(c, s) / (double)s->count - sum_of(c, o) / (double)o->count;
        m2 += (double)(s->count * o->count) * between * between / (double)(s->count + o->count);
    }
    if (c->arg_types[0]->kind == KIND_DOUBLE)
        s->sum.real += o->sum.real;
    else
        s->sum.whole = (int64_t)((uint64_t)s->sum.whole + (uint64_t)o->sum.whole);
    s->count += o->count;
    s->m2 = m2;
    return true;
}

static bool variance_result(struct aggregate_call *c, const void *state, struct value *out)
{
    const struct deviation *s = state;
    (void)c;
    *out = value_double(s->count < 2 ? 0.0 : s->m2 / (double)(s->count - 1));
    return true;
}

static bool deviation_result(struct aggregate_call *c, const void *state, struct value *out)
{
    variance_result(c, state, out);
    out->f64 = sqrt(out->f64);
    return true;
}

#define DEVIATION(name, reader)                                                                                        \
    static const struct aggregate name = {.size = deviation_size,                                                      \
                                          .init = deviation_init,                                                      \
                                          .step = deviation_step,                                                      \
                                          .undo = deviation_undo,                                                      \
                                          .merge = deviation_merge,                                                    \
                                          .result = (reader)}
DEVIATION(variance, variance_result);
DEVIATION(deviation, deviation_result);

/* ---- correlation
 * -------------------------------------------------------------------------------------------------------------- */

struct correlation {
    double x, y, xx, yy, xy; /* sums */
    int64_t count;
};

static uint32_t correlation_size(const struct aggregate_call *c)
{
    (void)c;
    return sizeof(struct correlation);
}

static void correlation_init(const struct aggregate_call *c, void *state)
{
    (void)c;
    memset(state, 0, sizeof(struct correlation));
}

static bool correlation_change(struct correlation *s, const struct value *args, int sign)
{
    if (value_is_null(&args[0]) || value_is_null(&args[1]))
        return true;
    double x = number(&args[0]), y = number(&args[1]);
    s->x += sign * x;
    s->y += sign * y;
    s->xx += sign * (x * x);
    s->yy += sign * (y * y);
    s->xy += sign * (x * y);
    s->count += sign;
    return true;
}

static bool correlation_step(struct aggregate_call *c, void *state, const struct value *args)
{
    (void)c;
    return correlation_change(state, args, 1);
}

static bool correlation_undo(struct aggregate_call *c, void *state, const struct value *args)
{
    (void)c;
    return correlation_change(state, args, -1);
}

static bool correlation_merge(struct aggregate_call *c, void *state, const void *other)
{
    struct correlation *s = state;
    const struct correlation *o = other;
    (void)c;
    s->x += o->x;
    s->y += o->y;
    s->xx += o->xx;
    s->yy += o->yy;
    s->xy += o->xy;
    s->count += o->count;
    return true;
}

static bool correlation_result(struct aggregate_call *c, const void *state, struct value *out)
{
    const struct correlation *s = state;
    double n = (double)s->count;
    (void)c;
    double above = n * s->xy - s->x * s->y;
    double below = sqrt((n * s->xx - s->x * s->x) * (n * s->yy - s->y * s->y));
    *out = value_double(above / below);
    return true;
}

static const struct aggregate correlation = {.size = correlation_size,
                                             .init = correlation_init,
                                             .step = correlation_step,
                                             .undo = correlation_undo,
                                             .merge = correlation_merge,
                                             .result = correlation_result};

#define ONE_COLUMN(ops)                                                                                                \
    VARIANTS(AGGREGATE("(BIGINT val) -> DOUBLE", ops), AGGREGATE("(INT val) -> DOUBLE", ops),                          \
             AGGREGATE("(DOUBLE val) -> DOUBLE", ops))
#define AGG(upper, text)                                                                                               \
    .name = (upper), .declared_name = (upper), .kind = FUNCTION_AGGREGATE, .category = "AGGREGATE",                    \
    .description = (text)

static const struct function table[] = {
    {AGG("CORRELATION", "Pearson's correlation of two columns"),
     VARIANTS(AGGREGATE("(DOUBLE x, DOUBLE y) -> DOUBLE", &correlation),
              AGGREGATE("(INT x, INT y) -> DOUBLE", &correlation),
              AGGREGATE("(BIGINT x, BIGINT y) -> DOUBLE", &correlation))},
    {AGG("STDDEV_SAMP", "The sample variance (deprecated: use STDDEV_SAMPLE)"), ONE_COLUMN(&variance)},
    {AGG("STDDEV_SAMPLE", "The sample standard deviation"), ONE_COLUMN(&deviation)},
};

const struct function_family functions_agg_statistics = FAMILY(table);
