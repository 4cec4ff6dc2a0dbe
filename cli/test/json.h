/* What the cases' JSON is asked for. */
#ifndef WEIR_CLI_TEST_JSON_H
#define WEIR_CLI_TEST_JSON_H

#include "functions/json_text.h"

const struct json *json_member(const struct json *object, const char *name); /* NULL: none, or no object */
struct str json_text(const struct json *object, const char *name);           /* {NULL,0}: no such text */

static inline bool json_is_number(const struct json *j)
{
    return j->kind == JSON_INTEGER || j->kind == JSON_DECIMAL;
}

#endif
