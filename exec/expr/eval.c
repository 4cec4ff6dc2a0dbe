/* Column mode: walks the nodes, keeps account of failed rows, and runs lazy operators on ever smaller sets of rows. */
#include "exec/expr/expr_int.h"

#include <stdlib.h>

/* ---- vectors ----------------------------------------------------------------------------------------------------- */

/* Cells of the result live as long as its batch; those of DECIMALs always do, because values point at them. */
bool vec_init(struct eval *x, const struct node *n, bool nullable, struct vec *out)
{
    struct arena *a = n->result || n->e->type->kind == KIND_DECIMAL ? x->run->arena : x->run->scratch;
    *out = (struct vec){.constant = false};
    if (column_init(&out->column, n->e->type, x->n_physical, nullable, a))
        return true;
    x->nomem = true;
    return false;
}

struct value vec_get(const struct vec *v, uint32_t row)
{
    return v->constant ? v->value : column_get(&v->column, row);
}

bool vec_is_null(const struct vec *v, uint32_t row)
{
    return v->constant ? value_is_null(&v->value) : column_is_null(&v->column, row);
}

bool vec_spread(struct eval *x, const struct type *type, struct rows rows, struct vec *v)
{
    if (!v->constant)
        return true;
    struct value value = v->value;
    bool null = value_is_null(&value);
    *v = (struct vec){.constant = false};
    if (!column_init(&v->column, type, x->n_physical, null, x->run->arena)) {
        x->nomem = true;
        return false;
    }
    ROWS_LOOP(rows, row, { column_set(&v->column, row, &value); });
    return true;
}

/* ---- failures ------------------------------------------------------------------------------------------------------
 */

static size_t bitmap_bytes(const struct eval *x)
{
    return ((size_t)x->n_physical + 63) / 64 * sizeof(uint64_t);
}

bool eval_record(struct eval *x, uint32_t row, const char *message)
{
    if (!x->run->errors)
        return true;
    if (x->n_failures == x->cap_failures) {
        uint32_t cap = x->cap_failures ? x->cap_failures * 2 : 16;
        struct failure *more = arena_alloc(x->run->scratch, cap * sizeof *more);
        if (!more)
            return !(x->nomem = true);
        if (x->n_failures)
            memcpy(more, x->failures, x->n_failures * sizeof *more);
        x->failures = more;
        x->cap_failures = cap;
    }
    const char *copy = arena_dup(x->run->scratch, message, strlen(message) + 1);
    if (!copy)
        return !(x->nomem = true);
    x->failures[x->n_failures] = (struct failure){row, x->n_failures, copy};
    x->n_failures++;
    return true;
}

bool eval_fail(struct eval *x, uint32_t row, const char *message)
{
    if (!x->failed && !(x->failed = arena_zalloc(x->run->scratch, bitmap_bytes(x))))
        return !(x->nomem = true);
    x->failed[row >> 6] |= UINT64_C(1) << (row & 63);
    return eval_record(x, row, message);
}

static bool has_failed(const struct eval *x, uint32_t row)
{
    return x->failed && (x->failed[row >> 6] >> (row & 63) & 1);
}

bool rows_live(struct eval *x, struct rows *rows)
{
    if (!x->failed)
        return true;
    uint16_t *at = arena_alloc(x->run->scratch, (size_t)rows->n * sizeof *at);
    uint32_t n = 0;
    if (!at)
        return !(x->nomem = true);
    ROWS_EACH(*rows, i, row)
    {
        if (!has_failed(x, row))
            at[n++] = (uint16_t)row;
    }
    *rows = (struct rows){at, n};
    return true;
}

bool fail_nulls(struct eval *x, struct rows rows, const struct vec *v, const char *message)
{
    if (v->constant ? !value_is_null(&v->value) : !v->column.valid)
        return true;
    ROWS_EACH(rows, i, row)
    {
        if (vec_is_null(v, row) && !has_failed(x, row) && !eval_fail(x, row, message))
            return false;
    }
    return true;
}

void mask_nulls(uint8_t *bytes, struct rows rows, const struct vec *v)
{
    if (v->constant) {
        if (value_is_null(&v->value))
            ROWS_LOOP(rows, row, { bytes[row] = 0; });
        return;
    }
    const uint64_t *valid = v->column.valid;
    if (!valid)
        return;
    if (rows.at) {
        ROWS_LOOP(rows, row, { bytes[row] &= (uint8_t)(valid[row >> 6] >> (row & 63) & 1); });
        return;
    }
    for (uint32_t start = 0; start < rows.n; start += 64) {
        uint64_t word = valid[start >> 6];
        uint32_t count = rows.n - start < 64 ? rows.n - start : 64;
        if (word == UINT64_MAX)
            continue;
        for (uint32_t i = 0; i < count; i++)
            bytes[start + i] &= (uint8_t)(word >> i & 1);
    }
}

/* Makes the rows that failed null in a vector of results. Its bitmap may belong to another column. */
static bool null_failed(struct eval *x, const struct node *n, struct rows rows, struct vec *v)
{
    if (!x->failed)
        return true;
    if (!vec_spread(x, n->e->type, rows, v))
        return false;
    size_t bytes = bitmap_bytes(x);
    uint64_t *valid = arena_alloc(x->run->arena, bytes);
    if (!valid)
        return !(x->nomem = true);
    for (size_t w = 0; w < bytes / sizeof *valid; w++)
        valid[w] = (v->column.valid ? v->column.valid[w] : UINT64_MAX) & ~x->failed[w];
    v->column.valid = valid;
    return true;
}

/* ---- lazy operators
 * ---------------------------------------------------------------------------------------------------- */

static void copy_bytes(uint8_t *to, struct rows rows, const struct vec *from)
{
    if (from->constant)
        ROWS_LOOP(rows, row, { to[row] = from->value.boolean; });
    else if (!rows.at)
        memcpy(to, from->column.u8, rows.n);
    else
        ROWS_LOOP(rows, row, { to[row] = from->column.u8[row]; });
}

/* Combines a condition without nulls into `to`. */
static void combine_bytes(uint8_t *to, struct rows rows, const struct vec *v, bool is_and)
{
    const uint8_t *bytes = v->column.u8;
    if (!v->constant && is_and)
        ROWS_LOOP(rows, row, { to[row] &= bytes[row]; });
    else if (!v->constant)
        ROWS_LOOP(rows, row, { to[row] |= bytes[row]; });
    else if (v->value.boolean != is_and)
        ROWS_LOOP(rows, row, { to[row] = v->value.boolean; });
}

/* False: no memory. `out` never holds cells of rows that failed. */
static bool vec_eval(struct eval *x, const struct node *n, struct rows rows, struct vec *out);

/* All arguments are sure: no row needs to be left out. */
static bool logic_sure(struct eval *x, const struct node *n, struct rows rows, struct vec *out)
{
    struct vec v;
    if (!vec_eval(x, n->args[0], rows, &v) || !vec_init(x, n, false, out))
        return false;
    copy_bytes(out->column.u8, rows, &v);
    for (uint32_t i = 1; i < n->n_args; i++) {
        if (!vec_eval(x, n->args[i], rows, &v))
            return false;
        combine_bytes(out->column.u8, rows, &v, n->e->kind == EXPR_AND);
    }
    return true;
}

/* Splits rows by a condition without nulls. */
static bool split_rows(struct eval *x, struct rows rows, const struct vec *condition, struct rows *hit,
                       struct rows *miss)
{
    uint16_t *yes = arena_alloc(x->run->scratch, (size_t)rows.n * sizeof *yes);
    uint16_t *no = arena_alloc(x->run->scratch, (size_t)rows.n * sizeof *no);
    uint32_t n_yes = 0, n_no = 0;
    if (!yes || !no)
        return !(x->nomem = true);
    ROWS_EACH(rows, i, row)
    {
        bool b = condition->constant ? condition->value.boolean : condition->column.u8[row];
        yes[n_yes] = no[n_no] = (uint16_t)row;
        n_yes += b;
        n_no += !b;
    }
    *hit = (struct rows){yes, n_yes};
    *miss = (struct rows){no, n_no};
    return true;
}

/* Evaluates a condition: nulls and failures leave `rows`. */
static bool eval_condition(struct eval *x, const struct node *n, struct rows *rows, struct vec *out)
{
    return vec_eval(x, n, *rows, out) && rows_live(x, rows) &&
           (n->sure || (fail_nulls(x, *rows, out, "A condition is null") && rows_live(x, rows)));
}

static bool eval_logic(struct eval *x, const struct node *n, struct rows rows, struct vec *out)
{
    if (n->sure)
        return logic_sure(x, n, rows, out);
    if (!vec_init(x, n, false, out))
        return false;
    for (uint32_t i = 0; rows.n && i < n->n_args; i++) {
        struct vec v;
        struct rows hit, miss;
        if (!eval_condition(x, n->args[i], &rows, &v))
            return false;
        copy_bytes(out->column.u8, rows, &v);
        if (i + 1 < n->n_args && !split_rows(x, rows, &v, &hit, &miss))
            return false;
        if (i + 1 < n->n_args)
            rows = n->e->kind == EXPR_AND ? hit : miss;
    }
    return true;
}

/* Evaluates a branch for its rows, and puts the results into the column of the CASE. */
static bool eval_branch(struct eval *x, const struct node *n, struct rows rows, struct vec *out)
{
    struct vec branch;
    if (rows.n == 0)
        return true;
    if (!vec_eval(x, n, rows, &branch) || !rows_live(x, &rows))
        return false;
    ROWS_EACH(rows, i, row)
    {
        struct value v = vec_get(&branch, row);
        column_set(&out->column, row, &v);
    }
    return true;
}

static bool eval_case(struct eval *x, const struct node *n, struct rows rows, struct vec *out)
{
    uint32_t i = 0;
    if (!vec_init(x, n, true, out))
        return false;
    for (; i + 1 < n->n_args; i += 2) {
        struct vec condition;
        struct rows hit;
        if (rows.n == 0)
            return true;
        if (!eval_condition(x, n->args[i], &rows, &condition) || !split_rows(x, rows, &condition, &hit, &rows) ||
            !eval_branch(x, n->args[i + 1], hit, out))
            return false;
    }
    if (i < n->n_args)
        return eval_branch(x, n->args[i], rows, out);
    ROWS_LOOP(rows, row, { column_set_null(&out->column, row); });
    return true;
}

/* ---- strict operators
 * ---------------------------------------------------------------------------------------------------- */

static bool apply_rows(struct eval *x, const struct node *n, struct rows rows, const struct vec *args, struct vec *out)
{
    if (!vec_init(x, n, true, out))
        return false;
    ROWS_EACH(rows, i, row)
    {
        struct value v = VALUE_NULL;
        for (uint32_t arg = 0; arg < n->n_args; arg++)
            n->values[arg] = vec_get(&args[arg], row);
        x->row = row;
        if (row_apply(x, n, n->values, &v))
            column_set(&out->column, row, &v);
        else if (x->nomem || !eval_fail(x, row, x->error))
            return false;
    }
    return true;
}

static bool eval_strict(struct eval *x, const struct node *n, struct rows rows, struct vec *out)
{
    struct vec *args = ARENA_ARRAY(x->run->scratch, struct vec, n->n_args);
    if (!args)
        return !(x->nomem = true);
    for (uint32_t i = 0; i < n->n_args; i++) {
        if (n->args[i]->e->kind == EXPR_LAMBDA)
            args[i] = (struct vec){.constant = true, .value = VALUE_NULL};
        else if (!vec_eval(x, n->args[i], rows, &args[i]) || !rows_live(x, &rows))
            return false;
    }
    return n->kernel ? n->kernel(x, n, rows, args, out) : apply_rows(x, n, rows, args, out);
}

/* Row by row, arguments too: what is long would leave too many columns behind. */
static bool eval_rows(struct eval *x, const struct node *n, struct rows rows, struct vec *out)
{
    if (!vec_init(x, n, true, out))
        return false;
    ROWS_EACH(rows, i, row)
    {
        struct value v = VALUE_NULL;
        if (row_inner(x, n, row, &v))
            column_set(&out->column, row, &v);
        else if (x->nomem || !eval_fail(x, row, x->error))
            return false;
    }
    return true;
}

static bool eval_inner(struct eval *x, const struct node *n, struct rows rows, struct vec *out)
{
    switch (n->e->kind) {
    case EXPR_LITERAL:
        *out = (struct vec){.constant = true, .value = n->e->value};
        return true;
    case EXPR_COLUMN:
        *out = (struct vec){.column = x->in->columns[n->e->column]};
        return true;
    case EXPR_PSEUDO:
        return pseudo_vec(x, n, rows, out);
    case EXPR_AND:
    case EXPR_OR:
        return n->n_args > LONG_CHAIN ? eval_rows(x, n, rows, out) : eval_logic(x, n, rows, out);
    case EXPR_CHAIN:
        return eval_rows(x, n, rows, out);
    case EXPR_CASE:
        return eval_case(x, n, rows, out);
    default:
        return eval_strict(x, n, rows, out);
    }
}

static bool vec_eval(struct eval *x, const struct node *n, struct rows rows, struct vec *out)
{
    if (!n->boundary)
        return eval_inner(x, n, rows, out);
    uint64_t *outer = x->failed;
    x->failed = NULL;
    bool ok = eval_inner(x, n, rows, out) && null_failed(x, n, rows, out);
    x->failed = outer;
    return ok;
}

/* ---- entry
 * ------------------------------------------------------------------------------------------------------------------ */

static bool eval_begin(struct eval *x, struct expr_prog *p, const struct batch *in, const struct expr_run *run)
{
    *x = (struct eval){.prog = p, .run = run, .in = in, .n_physical = in ? in->n_rows : 1};
    return true;
}

static int failure_cmp(const void *a, const void *b)
{
    const struct failure *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* Reports the failures. */
static enum status eval_end(struct eval *x)
{
    if (x->nomem)
        return STATUS_NOMEM;
    if (x->n_failures > 1)
        qsort(x->failures, x->n_failures, sizeof *x->failures, failure_cmp);
    for (uint32_t i = 0; i < x->n_failures; i++)
        x->run->errors->report(x->run->errors->data, x->failures[i].row, x->failures[i].message);
    return STATUS_OK;
}

static struct rows live_rows(const struct batch *in)
{
    return (struct rows){in->selection, in->n_selected};
}

enum status expr_eval(struct expr_prog *p, const struct batch *in, struct column *out, const struct expr_run *run)
{
    struct eval x;
    struct vec v;
    struct rows rows = live_rows(in);
    const struct node *root = p->root;
    eval_begin(&x, p, in, run);
    if (vec_eval(&x, root, rows, &v) && null_failed(&x, root, rows, &v) && vec_spread(&x, root->e->type, rows, &v)) {
        *out = v.column;
        out->type = root->e->type;
        bool shared = root->e->kind == EXPR_COLUMN || root->e->kind == EXPR_PSEUDO;
        if (!shared && out->valid && !(out->valid = arena_dup(run->arena, out->valid, bitmap_bytes(&x))))
            x.nomem = true;
    } else {
        x.nomem = true;
    }
    return eval_end(&x);
}

/* For each byte of eight flags: the indexes of those that are set, in front. */
static uint16_t picks[256][8];

__attribute__((constructor)) static void fill_picks(void)
{
    for (unsigned mask = 0; mask < 256; mask++)
        for (uint16_t bit = 0, n = 0; bit < 8; bit++)
            if (mask >> bit & 1)
                picks[mask][n++] = bit;
}

/* Rows [0, n_rows) whose byte is 1. Eight at a time: eight indexes are written, as many of them count as flags are set.
 * There is room for that, because no more rows are picked than were looked at. */
static uint32_t pick_dense(const uint8_t *bytes, uint32_t n_rows, uint16_t *selection)
{
    uint32_t row = 0, count = 0;
    for (; row + 8 <= n_rows; row += 8) {
        uint64_t word;
        memcpy(&word, bytes + row, sizeof word);
        unsigned mask = (unsigned)(word * UINT64_C(0x0102040810204080) >> 56);
        for (int i = 0; i < 8; i++)
            selection[count + (uint32_t)i] = (uint16_t)(picks[mask][i] + row);
        count += (uint32_t)__builtin_popcount(mask);
    }
    for (; row < n_rows; row++) {
        selection[count] = (uint16_t)row;
        count += bytes[row];
    }
    return count;
}

enum status expr_filter(struct expr_prog *p, const struct batch *in, uint16_t *selection, uint32_t *n,
                        const struct expr_run *run)
{
    struct eval x;
    struct vec v;
    struct rows rows = live_rows(in);
    uint32_t count = 0;
    eval_begin(&x, p, in, run);
    *n = 0;
    if (!vec_eval(&x, p->root, rows, &v) || !null_failed(&x, p->root, rows, &v) ||
        !vec_spread(&x, &TYPE_BOOLEAN, rows, &v))
        return STATUS_NOMEM;
    const uint8_t *bytes = v.column.u8;
    if (!v.column.valid && !rows.at) {
        count = pick_dense(bytes, rows.n, selection);
    } else if (!v.column.valid) {
        ROWS_LOOP(rows, row, {
            selection[count] = (uint16_t)row;
            count += bytes[row];
        });
    } else {
        ROWS_LOOP(rows, row, {
            selection[count] = (uint16_t)row;
            count += !column_is_null(&v.column, row) && bytes[row];
        });
    }
    *n = count;
    return eval_end(&x);
}

enum status expr_eval_row(struct expr_prog *p, const struct batch *in, uint32_t row, struct value *out,
                          const struct expr_run *run)
{
    struct eval x;
    eval_begin(&x, p, in, run);
    if (!row_eval(&x, p->root, row, out)) {
        *out = VALUE_NULL;
        if (!x.nomem)
            eval_record(&x, row, x.error);
    }
    return eval_end(&x);
}
