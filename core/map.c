/* The hash map of map.h: a list of entries in insertion order and a table of indexes into it, linear probing.
 * Removed entries leave holes in the list; growing the table squeezes them out. */
#include "map.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static const uint32_t SLOT_FREE = 0;

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_free(struct map *m)
{
    MAP_EACH (m, e) {
        mem_free((char *)(uintptr_t)e->key.p);
    }
    mem_free(m->entries);
    mem_free(m->slots);
    map_init(m);
}

static struct map_entry *find(const struct map *m, struct str key, uint64_t hash)
{
    if (m->n_slots == 0)
        return NULL;
    uint32_t mask = m->n_slots - 1;
    for (uint32_t i = (uint32_t)hash & mask; m->slots[i] != SLOT_FREE; i = (i + 1) & mask) {
        struct map_entry *e = &m->entries[m->slots[i] - 1];
        if (e->hash == hash && e->key.p && str_eq(e->key, key))
            return e;
    }
    return NULL;
}

void *map_get(const struct map *m, struct str key)
{
    struct map_entry *e = find(m, key, XXH3_64bits(key.p, key.len));
    return e ? e->value : NULL;
}

static void link_entry(uint32_t *slots, uint32_t n_slots, uint64_t hash, uint32_t index)
{
    uint32_t i = (uint32_t)hash & (n_slots - 1);
    while (slots[i] != SLOT_FREE)
        i = (i + 1) & (n_slots - 1);
    slots[i] = index + 1;
}

/* Room for one more entry: a fresh table, at most half full of live entries afterwards, without holes. */
static bool make_room(struct map *m)
{
    if (m->n_entries < m->cap_entries)
        return true;
    uint32_t cap = 8;
    while (cap < m->n_live + m->n_live / 2 + 1)
        cap *= 2;
    uint32_t *slots = mem_calloc((size_t)cap * 2, sizeof *slots);
    struct map_entry *entries = mem_alloc((size_t)cap * sizeof *entries);
    if (!slots || !entries) {
        mem_free(slots);
        mem_free(entries);
        return false;
    }
    uint32_t n = 0;
    MAP_EACH (m, e) {
        entries[n] = *e;
        link_entry(slots, cap * 2, e->hash, n++);
    }
    mem_free(m->slots);
    mem_free(m->entries);
    *m = (struct map){
        .entries = entries, .n_entries = n, .n_live = n, .cap_entries = cap, .slots = slots, .n_slots = cap * 2};
    return true;
}

bool map_put(struct map *m, struct str key, void *value)
{
    uint64_t hash = XXH3_64bits(key.p, key.len);
    struct map_entry *e = find(m, key, hash);
    if (e) {
        e->value = value;
        return true;
    }
    char *copy = mem_alloc((size_t)key.len + 1);
    if (!copy || !make_room(m)) {
        mem_free(copy);
        return false;
    }
    if (key.len)
        memcpy(copy, key.p, key.len);
    copy[key.len] = '\0';
    m->entries[m->n_entries] = (struct map_entry){str_make(copy, key.len), value, hash};
    link_entry(m->slots, m->n_slots, hash, m->n_entries++);
    m->n_live++;
    return true;
}

void *map_remove(struct map *m, struct str key)
{
    struct map_entry *e = find(m, key, XXH3_64bits(key.p, key.len));
    if (!e)
        return NULL;
    void *value = e->value;
    mem_free((char *)(uintptr_t)e->key.p);
    e->key = (struct str){NULL, 0};
    e->value = NULL;
    m->n_live--;
    return value;
}
