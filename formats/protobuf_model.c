/* Questions to models of messages that several files ask. */
#include "formats/protobuf_int.h"

const char *proto_type_name(enum proto_type type)
{
    static const char *const names[] = {
        [PROTO_DOUBLE] = "double",   [PROTO_FLOAT] = "float",       [PROTO_INT32] = "int32",
        [PROTO_INT64] = "int64",     [PROTO_UINT32] = "uint32",     [PROTO_UINT64] = "uint64",
        [PROTO_SINT32] = "sint32",   [PROTO_SINT64] = "sint64",     [PROTO_FIXED32] = "fixed32",
        [PROTO_FIXED64] = "fixed64", [PROTO_SFIXED32] = "sfixed32", [PROTO_SFIXED64] = "sfixed64",
        [PROTO_BOOL] = "bool",       [PROTO_ENUM] = "enum",         [PROTO_STRING] = "string",
        [PROTO_BYTES] = "bytes",     [PROTO_MESSAGE] = "message",   [PROTO_GROUP] = "group"};
    return names[type];
}

static enum type_kind message_kind(const struct proto_message *m)
{
    switch (m->known) {
    case PROTO_VALUE:
        if (m->fields[0].repeated)
            return proto_is_map(&m->fields[0]) ? KIND_MAP : KIND_ARRAY;
        return proto_kind(&m->fields[0]);
    case PROTO_DECIMAL:
        return KIND_DECIMAL;
    case PROTO_DATE:
        return KIND_DATE;
    case PROTO_TIME:
        return KIND_TIME;
    case PROTO_TIMESTAMP:
        return KIND_TIMESTAMP;
    default:
        return KIND_STRUCT;
    }
}

enum type_kind proto_kind(const struct proto_field *f)
{
    switch (f->type) {
    case PROTO_DOUBLE:
    case PROTO_FLOAT:
        return KIND_DOUBLE;
    case PROTO_INT32:
    case PROTO_SINT32:
    case PROTO_SFIXED32:
        return KIND_INT;
    case PROTO_INT64:
    case PROTO_SINT64:
    case PROTO_SFIXED64:
    case PROTO_UINT32: /* does not fit into an INT */
    case PROTO_FIXED32:
    case PROTO_UINT64:
    case PROTO_FIXED64:
        return KIND_BIGINT;
    case PROTO_BOOL:
        return KIND_BOOLEAN;
    case PROTO_ENUM:
    case PROTO_STRING:
        return KIND_STRING;
    case PROTO_BYTES:
        return KIND_BYTES;
    case PROTO_MESSAGE:
    case PROTO_GROUP:
        break;
    }
    return message_kind(f->message);
}

const struct proto_field *proto_find(const struct proto_message *m, struct str name)
{
    for (uint32_t i = 0; i < m->n_fields; i++)
        if (str_eq(m->fields[i].name, name))
            return &m->fields[i];
    for (uint32_t i = 0; i < m->n_fields; i++)
        if (str_eq_nocase(m->fields[i].name, name))
            return &m->fields[i];
    return NULL;
}

const struct proto_message *proto_at(const struct proto_file *file, const int32_t *path, uint32_t n_path)
{
    const struct proto_message *const *messages = file->messages, *m = NULL;
    uint32_t n = file->n_messages;
    for (uint32_t i = 0; i < n_path; i++) {
        if (path[i] < 0 || (uint32_t)path[i] >= n)
            return NULL;
        m = messages[path[i]];
        messages = m->nested;
        n = m->n_nested;
    }
    return m;
}

static const struct proto_message *search(const struct proto_message *const *messages, uint32_t n, struct str full_name,
                                          int32_t *path, uint32_t *n_path)
{
    if (*n_path == PROTO_MAX_PATH)
        return NULL;
    uint32_t at = (*n_path)++;
    for (uint32_t i = 0; i < n; i++) {
        path[at] = (int32_t)i;
        if (str_eq(messages[i]->full_name, full_name))
            return messages[i];
        const struct proto_message *m = search(messages[i]->nested, messages[i]->n_nested, full_name, path, n_path);
        if (m)
            return m;
    }
    (*n_path)--;
    return NULL;
}

const struct proto_message *proto_choose(const struct proto_file *file, const char *full_name, int32_t *path,
                                         uint32_t *n_path)
{
    *n_path = 0;
    if (full_name)
        return search(file->messages, file->n_messages, str_from(full_name), path, n_path);
    if (file->n_messages == 0)
        return NULL;
    path[(*n_path)++] = 0;
    return file->messages[0];
}
