/* weir test: options, and the walk over files and folders. */
#include "cli/cli.h"
#include "cli/test/test.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char help[] = "usage: weir test [OPTION...] PATH...\n\n"
                           "Runs conformance cases (*.json) and SQL tests (*.sql); folders are searched.\n\n"
                           "  --filter TEXT    only cases whose full name contains TEXT\n"
                           "  --failures FILE  write the failing cases to FILE: name, tab, reason\n"
                           "  --junit FILE     write a JUnit report\n"
                           "  --batch N        push up to N records at once (default: 1)\n"
                           "  --restore        rebuild the state from its changelog between any two inputs\n"
                           "  --mutate         falsify an expected value in every case that passes: it must fail then\n"
                           "  -v, --verbose    name every case\n"
                           "  --help           show this text\n";

struct run {
    struct test_options options;
    struct report report;
};

static bool ends_with(const char *path, const char *suffix)
{
    size_t n = strlen(path), m = strlen(suffix);
    return n > m && !strcmp(path + n - m, suffix);
}

static void run_file(struct run *r, const char *path)
{
    struct diag d = DIAG_INIT;
    struct case_list list = {0};
    arena_init(&list.arena, 0);
    if (cases_load(&list, path, &d) != STATUS_OK ||
        isolate_run(&list, &r->options, report_case, &r->report, &d) != STATUS_OK)
        report_file(&r->report, path, &d);
    arena_free(&list.arena);
}

static int by_name(const struct dirent **x, const struct dirent **y)
{
    return strcmp((*x)->d_name, (*y)->d_name);
}

static void run_path(struct run *r, const char *path, bool named);

static void run_folder(struct run *r, const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, by_name);
    for (int i = 0; i < n; i++) {
        char child[4096];
        bool fits = snprintf(child, sizeof child, "%s/%s", path, entries[i]->d_name) < (int)sizeof child;
        if (entries[i]->d_name[0] != '.' && fits)
            run_path(r, child, false);
        free(entries[i]); /* scandir's own memory */
    }
    if (n >= 0)
        free(entries);
}

/* `named`: the user wrote this path, so it has to be there and to be a file of cases. */
static void run_path(struct run *r, const char *path, bool named)
{
    struct stat s;
    struct diag d = DIAG_INIT;
    if (stat(path, &s) != 0) {
        (void)!diag_set(&d, STATUS_IO, "cannot read: %s", strerror(errno));
        report_file(&r->report, path, &d);
    } else if (S_ISDIR(s.st_mode)) {
        run_folder(r, path);
    } else if (named || ends_with(path, ".json") || ends_with(path, ".sql")) {
        run_file(r, path);
    }
}

int cmd_test(int argc, char **argv)
{
    static const struct option options[] = {
        {"filter", required_argument, NULL, 'f'},
        {"failures", required_argument, NULL, 'F'},
        {"junit", required_argument, NULL, 'j'},
        {"batch", required_argument, NULL, 'b'},
        {"restore", no_argument, NULL, 'r'},
        {"mutate", no_argument, NULL, 'm'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct run r = {.options = {.batch = 1}};
    struct diag d = DIAG_INIT;
    const char *failures = NULL, *junit = NULL;
    int64_t batch;
    for (int c; (c = getopt_long(argc, argv, "vh", options, NULL)) != -1;) {
        switch (c) {
        case 'f':
            r.options.filter = optarg;
            break;
        case 'F':
            failures = optarg;
            break;
        case 'j':
            junit = optarg;
            break;
        case 'b':
            if (!cli_number("batch", optarg, 1, &batch))
                return EXIT_USAGE;
            r.options.batch = batch > BATCH_ROWS ? BATCH_ROWS : (uint32_t)batch;
            break;
        case 'r':
            r.options.restore = true;
            break;
        case 'm':
            r.options.mutate = true;
            break;
        case 'v':
            r.options.verbose = true;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_OK;
        default:
            fputs(help, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind == argc) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    if (report_open(&r.report, failures, junit, r.options.verbose, &d) != STATUS_OK)
        return cli_fail(&d, (struct str){NULL, 0});
    for (int i = optind; i < argc; i++)
        run_path(&r, argv[i], true);
    bool ran = r.report.passed + r.report.failed + r.report.skipped > 0, all_passed = ran && r.report.failed == 0;
    if (report_close(&r.report, &d) != STATUS_OK)
        return cli_fail(&d, (struct str){NULL, 0});
    if (!ran)
        fprintf(stderr, "weir: no such case\n");
    return all_passed ? EXIT_OK : EXIT_FAILED;
}
