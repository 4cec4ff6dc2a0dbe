/* Compiles a message and the columns that are written into it to a write_program. Columns and fields meet by name, as in
 * reading; fields without a column are not written. */
#include "formats/protobuf_program.h"

#include <stdlib.h>

struct write_plan {
    struct arena *a;
    struct diag *d;
};

static const struct write_program *plan_struct(struct write_plan *plan, const struct proto_message *m,
                                               const struct type *t, int32_t oneof);

static bool refuse(struct write_plan *plan, const struct proto_field *f, const struct type *t)
{
    struct buf name;
    buf_init(&name, 0);
    type_print(&name, t);
    (void)diag_set(plan->d, STATUS_INVALID,
                   "A value of type %s cannot be written to the field '" STR_FMT "' of type %s%s", buf_z(&name),
                   STR_ARG(f->name), f->repeated ? "repeated " : "", proto_type_name(f->type));
    buf_free(&name);
    return false;
}

/* What can be written: the kind itself, or a number that is checked when it is. */
static bool writes_as(const struct proto_field *f, enum type_kind from)
{
    enum type_kind to = proto_kind(f);
    return from == to || (from == KIND_INT && to == KIND_BIGINT) || (from == KIND_BIGINT && to == KIND_INT);
}

static const struct write_program *plan_one(struct write_plan *plan, const struct proto_message *m,
                                            const struct proto_field *const *fields, const struct type *const *types,
                                            uint32_t n);

static void set_op(struct write_field *w)
{
    if (w->number > 15 || w->shape != READ_ONE)
        return;
    if (w->type == PROTO_BOOL)
        w->op = WRITE_BOOLEAN;
    else if (w->type == PROTO_INT32 && w->t->kind == KIND_INT)
        w->op = WRITE_INT;
    else if ((w->type == PROTO_INT64 || w->type == PROTO_UINT64) && w->t->kind == KIND_BIGINT)
        w->op = WRITE_BIGINT;
    else if (w->type == PROTO_DOUBLE)
        w->op = WRITE_DOUBLE;
    else if (w->type == PROTO_STRING || w->type == PROTO_BYTES)
        w->op = WRITE_BYTES;
    w->tag = (uint8_t)(w->number << 3 | proto_wire((enum proto_type)w->type));
}

static bool plan_field(struct write_plan *plan, struct write_field *w, const struct proto_field *f, uint32_t source,
                       const struct type *t)
{
    bool is_list = f->repeated && t->kind == KIND_ARRAY, is_map = proto_is_map(f) && t->kind == KIND_MAP;
    *w = (struct write_field){.number = f->number,
                              .source = source,
                              .type = (uint8_t)f->type,
                              .packed = f->packed,
                              .presence = f->presence,
                              .values = f->values,
                              .t = t};
    if (is_map) {
        const struct proto_field *pair[2] = {proto_find(f->message, STR("key")), proto_find(f->message, STR("value"))};
        const struct type *types[2] = {t->key, t->element};
        w->shape = READ_MAP;
        return (w->sub = plan_one(plan, f->message, pair, types, 2)) != NULL;
    }
    if (is_list) {
        w->shape = READ_LIST;
        w->t = t = t->element;
    } else if (f->repeated) {
        return refuse(plan, f, t);
    }
    if (!writes_as(f, t->kind))
        return refuse(plan, f, t);
    set_op(w);
    if (!f->message)
        return true;
    w->known = f->message->known == PROTO_MAP_ENTRY ? PROTO_PLAIN : (uint8_t)f->message->known;
    if (w->known == PROTO_VALUE) {
        const struct proto_field *inner = &f->message->fields[0];
        return (w->sub = plan_one(plan, f->message, &inner, &t, 1)) != NULL;
    }
    return w->known != PROTO_PLAIN || (w->sub = plan_struct(plan, f->message, t, -1)) != NULL;
}

static struct write_program *program(struct write_plan *plan, uint32_t n)
{
    struct write_program *prog = ARENA_NEW(plan->a, struct write_program);
    if (prog)
        prog->fields = ARENA_ARRAY(plan->a, struct write_field, n);
    if (prog && prog->fields)
        return prog;
    (void)diag_nomem(plan->d);
    return NULL;
}

static const struct write_program *plan_one(struct write_plan *plan, const struct proto_message *m,
                                            const struct proto_field *const *fields, const struct type *const *types,
                                            uint32_t n)
{
    (void)m;
    struct write_program *prog = program(plan, n);
    for (uint32_t i = 0; prog && i < n; i++)
        if (!plan_field(plan, &prog->fields[prog->n_fields++], fields[i], i, types[i]))
            return NULL;
    return prog;
}

/* The STRUCT that stands for a oneof: its fields are the message's own. */
static bool plan_union(struct write_plan *plan, struct write_field *w, const struct proto_message *m, int32_t oneof,
                       uint32_t source, const struct type *t)
{
    *w = (struct write_field){.source = source, .type = PROTO_MESSAGE, .t = t}; /* number 0: without a tag */
    return (w->sub = plan_struct(plan, m, t, oneof)) != NULL;
}

static int by_number(const void *x, const void *y)
{
    uint32_t a = ((const struct write_field *)x)->number, b = ((const struct write_field *)y)->number;
    return a < b ? -1 : a > b;
}

static const struct write_program *plan_struct(struct write_plan *plan, const struct proto_message *m,
                                               const struct type *t, int32_t oneof)
{
    struct write_program *prog = program(plan, t->n_fields);
    if (!prog)
        return NULL;
    for (uint32_t i = 0; i < t->n_fields; i++) {
        const struct proto_field *f = proto_find(m, t->fields[i].name);
        int32_t group = f ? -1 : proto_find_union(m, t->fields[i].name);
        struct write_field *w = &prog->fields[prog->n_fields];
        if (f && (oneof < 0 || f->oneof == oneof)) {
            if (!plan_field(plan, w, f, i, t->fields[i].type))
                return NULL;
        } else if (oneof < 0 && group >= 0 && t->fields[i].type->kind == KIND_STRUCT) {
            if (!plan_union(plan, w, m, group, i, t->fields[i].type))
                return NULL;
        } else {
            (void)diag_set(plan->d, STATUS_INVALID, "The message '" STR_FMT "' has no field for the column " STR_FMT,
                           STR_ARG(m->full_name), STR_ARG(t->fields[i].name));
            return NULL;
        }
        prog->n_fields++;
    }
    qsort(prog->fields, prog->n_fields, sizeof *prog->fields, by_number);
    return prog;
}

enum status write_compile(struct arena *a, const struct proto_message *m, const struct type *t,
                          const struct write_program **out, struct diag *d)
{
    struct write_plan plan = {a, d};
    *out = plan_struct(&plan, m, t, -1);
    if (*out)
        return STATUS_OK;
    return a->failed ? diag_nomem(d) : STATUS_INVALID;
}
