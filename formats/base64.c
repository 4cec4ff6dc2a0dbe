/* Base64 as the Java libraries behind ksqlDB read and write it. */
#include "formats/formats_int.h"
#include "core/base64.h"

void base64_put(struct buf *out, struct str bytes)
{
    size_t need = base64_size(bytes.len);
    if (!buf_reserve(out, need))
        return;
    base64_write(bytes, out->p + out->len);
    out->len += need;
}

/* A group of four characters: 1 to 3 bytes into `out`, or -1. */
static int decode_group(const char *p, char *out)
{
    int a = base64_digit(p[0], false), b = base64_digit(p[1], false);
    int c = base64_digit(p[2], false), d = base64_digit(p[3], false);
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
