/* Schemas of a case: what is in its registry before the statements run, and the bytes that they make of JSON values. */
#ifndef WEIR_CLI_TEST_SCHEMAS_H
#define WEIR_CLI_TEST_SCHEMAS_H

#include "cli/test/test.h"

/* Registers the schemas of the case's topics: those with an id first. */
enum status schemas_of_topics(struct world *w, const struct json *topics, struct diag *d) MUST_CHECK;
/* The schemas of a CREATE statement with columns, unless `topics` describes its topic. A statement that cannot be planned has none. */
enum status schemas_of_statement(struct world *w, const struct ast_stmt *s, const struct json *topics,
                                 struct diag *d) MUST_CHECK;
/* The schemas of a new stream or table, as the engine registers them: where there are none yet, or (`is_written`) in any case. */
enum status schemas_of_source(struct world *w, const struct source *s, bool is_written, struct diag *d) MUST_CHECK;

/* A JSON value in a format with schemas, by the latest schema of the topic, with the header; *is_null for a null. */
enum status schema_encode(struct arena *a, const struct side *side, const struct json *j, struct buf *out,
                          struct diag *d) MUST_CHECK;
/* Back, by the schema that the bytes name. NULL: they are not in the format, or no memory. */
const struct json *schema_decode(struct arena *a, const struct side *side, struct str bytes);

/* avro.c: a message without its header. References of the schema are looked up in the registry. */
enum status test_avro_encode(struct arena *a, struct registry *r, const struct registered_schema *schema,
                             const struct json *j, struct buf *out, struct diag *d) MUST_CHECK;
const struct json *test_avro_decode(struct arena *a, struct registry *r, const struct registered_schema *schema,
                                    struct str bytes);

#endif
