/* JSON documents as trees, for test case files: comments are allowed, and numbers keep their text, since 1.10 and 1.1 are
 * different decimals. The decoders of formats/ are made for columns, and drop both. */
#ifndef WEIR_CLI_TEST_JSON_H
#define WEIR_CLI_TEST_JSON_H

#include "core/core.h"

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    struct str text;   /* NUMBER: as written; TEXT: escapes undone; ARRAY, OBJECT: the source text */
    struct str name;   /* of a member of an object */
    uint32_t n;        /* ARRAY, OBJECT: number of children */
    struct json *first, *next;
};

/* Parses one document (lives in the arena; points into `text`). STATUS_INVALID with the line for bad text. */
enum status case_json_read(struct arena *a, struct str text, const struct json **out, struct diag *d) MUST_CHECK;
const struct json *json_member(const struct json *object, const char *name); /* NULL: none; of equal names the last */
struct str json_text(const struct json *object, const char *name);           /* {NULL,0}: no such text */
/* Compact JSON, members in document order. */
void case_json_print(struct buf *out, const struct json *j);
#define JSON_EACH(parent, child) for (const struct json *child = (parent) ? (parent)->first : NULL; child; child = child->next)

#endif
