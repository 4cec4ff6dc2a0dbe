// Calls std::to_chars and std::from_chars: exact, shortest, free of locale and of memory. Nothing else is C++ here.
#include "shortest.h"

#include <charconv>

int shortest_print(char *out, double d)
{
    return static_cast<int>(std::to_chars(out, out + SHORTEST_MAX, d, std::chars_format::scientific).ptr - out);
}

int shortest_parse(const char *p, const char *end, int is_hex, double *out)
{
    auto result = std::from_chars(p, end, *out, is_hex ? std::chars_format::hex : std::chars_format::general);
    if (result.ptr != end)
        return 0;
    return result.ec == std::errc() ? 1 : result.ec == std::errc::result_out_of_range ? 2 : 0;
}
