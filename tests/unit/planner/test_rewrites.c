/* Rewrites: each on and off, and what they may not do. */
#include "tests/unit/planner/harness.h"

static const char setup[] =
    "CREATE STREAM S (K STRING KEY, V INT, U INT, ST STRUCT<A INT, B STRUCT<C STRING, D INT>>) WITH (KAFKA_TOPIC='s', "
    "VALUE_FORMAT='JSON', PARTITIONS=3);"
    "CREATE TABLE T (ID INT PRIMARY KEY, N STRING, X INT) WITH (KAFKA_TOPIC='t', FORMAT='JSON', PARTITIONS=2);";

static const struct step *source_of(const struct session *s)
{
    return s->last.plan->stages[0].sources[0];
}

static void plan(struct session *s, const char *sql, uint32_t skip)
{
    s->context.skip_rewrites = skip;
    enum status st = session_run(s, sql);
    unit_check_text(s->diag.message, "", sql, __FILE__, __LINE__);
    REQUIRE(st == STATUS_OK);
}

TEST(rewrites, prune_reads_only_what_is_used)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    plan(&s, "SELECT ST->B->C FROM S WHERE ST->A > 1 EMIT CHANGES;", 0);
    const struct step *source = source_of(&s);
    CHECK_INT(source->schema.n_columns, 2);
    CHECK_INT(source->schema.n_keys, 0);
    CHECK_INT(source->source.reads[0].n_path, 1);
    CHECK_INT(source->source.reads[1].n_path, 2);
    CHECK_INT(source->schema.columns[1].type->kind, KIND_STRING);
    plan(&s, "SELECT ST->B->C FROM S WHERE ST->A > 1 EMIT CHANGES;", REWRITE_PRUNE);
    CHECK_INT(source_of(&s)->schema.n_columns, 4);
    session_close(&s);
}

TEST(rewrites, prune_keeps_whole_structs_that_are_used_whole)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    plan(&s, "SELECT ST->B->C, ST->B FROM S EMIT CHANGES;", 0);
    const struct step *source = source_of(&s);
    CHECK_INT(source->schema.n_columns, 1);
    CHECK_INT(source->source.reads[0].n_path, 1);
    const struct step *select = s.last.plan->sink->inputs[0];
    CHECK_INT(select->select.exprs[s.last.plan->output_columns[0]]->kind, EXPR_FIELD);
    CHECK_INT(select->select.exprs[s.last.plan->output_columns[1]]->kind, EXPR_COLUMN);
    session_close(&s);
}

TEST(rewrites, prune_keeps_keys_of_tables)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    plan(&s, "SELECT N FROM T EMIT CHANGES;", 0);
    CHECK_INT(source_of(&s)->schema.n_keys, 1);
    CHECK_INT(source_of(&s)->schema.n_columns, 2);
    CHECK(source_of(&s)->source.store == NULL);
    plan(&s, "SELECT N FROM T WHERE X > 1 EMIT CHANGES;", 0);
    CHECK_TEXT(source_of(&s)->source.store, "KsqlTopic-Reduce");
    CHECK(s.last.plan->stages[0].has_state);
    session_close(&s);
}

TEST(rewrites, prune_through_a_new_key)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    plan(&s, "CREATE STREAM O AS SELECT V, ST->B->D FROM S PARTITION BY V;", 0);
    CHECK_INT(source_of(&s)->schema.n_columns, 2);
    CHECK_INT(source_of(&s)->source.reads[1].n_path, 2);
    session_close(&s);
}

TEST(rewrites, having_on_keys_moves_below)
{
    static const char sql[] = "CREATE OR REPLACE TABLE O AS SELECT V + 1 AS V1, COUNT(*) AS N FROM S GROUP BY V + 1 "
                              "HAVING V + 1 > 3 AND COUNT(*) > 2;";
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    plan(&s, sql, 0);
    const struct step *group = s.last.plan->stages[0].root->inputs[0];
    CHECK_INT(group->kind, STEP_STREAM_GROUP_BY);
    CHECK_INT(group->inputs[0]->kind, STEP_STREAM_FILTER);
    plan(&s, sql, REWRITE_FILTER);
    group = s.last.plan->stages[0].root->inputs[0];
    CHECK_INT(group->inputs[0]->kind, STEP_STREAM_SOURCE);
    session_close(&s);
}

TEST(rewrites, having_on_keys_of_windows_and_tables_stays)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    plan(&s, "CREATE TABLE O AS SELECT V, COUNT(*) AS N FROM S WINDOW TUMBLING (SIZE 1 DAY) GROUP BY V HAVING V > 3;",
         0);
    CHECK_INT(s.last.plan->stages[0].root->inputs[0]->inputs[0]->kind, STEP_STREAM_SOURCE);
    plan(&s, "CREATE TABLE P AS SELECT X, COUNT(*) AS N FROM T GROUP BY X HAVING X > 3;", 0);
    CHECK_INT(s.last.plan->stages[0].root->inputs[0]->inputs[0]->kind, STEP_TABLE_SOURCE);
    session_close(&s);
}

TEST(rewrites, merge_takes_prepare_into_the_group_by)
{
    static const char sql[] = "SELECT U, SUM(V * 2) AS N FROM S GROUP BY U EMIT CHANGES;";
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    plan(&s, sql, 0);
    CHECK_INT(s.last.plan->stages[0].root->inputs[0]->inputs[0]->kind, STEP_STREAM_SOURCE);
    plan(&s, sql, REWRITE_MERGE);
    CHECK_INT(s.last.plan->stages[0].root->inputs[0]->inputs[0]->kind, STEP_STREAM_SELECT);
    session_close(&s);
}

/* The predicate of SELECT V FROM S WHERE ..., as EXPLAIN shows it. */
static const char *predicate(struct session *s, const char *where)
{
    static char text[512];
    struct buf out;
    buf_init(&out, 0);
    buf_printf(&out, "SELECT V FROM S WHERE %s EMIT CHANGES;", where);
    plan(s, buf_z(&out), 0);
    out.len = 0;
    expr_print(&out, s->last.plan->sink->inputs[0]->inputs[0]->filter.predicate);
    snprintf(text, sizeof text, "%s", buf_z(&out));
    buf_free(&out);
    return text;
}

TEST(rewrites, alternatives_become_a_list)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    CHECK_TEXT(predicate(&s, "V = 1 OR V = 2"), "((V = 1) OR (V = 2))");
    CHECK_TEXT(predicate(&s, "V = 1 OR V = 2 OR V = 3"), "(V IN (1, 2, 3))");
    CHECK_TEXT(predicate(&s, "V = 1 OR 2 = V OR (V IN (3, 4) OR V = 5)"), "(V IN (1, 2, 3, 4, 5))");
    CHECK_TEXT(predicate(&s, "V = 1 OR V > 8 OR V = 2 OR V = 3 OR V = 4"), "((V = 1) OR (V > 8) OR (V IN (2, 3, 4)))");
    CHECK_TEXT(predicate(&s, "K = 'a' OR K = 'b' OR K = 'c' OR V = 1"), "((K IN ('a', 'b', 'c')) OR (V = 1))");
    CHECK_TEXT(predicate(&s, "V = 1 AND (V = 1 OR V = 2 OR V = 3)"), "((V = 1) AND (V IN (1, 2, 3)))");
    /* what may fail, or has another idea of equality, stays */
    CHECK_TEXT(predicate(&s, "V + 1 = 1 OR V + 1 = 2 OR V + 1 = 3"),
               "((((V + 1) = 1) OR ((V + 1) = 2)) OR ((V + 1) = 3))");
    CHECK_TEXT(predicate(&s, "V = 1.5 OR V = 2.5 OR V = 3.5"),
               "(((CAST(V AS DECIMAL(10, 0)) = 1.5) OR (CAST(V AS DECIMAL(10, 0)) = 2.5)) OR (CAST(V AS DECIMAL(10, "
               "0)) = 3.5))");
    session_close(&s);
}

TEST(rewrites, fold_literals)
{
    struct session s;
    session_open(&s);
    REQUIRE(session_run(&s, setup) == STATUS_OK);
    plan(&s, "SELECT V FROM S WHERE V > CAST('5' AS INT) EMIT CHANGES;", 0);
    const struct expr *e = s.last.plan->sink->inputs[0]->inputs[0]->filter.predicate;
    CHECK_INT(e->args[1]->kind, EXPR_LITERAL);
    CHECK_INT(e->args[1]->value.i32, 5);
    plan(&s, "SELECT CAST('x' AS INT) AS X FROM S EMIT CHANGES;", 0); /* fails at run time, for each row */
    const struct step *select = s.last.plan->sink->inputs[0];
    CHECK_INT(select->select.exprs[s.last.plan->output_columns[0]]->kind, EXPR_CAST);
    plan(&s, "SELECT V FROM S WHERE true EMIT CHANGES;", 0);
    CHECK_INT(s.last.plan->sink->inputs[0]->inputs[0]->kind, STEP_STREAM_SOURCE);
    session_close(&s);
}
