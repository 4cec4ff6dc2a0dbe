/* Falsifies one expected value of a case, to see that the comparison notices: a number plus one, a text with an x
 * behind it, or a timestamp plus one. */
#include "cli/test/test.h"

enum mutation { MUTATE_NUMBER, MUTATE_TEXT, MUTATE_TIMESTAMP, N_MUTATIONS };

static struct str bigger(struct arena *a, struct str number)
{
    int128 v;
    int scale;
    struct buf text;
    struct str out = {NULL, 0};
    if (!parse_decimal(number, &v, &scale) || scale < 0 || scale > 30)
        return out;
    buf_init(&text, 0);
    print_decimal(&text, v + decimal_pow10((unsigned)scale), (unsigned)scale);
    out = str_dup(a, buf_str(&text));
    buf_free(&text);
    return out;
}

static bool mutate_leaf(struct arena *a, struct json *j, enum mutation m)
{
    if (m == MUTATE_TEXT && j->kind == JSON_STRING) {
        j->text = str_printf(a, STR_FMT "x", STR_ARG(j->text));
        return j->text.p != NULL;
    }
    struct str text = m != MUTATE_TEXT && json_is_number(j) ? bigger(a, j->text) : (struct str){NULL, 0};
    if (text.p)
        j->text = text;
    return text.p != NULL;
}

/* The first leaf that can be falsified. */
static bool mutate_tree(struct arena *a, struct json *j, enum mutation m)
{
    if (!j)
        return false;
    if (j->kind != JSON_ARRAY && j->kind != JSON_OBJECT)
        return mutate_leaf(a, j, m);
    for (struct json *child = j->first; child; child = child->next)
        if (mutate_tree(a, child, m))
            return true;
    return false;
}

static struct json *copy_tree(struct arena *a, const struct json *j)
{
    struct json *copy = arena_dup(a, j, sizeof *j), **tail = copy ? &copy->first : NULL;
    if (!copy)
        return NULL;
    JSON_EACH (j, child) {
        *tail = copy_tree(a, child);
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
    }
    *tail = NULL;
    return copy;
}

static bool mutate_record(struct arena *a, struct json *record, enum mutation m)
{
    for (struct json *child = record->first; child; child = child->next) {
        bool is_ts = str_eq(child->key, STR("timestamp")),
             is_data = str_eq(child->key, STR("key")) || str_eq(child->key, STR("value"));
        if ((m == MUTATE_TIMESTAMP ? is_ts : is_data) && mutate_tree(a, child, m))
            return true;
    }
    return false;
}

const struct json *mutate_outputs(struct arena *a, const struct json *outputs, unsigned turn)
{
    struct json *copy = outputs ? copy_tree(a, outputs) : NULL;
    for (unsigned i = 0; copy && i < N_MUTATIONS; i++)
        for (struct json *record = copy->first; record; record = record->next)
            if (mutate_record(a, record, (enum mutation)((turn + i) % N_MUTATIONS)))
                return copy;
    return NULL;
}
