/* Texts in JSON and CSV, for what has no schema. */
#include "cli/text.h"

void put_json_text(struct buf *out, struct str s)
{
    if (!s.p) {
        buf_puts(out, STR("null"));
        return;
    }
    buf_putc(out, '"');
    for (uint32_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            buf_putc(out, '\\');
        if (c < 0x20)
            buf_printf(out, "\\u%04x", c);
        else
            buf_putc(out, (char)c);
    }
    buf_putc(out, '"');
}

void put_csv_text(struct buf *out, struct str s)
{
    bool quoted = false;
    for (uint32_t i = 0; i < s.len && !quoted; i++)
        quoted = s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
    if (!quoted) {
        buf_puts(out, s);
        return;
    }
    buf_putc(out, '"');
    for (uint32_t i = 0; i < s.len; i++) {
        if (s.p[i] == '"')
            buf_putc(out, '"');
        buf_putc(out, s.p[i]);
    }
    buf_putc(out, '"');
}
