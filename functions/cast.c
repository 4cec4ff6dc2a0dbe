/* Casts of one value: which exist, which are implicit, and what they give. */
#include "functions/codec.h"
#include "functions/decimal_ops.h"
#include "functions/functions.h"
#include "functions/text.h"

#include <math.h>
#include <stdio.h>

#define BIT(kind) (1u << (kind))

/* ---- which exist --------------------------------------------------------------------------------------------------
 */

static bool kind_casts(enum type_kind from, enum type_kind to)
{
    static const unsigned targets[] = {
        [KIND_BOOLEAN] = BIT(KIND_STRING),
        [KIND_INT] = BIT(KIND_BIGINT) | BIT(KIND_DECIMAL) | BIT(KIND_DOUBLE) | BIT(KIND_STRING),
        [KIND_BIGINT] = BIT(KIND_INT) | BIT(KIND_DECIMAL) | BIT(KIND_DOUBLE) | BIT(KIND_STRING),
        [KIND_DECIMAL] = BIT(KIND_INT) | BIT(KIND_BIGINT) | BIT(KIND_DOUBLE) | BIT(KIND_STRING),
        [KIND_DOUBLE] = BIT(KIND_INT) | BIT(KIND_BIGINT) | BIT(KIND_DECIMAL) | BIT(KIND_STRING),
        [KIND_STRING] = BIT(KIND_BOOLEAN) | BIT(KIND_INT) | BIT(KIND_BIGINT) | BIT(KIND_DECIMAL) | BIT(KIND_DOUBLE) |
                        BIT(KIND_DATE) | BIT(KIND_TIME) | BIT(KIND_TIMESTAMP) | BIT(KIND_BYTES),
        [KIND_DATE] = BIT(KIND_TIMESTAMP) | BIT(KIND_STRING),
        [KIND_TIME] = BIT(KIND_STRING),
        [KIND_TIMESTAMP] = BIT(KIND_STRING) | BIT(KIND_TIME) | BIT(KIND_DATE),
        [KIND_ARRAY] = BIT(KIND_STRING),
        [KIND_MAP] = BIT(KIND_STRING),
        [KIND_STRUCT] = BIT(KIND_STRING),
        [KIND_UNIT] = 0,
    };
    return from == to || (targets[from] & BIT(to)) != 0;
}

static bool struct_casts(const struct type *from, const struct type *to)
{
    for (uint32_t i = 0; i < to->n_fields; i++) {
        int at = type_field(from, to->fields[i].name);
        if (at >= 0 && !cast_is_supported(from->fields[at].type, to->fields[i].type))
            return false;
    }
    return true;
}

bool cast_is_supported(const struct type *from, const struct type *to)
{
    if (from->kind == KIND_NULL)
        return true;
    if (to->kind == KIND_NULL || !kind_casts(from->kind, to->kind))
        return false;
    if (from->kind != to->kind)
        return true;
    switch (to->kind) {
    case KIND_ARRAY:
        return cast_is_supported(from->element, to->element);
    case KIND_MAP:
        return cast_is_supported(from->key, to->key) && cast_is_supported(from->element, to->element);
    case KIND_STRUCT:
        return struct_casts(from, to);
    default:
        return true;
    }
}

bool cast_is_implicit(const struct type *from, const struct type *to)
{
    if (type_is_numeric(from) && type_is_numeric(to))
        return from->kind < to->kind || type_eq(from, to);
    if (from->kind == KIND_STRING &&
        (to->kind == KIND_DATE || to->kind == KIND_TIME || to->kind == KIND_TIMESTAMP || to->kind == KIND_BYTES))
        return true;
    return type_eq(from, to);
}

/* ---- how
 * -------------------------------------------------------------------------------------------------------------- */

struct cast {
    struct arena *arena;
    char *error;
    size_t error_size;
};

static bool fail(struct cast *c, const char *format, ...) PRINTF_LIKE(2, 3);
static bool fail(struct cast *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->error, c->error_size, format, args);
    va_end(args);
    return false;
}

static bool out_of_memory(struct cast *c)
{
    return fail(c, "Out of memory");
}

static bool set_decimal(struct cast *c, int128 v, struct value *out)
{
    int128 *cell = arena_dup(c->arena, &v, sizeof v);
    *out = (struct value){.kind = KIND_DECIMAL, .decimal = cell};
    return cell || out_of_memory(c);
}

static int64_t double_to_i64(double d, int64_t min, int64_t max)
{
    if (isnan(d))
        return 0;
    return d <= (double)min ? min : d >= (double)max ? max : (int64_t)d;
}

static bool whole_from_text(struct cast *c, struct str text, int64_t min, int64_t max, int64_t *out)
{
    struct str trimmed = text_trim(text);
    if (parse_i64(trimmed, out) && *out >= min && *out <= max)
        return true;
    return fail(c, "For input string: \"" STR_FMT "\"", STR_ARG(trimmed));
}

/* INT and BIGINT. */
static bool cast_to_whole(struct cast *c, const struct value *v, const struct type *from, enum type_kind to,
                          struct value *out)
{
    bool is_int = to == KIND_INT;
    int64_t n = 0, min = is_int ? INT32_MIN : INT64_MIN, max = is_int ? INT32_MAX : INT64_MAX;
    switch (from->kind) {
    case KIND_INT:
        n = v->i32;
        break;
    case KIND_BIGINT:
        n = v->i64;
        break;
    case KIND_DOUBLE:
        n = double_to_i64(v->f64, min, max);
        break;
    case KIND_DECIMAL:
        n = decimal_to_i64(*v->decimal, from->scale);
        break;
    default:
        if (!whole_from_text(c, v->str, min, max, &n))
            return false;
    }
    *out = is_int ? (struct value){.kind = KIND_INT, .i32 = (int32_t)(uint32_t)(uint64_t)n}
                  : (struct value){.kind = KIND_BIGINT, .i64 = n};
    return true;
}

static bool cast_to_double(struct cast *c, const struct value *v, const struct type *from, struct value *out)
{
    double d = 0;
    switch (from->kind) {
    case KIND_INT:
        d = v->i32;
        break;
    case KIND_BIGINT:
        d = (double)v->i64;
        break;
    case KIND_DECIMAL:
        d = decimal_to_double(*v->decimal, from->scale);
        break;
    default:
        if (!parse_double(text_trim(v->str), &d))
            return fail(c, "For input string: \"" STR_FMT "\"", STR_ARG(v->str));
        if (!isfinite(d))
            return fail(c, "Invalid double value: " STR_FMT, STR_ARG(v->str));
    }
    *out = (struct value){.kind = KIND_DOUBLE, .f64 = d};
    return true;
}

static bool cast_to_decimal(struct cast *c, const struct value *v, const struct type *from, const struct type *to,
                            struct value *out)
{
    int128 n = 0;
    int scale = 0;
    switch (from->kind) {
    case KIND_INT:
        n = v->i32;
        break;
    case KIND_BIGINT:
        n = v->i64;
        break;
    case KIND_DECIMAL:
        n = *v->decimal;
        scale = from->scale;
        break;
    case KIND_DOUBLE:
        return decimal_from_double(v->f64, to, &n, c->error, c->error_size) && set_decimal(c, n, out);
    default:
        if (!parse_decimal(text_trim(v->str), &n, &scale))
            return fail(c, "Cannot cast '" STR_FMT "' to a decimal", STR_ARG(v->str));
    }
    return decimal_fit(n, scale, to, &n, c->error, c->error_size) && set_decimal(c, n, out);
}

static bool cast_to_string(struct cast *c, const struct value *v, const struct type *from, struct value *out)
{
    struct buf text;
    buf_init(&text, 0);
    value_print(&text, v, from);
    *out = (struct value){.kind = KIND_STRING, .str = text_take(c->arena, &text)};
    return out->str.p || out_of_memory(c);
}

/* A non-empty prefix of "true" or "yes" in any case. */
static bool text_is_true(struct str s)
{
    s = text_trim(s);
    return s.len > 0 && ((s.len <= 4 && str_eq_nocase(s, str_make("true", s.len))) ||
                         (s.len <= 3 && str_eq_nocase(s, str_make("yes", s.len))));
}

static bool cast_to_date(struct cast *c, const struct value *v, const struct type *from, struct value *out)
{
    struct diag d = DIAG_INIT;
    int64_t rest;
    out->kind = KIND_DATE;
    if (from->kind == KIND_TIMESTAMP)
        out->i32 = (int32_t)date_split_ms(v->i64, &rest);
    else if (parse_date(v->str, &out->i32, &d) != STATUS_OK)
        return fail(c, "%s", d.message);
    return true;
}

static bool cast_to_time(struct cast *c, const struct value *v, const struct type *from, struct value *out)
{
    struct diag d = DIAG_INIT;
    int64_t rest;
    out->kind = KIND_TIME;
    if (from->kind == KIND_TIMESTAMP) {
        date_split_ms(v->i64, &rest);
        out->i32 = (int32_t)rest;
    } else if (parse_time(v->str, &out->i32, &d) != STATUS_OK) {
        return fail(c, "%s", d.message);
    }
    return true;
}

static bool cast_to_timestamp(struct cast *c, const struct value *v, const struct type *from, struct value *out)
{
    struct diag d = DIAG_INIT;
    out->kind = KIND_TIMESTAMP;
    if (from->kind == KIND_DATE)
        out->i64 = v->i32 * MS_PER_DAY;
    else if (parse_timestamp(v->str, &out->i64, &d) != STATUS_OK)
        return fail(c, "%s", d.message);
    return true;
}

static bool cast_to_bytes(struct cast *c, const struct value *v, struct value *out)
{
    *out = (struct value){.kind = KIND_BYTES, .str = base64_decode(c->arena, v->str)};
    return out->str.p || fail(c, "Illegal base64 text: " STR_FMT, STR_ARG(v->str));
}

static bool cast_any(struct cast *c, const struct value *v, const struct type *from, const struct type *to,
                     struct value *out);

static bool cast_items(struct cast *c, const struct value *items, uint32_t n, const struct type *from,
                       const struct type *to, struct value **out)
{
    *out = ARENA_ARRAY(c->arena, struct value, n);
    if (!*out)
        return out_of_memory(c);
    for (uint32_t i = 0; i < n; i++)
        if (!cast_any(c, &items[i], from, to, &(*out)[i]))
            return false;
    return true;
}

static bool cast_fields(struct cast *c, const struct nested *in, const struct type *from, const struct type *to,
                        struct nested *out)
{
    out->n = to->n_fields;
    out->items = ARENA_ARRAY(c->arena, struct value, to->n_fields);
    if (!out->items)
        return out_of_memory(c);
    for (uint32_t i = 0; i < to->n_fields; i++) {
        int at = type_field(from, to->fields[i].name);
        if (at >= 0 && !cast_any(c, &in->items[at], from->fields[at].type, to->fields[i].type, &out->items[i]))
            return false;
    }
    return true;
}

static bool cast_nested(struct cast *c, const struct value *v, const struct type *from, const struct type *to,
                        struct value *out)
{
    const struct nested *in = v->nested;
    struct nested *made = ARENA_NEW(c->arena, struct nested);
    if (!made)
        return out_of_memory(c);
    *out = (struct value){.kind = to->kind, .nested = made};
    if (to->kind == KIND_STRUCT)
        return cast_fields(c, in, from, to, made);
    made->n = in->n;
    if (!cast_items(c, in->items, in->n, from->element, to->element, &made->items))
        return false;
    if (to->kind == KIND_ARRAY)
        return true;
    return cast_items(c, in->keys, in->n, from->key, to->key, &made->keys) &&
           (value_map_order_sized(c->arena, made->keys, made->items, &made->n, in->n) || out_of_memory(c));
}

static bool cast_any(struct cast *c, const struct value *v, const struct type *from, const struct type *to,
                     struct value *out)
{
    if (value_is_null(v) || type_eq(from, to)) {
        *out = *v;
        return true;
    }
    struct value made = VALUE_NULL;
    bool ok = false;
    switch (to->kind) {
    case KIND_BOOLEAN:
        made = (struct value){.kind = KIND_BOOLEAN, .boolean = text_is_true(v->str)};
        ok = true;
        break;
    case KIND_INT:
    case KIND_BIGINT:
        ok = cast_to_whole(c, v, from, to->kind, &made);
        break;
    case KIND_DOUBLE:
        ok = cast_to_double(c, v, from, &made);
        break;
    case KIND_DECIMAL:
        ok = cast_to_decimal(c, v, from, to, &made);
        break;
    case KIND_STRING:
        ok = cast_to_string(c, v, from, &made);
        break;
    case KIND_BYTES:
        ok = cast_to_bytes(c, v, &made);
        break;
    case KIND_DATE:
        ok = cast_to_date(c, v, from, &made);
        break;
    case KIND_TIME:
        ok = cast_to_time(c, v, from, &made);
        break;
    case KIND_TIMESTAMP:
        ok = cast_to_timestamp(c, v, from, &made);
        break;
    case KIND_ARRAY:
    case KIND_MAP:
    case KIND_STRUCT:
        ok = cast_nested(c, v, from, to, &made);
        break;
    default:
        fail(c, "Unsupported cast");
    }
    *out = ok ? made : VALUE_NULL;
    return ok;
}

bool cast_value(struct arena *a, const struct value *v, const struct type *from, const struct type *to,
                struct value *out, char *error, size_t error_size)
{
    struct cast c = {a, error, error_size};
    if (!cast_is_supported(from, to)) {
        *out = VALUE_NULL;
        return fail(&c, "Unsupported cast");
    }
    return cast_any(&c, v, from, to, out);
}
