/* Writes values as fields of messages, by their programs. Nulls and, where absent means so, zeros are not written; in
 * lists nulls become zeros, as lists have no other place for them. */
#include "formats/protobuf_program.h"

static bool out_of_range(struct diag *d, int64_t number)
{
    (void)diag_set(d, STATUS_DATA, "The number %lld does not fit into its field", (long long)number);
    return false;
}

static bool put_enum(struct buf *out, const struct write_field *f, struct str name, struct diag *d)
{
    for (uint32_t i = 0; i < f->values->n; i++) {
        if (str_eq(f->values->values[i].name, name)) {
            wire_put_varint(out, (uint64_t)f->values->values[i].number);
            return true;
        }
    }
    (void)diag_set(d, STATUS_DATA, "'" STR_FMT "' is not a value of the enum " STR_FMT, STR_ARG(name),
                   STR_ARG(f->values->name));
    return false;
}

static void put_fixed32(struct buf *out, uint32_t raw)
{
    buf_put(out, &raw, sizeof raw);
}

static void put_fixed64(struct buf *out, uint64_t raw)
{
    buf_put(out, &raw, sizeof raw);
}

static bool put_double(struct buf *out, const struct write_field *f, double number)
{
    float small = (float)number;
    uint64_t raw;
    uint32_t raw32;
    memcpy(&raw, &number, sizeof raw);
    memcpy(&raw32, &small, sizeof raw32);
    if (f->type == PROTO_FLOAT)
        put_fixed32(out, raw32);
    else
        put_fixed64(out, raw);
    return true;
}

static bool fits(enum proto_type type, int64_t number)
{
    switch (type) {
    case PROTO_INT32:
    case PROTO_SINT32:
    case PROTO_SFIXED32:
        return number == (int32_t)number;
    case PROTO_UINT32:
    case PROTO_FIXED32:
        return number == (int64_t)(uint32_t)number;
    default: /* unsigned ones are BIGINTs of the same bits */
        return true;
    }
}

static bool put_whole(struct buf *out, const struct write_field *f, int64_t number, struct diag *d)
{
    if (!fits((enum proto_type)f->type, number))
        return out_of_range(d, number);
    switch (f->type) {
    case PROTO_SINT32:
    case PROTO_SINT64:
        wire_put_varint(out, zigzag_encode(number));
        break;
    case PROTO_FIXED32:
    case PROTO_SFIXED32:
        put_fixed32(out, (uint32_t)number);
        break;
    case PROTO_FIXED64:
    case PROTO_SFIXED64:
        put_fixed64(out, (uint64_t)number);
        break;
    default:
        wire_put_varint(out, (uint64_t)number);
    }
    return true;
}

/* A scalar without its tag; `v` is not null. */
static bool put_scalar(struct buf *out, const struct write_field *f, const struct value *v, struct diag *d)
{
    switch (v->kind) {
    case KIND_BOOLEAN:
        buf_putc(out, v->boolean);
        return true;
    case KIND_INT:
        return put_whole(out, f, v->i32, d);
    case KIND_BIGINT:
        return put_whole(out, f, v->i64, d);
    case KIND_DOUBLE:
        return put_double(out, f, v->f64);
    default:
        if (f->type == PROTO_ENUM)
            return put_enum(out, f, v->str, d);
        wire_put_bytes(out, v->str);
        return true;
    }
}

static bool is_zero(const struct write_field *f, const struct value *v)
{
    uint64_t bits;
    switch (v->kind) {
    case KIND_BOOLEAN:
        return !v->boolean;
    case KIND_INT:
        return v->i32 == 0;
    case KIND_BIGINT:
        return v->i64 == 0;
    case KIND_DOUBLE:
        memcpy(&bits, &v->f64, sizeof bits);
        return bits == 0;
    default:
        return f->type != PROTO_ENUM && v->str.len == 0;
    }
}

/* A message without its tag, with its length. */
static bool put_message(struct buf *out, const struct write_field *f, const struct value *v, struct diag *d)
{
    bool ok = true;
    size_t mark = wire_open(out);
    if (f->known == PROTO_VALUE)
        ok = write_field(out, &f->sub->fields[0], v, d);
    else if (value_is_null(v))
        ok = true; /* in a list */
    else if (f->known == PROTO_PLAIN)
        ok = write_message(out, f->sub, v->nested->items, d);
    else
        known_write(out, (enum proto_known)f->known, f->t, v);
    wire_close(out, mark);
    return ok;
}

static bool put_group(struct buf *out, const struct write_field *f, const struct value *v, struct diag *d)
{
    wire_put_tag(out, f->number, WIRE_GROUP);
    bool ok = value_is_null(v) || write_message(out, f->sub, v->nested->items, d);
    wire_put_tag(out, f->number, WIRE_END_GROUP);
    return ok;
}

/* With its tag. */
static bool put_one(struct buf *out, const struct write_field *f, const struct value *v, struct diag *d)
{
    if (f->type == PROTO_GROUP)
        return put_group(out, f, v, d);
    wire_put_tag(out, f->number, proto_wire((enum proto_type)f->type));
    return f->type == PROTO_MESSAGE ? put_message(out, f, v, d) : put_scalar(out, f, v, d);
}

/* A null in a list. */
static struct value zero_of(const struct write_field *f)
{
    struct value zero = {.kind = (uint8_t)f->t->kind};
    if (f->type == PROTO_ENUM)
        zero.str = f->values->n ? f->values->values[0].name : STR("");
    return f->type < PROTO_MESSAGE ? zero : VALUE_NULL;
}

static bool write_list(struct buf *out, const struct write_field *f, const struct nested *list, struct diag *d)
{
    struct value zero = zero_of(f);
    size_t mark = 0;
    if (list->n == 0)
        return true;
    if (f->packed) {
        wire_put_tag(out, f->number, WIRE_LEN);
        mark = wire_open(out);
    }
    for (uint32_t i = 0; i < list->n; i++) {
        const struct value *v = value_is_null(&list->items[i]) ? &zero : &list->items[i];
        if (f->packed ? !put_scalar(out, f, v, d) : !put_one(out, f, v, d))
            return false;
    }
    if (f->packed)
        wire_close(out, mark);
    return true;
}

static bool write_map(struct buf *out, const struct write_field *f, const struct nested *map, struct diag *d)
{
    for (uint32_t i = 0; i < map->n; i++) {
        wire_put_tag(out, f->number, WIRE_LEN);
        size_t mark = wire_open(out);
        if (!write_field(out, &f->sub->fields[0], &map->keys[i], d) ||
            !write_field(out, &f->sub->fields[1], &map->items[i], d))
            return false;
        wire_close(out, mark);
    }
    return true;
}

bool write_field(struct buf *out, const struct write_field *f, const struct value *v, struct diag *d)
{
    if (value_is_null(v))
        return true;
    if (f->shape == READ_LIST)
        return write_list(out, f, v->nested, d);
    if (f->shape == READ_MAP)
        return write_map(out, f, v->nested, d);
    if (f->number == 0) /* the STRUCT of a oneof */
        return write_message(out, f->sub, v->nested->items, d);
    if (f->type < PROTO_MESSAGE && !f->presence && is_zero(f, v))
        return true;
    return put_one(out, f, v, d);
}

bool write_message(struct buf *out, const struct write_program *prog, const struct value *items, struct diag *d)
{
    for (uint32_t i = 0; i < prog->n_fields; i++)
        if (!write_field(out, &prog->fields[i], &items[prog->fields[i].source], d))
            return false;
    return true;
}

/* ---- columns ------------------------------------------------------------------------------------------------ */

static void put_quickly(struct buf *out, const struct write_field *f, uint64_t number, struct str bytes)
{
    if ((number == 0 && !f->presence) || !buf_reserve(out, (size_t)bytes.len + 16))
        return;
    char *p = out->p + out->len;
    *p++ = (char)f->tag;
    if (f->op == WRITE_DOUBLE) {
        memcpy(p, &number, sizeof number);
        p += sizeof number;
    } else {
        for (; number >= 0x80; number >>= 7)
            *p++ = (char)(number | 0x80);
        *p++ = (char)number;
    }
    if (bytes.len)
        memcpy(p, bytes.p, bytes.len);
    out->len = (size_t)(p - out->p) + bytes.len;
}

bool write_cell(struct buf *out, const struct write_field *f, const struct column *c, uint32_t row, struct diag *d)
{
    static const struct str nothing = {NULL, 0};
    uint64_t bits;
    struct value v;
    if (column_is_null(c, row))
        return true;
    switch (f->op) {
    case WRITE_BOOLEAN:
        put_quickly(out, f, c->u8[row] != 0, nothing);
        return true;
    case WRITE_INT:
        put_quickly(out, f, (uint64_t)(int64_t)c->i32[row], nothing);
        return true;
    case WRITE_BIGINT:
        put_quickly(out, f, (uint64_t)c->i64[row], nothing);
        return true;
    case WRITE_DOUBLE:
        memcpy(&bits, &c->f64[row], sizeof bits);
        put_quickly(out, f, bits, nothing);
        return true;
    case WRITE_BYTES:
        put_quickly(out, f, c->str[row].len, c->str[row]);
        return true;
    default:
        v = column_get(c, row);
        return write_field(out, f, &v, d);
    }
}
