/* Builders of bound expressions and of batches for the tests of exec/expr. */
#include "expr_build.h"

#include <stdio.h>

static void on_error(void *data, uint32_t row, const char *message)
{
    struct expr_test *t = data;
    size_t used = strlen(t->errors);
    snprintf(t->errors + used, sizeof t->errors - used, "%u:%s;", row, message);
}

void expr_setup(struct expr_test *t)
{
    struct diag d = DIAG_INIT;
    *t = (struct expr_test){.sink = {on_error, t}};
    arena_init(&t->arena, 0);
    arena_init(&t->scratch, 0);
    REQUIRE(functions_init(true, &d) == STATUS_OK);
}

void expr_teardown(struct expr_test *t)
{
    if (t->in)
        batch_drop(t->in);
    arena_free(&t->arena);
    arena_free(&t->scratch);
}

static struct expr *make(struct expr_test *t, enum expr_kind kind, const struct type *type)
{
    struct expr *e = ARENA_NEW(&t->arena, struct expr);
    REQUIRE(e != NULL);
    e->kind = kind;
    e->type = type;
    return e;
}

static struct expr *make_args(struct expr_test *t, enum expr_kind kind, const struct type *type, uint32_t n,
                              va_list args)
{
    struct expr *e = make(t, kind, type);
    const struct expr **list = ARENA_ARRAY(&t->arena, const struct expr *, n);
    REQUIRE(list != NULL);
    for (uint32_t i = 0; i < n; i++)
        list[i] = va_arg(args, const struct expr *);
    e->args = list;
    e->n_args = n;
    return e;
}

struct expr *expr_node(struct expr_test *t, enum expr_kind kind, int op, const struct type *type, uint32_t n, ...)
{
    va_list args;
    va_start(args, n);
    struct expr *e = make_args(t, kind, type, n, args);
    va_end(args);
    e->op = (uint8_t)op;
    return e;
}

struct expr *expr_null(struct expr_test *t, const struct type *type)
{
    return make(t, EXPR_LITERAL, type);
}

struct expr *expr_int(struct expr_test *t, int32_t v)
{
    struct expr *e = make(t, EXPR_LITERAL, &TYPE_INT);
    e->value = (struct value){.kind = KIND_INT, .i32 = v};
    return e;
}

struct expr *expr_bigint(struct expr_test *t, int64_t v)
{
    struct expr *e = make(t, EXPR_LITERAL, &TYPE_BIGINT);
    e->value = (struct value){.kind = KIND_BIGINT, .i64 = v};
    return e;
}

struct expr *expr_double(struct expr_test *t, double v)
{
    struct expr *e = make(t, EXPR_LITERAL, &TYPE_DOUBLE);
    e->value = (struct value){.kind = KIND_DOUBLE, .f64 = v};
    return e;
}

struct expr *expr_bool(struct expr_test *t, bool v)
{
    struct expr *e = make(t, EXPR_LITERAL, &TYPE_BOOLEAN);
    e->value = (struct value){.kind = KIND_BOOLEAN, .boolean = v};
    return e;
}

struct expr *expr_text(struct expr_test *t, const char *v)
{
    struct expr *e = make(t, EXPR_LITERAL, &TYPE_STRING);
    e->value = (struct value){.kind = KIND_STRING, .str = str_dup(&t->arena, str_from(v))};
    return e;
}

struct expr *expr_decimal(struct expr_test *t, const struct type *type, int64_t unscaled)
{
    struct expr *e = make(t, EXPR_LITERAL, type);
    int128 v = unscaled;
    e->value = (struct value){.kind = KIND_DECIMAL, .decimal = arena_dup(&t->arena, &v, sizeof v)};
    return e;
}

struct expr *expr_column(struct expr_test *t, uint32_t column)
{
    struct expr *e = make(t, EXPR_COLUMN, t->in->columns[column].type);
    e->column = column;
    return e;
}

struct expr *expr_lambda(struct expr_test *t, uint32_t base, uint32_t n_params, const struct expr *body)
{
    struct expr *e = expr_node(t, EXPR_LAMBDA, 0, body->type, 1, body);
    e->lambda_base = base;
    e->n_params = n_params;
    return e;
}

struct expr *expr_var(struct expr_test *t, uint32_t number, const struct type *type)
{
    struct expr *e = make(t, EXPR_LAMBDA_VAR, type);
    e->column = number;
    return e;
}

static const struct type *lambda_type(void *data, uint32_t index, const struct type *const *params, uint32_t n,
                                      struct diag *d)
{
    (void)params, (void)n, (void)d;
    return ((const struct expr *const *)data)[index]->type;
}

struct expr *expr_call(struct expr_test *t, const char *name, uint32_t n, ...)
{
    struct diag d = DIAG_INIT;
    struct arg_info infos[16];
    va_list args;
    va_start(args, n);
    struct expr *e = make_args(t, EXPR_CALL, NULL, n, args);
    va_end(args);
    for (uint32_t i = 0; i < n; i++) {
        bool lambda = e->args[i]->kind == EXPR_LAMBDA;
        infos[i] = (struct arg_info){lambda ? &TYPE_LAMBDA : e->args[i]->type, e->args[i]->n_params};
    }
    struct resolved_call *call = ARENA_NEW(&t->arena, struct resolved_call);
    const struct function *f = function_find(str_from(name));
    if (!f)
        fprintf(stderr, "no function %s\n", name);
    REQUIRE(f != NULL);
    enum status st = function_resolve(&t->arena, f, infos, n, lambda_type, (void *)(uintptr_t)e->args, call, &d);
    if (st != STATUS_OK)
        fprintf(stderr, "%s\n", d.message);
    REQUIRE(st == STATUS_OK);
    const struct expr **cast = (const struct expr **)(uintptr_t)e->args;
    for (uint32_t i = 0; i < n; i++)
        if (cast[i]->kind != EXPR_LAMBDA && !type_eq(cast[i]->type, call->param_types[i]) &&
            cast[i]->type->kind != KIND_NULL)
            cast[i] = expr_node(t, EXPR_CAST, 0, call->param_types[i], 1, cast[i]);
    e->call = call;
    e->type = call->result;
    return e;
}

const char *expr_shown(struct expr_test *t, const struct expr *e)
{
    static char text[4096];
    struct expr_prog *p = NULL;
    struct column c;
    struct buf out;
    struct expr_run run = {&t->in->arena, &t->scratch, 1700000000000, &t->sink};
    t->errors[0] = '\0';
    buf_init(&out, 0);
    REQUIRE(expr_compile(e, &t->arena, &p, NULL) == STATUS_OK);
    REQUIRE(expr_eval(p, t->in, &c, &run) == STATUS_OK);
    BATCH_EACH (t->in, i, row) {
        struct value v = column_get(&c, row);
        if (i)
            buf_putc(&out, '|');
        value_print(&out, &v, e->type);
    }
    snprintf(text, sizeof text, "%s", buf_z(&out));
    buf_free(&out);
    expr_release(p);
    arena_clear(&t->scratch);
    return text;
}
