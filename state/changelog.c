/* The changelog of a store: changes to records and back. The layout is in state.h. */
#include "state/state_int.h"

enum { CHUNK = 512, KIND_MARKS = 0, KIND_ENTRY = 1, MARKS_SIZE = 32 };

static void change_key(struct buf *out, const struct store *s, int64_t start, int64_t end, struct str key)
{
    buf_putc(out, KIND_ENTRY);
    if (s->options.kind == STORE_SESSION)
        put_be64(out, end);
    if (s->options.kind != STORE_KEYED)
        put_be64(out, start);
    buf_puts(out, key);
}

void entry_value(struct buf *out, const struct store *s, const struct entry *e)
{
    buf_put(out, &e->ts, sizeof e->ts);
    buf_put(out, e->fixed, s->options.fixed_size);
    buf_put(out, e->var, e->var_len);
}

bool entry_load(struct store *s, struct entry *e, struct str value)
{
    uint32_t fixed = s->options.fixed_size;
    memcpy(&e->ts, value.p, sizeof e->ts);
    memcpy(e->fixed, value.p + sizeof e->ts, fixed);
    uint32_t head = (uint32_t)sizeof e->ts + fixed;
    return store_set_var(s, e, value.p + head, value.len - head);
}

/* ---- writing ------------------------------------------------------------------------------------------ */

struct pending {
    struct buf bytes;
    struct record records[CHUNK];
    size_t key_at[CHUNK], value_at[CHUNK];
    size_t n;
    changelog_append append;
    void *data;
};

static enum status send(struct pending *p, struct diag *d)
{
    if (p->bytes.failed)
        return diag_nomem(d);
    for (size_t i = 0; i < p->n; i++) {
        p->records[i].key.p = p->bytes.p + p->key_at[i];
        if (p->value_at[i] != SIZE_MAX)
            p->records[i].value.p = p->bytes.p + p->value_at[i];
    }
    enum status st = p->n ? p->append(p->data, p->records, p->n, d) : STATUS_OK;
    p->n = 0;
    p->bytes.len = 0;
    return st;
}

static void finish_record(struct pending *p, size_t key_at, size_t value_at, int64_t ts)
{
    size_t key_end = value_at == SIZE_MAX ? p->bytes.len : value_at;
    p->key_at[p->n] = key_at;
    p->value_at[p->n] = value_at;
    p->records[p->n++] = (struct record){
        .key = {NULL, (uint32_t)(key_end - key_at)},
        .value = {NULL, value_at == SIZE_MAX ? 0 : (uint32_t)(p->bytes.len - value_at)},
        .ts = ts < 0 ? 0 : ts,
    };
}

static void add_change(struct pending *p, const struct store *s, const struct change *c)
{
    size_t key_at = p->bytes.len, value_at = SIZE_MAX;
    change_key(&p->bytes, s, c->start, c->end, entry_key(c->entry));
    if (!(c->entry->flags & ENTRY_DEAD)) {
        value_at = p->bytes.len;
        entry_value(&p->bytes, s, c->entry);
    }
    finish_record(p, key_at, value_at, c->entry->ts);
}

void marks_value(struct buf *out, const struct store_marks *m)
{
    buf_put(out, &m->time, sizeof m->time);
    buf_put(out, &m->observed, sizeof m->observed);
    buf_put(out, &m->closed, sizeof m->closed);
    buf_put(out, &m->seq, sizeof m->seq);
}

static void add_marks(struct pending *p, const struct store_marks *m)
{
    size_t key_at = p->bytes.len;
    buf_putc(&p->bytes, KIND_MARKS);
    size_t value_at = p->bytes.len;
    marks_value(&p->bytes, m);
    finish_record(p, key_at, value_at, m->observed);
}

enum status store_write_changes(struct store *s, changelog_append append, void *data, struct diag *d)
{
    bool moved = memcmp(&s->marks, &s->written, sizeof s->marks) != 0;
    if (s->n_changes == 0 && !moved)
        return STATUS_OK;
    struct pending *p = mem_calloc(1, sizeof *p);
    if (!p)
        return diag_nomem(d);
    enum status st = STATUS_OK;
    p->append = append;
    p->data = data;
    for (uint32_t i = 0; i < s->n_changes; i++) {
        if (!change_counts(&s->changes[i]))
            continue;
        add_change(p, s, &s->changes[i]);
        if (p->n == CHUNK)
            TRY(send(p, d));
    }
    if (moved)
        add_marks(p, &s->marks);
    TRY(send(p, d));
    s->written = s->marks;
done:
    buf_free(&p->bytes);
    mem_free(p);
    return st;
}

/* ---- reading ------------------------------------------------------------------------------------------ */

static enum status not_ours(const struct store *s, struct diag *d)
{
    return diag_set(d, STATUS_DATA, "The changelog of %s holds a record that is not of this store", s->options.name);
}

static bool restore_session(struct store *s, struct str key, int64_t start, int64_t end, struct str value)
{
    uint64_t hash = key_hash(key);
    struct session *session = session_find(s, key, hash, start, end);
    if (!value.p) {
        if (session) {
            s->n_sessions--;
            session_erase(s, session);
        }
        return true;
    }
    if (end > s->marks.time)
        s->marks.time = end;
    if (!session)
        session = session_add(s, key, hash, start, end);
    if (!session || !entry_load(s, &session->entry, value))
        return false;
    mark_unfolded(s, NULL, &session->entry);
    return true;
}

static bool restore_in_table(struct store *s, struct table *t, struct str key, struct str value)
{
    uint64_t hash = key_hash(key);
    struct entry *e = table_find(t, key, hash);
    if (!value.p) {
        if (e)
            table_erase(t, e, &s->slab, &s->account);
        return true;
    }
    if (!e)
        e = table_add(t, key, hash, &s->slab, &s->account);
    if (!e || !entry_load(s, e, value))
        return false;
    mark_unfolded(s, t, e);
    return true;
}

static bool change_key_parse(const struct store *s, struct str key, int64_t *start, int64_t *end, struct str *user_key)
{
    uint32_t head = 1 + (s->options.kind == STORE_KEYED ? 0 : s->options.kind == STORE_WINDOWED ? 8 : 16);
    if (key.len < head || key.p[0] != KIND_ENTRY)
        return false;
    *start = *end = 0;
    if (s->options.kind == STORE_SESSION)
        *end = get_be64(key.p + 1);
    if (s->options.kind != STORE_KEYED)
        *start = get_be64(key.p + head - 8);
    *user_key = str_make(key.p + head, key.len - head);
    return true;
}

bool marks_load(struct store *s, struct str value)
{
    if (value.len != MARKS_SIZE)
        return false;
    memcpy(&s->marks.time, value.p, sizeof(int64_t));
    memcpy(&s->marks.observed, value.p + 8, sizeof(int64_t));
    memcpy(&s->marks.closed, value.p + 16, sizeof(int64_t));
    memcpy(&s->marks.seq, value.p + 24, sizeof(int64_t));
    s->written = s->marks;
    return true;
}

enum status restore_entry(struct store *s, int64_t start, int64_t end, struct str key, struct str value, struct diag *d)
{
    bool ok = true;
    if (value.p && value.len < 8 + s->options.fixed_size)
        return not_ours(s, d);
    if (!value.p)
        mark_removed(s, start, end, key);
    if (s->options.kind == STORE_KEYED) {
        ok = restore_in_table(s, &s->table, key, value);
    } else if (s->options.kind == STORE_WINDOWED) {
        if (start < store_horizon(s))
            return STATUS_OK;
        struct window *w = window_get(s, start, true);
        ok = w && restore_in_table(s, &w->table, key, value);
    } else {
        ok = restore_session(s, key, start, end, value);
    }
    return ok ? STATUS_OK : diag_nomem(d);
}

static enum status restore_record(struct store *s, const struct record *r, struct diag *d)
{
    int64_t start, end;
    struct str key;
    if (r->key.len == 1 && r->key.p[0] == KIND_MARKS && marks_load(s, r->value))
        return STATUS_OK;
    return change_key_parse(s, r->key, &start, &end, &key) ? restore_entry(s, start, end, key, r->value, d)
                                                           : not_ours(s, d);
}

enum status store_restore(struct store *s, const struct record *records, size_t n, struct diag *d)
{
    for (size_t i = 0; i < n; i++) {
        enum status st = restore_record(s, &records[i], d);
        if (st != STATUS_OK)
            return st;
    }
    windows_expire(s);
    sessions_expire(s);
    return STATUS_OK;
}
