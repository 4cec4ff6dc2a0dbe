/* Joins: every message, the names and keys of results, what is read, and how stages and topics come about. */
#include "tests/unit/planner/harness.h"

static const char setup[] =
    "CREATE STREAM S (K INT KEY, V INT, N STRUCT<X INT, Y STRING>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', "
    "PARTITIONS=2);"
    "CREATE STREAM R (K INT KEY, W INT, B BIGINT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON', PARTITIONS=2);"
    "CREATE STREAM Q (K INT KEY, U INT) WITH (KAFKA_TOPIC='q', VALUE_FORMAT='JSON', PARTITIONS=2);"
    "CREATE STREAM J (K INT KEY, U INT) WITH (KAFKA_TOPIC='j', FORMAT='JSON', PARTITIONS=2);"
    "CREATE STREAM P3 (K INT KEY, U INT) WITH (KAFKA_TOPIC='p3', VALUE_FORMAT='JSON', PARTITIONS=3);"
    "CREATE STREAM KF (K INT KEY, U INT) WITH (KAFKA_TOPIC='kf', VALUE_FORMAT='KAFKA', PARTITIONS=2);"
    "CREATE STREAM M (K INT KEY, A MAP<STRING, INT>) WITH (KAFKA_TOPIC='m', FORMAT='JSON', PARTITIONS=2);"
    "CREATE STREAM M2 (K INT KEY, A MAP<STRING, INT>) WITH (KAFKA_TOPIC='m2', FORMAT='JSON', PARTITIONS=2);"
    "CREATE STREAM WS (K INT KEY, V INT) WITH (KAFKA_TOPIC='ws', VALUE_FORMAT='JSON', WINDOW_TYPE='SESSION', "
    "PARTITIONS=2);"
    "CREATE STREAM WT (K INT KEY, V INT) WITH (KAFKA_TOPIC='wt', VALUE_FORMAT='JSON', WINDOW_TYPE='TUMBLING', "
    "WINDOW_SIZE='1 SECOND', PARTITIONS=2);"
    "CREATE STREAM WU (K INT KEY, V INT) WITH (KAFKA_TOPIC='wu', VALUE_FORMAT='JSON', WINDOW_TYPE='TUMBLING', "
    "WINDOW_SIZE='1 SECOND', PARTITIONS=2);"
    "CREATE STREAM WH (K INT KEY, V INT) WITH (KAFKA_TOPIC='wh', VALUE_FORMAT='JSON', WINDOW_TYPE='HOPPING', "
    "WINDOW_SIZE='5 SECONDS', PARTITIONS=2);"
    "CREATE TABLE WTT (K INT PRIMARY KEY, V INT) WITH (KAFKA_TOPIC='wtt', VALUE_FORMAT='JSON', "
    "WINDOW_TYPE='TUMBLING', WINDOW_SIZE='1 SECOND', PARTITIONS=2);"
    "CREATE TABLE WTU (K INT PRIMARY KEY, V INT) WITH (KAFKA_TOPIC='wtu', VALUE_FORMAT='JSON', "
    "WINDOW_TYPE='TUMBLING', WINDOW_SIZE='1 SECOND', PARTITIONS=2);"
    "CREATE STREAM RK (ROWKEY INT KEY, ROWKEY_2 INT) WITH (KAFKA_TOPIC='rk', VALUE_FORMAT='JSON', PARTITIONS=2);"
    "CREATE TABLE T (ID INT PRIMARY KEY, F INT, G STRING) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=2);"
    "CREATE TABLE O (ID INT PRIMARY KEY, H STRING) WITH (KAFKA_TOPIC='o', VALUE_FORMAT='JSON', PARTITIONS=2);"
    "CREATE TABLE E (ID INT PRIMARY KEY, Z STRING) WITH (KAFKA_TOPIC='e', VALUE_FORMAT='JSON', PARTITIONS=2);"
    "CREATE TABLE C2 (A INT PRIMARY KEY, B INT PRIMARY KEY, F INT) WITH (KAFKA_TOPIC='c2', FORMAT='JSON', "
    "PARTITIONS=2);"
    "CREATE TABLE D (ID INT PRIMARY KEY, L STRING) WITH (KAFKA_TOPIC='d', FORMAT='DELIMITED', PARTITIONS=2);";

#define WHOLE "Could not determine output schema for query due to error: "

static const struct {
    const char *sql, *message;
} refused[] = {
    /* sources */
    {"SELECT * FROM S A JOIN S B WITHIN 1 SECOND ON A.K = B.K EMIT CHANGES;",
     "Can not join 'S' to 'S': self joins are not yet supported."},
    {"SELECT * FROM S JOIN T ON S.K = T.ID JOIN T U ON S.K = U.ID EMIT CHANGES;",
     "N-way joins do not support multiple occurrences of the same source. Source: 'T'."},
    {"SELECT * FROM S JOIN NOPE ON S.K = NOPE.ID EMIT CHANGES;",
     "Exception while preparing statement: NOPE does not exist."},
    /* criteria */
    {"SELECT * FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K AND S.V = R.W EMIT CHANGES;",
     "Invalid join condition: joins on multiple conditions are not yet supported. Got ((S.K = R.K) AND (S.V = R.W))."},
    {"SELECT * FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K OR S.V = R.W EMIT CHANGES;",
     "Invalid join condition: joins on multiple conditions are not yet supported. Got ((S.K = R.K) OR (S.V = R.W))."},
    {"SELECT * FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K AND S.V > 1 EMIT CHANGES;",
     "Unsupported join expression: ((S.K = R.K) AND (S.V > 1))"},
    {"SELECT * FROM S JOIN R WITHIN 1 SECOND ON S.K < R.K EMIT CHANGES;", "Only equality join criteria is supported."},
    {"SELECT * FROM S JOIN R WITHIN 1 SECOND ON TRUE EMIT CHANGES;", "Unsupported join expression: true"},
    {"SELECT * FROM S JOIN R WITHIN 1 SECOND ON 0 = R.K EMIT CHANGES;",
     "Invalid comparison expression '0' in join '(0 = R.K)'. Each side of the join comparision must contain references "
     "from exactly one source."},
    {"SELECT * FROM S JOIN R WITHIN 1 SECOND ON S.K = S.V + R.K EMIT CHANGES;",
     "Invalid comparison expression '(S.V + R.K)' in join '(S.K = (S.V + R.K))'. Each side of the join comparision "
     "must contain references from exactly one source."},
    {"SELECT * FROM S JOIN R WITHIN 1 SECOND ON S.K = S.V EMIT CHANGES;",
     "Each side of the join must reference exactly one source and not the same source. Left side references `S` and "
     "right references `S`"},
    {"SELECT * FROM S JOIN T ON S.K = T.ID JOIN O ON S.K = T.ID EMIT CHANGES;",
     "A join criteria is expected to reference the source (`O`) in the FROM clause, instead the right source "
     "references `T` and the left source references `S`"},
    {"SELECT * FROM S JOIN T ON T.ID = O.ID JOIN O ON S.K = O.ID EMIT CHANGES;",
     "Cannot build JOIN tree; neither source in the join is the FROM source or included in a previous JOIN: T, O"},
    {"SELECT * FROM S JOIN R WITHIN 1 SECOND ON S.NOPE = R.K EMIT CHANGES;",
     "Line: 1, Col: 43: JOIN ON column 'S.NOPE' cannot be resolved."},
    {"SELECT * FROM S JOIN R WITHIN 1 SECOND ON K = R.W EMIT CHANGES;",
     "Exception while preparing statement: Line: 1, Col: 43: Column 'K' is ambiguous. Could be R.K or S.K."},
    /* windows */
    {"SELECT * FROM WS JOIN R WITHIN 1 SECOND ON WS.K = R.K EMIT CHANGES;",
     "Can not join windowed source to non-windowed source.\n`WS` is SESSION windowed\n`R` is not windowed"},
    {"SELECT * FROM WS JOIN WT WITHIN 1 SECOND ON WS.K = WT.K EMIT CHANGES;",
     "Incompatible windowed sources.\nLeft source: SESSION\nRight source: TUMBLING\nSession windowed sources can only "
     "be joined to other session windowed sources, and may still not result in expected behaviour as session bounds "
     "must be an exact match for the join to work\nHopping and tumbling windowed sources can only be joined to other "
     "hopping and tumbling windowed sources"},
    {"SELECT * FROM WT JOIN WU WITHIN 1 SECOND ON WT.V = WU.K EMIT CHANGES;",
     "Implicit repartitioning of windowed sources is not supported. See "
     "https://github.com/confluentinc/ksql/issues/4385."},
    {"SELECT * FROM WT JOIN WH WITHIN 1 SECOND ON WT.K = WH.K EMIT CHANGES;",
     "Implicit repartitioning of windowed sources is not supported. See "
     "https://github.com/confluentinc/ksql/issues/4385."},
    /* kinds */
    {"SELECT * FROM T JOIN S ON T.ID = S.K EMIT CHANGES;",
     "Invalid join order: table-stream joins are not supported; only stream-table joins. Got T [INNER] JOIN S."},
    {"SELECT * FROM T JOIN O ON T.ID = O.ID LEFT JOIN S ON T.ID = S.K EMIT CHANGES;",
     "Invalid join order: table-stream joins are not supported; only stream-table joins. Got T LEFT [OUTER] JOIN S."},
    {"SELECT * FROM S FULL JOIN T ON S.K = T.ID EMIT CHANGES;",
     "Invalid join type: full-outer join not supported for stream-table join. Got S [FULL] OUTER JOIN T."},
    {"SELECT * FROM S RIGHT JOIN T ON S.K = T.ID EMIT CHANGES;", "Invalid join type encountered: RIGHT [OUTER] JOIN"},
    {"SELECT * FROM S JOIN T ON S.V = T.F EMIT CHANGES;",
     "Invalid join condition: stream-table joins require to join on the table's primary key. Got S.V = T.F."},
    {"SELECT * FROM S JOIN T ON T.ID + 1 = S.V EMIT CHANGES;",
     "Invalid join condition: stream-table joins require to join on the table's primary key. Got (T.ID + 1) = S.V."},
    {"SELECT * FROM S JOIN C2 ON S.V = C2.A EMIT CHANGES;",
     "Invalid join condition: stream-table joins require to join on the table's primary key. Got S.V = C2.A."},
    {"SELECT * FROM T JOIN O ON O.H = T.G EMIT CHANGES;",
     "Invalid join condition: table-table joins require to join on the primary key of the right input table. Got O.H = "
     "T.G."},
    {"SELECT * FROM T FULL JOIN O ON T.F = O.ID EMIT CHANGES;",
     "Invalid join type: full-outer join not supported for foreign-key table-table join. Got T [FULL] OUTER JOIN O."},
    {"SELECT * FROM T RIGHT JOIN O ON T.F = O.ID EMIT CHANGES;", "RIGHT OUTER JOIN on a foreign key is not supported"},
    {"SELECT * FROM T JOIN O ON T.ID = O.ID JOIN E ON T.F = E.ID EMIT CHANGES;",
     "Invalid join condition: foreign-key table-table joins are not supported as part of n-way joins. Got T.F = E.ID."},
    {"SELECT * FROM T FULL JOIN O ON T.ID = O.ID JOIN E ON T.ID = E.ID EMIT CHANGES;",
     "Invalid join condition: foreign-key table-table joins are not supported as part of n-way joins. Got T.ID = "
     "E.ID."},
    {"SELECT * FROM WTT JOIN WTU ON WTT.V = WTU.K EMIT CHANGES;",
     "Foreign-key table-table joins are not supported on windowed tables."},
    {"CREATE TABLE X AS SELECT * FROM WTT JOIN WTU ON WTT.K = WTU.K;",
     WHOLE "KSQL does not support persistent queries on windowed tables."},
    /* types */
    {"SELECT * FROM T JOIN O ON O.ID = T.G EMIT CHANGES;",
     "Invalid join condition: types don't match. Got O.ID{INTEGER} = T.G{STRING}."},
    {"SELECT * FROM S JOIN R WITHIN 1 SECOND ON S.K = R.B EMIT CHANGES;",
     "Invalid join. Key types differ: INTEGER vs BIGINT"},
    {"SELECT * FROM R JOIN T ON R.B = T.ID EMIT CHANGES;", "Invalid join. Key types differ: BIGINT vs INTEGER"},
    {"SELECT * FROM M JOIN S WITHIN 1 SECOND ON M.A = S.N EMIT CHANGES;",
     "Invalid join. Key types differ: MAP<STRING, INTEGER> vs STRUCT<`X` INTEGER, `Y` STRING>"},
    {"SELECT * FROM M JOIN M2 WITHIN 1 SECOND ON M.A = M2.A EMIT CHANGES;",
     "Map keys, including types that contain maps, are not supported as they may lead to unexpected behavior due to "
     "inconsistent serialization. Key column name: `M_A`. Column type: MAP<STRING, INTEGER>. See "
     "https://github.com/confluentinc/ksql/issues/6621 for more."},
    /* WITHIN, partitions, formats */
    {"SELECT * FROM S JOIN P3 ON S.K = P3.K EMIT CHANGES;",
     "Can't join `S` with `P3` since the number of partitions don't match. `S` partitions = 2; `P3` partitions = 3. "
     "Please repartition either one so that the number of partitions match."},
    {"SELECT * FROM S JOIN R ON S.K = R.K EMIT CHANGES;",
     "Stream-Stream joins must have a WITHIN clause specified. None was provided. To learn about how to specify a "
     "WITHIN clause with a stream-stream join, please visit: "
     "https://docs.confluent.io/current/ksql/docs/syntax-reference.html#create-stream-as-select"},
    {"SELECT * FROM S JOIN T WITHIN 1 SECOND ON S.K = T.ID EMIT CHANGES;",
     "A window definition was provided for a Stream-Table join. These joins are not windowed. Please drop the window "
     "definition (ie. the WITHIN clause) and try to execute your join again."},
    {"SELECT * FROM T JOIN O WITHIN 1 SECOND ON T.ID = O.ID EMIT CHANGES;",
     "A window definition was provided for a Table-Table join. These joins are not windowed. Please drop the window "
     "definition (i.e. the WITHIN clause) and try to execute your Table-Table join again."},
    {"SELECT * FROM S JOIN R WITHIN 9000000000000000 SECONDS ON S.K = R.K EMIT CHANGES;",
     "WITHIN and its grace period are too long together"},
    {"SELECT * FROM KF JOIN T ON KF.K = T.ID EMIT CHANGES;",
     "Source(s) KF are using the 'KAFKA' value format. This format does not yet support JOIN.\n"
     "Either use an intermediate query to re-serialize the data in another format, or use another format."},
    {"SELECT * FROM S JOIN T ON S.K = T.ID;",
     "Pull queries don't support JOIN clauses. See https://cnfl.io/queries for more info.\n"
     "Add EMIT CHANGES if you intended to issue a push query."},
    /* keys in the projection */
    {"CREATE STREAM X AS SELECT V, W FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K;",
     WHOLE "Key missing from projection (ie, SELECT). \nThe query used to build `X` must include the join expressions "
           "S.K or R.K in its projection (eg, SELECT S.K...)."},
    {"CREATE STREAM X AS SELECT V, S.K FROM S JOIN R WITHIN 1 SECOND ON ABS(S.K) = R.K;",
     WHOLE "Key missing from projection (ie, SELECT). \nThe query used to build `X` must include the join expression "
           "R.K in its projection (eg, SELECT R.K...)."},
    {"CREATE STREAM X AS SELECT V FROM S JOIN T ON S.K = T.ID LEFT JOIN O ON T.ID = O.ID;",
     WHOLE "Key missing from projection (ie, SELECT). \nThe query used to build `X` must include the join expressions "
           "S.K, T.ID or O.ID in its projection (eg, SELECT S.K...)."},
    {"CREATE STREAM X AS SELECT S.*, W FROM S FULL JOIN R WITHIN 1 SECOND ON S.K = R.K;",
     WHOLE "Key missing from projection (ie, SELECT). See https://cnfl.io/2LV7ouS.\nThe query used to build `X` must "
           "include the join expression ROWKEY in its projection (eg, SELECT ROWKEY...).\nROWKEY was added as a "
           "synthetic key column because the join criteria did not match any source column. This expression must be "
           "included in the projection and may be aliased. "},
    {"CREATE STREAM X AS SELECT S.K, S.K AS A, V FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K;",
     WHOLE "The projection contains a key column (`S_K`) more than once, aliased as: A and S_K.\nEach key column must "
           "only be in the projection once. If you intended to copy the key into the value, then consider using the "
           "AS_VALUE function to indicate which key reference should be copied."},
    {"CREATE TABLE X AS SELECT F, H FROM T JOIN O ON T.F = O.ID;",
     WHOLE "Primary key column missing in projection. For foreign-key table-table joins, the projection must include "
           "all primary key columns from the left input table (`T`). Missing column: `ID`."},
    {"CREATE TABLE X AS SELECT F, H FROM C2 JOIN O ON C2.F = O.ID;",
     WHOLE "Primary key columns missing in projection. For foreign-key table-table joins, the projection must include "
           "all primary key columns from the left input table (`C2`). Missing columns: `A`, `B`."},
    {"CREATE STREAM X AS SELECT ROWKEY_9, V FROM S FULL JOIN R WITHIN 1 SECOND ON S.K = R.K;",
     WHOLE "Line: 1, Col: 27: Column 'ROWKEY_9' cannot be resolved."},
    {"CREATE STREAM X AS SELECT S.K FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K;",
     WHOLE "The projection contains no value columns."},
    /* the rest of the query */
    {"SELECT V, ROWTIME FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K EMIT CHANGES;",
     "Exception while preparing statement: Line: 1, Col: 11: Column 'ROWTIME' is ambiguous. Could be R.ROWTIME or "
     "S.ROWTIME."},
    {"SELECT S.ROWTIME AS ROWTIME, V FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K PARTITION BY S.NOPE EMIT CHANGES;",
     "Line: 1, Col: 88: PARTITION BY column 'S.NOPE' cannot be resolved. 'S.NOPE' must be a column in the source "
     "schema since PARTITION BY is applied on the input."},
    {"SELECT * FROM T JOIN O ON T.ID = O.ID PARTITION BY G EMIT CHANGES;",
     "Cannot repartition a TABLE source. If this is a join, make sure that the criteria uses the TABLE's key column "
     "T_ID instead of [T.G]"},
    {"SELECT V FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K WHERE V = S.N->Y EMIT CHANGES;",
     "Error in WHERE expression: Cannot compare S_V (INTEGER) to S_N->Y (STRING) with EQUAL."},
    {"CREATE TABLE X AS SELECT S.K, V FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K;",
     WHOLE "Invalid result type. Your SELECT query produces a STREAM. Please use CREATE STREAM AS SELECT statement "
           "instead."},
};

TEST(joins, refused)
{
    struct session s;
    session_open(&s);
    CHECK_INT(session_run(&s, setup), STATUS_OK);
    unit_check_text(s.diag.message, "", "setup", __FILE__, __LINE__);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        session_refuses(&s, refused[i].sql, STATUS_STATEMENT, refused[i].message);
    session_close(&s);
}

/* ---- names and keys ---- */

static const struct {
    const char *query, *schema;
} named[] = {
    {"STREAM X AS SELECT * FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K",
     "`S_K` INTEGER KEY, `S_V` INTEGER, `S_N` STRUCT<`X` INTEGER, `Y` STRING>, `R_K` INTEGER, `R_W` INTEGER, `R_B` "
     "BIGINT"},
    {"STREAM X AS SELECT V, R.K, W FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K",
     "`R_K` INTEGER KEY, `V` INTEGER, `W` INTEGER"},
    {"STREAM X AS SELECT A.V, B.W AS Z, A.N->X FROM S A JOIN R B WITHIN 1 SECOND ON A.V = B.W",
     "`V` INTEGER KEY, `Z` INTEGER, `X` INTEGER"},
    {"STREAM X AS SELECT ROWKEY AS I, S.K, R.K FROM S FULL JOIN R WITHIN 1 SECOND ON S.K = R.K",
     "`I` INTEGER KEY, `S_K` INTEGER, `R_K` INTEGER"},
    {"STREAM X AS SELECT * FROM S JOIN RK WITHIN 1 SECOND ON S.V + 1 = ABS(RK.ROWKEY)",
     "`ROWKEY_1` INTEGER KEY, `S_K` INTEGER, `S_V` INTEGER, `S_N` STRUCT<`X` INTEGER, `Y` STRING>, `RK_ROWKEY` "
     "INTEGER, `RK_ROWKEY_2` INTEGER"},
    {"STREAM X AS SELECT S.ROWTIME, S.K, V FROM S JOIN T ON T.ID = S.K",
     "`K` INTEGER KEY, `S_ROWTIME` BIGINT, `V` INTEGER"},
    {"STREAM X AS SELECT T.*, V FROM S LEFT JOIN T ON T.ID = S.V", /* of those that are selected the left one */
     "`V` INTEGER KEY, `T_ID` INTEGER, `T_F` INTEGER, `T_G` STRING"},
    {"STREAM X AS SELECT T.*, V AS A FROM S LEFT JOIN T ON T.ID = S.K",
     "`T_ID` INTEGER KEY, `T_F` INTEGER, `T_G` STRING, `A` INTEGER"},
    {"TABLE X AS SELECT O.ID, T.ID, G FROM T RIGHT JOIN O ON T.ID = O.ID",
     "`T_ID` INTEGER KEY, `O_ID` INTEGER, `G` STRING"},
    {"TABLE X AS SELECT H, A, C2.B FROM C2 JOIN O ON O.ID = C2.B", "`A` INTEGER KEY, `B` INTEGER KEY, `H` STRING"},
    {"TABLE X AS SELECT E.ID AS I, G, H FROM T JOIN O ON T.F = O.ID JOIN E ON T.ID = E.ID",
     "`I` INTEGER KEY, `G` STRING, `H` STRING"},
    {"STREAM X AS SELECT * FROM WT JOIN WU WITHIN 1 SECOND ON WT.K = WU.K",
     "`WT_K` INTEGER KEY, `WT_WINDOWSTART` BIGINT, `WT_WINDOWEND` BIGINT, `WT_V` INTEGER, `WU_K` INTEGER, "
     "`WU_WINDOWSTART` BIGINT, `WU_WINDOWEND` BIGINT, `WU_V` INTEGER"},
    {"TABLE X AS SELECT R.K, COUNT(*) AS N FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K GROUP BY R.K",
     "`R_K` INTEGER KEY, `N` BIGINT"},
    {"STREAM X AS SELECT * FROM S JOIN R WITHIN 1 SECOND ON S.V = R.W PARTITION BY S.K",
     "`S_K` INTEGER KEY, `S_V` INTEGER, `S_N` STRUCT<`X` INTEGER, `Y` STRING>, `S_ROWTIME` BIGINT, `S_ROWPARTITION` "
     "INTEGER, `S_ROWOFFSET` BIGINT, `R_W` INTEGER, `R_B` BIGINT, `R_ROWTIME` BIGINT, `R_ROWPARTITION` INTEGER, "
     "`R_ROWOFFSET` BIGINT, `R_K` INTEGER"},
};

TEST(joins, names_of_results)
{
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        struct session s;
        struct buf sql, text;
        session_open(&s);
        buf_init(&sql, 0);
        buf_init(&text, 0);
        REQUIRE(session_run(&s, setup) == STATUS_OK);
        buf_printf(&sql, "CREATE %s;", named[i].query);
        enum status st = session_run(&s, buf_z(&sql));
        if (st == STATUS_OK)
            schema_print(&text, &catalog_source(s.catalog, STR("X"))->schema);
        else
            buf_printf(&text, "%s", s.diag.message);
        unit_check_text(buf_z(&text), named[i].schema, named[i].query, __FILE__, __LINE__);
        buf_free(&sql);
        buf_free(&text);
        session_close(&s);
    }
}

/* ---- plans ---- */

static void plan(struct session *s, const char *sql)
{
    session_open(s);
    REQUIRE(session_run(s, setup) == STATUS_OK);
    enum status st = session_run(s, sql);
    unit_check_text(s->diag.message, "", sql, __FILE__, __LINE__);
    REQUIRE(st == STATUS_OK);
}

/* The first step of the kind below `top`, the first input before the second. */
static const struct step *find(const struct step *top, enum step_kind kind)
{
    const struct step *found = top->kind == kind ? top : NULL;
    for (uint32_t i = 0; i < top->n_inputs && !found; i++)
        found = find(top->inputs[i], kind);
    return found;
}

TEST(joins, sources_decode_what_is_used)
{
    struct session s;
    plan(&s, "SELECT N->Y, W FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K EMIT CHANGES;");
    const struct stage *stage = &s.last.plan->stages[0];
    CHECK_INT(stage->n_sources, 2);
    CHECK_INT(stage->sources[0]->schema.n_columns, 2);
    CHECK_INT(stage->sources[0]->source.reads[1].n_path, 1);
    CHECK_INT(stage->sources[1]->schema.n_columns, 2);
    CHECK(!stage->sources[0]->source.needs_partition);
    session_close(&s);
    plan(&s, "SELECT R.ROWPARTITION AS P FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K EMIT CHANGES;");
    stage = &s.last.plan->stages[0];
    CHECK(!stage->sources[0]->source.needs_partition && stage->sources[1]->source.needs_partition);
    CHECK(!stage->sources[1]->source.needs_offset);
    session_close(&s);
}

TEST(joins, whole_structs_and_their_fields_pass_together)
{
    struct session s;
    plan(&s, "SELECT N->Y, N, N->X AS X FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K EMIT CHANGES;");
    const struct step *join = find(s.last.plan->sink, STEP_STREAM_STREAM_JOIN);
    CHECK_INT(join->schema.n_columns, 2);
    CHECK_INT(join->join.columns[0].input, 0);
    CHECK_INT(join->join.columns[0].column, 1);
    session_close(&s);
}

TEST(joins, right_joins_are_exchanged)
{
    struct session s;
    plan(&s, "SELECT V, W FROM S RIGHT JOIN R WITHIN (1 SECOND, 2 SECONDS) GRACE PERIOD 3 SECONDS ON S.V = R.K EMIT "
             "CHANGES;");
    const struct step *join = find(s.last.plan->sink, STEP_STREAM_STREAM_JOIN);
    CHECK_INT(join->join.outer, OUTER_LEFT);
    CHECK_INT(join->join.before, 1000);
    CHECK_INT(join->join.after, 2000);
    CHECK_INT(join->join.grace, 3000);
    CHECK(join->join.has_grace);
    CHECK(find(join->inputs[0], STEP_STREAM_SOURCE) != NULL);
    CHECK_INT(join->inputs[1]->kind, STEP_REPARTITION_SOURCE);
    CHECK_TEXT(join->inputs[1]->repartition.name, "Join-left-repartition");
    CHECK(!join->inputs[1]->repartition.keep_null_keys);
    CHECK_TEXT(join->join.stores[0], "KSTREAM-JOINTHIS-0000000012-store");
    CHECK_TEXT(join->join.stores[1], "KSTREAM-OUTEROTHER-0000000013-store");
    CHECK_TEXT(join->join.pending_store, "KSTREAM-OUTERSHARED-0000000012-store");
    session_close(&s);
}

TEST(joins, null_keys_are_kept_where_they_are_shown)
{
    static const struct {
        const char *sql;
        bool kept[2];
    } cases[] = {
        {"SELECT V, W FROM S JOIN R WITHIN 1 SECOND ON V = W EMIT CHANGES;", {false, false}},
        {"SELECT V, W FROM S LEFT JOIN R WITHIN 1 SECOND ON V = W EMIT CHANGES;", {true, false}},
        {"SELECT V, W FROM S RIGHT JOIN R WITHIN 1 SECOND ON V = W EMIT CHANGES;", {false, true}},
        {"SELECT V, W FROM S FULL JOIN R WITHIN 1 SECOND ON V = W EMIT CHANGES;", {true, true}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct session s;
        plan(&s, cases[i].sql);
        CHECK_INT(s.last.plan->n_stages, 3);
        for (int side = 0; side < 2; side++) {
            const struct step *sink = s.last.plan->stages[side].root;
            bool left = strcmp(sink->repartition.name, "Join-left-repartition") == 0;
            unit_check_int(sink->repartition.keep_null_keys, cases[i].kept[!left], cases[i].sql, __FILE__, __LINE__);
        }
        session_close(&s);
    }
}

TEST(joins, null_keys_of_a_stream_meet_no_table)
{
    struct session s;
    plan(&s, "SELECT V, G FROM S LEFT JOIN T ON V = T.ID EMIT CHANGES;");
    CHECK_TEXT(s.last.plan->stages[0].root->repartition.name, "Join-repartition");
    CHECK(s.last.plan->stages[0].root->repartition.keep_null_keys);
    session_close(&s);
    plan(&s, "SELECT V, G FROM S JOIN T ON V = T.ID EMIT CHANGES;");
    CHECK(!s.last.plan->stages[0].root->repartition.keep_null_keys);
    session_close(&s);
}

TEST(joins, key_formats_meet)
{
    struct session s;
    plan(&s, "CREATE STREAM X AS SELECT S.K, U FROM S JOIN J WITHIN 1 SECOND ON S.K = J.K;");
    CHECK_INT(s.last.plan->n_stages, 2); /* the right one goes into the left one's format */
    CHECK_TEXT(s.last.plan->stages[0].root->repartition.name, "Join-right-repartition");
    CHECK_INT(s.last.plan->stages[0].root->repartition.shown_formats.key.kind, FORMAT_KAFKA);
    session_close(&s);
    plan(&s, "CREATE STREAM X AS SELECT S.K, U FROM J JOIN S WITHIN 1 SECOND ON U = S.K;");
    CHECK_TEXT(s.last.plan->stages[0].root->repartition.name, "Join-left-repartition");
    CHECK_INT(s.last.plan->stages[0].root->repartition.shown_formats.key.kind, FORMAT_KAFKA);
    session_close(&s);
    plan(&s, "CREATE TABLE X AS SELECT T.ID, L FROM T JOIN D ON T.ID = D.ID;");
    const struct step *sink = s.last.plan->stages[0].root;
    CHECK_TEXT(sink->repartition.name, "RightSourceKeyed-SelectKey-repartition");
    CHECK(sink->repartition.is_table);
    CHECK_INT(sink->inputs[0]->kind, STEP_TABLE_SELECT_KEY);
    CHECK_TEXT(find(s.last.plan->sink, STEP_TABLE_TABLE_JOIN)->join.stores[1], "RightSourceKeyed-Materialize");
    session_close(&s);
}

TEST(joins, tables_below_are_not_kept_twice)
{
    struct session s;
    plan(&s, "CREATE TABLE X AS SELECT T.ID, G, H FROM T JOIN O ON T.ID = O.ID WHERE H = 'a';");
    const struct step *join = find(s.last.plan->sink, STEP_TABLE_TABLE_JOIN);
    CHECK(find(join->inputs[0], STEP_TABLE_SOURCE)->source.store == NULL);
    CHECK(find(join->inputs[1], STEP_TABLE_SOURCE)->source.store == NULL);
    CHECK_TEXT(join->join.stores[0], "KafkaTopic_Left-Reduce");
    CHECK_TEXT(join->join.stores[1], "KafkaTopic_Right-Reduce");
    session_close(&s);
    plan(&s, "CREATE TABLE X AS SELECT E.ID, G, H, Z FROM T JOIN O ON T.ID = O.ID LEFT JOIN E ON O.ID = E.ID;");
    join = find(s.last.plan->sink, STEP_TABLE_TABLE_JOIN);
    CHECK_TEXT(join->join.stores[0], "L_Join-Materialize");
    CHECK_TEXT(join->inputs[0]->join.stores[1], "L_KafkaTopic_Right-Reduce");
    session_close(&s);
}

TEST(joins, joins_of_several_stay_keyed)
{
    struct session s;
    plan(&s, "CREATE STREAM X AS SELECT U, Q.K, V FROM S LEFT JOIN R WITHIN 1 SECOND ON S.K = R.K JOIN Q WITHIN 2 "
             "SECONDS ON R.K = Q.K;");
    CHECK_INT(s.last.plan->n_stages, 1);
    CHECK_INT(s.last.plan->stages[0].n_sources, 3);
    const struct step *join = find(s.last.plan->sink, STEP_STREAM_STREAM_JOIN);
    CHECK_TEXT(join->context, "Join");
    CHECK_TEXT(join->inputs[0]->context, "L_Join");
    CHECK_INT(join->inputs[0]->join.outer, OUTER_LEFT);
    CHECK_INT(join->join.before, 2000);
    CHECK_TEXT(join->inputs[0]->join.stores[0], "KSTREAM-JOINTHIS-0000000008-store");
    CHECK_TEXT(join->join.stores[0], "KSTREAM-JOINTHIS-0000000016-store");
    session_close(&s);
}

TEST(joins, foreign_keys_have_two_stages)
{
    struct session s;
    plan(&s, "CREATE TABLE X AS SELECT T.ID, O.ID AS R, H FROM T LEFT JOIN O ON T.F = O.ID;");
    const struct plan *p = s.last.plan;
    REQUIRE(p->n_stages == 2);
    CHECK(p->sink == p->stages[0].root);
    const struct step *join = find(p->sink, STEP_FOREIGN_KEY_JOIN);
    const struct step *answer = find(p->stages[1].root, STEP_FOREIGN_KEY_ANSWER);
    REQUIRE(join != NULL && answer != NULL);
    const struct step *sent = join->foreign_key.subscriptions;
    CHECK_TEXT(sent->repartition.name, answer->inputs[0]->repartition.name);
    CHECK_TEXT(p->stages[1].root->repartition.name, join->inputs[1]->repartition.name);
    CHECK(p->stages[1].root->repartition.to_partition && !sent->repartition.to_partition);
    CHECK(schema_eq(&sent->schema, &answer->inputs[0]->schema));
    CHECK(schema_eq(&answer->schema, &join->inputs[1]->schema));
    /* foreign key, left key, three extras; left key, both columns of the right, three extras */
    CHECK_INT(sent->schema.n_columns, 5);
    CHECK_INT(answer->schema.n_columns, 6);
    for (uint32_t i = 1; i < join->schema.n_columns; i++) {
        const struct join_column *from = &join->foreign_key.columns[i - 1];
        CHECK(str_eq(join->inputs[from->input]->schema.columns[from->column].name, join->schema.columns[i].name));
    }
    CHECK_INT(join->foreign_key.outer, OUTER_LEFT);
    CHECK_INT(join->foreign_key.foreign_key->kind, EXPR_COLUMN);
    CHECK(p->stages[0].has_state && p->stages[1].has_state);
    CHECK_INT(p->n_source_names, 2);
    session_close(&s);
}

TEST(joins, results_by_foreign_keys_are_kept_for_groups)
{
    static const struct {
        const char *sql, *store;
    } cases[] = {
        {"CREATE TABLE X AS SELECT T.ID, H FROM T JOIN O ON T.F = O.ID WHERE H = 'a';", NULL},
        {"CREATE TABLE X AS SELECT H, COUNT(*) AS N FROM T JOIN O ON T.F = O.ID GROUP BY H;", "Join-Materialize"},
        {"CREATE TABLE X AS SELECT H, COUNT(*) AS N FROM T JOIN O ON T.F = O.ID WHERE G = 'a' GROUP BY H;",
         "Join-Materialize"},
        {"CREATE TABLE X AS SELECT H, COUNT(*) AS N FROM T JOIN O ON T.F = O.ID JOIN E ON T.ID = E.ID GROUP BY H;",
         NULL}, /* the join above keeps them */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct session s;
        plan(&s, cases[i].sql);
        const struct step *join = find(s.last.plan->stages[0].root, STEP_FOREIGN_KEY_JOIN);
        REQUIRE(join != NULL);
        unit_check_text(join->foreign_key.result_store ? join->foreign_key.result_store : "none",
                        cases[i].store ? cases[i].store : "none", cases[i].sql, __FILE__, __LINE__);
        session_close(&s);
    }
}

TEST(joins, filters_on_the_stream_go_below_the_lookup)
{
    struct session s;
    plan(&s, "SELECT V, G FROM S LEFT JOIN T ON S.K = T.ID WHERE V > 1 AND S.ROWTIME > '2020-01-01' AND F IS NULL AND "
             "S.K > 3 EMIT CHANGES;");
    const struct step *join = find(s.last.plan->sink, STEP_STREAM_TABLE_JOIN);
    const struct step *below = find(join->inputs[0], STEP_STREAM_FILTER),
                      *above = find(s.last.plan->sink, STEP_STREAM_FILTER);
    REQUIRE(below != NULL);
    CHECK_INT(below->filter.predicate->n_args, 3);
    CHECK_INT(above->filter.predicate->kind, EXPR_IS_NULL);
    CHECK(find(join->inputs[1], STEP_TABLE_FILTER) == NULL);
    session_close(&s);
    plan(&s, "SELECT V, G FROM S JOIN T ON S.V = T.ID WHERE S.K > 1 EMIT CHANGES;"); /* above the repartition topic */
    join = find(s.last.plan->sink, STEP_STREAM_TABLE_JOIN);
    CHECK_INT(join->inputs[0]->kind, STEP_STREAM_FILTER);
    CHECK_INT(join->inputs[0]->inputs[0]->kind, STEP_REPARTITION_SOURCE);
    session_close(&s);
    plan(&s, "SELECT V, W FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K WHERE V > 1 EMIT CHANGES;");
    CHECK(find(find(s.last.plan->sink, STEP_STREAM_STREAM_JOIN), STEP_STREAM_FILTER) == NULL);
    session_close(&s);
}

TEST(joins, replacing_is_refused)
{
    static const char *const cases[][3] = {
        {"CREATE STREAM X AS SELECT S.K, V FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K;",
         "CREATE OR REPLACE STREAM X AS SELECT S.K, V, W FROM S JOIN R WITHIN 1 SECOND ON S.K = R.K;",
         WHOLE "Upgrades not yet supported for StreamStreamJoin"},
        {"CREATE TABLE X AS SELECT T.ID, H FROM T JOIN O ON T.F = O.ID;",
         "CREATE OR REPLACE TABLE X AS SELECT T.ID, H, G FROM T JOIN O ON T.F = O.ID;",
         WHOLE "Upgrades not yet supported for ForeignKeyTableTableJoin"},
        {"CREATE STREAM X AS SELECT K, V FROM S;",
         "CREATE OR REPLACE STREAM X AS SELECT S.K, V FROM S JOIN T ON S.K = T.ID;",
         WHOLE "Query is not upgradeable. Cannot change a non-join source into a join source."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct session s;
        plan(&s, cases[i][0]);
        CHECK_INT(session_run(&s, cases[i][1]), STATUS_INVALID);
        CHECK_TEXT(s.diag.message, cases[i][2]);
        session_close(&s);
    }
}

TEST(joins, too_many)
{
    struct session s;
    struct buf sql;
    session_open(&s);
    buf_init(&sql, 0);
    for (int i = 0; i < 40; i++)
        buf_printf(&sql,
                   "CREATE TABLE T%d (ID INT PRIMARY KEY, V%d INT) WITH (KAFKA_TOPIC='t%d', FORMAT='JSON', "
                   "PARTITIONS=1);",
                   i, i, i);
    CHECK_INT(session_run(&s, buf_z(&sql)), STATUS_OK);
    for (int n = 30; n <= 40; n += 10) {
        sql.len = 0;
        buf_puts(&sql, STR("SELECT * FROM T0"));
        for (int i = 1; i < n; i++)
            buf_printf(&sql, " JOIN T%d ON T0.ID = T%d.ID", i, i);
        buf_puts(&sql, STR(" EMIT CHANGES;"));
        CHECK_INT(session_run(&s, buf_z(&sql)), n == 30 ? STATUS_OK : STATUS_STATEMENT);
    }
    CHECK_TEXT(s.diag.message, "Too many joins in one query");
    buf_free(&sql);
    session_close(&s);
}
