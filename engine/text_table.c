/* Tables of texts: the answers of SHOW and DESCRIBE. */
#include "engine/engine_int.h"

void text_table_init(struct text_table *t, size_t n_columns)
{
    *t = (struct text_table){.n_columns = n_columns};
    arena_init(&t->arena, 0);
}

void text_table_free(struct text_table *t)
{
    mem_free(t->cells);
    arena_free(&t->arena);
}

void text_table_put(struct text_table *t, struct str s)
{
    if (t->n_cells == t->cap_cells) {
        size_t cap = t->cap_cells ? t->cap_cells * 2 : 64;
        const char **cells = mem_realloc(t->cells, cap * sizeof *cells);
        t->failed |= !cells;
        if (!cells)
            return;
        t->cells = cells;
        t->cap_cells = cap;
    }
    const char *copy = str_dup(&t->arena, s).p;
    t->failed |= !copy;
    t->cells[t->n_cells++] = copy;
}

void text_table_put_z(struct text_table *t, const char *z)
{
    text_table_put(t, str_from(z ? z : ""));
}

void text_table_put_number(struct text_table *t, int64_t v)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)v);
    text_table_put_z(t, text);
}

void text_table_put_type(struct text_table *t, const struct type *type)
{
    struct buf b;
    buf_init(&b, 0);
    type_print(&b, type);
    t->failed |= b.failed;
    text_table_put(t, buf_str(&b));
    buf_free(&b);
}

enum status text_table_send(struct text_table *t, const struct engine_sink *sink, const char *title,
                            const char *const *columns, struct diag *d)
{
    enum status st = STATUS_OK;
    if (t->failed)
        st = diag_nomem(d);
    else if (sink && sink->table)
        st = sink->table(sink->data, title, columns, t->n_columns, t->cells, t->n_cells / t->n_columns);
    text_table_free(t);
    return st == STATUS_OK ? st : diag_set(d, st, "cannot write the answer");
}
