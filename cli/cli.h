/* The command line: what its subcommands share. Each subcommand is one file with one function cmd_NAME(argc, argv) that
 * returns the exit code: 0 success, 1 failure at run time, 2 wrong usage, 128 + n ended by signal n (130 Ctrl-C, 143
 * TERM) after everything that was begun had been committed or given up. */
#ifndef WEIR_CLI_H
#define WEIR_CLI_H

#include "topics/topics.h"

#include <getopt.h>
#include <stdio.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int cmd_run(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_produce(int argc, char **argv);
int cmd_consume(int argc, char **argv);
int cmd_datagen(int argc, char **argv);

/* Options that say which log to use; every subcommand takes them. */
struct cli_log {
    const char *data_dir;            /* --data DIR (default: ./weir-data) */
    const char *bootstrap_servers;   /* --bootstrap-server HOST:PORT: Kafka instead */
    struct kafka_option options[64]; /* --kafka NAME=VALUE */
    size_t n_options;
    char log_path[4096];
};
#define CLI_LOG_OPTIONS                                                                                                \
    {"data", required_argument, NULL, 'D'}, {"bootstrap-server", required_argument, NULL, 'B'},                        \
        {"kafka", required_argument, NULL, 'K'},                                                                       \
    {                                                                                                                  \
        "help", no_argument, NULL, 'h'                                                                                 \
    }
#define CLI_LOG_HELP                                                                                                   \
    "  --data DIR                    use the embedded log in this folder (default: weir-data)\n"                       \
    "  --bootstrap-server HOST:PORT  use Apache Kafka instead\n"                                                       \
    "  --kafka NAME=VALUE            a setting of the Kafka client (may be repeated)\n"                                \
    "  --help                        show this text\n"
/* Handles 'D', 'B', 'K'; false: not one of these, or a wrong value (then a message was printed). */
bool cli_log_option(struct cli_log *o, int c, const char *value);
enum status cli_log_open(struct cli_log *o, struct log **log, struct diag *d) MUST_CHECK;
/* Creates the topic if it is not there; its records are kept for ever, whatever their times. */
enum status cli_ensure_topic(struct log *log, const char *topic, int64_t partitions, struct diag *d) MUST_CHECK;

/* Prints the diag to stderr ("weir: ..."), with an excerpt of `text` if it knows a place in it. Returns EXIT_FAILED. */
int cli_fail(const struct diag *d, struct str text);
/* A number >= min; false after a message. */
bool cli_number(const char *option, const char *text, int64_t min, int64_t *out);
/* Set by SIGINT and SIGTERM once cli_catch_signals was called; a second signal ends the process at once. */
extern volatile int cli_interrupted;
void cli_catch_signals(void);
int cli_exit_code(void); /* of a command that did not fail */

#endif
