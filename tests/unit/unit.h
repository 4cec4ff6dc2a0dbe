/* A thin layer over CUnit: TEST(suite, name) { ... } registers itself.
 * A unit program takes an optional substring of "suite.name" to run only those tests. */
#ifndef WEIR_TESTS_UNIT_H
#define WEIR_TESTS_UNIT_H

#include <CUnit/Basic.h>

#include <stdbool.h>
#include <string.h>

void unit_register(const char *suite, const char *name, void (*run)(void));

#define TEST(suite, name)                                                                                              \
    static void suite##_##name(void);                                                                                  \
    __attribute__((constructor)) static void register_##suite##_##name(void)                                           \
    {                                                                                                                  \
        unit_register(#suite, #name, suite##_##name);                                                                  \
    }                                                                                                                  \
    static void suite##_##name(void)

#define CHECK(condition) CU_ASSERT(condition)
#define REQUIRE(condition) CU_ASSERT_FATAL(condition)
#define CHECK_INT(actual, expected) unit_check_int((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)
#define CHECK_TEXT(actual, expected) unit_check_text((actual), (expected), #actual, __FILE__, __LINE__)

/* Print both sides when they differ. */
void unit_check_int(long long actual, long long expected, const char *what, const char *file, int line);
void unit_check_text(const char *actual, const char *expected, const char *what, const char *file, int line);

#endif
