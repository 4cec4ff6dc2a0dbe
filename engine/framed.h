/* Records behind a zero byte and the id of their schema, as text: for PRINT. */
#ifndef WEIR_ENGINE_FRAMED_H
#define WEIR_ENGINE_FRAMED_H

#include "formats/formats.h"

struct framed;
/* `registry`: borrowed; NULL: nothing is known of any record. NULL: no memory. */
struct framed *framed_create(struct registry *registry);
void framed_destroy(struct framed *f); /* NULL is fine */
/* Name of the format that a record's schema stands for; NULL: it is not known, or the registry cannot be asked. */
const char *framed_format(struct framed *f, struct str record);
/* Appends the record as JSON. False: it cannot be read, and nothing was appended. */
bool framed_print(struct framed *f, struct str record, struct buf *out);

#endif
