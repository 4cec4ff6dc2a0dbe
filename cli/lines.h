/* Lines of an input, many at a time, without copying them. A line ends with LF or CR LF, which are not part of it; the
 * last one may end with the input. */
#ifndef WEIR_CLI_LINES_H
#define WEIR_CLI_LINES_H

#include "core/core.h"

/* Bytes that lines point into; counted. */
struct line_block;
void line_block_drop(struct line_block *b); /* NULL is allowed; from any thread */

struct line_reader {
    int fd;
    const volatile int *interrupted; /* the input ends; what has come of an unfinished line is dropped */
    struct line_block *block;
    size_t at;      /* what is before it has been given out */
    size_t scanned; /* no newline in [at, scanned) */
    int64_t number; /* of the last line given out, or skipped */
    bool at_end;
};
void line_reader_init(struct line_reader *r, int fd, const volatile int *interrupted);
void line_reader_free(struct line_reader *r);
/* The next lines that are not empty, at most `max`, all in *block, which the caller drops; numbers[i] counts from 1,
 * with empty lines. *n is 0 only at the end (then *block is NULL). Waits for at least one line. STATUS_DATA: a line of
 * more than 256 MB. */
enum status lines_next(struct line_reader *r, struct str *lines, int64_t *numbers, uint32_t max, uint32_t *n,
                       struct line_block **block, struct diag *d) MUST_CHECK;
/* Whether lines_next would wait: nothing has come within `timeout_ms`. */
bool lines_would_wait(const struct line_reader *r, int timeout_ms);

#endif
