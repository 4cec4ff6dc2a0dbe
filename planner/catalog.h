/* The catalog: the metadata that statements are planned against. Streams and tables, custom types, persistent queries.
 *
 * It does no I/O and knows no topics' contents. Entries are immutable and counted, so a clone is a cheap snapshot: plan
 * and apply a whole script on a clone, and throw it away if something fails (a sandbox), or keep it (a commit).
 * Threads: entries may be shared between threads; one `struct catalog` belongs to one thread at a time. */
#ifndef WEIR_PLANNER_CATALOG_H
#define WEIR_PLANNER_CATALOG_H

#include "core/core.h"
#include "planner/plan.h"

/* Whether a single column is wrapped; NONE: as the format does by default. */
enum wrap_feature { WRAP_NONE, WRAP_SINGLES, UNWRAP_SINGLES };

/* What the WITH clause says about a side's format beyond its name. NULL or -1: not given. */
struct serde_properties {
    const char *schema_full_name;
    const char *nullable_representation; /* "OPTIONAL", "WRAPPER" */
    int32_t schema_id;
    enum wrap_feature wrap;
};

/* A stream or a table. */
struct source {
    int refs;
    struct arena arena; /* holds everything below */
    struct str name;
    bool is_table;
    bool read_only;       /* CREATE SOURCE ... */
    struct schema schema; /* keys, then values, then headers; window of the key */
    uint32_t n_headers;
    const uint32_t *declared; /* the order of declaration: indexes into schema.columns */
    const char *topic;
    struct topic_formats formats;
    struct serde_properties key_properties, value_properties;
    struct str timestamp_column; /* p NULL: the record's time */
    struct timestamp_spec timestamp;
    uint32_t partitions;    /* of the topic when the statement was planned */
    struct str sql;         /* the statement that made it */
    const char *created_by; /* id of the CREATE AS query that writes it, or NULL */
};
/* An empty source with refs 1 whose fields the caller fills from its arena; NULL: no memory. */
struct source *source_create(void);
void source_drop(const struct source *s);
/* Deep copy of everything but refs and arena into `a`; false: no memory. */
bool source_copy(struct arena *a, struct source *to, const struct source *from);
const char *source_kind_name(const struct source *s); /* "stream", "table" */
/* Number of columns that are neither keys nor headers; they start at schema.n_keys. */
static inline uint32_t source_n_values(const struct source *s)
{
    return s->schema.n_columns - s->schema.n_keys - s->n_headers;
}

enum query_kind { QUERY_CREATE_AS, QUERY_INSERT, QUERY_SOURCE_TABLE };

/* A persistent query. */
struct catalog_query {
    int refs;
    struct arena arena;
    const char *id;
    enum query_kind kind;
    struct str sink; /* name of the stream or table; p NULL: QUERY_SOURCE_TABLE */
    uint32_t n_sources;
    const struct str *sources; /* names, without duplicates */
    struct str sql;
    const struct plan *plan; /* borrowed: whoever runs the query owns it */
};

struct custom_type {
    int refs;
    struct arena arena;
    struct str name;
    const struct type *type;
};

struct catalog;
struct catalog *catalog_create(void); /* NULL: no memory */
struct catalog *catalog_clone(const struct catalog *c);
void catalog_destroy(struct catalog *c);

/* Look-ups: borrowed until the entry is removed or replaced. NULL: there is none. Names are exact. */
const struct source *catalog_source(const struct catalog *c, struct str name);
const struct custom_type *catalog_type(const struct catalog *c, struct str name);
const struct catalog_query *catalog_query(const struct catalog *c, struct str id);
/* For walking with MAP_EACH, in the order of creation: values are struct source, custom_type, catalog_query. */
const struct map *catalog_sources(const struct catalog *c);
const struct map *catalog_types(const struct catalog *c);
const struct map *catalog_queries(const struct catalog *c);

/* Changes. `put` takes the caller's count, also when it fails, and replaces an entry of the same name. */
enum status catalog_put_source(struct catalog *c, struct source *s) MUST_CHECK;
enum status catalog_put_type(struct catalog *c, struct str name, const struct type *type) MUST_CHECK; /* copies */
/* Copies everything but the plan. */
enum status catalog_put_query(struct catalog *c, const struct catalog_query *query) MUST_CHECK;
bool catalog_remove_source(struct catalog *c, struct str name);
bool catalog_remove_type(struct catalog *c, struct str name);
bool catalog_remove_query(struct catalog *c, struct str id);

/* "\nDid you mean ...?" after the name of a missing source, or nothing. `only`: 's' streams, 't' tables, 0 both. */
void catalog_hint(struct buf *out, const struct catalog *c, struct str name, char only);

#endif
