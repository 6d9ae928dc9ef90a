#include "cli/backfill_eta.hpp"

#include "cli/document.hpp"
#include "cli/quantities.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <fmt/format.h>

namespace siding::cli {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr std::size_t days_shown_max = 6;

std::string day_words(std::chrono::sys_days day) {
    constexpr std::array weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array months{
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::chrono::year_month_day date{day};
    return fmt::format(
        "{} {} {}",
        weekdays.at(std::chrono::weekday{day}.c_encoding()),
        static_cast<unsigned>(date.day()),
        months.at(static_cast<unsigned>(date.month()) - 1)
    );
}

std::string clock_words(WallTime time) {
    return format_time(time).substr(11, 5);
}

}  // namespace

std::string decimal_size(std::uint64_t octets) {
    constexpr std::array units{"B", "kB", "MB", "GB", "TB"};
    double size = static_cast<double>(octets);
    std::size_t unit = 0;
    for (; size >= 999.5 && unit + 1 < units.size(); ++unit) {
        size /= 1000;
    }
    return unit == 0 || size >= 9.95 ? fmt::format("{:.0f} {}", size, units.at(unit))
                                     : fmt::format("{:.1f} {}", size, units.at(unit));
}

std::string eta_words(const json::object& document, WallTime now) {
    const auto done = time_at(object_at(document, "eta"), "done_at");
    if (!done) {
        return "";
    }
    const auto left = *done - now;
    if (left < 1h) {
        return human_duration(std::max<std::chrono::milliseconds>(left, 1s));
    }
    const auto day = std::chrono::floor<std::chrono::days>(*done);
    if (day == std::chrono::floor<std::chrono::days>(now)) {
        return clock_words(*done) + " UTC";
    }
    const WallTime about = std::chrono::round<std::chrono::hours>(*done);
    return day_words(std::chrono::floor<std::chrono::days>(about)) + " about " +
           clock_words(about) + " UTC";
}

std::string calendar_words(const json::object& document) {
    const json::array& days = array_at(object_at(document, "eta"), "days");
    if (days.size() < 2) {
        return "";
    }
    std::string text;
    for (std::size_t at = 0; at < days.size(); ++at) {
        const bool is_shown = at + 1 < days_shown_max || at + 1 == days.size();
        if (!is_shown) {
            text += at + 1 == days_shown_max ? " · …" : "";
            continue;
        }
        const json::object& day = days[at].get_object();
        const auto time = parse_time(text_at(day, "day") + "T00:00:00Z");
        if (!time) {
            return "";
        }
        text += text.empty() ? "" : " · ";
        text += day_words(std::chrono::floor<std::chrono::days>(*time)) + " " +
                decimal_size(number_at(day, "octets"));
    }
    return text;
}

std::string outlook_words(const json::object& document, WallTime now) {
    const std::uint64_t left = number_at(document, "octets_left");
    if (left == 0) {
        return "";
    }
    std::string text = "about " + decimal_size(left) + " left";
    if (const auto rate = number_at(document, "octets_per_second"); rate > 0) {
        text += ", " + decimal_size(rate) + "/s";
    }
    const auto done = time_at(object_at(document, "eta"), "done_at");
    const std::string eta = eta_words(document, now);
    if (done && !eta.empty()) {
        text += (*done - now < 1h ? "; done in " : "; done by ") + eta;
    }
    return text;
}

std::string hold_words(const json::object& account) {
    return text_at(object_at(account, "hold"), "reason");
}

}  // namespace siding::cli
