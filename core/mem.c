/* Allocation with a switch that makes the nth call fail, and arenas.
 *
 * An arena is a list of blocks; only the head block is bumped. Blocks double from MIN_BLOCK to MAX_BLOCK, so that small
 * arenas stay small. An allocation that is large by that measure gets a block of its own behind the head. */
#include "mem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_BLOCK = 1024, MAX_BLOCK = 1 << 20 };

static atomic_long n_calls;
static atomic_long fail_from; /* the number of the first call that fails; 0: none */

static bool allocation_allowed(void)
{
    long call = atomic_fetch_add_explicit(&n_calls, 1, memory_order_relaxed) + 1;
    long from = atomic_load_explicit(&fail_from, memory_order_relaxed);
    return from == 0 || call < from;
}

void *mem_alloc(size_t size)
{
    return allocation_allowed() ? malloc(size ? size : 1) : NULL;
}

void *mem_calloc(size_t count, size_t size)
{
    return allocation_allowed() ? calloc(count ? count : 1, size ? size : 1) : NULL;
}

void *mem_realloc(void *p, size_t size)
{
    return allocation_allowed() ? realloc(p, size ? size : 1) : NULL;
}

void mem_free(void *p)
{
    free(p);
}

char *mem_strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    char *copy = mem_alloc(size);
    if (copy)
        memcpy(copy, s, size);
    return copy;
}

void mem_fail_after(long n)
{
    atomic_store(&fail_from, n > 0 ? atomic_load(&n_calls) + n : 0);
}

long mem_calls(void)
{
    return atomic_load(&n_calls);
}

/* ---- arenas ------------------------------------------------------------------------------------------- */

struct arena_block {
    struct arena_block *next;
    size_t size; /* with this header */
    _Alignas(16) char data[];
};

void arena_init(struct arena *a, size_t limit)
{
    *a = (struct arena){.limit = limit};
}

static struct arena_block *block_create(struct arena *a, size_t size)
{
    size_t room = a->limit ? a->limit - a->used : SIZE_MAX;
    struct arena_block *block = size <= room ? mem_alloc(size) : NULL;
    if (!block) {
        a->failed = true;
        return NULL;
    }
    a->used += size;
    block->size = size;
    return block;
}

static void *alloc_alone(struct arena *a, size_t size)
{
    struct arena_block *block = block_create(a, sizeof *block + size);
    if (!block)
        return NULL;
    if (a->head) {
        block->next = a->head->next;
        a->head->next = block;
    } else {
        block->next = NULL;
        a->head = block;
        a->next = a->end = block->data + size;
    }
    return block->data;
}

/* Bytes of the next block: twice the last one, within bounds, and within the limit where that suffices. So an arena
 * that is cleared and filled again and again soon has one block for it all. */
static size_t next_block_size(const struct arena *a, size_t need)
{
    size_t size = a->head ? 2 * a->head->size : MIN_BLOCK;
    if (size > MAX_BLOCK)
        size = MAX_BLOCK;
    if (a->limit && size > a->limit - a->used)
        size = a->limit - a->used;
    return size < need ? need : size;
}

void *arena_alloc_slow(struct arena *a, size_t size)
{
    if (size > SIZE_MAX - 64) {
        a->failed = true;
        return NULL;
    }
    if (a->failed)
        return NULL;
    size = size ? (size + 15) & ~(size_t)15 : 16;
    if (size <= (size_t)(a->end - a->next)) {
        void *p = a->next;
        a->next += size;
        return p;
    }
    if (size > MAX_BLOCK / 4)
        return alloc_alone(a, size);
    size_t block_size = next_block_size(a, sizeof(struct arena_block) + size);
    struct arena_block *block = block_create(a, block_size);
    if (!block)
        return NULL;
    block->next = a->head;
    a->head = block;
    a->next = block->data + size;
    a->end = (char *)block + block_size;
    return block->data;
}

/* The largest block stays, unless it is so large that it would only be hoarded. */
void arena_clear(struct arena *a)
{
    struct arena_block *kept = NULL;
    for (struct arena_block *block = a->head, *next; block; block = next) {
        next = block->next;
        struct arena_block *loser = block;
        if (block->size <= 2 * MAX_BLOCK && (!kept || block->size > kept->size)) {
            loser = kept;
            kept = block;
        }
        mem_free(loser);
    }
    a->failed = false;
    a->head = kept;
    a->used = kept ? kept->size : 0;
    a->next = kept ? kept->data : NULL;
    a->end = kept ? (char *)kept + kept->size : NULL;
    if (kept)
        kept->next = NULL;
}

void arena_free(struct arena *a)
{
    for (struct arena_block *block = a->head, *next; block; block = next) {
        next = block->next;
        mem_free(block);
    }
    arena_init(a, a->limit);
}

void *arena_zalloc(struct arena *a, size_t size)
{
    void *p = arena_alloc(a, size);
    return p ? memset(p, 0, size) : NULL;
}

void *arena_dup(struct arena *a, const void *p, size_t size)
{
    void *copy = arena_alloc(a, size);
    if (copy && size)
        memcpy(copy, p, size);
    return copy;
}

char *arena_vprintf(struct arena *a, size_t *len, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (text)
        *len = (size_t)vsnprintf(text, (size_t)n + 1, format, args);
    return text;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    size_t len;
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(a, &len, format, args);
    va_end(args);
    return text;
}
