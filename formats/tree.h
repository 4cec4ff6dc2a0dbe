/* JSON documents as trees: for schema texts and the answers of a registry, not for records. */
#ifndef WEIR_FORMATS_TREE_H
#define WEIR_FORMATS_TREE_H

#include "core/core.h"

enum tree_kind { TREE_NULL, TREE_BOOLEAN, TREE_NUMBER, TREE_TEXT, TREE_ARRAY, TREE_OBJECT };

struct tree {
    enum tree_kind kind;
    bool boolean;
    bool is_whole; /* NUMBER: an integer of 64 bits: `whole` */
    int64_t whole;
    struct str text;     /* TEXT; NUMBER: as it may be written */
    uint32_t n;          /* ARRAY, OBJECT; members are in the order of the text, doubles included */
    const struct tree *items;
    const struct str *names;
};

/* Parses a whole text into the arena, strings included. STATUS_DATA: it is no JSON; `d` has the reason. */
enum status tree_parse(struct arena *a, struct str text, const struct tree **out, struct diag *d) MUST_CHECK;
/* The member of an object; NULL: there is none, or `t` is NULL or no object. */
const struct tree *tree_get(const struct tree *t, const char *name);
/* The same, if it is a text, or a whole number that 32 bits can hold. */
bool tree_text(const struct tree *t, const char *name, struct str *out);
bool tree_int(const struct tree *t, const char *name, int32_t *out);
/* Appends a JSON string, quoted. */
void tree_put_text(struct buf *out, struct str s);

#endif
