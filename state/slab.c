/* The slab: pieces in classes of 16 bytes up to 256, then of powers of two up to 4 kB; larger ones come from the heap.
 * Chunks grow from 1 kB to 64 kB and go back to the heap only when the slab is cleared. */
#include "state/state_int.h"

enum { MIN_CHUNK = 1024, MAX_CHUNK = 64 << 10, FINE = 16, MAX_SMALL = 4096, LARGE_STEP = 1024 };

struct slab_chunk {
    struct slab_chunk *next;
    size_t size;
    _Alignas(16) char data[];
};

static unsigned size_class(size_t size)
{
    if (size <= 256)
        return size == 0 ? 0 : (unsigned)((size - 1) / FINE);
    unsigned class = 16;
    for (size_t room = 512; room < size; room *= 2)
        class ++;
    return class;
}

size_t slab_room(size_t size)
{
    if (size > MAX_SMALL)
        return (size + LARGE_STEP - 1) / LARGE_STEP * LARGE_STEP;
    unsigned class = size_class(size);
    return class < 16 ? ((size_t) class + 1) * FINE : (size_t)512 << (class - 16);
}

static bool add_chunk(struct slab *s, size_t room)
{
    size_t size = s->used < MIN_CHUNK ? MIN_CHUNK : s->used;
    size = size > MAX_CHUNK ? MAX_CHUNK : size;
    if (size < room + sizeof(struct slab_chunk))
        size = room + sizeof(struct slab_chunk);
    struct slab_chunk *chunk = mem_alloc(size);
    if (!chunk)
        return false;
    chunk->next = s->chunks;
    chunk->size = size;
    s->chunks = chunk;
    s->next = chunk->data;
    s->end = (char *)chunk + size;
    s->used += size;
    return true;
}

void *slab_alloc(struct slab *s, size_t size)
{
    size_t room = slab_room(size);
    if (room > MAX_SMALL) {
        void *p = mem_alloc(room);
        if (p)
            s->used += room;
        return p;
    }
    unsigned class = size_class(size);
    void *p = s->free[class];
    if (p) {
        memcpy(&s->free[class], p, sizeof p);
        s->freed -= room;
        return p;
    }
    if ((size_t)(s->end - s->next) < room && !add_chunk(s, room))
        return NULL;
    p = s->next;
    s->next += room;
    return p;
}

void slab_free(struct slab *s, void *p, size_t size)
{
    if (!p)
        return;
    size_t room = slab_room(size);
    if (room > MAX_SMALL) {
        s->used -= room;
        mem_free(p);
        return;
    }
    unsigned class = size_class(size);
    memcpy(p, &s->free[class], sizeof p);
    s->free[class] = p;
    s->freed += room;
}

void slab_clear(struct slab *s)
{
    for (struct slab_chunk *chunk = s->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        mem_free(chunk);
    }
    *s = (struct slab){0};
}
