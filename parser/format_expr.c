/* Expressions as text, in two manners: as messages show them (names bare, `||` as concat), and as SQL that
 * parses to the same tree (names quoted where needed). Both put parentheses around every operator. */
#include "parser/parser_int.h"

#include <math.h>
#include <stdlib.h>

struct printer {
    struct buf *out;
    bool sql;
};

static void put(struct printer *p, const char *text)
{
    buf_puts(p->out, str_from(text));
}

static void put_name(struct printer *p, struct str name)
{
    if (p->sql)
        ast_format_name(p->out, name);
    else
        buf_puts(p->out, name);
}

/* In messages built-in types have their full names (INTEGER, STRING). */
static void put_type(struct printer *p, const struct ast_type *t)
{
    struct arena scratch;
    const struct type *type;
    arena_init(&scratch, 0);
    if (!p->sql && parser_type(&scratch, t, NULL, NULL, &type, NULL) == STATUS_OK)
        type_print(p->out, type);
    else
        ast_format_type(p->out, t);
    arena_free(&scratch);
}

/* ---- expressions -------------------------------------------------------------------------------------------- */

static void put_expr(struct printer *p, const struct ast_expr *e);

static void put_list(struct printer *p, const struct ast_expr *const *args, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        put(p, i ? ", " : "");
        put_expr(p, args[i]);
    }
}

const char *ast_op_text(enum ast_op op)
{
    static const char *const texts[] = {[OP_NONE] = "?",
                                        [OP_ADD] = "+",
                                        [OP_SUB] = "-",
                                        [OP_MUL] = "*",
                                        [OP_DIV] = "/",
                                        [OP_MOD] = "%",
                                        [OP_EQ] = "=",
                                        [OP_NE] = "<>",
                                        [OP_LT] = "<",
                                        [OP_LE] = "<=",
                                        [OP_GT] = ">",
                                        [OP_GE] = ">=",
                                        [OP_DISTINCT] = "IS DISTINCT FROM",
                                        [OP_NOT_DISTINCT] = "IS NOT DISTINCT FROM",
                                        [OP_CONCAT] = "||"};
    return texts[op];
}

static void put_times(struct printer *p, const char *text, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        put(p, text);
}

/* A chain is ((a OR b) OR c) in messages, and (a OR b OR c) in SQL, where brackets may not be nested without bounds.
 * `op` NULL: the node's own. */
static void put_chain(struct printer *p, const struct ast_expr *e, const char *op)
{
    put_times(p, "(", p->sql ? 1 : e->n_args - 1);
    put_expr(p, e->args[0]);
    for (uint32_t i = 1; i < e->n_args; i++) {
        put(p, " ");
        put(p, op ? op : ast_op_text(ast_chain_op(e, i - 1)));
        put(p, " ");
        put_expr(p, e->args[i]);
        put(p, p->sql && i + 1 < e->n_args ? "" : ")");
    }
}

/* before X after */
static void put_around(struct printer *p, const char *before, const struct ast_expr *x, const char *after)
{
    put(p, before);
    put_expr(p, x);
    put(p, after);
}

static void put_sign(struct printer *p, const struct ast_expr *e)
{
    size_t at = p->out->len + 1;
    put(p, e->op == OP_SUB ? "-" : "+");
    put_expr(p, e->args[0]);
    /* Two signs in a row would start a comment. */
    if (p->out->failed || p->out->len <= at || p->out->p[at] != '-')
        return;
    buf_putc(p->out, ' ');
    if (!p->out->failed) {
        memmove(p->out->p + at + 1, p->out->p + at, p->out->len - at - 1);
        p->out->p[at] = ' ';
    }
}

/* Always scientific, with no more digits than needed: 1.5E0, 1E3. */
static void put_double(struct buf *out, double number)
{
    struct buf plain;
    char digits[32];
    int n = 0, exponent = 0, point = -1, first = -1;
    buf_init(&plain, 0);
    print_double(&plain, number);
    const char *c = buf_z(&plain);
    if (*c == '-')
        buf_putc(out, *c++);
    int at = 0;
    for (; *c && *c != 'E'; c++) {
        if (*c == '.') {
            point = at;
            continue;
        }
        first = first < 0 && *c != '0' ? at : first;
        if (first >= 0 && n < 31)
            digits[n++] = *c;
        at++;
    }
    exponent = (*c == 'E' ? atoi(c + 1) : 0) + (first >= 0 ? (point < 0 ? at : point) - first - 1 : 0);
    while (n > 0 && digits[n - 1] == '0')
        n--;
    buf_printf(out, "%c%s%.*sE%d", n ? digits[0] : '0', n > 1 ? "." : "", n > 1 ? n - 1 : 0, digits + 1, exponent);
    buf_free(&plain);
}

/* Does the text alone read as a DECIMAL literal: digits, a point, digits? */
static bool is_decimal_literal(struct str s)
{
    uint32_t points = 0, digits = 0;
    for (uint32_t i = s.len && s.p[0] == '-' ? 1 : 0; i < s.len; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';
        digits += digit;
        points += s.p[i] == '.';
        if (!digit && s.p[i] != '.')
            return false;
    }
    return points == 1 && digits > 0;
}

static void put_decimal(struct printer *p, const struct ast_expr *e)
{
    if (p->sql && !is_decimal_literal(e->text)) {
        put(p, "DECIMAL ");
        ast_format_text(p->out, e->text);
    } else {
        buf_puts(p->out, e->text);
    }
}

/* Base of [..] and ->: what is no primary expression is in parentheses already, but for signs and literals. */
static void put_base(struct printer *p, const struct ast_expr *e)
{
    bool wrap = p->sql && (e->kind == AST_SIGN || e->kind == AST_AT_ZONE);
    put_around(p, wrap ? "(" : "", e, wrap ? ")" : "");
}

static void put_case(struct printer *p, const struct ast_expr *e)
{
    uint32_t i = e->kind == AST_CASE_SIMPLE;
    put(p, "(CASE");
    if (i)
        put_around(p, " ", e->args[0], "");
    for (; i + 1 < e->n_args; i += 2) {
        put_around(p, " WHEN ", e->args[i], " THEN ");
        put_expr(p, e->args[i + 1]);
    }
    if (i < e->n_args)
        put_around(p, " ELSE ", e->args[i], "");
    put(p, " END)");
}

static void put_pairs(struct printer *p, const struct ast_expr *e)
{
    put(p, e->kind == AST_MAP ? "MAP(" : "STRUCT(");
    for (uint32_t i = 0; i < e->n_args; i++) {
        put(p, i ? ", " : "");
        if (e->kind == AST_MAP)
            put_expr(p, e->args[i++]);
        else
            put_name(p, e->names[i].text);
        put(p, ":=");
        put_expr(p, e->args[i]);
    }
    put(p, ")");
}

static void put_concat(struct printer *p, const struct ast_expr *e)
{
    if (p->sql) {
        put_chain(p, e, NULL);
        return;
    }
    put_times(p, "concat(", e->n_args - 1);
    put_expr(p, e->args[0]);
    for (uint32_t i = 1; i < e->n_args; i++)
        put_around(p, ", ", e->args[i], ")");
}

static void put_call(struct printer *p, const struct ast_expr *e)
{
    if (e->op == OP_CONCAT) {
        put_concat(p, e);
        return;
    }
    put_name(p, e->text);
    put(p, "(");
    if (e->star && (p->sql || (e->n_args == 0 && str_eq(e->text, STR("COUNT")))))
        put(p, "*");
    put_list(p, e->args, e->n_args);
    put(p, ")");
}

static void put_lambda(struct printer *p, const struct ast_expr *e)
{
    put(p, "(");
    for (uint32_t i = 0; i < e->n_names; i++) {
        put(p, i ? ", " : "");
        put_name(p, e->names[i].text);
    }
    put(p, ") => ");
    put_expr(p, e->args[0]);
}

static void put_column(struct printer *p, const struct ast_expr *e)
{
    if (e->source.len) {
        put_name(p, e->source);
        put(p, ".");
    }
    put_name(p, e->text);
}

static void put_in(struct printer *p, const struct ast_expr *e)
{
    put_around(p, "(", e->args[0], " IN (");
    put_list(p, e->args + 1, e->n_args - 1);
    put(p, "))");
}

static void put_like(struct printer *p, const struct ast_expr *e)
{
    put_around(p, "(", e->args[0], " LIKE ");
    put_expr(p, e->args[1]);
    if (e->text.len) {
        put(p, " ESCAPE ");
        ast_format_text(p->out, e->text);
    }
    put(p, ")");
}

static void put_expr(struct printer *p, const struct ast_expr *e)
{
    switch (e->kind) {
    case AST_NULL:
        put(p, "null");
        break;
    case AST_BOOLEAN:
        put(p, e->boolean ? "true" : "false");
        break;
    case AST_INT:
    case AST_BIGINT:
        buf_put_i64(p->out, e->integer);
        break;
    case AST_DECIMAL:
        put_decimal(p, e);
        break;
    case AST_DOUBLE:
        if (isfinite(e->number))
            put_double(p->out, e->number);
        else /* too large: a mistake of the statement, but it may be printed */
            buf_puts(p->out, e->text);
        break;
    case AST_STRING:
        ast_format_text(p->out, e->text);
        break;
    case AST_VARIABLE:
    case AST_UNIT:
        buf_puts(p->out, e->text);
        break;
    case AST_COLUMN:
        put_column(p, e);
        break;
    case AST_LAMBDA_VAR:
        put_name(p, e->text);
        break;
    case AST_SIGN:
        put_sign(p, e);
        break;
    case AST_ARITHMETIC:
    case AST_COMPARISON:
        put_chain(p, e, NULL);
        break;
    case AST_AND:
        put_chain(p, e, "AND");
        break;
    case AST_OR:
        put_chain(p, e, "OR");
        break;
    case AST_NOT:
        put_around(p, "(NOT ", e->args[0], ")");
        break;
    case AST_IS_NULL:
        put_around(p, "(", e->args[0], " IS NULL)");
        break;
    case AST_IS_NOT_NULL:
        put_around(p, "(", e->args[0], " IS NOT NULL)");
        break;
    case AST_BETWEEN:
        put_around(p, "(", e->args[0], " BETWEEN ");
        put_around(p, "", e->args[1], " AND ");
        put_around(p, "", e->args[2], ")");
        break;
    case AST_IN:
        put_in(p, e);
        break;
    case AST_LIKE:
        put_like(p, e);
        break;
    case AST_AT_ZONE:
        put_around(p, "(", e->args[0], " AT TIME ZONE ");
        ast_format_text(p->out, e->text);
        put(p, ")");
        break;
    case AST_CASE:
    case AST_CASE_SIMPLE:
        put_case(p, e);
        break;
    case AST_CAST:
        put_around(p, "CAST(", e->args[0], " AS ");
        put_type(p, e->type);
        put(p, ")");
        break;
    case AST_SUBSCRIPT:
        put_base(p, e->args[0]);
        put_around(p, "[", e->args[1], "]");
        break;
    case AST_DEREF:
        put_base(p, e->args[0]);
        put(p, "->");
        put_name(p, e->text);
        break;
    case AST_CALL:
        put_call(p, e);
        break;
    case AST_LAMBDA:
        put_lambda(p, e);
        break;
    case AST_ARRAY:
        put(p, "ARRAY[");
        put_list(p, e->args, e->n_args);
        put(p, "]");
        break;
    case AST_MAP:
    case AST_STRUCT:
        put_pairs(p, e);
        break;
    }
}

void ast_expr_print(struct buf *out, const struct ast_expr *e)
{
    put_expr(&(struct printer){out, false}, e);
}

void ast_format_expr(struct buf *out, const struct ast_expr *e)
{
    put_expr(&(struct printer){out, true}, e);
}

struct str ast_expr_text(struct arena *a, const struct ast_expr *e)
{
    struct buf text;
    buf_init(&text, 0);
    ast_expr_print(&text, e);
    struct str s = text.failed ? (struct str){0} : str_dup(a, buf_str(&text));
    buf_free(&text);
    return s;
}
