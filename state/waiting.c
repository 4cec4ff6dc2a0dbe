/* Keys with their last values, in a table of their own: what is on its way into the file. */
#include "state/snapshot_int.h"

size_t waiting_memory(const struct waiting *w)
{
    return w->account.held + w->slab.used;
}

void waiting_clear(struct waiting *w)
{
    table_free(&w->table, &w->slab, &w->account);
    slab_clear(&w->slab);
    *w = (struct waiting){0};
    table_init(&w->table, sizeof(struct entry));
}

bool waiting_put(struct waiting *w, struct str key, struct str value)
{
    uint64_t hash = key_hash(key);
    struct entry *e = table_find(&w->table, key, hash);
    if (!e && !(e = table_add(&w->table, key, hash, &w->slab, &w->account)))
        return false;
    if (e->var && (!value.p || slab_room(e->var_len) != slab_room(value.len))) {
        slab_free(&w->slab, e->var, e->var_len);
        e->var = NULL;
        e->var_len = 0;
    }
    e->flags = value.p ? 0 : ENTRY_DEAD;
    if (!value.p)
        return true;
    if (!e->var && !(e->var = slab_alloc(&w->slab, value.len)))
        return false;
    memcpy(e->var, value.p, value.len);
    e->var_len = value.len;
    return true;
}

const struct entry *waiting_value(const struct snapshot *sn, struct str key)
{
    uint64_t hash = key_hash(key);
    const struct entry *e = table_find(&sn->removed.table, key, hash);
    return e ? e : table_find(&sn->folding.table, key, hash);
}

void waiting_forget(struct waiting *w, struct str key)
{
    struct entry *e = w->table.n_entries ? table_find(&w->table, key, key_hash(key)) : NULL;
    if (e)
        table_erase(&w->table, e, &w->slab, &w->account);
}
