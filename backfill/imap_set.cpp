#include "backfill/imap_set.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

constexpr std::uint64_t max = UINT64_MAX;

Error not_a_set(std::string_view text) {
    return {Errc::invalid_argument, "no set of numbers: \"" + escape(text, 64) + "\""};
}

Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t star) {
    if (text == "*") {
        return star;
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return not_a_set(text);
    }
    return number;
}

// Calls `take(first, last)` for each part, as written: first may be above last.
template <typename Take>
Result<void> for_each_part(std::string_view text, std::uint64_t star, Take take) {
    for (bool is_more = true; is_more;) {
        const std::size_t comma = text.find(',');
        const std::string_view part = text.substr(0, comma);
        is_more = comma != std::string_view::npos;
        text.remove_prefix(is_more ? comma + 1 : text.size());
        const std::size_t colon = part.find(':');
        SIDING_ASSIGN(const std::uint64_t first, parse_number(part.substr(0, colon), star));
        std::uint64_t last = first;
        if (colon != std::string_view::npos) {
            SIDING_ASSIGN(last, parse_number(part.substr(colon + 1), star));
        }
        SIDING_TRY(take(first, last));
    }
    return {};
}

std::string format(const ImapSet::Range& range) {
    return range.first == range.last ? fmt::format("{}", range.first)
                                     : fmt::format("{}:{}", range.first, range.last);
}

}  // namespace

ImapSet ImapSet::of(std::vector<Range> ranges) {
    for (Range& range : ranges) {
        if (range.first > range.last) {
            std::swap(range.first, range.last);
        }
    }
    if (!std::ranges::is_sorted(ranges, {}, &Range::first)) {
        std::ranges::sort(ranges, {}, &Range::first);
    }
    ImapSet set;
    for (const Range& range : ranges) {
        set.add(range.first, range.last);
    }
    return set;
}

ImapSet ImapSet::of(std::span<const std::uint64_t> numbers) {
    std::vector<Range> ranges;
    ranges.reserve(numbers.size());
    for (const std::uint64_t number : numbers) {
        ranges.push_back({number, number});
    }
    return of(std::move(ranges));
}

Result<ImapSet> ImapSet::parse(std::string_view text, std::uint64_t star) {
    std::vector<Range> ranges;
    SIDING_TRY(for_each_part(text, star, [&](std::uint64_t first, std::uint64_t last) {
        ranges.push_back({first, last});
        return Result<void>{};
    }));
    return of(std::move(ranges));
}

Result<std::vector<std::uint64_t>> ImapSet::in_order(std::string_view text, std::size_t count_max) {
    std::vector<std::uint64_t> numbers;
    const auto append = [&](std::uint64_t first, std::uint64_t last) -> Result<void> {
        const std::uint64_t low = std::min(first, last);
        const std::uint64_t more = std::max(first, last) - low;  // besides the first
        if (more >= count_max - numbers.size()) {
            return Error{Errc::limit_exceeded, "a set of too many numbers"};
        }
        for (std::uint64_t i = 0; i <= more; ++i) {
            numbers.push_back(low + i);
        }
        return {};
    };
    if (text.find('*') != std::string_view::npos) {
        return not_a_set(text);
    }
    SIDING_TRY(for_each_part(text, 0, append));
    return numbers;
}

void ImapSet::add(std::uint64_t first, std::uint64_t last) {
    if (first > last) {
        std::swap(first, last);
    }
    if (ranges_.empty() || first > ranges_.back().last) {
        if (!ranges_.empty() && first - 1 == ranges_.back().last) {
            ranges_.back().last = last;
        } else {
            ranges_.push_back({first, last});
        }
        return;
    }
    // The ranges that it touches, neighbours too, become one.
    const auto begin =
        std::ranges::lower_bound(ranges_, first == 0 ? 0 : first - 1, {}, &Range::last);
    auto end = begin;
    while (end != ranges_.end() && (last == max || end->first <= last + 1)) {
        first = std::min(first, end->first);
        last = std::max(last, end->last);
        ++end;
    }
    if (begin == end) {
        ranges_.insert(begin, {first, last});
        return;
    }
    *begin = {first, last};
    ranges_.erase(begin + 1, end);
}

void ImapSet::add(const ImapSet& other) {
    std::vector<Range> all = ranges_;
    all.insert(all.end(), other.ranges_.begin(), other.ranges_.end());
    *this = of(std::move(all));
}

bool ImapSet::contains(std::uint64_t number) const {
    const auto found = std::ranges::lower_bound(ranges_, number, {}, &Range::last);
    return found != ranges_.end() && found->first <= number;
}

std::uint64_t ImapSet::count() const {
    std::uint64_t sum = 0;
    for (const Range& range : ranges_) {
        const std::uint64_t more = range.last - range.first;
        if (more == max || sum > max - more - 1) {
            return max;
        }
        sum += more + 1;
    }
    return sum;
}

ImapSet ImapSet::minus(const ImapSet& other) const {
    ImapSet rest;
    auto hole = other.ranges_.begin();
    for (Range range : ranges_) {
        bool is_left = true;
        while (hole != other.ranges_.end() && hole->last < range.first) {
            ++hole;
        }
        for (auto at = hole; is_left && at != other.ranges_.end() && at->first <= range.last;
             ++at) {
            if (at->first > range.first) {
                rest.add(range.first, at->first - 1);
            }
            is_left = at->last < range.last;
            range.first = is_left ? at->last + 1 : range.first;
        }
        if (is_left) {
            rest.add(range.first, range.last);
        }
    }
    return rest;
}

ImapSet ImapSet::both(const ImapSet& other) const {
    ImapSet common;
    auto a = ranges_.begin();
    auto b = other.ranges_.begin();
    while (a != ranges_.end() && b != other.ranges_.end()) {
        const std::uint64_t first = std::max(a->first, b->first);
        const std::uint64_t last = std::min(a->last, b->last);
        if (first <= last) {
            common.add(first, last);
        }
        if (a->last < b->last) {
            ++a;
        } else {
            ++b;
        }
    }
    return common;
}

ImapSet ImapSet::take_front(std::uint64_t count) {
    ImapSet taken;
    auto at = ranges_.begin();
    for (; count > 0 && at != ranges_.end(); ++at) {
        const std::uint64_t more = at->last - at->first;
        if (more >= count) {
            taken.add(at->first, at->first + (count - 1));
            at->first += count;
            break;
        }
        taken.add(at->first, at->last);
        count -= more + 1;
    }
    ranges_.erase(ranges_.begin(), at);
    return taken;
}

ImapSet ImapSet::take_back(std::uint64_t count) {
    std::vector<Range> taken;
    while (count > 0 && !ranges_.empty()) {
        Range& range = ranges_.back();
        const std::uint64_t more = range.last - range.first;
        if (more >= count) {
            taken.push_back({range.last - (count - 1), range.last});
            range.last -= count;
            break;
        }
        taken.push_back(range);
        count -= more + 1;
        ranges_.pop_back();
    }
    return of(std::move(taken));
}

std::vector<std::uint64_t> ImapSet::numbers(std::size_t count_max) const {
    std::vector<std::uint64_t> all;
    all.reserve(std::min<std::uint64_t>(count_max, count()));
    for (const Range& range : ranges_) {
        for (std::uint64_t i = 0; i <= range.last - range.first; ++i) {
            if (all.size() == count_max) {
                return all;
            }
            all.push_back(range.first + i);
            if (range.first + i == max) {
                break;
            }
        }
    }
    return all;
}

std::string ImapSet::text() const {
    std::string out;
    for (const Range& range : ranges_) {
        out += out.empty() ? "" : ",";
        out += format(range);
    }
    return out;
}

std::vector<std::string> ImapSet::split(std::size_t octets_max) const {
    std::vector<std::string> texts;
    for (const Range& range : ranges_) {
        const std::string part = format(range);
        if (texts.empty() || texts.back().size() + 1 + part.size() > octets_max) {
            texts.push_back(part);
        } else {
            texts.back() += "," + part;
        }
    }
    return texts;
}

}  // namespace siding::backfill
