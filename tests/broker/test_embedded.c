/* The log tests on the embedded log, in memory. */
#include "tests/broker/log_tests.h"

static void run(void (*test)(struct log *))
{
    struct embedded_options options = {.path = NULL};
    struct log *log = NULL;
    OK(log_open_embedded(&options, &log, d));
    REQUIRE(log != NULL);
    test(log);
    log_close(log);
}

#define RUN(name)                                                                                                      \
    TEST(embedded, name)                                                                                               \
    {                                                                                                                  \
        run(log_test_##name);                                                                                          \
    }
LOG_TESTS(RUN)
