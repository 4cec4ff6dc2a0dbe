/* String views: comparison, copies, UTF-8 checking. No locale anywhere: case means ASCII letters. */
#include "str.h"

#include <stdio.h>

static unsigned char lower_ascii(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (uint32_t i = 0; i < a.len; i++)
        if (lower_ascii(a.p[i]) != lower_ascii(b.p[i]))
            return false;
    return true;
}

int str_cmp(struct str a, struct str b)
{
    uint32_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.p, b.p, common) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* UTF-8 bytes order as UTF-16 units do, but for one case: U+E000..U+FFFF (lead bytes EE, EF) come behind the surrogates
 * of U+10000 and above (lead bytes F0..F4). Strings differ first in a lead byte there. */
int str_cmp_utf16(struct str a, struct str b)
{
    int order = str_cmp(a, b);
    if (order == 0)
        return 0;
    uint32_t common = a.len < b.len ? a.len : b.len, i = 0;
    while (i < common && a.p[i] == b.p[i])
        i++;
    if (i == common)
        return order;
    unsigned char x = (unsigned char)a.p[i], y = (unsigned char)b.p[i];
    if (x >= 0xEE && y >= 0xEE && (x >= 0xF0) != (y >= 0xF0))
        return x >= 0xF0 ? -1 : 1;
    return order;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.p, prefix.p, prefix.len) == 0);
}

/* Length of the well-formed sequence at p, or 0 (Unicode standard, table 3-7). */
static unsigned sequence_len(const unsigned char *p, const unsigned char *end)
{
    unsigned char c = *p, low = 0x80, high = 0xBF;
    unsigned len;
    if (c < 0x80)
        return 1;
    if (c >= 0xC2 && c <= 0xDF) {
        len = 2;
    } else if (c >= 0xE0 && c <= 0xEF) {
        len = 3;
        low = c == 0xE0 ? 0xA0 : 0x80;
        high = c == 0xED ? 0x9F : 0xBF;
    } else if (c >= 0xF0 && c <= 0xF4) {
        len = 4;
        low = c == 0xF0 ? 0x90 : 0x80;
        high = c == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if ((size_t)(end - p) < len || p[1] < low || p[1] > high)
        return 0;
    for (unsigned i = 2; i < len; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p, *end = p + s.len;
    while (p < end) {
        uint64_t word;
        if (end - p >= 8 && (memcpy(&word, p, 8), (word & UINT64_C(0x8080808080808080)) == 0)) {
            p += 8;
            continue;
        }
        unsigned len = sequence_len(p, end);
        if (len == 0)
            return false;
        p += len;
    }
    return true;
}

struct str str_dup(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, (size_t)s.len + 1);
    if (!p)
        return (struct str){NULL, 0};
    if (s.len)
        memcpy(p, s.p, s.len);
    p[s.len] = '\0';
    return str_make(p, s.len);
}

struct str str_upper_ascii(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, (size_t)s.len + 1);
    if (!p)
        return (struct str){NULL, 0};
    for (uint32_t i = 0; i < s.len; i++)
        p[i] = (char)(s.p[i] >= 'a' && s.p[i] <= 'z' ? s.p[i] - 32 : s.p[i]);
    p[s.len] = '\0';
    return str_make(p, s.len);
}

struct str str_printf(struct arena *a, const char *format, ...)
{
    size_t len = 0;
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(a, &len, format, args);
    va_end(args);
    return str_make(text, len);
}
