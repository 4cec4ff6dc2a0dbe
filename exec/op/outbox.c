/* The outbox of outbox.h. Offsets become pointers only when the buffer does not grow any more. */
#include "exec/op/outbox.h"

void outbox_free(struct outbox *o)
{
    buf_free(&o->bytes);
    mem_free(o->records);
    mem_free(o->key_at);
    mem_free(o->value_at);
    *o = (struct outbox){0};
}

bool outbox_begin(struct outbox *o, uint32_t n)
{
    o->n = 0;
    o->bytes.len = 0;
    if (n <= o->cap)
        return true;
    outbox_free(o);
    buf_init(&o->bytes, 0);
    o->records = mem_alloc(n * sizeof *o->records);
    o->key_at = mem_alloc(n * sizeof *o->key_at);
    o->value_at = mem_alloc(n * sizeof *o->value_at);
    if (!o->records || !o->key_at || !o->value_at) {
        outbox_free(o);
        return false;
    }
    o->cap = n;
    return true;
}

void outbox_add(struct outbox *o, size_t key_at, size_t key_end, size_t value_at, int64_t ts,
                const struct headers *headers)
{
    o->key_at[o->n] = key_at;
    o->value_at[o->n] = value_at;
    o->records[o->n++] = (struct record){
        .key = {NULL, key_at == SIZE_MAX ? 0 : (uint32_t)(key_end - key_at)},
        .value = {NULL, value_at == SIZE_MAX ? 0 : (uint32_t)(o->bytes.len - value_at)},
        .ts = ts,
        .headers = headers && headers->n ? headers : NULL,
    };
}

enum status outbox_send(struct outbox *o, struct op *op, const char *topic, int32_t partition, struct diag *d)
{
    struct task *t = op->task;
    if (o->bytes.failed)
        return diag_nomem(d);
    if (o->n == 0 || !t->out.append)
        return STATUS_OK;
    const char *base = o->bytes.p ? o->bytes.p : "";
    for (uint32_t i = 0; i < o->n; i++) {
        o->records[i].key.p = o->key_at[i] == SIZE_MAX ? NULL : base + o->key_at[i];
        o->records[i].value.p = o->value_at[i] == SIZE_MAX ? NULL : base + o->value_at[i];
    }
    return t->out.append(t->out.data, topic, partition, o->records, o->n, d);
}
