/* Time zones on ICU's calendars. */
#include "functions/zone.h"

#include <stdio.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

enum { ID_MAX = 64, MS_PER_HOUR = 3600000 };

struct zone {
    char id[ID_MAX];
    UCalendar *calendar; /* NULL: a fixed offset */
    int64_t from, to;    /* the offset holds for from <= t < to */
    int32_t offset_ms;
};

/* Three-letter names that are regions of Java; ICU knows more of them. */
static bool is_short_region(struct str id)
{
    static const char *const names[] = {"CET", "EET", "MET", "WET", "PRC", "ROC", "ROK", "UCT"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(id, str_from(names[i])))
            return true;
    return false;
}

static bool is_known_region(struct str id)
{
    UChar wide[ID_MAX], canonical[ID_MAX];
    char z[ID_MAX];
    UErrorCode error = U_ZERO_ERROR;
    UBool system = 0;
    if (id.len < 3 || id.len >= sizeof z || (id.len == 3 && !is_short_region(id)) || str_eq(id, STR("Etc/Unknown")))
        return false;
    memcpy(z, id.p, id.len);
    z[id.len] = '\0';
    u_uastrcpy(wide, z);
    ucal_getCanonicalTimeZoneID(wide, (int32_t)id.len, canonical, ID_MAX, &system, &error);
    return U_SUCCESS(error) && system;
}

static struct zone *create(struct str id)
{
    struct zone *z = mem_calloc(1, sizeof *z);
    if (z) {
        memcpy(z->id, id.p, id.len);
        z->from = INT64_MIN;
        z->to = INT64_MAX;
    }
    return z;
}

static struct zone *open_region(struct str id)
{
    UChar wide[ID_MAX];
    UErrorCode error = U_ZERO_ERROR;
    struct zone *z = create(id);
    if (!z)
        return NULL;
    u_uastrcpy(wide, z->id);
    z->calendar = ucal_open(wide, -1, "en_US", UCAL_GREGORIAN, &error);
    z->to = z->from;
    if (U_FAILURE(error)) {
        zone_close(z);
        return NULL;
    }
    return z;
}

struct zone *zone_open(struct str id)
{
    int32_t seconds;
    if (id.len == 0 || id.len >= ID_MAX)
        return NULL;
    if (parse_zone_offset(id, &seconds)) {
        struct zone *z = create(id);
        if (z)
            z->offset_ms = seconds * 1000;
        return z;
    }
    return is_known_region(id) ? open_region(id) : NULL;
}

struct zone *zone_open_system(void)
{
    UChar wide[ID_MAX];
    char id[ID_MAX];
    UErrorCode error = U_ZERO_ERROR;
    int32_t n = ucal_getDefaultTimeZone(wide, ID_MAX - 1, &error);
    if (U_FAILURE(error) || n <= 0 || n >= ID_MAX)
        return zone_open(STR("UTC"));
    u_austrncpy(id, wide, n);
    struct zone *z = zone_open(str_make(id, (size_t)n));
    return z ? z : zone_open(STR("UTC"));
}

void zone_close(struct zone *z)
{
    if (z && z->calendar)
        ucal_close(z->calendar);
    mem_free(z);
}

struct str zone_id(const struct zone *z)
{
    return str_from(z->id);
}

/* Learns the offset at an instant and how long it holds. */
static void look_up(struct zone *z, int64_t utc_ms)
{
    UErrorCode error = U_ZERO_ERROR;
    UDate previous = 0, next = 0;
    ucal_setMillis(z->calendar, (UDate)utc_ms, &error);
    int32_t offset = ucal_get(z->calendar, UCAL_ZONE_OFFSET, &error) + ucal_get(z->calendar, UCAL_DST_OFFSET, &error);
    z->offset_ms = U_SUCCESS(error) ? offset : 0;
    error = U_ZERO_ERROR;
    z->from = ucal_getTimeZoneTransitionDate(z->calendar, UCAL_TZ_TRANSITION_PREVIOUS_INCLUSIVE, &previous, &error) &&
                      U_SUCCESS(error)
                  ? (int64_t)previous
                  : INT64_MIN;
    z->to = ucal_getTimeZoneTransitionDate(z->calendar, UCAL_TZ_TRANSITION_NEXT, &next, &error) && U_SUCCESS(error)
                ? (int64_t)next
                : INT64_MAX;
}

int32_t zone_offset_ms(struct zone *z, int64_t utc_ms)
{
    if (z->calendar && (utc_ms < z->from || utc_ms >= z->to))
        look_up(z, utc_ms);
    return z->offset_ms;
}

int64_t zone_to_utc(struct zone *z, int64_t local_ms)
{
    /* The offsets in force a day earlier and later frame any change. */
    const int64_t margin = 26 * (int64_t)MS_PER_HOUR;
    if (local_ms < INT64_MIN + margin || local_ms > INT64_MAX - margin)
        return local_ms;
    int32_t before = zone_offset_ms(z, local_ms - margin), after = zone_offset_ms(z, local_ms + margin);
    if (before == after || zone_offset_ms(z, local_ms - before) == before)
        return local_ms - before;
    if (zone_offset_ms(z, local_ms - after) == after)
        return local_ms - after;
    return local_ms - before; /* in a gap: as if the change had not come yet */
}

static bool display_name(struct zone *z, bool summer, bool full, const char *locale, char *out, size_t size)
{
    UChar wide[ID_MAX];
    UErrorCode error = U_ZERO_ERROR;
    UCalendarDisplayNameType type =
        full ? (summer ? UCAL_DST : UCAL_STANDARD) : (summer ? UCAL_SHORT_DST : UCAL_SHORT_STANDARD);
    int32_t n = ucal_getTimeZoneDisplayName(z->calendar, type, locale, wide, ID_MAX - 1, &error);
    if (U_FAILURE(error) || (size_t)n >= size)
        return false;
    int32_t len = 0;
    u_strToUTF8(out, (int32_t)size, &len, wide, n, &error);
    return U_SUCCESS(error) && (full || strncmp(out, "GMT", 3) != 0 || n == 3);
}

/* Short names exist in the English of some country; which one differs. */
void zone_print_name(struct buf *out, struct zone *z, int64_t utc_ms, bool full)
{
    static const char *const locales[] = {"en_US", "en_GB", "en_AU", "en_NZ", "en_IN", "en_ZA"};
    char text[ID_MAX * 3];
    UErrorCode error = U_ZERO_ERROR;
    if (!z->calendar) {
        buf_puts(out, full && (strcmp(z->id, "UTC") == 0) ? STR("Coordinated Universal Time") : zone_id(z));
        return;
    }
    ucal_setMillis(z->calendar, (UDate)utc_ms, &error);
    bool summer = ucal_get(z->calendar, UCAL_DST_OFFSET, &error) != 0;
    for (size_t i = 0; i < sizeof locales / sizeof *locales; i++) {
        if (display_name(z, summer, full, locales[i], text, sizeof text)) {
            buf_puts(out, str_from(text));
            return;
        }
    }
    buf_puts(out, zone_id(z));
}
