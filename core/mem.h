/* Memory: every allocation of weir goes through here, so that tests can fail the nth one, and arenas, which free
 * many small things at once.
 *
 * Nothing aborts on exhaustion: allocators return NULL. Not thread-safe: an arena belongs to one thread at a time. */
#ifndef WEIR_CORE_MEM_H
#define WEIR_CORE_MEM_H

#include "status.h"

void *mem_alloc(size_t size);
void *mem_calloc(size_t count, size_t size);
void *mem_realloc(void *p, size_t size); /* NULL: `p` is still valid */
void mem_free(void *p);
char *mem_strdup(const char *s);
/* Tests: the nth call from now (1 = next) and every later one fails; 0 switches it off. Process-wide. */
void mem_fail_after(long n);
long mem_calls(void); /* allocations since the start of the process */

/* A bump allocator. Everything is freed together. `limit` is in bytes (0: none); reaching it makes arena_alloc
 * return NULL and sets `failed`, which stays set until arena_clear. Zero-initialised by arena_init; no heap use
 * before the first allocation. */
struct arena_block;
struct arena {
    struct arena_block *head;
    char *next, *end;
    size_t used;  /* bytes held from the heap */
    size_t limit;
    bool failed;
};

void arena_init(struct arena *a, size_t limit);
void arena_clear(struct arena *a); /* frees all but one block, for use again */
void arena_free(struct arena *a);  /* frees everything; the arena may be used again */
void *arena_alloc_slow(struct arena *a, size_t size);

/* 16-byte aligned, not zeroed. NULL on failure. size 0 gives a valid pointer. */
static inline void *arena_alloc(struct arena *a, size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;
    if (__builtin_expect(rounded <= (size_t)(a->end - a->next) && rounded != 0, 1)) {
        void *p = a->next;
        a->next += rounded;
        return p;
    }
    return arena_alloc_slow(a, size);
}

void *arena_zalloc(struct arena *a, size_t size);
void *arena_dup(struct arena *a, const void *p, size_t size); /* a copy */
char *arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *a, size_t *len, const char *format, va_list args) PRINTF_LIKE(3, 0);

#define ARENA_NEW(a, type) ((type *)arena_zalloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_zalloc((a), (size_t)(n) * sizeof(type)))

#endif
