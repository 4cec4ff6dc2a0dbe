/* Binding of expressions: syntax trees in plain form (names without sources) to typed expressions over one schema.
 * Two stages of ksqlDB are told apart for the sake of its messages: typing, and code generation, which also looks
 * inside NOT, IN, LIKE, IS NULL and the left side of AND and OR. */
#include "planner/planner_int.h"

void binder_init(struct binder *b, struct planner *p, const struct schema *schema)
{
    *b = (struct binder){.p = p, .schema = schema, .is_windowed = schema->window != WINDOW_NONE};
}

static enum status fail(struct binder *b, const struct ast_expr *at, bool late, const char *format, va_list args)
{
    if (b->p->d->code == STATUS_OK)
        b->failed_late = late || b->below_opaque > 0;
    return diag_vset(b->p->d, STATUS_STATEMENT, at->span, format, args);
}

enum status bind_fail(struct binder *b, const struct ast_expr *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum status st = fail(b, at, false, format, args);
    va_end(args);
    return st;
}

static enum status bind_fail_late(struct binder *b, const struct ast_expr *at, const char *format, ...)
    PRINTF_LIKE(3, 4);
static enum status bind_fail_late(struct binder *b, const struct ast_expr *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum status st = fail(b, at, true, format, args);
    va_end(args);
    return st;
}

struct str bind_text(struct binder *b, const struct ast_expr *e)
{
    struct str text = ast_expr_text(b->p->a, e);
    return text.p ? text : STR("");
}

/* ---- leaves ---- */

static const struct expr *bind_decimal(struct binder *b, const struct ast_expr *e)
{
    const struct expr *literal = NULL;
    if (!expr_decimal(b->p, e->text, &literal))
        (void)bind_fail(b, e, "Invalid numeric literal: " STR_FMT, STR_ARG(e->text));
    return literal;
}

static const struct expr *bind_literal(struct binder *b, const struct ast_expr *e)
{
    struct planner *p = b->p;
    switch (e->kind) {
    case AST_NULL:
        return expr_literal(p, VALUE_NULL, &TYPE_NULL);
    case AST_BOOLEAN:
        return expr_literal(p, (struct value){.kind = KIND_BOOLEAN, .boolean = e->boolean}, &TYPE_BOOLEAN);
    case AST_INT:
        return expr_literal(p, (struct value){.kind = KIND_INT, .i32 = (int32_t)e->integer}, &TYPE_INT);
    case AST_BIGINT:
        return expr_literal(p, (struct value){.kind = KIND_BIGINT, .i64 = e->integer}, &TYPE_BIGINT);
    case AST_DECIMAL:
        return bind_decimal(b, e);
    case AST_DOUBLE:
        return expr_literal(p, (struct value){.kind = KIND_DOUBLE, .f64 = e->number}, &TYPE_DOUBLE);
    case AST_UNIT:
    case AST_STRING: {
        struct str text = str_dup(p->a, e->text);
        if (!text.p) {
            (void)plan_nomem(p);
            return NULL;
        }
        return expr_literal(p, (struct value){.kind = KIND_STRING, .str = text},
                            e->kind == AST_UNIT ? &TYPE_UNIT : &TYPE_STRING);
    }
    default:
        return NULL;
    }
}

static bool pseudo_by_name(const struct binder *b, struct str name, enum pseudo *which)
{
    static const struct {
        const char *name;
        enum pseudo which;
        bool of_window;
    } pseudos[] = {
        {"ROWTIME", PSEUDO_ROWTIME, false},     {"ROWPARTITION", PSEUDO_ROWPARTITION, false},
        {"ROWOFFSET", PSEUDO_ROWOFFSET, false}, {"WINDOWSTART", PSEUDO_WINDOWSTART, true},
        {"WINDOWEND", PSEUDO_WINDOWEND, true},
    };
    for (size_t i = 0; i < sizeof pseudos / sizeof *pseudos; i++)
        if (str_eq(name, str_from(pseudos[i].name)) && (!pseudos[i].of_window || b->is_windowed)) {
            *which = pseudos[i].which;
            return true;
        }
    return false;
}

static const struct expr *bind_column(struct binder *b, const struct ast_expr *e)
{
    int index = schema_find(b->schema, e->text);
    if (index >= 0)
        return expr_column(b->p, b->schema, (uint32_t)index);
    enum pseudo which;
    if (pseudo_by_name(b, e->text, &which))
        return expr_pseudo(b->p, which);
    (void)bind_fail(b, e, "Unknown column " STR_FMT ".", STR_ARG(e->text));
    return NULL;
}

static const struct expr *bind_lambda_var(struct binder *b, const struct ast_expr *e)
{
    for (const struct lambda_scope *scope = b->lambdas; scope; scope = scope->outer)
        for (uint32_t i = 0; i < scope->n; i++) {
            if (!str_eq(scope->names[i].text, e->text))
                continue;
            struct expr *var = expr_new(b->p, EXPR_LAMBDA_VAR, scope->types[i]);
            if (var) {
                var->column = scope->base + i;
                var->name = e->text;
            }
            return var;
        }
    (void)bind_fail(b, e, "Unknown lambda argument: " STR_FMT, STR_ARG(e->text));
    return NULL;
}

/* ---- logic ---- */

static const struct expr *bind_opaque(struct binder *b, const struct ast_expr *e)
{
    b->below_opaque++;
    const struct expr *bound = bind_expr(b, e);
    b->below_opaque--;
    return bound;
}

static const struct expr *bind_operand(struct binder *b, const struct ast_expr *e, bool opaque)
{
    const struct expr *bound = opaque ? bind_opaque(b, e) : bind_expr(b, e);
    if (!bound)
        return NULL;
    if (expr_is_null_literal(bound))
        return expr_cast(b->p, bound, &TYPE_BOOLEAN);
    if (bound->type->kind != KIND_BOOLEAN) {
        (void)bind_fail_late(b, e, "Expected a BOOLEAN, but " STR_FMT " is of type " STR_FMT, STR_ARG(bind_text(b, e)),
                             STR_ARG(type_text(b->p, bound->type)));
        return NULL;
    }
    return bound;
}

static const struct expr *bind_logic(struct binder *b, const struct ast_expr *e)
{
    const struct expr **args = PLAN_ARRAY(b->p, const struct expr *, e->n_args);
    enum expr_kind kind = e->kind == AST_NOT ? EXPR_NOT : e->kind == AST_AND ? EXPR_AND : EXPR_OR;
    if (!args)
        return NULL;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (!(args[i] = bind_operand(b, e->args[i], i == 0 || i + 1 < e->n_args)))
            return NULL;
    return expr_n(b->p, kind, &TYPE_BOOLEAN, args, e->n_args);
}

static const struct expr *bind_null_test(struct binder *b, const struct ast_expr *e)
{
    const struct expr *arg = bind_opaque(b, e->args[0]);
    return arg ? expr_n(b->p, e->kind == AST_IS_NULL ? EXPR_IS_NULL : EXPR_IS_NOT_NULL, &TYPE_BOOLEAN, &arg, 1) : NULL;
}

static const struct expr *bind_like(struct binder *b, const struct ast_expr *e)
{
    const struct expr *args[2];
    for (int i = 0; i < 2; i++) {
        args[i] = bind_opaque(b, e->args[i]);
        if (args[i] && expr_is_null_literal(args[i]))
            args[i] = expr_cast(b->p, args[i], &TYPE_STRING);
        if (!args[i])
            return NULL;
        if (args[i]->type->kind != KIND_STRING) {
            (void)bind_fail_late(b, e->args[i], "Like condition must be between strings");
            return NULL;
        }
    }
    const struct expr *like = expr_n(b->p, EXPR_LIKE, &TYPE_BOOLEAN, args, 2);
    if (like && e->text.len)
        ((struct expr *)(uintptr_t)like)->escape = e->text.p[0];
    return like;
}

/* ---- structure ---- */

static const struct expr *bind_field(struct binder *b, const struct ast_expr *e)
{
    const struct expr *base = bind_expr(b, e->args[0]);
    if (!base)
        return NULL;
    int index = base->type->kind == KIND_STRUCT ? type_field(base->type, e->text) : -1;
    if (index < 0) {
        (void)bind_fail(b, e, "Could not find field '" STR_FMT "' in '" STR_FMT "'.", STR_ARG(e->text),
                        STR_ARG(bind_text(b, e->args[0])));
        return NULL;
    }
    const struct expr *field = expr_n(b->p, EXPR_FIELD, base->type->fields[index].type, &base, 1);
    if (field) {
        ((struct expr *)(uintptr_t)field)->column = (uint32_t)index;
        ((struct expr *)(uintptr_t)field)->name = base->type->fields[index].name;
    }
    return field;
}

static const struct expr *bind_subscript(struct binder *b, const struct ast_expr *e)
{
    const struct expr *args[2] = {bind_expr(b, e->args[0])};
    if (!args[0] || !(args[1] = bind_expr(b, e->args[1])))
        return NULL;
    const struct type *base = args[0]->type;
    if (base->kind == KIND_ARRAY && (args[1]->type->kind == KIND_BIGINT || args[1]->type->kind == KIND_INT))
        args[1] = expr_cast(b->p, args[1], &TYPE_INT);
    else if (base->kind == KIND_MAP && (expr_is_null_literal(args[1]) || cast_is_implicit(args[1]->type, base->key)))
        args[1] = expr_cast(b->p, args[1], base->key);
    else if (base->kind != KIND_ARRAY && base->kind != KIND_MAP) {
        struct str text = bind_text(b, e->args[0]), index = bind_text(b, e->args[1]);
        (void)bind_fail(b, e, "Subscript expression (" STR_FMT ") do not apply to " STR_FMT ".%s" STR_FMT "%s" STR_FMT,
                        STR_ARG(bind_text(b, e)), STR_ARG(type_text(b->p, base)),
                        base->kind == KIND_STRUCT ? " Use the dereference operator for STRUCTS: " : "",
                        STR_ARG(base->kind == KIND_STRUCT ? text : STR("")), base->kind == KIND_STRUCT ? "->" : "",
                        STR_ARG(base->kind == KIND_STRUCT ? index : STR("")));
        return NULL;
    } else {
        (void)bind_fail_late(b, e, "Cast of " STR_FMT " to " STR_FMT " is not supported",
                             STR_ARG(type_text(b->p, args[1]->type)),
                             STR_ARG(type_text(b->p, base->kind == KIND_ARRAY ? &TYPE_INT : base->key)));
        return NULL;
    }
    return args[1] ? expr_n(b->p, EXPR_SUBSCRIPT, base->element, args, 2) : NULL;
}

static enum status check_field_is_new(struct binder *b, const struct ast_expr *e, const struct field *fields,
                                      uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (str_eq(fields[i].name, fields[n].name))
            return bind_fail(b, e,
                             "Duplicate field names found in STRUCT: '`" STR_FMT "` " STR_FMT "' and '`" STR_FMT
                             "` " STR_FMT "'",
                             STR_ARG(fields[i].name), STR_ARG(type_text(b->p, fields[i].type)), STR_ARG(fields[n].name),
                             STR_ARG(type_text(b->p, fields[n].type)));
    return STATUS_OK;
}

static const struct expr *bind_struct(struct binder *b, const struct ast_expr *e)
{
    const struct expr **args = PLAN_ARRAY(b->p, const struct expr *, e->n_args);
    struct field *fields = PLAN_ARRAY(b->p, struct field, e->n_args);
    for (uint32_t i = 0; i < e->n_args; i++) {
        if (!args || !fields || !(args[i] = bind_expr(b, e->args[i])))
            return NULL;
        if (expr_is_null_literal(args[i])) {
            (void)bind_fail(b, e->args[i],
                            "Can't infer a type of null. Please explicitly cast it to a required type, "
                            "e.g. CAST(null AS VARCHAR).");
            return NULL;
        }
        fields[i] = (struct field){e->names[i].text, args[i]->type};
        if (check_field_is_new(b, e, fields, i) != STATUS_OK)
            return NULL;
    }
    if (!fields || !args)
        return NULL;
    return expr_n(b->p, EXPR_STRUCT, type_struct(b->p->a, fields, e->n_args), args, e->n_args);
}

/* With ksql.cast.strings.preserve.nulls=false a null reads "null", but for the types that have a text function of their
 * own. */
static const struct expr *null_as_text(struct binder *b, const struct expr *cast)
{
    struct planner *p = b->p;
    const struct type *from = cast->args[0]->type;
    bool is_plain = from->kind <= KIND_BIGINT || from->kind == KIND_DOUBLE || type_is_nested(from);
    if (cast->type->kind != KIND_STRING || !is_plain || planner_flag(p, "ksql.cast.strings.preserve.nulls", true))
        return cast;
    const struct arg_info texts[2] = {{.type = &TYPE_STRING}, {.type = &TYPE_STRING}};
    struct resolved_call *call = PLAN_NEW(p, struct resolved_call);
    const struct expr *args[2] = {
        cast, expr_literal(p, (struct value){.kind = KIND_STRING, .str = STR("null")}, &TYPE_STRING)};
    if (!call || !args[1] ||
        function_resolve(p->a, function_find(STR("COALESCE")), texts, 2, NULL, NULL, call, p->d) != STATUS_OK)
        return NULL;
    struct expr *e = expr_new(p, EXPR_CALL, call->result);
    const struct expr **copy = e ? PLAN_ARRAY(p, const struct expr *, 2) : NULL;
    if (!copy)
        return NULL;
    memcpy(copy, args, sizeof args);
    e->args = copy;
    e->n_args = 2;
    e->call = call;
    return e;
}

static const struct expr *bind_cast(struct binder *b, const struct ast_expr *e)
{
    const struct expr *arg = bind_expr(b, e->args[0]);
    const struct type *to = arg ? planner_type(b->p, e->type) : NULL;
    if (!to)
        return NULL;
    if (expr_is_null_literal(arg))
        return expr_literal(b->p, VALUE_NULL, to);
    if (!type_eq(arg->type, to) && !cast_is_supported(arg->type, to)) {
        (void)bind_fail_late(b, e, "Cast of " STR_FMT " to " STR_FMT " is not supported",
                             STR_ARG(type_text(b->p, arg->type)), STR_ARG(type_text(b->p, to)));
        return NULL;
    }
    const struct expr *cast = expr_n(b->p, EXPR_CAST, to, &arg, 1);
    return cast ? null_as_text(b, cast) : NULL;
}

static const struct expr *bind_sign(struct binder *b, const struct ast_expr *e)
{
    const struct expr *arg = bind_expr(b, e->args[0]);
    if (!arg)
        return NULL;
    if (!type_is_numeric(arg->type)) {
        (void)bind_fail_late(b, e, "%s is not supported for type " STR_FMT, e->op == OP_SUB ? "Negation" : "Unary plus",
                             STR_ARG(type_text(b->p, arg->type)));
        return NULL;
    }
    return e->op == OP_SUB ? expr_n(b->p, EXPR_NEGATE, arg->type, &arg, 1) : arg;
}

static const struct expr *not_bound(struct binder *b, const struct ast_expr *e)
{
    switch (e->kind) {
    case AST_AT_ZONE:
        (void)bind_fail(b, e, "AT TIME ZONE is not supported");
        break;
    case AST_CASE_SIMPLE:
        (void)bind_fail(b, e, "not yet implemented: CASE with an operand. Use CASE WHEN " STR_FMT " = ... instead",
                        STR_ARG(bind_text(b, e->args[0])));
        break;
    case AST_LAMBDA:
        (void)bind_fail(b, e, "A lambda can only be an argument of a function: " STR_FMT, STR_ARG(bind_text(b, e)));
        break;
    default:
        (void)bind_fail(b, e, "Illegal expression: " STR_FMT, STR_ARG(bind_text(b, e)));
    }
    return NULL;
}

const struct expr *bind_expr(struct binder *b, const struct ast_expr *e)
{
    switch (e->kind) {
    case AST_NULL:
    case AST_BOOLEAN:
    case AST_INT:
    case AST_BIGINT:
    case AST_DECIMAL:
    case AST_DOUBLE:
    case AST_STRING:
    case AST_UNIT:
        return bind_literal(b, e);
    case AST_COLUMN:
        return bind_column(b, e);
    case AST_LAMBDA_VAR:
        return bind_lambda_var(b, e);
    case AST_SIGN:
        return bind_sign(b, e);
    case AST_ARITHMETIC:
        return bind_arithmetic(b, e);
    case AST_COMPARISON:
        return bind_comparison(b, e);
    case AST_AND:
    case AST_OR:
    case AST_NOT:
        return bind_logic(b, e);
    case AST_IS_NULL:
    case AST_IS_NOT_NULL:
        return bind_null_test(b, e);
    case AST_BETWEEN:
        return bind_between(b, e);
    case AST_IN:
        return bind_in(b, e);
    case AST_LIKE:
        return bind_like(b, e);
    case AST_CASE:
        return bind_case(b, e);
    case AST_CAST:
        return bind_cast(b, e);
    case AST_SUBSCRIPT:
        return bind_subscript(b, e);
    case AST_DEREF:
        return bind_field(b, e);
    case AST_CALL:
        return bind_call(b, e);
    case AST_ARRAY:
        return bind_array(b, e);
    case AST_MAP:
        return bind_map(b, e);
    case AST_STRUCT:
        return bind_struct(b, e);
    case AST_VARIABLE:
    case AST_LAMBDA:
    case AST_CASE_SIMPLE:
    case AST_AT_ZONE:
        return not_bound(b, e);
    }
    return NULL;
}

/* ---- frames ---- */

static void frame_error(struct binder *b, const struct ast_expr *e, const char *late_frame, const char *early_prefix)
{
    struct diag *d = b->p->d;
    if (d->code != STATUS_STATEMENT)
        return;
    struct str text = bind_text(b, e);
    if (b->failed_late) {
        struct buf tail;
        buf_init(&tail, 0);
        buf_printf(&tail, ". expression: " STR_FMT ", schema:", STR_ARG(text));
        schema_print(&tail, b->schema);
        size_t used = strlen(d->message);
        snprintf(d->message + used, sizeof d->message - used, "%s", buf_z(&tail));
        buf_free(&tail);
        char prefix[64];
        snprintf(prefix, sizeof prefix, "Invalid %s: ", late_frame);
        diag_prefix(d, prefix);
    } else if (early_prefix) {
        diag_prefix(d, early_prefix);
    }
    diag_context(d, text.p, text.len);
}

static const struct expr *with_text(struct binder *b, const struct expr *e, const struct ast_expr *ast)
{
    struct expr *root = arena_dup(b->p->a, e, sizeof *e);
    if (!root) {
        (void)plan_nomem(b->p);
        return NULL;
    }
    root->text = bind_text(b, ast);
    return root;
}

const struct expr *bind_item(struct binder *b, const struct ast_expr *e, const char *frame)
{
    const struct expr *bound = bind_expr(b, e);
    if (bound)
        return with_text(b, bound, e);
    frame_error(b, e, frame, NULL);
    return NULL;
}

const struct expr *bind_predicate(struct binder *b, const struct ast_expr *e, const char *clause)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, "Error in %s expression: ", clause);
    const struct expr *bound = bind_expr(b, e);
    if (!bound) {
        frame_error(b, e, "Predicate", prefix);
        return NULL;
    }
    if (bound->type->kind == KIND_BOOLEAN)
        return with_text(b, bound, e);
    struct str text = bind_text(b, e);
    (void)plan_error(b->p, e->span,
                     "Type error in %s expression: Should evaluate to boolean but is " STR_FMT " (" STR_FMT
                     ") instead.",
                     clause, STR_ARG(text), STR_ARG(type_text(b->p, bound->type)));
    diag_context(b->p->d, text.p, text.len);
    return NULL;
}
