/* What the WHERE clause of a pull query asks of the table: rows of given keys, a range of keys, or all rows (a scan, which
 * `ksql.query.pull.table.scan.enabled` may forbid). The clause is taken apart into a disjunction of conjunctions, and every
 * disjunct is looked at by itself. It does not say how rows are found: the whole clause is put to every row anyway. */
#include "planner/planner_int.h"

enum { MAX_DISJUNCTS = 1 << 16, MAX_TERMS = 64, MAX_KEYS = 64 };

struct term { /* disjuncts share their first terms */
    const struct ast_expr *e;
    const struct term *before;
};

struct disjunct {
    const struct term *last;
    uint32_t n;
};

struct pull_where {
    struct planner *p;
    const struct source *source;
    const struct query *q;
    bool scans, ranges; /* are allowed */
    bool scan;          /* a disjunct needs one */
    bool too_many;      /* disjuncts or terms: not taken apart, all rows are looked at */
    struct disjunct *disjuncts;
    uint32_t n;
};

struct key_use {                                               /* of one disjunct */
    const struct ast_expr *values[MAX_KEYS], *terms[MAX_KEYS]; /* of `key = value` */
    bool seen[MAX_KEYS];
    uint32_t n_seen, n_equal;
    bool scan;
    bool bound_seen[2][3]; /* WINDOWSTART, WINDOWEND: equal, below, above */
};

/* ---- refusals ---- */

static enum status refuse_where(struct pull_where *w, const struct ast_expr *at, const char *message)
{
    const char *bounds = w->source->schema.window == WINDOW_NONE
                             ? ""
                             : "\n - (optionally) limits the time bounds of the windowed table.\n"
                               "\t Bounds on [`WINDOWSTART`, `WINDOWEND`] are supported\n"
                               "\t Supported operators are [EQUAL, GREATER_THAN, GREATER_THAN_OR_EQUAL, LESS_THAN, "
                               "LESS_THAN_OR_EQUAL]";
    return plan_error(w->p, at ? at->span : w->q->ast->span,
                      "%s.  See https://cnfl.io/queries for more info.\n"
                      "Add EMIT CHANGES if you intended to issue a push query.\n"
                      "Pull queries require a WHERE clause that:\n"
                      " - includes a key equality expression, e.g. `SELECT * FROM X WHERE <key-column> = Y;`.\n"
                      " - in the case of a multi-column key, is a conjunction of equality expressions that cover all "
                      "key columns.\n"
                      " - to support range expressions, e.g. `SELECT * FROM X WHERE <key-column> < Y;`, range scans "
                      "have to be enabled by setting ksql.query.pull.range.scan.enabled=true%s\n"
                      "If more flexible queries are needed, , table scans can be enabled by setting "
                      "ksql.query.pull.table.scan.enabled=true.",
                      message, bounds);
}

static enum status refuse(struct pull_where *w, const struct ast_expr *at, const char *format, ...) PRINTF_LIKE(3, 4);
static enum status refuse(struct pull_where *w, const struct ast_expr *at, const char *format, ...)
{
    struct buf text;
    va_list args;
    char message[1024];
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    buf_init(&text, 0);
    buf_puts(&text, str_from(message));
    enum status st = refuse_where(w, at, buf_z(&text));
    buf_free(&text);
    return st;
}

/* What only a scan can do. */
#define NEEDS_SCAN(w, use, ...) ((use)->scan = true, (w)->scans ? STATUS_OK : refuse((w), __VA_ARGS__))

/* ---- taking the clause apart ---- */

static const struct ast_expr *new_node(struct pull_where *w, enum ast_expr_kind kind, enum ast_op op,
                                       const struct ast_expr *x, const struct ast_expr *y)
{
    struct ast_expr *e = PLAN_NEW(w->p, struct ast_expr);
    const struct ast_expr **args = PLAN_ARRAY(w->p, const struct ast_expr *, 2);
    if (!e || !args)
        return NULL;
    args[0] = x;
    args[1] = y;
    *e = (struct ast_expr){.kind = kind,
                           .op = op,
                           .depth = 1 + (x->depth > y->depth ? x->depth : y->depth),
                           .span = x->span,
                           .n_args = 2,
                           .args = args};
    return e;
}

static bool add_term(struct pull_where *w, struct disjunct *d, const struct ast_expr *e)
{
    struct term *term = PLAN_NEW(w->p, struct term);
    if (!term || !e)
        return false;
    if (d->n == MAX_TERMS) {
        w->too_many = true;
        return false;
    }
    *term = (struct term){e, d->last};
    d->last = term;
    d->n++;
    return true;
}

static bool apply(struct pull_where *w, const struct ast_expr *e);

struct disjuncts {
    struct disjunct *items;
    uint32_t n, cap;
};

static bool collect(struct pull_where *w, struct disjuncts *all)
{
    if (all->n + w->n > MAX_DISJUNCTS) {
        w->too_many = true;
        return false;
    }
    if (all->n + w->n > all->cap) {
        uint32_t cap = 2 * (all->n + w->n);
        struct disjunct *grown = PLAN_ARRAY(w->p, struct disjunct, cap);
        if (!grown)
            return false;
        if (all->n)
            memcpy(grown, all->items, all->n * sizeof *grown);
        all->items = grown;
        all->cap = cap;
    }
    memcpy(all->items + all->n, w->disjuncts, w->n * sizeof *all->items);
    all->n += w->n;
    return true;
}

/* One of the choices holds as well: every disjunct so far is combined with each. `value`: a choice is that it equals it. */
static bool apply_choices(struct pull_where *w, const struct ast_expr *const *choices, uint32_t n,
                          const struct ast_expr *value)
{
    const struct disjunct *before = w->disjuncts;
    uint32_t n_before = w->n;
    struct disjuncts all = {.n = 0};
    for (uint32_t i = 0; i < n; i++) {
        const struct ast_expr *choice = value ? new_node(w, AST_COMPARISON, OP_EQ, value, choices[i]) : choices[i];
        w->disjuncts = PLAN_ARRAY(w->p, struct disjunct, n_before);
        w->n = n_before;
        if (!choice || !w->disjuncts)
            return false;
        memcpy(w->disjuncts, before, n_before * sizeof *before);
        if (!apply(w, choice) || !collect(w, &all))
            return false;
    }
    w->disjuncts = all.items;
    w->n = all.n;
    return true;
}

static bool apply(struct pull_where *w, const struct ast_expr *e)
{
    switch (e->kind) {
    case AST_OR:
        return apply_choices(w, e->args, e->n_args, NULL);
    case AST_IN:
        return apply_choices(w, e->args + 1, e->n_args - 1, e->args[0]);
    case AST_AND:
        for (uint32_t i = 0; i < e->n_args; i++)
            if (!apply(w, e->args[i]))
                return false;
        return true;
    case AST_BETWEEN:
        for (uint32_t i = 0; i < w->n; i++)
            if (!add_term(w, &w->disjuncts[i], new_node(w, AST_COMPARISON, OP_GE, e->args[0], e->args[1])) ||
                !add_term(w, &w->disjuncts[i], new_node(w, AST_COMPARISON, OP_LE, e->args[0], e->args[2])))
                return false;
        return true;
    default:
        for (uint32_t i = 0; i < w->n; i++)
            if (!add_term(w, &w->disjuncts[i], e))
                return false;
        return true;
    }
}

/* The terms in the order of the text. */
static void list_terms(const struct disjunct *d, const struct ast_expr **terms)
{
    uint32_t at = d->n;
    for (const struct term *t = d->last; t && at; t = t->before)
        terms[--at] = t->e;
}

static struct str conjunction_text(struct pull_where *w, const struct ast_expr *const *terms, uint32_t n)
{
    const struct ast_expr *e = terms[0];
    for (uint32_t i = 1; i < n && e; i++)
        e = new_node(w, AST_AND, OP_NONE, e, terms[i]);
    return e ? ast_expr_text(w->p->a, e) : STR("");
}

/* ---- one comparison ---- */

static bool note_column(void *data, const struct ast_expr *e)
{
    bool *found = data;
    *found = *found || e->kind == AST_COLUMN;
    return !*found;
}

static bool has_column(const struct ast_expr *e)
{
    bool found = false;
    ast_walk(e, note_column, &found);
    return found;
}

static enum ast_op mirrored(enum ast_op op)
{
    switch (op) {
    case OP_LT:
        return OP_GT;
    case OP_LE:
        return OP_GE;
    case OP_GT:
        return OP_LT;
    case OP_GE:
        return OP_LE;
    default:
        return op;
    }
}

static const char *op_name(enum ast_op op)
{
    static const char *const names[] = {
        [OP_EQ] = "EQUAL",
        [OP_NE] = "NOT_EQUAL",
        [OP_LT] = "LESS_THAN",
        [OP_LE] = "LESS_THAN_OR_EQUAL",
        [OP_GT] = "GREATER_THAN",
        [OP_GE] = "GREATER_THAN_OR_EQUAL",
        [OP_DISTINCT] = "IS_DISTINCT_FROM",
        [OP_NOT_DISTINCT] = "IS_NOT_DISTINCT_FROM",
    };
    return names[op];
}

static bool is_range(enum ast_op op)
{
    return op == OP_LT || op == OP_LE || op == OP_GT || op == OP_GE;
}

static enum status check_window_bound(struct pull_where *w, struct key_use *use, const struct ast_expr *term,
                                      struct str bound, enum ast_op op)
{
    bool *seen = use->bound_seen[str_eq_nocase(bound, STR("WINDOWEND"))];
    struct str text = ast_expr_text(w->p->a, term);
    int side = op == OP_EQ ? 0 : op == OP_LT || op == OP_LE ? 1 : 2;
    if (op != OP_EQ && !is_range(op))
        return NEEDS_SCAN(w, use, term, "Unsupported `" STR_FMT "` bounds: %s", STR_ARG(bound), op_name(op));
    if (seen[0] || (op == OP_EQ && (seen[1] || seen[2])))
        return NEEDS_SCAN(w, use, term, "`" STR_FMT "` cannot be combined with other `" STR_FMT "` bounds",
                          STR_ARG(text), STR_ARG(bound));
    if (seen[side])
        return NEEDS_SCAN(w, use, term, "Duplicate `" STR_FMT "` bounds on: %s", STR_ARG(bound), op_name(op));
    seen[side] = true;
    return STATUS_OK;
}

static struct str key_list(struct pull_where *w, bool with_types, const bool *only)
{
    struct buf b;
    const struct schema *schema = &w->source->schema;
    buf_init(&b, 0);
    for (uint32_t i = 0; i < schema->n_keys; i++) {
        if (only && !only[i])
            continue;
        buf_puts(&b, b.len ? STR(", ") : STR(""));
        name_print_quoted(&b, schema->columns[i].name);
        if (with_types)
            buf_printf(&b, " " STR_FMT " KEY", STR_ARG(type_text(w->p, schema->columns[i].type)));
    }
    return planner_take(w->p, &b);
}

static enum status check_key_bound(struct pull_where *w, struct key_use *use, const struct ast_expr *term, uint32_t key,
                                   enum ast_op op, const struct ast_expr *value)
{
    if (use->seen[key])
        return NEEDS_SCAN(w, use, term,
                          "A comparison condition on the key column cannot be combined with other comparisons such as "
                          "an IN predicate");
    if (op != OP_EQ && !is_range(op)) {
        struct str keys = key_list(w, true, NULL);
        return NEEDS_SCAN(w, use, term, "Bound on key columns '[" STR_FMT "]' must currently be '='", STR_ARG(keys));
    }
    use->seen[key] = true;
    use->n_seen++;
    use->terms[key] = term;
    if (op == OP_EQ) {
        use->values[key] = value;
        use->n_equal++;
    }
    return STATUS_OK;
}

static enum status check_comparison(struct pull_where *w, struct key_use *use, const struct ast_expr *term)
{
    bool left = term->args[0]->kind == AST_COLUMN;
    const struct ast_expr *column = term->args[left ? 0 : 1], *value = term->args[left ? 1 : 0];
    enum ast_op op = left ? term->op : mirrored(term->op);
    if (column->kind != AST_COLUMN)
        return NEEDS_SCAN(w, use, term, "A comparison must directly reference a key column");
    if (has_column(value))
        return NEEDS_SCAN(w, use, term, "A comparison must be between a key column and a resolvable expression");
    if (is_window_bound(column->text) && w->source->schema.window != WINDOW_NONE)
        return check_window_bound(w, use, term, column->text, op);
    int at = schema_find(&w->source->schema, column->text);
    if (at < 0 || (uint32_t)at >= w->source->schema.n_keys || at >= MAX_KEYS)
        return STATUS_OK;
    return check_key_bound(w, use, term, (uint32_t)at, op, value);
}

static enum status check_term(struct pull_where *w, struct key_use *use, const struct ast_expr *term)
{
    if (term->kind == AST_COMPARISON)
        return check_comparison(w, use, term);
    if (term->kind == AST_LIKE)
        return term->args[0]->kind == AST_COLUMN ? STATUS_OK
                                                 : NEEDS_SCAN(w, use, term, "Like condition must be between strings");
    struct str text = ast_expr_text(w->p->a, term);
    return NEEDS_SCAN(w, use, term, "Unsupported expression in WHERE clause: " STR_FMT, STR_ARG(text));
}

/* ---- one disjunct ---- */

static enum status check_key_value(struct pull_where *w, uint32_t key, const struct ast_expr *term,
                                   const struct ast_expr *value)
{
    static const struct schema nothing = {0};
    struct planner *p = w->p;
    const struct schema_column *column = &w->source->schema.columns[key];
    struct binder b;
    binder_init(&b, p, &nothing);
    const struct expr *bound = bind_expr(&b, value);
    if (!bound)
        return p->d->code;
    if (expr_is_null_literal(bound)) {
        struct str text = ast_expr_text(p->a, term);
        return plan_error(p, term->span, "Primary key columns can not be NULL: " STR_FMT, STR_ARG(text));
    }
    if (type_eq(bound->type, column->type) || cast_is_implicit(bound->type, column->type))
        return STATUS_OK;
    struct str text = ast_expr_text(p->a, value);
    return plan_error(p, value->span,
                      STR_FMT " can not be converted to the type of the key column: " STR_FMT " " STR_FMT " KEY",
                      STR_ARG(text), STR_ARG(column->name), STR_ARG(type_text(p, column->type)));
}

static enum status check_keys(struct pull_where *w, struct key_use *use, const struct ast_expr *const *terms,
                              uint32_t n)
{
    const struct schema *schema = &w->source->schema;
    if (use->n_seen == 0) {
        struct str text = conjunction_text(w, terms, n);
        return NEEDS_SCAN(w, use, terms[0], "WHERE clause missing key column for disjunct: " STR_FMT, STR_ARG(text));
    }
    if (use->n_seen < schema->n_keys) {
        struct str given = key_list(w, false, use->seen), all = key_list(w, true, NULL);
        return NEEDS_SCAN(w, use, terms[0],
                          "Multi-column sources must specify every key in the WHERE clause. Specified: [" STR_FMT
                          "] Expected: [" STR_FMT "]",
                          STR_ARG(given), STR_ARG(all));
    }
    return STATUS_OK;
}

static enum status check_disjunct(struct pull_where *w, const struct disjunct *d)
{
    const struct schema *schema = &w->source->schema;
    struct key_use use = {.n_seen = 0};
    const struct ast_expr *terms[MAX_TERMS];
    enum status st = STATUS_OK;
    list_terms(d, terms);
    for (uint32_t i = 0; i < d->n && st == STATUS_OK; i++)
        st = check_term(w, &use, terms[i]);
    if (st == STATUS_OK)
        st = check_keys(w, &use, terms, d->n);
    if (st != STATUS_OK)
        return st;
    bool by_key = !use.scan && use.n_equal == schema->n_keys;
    for (uint32_t i = 0; by_key && i < schema->n_keys && i < MAX_KEYS && st == STATUS_OK; i++)
        st = check_key_value(w, i, use.terms[i], use.values[i]);
    enum type_kind first = schema->columns[0].type->kind;
    bool by_range = !use.scan && schema->n_keys == 1 && w->ranges && (first == KIND_STRING || first == KIND_BYTES);
    w->scan = w->scan || (!by_key && !by_range);
    return st;
}

/* ---- the clause ---- */

struct like_check {
    struct pull_where *w;
    enum status st;
};

static bool check_like(void *data, const struct ast_expr *e)
{
    struct like_check *c = data;
    if (e->kind != AST_LIKE || e->args[0]->kind != AST_COLUMN || c->st != STATUS_OK)
        return c->st == STATUS_OK;
    int at = schema_find(&c->w->source->schema, e->args[0]->text);
    const struct type *type = at >= 0 ? c->w->source->schema.columns[at].type : NULL;
    if (type && type->kind != KIND_STRING)
        c->st = refuse(c->w, e, "The column type for Like condition must be VARCHAR. The column type is " STR_FMT,
                       STR_ARG(type_text(c->w->p, type)));
    return true;
}

enum status check_pull_likes(struct planner *p, const struct query *q, const struct ast_expr *where)
{
    struct pull_where w = {.p = p, .source = q->sources[0].source, .q = q};
    struct like_check c = {&w, STATUS_OK};
    ast_walk(where, check_like, &c);
    return c.st;
}

static enum status check_disjuncts(struct pull_where *w, const struct ast_expr *where)
{
    w->disjuncts = PLAN_ARRAY(w->p, struct disjunct, 1);
    w->n = 1;
    if (!w->disjuncts || (!apply(w, where) && !w->too_many))
        return STATUS_NOMEM;
    enum status st = STATUS_OK;
    w->scan = w->too_many;
    for (uint32_t i = 0; i < w->n && !w->too_many && st == STATUS_OK; i++)
        st = check_disjunct(w, &w->disjuncts[i]);
    return st;
}

enum status check_pull_where(struct planner *p, const struct query *q, const struct ast_expr *where)
{
    struct pull_where w = {.p = p,
                           .source = q->sources[0].source,
                           .q = q,
                           .scans = planner_flag(p, "ksql.query.pull.table.scan.enabled", true),
                           .ranges = planner_flag(p, "ksql.query.pull.range.scan.enabled", true)};
    enum status st = STATUS_OK;
    w.scan = !where;
    if (!where && !w.scans)
        st = refuse(&w, NULL, "Missing WHERE clause");
    else if (where)
        st = check_disjuncts(&w, where);
    if (st == STATUS_OK && w.scan && !w.scans)
        return plan_error(p, q->ast->span,
                          "Query requires table scan to be enabled. Table scans can be enabled by setting "
                          "ksql.query.pull.table.scan.enabled=true");
    if (st == STATUS_OK && w.scan && w.source->schema.window == WINDOW_SESSION)
        return plan_error(p, q->ast->span, "Table scan unsupported on session tables");
    return st;
}
