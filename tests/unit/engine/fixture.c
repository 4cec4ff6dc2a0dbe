/* An engine over an in-memory log, and a sink that writes down what it is given. */
#include "tests/unit/engine/fixture.h"

#include <stdio.h>

static enum status on_message(void *data, const char *text)
{
    struct fixture *f = data;
    buf_printf(&f->out, "# %s\n", text);
    return STATUS_OK;
}

static enum status on_table(void *data, const char *title, const char *const *columns, size_t n_columns,
                            const char *const *cells, size_t n_rows)
{
    struct fixture *f = data;
    (void)columns;
    buf_printf(&f->out, "= %s\n", title);
    for (size_t i = 0; i < n_columns * n_rows; i++)
        buf_printf(&f->out, "%s%s", cells[i], (i + 1) % n_columns ? "|" : "\n");
    return STATUS_OK;
}

static enum status on_begin(void *data, const struct schema_column *columns, size_t n)
{
    struct fixture *f = data;
    for (size_t i = 0; i < n; i++) {
        buf_printf(&f->out, "%s" STR_FMT " ", i ? ", " : "( ", STR_ARG(columns[i].name));
        type_print(&f->out, columns[i].type);
    }
    buf_puts(&f->out, STR(" )\n"));
    return STATUS_OK;
}

static enum status on_rows(void *data, const struct batch *b, const uint32_t *columns, size_t n, bool *stop)
{
    struct fixture *f = data;
    BATCH_EACH (b, i, row) {
        if (b->kinds && b->kinds[row] == ROW_DELETE)
            buf_putc(&f->out, '-');
        for (size_t c = 0; c < n; c++) {
            struct value v = column_get(&b->columns[columns[c]], row);
            value_print(&f->out, &v, b->columns[columns[c]].type);
            buf_putc(&f->out, c + 1 < n ? '|' : '\n');
        }
        if (f->stop_after_rows > 0 && --f->stop_after_rows == 0)
            *stop = true;
    }
    return STATUS_OK;
}

static enum status on_end(void *data, bool limit_reached)
{
    struct fixture *f = data;
    buf_puts(&f->out, limit_reached ? STR("limit\n") : STR("end\n"));
    return STATUS_OK;
}

static enum status on_line(void *data, struct str line)
{
    struct fixture *f = data;
    buf_printf(&f->out, "> " STR_FMT "\n", STR_ARG(line));
    return STATUS_OK;
}

static bool is_stopped(void *data)
{
    return ((struct fixture *)data)->stop;
}

struct engine_sink fixture_sink(struct fixture *f)
{
    return (struct engine_sink){f, on_message, on_table, on_begin, on_rows, on_end, on_line, is_stopped};
}

static void on_notice(void *data, const char *text)
{
    struct fixture *f = data;
    buf_printf(&f->notices, "%s\n", text);
}

enum status fixture_try_open(struct fixture *f)
{
    const struct engine_options options = {.log = f->log,
                                           .n_workers = 2,
                                           .drain = f->drain,
                                           .registry = f->registry,
                                           .notice = on_notice,
                                           .notice_data = f};
    f->notices.len = 0;
    diag_clear(&f->d);
    enum status st = engine_open(&options, &f->engine, &f->d);
    if (st == STATUS_OK)
        st = session_create(f->engine, &f->session, &f->d);
    return st;
}

void fixture_shut(struct fixture *f)
{
    session_destroy(f->session);
    if (f->engine)
        CHECK(engine_close(f->engine, NULL) == STATUS_OK);
    f->session = NULL;
    f->engine = NULL;
}

void fixture_open(struct fixture *f)
{
    const struct embedded_options memory = {.path = NULL};
    *f = (struct fixture){.drain = true, .stop_after_rows = -1};
    buf_init(&f->out, 0);
    buf_init(&f->notices, 0);
    REQUIRE(log_open_embedded(&memory, &f->log, &f->d) == STATUS_OK);
    REQUIRE(fixture_try_open(f) == STATUS_OK);
}

void fixture_close(struct fixture *f)
{
    fixture_shut(f);
    log_close(f->log);
    buf_free(&f->out);
    buf_free(&f->notices);
}

void fixture_reopen(struct fixture *f)
{
    fixture_shut(f);
    if (fixture_try_open(f) != STATUS_OK)
        CHECK_TEXT(f->d.message, "");
    REQUIRE(f->session != NULL);
}

static enum status run(struct fixture *f, const char *sql, bool repeatable)
{
    const struct engine_sink sink = fixture_sink(f);
    f->out.len = 0;
    diag_clear(&f->d);
    return session_run(f->session, str_from(sql), repeatable, &sink, &f->d);
}

enum status fixture_run(struct fixture *f, const char *sql)
{
    return run(f, sql, false);
}

enum status fixture_run_again(struct fixture *f, const char *sql)
{
    return run(f, sql, true);
}

void fixture_wait(struct fixture *f)
{
    int stop = 0;
    bool failed;
    CHECK(engine_wait(f->engine, &stop, &failed));
    CHECK(!failed);
}

void fixture_runs(struct fixture *f, const char *sql, const char *expected, const char *file, int line)
{
    enum status st = fixture_run(f, sql);
    if (st != STATUS_OK)
        unit_check_text(f->d.message, "", sql, file, line);
    else if (expected)
        unit_check_text(buf_z(&f->out), expected, sql, file, line);
}

void fixture_fails(struct fixture *f, const char *sql, const char *message, const char *file, int line)
{
    enum status st = fixture_run(f, sql);
    if (st == STATUS_OK)
        unit_check_text("success", message, sql, file, line);
    else if (strncmp(f->d.message, message, strlen(message)) != 0)
        unit_check_text(f->d.message, message, sql, file, line);
    else
        unit_check_int(0, 0, sql, file, line);
}

int64_t fixture_count(struct fixture *f, const char *topic)
{
    int64_t begin, end;
    return topic_offsets(f->log, topic, 0, &begin, &end, NULL, NULL) == STATUS_OK ? end - begin : -1;
}

const char *fixture_topic(struct fixture *f, const char *topic)
{
    struct log_reader *reader;
    int64_t begin, end;
    f->out.len = 0;
    if (topic_offsets(f->log, topic, 0, &begin, &end, NULL, NULL) != STATUS_OK)
        return "(no topic)";
    REQUIRE(reader_open(f->log, &reader, NULL) == STATUS_OK);
    REQUIRE(reader_assign(reader, topic, 0, begin, NULL) == STATUS_OK);
    while (begin < end) {
        struct record_batch *b;
        REQUIRE(reader_poll(reader, 1000, BATCH_ROWS, &b, NULL) == STATUS_OK);
        REQUIRE(b != NULL);
        for (uint32_t i = 0; i < b->n; i++) {
            struct str value = b->records[i].value;
            buf_puts(&f->out, value.p ? value : STR("<null>"));
            buf_putc(&f->out, '\n');
        }
        begin = b->next_offset;
        record_batch_drop(b);
    }
    reader_close(reader);
    return buf_z(&f->out);
}

void fixture_append(struct fixture *f, const char *topic, const char *key, const char *value)
{
    struct log_writer *w;
    const struct record r = {.key = str_from(key), .value = str_from(value), .ts = 1000};
    REQUIRE(writer_open(f->log, NULL, &w, NULL) == STATUS_OK);
    REQUIRE(writer_begin(w, NULL) == STATUS_OK);
    REQUIRE(writer_append(w, topic, 0, &r, 1, NULL) == STATUS_OK);
    REQUIRE(writer_commit(w, NULL) == STATUS_OK);
    writer_close(w);
}
