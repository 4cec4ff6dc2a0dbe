/* Private to the AVRO reader: the scalars of Avro's binary encoding. All of these return the end of what they passed, or
 * NULL: it is malformed, or goes beyond `end`. */
#ifndef WEIR_FORMATS_AVRO_WIRE_H
#define WEIR_FORMATS_AVRO_WIRE_H

#include "formats/avro_int.h"

enum { READ_DEPTH = 500 };

static inline const char *get_int(const char *p, const char *end, int32_t *out)
{
    int64_t n;
    p = av_get_long(p, end, &n);
    *out = (int32_t)n;
    return p && n == (int32_t)n ? p : NULL;
}

static inline const char *get_sized(const char *p, const char *end, struct str *out)
{
    int64_t n;
    p = av_get_long(p, end, &n);
    if (!p || n < 0 || n > end - p)
        return NULL;
    *out = str_make(p, (size_t)n);
    return p + n;
}

static inline const char *get_fixed(const char *p, const char *end, uint32_t n, struct str *out)
{
    if (n > end - p)
        return NULL;
    *out = str_make(p, n);
    return p + n;
}

static inline const char *get_float(const char *p, const char *end, float *out)
{
    if (end - p < 4)
        return NULL;
    memcpy(out, p, 4);
    return p + 4;
}

static inline const char *get_double(const char *p, const char *end, double *out)
{
    if (end - p < 8)
        return NULL;
    memcpy(out, p, 8);
    return p + 8;
}

static inline const char *skip_number(const char *p, const char *end)
{
    uint64_t word;
    if (end - p >= 8) {
        memcpy(&word, p, sizeof word);
        word = ~word & UINT64_C(0x8080808080808080);
        if (word)
            return p + (__builtin_ctzll(word) >> 3) + 1;
    }
    int64_t n;
    return av_get_long(p, end, &n);
}

enum presence { IS_MALFORMED, IS_NULL, IS_VALUE };

/* The branch of an optional value. */
static inline enum presence get_presence(const struct read_op *op, const char **p, const char *end)
{
    if (__builtin_expect(*p < end, 1)) {
        char byte = *(*p)++;
        if (__builtin_expect(byte == op->value_byte, 1))
            return IS_VALUE;
        if (byte == op->null_byte)
            return IS_NULL;
    }
    return IS_MALFORMED;
}

#endif
