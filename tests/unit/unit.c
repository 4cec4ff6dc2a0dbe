/* The main program of every unit test: collects the tests that TEST() registered and runs them with CUnit. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_TESTS = 4096 };

static struct {
    const char *suite, *name;
    void (*run)(void);
} tests[MAX_TESTS];
static int n_tests;

void unit_register(const char *suite, const char *name, void (*run)(void))
{
    if (n_tests == MAX_TESTS)
        abort();
    tests[n_tests].suite = suite;
    tests[n_tests].name = name;
    tests[n_tests++].run = run;
}

void unit_check_int(long long actual, long long expected, const char *what, const char *file, int line)
{
    if (actual != expected)
        fprintf(stderr, "\n%s:%d: %s is %lld, not %lld\n", file, line, what, actual, expected);
    CU_assertImplementation(actual == expected, (unsigned)line, what, file, "", CU_FALSE);
}

void unit_check_text(const char *actual, const char *expected, const char *what, const char *file, int line)
{
    bool same = actual && expected && strcmp(actual, expected) == 0;
    if (!same)
        fprintf(stderr, "\n%s:%d: %s is\n  %s\nnot\n  %s\n", file, line, what, actual ? actual : "(null)",
                expected ? expected : "(null)");
    CU_assertImplementation(same, (unsigned)line, what, file, "", CU_FALSE);
}

/* The name of a test is out before it runs: what died or hung is the last line. */
int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    for (int i = 0; i < n_tests; i++) {
        char full[256];
        snprintf(full, sizeof full, "%s.%s", tests[i].suite, tests[i].name);
        if (argc > 1 && !strstr(full, argv[1]))
            continue;
        CU_pSuite suite = CU_get_suite(tests[i].suite);
        if (!suite)
            suite = CU_add_suite(tests[i].suite, NULL, NULL);
        if (!suite || !CU_add_test(suite, tests[i].name, tests[i].run))
            return 2;
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failed = CU_get_number_of_tests_failed(), run = CU_get_number_of_tests_run();
    printf("unit: %u passed, %u failed\n", run - failed, failed);
    CU_cleanup_registry();
    return failed || run == 0 ? 1 : 0;
}
