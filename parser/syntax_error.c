/* The wording of syntax errors. ksqlDB words them by the kind of report of its (LL) parser; from the state of ours (LR) we
 * have the set of tokens that could have come, and tell the kinds apart by that set and by how far the statement's form
 * was decided. The kinds, in the order of the tests below:
 *   unknown statement    nothing of a statement was read yet
 *   no viable choice     several forms were possible and this token fits none: "Syntax error at or near"
 *   extraneous           without this token the next one would fit
 *   missing              with one token in front of it this token would fit
 *   mismatched           the rest: lists what was expected if that is short */
#include "parser/parser_int.h"

enum { N_KINDS = TK_START_SCRIPT, MAX_LISTED = 3 };

struct expected {
    bool kinds[N_KINDS];
    int count; /* as listed, by commas */
};

static bool accepts(const void *parser, int kind)
{
    return sql_accepts(parser, &kind, 1);
}

static struct str shown(struct token t)
{
    return t.kind == TOKEN_END ? STR("<EOF>") : str_make(t.p, t.len);
}

/* ---- unknown statements ------------------------------------------------------------------------------------- */

static const char *const starters[] = {"SELECT", "CREATE", "INSERT",    "DESCRIBE", "PRINT",  "EXPLAIN",
                                       "SHOW",   "LIST",   "TERMINATE", "PAUSE",    "RESUME", "DROP",
                                       "SET",    "DEFINE", "UNDEFINE",  "UNSET",    "ASSERT", "ALTER"};
enum { N_STARTERS = sizeof starters / sizeof starters[0], MAX_WORD = 64 };

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Levenshtein distance (the textbook row by row); only the start of a long word counts. */
static int distance(struct str word, const char *other)
{
    int row[MAX_WORD + 1], n = word.len < MAX_WORD ? (int)word.len : MAX_WORD;
    for (int i = 0; i <= n; i++)
        row[i] = i;
    for (int j = 1; other[j - 1]; j++) {
        int diagonal = row[0];
        row[0] = j;
        for (int i = 1; i <= n; i++) {
            int change = diagonal + (upper(word.p[i - 1]) != other[j - 1]);
            int insert = row[i - 1] + 1, drop = row[i] + 1;
            diagonal = row[i];
            row[i] = change < insert ? change : insert;
            row[i] = row[i] < drop ? row[i] : drop;
        }
    }
    return row[n];
}

static const char *nearest_starter(struct str word)
{
    int best = 0;
    for (int i = 1; i < N_STARTERS; i++) {
        if (distance(word, starters[i]) < distance(word, starters[best]))
            best = i;
    }
    return starters[best];
}

/* ---- how far is the form decided? --------------------------------------------------------------------------- */

/* Were several forms of the statement still possible in front of this token? */
static bool is_undecided(const struct statement_trace *s)
{
    switch (s->first[0]) {
    case TK_CREATE:
        if (s->n > 1 && (s->first[1] == TK_TYPE || s->first[1] == TK_SINK))
            return false;
        if (s->n > 2 && s->first[1] == TK_SOURCE)
            return false;
        return !s->has_as && !s->list_before_with;
    case TK_INSERT:
        return !s->has_query;
    case TK_ASSERT:
        return s->n == 1 || (s->first[1] == TK_NOT && s->n <= 3);
    case TK_DROP:
    case TK_SHOW:
    case TK_LIST:
    case TK_DESCRIBE:
    case TK_TERMINATE:
    case TK_PAUSE:
    case TK_RESUME:
    case TK_ALTER:
    case TK_EXPLAIN:
        return s->n == 1;
    default:
        return false;
    }
}

/* In front of an expression or a type the choice is always open; behind the first word of a select item too. */
static bool is_choice(const struct builder *b, const struct expected *e)
{
    if (e->kinds[TK_CASE] || e->kinds[TK_DECIMAL])
        return true;
    int before = b->tokens.before_that;
    return e->kinds[TK_FROM] && e->kinds[TK_COMMA] && e->kinds[TK_PLUS] && (before == TK_SELECT || before == TK_COMMA);
}

/* ---- what was expected ---------------------------------------------------------------------------------------- */

static int listed_items(int kind)
{
    return kind == TK_IDENT ? 4 : kind == TK_COMMA ? 2 : 1;
}

static bool is_listed(int kind)
{
    return kind != TK_BAD && !(kind >= TK_MAP_LP && kind <= TK_IF_EXISTS);
}

static void recount(struct expected *e)
{
    e->count = 0;
    for (int kind = 0; kind < N_KINDS; kind++) {
        if (e->kinds[kind])
            e->count += listed_items(kind);
    }
}

static void collect(const void *parser, struct expected *e)
{
    *e = (struct expected){.count = 0};
    for (int kind = 0; parser && kind < N_KINDS; kind++)
        e->kinds[kind] = is_listed(kind) && accepts(parser, kind);
    recount(e);
}

/* Within brackets, where the item at hand may end, only what can stand between items counts; and at the end of a
 * statement only the semicolon, if the next token is one. */
static void narrow(struct expected *e, const struct token *t, const struct token *next)
{
    bool comma = e->kinds[TK_COMMA];
    int end = e->kinds[TK_SEMI] ? TK_SEMI : e->kinds[TK_RP] ? TK_RP : e->kinds[TK_RSQ] ? TK_RSQ : 0;
    if (!end && comma && e->kinds[TK_FROM])
        end = TK_FROM;
    if (!end || (end == TK_SEMI && next->kind != TK_SEMI && t->kind != TOKEN_END))
        return;
    if ((end == TK_RP || end == TK_RSQ) && !comma && next->kind != end)
        return;
    memset(e->kinds, 0, sizeof e->kinds);
    e->kinds[end] = true;
    e->kinds[TK_COMMA] = comma && end != TK_SEMI;
    recount(e);
}

static void print_expected(struct buf *out, const struct expected *e)
{
    int n = 0;
    for (int kind = 0; kind < N_KINDS; kind++)
        n += e->kinds[kind];
    buf_puts(out, n > 1 ? STR("{") : STR(""));
    for (int kind = 0, i = 0; kind < N_KINDS; kind++) {
        if (!e->kinds[kind])
            continue;
        buf_puts(out, i++ ? STR(", ") : STR(""));
        token_kind_print(out, kind);
    }
    buf_puts(out, n > 1 ? STR("}") : STR(""));
}

/* The only token that was expected, if with it this one fits; else -1. */
static int missing_token(const void *parser, const struct expected *e, struct token t)
{
    int found = -1;
    for (int kind = 0; kind < N_KINDS; kind++) {
        if (!e->kinds[kind])
            continue;
        if (found >= 0)
            return -1;
        found = kind;
    }
    return found > 0 && sql_accepts(parser, (int[]){found, t.kind}, 2) ? found : -1;
}

/* ---- the message ---------------------------------------------------------------------------------------------- */

static void print_mismatch(struct buf *out, const struct expected *e, struct token t)
{
    if (t.kind == TOKEN_END || e->kinds[TOKEN_END]) {
        buf_puts(out, STR("Syntax error at or near \";\"\n'}', ']', or ')' is missing"));
    } else if (e->count > 0 && e->count <= MAX_LISTED) {
        buf_puts(out, STR("Expecting "));
        print_expected(out, e);
    }
}

static void print_near(struct buf *out, struct token t)
{
    struct str text = shown(t);
    buf_printf(out, "Syntax error at or near '%.*s' at line %u:%u", text.len > 200 ? 200 : (int)text.len, text.p,
               t.line, t.column);
}

static bool is_reserved_token(struct token t)
{
    return t.shape == SHAPE_PLAIN && t.kind != TOKEN_END && sql_is_reserved(str_make(t.p, t.len));
}

static void print_detail(struct builder *b, struct buf *out, const void *parser, struct token t)
{
    struct expected e;
    struct token next = b->tokens.next;
    struct str text = shown(t);
    collect(parser, &e);
    bool at_start = b->trace.n == 0 && accepts(parser, TK_TERMINATE);
    if (!parser || (!at_start && (is_undecided(&b->trace) || is_choice(b, &e)))) {
        print_near(out, t);
        return;
    }
    bool ends_here = e.kinds[TK_SEMI] && next.kind != TK_SEMI && sql_accepts(parser, (int[]){TK_SEMI, t.kind}, 2);
    narrow(&e, &t, &next);
    bool fits_without =
        t.kind != TOKEN_END && next.kind < N_KINDS && e.kinds[next.kind] && (next.kind == TK_SEMI || !e.kinds[TK_SEMI]);
    int missing = ends_here ? TK_SEMI : fits_without || at_start ? -1 : missing_token(parser, &e, t);
    if (fits_without && is_reserved_token(t))
        buf_printf(out,
                   "\"%.*s\" is a reserved keyword and it can't be used as an identifier. You can use it as an "
                   "identifier by escaping it as '%.*s' ",
                   (int)text.len, text.p, (int)text.len, text.p);
    else if (at_start)
        buf_printf(out, "Unknown statement '%.*s'\nDid you mean '%s'?", text.len > 200 ? 200 : (int)text.len, text.p,
                   nearest_starter(text));
    else if (missing > 0) {
        buf_puts(out, STR("missing "));
        token_kind_print(out, missing);
        buf_printf(out, " at '%.*s'", text.len > 200 ? 200 : (int)text.len, text.p);
    } else
        print_mismatch(out, &e, t);
}

/* The line of the text that holds the token. */
static struct str line_of(const struct builder *b, struct token t)
{
    uint32_t begin = (uint32_t)(t.p - b->text.p), end = begin;
    while (begin > 0 && b->text.p[begin - 1] != '\n')
        begin--;
    while (end < b->text.len && b->text.p[end] != '\n')
        end++;
    return str_make(b->text.p + begin, end - begin);
}

/* Beyond what ksqlDB says. */
static void add_hint(struct builder *b, const void *parser, struct token t)
{
    if (t.kind == TK_BAD && t.len == 1 && t.p[0] && strchr("'\"`", t.p[0]))
        diag_hint(b->diag, "the closing %c is missing", t.p[0]);
    else if (is_reserved_token(t) && t.len <= MAX_WORD && parser && accepts(parser, TK_IDENT))
        diag_hint(b->diag, "%.*s is a reserved word; as a name it is written `%.*s`", (int)t.len, t.p, (int)t.len, t.p);
}

void build_syntax_error(struct builder *b, void *parser, struct token t)
{
    struct buf detail;
    if (b->status != STATUS_OK)
        return;
    buf_init(&detail, 0);
    if (t.len > MAX_WORD * 1024)
        t.len = MAX_WORD * 1024;
    print_detail(b, &detail, parser, t);
    if (detail.failed) {
        build_nomem(b);
    } else {
        b->status = diag_set_at(b->diag, STATUS_PARSE, token_span(b, t), "line %u:%u: Syntax Error\n%s", t.line,
                                t.column, buf_z(&detail));
        struct str line = line_of(b, t);
        diag_context(b->diag, line.p, line.len);
        add_hint(b, parser, t);
    }
    buf_free(&detail);
}
