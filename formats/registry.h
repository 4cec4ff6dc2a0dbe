/* The schema registry: schemas by id and by subject, as Confluent's registry has them.
 *
 * One interface, two implementations: registry_open_http talks to a registry over its REST API; registry_open_memory keeps
 * schemas in this process, for tests. Schemas never change once they have an id, so those are kept for the registry's life;
 * what is the latest of a subject is asked each time.
 *
 * Errors: STATUS_NOT_FOUND: no such subject, version or id; STATUS_IO: the registry cannot be reached, or says that it is in trouble:
 * try again later; STATUS_INVALID: it refuses (a schema that is not compatible, or that it cannot read, or no right to do so),
 * with its words. Threads: any; calls may block for as long as the HTTP client's timeouts. */
#ifndef WEIR_REGISTRY_H
#define WEIR_REGISTRY_H

#include "core/core.h"

enum schema_type { SCHEMA_AVRO, SCHEMA_JSON, SCHEMA_PROTOBUF };
const char *schema_type_name(enum schema_type type); /* "AVRO", "JSON", "PROTOBUF" */

/* Another schema that a text speaks of: by this name it means that version of that subject. */
struct schema_reference {
    struct str name, subject;
    int32_t version;
};

struct registered_schema {
    int32_t id;      /* from 1 */
    int32_t version; /* within the subject; 0 when it was asked for by id */
    enum schema_type type;
    struct str text;
    uint32_t n_references;
    const struct schema_reference *references;
};

struct registry;

struct registry_options {
    const char *url;      /* "http://127.0.0.1:8081"; several, separated by commas, are tried in turn */
    const char *user;     /* basic authentication; NULL: none */
    const char *password;
    const char *ca_file;  /* PEM; NULL: the system's */
};
/* URLs as they may be shown: without names and passwords. */
void registry_print_urls(struct buf *out, const char *urls);
enum status registry_open_http(const struct registry_options *options, struct registry **out, struct diag *d) MUST_CHECK;
enum status registry_open_memory(struct registry **out, struct diag *d) MUST_CHECK;
void registry_close(struct registry *r);

/* What is answered lives as long as the registry. version 0: the latest. */
enum status registry_by_id(struct registry *r, int32_t id, const struct registered_schema **out,
                           struct diag *d) MUST_CHECK;
enum status registry_by_subject(struct registry *r, struct str subject, int32_t version,
                                const struct registered_schema **out, struct diag *d) MUST_CHECK;
/* Registers `schema` (type, text, references; memory only: an id that is not 0 is taken) under the subject unless it is there
 * already; *id is its id. */
enum status registry_add(struct registry *r, struct str subject, const struct registered_schema *schema, int32_t *id,
                         struct diag *d) MUST_CHECK;
/* Forgets a subject with all its versions; that it is not there is no error. */
enum status registry_remove(struct registry *r, struct str subject, struct diag *d) MUST_CHECK;

#endif
