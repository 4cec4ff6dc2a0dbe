/* See base64.h. */
#include "base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_write(struct str bytes, char *out)
{
    const unsigned char *p = (const unsigned char *)bytes.p, *end = p + bytes.len;
    for (; end - p >= 3; p += 3, out += 4) {
        uint32_t group = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        for (int i = 0; i < 4; i++)
            out[i] = alphabet[group >> (18 - 6 * i) & 63];
    }
    if (p == end)
        return;
    uint32_t group = (uint32_t)p[0] << 16 | (end - p > 1 ? (uint32_t)p[1] << 8 : 0);
    out[0] = alphabet[group >> 18];
    out[1] = alphabet[group >> 12 & 63];
    out[2] = end - p > 1 ? alphabet[group >> 6 & 63] : '=';
    out[3] = '=';
}
