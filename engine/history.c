/* Which statements made each source, since its CREATE: so that a script can be run again. A CREATE or ALTER whose words
 * are in the source's history has its effect already; an OR REPLACE only if it is the one that made the source. */
#include "engine/engine_int.h"

struct history {
    struct buf texts; /* each behind its length; the CREATE first */
};

/* The source that a statement makes or changes; p NULL: another kind of statement. */
static struct str made_by(const struct ast_stmt *statement, bool *or_replace)
{
    *or_replace = false;
    switch (statement->kind) {
    case STMT_CREATE_SOURCE:
        *or_replace = ((const struct ast_create_source *)statement)->or_replace;
        return ((const struct ast_create_source *)statement)->name.text;
    case STMT_CREATE_AS:
        *or_replace = ((const struct ast_create_as *)statement)->or_replace;
        return ((const struct ast_create_as *)statement)->name.text;
    case STMT_ALTER_SOURCE:
        return ((const struct ast_alter_source *)statement)->name.text;
    default:
        return (struct str){NULL, 0};
    }
}

/* Without the semicolon and the blanks around it. */
static struct str bare(struct str text)
{
    while (text.len && (text.p[text.len - 1] == ';' || (unsigned char)text.p[text.len - 1] <= ' '))
        text.len--;
    return text;
}

static struct str text_at(const struct history *h, size_t at)
{
    uint32_t len;
    memcpy(&len, h->texts.p + at, sizeof len);
    return str_make(h->texts.p + at + sizeof len, len);
}

static bool source_has(const struct engine *e, struct str name, const struct ast_stmt *statement, bool or_replace)
{
    const struct history *h = map_get(&e->histories, name);
    if (!h || !catalog_source(e->catalog, name))
        return false;
    for (size_t at = 0; at < h->texts.len && !(or_replace && at);) {
        struct str text = text_at(h, at);
        if (str_eq(text, bare(statement->text)))
            return true;
        at += sizeof(uint32_t) + text.len;
    }
    return false;
}

static const struct type *find_type(void *catalog, struct str name)
{
    const struct custom_type *type = catalog_type(catalog, name);
    return type ? type->type : NULL;
}

static bool type_is_there(const struct engine *e, const struct ast_create_type *statement)
{
    const struct custom_type *have = catalog_type(e->catalog, statement->name.text);
    const struct type *wanted;
    struct arena a;
    if (!have)
        return false;
    arena_init(&a, 0);
    bool same = parser_type(&a, statement->type, find_type, e->catalog, &wanted, NULL) == STATUS_OK &&
                type_eq(wanted, have->type);
    arena_free(&a);
    return same;
}

bool history_has(const struct engine *e, const struct ast_stmt *statement)
{
    bool or_replace;
    struct str name = made_by(statement, &or_replace);
    if (name.p)
        return source_has(e, name, statement, or_replace);
    if (statement->kind == STMT_CREATE_TYPE)
        return type_is_there(e, (const struct ast_create_type *)statement);
    if (statement->kind != STMT_INSERT_SELECT)
        return false;
    MAP_EACH (catalog_queries(e->catalog), entry) {
        const struct catalog_query *q = entry->value;
        if (q->kind == QUERY_INSERT && str_eq(bare(q->sql), bare(statement->text)))
            return true;
    }
    return false;
}

static void history_destroy(struct history *h)
{
    if (!h)
        return;
    buf_free(&h->texts);
    mem_free(h);
}

bool history_note(struct engine *e, const struct ast_stmt *statement, struct str text)
{
    bool ignored;
    struct str name = made_by(statement, &ignored);
    text = bare(text);
    if (statement->kind == STMT_DROP_SOURCE)
        history_destroy(map_remove(&e->histories, ((const struct ast_drop *)statement)->name.text));
    if (!name.p)
        return true;
    struct history *h = map_get(&e->histories, name);
    if (!h) {
        h = mem_calloc(1, sizeof *h);
        if (!h || !map_put(&e->histories, name, h)) {
            mem_free(h);
            return false;
        }
        buf_init(&h->texts, 0);
    }
    if (statement->kind != STMT_ALTER_SOURCE)
        h->texts.len = 0;
    buf_put(&h->texts, &text.len, sizeof text.len);
    buf_puts(&h->texts, text);
    return !h->texts.failed;
}

void history_free(struct engine *e)
{
    MAP_EACH (&e->histories, entry)
        history_destroy(entry->value);
    map_free(&e->histories);
}
