#include "cli/quantities.hpp"

#include <array>
#include <fmt/format.h>

namespace siding::cli {

using namespace std::chrono_literals;

std::string human_count(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t from_end = 3; from_end < digits.size(); from_end += 4) {
        digits.insert(digits.size() - from_end, 1, ',');
    }
    return digits;
}

std::string human_size(std::uint64_t octets) {
    static constexpr std::array units{"KiB", "MiB", "GiB", "TiB"};
    if (octets < 1024) {
        return fmt::format("{} B", octets);
    }
    double amount = static_cast<double>(octets) / 1024;
    std::size_t unit = 0;
    // 1023.5 would be printed as "1024".
    while (amount >= 1023.5 && unit + 1 < units.size()) {
        amount /= 1024;
        ++unit;
    }
    return amount < 9.95 ? fmt::format("{:.1f} {}", amount, units[unit])
                         : fmt::format("{:.0f} {}", amount, units[unit]);
}

std::string human_duration(std::chrono::milliseconds duration) {
    if (duration < 1min) {
        return fmt::format("{}s", duration / 1s);
    }
    if (duration < 1h) {
        return fmt::format("{}m", duration / 1min);
    }
    if (duration < 48h) {
        return fmt::format("{}h", duration / 1h);
    }
    return fmt::format("{}d", duration / 24h);
}

std::string human_age(std::optional<WallTime> time, WallTime now) {
    if (!time) {
        return "-";
    }
    return human_duration(std::max(now - *time, 0ms)) + " ago";
}

std::string human_wait(std::optional<WallTime> time, WallTime now) {
    if (!time) {
        return "-";
    }
    return *time - now < 1s ? "now" : "in " + human_duration(*time - now);
}

std::string human_time(WallTime time) {
    std::string text = format_time(time);
    text.replace(text.find('T'), 1, " ");
    return text.substr(0, text.find('.')) + "Z";
}

std::string counted(std::uint64_t number, std::string_view noun) {
    return fmt::format("{} {}{}", human_count(number), noun, number == 1 ? "" : "s");
}

}  // namespace siding::cli
