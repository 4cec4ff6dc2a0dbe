/* The wire format of Protocol Buffers: tags, varints, fixed numbers. Hot, therefore in a header. Private to the
 * PROTOBUF formats.
 * https://protobuf.dev/programming-guides/encoding/ */
#ifndef WEIR_FORMATS_PROTOBUF_WIRE_H
#define WEIR_FORMATS_PROTOBUF_WIRE_H

#include "formats/protobuf_int.h"

enum { WIRE_VARINT = 0, WIRE_I64 = 1, WIRE_LEN = 2, WIRE_GROUP = 3, WIRE_END_GROUP = 4, WIRE_I32 = 5 };

/* The wire type of a single value. */
static inline unsigned proto_wire(enum proto_type type)
{
    static const uint8_t wires[] = {
        [PROTO_DOUBLE] = WIRE_I64,   [PROTO_FLOAT] = WIRE_I32,    [PROTO_INT32] = WIRE_VARINT,
        [PROTO_INT64] = WIRE_VARINT, [PROTO_UINT32] = WIRE_VARINT, [PROTO_UINT64] = WIRE_VARINT,
        [PROTO_SINT32] = WIRE_VARINT, [PROTO_SINT64] = WIRE_VARINT, [PROTO_FIXED32] = WIRE_I32,
        [PROTO_FIXED64] = WIRE_I64,  [PROTO_SFIXED32] = WIRE_I32, [PROTO_SFIXED64] = WIRE_I64,
        [PROTO_BOOL] = WIRE_VARINT,  [PROTO_ENUM] = WIRE_VARINT,  [PROTO_STRING] = WIRE_LEN,
        [PROTO_BYTES] = WIRE_LEN,    [PROTO_MESSAGE] = WIRE_LEN,  [PROTO_GROUP] = WIRE_GROUP};
    return wires[type];
}

static inline bool proto_is_packable(enum proto_type type)
{
    return type < PROTO_STRING;
}

static inline uint64_t zigzag_encode(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}
static inline int64_t zigzag_decode(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

/* ---- reading ----------------------------------------------------------------------------------------------- */

struct wire {
    const unsigned char *p, *end;
    const char *error; /* what is wrong; NULL: nothing yet */
};

bool wire_get_varint_slow(struct wire *w, uint64_t *out);
static inline bool wire_get_varint(struct wire *w, uint64_t *out)
{
    if (__builtin_expect(w->p < w->end && *w->p < 0x80, 1)) {
        *out = *w->p++;
        return true;
    }
    return wire_get_varint_slow(w, out);
}
bool wire_truncated(struct wire *w); /* sets the error; false */
static inline bool wire_get_fixed32(struct wire *w, uint32_t *out)
{
    if (w->end - w->p < 4)
        return wire_truncated(w);
    memcpy(out, w->p, 4);
    w->p += 4;
    return true;
}
static inline bool wire_get_fixed64(struct wire *w, uint64_t *out)
{
    if (w->end - w->p < 8)
        return wire_truncated(w);
    memcpy(out, w->p, 8);
    w->p += 8;
    return true;
}
/* Bytes with their length in front. */
static inline bool wire_get_bytes(struct wire *w, struct str *out)
{
    uint64_t n;
    if (!wire_get_varint(w, &n))
        return false;
    if (n > (uint64_t)(w->end - w->p))
        return wire_truncated(w);
    *out = str_make((const char *)w->p, n);
    w->p += n;
    return true;
}
/* Most texts are ASCII, and short. */
static inline bool wire_is_text(struct str s)
{
    const uint64_t high = UINT64_C(0x8080808080808080);
    uint64_t all = 0, word;
    uint32_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        memcpy(&word, s.p + i, 8);
        all |= word;
    }
    if (s.len >= 8) {
        memcpy(&word, s.p + s.len - 8, 8);
        all |= word;
    } else {
        for (; i < s.len; i++)
            all |= (uint64_t)(unsigned char)s.p[i];
    }
    return __builtin_expect((all & high) == 0, 1) || str_is_utf8(s);
}
/* The next tag, which is valid by itself. */
bool wire_get_tag(struct wire *w, uint32_t *tag);
/* Passes over a field whose tag was read. */
bool wire_skip(struct wire *w, uint32_t tag, unsigned depth);
static inline struct wire wire_of(struct str bytes)
{
    return (struct wire){(const unsigned char *)bytes.p, (const unsigned char *)bytes.p + bytes.len, NULL};
}

/* ---- writing ----------------------------------------------------------------------------------------------- */

static inline void wire_put_varint(struct buf *out, uint64_t v)
{
    if (!buf_reserve(out, 10))
        return;
    char *p = out->p + out->len;
    for (; v >= 0x80; v >>= 7)
        *p++ = (char)(v | 0x80);
    *p++ = (char)v;
    out->len = (size_t)(p - out->p);
}
static inline void wire_put_tag(struct buf *out, uint32_t number, unsigned wire)
{
    wire_put_varint(out, (uint64_t)number << 3 | wire);
}
static inline void wire_put_bytes(struct buf *out, struct str s)
{
    wire_put_varint(out, s.len);
    buf_puts(out, s);
}
/* Opens a part whose length is not known yet; wire_close writes it in front. */
static inline size_t wire_open(struct buf *out)
{
    buf_putc(out, 0);
    return out->len;
}
void wire_close(struct buf *out, size_t mark);

/* ---- values that are messages (protobuf_known.c) ----------------------------------------------------------- */

/* Reads the bytes of such a message (not PLAIN, VALUE, MAP_ENTRY) into a value of type `t`. False: `w->error`, or memory ran
 * out in `a`. */
bool known_read(struct wire *w, enum proto_known known, const struct type *t, struct arena *a, struct value *out);
/* Writes its bytes, without their length. */
void known_write(struct buf *out, enum proto_known known, const struct type *t, const struct value *v);

#endif
