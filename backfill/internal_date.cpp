#include "backfill/internal_date.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <fmt/format.h>
#include <optional>

namespace siding::backfill {
namespace {

constexpr std::array<std::string_view, 12> months = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr unsigned zone_hours_max = 23;

// Takes pieces from the front; once one is missing, is_good() stays false.
class Reader {
public:
    explicit Reader(std::string_view text) : text_{text} {}

    unsigned number(std::size_t digits_min, std::size_t digits_max) {
        unsigned value = 0;
        std::size_t count = 0;
        while (count < std::min(digits_max, text_.size()) && text_[count] >= '0' &&
               text_[count] <= '9') {
            value = value * 10 + static_cast<unsigned>(text_[count] - '0');
            ++count;
        }
        is_good_ = is_good_ && count >= digits_min;
        text_.remove_prefix(count);
        return value;
    }

    void literal(char c) {
        is_good_ = is_good_ && text_.starts_with(c);
        text_.remove_prefix(std::min<std::size_t>(1, text_.size()));
    }

    unsigned month() {
        const std::string_view word = text_.substr(0, 3);
        const auto* const found = std::ranges::find_if(months, [&](std::string_view month) {
            return equals_ignoring_case(month, word);
        });
        is_good_ = is_good_ && found != months.end();
        text_.remove_prefix(word.size());
        return static_cast<unsigned>(found - months.begin()) + 1;
    }

    void blanks() { text_.remove_prefix(std::min(text_.find_first_not_of(' '), text_.size())); }

    std::optional<char> sign() {
        if (!text_.starts_with('+') && !text_.starts_with('-')) {
            return std::nullopt;
        }
        const char c = text_[0];
        text_.remove_prefix(1);
        return c;
    }

    bool at_end() const { return text_.empty(); }
    bool is_good() const { return is_good_; }
    void refuse() { is_good_ = false; }

private:
    std::string_view text_;
    bool is_good_ = true;
};

std::chrono::minutes read_zone(Reader& reader) {
    reader.blanks();
    if (reader.at_end()) {
        return std::chrono::minutes{0};
    }
    const auto sign = reader.sign();
    const unsigned hours = reader.number(2, 2);
    const unsigned minutes = reader.number(2, 2);
    reader.blanks();
    if (!sign || hours > zone_hours_max || minutes > 59 || !reader.at_end()) {
        reader.refuse();
    }
    const std::chrono::minutes zone{hours * 60 + minutes};
    return sign == '-' ? -zone : zone;
}

}  // namespace

Result<InternalDate> parse_internal_date(std::string_view text) {
    const auto refuse = [&] {
        return Error{Errc::invalid_argument, "no date: \"" + escape(text, 64) + "\""};
    };
    Reader reader{text};
    reader.blanks();
    const unsigned day = reader.number(1, 2);
    reader.literal('-');
    const unsigned month = reader.month();
    reader.literal('-');
    const unsigned year = reader.number(4, 4);
    reader.literal(' ');
    reader.blanks();
    const unsigned hour = reader.number(1, 2);
    reader.literal(':');
    const unsigned minute = reader.number(2, 2);
    reader.literal(':');
    const unsigned second = reader.number(2, 2);
    const std::chrono::minutes zone = read_zone(reader);
    const std::chrono::year_month_day date{
        std::chrono::year{static_cast<int>(year)},
        std::chrono::month{month},
        std::chrono::day{day}};
    if (!reader.is_good() || !date.ok() || hour > 23 || minute > 59 || second > 60) {
        return refuse();
    }
    // RFC 9051 §9 has a leap second; time here has none.
    const auto time = std::chrono::sys_days{date} + std::chrono::hours{hour} +
                      std::chrono::minutes{minute} + std::chrono::seconds{std::min(second, 59U)} -
                      zone;
    if (time.time_since_epoch().count() < 0) {
        return refuse();
    }
    return InternalDate{time, zone};
}

std::string format_internal_date(const InternalDate& date) {
    const auto local = std::chrono::floor<std::chrono::seconds>(date.time) + date.zone;
    const auto days = std::chrono::floor<std::chrono::days>(local);
    const std::chrono::year_month_day day{days};
    const std::chrono::hh_mm_ss clock{local - days};
    const auto zone = std::chrono::abs(date.zone).count();
    return fmt::format(
        "{:>2}-{}-{:04} {:02}:{:02}:{:02} {}{:02}{:02}",
        static_cast<unsigned>(day.day()),
        months.at(static_cast<unsigned>(day.month()) - 1),
        static_cast<int>(day.year()),
        clock.hours().count(),
        clock.minutes().count(),
        clock.seconds().count(),
        date.zone.count() < 0 ? '-' : '+',
        zone / 60,
        zone % 60
    );
}

}  // namespace siding::backfill
