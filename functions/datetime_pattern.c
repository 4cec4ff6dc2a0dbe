/* Patterns to items: the letters of java.time.format.DateTimeFormatter. */
#include "functions/datetime_format_int.h"

#include <ctype.h>
#include <stdio.h>

const struct dt_field_info dt_fields[DT_FIELDS] = {
    [DT_NANO] = {"NanoOfSecond", 0, 999999999, true},
    [DT_NANO_OF_DAY] = {"NanoOfDay", 0, INT64_C(86399999999999), true},
    [DT_MILLI_OF_DAY] = {"MilliOfDay", 0, 86399999, true},
    [DT_SECOND] = {"SecondOfMinute", 0, 59, true},
    [DT_MINUTE] = {"MinuteOfHour", 0, 59, true},
    [DT_HOUR_AMPM] = {"HourOfAmPm", 0, 11, true},
    [DT_CLOCK_HOUR_AMPM] = {"ClockHourOfAmPm", 1, 12, true},
    [DT_HOUR] = {"HourOfDay", 0, 23, true},
    [DT_CLOCK_HOUR] = {"ClockHourOfDay", 1, 24, true},
    [DT_AMPM] = {"AmPmOfDay", 0, 1, true},
    [DT_DAY_OF_WEEK] = {"DayOfWeek", 1, 7, false},
    [DT_DAY] = {"DayOfMonth", 1, 31, false},
    [DT_DAY_OF_YEAR] = {"DayOfYear", 1, 366, false},
    [DT_MODIFIED_JULIAN] = {"ModifiedJulianDay", -365243219162, 365241780471, false},
    [DT_WEEK_OF_MONTH_ALIGNED] = {"AlignedWeekOfMonth", 1, 5, false},
    [DT_MONTH] = {"MonthOfYear", 1, 12, false},
    [DT_QUARTER] = {"QuarterOfYear", 1, 4, false},
    [DT_YEAR_OF_ERA] = {"YearOfEra", 1, 999999999, false},
    [DT_YEAR] = {"Year", -999999999, 999999999, false},
    [DT_ERA] = {"Era", 0, 1, false},
    [DT_LOCAL_DAY_OF_WEEK] = {"DayOfWeek[WeekFields[SUNDAY,1]]", 1, 7, false},
    [DT_WEEK_OF_MONTH] = {"WeekOfMonth[WeekFields[SUNDAY,1]]", 0, 6, false},
    [DT_WEEK_OF_YEAR] = {"WeekOfWeekBasedYear[WeekFields[SUNDAY,1]]", 1, 53, false},
    [DT_WEEK_YEAR] = {"WeekBasedYear[WeekFields[SUNDAY,1]]", -999999999, 999999999, false},
};

const char *const dt_months[12] = {"January", "February", "March",     "April",   "May",      "June",
                                   "July",    "August",   "September", "October", "November", "December"};
const char *const dt_days[7] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

static const char *cut(const char *name, size_t n, char *room)
{
    snprintf(room, 32, "%.*s", (int)n, name);
    return room;
}

/* In the root locale the full names equal the short ones. */
const char *dt_name(const struct datetime_pattern *p, enum dt_field field, unsigned style, int64_t value, char *room)
{
    static const char *const quarters[] = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};
    bool full = style == 4 && !p->root;
    const struct dt_field_info *info = &dt_fields[field];
    if (value < info->min || value > info->max)
        return NULL;
    switch (field) {
    case DT_MONTH:
        return full ? dt_months[value - 1] : cut(dt_months[value - 1], style == 5 ? 1 : 3, room);
    case DT_DAY_OF_WEEK:
        return full ? dt_days[value - 1] : cut(dt_days[value - 1], style == 5 ? 1 : 3, room);
    case DT_AMPM:
        return value ? "PM" : "AM";
    case DT_ERA:
        if (p->root)
            return value ? "CE" : "BCE";
        return full         ? (value ? "Anno Domini" : "Before Christ")
               : style == 5 ? (value ? "A" : "B")
               : value      ? "AD"
                            : "BC";
    case DT_QUARTER:
        if (full)
            return quarters[value - 1];
        snprintf(room, 32, style == 5 ? "%d" : "Q%d", (int)value);
        return room;
    default:
        return NULL;
    }
}

/* ---- compiler
 * ------------------------------------------------------------------------------------------------------------ */

struct compiler {
    struct str in;
    uint32_t at;
    struct dt_item *items;
    uint32_t n;
    int64_t active; /* index of the number that adjacent ones belong to; -1: none */
    uint32_t open[16], n_open;
    uint16_t pad;
    char *error;
    size_t error_size;
};

static bool fail(struct compiler *c, const char *format, ...) PRINTF_LIKE(2, 3);
static bool fail(struct compiler *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->error, c->error_size, format, args);
    va_end(args);
    return false;
}

static struct dt_item *add(struct compiler *c, enum dt_kind kind, enum dt_field field)
{
    struct dt_item *item = &c->items[c->n++];
    *item = (struct dt_item){.kind = kind, .field = field, .pad = c->pad};
    c->pad = 0;
    c->active = -1;
    return item;
}

/* Numbers side by side: all but the first have a fixed width, which the first, if it is variable, leaves to them. */
static bool add_number(struct compiler *c, enum dt_kind kind, enum dt_field field, unsigned min, unsigned max,
                       enum dt_sign sign)
{
    int64_t active = c->active;
    struct dt_item *item = add(c, kind, field);
    item->min = (uint8_t)min;
    item->max = (uint8_t)max;
    item->sign = (uint8_t)sign;
    bool fixed = min == max && sign == DT_NOT_NEGATIVE;
    if (active < 0) {
        c->active = c->n - 1;
    } else if (fixed) {
        c->items[active].subsequent = (uint16_t)(c->items[active].subsequent + max);
        item->fixed = true;
        c->active = active;
    } else {
        c->items[active].fixed = true;
        c->items[active].subsequent = 0;
        c->active = c->n - 1;
    }
    return true;
}

static bool too_many(struct compiler *c, char letter)
{
    return fail(c, "Too many pattern letters: %c", letter);
}

static bool add_text(struct compiler *c, enum dt_field field, unsigned count, char letter)
{
    if (count > 5)
        return too_many(c, letter);
    add(c, DT_TEXT, field)->style = (uint8_t)count;
    return true;
}

/* One letter: any width; two: two digits. */
static bool add_one_two(struct compiler *c, enum dt_field field, unsigned count, char letter)
{
    if (count > 2)
        return too_many(c, letter);
    return count == 1 ? add_number(c, DT_NUMBER, field, 1, 19, DT_NORMAL)
                      : add_number(c, DT_NUMBER, field, 2, 2, DT_NOT_NEGATIVE);
}

static bool add_year(struct compiler *c, enum dt_field field, unsigned count, char letter)
{
    if (count == 2)
        return add_number(c, DT_REDUCED_YEAR, field, 2, 2, DT_NOT_NEGATIVE);
    if (count > 19)
        return too_many(c, letter);
    return add_number(c, DT_NUMBER, field, count, 19, count < 4 ? DT_NORMAL : DT_EXCEEDS_PAD);
}

static bool add_zone(struct compiler *c, char letter, unsigned count)
{
    struct dt_item *item;
    if (letter == 'V' && count != 2)
        return fail(c, "Pattern letter count must be 2: V");
    if ((letter == 'O' || letter == 'v') && count != 1 && count != 4)
        return fail(c, "Pattern letter count must be 1 or 4: %c", letter);
    if (count > (letter == 'z' ? 4 : 5))
        return too_many(c, letter);
    if (letter == 'V')
        item = add(c, DT_ZONE_ID, DT_FIELDS);
    else if (letter == 'z' || letter == 'v')
        item = add(c, DT_ZONE_NAME, DT_FIELDS);
    else if (letter == 'O' || (letter == 'Z' && count == 4))
        item = add(c, DT_LOCALIZED_OFFSET, DT_FIELDS);
    else
        item = add(c, DT_OFFSET, DT_FIELDS);
    item->letter = letter;
    item->style = (uint8_t)count;
    return true;
}

static bool add_letter(struct compiler *c, char letter, unsigned count)
{
    switch (letter) {
    case 'u':
        return add_year(c, DT_YEAR, count, letter);
    case 'y':
        return add_year(c, DT_YEAR_OF_ERA, count, letter);
    case 'Y':
        return add_year(c, DT_WEEK_YEAR, count, letter);
    case 'M':
    case 'L':
        return count < 3 ? add_one_two(c, DT_MONTH, count, letter) : add_text(c, DT_MONTH, count, letter);
    case 'Q':
    case 'q':
        return count < 3 ? add_one_two(c, DT_QUARTER, count, letter) : add_text(c, DT_QUARTER, count, letter);
    case 'e':
    case 'c':
        if (letter == 'c' && count == 2)
            return fail(c, "Invalid pattern \"cc\"");
        return count < 3 ? add_one_two(c, DT_LOCAL_DAY_OF_WEEK, count, letter)
                         : add_text(c, DT_DAY_OF_WEEK, count, letter);
    case 'E':
        return add_text(c, DT_DAY_OF_WEEK, count, letter);
    case 'G':
        return add_text(c, DT_ERA, count, letter);
    case 'a':
        return count > 1 ? too_many(c, letter) : add_text(c, DT_AMPM, count, letter);
    case 'd':
        return add_one_two(c, DT_DAY, count, letter);
    case 'D':
        if (count > 3)
            return too_many(c, letter);
        return count == 1 ? add_number(c, DT_NUMBER, DT_DAY_OF_YEAR, 1, 19, DT_NORMAL)
                          : add_number(c, DT_NUMBER, DT_DAY_OF_YEAR, count, 3, DT_NOT_NEGATIVE);
    case 'H':
        return add_one_two(c, DT_HOUR, count, letter);
    case 'k':
        return add_one_two(c, DT_CLOCK_HOUR, count, letter);
    case 'K':
        return add_one_two(c, DT_HOUR_AMPM, count, letter);
    case 'h':
        return add_one_two(c, DT_CLOCK_HOUR_AMPM, count, letter);
    case 'm':
        return add_one_two(c, DT_MINUTE, count, letter);
    case 's':
        return add_one_two(c, DT_SECOND, count, letter);
    case 'S':
        return count > 9 ? too_many(c, letter) : add_number(c, DT_FRACTION, DT_NANO, count, count, DT_NOT_NEGATIVE);
    case 'n':
    case 'N':
    case 'A':
        return count > 19 ? too_many(c, letter)
                          : add_number(c, DT_NUMBER,
                                       letter == 'n'   ? DT_NANO
                                       : letter == 'N' ? DT_NANO_OF_DAY
                                                       : DT_MILLI_OF_DAY,
                                       count, 19, DT_NOT_NEGATIVE);
    case 'g':
        return count > 19 ? too_many(c, letter) : add_number(c, DT_NUMBER, DT_MODIFIED_JULIAN, count, 19, DT_NORMAL);
    case 'F':
        return count > 1 ? too_many(c, letter) : add_number(c, DT_NUMBER, DT_WEEK_OF_MONTH_ALIGNED, 1, 19, DT_NORMAL);
    case 'w':
        return add_one_two(c, DT_WEEK_OF_YEAR, count, letter);
    case 'W':
        return count > 1 ? too_many(c, letter) : add_number(c, DT_NUMBER, DT_WEEK_OF_MONTH, 1, 1, DT_NORMAL);
    case 'B':
        add(c, DT_DAY_PERIOD, DT_FIELDS)->style = (uint8_t)count;
        return count == 1 || count == 4 || count == 5 || fail(c, "Wrong number of pattern letters: B");
    default:
        return strchr("VvzOXxZ", letter) ? add_zone(c, letter, count) : fail(c, "Unknown pattern letter: %c", letter);
    }
}

static bool letters(struct compiler *c)
{
    char letter = c->in.p[c->at];
    unsigned count = 0;
    while (c->at < c->in.len && c->in.p[c->at] == letter) {
        c->at++;
        count += count < 250;
    }
    if (letter != 'p')
        return add_letter(c, letter, count);
    if (c->at == c->in.len || !isalpha((unsigned char)c->in.p[c->at]))
        return fail(c, "Pad letter 'p' must be followed by valid pad pattern: " STR_FMT, STR_ARG(c->in));
    c->pad = (uint16_t)count;
    return true;
}

static void add_literal(struct compiler *c, struct str text)
{
    add(c, DT_LITERAL, DT_FIELDS)->text = text;
}

/* At the quote. A doubled quote inside is a literal quote. */
static bool quoted(struct compiler *c)
{
    uint32_t from = ++c->at;
    for (;; c->at++) {
        if (c->at == c->in.len)
            return fail(c, "Pattern ends with an incomplete string literal: " STR_FMT, STR_ARG(c->in));
        if (c->in.p[c->at] != '\'')
            continue;
        if (c->at > from)
            add_literal(c, str_make(c->in.p + from, c->at - from));
        if (c->at + 1 == c->in.len || c->in.p[c->at + 1] != '\'')
            break;
        add_literal(c, STR("'"));
        from = c->at + 2;
        c->at++;
    }
    c->at++;
    return true;
}

static bool bracket(struct compiler *c, bool opens)
{
    c->at++;
    if (opens) {
        if (c->n_open == sizeof c->open / sizeof *c->open)
            return fail(c, "Too many optional parts");
        c->open[c->n_open++] = c->n;
        add(c, DT_OPTIONAL, DT_FIELDS);
        return true;
    }
    if (c->n_open == 0)
        return fail(c, "Pattern invalid as it contains ] without previous [");
    uint32_t start = c->open[--c->n_open];
    c->items[start].jump = c->n;
    add(c, DT_OPTIONAL_END, DT_FIELDS)->jump = c->n;
    return true;
}

static bool compile(struct compiler *c)
{
    while (c->at < c->in.len) {
        char ch = c->in.p[c->at];
        bool ok = true;
        if (isalpha((unsigned char)ch)) {
            ok = letters(c);
        } else if (ch == '\'') {
            if (c->at + 1 < c->in.len && c->in.p[c->at + 1] == '\'') {
                add_literal(c, STR("'"));
                c->at += 2;
            } else {
                ok = quoted(c);
            }
        } else if (ch == '[' || ch == ']') {
            ok = bracket(c, ch == '[');
        } else if (ch == '{' || ch == '}' || ch == '#') {
            ok = fail(c, "Pattern includes reserved character: '%c'", ch);
        } else {
            add_literal(c, str_make(c->in.p + c->at++, 1));
        }
        if (!ok)
            return false;
    }
    while (c->n_open > 0) /* an open part reaches to the end */
        if (!bracket(c, false))
            return false;
    return true;
}

struct datetime_pattern *datetime_pattern_compile(struct arena *a, struct str pattern, bool root, char *error,
                                                  size_t error_size)
{
    struct datetime_pattern *p = ARENA_NEW(a, struct datetime_pattern);
    struct compiler c = {.active = -1, .error = error, .error_size = error_size};
    snprintf(error, error_size, "Out of memory");
    if (!p || !(c.in = str_dup(a, pattern)).p ||
        !(c.items = ARENA_ARRAY(a, struct dt_item, (size_t)pattern.len * 2 + 16)))
        return NULL;
    if (!compile(&c))
        return NULL;
    *p = (struct datetime_pattern){.text = c.in, .root = root, .n = c.n, .items = c.items};
    return p;
}
