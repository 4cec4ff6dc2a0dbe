/* Calls of functions, written as text. */
#include "call_text.h"
#include "functions/codec.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_ARGS = 16 };

static struct arena arena;
static char shown[8192];

struct args {
    uint32_t n;
    struct value values[MAX_ARGS];
    const struct type *types[MAX_ARGS];
};

static const char *p; /* the rest of the text */

static void skip(void)
{
    while (*p == ' ')
        p++;
}

static bool accept(const char *token)
{
    skip();
    size_t len = strlen(token);
    if (strncmp(p, token, len) != 0)
        return false;
    p += len;
    return true;
}

static const struct type *type_named(void)
{
    static const struct {
        const char *name;
        const struct type *type;
    } names[] = {
        {"BOOLEAN", &TYPE_BOOLEAN}, {"INT", &TYPE_INT},     {"BIGINT", &TYPE_BIGINT}, {"DOUBLE", &TYPE_DOUBLE},
        {"STRING", &TYPE_STRING},   {"BYTES", &TYPE_BYTES}, {"DATE", &TYPE_DATE},     {"TIMESTAMP", &TYPE_TIMESTAMP},
        {"TIME", &TYPE_TIME}};
    if (accept("ARRAY<")) {
        const struct type *t = type_array(&arena, type_named());
        REQUIRE(accept(">"));
        return t;
    }
    if (accept("MAP<STRING,")) {
        const struct type *t = type_map(&arena, &TYPE_STRING, type_named());
        REQUIRE(accept(">"));
        return t;
    }
    if (accept("DECIMAL(")) {
        unsigned precision = (unsigned)strtoul(p, (char **)&p, 10);
        REQUIRE(accept(","));
        unsigned scale = (unsigned)strtoul(p, (char **)&p, 10);
        REQUIRE(accept(")"));
        return type_decimal(&arena, precision, scale);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (accept(names[i].name))
            return names[i].type;
    fprintf(stderr, "no type: %s\n", p);
    REQUIRE(false);
    return NULL;
}

static struct str quoted(void)
{
    char *text = arena_alloc(&arena, strlen(p) + 1);
    uint32_t n = 0;
    REQUIRE(accept("'"));
    while (*p && (*p != '\'' || p[1] == '\'')) {
        p += *p == '\'';
        text[n++] = *p++;
    }
    REQUIRE(*p == '\'');
    p++;
    return str_make(text, n);
}

static void argument(struct value *v, const struct type **t);

static void number(struct value *v, const struct type **t)
{
    const char *from = p;
    p += *p == '-' || *p == '+';
    while (isdigit((unsigned char)*p) || *p == '.' || ((*p == 'e' || *p == 'E')) ||
           ((*p == '-' || *p == '+') && (p[-1] | 32) == 'e'))
        p++;
    struct str text = str_make(from, (size_t)(p - from));
    if (memchr(from, 'e', text.len) || memchr(from, 'E', text.len)) {
        *v = (struct value){.kind = KIND_DOUBLE};
        REQUIRE(parse_double(text, &v->f64));
        *t = &TYPE_DOUBLE;
    } else if (memchr(from, '.', text.len)) {
        int128 n;
        int scale;
        REQUIRE(parse_decimal(text, &n, &scale));
        int digits = decimal_digits(n);
        *t = type_decimal(&arena, (unsigned)(digits > scale ? digits : scale + 1), (unsigned)scale);
        *v = (struct value){.kind = KIND_DECIMAL, .decimal = arena_dup(&arena, &n, sizeof n)};
    } else {
        int64_t n;
        REQUIRE(parse_i64(text, &n));
        bool big = accept("L");
        *t = big ? &TYPE_BIGINT : &TYPE_INT;
        *v = big ? (struct value){.kind = KIND_BIGINT, .i64 = n} : (struct value){.kind = KIND_INT, .i32 = (int32_t)n};
    }
}

static void list(struct value *v, const struct type **t)
{
    struct value items[64];
    const struct type *element = &TYPE_NULL, *found;
    uint32_t n = 0;
    while (!accept("]")) {
        accept(",");
        argument(&items[n++], &found);
        if (found->kind != KIND_NULL)
            element = found;
    }
    if (accept(":"))
        element = type_named();
    struct nested *made = ARENA_NEW(&arena, struct nested);
    *made = (struct nested){.n = n, .items = arena_dup(&arena, items, n * sizeof *items)};
    *v = (struct value){.kind = KIND_ARRAY, .nested = made};
    *t = type_array(&arena, element);
}

static void map(struct value *v, const struct type **t)
{
    struct value keys[64], items[64];
    const struct type *element = &TYPE_NULL, *found, *key = &TYPE_STRING;
    uint32_t n = 0;
    while (!accept("}")) {
        accept(",");
        argument(&keys[n], &key);
        REQUIRE(accept(":"));
        argument(&items[n++], &found);
        if (found->kind != KIND_NULL)
            element = found;
    }
    if (accept(":"))
        element = type_named();
    struct nested *made = ARENA_NEW(&arena, struct nested);
    *made = (struct nested){.n = n,
                            .items = arena_dup(&arena, items, n * sizeof *items),
                            .keys = arena_dup(&arena, keys, n * sizeof *keys)};
    REQUIRE(value_map_order(&arena, made->keys, made->items, &made->n));
    *v = (struct value){.kind = KIND_MAP, .nested = made};
    *t = type_map(&arena, key, element);
}

static void structure(struct value *v, const struct type **t)
{
    struct field *fields = ARENA_ARRAY(&arena, struct field, 16);
    struct nested *made = ARENA_NEW(&arena, struct nested);
    made->items = ARENA_ARRAY(&arena, struct value, 16);
    while (!accept(")")) {
        accept(",");
        skip();
        const char *from = p;
        while (*p != ':')
            p++;
        fields[made->n].name = str_make(from, (size_t)(p - from));
        p++;
        argument(&made->items[made->n], &fields[made->n].type);
        made->n++;
    }
    *v = (struct value){.kind = KIND_STRUCT, .nested = made};
    *t = type_struct(&arena, fields, made->n);
}

static void from_text(struct value *v, const struct type **t, const struct type *type)
{
    char error[256] = "";
    struct value text = {.kind = KIND_STRING, .str = quoted()};
    *t = type;
    bool ok = cast_value(&arena, &text, &TYPE_STRING, type, v, error, sizeof error);
    if (!ok)
        fprintf(stderr, "%s\n", error);
    REQUIRE(ok);
}

static void argument(struct value *v, const struct type **t)
{
    static const char *const units[] = {"DAYS", "HOURS", "MINUTES", "SECONDS", "MILLISECONDS", "MONTHS"};
    skip();
    *v = (struct value){.kind = KIND_NULL};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (accept(units[i])) {
            *v = (struct value){.kind = KIND_UNIT, .str = str_from(units[i])};
            *t = &TYPE_UNIT;
            return;
        }
    }
    if (accept("null")) {
        *t = accept(":") ? type_named() : &TYPE_NULL;
    } else if (accept("true") || accept("false")) {
        *v = (struct value){.kind = KIND_BOOLEAN, .boolean = p[-2] == 'u'};
        *t = &TYPE_BOOLEAN;
    } else if (accept("NaN") || accept("Infinity") || accept("-Infinity")) {
        *v = (struct value){.kind = KIND_DOUBLE,
                            .f64 = p[-1] == 'N'   ? __builtin_nan("")
                                   : p[-9] == '-' ? -__builtin_inf()
                                                  : __builtin_inf()};
        *t = &TYPE_DOUBLE;
    } else if (*p == '\'') {
        *v = (struct value){.kind = KIND_STRING, .str = quoted()};
        *t = &TYPE_STRING;
    } else if (accept("x'")) {
        p--;
        *v = (struct value){.kind = KIND_BYTES, .str = hex_decode(&arena, quoted())};
        *t = &TYPE_BYTES;
    } else if (accept("DATE")) {
        from_text(v, t, &TYPE_DATE);
    } else if (accept("TIMESTAMP")) {
        from_text(v, t, &TYPE_TIMESTAMP);
    } else if (accept("TIME")) {
        from_text(v, t, &TYPE_TIME);
    } else if (accept("struct(")) {
        structure(v, t);
    } else if (accept("[")) {
        list(v, t);
    } else if (accept("{")) {
        map(v, t);
    } else {
        number(v, t);
    }
}

/* Arguments up to what ends them. */
static void arguments(struct args *out, const char *end)
{
    out->n = 0;
    while (skip(), *p && !strchr(end, *p)) {
        accept(",");
        REQUIRE(out->n < MAX_ARGS);
        argument(&out->values[out->n], &out->types[out->n]);
        out->n++;
    }
}

static void begin(const char *text)
{
    struct diag d = DIAG_INIT;
    arena_free(&arena);
    REQUIRE(functions_init(true, &d) == STATUS_OK);
    p = text;
}

static const struct function *function_at(void)
{
    const char *from = p;
    while (*p && *p != '(')
        p++;
    const struct function *f = function_find(str_make(from, (size_t)(p - from)));
    if (!f)
        fprintf(stderr, "no function: %s\n", from);
    REQUIRE(f != NULL);
    return f;
}

static enum status resolve(const struct function *f, const struct args *args, struct resolved_call *out, struct diag *d)
{
    struct arg_info infos[MAX_ARGS];
    for (uint32_t i = 0; i < args->n; i++)
        infos[i] = (struct arg_info){args->types[i], 0};
    return function_resolve(&arena, f, infos, args->n, NULL, NULL, out, d);
}

static void show(const struct value *v, const struct type *t)
{
    struct buf out;
    buf_init(&out, 0);
    value_print(&out, v, t);
    size_t used = strlen(shown);
    snprintf(shown + used, sizeof shown - used, "%s", buf_z(&out));
    buf_free(&out);
}

static bool cast_args(struct args *args, const struct resolved_call *call, char *error, size_t size)
{
    for (uint32_t i = 0; i < args->n; i++) {
        if (args->types[i]->kind != KIND_NULL &&
            !cast_value(&arena, &args->values[i], args->types[i], call->param_types[i], &args->values[i], error, size))
            return false;
        args->types[i] = call->param_types[i];
    }
    return true;
}

const char *call_type(const char *text)
{
    struct diag d = DIAG_INIT;
    struct args args;
    struct resolved_call call;
    struct buf out;
    begin(text);
    const struct function *f = function_at();
    REQUIRE(accept("("));
    arguments(&args, ")");
    if (resolve(f, &args, &call, &d) != STATUS_OK) {
        snprintf(shown, sizeof shown, "! %s", d.message);
        return shown;
    }
    buf_init(&out, 0);
    type_print(&out, call.result);
    snprintf(shown, sizeof shown, "%s", buf_z(&out));
    buf_free(&out);
    return shown;
}

const char *call_text(const char *text)
{
    struct diag d = DIAG_INIT;
    struct args args;
    struct resolved_call resolved;
    begin(text);
    const struct function *f = function_at();
    REQUIRE(accept("("));
    arguments(&args, ")");
    shown[0] = '\0';
    if (resolve(f, &args, &resolved, &d) != STATUS_OK) {
        snprintf(shown, sizeof shown, "! %s", d.message);
        return shown;
    }
    struct call call = {.arena = &arena,
                        .n_args = args.n,
                        .arg_types = args.types,
                        .result_type = resolved.result,
                        .state_arena = &arena,
                        .now_ms = INT64_C(1700000000000)};
    if (!cast_args(&args, &resolved, call.error, sizeof call.error)) {
        snprintf(shown, sizeof shown, "! %s", call.error);
        return shown;
    }
    const struct function_variant *v = resolved.variant;
    const struct value *literals[MAX_ARGS];
    struct value result = VALUE_NULL;
    for (uint32_t i = 0; i < args.n; i++)
        literals[i] = &args.values[i];
    if (v->prepare)
        REQUIRE(v->prepare(&call, literals));
    bool null = false;
    for (uint32_t i = 0; i < args.n; i++)
        null = null || (v->null_in_null_out && value_is_null(&args.values[i]));
    if (null || v->fn(&call, args.values, &result))
        show(&result, resolved.result);
    else
        snprintf(shown, sizeof shown, "! %s", call.error);
    if (v->release)
        v->release(&call);
    return shown;
}

const char *aggregate_text(const char *name, const char *literals, const char *rows)
{
    struct diag d = DIAG_INIT;
    struct args all, row;
    struct resolved_call resolved;
    begin(rows);
    while (accept("- ") || accept("+ "))
        ;
    arguments(&all, ";");
    uint32_t columns = all.n;
    p = literals;
    arguments(&row, "");
    for (uint32_t i = 0; i < row.n; i++) {
        all.values[columns + i] = row.values[i];
        all.types[columns + i] = row.types[i];
    }
    all.n += row.n;
    shown[0] = '\0';
    const struct function *f = function_find(str_from(name));
    REQUIRE(f != NULL);
    if (resolve(f, &all, &resolved, &d) != STATUS_OK) {
        snprintf(shown, sizeof shown, "! %s", d.message);
        return shown;
    }
    CHECK_INT(resolved.n_columns, columns);
    const struct aggregate *ops = resolved.variant->aggregate;
    const char *problem = ops->check ? ops->check(&all.values[columns], row.n) : NULL;
    if (problem) {
        snprintf(shown, sizeof shown, "! %s", problem);
        return shown;
    }
    struct aggregate_call c = {.ops = ops,
                               .n_args = columns,
                               .arg_types = resolved.param_types,
                               .literals = &all.values[columns],
                               .n_literals = row.n,
                               .result_type = resolved.result,
                               .arena = &arena};
    uint32_t size = ops->size(&c);
    CHECK(size % 8 == 0);
    if (size == 0)
        c.state_type = ops->state_type(&arena, &c);
    void *state = arena_zalloc(&arena, size ? size : sizeof(struct value));
    void *other = arena_zalloc(&arena, size ? size : sizeof(struct value));
    ops->init(&c, state);
    p = rows;
    do {
        bool undo = accept("- "), merges = accept("+ "), ok;
        arguments(&row, ";");
        c.seq++;
        if (merges) {
            ops->init(&c, other);
            ok = ops->step(&c, other, row.values) && ops->merge(&c, state, other);
        } else if (undo) {
            REQUIRE(ops->undo != NULL);
            ok = ops->undo(&c, state, row.values);
        } else {
            ok = ops->step(&c, state, row.values);
        }
        if (shown[0])
            strcat(shown, "|");
        struct value result;
        if (!ok || !ops->result(&c, state, &result)) {
            snprintf(shown + strlen(shown), sizeof shown - strlen(shown), "! %s", c.error);
            return shown;
        }
        show(&result, resolved.result);
    } while (accept(";"));
    return shown;
}
