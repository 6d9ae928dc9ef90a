#include "backfill/copy_window.hpp"

#include "base/bytes.hpp"
#include "config/units.hpp"

#include <fmt/format.h>

namespace siding::backfill {
namespace {

constexpr std::size_t date_octets = 10;  // "2026-10-01"

Result<std::optional<WallTime>> parse_moment(
    std::string_view key, std::string_view text, WallTime now
) {
    if (text.empty()) {
        return std::optional<WallTime>{};
    }
    const bool is_date = text.size() == date_octets && text.find('-') != std::string_view::npos;
    if (const auto time =
            parse_time(is_date ? std::string{text} + "T00:00:00Z" : std::string{text})) {
        return std::optional<WallTime>{*time};
    }
    const auto age = config::parse_duration(text);
    if (!age) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "'{}' is a date (2026-10-01, 2026-10-01T12:00:00Z) or an age (30d, 12h), not '{}'",
                key,
                escape(text)
            )};
    }
    return std::optional<WallTime>{now - *age};
}

}  // namespace

bool CopyWindow::has(
    const std::optional<WallTime>& date, const std::optional<std::uint64_t>& octets
) const {
    if ((since || before) && !date) {
        return false;
    }
    if (octets_max && (!octets || *octets > *octets_max)) {
        return false;
    }
    return (!since || *date >= *since) && (!before || *date < *before);
}

Result<CopyWindow> parse_window(const WindowWords& words, WallTime now) {
    CopyWindow window;
    SIDING_ASSIGN(window.since, parse_moment("since", words.since, now));
    SIDING_ASSIGN(window.before, parse_moment("before", words.before, now));
    if (window.since && *window.since > now) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "'since' is {}, and nothing has come since: it is {} now",
                format_time(*window.since),
                format_time(now)
            )};
    }
    if (window.since && window.before && *window.before <= *window.since) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "nothing is since {} and before {}",
                format_time(*window.since),
                format_time(*window.before)
            )};
    }
    if (!words.octets_max.empty()) {
        auto octets = config::parse_size(words.octets_max);
        if (!octets) {
            return with_context(std::move(octets).error(), "'max_size'");
        }
        window.octets_max = *octets;
    }
    return window;
}

std::string format_window(const CopyWindow& window) {
    std::string text;
    const auto add = [&text](std::string_view words, const std::string& value) {
        text += text.empty() ? "" : ", ";
        text += words;
        text += value;
    };
    if (window.since) {
        add("since ", format_time(*window.since));
    }
    if (window.before) {
        add("before ", format_time(*window.before));
    }
    if (window.octets_max) {
        add("at most ", config::format_size(*window.octets_max));
    }
    return text;
}

}  // namespace siding::backfill
