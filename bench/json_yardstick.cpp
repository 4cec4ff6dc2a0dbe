// simdjson's two interfaces behind C functions. No exceptions leave this file: only error codes are used.
#include "bench/json_yardstick.h"

#include <cstring>
#include <memory>
#include <new>
#include <simdjson.h>

struct yardstick {
    simdjson::ondemand::parser ondemand;
    simdjson::dom::parser dom{1 << 24};
    std::unique_ptr<char[]> space{new char[(1 << 20) + simdjson::SIMDJSON_PADDING]()};
};

yardstick *yardstick_create()
{
    auto y = new (std::nothrow) yardstick;
    if (y && y->dom.allocate(1 << 24, 1000) != simdjson::SUCCESS) {
        delete y;
        return nullptr;
    }
    return y;
}

void yardstick_destroy(yardstick *y)
{
    delete y;
}

bool yardstick_order(yardstick *y, const char *p, size_t len, int64_t *time, const char **user, size_t *user_len,
                     double *units)
{
    if (len > 1 << 20)
        return false;
    std::memcpy(y->space.get(), p, len);
    simdjson::ondemand::document doc;
    if (y->ondemand.iterate(y->space.get(), len, (1 << 20) + simdjson::SIMDJSON_PADDING).get(doc))
        return false;
    simdjson::ondemand::object object;
    if (doc.get_object().get(object))
        return false;
    int found = 0;
    for (auto member : object) {
        simdjson::ondemand::raw_json_string name;
        if (member.key().get(name))
            return false;
        auto value = member.value();
        if (name.unsafe_is_equal("ordertime")) {
            if (value.get_int64().get(*time))
                return false;
            found++;
        } else if (name.unsafe_is_equal("userid")) {
            std::string_view text;
            if (value.get_string().get(text))
                return false;
            *user = text.data();
            *user_len = text.size();
            found++;
        } else if (name.unsafe_is_equal("orderunits")) {
            if (value.get_double().get(*units))
                return false;
            found++;
        }
    }
    return found == 3;
}

bool yardstick_valid(yardstick *y, const char *p, size_t len)
{
    simdjson::dom::element element;
    return y->dom.parse(p, len, true).get(element) == simdjson::SUCCESS;
}
