/* The helpers of rows.h. */
#include "exec/rows.h"

/* ---- gathering ------------------------------------------------------------------------------------------ */

#define GATHER(type)                                                                                                   \
    do {                                                                                                               \
        type *to = out->data;                                                                                          \
        const type *from = in->data;                                                                                   \
        for (uint32_t i = 0; i < n; i++)                                                                               \
            to[i] = from[rows[i]];                                                                                     \
    } while (0)

/* out[i] = in[rows[i]], i < n; memory from `a`. Cells are shared, not copied deeply. */
static bool column_gather(struct column *out, const struct column *in, const uint16_t *rows, uint32_t n,
                          struct arena *a)
{
    if (!column_init(out, in->type, n, in->valid != NULL, a))
        return false;
    switch (type_cell_size(in->type->kind)) {
    case 1:
        GATHER(uint8_t);
        break;
    case 4:
        GATHER(uint32_t);
        break;
    case 8:
        GATHER(uint64_t);
        break;
    default:
        GATHER(int128); /* also struct str, which is as large */
    }
    _Static_assert(sizeof(struct str) == sizeof(int128), "texts are gathered as 16 bytes");
    for (uint32_t i = 0; in->valid && i < n; i++)
        if (column_is_null(in, rows[i]))
            column_set_null(out, i);
    return true;
}

/* NULL stays NULL; on failure *ok is cleared. */
static const void *gather_bytes(const void *from, size_t size, const uint16_t *rows, uint32_t n, struct arena *a,
                                bool *ok)
{
    if (!from)
        return NULL;
    char *to = arena_alloc(a, n * size);
    if (!to) {
        *ok = false;
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++)
        memcpy(to + i * size, (const char *)from + rows[i] * size, size);
    return to;
}

struct batch *batch_gather(struct batch *b, const uint16_t *rows, uint32_t n, uint32_t n_columns)
{
    struct batch *out = batch_create(n_columns);
    if (!out)
        return NULL;
    struct arena *a = &out->arena;
    bool ok = batch_own(out, batch_keep(b), batch_drop);
    out->n_rows = out->n_selected = n;
    for (uint32_t c = 0; ok && c < b->n_columns && c < n_columns; c++)
        ok = column_gather(&out->columns[c], &b->columns[c], rows, n, a);
    out->ts = gather_bytes(b->ts, sizeof *b->ts, rows, n, a, &ok);
    out->window_start = gather_bytes(b->window_start, sizeof *b->window_start, rows, n, a, &ok);
    out->window_end = gather_bytes(b->window_end, sizeof *b->window_end, rows, n, a, &ok);
    out->kinds = gather_bytes(b->kinds, 1, rows, n, a, &ok);
    out->null_value = gather_bytes(b->null_value, 1, rows, n, a, &ok);
    out->null_key = gather_bytes(b->null_key, 1, rows, n, a, &ok);
    out->partition = gather_bytes(b->partition, sizeof *b->partition, rows, n, a, &ok);
    out->offset = gather_bytes(b->offset, sizeof *b->offset, rows, n, a, &ok);
    out->headers = gather_bytes(b->headers, sizeof *b->headers, rows, n, a, &ok);
    if (ok)
        return out;
    batch_drop(out);
    return NULL;
}

struct batch *batch_select(struct batch *b, uint16_t *selection, uint32_t n)
{
    struct batch *out = batch_derive(b, b->n_columns);
    if (!out)
        return NULL;
    memcpy(out->columns, b->columns, b->n_columns * sizeof *b->columns);
    out->selection = selection;
    out->n_selected = n;
    out->before = b->before; /* b is kept, and with it what it holds */
    out->has_before = b->has_before;
    return out;
}

/* ---- building ------------------------------------------------------------------------------------------ */

static bool init_columns(struct batch *b, const struct schema *schema, uint32_t cap)
{
    for (uint32_t c = 0; c < schema->n_columns; c++)
        if (!column_init(&b->columns[c], schema->columns[c].type, cap, true, &b->arena))
            return false;
    return true;
}

static bool begin_before(struct row_builder *r)
{
    struct batch *before = batch_create(r->schema->n_columns);
    if (!before || !batch_own(r->b, before, batch_drop) || !init_columns(before, r->schema, r->cap))
        return false;
    r->b->before = before;
    r->has_before = arena_zalloc(&r->b->arena, r->cap);
    r->before_ts = arena_zalloc(&r->b->arena, r->cap * sizeof *r->before_ts);
    return r->has_before && r->before_ts;
}

bool rows_begin(struct row_builder *r, uint32_t expected)
{
    if (r->b)
        return true;
    r->cap = expected > BATCH_ROWS ? BATCH_ROWS : expected ? expected : 1;
    r->n = 0;
    r->any_headers = r->any_null_key = false;
    r->b = batch_create(r->schema->n_columns);
    if (!r->b || !init_columns(r->b, r->schema, r->cap))
        return false;
    struct arena *a = &r->b->arena;
    r->ts = arena_alloc(a, r->cap * sizeof *r->ts);
    r->headers = arena_zalloc(a, r->cap * sizeof *r->headers);
    if (r->windowed) {
        r->start = arena_alloc(a, r->cap * sizeof *r->start);
        r->end = arena_alloc(a, r->cap * sizeof *r->end);
    }
    if (r->null_keys)
        r->null_key = arena_zalloc(a, r->cap);
    if (r->is_table && (r->kinds = arena_alloc(a, r->cap)))
        memset(r->kinds, ROW_UPSERT, r->cap);
    if (r->op->emits_before && !begin_before(r))
        return false;
    return !a->failed;
}

struct batch *rows_take(struct row_builder *r)
{
    struct batch *b = r->b;
    if (!b)
        return NULL;
    b->n_rows = b->n_selected = r->n;
    b->ts = r->ts;
    b->window_start = r->windowed ? r->start : NULL;
    b->window_end = r->windowed ? r->end : NULL;
    b->kinds = r->is_table ? r->kinds : NULL;
    b->null_key = r->any_null_key ? r->null_key : NULL;
    b->headers = r->any_headers ? r->headers : NULL;
    if (b->before) {
        b->has_before = r->has_before;
        b->before->n_rows = b->before->n_selected = r->n;
        b->before->ts = r->before_ts;
        b->before->window_start = b->window_start;
        b->before->window_end = b->window_end;
    }
    r->b = NULL;
    return b;
}

enum status rows_emit(struct row_builder *r, struct diag *d)
{
    struct batch *b = rows_take(r);
    enum status st = b ? op_emit(r->op, b, d) : STATUS_OK;
    batch_drop(b);
    return st;
}

void rows_drop(struct row_builder *r)
{
    batch_drop(r->b);
    r->b = NULL;
}
