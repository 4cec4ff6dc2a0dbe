/* Prints what statements answer: messages, tables of texts, and rows of queries as a table, JSON lines or CSV. */
#ifndef WEIR_CLI_ROWS_H
#define WEIR_CLI_ROWS_H

#include "engine/engine.h"

#include <stdio.h>

struct rows_printer {
    enum { ROWS_TABLE, ROWS_JSON, ROWS_CSV } form;
    FILE *out;
    struct buf text;
    struct arena arena; /* of one result */
    const struct schema_column *columns;
    size_t n_columns;
    int *widths;
    struct encoder *encoder; /* JSON, and CSV without nested columns */
    struct encoder **fields; /* CSV with nested columns, which are JSON in their fields: one a column */
};
bool rows_printer_init(struct rows_printer *p, const char *form, FILE *out); /* false: no such form */
void rows_printer_free(struct rows_printer *p);
struct engine_sink rows_printer_sink(struct rows_printer *p);

#endif
