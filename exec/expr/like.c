/* LIKE: a pattern as a list of segments between `%`, matched from left to right.
 *
 * The leftmost match of each segment is always good enough: a later one would make the `%` before it longer, and if
 * that were allowed to cover the text in between, the next `%` would be too. This holds although `%` and `_` stop at
 * line ends. */
#include "exec/expr/expr_int.h"

struct segment {
    const char *text; /* literal bytes; '_' wildcards are marked in `any` */
    const bool *any;
    uint32_t len;
    bool has_any;
};

struct like {
    uint32_t n; /* segments; there is a `%` between any two */
    struct segment *segments;
};

/* Bytes of the line end that starts at p: \n \r U+0085 U+2028 U+2029; 0: none does. */
static uint32_t line_end(const char *p, const char *end)
{
    unsigned char c = (unsigned char)*p;
    if (c == '\n' || c == '\r')
        return 1;
    if (c == 0xC2 && end - p > 1 && (unsigned char)p[1] == 0x85)
        return 2;
    if (c == 0xE2 && end - p > 2 && (unsigned char)p[1] == 0x80 && ((unsigned char)p[2] & 0xFE) == 0xA8)
        return 3;
    return 0;
}

static uint32_t char_len(const char *p, const char *end)
{
    unsigned char c = (unsigned char)*p;
    uint32_t len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    return len < (size_t)(end - p) ? len : (uint32_t)(end - p);
}

struct like *like_compile(struct arena *a, struct str pattern, char escape)
{
    struct like *l = ARENA_NEW(a, struct like);
    char *text = arena_alloc(a, pattern.len);
    bool *any = ARENA_ARRAY(a, bool, pattern.len);
    if (!l || !text || !any || !(l->segments = ARENA_ARRAY(a, struct segment, (size_t)pattern.len + 1)))
        return NULL;
    struct segment *s = &l->segments[l->n++];
    *s = (struct segment){text, any, 0, false};
    uint32_t used = 0;
    for (uint32_t i = 0; i < pattern.len; i++) {
        char c = pattern.p[i];
        bool literal = escape && c == escape && i + 1 < pattern.len;
        if (literal)
            c = pattern.p[++i];
        if (c == '%' && !literal) {
            s = &l->segments[l->n++];
            *s = (struct segment){text + used, any + used, 0, false};
            continue;
        }
        text[used] = c;
        any[used] = c == '_' && !literal;
        s->has_any |= any[used++];
        s->len++;
    }
    return l;
}

/* Where the segment that starts at p ends; NULL: it does not match there. */
static const char *segment_at(const struct segment *s, const char *p, const char *end)
{
    if (!s->has_any)
        return (size_t)(end - p) >= s->len && memcmp(p, s->text, s->len) == 0 ? p + s->len : NULL;
    for (uint32_t i = 0; i < s->len; i++) {
        if (p == end)
            return NULL;
        if (!s->any[i]) {
            if (*p++ != s->text[i])
                return NULL;
        } else {
            if (line_end(p, end))
                return NULL;
            p += char_len(p, end);
        }
    }
    return p;
}

static bool has_line_end(const char *p, const char *end)
{
    for (; p < end; p++)
        if (((unsigned char)*p >= 0xC2 || *p == '\n' || *p == '\r') && line_end(p, end))
            return true;
    return false;
}

/* The leftmost match at or behind p, with no line end before it; `plain`: there are none in the text. */
static const char *segment_find(const struct segment *s, const char *p, const char *end, bool plain)
{
    if (!s->has_any) {
        const char *at = memmem(p, (size_t)(end - p), s->text, s->len);
        return at && (plain || !has_line_end(p, at)) ? at + s->len : NULL;
    }
    for (;;) {
        const char *after = segment_at(s, p, end);
        if (after)
            return after;
        if (p == end || line_end(p, end))
            return NULL;
        p += char_len(p, end);
    }
}

/* The last segment must end where the text ends. */
static bool last_segment(const struct segment *s, const char *p, const char *end, bool plain)
{
    if (!s->has_any) {
        if ((size_t)(end - p) < s->len || memcmp(end - s->len, s->text, s->len) != 0)
            return false;
        return plain || !has_line_end(p, end - s->len);
    }
    for (;;) {
        if (segment_at(s, p, end) == end)
            return true;
        if (p == end || line_end(p, end))
            return false;
        p += char_len(p, end);
    }
}

/* No byte that could belong to a line end. */
static bool is_plain(struct str text)
{
    unsigned char any = 0;
    for (uint32_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        any |= (unsigned char)((c >= 0x80) | ((unsigned char)(c - '\n') <= '\r' - '\n'));
    }
    return any == 0;
}

bool like_matches(const struct like *l, struct str text)
{
    static const char nothing[1];
    const char *p = text.p ? text.p : nothing, *end = p + text.len;
    const char *after = segment_at(&l->segments[0], p, end);
    if (l->n == 1 || !after)
        return after == end;
    bool plain = is_plain(text);
    for (uint32_t i = 1; i + 1 < l->n; i++)
        if (!(after = segment_find(&l->segments[i], after, end, plain)))
            return false;
    return last_segment(&l->segments[l->n - 1], after, end, plain);
}
