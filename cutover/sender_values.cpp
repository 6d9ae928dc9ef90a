#include "cutover/sender_values.hpp"

#include <charconv>
#include <fmt/format.h>
#include <vector>

namespace siding::cutover {
namespace {

std::vector<std::string_view> split(std::string_view text, char at) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find(at);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

template <typename T>
bool parse_into(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

bool parse_into(std::string_view text, WallTime& at) {
    std::int64_t millis = 0;
    const bool good = parse_into(text, millis);
    at = WallTime{std::chrono::milliseconds{millis}};
    return good;
}

bool parse_into(std::string_view text, std::optional<WallTime>& at) {
    if (text == "-") {
        at.reset();
        return true;
    }
    return parse_into(text, at.emplace());
}

std::int64_t millis(WallTime at) {
    return at.time_since_epoch().count();
}

std::string millis(const std::optional<WallTime>& at) {
    return at ? fmt::format("{}", millis(*at)) : "-";
}

}  // namespace

std::string format_provider(const ProviderValue& value) {
    return fmt::format(
        "{} {} {} {}", value.imported, value.learned, millis(value.at_siding), millis(value.at_old)
    );
}

std::optional<ProviderValue> parse_provider(std::string_view text) {
    const auto parts = split(text, ' ');
    ProviderValue value;
    const bool good = parts.size() == 4 && parse_into(parts[0], value.imported) &&
                      parse_into(parts[1], value.learned) &&
                      parse_into(parts[2], value.at_siding) && parse_into(parts[3], value.at_old);
    return good ? std::optional{value} : std::nullopt;
}

std::string format_baseline(const SenderBaseline& baseline) {
    std::string text =
        fmt::format("{} {} {}", baseline.messages, millis(baseline.first), millis(baseline.last));
    for (const std::uint64_t messages : baseline.hours) {
        text += fmt::format(" {}", messages);
    }
    return text;
}

std::optional<SenderBaseline> parse_baseline(std::string_view text) {
    const auto parts = split(text, ' ');
    SenderBaseline baseline;
    if (parts.size() != 3 + baseline.hours.size() || !parse_into(parts[0], baseline.messages) ||
        !parse_into(parts[1], baseline.first) || !parse_into(parts[2], baseline.last)) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < baseline.hours.size(); ++i) {
        if (!parse_into(parts[3 + i], baseline.hours.at(i))) {
            return std::nullopt;
        }
    }
    return baseline;
}

std::string format_hours(const HoursValue& value) {
    std::string text = "1";
    for (const auto& [hour, messages] : value.messages) {
        text += fmt::format(" m{}:{}", hour, messages);
    }
    for (const auto& [hour, stragglers] : value.dropped) {
        text += fmt::format(" d{}:{}", hour, stragglers);
    }
    return text;
}

std::optional<HoursValue> parse_hours(std::string_view text) {
    const auto parts = split(text, ' ');
    HoursValue value;
    if (parts[0] != "1") {
        return std::nullopt;
    }
    for (std::size_t i = 1; i < parts.size(); ++i) {
        const bool is_message = parts[i].starts_with('m');
        if (!is_message && !parts[i].starts_with('d')) {
            return std::nullopt;
        }
        const auto pair = split(parts[i].substr(1), ':');
        std::int64_t hour = 0;
        std::uint64_t count = 0;
        if (pair.size() != 2 || !parse_into(pair[0], hour) || !parse_into(pair[1], count)) {
            return std::nullopt;
        }
        (is_message ? value.messages : value.dropped)[hour] = count;
    }
    return value;
}

std::string straggler_key(WallTime at, std::uint64_t number) {
    return fmt::format("{:016}-{}", millis(at), number);
}

std::optional<std::uint64_t> parse_straggler_key(std::string_view key) {
    const auto parts = split(key, '-');
    std::uint64_t number = 0;
    return parts.size() == 2 && parse_into(parts[1], number) ? std::optional{number} : std::nullopt;
}

std::string format_straggler(const Straggler& straggler) {
    return fmt::format(
        "{}\t{}\t{}\t{}\t{}\t{}\t{}",
        millis(straggler.at),
        straggler.is_spam ? 1 : 0,
        straggler.is_old_server ? 1 : 0,
        straggler.provider,
        straggler.client_address,
        straggler.client_name,
        straggler.sender
    );
}

std::optional<Straggler> parse_straggler(std::string_view text) {
    const auto parts = split(text, '\t');
    Straggler straggler;
    if (parts.size() != 7 || !parse_into(parts[0], straggler.at)) {
        return std::nullopt;
    }
    straggler.is_spam = parts[1] == "1";
    straggler.is_old_server = parts[2] == "1";
    straggler.provider = parts[3];
    straggler.client_address = parts[4];
    straggler.client_name = parts[5];
    straggler.sender = parts[6];
    return straggler;
}

}  // namespace siding::cutover
