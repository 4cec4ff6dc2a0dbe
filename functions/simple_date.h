/* PARSE_DATE: patterns in the language of java.text.SimpleDateFormat as commons-lang's FastDateFormat parses it.
 * Lenient: fields roll over, one digit will do, what follows the match is ignored. */
#ifndef WEIR_FUNCTIONS_SIMPLE_DATE_H
#define WEIR_FUNCTIONS_SIMPLE_DATE_H

#include "core/core.h"

/* Milliseconds since 1970, in GMT unless the text has a zone. `now_ms` places two-digit years: at most 20 years ahead.
 */
bool simple_date_parse(struct str pattern, struct str text, int64_t now_ms, int64_t *ms, char *error,
                       size_t error_size);

#endif
