/* GEO_DISTANCE: the great-circle distance by the haversine formula. */
#include "functions/functions_int.h"
#include "functions/text.h"

#include <math.h>

static double radians(double degrees)
{
    return degrees / 180.0 * M_PI;
}

static bool is_one_of(struct str s, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(s, str_from(names[i])))
            return true;
    return false;
}

static bool radius_of(struct call *c, const struct value *unit, double *radius)
{
    static const char *const miles[] = {"mi", "mile", "miles"};
    static const char *const kilometres[] = {"km", "kilometer", "kilometers", "kilometre", "kilometres"};
    struct str s = unit && !value_is_null(unit) ? text_trim(unit->str) : STR("");
    *radius = 6371;
    if (s.len == 0 || is_one_of(s, kilometres, sizeof kilometres / sizeof *kilometres))
        return true;
    *radius = 3959;
    return is_one_of(s, miles, sizeof miles / sizeof *miles) ||
           call_error(c, "GeoDistance function units parameter must be one of mi, mile, miles, km, kilometer, kilometers, "
                         "kilometre or kilometres. Values are case-insensitive.");
}

static bool geo_distance(struct call *c, const struct value *args, struct value *result)
{
    double lat1 = args[0].f64, lon1 = args[1].f64, lat2 = args[2].f64, lon2 = args[3].f64, radius;
    *result = VALUE_NULL;
    for (int i = 0; i < 4; i++)
        if (value_is_null(&args[i]))
            return true;
    if (!(fabs(lat1) <= 90) || !(fabs(lat2) <= 90))
        return call_error(
            c, "valid latitude values for GeoDistance function are in the range of -90 to 90 decimal degrees");
    if (!(fabs(lon1) <= 180) || !(fabs(lon2) <= 180))
        return call_error(
            c, "valid longitude values for GeoDistance function are in the range of -180 to +180 decimal degrees");
    if (!radius_of(c, c->n_args == 5 ? &args[4] : NULL, &radius))
        return false;
    double north = sin(radians(lat2 - lat1) / 2), east = sin(radians(lon2 - lon1) / 2);
    double a = north * north + east * east * cos(radians(lat1)) * cos(radians(lat2));
    *result = value_double(radius * 2 * asin(sqrt(a)));
    return true;
}

#define PLACES "DOUBLE lat1, DOUBLE lon1, DOUBLE lat2, DOUBLE lon2"

static const struct function table[] = {
    {.name = "GEO_DISTANCE",
     .declared_name = "geo_distance",
     .category = "OTHER",
     .description = "The distance between two places on the globe, in KM or MILES",
     VARIANTS(CALL("(" PLACES ") -> DOUBLE", geo_distance),
              CALL("(" PLACES ", STRING units) -> DOUBLE", geo_distance))},
};

const struct function_family functions_geo = FAMILY(table);
