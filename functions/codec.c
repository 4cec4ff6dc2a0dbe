/* Hexadecimal and Base64 (RFC 4648). */
#include "functions/codec.h"
#include "core/base64.h"

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

struct str base64_encode(struct arena *a, struct str bytes)
{
    size_t len = base64_size(bytes.len);
    char *out = len <= UINT32_MAX ? arena_alloc(a, len) : NULL;
    if (!out)
        return no_text;
    base64_write(bytes, out);
    return str_make(out, len);
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
