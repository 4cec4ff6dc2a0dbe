/* Texts that several formats read alike: ill-formed UTF-8, decimals that must fit, milliseconds and days. */
#include "formats/formats_int.h"

/* The bytes of the longest beginning of a well-formed sequence at p; *complete: it is a whole one. At least 1. */
static unsigned sequence(const unsigned char *p, const unsigned char *end, bool *complete)
{
    unsigned char c = *p, low = 0x80, high = 0xBF;
    unsigned len = c < 0x80 ? 1 : c < 0xC2 || c > 0xF4 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    *complete = len != 0;
    if (c == 0xE0)
        low = 0xA0;
    else if (c == 0xED)
        high = 0x9F;
    else if (c == 0xF0)
        low = 0x90;
    else if (c == 0xF4)
        high = 0x8F;
    for (unsigned i = 1; i < len; i++, low = 0x80, high = 0xBF) {
        if (p + i == end || p[i] < low || p[i] > high) {
            *complete = false;
            return i;
        }
    }
    return len ? len : 1;
}

struct str utf8_repair(struct arena *a, struct str s)
{
    if (str_is_utf8(s))
        return s;
    char *out = arena_alloc(a, (size_t)s.len * 3);
    if (!out)
        return (struct str){NULL, 0};
    const unsigned char *p = (const unsigned char *)s.p, *end = p + s.len;
    size_t n = 0;
    while (p < end) {
        bool complete;
        unsigned len = sequence(p, end, &complete);
        memcpy(out + n, complete ? (const char *)p : "\xEF\xBF\xBD", complete ? len : 3);
        n += complete ? len : 3;
        p += len;
    }
    return str_make(out, n);
}

/* ---- decimals ----------------------------------------------------------------------------------------- */

enum { MAX_SHOWN = 200 }; /* zeros that a message writes out */

/* A decimal text: value = digits * 10^exponent. `digits` has no leading zeros and may have a point inside. */
struct decimal_text {
    bool negative;
    const char *digits, *end;
    uint32_t n_digits;
    int64_t exponent;
};

static bool bad_character(char c, struct buf *reason)
{
    buf_printf(reason,
               "Character %c is neither a decimal digit number, decimal point, nor \"e\" notation exponential mark.",
               c);
    return false;
}

static bool scan_exponent(const char *p, const char *end, int64_t *out, struct buf *reason)
{
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end) {
        buf_puts(reason, STR("No exponent digits."));
        return false;
    }
    int64_t value = 0;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9') {
            buf_puts(reason, STR("Not a digit."));
            return false;
        }
        value = value * 10 + (*p - '0');
        if (value > INT32_MAX) {
            buf_puts(reason, STR("Exponent overflow."));
            return false;
        }
    }
    *out = negative ? -value : value;
    return true;
}

static bool scan_decimal(struct str s, struct decimal_text *t, struct buf *reason)
{
    const char *p = s.p, *end = p + s.len;
    bool point = false, any = false;
    int64_t n_fraction = 0, exponent = 0;
    *t = (struct decimal_text){.negative = p < end && *p == '-'};
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    t->digits = p;
    for (; p < end && ((*p >= '0' && *p <= '9') || (*p == '.' && !point)); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        any = true;
        n_fraction += point;
        if (t->n_digits == 0 && *p == '0') {
            t->digits = p + 1;
            continue;
        }
        t->n_digits++;
    }
    t->end = p;
    if (p < end && (!any || (*p | 32) != 'e'))
        return bad_character(*p, reason);
    if (!any) {
        buf_puts(reason, STR("No digits found."));
        return false;
    }
    if (p < end && !scan_exponent(p + 1, end, &exponent, reason))
        return false;
    t->exponent = exponent - n_fraction;
    return true;
}

/* BigDecimal.toPlainString, cut where it would be absurdly long. */
static void put_plain(struct buf *out, const struct decimal_text *t)
{
    int64_t point = (int64_t)t->n_digits + t->exponent, i = 0; /* digits before the point */
    if (t->negative && t->n_digits)
        buf_putc(out, '-');
    if (point <= 0) {
        buf_putc(out, '0');
        if (t->exponent < 0)
            buf_putc(out, '.');
        for (int64_t zeros = point; zeros < 0 && zeros > -MAX_SHOWN; zeros++)
            buf_putc(out, '0');
    }
    for (const char *p = t->digits; p < t->end; p++) {
        if (*p == '.')
            continue;
        if (i == point && point > 0)
            buf_putc(out, '.');
        buf_putc(out, *p);
        i++;
    }
    for (; i < point && i < t->n_digits + MAX_SHOWN; i++)
        buf_putc(out, '0');
}

static bool does_not_fit(const struct decimal_text *t, const struct type *type, struct buf *reason)
{
    buf_puts(reason, STR("Cannot fit decimal '"));
    put_plain(reason, t);
    buf_printf(reason, "' into DECIMAL(%u, %u) without rounding. (Requires %u,%lld)", type->precision, type->scale,
               t->n_digits ? t->n_digits : 1, (long long)-t->exponent);
    return false;
}

static bool overflows(const struct decimal_text *t, const struct type *type, struct buf *reason)
{
    unsigned digits = (unsigned)type->precision - type->scale;
    buf_printf(
        reason,
        "Numeric field overflow: A field with precision %u and scale %u must round to an absolute value less than "
        "10^%u. Got ",
        type->precision, type->scale, digits);
    put_plain(reason, t);
    return false;
}

bool decimal_text_fit(struct str text, const struct type *t, int128 *out, struct buf *reason)
{
    struct decimal_text d;
    if (!scan_decimal(text, &d, reason))
        return false;
    *out = 0;
    if (d.n_digits == 0)
        return true;
    if ((int64_t)d.n_digits + d.exponent > t->precision - t->scale)
        return overflows(&d, t, reason);
    /* Digits below the scale must be zeros. */
    int64_t kept = (int64_t)d.n_digits + d.exponent + t->scale, i = 0;
    unsigned __int128 v = 0;
    for (const char *p = d.digits; p < d.end; p++) {
        if (*p == '.')
            continue;
        if (i++ < kept)
            v = v * 10 + (unsigned)(*p - '0');
        else if (*p != '0')
            return does_not_fit(&d, t, reason);
    }
    for (; i < kept; i++)
        v *= 10;
    *out = d.negative ? -(int128)v : (int128)v;
    return true;
}

/* ---- times -------------------------------------------------------------------------------------------- */

bool time_from_millis(int64_t millis, int32_t *out, struct buf *reason)
{
    if (millis < 0 || millis > 86400000) {
        buf_puts(reason, STR("Time values must use number of milliseconds greater than 0 and less than 86400000."));
        return false;
    }
    *out = (int32_t)millis;
    return true;
}

int32_t date_saturated(int64_t days)
{
    return days > INT32_MAX ? INT32_MAX : days < INT32_MIN ? INT32_MIN : (int32_t)days;
}
