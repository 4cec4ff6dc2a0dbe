/* Encoding and decoding of chunks; the layout is in chunk.h. Decoding trusts nothing: a chunk whose checksum is right
 * may still have been written by a faulty program. */
#include "topics/embedded/chunk.h"

#include <limits.h>
#include <lz4.h>
#include <xxhash.h>

enum { KEY, VALUE, TS, GAP, HEADERS };
enum { PACK_HASTE = 4 }; /* LZ4's acceleration: JSON gets as small as with 1, a fourth faster */

uint64_t chunk_hash(const void *p, size_t size)
{
    return XXH3_64bits(p, size);
}

/* ---- building ----------------------------------------------------------------------------------------- */

void chunk_builder_init(struct chunk_builder *b)
{
    *b = (struct chunk_builder){0};
    buf_init(&b->data, 0);
}

void chunk_builder_free(struct chunk_builder *b)
{
    mem_free(b->meta);
    buf_free(&b->data);
    chunk_builder_init(b);
}

void chunk_builder_reset(struct chunk_builder *b)
{
    b->n = b->n_headers = 0;
    b->data.len = 0;
    b->data.failed = false;
}

size_t chunk_builder_memory(const struct chunk_builder *b)
{
    return b->cap * sizeof *b->meta + b->data.cap;
}

static size_t headers_size(const struct headers *h)
{
    if (!h || h->n == 0)
        return 0;
    size_t size = 4 + (size_t)h->n * 8;
    for (uint32_t i = 0; i < h->n; i++)
        size += (size_t)h->items[i].key.len + (h->items[i].is_null ? 0 : h->items[i].value.len);
    return size;
}

static size_t payload_len(struct str s)
{
    return s.p ? s.len : 0;
}

size_t chunk_record_size(const struct record *r)
{
    return payload_len(r->key) + payload_len(r->value) + headers_size(r->headers);
}

static void put_u32(struct buf *b, uint32_t v)
{
    buf_put(b, &v, sizeof v);
}

static void put_headers(struct buf *b, const struct headers *h)
{
    put_u32(b, h->n);
    for (uint32_t i = 0; i < h->n; i++) {
        put_u32(b, h->items[i].key.len);
        put_u32(b, h->items[i].is_null ? 0 : h->items[i].value.len + 1);
    }
    for (uint32_t i = 0; i < h->n; i++) {
        buf_puts(b, h->items[i].key);
        if (!h->items[i].is_null)
            buf_puts(b, h->items[i].value);
    }
}

static bool grow_meta(struct chunk_builder *b)
{
    uint32_t cap = b->cap ? b->cap * 4 : 16;
    struct chunk_meta *meta = mem_realloc(b->meta, cap * sizeof *meta);
    if (!meta)
        return false;
    b->meta = meta;
    b->cap = cap;
    return true;
}

bool chunk_add(struct chunk_builder *b, const struct record *r, int64_t ts, uint64_t gap)
{
    size_t header_size = headers_size(r->headers);
    if ((b->n == b->cap && !grow_meta(b)) || !buf_reserve(&b->data, chunk_record_size(r))) {
        b->data.failed = false;
        return false;
    }
    struct chunk_meta *m = &b->meta[b->n++];
    *m = (struct chunk_meta){r->key.p ? r->key.len + 1 : 0, r->value.p ? r->value.len + 1 : 0, (uint32_t)header_size,
                             ts, gap};
    if (r->key.p)
        buf_puts(&b->data, r->key);
    if (r->value.p)
        buf_puts(&b->data, r->value);
    if (header_size) {
        put_headers(&b->data, r->headers);
        b->n_headers += r->headers->n;
    }
    if (b->n == 1)
        b->min_ts = b->max_ts = ts;
    else if (ts < b->min_ts)
        b->min_ts = ts;
    else if (ts > b->max_ts)
        b->max_ts = ts;
    return true;
}

static uint64_t meta_entry(const struct chunk_builder *b, uint32_t i, int array)
{
    const struct chunk_meta *m = &b->meta[i];
    switch (array) {
    case KEY:
        return m->key;
    case VALUE:
        return m->value;
    case TS:
        return (uint64_t)m->ts - (uint64_t)b->min_ts;
    case GAP:
        return m->gap;
    default:
        return m->headers;
    }
}

static uint8_t width_for(uint64_t bits)
{
    return bits == 0 ? 0 : bits <= UINT8_MAX ? 1 : bits <= UINT16_MAX ? 2 : bits <= UINT32_MAX ? 4 : 8;
}

static inline void put_array(const struct chunk_builder *b, int array, unsigned width, char *to)
{
    for (uint32_t i = 0; i < b->n; i++) {
        uint64_t v = meta_entry(b, i, array);
        memcpy(to + (size_t)i * width, &v, width);
    }
}

static void fill_array(const struct chunk_builder *b, int array, unsigned width, char *to)
{
    switch (width) { /* constants, so that each copy is one store */
    case 1:
        put_array(b, array, 1, to);
        break;
    case 2:
        put_array(b, array, 2, to);
        break;
    case 4:
        put_array(b, array, 4, to);
        break;
    case 8:
        put_array(b, array, 8, to);
        break;
    }
}

/* Leaves the blob as it is where packing does not gain enough, or memory is short. */
static void pack_blob(struct chunk_blob *blob)
{
    size_t most = blob->length - blob->length / 8;
    char *to = blob->length >= CHUNK_PACK_LEAST && blob->length <= LZ4_MAX_INPUT_SIZE ? mem_alloc(most) : NULL;
    if (!to)
        return;
    int size = LZ4_compress_fast(blob->p, to, (int)blob->length, (int)most, PACK_HASTE);
    if (size <= 0) {
        mem_free(to);
        return;
    }
    char *fitted = mem_realloc(to, (size_t)size);
    mem_free(blob->p);
    blob->p = fitted ? fitted : to;
    blob->size = (size_t)size;
}

bool chunk_seal(struct chunk_builder *b, bool pack, struct chunk_blob *out)
{
    uint64_t bits[CHUNK_ARRAYS] = {0};
    for (uint32_t i = 0; i < b->n; i++)
        for (int a = 0; a < CHUNK_ARRAYS; a++)
            bits[a] |= meta_entry(b, i, a);
    uint8_t widths[CHUNK_ARRAYS];
    size_t size = CHUNK_HEAD + b->data.len;
    for (int a = 0; a < CHUNK_ARRAYS; a++) {
        widths[a] = width_for(bits[a]);
        size += (size_t)widths[a] * b->n;
    }
    char *p = mem_alloc(size);
    if (!p)
        return false;
    memset(p, 0, CHUNK_HEAD);
    p[0] = 1;
    memcpy(p + 1, widths, sizeof widths);
    memcpy(p + 8, &b->n, 4);
    memcpy(p + 12, &b->n_headers, 4);
    memcpy(p + 16, &b->min_ts, 8);
    char *to = p + CHUNK_HEAD;
    for (int a = 0; a < CHUNK_ARRAYS; a++) {
        fill_array(b, a, widths[a], to);
        to += (size_t)widths[a] * b->n;
    }
    if (b->data.len)
        memcpy(to, b->data.p, b->data.len);
    *out = (struct chunk_blob){.p = p, .size = size, .length = size, .n = b->n, .max_ts = b->max_ts};
    if (pack)
        pack_blob(out);
    out->hash = chunk_hash(out->p, out->size);
    chunk_builder_reset(b);
    return true;
}

/* ---- scanning ----------------------------------------------------------------------------------------- */

bool chunk_unpack(const void *p, size_t size, char *to, size_t length)
{
    return size <= INT_MAX && length <= INT_MAX && LZ4_decompress_safe(p, to, (int)size, (int)length) == (int)length;
}

bool chunk_open(struct chunk_cursor *c, const void *p, size_t size, int64_t base)
{
    const uint8_t *bytes = p;
    if (size < CHUNK_HEAD || bytes[0] != 1)
        return false;
    *c = (struct chunk_cursor){.base = base};
    memcpy(c->widths, bytes + 1, CHUNK_ARRAYS);
    memcpy(&c->n, bytes + 8, 4);
    memcpy(&c->min_ts, bytes + 16, 8);
    size_t at = CHUNK_HEAD;
    for (int a = 0; a < CHUNK_ARRAYS; a++) {
        uint8_t w = c->widths[a];
        if (w > 8 || (w & (w - 1)) || (size_t)w * c->n > size - at)
            return false;
        c->arrays[a] = bytes + at;
        at += (size_t)w * c->n;
    }
    c->next = (const char *)bytes + at;
    c->end = (const char *)bytes + size;
    return true;
}

static inline uint64_t array_get(const struct chunk_cursor *c, int array, uint32_t i)
{
    const uint8_t *p = c->arrays[array];
    uint16_t v2;
    uint32_t v4;
    uint64_t v8;
    switch (c->widths[array]) {
    case 0:
        return 0;
    case 1:
        return p[i];
    case 2:
        memcpy(&v2, p + (size_t)i * 2, 2);
        return v2;
    case 4:
        memcpy(&v4, p + (size_t)i * 4, 4);
        return v4;
    default:
        memcpy(&v8, p + (size_t)i * 8, 8);
        return v8;
    }
}

/* Cuts one header's bytes from [*p, end); false when they do not fit. */
static bool take_bytes(const char **p, const char *end, uint32_t len, struct str *out)
{
    if (len > (size_t)(end - *p))
        return false;
    *out = str_make(*p, len);
    *p += len;
    return true;
}

static enum status read_headers(const char *p, const char *end, const struct headers **out, struct arena *a)
{
    uint32_t n = 0;
    if (end - p < 4)
        return STATUS_DATA;
    memcpy(&n, p, 4);
    if (n == 0 || n > (size_t)(end - p - 4) / 8)
        return STATUS_DATA;
    struct headers *h = arena_alloc(a, sizeof *h);
    struct record_header *items = arena_alloc(a, (size_t)n * sizeof *items);
    if (!h || !items)
        return STATUS_NOMEM;
    const char *lens = p + 4, *bytes = lens + (size_t)n * 8;
    for (uint32_t i = 0; i < n; i++, lens += 8) {
        uint32_t key, value;
        memcpy(&key, lens, 4);
        memcpy(&value, lens + 4, 4);
        items[i] = (struct record_header){.is_null = value == 0};
        if (!take_bytes(&bytes, end, key, &items[i].key) ||
            (value && !take_bytes(&bytes, end, value - 1, &items[i].value)))
            return STATUS_DATA;
    }
    *h = (struct headers){n, items};
    *out = h;
    return STATUS_OK;
}

enum status chunk_next(struct chunk_cursor *c, struct record *r, struct arena *a)
{
    uint32_t i = c->i;
    uint64_t key = array_get(c, KEY, i), value = array_get(c, VALUE, i), headers = array_get(c, HEADERS, i);
    uint64_t key_len = key ? key - 1 : 0, value_len = value ? value - 1 : 0, left = (uint64_t)(c->end - c->next);
    if (key_len > left || value_len > left - key_len || headers > left - key_len - value_len)
        return STATUS_DATA;
    const char *p = c->next;
    r->key = key ? str_make(p, key_len) : (struct str){NULL, 0};
    p += key_len;
    r->value = value ? str_make(p, value_len) : (struct str){NULL, 0};
    p += value_len;
    r->ts = (int64_t)((uint64_t)c->min_ts + array_get(c, TS, i));
    r->offset = (int64_t)((uint64_t)c->base + i + array_get(c, GAP, i));
    r->headers = NULL;
    if (__builtin_expect(headers != 0, 0)) {
        enum status st = read_headers(p, p + headers, &r->headers, a);
        if (st != STATUS_OK)
            return st;
    }
    c->next = p + headers;
    c->i = i + 1;
    return STATUS_OK;
}

enum status chunk_seek(struct chunk_cursor *c, int64_t offset)
{
    while (c->i < c->n && (int64_t)((uint64_t)c->base + c->i + array_get(c, GAP, c->i)) < offset) {
        uint64_t key = array_get(c, KEY, c->i), value = array_get(c, VALUE, c->i);
        uint64_t skip = (key ? key - 1 : 0), left = (uint64_t)(c->end - c->next);
        uint64_t more = (value ? value - 1 : 0);
        uint64_t headers = array_get(c, HEADERS, c->i);
        if (skip > left || more > left - skip || headers > left - skip - more)
            return STATUS_DATA;
        c->next += skip + more + headers;
        c->i++;
    }
    return STATUS_OK;
}
