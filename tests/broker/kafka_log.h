/* The Kafka log of the broker tests, at $WEIR_TEST_BOOTSTRAP. */
#ifndef WEIR_TESTS_KAFKA_LOG_H
#define WEIR_TESTS_KAFKA_LOG_H

#include "tests/broker/log_tests.h"

struct log *kafka_log(void); /* one for all tests, closed at the end */
struct log *kafka_log_with(const struct kafka_option *options, size_t n); /* the caller closes it */

#endif
