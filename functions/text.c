/* Text helpers: UTF-8 and UTF-16, case, and the results of functions. */
#include "functions/text.h"

#include <unicode/ustring.h>

struct str text_trim(struct str s)
{
    while (s.len && (unsigned char)s.p[0] <= ' ') {
        s.p++;
        s.len--;
    }
    while (s.len && (unsigned char)s.p[s.len - 1] <= ' ')
        s.len--;
    return s;
}

struct str text_take(struct arena *a, struct buf *b)
{
    struct str copy = {NULL, 0};
    if (!b->failed)
        copy = str_dup(a, buf_str(b));
    buf_free(b);
    return copy;
}

bool text_is_ascii(struct str s)
{
    unsigned char any = 0;
    for (uint32_t i = 0; i < s.len; i++)
        any |= (unsigned char)s.p[i];
    return any < 0x80;
}

int64_t text_find(struct str s, struct str needle, uint32_t from)
{
    if (from > s.len || needle.len > s.len - from)
        return -1;
    if (needle.len == 0)
        return from;
    const char *at = memmem(s.p + from, s.len - from, needle.p, needle.len);
    return at ? at - s.p : -1;
}

uint32_t text_next(struct str s, uint32_t *at)
{
    const unsigned char *p = (const unsigned char *)s.p + *at;
    uint32_t left = s.len - *at, c = p[0];
    uint32_t len = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
    if (len == 1) {
        (*at)++;
        return c;
    }
    if (len == 0 || len > left || !str_is_utf8(str_make(s.p + *at, len))) {
        (*at)++;
        return 0xFFFD;
    }
    c &= 0xFFu >> (len + 1);
    for (uint32_t i = 1; i < len; i++)
        c = c << 6 | (p[i] & 0x3Fu);
    *at += len;
    return c;
}

void text_put_code_point(struct buf *b, uint32_t c)
{
    if (c >= 0xD800 && c < 0xE000)
        c = '?';
    if (c < 0x80) {
        buf_putc(b, (char)c);
    } else if (c < 0x800) {
        buf_putc(b, (char)(0xC0 | c >> 6));
        buf_putc(b, (char)(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        buf_putc(b, (char)(0xE0 | c >> 12));
        buf_putc(b, (char)(0x80 | (c >> 6 & 0x3F)));
        buf_putc(b, (char)(0x80 | (c & 0x3F)));
    } else {
        buf_putc(b, (char)(0xF0 | c >> 18));
        buf_putc(b, (char)(0x80 | (c >> 12 & 0x3F)));
        buf_putc(b, (char)(0x80 | (c >> 6 & 0x3F)));
        buf_putc(b, (char)(0x80 | (c & 0x3F)));
    }
}

uint32_t text_utf16_len(struct str s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        n += (c & 0xC0) != 0x80;
        n += c >= 0xF0;
    }
    return n;
}

bool units_from(struct arena *a, struct str s, struct units *out)
{
    out->p = arena_alloc(a, (size_t)s.len * sizeof *out->p);
    out->n = 0;
    if (!out->p)
        return false;
    for (uint32_t at = 0; at < s.len;) {
        uint32_t c = text_next(s, &at);
        if (c >= 0x10000) {
            out->p[out->n++] = (uint16_t)(0xD7C0 + (c >> 10));
            c = 0xDC00 | (c & 0x3FF);
        }
        out->p[out->n++] = (uint16_t)c;
    }
    return true;
}

struct str units_to(struct arena *a, const uint16_t *p, uint32_t n)
{
    struct buf out;
    buf_init(&out, 0);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t c = p[i];
        if (c >= 0xD800 && c < 0xDC00 && i + 1 < n && (p[i + 1] & 0xFC00) == 0xDC00)
            c = ((c - 0xD7C0) << 10) + (p[++i] & 0x3FFu);
        text_put_code_point(&out, c);
    }
    return text_take(a, &out);
}

/* ---- case ---------------------------------------------------------------------------------------------------------
 */

typedef int32_t (*case_fn)(UChar *to, int32_t cap, const UChar *from, int32_t len, const char *locale,
                           UErrorCode *error);

static struct str map_case(struct arena *a, struct str s, case_fn map)
{
    struct units from;
    const struct str none = {NULL, 0};
    if (s.len > INT32_MAX / 4 || !units_from(a, s, &from))
        return none;
    int32_t cap = (int32_t)from.n * 3 + 1; /* no character has a longer mapping */
    uint16_t *to = arena_alloc(a, (size_t)cap * sizeof *to);
    UErrorCode error = U_ZERO_ERROR;
    if (!to)
        return none;
    int32_t n = map((UChar *)to, cap, (const UChar *)from.p, (int32_t)from.n, "", &error);
    return U_FAILURE(error) ? none : units_to(a, to, (uint32_t)n);
}

static struct str map_ascii(struct arena *a, struct str s, char first, char last)
{
    struct str copy = str_dup(a, s);
    char *p = (char *)(uintptr_t)copy.p;
    for (uint32_t i = 0; p && i < s.len; i++)
        p[i] ^= (char)(((unsigned char)(p[i] - first) <= (unsigned char)(last - first)) << 5);
    return copy;
}

struct str text_upper(struct arena *a, struct str s)
{
    return text_is_ascii(s) ? map_ascii(a, s, 'a', 'z') : map_case(a, s, u_strToUpper);
}

struct str text_lower(struct arena *a, struct str s)
{
    return text_is_ascii(s) ? map_ascii(a, s, 'A', 'Z') : map_case(a, s, u_strToLower);
}

/* ---- results
 * --------------------------------------------------------------------------------------------------------- */

bool return_nomem(struct call *c)
{
    return call_error(c, "Out of memory");
}

bool return_text(struct call *c, struct str s, struct value *result)
{
    *result = value_text(s);
    return s.p || return_nomem(c);
}

bool return_bytes(struct call *c, struct str s, struct value *result)
{
    *result = (struct value){.kind = KIND_BYTES, .str = s};
    return s.p || return_nomem(c);
}

bool return_buf(struct call *c, struct buf *b, struct value *result)
{
    return return_text(c, text_take(c->arena, b), result);
}

struct nested *return_array(struct call *c, size_t n, struct value *result)
{
    struct nested *list = ARENA_NEW(c->arena, struct nested);
    if (!list || n > UINT32_MAX || !(list->items = ARENA_ARRAY(c->arena, struct value, n))) {
        return_nomem(c);
        return NULL;
    }
    list->n = (uint32_t)n;
    *result = (struct value){.kind = KIND_ARRAY, .nested = list};
    return list;
}

struct nested *new_map(struct call *c, size_t n)
{
    struct value unused;
    struct nested *map = return_array(c, n, &unused);
    if (map && !(map->keys = ARENA_ARRAY(c->arena, struct value, n))) {
        return_nomem(c);
        return NULL;
    }
    return map;
}

bool return_map(struct call *c, struct nested *map, struct value *result)
{
    if (!value_map_order(c->arena, map->keys, map->items, &map->n))
        return return_nomem(c);
    *result = (struct value){.kind = KIND_MAP, .nested = map};
    return true;
}
