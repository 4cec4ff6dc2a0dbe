/* What later records supersede: notes, their temporary file, and the marks. */
#include "tests/unit/unit.h"

#include "topics/embedded/superseded.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST = 40000, KEYS = 700 };

static struct str key_text(char to[16], int key)
{
    snprintf(to, 16, "key %d", key);
    return str_from(to);
}

static enum status mark_all(const struct notes *n, struct marks *m)
{
    enum status st = STATUS_OK;
    for (int i = 0; i < NOTE_BUCKETS && st == STATUS_OK; i++)
        st = notes_mark(n, i, m, NULL);
    return st;
}

/* Against a table in memory, with more keys than there is room for, more offsets than a window has, and more notes than
 * stay in memory. */
TEST(superseded, random)
{
    static bool goes[MOST], is_last[MOST];
    static int64_t last[KEYS];
    static int count[KEYS], keys[MOST];
    struct embedded log = {.compact_slots = 64};
    struct notes notes;
    struct marks marks = {0};
    char text[16];
    memset(last, -1, sizeof last);
    srand(3);
    notes_init(&notes, &log);
    for (int64_t i = 0; i < MOST; i++) {
        int k = keys[i] = rand() % (1 + rand() % KEYS);
        goes[i] = rand() % 4 == 0;
        last[k] = i;
        count[k]++;
        CHECK_INT(notes_add(&notes, key_text(text, k), i, goes[i], NULL), STATUS_OK);
    }
    for (int k = 0; k < KEYS; k++)
        if (last[k] >= 0)
            is_last[last[k]] = true;
    CHECK(notes.fd >= 0);
    int64_t wrong = 0, marked = 0, windows = 0, from = 0;
    while (from < MOST) {
        int64_t n = MOST - from < 6007 ? MOST - from : 6007;
        REQUIRE(marks_start(&marks, from, n));
        CHECK_INT(mark_all(&notes, &marks), STATUS_OK);
        for (int64_t i = from; i < from + n; i++) {
            bool expected = !is_last[i] || (goes[i] && count[keys[i]] == 1);
            wrong += marks_has(&marks, i) != expected;
            marked += marks_has(&marks, i);
        }
        CHECK_INT(marks_count(&marks, from, from + n - 1), marked);
        CHECK_INT(marks_count(&marks, 0, INT64_MAX - 1), marked);
        CHECK_INT(marks_count(&marks, from + 70, from + 70), marks_has(&marks, from + 70));
        CHECK(!marks_has(&marks, from - 1));
        CHECK(!marks_has(&marks, from + n));
        CHECK(marks.next == INT64_MAX || (marks.next >= from + n && marks.next < from + n + 200));
        marked = 0;
        windows++;
        from += n;
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(windows, 7);
    marks_clear(&marks);
    notes_clear(&notes);
}

TEST(superseded, a_single_tombstone_goes)
{
    struct embedded log = {.compact_slots = 64};
    struct notes notes;
    struct marks marks = {0};
    notes_init(&notes, &log);
    REQUIRE(marks_start(&marks, 10, 10));
    CHECK_INT(mark_all(&notes, &marks), STATUS_OK);
    CHECK_INT(marks_count(&marks, 0, 100), 0);
    CHECK_INT(notes_add(&notes, STR("alone"), 11, true, NULL), STATUS_OK);
    CHECK_INT(notes_add(&notes, STR("a value is left"), 12, false, NULL), STATUS_OK);
    CHECK_INT(notes_add(&notes, STR("a value is left"), 13, true, NULL), STATUS_OK);
    CHECK_INT(notes_add(&notes, STR("twice"), 14, true, NULL), STATUS_OK);
    CHECK_INT(notes_add(&notes, STR("twice"), 15, true, NULL), STATUS_OK);
    CHECK_INT(notes_add(&notes, STR(""), 16, false, NULL), STATUS_OK);
    CHECK_INT(notes_add(&notes, STR(""), 17, false, NULL), STATUS_OK);
    CHECK_INT(notes_add(&notes, STR("noted twice"), 18, false, NULL), STATUS_OK);
    CHECK_INT(notes_add(&notes, STR("noted twice"), 18, false, NULL), STATUS_OK);
    CHECK_INT(mark_all(&notes, &marks), STATUS_OK);
    for (int64_t i = 0; i < 30; i++)
        CHECK_INT(marks_has(&marks, i), i == 11 || i == 12 || i == 14 || i == 16);
    marks_clear(&marks);
    notes_clear(&notes);
}

TEST(superseded, no_room_for_the_file)
{
    char path[] = "/nonexistent-folder/log";
    struct embedded log = {.compact_slots = 64, .path = path};
    struct notes notes;
    struct diag d = DIAG_INIT;
    notes_init(&notes, &log);
    for (int i = 0; i < NOTE_BLOCK; i++)
        CHECK_INT(notes_add(&notes, STR("k"), i, false, &d), STATUS_OK);
    CHECK_INT(notes_add(&notes, STR("k"), NOTE_BLOCK, false, &d), STATUS_IO);
    CHECK(strstr(d.message, path) != NULL);
    notes_clear(&notes);
}
