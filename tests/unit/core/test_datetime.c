/* The calendar, and date and time texts in both directions. */
#include "../unit.h"
#include "core/core.h"

#include <stdlib.h>
#include <time.h>

static struct buf buf;

static const char *date(int32_t days)
{
    buf.len = 0;
    print_date(&buf, days);
    return buf_z(&buf);
}

static const char *timestamp(int64_t ts)
{
    buf.len = 0;
    print_timestamp(&buf, ts);
    return buf_z(&buf);
}

static const char *time_of(int32_t ms)
{
    buf.len = 0;
    print_time(&buf, ms);
    return buf_z(&buf);
}

TEST(datetime, calendar_matches_the_c_library)
{
    srand(3);
    for (int i = 0; i < 20000; i++) {
        int64_t days = (int64_t)rand() * (rand() % 2 ? 1 : -1) / (1 << rand() % 12);
        time_t seconds = (time_t)days * 86400;
        struct tm tm;
        REQUIRE(gmtime_r(&seconds, &tm) != NULL);
        struct civil_date d = date_from_days(days);
        CHECK(d.year == tm.tm_year + INT64_C(1900) && d.month == tm.tm_mon + 1 && d.day == tm.tm_mday);
        CHECK(date_to_days(d.year, d.month, d.day) == days);
    }
    CHECK_INT(date_to_days(1970, 1, 1), 0);
    CHECK_INT(date_to_days(2000, 2, 29), 11016);
    CHECK_INT(date_month_days(2000, 2), 29);
    CHECK_INT(date_month_days(1900, 2), 28);
    CHECK_INT(date_month_days(2024, 12), 31);
}

TEST(datetime, prints)
{
    CHECK_TEXT(date(0), "1970-01-01");
    CHECK_TEXT(date(-1), "1969-12-31");
    CHECK_TEXT(date((int32_t)date_to_days(12345, 1, 2)), "+12345-01-02");
    CHECK_TEXT(date((int32_t)date_to_days(0, 1, 2)), "0000-01-02");
    CHECK_TEXT(date((int32_t)date_to_days(-5, 1, 2)), "-0005-01-02");
    CHECK_TEXT(time_of(0), "00:00");
    CHECK_TEXT(time_of(60999), "00:01");
    CHECK_TEXT(time_of(60220000), "16:43:40");
    CHECK_TEXT(timestamp(0), "1970-01-01T00:00:00.000");
    CHECK_TEXT(timestamp(-1), "1969-12-31T23:59:59.999");
    CHECK_TEXT(timestamp(1590537598000), "2020-05-26T23:59:58.000");
    CHECK_TEXT(timestamp(date_to_days(0, 1, 2) * MS_PER_DAY), "0001-01-02T00:00:00.000");
    CHECK_TEXT(timestamp(INT64_MAX), "+292278994-08-17T07:12:55.807");
    CHECK_TEXT(timestamp(INT64_MIN), "+292275056-05-16T16:47:04.192");
    buf_free(&buf);
}

static const char *read_timestamp(const char *text)
{
    struct diag d = DIAG_INIT;
    int64_t ts;
    if (parse_timestamp(str_from(text), &ts, &d) == STATUS_OK)
        return timestamp(ts);
    CHECK_INT(d.code, STATUS_INVALID);
    static char first_line[sizeof d.message];
    memcpy(first_line, d.message, sizeof first_line);
    char *end = strchr(first_line, '\n');
    CHECK(end != NULL || strlen(text) > 1000);
    if (end)
        *end = '\0';
    return first_line;
}

TEST(datetime, reads_partial_timestamps)
{
    CHECK_TEXT(read_timestamp("2020"), "2020-01-01T00:00:00.000");
    CHECK_TEXT(read_timestamp("2020-05"), "2020-05-01T00:00:00.000");
    CHECK_TEXT(read_timestamp("2020-05-26"), "2020-05-26T00:00:00.000");
    CHECK_TEXT(read_timestamp("2020-05-26T"), "2020-05-26T00:00:00.000");
    CHECK_TEXT(read_timestamp("2020-05-26TZ"), "2020-05-26T00:00:00.000");
    CHECK_TEXT(read_timestamp("2020-05-26T1"), "2020-05-26T10:00:00.000");
    CHECK_TEXT(read_timestamp("2020-05-26T23:5"), "2020-05-26T23:50:00.000");
    CHECK_TEXT(read_timestamp("2020-05-26T23:59:58.5"), "2020-05-26T23:59:58.500");
    CHECK_TEXT(read_timestamp("2020-05-26T23:59:58.123Z"), "2020-05-26T23:59:58.123");
    CHECK_TEXT(read_timestamp("+12020-05-26T01"), "+12020-05-26T01:00:00.000");
    CHECK_TEXT(read_timestamp("2021-02-31"), "2021-02-28T00:00:00.000");
    CHECK_TEXT(read_timestamp("2021-02-03T24"), "2021-02-03T00:00:00.000");
    buf_free(&buf);
}

TEST(datetime, reads_zones)
{
    CHECK_TEXT(read_timestamp("2020-05-26T23:59:58.000+0200"), "2020-05-26T21:59:58.000");
    CHECK_TEXT(read_timestamp("2020-05-26T23-02:30"), "2020-05-27T01:30:00.000");
    CHECK_TEXT(read_timestamp("2020-05-26T23+2"), "2020-05-26T21:00:00.000");
    CHECK_TEXT(read_timestamp("2020-05-26T23Z+02"), "2020-05-26T21:00:00.000");
    CHECK_TEXT(read_timestamp("2020-05-26T00+x"),
               "Failed to parse timestamp '2020-05-26T00+x': Failed to parse timezone '+x': "
               "Invalid ID for ZoneOffset, invalid format: +x");
    int32_t s = 1;
    CHECK(parse_zone_offset(STR("Z"), &s) && s == 0);
    CHECK(parse_zone_offset(STR("UTC+2"), &s) && s == 7200);
    CHECK(parse_zone_offset(STR("GMT-0130"), &s) && s == -5400);
    CHECK(parse_zone_offset(STR("UT"), &s) && s == 0);
    CHECK(parse_zone_offset(STR("+01:02:03"), &s) && s == 3723);
    CHECK(parse_zone_offset(STR("-010203"), &s) && s == -3723);
    CHECK(parse_zone_offset(STR("+18:00"), &s) && s == 64800);
    static const char *const bad[] = {"",        "+",        "z",         "utc",    "UTCZ",    "UTC2",  "+18:01",
                                      "+19",     "+1:00",    "+123",      "+12345", "+01:",    "+01:0", "+0160",
                                      "+01:02:", "+01:0203", "+01:02:60", "PST",    "+0102030"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse_zone_offset(str_from(bad[i]), &s))
            CHECK_TEXT(bad[i], "(refused)");
    buf_free(&buf);
}

TEST(datetime, bad_timestamps_name_place_and_cause)
{
    CHECK_TEXT(read_timestamp("abc"),
               "Failed to parse timestamp 'abc': Text 'abc-01-01T00:00:00.000' could not be parsed at index 0");
    CHECK_TEXT(read_timestamp(""),
               "Failed to parse timestamp '': Text '-01-01T00:00:00.000' could not be parsed at index 1");
    CHECK_TEXT(read_timestamp("2020-13-01"),
               "Failed to parse timestamp '2020-13-01': Text '2020-13-01T00:00:00.000' could not be parsed: "
               "Invalid value for MonthOfYear (valid values 1 - 12): 13");
    CHECK_TEXT(read_timestamp("2020-05T01"),
               "Failed to parse timestamp '2020-05T01': Text '2020-05T01:00:00.000' could not be parsed at index 7");
    CHECK_TEXT(read_timestamp("2020-05-26T25"),
               "Failed to parse timestamp '2020-05-26T25': Text '2020-05-26T25:00:00.000' could not be parsed: "
               "Invalid value for HourOfDay (valid values 0 - 23): 25");
    CHECK_TEXT(
        read_timestamp("2020-05-26T01:02:03.1234"),
        "Failed to parse timestamp '2020-05-26T01:02:03.1234': Text '2020-05-26T01:02:03.1234' could not be parsed, "
        "unparsed text found at index 23");
    CHECK_TEXT(
        read_timestamp("12020-05-26"),
        "Failed to parse timestamp '12020-05-26': Text '12020-05-26T00:00:00.000' could not be parsed at index 0");
    static char text[5001];
    memset(text, '1', 5000);
    CHECK(strncmp(read_timestamp(text), "Failed to parse", 15) == 0);
    memset(text, '-', 5000);
    CHECK(strncmp(read_timestamp(text), "Failed to parse", 15) == 0);
    int64_t ts;
    CHECK_INT(parse_timestamp((struct str){NULL, 0}, &ts, NULL), STATUS_INVALID);
    CHECK_INT(parse_timestamp(STR("+999999999-01-01"), &ts, NULL), STATUS_INVALID);
}

TEST(datetime, reads_dates)
{
    struct diag d = DIAG_INIT;
    int32_t days = 0;
    CHECK(parse_date(STR("2020-05-26"), &days, &d) == STATUS_OK && days == date_to_days(2020, 5, 26));
    CHECK(parse_date(STR("2020-05"), &days, &d) == STATUS_OK && days == date_to_days(2020, 5, 1));
    CHECK(parse_date(STR("2020"), &days, &d) == STATUS_OK && days == date_to_days(2020, 1, 1));
    CHECK(parse_date(STR("+12345-01-01"), &days, &d) == STATUS_OK && days == date_to_days(12345, 1, 1));
    CHECK(parse_date(STR("-0001-01-01"), &days, &d) == STATUS_OK && days == date_to_days(-1, 1, 1));
    CHECK_INT(parse_date(STR("2021-02-29"), &days, &d), STATUS_INVALID);
    CHECK_TEXT(d.message, "Failed to parse date '2021-02-29': Text '2021-02-29' could not be parsed: "
                          "Invalid date 'February 29' as '2021' is not a leap year\n"
                          "Required format is: \"yyyy-MM-dd\", for example '2020-05-26'. "
                          "Partials are also supported, for example '2020-05'");
    static const char *const bad[] = {
        "",  "20", "2020-5-26", "2020-05-26T00", "2020-04-31",       "2020-00-01", "2020-01-32",
        "x", "--", "2020-",     "-0000-01-01",   "+999999999-01-01", "2020-05-26 "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse_date(str_from(bad[i]), &days, NULL) != STATUS_INVALID)
            CHECK_TEXT(bad[i], "(refused)");
}

TEST(datetime, reads_times)
{
    struct diag d = DIAG_INIT;
    int32_t ms = 0;
    CHECK(parse_time(STR("01:34"), &ms, &d) == STATUS_OK && ms == 5640000);
    CHECK(parse_time(STR("01:34:20"), &ms, &d) == STATUS_OK && ms == 5660000);
    CHECK(parse_time(STR("01:34:20.1239"), &ms, &d) == STATUS_OK && ms == 5660123);
    CHECK(parse_time(STR("01:34:20.1"), &ms, &d) == STATUS_OK && ms == 5660100);
    CHECK(parse_time(STR("23:59:59.999999999"), &ms, &d) == STATUS_OK && ms == 86399999);
    CHECK_INT(parse_time(STR("1:34"), &ms, &d), STATUS_INVALID);
    CHECK_TEXT(d.message, "Failed to parse time '1:34': Text '1:34' could not be parsed at index 0\n"
                          "Required format is: \"HH:mm:ss.SSS\", for example '01:34:20.123' or '01:34:20'. "
                          "Partials are also supported, for example '01:34'");
    static const char *const bad[] = {"",       "24:00",   "01",   "01:60", "01:00:60", "01:00:", "01:00:00.1234567890",
                                      "01:00 ", "01:00:0", "aa:bb"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse_time(str_from(bad[i]), &ms, NULL) != STATUS_INVALID)
            CHECK_TEXT(bad[i], "(refused)");
}

TEST(datetime, reading_needs_no_memory)
{
    int64_t ts;
    int32_t v;
    long calls = mem_calls();
    CHECK_INT(parse_timestamp(STR("2020-05-26"), &ts, NULL), STATUS_OK);
    CHECK_INT(parse_date(STR("x"), &v, NULL), STATUS_INVALID);
    CHECK_INT(parse_time(STR("01:02"), &v, NULL), STATUS_OK);
    CHECK_INT(mem_calls(), calls);
}
