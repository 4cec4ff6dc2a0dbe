/* Schemas: looking columns up, comparing, and printing them as messages show them. */
#include "type.h"

int schema_find(const struct schema *s, struct str name)
{
    for (uint32_t i = 0; i < s->n_columns; i++)
        if (str_eq(s->columns[i].name, name))
            return (int)i;
    return -1;
}

void name_print_quoted(struct buf *out, struct str name)
{
    buf_putc(out, '`');
    for (uint32_t i = 0; i < name.len; i++) {
        if (name.p[i] == '`')
            buf_putc(out, '`');
        buf_putc(out, name.p[i]);
    }
    buf_putc(out, '`');
}

static void role_print(struct buf *out, const struct schema_column *c)
{
    switch (c->role) {
    case ROLE_KEY:
        buf_puts(out, STR(" KEY"));
        break;
    case ROLE_VALUE:
        break;
    case ROLE_HEADERS:
        buf_puts(out, STR(" HEADERS"));
        break;
    case ROLE_HEADER:
        buf_puts(out, STR(" HEADER('"));
        buf_puts(out, c->header);
        buf_puts(out, STR("')"));
        break;
    }
}

void schema_print(struct buf *out, const struct schema *s)
{
    for (uint32_t i = 0; i < s->n_columns; i++) {
        if (i)
            buf_puts(out, STR(", "));
        name_print_quoted(out, s->columns[i].name);
        buf_putc(out, ' ');
        type_print(out, s->columns[i].type);
        role_print(out, &s->columns[i]);
    }
}

bool schema_eq(const struct schema *x, const struct schema *y)
{
    if (x->n_columns != y->n_columns || x->n_keys != y->n_keys || x->window != y->window ||
        x->window_size != y->window_size)
        return false;
    for (uint32_t i = 0; i < x->n_columns; i++) {
        const struct schema_column *a = &x->columns[i], *b = &y->columns[i];
        if (a->role != b->role || !str_eq(a->name, b->name) || !type_eq(a->type, b->type) ||
            !str_eq(a->header, b->header))
            return false;
    }
    return true;
}
