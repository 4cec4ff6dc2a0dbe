/* Topics: their life, their names, and what is asked about their offsets. */
#include "tests/broker/log_tests.h"

void log_test_topic_life(struct log *log)
{
    struct diag e = DIAG_INIT;
    struct topic_spec spec = {.name = fresh_name("life"),
                              .n_partitions = 3,
                              .compact = true,
                              .retention_ms = 3600000,
                              .retention_bytes = 1 << 30};
    CHECK_INT(topic_describe(log, spec.name, &spec, &e), STATUS_NOT_FOUND);
    CHECK_INT(e.code, STATUS_OK);
    OK(topic_create(log, &spec, d));
    CHECK_INT(topic_create(log, &spec, &e), STATUS_EXISTS);
    CHECK(strstr(e.message, spec.name) != NULL);

    struct topic_spec got = {0};
    OK(topic_describe(log, spec.name, &got, d));
    CHECK(got.name == spec.name);
    CHECK_INT(got.n_partitions, 3);
    CHECK(got.replicas >= 1);
    CHECK(got.compact);
    CHECK_INT(got.retention_ms, 3600000);
    CHECK_INT(got.retention_bytes, 1 << 30);

    const char *plain = fresh_topic(log, "life-plain", 1);
    OK(topic_describe(log, plain, &got, d));
    CHECK(!got.compact);
    CHECK(got.retention_ms > 0 || got.retention_ms == -1); /* the log's default */
    CHECK(got.retention_bytes > 0 || got.retention_bytes == -1);
    struct topic_spec table = {.name = fresh_name("life-table"), .n_partitions = 1, .compact = true};
    OK(topic_create(log, &table, d));
    OK(topic_describe(log, table.name, &got, d));
    CHECK(got.compact);
    CHECK_INT(got.retention_ms, -1);

    int64_t begin = -1, end = -1, all = -1;
    OK(topic_offsets(log, plain, 0, &begin, &end, &all, d));
    CHECK_INT(begin, 0);
    CHECK_INT(end, 0);
    CHECK_INT(all, 0);

    OK(topic_delete(log, spec.name, d));
    CHECK_INT(topic_describe(log, spec.name, &got, NULL), STATUS_NOT_FOUND);
    CHECK_INT(topic_delete(log, spec.name, NULL), STATUS_NOT_FOUND);
    CHECK_INT(topic_offsets(log, spec.name, 0, &begin, &end, NULL, NULL), STATUS_NOT_FOUND);
    CHECK_INT(topic_offsets(log, plain, 1, &begin, &end, NULL, NULL), STATUS_NOT_FOUND);
    OK(topic_create(log, &spec, d)); /* the name is free again */
}

void log_test_topic_names(struct log *log)
{
    char longest[251];
    memset(longest, 'x', sizeof longest - 1);
    longest[250] = 0;
    const char *bad[] = {"", ".", "..", "with space", "umlaut\xc3\xa4", "slash/", longest};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct topic_spec spec = {.name = bad[i], .n_partitions = 1};
        CHECK_INT(topic_create(log, &spec, NULL), STATUS_INVALID);
    }
    struct topic_spec spec = {.name = fresh_name("none"), .n_partitions = 0};
    CHECK_INT(topic_create(log, &spec, NULL), STATUS_INVALID);
}

void log_test_topic_sorted_list(struct log *log)
{
    const char *second = fresh_topic(log, "list-b", 2), *first = fresh_topic(log, "list-a", 1);
    struct arena a;
    struct topic_spec *specs = NULL;
    size_t n = 0;
    int seen = 0;
    arena_init(&a, 0);
    OK(topic_list(log, &a, &specs, &n, d));
    for (size_t i = 0; i < n; i++) {
        CHECK(i == 0 || strcmp(specs[i - 1].name, specs[i].name) < 0);
        if (strcmp(specs[i].name, first) == 0 && specs[i].n_partitions == 1)
            seen++;
        if (strcmp(specs[i].name, second) == 0 && specs[i].n_partitions == 2)
            seen++;
    }
    CHECK_INT(seen, 2);
    arena_free(&a);
}

/* ---- offsets ----------------------------------------------------------------------------------------------------- */

void log_test_offset_for_time(struct log *log)
{
    const char *topic = fresh_topic(log, "time", 1);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    int64_t offset = -1, end;
    OK(topic_offset_for_time(log, topic, 0, 5, &offset, d));
    CHECK_INT(offset, 0);
    OK(writer_begin(w, d));
    for (int i = 0; i < 10; i++) {
        struct record r = {.value = STR("v1"), .ts = 1000 + 10 * i};
        OK(writer_append(w, topic, 0, &r, 1, d));
    }
    OK(writer_commit(w, d));
    writer_close(w);
    wait_until_seen(log, topic, 0);
    OK(topic_offsets(log, topic, 0, NULL, &end, NULL, d));
    const struct {
        int64_t ts, offset;
    } cases[] = {{0, 0}, {1000, 0}, {1001, 1}, {1010, 1}, {1085, 9}, {1090, 9}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        OK(topic_offset_for_time(log, topic, 0, cases[i].ts, &offset, d));
        CHECK_INT(offset, cases[i].offset);
    }
    OK(topic_offset_for_time(log, topic, 0, 1091, &offset, d));
    CHECK(offset >= 10 && offset <= end); /* Kafka counts the marker, which is younger */
    CHECK_INT(topic_offset_for_time(log, topic, 1, 0, &offset, NULL), STATUS_NOT_FOUND);
}

void log_test_truncate_moves_begin(struct log *log)
{
    const char *topic = fresh_topic(log, "truncate", 1);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    int64_t begin = -1, end;
    long long sum;
    commit_numbered(w, topic, 0, 0, 100);
    wait_until_seen(log, topic, 0);
    OK(topic_truncate(log, topic, 0, 40, d));
    OK(topic_offsets(log, topic, 0, &begin, NULL, NULL, d));
    CHECK_INT(begin, 40);
    OK(topic_truncate(log, topic, 0, 20, d)); /* those are gone already */
    OK(topic_offsets(log, topic, 0, &begin, &end, NULL, d));
    CHECK_INT(begin, 40);
    CHECK_INT(read_to_end(log, topic, 0, &sum), 60);
    OK(topic_truncate(log, topic, 0, end, d));
    CHECK_INT(read_to_end(log, topic, 0, &sum), 0);
    commit_numbered(w, topic, 0, 7, 1); /* offsets go on */
    CHECK_INT(read_to_end(log, topic, 0, &sum), 1);
    CHECK_INT(sum, 7);
    writer_close(w);
    CHECK_INT(topic_truncate(log, topic, 1, 0, NULL), STATUS_NOT_FOUND);
}
