/* What writes columns by an Avro schema: fields are matched by name, a branch of a union is chosen by the type of the
 * column. Numbers may also be written by narrower types, where each value must fit. */
#include "formats/avro_int.h"

struct plan {
    struct arena *a;
    struct diag *d;
};

static enum status plan_value(struct plan *c, const struct avro_type *wire, const struct type *type, struct str name,
                              struct write_op *op);

/* How well a scalar fits: 0 not at all; more is better. *code: what writes it. */
static unsigned rank_scalar(const struct avro_type *w, enum type_kind kind, uint8_t *code)
{
    static const struct {
        uint8_t kind, wire, logical, code, rank;
    } ways[] = {
        {KIND_BOOLEAN, WIRE_BOOLEAN, LOGICAL_NONE, WRITE_BOOLEAN, 3},
        {KIND_INT, WIRE_INT, LOGICAL_NONE, WRITE_INT, 5},
        {KIND_INT, WIRE_LONG, LOGICAL_NONE, WRITE_LONG, 4},
        {KIND_INT, WIRE_DOUBLE, LOGICAL_NONE, WRITE_DOUBLE, 3},
        {KIND_INT, WIRE_FLOAT, LOGICAL_NONE, WRITE_FLOAT, 2},
        {KIND_BIGINT, WIRE_LONG, LOGICAL_NONE, WRITE_LONG, 5},
        {KIND_BIGINT, WIRE_INT, LOGICAL_NONE, WRITE_INT, 4},
        {KIND_BIGINT, WIRE_DOUBLE, LOGICAL_NONE, WRITE_DOUBLE, 3},
        {KIND_BIGINT, WIRE_FLOAT, LOGICAL_NONE, WRITE_FLOAT, 2},
        {KIND_DOUBLE, WIRE_DOUBLE, LOGICAL_NONE, WRITE_DOUBLE, 5},
        {KIND_DOUBLE, WIRE_FLOAT, LOGICAL_NONE, WRITE_FLOAT, 4},
        {KIND_STRING, WIRE_STRING, LOGICAL_NONE, WRITE_SIZED, 5},
        {KIND_STRING, WIRE_ENUM, LOGICAL_NONE, WRITE_ENUM, 4},
        {KIND_BYTES, WIRE_BYTES, LOGICAL_NONE, WRITE_SIZED, 5},
        {KIND_BYTES, WIRE_FIXED, LOGICAL_NONE, WRITE_FIXED, 4},
        {KIND_DECIMAL, WIRE_BYTES, LOGICAL_DECIMAL, WRITE_DECIMAL, 5},
        {KIND_DECIMAL, WIRE_FIXED, LOGICAL_DECIMAL, WRITE_DECIMAL, 4},
        {KIND_DATE, WIRE_INT, LOGICAL_DATE, WRITE_INT, 5},
        {KIND_TIME, WIRE_INT, LOGICAL_TIME, WRITE_INT, 5},
        {KIND_TIMESTAMP, WIRE_LONG, LOGICAL_TIMESTAMP, WRITE_LONG, 5},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (ways[i].kind == kind && ways[i].wire == w->kind && ways[i].logical == w->logical) {
            *code = ways[i].code;
            return ways[i].rank;
        }
    }
    return 0;
}

static unsigned rank_of(const struct avro_type *w, const struct type *type)
{
    uint8_t code;
    switch (type->kind) {
    case KIND_ARRAY:
        return w->kind == WIRE_ARRAY ? 5 : 0;
    case KIND_MAP:
        return w->kind == WIRE_MAP || av_is_entries(w) ? 5 : 0;
    case KIND_STRUCT:
        return w->kind == WIRE_RECORD ? 5 : 0;
    default:
        return rank_scalar(w, type->kind, &code);
    }
}

static enum status mismatch(struct plan *c, const struct avro_type *w, const struct type *type, struct str name)
{
    struct buf text;
    buf_init(&text, 0);
    type_print(&text, type);
    enum status st = diag_set(c->d, STATUS_INVALID, "Cannot write `" STR_FMT "` %s as Avro type %s", STR_ARG(name),
                              buf_z(&text), av_wire_name(w->kind));
    buf_free(&text);
    return st;
}

/* ---- records ------------------------------------------------------------------------------------------ */

/* A field that no column has: its default, else null, else no row can be written. */
static enum status plan_absent(const struct avro_type *w, struct write_op *op)
{
    *op = (struct write_op){
        .code = WRITE_NULL, .branch = -1, .null_branch = w->kind == WIRE_NULL ? 0 : -1, .field = NO_FIELD, .wire = w};
    for (uint32_t i = 0; w->kind == WIRE_UNION && i < w->n; i++)
        if (w->members[i]->kind == WIRE_NULL)
            op->null_branch = (int32_t)i;
    return STATUS_OK;
}

static enum status plan_field(struct plan *c, const struct avro_field *field, const struct type *record, int at,
                              struct write_op *op)
{
    enum status st =
        at < 0 ? plan_absent(field->type, op) : plan_value(c, field->type, record->fields[at].type, field->name, op);
    op->name = field->name;
    op->field = at < 0 ? NO_FIELD : (uint32_t)at;
    if (st == STATUS_OK && field->preset.p && !str_eq(field->preset, STR("null")))
        st = av_preset(c->a, field, &op->preset, c->d);
    return st;
}

static enum status plan_record(struct plan *c, const struct avro_type *w, const struct type *type, struct write_op *op)
{
    op->code = WRITE_RECORD;
    op->n = w->n;
    op->ops = ARENA_ARRAY(c->a, struct write_op, w->n);
    if (!op->ops)
        return diag_nomem(c->d);
    for (uint32_t i = 0; i < w->n; i++) {
        int at = av_find(w->fields[i].name, type->n_fields, av_struct_name, type);
        enum status st = plan_field(c, &w->fields[i], type, at, &op->ops[i]);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

/* A union of several types from a STRUCT with a field for each. */
static enum status plan_union_struct(struct plan *c, const struct avro_type *w, const struct type *type,
                                     struct write_op *op)
{
    op->code = WRITE_UNION_STRUCT;
    op->ops = ARENA_ARRAY(c->a, struct write_op, w->n);
    if (!op->ops)
        return diag_nomem(c->d);
    for (uint32_t i = 0; i < w->n; i++) {
        int at = av_find(av_member_name(w->members[i]), type->n_fields, av_struct_name, type);
        if (w->members[i]->kind == WIRE_NULL || at < 0)
            continue;
        struct write_op *part = &op->ops[op->n++];
        enum status st = plan_value(c, w->members[i], type->fields[at].type, type->fields[at].name, part);
        if (st != STATUS_OK)
            return st;
        part->branch = (int32_t)i;
        part->field = (uint32_t)at;
    }
    return STATUS_OK;
}

/* ---- any value ---------------------------------------------------------------------------------------- */

static enum status plan_elements(struct plan *c, const struct avro_type *w, const struct type *type,
                                 struct write_op *op)
{
    op->n = 1;
    op->code = type->kind == KIND_ARRAY ? WRITE_ARRAY : w->kind == WIRE_MAP ? WRITE_MAP : WRITE_ENTRIES;
    op->ops = ARENA_ARRAY(c->a, struct write_op, 2);
    if (!op->ops)
        return diag_nomem(c->d);
    if (op->code != WRITE_ENTRIES)
        return plan_value(c, w->element, type->element, STR("element"), &op->ops[0]);
    op->n = 2;
    const struct avro_field *fields = w->element->fields;
    int key = av_find(STR("key"), 2, av_field_name, fields);
    for (int i = 0; i < 2; i++) {
        enum status st =
            plan_value(c, fields[i].type, i == key ? type->key : type->element, fields[i].name, &op->ops[i]);
        if (st != STATUS_OK)
            return st;
        op->ops[i].field = i != key;
    }
    return STATUS_OK;
}

static enum status plan_plain(struct plan *c, const struct avro_type *w, const struct type *type, struct str name,
                              struct write_op *op)
{
    op->wire = w;
    if (rank_of(w, type) == 0)
        return mismatch(c, w, type, name);
    if (type->kind == KIND_STRUCT)
        return plan_record(c, w, type, op);
    if (type_is_nested(type))
        return plan_elements(c, w, type, op);
    rank_scalar(w, type->kind, &op->code);
    return STATUS_OK;
}

static enum status plan_value(struct plan *c, const struct avro_type *wire, const struct type *type, struct str name,
                              struct write_op *op)
{
    *op = (struct write_op){.branch = -1, .null_branch = -1, .field = NO_FIELD, .type = type, .name = name};
    if (wire->kind != WIRE_UNION)
        return plan_plain(c, wire, type, name, op);
    unsigned best = 0;
    uint32_t n_values = 0;
    for (uint32_t i = 0; i < wire->n; i++) {
        if (wire->members[i]->kind == WIRE_NULL) {
            op->null_branch = (int32_t)i;
            continue;
        }
        n_values++;
        unsigned rank = rank_of(wire->members[i], type);
        if (rank > best) {
            best = rank;
            op->branch = (int32_t)i;
        }
    }
    op->wire = wire;
    if (type->kind == KIND_STRUCT && n_values > 1) {
        op->branch = -1;
        return plan_union_struct(c, wire, type, op);
    }
    return best ? plan_plain(c, wire->members[op->branch], type, name, op) : mismatch(c, wire, type, name);
}

enum status av_plan(struct arena *a, const struct avro_type *wire, const struct type *type, struct str name,
                    struct write_op *op, struct diag *d)
{
    struct plan c = {a, d};
    return plan_value(&c, wire, type, name, op);
}
