/* Expressions to programs: one node an expression, with its buffers, its state and its kernel. */
#include "exec/expr/expr_int.h"

struct compiler {
    struct arena *arena;
    struct expr_prog *prog;
    uint32_t n_calls; /* counted before they are collected */
};

static bool call_invoke(struct call *c, uint32_t index, const struct value *args, uint32_t n, struct value *result);

/* What a variant may look at when it prepares: the literal arguments. */
static bool prepare_call(struct compiler *c, struct node *n)
{
    const struct function_variant *v = n->e->call->variant;
    if (!v->prepare)
        return true;
    const struct value **literals = ARENA_ARRAY(c->arena, const struct value *, n->n_args);
    if (!literals)
        return false;
    for (uint32_t i = 0; i < n->n_args; i++)
        if (n->e->args[i]->kind == EXPR_LITERAL)
            literals[i] = &n->e->args[i]->value;
    c->prog->calls[c->prog->n_calls++] = n; /* released even if it cannot be prepared to the end */
    return v->prepare(n->call, literals);
}

static bool compile_call(struct compiler *c, struct node *n)
{
    n->call = ARENA_NEW(c->arena, struct call);
    if (!n->call)
        return false;
    *n->call = (struct call){.n_args = n->n_args,
                             .arg_types = n->arg_types,
                             .result_type = n->e->type,
                             .state_arena = c->arena,
                             .invoke = call_invoke};
    return prepare_call(c, n);
}

static bool is_boundary(const struct expr *e, const struct expr *parent)
{
    if (e->fails_all)
        return false;
    if (e->kind == EXPR_CAST)
        return true;
    if (!parent)
        return false;
    return parent->kind == EXPR_ARRAY || parent->kind == EXPR_MAP || parent->kind == EXPR_STRUCT ||
           (parent->kind == EXPR_CALL && (e->kind == EXPR_CALL || e->kind == EXPR_FIELD));
}

/* A BOOLEAN without failure and null: then AND and OR need not look. */
static bool is_sure(const struct node *n)
{
    switch (n->e->kind) {
    case EXPR_LITERAL:
        return !value_is_null(&n->e->value) && n->e->type->kind == KIND_BOOLEAN;
    case EXPR_COMPARE:
    case EXPR_BETWEEN:
    case EXPR_IS_NULL:
    case EXPR_IS_NOT_NULL:
        for (uint32_t i = 0; i < n->n_args; i++) {
            enum expr_kind kind = n->args[i]->e->kind;
            if (kind != EXPR_COLUMN && kind != EXPR_LITERAL && kind != EXPR_PSEUDO)
                return false;
        }
        return n->kernel != NULL;
    case EXPR_NOT:
        return n->args[0]->sure;
    case EXPR_AND:
    case EXPR_OR:
        for (uint32_t i = 0; i < n->n_args; i++)
            if (!n->args[i]->sure)
                return false;
        return true;
    default:
        return false;
    }
}

static kernel_fn choose_kernel(const struct expr *e)
{
    switch (e->kind) {
    case EXPR_ARITH:
    case EXPR_NEGATE:
        return kernel_arith(e);
    case EXPR_COMPARE:
        return kernel_compare(e);
    case EXPR_CAST:
        return kernel_cast(e);
    default:
        return kernel_misc(e);
    }
}

/* The literals of IN as a set; a list with other items stays a list. */
static bool compile_list(struct compiler *c, struct node *n)
{
    const struct expr *e = n->e;
    struct value_set set;
    for (uint32_t i = 1; i < e->n_args; i++)
        if (e->args[i]->kind != EXPR_LITERAL)
            return true;
    if (e->n_args <= LONG_LIST)
        return true;
    if (!value_set_init(&set, c->arena, e->n_args - 1))
        return false;
    for (uint32_t i = 1; i < e->n_args; i++)
        if (!value_is_null(&e->args[i]->value))
            value_set_add(&set, &e->args[i]->value);
    n->list = arena_dup(c->arena, &set, sizeof set);
    return n->list != NULL;
}

static bool compile_kind(struct compiler *c, struct node *n)
{
    const struct expr *e = n->e;
    if (e->kind == EXPR_CALL)
        return compile_call(c, n);
    if (e->kind == EXPR_LIKE && e->args[1]->kind == EXPR_LITERAL && !value_is_null(&e->args[1]->value)) {
        n->like = like_compile(c->arena, e->args[1]->value.str, e->escape);
        return n->like != NULL;
    }
    if (e->kind == EXPR_IN)
        return compile_list(c, n);
    if (e->kind == EXPR_LAMBDA && e->lambda_base + e->n_params > c->prog->n_vars)
        c->prog->n_vars = e->lambda_base + e->n_params;
    return true;
}

static struct node *compile_node(struct compiler *c, const struct expr *e, const struct expr *parent)
{
    struct node *n = ARENA_NEW(c->arena, struct node);
    if (!n)
        return NULL;
    n->e = e;
    n->n_args = e->n_args;
    n->boundary = is_boundary(e, parent);
    n->args = ARENA_ARRAY(c->arena, struct node *, e->n_args);
    n->values = ARENA_ARRAY(c->arena, struct value, e->n_args);
    n->arg_types = ARENA_ARRAY(c->arena, const struct type *, e->n_args);
    if (!n->args || !n->values || !n->arg_types)
        return NULL;
    for (uint32_t i = 0; i < e->n_args; i++) {
        if (!(n->args[i] = compile_node(c, e->args[i], e)))
            return NULL;
        n->arg_types[i] = e->args[i]->kind == EXPR_LAMBDA ? &TYPE_LAMBDA : e->args[i]->type;
    }
    if (!compile_kind(c, n))
        return NULL;
    n->kernel = choose_kernel(e);
    n->sure = is_sure(n);
    return n;
}

static uint32_t count_calls(const struct expr *e)
{
    uint32_t n = e->kind == EXPR_CALL;
    for (uint32_t i = 0; i < e->n_args; i++)
        n += count_calls(e->args[i]);
    return n;
}

enum status expr_compile(const struct expr *e, struct arena *a, struct expr_prog **out, struct diag *d)
{
    struct compiler c = {a, ARENA_NEW(a, struct expr_prog), count_calls(e)};
    *out = NULL;
    if (!c.prog || !(c.prog->calls = ARENA_ARRAY(a, struct node *, c.n_calls)))
        return diag_nomem(d);
    c.prog->root = compile_node(&c, e, NULL);
    for (struct node *n = c.prog->root; n; n = n->e->kind == EXPR_CAST ? n->args[0] : NULL)
        n->result = true;
    c.prog->vars = ARENA_ARRAY(a, struct value, c.prog->n_vars);
    if (!c.prog->root || !c.prog->vars) {
        expr_release(c.prog);
        return diag_nomem(d);
    }
    *out = c.prog;
    return STATUS_OK;
}

void expr_release(struct expr_prog *p)
{
    for (uint32_t i = 0; p && i < p->n_calls; i++) {
        const struct function_variant *v = p->calls[i]->e->call->variant;
        if (v->release)
            v->release(p->calls[i]->call);
    }
    if (p)
        p->n_calls = 0;
}

/* Runs the body of a lambda in the row that the call is in. */
static bool call_invoke(struct call *c, uint32_t index, const struct value *args, uint32_t n, struct value *result)
{
    struct eval *x = ((void **)c->invoke_data)[0];
    const struct node *lambda = ((const struct node *)((void **)c->invoke_data)[1])->args[index];
    for (uint32_t i = 0; i < n && i < lambda->e->n_params; i++)
        x->prog->vars[lambda->e->lambda_base + i] = args[i];
    if (row_eval(x, lambda->args[0], x->row, result))
        return true;
    return call_error(c, "%s", x->nomem ? "Out of memory" : x->error);
}
