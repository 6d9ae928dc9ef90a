#include "config/values.hpp"

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace siding::config {
namespace {

Error refuse(const Key& key, std::string_view text) {
    return {
        Errc::invalid_argument,
        fmt::format("'{}' is not accepted; allowed: {}", escape(text), allowed_values(key))};
}

bool in_range(const Key& key, std::uint64_t amount) {
    return amount >= key.min && amount <= key.max;
}

}  // namespace

Result<std::uint64_t> size_value(const Key& key, std::string_view text) {
    const auto size = parse_size(text);
    return size && in_range(key, *size) ? size : refuse(key, text);
}

Result<std::chrono::milliseconds> duration_value(const Key& key, std::string_view text) {
    const auto duration = parse_duration(text);
    const bool good = duration && in_range(key, static_cast<std::uint64_t>(duration->count()));
    return good ? duration : refuse(key, text);
}

Result<std::uint64_t> count_value(const Key& key, std::string_view text) {
    const auto count = parse_count(text);
    return count && in_range(key, *count) ? count : refuse(key, text);
}

Result<bool> flag_value(const Key& key, std::string_view text) {
    if (text != "true" && text != "false") {
        return refuse(key, text);
    }
    return text == "true";
}

Result<unsigned> percent_value(const Key& key, std::string_view text) {
    const auto percent = parse_percent(text);
    return percent && in_range(key, *percent) ? percent : refuse(key, text);
}

Result<std::size_t> choice_index(const Key& key, std::string_view text) {
    const auto choices = split_choices(key.choices);
    const auto found = std::ranges::find(choices, text);
    if (found == choices.end()) {
        return refuse(key, text);
    }
    return static_cast<std::size_t>(found - choices.begin());
}

Result<std::string> word_value(const Key& key, std::string_view text) {
    SIDING_TRY(choice_index(key, text));
    return std::string{text};
}

Result<std::optional<unsigned>> threads_value(const Key& key, std::string_view text) {
    if (text == "auto") {
        return std::optional<unsigned>{};
    }
    SIDING_ASSIGN(const std::uint64_t count, count_value(key, text));
    return std::optional{static_cast<unsigned>(count)};
}

Result<DiskReserve> reserve_value(const Key& key, std::string_view text) {
    auto reserve = DiskReserve::parse(text);
    return reserve ? reserve : refuse(key, text);
}

Result<std::string> hostname_value(const Key& key, std::string_view text) {
    const auto name = Domain::parse(text);
    const bool full = name && name->text().find('.') != std::string::npos;
    return full && !is_ip_address(text) ? Result<std::string>{name->text()} : refuse(key, text);
}

Result<WallTime> time_value(const Key& key, std::string_view text) {
    const auto time = parse_time(text);
    return time ? time : refuse(key, text);
}

Result<std::string> path_value(const Key& key, std::string_view text) {
    const bool good = text.starts_with('/') && text.find('\0') == std::string_view::npos;
    return good ? Result<std::string>{std::string{text}} : refuse(key, text);
}

Result<std::string> text_value(const Key& key, std::string_view text) {
    return is_utf8(text) && !text.empty() ? Result<std::string>{std::string{text}}
                                          : refuse(key, text);
}

Result<std::string> url_value(const Key&, std::string_view text) {
    SIDING_ASSIGN(const Endpoint endpoint, parse_http_url(text));
    return "http://" + format_endpoint(endpoint);
}

Result<std::string> address_value(const Key& key, std::string_view text) {
    if (text == "<>") {
        return std::string{};
    }
    const bool printable = std::ranges::all_of(text, [](char c) {
        return c > ' ' && c < 0x7f && c != '<' && c != '>';
    });
    const auto address = Address::parse(text);
    return address && printable ? Result<std::string>{address->text()} : refuse(key, text);
}

Result<std::string> delimiter_value(const Key& key, std::string_view text) {
    constexpr std::string_view allowed = "+-=_#.!~";
    const bool good =
        text.empty() || (text.size() == 1 && allowed.find(text[0]) != std::string_view::npos);
    return good ? Result<std::string>{std::string{text}} : refuse(key, text);
}

Result<Network> network_value(const Key&, std::string_view text) {
    return Network::parse(text);
}

Result<std::string> FileValue::operator()(const Key& key, std::string_view text) const {
    if (text.empty() || text.find('\0') != std::string_view::npos) {
        return refuse(key, text);
    }
    return (std::filesystem::path{directory_} / text).lexically_normal().string();
}

Result<Endpoint> listener_value(const Key&, std::string_view text) {
    SIDING_ASSIGN(Endpoint endpoint, parse_endpoint(text));
    if (!is_ip_address(endpoint.host)) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "'{}' is a name; a listener is an IP address and port, such as [::]:25, "
                "0.0.0.0:25 or 127.0.0.1:2525",
                escape(text)
            )};
    }
    return endpoint;
}

Result<Endpoint> server_value(const Key&, std::string_view text) {
    constexpr std::uint16_t smtp_port = 25;
    return parse_server(text, smtp_port);
}

Result<Endpoint> loopback_value(const Key&, std::string_view text) {
    SIDING_ASSIGN(Endpoint endpoint, parse_endpoint(text));
    if (!is_loopback_address(endpoint.host)) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "'{}' can be reached from outside; allowed: a loopback address, such as "
                "127.0.0.1:8025 or [::1]:8025",
                escape(text)
            )};
    }
    return endpoint;
}

Result<Phase> phase_value(const Key& key, std::string_view text) {
    SIDING_TRY(choice_index(key, text));
    return parse_phase(text);
}

Result<LogLevel> log_level_value(const Key& key, std::string_view text) {
    SIDING_TRY(choice_index(key, text));
    return parse_log_level(text);
}

}  // namespace siding::config
