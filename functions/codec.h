/* Bytes as text: hexadecimal and Base64. Results come from the arena; a NULL pointer means bad input, or that memory is
 * out (arena->failed). */
#ifndef WEIR_FUNCTIONS_CODEC_H
#define WEIR_FUNCTIONS_CODEC_H

#include "core/core.h"

struct str hex_encode(struct arena *a, struct str bytes, bool upper);
struct str hex_decode(struct arena *a, struct str text); /* either case, an even number of digits */
struct str base64_encode(struct arena *a, struct str bytes);
/* As java.util.Base64's basic decoder: padding may be missing, nothing else is forgiven. */
struct str base64_decode(struct arena *a, struct str text);
/* As commons-codec: foreign characters are skipped, the URL-safe alphabet is known, the end may be ragged. */
struct str base64_decode_lenient(struct arena *a, struct str text);

#endif
