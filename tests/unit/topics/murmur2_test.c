/* Partitioning by key: the vectors of Kafka's own UtilsTest. */
#include "tests/unit/unit.h"

#include "topics/topics.h"

static int32_t hash(const char *z)
{
    return (int32_t)murmur2(z, strlen(z));
}

TEST(murmur2, as_kafkas_client)
{
    CHECK_INT(hash("21"), -973932308);
    CHECK_INT(hash("foobar"), -790332482);
    CHECK_INT(hash("a-little-bit-long-string"), -985981536);
    CHECK_INT(hash("a-little-bit-longer-string"), -1486304829);
    CHECK_INT(hash("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"), -58897971);
    CHECK_INT(hash("abc"), 479470107);
}

TEST(murmur2, partitions)
{
    CHECK_INT(partition_for_key(STR("21"), 7), (int32_t)((uint32_t)-973932308 & 0x7fffffff) % 7);
    CHECK_INT(partition_for_key(STR("abc"), 10), 479470107 % 10);
    CHECK_INT(partition_for_key(STR("abc"), 1), 0);
    CHECK_INT(partition_for_key(STR(""), 1), 0);
    CHECK(partition_for_key(STR(""), 100) >= 0);
}
