/* Protocol Buffers' wire format: what is too long for the header. Messages name what is wrong, as Java's reader
 * does. */
#include "formats/protobuf_wire.h"

bool wire_truncated(struct wire *w)
{
    w->error = "the input ended unexpectedly in the middle of a field";
    return false;
}

bool wire_get_varint_slow(struct wire *w, uint64_t *out)
{
    uint64_t v = 0;
    const unsigned char *p = w->p, *end = w->end;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (p == end)
            return wire_truncated(w);
        unsigned char c = *p++;
        v |= (uint64_t)(c & 0x7F) << shift;
        if (c < 0x80) {
            w->p = p;
            *out = v;
            return true;
        }
    }
    w->error = "a varint is malformed";
    return false;
}

bool wire_get_tag(struct wire *w, uint32_t *tag)
{
    uint64_t v;
    const unsigned char *start = w->p;
    if (!wire_get_varint(w, &v))
        return false;
    *tag = (uint32_t)v;
    if (w->p - start > 5) {
        w->error = "a tag is too long";
        return false;
    }
    if (*tag >> 3 == 0) {
        w->error = "a tag is invalid (zero)";
        return false;
    }
    if ((*tag & 7) > WIRE_I32) {
        w->error = "a tag has an invalid wire type";
        return false;
    }
    return true;
}

static bool skip_bytes(struct wire *w, size_t n)
{
    if ((size_t)(w->end - w->p) < n)
        return wire_truncated(w);
    w->p += n;
    return true;
}

static bool skip_group(struct wire *w, uint32_t number, unsigned depth)
{
    if (depth >= PROTO_MAX_DEPTH) {
        w->error = "messages are nested too deeply";
        return false;
    }
    for (;;) {
        uint32_t tag;
        if (w->p == w->end)
            return wire_truncated(w);
        if (!wire_get_tag(w, &tag))
            return false;
        if ((tag & 7) == WIRE_END_GROUP && tag >> 3 == number)
            return true;
        if (!wire_skip(w, tag, depth + 1))
            return false;
    }
}

bool wire_skip(struct wire *w, uint32_t tag, unsigned depth)
{
    uint64_t varint;
    struct str bytes;
    switch (tag & 7) {
    case WIRE_VARINT:
        return wire_get_varint(w, &varint);
    case WIRE_I64:
        return skip_bytes(w, 8);
    case WIRE_LEN:
        return wire_get_bytes(w, &bytes);
    case WIRE_GROUP:
        return skip_group(w, tag >> 3, depth);
    case WIRE_I32:
        return skip_bytes(w, 4);
    default:
        w->error = "a group ends that did not begin";
        return false;
    }
}

void wire_close(struct buf *out, size_t mark)
{
    if (out->failed)
        return;
    size_t len = out->len - mark;
    unsigned more = 0;
    for (size_t rest = len >> 7; rest; rest >>= 7)
        more++;
    if (more) {
        if (!buf_reserve(out, more))
            return;
        memmove(out->p + mark + more, out->p + mark, len);
        out->len += more;
    }
    char *p = out->p + mark - 1;
    for (; len >= 0x80; len >>= 7)
        *p++ = (char)(len | 0x80);
    *p = (char)len;
}
