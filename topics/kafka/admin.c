/* Topics of Kafka: create, delete, describe, list, offsets, truncate. All requests are synchronous, on the log's admin
 * client, which may be used from any thread. Records are not touched here. */
#include "topics/kafka/kafka_int.h"

#include <stdio.h>
#include <stdlib.h>

enum { LEADER_WAIT_MS = 50 };

/* ---- requests ------------------------------------------------------------------------------------------- */

struct request {
    rd_kafka_AdminOptions_t *options;
    rd_kafka_queue_t *queue;
};

static struct request request_start(struct kafka_log *l, rd_kafka_admin_op_t op, bool waits)
{
    char text[256];
    struct request r = {rd_kafka_AdminOptions_new(l->admin->rk, op), rd_kafka_queue_new(l->admin->rk)};
    rd_kafka_AdminOptions_set_request_timeout(r.options, KAFKA_TIMEOUT_MS, text, sizeof text);
    if (waits)
        rd_kafka_AdminOptions_set_operation_timeout(r.options, KAFKA_TIMEOUT_MS - 1000, text, sizeof text);
    return r;
}

/* Waits for the answer; NULL and a status if the request as a whole failed. */
static rd_kafka_event_t *request_finish(struct kafka_log *l, struct request *r, const char *what, enum status *st,
                                        struct diag *d)
{
    rd_kafka_event_t *ev = rd_kafka_queue_poll(r->queue, KAFKA_TIMEOUT_MS + 1000);
    rd_kafka_queue_destroy(r->queue);
    rd_kafka_AdminOptions_destroy(r->options);
    rd_kafka_resp_err_t err = ev ? rd_kafka_event_error(ev) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    *st = STATUS_OK;
    if (!err)
        return ev;
    *st = kafka_fail(l, l->admin, err, ev ? rd_kafka_event_error_string(ev) : NULL, d, "%s", what);
    if (ev)
        rd_kafka_event_destroy(ev);
    return NULL;
}

static enum status topic_result(struct kafka_log *l, const rd_kafka_topic_result_t **results, size_t n,
                                const char *what, struct diag *d)
{
    rd_kafka_resp_err_t err = n == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__BAD_MSG;
    if (!err)
        return STATUS_OK;
    return kafka_fail(l, l->admin, err, n == 1 ? rd_kafka_topic_result_error_string(results[0]) : NULL, d, "%s", what);
}

/* ---- metadata ------------------------------------------------------------------------------------------- */

/* Metadata of one topic, or of all (`topic` NULL). */
static enum status metadata_get(struct kafka_log *l, const char *topic, const struct rd_kafka_metadata **md,
                                struct diag *d)
{
    rd_kafka_topic_t *rkt = topic ? rd_kafka_topic_new(l->admin->rk, topic, NULL) : NULL;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__INVALID_ARG;
    if (rkt || !topic)
        err = rd_kafka_metadata(l->admin->rk, topic ? 0 : 1, rkt, md, KAFKA_TIMEOUT_MS);
    if (rkt)
        rd_kafka_topic_destroy(rkt);
    return err ? kafka_fail(l, l->admin, err, NULL, d, "cannot read the metadata of %s", topic ? topic : "all topics")
               : STATUS_OK;
}

/* STATUS_NOT_FOUND without touching `d`; *all_led: every partition has a leader. */
static enum status look_up(struct kafka_log *l, const char *topic, int32_t *n, int16_t *replicas, bool *all_led,
                           struct diag *d)
{
    const struct rd_kafka_metadata *md;
    enum status st = metadata_get(l, topic, &md, d);
    if (st != STATUS_OK)
        return st;
    const struct rd_kafka_metadata_topic *t = md->topic_cnt == 1 ? &md->topics[0] : NULL;
    if (!t || kafka_status(t->err) == STATUS_NOT_FOUND || (!t->err && t->partition_cnt == 0)) {
        st = STATUS_NOT_FOUND;
    } else if (t->err && t->err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) {
        st = kafka_fail(l, l->admin, t->err, NULL, d, "topic %s", topic);
    } else {
        *n = t->partition_cnt;
        *replicas = t->partition_cnt ? (int16_t)t->partitions[0].replica_cnt : 1;
        *all_led = true;
        for (int i = 0; i < t->partition_cnt; i++)
            *all_led &= t->partitions[i].leader >= 0;
    }
    rd_kafka_metadata_destroy(md);
    return st;
}

enum status kafka_partition_count(struct kafka_log *l, const char *topic, int32_t *n, struct diag *d)
{
    int16_t replicas;
    bool all_led;
    return look_up(l, topic, n, &replicas, &all_led, d);
}

/* A broker learns of a new topic, and forgets a deleted one, a moment after the controller has answered. */
static void wait_until_known(struct kafka_log *l, const char *topic, bool exists)
{
    for (int64_t until = clock_mono_ns() + INT64_C(5000000000); clock_mono_ns() < until; clock_sleep_ms(10)) {
        int32_t n;
        int16_t replicas;
        bool all_led = true;
        enum status st = look_up(l, topic, &n, &replicas, &all_led, NULL);
        if (exists ? st == STATUS_OK && all_led : st == STATUS_NOT_FOUND)
            return;
    }
}

/* ---- create and delete ---------------------------------------------------------------------------------- */

static rd_kafka_NewTopic_t *new_topic(const struct topic_spec *spec, char *text, size_t size)
{
    rd_kafka_NewTopic_t *t =
        rd_kafka_NewTopic_new(spec->name, spec->n_partitions, spec->replicas > 0 ? spec->replicas : -1, text, size);
    if (!t)
        return NULL;
    char number[32];
    if (spec->compact)
        rd_kafka_NewTopic_set_config(t, "cleanup.policy", spec->retention_ms > 0 ? "compact,delete" : "compact");
    if (spec->retention_ms) {
        snprintf(number, sizeof number, "%lld", (long long)spec->retention_ms);
        rd_kafka_NewTopic_set_config(t, "retention.ms", number);
    }
    if (spec->retention_bytes) {
        snprintf(number, sizeof number, "%lld", (long long)spec->retention_bytes);
        rd_kafka_NewTopic_set_config(t, "retention.bytes", number);
    }
    return t;
}

enum status kafka_topic_create(struct log *log, const struct topic_spec *spec, struct diag *d)
{
    struct kafka_log *l = (struct kafka_log *)log;
    char text[512], what[320];
    snprintf(what, sizeof what, "cannot create topic %s", spec->name);
    rd_kafka_NewTopic_t *t = new_topic(spec, text, sizeof text);
    if (!t)
        return kafka_fail(l, l->admin, RD_KAFKA_RESP_ERR__INVALID_ARG, text, d, "%s", what);
    struct request r = request_start(l, RD_KAFKA_ADMIN_OP_CREATETOPICS, true);
    rd_kafka_CreateTopics(l->admin->rk, &t, 1, r.options, r.queue);
    enum status st;
    rd_kafka_event_t *ev = request_finish(l, &r, what, &st, d);
    if (ev) {
        size_t n;
        const rd_kafka_topic_result_t **results =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(ev), &n);
        st = topic_result(l, results, n, what, d);
        rd_kafka_event_destroy(ev);
    }
    rd_kafka_NewTopic_destroy(t);
    if (st == STATUS_OK || st == STATUS_EXISTS) /* whoever created it may have done so a moment ago */
        wait_until_known(l, spec->name, true);
    return st;
}

enum status kafka_topic_delete(struct log *log, const char *name, struct diag *d)
{
    struct kafka_log *l = (struct kafka_log *)log;
    char what[320];
    snprintf(what, sizeof what, "cannot delete topic %s", name);
    rd_kafka_DeleteTopic_t *t = rd_kafka_DeleteTopic_new(name);
    struct request r = request_start(l, RD_KAFKA_ADMIN_OP_DELETETOPICS, true);
    rd_kafka_DeleteTopics(l->admin->rk, &t, 1, r.options, r.queue);
    enum status st;
    rd_kafka_event_t *ev = request_finish(l, &r, what, &st, d);
    if (ev) {
        size_t n;
        const rd_kafka_topic_result_t **results =
            rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(ev), &n);
        st = topic_result(l, results, n, what, d);
        rd_kafka_event_destroy(ev);
    }
    rd_kafka_DeleteTopic_destroy(t);
    if (st == STATUS_OK)
        wait_until_known(l, name, false);
    return st;
}

/* ---- describe and list ---------------------------------------------------------------------------------- */

struct settings { /* of a topic, as they are in force; -1: for ever */
    bool compact;
    int64_t retention_ms, retention_bytes;
    int64_t max_message_bytes;
};

static void read_setting(const char *name, const char *value, struct settings *out)
{
    int64_t number;
    if (strcmp(name, "cleanup.policy") == 0)
        out->compact = strstr(value, "compact") != NULL;
    else if (!parse_i64(str_from(value), &number))
        return;
    else if (strcmp(name, "retention.ms") == 0)
        out->retention_ms = number;
    else if (strcmp(name, "retention.bytes") == 0)
        out->retention_bytes = number;
    else if (strcmp(name, "max.message.bytes") == 0)
        out->max_message_bytes = number;
}

static void read_settings(const rd_kafka_ConfigResource_t *resource, struct settings *out)
{
    size_t n;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &n);
    bool deletes = false;
    if (rd_kafka_ConfigResource_error(resource))
        return;
    for (size_t i = 0; i < n; i++) {
        const char *name = rd_kafka_ConfigEntry_name(entries[i]), *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (!value)
            continue;
        read_setting(name, value, out);
        deletes |= strcmp(name, "cleanup.policy") == 0 && strstr(value, "delete");
    }
    if (!deletes) /* then the broker has no use for the limits that it shows */
        out->retention_ms = out->retention_bytes = -1;
}

/* Settings of `n` topics, in order. A topic whose settings the broker does not show has zeros. */
static enum status settings_get(struct kafka_log *l, const char *const *names, size_t n, struct settings *out,
                                struct diag *d)
{
    memset(out, 0, n * sizeof *out);
    if (n == 0)
        return STATUS_OK;
    rd_kafka_ConfigResource_t **resources = mem_alloc(n * sizeof *resources);
    if (!resources)
        return diag_nomem(d);
    for (size_t i = 0; i < n; i++)
        resources[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, names[i]);
    struct request r = request_start(l, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, false);
    rd_kafka_DescribeConfigs(l->admin->rk, resources, n, r.options, r.queue);
    enum status st;
    rd_kafka_event_t *ev = request_finish(l, &r, "cannot read the settings of topics", &st, d);
    rd_kafka_ConfigResource_destroy_array(resources, n);
    mem_free(resources);
    if (!ev)
        return st;
    size_t n_results;
    const rd_kafka_ConfigResource_t **results =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(ev), &n_results);
    for (size_t i = 0; i < n_results && i < n; i++)
        read_settings(results[i], &out[i]);
    rd_kafka_event_destroy(ev);
    return STATUS_OK;
}

int64_t kafka_topic_limit(struct kafka_log *l, const char *topic)
{
    struct settings s;
    return settings_get(l, &topic, 1, &s, NULL) == STATUS_OK ? s.max_message_bytes : 0;
}

static void fill_spec(struct topic_spec *out, const char *name, int32_t n, int16_t replicas, const struct settings *s)
{
    *out = (struct topic_spec){.name = name,
                               .n_partitions = n,
                               .replicas = replicas,
                               .compact = s->compact,
                               .retention_ms = s->retention_ms,
                               .retention_bytes = s->retention_bytes};
}

enum status kafka_topic_describe(struct log *log, const char *name, struct topic_spec *out, struct diag *d)
{
    struct kafka_log *l = (struct kafka_log *)log;
    int32_t n;
    int16_t replicas;
    bool all_led;
    struct settings s;
    enum status st = look_up(l, name, &n, &replicas, &all_led, d);
    if (st == STATUS_OK)
        st = settings_get(l, &name, 1, &s, d);
    if (st == STATUS_OK)
        fill_spec(out, name, n, replicas, &s);
    return st;
}

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct topic_spec *)x)->name, ((const struct topic_spec *)y)->name);
}

enum status kafka_topic_list(struct log *log, struct arena *a, struct topic_spec **out, size_t *n, struct diag *d)
{
    struct kafka_log *l = (struct kafka_log *)log;
    const struct rd_kafka_metadata *md;
    enum status st = metadata_get(l, NULL, &md, d);
    if (st != STATUS_OK)
        return st;
    size_t count = 0, cap = (size_t)md->topic_cnt;
    struct topic_spec *specs = ARENA_ARRAY(a, struct topic_spec, cap);
    const char **names = ARENA_ARRAY(a, const char *, cap);
    struct settings *settings = ARENA_ARRAY(a, struct settings, cap), none = {0};
    for (size_t i = 0; i < cap && !a->failed; i++) {
        const struct rd_kafka_metadata_topic *t = &md->topics[i];
        if (t->err || t->partition_cnt == 0)
            continue;
        names[count] = arena_printf(a, "%s", t->topic);
        fill_spec(&specs[count], names[count], t->partition_cnt, (int16_t)t->partitions[0].replica_cnt, &none);
        count++;
    }
    rd_kafka_metadata_destroy(md);
    if (a->failed)
        return diag_nomem(d);
    st = settings_get(l, names, count, settings, d);
    for (size_t i = 0; i < count && st == STATUS_OK; i++)
        fill_spec(&specs[i], names[i], specs[i].n_partitions, specs[i].replicas, &settings[i]);
    qsort(specs, count, sizeof *specs, by_name);
    *out = specs;
    *n = count;
    return st;
}

/* ---- offsets -------------------------------------------------------------------------------------------- */

static enum status check_partition(struct kafka_log *l, const char *topic, int32_t partition, struct diag *d)
{
    int32_t n = 0;
    enum status st = kafka_partition_count(l, topic, &n, d);
    if (st == STATUS_NOT_FOUND)
        return diag_set(d, STATUS_NOT_FOUND, "Topic %s does not exist", topic);
    if (st == STATUS_OK && partition >= n)
        return diag_set(d, STATUS_NOT_FOUND, "Topic %s has no partition %d", topic, (int)partition);
    return st;
}

/* Makes a client look at a topic anew: it may have more partitions by now, or have been deleted and created again. */
static bool refresh(struct kafka_client *c, const char *topic)
{
    const struct rd_kafka_metadata *md;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(c->rk, topic, NULL);
    if (!rkt)
        return false;
    rd_kafka_resp_err_t err = rd_kafka_metadata(c->rk, 0, rkt, &md, KAFKA_TIMEOUT_MS);
    rd_kafka_topic_destroy(rkt);
    if (!err)
        rd_kafka_metadata_destroy(md);
    return !err;
}

/* A partition that was created just now, or whose broker has just gone, has no leader for a moment; and a client may not have
 * heard yet of one that is there. */
static bool will_pass(struct kafka_log *l, rd_kafka_resp_err_t err, const char *topic, int32_t partition)
{
    int32_t n;
    if (kafka_status(err) == STATUS_NOT_FOUND)
        return kafka_partition_count(l, topic, &n, NULL) == STATUS_OK && partition < n;
    return err == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION || err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

enum status kafka_watermarks(struct kafka_log *l, struct kafka_client *c, const char *topic, int32_t partition,
                             int64_t *begin, int64_t *end, struct diag *d)
{
    rd_kafka_resp_err_t err;
    for (int waited = 0;; waited += LEADER_WAIT_MS) {
        err = rd_kafka_query_watermark_offsets(c->rk, topic, partition, begin, end, KAFKA_TIMEOUT_MS);
        if (!err || !will_pass(l, err, topic, partition))
            break;
        if (waited >= KAFKA_TIMEOUT_MS || !refresh(c, topic)) {
            err = RD_KAFKA_RESP_ERR__TIMED_OUT;
            break;
        }
        if (waited)
            clock_sleep_ms(LEADER_WAIT_MS);
    }
    return err ? kafka_fail(l, c, err, NULL, d, "cannot read the offsets of %s [%d]", topic, (int)partition)
               : STATUS_OK;
}

enum status kafka_uncommitted_client(struct kafka_log *l, struct kafka_client **out, struct diag *d)
{
    static const struct kafka_option forced[] = {{"isolation.level", "read_uncommitted"}, {NULL, NULL}};
    enum status st = STATUS_OK;
    pthread_mutex_lock(&l->lock);
    if (!l->uncommitted)
        st = kafka_client_create(l, CLIENT_ADMIN, NULL, forced, &l->uncommitted, d);
    *out = l->uncommitted;
    pthread_mutex_unlock(&l->lock);
    return st;
}

enum status kafka_topic_offsets(struct log *log, const char *name, int32_t partition, int64_t *begin, int64_t *end,
                                int64_t *uncommitted_end, struct diag *d)
{
    struct kafka_log *l = (struct kafka_log *)log;
    struct kafka_client *uncommitted;
    int64_t first;
    enum status st = check_partition(l, name, partition, d);
    if (st == STATUS_OK)
        st = kafka_uncommitted_client(l, &uncommitted, d);
    /* The uncommitted end is asked first: what is committed in between moves only the other one. */
    if (st == STATUS_OK)
        st = kafka_watermarks(l, uncommitted, name, partition, &first, uncommitted_end, d);
    if (st == STATUS_OK)
        st = kafka_watermarks(l, l->admin, name, partition, begin, end, d);
    if (st == STATUS_OK && *uncommitted_end < *end)
        *uncommitted_end = *end;
    return st;
}

enum status kafka_topic_offset_for_time(struct log *log, const char *name, int32_t partition, int64_t ts,
                                        int64_t *offset, struct diag *d)
{
    struct kafka_log *l = (struct kafka_log *)log;
    int64_t begin, end;
    enum status st = check_partition(l, name, partition, d);
    if (st == STATUS_OK)
        st = kafka_watermarks(l, l->admin, name, partition, &begin, &end, d);
    if (st != STATUS_OK)
        return st;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(list, name, partition);
    p->offset = ts < 0 ? 0 : ts; /* negative numbers mean the beginning and the end */
    rd_kafka_resp_err_t err = rd_kafka_offsets_for_times(l->admin->rk, list, KAFKA_TIMEOUT_MS);
    if (!err)
        err = p->err;
    *offset = p->offset < 0 ? end : p->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return err ? kafka_fail(l, l->admin, err, NULL, d, "cannot look up a time in %s [%d]", name, (int)partition)
               : STATUS_OK;
}

enum status kafka_topic_truncate(struct log *log, const char *name, int32_t partition, int64_t offset, struct diag *d)
{
    struct kafka_log *l = (struct kafka_log *)log;
    char what[320];
    snprintf(what, sizeof what, "cannot remove records of %s [%d]", name, (int)partition);
    enum status st = check_partition(l, name, partition, d);
    if (st != STATUS_OK)
        return st;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, name, partition)->offset = offset;
    rd_kafka_DeleteRecords_t *del = rd_kafka_DeleteRecords_new(list);
    rd_kafka_topic_partition_list_destroy(list);
    struct request r = request_start(l, RD_KAFKA_ADMIN_OP_DELETERECORDS, true);
    rd_kafka_DeleteRecords(l->admin->rk, &del, 1, r.options, r.queue);
    rd_kafka_event_t *ev = request_finish(l, &r, what, &st, d);
    rd_kafka_DeleteRecords_destroy(del);
    if (!ev)
        return st;
    const rd_kafka_topic_partition_list_t *done =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(ev));
    rd_kafka_resp_err_t err = done->cnt == 1 ? done->elems[0].err : RD_KAFKA_RESP_ERR__BAD_MSG;
    st = err ? kafka_fail(l, l->admin, err, NULL, d, "%s", what) : STATUS_OK;
    rd_kafka_event_destroy(ev);
    return st;
}
