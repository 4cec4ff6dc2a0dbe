/* Printing rows. A table's column widths come from its header and first rows; later, wider cells are not cut. */
#include "cli/rows.h"

#include "cli/cli.h"
#include "cli/text.h"
#include "formats/formats.h"

#include <unistd.h>

enum { MIN_WIDTH = 8, MAX_WIDTH = 60 };

static enum status flush(struct rows_printer *p)
{
    enum status st = STATUS_OK;
    if (p->text.failed)
        st = STATUS_NOMEM;
    else if (fwrite(p->text.p ? p->text.p : "", 1, p->text.len, p->out) != p->text.len || fflush(p->out))
        st = STATUS_IO;
    p->text.len = 0;
    return st;
}

/* Messages are for people: they stay out of a pipe that wants rows. */
static enum status print_message(void *data, const char *text)
{
    struct rows_printer *p = data;
    fprintf(p->form == ROWS_TABLE ? p->out : stderr, "%s\n", text);
    return fflush(p->out) ? STATUS_IO : STATUS_OK;
}

static enum status print_line(void *data, struct str line)
{
    struct rows_printer *p = data;
    buf_puts(&p->text, line);
    buf_putc(&p->text, '\n');
    return flush(p);
}

static bool was_stopped(void *data)
{
    (void)data;
    return cli_interrupted != 0;
}

static int display_width(struct str s) /* code points: good enough for a column */
{
    int n = 0;
    for (uint32_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

static void put_cell(struct buf *out, struct str s, int width)
{
    buf_puts(out, STR("| "));
    for (uint32_t i = 0; i < s.len; i++)
        buf_putc(out, s.p[i] == '\n' ? ' ' : s.p[i]);
    int i = display_width(s);
    do
        buf_putc(out, ' ');
    while (i++ < width);
}

static void put_rule(struct buf *out, const int *widths, size_t n)
{
    for (size_t c = 0; c < n; c++) {
        buf_putc(out, '+');
        for (int i = 0; i < widths[c] + 2; i++)
            buf_putc(out, '-');
    }
    buf_puts(out, STR("+\n"));
}

/* ---- tables of texts ----------------------------------------------------------------------------------------------
 */

static void put_boxed(struct rows_printer *p, const char *const *cells, const int *widths, size_t n)
{
    for (size_t c = 0; c < n; c++)
        put_cell(&p->text, str_from(cells[c]), widths[c]);
    buf_puts(&p->text, STR("|\n"));
}

static enum status print_boxes(struct rows_printer *p, const char *title, const char *const *columns, size_t n,
                               const char *const *cells, size_t n_rows)
{
    int *widths = mem_calloc(n, sizeof *widths);
    if (!widths)
        return STATUS_NOMEM;
    for (size_t c = 0; c < n; c++)
        widths[c] = display_width(str_from(columns[c]));
    for (size_t i = 0; i < n * n_rows; i++) {
        int width = display_width(str_from(cells[i]));
        if (i % n + 1 == n && width > MAX_WIDTH)
            width = MAX_WIDTH; /* a long last cell sticks out */
        widths[i % n] = width > widths[i % n] ? width : widths[i % n];
    }
    buf_printf(&p->text, "%s\n", title);
    put_rule(&p->text, widths, n);
    put_boxed(p, columns, widths, n);
    put_rule(&p->text, widths, n);
    for (size_t r = 0; r < n_rows; r++)
        put_boxed(p, cells + r * n, widths, n);
    put_rule(&p->text, widths, n);
    mem_free(widths);
    return STATUS_OK;
}

static void print_lines(struct rows_printer *p, const char *const *columns, size_t n, const char *const *cells,
                        size_t n_rows)
{
    bool json = p->form == ROWS_JSON;
    for (size_t i = 0; i < n * n_rows; i++) {
        if (i % n)
            buf_putc(&p->text, ',');
        else if (json)
            buf_putc(&p->text, '{');
        if (json) {
            put_json_text(&p->text, str_from(columns[i % n]));
            buf_putc(&p->text, ':');
            put_json_text(&p->text, str_from(cells[i]));
        } else {
            put_csv_text(&p->text, str_from(cells[i]));
        }
        if ((i + 1) % n == 0)
            buf_puts(&p->text, json ? STR("}\n") : STR("\n"));
    }
}

static enum status print_table(void *data, const char *title, const char *const *columns, size_t n,
                               const char *const *cells, size_t n_rows)
{
    struct rows_printer *p = data;
    enum status st = STATUS_OK;
    if (p->form == ROWS_TABLE)
        st = print_boxes(p, title, columns, n, cells, n_rows);
    else
        print_lines(p, columns, n, cells, n_rows);
    return st == STATUS_OK ? flush(p) : st;
}

/* ---- rows of queries
 * -------------------------------------------------------------------------------------------------- */

static void end_result(struct rows_printer *p)
{
    if (p->encoder)
        encoder_destroy(p->encoder);
    for (size_t i = 0; p->fields && i < p->n_columns; i++)
        if (p->fields[i])
            encoder_destroy(p->fields[i]);
    p->encoder = NULL;
    p->fields = NULL;
    arena_clear(&p->arena);
    p->columns = NULL;
    p->widths = NULL;
}

static int default_width(const struct schema_column *c)
{
    int name = display_width(c->name);
    int width = c->type->kind == KIND_BOOLEAN ? 5 : c->type->kind == KIND_INT ? 11 : 20;
    width = width < MIN_WIDTH ? MIN_WIDTH : width;
    return name > width ? name : width;
}

static enum status begin_fields(struct rows_printer *p)
{
    enum status st = STATUS_OK;
    p->fields = ARENA_ARRAY(&p->arena, struct encoder *, p->n_columns);
    if (!p->fields)
        return STATUS_NOMEM;
    for (size_t i = 0; i < p->n_columns && st == STATUS_OK; i++) {
        const struct format_spec spec = {.kind = type_is_nested(p->columns[i].type) ? FORMAT_JSON : FORMAT_DELIMITED};
        st = encoder_create(&spec, &p->columns[i], 1, &p->fields[i], NULL);
    }
    return st;
}

static enum status begin_lines(struct rows_printer *p)
{
    const struct format_spec spec = {.kind = p->form == ROWS_JSON ? FORMAT_JSON : FORMAT_DELIMITED, .wrapped = true};
    for (size_t i = 0; i < p->n_columns && p->form == ROWS_CSV; i++)
        if (type_is_nested(p->columns[i].type))
            return begin_fields(p);
    return encoder_create(&spec, p->columns, (uint32_t)p->n_columns, &p->encoder, NULL);
}

static enum status begin_rows(void *data, const struct schema_column *columns, size_t n)
{
    struct rows_printer *p = data;
    end_result(p);
    struct schema_column *copy = ARENA_ARRAY(&p->arena, struct schema_column, n);
    p->widths = ARENA_ARRAY(&p->arena, int, n);
    if (!copy || !p->widths)
        return STATUS_NOMEM;
    for (size_t i = 0; i < n; i++) {
        copy[i] = columns[i];
        copy[i].name = str_dup(&p->arena, columns[i].name);
        copy[i].type = type_copy(&p->arena, columns[i].type);
        if (!copy[i].name.p || !copy[i].type)
            return STATUS_NOMEM;
        p->widths[i] = default_width(&columns[i]);
    }
    p->columns = copy;
    p->n_columns = n;
    if (p->form != ROWS_TABLE)
        return begin_lines(p);
    put_rule(&p->text, p->widths, n);
    for (size_t c = 0; c < n; c++)
        put_cell(&p->text, copy[c].name, p->widths[c]);
    buf_puts(&p->text, STR("|\n"));
    put_rule(&p->text, p->widths, n);
    return flush(p);
}

static bool is_deleted(const struct batch *b, uint32_t row)
{
    return b->kinds && b->kinds[row] == ROW_DELETE;
}

/* Of a deleted row of a table, what is not known any more is shown as <TOMBSTONE>. */
static void put_row(struct rows_printer *p, const struct batch *b, const struct column *columns, uint32_t row)
{
    struct buf cell;
    buf_init(&cell, 0);
    for (size_t c = 0; c < p->n_columns; c++) {
        struct value v = column_get(&columns[c], row);
        cell.len = 0;
        if (is_deleted(b, row) && value_is_null(&v))
            buf_puts(&cell, STR("<TOMBSTONE>"));
        else
            value_print(&cell, &v, p->columns[c].type);
        p->text.failed |= cell.failed;
        put_cell(&p->text, buf_str(&cell), p->widths[c]);
    }
    buf_puts(&p->text, STR("|\n"));
    buf_free(&cell);
}

static enum status put_fields(struct rows_printer *p, const struct column *columns, uint32_t row)
{
    enum status st = STATUS_OK;
    struct buf json;
    bool is_null;
    buf_init(&json, 0);
    for (size_t c = 0; c < p->n_columns && st == STATUS_OK; c++) {
        bool nested = type_is_nested(p->columns[c].type);
        json.len = 0;
        if (c)
            buf_putc(&p->text, ',');
        st = encode(p->fields[c], &columns[c], row, nested ? &json : &p->text, &is_null, NULL);
        if (st == STATUS_OK && nested && !is_null)
            put_csv_text(&p->text, buf_str(&json));
    }
    p->text.failed |= json.failed;
    buf_free(&json);
    return st;
}

static enum status print_rows(void *data, const struct batch *b, const uint32_t *indexes, size_t n, bool *stop)
{
    enum status st = STATUS_OK;
    struct rows_printer *p = data;
    struct column *columns = mem_alloc(n * sizeof *columns + 1);
    if (!columns)
        return STATUS_NOMEM;
    for (size_t i = 0; i < n; i++)
        columns[i] = b->columns[indexes[i]];
    BATCH_EACH (b, i, row) {
        bool is_null;
        if (p->form == ROWS_TABLE) {
            put_row(p, b, columns, row);
            continue;
        }
        TRY(p->fields ? put_fields(p, columns, row) : encode(p->encoder, columns, row, &p->text, &is_null, NULL));
        buf_putc(&p->text, '\n');
    }
    TRY(flush(p));
done:
    mem_free(columns);
    *stop |= st == STATUS_IO; /* nobody reads any more */
    return st;
}

static enum status end_rows(void *data, bool limit_reached)
{
    struct rows_printer *p = data;
    if (p->form == ROWS_TABLE && p->widths)
        put_rule(&p->text, p->widths, p->n_columns);
    if (p->form == ROWS_TABLE && limit_reached)
        buf_puts(&p->text, STR("Limit Reached\n"));
    enum status st = flush(p);
    end_result(p);
    return st;
}

bool rows_printer_init(struct rows_printer *p, const char *form, FILE *out)
{
    static const char *const forms[] = {"table", "json", "csv"};
    *p = (struct rows_printer){.out = out};
    buf_init(&p->text, 0);
    arena_init(&p->arena, 0);
    for (int i = 0; i < 3; i++)
        if (!strcmp(form, forms[i])) {
            p->form = i;
            return true;
        }
    return false;
}

void rows_printer_free(struct rows_printer *p)
{
    end_result(p);
    arena_free(&p->arena);
    buf_free(&p->text);
}

struct engine_sink rows_printer_sink(struct rows_printer *p)
{
    return (struct engine_sink){.data = p,
                                .message = print_message,
                                .table = print_table,
                                .begin = begin_rows,
                                .rows = print_rows,
                                .end = end_rows,
                                .line = print_line,
                                .stopped = was_stopped};
}
