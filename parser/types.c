/* Written types to SQL types: names, DECIMAL bounds, duplicate fields. */
#include "parser/parser_int.h"

struct resolver {
    struct arena *arena;
    type_lookup lookup;
    void *context;
    struct diag *diag;
};

static const struct type *builtin(struct str name)
{
    static const struct {
        const char *name;
        const struct type *type;
    } types[] = {
        {"BOOLEAN", &TYPE_BOOLEAN}, {"INT", &TYPE_INT},       {"INTEGER", &TYPE_INT},         {"BIGINT", &TYPE_BIGINT},
        {"DOUBLE", &TYPE_DOUBLE},   {"STRING", &TYPE_STRING}, {"VARCHAR", &TYPE_STRING},      {"BYTES", &TYPE_BYTES},
        {"DATE", &TYPE_DATE},       {"TIME", &TYPE_TIME},     {"TIMESTAMP", &TYPE_TIMESTAMP},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (str_eq(name, str_from(types[i].name)))
            return types[i].type;
    }
    return NULL;
}

static enum status named(struct resolver *r, const struct ast_type *t, const struct type **out)
{
    struct str name = t->name.text;
    *out = builtin(name);
    if (!*out && r->lookup)
        *out = r->lookup(r->context, name);
    if (*out)
        return STATUS_OK;
    return diag_set_at(r->diag, STATUS_STATEMENT, t->span, "Cannot resolve unknown type: " STR_FMT, STR_ARG(name));
}

static enum status decimal(struct resolver *r, const struct ast_type *t, const struct type **out)
{
    const char *broken = t->precision < 1            ? "precision must be >= 1"
                         : t->scale < 0              ? "scale must be >= 0"
                         : t->precision < t->scale   ? "precision must be >= scale"
                         : t->precision > UINT16_MAX ? "precision is too large"
                                                     : NULL;
    if (broken)
        return diag_set_at(r->diag, STATUS_STATEMENT, t->span, "DECIMAL %s: DECIMAL(%lld,%lld)", broken,
                           (long long)t->precision, (long long)t->scale);
    *out = type_decimal(r->arena, (unsigned)t->precision, (unsigned)t->scale);
    return *out ? STATUS_OK : diag_nomem(r->diag);
}

static enum status resolve(struct resolver *r, const struct ast_type *t, const struct type **out);

static enum status duplicate_field(struct resolver *r, const struct ast_type *t, const struct field *first,
                                   const struct field *second)
{
    struct buf text;
    buf_init(&text, 0);
    for (int i = 0; i < 2; i++) {
        const struct field *f = i ? second : first;
        buf_puts(&text, i ? STR(" and '") : STR("'"));
        name_print_quoted(&text, f->name);
        buf_putc(&text, ' ');
        type_print(&text, f->type);
        buf_putc(&text, '\'');
    }
    enum status st =
        diag_set_at(r->diag, STATUS_STATEMENT, t->span, "Duplicate field names found in STRUCT: %s", buf_z(&text));
    buf_free(&text);
    return st;
}

static enum status structure(struct resolver *r, const struct ast_type *t, const struct type **out)
{
    enum status st = STATUS_OK;
    struct map seen;
    struct field *fields = ARENA_ARRAY(r->arena, struct field, t->n_fields);
    if (!fields)
        return diag_nomem(r->diag);
    map_init(&seen);
    for (uint32_t i = 0; i < t->n_fields; i++) {
        fields[i].name = t->fields[i].name.text;
        TRY(resolve(r, t->fields[i].type, &fields[i].type));
        const struct field *before = map_get(&seen, fields[i].name);
        if (before)
            TRY(duplicate_field(r, t, before, &fields[i]));
        if (!map_put(&seen, fields[i].name, &fields[i]))
            TRY(diag_nomem(r->diag));
    }
    *out = type_struct(r->arena, fields, t->n_fields);
    if (!*out)
        st = diag_nomem(r->diag);
done:
    map_free(&seen);
    return st;
}

static enum status resolve(struct resolver *r, const struct ast_type *t, const struct type **out)
{
    enum status st;
    const struct type *key = NULL, *element = NULL;
    *out = NULL;
    switch (t->kind) {
    case AST_TYPE_NAME:
        return named(r, t, out);
    case AST_TYPE_DECIMAL:
        return decimal(r, t, out);
    case AST_TYPE_STRUCT:
        return structure(r, t, out);
    case AST_TYPE_MAP:
        TRY(resolve(r, t->key, &key));
        TRY(resolve(r, t->element, &element));
        *out = type_map(r->arena, key, element);
        break;
    case AST_TYPE_ARRAY:
        TRY(resolve(r, t->element, &element));
        *out = type_array(r->arena, element);
        break;
    }
    st = *out ? STATUS_OK : diag_nomem(r->diag);
done:
    return st;
}

enum status parser_type(struct arena *a, const struct ast_type *t, type_lookup lookup, void *context,
                        const struct type **out, struct diag *d)
{
    struct resolver r = {a, lookup, context, d};
    return resolve(&r, t, out);
}
