/* Passes over values of Avro's binary encoding that nobody takes. Counts are checked against the bytes that are left;
 * elements without bytes are limited for a record as a whole. */
#include "formats/avro_wire.h"

const char *av_block(struct read_run *c, uint32_t least, const char *p, uint64_t *n, int64_t *bytes)
{
    int64_t count;
    *bytes = -1;
    p = av_get_long(p, c->end, &count);
    if (p && count < 0) {
        p = av_get_long(p, c->end, bytes);
        if (!p || *bytes < 0 || *bytes > c->end - p)
            return NULL;
    }
    if (!p)
        return NULL;
    *n = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    if (least)
        return *n <= (uint64_t)(c->end - p) ? p : NULL;
    if (*n > c->empties)
        return NULL;
    c->empties -= (uint32_t)*n;
    return p;
}

const struct read_op *av_branch(struct read_run *c, const struct read_op *op, const char **p)
{
    int64_t i;
    *p = av_get_long(*p, c->end, &i);
    return *p && i >= 0 && i < op->n ? op->ops[i] : NULL;
}

static const char *skip_elements(struct read_run *c, const struct read_op *op, const char *p)
{
    uint64_t n;
    int64_t bytes;
    struct str key;
    while ((p = av_block(c, op->code == SKIP_MAP ? 1 : op->least, p, &n, &bytes)) && n) {
        if (bytes >= 0) {
            p += bytes;
            continue;
        }
        for (; n && p; n--) {
            if (op->code == SKIP_MAP)
                p = get_sized(p, c->end, &key);
            if (p)
                p = av_skip(c, op->ops[0], p);
        }
        if (!p)
            return NULL;
    }
    return p;
}

static const char *skip_nested(struct read_run *c, const struct read_op *op, const char *p)
{
    const struct read_op *member;
    if (++c->depth > READ_DEPTH)
        return NULL;
    if (op->code == SKIP_RECORD) {
        for (uint32_t i = 0; i < op->n && p; i++)
            p = av_skip(c, op->ops[i], p);
    } else if (op->code == SKIP_UNION) {
        member = av_branch(c, op, &p);
        p = member ? av_skip(c, member, p) : NULL;
    } else {
        p = skip_elements(c, op, p);
    }
    c->depth--;
    return p;
}

const char *av_skip(struct read_run *c, const struct read_op *op, const char *p)
{
    int64_t n;
    struct str bytes;
    if (op->is_optional) {
        enum presence presence = get_presence(op, &p, c->end);
        if (presence != IS_VALUE)
            return presence == IS_NULL ? p : NULL;
    }
    switch (op->code) {
    case SKIP_NUMBER:
        if (op->wire == WIRE_LONG)
            return skip_number(p, c->end);
        p = av_get_long(p, c->end, &n);
        return p && n == (int32_t)n ? p : NULL;
    case SKIP_BYTES:
        return get_sized(p, c->end, &bytes);
    case SKIP_SIZED:
        return op->n <= c->end - p ? p + op->n : NULL;
    case SKIP_ENUM:
        p = av_get_long(p, c->end, &n);
        return p && n >= 0 && n < op->n ? p : NULL;
    default:
        return skip_nested(c, op, p);
    }
}
