#include "cli/filter_query.hpp"

#include "control/filter_params.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace siding::cli {

net::HttpQuery filter_query(const queue::Filter& filter) {
    net::HttpQuery out;
    for (const auto& [key, value] : control::filter_json(filter)) {
        out[std::string{key}] =
            value.is_string() ? std::string{value.get_string()} : boost::json::serialize(value);
    }
    return out;
}

}  // namespace siding::cli
