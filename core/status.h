/* Status codes and diagnostics.
 *
 * A function that can fail returns an `enum status`; the compiler insists that it is looked at. What went wrong
 * in words goes to a `struct diag` that the caller passes in; the first error wins, later ones are ignored.
 * A status means that the user, the data or the world is at fault. Our own bugs are asserts. */
#ifndef WEIR_CORE_STATUS_H
#define WEIR_CORE_STATUS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum status {
    STATUS_OK = 0,
    STATUS_NOMEM,        /* an allocation failed or a byte limit was reached */
    STATUS_PARSE,        /* SQL text that is not in the language (ksqlDB: ParseFailedException) */
    STATUS_STATEMENT,    /* a statement that cannot be planned (ksqlDB: KsqlStatementException) */
    STATUS_INVALID,      /* any other mistake of the user (ksqlDB: KsqlException) */
    STATUS_UNSUPPORTED,  /* understood, but not built yet */
    STATUS_DATA,         /* a record that cannot be decoded or encoded */
    STATUS_RUNTIME,      /* a query that had to stop (ksqlDB: StreamsException) */
    STATUS_IO,           /* disk, network, broker */
    STATUS_FULL,         /* no space left; nothing was written */
    STATUS_FENCED,       /* another instance has taken over: stop, do not retry */
    STATUS_ABORTED,      /* the transaction was aborted; begin again from the last positions */
    STATUS_TIMEOUT,
    STATUS_NOT_FOUND,
    STATUS_EXISTS,
    STATUS_CANCELLED,
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* Runs `expr`; on anything but STATUS_OK stores it in the local `st` and goes to the local label `done`. */
#define TRY(expr)                                                                                                      \
    do {                                                                                                               \
        st = (expr);                                                                                                   \
        if (__builtin_expect(st != STATUS_OK, 0))                                                                      \
            goto done;                                                                                                 \
    } while (0)

/* A place in SQL text: line and column start at 1, columns count code points; `begin`/`end` are byte offsets
 * into the whole text that was given to the parser. line 0: no place is known. */
struct span {
    uint32_t line, column;
    uint32_t begin, end;
};

/* The first error of an operation. Strings are owned by the diag, and cut at their array's size. */
struct diag {
    enum status code;          /* STATUS_OK: nothing happened */
    struct span where;
    char message[1536];        /* ksqlDB's wording where it has one; no trailing full stop is added */
    char hint[256];            /* what to do about it; may be empty */
    char context[1024];        /* what the error is about: a statement, an expression, a file; may be empty */
};

#define DIAG_INIT                                                                                                      \
    {                                                                                                                  \
        .code = STATUS_OK                                                                                              \
    }

void diag_clear(struct diag *d);
/* Records an error unless one is there already; returns `code`, so that `return diag_set(...)` reads well.
 * `d` may be NULL: then only the code is returned. */
enum status diag_set(struct diag *d, enum status code, const char *format, ...) PRINTF_LIKE(3, 4);
enum status diag_set_at(struct diag *d, enum status code, struct span where, const char *format, ...)
    PRINTF_LIKE(4, 5);
enum status diag_vset(struct diag *d, enum status code, struct span where, const char *format, va_list args);
/* Adds to the error just recorded. Does nothing where no error is recorded or the field is filled already. */
void diag_hint(struct diag *d, const char *format, ...) PRINTF_LIKE(2, 3);
void diag_context(struct diag *d, const char *text, size_t len);
/* Puts `text` in front of the message ("Failed to prepare statement: "). */
void diag_prefix(struct diag *d, const char *text);
enum status diag_nomem(struct diag *d);
/* Short lower-case name of a code ("parse", "io"), static storage. */
const char *status_name(enum status code);

#endif
