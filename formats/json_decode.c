/* JSON, reading: the decoder. A record first goes the fast way (json_fast.c); where that finds anything out of the
 * ordinary, or wrong, the record is checked as a whole and converted by the general rules, which also word the error.
 */
#include "formats/json_int.h"

enum status json_decoder_open(struct decoder *dec, struct diag *d)
{
    struct json_decoder *j = (struct json_decoder *)dec;
    arena_init(&j->scratch, 0);
    buf_init(&j->text, 0);
    if (!json_shape_create(&dec->root, &dec->arena))
        return diag_nomem(d);
    if (dec->spec.wrapped || dec->n_columns != 1) {
        j->fast = json_fast_create(&dec->root, &dec->arena);
        if (!j->fast)
            return diag_nomem(d);
    }
    return STATUS_OK;
}

void json_decoder_close(struct decoder *dec)
{
    struct json_decoder *j = (struct json_decoder *)dec;
    json_shape_clear(&dec->root);
    arena_free(&j->scratch);
    buf_free(&j->text);
}

/* The whole value is syntactically right; returns where it begins, `end` if there is none, or NULL. */
static const char *check(struct json_context *c, struct str payload)
{
    const char *p = json_root(payload);
    if (p == c->reader.end)
        return p;
    const char *end = json_skip(&c->reader, p);
    if (end && json_root_ends(&c->reader, p, end))
        return p;
    json_print_fault(&c->reader, c->run->reason);
    return NULL;
}

static enum row_state general_row(struct json_decoder *j, struct json_context *c, struct str payload)
{
    bool bare = !j->fast;
    const struct decode_node *node = bare ? &j->base.root.fields[0] : &j->base.root;
    struct value v;
    const char *p = check(c, payload);
    if (!p)
        return ROW_BAD;
    if (p == c->reader.end)
        return json_convert_missing(c, node, &v) ? ROW_OK : ROW_BAD;
    if (*p == 'n' && !bare)
        return ROW_NULL;
    return json_convert(c, node, p, NULL, node->n_outputs ? &v : NULL) ? ROW_OK : ROW_BAD;
}

enum row_state json_decoder_row(struct decoder *dec, struct decode_run *run, struct str payload)
{
    struct json_decoder *j = (struct json_decoder *)dec;
    struct json_context c = {
        .reader = {.end = payload.p + payload.len}, .run = run, .scratch = &j->scratch, .text = &j->text};
    bool done = j->fast && json_fast_row(j->fast, &c, payload);
    if (j->scratch.head)
        arena_clear(&j->scratch);
    if (done)
        return ROW_OK;
    c.reader = (struct json_reader){.end = payload.p + payload.len};
    run->reason->len = 0;
    for (uint32_t i = 0; i < dec->n_fields; i++)
        column_set_valid(&run->out[i], run->row);
    enum row_state state = general_row(j, &c, payload);
    if (j->scratch.head)
        arena_clear(&j->scratch);
    if (j->scratch.failed || j->text.failed)
        run->a->failed = true;
    return state;
}

const struct decoder_ops json_decoder_ops = {
    .size = sizeof(struct json_decoder),
    .open = json_decoder_open,
    .close = json_decoder_close,
    .row = json_decoder_row,
};
