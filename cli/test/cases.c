/* Loads files of cases. A JSON node makes a case for each of its formats and each of its configurations. */
#include "cli/test/test.h"

#include <errno.h>

enum status file_read(struct arena *a, const char *path, struct str *out, struct diag *d)
{
    struct buf text;
    FILE *f = fopen(path, "rb");
    if (!f)
        return diag_set(d, STATUS_IO, "cannot read %s: %s", path, strerror(errno));
    buf_init(&text, UINT32_MAX);
    for (size_t got = 1; got && buf_reserve(&text, 65536);) {
        got = fread(text.p + text.len, 1, 65536, f);
        text.len += got;
    }
    bool bad = ferror(f) || text.failed;
    fclose(f);
    *out = str_dup(a, buf_str(&text));
    buf_free(&text);
    if (bad)
        return diag_set(d, STATUS_IO, "cannot read %s", path);
    return a->failed ? diag_nomem(d) : STATUS_OK;
}

struct test_case *cases_add(struct case_list *list)
{
    if (list->n == list->cap) {
        uint32_t cap = list->cap ? list->cap * 2 : 64;
        struct test_case *items = ARENA_ARRAY(&list->arena, struct test_case, cap);
        if (!items)
            return NULL;
        if (list->n)
            memcpy(items, list->items, list->n * sizeof *items);
        list->items = items;
        list->cap = cap;
    }
    return &list->items[list->n++];
}

/* The file's name without folder and ending. */
static struct str base_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path, *dot = strrchr(start, '.');
    return dot ? str_make(start, (size_t)(dot - start)) : str_from(start);
}

static struct str config_property(const struct json *node)
{
    JSON_EACH (json_member(node, "properties"), p)
        if (p->kind == JSON_STRING && str_eq(p->text, STR("{CONFIG}")))
            return p->key;
    return (struct str){NULL, 0};
}

static bool is_disabled(const struct json *node)
{
    const struct json *enabled = json_member(node, "enabled"), *versions = json_member(node, "versions");
    return (enabled && enabled->kind == JSON_FALSE) || (versions && json_member(versions, "max"));
}

static bool add_variant(struct case_list *list, struct str base, const struct json *node, const struct json *format,
                        const struct json *config)
{
    struct test_case *c = cases_add(list);
    struct buf name;
    if (!c)
        return false;
    c->run = jsontest_run;
    c->node = node;
    c->disabled = is_disabled(node);
    buf_init(&name, 0);
    buf_printf(&name, STR_FMT " - " STR_FMT, STR_ARG(base), STR_ARG(json_text(node, "name")));
    if (format) {
        c->format = format->text;
        buf_printf(&name, " - " STR_FMT, STR_ARG(format->text));
    }
    if (config) {
        c->config = config->text;
        c->config_property = config_property(node);
        buf_printf(&name, " - " STR_FMT "=" STR_FMT, STR_ARG(c->config_property), STR_ARG(c->config));
    }
    c->name = str_dup(&list->arena, buf_str(&name));
    bool ok = !name.failed && !list->arena.failed;
    buf_free(&name);
    return ok;
}

static bool add_node(struct case_list *list, struct str base, const struct json *node)
{
    const struct json *formats = json_member(node, "format"), *configs = json_member(node, "config");
    const struct json *format = formats ? formats->first : NULL;
    do {
        const struct json *config = configs ? configs->first : NULL;
        do {
            if (!add_variant(list, base, node, format, config))
                return false;
            config = config ? config->next : NULL;
        } while (config);
        format = format ? format->next : NULL;
    } while (format);
    return true;
}

enum status cases_load(struct case_list *list, const char *path, struct diag *d)
{
    enum status st = STATUS_OK;
    struct str text;
    char error[256];
    size_t len = strlen(path);
    TRY(file_read(&list->arena, path, &text, d));
    if (len > 4 && !strcmp(path + len - 4, ".sql"))
        return sqltests_load(list, base_name(path), text, path, d);
    const struct json *document = json_parse_file(&list->arena, text, error, sizeof error);
    if (!document)
        return list->arena.failed ? diag_nomem(d) : diag_set(d, STATUS_INVALID, "%s", error);
    const struct json *tests = json_member(document, "tests");
    if (!tests || tests->kind != JSON_ARRAY)
        return diag_set(d, STATUS_INVALID, "the file has no list of tests");
    JSON_EACH (tests, node)
        if (!add_node(list, base_name(path), node))
            return diag_nomem(d);
done:
    return st;
}
