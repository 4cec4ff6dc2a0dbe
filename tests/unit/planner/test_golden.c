/* Golden tests: tests/golden/planner/NAME.sql is planned, and what every pass made of it is compared with NAME.txt.
 * With WEIR_UPDATE_GOLDEN=1 in the environment the .txt files are written instead. `--@set: name=value` in a script
 * sets a property. */
#include "tests/unit/planner/harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    char *text = malloc((size_t)size + 1);
    size_t got = text ? fread(text, 1, (size_t)size, f) : 0;
    if (text)
        text[got] = '\0';
    fclose(f);
    return text;
}

static void print_source(struct buf *out, const struct source *s)
{
    buf_printf(out, "%s `" STR_FMT "` ", source_kind_name(s), STR_ARG(s->name));
    schema_print(out, &s->schema);
    buf_printf(out, " on %s (%u) key %s value %s\n", s->topic, s->partitions, format_name(s->formats.key.kind),
               format_name(s->formats.value.kind));
}

static void print_statement(struct session *s, const struct ast_stmt *statement, enum status st)
{
    struct buf *out = s->out;
    buf_puts(out, STR("==== "));
    buf_puts(out, statement->text);
    buf_putc(out, '\n');
    if (st != STATUS_OK) {
        buf_printf(out, "%s error at %u:%u: %s\n\n", status_name(st), s->diag.where.line, s->diag.where.column,
                   s->diag.message);
        return;
    }
    if (s->last.message)
        buf_printf(out, "%s\n", s->last.message);
    if (s->last.ddl && s->last.ddl->source)
        print_source(out, s->last.ddl->source);
    if (s->last.plan) {
        planner_explain(out, &s->last);
        plan_check(s->last.plan, out);
    }
    buf_putc(out, '\n');
}

static void apply_settings(struct session *s, char *text)
{
    static const char mark[] = "--@set: ";
    for (char *line = text; (line = strstr(line, mark)) != NULL; line++) {
        char name[128], value[128];
        if (sscanf(line + sizeof mark - 1, "%127[^=\n]=%127[^\n]", name, value) != 2)
            continue;
        struct str n = str_dup(&s->arena, str_from(name)), v = str_dup(&s->arena, str_from(value));
        session_set(s, n.p, v.p);
    }
}

/* The script again, each rewrite left out in turn: plans must be sound, whatever they look like. */
static void check_soundness(struct session *s, const struct ast_stmt *statement, enum status st)
{
    if (st == STATUS_OK && s->last.plan) {
        size_t before = s->out->len;
        plan_check(s->last.plan, s->out);
        if (s->out->len > before)
            buf_puts(s->out, statement->text);
    }
}

static void run_without_rewrites(char *sql)
{
    for (uint32_t skip = 1; skip <= REWRITE_ALL; skip = skip == REWRITE_PRUNE ? REWRITE_ALL : skip * 2) {
        struct session s;
        struct buf out;
        session_open(&s);
        buf_init(&out, 0);
        s.out = &out;
        s.each = check_soundness;
        s.context.skip_rewrites = skip;
        apply_settings(&s, sql);
        (void)session_run(&s, sql);
        unit_check_text(buf_z(&out), "", "plans without a rewrite", __FILE__, __LINE__);
        buf_free(&out);
        session_close(&s);
        if (skip == REWRITE_ALL)
            break;
    }
}

static void run_golden(const char *base)
{
    char sql_path[512], txt_path[512];
    snprintf(sql_path, sizeof sql_path, "%s/golden/planner/%s.sql", TEST_DATA, base);
    snprintf(txt_path, sizeof txt_path, "%s/golden/planner/%s.txt", TEST_DATA, base);
    char *sql = read_file(sql_path), *expected = read_file(txt_path);
    REQUIRE(sql != NULL);
    struct session s;
    struct buf out;
    session_open(&s);
    buf_init(&out, 0);
    s.out = &out;
    s.each = print_statement;
    apply_settings(&s, sql);
    enum status st = session_run(&s, sql);
    if (st != STATUS_OK)
        buf_printf(&out, "%s error at %u:%u: %s\n", status_name(st), s.diag.where.line, s.diag.where.column,
                   s.diag.message);
    if (getenv("WEIR_UPDATE_GOLDEN")) {
        FILE *f = fopen(txt_path, "wb");
        REQUIRE(f != NULL);
        fwrite(out.p, 1, out.len, f);
        fclose(f);
    } else {
        unit_check_text(buf_z(&out), expected ? expected : "", base, __FILE__, __LINE__);
    }
    buf_free(&out);
    session_close(&s);
    run_without_rewrites(sql);
    free(sql);
    free(expected);
}

TEST(golden, all)
{
    struct dirent **entries;
    int n = scandir(TEST_DATA "/golden/planner", &entries, NULL, alphasort);
    CHECK(n > 2);
    for (int i = 0; i < n; i++) {
        char *dot = strrchr(entries[i]->d_name, '.');
        if (dot && strcmp(dot, ".sql") == 0) {
            *dot = '\0';
            run_golden(entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
}
