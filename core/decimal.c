/* Exact decimal numbers of up to 38 digits in 128 bits: text in and out, rescaling. Arithmetic is the caller's. */
#include "value.h"

#include <assert.h>

#define E18 ((int128)1000000000000000000)

int128 decimal_pow10(unsigned n)
{
    static const int64_t low[] = {1,
                                  10,
                                  100,
                                  1000,
                                  10000,
                                  100000,
                                  1000000,
                                  10000000,
                                  100000000,
                                  1000000000,
                                  10000000000,
                                  100000000000,
                                  1000000000000,
                                  10000000000000,
                                  100000000000000,
                                  1000000000000000,
                                  10000000000000000,
                                  100000000000000000};
    assert(n <= 38);
    if (n < 18)
        return low[n];
    return n < 36 ? E18 * low[n - 18] : E18 * E18 * low[n - 36];
}

static unsigned __int128 magnitude_of(int128 v)
{
    return v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;
}

/* Digits of |v| into the end of `digits` (at least 40 bytes); returns how many. */
static unsigned digits_of(int128 v, char *end)
{
    unsigned __int128 rest = magnitude_of(v);
    unsigned n = 0;
    while (rest > UINT64_MAX) {
        uint64_t low = (uint64_t)(rest % (uint64_t)E18);
        rest /= (uint64_t)E18;
        for (int i = 0; i < 18; i++, low /= 10)
            *--end = (char)('0' + low % 10);
        n += 18;
    }
    uint64_t small = (uint64_t)rest;
    do {
        *--end = (char)('0' + small % 10);
        n++;
    } while ((small /= 10) != 0);
    return n;
}

int decimal_digits(int128 v)
{
    char digits[48];
    return (int)digits_of(v, digits + sizeof digits);
}

static void put_zeros(struct buf *out, unsigned n)
{
    while (n-- > 0)
        buf_putc(out, '0');
}

void print_decimal(struct buf *out, int128 unscaled, unsigned scale)
{
    char space[48];
    unsigned n = digits_of(unscaled, space + sizeof space);
    const char *digits = space + sizeof space - n;
    if (unscaled < 0)
        buf_putc(out, '-');
    if (n > scale) {
        buf_put(out, digits, n - scale);
        digits += n - scale;
        n = scale;
    } else {
        buf_putc(out, '0');
    }
    if (scale == 0)
        return;
    buf_putc(out, '.');
    put_zeros(out, scale - n);
    buf_put(out, digits, n);
}

void print_decimal_sci(struct buf *out, int128 unscaled, unsigned scale)
{
    char space[48];
    unsigned n = digits_of(unscaled, space + sizeof space);
    int exponent = (int)n - 1 - (int)scale;
    if (exponent >= -6) {
        print_decimal(out, unscaled, scale);
        return;
    }
    const char *digits = space + sizeof space - n;
    if (unscaled < 0)
        buf_putc(out, '-');
    buf_putc(out, digits[0]);
    if (n > 1) {
        buf_putc(out, '.');
        buf_put(out, digits + 1, n - 1);
    }
    buf_putc(out, 'E');
    buf_put_i64(out, exponent);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* An exponent: optional sign and digits up to the end. Absurd ones are refused. */
static bool parse_exponent(const char *p, const char *end, int *exponent)
{
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end)
        return false;
    int value = 0;
    for (; p < end; p++) {
        if (!is_digit(*p) || value > 100000000)
            return false;
        value = value * 10 + (*p - '0');
    }
    *exponent = negative ? -value : value;
    return true;
}

bool parse_decimal(struct str s, int128 *unscaled, int *scale)
{
    const char *p = s.p, *end = p + s.len;
    bool negative = p < end && *p == '-', point = false;
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    int128 value = 0;
    int n_significant = 0, n_fraction = 0, exponent = 0;
    bool any = false;
    for (; p < end && (is_digit(*p) || (*p == '.' && !point)); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        any = true;
        n_fraction += point;
        if ((value != 0 || *p != '0') && ++n_significant > 38)
            return false;
        value = value * 10 + (*p - '0');
    }
    if (!any)
        return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        if (!parse_exponent(p + 1, end, &exponent))
            return false;
    } else if (p < end) {
        return false;
    }
    *unscaled = negative ? -value : value;
    *scale = n_fraction - exponent;
    return true;
}

bool decimal_rescale(int128 v, int from_scale, int to_scale, int128 *out)
{
    int64_t shift = (int64_t)to_scale - from_scale;
    if (v == 0 || shift == 0) {
        *out = v;
        return true;
    }
    if (shift > 0)
        return shift <= 38 && !__builtin_mul_overflow(v, decimal_pow10((unsigned)shift), out);
    if (shift < -38) { /* |v| < 1.8e38: less than half of 1e39 */
        *out = 0;
        return true;
    }
    int128 unit = decimal_pow10((unsigned)-shift), rest = v % unit;
    int128 rounded = v / unit;
    unsigned __int128 distance = magnitude_of(rest);
    if (distance >= (unsigned __int128)unit - distance)
        rounded += v < 0 ? -1 : 1;
    *out = rounded;
    return true;
}
