/* Numbers of JSON, which Jackson keeps exact: int, long, BigInteger, or BigDecimal where there is a point or an
 * exponent. */
#include "formats/json_int.h"

/* value = integer part digits and fraction digits, as one row of digits with a point inside, times 10^exponent. */
struct parts {
    bool negative, is_float;
    struct str integer, fraction;
    int64_t exponent;
};

static const char *digits_end(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

static struct parts split(struct str raw)
{
    const char *p = raw.p, *end = p + raw.len;
    struct parts n = {.negative = *p == '-'};
    p += n.negative;
    const char *stop = digits_end(p, end);
    n.integer = str_make(p, (size_t)(stop - p));
    p = stop;
    if (p < end && *p == '.') {
        stop = digits_end(p + 1, end);
        n.fraction = str_make(p + 1, (size_t)(stop - p - 1));
        n.is_float = true;
        p = stop;
    }
    if (p < end) { /* e */
        n.is_float = true;
        bool negative = *++p == '-';
        if (*p == '-' || *p == '+')
            p++;
        for (; p < end; p++)
            n.exponent = n.exponent * 10 + (*p - '0');
        if (negative)
            n.exponent = -n.exponent;
    }
    return n;
}

static char digit_at(const struct parts *n, uint32_t i)
{
    return i < n->integer.len ? n->integer.p[i] : n->fraction.p[i - n->integer.len];
}

int64_t json_number_i64(struct str raw)
{
    struct parts n = split(raw);
    int64_t kept = (int64_t)n.integer.len + n.exponent; /* digits in front of the point */
    uint32_t n_digits = n.integer.len + n.fraction.len, i = 0;
    uint64_t v = 0;
    for (; i < n_digits && i < kept; i++)
        v = v * 10 + (uint64_t)(digit_at(&n, i) - '0');
    if (kept - i >= 64)
        v = 0; /* a multiple of 2^64 */
    for (; i < kept && v != 0; i++)
        v *= 10;
    return (int64_t)(n.negative ? 0 - v : v);
}

double json_number_f64(struct str raw)
{
    double d = 0;
    if (!parse_double(raw, &d) || d == 0)
        return 0;
    return d;
}

const char *json_number_class(struct str raw)
{
    struct parts n = split(raw);
    int64_t v;
    if (n.is_float)
        return "DecimalNode";
    if (!parse_i64(raw, &v))
        return "BigIntegerNode";
    return v == (int32_t)v ? "IntNode" : "LongNode";
}

/* ---- BigDecimal.toString ------------------------------------------------------------------------------ */

static char *put_i64(char *to, int64_t v)
{
    char digits[20];
    unsigned n = 0;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        digits[sizeof digits - ++n] = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (v < 0)
        *to++ = '-';
    memcpy(to, digits + sizeof digits - n, n);
    return to + n;
}

struct str json_number_text(struct arena *a, struct str raw)
{
    struct parts n = split(raw);
    uint32_t n_all = n.integer.len + n.fraction.len, zeros = 0;
    while (zeros + 1 < n_all && digit_at(&n, zeros) == '0')
        zeros++;
    uint32_t n_digits = n_all - zeros; /* of the unscaled number */
    bool is_zero = n_digits == 1 && digit_at(&n, zeros) == '0';
    int64_t scale = (int64_t)n.fraction.len - n.exponent, adjusted = (int64_t)n_digits - 1 - scale;
    bool plain = scale >= 0 && adjusted >= -6,
         has_exponent = memchr(raw.p, 'e', raw.len) || memchr(raw.p, 'E', raw.len);
    if (!n.is_float || (plain && !has_exponent))
        return n.negative && is_zero ? str_make(raw.p + 1, raw.len - 1) : raw;
    /* Plain texts have at most 6 zeros more than digits. */
    char *text = arena_alloc(a, (size_t)n_digits + 40), *to = text;
    if (!text)
        return (struct str){NULL, 0};
    if (n.negative && !is_zero)
        *to++ = '-';
    if (!plain) {
        for (uint32_t i = 0; i < n_digits; i++) {
            *to++ = digit_at(&n, zeros + i);
            if (i == 0 && n_digits > 1)
                *to++ = '.';
        }
        *to++ = 'E';
        if (adjusted > 0)
            *to++ = '+';
        to = put_i64(to, adjusted);
        return str_make(text, (size_t)(to - text));
    }
    int64_t point = (int64_t)n_digits - scale; /* digits in front of it */
    if (point <= 0) {
        *to++ = '0';
        *to++ = '.';
        for (int64_t i = point; i < 0; i++)
            *to++ = '0';
    }
    for (uint32_t i = 0; i < n_digits; i++) {
        if (i == point && i > 0)
            *to++ = '.';
        *to++ = digit_at(&n, zeros + i);
    }
    return str_make(text, (size_t)(to - text));
}
