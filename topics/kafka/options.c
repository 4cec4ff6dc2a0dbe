/* The user's options, translated: ksqlDB's `ksql.streams.` in front goes, Java client names become librdkafka's, and what
 * only Kafka Streams knows is left to the engine. An option that nobody knows is an error that names it.
 *
 * `consumer.`, `producer.` and `admin.` in front restrict an option to that kind of client, as in Kafka Streams. */
#include "topics/kafka/kafka_int.h"

/* Java name -> librdkafka name. */
static const struct {
    const char *java, *name;
} renamed[] = {
    {"buffer.memory", NULL}, /* bytes there, kbytes here: see set_special */
    {"sasl.jaas.config", NULL},
    {"ssl.endpoint.identification.algorithm", NULL},
    {"fetch.max.wait.ms", "fetch.wait.max.ms"},
    {"max.request.size", "message.max.bytes"},
    {"metadata.max.age.ms", "topic.metadata.refresh.interval.ms"},
    {"receive.buffer.bytes", "socket.receive.buffer.bytes"},
    {"send.buffer.bytes", "socket.send.buffer.bytes"},
    {"socket.connection.setup.timeout.max.ms", "socket.connection.setup.timeout.ms"},
    {"ssl.enabled.protocols", ""}, /* empty: no counterpart, skipped */
    {"ssl.keystore.certificate.chain", "ssl.certificate.pem"},
    {"ssl.keystore.key", "ssl.key.pem"},
    {"ssl.keystore.type", ""},
    {"ssl.protocol", ""},
    {"ssl.truststore.certificates", "ssl.ca.pem"},
    {"ssl.truststore.location", "ssl.ca.location"},
    {"ssl.truststore.password", ""},
    {"ssl.truststore.type", ""},
};

/* Names, or beginnings of names, that Kafka Streams and the Java clients know and librdkafka has no use for. */
static const char *const not_for_us[] = {
    "acceptable.recovery.lag",
    "application.",
    "auto.include.jmx.reporter",
    "auto.offset.reset",
    "buffered.records.per.partition",
    "cache.max.bytes.buffering",
    "commit.interval.ms",
    "default.",
    "dsl.store.suppliers.class",
    "exclude.internal.topics",
    "interceptor.classes",
    "key.deserializer",
    "key.serializer",
    "max.poll.records",
    "max.task.idle.ms",
    "max.warmup.replicas",
    "metric.reporters",
    "metrics.",
    "num.",
    "partitioner.class",
    "poll.ms",
    "probing.rebalance.interval.ms",
    "processing.",
    "producer.override.",
    "rack.aware.",
    "repartition.purge.interval.ms",
    "replication.factor",
    "restore.",
    "rocksdb.",
    "sasl.login.class",
    "sasl.client.callback.handler.class",
    "state.",
    "statestore.cache.max.bytes",
    "task.",
    "topology.",
    "upgrade.from",
    "value.deserializer",
    "value.serializer",
    "window.size.ms",
    "windowed.inner.class.serde",
    "windowstore.changelog.additional.retention.ms",
};

/* What the engine decides, whatever the user says: exactly-once rests on them. */
static const char *const ours[] = {
    "bootstrap.servers",  "metadata.broker.list",          "enable.auto.commit",
    "enable.idempotence", "enable.partition.eof",          "group.id",
    "isolation.level",    "partition.assignment.strategy", "transactional.id",
};

static bool listed(const char *const *list, size_t n, const char *name, bool by_prefix)
{
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(list[i]);
        if (by_prefix && list[i][len - 1] == '.' ? strncmp(name, list[i], len) == 0 : strcmp(name, list[i]) == 0)
            return true;
    }
    return false;
}
#define LISTED(list, name, by_prefix) listed((list), sizeof(list) / sizeof(list)[0], (name), (by_prefix))

enum status kafka_option_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct diag *d)
{
    char text[512];
    switch (rd_kafka_conf_set(conf, name, value, text, sizeof text)) {
    case RD_KAFKA_CONF_OK:
        return STATUS_OK;
    case RD_KAFKA_CONF_UNKNOWN:
        return diag_set(d, STATUS_INVALID, "Unknown Kafka option '%s'", name);
    default:
        return diag_set(d, STATUS_INVALID, "Kafka option '%s' cannot be set to '%s': %s", name, value, text);
    }
}

/* The value of `key="..."` or `key=...` in a JAAS line; false when it is not there. */
static bool jaas_value(const char *line, const char *key, char *out, size_t size)
{
    size_t len = strlen(key), n = 0;
    const char *p = line;
    while ((p = strstr(p, key)) && (p[len] != '=' || (p > line && p[-1] != ' ' && p[-1] != '\t')))
        p += len;
    if (!p)
        return false;
    p += len + 1;
    char quote = *p == '"' || *p == '\'' ? *p++ : 0;
    for (; *p && (quote ? *p != quote : *p != ' ' && *p != ';'); p++) {
        if (quote && *p == '\\' && p[1])
            p++;
        if (n + 1 < size)
            out[n++] = *p;
    }
    out[n] = 0;
    return true;
}

static enum status set_jaas(rd_kafka_conf_t *conf, const char *line, struct diag *d)
{
    char user[256], password[1024];
    if (!jaas_value(line, "username", user, sizeof user) || !jaas_value(line, "password", password, sizeof password))
        return diag_set(d, STATUS_INVALID,
                        "Kafka option 'sasl.jaas.config' has no username and password; "
                        "for other mechanisms set librdkafka's sasl.* options");
    enum status st = kafka_option_set(conf, "sasl.username", user, d);
    return st != STATUS_OK ? st : kafka_option_set(conf, "sasl.password", password, d);
}

static enum status set_special(rd_kafka_conf_t *conf, const char *name, const char *value, struct diag *d)
{
    if (strcmp(name, "sasl.jaas.config") == 0)
        return set_jaas(conf, value, d);
    if (strcmp(name, "ssl.endpoint.identification.algorithm") == 0)
        return kafka_option_set(conf, name, *value ? value : "none", d);
    int64_t bytes;
    if (!parse_i64(str_from(value), &bytes) || bytes < 1024)
        return diag_set(d, STATUS_INVALID, "Kafka option '%s' cannot be set to '%s'", name, value);
    char kbytes[32];
    snprintf(kbytes, sizeof kbytes, "%lld", (long long)bytes / 1024);
    return kafka_option_set(conf, "queue.buffering.max.kbytes", kbytes, d);
}

static enum status set_translated(rd_kafka_conf_t *conf, const char *name, const char *value, struct diag *d)
{
    size_t len = strlen(value);
    if (strcmp(name, "ssl.truststore.location") == 0 && len > 4 && strcmp(value + len - 4, ".jks") == 0)
        return diag_set(d, STATUS_INVALID, "Kafka option '%s': '%s' is a Java key store; give the certificates as PEM",
                        name, value);
    for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++)
        if (strcmp(name, renamed[i].java) == 0) {
            if (!renamed[i].name)
                return set_special(conf, name, value, d);
            return *renamed[i].name ? kafka_option_set(conf, renamed[i].name, value, d) : STATUS_OK;
        }
    return kafka_option_set(conf, name, value, d);
}

/* Takes a client kind off the front of the name; false: it is for another kind than `role`. */
static bool strip_role(const char **name, enum client_role role)
{
    static const struct {
        const char *prefix;
        unsigned roles;
    } kinds[] = {
        {"main.consumer.", 1 << CLIENT_READER | 1 << CLIENT_MEMBER},
        {"restore.consumer.", 1 << CLIENT_READER},
        {"global.consumer.", 1 << CLIENT_READER},
        {"consumer.", 1 << CLIENT_READER | 1 << CLIENT_MEMBER},
        {"producer.", 1 << CLIENT_WRITER},
        {"admin.", 1 << CLIENT_ADMIN},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strncmp(*name, kinds[i].prefix, strlen(kinds[i].prefix)) == 0) {
            *name += strlen(kinds[i].prefix);
            return kinds[i].roles >> role & 1;
        }
    return true;
}

enum status kafka_options_apply(const struct kafka_log *log, enum client_role role, rd_kafka_conf_t *conf,
                                struct diag *d)
{
    static const char prefix[] = "ksql.streams.";
    for (size_t i = 0; i < log->n_options; i++) {
        const char *name = log->options[i].name;
        if (strncmp(name, prefix, sizeof prefix - 1) == 0)
            name += sizeof prefix - 1;
        if (!strip_role(&name, role) || LISTED(not_for_us, name, true) || LISTED(ours, name, false))
            continue;
        enum status st = set_translated(conf, name, log->options[i].value, d);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}
