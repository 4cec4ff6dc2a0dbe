/* See superseded.h. */
#include "topics/embedded/superseded.h"

#include <unistd.h>
#include <xxhash.h>

struct key_slot {
    uint64_t low, high; /* both 0: free */
    uint64_t at;        /* of the last note of the key; + 1 as there, until the key comes again */
};
struct key_table { /* of the keys of one class: a power of two of classes, by bits of the hash */
    struct key_slot *slots;
    uint64_t mask;
    uint64_t n_keys, most_keys;
    uint64_t class, n_classes;
};

/* ---- marks -------------------------------------------------------------------------------------------- */

bool marks_start(struct marks *m, int64_t from, int64_t n_bits)
{
    size_t words = ((size_t)n_bits + 63) / 64;
    if (!m->bits || m->n_bits != n_bits) {
        mem_free(m->bits);
        m->bits = mem_alloc((words ? words : 1) * sizeof *m->bits);
    }
    if (!m->bits)
        return false;
    memset(m->bits, 0, words * sizeof *m->bits);
    m->from = from;
    m->n_bits = n_bits;
    m->next = INT64_MAX;
    return true;
}

void marks_clear(struct marks *m)
{
    mem_free(m->bits);
    *m = (struct marks){0};
}

static void mark(struct marks *m, int64_t offset)
{
    if (offset < m->from)
        return;
    uint64_t i = (uint64_t)(offset - m->from);
    if (i < (uint64_t)m->n_bits)
        m->bits[i / 64] |= (uint64_t)1 << i % 64;
    else if (offset < m->next)
        m->next = offset;
}

int64_t marks_count(const struct marks *m, int64_t first, int64_t last)
{
    int64_t n = 0;
    int64_t i = first > m->from ? first - m->from : 0, end = last - m->from + 1;
    if (end > m->n_bits)
        end = m->n_bits;
    while (i < end) {
        int64_t in_word = 64 - i % 64 < end - i ? 64 - i % 64 : end - i;
        uint64_t word = m->bits[i / 64] >> i % 64;
        if (in_word < 64)
            word &= ((uint64_t)1 << in_word) - 1;
        n += __builtin_popcountll(word);
        i += in_word;
    }
    return n;
}

/* ---- notes -------------------------------------------------------------------------------------------- */

void notes_init(struct notes *n, struct embedded *log)
{
    *n = (struct notes){.log = log, .fd = -1};
}

void notes_clear(struct notes *n)
{
    for (int i = 0; i < NOTE_BUCKETS; i++)
        mem_free(n->buckets[i].block);
    if (n->fd >= 0)
        close(n->fd);
    notes_init(n, n->log);
}

static enum status write_block(struct notes *n, struct note_block *block, struct diag *d)
{
    enum status st = n->fd < 0 ? nameless_open(n->log, &n->fd, d) : STATUS_OK;
    if (st == STATUS_OK)
        st = nameless_write(n->log, n->fd, block, sizeof *block, n->n_blocks * (int64_t)sizeof *block, d);
    if (st == STATUS_OK)
        block->previous = n->n_blocks++;
    return st;
}

enum status notes_add(struct notes *n, struct str key, int64_t offset, bool may_go, struct diag *d)
{
    XXH128_hash_t h = XXH3_128bits(key.p, key.len);
    struct note_bucket *b = &n->buckets[h.high64 % NOTE_BUCKETS];
    if (!b->block) {
        b->block = mem_alloc(sizeof *b->block);
        if (!b->block)
            return diag_nomem(d);
        b->block->previous = -1;
    } else if (b->n % NOTE_BLOCK == 0) {
        enum status st = write_block(n, b->block, d);
        if (st != STATUS_OK)
            return st;
    }
    b->block->notes[b->n++ % NOTE_BLOCK] =
        (struct key_note){h.low64 | h.high64 ? h.low64 : 1, h.high64, (uint64_t)offset * 2 + may_go};
    return STATUS_OK;
}

/* ---- finding ------------------------------------------------------------------------------------------ */

static bool is_free(const struct key_slot *s)
{
    return (s->low | s->high) == 0;
}

static struct key_slot *table_find(const struct key_table *t, const struct key_note *note)
{
    for (uint64_t i = note->low & t->mask;; i = (i + 1) & t->mask) {
        struct key_slot *s = &t->slots[i];
        if (is_free(s) || (s->low == note->low && s->high == note->high))
            return s;
    }
}

/* A key for which there is no room is left alone: all of its records stay. */
static void look_at(struct key_table *t, const struct key_note *note, struct marks *m)
{
    if ((note->low >> 32 & (t->n_classes - 1)) != t->class)
        return;
    struct key_slot *s = table_find(t, note);
    if (!is_free(s) && note->at / 2 < s->at / 2) {
        s->at &= ~(uint64_t)1;
        mark(m, (int64_t)(note->at / 2));
    } else if (is_free(s) && t->n_keys < t->most_keys) {
        *s = (struct key_slot){note->low, note->high, note->at};
        t->n_keys++;
    }
}

static enum status mark_class(const struct notes *n, const struct note_bucket *b, struct key_table *t,
                              struct note_block *scratch, struct marks *m, struct diag *d)
{
    const struct note_block *block = b->block;
    uint64_t left = (b->n - 1) % NOTE_BLOCK + 1;
    enum status st = STATUS_OK;
    memset(t->slots, 0, (t->mask + 1) * sizeof *t->slots);
    t->n_keys = 0;
    for (;;) {
        while (left)
            look_at(t, &block->notes[--left], m);
        if (block->previous < 0)
            break;
        st = nameless_read(n->log, n->fd, scratch, sizeof *scratch, block->previous * (int64_t)sizeof *scratch, d);
        if (st != STATUS_OK)
            return st;
        block = scratch;
        left = NOTE_BLOCK;
    }
    for (uint64_t i = 0; i <= t->mask; i++)
        if (t->slots[i].at & 1)
            mark(m, (int64_t)(t->slots[i].at / 2));
    return st;
}

/* The table is at most half full on the average, so that a class of some size cannot need more than 7/8. */
enum status notes_mark(const struct notes *n, int bucket, struct marks *m, struct diag *d)
{
    const struct note_bucket *b = &n->buckets[bucket];
    struct key_table t = {.n_classes = 1};
    uint64_t n_slots = 64;
    enum status st = STATUS_OK;
    if (b->n == 0)
        return STATUS_OK;
    while (n_slots < b->n * 2 && n_slots < n->log->compact_slots)
        n_slots *= 2;
    while (n_slots * t.n_classes < b->n * 2)
        t.n_classes *= 2;
    t.mask = n_slots - 1;
    t.most_keys = n_slots / 8 * 7;
    t.slots = mem_alloc(n_slots * sizeof *t.slots);
    struct note_block *scratch = mem_alloc(sizeof *scratch);
    if (!t.slots || !scratch)
        st = diag_nomem(d);
    for (; st == STATUS_OK && t.class < t.n_classes; t.class ++)
        st = mark_class(n, b, &t, scratch, m, d);
    mem_free(scratch);
    mem_free(t.slots);
    return st;
}
