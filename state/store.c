/* Stores: life, entries by key, the list of changes. Windows and sessions are in files of their own. */
#include "state/state_int.h"

enum { MAX_SLICES = 1 << 16 }; /* about; within the retention */

enum status store_create(const struct store_options *options, struct store **out, struct diag *d)
{
    struct store *s = mem_calloc(1, sizeof *s);
    if (!s)
        return diag_nomem(d);
    uint32_t fixed = options->kind == STORE_SESSION ? (uint32_t)sizeof(struct session *) : options->fixed_size;
    s->options = *options;
    s->stride = (uint32_t)((sizeof(struct entry) + fixed + 15) & ~(size_t)15);
    s->marks = s->written = (struct store_marks){INT64_MIN, INT64_MIN, INT64_MIN, 0};
    s->bucket_width = options->gap / 64 > 0 ? options->gap / 64 : 1;
    s->slice_width = options->retention / MAX_SLICES > options->gap ? options->retention / MAX_SLICES : options->gap;
    s->slice_width += s->slice_width == 0;
    s->expired = s->cold_end = INT64_MIN;
    table_init(&s->table, s->stride);
    *out = s;
    return STATUS_OK;
}

void store_destroy(struct store *s)
{
    if (!s)
        return;
    sessions_free(s);
    windows_free(s);
    table_free(&s->table, &s->slab, &s->account);
    for (uint32_t i = 0; i < s->n_changes; i++)
        if (s->changes[i].old_fixed)
            slab_free(&s->slab, (char *)(uintptr_t)s->changes[i].old_fixed,
                      (size_t)s->options.fixed_size + s->changes[i].old_var_len);
    slab_clear(&s->slab);
    mem_free(s->changes);
    mem_free(s->filter);
    mem_free(s);
}

const char *store_name(const struct store *s)
{
    return s->options.name;
}

enum store_kind store_kind(const struct store *s)
{
    return s->options.kind;
}

uint32_t store_fixed_size(const struct store *s)
{
    return s->options.fixed_size;
}

size_t store_memory(const struct store *s)
{
    return sizeof *s + s->account.held + s->slab.used + (size_t)s->cap_changes * sizeof *s->changes +
           (s->filter ? (s->filter_mask + 1) / 8 : 0);
}

size_t store_slack(const struct store *s)
{
    return s->account.slack + s->slab.freed;
}

uint64_t store_count(const struct store *s)
{
    if (s->options.kind == STORE_SESSION)
        return s->n_sessions;
    uint64_t n = s->table.n_live;
    for (uint32_t i = s->windows.first; i < s->windows.end; i++)
        n += ((const struct window *)s->windows.items[i])->table.n_live;
    return n;
}

struct store_marks *store_marks(struct store *s)
{
    return &s->marks;
}

int64_t store_horizon(const struct store *s)
{
    if (s->options.kind == STORE_KEYED || s->marks.time == INT64_MIN)
        return INT64_MIN;
    return s->marks.time - s->options.retention + (s->options.kind == STORE_SESSION);
}

struct table *store_table(struct store *s)
{
    return &s->table;
}

struct table *store_window(struct store *s, int64_t start, bool create)
{
    struct window *w = window_get(s, start, create);
    return w ? &w->table : NULL;
}

/* ---- entries ------------------------------------------------------------------------------------------ */

static bool may_be_cold(const struct store *s, struct table *t, uint64_t hash)
{
    return s->cold && (s->options.kind != STORE_WINDOWED || window_of(t)->cold) && filter_has(s, hash);
}

struct entry *store_get(struct store *s, struct table *t, int64_t start, struct str key, uint64_t hash)
{
    struct entry *e = table_find(t, key, hash);
    if (!e && may_be_cold(s, t, hash))
        e = cold_entry(s, t, start, key, hash);
    if (!e || (e->flags & ENTRY_DEAD))
        return NULL;
    e->flags |= ENTRY_USED;
    return e;
}

bool store_get_old(struct store *s, struct table *t, int64_t start, struct str key, uint64_t hash,
                   struct old_entry *out)
{
    const struct entry *e = table_find(t, key, hash);
    if (e && e->dirty) {
        const struct change *c = &s->changes[e->dirty - 1];
        *out = (struct old_entry){c->old_ts, str_make(c->old_var, c->old_var_len)};
        return c->existed;
    }
    e = store_get(s, t, start, key, hash);
    if (e)
        *out = (struct old_entry){e->ts, str_make(e->var, e->var_len)};
    return e != NULL;
}

/* A dead entry as good as new: it keeps its place in the list of changes. */
struct entry *entry_revive(struct store *s, struct entry *e)
{
    e->flags = (e->flags & ~(uint32_t)ENTRY_DEAD) | ENTRY_USED;
    e->ts = 0;
    memset(e->fixed, 0, s->options.fixed_size);
    s->n_dead--;
    return e;
}

struct entry *store_put(struct store *s, struct table *t, int64_t start, struct str key, uint64_t hash, bool *created)
{
    struct entry *e = table_find(t, key, hash);
    if (!e && may_be_cold(s, t, hash))
        e = cold_entry(s, t, start, key, hash);
    *created = !e || (e->flags & ENTRY_DEAD);
    if (!e) {
        e = table_add(t, key, hash, &s->slab, &s->account);
        if (e)
            e->flags |= ENTRY_USED;
        return e;
    }
    if (*created) {
        t->n_live++;
        return entry_revive(s, e);
    }
    e->flags |= ENTRY_USED;
    return e;
}

bool store_set_var(struct store *s, struct entry *e, const void *p, uint32_t len)
{
    if (!e->var || slab_room(e->var_len) != slab_room(len)) {
        char *room = len ? slab_alloc(&s->slab, len) : NULL;
        if (len && !room)
            return false;
        if (e->var)
            slab_free(&s->slab, e->var, e->var_len);
        e->var = room;
    }
    if (len)
        memcpy(e->var, p, len);
    e->var_len = len;
    return true;
}

bool store_append_var(struct store *s, struct entry *e, const void *p, uint32_t len)
{
    uint32_t whole = e->var_len + len;
    if (len == 0)
        return true;
    if (!e->var || slab_room(e->var_len) != slab_room(whole)) {
        char *room = slab_alloc(&s->slab, whole);
        if (!room)
            return false;
        if (e->var) {
            memcpy(room, e->var, e->var_len);
            slab_free(&s->slab, e->var, e->var_len);
        }
        e->var = room;
    }
    memcpy(e->var + e->var_len, p, len);
    e->var_len = whole;
    return true;
}

static void bury(struct store *s, struct entry *e)
{
    store_set_var(s, e, NULL, 0);
    e->flags |= ENTRY_DEAD;
    s->n_dead++;
}

bool store_remove(struct store *s, struct table *t, int64_t start, struct entry *e)
{
    if (!store_touch(s, t, start, e, true))
        return false;
    t->n_live--;
    bury(s, e);
    return true;
}

/* ---- changes ------------------------------------------------------------------------------------------ */

static bool keep_old(struct store *s, struct change *c)
{
    const struct entry *e = c->entry;
    size_t size = (size_t)s->options.fixed_size + e->var_len;
    char *old = slab_alloc(&s->slab, size);
    if (!old)
        return false;
    memcpy(old, e->fixed, s->options.fixed_size);
    if (e->var_len)
        memcpy(old + s->options.fixed_size, e->var, e->var_len);
    c->old_fixed = old;
    c->old_var = old + s->options.fixed_size;
    c->old_var_len = e->var_len;
    return true;
}

static bool add_change(struct store *s, struct change c)
{
    if (s->n_changes == s->cap_changes) {
        uint32_t cap = s->cap_changes ? s->cap_changes * 2 : 16;
        struct change *grown = mem_realloc(s->changes, (size_t)cap * sizeof *grown);
        if (!grown)
            return false;
        s->changes = grown;
        s->cap_changes = cap;
    }
    c.old_ts = c.entry->ts;
    if (s->options.keep_old && c.existed && !keep_old(s, &c))
        return false;
    s->changes[s->n_changes++] = c;
    c.entry->dirty = s->n_changes;
    return true;
}

bool store_touch(struct store *s, struct table *t, int64_t start, struct entry *e, bool existed)
{
    if (e->dirty)
        return true;
    return add_change(s, (struct change){.entry = e, .table = t, .start = start, .existed = existed});
}

bool store_touch_session(struct store *s, struct session *session, bool existed)
{
    if (session->entry.dirty)
        return true;
    return add_change(
        s, (struct change){.entry = &session->entry, .start = session->start, .end = session->end, .existed = existed});
}

bool store_remove_session(struct store *s, struct session *session)
{
    if (!store_touch_session(s, session, true))
        return false;
    s->n_sessions--;
    bury(s, &session->entry);
    return true;
}

uint32_t store_changes(const struct store *s)
{
    return s->n_changes;
}

const struct change *store_change(const struct store *s, uint32_t i)
{
    return &s->changes[i];
}

void store_clear_changes(struct store *s)
{
    for (uint32_t i = 0; i < s->n_changes; i++) {
        struct change *c = &s->changes[i];
        if (c->old_fixed)
            slab_free(&s->slab, (char *)(uintptr_t)c->old_fixed, (size_t)s->options.fixed_size + c->old_var_len);
        c->entry->dirty = 0;
        if (!(c->entry->flags & ENTRY_DEAD)) {
            if (s->snapshot)
                mark_unfolded(s, c->table, c->entry);
            continue;
        }
        if (s->snapshot && c->existed)
            mark_removed(s, c->start, c->end, entry_key(c->entry));
        s->n_dead--;
        if (c->table)
            table_erase(c->table, c->entry, &s->slab, &s->account);
        else
            session_erase(s, session_of(c->entry));
    }
    s->n_changes = 0;
    if (s->cap_changes > 1024) { /* a burst should not stay in the account for ever */
        mem_free(s->changes);
        s->changes = NULL;
        s->cap_changes = 0;
    }
    windows_expire(s);
    sessions_expire(s);
}
