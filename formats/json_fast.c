/* The common case of JSON: a plain object, with plain objects for STRUCT columns in it, read in one pass.
 *
 * Records of a topic mostly have the same members in the same order. So what stands between two values (the comma, the
 * name, the colon, blanks) is kept as text from one record to the next, and compared as a whole: a hit tells the column
 * and passes the name without looking at it closer. A miss reads the member by the rules and keeps its text for the
 * next record.
 *
 * Columns that are not wanted are checked too, as far as a record could be bad for them. What is not plain (a name
 * twice, bad syntax, a value that cannot be converted) is left to the general way: returning false is always right
 * here. Measurements: README.md. */
#include "formats/json_digits.h"

enum action {
    ACTION_SKIP,   /* nobody wants it, and no value could be wrong */
    ACTION_NUMBER, /* nobody wants it; every number is right */
    ACTION_I32,
    ACTION_I64,
    ACTION_F64,
    ACTION_DECIMAL,
    ACTION_BOOLEAN,
    ACTION_STRING,
    ACTION_OBJECT,  /* a STRUCT that is not wanted as a whole: its fields one by one */
    ACTION_BUILD,   /* a STRUCT that is */
    ACTION_CONVERT, /* by the general rules */
};

struct field_plan {
    uint8_t action;
    uint32_t output;
    uint32_t stamp; /* of the object in which it was last met */
    const struct decode_node *node;
    struct json_fast *object; /* of STRUCTs */
};

enum { GLUE_MAX = 48, MORE_GLUES = 16, MAX_GLUES = 64 };

/* The text in front of the nth member's value. */
struct glue {
    char text[GLUE_MAX]; /* zeros behind its end */
    uint64_t tail_mask;  /* of the last, incomplete word */
    uint32_t len;        /* 0: not known */
    int32_t field;       /* -1: none has the name */
};

/* Of a STRUCT, or of the whole side. */
struct json_fast {
    const struct decode_node *node;
    struct field_plan *fields;
    uint32_t n_wanted; /* fields that must be set for every object */
    uint32_t stamp;    /* of the object at hand */
    uint32_t n_glues;
    struct glue *glues; /* the last one serves all members from there on */
};

static enum action choose_action(const struct decode_node *node)
{
    bool nested = type_is_nested(node->type), single = node->n_outputs == 1 && !nested;
    switch (node->type->kind) {
    case KIND_BOOLEAN:
        return single ? ACTION_BOOLEAN : ACTION_CONVERT;
    case KIND_INT:
    case KIND_DATE:
        return !node->wanted ? ACTION_NUMBER : single ? ACTION_I32 : ACTION_CONVERT;
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        return !node->wanted ? ACTION_NUMBER : single ? ACTION_I64 : ACTION_CONVERT;
    case KIND_DOUBLE:
        return !node->wanted ? ACTION_NUMBER : single ? ACTION_F64 : ACTION_CONVERT;
    case KIND_DECIMAL:
        return single ? ACTION_DECIMAL : ACTION_CONVERT;
    case KIND_STRING:
        return !node->wanted ? ACTION_SKIP : single ? ACTION_STRING : ACTION_CONVERT;
    case KIND_STRUCT:
        return node->n_outputs ? ACTION_BUILD : ACTION_OBJECT;
    default:
        return ACTION_CONVERT;
    }
}

struct json_fast *json_fast_create(const struct decode_node *node, struct arena *a)
{
    struct json_fast *f = ARENA_NEW(a, struct json_fast);
    if (!f)
        return NULL;
    uint32_t n = node->type->n_fields;
    f->node = node;
    f->n_glues = n + MORE_GLUES < MAX_GLUES ? n + MORE_GLUES : MAX_GLUES;
    f->glues = ARENA_ARRAY(a, struct glue, f->n_glues);
    f->fields = ARENA_ARRAY(a, struct field_plan, n);
    if (!f->fields || !f->glues)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        const struct decode_node *field = &node->fields[i];
        enum action action = choose_action(field);
        f->fields[i] = (struct field_plan){
            .action = (uint8_t)action, .output = field->n_outputs ? field->outputs[0] : 0, .node = field};
        f->n_wanted += field->wanted;
        if (field->type->kind != KIND_STRUCT)
            continue;
        f->fields[i].object = json_fast_create(field, a);
        if (!f->fields[i].object)
            return NULL;
    }
    return f;
}

/* ---- names -------------------------------------------------------------------------------------------- */

static inline bool glue_matches(const struct glue *g, const char *p, const char *end)
{
    uint32_t whole = g->len & ~7u;
    if (end - p < (ptrdiff_t)whole + 8)
        return (size_t)(end - p) >= g->len && memcmp(p, g->text, g->len) == 0;
    uint64_t different = (json_load(p + whole) ^ json_load(g->text + whole)) & g->tail_mask;
    for (uint32_t i = 0; i < whole; i += 8)
        different |= json_load(p + i) ^ json_load(g->text + i);
    return different == 0;
}

static void glue_learn(struct glue *g, const char *begin, const char *value, int field)
{
    size_t len = (size_t)(value - begin);
    g->len = 0;
    if (len >= GLUE_MAX) /* a whole word must be loadable behind the last whole one */
        return;
    memset(g->text, 0, sizeof g->text);
    memcpy(g->text, begin, len);
    uint64_t mask = 0;
    memset(&mask, 0xFF, len & 7);
    g->tail_mask = mask;
    g->len = (uint32_t)len;
    g->field = field;
}

/* Reads the text in front of a value by the rules; *p is moved to the value. -2: no plain member follows. */
static int read_glue(const struct json_fast *f, struct json_context *c, const char **p, bool first)
{
    struct str name;
    unsigned flags;
    const char *at = *p;
    if (first)
        at++; /* { */
    if (json_next_member(&c->reader, &at, first, &name, &flags) != JSON_NEXT)
        return -2;
    *p = at;
    struct json_match match;
    if (!json_find_field(f->node, name, flags, c->scratch, &match))
        return -2;
    if (match.exact >= 0 && match.upper >= 0 && match.exact != match.upper)
        return -2; /* the value goes to two fields */
    return match.exact >= 0 ? match.exact : match.upper;
}

/* ---- values: each returns the end, or NULL for what is not plain --------------------------------------- */

static inline bool is_word(const char *p, const char *end, const char *four)
{
    return end - p > 4 && memcmp(p, four, 4) == 0;
}

static inline const char *pass_string(struct json_context *c, const char *p)
{
    unsigned flags = 0;
    const char *stop = json_string_stop(p + 1, c->reader.end, &flags);
    if (__builtin_expect(stop < c->reader.end && *stop == '"' && !flags, 1))
        return stop + 1;
    return json_skip_string(&c->reader, p + 1, &flags);
}

static inline const char *pass_number(struct json_context *c, const char *p)
{
    bool negative;
    uint64_t mantissa;
    uint32_t n_fraction;
    struct json_number number;
    const char *end = json_read_digits(p, c->reader.end, &negative, &mantissa, &n_fraction);
    return end ? end : json_skip_number(&c->reader, p, &number);
}

static const char *pass_any(struct json_context *c, const char *p)
{
    if (*p == '"')
        return pass_string(c, p);
    if (json_is_digit(*p) || *p == '-')
        return pass_number(c, p);
    return json_skip(&c->reader, p);
}

static const char *read_string(struct json_context *c, const struct field_plan *plan, const char *p)
{
    struct str *cell = &c->run->out[plan->output].str[c->run->row];
    unsigned flags = 0;
    if (*p != '"')
        return NULL;
    const char *stop = json_string_stop(p + 1, c->reader.end, &flags);
    if (__builtin_expect(stop < c->reader.end && *stop == '"' && !flags, 1)) {
        *cell = str_make(p + 1, (size_t)(stop - p - 1));
        return stop + 1;
    }
    const char *end = json_skip_string(&c->reader, p + 1, &flags);
    if (!end)
        return NULL;
    *cell = str_make(p + 1, (size_t)(end - p - 2));
    if (flags & STRING_ESCAPES)
        *cell = json_unescape(c->run->a, *cell);
    return cell->p ? end : NULL;
}

static const char *read_double(struct json_context *c, const struct field_plan *plan, const char *p)
{
    static const double powers[] = {1e0, 1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,
                                    1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17};
    double *cell = &c->run->out[plan->output].f64[c->run->row];
    bool negative;
    uint64_t mantissa;
    uint32_t n_fraction;
    const char *end = json_read_digits(p, c->reader.end, &negative, &mantissa, &n_fraction);
    if (end && mantissa <= UINT64_C(1) << 53) { /* exact operands: the quotient is the nearest double */
        double d = (double)mantissa / powers[n_fraction];
        *cell = negative && mantissa ? -d : d;
        return end;
    }
    return NULL;
}

static const char *read_decimal(struct json_context *c, const struct field_plan *plan, const char *p)
{
    const struct type *t = plan->node->type;
    bool negative;
    uint64_t mantissa;
    uint32_t n_fraction;
    const char *end = json_read_digits(p, c->reader.end, &negative, &mantissa, &n_fraction);
    if (!end || n_fraction > t->scale)
        return NULL;
    int128 v;
    if (__builtin_mul_overflow((int128)mantissa, decimal_pow10(t->scale - n_fraction), &v) ||
        v >= decimal_pow10(t->precision))
        return NULL;
    if (plan->node->n_outputs)
        c->run->out[plan->output].i128[c->run->row] = negative ? -v : v;
    return end;
}

static const char *read_integer(struct json_context *c, const struct field_plan *plan, const char *p)
{
    bool negative;
    uint64_t mantissa;
    uint32_t n_fraction;
    const char *end = json_read_digits(p, c->reader.end, &negative, &mantissa, &n_fraction);
    if (!end || n_fraction || (plan->action == ACTION_I32 && mantissa > INT32_MAX))
        return NULL;
    int64_t v = negative ? -(int64_t)mantissa : (int64_t)mantissa;
    if (plan->action == ACTION_I32)
        c->run->out[plan->output].i32[c->run->row] = (int32_t)v;
    else
        c->run->out[plan->output].i64[c->run->row] = v;
    return end;
}

static const char *read_boolean(struct json_context *c, const struct field_plan *plan, const char *p)
{
    uint8_t *cell = &c->run->out[plan->output].u8[c->run->row];
    if (is_word(p, c->reader.end, "true")) {
        *cell = 1;
        return p + 4;
    }
    if (c->reader.end - p > 5 && memcmp(p, "false", 5) == 0) {
        *cell = 0;
        return p + 5;
    }
    return NULL;
}

/* By the general rules: null, text for numbers, numbers with exponents, nested values. Conversion takes checked text
 * for granted. The path would be of use for messages only, which are the general way's. */
static const char *convert(struct json_context *c, const struct field_plan *plan, const char *p)
{
    struct value v;
    const char *end = json_skip(&c->reader, p);
    return end && json_convert(c, plan->node, p, NULL, plan->node->n_outputs ? &v : NULL) ? end : NULL;
}

/* p at {. Fields go to their columns, or with `items` to these, which are null before. The end, or NULL. */
static const char *read_object(struct json_fast *f, struct json_context *c, const char *p, struct value *items);

static const char *build(struct json_context *c, const struct field_plan *plan, const char *p, struct value *out)
{
    uint32_t n = plan->node->type->n_fields;
    struct nested *nested = arena_alloc(c->run->a, sizeof *nested);
    struct value *items = arena_zalloc(c->run->a, n * sizeof *items);
    if (!nested || !items)
        return NULL;
    *nested = (struct nested){.n = n, .items = items};
    *out = (struct value){.kind = KIND_STRUCT, .nested = nested};
    return read_object(plan->object, c, p, items);
}

/* A field of a STRUCT that is built. */
static const char *read_item(struct json_context *c, const struct field_plan *plan, const char *p, struct value *out)
{
    const struct type *t = plan->node->type;
    const char *end = NULL;
    bool negative;
    uint64_t mantissa;
    uint32_t n_fraction;
    unsigned flags = 0;
    out->kind = (uint8_t)t->kind;
    if (t->kind == KIND_STRING && *p == '"') {
        end = json_string_stop(p + 1, c->reader.end, &flags);
        if (end < c->reader.end && *end == '"' && !flags) {
            out->str = str_make(p + 1, (size_t)(end - p - 1));
            return end + 1;
        }
    } else if (t->kind == KIND_STRUCT && *p == '{') {
        return build(c, plan, p, out);
    } else if (t->kind == KIND_INT || t->kind == KIND_BIGINT) {
        end = json_read_digits(p, c->reader.end, &negative, &mantissa, &n_fraction);
        if (end && !n_fraction && mantissa <= INT32_MAX) {
            if (t->kind == KIND_INT)
                out->i32 = negative ? -(int32_t)mantissa : (int32_t)mantissa;
            else
                out->i64 = negative ? -(int64_t)mantissa : (int64_t)mantissa;
            return end;
        }
    }
    end = json_skip(&c->reader, p);
    return end && json_convert(c, plan->node, p, NULL, out) ? end : NULL;
}

static inline const char *read_value(struct json_context *c, const struct field_plan *plan, const char *p)
{
    const char *end = NULL;
    struct value built;
    switch ((enum action)plan->action) {
    case ACTION_SKIP:
        return pass_any(c, p);
    case ACTION_NUMBER:
        if (json_is_digit(*p) || *p == '-')
            return pass_number(c, p);
        break;
    case ACTION_I32:
    case ACTION_I64:
        end = read_integer(c, plan, p);
        break;
    case ACTION_F64:
        end = read_double(c, plan, p);
        break;
    case ACTION_DECIMAL:
        end = read_decimal(c, plan, p);
        break;
    case ACTION_BOOLEAN:
        end = read_boolean(c, plan, p);
        break;
    case ACTION_STRING:
        end = read_string(c, plan, p);
        break;
    case ACTION_OBJECT:
        if (*p == '{')
            return read_object(plan->object, c, p, NULL);
        break;
    case ACTION_BUILD:
        if (*p != '{')
            break;
        end = build(c, plan, p, &built);
        if (end)
            decode_emit(c->run, plan->node, &built);
        return end;
    case ACTION_CONVERT:
        break;
    }
    return end ? end : convert(c, plan, p);
}

/* ---- objects ------------------------------------------------------------------------------------------ */

static void set_missing(struct json_fast *f, struct json_context *c)
{
    for (uint32_t i = 0; i < f->node->type->n_fields; i++)
        if (f->fields[i].stamp != f->stamp)
            decode_emit(c->run, f->fields[i].node, &VALUE_NULL);
}

static uint32_t next_stamp(struct json_fast *f)
{
    if (++f->stamp == 0) {
        for (uint32_t i = 0; i < f->node->type->n_fields; i++)
            f->fields[i].stamp = 0;
        f->stamp = 1;
    }
    return f->stamp;
}

static const char *read_object(struct json_fast *f, struct json_context *c, const char *p, struct value *items)
{
    const char *end = c->reader.end;
    uint32_t stamp = next_stamp(f), n_set = 0;
    c->reader.depth++;
    for (uint32_t k = 0;; k++) {
        int field;
        struct glue *g = &f->glues[k < f->n_glues ? k : f->n_glues - 1];
        if (__builtin_expect(g->len && glue_matches(g, p, end), 1)) {
            p += g->len;
            field = g->field;
        } else {
            const char *begin = p;
            field = read_glue(f, c, &p, k == 0);
            if (field == -2)
                return NULL;
            glue_learn(g, begin, p, field);
        }
        if (field < 0) {
            p = pass_any(c, p);
        } else {
            struct field_plan *plan = &f->fields[field];
            if (plan->stamp == stamp)
                return NULL; /* a name twice */
            plan->stamp = stamp;
            n_set += plan->node->wanted;
            p = items ? read_item(c, plan, p, &items[field]) : read_value(c, plan, p);
        }
        if (!p || p == end)
            return NULL;
        if (*p == '}')
            break;
        if (__builtin_expect(json_is_space(*p), 0)) {
            const char *next = json_space(p, end);
            if (*next == '}') {
                p = next;
                break;
            }
        }
    }
    if (n_set < f->n_wanted && !items)
        set_missing(f, c);
    c->reader.depth--;
    return p + 1;
}

bool json_fast_row(struct json_fast *f, struct json_context *c, struct str payload)
{
    const char *p = payload.p, *end = payload.p + payload.len;
    while (end > p && json_is_space(end[-1]))
        end--;
    if (end == p || end[-1] != '}') /* the last character stops all loops over digits, letters and blanks */
        return false;
    p = json_space(p, end);
    c->reader.end = end;
    return *p == '{' && read_object(f, c, p, NULL) != NULL;
}
