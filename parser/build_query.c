/* The grammar's actions for queries. */
#include "parser/parser_int.h"

/* ---- select list, sources, joins -------------------------------------------------------------------------- */

void *build_item(struct builder *b, int kind, struct token t, struct ast_expr *e)
{
    struct ast_item *item = BUILD_NEW(b, struct ast_item);
    if (!item || (kind != TK_STAR && !e))
        return NULL;
    item->kind = kind == TK_STAR ? ITEM_STAR : kind == TK_DEREF ? ITEM_STRUCT_STAR : ITEM_EXPR;
    item->expr = e;
    item->span = e ? span_join(e->span, token_span(b, t)) : token_span(b, t);
    if (kind == TK_AS)
        item->alias = build_ident(b, t);
    return item;
}

void *build_item_source(struct builder *b, struct token source, struct token star)
{
    struct ast_item *item = BUILD_NEW(b, struct ast_item);
    if (!item)
        return NULL;
    item->kind = ITEM_SOURCE_STAR;
    item->source = build_ident(b, source);
    item->span = span_join(item->source.span, token_span(b, star));
    return item;
}

struct ast_source *build_source(struct builder *b, struct token name, struct token alias)
{
    struct ast_source *s = BUILD_NEW(b, struct ast_source);
    if (!s)
        return NULL;
    s->name = build_source_ident(b, name);
    s->alias = build_source_ident(b, alias);
    s->span = span_join(s->name.span, s->alias.span);
    return s;
}

static enum ast_join_type join_type(int kind)
{
    switch (kind) {
    case TK_LEFT:
        return JOIN_LEFT;
    case TK_RIGHT:
        return JOIN_RIGHT;
    case TK_FULL:
        return JOIN_FULL;
    default:
        return JOIN_INNER;
    }
}

struct list *build_join(struct builder *b, struct list *to, struct token type, struct ast_source *source,
                        struct list *within, struct ast_duration *grace, struct ast_expr *on)
{
    struct ast_join *j = BUILD_NEW(b, struct ast_join);
    if (!j || !source)
        return to;
    j->type = join_type(type.kind);
    j->source = *source;
    j->on = on;
    j->span = span_join(token_given(type) ? token_span(b, type) : source->span, on ? on->span : source->span);
    if (within && within->n == 2) {
        j->has_within = true;
        j->before = *(const struct ast_duration *)within->items[0];
        j->after = *(const struct ast_duration *)within->items[1];
    }
    if (grace)
        j->grace = *grace;
    if (!on)
        build_mistake(b, j->span,
                      "Invalid join criteria specified. KSQL only supports joining on column values. For example "
                      "`... left JOIN right on left.col = right.col ...`.");
    return build_list(b, to, j);
}

/* ---- windows ---------------------------------------------------------------------------------------------- */

static enum ast_unit unit_of(int kind)
{
    switch (kind) {
    case TK_DAY:
    case TK_DAYS:
        return UNIT_DAYS;
    case TK_HOUR:
    case TK_HOURS:
        return UNIT_HOURS;
    case TK_MINUTE:
    case TK_MINUTES:
        return UNIT_MINUTES;
    case TK_SECOND:
    case TK_SECONDS:
        return UNIT_SECONDS;
    default:
        return UNIT_MILLISECONDS;
    }
}

static int64_t to_ms(int64_t amount, enum ast_unit unit)
{
    static const int64_t ms[] = {
        [UNIT_MILLISECONDS] = 1,      [UNIT_SECONDS] = 1000,    [UNIT_MINUTES] = 60000,
        [UNIT_HOURS] = 3600 * 1000LL, [UNIT_DAYS] = 86400000LL,
    };
    int64_t product;
    if (__builtin_mul_overflow(amount, ms[unit], &product))
        return amount < 0 ? INT64_MIN : INT64_MAX;
    return product;
}

struct ast_duration *build_duration(struct builder *b, struct token amount, struct token unit)
{
    struct ast_duration *d = BUILD_NEW(b, struct ast_duration);
    if (!d)
        return NULL;
    d->span = span_join(token_span(b, amount), token_span(b, unit));
    d->amount = build_integer(b, amount, "WINDOW");
    d->unit = unit_of(unit.kind);
    d->ms = to_ms(d->amount, d->unit);
    return d;
}

struct ast_window *build_window_tail(struct builder *b, struct ast_duration *retention, struct ast_duration *grace,
                                     struct token last)
{
    struct ast_window *w = BUILD_NEW(b, struct ast_window);
    if (!w)
        return NULL;
    if (retention)
        w->retention = *retention;
    if (grace)
        w->grace = *grace;
    w->span = token_span(b, last);
    return w;
}

struct ast_window *build_window(struct builder *b, struct ast_window *w, struct token kind, struct ast_duration *size,
                                struct ast_duration *advance)
{
    (void)b;
    if (!w || !size)
        return NULL;
    w->kind = kind.kind == TK_TUMBLING ? WINDOW_TUMBLING : kind.kind == TK_HOPPING ? WINDOW_HOPPING : WINDOW_SESSION;
    w->size = *size;
    if (advance)
        w->advance = *advance;
    return w;
}

struct ast_window *build_window_place(struct builder *b, struct ast_window *w, struct token first, struct token name)
{
    if (!w)
        return NULL;
    w->span = span_join(token_span(b, first), w->span);
    w->name = build_ident(b, name);
    return w;
}

/* ---- the whole -------------------------------------------------------------------------------------------- */

struct ast_keys *build_keys(struct builder *b, struct token first, bool parenthesised, struct list *exprs)
{
    struct ast_keys *k = BUILD_NEW(b, struct ast_keys);
    if (!k)
        return NULL;
    k->span = token_span(b, first);
    k->parenthesised = parenthesised;
    if (exprs) {
        k->n = exprs->n;
        k->exprs = (const struct ast_expr *const *)exprs->items;
    }
    check_keys(b, first.kind == TK_GROUP ? "GROUP BY" : "PARTITION BY", k);
    return k;
}

struct ast_query *build_query(struct builder *b, struct token first, struct list *items, struct ast_source *from,
                              struct list *joins, struct ast_window *window)
{
    struct ast_query *q = BUILD_NEW(b, struct ast_query);
    if (!q || !items || !from)
        return NULL;
    q->span = token_span(b, first);
    q->items = build_array(b, items, sizeof *q->items, &q->n_items);
    q->from = *from;
    q->joins = build_array(b, joins, sizeof *q->joins, &q->n_joins);
    q->window = window;
    return q;
}

struct ast_query *build_query_clauses(struct builder *b, struct ast_query *q, struct ast_expr *where,
                                      struct ast_keys *group_by, struct ast_keys *partition_by, struct ast_expr *having)
{
    (void)b;
    if (!q)
        return NULL;
    q->where = where;
    q->having = having;
    if (group_by)
        q->group_by = *group_by;
    if (partition_by)
        q->partition_by = *partition_by;
    return q;
}

struct ast_query *build_query_end(struct builder *b, struct ast_query *q, int emit, struct token limit)
{
    if (!q)
        return NULL;
    q->emit = emit == TK_CHANGES ? EMIT_CHANGES : emit == TK_FINAL ? EMIT_FINAL : EMIT_NONE;
    if (token_given(limit)) {
        q->has_limit = true;
        q->limit = build_int(b, limit, "LIMIT");
        q->limit_span = token_span(b, limit);
    }
    return q;
}
