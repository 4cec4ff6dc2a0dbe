/* Small text helpers. */
#include "functions/text.h"

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
