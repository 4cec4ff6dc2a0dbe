/* Diagnostics: the first error of an operation, in words. Texts are cut at whole UTF-8 characters. */
#include "status.h"

#include <stdio.h>
#include <string.h>

/* Drops a character that was cut in half at the end of a full array. */
static void trim_partial_char(char *text, size_t len)
{
    size_t start = len;
    while (start > 0 && len - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t need = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (len - start < need)
        text[start - 1] = '\0';
}

static void fill_va(char *field, size_t size, const char *format, va_list args)
{
    int n = vsnprintf(field, size, format, args);
    if (n < 0)
        field[0] = '\0';
    else if ((size_t)n >= size)
        trim_partial_char(field, size - 1);
}

void diag_clear(struct diag *d)
{
    d->code = STATUS_OK;
    d->where = (struct span){0};
    d->message[0] = d->hint[0] = d->context[0] = '\0';
}

enum status diag_vset(struct diag *d, enum status code, struct span where, const char *format, va_list args)
{
    if (!d || d->code != STATUS_OK)
        return code;
    diag_clear(d);
    d->code = code;
    d->where = where;
    fill_va(d->message, sizeof d->message, format, args);
    return code;
}

enum status diag_set(struct diag *d, enum status code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    diag_vset(d, code, (struct span){0}, format, args);
    va_end(args);
    return code;
}

enum status diag_set_at(struct diag *d, enum status code, struct span where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    diag_vset(d, code, where, format, args);
    va_end(args);
    return code;
}

void diag_hint(struct diag *d, const char *format, ...)
{
    if (!d || d->code == STATUS_OK || d->hint[0])
        return;
    va_list args;
    va_start(args, format);
    fill_va(d->hint, sizeof d->hint, format, args);
    va_end(args);
}

void diag_context(struct diag *d, const char *text, size_t len)
{
    if (!d || d->code == STATUS_OK || d->context[0] || len == 0)
        return;
    bool cut = len >= sizeof d->context;
    if (cut)
        len = sizeof d->context - 1;
    memcpy(d->context, text, len);
    d->context[len] = '\0';
    if (cut)
        trim_partial_char(d->context, len);
}

void diag_prefix(struct diag *d, const char *text)
{
    if (!d || d->code == STATUS_OK)
        return;
    size_t max = sizeof d->message - 1, add = strlen(text), have = strlen(d->message);
    bool cut = add + have > max;
    if (add > max)
        add = max;
    if (have > max - add)
        have = max - add;
    memmove(d->message + add, d->message, have);
    memcpy(d->message, text, add);
    d->message[add + have] = '\0';
    if (cut)
        trim_partial_char(d->message, add + have);
}

enum status diag_nomem(struct diag *d)
{
    return diag_set(d, STATUS_NOMEM, "Out of memory");
}

const char *status_name(enum status code)
{
    static const char *const names[] = {
        [STATUS_OK] = "ok",           [STATUS_NOMEM] = "nomem",
        [STATUS_PARSE] = "parse",     [STATUS_STATEMENT] = "statement",
        [STATUS_INVALID] = "invalid", [STATUS_UNSUPPORTED] = "unsupported",
        [STATUS_DATA] = "data",       [STATUS_RUNTIME] = "runtime",
        [STATUS_IO] = "io",           [STATUS_FULL] = "full",
        [STATUS_FENCED] = "fenced",   [STATUS_ABORTED] = "aborted",
        [STATUS_TIMEOUT] = "timeout", [STATUS_NOT_FOUND] = "not_found",
        [STATUS_EXISTS] = "exists",   [STATUS_CANCELLED] = "cancelled",
    };
    return (unsigned)code < sizeof names / sizeof *names ? names[code] : "unknown";
}
