/* Reads messages by their programs: one pass over the bytes, values into slots.
 *
 * As Protocol Buffers has it: fields come in any order, what is unknown or of another wire type is passed over, of several
 * the last one counts, messages that come twice are merged, numbers of lists are packed or not. */
#include "formats/protobuf_program.h"

struct walk {
    struct arena *a;
    unsigned depth;
};

/* A list while it grows; the nested value is its beginning. */
struct growing {
    struct nested nested;
    uint32_t cap;
};

static bool walk_message(struct walk *walk, struct wire *w, const struct read_program *prog, struct value *values,
                         uint32_t group);

static bool fail(struct wire *w, const char *error)
{
    w->error = error;
    return false;
}

/* ---- scalars ----------------------------------------------------------------------------------------------- */

static bool put_enum(struct walk *walk, const struct read_field *f, int32_t number, struct value *v)
{
    for (uint32_t i = 0; i < f->values->n; i++) {
        if (f->values->values[i].number == number) {
            v->str = str_dup(walk->a, f->values->values[i].name);
            return v->str.p != NULL;
        }
    }
    v->str = str_printf(walk->a, "UNKNOWN_ENUM_VALUE_" STR_FMT "_%d", STR_ARG(f->values->name), (int)number);
    return v->str.p != NULL;
}

static inline void put_whole(const struct read_field *f, int64_t number, struct value *v)
{
    if (f->kind == KIND_INT)
        v->i32 = (int32_t)number;
    else
        v->i64 = number;
}

static bool put_varint(struct walk *walk, const struct read_field *f, uint64_t raw, struct value *v)
{
    v->kind = f->kind;
    switch (f->type) {
    case PROTO_BOOL:
        v->boolean = raw != 0;
        return true;
    case PROTO_ENUM:
        return put_enum(walk, f, (int32_t)raw, v);
    case PROTO_INT32:
        put_whole(f, (int32_t)raw, v);
        return true;
    case PROTO_UINT32:
        put_whole(f, (uint32_t)raw, v);
        return true;
    case PROTO_SINT32:
        put_whole(f, (int32_t)zigzag_decode((uint32_t)raw), v);
        return true;
    case PROTO_SINT64:
        put_whole(f, zigzag_decode(raw), v);
        return true;
    default:
        put_whole(f, (int64_t)raw, v);
        return true;
    }
}

static void put_fixed32(const struct read_field *f, uint32_t raw, struct value *v)
{
    float number;
    v->kind = f->kind;
    memcpy(&number, &raw, sizeof number);
    if (f->type == PROTO_FLOAT)
        v->f64 = (double)number;
    else
        put_whole(f, f->type == PROTO_FIXED32 ? (int64_t)raw : (int32_t)raw, v);
}

static void put_fixed64(const struct read_field *f, uint64_t raw, struct value *v)
{
    v->kind = f->kind;
    if (f->type == PROTO_DOUBLE)
        memcpy(&v->f64, &raw, sizeof raw);
    else
        v->i64 = (int64_t)raw;
}

/* `v` NULL: only checked. */
static bool read_scalar(struct walk *walk, struct wire *w, const struct read_field *f, struct value *v)
{
    uint64_t raw;
    uint32_t small;
    struct str bytes;
    switch (f->wire) {
    case WIRE_VARINT:
        return wire_get_varint(w, &raw) && (!v || put_varint(walk, f, raw, v));
    case WIRE_I64:
        if (!wire_get_fixed64(w, &raw))
            return false;
        if (v)
            put_fixed64(f, raw, v);
        return true;
    case WIRE_I32:
        if (!wire_get_fixed32(w, &small))
            return false;
        if (v)
            put_fixed32(f, small, v);
        return true;
    default:
        if (!wire_get_bytes(w, &bytes))
            return false;
        if (f->checks_utf8 && !wire_is_text(bytes))
            return fail(w, "a string is not valid UTF-8");
        if (v && f->type == PROTO_STRING && !f->checks_utf8)
            bytes = utf8_repair(walk->a, bytes);
        if (v)
            *v = (struct value){.kind = f->kind, .str = bytes};
        return true;
    }
}

/* ---- messages ---------------------------------------------------------------------------------------------- */

static bool read_struct(struct walk *walk, struct wire *w, const struct read_field *f, struct value *v, uint32_t group)
{
    struct value *items = NULL;
    if (v && !value_is_null(v)) {
        items = v->nested->items; /* comes again: merged */
    } else if (v) {
        struct nested *nested = arena_alloc(walk->a, sizeof *nested);
        items = arena_alloc(walk->a, f->sub->n_slots * sizeof *items);
        if (!nested || !items)
            return false;
        memcpy(items, f->sub->defaults, f->sub->n_slots * sizeof *items);
        *nested = (struct nested){.n = f->sub->n_slots, .items = items};
        *v = (struct value){.kind = KIND_STRUCT, .nested = nested};
    }
    return walk_message(walk, w, f->sub, items, group);
}

static bool read_value(struct walk *walk, struct wire *w, const struct read_field *f, struct value *v)
{
    struct value inner = v && !value_is_null(v) ? *v : f->sub->defaults[0];
    if (!walk_message(walk, w, f->sub, v ? &inner : NULL, 0))
        return false;
    if (v)
        *v = inner;
    return true;
}

static bool read_submessage(struct walk *walk, struct wire *outer, const struct read_field *f, struct value *v)
{
    struct str bytes;
    struct value ignored;
    bool ok;
    if (!wire_get_bytes(outer, &bytes))
        return false;
    struct wire w = wire_of(bytes);
    if (f->known == PROTO_VALUE)
        ok = read_value(walk, &w, f, v);
    else if (f->sub)
        ok = read_struct(walk, &w, f, v, 0);
    else
        ok = known_read(&w, (enum proto_known)f->known, f->t, walk->a, v ? v : &ignored);
    outer->error = w.error;
    return ok;
}

static bool read_one(struct walk *walk, struct wire *w, const struct read_field *f, struct value *v)
{
    if (f->type < PROTO_MESSAGE)
        return read_scalar(walk, w, f, v);
    if (f->type == PROTO_MESSAGE)
        return read_submessage(walk, w, f, v);
    return read_struct(walk, w, f, v, f->number);
}

/* ---- lists and maps ---------------------------------------------------------------------------------------- */

static struct growing *grow(struct arena *a, struct value *v, uint32_t more, bool keyed)
{
    struct growing *list = v->nested->items ? (struct growing *)(uintptr_t)v->nested : NULL;
    uint32_t n = list ? list->nested.n : 0;
    if (list && more <= list->cap - n)
        return list;
    uint32_t cap = n + (more > n ? more : n);
    if (cap < 4)
        cap = 4;
    struct growing *bigger = arena_alloc(a, sizeof *bigger);
    struct value *items = arena_alloc(a, cap * sizeof *items),
                 *keys = keyed ? arena_alloc(a, cap * sizeof *keys) : NULL;
    if (!bigger || !items || (keyed && !keys))
        return NULL;
    if (n)
        memcpy(items, list->nested.items, n * sizeof *items);
    if (n && keyed)
        memcpy(keys, list->nested.keys, n * sizeof *keys);
    *bigger = (struct growing){{n, items, keys}, cap};
    v->nested = &bigger->nested;
    return bigger;
}

static bool read_element(struct walk *walk, struct wire *w, const struct read_field *f, struct value *v)
{
    struct growing *list;
    if (!v)
        return read_one(walk, w, f, NULL);
    if (!(list = grow(walk->a, v, 1, false)))
        return false;
    struct value *item = &list->nested.items[list->nested.n++];
    *item = VALUE_NULL;
    return read_one(walk, w, f, item);
}

static uint32_t count_packed(const struct read_field *f, struct str bytes)
{
    uint32_t n = 0;
    if (f->wire != WIRE_VARINT)
        return bytes.len / (f->wire == WIRE_I64 ? 8 : 4);
    for (uint32_t i = 0; i < bytes.len; i++)
        n += !(bytes.p[i] & 0x80);
    return n;
}

static bool read_packed(struct walk *walk, struct wire *outer, const struct read_field *f, struct value *v)
{
    struct str bytes;
    if (!wire_get_bytes(outer, &bytes))
        return false;
    uint32_t n = count_packed(f, bytes);
    struct growing *list = v && n ? grow(walk->a, v, n, false) : NULL;
    if (v && n && !list)
        return false;
    for (struct wire w = wire_of(bytes); w.p < w.end;) {
        struct value *item = list && n ? &list->nested.items[list->nested.n] : NULL;
        if (!read_scalar(walk, &w, f, item)) {
            outer->error = w.error;
            return false;
        }
        if (item) {
            list->nested.n++;
            n--;
        }
    }
    return true;
}

static bool read_entry(struct walk *walk, struct wire *outer, const struct read_field *f, struct value *v)
{
    struct str bytes;
    struct value pair[2] = {f->sub->defaults[0], f->sub->defaults[1]};
    if (!wire_get_bytes(outer, &bytes))
        return false;
    struct wire w = wire_of(bytes);
    if (!walk_message(walk, &w, f->sub, v ? pair : NULL, 0)) {
        outer->error = w.error;
        return false;
    }
    struct growing *map = v ? grow(walk->a, v, 1, true) : NULL;
    if (!v || !map)
        return !v;
    if (value_is_null(&pair[0]))
        pair[0] = (struct value){.kind = (uint8_t)f->t->key->kind};
    map->nested.keys[map->nested.n] = pair[0];
    map->nested.items[map->nested.n++] = pair[1];
    return true;
}

/* ---- fields ------------------------------------------------------------------------------------------------ */

/* The place of a member of a oneof: the others become null. */
static struct value *union_place(struct walk *walk, const struct read_program *prog, const struct read_field *f,
                                 struct value *values)
{
    struct value *v = &values[f->in_union];
    uint32_t n = prog->union_sizes[f->in_union];
    if (value_is_null(v)) {
        struct nested *nested = ARENA_NEW(walk->a, struct nested);
        struct value *items = ARENA_ARRAY(walk->a, struct value, n);
        if (!nested || !items)
            return NULL;
        *nested = (struct nested){.n = n, .items = items};
        *v = (struct value){.kind = KIND_STRUCT, .nested = nested};
    }
    for (uint32_t i = 0; i < n; i++)
        if (i != f->slot)
            v->nested->items[i] = VALUE_NULL;
    return &v->nested->items[f->slot];
}

static bool read_known_field(struct walk *walk, struct wire *w, const struct read_program *prog,
                             const struct read_field *f, uint32_t tag, struct value *values)
{
    unsigned wire = tag & 7;
    struct value *v = NULL;
    bool packed = f->shape == READ_LIST && f->packable && wire == WIRE_LEN;
    if (wire != f->wire && !packed)
        return wire_skip(w, tag, walk->depth);
    if (f->kind != KIND_NULL && values) {
        v = f->in_union < 0 ? &values[f->slot] : union_place(walk, prog, f, values);
        if (!v)
            return false;
    }
    if (f->shape == READ_ONE)
        return read_one(walk, w, f, v);
    if (f->shape == READ_MAP)
        return read_entry(walk, w, f, v);
    return packed ? read_packed(walk, w, f, v) : read_element(walk, w, f, v);
}

static const struct read_field *find_field(const struct read_program *prog, uint32_t number)
{
    if (number < READ_DENSE)
        return prog->by_number[number] ? &prog->fields[prog->by_number[number] - 1] : NULL;
    for (uint32_t i = 0; prog->has_large_numbers && i < prog->n_fields; i++)
        if (prog->fields[i].number == number)
            return &prog->fields[i];
    return NULL;
}

/* Maps get their order; texts that point into the schema are copied, as the columns may outlive it. */
static bool finish(struct walk *walk, const struct read_program *prog, struct value *values)
{
    for (uint32_t i = 0; i < prog->n_finish; i++) {
        struct value *v = &values[prog->finish[i]];
        if (value_is_null(v))
            continue;
        if (v->kind != KIND_MAP) {
            if (v->str.p == prog->defaults[prog->finish[i]].str.p && v->str.len)
                v->str = str_dup(walk->a, v->str);
            continue;
        }
        struct nested *map = (struct nested *)(uintptr_t)v->nested;
        if (map->n > 1 && !value_map_order(walk->a, map->keys, map->items, &map->n))
            return false;
    }
    return !walk->a->failed;
}

/* A field that is as its op says, behind its tag. */
static inline bool read_quickly(struct wire *w, const struct read_field *f, struct value *values)
{
    uint64_t raw;
    struct str bytes;
    struct value *v = values ? &values[f->slot] : NULL; /* there, unless it is only checked */
    switch (f->op) {
    case READ_NO_VARINT:
        return wire_get_varint(w, &raw);
    case READ_BOOLEAN:
    case READ_INT:
    case READ_BIGINT:
        if (!wire_get_varint(w, &raw))
            return false;
        v->kind = f->kind;
        if (f->op == READ_BIGINT)
            v->i64 = (int64_t)raw;
        else if (f->op == READ_INT)
            v->i32 = (int32_t)raw;
        else
            v->boolean = raw != 0;
        return true;
    case READ_DOUBLE:
        if (!wire_get_fixed64(w, &raw))
            return false;
        v->kind = KIND_DOUBLE;
        memcpy(&v->f64, &raw, sizeof raw);
        return true;
    default:
        if (!wire_get_bytes(w, &bytes))
            return false;
        if (f->op != READ_BYTES && !wire_is_text(bytes))
            return fail(w, "a string is not valid UTF-8");
        if (f->op != READ_NO_TEXT)
            *v = (struct value){.kind = f->kind, .str = bytes};
        return true;
    }
}

static bool walk_fields(struct walk *walk, struct wire *w, const struct read_program *prog, struct value *values,
                        uint32_t group)
{
    while (w->p < w->end) {
        uint32_t tag = *w->p;
        const struct read_field *f;
        if (tag < 0x80 && prog->by_number[tag >> 3] && (f = &prog->fields[prog->by_number[tag >> 3] - 1])->tag == tag) {
            w->p++;
            if (!read_quickly(w, f, values))
                return false;
            continue;
        }
        if (!wire_get_tag(w, &tag))
            return false;
        if (group && tag == (group << 3 | WIRE_END_GROUP))
            return true;
        f = find_field(prog, tag >> 3);
        if (f ? !read_known_field(walk, w, prog, f, tag, values) : !wire_skip(w, tag, walk->depth))
            return false;
    }
    return !group || wire_truncated(w);
}

static bool walk_message(struct walk *walk, struct wire *w, const struct read_program *prog, struct value *values,
                         uint32_t group)
{
    if (walk->depth >= PROTO_MAX_DEPTH)
        return fail(w, "messages are nested too deeply");
    walk->depth++;
    bool ok = walk_fields(walk, w, prog, values, group);
    walk->depth--;
    return ok && (!values || finish(walk, prog, values));
}

bool read_message(struct wire *w, const struct read_program *prog, struct arena *a, struct value *values)
{
    struct walk walk = {a, 0};
    memcpy(values, prog->defaults, prog->n_slots * sizeof *values);
    return walk_message(&walk, w, prog, values, 0);
}
