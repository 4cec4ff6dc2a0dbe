/* Function calls, with lambdas, and CASE. */
#include "planner/planner_int.h"

struct call_args {
    struct binder *b;
    const struct ast_expr *call;
    const struct expr **args; /* lambdas: filled in by the typer */
};

/* The resolver asks for the type of a lambda's body, now that it knows its parameters. */
static const struct type *type_lambda(void *data, uint32_t index, const struct type *const *params, uint32_t n,
                                      struct diag *d)
{
    struct call_args *c = data;
    struct binder *b = c->b;
    const struct ast_expr *lambda = c->call->args[index];
    (void)d; /* it is the planner's own */
    const struct type **types = PLAN_ARRAY(b->p, const struct type *, n);
    for (uint32_t i = 0; types && i < n; i++)
        types[i] = params[i];
    struct lambda_scope scope = {b->lambdas, lambda->names, types, n < lambda->n_names ? n : lambda->n_names,
                                 b->n_lambda_vars};
    b->n_lambda_vars += scope.n;
    b->lambdas = &scope;
    const struct expr *body = types ? bind_expr(b, lambda->args[0]) : NULL;
    b->lambdas = scope.outer;
    struct expr *e = body ? (struct expr *)(uintptr_t)expr_n(b->p, EXPR_LAMBDA, &TYPE_LAMBDA, &body, 1) : NULL;
    if (!e)
        return NULL;
    e->lambda_base = scope.base;
    e->n_params = scope.n;
    c->args[index] = e;
    return body->type;
}

/* Arguments as bound, and what the resolver needs to know of them. */
static bool bind_args(struct call_args *c, struct arg_info *infos)
{
    for (uint32_t i = 0; i < c->call->n_args; i++) {
        const struct ast_expr *arg = c->call->args[i];
        if (arg->kind == AST_LAMBDA) {
            infos[i] = (struct arg_info){&TYPE_LAMBDA, arg->n_names};
            continue;
        }
        if (!(c->args[i] = bind_expr(c->b, arg)))
            return false;
        infos[i] = (struct arg_info){c->args[i]->type, 0};
    }
    return true;
}

static bool cast_args(struct call_args *c, const struct resolved_call *call)
{
    for (uint32_t i = 0; i < c->call->n_args; i++) {
        if (!c->args[i]) {
            (void)bind_fail(c->b, c->call, "Lambda argument %u of " STR_FMT " could not be typed", i + 1,
                            STR_ARG(c->call->text));
            return false;
        }
        enum type_kind kind = c->args[i]->type->kind;
        if (kind != KIND_LAMBDA && kind != KIND_UNIT && call->param_types[i]->kind != KIND_NULL)
            c->args[i] = expr_cast(c->b->p, c->args[i], call->param_types[i]);
        if (!c->args[i])
            return false;
    }
    return true;
}

static const struct expr *unknown_function(struct binder *b, const struct ast_expr *e)
{
    (void)bind_fail(b, e, "Can't find any functions with the name '" STR_FMT "'", STR_ARG(e->text));
    return NULL;
}

const struct expr *bind_call_of(struct binder *b, const struct ast_expr *e, enum function_kind kind)
{
    struct planner *p = b->p;
    struct call_args c = {b, e, PLAN_ARRAY(p, const struct expr *, e->n_args)};
    struct arg_info *infos = PLAN_ARRAY(p, struct arg_info, e->n_args);
    struct resolved_call *call = PLAN_NEW(p, struct resolved_call);
    const struct function *f = function_find(e->text);
    if (!f)
        return unknown_function(b, e);
    if (!c.args || !infos || !call || !bind_args(&c, infos))
        return NULL;
    if (f->kind != kind)
        return unknown_function(b, e);
    enum status st = function_resolve(p->a, f, infos, e->n_args, type_lambda, &c, call, p->d);
    if (st != STATUS_OK) {
        if (p->d->where.line == 0)
            p->d->where = e->span;
        b->failed_late = b->below_opaque > 0;
        return NULL;
    }
    if (!cast_args(&c, call))
        return NULL;
    struct expr *bound = (struct expr *)(uintptr_t)expr_n(p, EXPR_CALL, call->result, c.args, e->n_args);
    if (bound) {
        bound->call = call;
        bound->name = e->text;
    }
    return bound;
}

const struct expr *bind_call(struct binder *b, const struct ast_expr *e)
{
    return bind_call_of(b, e, FUNCTION_SCALAR);
}

/* ---- CASE ---- */

static bool check_when(struct binder *b, const struct ast_expr *e, const struct expr *when)
{
    if (when->type->kind == KIND_BOOLEAN)
        return true;
    (void)bind_fail(b, e, "WHEN operand type should be boolean.\nType for '" STR_FMT "' is " STR_FMT,
                    STR_ARG(bind_text(b, e)), STR_ARG(type_text(b->p, when->type)));
    return false;
}

/* All THEN of one type; NULL literals do not count. `so_far` NULL: not known yet. */
static bool check_then(struct binder *b, const struct ast_expr *when, const struct ast_expr *then_ast,
                       const struct expr *then, const struct type **so_far)
{
    if (expr_is_null_literal(then))
        return true;
    if (!*so_far)
        *so_far = then->type;
    if (type_eq(*so_far, then->type))
        return true;
    (void)bind_fail(
        b, then_ast,
        "Invalid Case expression. Type for all 'THEN' clauses should be the same.\nTHEN expression 'WHEN " STR_FMT
        " THEN " STR_FMT "' has type: " STR_FMT ".\nPrevious THEN expression(s) type: " STR_FMT ".",
        STR_ARG(bind_text(b, when)), STR_ARG(bind_text(b, then_ast)), STR_ARG(type_text(b->p, then->type)),
        STR_ARG(type_text(b->p, *so_far)));
    return false;
}

static bool check_else(struct binder *b, const struct ast_expr *e, const struct expr *otherwise,
                       const struct type **type)
{
    if (!otherwise || expr_is_null_literal(otherwise))
        return true;
    if (!*type)
        *type = otherwise->type;
    if (type_eq(*type, otherwise->type))
        return true;
    (void)bind_fail(b, e,
                    "Invalid Case expression. Type for the default clause should be the same as for 'THEN' clauses.\n"
                    "THEN type: " STR_FMT ".\nDEFAULT type: " STR_FMT ".",
                    STR_ARG(type_text(b->p, *type)), STR_ARG(type_text(b->p, otherwise->type)));
    return false;
}

const struct expr *bind_case(struct binder *b, const struct ast_expr *e)
{
    const struct expr **args = PLAN_ARRAY(b->p, const struct expr *, e->n_args);
    if (!args)
        return NULL;
    for (uint32_t i = 0; i < e->n_args; i++)
        if (!(args[i] = bind_expr(b, e->args[i])))
            return NULL;
    const struct type *type = NULL;
    uint32_t pairs = e->n_args / 2;
    for (uint32_t i = 0; i < pairs; i++)
        if (!check_when(b, e->args[2 * i], args[2 * i]) ||
            !check_then(b, e->args[2 * i], e->args[2 * i + 1], args[2 * i + 1], &type))
            return NULL;
    if (!check_else(b, e, e->n_args % 2 ? args[e->n_args - 1] : NULL, &type))
        return NULL;
    if (!type) {
        (void)bind_fail(b, e, "Invalid Case expression. All case branches have NULL type");
        return NULL;
    }
    for (uint32_t i = 0; i < e->n_args; i++)
        if (i % 2 || i == 2 * pairs)
            args[i] = expr_cast(b->p, args[i], type);
    return expr_n(b->p, EXPR_CASE, type, args, e->n_args);
}
