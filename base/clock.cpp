#include "base/clock.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <fmt/format.h>

namespace siding {
namespace {

std::time_t to_time_t(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace

WallTime SystemClock::now() const {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

WallTime ManualClock::now() const {
    return WallTime{std::chrono::milliseconds{millis_.load()}};
}

void ManualClock::advance(std::chrono::milliseconds by) {
    millis_ += by.count();
}

std::string format_time(WallTime time) {
    const std::time_t seconds = to_time_t(time);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    const auto millis = (time - std::chrono::floor<std::chrono::seconds>(time)).count();
    return fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        parts.tm_year + 1900,
        parts.tm_mon + 1,
        parts.tm_mday,
        parts.tm_hour,
        parts.tm_min,
        parts.tm_sec,
        millis
    );
}

Result<WallTime> parse_time(std::string_view text) {
    const std::string copy{text};
    std::tm parts{};
    const char* rest = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    int millis = 0;
    int used = 0;
    if (rest != nullptr && *rest == '.') {
        if (std::sscanf(rest, ".%3d%n", &millis, &used) != 1 || used != 4) {
            rest = nullptr;
        } else {
            rest += used;
        }
    }
    if (rest == nullptr || std::string_view{rest} != "Z") {
        return Error{
            Errc::invalid_argument,
            fmt::format("'{}' is not a time; write it in UTC like 2026-11-21T14:07:30Z", text)};
    }
    return WallTime{std::chrono::seconds{timegm(&parts)} + std::chrono::milliseconds{millis}};
}

std::string format_rfc5322_date(WallTime time) {
    static constexpr std::array<const char*, 7> days{
        "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array<const char*, 12> months{
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = to_time_t(time);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    const long offset = parts.tm_gmtoff / 60;
    return fmt::format(
        "{}, {} {} {} {:02}:{:02}:{:02} {}{:02}{:02} ({})",
        days[static_cast<std::size_t>(parts.tm_wday)],
        parts.tm_mday,
        months[static_cast<std::size_t>(parts.tm_mon)],
        parts.tm_year + 1900,
        parts.tm_hour,
        parts.tm_min,
        parts.tm_sec,
        offset < 0 ? '-' : '+',
        std::abs(offset) / 60,
        std::abs(offset) % 60,
        parts.tm_zone
    );
}

}  // namespace siding
