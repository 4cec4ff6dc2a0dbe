/* A writer's schema and the plan of a decoder into a program: for each value of the writer's one operation that reads it into
 * its node, or passes over it.
 *
 * Types are matched as ksqlDB matches Connect's: numbers may widen, any scalar may become a STRING, nothing else. What does
 * not fit is an operation, too, which refuses the record, as the value may be null or the branch of a union never taken.
 * A schema may contain itself; the plan never does, and only operations that skip lead in circles. */
#include "formats/avro_int.h"

static struct avro_type *mutable(const struct avro_type *t)
{
    return (struct avro_type *)(uintptr_t)t;
}

/* Bytes of the shortest value; of types that contain themselves it is enough to know that it is one. */
static uint32_t least_of(struct avro_type *t)
{
    uint32_t least = t->kind != WIRE_NULL;
    if (t->kind == WIRE_FLOAT)
        return 4;
    if (t->kind == WIRE_DOUBLE)
        return 8;
    if (t->kind == WIRE_FIXED)
        return t->n;
    if (t->kind != WIRE_RECORD || t->busy)
        return least;
    t->busy = true;
    least = 0;
    for (uint32_t i = 0; i < t->n && least == 0; i++)
        least = least_of(mutable(t->fields[i].type));
    t->busy = false;
    return least;
}

static struct read_op *op_make(struct arena *a, uint8_t code, const struct avro_type *t, uint32_t n_ops)
{
    struct read_op *op = ARENA_NEW(a, struct read_op);
    struct read_op **ops = ARENA_ARRAY(a, struct read_op *, n_ops);
    if (!op || !ops)
        return NULL;
    *op = (struct read_op){.code = code,
                           .wire = (uint8_t)t->kind,
                           .field = NO_FIELD,
                           .n = t->n,
                           .ops = ops,
                           .scale = t->scale,
                           .symbols = t->symbols,
                           .direct = -1};
    return op;
}

/* The operation for a value that may be null, from that for the value. `t`: the union of the two. */
static struct read_op *optional(struct arena *a, const struct avro_type *t, const struct read_op *value)
{
    struct read_op *op = value ? arena_dup(a, value, sizeof *value) : NULL;
    if (!op)
        return NULL;
    uint32_t null_at = t->members[1]->kind == WIRE_NULL;
    op->is_optional = true;
    op->null_byte = (char)(2 * null_at); /* zigzag */
    op->value_byte = (char)(2 - 2 * null_at);
    return op;
}

/* The member beside null of a union of two; NULL: it is none. */
static struct avro_type *optional_value(const struct avro_type *t)
{
    return t->kind == WIRE_UNION && t->n == 2 &&
                   (t->members[0]->kind == WIRE_NULL) != (t->members[1]->kind == WIRE_NULL)
               ? mutable(av_optional(t))
               : NULL;
}

/* ---- passing over ------------------------------------------------------------------------------------- */

static const struct avro_type *part_of(const struct avro_type *t, uint32_t i)
{
    return t->kind == WIRE_RECORD ? t->fields[i].type : t->kind == WIRE_UNION ? t->members[i] : t->element;
}

static struct read_op *skip_of(struct arena *a, struct avro_type *t);

static struct read_op *skip_parts(struct arena *a, struct avro_type *t)
{
    uint8_t code = t->kind == WIRE_RECORD  ? SKIP_RECORD
                   : t->kind == WIRE_UNION ? SKIP_UNION
                   : t->kind == WIRE_MAP   ? SKIP_MAP
                                           : SKIP_ARRAY;
    uint32_t n = code == SKIP_RECORD || code == SKIP_UNION ? t->n : 1;
    struct read_op *op = op_make(a, code, t, n);
    if (!op)
        return NULL;
    t->skip = op; /* before its parts, which may contain it */
    if (code == SKIP_ARRAY)
        op->least = least_of(mutable(t->element));
    for (uint32_t i = 0; i < n; i++) {
        op->ops[i] = skip_of(a, mutable(part_of(t, i)));
        if (!op->ops[i])
            return NULL;
    }
    return op;
}

static struct read_op *skip_of(struct arena *a, struct avro_type *t)
{
    static const uint8_t codes[] = {
        [WIRE_NULL] = SKIP_SIZED,  [WIRE_BOOLEAN] = SKIP_SIZED, [WIRE_INT] = SKIP_NUMBER,  [WIRE_LONG] = SKIP_NUMBER,
        [WIRE_FLOAT] = SKIP_SIZED, [WIRE_DOUBLE] = SKIP_SIZED,  [WIRE_BYTES] = SKIP_BYTES, [WIRE_STRING] = SKIP_BYTES,
        [WIRE_FIXED] = SKIP_SIZED, [WIRE_ENUM] = SKIP_ENUM};
    if (t->skip)
        return t->skip;
    if (optional_value(t))
        return t->skip = optional(a, t, skip_of(a, optional_value(t)));
    if (t->kind >= WIRE_ARRAY)
        return skip_parts(a, t);
    t->skip = op_make(a, codes[t->kind], t, 0);
    if (t->skip && t->skip->code == SKIP_SIZED)
        t->skip->n = least_of(t);
    return t->skip;
}

/* ---- reading ------------------------------------------------------------------------------------------ */

/* What is compiled, and the path to it for messages; innermost first. */
struct place {
    const struct place *up;
    struct str name;
};

static struct read_op *compile(struct arena *a, struct avro_type *t, struct decode_node *node, bool built,
                               const struct place *at);

static void put_path(struct buf *out, const struct place *at)
{
    if (at->up)
        put_path(out, at->up);
    buf_puts(out, at->up ? STR(".") : STR("$"));
    buf_puts(out, at->name);
}

static struct read_op *misfit(struct arena *a, const struct avro_type *t, const struct decode_node *node,
                              const struct place *at)
{
    struct buf path, type;
    struct read_op *op = op_make(a, READ_MISFIT, t, 0);
    buf_init(&path, 0);
    buf_init(&type, 0);
    put_path(&path, at);
    type_print(&type, node->type);
    if (op) {
        op->strict = true;
        op->misfit = arena_printf(a, "Can't convert type. sourceType: %s, requiredType: %s, path: %s",
                                  av_wire_name(t->kind), buf_z(&type), buf_z(&path));
    }
    bool ok = op && op->misfit && !path.failed && !type.failed;
    buf_free(&path);
    buf_free(&type);
    return ok ? op : NULL;
}

/* READ_MISFIT: there is no way. */
static uint8_t scalar_code(const struct avro_type *t, const struct type *to)
{
    bool whole = t->kind == WIRE_INT || t->kind == WIRE_LONG, plain = t->logical == LOGICAL_NONE;
    switch (to->kind) {
    case KIND_BOOLEAN:
        return t->kind == WIRE_BOOLEAN ? READ_BOOLEAN : READ_MISFIT;
    case KIND_INT:
        return t->kind == WIRE_INT ? READ_INT : READ_MISFIT; /* also days, milliseconds */
    case KIND_BIGINT:
        return whole ? READ_LONG : READ_MISFIT;
    case KIND_DOUBLE:
        return t->kind == WIRE_DOUBLE  ? READ_DOUBLE
               : t->kind == WIRE_FLOAT ? READ_FLOAT
               : whole && plain        ? READ_WHOLE_DOUBLE
                                       : READ_MISFIT;
    case KIND_STRING:
        if (t->kind == WIRE_STRING)
            return READ_STRING;
        if (t->kind == WIRE_ENUM)
            return READ_ENUM;
        return plain && t->kind >= WIRE_BOOLEAN && t->kind <= WIRE_DOUBLE ? READ_TEXT : READ_MISFIT;
    case KIND_BYTES:
        if (!plain)
            return READ_MISFIT;
        return t->kind == WIRE_BYTES ? READ_BYTES : t->kind == WIRE_FIXED ? READ_FIXED : READ_MISFIT;
    case KIND_DECIMAL:
        return t->logical == LOGICAL_DECIMAL ? READ_DECIMAL : READ_MISFIT;
    case KIND_DATE:
        return t->logical == LOGICAL_DATE ? READ_INT : READ_MISFIT;
    case KIND_TIME:
        return t->logical == LOGICAL_TIME ? READ_TIME : READ_MISFIT;
    case KIND_TIMESTAMP:
        return t->logical == LOGICAL_TIMESTAMP ? READ_LONG : READ_MISFIT;
    default:
        return READ_MISFIT;
    }
}

/* Fields of the STRUCT that the writer does not have. */
static bool note_missing(struct arena *a, struct read_op *op, struct decode_node *node)
{
    uint32_t n = node->type->n_fields;
    op->missing = arena_alloc(a, n * sizeof *op->missing);
    uint8_t *seen = ARENA_ARRAY(a, uint8_t, n);
    if (!op->missing || !seen)
        return false;
    for (uint32_t i = 0; i < op->n; i++)
        if (op->ops[i]->field != NO_FIELD)
            seen[op->ops[i]->field] = 1;
    for (uint32_t i = 0; i < n; i++)
        if (!seen[i])
            op->missing[op->n_missing++] = &node->fields[i];
    return true;
}

static struct str member_name_at(const void *type, uint32_t i)
{
    return av_member_name(((const struct avro_type *)type)->members[i]);
}

/* The part of the writer's that a field takes: of several whose names differ in case, the equal one, else the first. */
static int part_for(const struct avro_type *t, struct str name)
{
    return t->kind == WIRE_RECORD ? av_find(name, t->n, av_field_name, t->fields)
                                  : av_find(name, t->n, member_name_at, t);
}

/* A record into a STRUCT, or a union of several types, of which each is a field. */
static struct read_op *compile_struct(struct arena *a, struct avro_type *t, struct decode_node *node, bool built,
                                      const struct place *at)
{
    struct read_op *op = op_make(a, t->kind == WIRE_RECORD ? READ_STRUCT : READ_UNION_STRUCT, t, t->n);
    if (!op)
        return NULL;
    bool whole = built || node->n_outputs;
    for (uint32_t f = 0; f < node->type->n_fields; f++) {
        int i = part_for(t, node->type->fields[f].name);
        if (i < 0 || op->ops[i])
            continue;
        struct place here = {at, node->type->fields[f].name};
        struct read_op *part = compile(a, mutable(part_of(t, (uint32_t)i)), &node->fields[f], whole, &here);
        if (part && part->code >= SKIP_NUMBER) /* operations that skip are shared */
            part = arena_dup(a, part, sizeof *part);
        if (!part)
            return NULL;
        part->field = f;
        op->ops[i] = part;
        op->strict |= part->strict;
    }
    for (uint32_t i = 0; i < t->n; i++)
        if (!op->ops[i] && !(op->ops[i] = skip_of(a, mutable(part_of(t, i)))))
            return NULL;
    return note_missing(a, op, node) ? op : NULL;
}

static struct read_op *compile_elements(struct arena *a, struct avro_type *t, struct decode_node *node, bool whole,
                                        const struct place *at)
{
    struct read_op *op = op_make(a, t->kind == WIRE_MAP ? READ_MAP : READ_ARRAY, t, 1);
    struct place here = {at, STR("[]")};
    if (!op)
        return NULL;
    op->least = t->kind == WIRE_MAP ? 1 : least_of(mutable(t->element));
    op->ops[0] = compile(a, mutable(t->element), node->element, whole, &here);
    if (op->ops[0])
        op->strict = op->ops[0]->strict;
    return op->ops[0] ? op : NULL;
}

/* An array of records into a MAP: their fields are read into field 0, the key, and 1, the value. */
static struct read_op *compile_entries(struct arena *a, struct avro_type *t, struct decode_node *node, bool whole,
                                       const struct place *at)
{
    const struct avro_type *e = t->element;
    struct read_op *op = op_make(a, READ_ENTRIES, t, 1), *entry = op_make(a, READ_STRUCT, e, 2);
    struct decode_node *key = ARENA_NEW(a, struct decode_node);
    if (!op || !entry || !key)
        return NULL;
    key->type = node->type->key;
    op->least = least_of(mutable(e));
    op->ops[0] = entry;
    uint32_t at_key = (uint32_t)av_find(STR("key"), e->n, av_field_name, e->fields);
    for (uint32_t i = 0; i < 2; i++) {
        struct place here = {at, i == at_key ? STR("key") : STR("value")};
        struct read_op *part = compile(a, mutable(e->fields[i].type), i == at_key ? key : node->element, whole, &here);
        if (part && part->code >= SKIP_NUMBER)
            part = arena_dup(a, part, sizeof *part);
        if (!part)
            return NULL;
        part->field = i != at_key;
        entry->ops[i] = part;
        op->strict |= part->strict;
    }
    return op;
}

static struct read_op *compile_union(struct arena *a, struct avro_type *t, struct decode_node *node, bool built,
                                     const struct place *at)
{
    if (optional_value(t)) {
        struct read_op *value = compile(a, optional_value(t), node, built, at);
        return optional(a, t, value);
    }
    struct read_op *op = op_make(a, READ_UNION, t, t->n);
    if (!op)
        return NULL;
    for (uint32_t i = 0; i < t->n; i++) {
        op->ops[i] = compile(a, mutable(t->members[i]), node, built, at);
        if (!op->ops[i])
            return NULL;
        op->strict |= op->ops[i]->strict;
    }
    return op;
}

static uint32_t count_values(const struct avro_type *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n; i++)
        n += t->members[i]->kind != WIRE_NULL;
    return n;
}

static struct read_op *compile_value(struct arena *a, struct avro_type *t, struct decode_node *node, bool built,
                                     const struct place *at)
{
    bool whole = built || node->n_outputs;
    enum type_kind to = node->type->kind;
    if (t->kind == WIRE_NULL)
        return op_make(a, READ_NULL, t, 0);
    if (t->kind == WIRE_UNION)
        return to == KIND_STRUCT && count_values(t) > 1 ? compile_struct(a, t, node, built, at)
                                                        : compile_union(a, t, node, built, at);
    if (to == KIND_STRUCT && t->kind == WIRE_RECORD)
        return compile_struct(a, t, node, built, at);
    if ((to == KIND_ARRAY && t->kind == WIRE_ARRAY) || (to == KIND_MAP && t->kind == WIRE_MAP))
        return compile_elements(a, t, node, whole, at);
    if (to == KIND_MAP && t->kind == WIRE_ARRAY && av_is_entries(t))
        return compile_entries(a, t, node, whole, at);
    uint8_t code = scalar_code(t, node->type);
    struct read_op *op = code == READ_MISFIT ? misfit(a, t, node, at) : op_make(a, code, t, 0);
    if (op && (code == READ_DECIMAL || code == READ_TIME))
        op->strict = true;
    return op;
}

static struct read_op *compile(struct arena *a, struct avro_type *t, struct decode_node *node, bool built,
                               const struct place *at)
{
    struct read_op *op = compile_value(a, t, node, built, at);
    if (op && !op->strict && !built && !node->wanted)
        return skip_of(a, t);
    if (!op)
        return NULL;
    op->node = node;
    if (node->n_outputs == 1 && !built && !type_is_nested(node->type) && op->code != READ_UNION)
        op->direct = (int32_t)node->outputs[0];
    return op;
}

struct read_op *av_compile(struct arena *a, struct avro_type *writer, struct decode_node *node)
{
    struct place root = {NULL, STR("")};
    return compile(a, writer, node, false, &root);
}
