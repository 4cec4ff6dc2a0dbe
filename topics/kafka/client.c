/* Clients of librdkafka: making and destroying them, and turning their errors into statuses with a message that a person can
 * act on. librdkafka's own log goes nowhere but into such messages. */
#include "topics/kafka/kafka_int.h"

#include <stdio.h>

static void keep_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    struct kafka_client *c = rd_kafka_opaque(rk);
    if (!c || level > 4 || strcmp(facility, "CONFWARN") == 0)
        return;
    const char *tail = strncmp(text, "[thrd:", 6) == 0 ? strstr(text, "]: ") : NULL;
    pthread_mutex_lock(&c->lock);
    snprintf(c->last_log, sizeof c->last_log, "%s", tail ? tail + 3 : text);
    pthread_mutex_unlock(&c->lock);
}

static void on_delivery_error(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct kafka_client *c = opaque;
    (void)rk;
    if (m->err && m->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE && m->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT) {
        c->n_failed++;
        c->failed = m->err;
    }
}

/* librdkafka recovers from most errors by itself; a topic that is gone, or closed to us, it only tells of. */
static void on_reader_error(rd_kafka_t *rk, int err, const char *text, void *opaque)
{
    struct kafka_client *c = opaque;
    (void)rk;
    if (kafka_status(err) != STATUS_NOT_FOUND && kafka_status(err) != STATUS_INVALID)
        return;
    c->failed = err;
    snprintf(c->failed_text, sizeof c->failed_text, "%s", text);
}

static enum status set_all(rd_kafka_conf_t *conf, const struct kafka_option *options, struct diag *d)
{
    enum status st = STATUS_OK;
    for (; options && options->name && st == STATUS_OK; options++)
        st = kafka_option_set(conf, options->name, options->value, d);
    return st;
}

/* Newer versions of librdkafka know settings that 2.0.2 does not. */
static void set_if_known(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[256];
    rd_kafka_conf_set(conf, name, value, text, sizeof text);
}

static enum status configure(const struct kafka_log *log, enum client_role role, const struct kafka_option *defaults,
                             const struct kafka_option *forced, rd_kafka_conf_t *conf, struct diag *d)
{
    static const struct kafka_option common[] = {
        {"client.id", "weir"},
        {"log_level", "4"},
        {"socket.nagle.disable", "true"},
        {"socket.timeout.ms", "10000"},
        {"reconnect.backoff.ms", "50"},
        {"reconnect.backoff.max.ms", "1000"},
        {"topic.metadata.refresh.fast.interval.ms", "50"},
        {"broker.address.family", "any"},
        {NULL, NULL},
    };
    enum status st = set_all(conf, common, d);
    set_if_known(conf, "enable.metrics.push", "false");
    if (role == CLIENT_READER)
        set_if_known(conf, "fetch.queue.backoff.ms", "10");
    if (st == STATUS_OK)
        st = set_all(conf, defaults, d);
    if (st == STATUS_OK)
        st = kafka_options_apply(log, role, conf, d);
    if (st == STATUS_OK)
        st = set_all(conf, forced, d);
    if (st == STATUS_OK)
        st = kafka_option_set(conf, "bootstrap.servers", log->bootstrap, d);
    rd_kafka_conf_set_log_cb(conf, keep_log);
    if (role == CLIENT_WRITER)
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery_error);
    if (role == CLIENT_READER)
        rd_kafka_conf_set_error_cb(conf, on_reader_error);
    if (role == CLIENT_MEMBER)
        rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR);
    return st;
}

enum status kafka_client_create(const struct kafka_log *log, enum client_role role, const struct kafka_option *defaults,
                                const struct kafka_option *forced, struct kafka_client **out, struct diag *d)
{
    struct kafka_client *c = mem_calloc(1, sizeof *c);
    if (!c)
        return diag_nomem(d);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum status st = configure(log, role, defaults, forced, conf, d);
    if (st != STATUS_OK) {
        rd_kafka_conf_destroy(conf);
        mem_free(c);
        return st;
    }
    c->refs = 1;
    pthread_mutex_init(&c->lock, NULL);
    rd_kafka_conf_set_opaque(conf, c);
    char text[512];
    c->rk = rd_kafka_new(role == CLIENT_WRITER ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!c->rk) {
        rd_kafka_conf_destroy(conf);
        pthread_mutex_destroy(&c->lock);
        mem_free(c);
        return diag_set(d, STATUS_INVALID, "Kafka at %s: %s", log->bootstrap, text);
    }
    *out = c;
    return STATUS_OK;
}

struct kafka_client *kafka_client_keep(struct kafka_client *c)
{
    __atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
    return c;
}

void kafka_client_drop(struct kafka_client *c)
{
    if (!c || __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    rd_kafka_destroy_flags(c->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE); /* members have said goodbye */
    pthread_mutex_destroy(&c->lock);
    mem_free(c);
}

enum status kafka_status(rd_kafka_resp_err_t err)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return STATUS_OK;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        return STATUS_NOT_FOUND;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
        return STATUS_EXISTS;
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
        return STATUS_TIMEOUT;
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
        return STATUS_FENCED;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
        return STATUS_DATA;
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_DELETION_DISABLED:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
        return STATUS_INVALID;
    default:
        return STATUS_IO;
    }
}

static bool is_about_connection(rd_kafka_resp_err_t err)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
        return true;
    default:
        return false;
    }
}

static void add_last_log(struct kafka_client *c, struct diag *d)
{
    char text[sizeof c->last_log];
    pthread_mutex_lock(&c->lock);
    memcpy(text, c->last_log, sizeof text);
    pthread_mutex_unlock(&c->lock);
    size_t len = strlen(d->message);
    if (*text)
        snprintf(d->message + len, sizeof d->message - len, " (%s)", text);
}

enum status kafka_fail(const struct kafka_log *log, struct kafka_client *c, rd_kafka_resp_err_t err, const char *text,
                       struct diag *d, const char *what, ...)
{
    enum status st = kafka_status(err);
    if (!d || d->code != STATUS_OK)
        return st;
    char doing[512];
    va_list args;
    va_start(args, what);
    vsnprintf(doing, sizeof doing, what, args);
    va_end(args);
    diag_set(d, st, "Kafka at %s: %s: %s", log->bootstrap, doing, text && *text ? text : rd_kafka_err2str(err));
    if (c && is_about_connection(err))
        add_last_log(c, d);
    return st;
}

enum status kafka_fail_error(const struct kafka_log *log, struct kafka_client *c, rd_kafka_error_t *error,
                             struct diag *d, const char *what)
{
    enum status st = kafka_fail(log, c, rd_kafka_error_code(error), rd_kafka_error_string(error), d, "%s", what);
    rd_kafka_error_destroy(error);
    return st;
}
