/* Private to formats/: what registries of all kinds have in common. A registry is a struct that begins with struct
 * registry; the table of operations says the rest. Operations are called by one thread at a time. */
#ifndef WEIR_FORMATS_REGISTRY_INT_H
#define WEIR_FORMATS_REGISTRY_INT_H

#include "formats/registry.h"

#include <pthread.h>

struct registry_ops {
    /* Schemas are made by registry_keep, so that they are there the next time without a call. */
    enum status (*by_id)(struct registry *r, int32_t id, const struct registered_schema **out, struct diag *d);
    enum status (*by_subject)(struct registry *r, struct str subject, int32_t version,
                              const struct registered_schema **out, struct diag *d);
    enum status (*add)(struct registry *r, struct str subject, const struct registered_schema *schema, int32_t *id,
                       struct diag *d);
    enum status (*remove)(struct registry *r, struct str subject, struct diag *d);
    void (*close)(struct registry *r); /* frees what is its own, and not the registry */
};

struct registry {
    const struct registry_ops *ops;
    pthread_mutex_t mutex;
    struct arena arena; /* all schemas that were answered */
    struct map by_id;   /* id as 4 bytes -> const struct registered_schema * */
};

/* The part of an open that all share; `size` is that of the struct that begins with struct registry. NULL: no memory. */
struct registry *registry_make(const struct registry_ops *ops, size_t size);
/* Copies a schema into the registry; its id becomes known. NULL: no memory. */
const struct registered_schema *registry_keep(struct registry *r, const struct registered_schema *schema);

#endif
