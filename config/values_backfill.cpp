// Values of the backfill and of the DNS watch: shares, parts of a day, URLs of token endpoints.
#include "base/bytes.hpp"
#include "config/units.hpp"
#include "config/values.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::config {
namespace {

Error refuse(const Key& key, std::string_view text) {
    return {
        Errc::invalid_argument,
        fmt::format("'{}' is not accepted; allowed: {}", escape(text), allowed_values(key))};
}

}  // namespace

Result<double> share_value(const Key& key, std::string_view text) {
    const auto millionths = parse_share(text);
    const bool good = millionths && *millionths >= key.min && *millionths <= key.max;
    return good ? Result<double>{static_cast<double>(*millionths) / 1e6} : refuse(key, text);
}

Result<DayTime> day_time_value(const Key& key, std::string_view text) {
    const auto part = parse_day_time(text);
    return part ? part : refuse(key, text);
}

Result<std::string> https_url_value(const Key& key, std::string_view text) {
    const bool printable = std::ranges::all_of(text, [](char c) {
        return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '#';
    });
    const auto start = text.find("://");
    if (!printable || start == std::string_view::npos) {
        return refuse(key, text);
    }
    const std::string_view scheme = text.substr(0, start);
    const std::string_view rest = text.substr(start + 3);
    const auto host = parse_endpoint(rest.substr(0, rest.find_first_of("/?")), std::uint16_t{443});
    const bool good = host && host->port != 0 &&
                      (scheme == "https" || (scheme == "http" && is_loopback_address(host->host)));
    return good ? Result<std::string>{std::string{text}} : refuse(key, text);
}

Result<Endpoint> parse_server(std::string_view text, std::uint16_t default_port) {
    SIDING_ASSIGN(Endpoint endpoint, parse_endpoint(text, default_port));
    if (endpoint.port == 0) {
        return Error{Errc::invalid_argument, "nobody listens on port 0; allowed: 1 to 65535"};
    }
    return endpoint;
}

}  // namespace siding::config
