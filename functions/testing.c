/* Scalar and table functions that only the conformance cases call: they stand in for the classes on the class path of
 * ksqlDB's tests. Registered on request. */
#include "functions/functions_int.h"
#include "functions/text.h"

static bool return_word(struct call *c, const char *word, struct value *result)
{
    return return_text(c, str_from(word), result);
}

/* ---- TEST_UDF: says which variant was chosen
 * ------------------------------------------------------------------------------ */

static bool int_string(struct call *c, const struct value *args, struct value *result)
{
    (void)args;
    return return_word(c, "doStuffIntString", result);
}

static bool long_string(struct call *c, const struct value *args, struct value *result)
{
    (void)args;
    return return_word(c, "doStuffLongString", result);
}

static bool long_long_string(struct call *c, const struct value *args, struct value *result)
{
    (void)args;
    return return_word(c, "doStuffLongLongString", result);
}

static bool long_varargs(struct call *c, const struct value *args, struct value *result)
{
    (void)args;
    return return_word(c, "doStuffLongVarargs", result);
}

static bool field_a(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    *result = args[0].nested->items[0];
    return true;
}

static bool return_struct(struct call *c, struct value field, struct value *result)
{
    struct nested *made = return_array(c, 1, result);
    if (!made)
        return false;
    made->items[0] = field;
    result->kind = KIND_STRUCT;
    return true;
}

static bool struct_foo(struct call *c, const struct value *args, struct value *result)
{
    (void)args;
    return return_struct(c, value_text(STR("foo")), result);
}

static bool to_struct(struct call *c, const struct value *args, struct value *result)
{
    return return_struct(c, args[0], result);
}

/* ---- BAD_UDF, WHENCONDITION, WHENRESULT
 * ------------------------------------------------------------------------------------ */

static bool boom(struct call *c, const struct value *args, struct value *result)
{
    (void)args, (void)result;
    return call_error(c, "boom!");
}

static bool might_throw(struct call *c, const struct value *args, struct value *result)
{
    *result = value_int(0);
    return !args[0].boolean || call_error(c, "You asked me to throw...");
}

static bool prepare_counter(struct call *c, const struct value *const *args)
{
    (void)args;
    c->state = ARENA_NEW(c->state_arena, uint64_t);
    return c->state != NULL;
}

static bool every_other(struct call *c, const struct value *args, struct value *result)
{
    *result = (*(uint64_t *)c->state)++ % 2 == 0 ? VALUE_NULL : args[0];
    return true;
}

static bool when(struct call *c, const struct value *args, struct value *result)
{
    *result = args[0];
    return (!value_is_null(&args[1]) && args[1].boolean) ||
           call_error(c, "When condition in case is not running lazily!");
}

/* ---- table functions
 * ------------------------------------------------------------------------------------------------------------ */

/* A text of each argument, or of the first item of each. */
static bool print_args(struct call *c, const struct value *args, struct value *result)
{
    struct nested *list = return_array(c, c->n_args, result);
    for (uint32_t i = 0; list && i < c->n_args; i++) {
        const struct type *t = c->arg_types[i];
        const struct value *v = &args[i];
        struct buf out;
        if (t->kind == KIND_ARRAY || t->kind == KIND_MAP) {
            if (v->nested->n == 0)
                return call_error(c, "Empty collection");
            v = &v->nested->items[0];
            t = t->element;
        }
        buf_init(&out, 0);
        value_print_element(&out, v, t);
        if (!return_buf(c, &out, &list->items[i]))
            return false;
    }
    return list != NULL;
}

static bool single(struct call *c, const struct value *args, struct value *result)
{
    struct nested *list = return_array(c, 1, result);
    return list && cast_value(c->arena, &args[0], c->arg_types[0], c->result_type->element, &list->items[0], c->error,
                              sizeof c->error);
}

static bool throwing(struct call *c, const struct value *args, struct value *result)
{
    return args[0].boolean ? call_error(c, "You asked me to throw...") : single(c, args, result);
}

#define TESTING(upper, lower) .name = (upper), .declared_name = (lower), .category = "TEST", .description = "For tests"
#define PARAMS(x)                                                                                                      \
    "(" x(INT) ", " x(BIGINT) ", " x(DOUBLE) ", " x(BOOLEAN) ", " x(STRING) ", " x(DECIMAL) ", " x(                    \
        STRUCT<A STRING>) ") -> ARRAY<STRING>"
#define PLAIN(type) #type
#define LIST(type) "ARRAY<" #type ">"
#define MAPPED(type) "MAP<STRING, " #type ">"

static const struct function table[] = {
    {TESTING("TEST_UDF", "test_udf"),
     VARIANTS(CALL("(INT, STRING) -> STRING", int_string), CALL("(BIGINT, STRING) -> STRING", long_string),
              CALL("(BIGINT, BIGINT, STRING) -> STRING", long_long_string), CALL("(BIGINT...) -> STRING", long_varargs),
              CALL_NOT_NULL("(STRUCT<A STRING>) -> STRING", field_a), CALL("() -> STRUCT<A STRING>", struct_foo))},
    {TESTING("TOSTRUCT", "tostruct"), VARIANTS(CALL("(STRING) -> STRUCT<A STRING>", to_struct))},
    {TESTING("BAD_UDF", "bad_udf"),
     VARIANTS(
         CALL("(INT) -> INT", boom), CALL_NOT_NULL("(BOOLEAN) -> INT", might_throw),
         {.signature = "(STRING) -> STRING", .fn = every_other, .nondeterministic = true, .prepare = prepare_counter})},
    {TESTING("WHENCONDITION", "whencondition"), VARIANTS(CALL("(BOOLEAN, BOOLEAN) -> BOOLEAN", when))},
    {TESTING("WHENRESULT", "whenresult"), VARIANTS(CALL("(INT, BOOLEAN) -> INT", when))},
    {TESTING("TEST_UDTF", "test_udtf"), .kind = FUNCTION_TABLE,
     VARIANTS(CALL_NOT_NULL(PARAMS(PLAIN), print_args), CALL_NOT_NULL(PARAMS(LIST), print_args),
              CALL_NOT_NULL(PARAMS(MAPPED), print_args), CALL_NOT_NULL("(INT) -> ARRAY<INT>", single),
              CALL_NOT_NULL("(BIGINT) -> ARRAY<BIGINT>", single), CALL_NOT_NULL("(DOUBLE) -> ARRAY<DOUBLE>", single),
              CALL_NOT_NULL("(BOOLEAN) -> ARRAY<BOOLEAN>", single), CALL_NOT_NULL("(STRING) -> ARRAY<STRING>", single),
              CALL_NOT_NULL("(DECIMAL) -> ARRAY<DECIMAL(30, 10)>", single),
              CALL_NOT_NULL("(STRUCT<A STRING>) -> ARRAY<STRUCT<A STRING>>", single))},
    {TESTING("THROWING_UDTF", "throwing_udtf"), .kind = FUNCTION_TABLE,
     VARIANTS(CALL_NOT_NULL("(BOOLEAN) -> ARRAY<BOOLEAN>", throwing))},
};

const struct function_family functions_testing = FAMILY(table);
