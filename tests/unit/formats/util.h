/* What the tests of formats share: schemas from text, records in and out as text. */
#ifndef WEIR_TESTS_FORMATS_UTIL_H
#define WEIR_TESTS_FORMATS_UTIL_H

#include "formats/formats_int.h"
#include "tests/unit/unit.h"

enum { MAX_COLUMNS = 300 };

struct side {
    struct arena a;
    struct schema_column columns[MAX_COLUMNS];
    uint32_t n;
};

/* "A INT, B ARRAY<STRING>, `c` STRUCT<F INT, G DECIMAL(4,2)>" */
void side_init(struct side *s, const char *text);
void side_free(struct side *s);

/* Decodes one payload (len SIZE_MAX: a null one) with all columns wanted and prints it: "1|null|x", "NULL" or "BAD:
 * reason". The payload is copied to memory of its exact size. What holds for any record is checked on the way: the same
 * record again gives the same, and so does a decoder that wants nothing, as far as it can. */
const char *decoded(const struct format_spec *spec, const char *schema, const void *payload, size_t len);
/* Decodes the record and encodes the row again: the text, "NULL", or as decoded() for rows that are not there. */
const char *reencoded(const struct format_spec *in, const struct format_spec *out, const char *schema,
                      const void *payload, size_t len);

/* A column of one cell each from values, for encoders. */
bool columns_from_values(struct side *s, const struct value *values, struct column *columns);

/* Encodes the first row of the columns and decodes that: what became of the row, and its cells in `back`. */
uint8_t round_trip(const struct format_spec *spec, struct side *s, const struct column *columns, struct column *back);

/* A reproducible random number. */
uint64_t random_next(uint64_t *state);
/* Any value of the type, null at times. */
struct value random_value(struct arena *a, const struct type *t, uint64_t *state);

extern const struct format_spec json_spec, json_bare, delimited_spec, kafka_spec, none_spec, row_spec;

#define CHECK_JSON(schema, text, expected) CHECK_TEXT(decoded(&json_spec, schema, text, strlen(text)), expected)
#define CHECK_BARE(schema, text, expected) CHECK_TEXT(decoded(&json_bare, schema, text, strlen(text)), expected)

#endif
