/* What the user sees of a test run: failing cases, the file of failures, the JUnit report, the totals. */
#include "cli/test/test.h"

#include <errno.h>

enum status report_open(struct report *r, const char *failures, const char *junit, bool verbose, struct diag *d)
{
    *r = (struct report){.junit_path = junit, .verbose = verbose};
    buf_init(&r->junit, 0);
    if (failures && !(r->failures = fopen(failures, "w")))
        return diag_set(d, STATUS_IO, "cannot write %s: %s", failures, strerror(errno));
    return STATUS_OK;
}

/* One line: line breaks and tabs of messages are shown as \n and \t. */
static void put_line(struct buf *out, struct str s)
{
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.p[i] == '\n')
            buf_puts(out, STR("\\n"));
        else if (s.p[i] == '\t')
            buf_puts(out, STR("\\t"));
        else
            buf_putc(out, s.p[i]);
    }
}

static void put_xml(struct buf *out, struct str s)
{
    for (uint32_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        switch (c) {
        case '<':
            buf_puts(out, STR("&lt;"));
            break;
        case '>':
            buf_puts(out, STR("&gt;"));
            break;
        case '&':
            buf_puts(out, STR("&amp;"));
            break;
        case '"':
            buf_puts(out, STR("&quot;"));
            break;
        case '\n':
            buf_puts(out, STR("&#10;"));
            break;
        default:
            buf_putc(out, c < 0x20 ? ' ' : (char)c);
        }
    }
}

static void put_junit(struct report *r, struct str name, enum outcome outcome, struct str reason, double seconds)
{
    if (!r->junit_path)
        return;
    buf_puts(&r->junit, STR("  <testcase name=\""));
    put_xml(&r->junit, name);
    buf_printf(&r->junit, "\" time=\"%.3f\">", seconds);
    if (outcome == CASE_SKIPPED)
        buf_puts(&r->junit, STR("<skipped/>"));
    if (outcome == CASE_FAILED) {
        buf_puts(&r->junit, STR("<failure message=\""));
        put_xml(&r->junit, reason);
        buf_puts(&r->junit, STR("\"/>"));
    }
    buf_puts(&r->junit, STR("</testcase>\n"));
}

static void put_case(struct report *r, struct str name, enum outcome outcome, struct str reason, double seconds)
{
    static const char *const words[] = {"passed ", "FAILED ", "skipped"};
    struct buf line;
    buf_init(&line, 0);
    put_line(&line, reason);
    if (r->verbose || (outcome == CASE_FAILED && !r->failures))
        printf("%s " STR_FMT "%s%s\n", words[outcome], STR_ARG(name), line.len ? ": " : "", buf_z(&line));
    if (outcome == CASE_FAILED && r->failures)
        fprintf(r->failures, STR_FMT "\t%s\n", STR_ARG(name), buf_z(&line));
    put_junit(r, name, outcome, reason, seconds);
    buf_free(&line);
    r->passed += outcome == CASE_PASSED;
    r->failed += outcome == CASE_FAILED;
    r->skipped += outcome == CASE_SKIPPED;
}

void report_case(void *report, const struct test_case *c, enum outcome outcome, struct str reason, double seconds)
{
    put_case(report, c->name, outcome, reason, seconds);
}

void report_file(struct report *r, const char *path, const struct diag *d)
{
    put_case(r, str_from(path), CASE_FAILED, str_from(d->message), 0);
}

static enum status write_junit(struct report *r, struct diag *d)
{
    FILE *f = fopen(r->junit_path, "w");
    if (!f)
        return diag_set(d, STATUS_IO, "cannot write %s: %s", r->junit_path, strerror(errno));
    fprintf(f,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuite name=\"weir test\" tests=\"%llu\" failures=\"%llu\" skipped=\"%llu\">\n%s</testsuite>\n",
            (unsigned long long)(r->passed + r->failed + r->skipped), (unsigned long long)r->failed,
            (unsigned long long)r->skipped, buf_z(&r->junit));
    return fclose(f) == 0 ? STATUS_OK : diag_set(d, STATUS_IO, "cannot write %s", r->junit_path);
}

enum status report_close(struct report *r, struct diag *d)
{
    enum status st = STATUS_OK;
    if (r->junit_path)
        st = write_junit(r, d);
    if (r->failures && fclose(r->failures) != 0 && st == STATUS_OK)
        st = diag_set(d, STATUS_IO, "cannot write the file of failures");
    printf("%llu passed, %llu failed, %llu skipped\n", (unsigned long long)r->passed, (unsigned long long)r->failed,
           (unsigned long long)r->skipped);
    buf_free(&r->junit);
    return st;
}
