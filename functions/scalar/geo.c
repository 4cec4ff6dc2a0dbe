/* GEO_DISTANCE: the great-circle distance by the haversine formula. */
#include "functions/functions_int.h"
#include "functions/text.h"

#include <math.h>

static double radians(double degrees)
{
    return degrees / 180.0 * M_PI;
}

static bool starts_nocase(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq_nocase(str_make(s.p, prefix.len), prefix);
}

static bool radius_of(struct call *c, const struct value *unit, double *radius)
{
    *radius = 6371;
    if (!unit || value_is_null(unit))
        return true;
    if (starts_nocase(unit->str, STR("MI"))) {
        *radius = 3959;
        return true;
    }
    return starts_nocase(unit->str, STR("KM")) || starts_nocase(unit->str, STR("KILOMETER")) ||
           call_error(
               c, "GeoDistance function units parameter must be one of [MILE, MILES, MI, KM, KILOMETER]. Values are "
                  "case-insensitive.");
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
