/* The common case of JSON: a plain object, read in one pass.
 *
 * Records of a topic mostly have the same members in the same order. So what stands between two values (the comma, the name, the
 * colon, blanks) is kept as text from one record to the next, and compared as a whole: a hit tells the column and passes the name
 * without looking at it closer. A miss reads the member by the rules and keeps its text for the next record.
 *
 * Columns that are not wanted are checked too, as far as a record could be bad for them. What is not plain (a name twice,
 * bad syntax, a value that cannot be converted) is left to the general way: returning false is always right here.
 * Measurements: README.md. */
#include "formats/json_int.h"

enum action {
    ACTION_SKIP,   /* nobody wants it, and no value could be wrong */
    ACTION_NUMBER, /* nobody wants it; every number is right */
    ACTION_I32,
    ACTION_I64,
    ACTION_F64,
    ACTION_DECIMAL,
    ACTION_BOOLEAN,
    ACTION_STRING,
    ACTION_CONVERT, /* by the general rules */
};

struct column_plan {
    uint8_t action;
    uint32_t output;
    uint32_t stamp; /* of the record in which it was last met */
    const struct decode_node *node;
};

enum { GLUE_MAX = 48, MAX_GLUES = 64 };

/* The text in front of the nth member's value. */
struct glue {
    char text[GLUE_MAX]; /* zeros behind its end */
    uint64_t tail_mask;  /* of the last, incomplete word */
    uint32_t len;        /* 0: not known */
    int32_t column;      /* -1: no column has the name */
};

struct json_fast {
    const struct decode_node *root;
    struct column_plan *columns;
    uint32_t n_wanted; /* columns that must be set in every row */
    uint32_t stamp;
    struct glue glues[MAX_GLUES];
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
    default:
        return ACTION_CONVERT;
    }
}

struct json_fast *json_fast_create(struct decoder *dec)
{
    struct json_fast *f = ARENA_NEW(&dec->arena, struct json_fast);
    if (!f)
        return NULL;
    f->root = &dec->root;
    f->columns = ARENA_ARRAY(&dec->arena, struct column_plan, dec->n_columns);
    if (!f->columns)
        return NULL;
    for (uint32_t i = 0; i < dec->n_columns; i++) {
        const struct decode_node *node = &dec->root.fields[i];
        f->columns[i] = (struct column_plan){.action = (uint8_t)choose_action(node),
                                             .output = node->n_outputs ? node->outputs[0] : 0,
                                             .node = node};
        f->n_wanted += node->wanted;
    }
    return f;
}

/* ---- names -------------------------------------------------------------------------------------------- */

static inline uint64_t load(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline bool glue_matches(const struct glue *g, const char *p, const char *end)
{
    uint32_t whole = g->len & ~7u;
    if (end - p < (ptrdiff_t)whole + 8)
        return (size_t)(end - p) >= g->len && memcmp(p, g->text, g->len) == 0;
    uint64_t different = (load(p + whole) ^ load(g->text + whole)) & g->tail_mask;
    for (uint32_t i = 0; i < whole; i += 8)
        different |= load(p + i) ^ load(g->text + i);
    return different == 0;
}

static void glue_learn(struct glue *g, const char *begin, const char *value, int column)
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
    g->column = column;
}

/* Reads the text in front of a value by the rules; *p is moved to the value. -2: no plain member follows. */
static int read_glue(const struct json_fast *f, struct json_context *c, const char **p, bool first)
{
    struct str name;
    unsigned flags;
    const char *at = *p;
    if (first) {
        at = json_space(at, c->reader.end);
        if (at == c->reader.end || *at != '{')
            return -2;
        at++;
    }
    if (json_next_member(&c->reader, &at, first, &name, &flags) != JSON_NEXT)
        return -2;
    *p = at;
    struct json_match match;
    if (!json_find_field(f->root, name, flags, c->scratch, &match))
        return -2;
    if (match.exact >= 0 && match.upper >= 0 && match.exact != match.upper)
        return -2; /* the value goes to two columns */
    return match.exact >= 0 ? match.exact : match.upper;
}

/* ---- values: each returns the end, or NULL for what is not plain --------------------------------------- */

/* The payload ends in }, which stops every loop over digits and letters. */
static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

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
    const char *digits = p + (*p == '-'), *end = digits;
    while (is_digit(*end))
        end++;
    if (__builtin_expect(*digits != '0' && end > digits && end - digits < 100 && *end != '.' && (*end | 32) != 'e', 1))
        return end;
    struct json_number number;
    return json_skip_number(&c->reader, p, &number);
}

/* Digits with an optional point among them, without exponent: the value without the point and the number of digits
 * behind it. For 18 digits at most. */
static inline const char *read_digits(const char *p, bool *negative, uint64_t *mantissa, uint32_t *n_fraction)
{
    *negative = *p == '-';
    p += *negative;
    const char *begin = p;
    uint64_t v = 0;
    for (; is_digit(*p); p++)
        v = v * 10 + (uint64_t)(*p - '0');
    ptrdiff_t n = p - begin;
    if (n == 0 || (*begin == '0' && n > 1))
        return NULL;
    *n_fraction = 0;
    if (*p == '.') {
        const char *fraction = ++p;
        for (; is_digit(*p); p++)
            v = v * 10 + (uint64_t)(*p - '0');
        *n_fraction = (uint32_t)(p - fraction);
        n += p - fraction;
        if (p == fraction)
            return NULL;
    }
    *mantissa = v;
    return n <= 18 && (*p | 32) != 'e' ? p : NULL;
}

static const char *pass_any(struct json_context *c, const char *p)
{
    if (*p == '"')
        return pass_string(c, p);
    if (is_digit(*p) || *p == '-')
        return pass_number(c, p);
    c->reader.depth = 1;
    return json_skip(&c->reader, p);
}

static const char *read_string(struct json_context *c, const struct column_plan *plan, const char *p)
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

static const char *read_double(struct json_context *c, const struct column_plan *plan, const char *p)
{
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17};
    double *cell = &c->run->out[plan->output].f64[c->run->row];
    bool negative;
    uint64_t mantissa;
    uint32_t n_fraction;
    const char *end = read_digits(p, &negative, &mantissa, &n_fraction);
    if (end && mantissa <= UINT64_C(1) << 53) { /* exact operands: the quotient is the nearest double */
        double d = (double)mantissa / powers[n_fraction];
        *cell = negative && mantissa ? -d : d;
        return end;
    }
    return NULL;
}

static const char *read_decimal(struct json_context *c, const struct column_plan *plan, const char *p)
{
    const struct type *t = plan->node->type;
    bool negative;
    uint64_t mantissa;
    uint32_t n_fraction;
    const char *end = read_digits(p, &negative, &mantissa, &n_fraction);
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

static const char *read_integer(struct json_context *c, const struct column_plan *plan, const char *p)
{
    bool negative;
    uint64_t mantissa;
    uint32_t n_fraction;
    const char *end = read_digits(p, &negative, &mantissa, &n_fraction);
    if (!end || n_fraction || (plan->action == ACTION_I32 && mantissa > INT32_MAX))
        return NULL;
    int64_t v = negative ? -(int64_t)mantissa : (int64_t)mantissa;
    if (plan->action == ACTION_I32)
        c->run->out[plan->output].i32[c->run->row] = (int32_t)v;
    else
        c->run->out[plan->output].i64[c->run->row] = v;
    return end;
}

static const char *read_boolean(struct json_context *c, const struct column_plan *plan, const char *p)
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

/* By the general rules: null, text for numbers, numbers with exponents, nested values. Conversion takes checked text for granted. */
static const char *convert(struct json_fast *f, struct json_context *c, const struct column_plan *plan, const char *p)
{
    c->reader.depth = 1;
    const char *end = json_skip(&c->reader, p);
    if (!end)
        return NULL;
    uint32_t index = (uint32_t)(plan - f->columns);
    struct json_path path = {.name = f->root->type->fields[index].name};
    struct value v;
    return json_convert(c, plan->node, p, &path, plan->node->n_outputs ? &v : NULL) ? end : NULL;
}

static inline const char *read_value(struct json_fast *f, struct json_context *c, const struct column_plan *plan,
                                     const char *p)
{
    const char *end = NULL;
    switch ((enum action)plan->action) {
    case ACTION_SKIP:
        return pass_any(c, p);
    case ACTION_NUMBER:
        if (is_digit(*p) || *p == '-')
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
    case ACTION_CONVERT:
        break;
    }
    return end ? end : convert(f, c, plan, p);
}

/* ---- records ------------------------------------------------------------------------------------------ */

static void set_missing(struct json_fast *f, struct json_context *c)
{
    for (uint32_t i = 0; i < f->root->type->n_fields; i++)
        if (f->columns[i].stamp != f->stamp)
            decode_emit(c->run, f->columns[i].node, &VALUE_NULL);
}

static uint32_t next_stamp(struct json_fast *f)
{
    if (++f->stamp == 0) {
        for (uint32_t i = 0; i < f->root->type->n_fields; i++)
            f->columns[i].stamp = 0;
        f->stamp = 1;
    }
    return f->stamp;
}

bool json_fast_row(struct json_fast *f, struct json_context *c, struct str payload)
{
    const char *p = payload.p, *end = payload.p + payload.len;
    while (end > p && json_is_space(end[-1]))
        end--;
    if (end - p < 2 || end[-1] != '}')
        return false;
    c->reader.end = end;
    uint32_t stamp = next_stamp(f), n_set = 0;
    for (uint32_t k = 0;; k++) {
        int column;
        struct glue *g = &f->glues[k < MAX_GLUES ? k : MAX_GLUES - 1];
        if (__builtin_expect(g->len && glue_matches(g, p, end), 1)) {
            p += g->len;
            column = g->column;
        } else {
            const char *begin = p;
            column = read_glue(f, c, &p, k == 0);
            if (column == -2)
                return false;
            glue_learn(g, begin, p, column);
        }
        if (column < 0) {
            p = pass_any(c, p);
        } else {
            struct column_plan *plan = &f->columns[column];
            if (plan->stamp == stamp)
                return false; /* a name twice */
            plan->stamp = stamp;
            n_set += plan->node->wanted;
            p = read_value(f, c, plan, p);
        }
        if (!p || p == end)
            return false;
        if (*p == '}')
            break;
        if (__builtin_expect(json_is_space(*p), 0)) {
            const char *next = json_space(p, end);
            if (next < end && *next == '}')
                break;
        }
    }
    if (n_set < f->n_wanted)
        set_missing(f, c);
    return true;
}
