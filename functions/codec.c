/* Hexadecimal and Base64 (RFC 4648). */
#include "functions/codec.h"

static const struct str no_text = {NULL, 0};

struct str hex_encode(struct arena *a, struct str bytes, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char *out = bytes.len <= UINT32_MAX / 2 ? arena_alloc(a, (size_t)bytes.len * 2) : NULL;
    if (!out)
        return no_text;
    for (uint32_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        out[2 * i] = digits[c >> 4];
        out[2 * i + 1] = digits[c & 15];
    }
    return str_make(out, (size_t)bytes.len * 2);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct str hex_decode(struct arena *a, struct str text)
{
    char *out = text.len % 2 == 0 ? arena_alloc(a, text.len / 2) : NULL;
    if (!out)
        return no_text;
    for (uint32_t i = 0; i < text.len; i += 2) {
        int high = hex_digit(text.p[i]), low = hex_digit(text.p[i + 1]);
        if (high < 0 || low < 0)
            return no_text;
        out[i / 2] = (char)(high << 4 | low);
    }
    return str_make(out, text.len / 2);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct str base64_encode(struct arena *a, struct str bytes)
{
    size_t len = ((size_t)bytes.len + 2) / 3 * 4;
    char *out = len <= UINT32_MAX ? arena_alloc(a, len) : NULL, *o = out;
    if (!out)
        return no_text;
    const unsigned char *p = (const unsigned char *)bytes.p;
    for (uint32_t i = 0; i < bytes.len; i += 3) {
        uint32_t left = bytes.len - i;
        uint32_t word = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
        *o++ = alphabet[word >> 18];
        *o++ = alphabet[word >> 12 & 63];
        *o++ = left > 1 ? alphabet[word >> 6 & 63] : '=';
        *o++ = left > 2 ? alphabet[word & 63] : '=';
    }
    return str_make(out, len);
}

static int base64_digit(char c, bool url_safe)
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

/* Decodes the digits; those that are none are skipped or end it all. */
static struct str decode(struct arena *a, struct str text, bool lenient)
{
    char *out = arena_alloc(a, (size_t)text.len / 4 * 3 + 3);
    size_t len = 0;
    uint32_t word = 0, digits = 0;
    if (!out)
        return no_text;
    for (uint32_t i = 0; i < text.len; i++) {
        int digit = base64_digit(text.p[i], lenient);
        if (digit < 0 && lenient && text.p[i] != '=')
            continue;
        if (digit < 0)
            break;
        word = word << 6 | (uint32_t)digit;
        if (++digits % 4 == 0) {
            out[len++] = (char)(word >> 16);
            out[len++] = (char)(word >> 8);
            out[len++] = (char)word;
        }
    }
    if (digits % 4 >= 2)
        out[len++] = (char)(digits % 4 == 2 ? word >> 4 : word >> 10);
    if (digits % 4 == 3)
        out[len++] = (char)(word >> 2);
    return str_make(out, len);
}

struct str base64_decode(struct arena *a, struct str text)
{
    uint32_t n = text.len;
    while (n > 0 && text.len - n < 2 && text.p[n - 1] == '=')
        n--;
    bool padded = n < text.len;
    if (n % 4 == 1 || (padded && text.len % 4 != 0))
        return no_text;
    for (uint32_t i = 0; i < n; i++)
        if (base64_digit(text.p[i], false) < 0)
            return no_text;
    return decode(a, str_make(text.p, n), false);
}

struct str base64_decode_lenient(struct arena *a, struct str text)
{
    return decode(a, text, true);
}
