/* Batches: life cycle, owners, columns.
 *
 * A dropped batch goes, with one block of its arena, to a short list of the thread, from which the next one is made: in
 * steady state a batch costs no call of the allocator. The list is bounded in number and bytes and dies with the
 * thread. */
#include "batch.h"

#include <assert.h>
#include <pthread.h>

enum { POOL_BATCHES = 16, POOL_BYTES = 4 << 20 };

struct batch_owner {
    struct batch_owner *next;
    void *thing;
    void (*drop)(void *);
};

struct pool {
    uint32_t n;
    size_t bytes;
    bool registered; /* its end is bound to the end of the thread */
    struct batch *batches[POOL_BATCHES];
};

static _Thread_local struct pool pool;
static pthread_key_t pool_key;
static bool pool_key_exists;
static pthread_once_t pool_once = PTHREAD_ONCE_INIT;

static void pool_clear(void *p)
{
    struct pool *of_thread = p;
    while (of_thread->n > 0) {
        struct batch *b = of_thread->batches[--of_thread->n];
        arena_free(&b->arena);
        mem_free(b);
    }
    of_thread->bytes = 0;
    of_thread->registered = false;
}

static void pool_create_key(void)
{
    pool_key_exists = pthread_key_create(&pool_key, pool_clear) == 0;
}

static bool pool_register(void)
{
    pthread_once(&pool_once, pool_create_key);
    pool.registered = pool_key_exists && pthread_setspecific(pool_key, &pool) == 0;
    return pool.registered;
}

static struct batch *pool_take(void)
{
    if (pool.n == 0)
        return NULL;
    struct batch *b = pool.batches[--pool.n];
    pool.bytes -= b->arena.used;
    return b;
}

static bool pool_put(struct batch *b)
{
    if (pool.n == POOL_BATCHES || (!pool.registered && !pool_register()))
        return false;
    arena_clear(&b->arena);
    if (pool.bytes + b->arena.used > POOL_BYTES)
        return false;
    pool.bytes += b->arena.used;
    pool.batches[pool.n++] = b;
    return true;
}

struct batch *batch_create(uint32_t n_columns)
{
    struct batch *b = pool_take();
    if (!b) {
        b = mem_alloc(sizeof *b);
        if (!b)
            return NULL;
        arena_init(&b->arena, 0);
    }
    *b = (struct batch){.refs = 1, .n_columns = n_columns, .arena = b->arena};
    b->columns = ARENA_ARRAY(&b->arena, struct column, n_columns);
    if (b->columns)
        return b;
    batch_drop(b);
    return NULL;
}

struct batch *batch_keep(struct batch *b)
{
    b->refs++;
    return b;
}

void batch_drop(void *batch)
{
    struct batch *b = batch;
    if (!b || --b->refs > 0)
        return;
    assert(b->refs == 0);
    for (struct batch_owner *owner = b->owners, *next; owner; owner = next) {
        next = owner->next;
        owner->drop(owner->thing);
    }
    if (!pool_put(b)) {
        arena_free(&b->arena);
        mem_free(b);
    }
}

bool batch_own(struct batch *b, void *thing, void (*drop)(void *))
{
    struct batch_owner *owner = arena_alloc(&b->arena, sizeof *owner);
    if (!owner) {
        drop(thing);
        return false;
    }
    *owner = (struct batch_owner){.next = b->owners, .thing = thing, .drop = drop};
    b->owners = owner;
    return true;
}

struct batch *batch_derive(struct batch *parent, uint32_t n_columns)
{
    struct batch *b = batch_create(n_columns);
    if (!b || !batch_own(b, batch_keep(parent), batch_drop)) {
        batch_drop(b);
        return NULL;
    }
    b->n_rows = parent->n_rows;
    b->n_selected = parent->n_selected;
    b->selection = parent->selection;
    b->ts = parent->ts;
    b->window_start = parent->window_start;
    b->window_end = parent->window_end;
    b->kinds = parent->kinds;
    b->null_value = parent->null_value;
    b->null_key = parent->null_key;
    b->partition = parent->partition;
    b->offset = parent->offset;
    b->headers = parent->headers;
    return b;
}

size_t type_cell_size(enum type_kind kind)
{
    switch (kind) {
    case KIND_NULL:
    case KIND_BOOLEAN:
        return sizeof(uint8_t);
    case KIND_INT:
    case KIND_DATE:
    case KIND_TIME:
        return sizeof(int32_t);
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        return sizeof(int64_t);
    case KIND_DOUBLE:
        return sizeof(double);
    case KIND_DECIMAL:
        return sizeof(int128);
    case KIND_STRING:
    case KIND_BYTES:
    case KIND_UNIT:
        return sizeof(struct str);
    case KIND_ARRAY:
    case KIND_MAP:
    case KIND_STRUCT:
    case KIND_LAMBDA:
        return sizeof(void *);
    }
    return 0;
}

bool column_init(struct column *c, const struct type *type, uint32_t rows, bool nullable, struct arena *a)
{
    *c = (struct column){.type = type, .data = arena_alloc(a, (size_t)rows * type_cell_size(type->kind))};
    if (!c->data)
        return false;
    if (!nullable)
        return true;
    size_t size = ((size_t)rows + 63) / 64 * sizeof *c->valid;
    c->valid = arena_alloc(a, size);
    if (!c->valid)
        return false;
    memset(c->valid, 0xFF, size);
    return true;
}

struct value column_get(const struct column *c, uint32_t row)
{
    if (column_is_null(c, row))
        return VALUE_NULL;
    struct value v = {.kind = (uint8_t)c->type->kind};
    switch (c->type->kind) {
    case KIND_NULL:
    case KIND_LAMBDA:
        return VALUE_NULL;
    case KIND_BOOLEAN:
        v.boolean = c->u8[row];
        break;
    case KIND_INT:
    case KIND_DATE:
    case KIND_TIME:
        v.i32 = c->i32[row];
        break;
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        v.i64 = c->i64[row];
        break;
    case KIND_DOUBLE:
        v.f64 = c->f64[row];
        break;
    case KIND_DECIMAL:
        v.decimal = &c->i128[row];
        break;
    case KIND_STRING:
    case KIND_BYTES:
    case KIND_UNIT:
        v.str = c->str[row];
        break;
    case KIND_ARRAY:
    case KIND_MAP:
    case KIND_STRUCT:
        v.nested = c->nested[row];
        break;
    }
    return v;
}

void column_set(struct column *c, uint32_t row, const struct value *v)
{
    if (v->kind == KIND_NULL) {
        assert(c->valid);
        column_set_null(c, row);
        return;
    }
    assert(v->kind == c->type->kind);
    if (c->valid)
        column_set_valid(c, row);
    switch (c->type->kind) {
    case KIND_NULL:
    case KIND_LAMBDA:
        break;
    case KIND_BOOLEAN:
        c->u8[row] = v->boolean;
        break;
    case KIND_INT:
    case KIND_DATE:
    case KIND_TIME:
        c->i32[row] = v->i32;
        break;
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        c->i64[row] = v->i64;
        break;
    case KIND_DOUBLE:
        c->f64[row] = v->f64;
        break;
    case KIND_DECIMAL:
        c->i128[row] = *v->decimal;
        break;
    case KIND_STRING:
    case KIND_BYTES:
    case KIND_UNIT:
        c->str[row] = v->str;
        break;
    case KIND_ARRAY:
    case KIND_MAP:
    case KIND_STRUCT:
        c->nested[row] = v->nested;
        break;
    }
}
