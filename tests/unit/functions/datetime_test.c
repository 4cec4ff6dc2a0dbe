/* Dates and times: patterns that format and parse, zones, and arithmetic. */
#include "call_text.h"
#include "functions/datetime_format.h"

#include <stdio.h>

TEST(datetime, format)
{
    CHECK_CALL("FORMAT_TIMESTAMP(TIMESTAMP'2018-05-11T21:58:33', 'yyyy-MM-dd HH:mm:ss zzz', 'America/Los_Angeles')",
               "2018-05-11 14:58:33 PDT");
    CHECK_CALL("FORMAT_TIMESTAMP(TIMESTAMP'2018-05-11T21:58:33', 'yyyy-MM-dd HH:mm:ss zzz', 'Europe/London')",
               "2018-05-11 22:58:33 BST");
    CHECK_CALL("FORMAT_TIMESTAMP(TIMESTAMP'2018-05-11T21:58:33.123', 'EEE, d MMM yy hh:mm a SSS')",
               "Fri, 11 May 18 09:58 PM 123");
    CHECK_CALL("FORMAT_TIMESTAMP(TIMESTAMP'2018-05-11T21:58:33', 'EEEE MMMM MMMMM Q QQQ D k K')",
               "Friday May M 2 Q2 131 21 9");
    CHECK_CALL("FORMAT_TIMESTAMP(TIMESTAMP'2018-05-11T21:58:33', 'X XX XXX x Z ZZZZ ZZZZZ O VV', '+05:30')",
               "+0530 +0530 +05:30 +0530 +0530 GMT+05:30 +05:30 GMT+5:30 +05:30");
    CHECK_CALL("FORMAT_TIMESTAMP(TIMESTAMP'2018-05-11T21:58:33', 'X XXX x xxx Z O')", "Z Z +00 +00:00 +0000 GMT");
    CHECK_CALL("FORMAT_TIMESTAMP(TIMESTAMP'2018-01-01', 'YYYY w e W')", "2018 1 2 1");
    CHECK_CALL("FORMAT_TIMESTAMP(TIMESTAMP'2017-12-31', 'YYYY w')", "2018 1");
    CHECK_CALL("FORMAT_TIMESTAMP(TIMESTAMP'2018-01-01T13:00', 'B h ppH pppd''h''''x''')",
               "in the afternoon 1 13   1h'x");
    CHECK_CALL("TIMESTAMPTOSTRING(9223372036854775807L, 'yyyy-MM-dd HH', 'UTC')", "+292278994-08-17 07");
    CHECK_CALL("TIMESTAMPTOSTRING(9223372036854775807L, 'yyyy', '+01:00')",
               "! Failed to format timestamp with formatter 'yyyy': Exceeds the range of dates");
    CHECK_CALL("TIMESTAMPTOSTRING(-9223372036854775807L, 'uuuu', 'GMT')", "-292275055");
    CHECK_CALL("FORMAT_TIMESTAMP(TIMESTAMP'2018-01-01', 'yyyy', 'Mars')",
               "! Failed to format timestamp with formatter 'yyyy': Invalid time zone: Mars");
    CHECK_CALL("FORMAT_TIMESTAMP(TIMESTAMP'2018-01-01', 'yyyy {')",
               "! Failed to format timestamp with formatter 'yyyy {': Pattern includes reserved character: '{'");
    CHECK_CALL("FORMAT_DATE(DATE'2014-11-09', 'yyyy-MM-dd G')", "2014-11-09 AD");
    CHECK_CALL("FORMAT_DATE(DATE'2014-11-09', 'HH')",
               "! Failed to format date with formatter 'HH': Unsupported field: HourOfDay");
    CHECK_CALL("FORMAT_DATE(DATE'2014-11-09', 'yyyy[ HH]')", "2014");
    CHECK_CALL("FORMAT_TIME(TIME'00:20:34.567', 'HHmmss''AAAAA''SSS')", "002034AAAAA567");
    CHECK_CALL("FORMAT_TIME(TIME'00:01', 'yyyy')",
               "! Failed to format time with formatter 'yyyy': Unsupported field: YearOfEra");
    CHECK_CALL("DATETOSTRING(16383, 'yyyy-MM-dd')", "2014-11-09");
    CHECK_CALL("TIMESTAMPTOSTRING(0L, 'yyyy-MM-dd''T''HH', 'UTC')", "1970-01-01T00");
}

TEST(datetime, parse_timestamp)
{
    CHECK_CALL("STRINGTOTIMESTAMP('2018-05-11T21:58:33z', 'yyyy-MM-dd''T''HH:mm:ssX')", "1526075913000");
    CHECK_CALL("STRINGTOTIMESTAMP('2019-08-27T13:31:09.2+0000', 'yyyy-MM-dd''T''HH:mm:ss.SX')", "1566912669200");
    CHECK_CALL("STRINGTOTIMESTAMP('20190827133109234', 'yyyyMMddHHmmssSSS', 'UTC')", "1566912669234");
    CHECK_CALL("PARSE_TIMESTAMP('01-JAN-2022', 'dd-MMM-yyyy')", "2022-01-01T00:00:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('2022', 'yyyy')", "2022-01-01T00:00:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('2022-02', 'yyyy-MM')", "2022-02-01T00:00:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('07:30', 'hh:mm')", "1970-01-01T07:30:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('12:30 AM', 'hh:mm a')", "1970-01-01T00:30:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('12:30 pm', 'hh:mm a')", "1970-01-01T12:30:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('24:00', 'HH:mm')", "1970-01-01T00:00:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('2021-02-31', 'yyyy-MM-dd')", "2021-02-28T00:00:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('95-01-01', 'yy-MM-dd')", "2095-01-01T00:00:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('2022-01-01 10', 'yyyy-MM-dd HH', 'America/Los_Angeles')", "2022-01-01T18:00:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('2022-01-01 10 Europe/Paris', 'yyyy-MM-dd HH VV', 'America/Los_Angeles')",
               "2022-01-01T09:00:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('2022-07-01 10 PDT', 'yyyy-MM-dd HH z')", "2022-07-01T17:00:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('2022-01-01', 'yyyy-MM-dd[ HH:mm]')", "2022-01-01T00:00:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('2022-01-01 10:20', 'yyyy-MM-dd[ HH:mm]')", "2022-01-01T10:20:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('2020-366', 'yyyy-DDD')", "2020-12-31T00:00:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('Sat 2022-01-01', 'EEE yyyy-MM-dd')", "2022-01-01T00:00:00.000");
    CHECK_CALL("PARSE_TIMESTAMP('+12345-01-01', 'yyyy-MM-dd')", "+12345-01-01T00:00:00.000");
    CHECK_CALL("PARSE_TIMESTAMP(null:STRING, 'yyyy')", "null");
}

#define FAILED(text, pattern) "! Failed to parse timestamp '" text "' at timezone 'GMT' with formatter '" pattern "': "

TEST(datetime, parse_errors)
{
    CHECK_CALL(
        "PARSE_TIMESTAMP('2022-01-01X', 'yyyy-MM-dd')",
        FAILED("2022-01-01X", "yyyy-MM-dd") "Text '2022-01-01X' could not be parsed, unparsed text found at index 10");
    CHECK_CALL("PARSE_TIMESTAMP('2022/01', 'yyyy-MM')",
               FAILED("2022/01", "yyyy-MM") "Text '2022/01' could not be parsed at index 4");
    CHECK_CALL(
        "PARSE_TIMESTAMP('2022-13-01', 'yyyy-MM-dd')",
        FAILED("2022-13-01", "yyyy-MM-dd") "Text '2022-13-01' could not be parsed: Invalid value for MonthOfYear "
                                           "(valid values 1 - 12): 13");
    CHECK_CALL("PARSE_TIMESTAMP('12345', 'yyyy')",
               FAILED("12345", "yyyy") "Text '12345' could not be parsed at index 0");
    CHECK_CALL("PARSE_TIMESTAMP('1', 'SSS')", FAILED("1", "SSS") "Text '1' could not be parsed at index 0");
    CHECK_CALL("PARSE_TIMESTAMP('02-30', 'MM-dd')",
               FAILED("02-30", "MM-dd") "Text '02-30' could not be parsed: Invalid date 'February 30'");
    CHECK_CALL(
        "PARSE_TIMESTAMP('2021-366', 'yyyy-DDD')",
        FAILED("2021-366", "yyyy-DDD") "Text '2021-366' could not be parsed: Invalid date 'DayOfYear 366' as '2021' is "
                                       "not a leap year");
    CHECK_CALL(
        "PARSE_TIMESTAMP('Sun 2022-01-01', 'EEE yyyy-MM-dd')",
        FAILED("Sun 2022-01-01", "EEE yyyy-MM-dd") "Text 'Sun 2022-01-01' could not be parsed: Conflict found: Field "
                                                   "DayOfWeek 7 differs from DayOfWeek 6 derived from 2022-01-01");
    CHECK_CALL("PARSE_TIMESTAMP('JANUARY', 'MMMM')",
               FAILED("JANUARY", "MMMM") "Text 'JANUARY' could not be parsed, unparsed text found at index 3");
    CHECK_CALL(
        "PARSE_TIMESTAMP('25:00', 'HH:mm')",
        FAILED("25:00", "HH:mm") "Text '25:00' could not be parsed: Invalid value for HourOfDay (valid values 0 - 23): "
                                 "25");
    CHECK_CALL("PARSE_TIMESTAMP('x', 'b')", FAILED("x", "b") "Unknown pattern letter: b");
    CHECK_CALL("PARSE_TIMESTAMP('x', 'MMMMMM')", FAILED("x", "MMMMMM") "Too many pattern letters: M");
    CHECK_CALL("PARSE_TIMESTAMP('+01:30', 'Z')", FAILED("+01:30", "Z") "Text '+01:30' could not be parsed at index 0");
    CHECK_CALL("PARSE_TIMESTAMP('', 'yyyy')", FAILED("", "yyyy") "Text '' could not be parsed at index 0");
}

TEST(datetime, parse_time_and_date)
{
    CHECK_CALL("PARSE_TIME('00:01:05Lit', 'HH:mm:ss''Lit''')", "00:01:05");
    CHECK_CALL("PARSE_TIME('01:00:00 Pm', 'hh:mm:ss a')", "13:00");
    CHECK_CALL("PARSE_TIME('11', 'HH')", "11:00");
    CHECK(call_text("PARSE_TIME('01', 'mm')")[0] == '!');
    CHECK(call_text("PARSE_TIME('2020 01', 'yyyy HH')")[0] == '!');
    CHECK_CALL("STRINGTODATE('2018-05-11Lit', 'yyyy-MM-dd''Lit''')", "17662");
    CHECK_CALL("STRINGTODATE('01-Jan-2022', 'dd-MMM-yyyy')", "18993");
    CHECK_CALL("STRINGTODATE('1 January 2022', 'd MMMM yyyy')", "18993");
    CHECK_CALL(
        "STRINGTODATE('2022-01', 'yyyy-MM')",
        "! Failed to parse date '2022-01' with formatter 'yyyy-MM': Text '2022-01' could not be parsed: Unable to "
        "obtain LocalDate from TemporalAccessor");
}

TEST(datetime, parse_date)
{
    CHECK_CALL("PARSE_DATE('2018-05-11Lit', 'yyyy-MM-dd''Lit''')", "2018-05-11");
    CHECK_CALL("PARSE_DATE('01-JANUARY-2022', 'dd-MMM-yyyy')", "2022-01-01");
    CHECK_CALL("PARSE_DATE('JAN-2022', 'MMM-yyyy')", "2022-01-01");
    CHECK_CALL("PARSE_DATE('2022-13-45', 'yyyy-MM-dd')", "2023-02-14");
    CHECK_CALL("PARSE_DATE('2022-01-02tail', 'yyyy-MM-dd')", "2022-01-02");
    CHECK_CALL("PARSE_DATE('22-1-2', 'yyyy-MM-dd')", "0022-01-02");
    CHECK_CALL("PARSE_DATE('95-01-01', 'yy-MM-dd')", "1995-01-01");
    CHECK_CALL("PARSE_DATE('25-01-01', 'yy-MM-dd')", "2025-01-01");
    CHECK_CALL("PARSE_DATE('20220102', 'yyyyMMdd')", "2022-01-02");
    CHECK_CALL("PARSE_DATE('2022-033', 'yyyy-DDD')", "2022-02-02");
    CHECK_CALL("PARSE_DATE('Mon 2022-01-02', 'EEE yyyy-MM-dd')", "2022-01-02");
    CHECK_CALL("PARSE_DATE('2022-01-02 00:00', 'yyyy-MM-dd HH:mm')", "2022-01-02");
    CHECK_CALL("PARSE_DATE('2022-01-02 00:01', 'yyyy-MM-dd HH:mm')",
               "! Failed to parse date '2022-01-02 00:01' with formatter 'yyyy-MM-dd HH:mm': Date format contains time "
               "field.");
    CHECK_CALL("PARSE_DATE('abc', 'yyyy')",
               "! Failed to parse date 'abc' with formatter 'yyyy': Unparseable date: abc");
    CHECK_CALL("PARSE_DATE('abc', 'bb')",
               "! Failed to parse date 'abc' with formatter 'bb': Illegal pattern component: bb");
    CHECK(call_text("PARSE_DATE('2022-01-02 PST', 'yyyy-MM-dd z')")[0] == '!');
    CHECK(call_text("PARSE_DATE('2004', 'yyyy-MM-dd')")[0] == '!');
}

TEST(datetime, zones)
{
    CHECK_CALL("CONVERT_TZ(TIMESTAMP'1970-01-01T00:00:00.100', '+0200', '+0500')", "1970-01-01T03:00:00.100");
    CHECK_CALL("CONVERT_TZ(TIMESTAMP'2022-07-01', 'UTC', 'America/New_York')", "2022-06-30T20:00:00.000");
    const char *bad[] = {"utc", "America/los_angeles", "PST", "EST", "Etc/Unknown", "", "+19", "GMT+25", "Mars/Base"};
    const char *good[] = {"UTC", "CET", "GMT+2", "UT", "Z", "+2", "America/Los_Angeles", "Etc/GMT+5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(zone_open(str_from(bad[i])) == NULL);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct zone *z = zone_open(str_from(good[i]));
        CHECK(z != NULL);
        zone_close(z);
    }
}

TEST(datetime, summer_time)
{
    struct zone *z = zone_open(STR("America/Los_Angeles"));
    REQUIRE(z != NULL);
    int64_t gap, overlap, ts;
    REQUIRE(parse_timestamp(STR("2022-03-13T02:30"), &gap, NULL) == STATUS_OK);
    REQUIRE(parse_timestamp(STR("2022-03-13T10:30"), &ts, NULL) == STATUS_OK);
    CHECK_INT(zone_to_utc(z, gap), ts); /* 03:30 PDT */
    REQUIRE(parse_timestamp(STR("2022-11-06T01:30"), &overlap, NULL) == STATUS_OK);
    REQUIRE(parse_timestamp(STR("2022-11-06T08:30"), &ts, NULL) == STATUS_OK);
    CHECK_INT(zone_to_utc(z, overlap), ts); /* the first 01:30 */
    for (int64_t t = INT64_C(1640995200000); t < INT64_C(1672531200000); t += 1800000) {
        int32_t offset = zone_offset_ms(z, t);
        int64_t back = zone_to_utc(z, t + offset);
        CHECK(back == t || zone_offset_ms(z, back) != offset);
    }
    zone_close(z);
}

TEST(datetime, arithmetic)
{
    CHECK_CALL("DATEADD(DAYS, 10, DATE'1970-01-11')", "1970-01-21");
    CHECK_CALL("DATEADD(HOURS, 47, DATE'1970-01-11')", "1970-01-12");
    CHECK_CALL("DATESUB(HOURS, 1, DATE'1970-01-01')", "1970-01-01");
    CHECK_CALL("DATEADD(MONTHS, 1, DATE'1970-01-01')", "! Unsupported time unit: MONTHS");
    CHECK_CALL("TIMEADD(MILLISECONDS, 10, TIME'23:59:59.995')", "00:00");
    CHECK_CALL("TIMESUB(MINUTES, 1, TIME'00:00')", "23:59");
    CHECK_CALL("TIMESTAMPADD(DAYS, -1, TIMESTAMP'1970-01-02')", "1970-01-01T00:00:00.000");
    CHECK_CALL("TIMESTAMPSUB(SECONDS, 1, TIMESTAMP'1970-01-01')", "1969-12-31T23:59:59.000");
    CHECK_CALL("DATEADD(DAYS, null, DATE'1970-01-11')", "null");
    CHECK_TEXT(
        call_type("DATEADD(DATE'1970-01-11', 5, DATE'1970-01-11')"),
        "! Function 'dateadd' does not accept parameters (DATE, INTEGER, DATE).\nValid alternatives are:\n"
        "dateadd(INTERVALUNIT unit, INT interval, DATE date)\nFor detailed information on a function run: DESCRIBE "
        "FUNCTION <Function-Name>;");
    CHECK_CALL("FROM_DAYS(50)", "1970-02-20");
    CHECK_CALL("FROM_UNIXTIME(1L)", "1970-01-01T00:00:00.001");
    CHECK_CALL("UNIX_DATE(DATE'1970-02-20')", "50");
    CHECK_CALL("UNIX_DATE()", "19675");
    CHECK_CALL("UNIX_TIMESTAMP()", "1700000000000");
}

/* Garbage as pattern and as text: no crash, and what is accepted formats again. */
TEST(datetime, garbage)
{
    static const char letters[] = "yMdHhmsSaEzXZVOBpQDkK'[]{}#-:/ 0129T+\xC3\xA9";
    uint64_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        char pattern[16], text[16], error[512];
        struct arena a;
        for (int k = 0; k < 2; k++) {
            char *to = k ? text : pattern;
            uint32_t n = (uint32_t)(seed >> 40) % 12;
            for (uint32_t i = 0; i < n; i++) {
                seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
                to[i] = letters[(seed >> 33) % (sizeof letters - 1)];
            }
            to[n] = '\0';
            seed = seed * UINT64_C(6364136223846793005) + 1;
        }
        arena_init(&a, 0);
        struct datetime_pattern *p = datetime_pattern_compile(&a, str_from(pattern), round % 2, error, sizeof error);
        struct zone *z = zone_open(STR("UTC"));
        int64_t ms;
        struct buf out;
        buf_init(&out, 0);
        if (p) {
            timestamp_parse(p, str_from(text), z, &ms, error, sizeof error);
            if (timestamp_format(p, INT64_C(1526075913123), z, &out, error, sizeof error))
                timestamp_parse(p, buf_str(&out), z, &ms, error, sizeof error);
        }
        buf_free(&out);
        zone_close(z);
        arena_free(&a);
    }
}
