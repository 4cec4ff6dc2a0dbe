/* MurmurHash2 (Austin Appleby, public domain), the 32-bit variant that Apache Kafka's Java client partitions by. */
#include "topics/topics.h"

static uint32_t load_le32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t murmur2(const void *data, size_t len)
{
    enum { SHIFT = 24 };
    const uint32_t m = 0x5bd1e995;
    const unsigned char *p = data;
    uint32_t h = 0x9747b28cu ^ (uint32_t)len;
    for (; len >= 4; p += 4, len -= 4) {
        uint32_t k = load_le32(p) * m;
        h = h * m ^ (k ^ k >> SHIFT) * m;
    }
    if (len > 2)
        h ^= (uint32_t)p[2] << 16;
    if (len > 1)
        h ^= (uint32_t)p[1] << 8;
    if (len > 0)
        h = (h ^ p[0]) * m;
    h = (h ^ h >> 13) * m;
    return h ^ h >> 15;
}

int32_t partition_for_key(struct str key, int32_t n_partitions)
{
    return (int32_t)((murmur2(key.p, key.len) & 0x7fffffff) % (uint32_t)n_partitions);
}
