/* A hash map from byte strings to pointers: open addressing, hash kept beside the key, insertion order when walked.
 * Keys are copied; values are borrowed. For catalogs and the like; operator state has stores of its own (state/). */
#ifndef WEIR_CORE_MAP_H
#define WEIR_CORE_MAP_H

#include "str.h"

struct map_entry {
    struct str key; /* owned by the map; p NULL: removed */
    void *value;
    uint64_t hash;
};
struct map {
    struct map_entry *entries; /* in insertion order, with holes */
    uint32_t n_entries, n_live, cap_entries;
    uint32_t *slots; /* index + 1 into entries; 0: free */
    uint32_t n_slots;
};

void map_init(struct map *m);
void map_free(struct map *m);
void *map_get(const struct map *m, struct str key);             /* NULL: not there */
bool map_put(struct map *m, struct str key, void *value);       /* replaces; false: no memory */
void *map_remove(struct map *m, struct str key);                /* the value that was there, or NULL */
#define MAP_EACH(m, e)                                                                                                 \
    for (struct map_entry *e = (m)->entries; e && e < (m)->entries + (m)->n_entries; e++)                                   \
        if (e->key.p)

#endif
