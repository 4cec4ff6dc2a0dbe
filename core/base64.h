/* Base64, the parts that all its dialects share. Decoders differ in what they forgive: functions/codec.h, formats/. */
#ifndef WEIR_CORE_BASE64_H
#define WEIR_CORE_BASE64_H

#include "str.h"

/* Writes bytes into `out`, which has room for base64_size characters: the standard alphabet, padded. */
void base64_write(struct str bytes, char *out);
static inline size_t base64_size(size_t n_bytes)
{
    return (n_bytes + 2) / 3 * 4;
}
/* The value of a character; -1: it is no digit. */
static inline int base64_digit(char c, bool url_safe)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || (url_safe && c == '-'))
        return 62;
    return c == '/' || (url_safe && c == '_') ? 63 : -1;
}

#endif
