/* Signatures and overload resolution: which variant is chosen, with which types, and the texts of refusals. */
#include "functions/functions_int.h"
#include "../unit.h"

#include <stdio.h>

static struct arena arena;
static struct diag diag;

static void setup(void)
{
    arena_init(&arena, 0);
    diag_clear(&diag);
    REQUIRE(functions_init(true, &diag) == STATUS_OK);
}

static const char *shown(const struct type *t)
{
    static char text[256];
    struct buf out;
    buf_init(&out, 0);
    type_print(&out, t);
    snprintf(text, sizeof text, "%s", buf_z(&out));
    buf_free(&out);
    return text;
}

static const struct type *lambda_type; /* what the typer answers */
static char lambda_params[256];

static const struct type *typer(void *data, uint32_t index, const struct type *const *params, uint32_t n,
                                struct diag *d)
{
    (void)data, (void)index, (void)d;
    struct buf out;
    buf_init(&out, 0);
    for (uint32_t i = 0; i < n; i++) {
        buf_puts(&out, i ? STR(",") : STR(""));
        type_print(&out, params[i]);
    }
    snprintf(lambda_params, sizeof lambda_params, "%s", buf_z(&out));
    buf_free(&out);
    return lambda_type;
}

static enum status resolve(const char *name, struct resolved_call *out, uint32_t n, const struct type *const *types)
{
    struct arg_info args[8];
    for (uint32_t i = 0; i < n; i++)
        args[i] = (struct arg_info){types[i], types[i]->kind == KIND_LAMBDA ? 1 : 0};
    const struct function *f = function_find(str_from(name));
    REQUIRE(f != NULL);
    return function_resolve(&arena, f, args, n, typer, NULL, out, &diag);
}

#define RESOLVE(name, out, ...)                                                                                        \
    resolve(name, out, sizeof((const struct type *[]){__VA_ARGS__}) / sizeof(const struct type *),                     \
            (const struct type *[]){__VA_ARGS__})

TEST(resolve, parses_signatures)
{
    struct signature s;
    setup();
    CHECK(signature_parse(&arena, "() -> DOUBLE", &s));
    CHECK_INT(s.n_params, 0);
    CHECK(signature_parse(&arena, "(T col; INT n, BOOLEAN ignoreNulls) -> ARRAY<T>", &s));
    CHECK_INT(s.n_params, 3);
    CHECK_INT(s.n_columns, 1);
    CHECK_INT(s.result.kind, SIG_ARRAY);
    CHECK(signature_parse(&arena, "(MAP<K,V> m, LAMBDA(K, V) => R f) -> MAP<R, V> *", &s));
    CHECK(s.computed);
    CHECK_INT(s.params[1].type.kind, SIG_LAMBDA);
    CHECK_INT(s.params[1].type.n, 2);
    CHECK(signature_parse(&arena, "(BIGINT, STRING... mid, INT) -> STRUCT<A DECIMAL(30, 10)>", &s));
    CHECK_INT(s.variadic, 1);
    CHECK_INT(s.result.items[0].precision, 30);
    const char *bad[] = {"",
                         "(",
                         "(INT",
                         "(INT) ->",
                         "(INT) -> FOO",
                         "(INT) -> INT x",
                         "(ARRAY<INT) -> INT",
                         "INT -> INT",
                         "(INT INT) -> INT INT",
                         "(INT a b) -> INT",
                         "(A<B>) -> C"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!signature_parse(&arena, bad[i], &s));
    arena_free(&arena);
}

TEST(resolve, exact_types_win)
{
    struct resolved_call c;
    setup();
    REQUIRE(RESOLVE("greatest", &c, &TYPE_INT, &TYPE_INT) == STATUS_OK);
    CHECK_TEXT(shown(c.result), "INTEGER");
    REQUIRE(RESOLVE("Greatest", &c, &TYPE_INT, &TYPE_DOUBLE, &TYPE_NULL) == STATUS_OK);
    CHECK_TEXT(shown(c.result), "DOUBLE");
    CHECK_TEXT(shown(c.param_types[0]), "DOUBLE");
    REQUIRE(RESOLVE("GREATEST", &c, type_decimal(&arena, 4, 2), type_decimal(&arena, 7, 1)) == STATUS_OK);
    CHECK_TEXT(shown(c.result), "DECIMAL(8, 2)");
    CHECK_TEXT(shown(c.param_types[0]), "DECIMAL(4, 2)");
    arena_free(&arena);
}

TEST(resolve, ties_are_errors)
{
    struct resolved_call c;
    setup();
    CHECK_INT(RESOLVE("greatest", &c, &TYPE_INT, &TYPE_BIGINT), STATUS_STATEMENT);
    CHECK(strstr(diag.message,
                 "Function 'greatest' cannot be resolved due to ambiguous method parameters (INTEGER, "
                 "BIGINT).\nUse CAST() to explicitly cast your parameters to one of the supported function "
                 "calls.\nValid function calls are:\ngreatest(INT, INT... vals)\n") == diag.message);
    diag_clear(&diag);
    CHECK_INT(RESOLVE("least", &c, &TYPE_NULL, &TYPE_NULL, &TYPE_NULL, &TYPE_NULL), STATUS_STATEMENT);
    CHECK(strstr(diag.message, "Function 'least' cannot be resolved due to ambiguous method parameters (null, null, "
                               "null, null).") == diag.message);
    arena_free(&arena);
}

TEST(resolve, generics_never_widen)
{
    struct resolved_call c;
    setup();
    CHECK_INT(RESOLVE("ifnull", &c, &TYPE_INT, &TYPE_BIGINT), STATUS_STATEMENT);
    CHECK_TEXT(diag.message,
               "Function 'IFNULL' does not accept parameters (INTEGER, BIGINT).\nValid alternatives are:\n"
               "IFNULL(T expression, T altValue)\nFor detailed information on a function run: DESCRIBE "
               "FUNCTION <Function-Name>;");
    diag_clear(&diag);
    REQUIRE(RESOLVE("coalesce", &c, &TYPE_NULL, type_array(&arena, &TYPE_INT)) == STATUS_OK);
    CHECK_TEXT(shown(c.result), "ARRAY<INTEGER>");
    CHECK_TEXT(shown(c.param_types[0]), "ARRAY<INTEGER>");
    CHECK_INT(RESOLVE("coalesce", &c, &TYPE_NULL, &TYPE_NULL), STATUS_STATEMENT);
    CHECK_TEXT(diag.message, "Could not resolve type for generic T. The generic mapping so far: {}");
    diag_clear(&diag);
    CHECK_INT(resolve("coalesce", &c, 0, NULL), STATUS_STATEMENT);
    CHECK(strstr(diag.message, "does not accept parameters ().") != NULL);
    arena_free(&arena);
}

TEST(resolve, names_are_found_in_any_case)
{
    setup();
    CHECK(function_find(STR("cOaLeScE")) == function_find(STR("COALESCE")));
    CHECK(function_find(STR("NO_SUCH")) == NULL);
    CHECK(function_find((struct str){NULL, 0}) == NULL);
    char huge[300];
    memset(huge, 'A', sizeof huge);
    CHECK(function_find(str_make(huge, sizeof huge)) == NULL);
    size_t n = 0;
    const struct function *const *all = functions_all(&n);
    for (size_t i = 1; i < n; i++)
        CHECK(strcmp(all[i - 1]->name, all[i]->name) < 0);
    arena_free(&arena);
}
