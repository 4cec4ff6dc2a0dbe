/* Integers and doubles as Java writes and reads them (Double.toString, Double.parseDouble, Long.parseLong). */
#include "shortest.h"
#include "value.h"

#include <math.h>
#include <stdio.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- writing ------------------------------------------------------------------------------------------ */

/* Most doubles of real data have few digits behind the point: then d is the double nearest to r / 10^k for a small k,
 * which one division proves. Below 2^53 both are exact, so that the quotient is correctly rounded, and below 10^15 no
 * other number of as many digits reads back as d. */
static bool print_few_digits(struct buf *out, double d)
{
    static const double powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    double magnitude = fabs(d);
    if (!(magnitude >= 1e-3 && magnitude < 1e7))
        return false;
    for (unsigned k = 0; k < sizeof powers / sizeof *powers; k++) {
        int64_t rounded = (int64_t)(magnitude * powers[k] + 0.5);
        if ((double)rounded / powers[k] != magnitude)
            continue;
        char text[24];
        unsigned n = 0, fraction = k ? k : 1;
        uint64_t rest = (uint64_t)rounded * (k ? 1 : 10);
        for (unsigned i = 0; i < fraction; i++, rest /= 10)
            text[sizeof text - ++n] = (char)('0' + rest % 10);
        text[sizeof text - ++n] = '.';
        do
            text[sizeof text - ++n] = (char)('0' + rest % 10);
        while ((rest /= 10) != 0);
        if (d < 0)
            text[sizeof text - ++n] = '-';
        buf_put(out, text + sizeof text - n, n);
        return true;
    }
    return false;
}

/* Digits d1 d2 .. dn with the point behind the first and a decimal exponent, in Java's two forms. */
static void print_digits(struct buf *out, const char *digits, int n, int exponent)
{
    if (exponent < -3 || exponent >= 7) {
        buf_putc(out, digits[0]);
        buf_putc(out, '.');
        if (n > 1)
            buf_put(out, digits + 1, (size_t)n - 1);
        else
            buf_putc(out, '0');
        buf_putc(out, 'E');
        buf_put_i64(out, exponent);
        return;
    }
    if (exponent < 0) {
        buf_puts(out, STR("0."));
        for (int i = exponent + 1; i < 0; i++)
            buf_putc(out, '0');
        buf_put(out, digits, (size_t)n);
        return;
    }
    for (int i = 0; i <= exponent; i++)
        buf_putc(out, i < n ? digits[i] : '0');
    buf_putc(out, '.');
    if (n > exponent + 1)
        buf_put(out, digits + exponent + 1, (size_t)(n - exponent - 1));
    else
        buf_putc(out, '0');
}

void print_double(struct buf *out, double d)
{
    if (print_few_digits(out, d))
        return;
    if (d != d) {
        buf_puts(out, STR("NaN"));
        return;
    }
    if (signbit(d))
        buf_putc(out, '-');
    if (d == 0) {
        buf_puts(out, STR("0.0"));
        return;
    }
    d = fabs(d);
    if (isinf(d)) {
        buf_puts(out, STR("Infinity"));
        return;
    }
    char text[SHORTEST_MAX + 1], digits[20];
    int len, n = 0, i = 0;
    /* Java always looks for two digits at least, which shows in the last few subnormals: 4.9E-324, not 5E-324. */
    len = d < 1e-321 ? snprintf(text, sizeof text, "%.1e", d) : shortest_print(text, d);
    for (; i < len && text[i] != 'e'; i++)
        if (text[i] != '.' && n < (int)sizeof digits)
            digits[n++] = text[i];
    while (n > 1 && digits[n - 1] == '0')
        n--;
    int exponent = 0;
    bool negative = text[i + 1] == '-';
    for (i += 2; i < len; i++)
        exponent = exponent * 10 + (text[i] - '0');
    print_digits(out, digits, n, negative ? -exponent : exponent);
}

/* ---- reading ------------------------------------------------------------------------------------------ */

/* Java takes the decimal digits of every script in the Basic Multilingual Plane. Reads one character; 10: no digit. */
static unsigned foreign_digit(const char **p, const char *end)
{
    static const uint16_t zeros[] = {0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6,
                                     0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090,
                                     0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40,
                                     0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10};
    const unsigned char *c = (const unsigned char *)*p;
    unsigned len = c[0] >= 0xE0 ? 3 : 2, code;
    if ((size_t)(end - *p) < len || c[0] < 0xC2 || c[0] > 0xEF)
        return 10;
    code = len == 2 ? (c[0] & 0x1Fu) << 6 | (c[1] & 0x3Fu) : (c[0] & 0xFu) << 12 | (c[1] & 0x3Fu) << 6 | (c[2] & 0x3Fu);
    *p += len;
    for (unsigned i = 0; i < sizeof zeros / sizeof *zeros; i++)
        if (code >= zeros[i] && code < zeros[i] + 10u)
            return code - zeros[i];
    return 10;
}

bool parse_i64(struct str s, int64_t *out)
{
    const char *p = s.p, *end = p + s.len;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end)
        return false;
    uint64_t value = 0, max = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
    while (p < end) {
        unsigned digit = (unsigned char)*p < 0x80 ? (unsigned)(*p++ - '0') : foreign_digit(&p, end);
        if (digit > 9 || value > max / 10 || value * 10 > max - digit)
            return false;
        value = value * 10 + digit;
    }
    *out = (int64_t)(negative ? 0 - value : value);
    return true;
}

/* What the grammar of Double.parseDouble found in a text. */
struct float_text {
    const char *begin, *end; /* the number, without sign, 0x and suffix */
    bool is_hex;
    uint64_t mantissa; /* decimal: its first 19 digits */
    bool exact;        /* all digits are in the mantissa */
    int64_t exponent;  /* decimal: value = mantissa * 10^exponent where exact */
    int64_t magnitude; /* > 0: a number out of range is too large, else too small */
};

static const char *scan_exponent(const char *p, const char *end, int64_t *exponent)
{
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end || !is_digit(*p))
        return NULL;
    int64_t value = 0;
    for (; p < end && is_digit(*p); p++)
        if (value < 1000000000)
            value = value * 10 + (*p - '0');
    *exponent = negative ? -value : value;
    return p;
}

static bool scan_decimal(struct float_text *t)
{
    const char *p = t->begin;
    bool point = false, any = false;
    int n_significant = 0;
    int64_t n_fraction = 0, n_dropped = 0, n_integer = 0;
    t->exact = true;
    for (; p < t->end && (is_digit(*p) || (*p == '.' && !point)); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        any = true;
        if (n_significant == 0 && *p == '0') {
            n_fraction += point;
            continue;
        }
        if (n_significant < 19) {
            t->mantissa = t->mantissa * 10 + (uint64_t)(*p - '0');
            n_significant++;
            n_fraction += point;
        } else {
            t->exact &= *p == '0';
            n_dropped += !point;
        }
        n_integer += !point;
    }
    if (!any)
        return false;
    int64_t exponent = 0;
    if (p < t->end && (*p == 'e' || *p == 'E') && !(p = scan_exponent(p + 1, t->end, &exponent)))
        return false;
    t->exponent = exponent + n_dropped - n_fraction;
    t->magnitude = n_significant + t->exponent;
    return p == t->end;
}

static bool is_hex_digit(char c)
{
    return is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

/* 0x has been passed; Java insists on the exponent. */
static bool scan_hex(struct float_text *t)
{
    const char *p = t->begin;
    bool point = false, any = false;
    for (; p < t->end && (is_hex_digit(*p) || (*p == '.' && !point)); p++) {
        if (*p == '.')
            point = true;
        else
            any = true;
    }
    if (!any || p == t->end || (*p | 32) != 'p' || !(p = scan_exponent(p + 1, t->end, &t->exponent)))
        return false;
    t->magnitude = t->exponent;
    return p == t->end;
}

static bool convert(const struct float_text *t, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (!t->is_hex && t->exact && t->mantissa <= UINT64_C(1) << 53 && t->exponent >= -22 && t->exponent <= 22) {
        double mantissa = (double)t->mantissa;
        *out = t->exponent < 0 ? mantissa / powers[-t->exponent] : mantissa * powers[t->exponent];
        return true;
    }
    if (!t->is_hex && t->mantissa == 0) {
        *out = 0;
        return true;
    }
    int found = shortest_parse(t->begin, t->end, t->is_hex, out);
    if (found == 2)
        *out = t->magnitude > 0 ? INFINITY : 0;
    return found != 0;
}

/* One d, D, f or F at the end; in hexadecimal numbers these are digits, unless an exponent stands in front. */
static bool has_suffix(const struct float_text *t)
{
    char last = (char)(t->end[-1] | 32);
    if (last != 'd' && last != 'f')
        return false;
    size_t len = (size_t)(t->end - t->begin);
    return !t->is_hex || memchr(t->begin, 'p', len) || memchr(t->begin, 'P', len);
}

/* A number without its sign. */
static bool parse_magnitude(struct float_text *t, double *out)
{
    struct str s = str_make(t->begin, (size_t)(t->end - t->begin));
    if (s.len == 0)
        return false;
    if (str_eq(s, STR("NaN")) || str_eq(s, STR("Infinity"))) {
        *out = s.len == 3 ? NAN : INFINITY;
        return true;
    }
    if (s.len > 2 && s.p[0] == '0' && (s.p[1] | 32) == 'x') {
        t->is_hex = true;
        t->begin += 2;
    }
    if (has_suffix(t))
        t->end--;
    return (t->is_hex ? scan_hex(t) : scan_decimal(t)) && convert(t, out);
}

bool parse_double(struct str s, double *out)
{
    struct float_text t = {.begin = s.p, .end = s.p + s.len};
    while (t.begin < t.end && (unsigned char)*t.begin <= ' ')
        t.begin++;
    while (t.end > t.begin && (unsigned char)t.end[-1] <= ' ')
        t.end--;
    bool negative = t.begin < t.end && *t.begin == '-';
    if (t.begin < t.end && (*t.begin == '-' || *t.begin == '+'))
        t.begin++;
    double magnitude;
    if (!parse_magnitude(&t, &magnitude))
        return false;
    *out = negative ? -magnitude : magnitude;
    return true;
}
