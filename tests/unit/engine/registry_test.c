/* Statements and queries with a schema registry that can be away, or refuse. */
#include "formats/registry_int.h"
#include "tests/unit/engine/fixture.h"

#include <stdatomic.h>

/* A registry in memory behind one that has moods. */
struct moody {
    struct registry base;
    struct registry *inner;
    atomic_int away, refuses, n_asked;
};

static struct moody *moody_of(struct registry *r)
{
    struct moody *m = (struct moody *)r;
    atomic_fetch_add(&m->n_asked, 1);
    return m;
}

static enum status is_away(const struct moody *m, struct diag *d)
{
    return atomic_load(&m->away) ? diag_set(d, STATUS_IO, "The registry is away") : STATUS_OK;
}

static enum status by_id(struct registry *r, int32_t id, const struct registered_schema **out, struct diag *d)
{
    struct moody *m = moody_of(r);
    enum status st = is_away(m, d);
    return st == STATUS_OK ? registry_by_id(m->inner, id, out, d) : st;
}

static enum status by_subject(struct registry *r, struct str subject, int32_t version,
                              const struct registered_schema **out, struct diag *d)
{
    struct moody *m = moody_of(r);
    enum status st = is_away(m, d);
    return st == STATUS_OK ? registry_by_subject(m->inner, subject, version, out, d) : st;
}

static enum status add(struct registry *r, struct str subject, const struct registered_schema *schema, int32_t *id,
                       struct diag *d)
{
    struct moody *m = moody_of(r);
    enum status st = is_away(m, d);
    if (st == STATUS_OK && atomic_load(&m->refuses))
        st = diag_set(d, STATUS_INVALID, "Incompatible");
    return st == STATUS_OK ? registry_add(m->inner, subject, schema, id, d) : st;
}

static enum status remove_subject(struct registry *r, struct str subject, struct diag *d)
{
    struct moody *m = moody_of(r);
    enum status st = is_away(m, d);
    return st == STATUS_OK ? registry_remove(m->inner, subject, d) : st;
}

static void close_inner(struct registry *r)
{
    registry_close(((struct moody *)r)->inner);
}

static struct moody *moody_open(void)
{
    static const struct registry_ops ops = {by_id, by_subject, add, remove_subject, close_inner};
    struct moody *m = (struct moody *)registry_make(&ops, sizeof(struct moody));
    REQUIRE(m != NULL);
    REQUIRE(registry_open_memory(&m->inner, NULL) == STATUS_OK);
    return m;
}

/* The id of a subject's latest schema; 0: there is none. */
static int32_t latest(struct moody *m, const char *subject)
{
    const struct registered_schema *s;
    return registry_by_subject(m->inner, str_from(subject), 0, &s, NULL) == STATUS_OK ? s->id : 0;
}

#define OPEN(f, m)                                                                                                     \
    struct moody *m = moody_open();                                                                                    \
    FIXTURE(f);                                                                                                        \
    f.registry = &m->base;                                                                                             \
    fixture_reopen(&f)
#define STREAM_R "CREATE STREAM r (k INT KEY, a STRING) WITH (KAFKA_TOPIC='r', FORMAT='JSON_SR', PARTITIONS=1);"

TEST(engine_registry, schemas_come_and_go_with_topics)
{
    OPEN(f, m);
    RUNS(&f, STREAM_R);
    CHECK_INT(latest(m, "r-key"), 1);
    CHECK_INT(latest(m, "r-value"), 2);
    RUNS(&f, "CREATE STREAM q AS SELECT k, a, LEN(a) AS n FROM r EMIT CHANGES;");
    CHECK_INT(latest(m, "Q-key"), 1);
    CHECK_INT(latest(m, "Q-value"), 3);
    RUNS(&f, "CREATE STREAM p (a STRING) WITH (KAFKA_TOPIC='p', VALUE_FORMAT='JSON', PARTITIONS=1);");
    CHECK_INT(latest(m, "p-value"), 0);
    RUNS(&f, "DROP STREAM q DELETE TOPIC;");
    CHECK_INT(latest(m, "Q-value"), 0);
    CHECK_INT(latest(m, "Q-key"), 0);
    RUNS(&f, "DROP STREAM r;");
    CHECK_INT(latest(m, "r-value"), 2);
    fixture_shut(&f);
    registry_close(&m->base);
}

TEST(engine_registry, a_subject_that_is_there_is_let_be)
{
    OPEN(f, m);
    int32_t id;
    const struct registered_schema s = {.type = SCHEMA_JSON, .text = STR("{\"title\":\"mine\"}")};
    CHECK_INT(registry_add(m->inner, STR("r-value"), &s, &id, NULL), STATUS_OK);
    RUNS(&f, STREAM_R);
    CHECK_INT(latest(m, "r-value"), id);
    CHECK(latest(m, "r-key") != 0);
    fixture_shut(&f);
    registry_close(&m->base);
}

TEST(engine_registry, refusals_leave_nothing_behind)
{
    OPEN(f, m);
    atomic_store(&m->refuses, 1);
    FAILS(&f, STREAM_R, "Could not register schema for topic: Incompatible");
    atomic_store(&m->refuses, 0);
    atomic_store(&m->away, 1);
    FAILS(&f, STREAM_R, "Could not register schema for topic: The registry is away");
    CHECK_INT(fixture_count(&f, "r"), -1);
    CHECK_INT(fixture_count(&f, COMMANDS), 0);
    atomic_store(&m->away, 0);
    RUNS(&f, STREAM_R);
    atomic_store(&m->away, 1);
    RUNS(&f, "DROP STREAM r DELETE TOPIC;");
    CHECK_TEXT(buf_z(&f.notices),
               "the schemas of the deleted topic r are left in the registry: The registry is away\n"
               "the schemas of the deleted topic r are left in the registry: The registry is away\n");
    fixture_shut(&f);
    registry_close(&m->base);
}

TEST(engine_registry, assert_schema)
{
    OPEN(f, m);
    RUNS(&f, STREAM_R);
    GIVES(&f, "ASSERT SCHEMA SUBJECT 'r-value';", "# Schema with subject name r-value exists.\n");
    GIVES(&f, "ASSERT SCHEMA ID 2;", "# Schema with id 2 exists.\n");
    GIVES(&f, "ASSERT SCHEMA SUBJECT 'r-value' ID 2;", "# Schema with subject name r-value id 2 exists.\n");
    GIVES(&f, "ASSERT NOT EXISTS SCHEMA SUBJECT 'r-value' ID 1;",
          "# Schema with subject name r-value id 1 does not exist.\n");
    FAILS(&f, "ASSERT SCHEMA SUBJECT 'r-value' ID 1 TIMEOUT 1 MILLISECOND;",
          "Schema with subject name r-value id 1 does not exist");
    FAILS(&f, "ASSERT SCHEMA ID 77 TIMEOUT 1 MILLISECOND;", "Schema with id 77 does not exist");
    FAILS(&f, "ASSERT NOT EXISTS SCHEMA ID 1 TIMEOUT 1 MILLISECOND;", "Schema with id 1 exists");
    int32_t id;
    const struct registered_schema other = {.type = SCHEMA_JSON, .text = STR("{\"title\":\"other\"}")};
    CHECK_INT(registry_add(m->inner, STR("r-value"), &other, &id, NULL), STATUS_OK);
    GIVES(&f, "ASSERT SCHEMA SUBJECT 'r-value' ID 2;", "# Schema with subject name r-value id 2 exists.\n");
    atomic_store(&m->away, 1);
    FAILS(&f, "ASSERT SCHEMA SUBJECT 'r-value';", "The registry is away");
    fixture_shut(&f);
    registry_close(&m->base);
}

TEST(engine_registry, none)
{
    FIXTURE(e);
    FAILS(&e, "ASSERT SCHEMA ID 1;", "ASSERT SCHEMA needs a schema registry");

    FIXTURE(f);
    FAILS(&f, STREAM_R, "Cannot create topic 'r' with format JSON_SR without configuring 'ksql.schema.registry.url'");
    FAILS(&f, "SET 'ksql.schema.registry.url' = 'http://127.0.0.1:1';",
          "Cannot override property 'ksql.schema.registry.url'");
    CHECK_INT(fixture_count(&f, "r"), -1);
}

TEST(engine_registry, a_replay_asks_for_nothing)
{
    OPEN(f, m);
    f.drain = false;
    RUNS(&f, STREAM_R);
    fixture_shut(&f);
    atomic_store(&m->away, 1);
    int before = atomic_load(&m->n_asked);
    fixture_reopen(&f);
    GIVES(&f, "SHOW STREAMS;", "= Streams\nR|r|JSON_SR|JSON_SR|false\n");
    CHECK_INT(atomic_load(&m->n_asked), before);
    fixture_shut(&f);
    registry_close(&m->base);
}

TEST(engine_registry, queries_are_held_up_and_go_on)
{
    OPEN(f, m);
    RUNS(&f, STREAM_S "INSERT INTO s (id, n) VALUES ('a', 1);"
                      "CREATE STREAM t WITH (VALUE_FORMAT='JSON_SR') AS SELECT id, n FROM s EMIT CHANGES;");
    fixture_wait(&f);
    CHECK_INT(fixture_count(&f, "T"), 1);
    fixture_shut(&f);
    atomic_store(&m->away, 1);
    f.drain = false;
    fixture_reopen(&f);
    RUNS(&f, "INSERT INTO s (id, n) VALUES ('b', 2);");
    const volatile int stop = 1; /* it looks once */
    bool failed = true;
    for (int i = 0; i < 100 && !strstr(buf_z(&f.notices), "held up"); i++) {
        clock_sleep_ms(20);
        RUNS(&f, "SHOW QUERIES;");
        CHECK(!engine_wait(f.engine, &stop, &failed));
        CHECK(!failed);
    }
    CHECK_TEXT(buf_z(&f.notices), "queries are held up: The registry is away\n");
    CHECK_INT(fixture_count(&f, "T"), 1);
    atomic_store(&m->away, 0);
    for (int i = 0; i < 250 && !strstr(buf_z(&f.notices), "go on"); i++) {
        clock_sleep_ms(20);
        CHECK(!engine_wait(f.engine, &stop, &failed));
        CHECK(!failed);
    }
    CHECK_INT(fixture_count(&f, "T"), 2);
    CHECK_TEXT(buf_z(&f.notices), "queries are held up: The registry is away\nqueries go on\n");
    fixture_shut(&f);
    registry_close(&m->base);
}
