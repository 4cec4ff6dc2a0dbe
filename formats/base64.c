/* Base64 as the Java libraries behind ksqlDB read and write it. */
#include "formats/formats_int.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_put(struct buf *out, struct str bytes)
{
    size_t need = ((size_t)bytes.len + 2) / 3 * 4;
    if (!buf_reserve(out, need))
        return;
    const unsigned char *p = (const unsigned char *)bytes.p, *end = p + bytes.len;
    char *to = out->p + out->len;
    for (; end - p >= 3; p += 3, to += 4) {
        uint32_t group = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        for (int i = 0; i < 4; i++)
            to[i] = alphabet[group >> (18 - 6 * i) & 63];
    }
    if (p < end) {
        uint32_t group = (uint32_t)p[0] << 16 | (end - p > 1 ? (uint32_t)p[1] << 8 : 0);
        to[0] = alphabet[group >> 18];
        to[1] = alphabet[group >> 12 & 63];
        to[2] = end - p > 1 ? alphabet[group >> 6 & 63] : '=';
        to[3] = '=';
    }
    out->len += need;
}

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* A group of four characters: 1 to 3 bytes into `out`, or -1. */
static int decode_group(const char *p, char *out)
{
    int a = digit(p[0]), b = digit(p[1]), c = digit(p[2]), d = digit(p[3]);
    if (a < 0 || b < 0)
        return -1;
    out[0] = (char)(a << 2 | b >> 4);
    if (c < 0)
        return p[2] == '=' && p[3] == '=' ? 1 : -1;
    out[1] = (char)(b << 4 | c >> 2);
    if (d < 0)
        return p[3] == '=' ? 2 : -1;
    out[2] = (char)(c << 6 | d);
    return 3;
}

int64_t base64_decode_mime(struct str text, char *out)
{
    const char *p = text.p, *end = p + text.len;
    int64_t n = 0;
    while (p < end) {
        if ((unsigned char)*p <= ' ') {
            p++;
            continue;
        }
        int bytes = end - p < 4 ? -1 : decode_group(p, out + n);
        if (bytes < 0)
            return -1;
        n += bytes;
        p += 4;
    }
    return n;
}

int64_t base64_decode_basic(struct str text, char *out)
{
    const char *p = text.p, *end = p + text.len;
    int64_t n = 0;
    while (p < end) {
        char group[4] = {'=', '=', '=', '='};
        size_t len = end - p < 4 ? (size_t)(end - p) : 4;
        memcpy(group, p, len);
        /* A lone '=' may not stand for the two that are needed. */
        if (len == 3 && group[2] == '=')
            return -1;
        int bytes = decode_group(group, out + n);
        p += len;
        if (bytes < 0 || (bytes < 3 && p < end))
            return -1;
        n += bytes;
    }
    return n;
}
