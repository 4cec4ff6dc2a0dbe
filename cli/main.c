/* weir: picks the subcommand. */
#include "cli/cli.h"

static const struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"run", "run a file of statements", cmd_run},
    {"test", "run conformance cases and SQL tests", cmd_test},
    {"produce", "write lines from standard input to a topic", cmd_produce},
    {"consume", "print the records of a topic", cmd_consume},
    {"datagen", "fill a topic with made-up orders or users", cmd_datagen},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void usage(FILE *out)
{
    fprintf(out, "weir " WEIR_VERSION ": a SQL engine for event streams\n\nusage: weir COMMAND [OPTION...]\n\n");
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\n`weir COMMAND --help` tells more.\n");
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        usage(stdout);
        return EXIT_OK;
    }
    if (!strcmp(name, "--version")) {
        printf("weir " WEIR_VERSION "\n");
        return EXIT_OK;
    }
    for (int i = 0; i < N_COMMANDS; i++)
        if (!strcmp(name, commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    if (*name)
        fprintf(stderr, "weir: no such command: %s\n\n", name);
    usage(stderr);
    return EXIT_USAGE;
}
