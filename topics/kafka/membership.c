/* Membership of a service: one consumer in the group `weir-<service>`, subscribed to `_weir-<service>-slots`, a topic without
 * records whose partitions are the slots. Nothing is ever fetched: the partitions are paused as soon as they are assigned.
 *
 * Partitions that the group takes back are kept until membership_release_done; the group waits so long. Those that were lost,
 * because we were too slow, are another's by now, and whoever works on them is fenced: we do not join again before they
 * are released, since that would make us a member whose commits count.
 *
 * A member that comes back under its name is given what it had, without a rebalance, when the group is stable. The group is
 * stable between the two rounds of a cooperative rebalance, too: who dies after it was told to give slots up, and comes back,
 * would not be told again, and nobody would have those slots. So a member whose first slots are not all there are does not
 * touch them, leaves, and joins anew: that is a rebalance with all of its rounds. */
#include "topics/kafka/kafka_int.h"

#include <stdio.h>

enum { GOODBYE_MS = 3000, POLL_MS = 20 };

struct kafka_membership {
    struct membership head;
    struct kafka_log *log;
    struct kafka_client *client;
    rd_kafka_queue_t *queue;
    char *topic;
    int32_t n_slots;
    bool is_named;                            /* comes back as who it was */
    bool is_settled;                          /* what it was given first is no leftover */
    bool is_cut_off;                          /* no broker could be reached, and none has answered since */
    uint8_t *owned, *told;                    /* a byte a slot: now, and in the last answer */
    rd_kafka_topic_partition_list_t *leaving; /* to be given up after release_done, or NULL */
};

/* ---- joining --------------------------------------------------------------------------------------------- */

static enum status slots_topic(struct kafka_membership *m, struct diag *d)
{
    struct topic_spec spec = {.name = m->topic, .n_partitions = m->n_slots};
    int32_t n = 0;
    enum status st = kafka_partition_count(m->log, m->topic, &n, d);
    if (st == STATUS_NOT_FOUND) {
        struct diag other = DIAG_INIT; /* another server may create it at the same time */
        st = kafka_topic_create(&m->log->head, &spec, &other);
        if (st == STATUS_EXISTS)
            st = kafka_partition_count(m->log, m->topic, &n, d);
        else if (st != STATUS_OK)
            return diag_set(d, st, "%s", other.message);
        else
            n = m->n_slots;
    }
    if (st == STATUS_OK && n != m->n_slots)
        st = diag_set(d, STATUS_INVALID, "The service has %d slots (topic %s), not %d", (int)n, m->topic,
                      (int)m->n_slots);
    return st;
}

static enum status subscribe(struct kafka_membership *m, struct diag *d)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, m->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(m->client->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return err ? kafka_fail(m->log, m->client, err, NULL, d, "cannot join the service's group") : STATUS_OK;
}

static enum status member_create(struct kafka_membership *m, const char *group, const char *server_id, struct diag *d)
{
    static const struct kafka_option defaults[] = {
        {"session.timeout.ms", "10000"},
        {"heartbeat.interval.ms", "1000"},
        {"max.poll.interval.ms", "60000"},
        {NULL, NULL},
    };
    const struct kafka_option forced[] = {
        {"group.id", group},
        {"partition.assignment.strategy", "cooperative-sticky"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "latest"},
        {server_id ? "group.instance.id" : NULL, server_id},
        {NULL, NULL},
    };
    enum status st = kafka_client_create(m->log, CLIENT_MEMBER, defaults, forced, &m->client, d);
    if (st == STATUS_OK) {
        rd_kafka_poll_set_consumer(m->client->rk);
        m->queue = rd_kafka_queue_get_consumer(m->client->rk);
        st = subscribe(m, d);
    }
    return st;
}

enum status kafka_membership_join(struct log *log, const char *service_id, const char *server_id, int32_t n_slots,
                                  struct membership **out, struct diag *d)
{
    struct kafka_membership *m = mem_calloc(1, sizeof *m);
    if (!m)
        return diag_nomem(d);
    char group[300], topic[300];
    snprintf(group, sizeof group, "weir-%s", service_id);
    snprintf(topic, sizeof topic, "_weir-%s-slots", service_id);
    m->head.ops = log->ops;
    m->log = (struct kafka_log *)log;
    m->n_slots = n_slots;
    m->is_named = server_id != NULL;
    m->topic = mem_strdup(topic);
    m->owned = mem_calloc(2, (size_t)n_slots);
    m->told = m->owned ? m->owned + n_slots : NULL;
    enum status st = m->topic && m->owned ? topic_name_check(topic, d) : diag_nomem(d);
    if (st == STATUS_OK)
        st = slots_topic(m, d);
    if (st == STATUS_OK)
        st = member_create(m, group, server_id, d);
    if (st != STATUS_OK) {
        kafka_membership_leave(&m->head);
        return st;
    }
    *out = &m->head;
    return STATUS_OK;
}

/* ---- rebalances ------------------------------------------------------------------------------------------ */

static void mark(struct kafka_membership *m, const rd_kafka_topic_partition_list_t *list, uint8_t value)
{
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].partition < m->n_slots)
            m->owned[list->elems[i].partition] = value;
}

/* The revocation of what it has comes as an event, and is what the leaving waits for; the joining waits for the leaving. */
static enum status join_anew(struct kafka_membership *m, struct diag *d)
{
    rd_kafka_resp_err_t err = rd_kafka_unsubscribe(m->client->rk);
    return err ? kafka_fail(m->log, m->client, err, NULL, d, "cannot leave the service's group") : subscribe(m, d);
}

static enum status take_slots(struct kafka_membership *m, rd_kafka_topic_partition_list_t *list, struct diag *d)
{
    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = 0;
    rd_kafka_error_t *error = rd_kafka_incremental_assign(m->client->rk, list);
    if (error)
        return kafka_fail_error(m->log, m->client, error, d, "cannot take slots");
    rd_kafka_pause_partitions(m->client->rk, list);
    bool is_leftover = m->is_named && !m->is_settled && list->cnt < m->n_slots;
    m->is_settled = true;
    if (is_leftover)
        return join_anew(m, d);
    mark(m, list, 1);
    return STATUS_OK;
}

static void give_up(struct kafka_membership *m, const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_error_t *error = rd_kafka_incremental_unassign(m->client->rk, list);
    if (error)
        rd_kafka_error_destroy(error);
}

static void leave_slots(struct kafka_membership *m, const rd_kafka_topic_partition_list_t *list)
{
    mark(m, list, 0);
    if (rd_kafka_assignment_lost(m->client->rk)) /* all of it, though it may be told in parts */
        memset(m->owned, 0, (size_t)m->n_slots);
    kafka_membership_release_done(&m->head); /* at most one is under way; a second one means that the first is over */
    m->leaving = rd_kafka_topic_partition_list_copy(list);
}

static enum status serve(struct kafka_membership *m, rd_kafka_event_t *ev, struct diag *d)
{
    if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_REBALANCE) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(ev);
        if (rd_kafka_event_error(ev) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
            return take_slots(m, list, d);
        leave_slots(m, list);
        return STATUS_OK;
    }
    rd_kafka_resp_err_t err = rd_kafka_event_error(ev);
    m->is_cut_off |= err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    if (err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED) /* we have left the group; what we held is another's by now */
        memset(m->owned, 0, (size_t)m->n_slots);
    if (err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED || err == RD_KAFKA_RESP_ERR__FATAL ||
        kafka_status(err) == STATUS_NOT_FOUND)
        return kafka_fail(m->log, m->client, err, rd_kafka_event_error_string(ev), d, "membership of the service");
    return STATUS_OK; /* what librdkafka recovers from by itself */
}

/* ---- leaving --------------------------------------------------------------------------------------------- */

static bool has_slots(const struct kafka_membership *m)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    bool has = rd_kafka_assignment(m->client->rk, &list) == RD_KAFKA_RESP_ERR_NO_ERROR && list->cnt > 0;
    if (list)
        rd_kafka_topic_partition_list_destroy(list);
    return has;
}

/* Gives the slots back to the group at once. rd_kafka_consumer_close would do it, but may wait for ever when a rebalance is under
 * way (librdkafka's issues 4527 and 4884): here nothing is assigned any more when the closing begins, and it is not waited for for long. */
static void say_goodbye(struct kafka_membership *m)
{
    int64_t until = clock_mono_ns() + GOODBYE_MS * INT64_C(1000000);
    rd_kafka_t *rk = m->client->rk;
    if (rd_kafka_unsubscribe(rk) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    do {
        rd_kafka_event_t *ev = rd_kafka_queue_poll(m->queue, POLL_MS);
        if (ev && serve(m, ev, NULL) == STATUS_OK)
            kafka_membership_release_done(&m->head);
        rd_kafka_event_destroy(ev);
    } while (has_slots(m) && clock_mono_ns() < until);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(rk, m->queue);
    if (error)
        rd_kafka_error_destroy(error);
    while (!error && !rd_kafka_consumer_closed(rk) && clock_mono_ns() < until)
        rd_kafka_event_destroy(rd_kafka_queue_poll(m->queue, POLL_MS));
}

/* Who has a name keeps its slots for a while, and so does not tell. */
void kafka_membership_leave(struct membership *membership)
{
    struct kafka_membership *m = (struct kafka_membership *)membership;
    if (m->client) {
        kafka_membership_release_done(membership);
        if (m->queue && !m->is_named)
            say_goodbye(m);
        if (m->queue)
            rd_kafka_queue_destroy(m->queue);
        kafka_client_drop(m->client);
    }
    mem_free(m->topic);
    mem_free(m->owned);
    mem_free(m);
}

/* ---- serving --------------------------------------------------------------------------------------------- */

/* Nobody tells when a broker is back: it is asked. */
static enum status look_for_broker(struct kafka_membership *m, struct diag *d)
{
    const struct rd_kafka_metadata *md;
    if (!m->is_cut_off)
        return STATUS_OK;
    rd_kafka_resp_err_t err = rd_kafka_metadata(m->client->rk, 0, NULL, &md, KAFKA_PROBE_MS);
    if (err) {
        kafka_fail(m->log, m->client, err, NULL, d, "no broker answers");
        return STATUS_IO;
    }
    rd_kafka_metadata_destroy(md);
    m->is_cut_off = false;
    return STATUS_OK;
}

enum status kafka_membership_poll(struct membership *membership, int timeout_ms, uint8_t *owned, bool *changed,
                                  struct diag *d)
{
    struct kafka_membership *m = (struct kafka_membership *)membership;
    enum status st = STATUS_OK;
    rd_kafka_event_t *ev;
    while (st == STATUS_OK && (ev = rd_kafka_queue_poll(m->queue, timeout_ms))) {
        st = serve(m, ev, d);
        rd_kafka_event_destroy(ev);
        timeout_ms = 0;
    }
    if (st == STATUS_OK)
        st = look_for_broker(m, d);
    *changed = memcmp(m->owned, m->told, (size_t)m->n_slots) != 0;
    memcpy(m->told, m->owned, (size_t)m->n_slots);
    memcpy(owned, m->owned, (size_t)m->n_slots);
    return st;
}

void kafka_membership_release_done(struct membership *membership)
{
    struct kafka_membership *m = (struct kafka_membership *)membership;
    if (!m->leaving)
        return;
    give_up(m, m->leaving);
    rd_kafka_topic_partition_list_destroy(m->leaving);
    m->leaving = NULL;
}

/* ---- fencing --------------------------------------------------------------------------------------------- */

/* The coordinator compares the member's generation with the group's when offsets are added to a transaction. The offset of
 * one slot, whosever it is, is enough for that. */
enum status kafka_membership_fence(struct membership *membership, struct log_writer *w, struct diag *d)
{
    struct kafka_membership *m = (struct kafka_membership *)membership;
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(m->client->rk);
    if (!group)
        return diag_set(d, STATUS_FENCED, "not a member of the service's group");
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, m->topic, 0)->offset = 0;
    enum status st = kafka_writer_send_offsets(w, list, group, d);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_group_metadata_destroy(group);
    return st;
}
