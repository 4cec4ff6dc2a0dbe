/* Table functions: EXPLODE and CUBE_EXPLODE. They give an array, of which each element becomes a row. */
#include "functions/functions_int.h"
#include "functions/text.h"

enum { CUBE_LIMIT = 20 };

static bool explode(struct call *c, const struct value *args, struct value *result)
{
    (void)c;
    *result = args[0];
    return true;
}

/* Every combination of the columns and nulls, counting in binary with the last column lowest. A column that is null
 * itself does not double the rows. */
static bool cube_explode(struct call *c, const struct value *args, struct value *result)
{
    const struct nested *columns = args[0].nested;
    uint32_t bits[CUBE_LIMIT], n_bits = 0;
    if (columns->n > CUBE_LIMIT)
        return call_error(c, "CUBE_EXPLODE takes at most %d columns", CUBE_LIMIT);
    for (uint32_t i = columns->n; i > 0; i--)
        if (!value_is_null(&columns->items[i - 1]))
            bits[n_bits++] = i - 1;
    struct nested *rows = return_array(c, (size_t)1 << n_bits, result);
    for (uint32_t row = 0; rows && row < rows->n; row++) {
        struct nested *picked = return_array(c, columns->n, &rows->items[row]);
        if (!picked)
            return false;
        for (uint32_t bit = 0; bit < n_bits; bit++)
            if (row >> bit & 1)
                picked->items[bits[bit]] = columns->items[bits[bit]];
    }
    return rows != NULL;
}

static const struct type *same_type(struct arena *a, const struct type *const *args, uint32_t n, struct diag *d)
{
    (void)a, (void)n, (void)d;
    return args[0];
}

#define TABLE(upper, lower, text)                                                                                      \
    .name = (upper), .declared_name = (lower), .kind = FUNCTION_TABLE, .category = "TABLE", .description = (text)

static const struct function table[] = {
    {TABLE("CUBE_EXPLODE", "cube_explode", "A row for each combination of columns and nulls"),
     VARIANTS(CALL_NOT_NULL("(ARRAY<T> columns) -> ARRAY<ARRAY<T>>", cube_explode))},
    {TABLE("EXPLODE", "explode", "A row for each element of an array"),
     VARIANTS(CALL_NOT_NULL("(ARRAY<T> list) -> ARRAY<T>", explode),
              {.signature = "(ARRAY<DECIMAL> list) -> ARRAY<DECIMAL> *",
               .fn = explode,
               .null_in_null_out = true,
               .result_type = same_type})},
};

const struct function_family functions_table = FAMILY(table);
