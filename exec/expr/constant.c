/* The value of an expression without columns: what INSERT VALUES needs. */
#include "exec/expr/expr_int.h"

#include <stdio.h>

struct first_error {
    char *text;
    size_t size;
};

static void keep_first(void *data, uint32_t row, const char *message)
{
    struct first_error *first = data;
    (void)row;
    if (first->size && !first->text[0])
        snprintf(first->text, first->size, "%s", message);
}

bool expr_constant(const struct expr *e, struct arena *a, int64_t now_ms, struct value *out, char *error,
                   size_t error_size)
{
    struct expr_prog *p;
    struct arena scratch;
    struct first_error first = {error, error_size};
    const struct expr_errors errors = {keep_first, &first};
    const struct expr_run run = {.arena = a, .scratch = &scratch, .now_ms = now_ms, .errors = &errors};
    if (error_size)
        error[0] = '\0';
    if (expr_compile(e, a, &p, NULL) != STATUS_OK)
        return false;
    arena_init(&scratch, 0);
    bool ok = expr_eval_row(p, NULL, 0, out, &run) == STATUS_OK && !error[0];
    /* What is in the result must outlive the scratch memory and the program's buffers. */
    struct value copy;
    ok = ok && value_copy(a, &copy, out);
    if (ok)
        *out = copy;
    arena_free(&scratch);
    expr_release(p);
    return ok;
}
