/* Calls of functions, written as text: call_text("SUBSTRING('abc', 2)") gives "bc", or "! why" when the row fails.
 * Arguments: null, null:STRING, true, 1, 1L (BIGINT), 1.5 (DECIMAL), 1e0 (DOUBLE), NaN, 'it''s', x'00ff', [1, 2],
 * []:INT, {'k': 1}, struct(A: 1), DATE'2020-01-31', TIME'12:00', TIMESTAMP'2020-01-31T12:00', DAYS.
 * Lambdas are tested with exec/expr. */
#ifndef WEIR_TESTS_CALL_TEXT_H
#define WEIR_TESTS_CALL_TEXT_H

#include "functions/functions.h"
#include "../unit.h"

const char *call_text(const char *call);
/* The result type: "DECIMAL(8, 2)", or "! the message". */
const char *call_type(const char *call);
/* Feeds rows ("1, 2; null, 3") to an aggregate; literals are arguments too ("2, true"). The results after each row,
 * with | between them. A row in front of which is a minus sign and a blank is undone ("- 1"); "+ " merges what follows
 * as a state of its own. */
const char *aggregate_text(const char *name, const char *literals, const char *rows);

#define CHECK_CALL(call, expected) CHECK_TEXT(call_text(call), expected)
#define CHECK_AGGREGATE(name, literals, rows, expected) CHECK_TEXT(aggregate_text(name, literals, rows), expected)

#endif
