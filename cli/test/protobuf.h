/* Protobuf for cases: JSON values to the bytes that a schema makes of them, and back, by libprotobuf, which has nothing in
 * common with the codec that is checked. What stands before a message (the list of indexes) is the caller's. */
#ifndef WEIR_CLI_TEST_PROTOBUF_H
#define WEIR_CLI_TEST_PROTOBUF_H

#ifdef __cplusplus
extern "C" {
#endif

#include "cli/test/json.h"
#include "formats/formats.h"

/* A message of the schema: by full name, or the first. `indexes`: the list that says which one is written in front of it. */
enum status test_protobuf_encode(struct arena *a, struct registry *r, const struct registered_schema *schema,
                                 const char *full_name, bool indexes, const struct json *j, struct buf *out,
                                 struct diag *d) MUST_CHECK;
/* NULL: the bytes are no such message, or there is no memory. Without `indexes` it is the first of the schema. */
const struct json *test_protobuf_decode(struct arena *a, struct registry *r, const struct registered_schema *schema,
                                        bool indexes, struct str bytes);

#ifdef __cplusplus
}
#endif

#endif
