/* Strings: `struct str` is a borrowed view of bytes (UTF-8 unless said otherwise, not NUL-terminated),
 * `struct buf` a growing byte buffer that owns its memory. */
#ifndef WEIR_CORE_STR_H
#define WEIR_CORE_STR_H

#include "mem.h"

#include <string.h>

struct str {
    const char *p; /* may be NULL only if len is 0 */
    uint32_t len;
};

#define STR(literal) ((struct str){(literal), (uint32_t)(sizeof(literal) - 1)})
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).len, (s).p ? (s).p : ""

static inline struct str str_make(const char *p, size_t len)
{
    return (struct str){p, (uint32_t)len};
}
static inline struct str str_from(const char *z)
{
    return (struct str){z, z ? (uint32_t)strlen(z) : 0};
}
static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}
bool str_eq_nocase(struct str a, struct str b);   /* ASCII letters only */
int str_cmp(struct str a, struct str b);          /* by bytes: <0, 0, >0 */
int str_cmp_utf16(struct str a, struct str b);    /* by UTF-16 code unit, as Java's compareTo */
bool str_starts(struct str s, struct str prefix);
bool str_is_utf8(struct str s);                   /* well-formed, no surrogates, at most U+10FFFF */
/* Copies into the arena, with a NUL behind it that is not counted. {NULL, 0} when memory is out (check a->failed). */
struct str str_dup(struct arena *a, struct str s);
struct str str_upper_ascii(struct arena *a, struct str s);
struct str str_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);

/* A byte buffer. `failed` is sticky: appends after a failure do nothing, so that a caller may check once at the end. */
struct buf {
    char *p;
    size_t len, cap; /* behind cap there is room for a NUL */
    size_t limit; /* bytes; 0: none */
    bool failed;
};

void buf_init(struct buf *b, size_t limit);
void buf_free(struct buf *b);
bool buf_reserve_slow(struct buf *b, size_t more);
/* Makes room for `more` bytes behind len; false when memory is out or the limit reached. */
static inline bool buf_reserve(struct buf *b, size_t more)
{
    return __builtin_expect(b->cap - b->len >= more && !b->failed, 1) || buf_reserve_slow(b, more);
}
static inline void buf_put(struct buf *b, const void *p, size_t n)
{
    if (buf_reserve(b, n) && n) {
        memcpy(b->p + b->len, p, n);
        b->len += n;
    }
}
static inline void buf_putc(struct buf *b, char c)
{
    if (buf_reserve(b, 1))
        b->p[b->len++] = c;
}
static inline void buf_puts(struct buf *b, struct str s)
{
    buf_put(b, s.p, s.len);
}
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_put_i64(struct buf *b, int64_t v);      /* decimal */
const char *buf_z(struct buf *b);                /* NUL-terminates (not counted); "" when empty or failed */
static inline struct str buf_str(const struct buf *b)
{
    return str_make(b->p, b->len);
}

#endif
