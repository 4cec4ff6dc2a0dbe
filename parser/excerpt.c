/* An error for a terminal: the message, the line of the text with a caret under the place, the hint. Long lines are
 * shown from a little before the place. */
#include "parser/parser_int.h"

enum { LEAD = 60, WIDTH = 120 }; /* characters shown in front of the place; in all */

static const char *style(bool color, const char *code)
{
    return color ? code : "";
}

static bool is_char_start(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

/* Characters in text[begin, end). */
static uint32_t width(struct str text, uint32_t begin, uint32_t end)
{
    uint32_t n = 0;
    for (uint32_t i = begin; i < end; i++)
        n += is_char_start(text.p[i]);
    return n;
}

/* Control characters would move the cursor: they show as blanks. */
static void put_line(struct buf *out, struct str text, uint32_t begin, uint32_t end)
{
    for (uint32_t i = begin, n = 0; i < end; i++) {
        n += is_char_start(text.p[i]);
        if (n > WIDTH)
            break;
        buf_putc(out, (unsigned char)text.p[i] < ' ' || text.p[i] == 0x7F ? ' ' : text.p[i]);
    }
}

static void put_excerpt(struct buf *out, struct span where, struct str text, bool color)
{
    uint32_t begin = where.begin, end = where.begin, lead = 0, carets;
    while (begin > 0 && text.p[begin - 1] != '\n' && (lead < LEAD || !is_char_start(text.p[begin])))
        lead += is_char_start(text.p[--begin]);
    while (end < text.len && text.p[end] != '\n' && text.p[end] != '\r')
        end++;
    carets = width(text, where.begin, where.end < end ? where.end : end);
    uint32_t room = WIDTH - width(text, begin, where.begin);
    carets = carets < 1 ? 1 : carets > room ? room : carets;
    buf_printf(out, "%s%6u |%s ", style(color, "\033[2m"), where.line, style(color, "\033[0m"));
    put_line(out, text, begin, end);
    buf_printf(out, "\n%s       |%s %*s%s", style(color, "\033[2m"), style(color, "\033[0m"),
               (int)width(text, begin, where.begin), "", style(color, "\033[31m"));
    for (uint32_t i = 0; i < carets; i++)
        buf_putc(out, '^');
    buf_printf(out, "%s\n", style(color, "\033[0m"));
}

void diag_render(struct buf *out, const struct diag *d, struct str text, bool color)
{
    buf_printf(out, "%serror:%s %s\n", style(color, "\033[1;31m"), style(color, "\033[0m"), d->message);
    if (d->where.line && d->where.begin <= text.len && d->where.begin <= d->where.end)
        put_excerpt(out, d->where, text, color);
    if (d->hint[0])
        buf_printf(out, "%shint:%s %s\n", style(color, "\033[1m"), style(color, "\033[0m"), d->hint);
}
