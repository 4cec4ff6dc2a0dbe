/* Several members of a service, on the broker at $WEIR_TEST_BOOTSTRAP. */
#include "tests/broker/kafka_log.h"

#include <stdio.h>

enum { SLOTS = 16 };

struct member {
    struct membership *m;
    uint8_t owned[SLOTS];
    int n, n_changes;
    bool releases;
};

static void member_poll(struct member *s, int timeout_ms)
{
    bool changed;
    OK(membership_poll(s->m, timeout_ms, s->owned, &changed, d));
    s->n_changes += changed;
    s->n = 0;
    for (int i = 0; i < SLOTS; i++)
        s->n += s->owned[i];
    if (s->releases)
        membership_release_done(s->m);
}

/* Serves both until they own so much; no slot ever has two owners. */
static bool settle(struct member *x, struct member *y, int nx, int ny)
{
    for (int64_t until = clock_mono_ns() + INT64_C(30000000000); clock_mono_ns() < until;) {
        member_poll(x, 20);
        member_poll(y, 20);
        for (int i = 0; i < SLOTS; i++)
            CHECK(!x->owned[i] || !y->owned[i]);
        if (x->n == nx && y->n == ny)
            return true;
    }
    return false;
}

static struct member member_join(const char *service, const char *name)
{
    struct member s = {.releases = true};
    OK(membership_join(kafka_log(), service, name, SLOTS, &s.m, d));
    REQUIRE(s.m != NULL);
    return s;
}

TEST(kafka_only, members_share_slots)
{
    char service[64];
    snprintf(service, sizeof service, "%s", fresh_name("service"));
    struct member x = member_join(service, NULL);
    for (int i = 0; i < 500 && x.n < SLOTS; i++)
        member_poll(&x, 20);
    CHECK_INT(x.n, SLOTS);
    struct membership *odd = NULL;
    CHECK_INT(membership_join(kafka_log(), service, NULL, SLOTS + 1, &odd, NULL), STATUS_INVALID);

    /* What is taken away waits for the release. */
    x.releases = false;
    struct member y = member_join(service, NULL);
    CHECK(!settle(&x, &y, SLOTS / 2, SLOTS / 2) && x.n == SLOTS / 2 && y.n == 0);
    membership_release_done(x.m);
    x.releases = true;
    CHECK(settle(&x, &y, SLOTS / 2, SLOTS / 2));

    membership_leave(x.m);
    for (int i = 0; i < 1000 && y.n < SLOTS; i++)
        member_poll(&y, 20);
    CHECK_INT(y.n, SLOTS);
    membership_leave(y.m);
}

/* Who was told to give slots up, dies before that, and comes back: the slots that it was told of are given out all the same. */
TEST(kafka_only, a_member_comes_back_between_two_rounds)
{
    char service[64];
    snprintf(service, sizeof service, "%s", fresh_name("service"));
    struct member x = member_join(service, "x");
    for (int i = 0; i < 500 && x.n < SLOTS; i++)
        member_poll(&x, 20);
    CHECK_INT(x.n, SLOTS);
    x.releases = false;
    struct member y = member_join(service, "y");
    for (int i = 0; i < 500 && x.n == SLOTS; i++) {
        member_poll(&x, 20);
        member_poll(&y, 20);
    }
    CHECK_INT(x.n, SLOTS / 2);

    struct member again = member_join(service, "x"); /* x is not served any more */
    CHECK(settle(&again, &y, SLOTS / 2, SLOTS / 2));
    membership_leave(x.m);

    /* And with nothing under way. */
    membership_leave(again.m);
    again = member_join(service, "x");
    CHECK(settle(&again, &y, SLOTS / 2, SLOTS / 2));
    membership_leave(again.m);
    membership_leave(y.m);
}

/* A member that the group has dropped cannot commit. */
TEST(kafka_only, stale_member_is_fenced)
{
    static const struct kafka_option impatient[] = {{"consumer.session.timeout.ms", "6000"},
                                                    {"consumer.max.poll.interval.ms", "6000"}};
    struct log *log = kafka_log_with(impatient, 2);
    const char *topic = fresh_topic(kafka_log(), "stale", 1);
    char service[64];
    snprintf(service, sizeof service, "%s", fresh_name("service"));
    struct member x = {.releases = true};
    OK(membership_join(log, service, NULL, SLOTS, &x.m, d));
    for (int i = 0; i < 500 && x.n < SLOTS; i++)
        member_poll(&x, 20);
    CHECK_INT(x.n, SLOTS);
    struct log_writer *w = writer_new(kafka_log(), fresh_name("id"));
    OK(writer_begin(w, d));
    OK(append_numbered(w, topic, 0, 0, 1));
    OK(membership_fence(x.m, w, d));
    OK(writer_commit(w, d));

    struct member y = member_join(service, NULL);
    for (int i = 0; i < 1500 && y.n < SLOTS; i++)
        member_poll(&y, 20); /* x is not served in the meantime */
    CHECK_INT(y.n, SLOTS);
    OK(writer_begin(w, d));
    OK(append_numbered(w, topic, 0, 100, 1));
    struct diag e = DIAG_INIT;
    enum status st = membership_fence(x.m, w, &e);
    if (st == STATUS_OK)
        st = writer_commit(w, &e);
    else /* the caller may find out at the commit as well */
        CHECK_INT(writer_commit(w, NULL), STATUS_FENCED);
    CHECK_INT(st, STATUS_FENCED);
    CHECK(e.message[0] != 0);
    member_poll(&x, 100);
    CHECK_INT(x.n, 0);

    /* The writer itself is still good. */
    long long sum;
    OK(writer_begin(w, d));
    OK(append_numbered(w, topic, 0, 1, 1));
    OK(membership_fence(y.m, w, d));
    OK(writer_commit(w, d));
    writer_close(w);
    membership_leave(x.m);
    membership_leave(y.m);
    log_close(log);
    CHECK_INT(read_to_end(kafka_log(), topic, 0, &sum), 2);
    CHECK_INT(sum, 1);
}
