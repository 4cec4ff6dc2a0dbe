/* Messages to columns: the types that Kafka Connect's converter, and ksqlDB behind it, see in a schema. A oneof is a STRUCT
 * of its members, named after it and its index. */
#include "formats/protobuf_int.h"

struct columns {
    struct arena *a;
    struct diag *d;
    bool keep_case;
    unsigned depth;
};

enum { NO_PRECISION = 38 /* of a DECIMAL whose schema does not tell */ };

static struct str name_of(const struct columns *c, struct str name)
{
    return c->keep_case ? str_dup(c->a, name) : str_upper_ascii(c->a, name);
}

static enum status fields_of(struct columns *c, const struct proto_message *m, struct field **out, uint32_t *n);

static enum status struct_of(struct columns *c, const struct proto_message *m, const struct type **out)
{
    struct field *fields;
    uint32_t n;
    if (c->depth >= PROTO_MAX_DEPTH)
        return diag_set(c->d, STATUS_INVALID, "The message '" STR_FMT "' contains itself, which columns cannot",
                        STR_ARG(m->full_name));
    c->depth++;
    enum status st = fields_of(c, m, &fields, &n);
    c->depth--;
    if (st == STATUS_OK && !(*out = type_struct(c->a, fields, n)))
        st = diag_nomem(c->d);
    return st;
}

static enum status element_of(struct columns *c, const struct proto_field *f, const struct type **out)
{
    switch (proto_kind(f)) {
    case KIND_BOOLEAN:
        *out = &TYPE_BOOLEAN;
        break;
    case KIND_INT:
        *out = &TYPE_INT;
        break;
    case KIND_BIGINT:
        *out = &TYPE_BIGINT;
        break;
    case KIND_DOUBLE:
        *out = &TYPE_DOUBLE;
        break;
    case KIND_STRING:
        *out = &TYPE_STRING;
        break;
    case KIND_BYTES:
        *out = &TYPE_BYTES;
        break;
    case KIND_DATE:
        *out = &TYPE_DATE;
        break;
    case KIND_TIME:
        *out = &TYPE_TIME;
        break;
    case KIND_TIMESTAMP:
        *out = &TYPE_TIMESTAMP;
        break;
    case KIND_DECIMAL:
        *out = f->precision ? type_decimal(c->a, f->precision, f->scale) : type_decimal(c->a, NO_PRECISION, f->scale);
        break;
    default:
        return struct_of(c, f->message, out);
    }
    return *out ? STATUS_OK : diag_nomem(c->d);
}

static enum status type_of(struct columns *c, const struct proto_field *f, const struct type **out)
{
    const struct type *element = NULL, *key = NULL;
    enum status st;
    if (proto_is_map(f)) {
        TRY(type_of(c, proto_find(f->message, STR("key")), &key));
        TRY(type_of(c, proto_find(f->message, STR("value")), &element));
        *out = type_map(c->a, key, element);
    } else {
        TRY(element_of(c, f, &element));
        *out = f->repeated ? type_array(c->a, element) : element;
    }
    st = *out ? STATUS_OK : diag_nomem(c->d);
done:
    return st;
}

static enum status union_of(struct columns *c, const struct proto_message *m, uint32_t oneof, struct field *out)
{
    struct field *members = ARENA_ARRAY(c->a, struct field, m->n_fields);
    uint32_t n = 0;
    for (uint32_t i = 0; members && i < m->n_fields; i++) {
        if (m->fields[i].oneof != (int32_t)oneof)
            continue;
        members[n].name = name_of(c, m->fields[i].name);
        enum status st = type_of(c, &m->fields[i], &members[n++].type);
        if (st != STATUS_OK)
            return st;
    }
    struct str name = str_printf(c->a, STR_FMT "_%u", STR_ARG(m->oneofs[oneof]), oneof);
    out->name = name.p ? name_of(c, name) : name;
    out->type = members ? type_struct(c->a, members, n) : NULL;
    return out->type ? STATUS_OK : diag_nomem(c->d);
}

static enum status fields_of(struct columns *c, const struct proto_message *m, struct field **out, uint32_t *n)
{
    enum status st = STATUS_OK;
    *n = 0;
    *out = ARENA_ARRAY(c->a, struct field, m->n_fields + m->n_oneofs);
    if (!*out)
        return diag_nomem(c->d);
    for (uint32_t i = 0; i < m->n_oneofs; i++)
        TRY(union_of(c, m, i, &(*out)[(*n)++]));
    for (uint32_t i = 0; i < m->n_fields; i++) {
        if (m->fields[i].oneof >= 0)
            continue;
        (*out)[*n].name = name_of(c, m->fields[i].name);
        TRY(type_of(c, &m->fields[i], &(*out)[(*n)++].type));
    }
    if (c->a->failed)
        st = diag_nomem(c->d);
done:
    return st;
}

/* Nobody says which message is meant. */
static enum status several_messages(const struct proto_file *file, bool is_key, struct diag *d)
{
    struct buf names;
    buf_init(&names, 0);
    for (uint32_t i = 0; i < file->n_messages; i++)
        buf_printf(&names, "\n- " STR_FMT, STR_ARG(file->messages[i]->full_name));
    enum status st = diag_set(d, STATUS_INVALID,
                              "%s schema has multiple schema definitions. \n%s\n\nPlease specify a schema full name in "
                              "the WITH clause using %s_SCHEMA_FULL_NAME",
                              is_key ? "Key" : "Value", buf_z(&names), is_key ? "KEY" : "VALUE");
    buf_free(&names);
    return st;
}

static enum status columns_from(const struct format_spec *spec, struct registry *r,
                                const struct registered_schema *schema, bool is_key, struct arena *a,
                                const struct schema_column **out, uint32_t *n, struct diag *d)
{
    struct columns c = {a, d, spec->schema_id != 0, 0};
    const struct proto_file *file;
    struct field *fields;
    int32_t path[PROTO_MAX_PATH];
    uint32_t n_path, n_fields;
    enum status st;
    TRY(proto_parse(r, schema, a, &file, d));
    const struct proto_message *m = proto_choose(file, spec->full_name, path, &n_path);
    if (!m && spec->full_name)
        TRY(diag_set(d, STATUS_NOT_FOUND, "The schema has no message '%s'", spec->full_name));
    if (!m)
        TRY(diag_set(d, STATUS_INVALID, "The schema has no message"));
    if (!spec->full_name && file->n_messages > 1)
        TRY(several_messages(file, is_key, d));
    TRY(fields_of(&c, m, &fields, &n_fields));
    struct schema_column *columns = ARENA_ARRAY(a, struct schema_column, n_fields);
    for (uint32_t i = 0; columns && i < n_fields; i++)
        columns[i] = (struct schema_column){
            .name = fields[i].name, .type = fields[i].type, .role = is_key ? ROLE_KEY : ROLE_VALUE};
    *out = columns;
    *n = n_fields;
    st = columns ? STATUS_OK : diag_nomem(d);
done:
    return st;
}

static enum status columns_to(const struct format_spec *spec, const struct schema_column *columns, uint32_t n,
                              bool is_key, struct buf *out, struct diag *d)
{
    struct arena a;
    const struct proto_file *file;
    (void)is_key;
    arena_init(&a, 0);
    enum status st = proto_layout(&a, spec, columns, n, &file, d);
    if (st == STATUS_OK && file->messages[0]->known != PROTO_PLAIN) /* bare, of a type that has a message already */
        st = diag_set(d, STATUS_INVALID, "A bare value of this type has no schema of its own");
    if (st == STATUS_OK)
        proto_print(out, file);
    arena_free(&a);
    return st;
}

const struct schema_ops protobuf_schema_ops = {SCHEMA_PROTOBUF, columns_from, columns_to};
