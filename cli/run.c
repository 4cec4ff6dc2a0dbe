/* weir run: runs a file of statements, without a server. Persistent queries go on until the process is told to stop,
 * or, with --drain, until they have read their sources to the present end. */
#include "cli/cli.h"
#include "cli/rows.h"
#include "engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MAX_SETTINGS = 256, BROKER_WAIT_MS = 500 };
static const size_t MAX_SCRIPT = (size_t)1 << 30;

struct run {
    struct cli_log log;
    const char *file, *service_id, *output;
    bool drain, stats;
    int64_t workers;
    struct kafka_option settings[MAX_SETTINGS];
    size_t n_settings;
    struct buf text;
    char state_dir[4096];
};

static enum status read_script(struct run *r, struct diag *d)
{
    FILE *in = strcmp(r->file, "-") ? fopen(r->file, "rb") : stdin;
    if (!in)
        return diag_set(d, STATUS_IO, "cannot open %s: %s", r->file, strerror(errno));
    buf_init(&r->text, MAX_SCRIPT);
    size_t got;
    do {
        if (!buf_reserve(&r->text, 65536)) {
            fclose(in);
            return diag_set(d, STATUS_INVALID, "%s is too large", r->file);
        }
        got = fread(r->text.p + r->text.len, 1, 65536, in);
        r->text.len += got;
    } while (got);
    bool bad = ferror(in);
    fclose(in);
    return bad ? diag_set(d, STATUS_IO, "cannot read %s: %s", r->file, strerror(errno)) : STATUS_OK;
}

static void print_stats(struct engine *e)
{
    struct rusage usage;
    struct buf out;
    buf_init(&out, 0);
    getrusage(RUSAGE_SELF, &usage);
    engine_print_stats(e, &out);
    buf_printf(&out, "cpu_seconds=%.3f rss_mb=%ld\n", (double)clock_cpu_ns() / 1e9, usage.ru_maxrss / 1024);
    fputs(buf_z(&out), stderr);
    buf_free(&out);
}

static void print_notice(void *data, const char *text)
{
    (void)data;
    fprintf(stderr, "weir: %s\n", text);
}

/* On Kafka: where the user's programs keep their state. */
static const char *state_dir(struct run *r)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (!r->log.bootstrap_servers)
        snprintf(r->state_dir, sizeof r->state_dir, "%s/state", r->log.data_dir ? r->log.data_dir : "weir-data");
    else if (state && *state)
        snprintf(r->state_dir, sizeof r->state_dir, "%s/weir", state);
    else if (home && *home)
        snprintf(r->state_dir, sizeof r->state_dir, "%s/.local/state/weir", home);
    return r->state_dir[0] ? r->state_dir : NULL;
}

static enum status open_engine(struct run *r, struct log **log, struct engine **engine, struct diag *d)
{
    enum status st = cli_log_open(&r->log, log, d);
    if (st != STATUS_OK)
        return st;
    const struct engine_options options = {
        .log = *log,
        .service_id = r->service_id,
        .state_dir = state_dir(r),
        .n_workers = (uint32_t)r->workers,
        .drain = r->drain,
        .properties = r->settings,
        .n_properties = r->n_settings,
        .notice = print_notice,
    };
    st = engine_open(&options, engine, d);
    if (st != STATUS_OK) {
        log_close(*log);
        *log = NULL;
    }
    return st;
}

/* A broker that is not there yet is waited for, unless the run is one that ends. */
static enum status open_patiently(struct run *r, struct log **log, struct engine **engine, struct diag *d)
{
    for (bool told = false;; told = true) {
        enum status st = open_engine(r, log, engine, d);
        if ((st != STATUS_IO && st != STATUS_TIMEOUT) || r->drain || !r->log.bootstrap_servers)
            return st;
        if (cli_interrupted)
            return STATUS_CANCELLED;
        if (!told)
            fprintf(stderr, "weir: %s; waiting for it\n", d->message);
        diag_clear(d);
        clock_sleep_ms(BROKER_WAIT_MS);
    }
}

static enum status run_script(struct run *r, struct log **log, struct diag *d)
{
    enum status st = STATUS_OK;
    struct engine *engine = NULL;
    struct session *session = NULL;
    struct rows_printer printer;
    bool failed = false;
    if (!rows_printer_init(&printer, r->output, stdout))
        return diag_set(d, STATUS_INVALID, "--output is table, json or csv, not '%s'", r->output);
    const struct engine_sink sink = rows_printer_sink(&printer);
    TRY(open_patiently(r, log, &engine, d));
    TRY(session_create(engine, &session, d));
    TRY(session_run(session, buf_str(&r->text), true, &sink, d));
    engine_wait(engine, &cli_interrupted, &failed);
    if (failed)
        st = diag_set(d, STATUS_RUNTIME, "a query has failed");
done:
    session_destroy(session);
    if (engine && r->stats)
        print_stats(engine);
    if (engine) {
        enum status closed = engine_close(engine, d);
        st = st == STATUS_OK || st == STATUS_CANCELLED ? closed : st;
    }
    rows_printer_free(&printer);
    return st == STATUS_CANCELLED ? STATUS_OK : st;
}

static bool add_setting(struct run *r, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text || r->n_settings == MAX_SETTINGS) {
        fprintf(stderr, "weir: --set needs NAME=VALUE, not '%s'\n", text);
        return false;
    }
    *equals = 0;
    r->settings[r->n_settings++] = (struct kafka_option){text, equals + 1};
    return true;
}

static int usage(FILE *out)
{
    fprintf(out,
            "usage: weir run FILE [OPTION...]        (FILE - is standard input)\n\n"
            "Runs a file of statements. What they create is remembered in the log: running the file again goes on\n"
            "where the last run, or a crash, ended. Queries start at the beginning of their sources unless\n"
            "'auto.offset.reset' is set to 'latest'.\n\n"
            "  --drain                       end when everything that is there now has been processed\n"
            "  --output table|json|csv       how rows of a SELECT are printed (default: table)\n"
            "  --set NAME=VALUE              a property, as SET does (may be repeated)\n"
            "  --service-id ID               prefix of internal topics (default: default_)\n"
            "  --workers N                   threads (default: one a processor)\n"
            "  --stats                       print what each query did to standard error\n" CLI_LOG_HELP
            "\nOn Kafka, processes of one service share its work; they keep copies of their state in\n"
            "$XDG_STATE_HOME/weir (default: ~/.local/state/weir).\n");
    return out == stdout ? EXIT_OK : EXIT_USAGE;
}

int cmd_run(int argc, char **argv)
{
    static const struct option options[] = {{"drain", no_argument, NULL, 'd'},
                                            {"output", required_argument, NULL, 'o'},
                                            {"set", required_argument, NULL, 's'},
                                            {"service-id", required_argument, NULL, 'i'},
                                            {"workers", required_argument, NULL, 'w'},
                                            {"stats", no_argument, NULL, 't'},
                                            CLI_LOG_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    static struct run r = {.service_id = "default_", .output = "table"}; /* large */
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        bool ok = true;
        switch (c) {
        case 'd':
            r.drain = true;
            break;
        case 'o':
            r.output = optarg;
            break;
        case 's':
            ok = add_setting(&r, optarg);
            break;
        case 'i':
            r.service_id = optarg;
            break;
        case 'w':
            ok = cli_number("workers", optarg, 1, &r.workers);
            break;
        case 't':
            r.stats = true;
            break;
        case 'h':
            return usage(stdout);
        default:
            if (!cli_log_option(&r.log, c, optarg))
                return usage(stderr);
        }
        if (!ok)
            return EXIT_USAGE;
    }
    if (argc - optind != 1)
        return usage(stderr);
    r.file = argv[optind];

    enum status st;
    struct diag d = DIAG_INIT;
    struct log *log = NULL;
    cli_catch_signals();
    TRY(read_script(&r, &d));
    TRY(run_script(&r, &log, &d));
done:
    if (log)
        log_close(log);
    int code = st == STATUS_OK ? cli_exit_code() : cli_fail(&d, buf_str(&r.text));
    buf_free(&r.text);
    return code;
}
