/* Overload resolution: which variant of a function fits the arguments, and with which types.
 *
 * Two passes: exact types, then (not for aggregates) with implicit casts. There is no distance between types: the
 * fitting variants are ranked by their shape alone, and a tie is an error. Generic parameters never widen. */
#include "functions/functions_int.h"

struct bindings { /* of the generics A..Z; NULL: not bound */
    const struct type *of[26];
};

static const struct type **binding(struct bindings *b, char generic)
{
    return &b->of[generic - 'A'];
}

/* ---- does an argument fit? ----------------------------------------------------------------------------------- */

static bool bind_generic(struct bindings *b, char generic, const struct type *t)
{
    if (t->kind == KIND_LAMBDA || t->kind == KIND_UNIT)
        return false;
    const struct type **bound = binding(b, generic);
    if (!*bound || (*bound)->kind == KIND_NULL)
        *bound = t;
    return t->kind == KIND_NULL || type_eq(*bound, t);
}

static bool struct_fits(const struct sig_type *s, const struct type *t, struct bindings *b);

static bool type_fits(const struct sig_type *s, const struct type *t, struct bindings *b, bool casts)
{
    if (t->kind == KIND_NULL)
        return s->kind != SIG_LAMBDA;
    switch (s->kind) {
    case SIG_PLAIN:
        return s->base == t->kind || (casts && cast_is_implicit(t, &(struct type){.kind = s->base}));
    case SIG_GENERIC:
        return bind_generic(b, s->generic, t);
    case SIG_ANY:
        return t->kind != KIND_LAMBDA && t->kind != KIND_UNIT;
    case SIG_ARRAY:
        return t->kind == KIND_ARRAY && type_fits(&s->items[0], t->element, b, false);
    case SIG_MAP:
        return t->kind == KIND_MAP && type_fits(&s->items[0], t->key, b, false) &&
               type_fits(&s->items[1], t->element, b, false);
    case SIG_STRUCT:
        return struct_fits(s, t, b);
    case SIG_LAMBDA:
        return false;
    }
    return false;
}

static bool struct_fits(const struct sig_type *s, const struct type *t, struct bindings *b)
{
    if (t->kind != KIND_STRUCT)
        return false;
    if (s->n == 0)
        return true;
    if (s->n != t->n_fields)
        return false;
    for (uint32_t i = 0; i < s->n; i++) {
        int at = type_field(t, s->names[i]);
        if (at < 0 || !type_fits(&s->items[i], t->fields[at].type, b, false))
            return false;
    }
    return true;
}

/* The parameter that argument `i` of `n` belongs to. */
static uint32_t param_of(const struct signature *s, uint32_t i, uint32_t n)
{
    if (s->variadic < 0)
        return i;
    uint32_t v = (uint32_t)s->variadic, repeats = n + 1 - s->n_params;
    return i < v ? i : i < v + repeats ? v : i + 1 - repeats;
}

static bool count_fits(const struct signature *s, uint32_t n)
{
    return s->variadic < 0 ? n == s->n_params : n + 1 >= s->n_params;
}

static bool variant_fits(const struct signature *s, const struct arg_info *args, uint32_t n, bool casts,
                         struct bindings *b)
{
    *b = (struct bindings){{NULL}};
    if (!count_fits(s, n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const struct sig_type *param = &s->params[param_of(s, i, n)].type;
        bool fits = args[i].type->kind == KIND_LAMBDA ? param->kind == SIG_LAMBDA && param->n == args[i].lambda_arity
                                                      : type_fits(param, args[i].type, b, casts);
        if (!fits)
            return false;
    }
    return true;
}

/* ---- ranking ---------------------------------------------------------------------------------------------------- */

static int generic_params(const struct signature *s)
{
    int n = 0;
    for (uint32_t i = 0; i < s->n_params; i++)
        n += sig_has_generic(&s->params[i].type);
    return n;
}

static bool has_any_variadic(const struct signature *s)
{
    return s->variadic >= 0 && s->params[s->variadic].type.kind == SIG_ANY;
}

/* > 0: x is the better one. */
static int rank_cmp(const struct signature *x, const struct signature *y)
{
    int keys[][2] = {
        {x->variadic < 0, y->variadic < 0},
        {(int)x->n_params, (int)y->n_params},
        {-generic_params(x), -generic_params(y)},
        {!has_any_variadic(x), !has_any_variadic(y)},
        {x->variadic, y->variadic},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i][0] != keys[i][1])
            return keys[i][0] > keys[i][1] ? 1 : -1;
    return 0;
}

/* Index of the best variant; -1: none fits, -2: the best two tie. */
static int choose(const struct signature *all, uint32_t n_variants, const struct arg_info *args, uint32_t n, bool casts)
{
    int best = -1;
    bool tie = false;
    struct bindings b;
    for (uint32_t v = 0; v < n_variants; v++) {
        if (!variant_fits(&all[v], args, n, casts, &b))
            continue;
        int order = best < 0 ? 1 : rank_cmp(&all[v], &all[best]);
        tie = order == 0 || (tie && order < 0);
        if (order > 0)
            best = (int)v;
    }
    return tie ? -2 : best;
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

static void print_arg_type(struct buf *out, const struct type *t)
{
    switch (t->kind) {
    case KIND_ARRAY:
        buf_puts(out, STR("ARRAY<"));
        print_arg_type(out, t->element);
        buf_putc(out, '>');
        break;
    case KIND_MAP:
        buf_puts(out, STR("MAP<"));
        print_arg_type(out, t->key);
        buf_puts(out, STR(", "));
        print_arg_type(out, t->element);
        buf_putc(out, '>');
        break;
    case KIND_STRUCT:
        buf_puts(out, STR("STRUCT<"));
        for (uint32_t i = 0; i < t->n_fields; i++) {
            buf_printf(out, "%s" STR_FMT " ", i ? ", " : "", STR_ARG(t->fields[i].name));
            print_arg_type(out, t->fields[i].type);
        }
        buf_putc(out, '>');
        break;
    default:
        type_print(out, t);
    }
}

static enum status no_variant(const struct function *f, const struct arg_info *args, uint32_t n, bool ambiguous,
                              struct diag *d)
{
    struct buf out;
    buf_init(&out, 0);
    buf_printf(&out, "Function '%s' %s (", f->declared_name,
               ambiguous ? "cannot be resolved due to ambiguous method parameters" : "does not accept parameters");
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_puts(&out, STR(", "));
        print_arg_type(&out, args[i].type);
    }
    buf_puts(&out, STR(").\n"));
    if (ambiguous)
        buf_puts(&out, STR("Use CAST() to explicitly cast your parameters to one of the supported function calls.\n"));
    buf_puts(&out, ambiguous ? STR("Valid function calls are:\n") : STR("Valid alternatives are:\n"));
    for (uint32_t i = 0; i < f->n_variants; i++) {
        function_print_variant(&out, f, &f->variants[i]);
        buf_putc(&out, '\n');
    }
    buf_puts(&out, STR("For detailed information on a function run: DESCRIBE FUNCTION <Function-Name>;"));
    enum status st = out.failed ? diag_nomem(d) : diag_set(d, STATUS_STATEMENT, "%s", buf_z(&out));
    buf_free(&out);
    return st;
}

static enum status unresolved_generic(char generic, const struct bindings *b, struct diag *d)
{
    struct buf out;
    buf_init(&out, 0);
    const char *separator = "";
    for (int i = 0; i < 26; i++) {
        if (!b->of[i])
            continue;
        buf_printf(&out, "%s%c=", separator, 'A' + i);
        type_print(&out, b->of[i]);
        separator = ", ";
    }
    enum status st =
        diag_set(d, STATUS_STATEMENT, "Could not resolve type for generic %c. The generic mapping so far: {%s}",
                 generic, buf_z(&out));
    buf_free(&out);
    return st;
}

/* ---- types of the chosen variant ----------------------------------------------------------------------------------
 */

static const struct type *plain_type(struct arena *a, const struct sig_type *s)
{
    static const struct type *const plain[] = {
        [KIND_BOOLEAN] = &TYPE_BOOLEAN, [KIND_INT] = &TYPE_INT,       [KIND_BIGINT] = &TYPE_BIGINT,
        [KIND_DOUBLE] = &TYPE_DOUBLE,   [KIND_STRING] = &TYPE_STRING, [KIND_BYTES] = &TYPE_BYTES,
        [KIND_DATE] = &TYPE_DATE,       [KIND_TIME] = &TYPE_TIME,     [KIND_TIMESTAMP] = &TYPE_TIMESTAMP,
        [KIND_UNIT] = &TYPE_UNIT,
    };
    if (s->base == KIND_DECIMAL)
        return s->precision ? type_decimal(a, s->precision, s->scale) : type_decimal(a, 1, 0);
    return plain[s->base];
}

static const struct type *instantiate_struct(struct arena *a, const struct sig_type *s, struct bindings *b,
                                             struct diag *d);

/* The type that `s` stands for; NULL after diag_set. */
static const struct type *instantiate(struct arena *a, const struct sig_type *s, struct bindings *b, struct diag *d)
{
    const struct type *t = NULL, *first, *second;
    switch (s->kind) {
    case SIG_PLAIN:
        t = plain_type(a, s);
        break;
    case SIG_GENERIC:
        t = *binding(b, s->generic);
        if (!t)
            unresolved_generic(s->generic, b, d);
        return t;
    case SIG_ARRAY:
        if (!(first = instantiate(a, &s->items[0], b, d)))
            return NULL;
        t = type_array(a, first);
        break;
    case SIG_MAP:
        if (!(first = instantiate(a, &s->items[0], b, d)) || !(second = instantiate(a, &s->items[1], b, d)))
            return NULL;
        t = type_map(a, first, second);
        break;
    case SIG_STRUCT:
        return instantiate_struct(a, s, b, d);
    case SIG_LAMBDA:
        return &TYPE_LAMBDA;
    case SIG_ANY:
        return &TYPE_NULL;
    }
    if (!t)
        diag_nomem(d);
    return t;
}

static const struct type *instantiate_struct(struct arena *a, const struct sig_type *s, struct bindings *b,
                                             struct diag *d)
{
    struct field *fields = ARENA_ARRAY(a, struct field, s->n);
    for (uint32_t i = 0; fields && i < s->n; i++) {
        fields[i].name = s->names[i];
        if (!(fields[i].type = instantiate(a, &s->items[i], b, d)))
            return NULL;
    }
    const struct type *t = fields ? type_struct(a, fields, s->n) : NULL;
    if (!t)
        diag_nomem(d);
    return t;
}

/* What an argument must be cast to. */
static const struct type *param_type(struct arena *a, const struct sig_type *s, const struct type *arg,
                                     struct bindings *b, struct diag *d)
{
    if (arg->kind == KIND_NULL) {
        if (s->kind == SIG_ANY || (sig_has_generic(s) && !(s->kind == SIG_GENERIC && *binding(b, s->generic))))
            return arg;
        return instantiate(a, s, b, d);
    }
    if (s->kind != SIG_PLAIN || s->base == arg->kind)
        return arg;
    if (s->base != KIND_DECIMAL)
        return plain_type(a, s);
    const struct type *t = type_decimal(a, arg->kind == KIND_INT ? 10 : 19, 0);
    if (!t)
        diag_nomem(d);
    return t;
}

static enum status generic_conflict(const struct sig_type *s, const struct type *old, const struct type *found,
                                    struct diag *d)
{
    struct buf schema, first, second;
    buf_init(&schema, 0);
    buf_init(&first, 0);
    buf_init(&second, 0);
    signature_type_print(&schema, s);
    type_print(&first, old);
    type_print(&second, found);
    enum status st =
        diag_set(d, STATUS_STATEMENT,
                 "Found invalid instance of generic schema when mapping %s to %s. Cannot map %s to both %s "
                 "and %s",
                 buf_z(&schema), buf_z(&second), buf_z(&schema), buf_z(&first), buf_z(&second));
    buf_free(&schema);
    buf_free(&first);
    buf_free(&second);
    return st;
}

/* Types the body of the lambda that is argument `index`, and binds what follows from it. */
static enum status type_lambda(struct arena *a, const struct sig_type *s, uint32_t index, struct bindings *b,
                               lambda_typer typer, void *data, struct diag *d)
{
    const struct type **params = ARENA_ARRAY(a, const struct type *, s->n);
    if (!params)
        return diag_nomem(d);
    for (uint32_t i = 0; i < s->n; i++)
        if (!(params[i] = instantiate(a, &s->items[i], b, d)))
            return d ? d->code : STATUS_STATEMENT;
    const struct type *body = typer(data, index, params, s->n, d);
    if (!body)
        return d ? d->code : STATUS_STATEMENT;
    const struct sig_type *result = &s->items[s->n];
    const struct type *bound = result->kind == SIG_GENERIC ? *binding(b, result->generic) : NULL;
    if (type_fits(result, body, b, false))
        return STATUS_OK;
    if (!bound && !(bound = instantiate(a, result, b, d)))
        return d ? d->code : STATUS_STATEMENT;
    return generic_conflict(result, bound, body, d);
}

static enum status fill_types(struct arena *a, const struct signature *s, const struct arg_info *args,
                              struct bindings *b, lambda_typer typer, void *data, struct resolved_call *out,
                              struct diag *d)
{
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < out->n_args; i++) {
        const struct sig_type *param = &s->params[param_of(s, i, out->n_args)].type;
        if (param->kind == SIG_LAMBDA)
            TRY(type_lambda(a, param, i, b, typer, data, d));
    }
    for (uint32_t i = 0; i < out->n_args; i++) {
        const struct sig_type *param = &s->params[param_of(s, i, out->n_args)].type;
        out->param_types[i] = param->kind == SIG_LAMBDA ? &TYPE_LAMBDA : param_type(a, param, args[i].type, b, d);
        if (!out->param_types[i])
            return d ? d->code : STATUS_STATEMENT;
    }
    out->result =
        s->computed ? out->variant->result_type(a, out->param_types, out->n_args, d) : instantiate(a, &s->result, b, d);
    if (!out->result)
        return d ? d->code : STATUS_STATEMENT;
done:
    return st;
}

/* How many of `n` arguments are columns: those of the parameters before ';'. */
static uint32_t column_args(const struct signature *s, uint32_t n)
{
    uint32_t columns = 0;
    while (columns < n && param_of(s, columns, n) < s->n_columns)
        columns++;
    return columns;
}

enum status function_resolve(struct arena *a, const struct function *f, const struct arg_info *args, uint32_t n,
                             lambda_typer typer, void *typer_data, struct resolved_call *out, struct diag *d)
{
    const struct signature *all = function_signatures(f);
    if (!all)
        return diag_set(d, STATUS_STATEMENT, "Can't find any functions with the name '%s'", f->name);
    bool casts = false;
    int chosen = choose(all, f->n_variants, args, n, casts);
    if (chosen == -1 && f->kind != FUNCTION_AGGREGATE) {
        casts = true;
        chosen = choose(all, f->n_variants, args, n, casts);
    }
    if (chosen < 0)
        return no_variant(f, args, n, chosen == -2, d);
    struct bindings b;
    variant_fits(&all[chosen], args, n, casts, &b);
    *out = (struct resolved_call){.function = f,
                                  .variant = &f->variants[chosen],
                                  .param_types = ARENA_ARRAY(a, const struct type *, n),
                                  .n_args = n,
                                  .n_columns = column_args(&all[chosen], n)};
    if (!out->param_types)
        return diag_nomem(d);
    return fill_types(a, &all[chosen], args, &b, typer, typer_data, out, d);
}
