/* The side of a join by a foreign key that holds who has subscribed to which key. It applies the instructions and hands
 * all of them on to the answer.
 *
 * All subscriptions of a key must be found in order. The store is one of windows that never end, and the windows are
 * buckets of foreign keys, by hash. An entry's key is the length of the foreign key (4 bytes, big-endian), the foreign
 * key, and the left key as serialised, so that a bucket in order has a key's subscriptions together and in theirs. Its
 * fixed part is what the answer gives back; its variable part is the left key's columns as ROW bytes. */
#include "exec/op/foreign_key.h"

#include "exec/key.h"
#include "exec/op/repartition.h"
#include "formats/row.h"

enum { BUCKETS = 1 << 14, LENGTH_BYTES = 4 };

struct fixed {
    int64_t hash;
    int32_t partition;
};

struct subscriptions {
    struct encoder *left_key; /* in the format in which it is shown */
    struct buf key, row;
    uint32_t n_left;
};

static enum status side_open(struct op *op, struct diag *d)
{
    const struct step *step = op->step, *sink = op->parent->parent ? op->parent->parent->step : NULL;
    struct subscriptions *s = ARENA_NEW(&op->task->arena, struct subscriptions);
    op->state = s;
    if (!s)
        return diag_nomem(d);
    buf_init(&s->key, 0);
    buf_init(&s->row, 0);
    s->n_left = step->schema.n_keys;
    if (!sink || sink->kind != STEP_REPARTITION_SINK)
        return diag_set(d, STATUS_INVALID, "The answers of a join do not go to its left side");
    const struct format_spec key = repartition_key_format(sink);
    enum status st = encoder_create(&key, step->schema.columns, s->n_left, &s->left_key, d);
    if (st != STATUS_OK)
        return st;
    return op_store(op,
                    (struct store_options){.name = join_side_store(step, op->port),
                                           .kind = STORE_WINDOWED,
                                           .fixed_size = sizeof(struct fixed),
                                           .retention = INT64_MAX},
                    d);
}

static void side_close(struct op *op)
{
    struct subscriptions *s = op->state;
    if (s->left_key)
        encoder_destroy(s->left_key);
    buf_free(&s->key);
    buf_free(&s->row);
}

/* ---- entries ---------------------------------------------------------------------------------------------------- */

static int64_t bucket_of(uint64_t hash)
{
    return (int64_t)(hash & (BUCKETS - 1));
}

static void put_foreign_key(struct buf *out, struct str key)
{
    uint32_t length = __builtin_bswap32(key.len);
    buf_put(out, &length, LENGTH_BYTES);
    buf_puts(out, key);
}

static bool put_subscription(struct op *op, struct table *t, int64_t bucket, struct entry *e, bool existed,
                             const struct batch *b, uint32_t row)
{
    struct subscriptions *s = op->state;
    uint32_t n_keys = op->step->inputs[op->port]->schema.n_keys;
    struct fixed *fixed = (struct fixed *)(void *)e->fixed;
    s->row.len = 0;
    row_put_columns(&s->row, b->columns + n_keys, s->n_left, row);
    if (s->row.failed || !store_touch(op->store, t, bucket, e, existed) ||
        !store_set_var(op->store, e, s->row.p, (uint32_t)s->row.len))
        return false;
    *fixed = (struct fixed){.hash = column_from_end(b, SUBSCRIPTION_HASH)->i64[row],
                            .partition = column_from_end(b, SUBSCRIPTION_PARTITION)->i32[row]};
    e->ts = b->ts[row];
    return true;
}

static enum status apply(struct op *op, const struct batch *b, uint32_t row, struct str foreign_key, uint64_t hash,
                         struct diag *d)
{
    struct subscriptions *s = op->state;
    uint32_t n_keys = op->step->inputs[op->port]->schema.n_keys;
    int32_t instruction = column_from_end(b, SUBSCRIPTION_INSTRUCTION)->i32[row];
    bool ends = instruction == UNSUBSCRIBE || instruction == UNSUBSCRIBE_AND_ANSWER, is_null, created;
    int64_t bucket = bucket_of(hash);
    s->key.len = 0;
    put_foreign_key(&s->key, foreign_key);
    enum status st = encode(s->left_key, b->columns + n_keys, row, &s->key, &is_null, d);
    if (st != STATUS_OK)
        return st == STATUS_DATA ? STATUS_RUNTIME : st;
    struct table *t = store_window(op->store, bucket, !ends);
    if (!t && ends)
        return STATUS_OK;
    if (!t || s->key.failed)
        return diag_nomem(d);
    uint64_t own_hash = key_hash(buf_str(&s->key));
    struct entry *e;
    if (ends) {
        e = store_get(op->store, t, bucket, buf_str(&s->key), own_hash);
        return !e || store_remove(op->store, t, bucket, e) ? STATUS_OK : diag_nomem(d);
    }
    e = store_put(op->store, t, bucket, buf_str(&s->key), own_hash, &created);
    return e && put_subscription(op, t, bucket, e, !created, b, row) ? STATUS_OK : diag_nomem(d);
}

static enum status side_push(struct op *op, uint32_t port, struct batch *b, struct diag *d)
{
    const struct schema *schema = &op->step->inputs[op->port]->schema;
    struct str *keys;
    uint64_t *hashes;
    (void)port;
    if (keys_encode(schema->columns, schema->n_keys, b, &b->arena, &keys, &hashes) != STATUS_OK)
        return diag_nomem(d);
    BATCH_EACH (b, i, row) {
        enum status st = keys[i].p ? apply(op, b, row, keys[i], hashes[i], d) : STATUS_OK;
        if (st != STATUS_OK)
            return st;
    }
    return op_emit(op, b, d);
}

/* ---- looking up ------------------------------------------------------------------------------------------------- */

enum status subscriptions_find(struct op *side, struct str key, uint64_t hash, struct arena *a,
                               struct subscription **out, size_t *n, struct diag *d)
{
    struct subscriptions *s = side->state;
    struct entry_ref *refs;
    size_t n_refs;
    *n = 0;
    enum status st = store_collect(side->store, bucket_of(hash), bucket_of(hash), a, &refs, &n_refs, d);
    if (st != STATUS_OK)
        return st;
    s->key.len = 0;
    put_foreign_key(&s->key, key);
    *out = ARENA_ARRAY(a, struct subscription, n_refs + 1);
    if (s->key.failed || !*out)
        return diag_nomem(d);
    for (size_t i = 0; i < n_refs; i++) {
        const struct entry *e = refs[i].entry;
        const struct fixed *fixed = (const struct fixed *)(const void *)e->fixed;
        if (str_starts(entry_key(e), buf_str(&s->key)))
            (*out)[(*n)++] = (struct subscription){e, fixed->hash, fixed->partition};
    }
    return STATUS_OK;
}

bool subscription_key(const struct subscription *s, struct column *columns, uint32_t n_keys, uint32_t row,
                      struct arena *a)
{
    struct str bytes = str_make(arena_dup(a, s->entry->var, s->entry->var_len), s->entry->var_len);
    struct row_cursor cursor = row_cursor(bytes);
    return bytes.p && row_get_columns(&cursor, columns, n_keys, row, a);
}

const struct op_def op_subscriptions = {
    .name = "subscriptions",
    .before = BEFORE_UNUSED,
    .open = side_open,
    .push = side_push,
    .flush = op_flush_store,
    .close = side_close,
};
