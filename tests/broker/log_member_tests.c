/* Membership of one; several members need a broker (test_kafka_members.c). */
#include "tests/broker/log_tests.h"

void log_test_member_owns_all(struct log *log)
{
    enum { SLOTS = 8 };
    const char *topic = fresh_topic(log, "member", 1);
    struct membership *m = NULL;
    uint8_t owned[SLOTS];
    bool changed = false, ever_changed = false;
    int n = 0;
    long long sum;
    OK(membership_join(log, fresh_name("service"), NULL, SLOTS, &m, d));
    REQUIRE(m != NULL);
    for (int64_t until = clock_mono_ns() + (int64_t)WAIT_MS * 1000000; n < SLOTS && clock_mono_ns() < until;) {
        OK(membership_poll(m, 100, owned, &changed, d));
        ever_changed |= changed;
        n = 0;
        for (int i = 0; i < SLOTS; i++)
            n += owned[i];
    }
    CHECK_INT(n, SLOTS);
    CHECK(ever_changed);
    OK(membership_poll(m, 0, owned, &changed, d));
    CHECK(!changed);
    struct log_writer *w = writer_new(log, fresh_name("id"));
    for (int i = 0; i < 3; i++) {
        OK(writer_begin(w, d));
        OK(append_numbered(w, topic, 0, i, 1));
        OK(membership_fence(m, w, d));
        OK(writer_commit(w, d));
    }
    writer_close(w);
    membership_release_done(m); /* nothing is to be released: nothing happens */
    membership_leave(m);
    CHECK_INT(read_to_end(log, topic, 0, &sum), 3);
}
