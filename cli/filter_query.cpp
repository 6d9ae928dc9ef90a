#include "cli/filter_query.hpp"

#include "base/clock.hpp"

#include <boost/json/serialize.hpp>

namespace siding::cli {

boost::json::object filter_json(const queue::Filter& filter) {
    boost::json::object out;
    if (filter.domain) {
        out["domain"] = filter.domain->text();
    }
    if (filter.wave) {
        out["wave"] = *filter.wave;
    }
    if (filter.recipient) {
        out["recipient"] = *filter.recipient;
    }
    if (filter.sender) {
        out["sender"] = *filter.sender;
    }
    if (filter.state) {
        out["state"] = queue::format_state(*filter.state);
    }
    if (filter.since) {
        out["since"] = format_time(*filter.since);
    }
    if (filter.before) {
        out["before"] = format_time(*filter.before);
    }
    if (filter.larger_octets) {
        out["larger"] = *filter.larger_octets;
    }
    if (filter.message) {
        out["id"] = filter.recipient_number
                        ? RecipientId{*filter.message, *filter.recipient_number}.text()
                        : filter.message->text();
    }
    if (filter.limit) {
        out["limit"] = *filter.limit;
    }
    return out;
}

net::HttpQuery filter_query(const queue::Filter& filter) {
    net::HttpQuery out;
    for (const auto& [key, value] : filter_json(filter)) {
        out[std::string{key}] =
            value.is_string() ? std::string{value.get_string()} : boost::json::serialize(value);
    }
    return out;
}

bool is_empty(const queue::Filter& filter) {
    queue::Filter rest = filter;
    rest.limit.reset();
    return filter_json(rest).empty();
}

}  // namespace siding::cli
