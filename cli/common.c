/* What the subcommands share: opening the log, messages, signals. */
#include "cli/cli.h"
#include "parser/parser.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

volatile int cli_interrupted;

static void on_signal(int number)
{
    if (cli_interrupted)
        _exit(128 + number);
    cli_interrupted = number;
}

void cli_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int cli_exit_code(void)
{
    return cli_interrupted ? 128 + cli_interrupted : EXIT_OK;
}

int cli_fail(const struct diag *d, struct str text)
{
    struct buf out;
    buf_init(&out, 0);
    diag_render(&out, d, text, isatty(STDERR_FILENO));
    while (out.len && out.p[out.len - 1] == '\n')
        out.len--;
    fprintf(stderr, "weir: %s\n", out.failed ? d->message : buf_z(&out));
    buf_free(&out);
    return EXIT_FAILED;
}

bool cli_number(const char *option, const char *text, int64_t min, int64_t *out)
{
    if (parse_i64(str_from(text), out) && *out >= min)
        return true;
    fprintf(stderr, "weir: --%s needs a whole number of at least %lld, not '%s'\n", option, (long long)min, text);
    return false;
}

static bool kafka_option(struct cli_log *o, const char *value)
{
    char *equals = strchr(value, '=');
    if (!equals || equals == value || o->n_options == sizeof o->options / sizeof *o->options) {
        fprintf(stderr, "weir: --kafka needs NAME=VALUE, not '%s'\n", value);
        return false;
    }
    char *name = mem_strdup(value);
    if (!name)
        return false;
    name[equals - value] = 0;
    o->options[o->n_options++] = (struct kafka_option){name, name + (equals - value) + 1};
    return true;
}

bool cli_log_option(struct cli_log *o, int c, const char *value)
{
    switch (c) {
    case 'D':
        o->data_dir = value;
        return true;
    case 'B':
        o->bootstrap_servers = value;
        return true;
    case 'K':
        return kafka_option(o, value);
    default:
        return false;
    }
}

enum status cli_log_open(struct cli_log *o, struct log **log, struct diag *d)
{
    if (o->bootstrap_servers && o->data_dir)
        return diag_set(d, STATUS_INVALID, "--data and --bootstrap-server exclude each other");
    if (o->bootstrap_servers) {
        struct kafka_options kafka = {o->bootstrap_servers, o->options, o->n_options};
        return log_open_kafka(&kafka, log, d);
    }
    if (o->n_options)
        return diag_set(d, STATUS_INVALID, "--kafka needs --bootstrap-server");
    const char *dir = o->data_dir ? o->data_dir : "weir-data";
    if (mkdir(dir, 0755) != 0 && errno != EEXIST)
        return diag_set(d, STATUS_IO, "cannot create the folder %s: %s", dir, strerror(errno));
    snprintf(o->log_path, sizeof o->log_path, "%s/log.db", dir);
    struct embedded_options embedded = {.path = o->log_path};
    return log_open_embedded(&embedded, log, d);
}

enum status cli_ensure_topic(struct log *log, const char *topic, int64_t partitions, struct diag *d)
{
    struct topic_spec spec;
    enum status st = topic_describe(log, topic, &spec, d);
    if (st != STATUS_NOT_FOUND)
        return st;
    spec = (struct topic_spec){.name = topic, .n_partitions = (int32_t)partitions, .retention_ms = -1};
    return topic_ensure(log, &spec, NULL, d);
}
