/* A second implementation of Protobuf for tests: libprotobuf's messages, made from the schema text. */
#ifndef WEIR_TESTS_FORMATS_PROTOBUF_PEER_H
#define WEIR_TESTS_FORMATS_PROTOBUF_PEER_H

#ifdef __cplusplus
extern "C" {
#endif

#include "formats/formats_int.h"

struct peer;
struct peer *peer_open(struct str schema_text); /* for its first message; NULL: it cannot be read */
void peer_close(struct peer *p);
/* Writes the fields of a row. */
bool peer_write(struct peer *p, const struct schema_column *columns, uint32_t n, const struct value *items,
                struct buf *out);
/* Reads a row. False: the bytes are not such a message. */
bool peer_read(struct peer *p, struct str bytes, const struct schema_column *columns, uint32_t n, struct arena *a,
               struct value *items);

#ifdef __cplusplus
}
#endif

#endif
