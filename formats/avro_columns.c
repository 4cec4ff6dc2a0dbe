/* The columns that an Avro schema stands for: what Connect makes of it, in SQL types. */
#include "formats/avro_int.h"

enum { MAX_PRECISION = 38 };

struct inference {
    struct arena *a;
    struct diag *d;
    bool keep_case;
};

static enum status type_of(struct inference *c, struct avro_type *t, const struct type **out);

static enum status made(struct inference *c, const struct type *t, const struct type **out)
{
    *out = t;
    return t ? STATUS_OK : diag_nomem(c->d);
}

static struct str column_name(struct inference *c, struct str name)
{
    return c->keep_case ? str_dup(c->a, name) : str_upper_ascii(c->a, name);
}

static enum status decimal_of(struct inference *c, const struct avro_type *t, const struct type **out)
{
    if (t->scale > MAX_PRECISION)
        return diag_set(c->d, STATUS_INVALID, "DECIMAL scale must be at most %d: %u", MAX_PRECISION, t->scale);
    uint32_t precision = t->precision > MAX_PRECISION ? MAX_PRECISION : t->precision;
    return made(c, type_decimal(c->a, precision < t->scale ? t->scale : precision, t->scale), out);
}

/* Fields of a record, or members of a union that are not null. */
static enum status fields_of(struct inference *c, struct avro_type *t, struct field **fields, uint32_t *n)
{
    enum status st = STATUS_OK;
    *n = 0;
    *fields = ARENA_ARRAY(c->a, struct field, t->n);
    if (!*fields)
        return diag_nomem(c->d);
    if (t->busy)
        return diag_set(c->d, STATUS_INVALID, "Recursive schemas are not supported: " STR_FMT, STR_ARG(t->name));
    t->busy = true;
    for (uint32_t i = 0; i < t->n && st == STATUS_OK; i++) {
        bool is_record = t->kind == WIRE_RECORD;
        struct avro_type *part = (struct avro_type *)(uintptr_t)(is_record ? t->fields[i].type : t->members[i]);
        if (!is_record && part->kind == WIRE_NULL)
            continue;
        struct field *f = &(*fields)[(*n)++];
        f->name = column_name(c, is_record ? t->fields[i].name : av_member_name(part));
        st = f->name.p ? type_of(c, part, &f->type) : diag_nomem(c->d);
    }
    t->busy = false;
    return st;
}

static enum status struct_of(struct inference *c, struct avro_type *t, const struct type **out)
{
    struct field *fields;
    uint32_t n;
    enum status st = fields_of(c, t, &fields, &n);
    return st == STATUS_OK ? made(c, type_struct(c->a, fields, n), out) : st;
}

static enum status array_of(struct inference *c, struct avro_type *t, const struct type **out)
{
    const struct type *element, *key;
    struct avro_type *e = (struct avro_type *)(uintptr_t)t->element;
    enum status st;
    if (t->kind == WIRE_ARRAY && e->kind == WIRE_RECORD && e->is_entry && av_is_entries(t)) {
        struct field *fields;
        uint32_t n;
        TRY(fields_of(c, e, &fields, &n));
        int at = av_find(STR("key"), e->n, av_field_name, e->fields);
        return made(c, type_map(c->a, fields[at].type, fields[1 - at].type), out);
    }
    TRY(type_of(c, e, &element));
    key = &TYPE_STRING;
    return made(c, t->kind == WIRE_MAP ? type_map(c->a, key, element) : type_array(c->a, element), out);
done:
    return st;
}

static enum status type_of(struct inference *c, struct avro_type *t, const struct type **out)
{
    static const struct type *const logical[] = {
        [LOGICAL_DATE] = &TYPE_DATE, [LOGICAL_TIME] = &TYPE_TIME, [LOGICAL_TIMESTAMP] = &TYPE_TIMESTAMP};
    static const struct type *const plain[] = {
        [WIRE_BOOLEAN] = &TYPE_BOOLEAN, [WIRE_INT] = &TYPE_INT,       [WIRE_LONG] = &TYPE_BIGINT,
        [WIRE_FLOAT] = &TYPE_DOUBLE,    [WIRE_DOUBLE] = &TYPE_DOUBLE, [WIRE_BYTES] = &TYPE_BYTES,
        [WIRE_STRING] = &TYPE_STRING,   [WIRE_FIXED] = &TYPE_BYTES,   [WIRE_ENUM] = &TYPE_STRING};
    const struct avro_type *only;
    switch (t->kind) {
    case WIRE_NULL:
        return diag_set(c->d, STATUS_INVALID, "Standalone null schemas are not supported by this converter");
    case WIRE_ARRAY:
    case WIRE_MAP:
        return array_of(c, t, out);
    case WIRE_RECORD:
        return struct_of(c, t, out);
    case WIRE_UNION:
        only = av_optional(t);
        return only ? type_of(c, (struct avro_type *)(uintptr_t)only, out) : struct_of(c, t, out);
    default:
        if (t->logical == LOGICAL_DECIMAL)
            return decimal_of(c, t, out);
        *out = t->logical ? logical[t->logical] : plain[t->kind];
        return STATUS_OK;
    }
}

enum status av_columns_from(const struct format_spec *spec, struct registry *r, const struct registered_schema *schema,
                            bool is_key, struct arena *a, const struct schema_column **columns, uint32_t *n_columns,
                            struct diag *d)
{
    struct inference c = {.a = a, .d = d, .keep_case = spec->schema_id != 0};
    struct avro_type *root;
    struct field *fields = NULL, one = {is_key ? STR("ROWKEY") : STR("ROWVAL"), NULL};
    uint32_t n = 1;
    enum status st;
    TRY(av_parse(r, schema, a, &root, d));
    if (!spec->wrapped) {
        TRY(type_of(&c, root, &one.type));
        fields = &one;
    } else {
        if (root->kind == WIRE_UNION && av_optional(root))
            root = (struct avro_type *)(uintptr_t)av_optional(root);
        if (root->kind != WIRE_RECORD)
            return diag_set(d, STATUS_INVALID,
                            "Schema returned from schema registry is anonymous type. To use this schema with ksqlDB, "
                            "set 'WRAP_SINGLE_VALUE=false' in the WITH clause properties.");
        TRY(fields_of(&c, root, &fields, &n));
    }
    struct schema_column *made_columns = ARENA_ARRAY(a, struct schema_column, n);
    if (!made_columns)
        return diag_nomem(d);
    for (uint32_t i = 0; i < n; i++)
        made_columns[i] = (struct schema_column){
            .name = fields[i].name, .type = fields[i].type, .role = is_key ? ROLE_KEY : ROLE_VALUE};
    *columns = made_columns;
    *n_columns = n;
done:
    return st;
}
