/* Compiles a message and the columns that it is read into to a read_program.
 *
 * Fields and columns meet by name: the exact one, else in any case. A column of which the message knows nothing is null.
 * Messages that are only checked are compiled once each, so that they may contain themselves. */
#include "formats/protobuf_program.h"

#include <stdio.h>

struct plan {
    struct arena *a;
    struct buf *refusal;
    struct checked {
        const struct proto_message *m;
        const struct read_program *prog;
        struct checked *next;
    } * checked;
};

bool read_fits(enum type_kind from, enum type_kind to)
{
    return from == to || (from == KIND_INT && to == KIND_BIGINT);
}

const char *connect_type_name(enum type_kind kind)
{
    switch (kind) {
    case KIND_BOOLEAN:
        return "boolean";
    case KIND_INT:
    case KIND_DATE:
    case KIND_TIME:
        return "int32";
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        return "int64";
    case KIND_DOUBLE:
        return "float64";
    case KIND_STRING:
        return "string";
    case KIND_ARRAY:
        return "array";
    case KIND_MAP:
        return "map";
    case KIND_STRUCT:
        return "struct";
    default:
        return "bytes";
    }
}

int32_t proto_find_union(const struct proto_message *m, struct str name)
{
    for (uint32_t i = 0; i < m->n_oneofs; i++) {
        char suffix[16];
        struct str oneof = m->oneofs[i];
        uint32_t n = (uint32_t)snprintf(suffix, sizeof suffix, "_%u", i);
        if (name.len == oneof.len + n && str_eq_nocase(str_make(name.p, oneof.len), oneof) &&
            memcmp(name.p + oneof.len, suffix, n) == 0)
            return (int32_t)i;
    }
    return -1;
}

static bool refuse(struct plan *plan, const struct proto_field *f, enum type_kind from, enum type_kind to)
{
    if (plan->refusal->len == 0)
        buf_printf(plan->refusal, "Cannot deserialize type %s as type %s for path: ->" STR_FMT, connect_type_name(from),
                   connect_type_name(to), STR_ARG(f->name));
    return false;
}

static enum read_op op_of(const struct read_field *r)
{
    bool wanted = r->kind != KIND_NULL;
    if (r->number > 15 || r->shape != READ_ONE || r->in_union >= 0)
        return READ_ANY;
    switch (r->type) {
    case PROTO_BOOL:
        return wanted ? READ_BOOLEAN : READ_NO_VARINT;
    case PROTO_INT32:
        return r->kind == KIND_INT ? READ_INT : wanted ? READ_ANY : READ_NO_VARINT;
    case PROTO_INT64:
    case PROTO_UINT64:
        return wanted ? READ_BIGINT : READ_NO_VARINT;
    case PROTO_DOUBLE:
        return wanted ? READ_DOUBLE : READ_ANY;
    case PROTO_STRING:
        return !r->checks_utf8 ? READ_ANY : wanted ? READ_TEXT : READ_NO_TEXT;
    case PROTO_BYTES:
        return wanted ? READ_BYTES : READ_ANY;
    default:
        return READ_ANY;
    }
}

/* A program of which all fields are planned. */
static const struct read_program *seal(struct read_program *prog)
{
    for (uint32_t i = 0; i < prog->n_fields; i++) {
        struct read_field *r = &prog->fields[i];
        r->op = (uint8_t)op_of(r);
        r->tag = r->op == READ_ANY ? 0 : (uint8_t)(r->number << 3 | r->wire);
    }
    return prog;
}

/* ---- what is only checked -------------------------------------------------------------------------------- */

static struct read_program *start(struct plan *plan, const struct proto_message *m, uint32_t n_slots);

static const struct read_program *check_program(struct plan *plan, const struct proto_message *m)
{
    for (const struct checked *c = plan->checked; c; c = c->next)
        if (c->m == m)
            return c->prog;
    struct checked *c = ARENA_NEW(plan->a, struct checked);
    struct read_program *prog = start(plan, m, 0);
    if (!c || !prog)
        return NULL;
    *c = (struct checked){m, prog, plan->checked};
    plan->checked = c;
    for (uint32_t i = 0; i < m->n_fields; i++)
        if (m->fields[i].message && !(prog->fields[i].sub = check_program(plan, m->fields[i].message)))
            return NULL;
    return seal(prog);
}

/* A program that checks fields, without what is inside of them. */
static struct read_program *start(struct plan *plan, const struct proto_message *m, uint32_t n_slots)
{
    struct read_program *prog = ARENA_NEW(plan->a, struct read_program);
    struct read_field *fields = ARENA_ARRAY(plan->a, struct read_field, m->n_fields);
    struct value *defaults = ARENA_ARRAY(plan->a, struct value, n_slots);
    uint32_t *sizes = ARENA_ARRAY(plan->a, uint32_t, n_slots), *finish = ARENA_ARRAY(plan->a, uint32_t, n_slots);
    if (!prog || !fields || !defaults || !sizes || !finish)
        return NULL;
    *prog = (struct read_program){.n_fields = m->n_fields,
                                  .n_slots = n_slots,
                                  .fields = fields,
                                  .defaults = defaults,
                                  .union_sizes = sizes,
                                  .finish = finish};
    for (uint32_t i = 0; i < m->n_fields; i++) {
        const struct proto_field *f = &m->fields[i];
        fields[i] = (struct read_field){.number = f->number,
                                        .type = (uint8_t)f->type,
                                        .shape = f->repeated ? READ_LIST : READ_ONE,
                                        .wire = (uint8_t)proto_wire(f->type),
                                        .packable = proto_is_packable(f->type),
                                        .checks_utf8 = f->checks_utf8,
                                        .in_union = -1,
                                        .values = f->values};
        if (f->number < READ_DENSE)
            prog->by_number[f->number] = (uint16_t)(i + 1);
        else
            prog->has_large_numbers = true;
    }
    return prog;
}

static bool check_the_rest(struct plan *plan, const struct proto_message *m, struct read_program *prog)
{
    for (uint32_t i = 0; i < m->n_fields; i++) {
        struct read_field *r = &prog->fields[i];
        if (m->fields[i].message && !r->sub && !r->known && !(r->sub = check_program(plan, m->fields[i].message)))
            return false;
    }
    return true;
}

/* ---- what becomes a value -------------------------------------------------------------------------------- */

static const struct read_program *plan_struct(struct plan *plan, const struct proto_message *m, const struct type *t,
                                              const struct decode_node *nodes, bool wanted);
static bool plan_field(struct plan *plan, struct read_program *prog, const struct proto_message *m,
                       const struct proto_field *f, uint32_t slot, const struct type *t, const struct decode_node *node,
                       bool wanted);

static const struct read_program *plan_value(struct plan *plan, const struct proto_message *m, const struct type *t,
                                             bool wanted)
{
    struct read_program *prog = start(plan, m, 1);
    return prog && plan_field(plan, prog, m, &m->fields[0], 0, t, NULL, wanted) ? seal(prog) : NULL;
}

static const struct read_program *plan_entry(struct plan *plan, const struct proto_message *m, const struct type *t,
                                             bool wanted)
{
    const struct proto_field *key = proto_find(m, STR("key")), *value = proto_find(m, STR("value"));
    struct read_program *prog = start(plan, m, 2);
    return prog && plan_field(plan, prog, m, key, 0, t->key, NULL, wanted) &&
                   plan_field(plan, prog, m, value, 1, t->element, NULL, wanted)
               ? seal(prog)
               : NULL;
}

/* The value, or the element of a list. */
static bool plan_single(struct plan *plan, struct read_field *r, const struct proto_field *f, const struct type *t,
                        const struct decode_node *nodes, bool wanted)
{
    enum type_kind from = proto_kind(f);
    if (!read_fits(from, t->kind))
        return refuse(plan, f, from, t->kind);
    r->t = t;
    r->kind = wanted ? (uint8_t)t->kind : KIND_NULL;
    if (!f->message)
        return true;
    r->known = f->message->known == PROTO_MAP_ENTRY ? PROTO_PLAIN : (uint8_t)f->message->known;
    if (r->known == PROTO_VALUE)
        return (r->sub = plan_value(plan, f->message, t, wanted)) != NULL;
    return r->known != PROTO_PLAIN || (r->sub = plan_struct(plan, f->message, t, nodes, wanted)) != NULL;
}

static struct value default_of(const struct proto_field *f, const struct type *t)
{
    static const struct nested empty;
    struct value v = {.kind = (uint8_t)t->kind};
    if (f->repeated) {
        v.nested = &empty;
    } else if (f->optional || f->message) {
        v = VALUE_NULL;
    } else {
        v = f->fallback;
        if (t->kind == KIND_BIGINT && v.kind == KIND_INT)
            v = (struct value){.kind = KIND_BIGINT, .i64 = v.i32};
    }
    return v;
}

static bool plan_field(struct plan *plan, struct read_program *prog, const struct proto_message *m,
                       const struct proto_field *f, uint32_t slot, const struct type *t, const struct decode_node *node,
                       bool wanted)
{
    struct read_field *r = &prog->fields[f - m->fields];
    const struct type *element = t;
    const struct decode_node *nodes = node && node->n_outputs == 0 ? node->fields : NULL;
    wanted = wanted && (!node || node->wanted);
    if (r->t)
        return true; /* another column of this name has it */
    if (f->repeated && t->kind != KIND_ARRAY && t->kind != KIND_MAP)
        return refuse(plan, f, proto_is_map(f) ? KIND_MAP : KIND_ARRAY, t->kind);
    if (f->repeated && proto_is_map(f) != (t->kind == KIND_MAP))
        return refuse(plan, f, proto_is_map(f) ? KIND_MAP : KIND_ARRAY, t->kind);
    r->slot = slot;
    prog->defaults[slot] = wanted ? default_of(f, t) : VALUE_NULL;
    if (wanted && (t->kind == KIND_MAP || (t->kind == KIND_STRING && f->fallback.kind && f->fallback.str.len) ||
                   (t->kind == KIND_BYTES && f->fallback.kind && f->fallback.str.len)))
        prog->finish[prog->n_finish++] = slot;
    if (f->repeated && t->kind == KIND_MAP) {
        r->shape = READ_MAP;
        r->known = PROTO_MAP_ENTRY;
        r->t = t;
        r->kind = wanted ? KIND_MAP : KIND_NULL;
        return (r->sub = plan_entry(plan, f->message, t, wanted)) != NULL;
    }
    if (f->repeated)
        element = t->element;
    return plan_single(plan, r, f, element, f->repeated ? NULL : nodes, wanted);
}

/* The members of a oneof become the fields of a STRUCT of their own. */
static bool plan_union(struct plan *plan, struct read_program *prog, const struct proto_message *m, int32_t oneof,
                       uint32_t slot, const struct type *t, const struct decode_node *node, bool wanted)
{
    wanted = wanted && (!node || node->wanted);
    const struct decode_node *nodes = node && node->n_outputs == 0 ? node->fields : NULL;
    if (t->kind != KIND_STRUCT)
        return true;
    if (wanted)
        prog->union_sizes[slot] = t->n_fields;
    for (uint32_t i = 0; i < t->n_fields; i++) {
        const struct proto_field *f = proto_find(m, t->fields[i].name);
        if (!f || f->oneof != oneof)
            continue;
        bool taken = wanted && (!nodes || nodes[i].wanted);
        struct read_field *r = &prog->fields[f - m->fields];
        if (!plan_single(plan, r, f, t->fields[i].type, nodes && nodes[i].n_outputs == 0 ? nodes[i].fields : NULL,
                         taken))
            return false;
        r->slot = i;
        r->in_union = taken ? (int32_t)slot : -1;
    }
    return true;
}

static const struct read_program *plan_struct(struct plan *plan, const struct proto_message *m, const struct type *t,
                                              const struct decode_node *nodes, bool wanted)
{
    struct read_program *prog = start(plan, m, t->n_fields);
    if (!prog)
        return NULL;
    for (uint32_t i = 0; i < t->n_fields; i++) {
        const struct decode_node *node = nodes ? &nodes[i] : NULL;
        const struct proto_field *f = proto_find(m, t->fields[i].name);
        int32_t oneof = f ? -1 : proto_find_union(m, t->fields[i].name);
        if (f && !plan_field(plan, prog, m, f, i, t->fields[i].type, node, wanted))
            return NULL;
        if (oneof >= 0 && !plan_union(plan, prog, m, oneof, i, t->fields[i].type, node, wanted))
            return NULL;
    }
    return check_the_rest(plan, m, prog) ? seal(prog) : NULL;
}

enum status read_compile(struct arena *a, const struct proto_message *m, const struct type *t,
                         const struct decode_node *nodes, const struct read_program **out, struct buf *refusal)
{
    struct plan plan = {.a = a, .refusal = refusal};
    *out = plan_struct(&plan, m, t, nodes, true);
    return a->failed || refusal->failed ? STATUS_NOMEM : STATUS_OK;
}
