#include "config/units.hpp"

#include "base/bytes.hpp"

#include <array>
#include <charconv>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <span>

namespace siding::config {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// Largest first: the formatter takes the first one that divides.
constexpr std::array duration_units{
    Unit{"d", 86'400'000},
    Unit{"h", 3'600'000},
    Unit{"m", 60'000},
    Unit{"s", 1'000},
    Unit{"ms", 1}};
constexpr std::array size_units{
    Unit{"TiB", 1ull << 40},
    Unit{"GiB", 1ull << 30},
    Unit{"MiB", 1ull << 20},
    Unit{"KiB", 1ull << 10},
    Unit{"B", 1}};

struct Quantity {
    std::uint64_t number;
    std::string_view unit;
};

std::optional<Quantity> split(std::string_view text) {
    Quantity quantity{};
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, quantity.number);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    quantity.unit = {rest, static_cast<std::size_t>(end - rest)};
    return quantity;
}

std::optional<std::uint64_t> parse_with(
    std::span<const Unit> units, std::uint64_t amount_max, std::string_view text
) {
    const auto quantity = split(text);
    if (!quantity) {
        return std::nullopt;
    }
    for (const Unit& unit : units) {
        if (unit.name == quantity->unit && quantity->number <= amount_max / unit.factor) {
            return quantity->number * unit.factor;
        }
    }
    return std::nullopt;
}

std::string format_with(std::span<const Unit> units, std::uint64_t amount) {
    for (const Unit& unit : units) {
        if (amount >= unit.factor && amount % unit.factor == 0) {
            return fmt::format("{}{}", amount / unit.factor, unit.name);
        }
    }
    return fmt::format("0{}", units.back().name);
}

Error not_a(std::string_view what, std::string_view text, std::string_view how) {
    return {
        Errc::invalid_argument, fmt::format("'{}' is not {}; write {}", escape(text), what, how)};
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    constexpr auto max = std::numeric_limits<std::chrono::milliseconds::rep>::max();
    const auto millis = parse_with(duration_units, static_cast<std::uint64_t>(max), text);
    if (!millis) {
        return not_a("a duration", text, "a number with ms, s, m, h or d, such as 30s");
    }
    return std::chrono::milliseconds{*millis};
}

std::string format_duration(std::chrono::milliseconds duration) {
    return format_with(duration_units, static_cast<std::uint64_t>(duration.count()));
}

Result<std::uint64_t> parse_size(std::string_view text) {
    const auto octets = parse_with(size_units, std::numeric_limits<std::uint64_t>::max(), text);
    if (!octets) {
        return not_a("a size", text, "a number with B, KiB, MiB, GiB or TiB, such as 50MiB");
    }
    return *octets;
}

std::string format_size(std::uint64_t size_bytes) {
    return format_with(size_units, size_bytes);
}

Result<unsigned> parse_percent(std::string_view text) {
    const auto quantity = split(text);
    if (!quantity || quantity->unit != "%" || quantity->number > 100) {
        return not_a("a percentage", text, "a number from 0 to 100 with %, such as 5%");
    }
    return static_cast<unsigned>(quantity->number);
}

std::string format_percent(unsigned percent) {
    return fmt::format("{}%", percent);
}

Result<std::uint64_t> parse_share(std::string_view text) {
    constexpr std::size_t digits_max = 4;
    const Error wrong =
        not_a("a percentage", text, "a number from 0 to 100 with %, such as 99% or 0.1%");
    if (!text.ends_with('%')) {
        return wrong;
    }
    const std::string_view number = text.substr(0, text.size() - 1);
    const auto point = number.find('.');
    const auto whole = parse_count(number.substr(0, point));
    std::string fraction{point == std::string_view::npos ? "0" : number.substr(point + 1)};
    if (!whole || *whole > 100 || fraction.empty() || fraction.size() > digits_max) {
        return wrong;
    }
    fraction.resize(digits_max, '0');
    const auto parts = parse_count(fraction);
    if (!parts || *whole * 10'000 + *parts > 1'000'000) {
        return wrong;
    }
    return *whole * 10'000 + *parts;
}

std::string format_share(std::uint64_t millionths) {
    std::string text = fmt::format("{}.{:04}", millionths / 10'000, millionths % 10'000);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) {
        text.pop_back();
    }
    return text + "%";
}

Result<DayTime> parse_day_time(std::string_view text) {
    constexpr std::chrono::minutes day = std::chrono::hours{24};
    const auto minutes_of = [](std::string_view word) -> std::optional<std::chrono::minutes> {
        if (word.size() != 5 || word[2] != ':') {
            return std::nullopt;
        }
        const auto hour = parse_count(word.substr(0, 2));
        const auto minute = parse_count(word.substr(3));
        if (!hour || !minute || *minute >= 60) {
            return std::nullopt;
        }
        return std::chrono::minutes{*hour * 60 + *minute};
    };
    const auto dash = text.find('-');
    const auto from = minutes_of(text.substr(0, dash));
    const auto to = dash == std::string_view::npos ? from : minutes_of(text.substr(dash + 1));
    if (!from || !to || *from == *to || *from >= day || *to > day) {
        return not_a("a part of a day", text, "hours and minutes, such as 08:00-18:00");
    }
    return DayTime{*from, *to};
}

std::string format_day_time(const DayTime& part) {
    const auto clock = [](std::chrono::minutes time) {
        return fmt::format("{:02}:{:02}", time.count() / 60, time.count() % 60);
    };
    return fmt::format("{}-{}", clock(part.from), clock(part.to));
}

Result<std::uint64_t> parse_count(std::string_view text) {
    const auto quantity = split(text);
    if (!quantity || !quantity->unit.empty()) {
        return not_a("a number", text, "digits only, such as 100");
    }
    return quantity->number;
}

}  // namespace siding::config
