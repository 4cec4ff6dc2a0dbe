/* The public face of planner/: statements to plans and catalog changes.
 *
 * planner_plan_statement checks one statement against a catalog and answers what is to be done; it changes nothing.
 * planner_apply makes the change in a catalog. A script is validated by doing both, statement by statement, on a clone.
 *
 * The life of a statement, as the engine drives it:
 *     parser_prepare -> planner_plan_statement -> create planned.topic -> planner_apply -> start planned.plan
 * Everything that is answered lives in the arena that was passed in, or in the statement's tree; for persistent queries
 * both must live as long as the query runs. Nothing here does I/O but asking for schemas; facts about topics come through a callback.
 *
 * Errors: STATUS_PARSE, STATUS_STATEMENT, STATUS_INVALID with ksqlDB's wording; STATUS_UNSUPPORTED for what is
 * understood but not built yet; STATUS_IO for a schema registry that cannot be reached. diag.where is the place in the text. */
#ifndef WEIR_PLANNER_H
#define WEIR_PLANNER_H

#include "parser/parser.h"
#include "planner/catalog.h"

/* ---- what the planner asks ---- */

struct topic_facts {
    uint32_t partitions, replicas;
    int64_t retention_ms; /* -1: unlimited */
};

struct planner_context {
    const struct catalog *catalog;
    /* Session and server properties by name ("ksql.persistence.default.format.value"); false: not set. May be NULL. */
    bool (*property)(void *data, const char *name, struct str *value);
    /* Facts about a topic; false: it does not exist. May be NULL: no topic exists. */
    bool (*topic)(void *data, const char *topic, struct topic_facts *facts);
    void *data;
    struct registry *registry; /* of schemas; NULL: none is configured */
    /* The statement is one that was planned before and recorded: its columns are those of then, whatever the registry says now. */
    bool recorded;
    /* The value, in the arena, of an expression without columns: expr_constant of exec/expr. False: it failed, `error` says
     * why, or memory is out. May be NULL: INSERT VALUES takes literals only. */
    bool (*evaluate)(const struct expr *e, struct arena *a, int64_t now_ms, struct value *out, char *error,
                     size_t error_size);
    uint64_t query_number;  /* n of CSAS_X_n: the next free one */
    int64_t now_ms;         /* for INSERT VALUES without ROWTIME */
    uint32_t skip_rewrites; /* enum rewrite_flag: for tests */
};

enum rewrite_flag {
    REWRITE_FOLD = 1,   /* constants, alternatives */
    REWRITE_MERGE = 2,  /* adjacent selects */
    REWRITE_FILTER = 4, /* filter push-down */
    REWRITE_PRUNE = 8,  /* columns and struct fields that nobody reads are not decoded */
    REWRITE_ALL = 15,
};

/* ---- what it answers ---- */

enum planned_kind {
    PLANNED_NOTHING,       /* IF [NOT] EXISTS had nothing to do: see message */
    PLANNED_DDL,           /* ddl; a SOURCE TABLE also has plan and query_id */
    PLANNED_PERSISTENT,    /* plan, query_id, sources; ddl for CREATE AS, none for INSERT INTO */
    PLANNED_INSERT_VALUES, /* insert */
    PLANNED_PUSH,          /* plan: ends in STEP_CLIENT_SINK */
    PLANNED_PULL,          /* pull */
    PLANNED_ADMIN,         /* nothing to plan: the engine does it (LIST, DESCRIBE, SET, TERMINATE, EXPLAIN, ...) */
};

/* A topic that must be there before the statement takes effect. */
struct planned_topic {
    const char *name; /* NULL: none */
    bool exists;      /* false: create it */
    uint32_t partitions;
    uint32_t replicas;        /* 0: the broker's default */
    int64_t retention_ms;     /* -1: the broker's default */
    bool compact, delete_old; /* cleanup.policy */
};

enum ddl_kind { DDL_CREATE_SOURCE, DDL_ALTER_SOURCE, DDL_DROP_SOURCE, DDL_CREATE_TYPE, DDL_DROP_TYPE };
struct planned_ddl {
    enum ddl_kind kind;
    struct str name;
    const struct source *source; /* CREATE, ALTER: the new one, in the statement's arena: planner_apply copies it */
    bool replaces;               /* CREATE: one of that name is there (OR REPLACE) */
    const struct type *type;     /* CREATE_TYPE */
    bool is_table, delete_topic; /* DROP */
    const char *drop_topic;      /* DROP .. DELETE TOPIC: which one */
    const char *terminates;      /* DROP: id of the query that ends with it, or NULL */
};

struct planned_insert {
    const struct source *target;
    const struct value *values; /* one a column of target->schema (keys, values); missing ones null */
    int64_t rowtime;
};

/* A pull query on a table: rows of the table that `where` accepts, then the items. Expressions are over the table's
 * schema (keys, values), and pseudo columns. */
struct planned_pull {
    const struct source *source;
    const char *query_id;     /* the query that keeps the table */
    const struct expr *where; /* NULL: all rows */
    uint32_t n_items;
    const struct expr *const *items;
    struct schema schema; /* of the items, in their order (n_keys is 0; see is_key) */
    const bool *is_key;   /* one an item: shown as KEY */
    int64_t limit;        /* -1: none */
};

struct logical;
struct planned {
    enum planned_kind kind;
    const struct ast_stmt *statement;
    /* The statement with the columns that came from the schema registry: what is to be recorded instead of its own text. p NULL: none
     * did. */
    struct str filled;
    const char *message; /* for the user: "Stream created", "Created query with ID CSAS_X_0", ... */
    struct planned_topic topic;
    const struct planned_ddl *ddl; /* NULL: no change of the catalog */
    const char *query_id;          /* of `plan` */
    enum query_kind query_kind;
    bool replaces_query; /* OR REPLACE: query_id runs already; the new plan takes its place */
    struct str sink;     /* PERSISTENT: name of the stream or table written to */
    const struct plan *plan;
    const struct planned_insert *insert;
    const struct planned_pull *pull;
    bool ends; /* PUSH: a pull query on a stream: stop at the sources' present end */
    /* The passes before the physical plan, for EXPLAIN; NULL where there is no query. */
    const struct logical *logical, *rewritten;
};

enum status planner_plan_statement(const struct planner_context *context, struct arena *a,
                                   const struct ast_stmt *statement, struct planned *out, struct diag *d) MUST_CHECK;

/* Makes the statement's change in `c` (no-op for those that have none): sources, types, and the persistent query. `p`
 * may have been planned against a clone of `c`. */
enum status planner_apply(struct catalog *c, const struct planned *p, struct diag *d) MUST_CHECK;

/* EXPLAIN: every pass of a statement that runs a query, as text: statement, logical plan, rewritten plan, physical
 * plan. */
void planner_explain(struct buf *out, const struct planned *p);

/* The physical plan in full: stages, expressions, what is read, stores. */
void plan_describe(struct buf *out, const struct plan *p);

/* The source's topic key and value columns as format checks and encoders want them. */
static inline const struct schema_column *source_value_columns(const struct source *s)
{
    return s->schema.columns + s->schema.n_keys;
}

#endif
