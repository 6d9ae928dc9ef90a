#include "cutover/log_time.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <ctime>

namespace siding::cutover {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 12> months{
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Digits of a fixed width, with `padding` allowed in front.
std::optional<int> number(std::string_view text, char padding = '0') {
    while (text.size() > 1 && text.front() == padding) {
        text.remove_prefix(1);
    }
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool good = error == std::errc{} && end == text.data() + text.size() && value >= 0;
    return good ? std::optional{value} : std::nullopt;
}

struct Day {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
};

std::optional<std::chrono::sys_days> to_days(const Day& day) {
    const std::chrono::year_month_day date{
        std::chrono::year{day.year}, std::chrono::month{day.month}, std::chrono::day{day.day}};
    return date.ok() ? std::optional{std::chrono::sys_days{date}} : std::nullopt;
}

// "14:07:30"
std::optional<std::chrono::seconds> parse_clock(std::string_view text) {
    if (text.size() != 8 || text[2] != ':' || text[5] != ':') {
        return std::nullopt;
    }
    const auto hour = number(text.substr(0, 2));
    const auto minute = number(text.substr(3, 2));
    const auto second = number(text.substr(6, 2));
    if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) {
        return std::nullopt;
    }
    return std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
           std::chrono::seconds{*second};
}

// "Z", "+01:00", "-0330"
std::optional<std::chrono::minutes> parse_zone(std::string_view text) {
    if (text == "Z") {
        return 0min;
    }
    const bool has_colon = text.size() == 6 && text[3] == ':';
    if ((text.size() != 5 && !has_colon) || (text[0] != '+' && text[0] != '-')) {
        return std::nullopt;
    }
    const auto hour = number(text.substr(1, 2));
    const auto minute = number(text.substr(has_colon ? 4 : 3, 2));
    if (!hour || !minute || *hour > 23 || *minute > 59) {
        return std::nullopt;
    }
    const auto offset = std::chrono::hours{*hour} + std::chrono::minutes{*minute};
    return text[0] == '-' ? -offset : offset;
}

// "Nov 21 14:07:30": the newest such time that is not in the future.
std::optional<WallTime> parse_syslog_time(std::string_view text, const LogTime& time) {
    std::size_t month = 0;
    while (month < months.size() && months.at(month) != text.substr(0, 3)) {
        ++month;
    }
    const auto day = number(text.substr(4, 2), ' ');
    const auto clock = parse_clock(text.substr(7, 8));
    if (month == months.size() || text[3] != ' ' || text[6] != ' ' || !day || !clock) {
        return std::nullopt;
    }
    const auto today = std::chrono::floor<std::chrono::days>(time.now + time.utc_offset);
    const int year = static_cast<int>(std::chrono::year_month_day{today}.year());
    // Nine years back there has been a 29 February.
    for (int back = -1; back < 9; ++back) {
        const auto days =
            to_days({year - back, static_cast<unsigned>(month + 1), static_cast<unsigned>(*day)});
        if (!days) {
            continue;
        }
        const WallTime at = *days + *clock - time.utc_offset;
        if (at <= time.now + 24h) {
            return at;
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<WallTime> parse_iso_time(std::string_view text) {
    if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T') {
        return std::nullopt;
    }
    const auto year = number(text.substr(0, 4));
    const auto month = number(text.substr(5, 2));
    const auto day = number(text.substr(8, 2));
    const auto clock = parse_clock(text.substr(11, 8));
    if (!year || !month || !day || !clock) {
        return std::nullopt;
    }
    std::string_view rest = text.substr(19);
    std::chrono::milliseconds fraction{0};
    if (rest.starts_with('.')) {
        const auto end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
        std::int64_t unit = 100;
        for (std::size_t i = 1; i < end && unit > 0; ++i, unit /= 10) {
            fraction += std::chrono::milliseconds{(rest[i] - '0') * unit};
        }
        rest.remove_prefix(end);
    }
    const auto zone = parse_zone(rest);
    const auto days = to_days({*year, static_cast<unsigned>(*month), static_cast<unsigned>(*day)});
    if (!zone || !days) {
        return std::nullopt;
    }
    return *days + *clock + fraction - *zone;
}

std::optional<WallTime> take_syslog_time(std::string_view& line, const LogTime& time) {
    constexpr std::size_t syslog_octets = 15;
    if (line.size() > syslog_octets && line[syslog_octets] == ' ') {
        if (const auto at = parse_syslog_time(line.substr(0, syslog_octets), time)) {
            line.remove_prefix(syslog_octets + 1);
            return at;
        }
    }
    const auto space = line.find(' ');
    if (space == std::string_view::npos) {
        return std::nullopt;
    }
    const auto at = parse_iso_time(line.substr(0, space));
    if (at) {
        line.remove_prefix(space + 1);
    }
    return at;
}

std::chrono::minutes local_offset(WallTime at) {
    const std::time_t seconds =
        std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return std::chrono::minutes{parts.tm_gmtoff / 60};
}

}  // namespace siding::cutover
