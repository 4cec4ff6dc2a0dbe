/* MASK and its relatives: characters are replaced by their class. */
#include "functions/functions_int.h"
#include "functions/text.h"

#include <unicode/uchar.h>

struct masks { /* a code point for each class; -1: keep the character */
    int32_t upper, lower, digit, other;
};

static bool mask_char(struct call *c, const struct value *v, int32_t *out)
{
    uint32_t at = 0;
    *out = -1;
    if (value_is_null(v))
        return true;
    if (v->str.len == 0)
        return call_error(c, "A mask must not be empty");
    *out = (int32_t)text_next(v->str, &at);
    return true;
}

/* The four masks behind the first `from` arguments, or the usual ones. */
static bool read_masks(struct call *c, const struct value *args, uint32_t from, struct masks *m)
{
    *m = (struct masks){'X', 'x', 'n', '-'};
    return c->n_args == from || (mask_char(c, &args[from], &m->upper) && mask_char(c, &args[from + 1], &m->lower) &&
                                 mask_char(c, &args[from + 2], &m->digit) && mask_char(c, &args[from + 3], &m->other));
}

static int32_t mask_of(const struct masks *m, uint32_t c)
{
    switch (u_charType((UChar32)c)) {
    case U_UPPERCASE_LETTER:
        return m->upper;
    case U_LOWERCASE_LETTER:
        return m->lower;
    case U_DECIMAL_DIGIT_NUMBER:
        return m->digit;
    default:
        return m->other;
    }
}

/* Masks units [from, to). A pair counts as a character at its first half and again as its second half. */
static bool mask_range(struct call *c, struct str s, const struct masks *m, int64_t from, int64_t to,
                       struct value *result)
{
    struct units u;
    struct buf out;
    if (!units_from(c->arena, s, &u))
        return return_nomem(c);
    from = from < 0 ? 0 : from;
    to = to > u.n ? u.n : to;
    buf_init(&out, 0);
    for (int64_t i = 0; i < u.n; i++) {
        uint32_t code = u.p[i];
        bool masked = i >= from && i < to;
        bool pair = (code & 0xFC00) == 0xD800 && i + 1 < u.n && (u.p[i + 1] & 0xFC00) == 0xDC00;
        if (pair)
            code = ((code - 0xD7C0) << 10) + (u.p[i + 1] & 0x3FFu);
        int32_t mask = masked ? mask_of(m, code) : -1;
        text_put_code_point(&out, mask < 0 ? code : (uint32_t)mask);
        i += pair && !masked;
    }
    return return_buf(c, &out, result);
}

static bool mask(struct call *c, const struct value *args, struct value *result)
{
    struct masks m;
    *result = VALUE_NULL;
    return value_is_null(&args[0]) ||
           (read_masks(c, args, 1, &m) && mask_range(c, args[0].str, &m, 0, INT64_MAX, result));
}

/* With the count checked, and the text's length. */
static bool mask_counted(struct call *c, const struct value *args, struct masks *m, int64_t *len)
{
    if (value_is_null(&args[1]) || args[1].i32 < 0)
        return call_error(c, "function requires a non-negative number of characters to mask or skip");
    *len = text_utf16_len(args[0].str);
    return read_masks(c, args, 2, m);
}

#define COUNTED_MASK(name, from, to)                                                                                   \
    static bool name(struct call *c, const struct value *args, struct value *result)                                   \
    {                                                                                                                  \
        struct masks m;                                                                                                \
        int64_t len;                                                                                                   \
        *result = VALUE_NULL;                                                                                          \
        if (value_is_null(&args[0]))                                                                                   \
            return true;                                                                                               \
        if (!mask_counted(c, args, &m, &len))                                                                          \
            return false;                                                                                              \
        int64_t n = args[1].i32;                                                                                       \
        (void)len, (void)n;                                                                                            \
        return mask_range(c, args[0].str, &m, (from), (to), result);                                                   \
    }
COUNTED_MASK(mask_left, 0, n)
COUNTED_MASK(mask_right, len - n, len)
COUNTED_MASK(mask_keep_left, n, len)
COUNTED_MASK(mask_keep_right, 0, len - n)

#define MASK_NAMES "STRING upper, STRING lower, STRING digit, STRING other"
#define COUNTED(fn)                                                                                                    \
    VARIANTS(CALL("(STRING input, INT numChars) -> STRING", fn),                                                       \
             CALL("(STRING input, INT numChars, " MASK_NAMES ") -> STRING", fn))
#define MASKING(upper, lower, text)                                                                                    \
    .name = (upper), .declared_name = (lower), .category = "STRING", .description = (text)

static const struct function table[] = {
    {MASKING("MASK", "mask", "Replaces letters and digits by their class"),
     VARIANTS(CALL("(STRING input) -> STRING", mask), CALL("(STRING input, " MASK_NAMES ") -> STRING", mask))},
    {MASKING("MASK_LEFT", "mask_left", "Masks the first characters"), COUNTED(mask_left)},
    {MASKING("MASK_RIGHT", "mask_right", "Masks the last characters"), COUNTED(mask_right)},
    {MASKING("MASK_KEEP_LEFT", "mask_keep_left", "Masks all but the first characters"), COUNTED(mask_keep_left)},
    {MASKING("MASK_KEEP_RIGHT", "mask_keep_right", "Masks all but the last characters"), COUNTED(mask_keep_right)},
};

const struct function_family functions_mask = FAMILY(table);
