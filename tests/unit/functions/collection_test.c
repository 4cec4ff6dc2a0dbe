/* Functions of arrays and maps, and table functions. */
#include "call_text.h"

TEST(array, parts)
{
    CHECK_CALL("ARRAY_LENGTH([1, null])", "2");
    CHECK_CALL("ARRAY_CONTAINS([1, null], null)", "true");
    CHECK_CALL("ARRAY_CONTAINS(null:ARRAY<INT>, 1)", "false");
    CHECK_CALL("ARRAY_CONTAINS(['a'], 'b')", "false");
    CHECK_CALL("ARRAY_CONCAT([1], [2, 3])", "[1, 2, 3]");
    CHECK_CALL("ARRAY_CONCAT(null:ARRAY<INT>, [2])", "[2]");
    CHECK_CALL("ARRAY_CONCAT(null:ARRAY<INT>, null:ARRAY<INT>)", "null");
    CHECK_CALL("ARRAY_REMOVE([1, 2, 1, null], 1)", "[2, null]");
    CHECK_CALL("ARRAY_REMOVE([1, null], null)", "[1]");
    CHECK_CALL("ARRAY_REMOVE([{'a': 1, 'b': 2}, {'a': 3}], {'b': 2, 'a': 1})", "[{a=3}]");
    CHECK_CALL("SLICE([1, 2, 3, 4], 2, 3)", "[2, 3]");
    CHECK_CALL("SLICE([1, 2, 3, 4], null, 2)", "[1, 2]");
    CHECK_CALL("SLICE([1, 2, 3, 4], 3, null)", "[3, 4]");
    CHECK_CALL("SLICE([1, 2], 0, 1)", "null");
    CHECK_CALL("SLICE([1, 2], 1, 3)", "null");
    CHECK_CALL("SLICE([1, 2], 2, 1)", "[]");
}

TEST(array, sort)
{
    CHECK_CALL("ARRAY_SORT([3, null, 1])", "[1, 3, null]");
    CHECK_CALL("ARRAY_SORT([3, null, 1], 'DESC')", "[3, 1, null]");
    CHECK_CALL("ARRAY_SORT(['foo', 'fo', 'Food', null, 'F', 'food'], 'descending')", "[food, foo, fo, Food, F, null]");
    CHECK_CALL("ARRAY_SORT([1], 'up')", "null");
    CHECK_CALL("ARRAY_SORT([[1]])", "! Elements cannot be ordered");
    CHECK_CALL("ARRAY_MAX([false, true, null])", "true");
    CHECK_CALL("ARRAY_MIN([null, null]:INT)", "null");
    CHECK_CALL("ARRAY_MIN([1e0, NaN])", "1.0");
    CHECK_CALL("ARRAY_MAX([]:INT)", "null");
}

TEST(array, sets)
{
    CHECK_CALL("ARRAY_DISTINCT([1, null, 1, 2, null])", "[1, null, 2]");
    CHECK_CALL("ARRAY_DISTINCT([NaN, NaN, 0e0, -0e0])", "[NaN, 0.0, -0.0]");
    CHECK_CALL("ARRAY_UNION([0, 0, 1], [1, -2])", "[0, 1, -2]");
    CHECK_CALL("ARRAY_INTERSECT([0, 0, 1, -1], [1, -2, 0])", "[0, 1]");
    CHECK_CALL("ARRAY_EXCEPT([0, 0, 1, 0, -1], [1, -2])", "[0, -1]");
    CHECK_CALL("ARRAY_EXCEPT([1], null:ARRAY<INT>)", "null");
    CHECK_CALL("ARRAY_UNION([1], ['a'])",
               "! Function 'array_union' does not accept parameters (ARRAY<INTEGER>, "
               "ARRAY<STRING>).\nValid alternatives are:\narray_union(ARRAY<T> array1, ARRAY<T> "
               "array2)\nFor detailed information on a function run: DESCRIBE FUNCTION "
               "<Function-Name>;");
}

TEST(array, join)
{
    CHECK_CALL("ARRAY_JOIN([true, null, false])", "true,null,false");
    CHECK_CALL("ARRAY_JOIN([1.23e0, -23.42e0, 0e0], ' ')", "1.23 -23.42 0.0");
    CHECK_CALL("ARRAY_JOIN([1.50, 2.25], null)", "1.502.25");
    CHECK_CALL("ARRAY_JOIN([]:STRING)", "");
    CHECK_CALL("ARRAY_JOIN([[1]])", "! error: hit element of type ARRAY which is currently not supported");
    CHECK_CALL("ARRAY_JOIN([null:ARRAY<INT>]:ARRAY<INT>)", "null");
    CHECK_CALL("ARRAY_JOIN([DATE'2020-01-01'])", "! error: hit element of type DATE which is currently not supported");
}

TEST(array, series)
{
    CHECK_CALL("GENERATE_SERIES(1, 5)", "[1, 2, 3, 4, 5]");
    CHECK_CALL("GENERATE_SERIES(5L, 1L)", "[5, 4, 3, 2, 1]");
    CHECK_CALL("GENERATE_SERIES(0, 10, 4)", "[0, 4, 8]");
    CHECK_CALL("GENERATE_SERIES(0, 10, 0)", "! GENERATE_SERIES step cannot be zero");
    CHECK_CALL("GENERATE_SERIES(0, 10, -1)", "! GENERATE_SERIES step has wrong sign");
    CHECK_CALL("GENERATE_SERIES(1, 1, -1)", "[1]");
    CHECK_CALL("GENERATE_SERIES(-9223372036854775807L, 9223372036854775807L)",
               "! GENERATE_SERIES would give more than 10000000 elements");
}

TEST(map, order_and_union)
{
    CHECK_CALL("MAP_KEYS({'foo': 1, 'bar': 2, 'baz': 3, 'k1': 4, 'k2': 5, 'apple': 6, 'Zed': 7})",
               "[apple, bar, k1, foo, k2, Zed, baz]");
    CHECK_CALL("MAP_VALUES({'foo': 1, 'bar': null})", "[null, 1]");
    CHECK_CALL("MAP_UNION({'a': 1}, {'a': 2, 'b': 3})", "{a=2, b=3}");
    CHECK_CALL("MAP_UNION(null:MAP<STRING,INT>, {'a': 2})", "{a=2}");
    CHECK_CALL("MAP_UNION(null:MAP<STRING,INT>, null:MAP<STRING,INT>)", "null");
    CHECK_CALL("AS_MAP(['a', 'b', 'a'], [1, 2, 3])", "{a=3, b=2}");
    CHECK_CALL("AS_MAP(['a', 'b'], [1, 2, 3])", "{a=1, b=2}");
    CHECK_CALL("AS_MAP(['a', 'b'], [1])", "{a=1, b=null}");
    CHECK_CALL("ENTRIES({'b': 1, 'a': 2}, true)", "[Struct{K=a,V=2}, Struct{K=b,V=1}]");
    CHECK_TEXT(call_type("ENTRIES({'b': 1}, true)"), "ARRAY<STRUCT<`K` STRING, `V` INTEGER>>");
    CHECK_CALL("ENTRIES({'b': 1}, null:BOOLEAN)", "null");
}

TEST(table, cube)
{
    CHECK_CALL("CUBE_EXPLODE([1, 2])", "[[null, null], [null, 2], [1, null], [1, 2]]");
    CHECK_CALL("CUBE_EXPLODE([1, null])", "[[null, null], [1, null]]");
    CHECK_CALL("CUBE_EXPLODE([]:INT)", "[[]]");
    CHECK_CALL("CUBE_EXPLODE(null:ARRAY<INT>)", "null");
    CHECK_CALL("CUBE_EXPLODE([1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21])",
               "! CUBE_EXPLODE takes at most 20 columns");
    CHECK_CALL("EXPLODE([1, 2])", "[1, 2]");
    CHECK_TEXT(call_type("EXPLODE([1.5, 2.5])"), "ARRAY<DECIMAL(2, 1)>");
}

TEST(geo, distance)
{
    CHECK_CALL("GEO_DISTANCE(37.4439e0, -122.1663e0, 51.5257e0, -0.1122e0)", "8634.659796579544");
    CHECK_CALL("GEO_DISTANCE(37.4439e0, -122.1663e0, 51.5257e0, -0.1122e0, 'miles')", "5365.659729188262");
    CHECK_CALL("GEO_DISTANCE(0, 0, 0, 0, 'Kilometers')", "0.0");
    CHECK_CALL("GEO_DISTANCE(0, 0, 0, 0, 'feet')",
               "! GeoDistance function units parameter must be one of [MILE, MILES, MI, KM, KILOMETER]. Values are "
               "case-insensitive.");
    CHECK_CALL("GEO_DISTANCE(91, 0, 0, 0)",
               "! valid latitude values for GeoDistance function are in the range of -90 to 90 decimal degrees");
    CHECK_CALL("GEO_DISTANCE(0, 0, 0, NaN)",
               "! valid longitude values for GeoDistance function are in the range of -180 to +180 decimal degrees");
}
