/* Small text helpers that several families need. */
#ifndef WEIR_FUNCTIONS_TEXT_H
#define WEIR_FUNCTIONS_TEXT_H

#include "core/core.h"

/* String.trim: characters up to U+0020 go, at both ends. */
struct str text_trim(struct str s);
/* Copies what a buffer holds into the arena, and frees the buffer. p NULL: no memory. */
struct str text_take(struct arena *a, struct buf *b);

#endif
