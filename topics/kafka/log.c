/* Opening and closing the Kafka log, and its table of operations. */
#include "topics/kafka/kafka_int.h"

static void close_log(struct log *log);

static const struct log_ops ops = {
    .kind = "kafka",
    .close = close_log,
    .topic_create = kafka_topic_create,
    .topic_delete = kafka_topic_delete,
    .topic_describe = kafka_topic_describe,
    .topic_list = kafka_topic_list,
    .topic_offsets = kafka_topic_offsets,
    .topic_offset_for_time = kafka_topic_offset_for_time,
    .topic_truncate = kafka_topic_truncate,
    .reader_open = kafka_reader_open,
    .reader_close = kafka_reader_close,
    .reader_assign = kafka_reader_assign,
    .reader_unassign = kafka_reader_unassign,
    .reader_pause = kafka_reader_pause,
    .reader_poll = kafka_reader_poll,
    .reader_wake = kafka_reader_wake,
    .writer_open = kafka_writer_open,
    .writer_close = kafka_writer_close,
    .writer_begin = kafka_writer_begin,
    .writer_append = kafka_writer_append,
    .writer_commit = kafka_writer_commit,
    .writer_abort = kafka_writer_abort,
    .membership_join = kafka_membership_join,
    .membership_poll = kafka_membership_poll,
    .membership_release_done = kafka_membership_release_done,
    .membership_fence = kafka_membership_fence,
    .membership_leave = kafka_membership_leave,
};

static void close_log(struct log *log)
{
    struct kafka_log *l = (struct kafka_log *)log;
    kafka_client_drop(l->admin);
    kafka_client_drop(l->uncommitted);
    pthread_mutex_destroy(&l->lock);
    arena_free(&l->arena);
    mem_free(l);
}

static bool copy_options(struct kafka_log *l, const struct kafka_options *options)
{
    l->bootstrap = arena_printf(&l->arena, "%s", options->bootstrap_servers);
    l->options = ARENA_ARRAY(&l->arena, struct kafka_option, options->n_options);
    for (size_t i = 0; i < options->n_options && !l->arena.failed; i++) {
        l->options[i].name = arena_printf(&l->arena, "%s", options->options[i].name);
        l->options[i].value = arena_printf(&l->arena, "%s", options->options[i].value);
    }
    l->n_options = options->n_options;
    return !l->arena.failed;
}

/* Options of clients that are made later are checked now, so that a mistake shows at the start. */
static enum status check_options(const struct kafka_log *l, struct diag *d)
{
    enum status st = STATUS_OK;
    for (int role = CLIENT_ADMIN; role <= CLIENT_MEMBER && st == STATUS_OK; role++) {
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        st = kafka_options_apply(l, (enum client_role)role, conf, d);
        rd_kafka_conf_destroy(conf);
    }
    return st;
}

static enum status connect_admin(struct kafka_log *l, struct diag *d)
{
    static const struct kafka_option forced[] = {{"isolation.level", "read_committed"}, {NULL, NULL}};
    enum status st = kafka_client_create(l, CLIENT_ADMIN, NULL, forced, &l->admin, d);
    if (st != STATUS_OK)
        return st;
    const struct rd_kafka_metadata *md;
    rd_kafka_resp_err_t err = rd_kafka_metadata(l->admin->rk, 0, NULL, &md, KAFKA_CONNECT_MS);
    if (err)
        return kafka_fail(l, l->admin, err, NULL, d, "no broker answers");
    rd_kafka_metadata_destroy(md);
    return STATUS_OK;
}

enum status log_open_kafka(const struct kafka_options *options, struct log **out, struct diag *d)
{
    *out = NULL;
    if (!options->bootstrap_servers || !*options->bootstrap_servers)
        return diag_set(d, STATUS_INVALID, "bootstrap.servers is empty");
    struct kafka_log *l = mem_calloc(1, sizeof *l);
    if (!l)
        return diag_nomem(d);
    l->head.ops = &ops;
    arena_init(&l->arena, 0);
    pthread_mutex_init(&l->lock, NULL);
    enum status st = copy_options(l, options) ? check_options(l, d) : diag_nomem(d);
    if (st == STATUS_OK)
        st = connect_admin(l, d);
    if (st != STATUS_OK) {
        close_log(&l->head);
        return st;
    }
    *out = &l->head;
    return STATUS_OK;
}
