/* Errors, as cases name them: Java's exception classes, and parts of their messages. */
#include "cli/test/test.h"

static bool ends_with(struct str s, struct str end)
{
    return s.len >= end.len && !memcmp(s.p + s.len - end.len, end.p, end.len);
}

/* A syntax error is also a statement error, and that one also a plain error. */
bool error_is_a(enum status st, struct str java_class)
{
    if (ends_with(java_class, STR(".ParseFailedException")))
        return st == STATUS_PARSE;
    if (ends_with(java_class, STR(".KsqlStatementException")))
        return st == STATUS_PARSE || st == STATUS_STATEMENT;
    if (ends_with(java_class, STR(".KsqlException")))
        return st == STATUS_PARSE || st == STATUS_STATEMENT || st == STATUS_INVALID;
    if (ends_with(java_class, STR(".StreamsException")))
        return st == STATUS_RUNTIME;
    return false;
}

bool error_contains(enum status st, const struct diag *d, struct str part)
{
    struct buf text;
    buf_init(&text, 0);
    if (st == STATUS_RUNTIME)
        buf_puts(&text, STR("Exception caught in process. taskId=0_0: "));
    buf_puts(&text, str_from(d->message));
    if (d->context[0])
        buf_printf(&text, "\nStatement: %s", d->context);
    bool found = !part.len || (!text.failed && text.len && memmem(text.p, text.len, part.p, part.len));
    buf_free(&text);
    return found;
}

void error_describe(struct buf *reason, const char *phase, enum status st, const struct diag *d)
{
    buf_printf(reason, "%s: %s: %s", phase, status_name(st), d->code ? d->message : "no message");
}
