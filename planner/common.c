/* Small things that every pass uses: memory, errors, properties, names. */
#include "planner/planner_int.h"

void *planner_alloc(struct planner *p, size_t size)
{
    void *memory = arena_zalloc(p->a, size ? size : 1);
    if (!memory)
        (void)diag_nomem(p->d);
    return memory;
}

enum status plan_nomem(struct planner *p)
{
    return diag_nomem(p->d);
}

enum status plan_error(struct planner *p, struct span where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum status st = diag_vset(p->d, STATUS_STATEMENT, where, format, args);
    va_end(args);
    return st;
}

enum status plan_invalid(struct planner *p, struct span where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum status st = diag_vset(p->d, STATUS_INVALID, where, format, args);
    va_end(args);
    return st;
}

enum status plan_error_placed(struct planner *p, struct span where, const char *format, ...)
{
    char place[48];
    snprintf(place, sizeof place, "Line: %u, Col: %u: ", where.line, where.column);
    va_list args;
    va_start(args, format);
    enum status st = diag_vset(p->d, STATUS_STATEMENT, where, format, args);
    va_end(args);
    diag_prefix(p->d, place);
    return st;
}

enum status plan_unsupported(struct planner *p, struct span where, const char *what)
{
    return diag_set_at(p->d, STATUS_UNSUPPORTED, where, "not supported yet: %s", what);
}

struct str planner_take(struct planner *p, struct buf *b)
{
    struct str text = {NULL, 0};
    if (!b->failed)
        text = str_dup(p->a, buf_str(b));
    buf_free(b);
    if (!text.p)
        (void)diag_nomem(p->d);
    return text;
}

bool planner_property(const struct planner *p, const char *name, struct str *value)
{
    return p->context->property && p->context->property(p->context->data, name, value);
}

bool planner_flag(const struct planner *p, const char *name, bool otherwise)
{
    struct str value;
    if (!planner_property(p, name, &value))
        return otherwise;
    return str_eq_nocase(value, STR("true"));
}

static const struct type *find_custom_type(void *data, struct str name)
{
    const struct custom_type *t = catalog_type(data, name);
    return t ? t->type : NULL;
}

const struct type *planner_type(struct planner *p, const struct ast_type *t)
{
    const struct type *type = NULL;
    void *catalog = (void *)(uintptr_t)p->catalog;
    if (parser_type(p->a, t, find_custom_type, catalog, &type, p->d) != STATUS_OK)
        return NULL;
    type = type_copy(p->a, type); /* a custom type may go before the plan does */
    if (!type)
        (void)plan_nomem(p);
    return type;
}

bool is_window_bound(struct str name)
{
    return str_eq_nocase(name, STR("WINDOWSTART")) || str_eq_nocase(name, STR("WINDOWEND"));
}

bool is_pseudo_name(struct str name)
{
    return str_eq_nocase(name, STR("ROWTIME")) || str_eq_nocase(name, STR("ROWPARTITION")) ||
           str_eq_nocase(name, STR("ROWOFFSET")) || is_window_bound(name);
}

void print_list(struct buf *out, const struct str *items, uint32_t n, const char *last)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            buf_puts(out, i + 1 == n ? str_from(last) : STR(", "));
        buf_puts(out, items[i]);
    }
}

struct str type_text(struct planner *p, const struct type *t)
{
    struct buf b;
    buf_init(&b, 0);
    type_print(&b, t);
    return planner_take(p, &b);
}
