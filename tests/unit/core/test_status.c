/* Diagnostics: the first error wins, and texts are cut at whole characters. */
#include "../unit.h"
#include "core/core.h"

TEST(status, first_error_wins)
{
    struct diag d = DIAG_INIT;
    struct span where = {.line = 3, .column = 7, .begin = 20, .end = 25};
    CHECK_INT(diag_set_at(&d, STATUS_PARSE, where, "no %s", "viable"), STATUS_PARSE);
    CHECK_INT(diag_set(&d, STATUS_IO, "later"), STATUS_IO);
    CHECK_INT(d.code, STATUS_PARSE);
    CHECK_TEXT(d.message, "no viable");
    CHECK_INT(d.where.column, 7);
    diag_clear(&d);
    CHECK_INT(d.code, STATUS_OK);
    CHECK_INT(diag_nomem(&d), STATUS_NOMEM);
    CHECK_INT(d.code, STATUS_NOMEM);
}

TEST(status, null_diag_returns_the_code)
{
    CHECK_INT(diag_set(NULL, STATUS_FULL, "x"), STATUS_FULL);
    CHECK_INT(diag_nomem(NULL), STATUS_NOMEM);
    diag_hint(NULL, "x");
    diag_context(NULL, "x", 1);
    diag_prefix(NULL, "x");
}

TEST(status, hint_context_and_prefix)
{
    struct diag d = DIAG_INIT;
    diag_hint(&d, "too early");
    diag_context(&d, "abc", 3);
    diag_prefix(&d, "x: ");
    CHECK_TEXT(d.hint, "");
    CHECK_TEXT(d.context, "");
    diag_set(&d, STATUS_INVALID, "bad");
    diag_hint(&d, "try %d", 1);
    diag_hint(&d, "try 2");
    diag_context(&d, "abcdef", 3);
    diag_context(&d, "xyz", 3);
    diag_prefix(&d, "outer: ");
    CHECK_TEXT(d.hint, "try 1");
    CHECK_TEXT(d.context, "abc");
    CHECK_TEXT(d.message, "outer: bad");
}

TEST(status, long_texts_are_cut_at_whole_characters)
{
    static char text[4001];
    for (int i = 0; i < 2000; i++)
        memcpy(text + 2 * i, "é", 2);
    struct diag d = DIAG_INIT;
    diag_set(&d, STATUS_INVALID, "%s", text);
    diag_context(&d, text, 4000);
    diag_hint(&d, "%s", text);
    CHECK_INT(strlen(d.message), sizeof d.message - 2);
    CHECK_INT(strlen(d.context), sizeof d.context - 2);
    CHECK_INT(strlen(d.hint), sizeof d.hint - 2);
    CHECK(str_is_utf8(str_from(d.message)));
    diag_prefix(&d, "!");
    CHECK(str_is_utf8(str_from(d.message)));
    CHECK(d.message[0] == '!');
    diag_prefix(&d, text);
    CHECK(str_is_utf8(str_from(d.message)));
    CHECK(d.message[0] != '!');
}

TEST(status, cut_at_three_and_four_bytes)
{
    static char text[4001];
    struct diag d = DIAG_INIT;
    for (int shift = 0; shift < 4; shift++) {
        memset(text, 'a', 4000);
        for (int i = shift; i + 4 <= 4000; i += 4)
            memcpy(text + i, "😀", 4);
        diag_clear(&d);
        diag_set(&d, STATUS_INVALID, "%s", text);
        CHECK(str_is_utf8(str_from(d.message)));
        CHECK(strlen(d.message) >= sizeof d.message - 4);
    }
}

TEST(status, names)
{
    CHECK_TEXT(status_name(STATUS_OK), "ok");
    CHECK_TEXT(status_name(STATUS_CANCELLED), "cancelled");
    CHECK_TEXT(status_name((enum status)999), "unknown");
    for (int i = 0; i <= STATUS_CANCELLED; i++)
        CHECK(status_name((enum status)i) != NULL);
}
