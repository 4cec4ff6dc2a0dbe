/* The physical plan: what the planner hands to exec/. Steps are named as ksqlDB names them. A plan is const plain data in
 * one arena after the pass that made it.
 *
 * A plan is a list of stages, in topological order. A stage reads one or more source steps, and ends in one sink step:
 * the query's sink topic, a repartition topic, or (transient queries) the client. Inside a stage, steps form a tree whose
 * root is the sink. A repartition topic is the sink of one stage and the source of a later one.
 * (The stages of a foreign-key join write to each other: the one of the left table stands first, the right one behind it.)
 * Rows on a repartition topic are in weir's own row encoding (formats/row.h), lossless and cheap. */
#ifndef WEIR_PLANNER_PLAN_H
#define WEIR_PLANNER_PLAN_H

#include "formats/formats.h"
#include "planner/expr.h"

/* ---- formats of a topic ------------------------------------------------------------------------------------ */

struct topic_formats {
    struct format_spec key, value;
    enum window_kind window;    /* of the key */
    int64_t window_size;        /* ms */
};

/* ---- steps ------------------------------------------------------------------------------------------------- */

enum step_kind {
    STEP_STREAM_SOURCE, STEP_TABLE_SOURCE, /* windowed ones too: see formats.window */
    STEP_STREAM_FILTER, STEP_TABLE_FILTER,
    STEP_STREAM_SELECT, STEP_TABLE_SELECT,
    STEP_STREAM_FLAT_MAP,
    STEP_STREAM_SELECT_KEY, STEP_TABLE_SELECT_KEY,
    STEP_STREAM_GROUP_BY, STEP_STREAM_GROUP_BY_KEY, STEP_TABLE_GROUP_BY,
    STEP_STREAM_AGGREGATE, STEP_STREAM_WINDOWED_AGGREGATE, STEP_TABLE_AGGREGATE,
    STEP_TABLE_SUPPRESS,
    STEP_STREAM_STREAM_JOIN, STEP_STREAM_TABLE_JOIN, STEP_TABLE_TABLE_JOIN,
    STEP_FOREIGN_KEY_JOIN, STEP_FOREIGN_KEY_ANSWER, /* where the left row is, and where the right one is */
    STEP_STREAM_SINK, STEP_TABLE_SINK,
    STEP_REPARTITION_SINK, STEP_REPARTITION_SOURCE,
    STEP_CLIENT_SINK, /* rows of a transient query */
};
const char *step_kind_name(enum step_kind kind); /* "StreamSource", ... */

/* What a source step reads of the records: a column of the topic's schema, or a field somewhere inside a STRUCT column
 * (path of field indexes), so that nothing else is decoded. One entry an output column, in order. */
struct source_read {
    uint32_t column;           /* index into source.topic_schema */
    uint32_t n_path;
    const uint32_t *path;
};

enum timestamp_kind { TS_RECORD, TS_BIGINT, TS_TIMESTAMP, TS_STRING, TS_WALL_CLOCK /* sources only */ };
/* What becomes of a source's record without a time: of a column that cannot be read, or of a record's own that is negative. */
enum bad_time {
    BAD_TIME_USUAL, /* a column's: it is dropped; its own: the query stops */
    BAD_TIME_SKIP,  /* it is dropped */
    BAD_TIME_FAIL,  /* the query stops */
    BAD_TIME_LAST,  /* it takes the highest time of its partition so far */
};
struct timestamp_spec { /* where a row's time comes from */
    enum timestamp_kind kind;
    uint32_t column;        /* source: index into topic_schema; sink: into the input schema */
    struct str format;      /* TS_STRING: a DateTimeFormatter pattern */
    enum bad_time bad;      /* sources: set by the plan of a query */
};

struct window_spec {
    enum window_kind kind;
    int64_t size, advance;   /* ms; SESSION: size is the gap; TUMBLING: advance == size */
    int64_t grace, retention;/* ms, defaults filled in */
    bool has_grace;
    bool emit_final;
};

struct step_aggregate_call {
    const struct resolved_call *call;
    uint32_t n_args;                       /* column arguments */
    const uint32_t *args;                  /* indexes into the input schema */
    const struct value *literals;
    uint32_t n_literals;
    int64_t limit;                         /* for aggregate_call.limit: ksql.functions.NAME.limit; 0: none */
};

/* Which rows without a partner a join emits. A RIGHT join is a LEFT one whose inputs are exchanged. */
enum join_outer { OUTER_NONE, OUTER_LEFT, OUTER_BOTH };

struct join_column {           /* where a column of the result comes from */
    uint32_t input;            /* 0, 1 */
    uint32_t column;           /* of that input's schema; a key column, too */
};

struct step {
    enum step_kind kind;
    const char *context;       /* "KsqlTopic", "WhereFilter", "Aggregate-Aggregate" ...: loggers and internal names */
    struct schema schema;      /* of the output; keys first */
    uint32_t n_inputs;
    const struct step *inputs[2];
    union {
        struct {               /* STREAM_SOURCE, TABLE_SOURCE */
            struct str source_name;   /* the stream or table */
            const char *topic;
            struct topic_formats formats;
            struct schema topic_schema;      /* every column of the source: keys, values, headers */
            const struct source_read *reads; /* one a column of `schema` */
            struct timestamp_spec timestamp;
            bool needs_partition, needs_offset, needs_headers;
            const char *store;        /* TABLE_SOURCE: name of the state store that holds the table, or NULL: not materialized */
            bool force_changelog;     /* SOURCE TABLE */
        } source;
        struct {               /* *_FILTER */
            const struct expr *predicate;
        } filter;
        struct {               /* *_SELECT, *_SELECT_KEY, *_GROUP_BY: one expression an output column (keys first) */
            const struct expr *const *exprs;
        } select;
        struct {               /* STREAM_FLAT_MAP: output columns = input columns, then one a table function */
            uint32_t n_calls;
            const struct expr *const *calls; /* EXPR_CALL of TABLE functions, or scalar expressions giving the ARRAY */
        } flat_map;
        struct {               /* *_AGGREGATE: output = key columns, then `n_required` input columns, then one a call */
            uint32_t n_required;
            const uint32_t *required;      /* non-aggregate columns kept in the state: latest row wins */
            uint32_t n_calls;
            const struct step_aggregate_call *calls;
            struct window_spec window;     /* WINDOW_NONE: unwindowed */
            const char *store;             /* "Aggregate-Aggregate-Materialize" */
            struct str reads, functions;   /* columns of the source that the query reads, calls: as messages show them */
        } aggregate;
        struct {               /* *_JOIN on the whole key: both inputs have the output's key columns (and window) first. STREAM_TABLE:
                                  input 0 is the stream */
            enum join_outer outer;
            const struct join_column *columns; /* one an output column behind the keys */
            /* STREAM_STREAM, ms: a left and a right row match iff left.ts - before <= right.ts <= left.ts + after. (For an
             * exchanged RIGHT join `before` and `after` are as the statement has them.) */
            int64_t before, after, grace;
            bool has_grace;            /* GRACE PERIOD was given: rows without a partner wait for the end of their window */
            const char *stores[2];     /* names of the inputs' stores, for changelogs; [0] of STREAM_TABLE: NULL */
            const char *pending_store; /* of rows that wait; NULL unless has_grace and outer */
        } join;
        struct {               /* FOREIGN_KEY_JOIN: input 0 is the left table, input 1 the answers: its keys are the left table's, its
                                  other columns those of the right row, then FOREIGN_KEY_EXTRA as below */
            enum join_outer outer;             /* NONE, LEFT */
            const struct join_column *columns; /* input 1: of the answers' schema */
            const struct expr *foreign_key;    /* over input 0; its type is that of the right table's key */
            const char *store;                 /* of the left rows */
            const char *result_store;          /* of the results, for a GROUP BY above, which needs the previous ones; NULL: they are
                                                  not known above (and a filter says a tombstone for all that fail) */
            const struct step *subscriptions;  /* a REPARTITION_SINK that the join writes to by itself; its schema: the foreign
                                                  key, then the left table's key columns, then INT instruction, BIGINT hash,
                                                  INT partition (of the left row) */
        } foreign_key;
        struct {               /* FOREIGN_KEY_ANSWER: input 0 the subscriptions (a REPARTITION_SOURCE), input 1 the right table. Output:
                                  the left table's key columns, the right table's other columns (its key is not among them: for
                                  results a select below copies it), then BOOLEAN whether there is a right row, BIGINT hash, INT
                                  partition: to which the row goes */
            const char *stores[2];             /* of the subscriptions, of the right rows. The stage's root is a REPARTITION_SINK
                                                  right above; the order of answers is that of keys in its shown_formats */
        } answer;
        struct {               /* STREAM_SINK, TABLE_SINK */
            struct str sink_name;
            const char *topic;
            struct topic_formats formats;
            struct timestamp_spec timestamp; /* TS_RECORD: the row's time */
        } sink;
        struct {               /* REPARTITION_SINK and _SOURCE */
            const char *name;          /* "Aggregate-GroupBy-repartition": the topic is prefix + this */
            bool keep_null_keys;       /* rows without key are dropped unless a join wants them */
            bool to_partition;         /* the last column (which the reader has, too) says to which partition a row goes; else
                                          its key does, as in shown_formats.key: rows of a join must meet */
            bool is_table;             /* rows carry before and after images */
            struct topic_formats shown_formats; /* what ksqlDB would use there; for EXPLAIN and checks */
        } repartition;
    };
};

/* One unit of execution: runs once per partition of its inputs. */
struct stage {
    const struct step *root;               /* a sink step */
    uint32_t n_sources;
    const struct step *const *sources;     /* *_SOURCE steps below root */
    bool has_state;
};

enum result_kind { RESULT_STREAM, RESULT_TABLE, RESULT_WINDOWED_TABLE };

struct plan {
    struct arena *arena;
    const char *query_id;                  /* "CSAS_X_0", "INSERTQUERY_3", "transient_..." */
    enum result_kind result;
    struct schema schema;                  /* of the result; for transient queries: see output_columns */
    uint32_t n_stages;
    const struct stage *stages;
    const struct step *sink;               /* root of the stage that gives the result: the last one, but for a foreign-key
                                              join in it, whose other stage stands behind */
    int64_t limit;                         /* -1: none */
    /* Transient queries: what the client sees, in order: indexes into schema, or pseudo columns. */
    uint32_t n_output;
    const uint32_t *output_columns;
    const char *const *sources;            /* names of the streams and tables that are read, for DROP */
    uint32_t n_source_names;
};

/* EXPLAIN of the physical plan: ksqlDB's executionPlan text (rules.md section 9). */
void plan_print(struct buf *out, const struct plan *p);

#endif
