/* The hash table of stores: a slot is a 32-bit hash and the index of an entry; linear probing, load at most 3/4,
 * removal by shifting back. Entries lie in pages that never move: pages of 4, 4, 8, 16 ... entries, then of TABLE_PAGE.
 */
#include "state/state_int.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { FIRST_PAGE = 4, MIN_SLOTS = 8 };

uint64_t key_hash(struct str key)
{
    return XXH3_64bits(key.p, key.len);
}

void table_init(struct table *t, uint32_t stride)
{
    *t = (struct table){.stride = stride};
}

/* Index i < TABLE_PAGE lies in one of TABLE_PAGES_SMALL doubling pages, the others in equal ones behind them. */
static uint32_t page_of(uint32_t index, uint32_t *at, uint32_t *size)
{
    if (index >= TABLE_PAGE) {
        *at = index % TABLE_PAGE;
        *size = TABLE_PAGE;
        return TABLE_PAGES_SMALL + (index - TABLE_PAGE) / TABLE_PAGE;
    }
    if (index < FIRST_PAGE) {
        *at = index;
        *size = FIRST_PAGE;
        return 0;
    }
    uint32_t log = 31 - (uint32_t)__builtin_clz(index); /* >= 2 */
    *at = index - (1u << log);
    *size = 1u << log;
    return log - 1;
}

static struct entry *table_at(const struct table *t, uint32_t index)
{
    uint32_t at, size, page = page_of(index, &at, &size);
    return (struct entry *)(void *)(t->pages[page] + (size_t)at * t->stride);
}

void store_prefetch_entry(const struct table *t, uint64_t hash)
{
    if (t->n_slots) {
        uint32_t index = t->slots[(uint32_t)hash & (t->n_slots - 1)].entry;
        if (index)
            __builtin_prefetch(table_at(t, index - 1));
    }
}

static bool key_is(const struct entry *e, struct str key)
{
    if (e->key_len != key.len)
        return false;
    const char *p = key.len <= ENTRY_INLINE_KEY ? e->key.bytes : e->key.p;
    return memcmp(p, key.p, key.len) == 0;
}

struct entry *table_find(const struct table *t, struct str key, uint64_t hash)
{
    if (t->n_slots == 0)
        return NULL;
    uint32_t mask = t->n_slots - 1, tag = (uint32_t)hash;
    for (uint32_t i = tag & mask; t->slots[i].entry; i = (i + 1) & mask) {
        if (t->slots[i].hash != tag)
            continue;
        struct entry *e = table_at(t, t->slots[i].entry - 1);
        if (key_is(e, key))
            return e;
    }
    return NULL;
}

static void link_slot(struct table_slot *slots, uint32_t n_slots, uint32_t hash, uint32_t entry)
{
    uint32_t i = hash & (n_slots - 1);
    while (slots[i].entry)
        i = (i + 1) & (n_slots - 1);
    slots[i] = (struct table_slot){hash, entry};
}

static bool grow_slots(struct table *t, struct account *account)
{
    if ((uint64_t)(t->n_entries + 1) * 4 <= (uint64_t)t->n_slots * 3)
        return true;
    uint32_t n_slots = t->n_slots ? t->n_slots * 2 : MIN_SLOTS;
    struct table_slot *slots = n_slots ? mem_calloc(n_slots, sizeof *slots) : NULL;
    if (!slots)
        return false;
    for (uint32_t i = 0; i < t->n_slots; i++)
        if (t->slots[i].entry)
            link_slot(slots, n_slots, t->slots[i].hash, t->slots[i].entry);
    account->held += (size_t)(n_slots - t->n_slots) * sizeof *slots;
    mem_free(t->slots);
    t->slots = slots;
    t->n_slots = n_slots;
    return true;
}

static bool take_index(struct table *t, uint32_t *index, struct account *account)
{
    if (t->free) {
        *index = t->free - 1;
        t->free = table_at(t, *index)->var_len;
        account->slack -= t->stride;
        return true;
    }
    uint32_t at, size, page = page_of(t->n_indexes, &at, &size);
    if (page == t->n_pages) {
        char **pages = mem_realloc(t->pages, ((size_t)page + 1) * sizeof *pages);
        if (!pages)
            return false;
        t->pages = pages;
        pages[page] = mem_alloc((size_t)size * t->stride);
        if (!pages[page])
            return false;
        t->n_pages++;
        account->held += (size_t)size * t->stride + sizeof *pages;
    }
    *index = t->n_indexes++;
    return true;
}

struct entry *table_add(struct table *t, struct str key, uint64_t hash, struct slab *slab, struct account *account)
{
    char *copy = NULL;
    if (key.len > ENTRY_INLINE_KEY && !(copy = slab_alloc(slab, key.len)))
        return NULL;
    uint32_t index;
    if (!grow_slots(t, account) || !take_index(t, &index, account)) {
        slab_free(slab, copy, key.len);
        return NULL;
    }
    struct entry *e = table_at(t, index);
    memset(e, 0, t->stride);
    e->key_len = key.len;
    if (copy)
        e->key.p = memcpy(copy, key.p, key.len);
    else if (key.len)
        memcpy(e->key.bytes, key.p, key.len);
    link_slot(t->slots, t->n_slots, (uint32_t)hash, index + 1);
    t->n_entries++;
    t->n_live++;
    return e;
}

static uint32_t slot_of(const struct table *t, const struct entry *e)
{
    uint32_t mask = t->n_slots - 1, i = (uint32_t)key_hash(entry_key(e)) & mask;
    while (table_at(t, t->slots[i].entry - 1) != e)
        i = (i + 1) & mask;
    return i;
}

static void unlink_slot(struct table *t, uint32_t hole)
{
    uint32_t mask = t->n_slots - 1;
    for (uint32_t i = (hole + 1) & mask; t->slots[i].entry; i = (i + 1) & mask) {
        uint32_t home = t->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            t->slots[hole] = t->slots[i];
            hole = i;
        }
    }
    t->slots[hole] = (struct table_slot){0};
}

static void release_parts(struct entry *e, struct slab *slab)
{
    if (e->key_len > ENTRY_INLINE_KEY && !(e->flags & ENTRY_KEY_SHARED))
        slab_free(slab, (char *)(uintptr_t)e->key.p, e->key_len);
    if (e->var)
        slab_free(slab, e->var, e->var_len);
}

void table_erase(struct table *t, struct entry *e, struct slab *slab, struct account *account)
{
    uint32_t i = slot_of(t, e), index = t->slots[i].entry;
    unlink_slot(t, i);
    if (!(e->flags & ENTRY_DEAD))
        t->n_live--;
    t->n_entries--;
    release_parts(e, slab);
    memset(e, 0, sizeof *e);
    e->flags = UINT32_MAX; /* free: table_next skips it */
    e->var_len = t->free;
    t->free = index;
    account->slack += t->stride;
}

struct entry *table_next(const struct table *t, uint32_t *index)
{
    for (; *index < t->n_indexes; ++*index) {
        struct entry *e = table_at(t, *index);
        if (e->flags != UINT32_MAX)
            return e;
    }
    return NULL;
}

void table_free(struct table *t, struct slab *slab, struct account *account)
{
    for (uint32_t i = 0; i < t->n_indexes; i++) {
        struct entry *e = table_at(t, i);
        if (e->flags != UINT32_MAX)
            release_parts(e, slab);
    }
    for (uint32_t p = 0; p < t->n_pages; p++) {
        size_t size = p >= TABLE_PAGES_SMALL ? TABLE_PAGE : p == 0 ? FIRST_PAGE : (size_t)FIRST_PAGE << (p - 1);
        account->held -= size * t->stride + sizeof *t->pages;
        mem_free(t->pages[p]);
    }
    account->slack -= (size_t)(t->n_indexes - t->n_entries) * t->stride;
    account->held -= (size_t)t->n_slots * sizeof *t->slots;
    mem_free(t->pages);
    mem_free(t->slots);
    *t = (struct table){.stride = t->stride};
}
