/* See json.h. */
#include "cli/test/json.h"

const struct json *json_member(const struct json *object, const char *name)
{
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    JSON_EACH (object, child)
        if (str_eq(child->key, str_from(name)))
            return child;
    return NULL;
}

struct str json_text(const struct json *object, const char *name)
{
    const struct json *j = json_member(object, name);
    return j && j->kind == JSON_STRING ? j->text : (struct str){NULL, 0};
}
