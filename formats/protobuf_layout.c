/* Columns to messages, as Kafka Connect's converter lays them out: fields are numbered from 1 in the order of the
 * columns; messages without a name of their own are ConnectDefault1, 2, ... in the order in which they are met; a MAP is
 * a repeated message of key and value.
 *
 * An ARRAY or MAP directly inside an ARRAY cannot be told in Protocol Buffers: it gets a message of one field. */
#include "formats/protobuf_int.h"

struct layout {
    struct arena *a;
    enum proto_nulls nulls;
    unsigned n_names;
};

/* A message while it is made: `open` collects what is declared inside of it. */
struct draft {
    struct proto_message *m;
    const struct proto_message **nested;
};

static struct str default_name(struct layout *l, const char *suffix)
{
    return str_printf(l->a, "ConnectDefault%u%s", ++l->n_names, suffix);
}

static bool draft_init(struct layout *l, struct draft *draft, struct str name, struct str parent, uint32_t n_fields)
{
    *draft = (struct draft){ARENA_NEW(l->a, struct proto_message),
                            ARENA_ARRAY(l->a, const struct proto_message *, n_fields)};
    if (!draft->m || !draft->nested || !name.p)
        return false;
    draft->m->name = name;
    draft->m->full_name = parent.len ? str_printf(l->a, STR_FMT "." STR_FMT, STR_ARG(parent), STR_ARG(name)) : name;
    draft->m->nested = draft->nested;
    draft->m->n_fields = n_fields;
    return draft->m->full_name.p != NULL;
}

static const struct proto_message *known_message(struct arena *a, const char *name, enum proto_known known,
                                                 const struct proto_field *field)
{
    struct proto_message *m = ARENA_NEW(a, struct proto_message);
    if (!m)
        return NULL;
    struct str full = str_from(name);
    *m = (struct proto_message){
        .name = full, .full_name = full, .known = known, .n_fields = field != NULL, .fields = field};
    return m;
}

static bool set_scalar(struct proto_field *f, enum type_kind kind)
{
    static const struct {
        enum type_kind kind;
        enum proto_type type;
    } scalars[] = {{KIND_BOOLEAN, PROTO_BOOL},  {KIND_INT, PROTO_INT32},     {KIND_BIGINT, PROTO_INT64},
                   {KIND_DOUBLE, PROTO_DOUBLE}, {KIND_STRING, PROTO_STRING}, {KIND_BYTES, PROTO_BYTES}};
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++) {
        if (scalars[i].kind == kind) {
            f->type = scalars[i].type;
            f->checks_utf8 = kind == KIND_STRING;
            f->fallback = (struct value){.kind = (uint8_t)kind};
            return true;
        }
    }
    return false;
}

static const char *wrapper_name(enum proto_type type)
{
    switch (type) {
    case PROTO_BOOL:
        return "google.protobuf.BoolValue";
    case PROTO_INT32:
        return "google.protobuf.Int32Value";
    case PROTO_INT64:
        return "google.protobuf.Int64Value";
    case PROTO_DOUBLE:
        return "google.protobuf.DoubleValue";
    case PROTO_STRING:
        return "google.protobuf.StringValue";
    default:
        return "google.protobuf.BytesValue";
    }
}

static bool wrap_scalar(struct layout *l, struct proto_field *f)
{
    struct proto_field *value = ARENA_NEW(l->a, struct proto_field);
    if (!value)
        return false;
    *value = (struct proto_field){.name = STR("value"),
                                  .number = 1,
                                  .type = f->type,
                                  .checks_utf8 = f->checks_utf8,
                                  .oneof = -1,
                                  .fallback = f->fallback};
    f->type = PROTO_MESSAGE;
    f->fallback = VALUE_NULL;
    f->message = known_message(l->a, wrapper_name(value->type), PROTO_VALUE, value);
    return f->message != NULL;
}

static bool known_of(struct arena *a, struct proto_field *f, const struct type *t)
{
    f->type = PROTO_MESSAGE;
    switch (t->kind) {
    case KIND_DECIMAL:
        f->precision = t->precision;
        f->scale = t->scale;
        f->message = known_message(a, "confluent.type.Decimal", PROTO_DECIMAL, NULL);
        break;
    case KIND_DATE:
        f->message = known_message(a, "google.type.Date", PROTO_DATE, NULL);
        break;
    case KIND_TIME:
        f->message = known_message(a, "google.type.TimeOfDay", PROTO_TIME, NULL);
        break;
    default: /* TIMESTAMP */
        f->message = known_message(a, "google.protobuf.Timestamp", PROTO_TIMESTAMP, NULL);
    }
    return f->message != NULL;
}

static bool add_field(struct layout *l, struct draft *parent, struct proto_field *f, struct str name, uint32_t number,
                      const struct type *t);

static const struct proto_message *struct_message(struct layout *l, struct str name, struct str parent,
                                                  const struct field *fields, uint32_t n)
{
    struct draft draft;
    struct proto_field *places = ARENA_ARRAY(l->a, struct proto_field, n);
    if (!places || !draft_init(l, &draft, name, parent, n))
        return NULL;
    draft.m->fields = places;
    for (uint32_t i = 0; i < n; i++)
        if (!add_field(l, &draft, &places[i], fields[i].name, i + 1, fields[i].type))
            return NULL;
    return draft.m;
}

static bool add_nested(struct draft *parent, struct proto_field *f, const struct proto_message *m,
                       enum proto_known known)
{
    f->type = PROTO_MESSAGE;
    f->message = m;
    if (!m)
        return false;
    ((struct proto_message *)(uintptr_t)m)->known = known;
    parent->nested[parent->m->n_nested++] = m;
    return true;
}

/* One value: the type of a column, or of the elements of an ARRAY. */
static bool set_value(struct layout *l, struct draft *parent, struct proto_field *f, const struct type *t)
{
    struct str outer = parent->m->full_name;
    switch (t->kind) {
    case KIND_STRUCT:
        return add_nested(parent, f, struct_message(l, default_name(l, ""), outer, t->fields, t->n_fields),
                          PROTO_PLAIN);
    case KIND_ARRAY:
    case KIND_MAP: {
        struct field field = {STR("value"), t};
        return add_nested(parent, f, struct_message(l, default_name(l, ""), outer, &field, 1), PROTO_VALUE);
    }
    default:
        return set_scalar(f, t->kind) ? l->nulls != PROTO_NULLS_WRAPPER || wrap_scalar(l, f) : known_of(l->a, f, t);
    }
}

static bool add_field(struct layout *l, struct draft *parent, struct proto_field *f, struct str name, uint32_t number,
                      const struct type *t)
{
    *f = (struct proto_field){.name = name, .number = number, .oneof = -1};
    f->repeated = t->kind == KIND_ARRAY || t->kind == KIND_MAP;
    if (t->kind == KIND_MAP) {
        struct field entry[2] = {{STR("key"), t->key}, {STR("value"), t->element}};
        return add_nested(parent, f, struct_message(l, default_name(l, "Entry"), parent->m->full_name, entry, 2),
                          PROTO_MAP_ENTRY);
    }
    if (!set_value(l, parent, f, t->kind == KIND_ARRAY ? t->element : t))
        return false;
    f->packed = f->repeated && f->type < PROTO_STRING;
    f->optional = !f->repeated && f->type != PROTO_MESSAGE && l->nulls == PROTO_NULLS_OPTIONAL;
    f->presence = f->optional;
    return true;
}

bool proto_is_bare(const struct format_spec *spec, const struct schema_column *columns, uint32_t n)
{
    if (spec->wrapped || n != 1 || spec->kind != FORMAT_PROTOBUF_NOSR)
        return false;
    struct proto_field f;
    return columns[0].type->kind != KIND_ARRAY && columns[0].type->kind != KIND_MAP &&
           !set_scalar(&f, columns[0].type->kind);
}

static const struct proto_message *root_message(struct layout *l, const struct format_spec *spec, struct str name,
                                                struct str package, const struct schema_column *columns, uint32_t n)
{
    if (proto_is_bare(spec, columns, n)) {
        const struct type *t = columns[0].type;
        struct proto_field f;
        if (t->kind == KIND_STRUCT)
            return struct_message(l, name, package, t->fields, t->n_fields);
        return known_of(l->a, &f, t) ? f.message : NULL;
    }
    struct field *fields = ARENA_ARRAY(l->a, struct field, n);
    for (uint32_t i = 0; fields && i < n; i++)
        fields[i] = (struct field){columns[i].name, columns[i].type};
    return fields ? struct_message(l, name, package, fields, n) : NULL;
}

enum status proto_layout(struct arena *a, const struct format_spec *spec, const struct schema_column *columns,
                         uint32_t n, const struct proto_file **out, struct diag *d)
{
    /* A bare scalar is in a wrapper already. */
    bool is_value = !spec->wrapped && n == 1 && spec->kind == FORMAT_PROTOBUF_NOSR && !type_is_nested(columns[0].type);
    struct layout l = {a, is_value ? PROTO_NULLS_NONE : spec->nulls, 0};
    struct proto_file *file = ARENA_NEW(a, struct proto_file);
    const struct proto_message **messages = ARENA_ARRAY(a, const struct proto_message *, 1);
    if (!file || !messages)
        return diag_nomem(d);
    struct str name = str_dup(a, str_from(spec->full_name ? spec->full_name : ""));
    file->package = STR("");
    for (uint32_t i = name.len; i > 0; i--) {
        if (name.p[i - 1] == '.') {
            file->package = str_make(name.p, i - 1);
            name = str_make(name.p + i, name.len - i);
            break;
        }
    }
    if (name.len == 0)
        name = default_name(&l, "");
    messages[0] = root_message(&l, spec, name, file->package, columns, n);
    file->messages = messages;
    file->n_messages = 1;
    *out = file;
    return messages[0] ? STATUS_OK : diag_nomem(d);
}
