/* A set of values: open addressing, never more than half full. */
#include "functions/value_set.h"

bool value_set_init(struct value_set *s, struct arena *a, uint32_t room)
{
    uint32_t n_slots = 8;
    if (room > UINT32_MAX / 4)
        return false;
    while (n_slots < room * 2)
        n_slots *= 2;
    *s = (struct value_set){.items = ARENA_ARRAY(a, const struct value *, room),
                            .slots = ARENA_ARRAY(a, uint32_t, n_slots),
                            .mask = n_slots - 1};
    return s->items && s->slots;
}

/* The slot that holds the value, or the free one where it would go. */
static uint32_t find(const struct value_set *s, const struct value *v)
{
    uint32_t slot = (uint32_t)value_hash(v) & s->mask;
    while (s->slots[slot] && !value_eq(s->items[s->slots[slot] - 1], v))
        slot = (slot + 1) & s->mask;
    return slot;
}

bool value_set_has(const struct value_set *s, const struct value *v)
{
    return s->slots[find(s, v)] != 0;
}

bool value_set_add(struct value_set *s, const struct value *v)
{
    uint32_t slot = find(s, v);
    if (s->slots[slot])
        return false;
    s->items[s->n++] = v;
    s->slots[slot] = s->n;
    return true;
}

int64_t value_set_index(const struct value_set *s, const struct value *v)
{
    return (int64_t)s->slots[find(s, v)] - 1;
}
