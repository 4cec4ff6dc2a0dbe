/* Text helpers that several families need. Lengths and positions in SQL count UTF-16 units; texts are UTF-8. */
#ifndef WEIR_FUNCTIONS_TEXT_H
#define WEIR_FUNCTIONS_TEXT_H

#include "functions/functions.h"

/* String.trim: characters up to U+0020 go, at both ends. */
struct str text_trim(struct str s);
/* Copies what a buffer holds into the arena, and frees the buffer. p NULL: no memory. */
struct str text_take(struct arena *a, struct buf *b);
bool text_is_ascii(struct str s);
/* Where `needle` starts at or behind `from`; -1: nowhere. An empty needle is found at once. */
int64_t text_find(struct str s, struct str needle, uint32_t from);
/* The code point at *at, which moves behind it; malformed bytes give U+FFFD one by one. */
uint32_t text_next(struct str s, uint32_t *at);
void text_put_code_point(struct buf *b, uint32_t c); /* lone surrogates as '?' */
uint32_t text_utf16_len(struct str s);

/* Full case mappings of Unicode, in the root locale. p NULL: no memory. */
struct str text_upper(struct arena *a, struct str s);
struct str text_lower(struct arena *a, struct str s);

/* A text as UTF-16 units, and back. */
struct units {
    uint16_t *p;
    uint32_t n;
};
bool units_from(struct arena *a, struct str s, struct units *out);
struct str units_to(struct arena *a, const uint16_t *p, uint32_t n); /* p NULL: no memory */

/* Results of functions. A text without pointer means that memory is out. */
bool return_text(struct call *c, struct str s, struct value *result);
bool return_bytes(struct call *c, struct str s, struct value *result);
bool return_nomem(struct call *c);
/* Takes the buffer over. */
bool return_buf(struct call *c, struct buf *b, struct value *result);
/* A new array of n null items; NULL after call_error. */
struct nested *return_array(struct call *c, size_t n, struct value *result);
/* Sorts a map whose keys and items were filled; it is the result. */
bool return_map(struct call *c, struct nested *map, struct value *result);
struct nested *new_map(struct call *c, size_t n); /* room for n entries; NULL after call_error */

static inline struct value value_text(struct str s)
{
    return (struct value){.kind = KIND_STRING, .str = s};
}
static inline struct value value_int(int32_t v)
{
    return (struct value){.kind = KIND_INT, .i32 = v};
}
static inline struct value value_bigint(int64_t v)
{
    return (struct value){.kind = KIND_BIGINT, .i64 = v};
}
static inline struct value value_double(double v)
{
    return (struct value){.kind = KIND_DOUBLE, .f64 = v};
}
static inline struct value value_boolean(bool v)
{
    return (struct value){.kind = KIND_BOOLEAN, .boolean = v};
}

#endif
