/* Every statement of the public conformance cases: each must parse and survive the way to text and back, or fail with the
 * message that its case expects. The cases lie outside the repository: in $WEIR_QTT, or in shared/qtt beside it. */
#include "parser/parser.h"
#include "tests/unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static const struct parse_options test_options = {.test_statements = true};
static const struct parse_options *options; /* the SQL tests use test statements, the cases do not */
static long n_files, n_cases, n_statements, n_refused;

static bool read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    char chunk[65536];
    size_t n;
    if (!f)
        return false;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_put(out, chunk, n);
    fclose(f);
    return !out->failed;
}

/* Reads the JSON string at *p (a quote) into `out`; *p is then behind it. Enough for the cases: \u only below 0x80. */
static void json_string(const char **p, struct buf *out)
{
    static const char escapes[] = "n\nt\tr\rb\bf\f";
    for ((*p)++; **p && **p != '"'; (*p)++) {
        if (**p != '\\') {
            buf_putc(out, **p);
            continue;
        }
        (*p)++;
        const char *known = strchr(escapes, **p);
        if (**p == 'u') {
            char hex[5] = {(*p)[1], (*p)[2], (*p)[3], (*p)[4], 0};
            long code = strtol(hex, NULL, 16);
            buf_putc(out, code < 0x80 ? (char)code : '?');
            *p += 4;
        } else {
            buf_putc(out, known ? known[1] : **p);
        }
    }
    if (**p)
        (*p)++;
}

static void replace_format(struct buf *text)
{
    char *at;
    while ((at = strstr(buf_z(text), "{FORMAT}"))) {
        size_t tail = text->len - (size_t)(at - text->p) - 8;
        memcpy(at, "JSON", 4);
        memmove(at + 4, at + 8, tail);
        text->len -= 4;
    }
}

static void report(const char *what, const struct ast_stmt *s, const char *text)
{
    fprintf(stderr, "\n%s\n  %.*s\n  %s\n", what, (int)s->text.len, s->text.p, text);
    CHECK(!"round trip");
}

static void round_trip(struct arena *a, const struct ast_stmt *s)
{
    struct buf first, second;
    const struct ast_stmt *again;
    struct diag d = DIAG_INIT;
    buf_init(&first, 0);
    buf_init(&second, 0);
    ast_format_stmt(&first, s);
    if (parser_statement(a, buf_str(&first), &test_options, &again, &d) != STATUS_OK) {
        report(d.message, s, buf_z(&first));
    } else {
        ast_format_stmt(&second, again);
        if (!str_eq(buf_str(&first), buf_str(&second)))
            report("formats differ", s, buf_z(&first));
    }
    buf_free(&first);
    buf_free(&second);
}

/* Parses and prepares; the full message of the first failure goes to `message`. */
static void run_statements(struct str text, struct buf *message)
{
    struct arena a;
    struct script script;
    struct diag d = DIAG_INIT;
    arena_init(&a, 0);
    enum status st = parser_parse(&a, text, options, &script, &d);
    for (uint32_t i = 0; st == STATUS_OK && i < script.n; i++) {
        n_statements++;
        round_trip(&a, script.statements[i]);
        st = parser_prepare(script.statements[i], &d);
    }
    if (st != STATUS_OK)
        buf_printf(message, "%s\nStatement: %s", d.message, d.context);
    arena_free(&a);
}

/* Does the case expect a failure? Its message, up to the next case, goes to `out`; empty if any will do. */
static bool expects_failure(const char *from, const char *to, struct buf *out)
{
    const char *at = strstr(from, "\"expectedE");
    if (!at || (to && at > to))
        return false;
    at = strstr(at, "\"message\"");
    if (!at || (to && at > to))
        return true;
    at = strchr(at + 9, '"');
    json_string(&at, out);
    return true;
}

static bool is_rest(const char *path)
{
    return strstr(path, "rest-query") != NULL;
}

static void check_case(const char *path, struct str text, const char *from, const char *to)
{
    struct buf message, expected;
    buf_init(&message, 0);
    buf_init(&expected, 0);
    bool fails = expects_failure(from, to, &expected);
    /* Of the REST cases every statement is a request of its own. */
    bool single = is_rest(path);
    for (uint32_t at = 0, end = 0; message.len == 0 && at < text.len; at = end) {
        const char *line = memchr(text.p + at, '\n', text.len - at);
        end = single && line ? (uint32_t)(line - text.p) + 1 : text.len;
        run_statements(str_make(text.p + at, end - at), &message);
    }
    const char *want = buf_z(&expected), *got = buf_z(&message);
    bool is_ours = strstr(want, "yntax Error") || strstr(want, "Syntax error at");
    bool ok = message.len ? fails && strstr(got, want) : !is_ours;
    if (!ok)
        fprintf(stderr, "\n%s\n%.*s\n  got:  %s\n  want: %s\n", path, (int)text.len, text.p, got, want);
    CHECK(ok);
    n_cases++;
    n_refused += message.len > 0;
    buf_free(&message);
    buf_free(&expected);
}

static void run_cases(const char *path, struct buf *file)
{
    static const char key[] = "\"statements\"";
    for (const char *p = strstr(buf_z(file), key); p; p = strstr(p, key)) {
        struct buf text;
        buf_init(&text, 0);
        p = strchr(p, '[') + 1;
        for (;;) {
            p += strspn(p, " \t\r\n,");
            if (*p != '"')
                break;
            size_t begin = text.len;
            json_string(&p, &text);
            for (size_t i = begin; is_rest(path) && i < text.len; i++)
                text.p[i] = text.p[i] == '\n' ? ' ' : text.p[i];
            buf_putc(&text, '\n');
        }
        replace_format(&text);
        check_case(path, buf_str(&text), p, strstr(p, key));
        buf_free(&text);
    }
}

static int visit(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)ftw;
    size_t len = strlen(path);
    bool is_json = len > 5 && strcmp(path + len - 5, ".json") == 0, is_sql = len > 4 && !strcmp(path + len - 4, ".sql");
    struct buf file;
    if (type != FTW_F || !(is_json || is_sql))
        return 0;
    buf_init(&file, 0);
    CHECK(read_file(path, &file));
    n_files++;
    options = is_sql ? &test_options : NULL;
    if (is_json)
        run_cases(path, &file);
    else
        check_case(path, buf_str(&file), "", NULL);
    buf_free(&file);
    return 0;
}

TEST(qtt, every_statement)
{
    const char *root = getenv("WEIR_QTT");
    if (!root)
        root = TEST_DATA "/../../shared/qtt";
    if (nftw(root, visit, 16, FTW_PHYS) != 0) {
        fprintf(stderr, "\nSKIPPED: there are no conformance cases in %s (set WEIR_QTT)\n", root);
        return;
    }
    fprintf(stderr, "\nqtt: %ld files, %ld cases, %ld statements, %ld refused as expected\n", n_files, n_cases,
            n_statements, n_refused);
    CHECK(n_files > 0);
}
