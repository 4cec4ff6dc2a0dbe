/* DECIMAL arithmetic: exact, or refused. */
#include "functions/decimal_ops.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef unsigned __int128 uint128;

static uint128 magnitude(int128 v)
{
    return v < 0 ? -(uint128)v : (uint128)v;
}

static bool overflow_error(int128 v, int scale, const struct type *to, char *error, size_t size)
{
    struct buf text;
    buf_init(&text, 0);
    if (scale >= 0) {
        print_decimal(&text, v, (unsigned)scale);
    } else {
        print_decimal(&text, v, 0);
        for (int i = scale; i < 0 && v != 0; i++)
            buf_putc(&text, '0');
    }
    if (error)
        snprintf(error, size,
                 "Numeric field overflow: A field with precision %d and scale %d must round to an absolute value less "
                 "than 10^%d. Got %s",
                 to->precision, to->scale, to->precision - to->scale, buf_z(&text));
    buf_free(&text);
    return false;
}

/* |v| * 10^-scale < 10^whole. */
static bool is_below(int128 v, int scale, int whole)
{
    int exponent = whole + scale;
    if (v == 0 || exponent > 38)
        return true;
    return exponent >= 0 && magnitude(v) < (uint128)decimal_pow10((unsigned)exponent);
}

bool decimal_fit(int128 v, int scale, const struct type *to, int128 *out, char *error, size_t error_size)
{
    if (!is_below(v, scale, to->precision - to->scale) || !decimal_rescale(v, scale, to->scale, out))
        return overflow_error(v, scale, to, error, error_size);
    return true;
}

/* The exact digits of the double, cut HALF_UP to the precision: that is what Java's MathContext does. */
bool decimal_from_double(double d, const struct type *to, int128 *out, char *error, size_t error_size)
{
    enum { EXACT = 766 }; /* digits of the longest double, less one */
    char text[EXACT + 16];
    if (!isfinite(d)) {
        snprintf(error, error_size, "Infinite or NaN");
        return false;
    }
    snprintf(text, sizeof text, "%.*e", EXACT, fabs(d)); /* d.ddd...e+xx */
    int exponent = atoi(text + EXACT + 3);
    int keep = to->precision > 38 ? 38 : to->precision;
    int128 v = text[0] - '0';
    for (int i = 1; i < keep; i++)
        v = v * 10 + (text[i + 1] - '0');
    if (text[keep + 1] >= '5')
        v++;
    return decimal_fit(d < 0 ? -v : v, keep - 1 - exponent, to, out, error, error_size);
}

double decimal_to_double(int128 v, unsigned scale)
{
    if (magnitude(v) < (uint128)1 << 53 && scale <= 22) {
        static const double exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
        return (double)v / exact[scale];
    }
    struct buf text;
    double d = NAN;
    buf_init(&text, 0);
    print_decimal(&text, v, scale);
    parse_double(buf_str(&text), &d);
    buf_free(&text);
    return d;
}

int64_t decimal_to_i64(int128 v, unsigned scale)
{
    return scale > 38 ? 0 : (int64_t)(uint64_t)(v / decimal_pow10(scale));
}

int decimal_cmp(int128 x, unsigned x_scale, int128 y, unsigned y_scale)
{
    if (x_scale == y_scale)
        return (x > y) - (x < y);
    if (x_scale > y_scale)
        return -decimal_cmp(y, y_scale, x, x_scale);
    unsigned shift = y_scale - x_scale;
    int128 scaled;
    if (x == 0 || y == 0 || (x < 0) != (y < 0))
        return (x > y) - (x < y);
    if (shift > 38 || __builtin_mul_overflow(x, decimal_pow10(shift), &scaled))
        return x < 0 ? -1 : 1;
    return (scaled > y) - (scaled < y);
}

/* To a scale that is not smaller. */
static bool widen(int128 v, unsigned from, unsigned to, int128 *out)
{
    *out = v;
    return v == 0 || from == to ||
           (to > from && to - from <= 38 && !__builtin_mul_overflow(v, decimal_pow10(to - from), out));
}

static bool has_precision(int128 v, const struct type *to)
{
    return to->precision >= 38 || magnitude(v) < (uint128)decimal_pow10(to->precision);
}

bool decimal_add(int128 x, unsigned x_scale, int128 y, unsigned y_scale, const struct type *to, int128 *out)
{
    return widen(x, x_scale, to->scale, &x) && widen(y, y_scale, to->scale, &y) && !__builtin_add_overflow(x, y, out) &&
           has_precision(*out, to);
}

bool decimal_sub(int128 x, unsigned x_scale, int128 y, unsigned y_scale, const struct type *to, int128 *out)
{
    return widen(x, x_scale, to->scale, &x) && widen(y, y_scale, to->scale, &y) && !__builtin_sub_overflow(x, y, out) &&
           has_precision(*out, to);
}

bool decimal_mul(int128 x, unsigned x_scale, int128 y, unsigned y_scale, const struct type *to, int128 *out)
{
    return !__builtin_mul_overflow(x, y, out) && widen(*out, x_scale + y_scale, to->scale, out) &&
           has_precision(*out, to);
}

/* x / y in the scale of the result, digit by digit after the whole part, so that no intermediate needs more than 128
 * bits. A quotient that does not end within the scale is refused. */
bool decimal_div(int128 x, unsigned x_scale, int128 y, unsigned y_scale, const struct type *to, int128 *out)
{
    if (y == 0)
        return false;
    int shift = (int)to->scale - (int)x_scale + (int)y_scale; /* quotient * 10^shift is wanted */
    uint128 d = magnitude(y), n = magnitude(x), limit = ((uint128)1 << 127) - 1;
    if (shift < 0) {
        uint128 scale_down = shift < -38 ? 0 : (uint128)decimal_pow10((unsigned)-shift);
        if (scale_down == 0 || __builtin_mul_overflow(d, scale_down, &d))
            return x == 0 ? (*out = 0, true) : false;
    }
    uint128 q = n / d, rest = n % d;
    for (int i = 0; i < shift; i++) {
        if (rest > limit / 10 * 2 || __builtin_mul_overflow(q, (uint128)10, &q))
            return false;
        rest *= 10;
        q += rest / d;
        rest %= d;
    }
    if (rest != 0 || q > limit)
        return false;
    *out = (x < 0) != (y < 0) ? -(int128)q : (int128)q;
    return has_precision(*out, to);
}

bool decimal_mod(int128 x, unsigned x_scale, int128 y, unsigned y_scale, const struct type *to, int128 *out)
{
    unsigned scale = x_scale > y_scale ? x_scale : y_scale;
    if (y == 0 || !widen(x, x_scale, scale, &x) || !widen(y, y_scale, scale, &y))
        return false;
    return widen(y == -1 ? 0 : x % y, scale, to->scale, out) && has_precision(*out, to);
}

/* Does a rest of `rest` out of `unit` move the quotient away from zero? */
static bool rounds_away(int128 rest, int128 unit, bool negative, enum decimal_rounding how)
{
    switch (how) {
    case DECIMAL_HALF_UP:
        return rest >= unit - rest;
    case DECIMAL_HALF_DOWN:
        return rest > unit - rest;
    case DECIMAL_FLOOR:
        return rest != 0 && negative;
    case DECIMAL_CEIL:
        return rest != 0 && !negative;
    default:
        return false;
    }
}

bool decimal_round(int128 v, int scale, int places, enum decimal_rounding how, int128 *out)
{
    if (places >= scale)
        return decimal_rescale(v, scale, places, out);
    int drop = places < -38 ? 39 : scale - places; /* beyond all digits is far enough */
    bool negative = v < 0;
    if (drop > 38) {
        *out = rounds_away(v != 0, 1 << 30, negative, how) ? (negative ? -1 : 1) : 0;
    } else {
        int128 unit = decimal_pow10((unsigned)drop), rest = v % unit;
        *out = v / unit;
        if (rounds_away(negative ? -rest : rest, unit, negative, how))
            *out += negative ? -1 : 1;
    }
    return places >= 0 || decimal_rescale(*out, places, 0, out);
}
