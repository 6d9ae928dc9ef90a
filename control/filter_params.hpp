// The common FILTER from its two spellings: query parameters and a JSON object. Same keys, same
// rules; what does not parse is named.
#pragma once

#include "base/clock.hpp"
#include "net/http_message.hpp"
#include "queue/filter.hpp"

#include <boost/json/object.hpp>

#include <initializer_list>
#include <string_view>

namespace siding::control {

// `others` are keys of the same query that are not the filter's. `now` is what a duration
// ("since=2h") counts back from. Errc::invalid_argument names the key.
Result<queue::Filter> filter_from_query(
    const net::HttpQuery& query, std::initializer_list<std::string_view> others, WallTime now
);

Result<queue::Filter> filter_from_json(const boost::json::object& fields, WallTime now);

// True where nothing narrows the choice; a limit alone does not.
bool is_everything(const queue::Filter& filter);

// What release jobs show; durations have become times.
boost::json::object filter_json(const queue::Filter& filter);

// Digits only, at most 2⁶⁴-1.
Result<std::uint64_t> parse_number(std::string_view key, std::string_view text);

}  // namespace siding::control
