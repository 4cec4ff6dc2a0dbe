/* Keys in the snapshot's file, without the store's number that stands in front of them.
 *
 *   KEYED, WINDOWED   as in the changelog
 *   SESSION           1, slice (8 bytes), key, end, start (8 bytes each)
 *
 * By slice, a stretch of time, first: so sessions that come in the order of time are written side by side, closing them
 * reads side by side, and the sessions of one key in one slice are one seek away. */
#include "state/state_int.h"

enum { KIND_ENTRY = 1, HEAD = 9, TAIL = 16 };

void put_be64(struct buf *out, int64_t v)
{
    uint64_t flipped = __builtin_bswap64((uint64_t)v ^ UINT64_C(1) << 63);
    buf_put(out, &flipped, sizeof flipped);
}

int64_t get_be64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return (int64_t)(__builtin_bswap64(v) ^ UINT64_C(1) << 63);
}

void row_key_time(struct buf *out, int64_t time)
{
    buf_putc(out, KIND_ENTRY);
    put_be64(out, time);
}

void row_key(struct buf *out, const struct store *s, int64_t start, int64_t end, struct str key)
{
    switch (s->options.kind) {
    case STORE_KEYED:
        buf_putc(out, KIND_ENTRY);
        buf_puts(out, key);
        break;
    case STORE_WINDOWED:
        row_key_time(out, start);
        buf_puts(out, key);
        break;
    case STORE_SESSION:
        row_key_time(out, time_floor(end, s->slice_width));
        buf_puts(out, key);
        put_be64(out, end);
        put_be64(out, start);
        break;
    }
}

bool row_key_parse(const struct store *s, struct str key, int64_t *start, int64_t *end, struct str *user_key)
{
    uint32_t head = s->options.kind == STORE_KEYED ? 1 : HEAD, tail = s->options.kind == STORE_SESSION ? TAIL : 0;
    if (key.len < head + tail || key.p[0] != KIND_ENTRY)
        return false;
    *user_key = str_make(key.p + head, key.len - head - tail);
    *start = s->options.kind == STORE_WINDOWED ? get_be64(key.p + 1) : 0;
    *end = 0;
    if (s->options.kind == STORE_SESSION) {
        *end = get_be64(key.p + key.len - 16);
        *start = get_be64(key.p + key.len - 8);
    }
    return true;
}
