/* Private to formats/: digits of JSON numbers, eight at a time. The text must end in a character that is no digit
 * (end[-1]): loops stop there. */
#ifndef WEIR_FORMATS_JSON_DIGITS_H
#define WEIR_FORMATS_JSON_DIGITS_H

#include "formats/json_int.h"

static inline uint64_t json_load(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline bool json_is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

/* How many of the eight characters of a word are digits before the first other one, and their value. */
static inline unsigned json_eight_digits(uint64_t word, uint64_t *value)
{
    uint64_t digits = word ^ UINT64_C(0x3030303030303030);
    uint64_t others = ((digits + UINT64_C(0x7676767676767676)) | digits) & UINT64_C(0x8080808080808080);
    if (others & 0xFF)
        return 0;
    unsigned n = others ? (unsigned)__builtin_ctzll(others) / 8 : 8;
    digits <<= 64 - 8 * n; /* zeros in front */
    digits = digits * 10 + (digits >> 8);
    *value = ((digits & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064) +
              (digits >> 16 & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001)) >>
             32;
    return n;
}

/* Adds digits to *v; moves and returns p. */
static inline const char *json_read_run(const char *p, const char *end, uint64_t *v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    while (end - p >= 8) {
        uint64_t value = 0;
        unsigned n = json_eight_digits(json_load(p), &value);
        *v = *v * powers[n] + value;
        p += n;
        if (n < 8)
            return p;
    }
#endif
    for (; json_is_digit(*p); p++)
        *v = *v * 10 + (uint64_t)(*p - '0');
    return p;
}

/* Digits with an optional point among them, without exponent: the value without the point and the number of digits
 * behind it. For 18 digits at most. */
static inline const char *json_read_digits(const char *p, const char *end, bool *negative, uint64_t *mantissa,
                                           uint32_t *n_fraction)
{
    *negative = *p == '-';
    p += *negative;
    const char *begin = p;
    *mantissa = 0;
    p = json_read_run(p, end, mantissa);
    ptrdiff_t n = p - begin;
    if (n == 0 || (*begin == '0' && n > 1))
        return NULL;
    *n_fraction = 0;
    if (*p == '.') {
        const char *fraction = p + 1;
        p = json_read_run(fraction, end, mantissa);
        *n_fraction = (uint32_t)(p - fraction);
        n += p - fraction;
        if (p == fraction)
            return NULL;
    }
    return n <= 18 && (*p | 32) != 'e' ? p : NULL;
}

#endif
