/* Compiled patterns of dates and times, shared by their compiler, parser and printer. */
#ifndef WEIR_FUNCTIONS_DATETIME_FORMAT_INT_H
#define WEIR_FUNCTIONS_DATETIME_FORMAT_INT_H

#include "functions/datetime_format.h"

enum dt_field {
    DT_NANO,
    DT_NANO_OF_DAY,
    DT_MILLI_OF_DAY,
    DT_SECOND,
    DT_MINUTE,
    DT_HOUR_AMPM,
    DT_CLOCK_HOUR_AMPM,
    DT_HOUR,
    DT_CLOCK_HOUR,
    DT_AMPM,
    DT_DAY_OF_WEEK,
    DT_DAY,
    DT_DAY_OF_YEAR,
    DT_MODIFIED_JULIAN,
    DT_WEEK_OF_MONTH_ALIGNED,
    DT_MONTH,
    DT_QUARTER,
    DT_YEAR_OF_ERA,
    DT_YEAR,
    DT_ERA,
    DT_LOCAL_DAY_OF_WEEK,
    DT_WEEK_OF_MONTH,
    DT_WEEK_OF_YEAR,
    DT_WEEK_YEAR,
    DT_FIELDS
};
struct dt_field_info {
    const char *name; /* as Java prints it */
    int64_t min, max;
    bool is_time;
};
extern const struct dt_field_info dt_fields[DT_FIELDS];

enum dt_kind {
    DT_LITERAL, /* text */
    DT_NUMBER,
    DT_REDUCED_YEAR,     /* two digits, from 2000 */
    DT_FRACTION,         /* of a second; `min` digits */
    DT_TEXT,             /* names; style 1..5 */
    DT_DAY_PERIOD,       /* in the morning */
    DT_OFFSET,           /* +01:00 and the like: letter and count */
    DT_LOCALIZED_OFFSET, /* GMT+1 */
    DT_ZONE_ID,
    DT_ZONE_NAME,
    DT_OPTIONAL,
    DT_OPTIONAL_END, /* jump: index of the end */
};
enum dt_sign { DT_NORMAL, DT_NOT_NEGATIVE, DT_EXCEEDS_PAD };

struct dt_item {
    enum dt_kind kind;
    enum dt_field field;
    struct str text;
    uint8_t min, max; /* digits */
    uint8_t sign;
    uint8_t style; /* pattern letters */
    char letter;
    bool fixed;          /* its width does not depend on what follows */
    uint16_t subsequent; /* digits of the adjacent fixed fields behind it */
    uint16_t pad;        /* width to pad to, with blanks; 0: none */
    uint32_t jump;
};

struct datetime_pattern {
    struct str text;
    bool root;
    uint32_t n;
    const struct dt_item *items;
};

extern const char *const dt_months[12], *const dt_days[7]; /* Monday first */
/* The name of a value of a text field in the pattern's locale; NULL: it has none. `room` holds 32 characters. */
const char *dt_name(const struct datetime_pattern *p, enum dt_field field, unsigned style, int64_t value, char *room);

/* What a text gave, after resolution. */
struct dt_parsed {
    uint32_t present; /* bit a field */
    int64_t values[DT_FIELDS];
    bool has_date, has_time;
    int64_t days, nano_of_day;
    int64_t excess_days;
    bool has_offset;
    int32_t offset_s;
    char zone[64]; /* region; empty: none */
};
bool dt_parse(const struct datetime_pattern *p, struct str text, struct dt_parsed *out, char *error, size_t error_size);

#endif
