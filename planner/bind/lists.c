/* ARRAY[..], MAP(..) and IN: the common type of a list, and the conversion of its elements (rules.md 3.2). */
#include "planner/planner_int.h"

static bool is_literal(const struct ast_expr *e)
{
    return e->kind <= AST_STRING;
}

static bool is_constructor(const struct ast_expr *e, const struct type *t)
{
    return (e->kind == AST_ARRAY && t->kind == KIND_ARRAY) || (e->kind == AST_MAP && t->kind == KIND_MAP) ||
           (e->kind == AST_STRUCT && t->kind == KIND_STRUCT);
}

static bool is_scalar(const struct type *t)
{
    return !type_is_nested(t);
}

static enum status bad_input(struct binder *b, const struct ast_expr *e, const struct type *t)
{
    return bind_fail(b, e, "invalid input syntax for type %s: \"" STR_FMT "\".", type_base_name(t->kind),
                     STR_ARG(e->text));
}

/* ---- texts as numbers and booleans ---- */

static const struct expr *number_from_text(struct binder *b, const struct ast_expr *e, const struct type *near)
{
    int64_t integer;
    if (parse_i64(e->text, &integer)) {
        if (integer > INT32_MIN && integer < INT32_MAX)
            return expr_literal(b->p, (struct value){.kind = KIND_INT, .i32 = (int32_t)integer}, &TYPE_INT);
        if (integer > INT64_MIN && integer < INT64_MAX)
            return expr_literal(b->p, (struct value){.kind = KIND_BIGINT, .i64 = integer}, &TYPE_BIGINT);
    }
    const struct expr *literal = NULL;
    if (!expr_decimal(b->p, e->text, &literal))
        (void)bad_input(b, e, near);
    return literal;
}

static bool is_prefix_nocase(struct str text, struct str word)
{
    return text.len && text.len <= word.len && str_eq_nocase(text, str_make(word.p, text.len));
}

static const struct expr *boolean_from_text(struct binder *b, const struct ast_expr *e)
{
    bool yes = is_prefix_nocase(e->text, STR("true")) || is_prefix_nocase(e->text, STR("yes"));
    bool no = is_prefix_nocase(e->text, STR("false")) || is_prefix_nocase(e->text, STR("no"));
    if (!yes && !no) {
        (void)bad_input(b, e, &TYPE_BOOLEAN);
        return NULL;
    }
    return expr_literal(b->p, (struct value){.kind = KIND_BOOLEAN, .boolean = yes}, &TYPE_BOOLEAN);
}

/* A text literal in a list of numbers or booleans. NULL without an error: it is none. */
static const struct expr *from_text(struct binder *b, const struct ast_expr *e, const struct type *t)
{
    if (e->kind != AST_STRING)
        return NULL;
    if (type_is_numeric(t))
        return number_from_text(b, e, t);
    return t->kind == KIND_BOOLEAN ? boolean_from_text(b, e) : NULL;
}

/* ---- the common type ---- */

static const struct type *join_types(struct planner *p, const struct type *x, const struct type *y);

static const struct type *join_structs(struct planner *p, const struct type *x, const struct type *y)
{
    struct field *fields = PLAN_ARRAY(p, struct field, x->n_fields + y->n_fields);
    uint32_t n = 0;
    if (!fields)
        return NULL;
    for (uint32_t i = 0; i < y->n_fields; i++) {
        int at = type_field(x, y->fields[i].name);
        const struct type *t = at < 0 ? y->fields[i].type : join_types(p, x->fields[at].type, y->fields[i].type);
        if (!t)
            return NULL;
        fields[n++] = (struct field){y->fields[i].name, t};
    }
    for (uint32_t i = 0; i < x->n_fields; i++)
        if (type_field(y, x->fields[i].name) < 0)
            fields[n++] = x->fields[i];
    return type_struct(p->a, fields, n);
}

static bool takes_text(const struct type *t)
{
    return t->kind == KIND_DATE || t->kind == KIND_TIME || t->kind == KIND_TIMESTAMP || t->kind == KIND_BYTES;
}

/* The type that both go into without an explicit cast; NULL: none. */
static const struct type *join_types(struct planner *p, const struct type *x, const struct type *y)
{
    if (x->kind == KIND_NULL || type_eq(x, y))
        return y;
    if (y->kind == KIND_NULL)
        return x;
    if (type_is_numeric(x) && type_is_numeric(y))
        return wider_type(p, x, y);
    if (x->kind == KIND_STRING && takes_text(y))
        return y;
    if (y->kind == KIND_STRING && takes_text(x))
        return x;
    if (x->kind != y->kind)
        return NULL;
    if (x->kind == KIND_STRUCT)
        return join_structs(p, x, y);
    const struct type *element = type_is_nested(x) ? join_types(p, x->element, y->element) : NULL;
    if (!element)
        return NULL;
    if (x->kind == KIND_ARRAY)
        return type_array(p->a, element);
    const struct type *key = join_types(p, x->key, y->key);
    return key ? type_map(p->a, key, element) : NULL;
}

static const struct type *join_element(struct binder *b, const struct ast_expr *e, const struct type *so_far);

static const struct type *join_map(struct binder *b, const struct ast_expr *e, const struct type *t)
{
    const struct type *sides[2] = {t->key, t->element};
    for (uint32_t i = 0; i < e->n_args; i++)
        if (!(sides[i % 2] = join_element(b, e->args[i], sides[i % 2])))
            return NULL;
    return type_map(b->p->a, sides[0], sides[1]);
}

static const struct type *join_struct(struct binder *b, const struct ast_expr *e, const struct type *t)
{
    struct field *fields = PLAN_ARRAY(b->p, struct field, e->n_args + t->n_fields);
    uint32_t n = 0;
    for (uint32_t i = 0; fields && i < e->n_args; i++) {
        int at = type_field(t, e->names[i].text);
        const struct type *field = join_element(b, e->args[i], at < 0 ? &TYPE_NULL : t->fields[at].type);
        if (!field)
            return NULL;
        fields[n++] = (struct field){e->names[i].text, field};
    }
    for (uint32_t i = 0; fields && i < t->n_fields; i++) {
        bool is_new = true;
        for (uint32_t j = 0; j < e->n_args; j++)
            is_new = is_new && !str_eq(e->names[j].text, t->fields[i].name);
        if (is_new)
            fields[n++] = t->fields[i];
    }
    return fields ? type_struct(b->p->a, fields, n) : NULL;
}

/* Constructors are joined part by part, so that their literals convert too. */
static const struct type *join_constructor(struct binder *b, const struct ast_expr *e, const struct type *t)
{
    if (e->kind == AST_MAP)
        return join_map(b, e, t);
    if (e->kind == AST_STRUCT)
        return join_struct(b, e, t);
    const struct type *element = t->element;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (!(element = join_element(b, e->args[i], element)))
            return NULL;
    return type_array(b->p->a, element);
}

/* The type after one more element; NULL after an error, or with no diag set where the types do not go together. */
static const struct type *join_element(struct binder *b, const struct ast_expr *e, const struct type *so_far)
{
    if (e->kind == AST_NULL)
        return so_far;
    const struct expr *from = from_text(b, e, so_far);
    if (from)
        return join_types(b->p, so_far, from->type);
    if (b->p->d->code != STATUS_OK)
        return NULL;
    if (is_constructor(e, so_far))
        return join_constructor(b, e, so_far);
    const struct expr *bound = bind_expr(b, e);
    if (!bound)
        return NULL;
    const struct type *joined = join_types(b->p, so_far, bound->type);
    if (!joined && is_literal(e) && is_scalar(so_far) &&
        (so_far->kind == KIND_STRING || bound->type->kind == KIND_STRING))
        return so_far;
    return joined;
}

static enum status no_operator(struct binder *b, const struct ast_expr *e, const struct type *so_far)
{
    const struct expr *bound = b->p->d->code == STATUS_OK ? bind_expr(b, e) : NULL;
    if (!bound)
        return STATUS_STATEMENT;
    return bind_fail(b, e,
                     "operator does not exist: " STR_FMT " = " STR_FMT " (" STR_FMT
                     ")\nHint: You might need to add explicit type casts.",
                     STR_ARG(type_text(b->p, so_far)), STR_ARG(type_text(b->p, bound->type)), STR_ARG(bind_text(b, e)));
}

/* ---- conversion ---- */

static const struct expr *convert(struct binder *b, const struct ast_expr *e, const struct type *to);

static const struct expr *convert_struct(struct binder *b, const struct ast_expr *e, const struct type *to)
{
    const struct expr **args = PLAN_ARRAY(b->p, const struct expr *, to->n_fields);
    for (uint32_t i = 0; args && i < to->n_fields; i++) {
        for (uint32_t j = 0; j < e->n_args; j++)
            if (str_eq(e->names[j].text, to->fields[i].name))
                args[i] = convert(b, e->args[j], to->fields[i].type);
        if (!args[i] && b->p->d->code == STATUS_OK)
            args[i] = expr_literal(b->p, VALUE_NULL, to->fields[i].type);
        if (!args[i])
            return NULL;
    }
    return args ? expr_n(b->p, EXPR_STRUCT, to, args, to->n_fields) : NULL;
}

static const struct expr *convert_constructor(struct binder *b, const struct ast_expr *e, const struct type *to)
{
    if (e->kind == AST_STRUCT)
        return convert_struct(b, e, to);
    const struct expr **args = PLAN_ARRAY(b->p, const struct expr *, e->n_args);
    for (uint32_t i = 0; args && i < e->n_args; i++)
        if (!(args[i] = convert(b, e->args[i], e->kind == AST_MAP && i % 2 == 0 ? to->key : to->element)))
            return NULL;
    return args ? expr_n(b->p, e->kind == AST_MAP ? EXPR_MAP : EXPR_ARRAY, to, args, e->n_args) : NULL;
}

static const struct expr *convert(struct binder *b, const struct ast_expr *e, const struct type *to)
{
    if (e->kind == AST_NULL)
        return expr_literal(b->p, VALUE_NULL, to);
    const struct expr *from = from_text(b, e, to);
    if (from || b->p->d->code != STATUS_OK)
        return expr_cast(b->p, from, to);
    if (is_constructor(e, to))
        return convert_constructor(b, e, to);
    return expr_cast(b->p, bind_expr(b, e), to);
}

/* The common type of a list (rules.md 3.2), and its elements converted to it. asts[i] belongs to items[i]. */
static const struct type *common_type(struct binder *b, const struct ast_expr *const *asts, const struct expr **items,
                                      uint32_t n)
{
    const struct type *type = &TYPE_NULL;
    for (uint32_t i = 0; i < n; i++) {
        const struct type *joined = join_element(b, asts[i], type);
        if (!joined) {
            (void)no_operator(b, asts[i], type);
            return NULL;
        }
        type = joined;
    }
    if (type->kind == KIND_NULL) /* the caller says what that means */
        return type;
    for (uint32_t i = 0; i < n; i++)
        if (!(items[i] = convert(b, asts[i], type)))
            return NULL;
    return type;
}

/* ---- the three places ---- */

#define SEE_4239 "see https://github.com/confluentinc/ksql/issues/4239"

const struct expr *bind_array(struct binder *b, const struct ast_expr *e)
{
    if (e->n_args == 0) {
        (void)bind_fail(b, e, "Array constructor cannot be empty. Please supply at least one element (" SEE_4239 ").");
        return NULL;
    }
    const struct expr **items = PLAN_ARRAY(b->p, const struct expr *, e->n_args);
    const struct type *element = items ? common_type(b, e->args, items, e->n_args) : NULL;
    if (!element)
        return NULL;
    if (element->kind == KIND_NULL) {
        (void)bind_fail(b, e,
                        "Cannot construct an array with all NULL elements (" SEE_4239
                        "). As a workaround, you may cast a NULL value to the desired type.");
        return NULL;
    }
    return expr_n(b->p, EXPR_ARRAY, type_array(b->p->a, element), items, e->n_args);
}

static const struct type *map_side(struct binder *b, const struct ast_expr *e, uint32_t side, const struct expr **items)
{
    uint32_t n = e->n_args / 2;
    const struct ast_expr **asts = PLAN_ARRAY(b->p, const struct ast_expr *, n);
    for (uint32_t i = 0; asts && i < n; i++)
        asts[i] = e->args[2 * i + side];
    const struct type *type = asts ? common_type(b, asts, items, n) : NULL;
    if (type && type->kind == KIND_NULL) {
        (void)bind_fail(b, e,
                        "Cannot construct a map with all NULL %s (" SEE_4239
                        "). As a workaround, you may cast a NULL %s to the desired type.",
                        side ? "values" : "keys", side ? "value" : "key");
        return NULL;
    }
    return type;
}

const struct expr *bind_map(struct binder *b, const struct ast_expr *e)
{
    uint32_t n = e->n_args / 2;
    if (n == 0) {
        (void)bind_fail(b, e,
                        "Map constructor cannot be empty. Please supply at least one key value pair (" SEE_4239 ").");
        return NULL;
    }
    const struct expr **keys = PLAN_ARRAY(b->p, const struct expr *, n);
    const struct expr **values = PLAN_ARRAY(b->p, const struct expr *, n);
    const struct expr **args = PLAN_ARRAY(b->p, const struct expr *, e->n_args);
    const struct type *key = keys && values && args ? map_side(b, e, 0, keys) : NULL;
    const struct type *value = key ? map_side(b, e, 1, values) : NULL;
    if (!value)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        args[2 * i] = keys[i];
        args[2 * i + 1] = values[i];
    }
    return expr_n(b->p, EXPR_MAP, type_map(b->p->a, key, value), args, e->n_args);
}

const struct expr *bind_in(struct binder *b, const struct ast_expr *e)
{
    const struct expr **items = PLAN_ARRAY(b->p, const struct expr *, e->n_args);
    if (!items)
        return NULL;
    b->below_opaque++;
    const struct type *type = common_type(b, e->args, items, e->n_args);
    b->below_opaque--;
    if (!type)
        return NULL;
    for (uint32_t i = 0; type->kind == KIND_NULL && i < e->n_args; i++) /* NULL IN (NULL): any type will do */
        if (!(items[i] = expr_literal(b->p, VALUE_NULL, &TYPE_STRING)))
            return NULL;
    return expr_n(b->p, EXPR_IN, &TYPE_BOOLEAN, items, e->n_args);
}
