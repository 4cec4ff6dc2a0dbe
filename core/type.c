/* SQL types: constants, constructors, equality, and their names in messages. */
#include "type.h"

const struct type TYPE_NULL = {.kind = KIND_NULL}, TYPE_BOOLEAN = {.kind = KIND_BOOLEAN}, TYPE_INT = {.kind = KIND_INT},
                  TYPE_BIGINT = {.kind = KIND_BIGINT}, TYPE_DOUBLE = {.kind = KIND_DOUBLE},
                  TYPE_STRING = {.kind = KIND_STRING}, TYPE_BYTES = {.kind = KIND_BYTES},
                  TYPE_DATE = {.kind = KIND_DATE}, TYPE_TIME = {.kind = KIND_TIME},
                  TYPE_TIMESTAMP = {.kind = KIND_TIMESTAMP}, TYPE_LAMBDA = {.kind = KIND_LAMBDA},
                  TYPE_UNIT = {.kind = KIND_UNIT};

static const struct type *type_new(struct arena *a, struct type t)
{
    return arena_dup(a, &t, sizeof t);
}

const struct type *type_decimal(struct arena *a, unsigned precision, unsigned scale)
{
    return type_new(a, (struct type){.kind = KIND_DECIMAL, .precision = (uint16_t)precision, .scale = (uint16_t)scale});
}

const struct type *type_array(struct arena *a, const struct type *element)
{
    return type_new(a, (struct type){.kind = KIND_ARRAY, .element = element});
}

const struct type *type_map(struct arena *a, const struct type *key, const struct type *value)
{
    return type_new(a, (struct type){.kind = KIND_MAP, .key = key, .element = value});
}

const struct type *type_struct(struct arena *a, const struct field *fields, uint32_t n)
{
    return type_new(a, (struct type){.kind = KIND_STRUCT, .n_fields = n, .fields = fields});
}

static const struct field *fields_copy(struct arena *a, const struct type *t)
{
    struct field *fields = ARENA_ARRAY(a, struct field, t->n_fields);
    for (uint32_t i = 0; fields && i < t->n_fields; i++) {
        fields[i].name = str_dup(a, t->fields[i].name);
        fields[i].type = type_copy(a, t->fields[i].type);
        if (!fields[i].name.p || !fields[i].type)
            return NULL;
    }
    return fields;
}

const struct type *type_copy(struct arena *a, const struct type *t)
{
    struct type *copy = arena_dup(a, t, sizeof *t);
    if (!copy || (t->key && !(copy->key = type_copy(a, t->key))) ||
        (t->element && !(copy->element = type_copy(a, t->element))) ||
        (t->n_fields && !(copy->fields = fields_copy(a, t))))
        return NULL;
    return copy;
}

static bool fields_eq(const struct type *x, const struct type *y)
{
    if (x->n_fields != y->n_fields)
        return false;
    for (uint32_t i = 0; i < x->n_fields; i++)
        if (!str_eq(x->fields[i].name, y->fields[i].name) || !type_eq(x->fields[i].type, y->fields[i].type))
            return false;
    return true;
}

bool type_eq(const struct type *x, const struct type *y)
{
    if (x == y)
        return true;
    if (x->kind != y->kind)
        return false;
    switch (x->kind) {
    case KIND_DECIMAL:
        return x->precision == y->precision && x->scale == y->scale;
    case KIND_ARRAY:
        return type_eq(x->element, y->element);
    case KIND_MAP:
        return type_eq(x->key, y->key) && type_eq(x->element, y->element);
    case KIND_STRUCT:
        return fields_eq(x, y);
    default:
        return true;
    }
}

int type_field(const struct type *t, struct str name)
{
    for (uint32_t i = 0; i < t->n_fields; i++)
        if (str_eq(t->fields[i].name, name))
            return (int)i;
    return -1;
}

const char *type_base_name(enum type_kind kind)
{
    switch (kind) {
    case KIND_NULL:
        return "null";
    case KIND_BOOLEAN:
        return "BOOLEAN";
    case KIND_INT:
        return "INTEGER";
    case KIND_BIGINT:
        return "BIGINT";
    case KIND_DECIMAL:
        return "DECIMAL";
    case KIND_DOUBLE:
        return "DOUBLE";
    case KIND_STRING:
        return "STRING";
    case KIND_BYTES:
        return "BYTES";
    case KIND_DATE:
        return "DATE";
    case KIND_TIME:
        return "TIME";
    case KIND_TIMESTAMP:
        return "TIMESTAMP";
    case KIND_ARRAY:
        return "ARRAY";
    case KIND_MAP:
        return "MAP";
    case KIND_STRUCT:
        return "STRUCT";
    case KIND_LAMBDA:
        return "LAMBDA";
    case KIND_UNIT:
        return "INTERVALUNIT";
    }
    return "";
}

static void fields_print(struct buf *out, const struct type *t)
{
    for (uint32_t i = 0; i < t->n_fields; i++) {
        if (i)
            buf_puts(out, STR(", "));
        name_print_quoted(out, t->fields[i].name);
        buf_putc(out, ' ');
        type_print(out, t->fields[i].type);
    }
}

void type_print(struct buf *out, const struct type *t)
{
    buf_puts(out, str_from(type_base_name(t->kind)));
    if (t->kind == KIND_DECIMAL)
        buf_printf(out, "(%u, %u)", t->precision, t->scale);
    if (!type_is_nested(t))
        return;
    buf_putc(out, '<');
    if (t->kind == KIND_STRUCT) {
        fields_print(out, t);
    } else {
        if (t->kind == KIND_MAP) {
            type_print(out, t->key);
            buf_puts(out, STR(", "));
        }
        type_print(out, t->element);
    }
    buf_putc(out, '>');
}
