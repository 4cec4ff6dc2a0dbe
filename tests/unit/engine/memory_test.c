/* Every allocation may fail: statements then fail, and what was recorded before is found again. */
#include "tests/unit/engine/fixture.h"

static const char *const SCRIPT =
    "CREATE STREAM s (id STRING KEY, n INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);\n"
    "CREATE TABLE t AS SELECT id, SUM(n) AS total FROM s GROUP BY id EMIT CHANGES;\n"
    "SELECT * FROM t;\n"
    "SHOW QUERIES; DESCRIBE t EXTENDED; PRINT 'T' FROM BEGINNING;\n"
    "CREATE OR REPLACE STREAM u AS SELECT id, n FROM s EMIT CHANGES;\n"
    "ALTER STREAM s ADD COLUMN m INT;\n";

/* True: the script ran to its end. */
static bool run_with_failure(long nth)
{
    FIXTURE(f);
    buf_reserve(&f.out, 65536); /* the sink's own memory is not what is tested */
    mem_fail_after(nth);
    enum status st = fixture_run_again(&f, SCRIPT);
    mem_fail_after(0);
    if (st != STATUS_OK && st != STATUS_NOMEM)
        CHECK_TEXT(f.d.message, "out of memory");
    fixture_reopen(&f);
    if (fixture_run_again(&f, SCRIPT) != STATUS_OK)
        CHECK_TEXT(f.d.message, "");
    CHECK_TEXT(buf_z(&f.notices), "");
    return st == STATUS_OK;
}

TEST(engine_memory, every_allocation_fails_once)
{
    long nth = 1;
    while (!run_with_failure(nth) && nth < 1000000)
        nth += 1 + nth / 16; /* each of the first ones, then fewer */
    CHECK(nth > 100);
}
