/* Strings of JSON: escapes resolved and written, names in capitals. */
#include "formats/json_int.h"

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 32) - 'a' + 10);
}

static unsigned hex4(const char *p)
{
    return hex_digit(p[0]) << 12 | hex_digit(p[1]) << 8 | hex_digit(p[2]) << 4 | hex_digit(p[3]);
}

static char *put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xC0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *to++ = (char)(0xE0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    } else {
        *to++ = (char)(0xF0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3F));
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    }
    return to;
}

/* *p at the u of a \u escape; moved behind it, and behind the second half of a pair. */
static unsigned unicode_escape(const char **p, const char *end)
{
    unsigned code = hex4(*p + 1);
    *p += 5;
    if (code < 0xD800 || code > 0xDFFF)
        return code;
    if (code < 0xDC00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
        unsigned low = hex4(*p + 2);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *p += 6;
            return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return '?';
}

struct str json_unescape(struct arena *a, struct str raw)
{
    char *out = arena_alloc(a, raw.len);
    if (!out)
        return (struct str){NULL, 0};
    const char *p = raw.p, *end = p + raw.len;
    char *to = out;
    while (p < end) {
        const char *escape = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((escape ? escape : end) - p);
        memcpy(to, p, plain);
        to += plain;
        p += plain;
        if (!escape)
            break;
        p++;
        if (*p == 'u') {
            to = put_utf8(to, unicode_escape(&p, end));
            continue;
        }
        static const char from[] = "bfnrt", meaning[] = "\b\f\n\r\t";
        const char *known = strchr(from, *p);
        *to++ = known ? meaning[known - from] : *p;
        p++;
    }
    return str_make(out, (size_t)(to - out));
}

/* ---- capitals ----------------------------------------------------------------------------------------- */

/* Letters of two UTF-8 bytes whose capital has two as well. */
static unsigned upper_code(unsigned code)
{
    if ((code >= 0xE0 && code <= 0xFE && code != 0xF7) || (code >= 0x3B1 && code <= 0x3CB && code != 0x3C2) ||
        (code >= 0x430 && code <= 0x44F))
        return code - 0x20;
    if ((code >= 0x100 && code <= 0x137 && code != 0x131) || (code >= 0x14A && code <= 0x177) ||
        (code >= 0x460 && code <= 0x481))
        return code & ~1u;
    if ((code >= 0x139 && code <= 0x148) || (code >= 0x179 && code <= 0x17E))
        return code - !(code & 1);
    if (code >= 0x450 && code <= 0x45F)
        return code - 0x50;
    return code == 0xFF ? 0x178 : code == 0x3C2 ? 0x3A3 : code == 0xB5 ? 0x39C : code;
}

uint32_t json_upper(struct str s, char *out)
{
    char *to = out;
    for (uint32_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x80) {
            *to++ = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
            continue;
        }
        if (c < 0xC2 || c > 0xDF || i + 1 == s.len) {
            *to++ = (char)c;
            continue;
        }
        unsigned code = (c & 0x1Fu) << 6 | ((unsigned char)s.p[++i] & 0x3F);
        if (code == 0xDF) { /* sharp s */
            *to++ = 'S';
            *to++ = 'S';
        } else if (code == 0x131 || code == 0x17F) { /* dotless i, long s */
            *to++ = code == 0x131 ? 'I' : 'S';
        } else {
            to = put_utf8(to, upper_code(code));
        }
    }
    return (uint32_t)(to - out);
}

/* ---- writing ------------------------------------------------------------------------------------------ */

static bool is_special(unsigned char c, bool ascii_pairs)
{
    return c < 0x20 || c == '"' || c == '\\' || (ascii_pairs && c >= 0xF0);
}

static inline uint64_t zero_bytes(uint64_t word)
{
    return (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
}

/* Whether one of eight characters is special; beyond U+FFFF counts as such. */
static inline bool any_special(uint64_t word)
{
    uint64_t control = (word - UINT64_C(0x2020202020202020)) & ~word & UINT64_C(0x8080808080808080);
    uint64_t lead4 = word & word << 1 & word << 2 & word << 3 & UINT64_C(0x8080808080808080);
    return (control | lead4 | zero_bytes(word ^ UINT64_C(0x2222222222222222)) |
            zero_bytes(word ^ UINT64_C(0x5C5C5C5C5C5C5C5C))) != 0;
}

/* 4 to 15 bytes without special characters, by two words that may overlap. False: nothing was done. */
static inline bool copy_short(char *to, const char *p, size_t len)
{
    if (len >= 8) {
        uint64_t first, last;
        memcpy(&first, p, 8);
        memcpy(&last, p + len - 8, 8);
        if (any_special(first) || any_special(last))
            return false;
        memcpy(to, &first, 8);
        memcpy(to + len - 8, &last, 8);
        return true;
    }
    uint32_t first, last;
    memcpy(&first, p, 4);
    memcpy(&last, p + len - 4, 4);
    if (any_special((uint64_t)first << 32 | last))
        return false;
    memcpy(to, &first, 4);
    memcpy(to + len - 4, &last, 4);
    return true;
}

/* Copies up to the first character that cannot be written as it is; returns how many bytes. Room for all is there. */
static size_t copy_plain(char *to, const char *p, size_t len, bool ascii_pairs)
{
    size_t i = 0;
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1F);
    const __m128i four = _mm_set1_epi8(ascii_pairs ? (char)0xF0 : (char)0xFF);
    for (; len - i >= 16; i += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        _mm_storeu_si128((__m128i *)(void *)(to + i), x);
        __m128i found = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, backslash)),
            _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(x, control), x), _mm_cmpeq_epi8(_mm_max_epu8(x, four), x)));
        unsigned stop = (unsigned)_mm_movemask_epi8(found);
        if (stop)
            return i + (unsigned)__builtin_ctz(stop);
    }
#endif
    if (len - i >= 4 && len - i < 16 && copy_short(to + i, p + i, len - i))
        return len;
    for (; i < len && !is_special((unsigned char)p[i], ascii_pairs); i++)
        to[i] = p[i];
    return i;
}

static char *put_hex4(char *to, unsigned unit)
{
    static const char digits[] = "0123456789ABCDEF";
    memcpy(to, "\\u", 2);
    for (int i = 0; i < 4; i++)
        to[2 + i] = digits[unit >> (12 - 4 * i) & 15];
    return to + 6;
}

/* One special character at p, of which `left` bytes remain; *used: its bytes. Writes at most 12. */
static char *put_special(char *to, const char *p, size_t left, size_t *used)
{
    unsigned char c = (unsigned char)*p;
    *used = 1;
    if (c >= 0xF0) {
        if (left < 4) {
            *to++ = '?';
            return to;
        }
        *used = 4;
        unsigned code = (c & 7u) << 18 | ((unsigned char)p[1] & 0x3Fu) << 12 | ((unsigned char)p[2] & 0x3Fu) << 6 |
                        ((unsigned char)p[3] & 0x3Fu);
        to = put_hex4(to, 0xD7C0 + (code >> 10));
        return put_hex4(to, 0xDC00 | (code & 0x3FF));
    }
    static const char from[] = "\"\\\b\t\n\f\r", letters[] = "\"\\btnfr";
    const char *known = c ? strchr(from, c) : NULL;
    if (!known)
        return put_hex4(to, c);
    *to++ = '\\';
    *to++ = letters[known - from];
    return to;
}

void json_put_string(struct buf *out, struct str s, bool ascii_pairs)
{
    if (!buf_reserve(out, (size_t)s.len + 2))
        return;
    char *to = out->p + out->len;
    *to++ = '"';
    size_t done = s.len ? copy_plain(to, s.p, s.len, ascii_pairs) : 0;
    to += done;
    out->len = (size_t)(to - out->p);
    while (done < s.len) {
        if (!buf_reserve(out, (s.len - done) + 16))
            return;
        size_t used;
        to = put_special(out->p + out->len, s.p + done, s.len - done, &used);
        done += used;
        size_t plain = copy_plain(to, s.p + done, s.len - done, ascii_pairs);
        done += plain;
        out->len = (size_t)(to + plain - out->p);
    }
    buf_putc(out, '"');
}
