/* Every parser of core against texts made of the characters that it knows, in random order: no crash, and what is
 * accepted can be printed. The sanitizers do the checking; texts lie in exactly as much memory as they need. */
#include "../unit.h"
#include "core/core.h"

#include <stdlib.h>

static struct str random_text(char *space, unsigned max)
{
    static const char alphabet[] = "0123456789012345678900+-.:eETZxXpPdDfFNaInity UTCGM\xD9\xA1\xEF\xBC\x90\xFF";
    unsigned len = (unsigned)rand() % max;
    for (unsigned i = 0; i < len; i++)
        space[i] = alphabet[(unsigned)rand() % (sizeof alphabet - 1)];
    return str_make(space, len);
}

/* A right text with one byte changed. */
static struct str damaged_text(char *space)
{
    static const char *const good[] = {"2020-05-26T23:59:58.000+02:00",
                                       "2020-05-26",
                                       "23:59:58.123456789",
                                       "UTC+01:02:03",
                                       "-1234.5678e-12",
                                       "0x1.8p3d",
                                       "Infinity",
                                       "9223372036854775807"};
    struct str s = str_from(good[(unsigned)rand() % (sizeof good / sizeof *good)]);
    memcpy(space, s.p, s.len);
    space[(unsigned)rand() % s.len] = (char)rand();
    return str_make(space, s.len);
}

static void parse_all(struct str s, struct buf *out)
{
    double d;
    int128 unscaled;
    int64_t i64;
    int32_t i32;
    int scale;
    struct diag diag = DIAG_INIT;
    if (parse_double(s, &d))
        print_double(out, d);
    if (parse_decimal(s, &unscaled, &scale) && scale >= 0 && scale < 1000)
        print_decimal_sci(out, unscaled, (unsigned)scale);
    if (parse_i64(s, &i64))
        buf_put_i64(out, i64);
    if (parse_timestamp(s, &i64, &diag) == STATUS_OK)
        print_timestamp(out, i64);
    if (parse_date(s, &i32, &diag) == STATUS_OK)
        print_date(out, i32);
    if (parse_time(s, &i32, &diag) == STATUS_OK)
        print_time(out, i32);
    if (parse_zone_offset(s, &i32))
        CHECK(i32 >= -64800 && i32 <= 64800);
}

TEST(garbage, no_parser_trips)
{
    struct buf out;
    buf_init(&out, 0);
    srand(11);
    for (int i = 0; i < 200000; i++) {
        char space[40];
        struct str s = i % 2 ? random_text(space, sizeof space) : damaged_text(space);
        char *exact = mem_alloc(s.len);
        REQUIRE(exact != NULL);
        if (s.len)
            memcpy(exact, s.p, s.len);
        out.len = 0;
        parse_all(str_make(exact, s.len), &out);
        CHECK(str_is_utf8(buf_str(&out)));
        mem_free(exact);
    }
    buf_free(&out);
}
