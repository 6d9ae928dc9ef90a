// A set of UIDs or sequence numbers (RFC 9051 §9 sequence-set): ranges, ascending, apart from each
// other. Memory and time go with the ranges, not with the numbers in them.
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

class ImapSet {
public:
    struct Range {
        std::uint64_t first = 0;
        std::uint64_t last = 0;  // not below first
        bool operator==(const Range&) const = default;
    };

    ImapSet() = default;
    ImapSet(std::uint64_t first, std::uint64_t last) { add(first, last); }

    // In any order, overlapping or reversed.
    static ImapSet of(std::vector<Range> ranges);
    static ImapSet of(std::span<const std::uint64_t> numbers);
    // "1:4,7,12:*"; `star` is what "*" stands for. Reversed ranges count (RFC 9051 §9: 4:2 is 2:4).
    static Result<ImapSet> parse(std::string_view text, std::uint64_t star = UINT64_MAX);
    // The numbers in the order in which the text names them ("7,3:5" is 7 3 4 5): what APPENDUID
    // and COPYUID need. Errc::limit_exceeded: more than `count_max`.
    static Result<std::vector<std::uint64_t>> in_order(
        std::string_view text, std::size_t count_max
    );

    void add(std::uint64_t number) { add(number, number); }
    void add(std::uint64_t first, std::uint64_t last);  // constant time at the end of the set
    void add(const ImapSet& other);

    bool contains(std::uint64_t number) const;
    bool empty() const { return ranges_.empty(); }
    std::uint64_t count() const;                                   // UINT64_MAX when it is more
    std::uint64_t first() const { return ranges_.front().first; }  // of a set that is not empty
    std::uint64_t last() const { return ranges_.back().last; }
    const std::vector<Range>& ranges() const { return ranges_; }

    ImapSet minus(const ImapSet& other) const;
    ImapSet both(const ImapSet& other) const;
    // Takes the `count` smallest (largest) numbers out of the set.
    ImapSet take_front(std::uint64_t count);
    ImapSet take_back(std::uint64_t count);
    // Ascending; the first `count_max` of them.
    std::vector<std::uint64_t> numbers(std::size_t count_max) const;

    std::string text() const;  // "1:4,7"; empty for the empty set, which no command may carry
    // The same as several texts of at most `octets_max` (≥ 41, a range of the longest numbers):
    // servers refuse long command lines (RFC 7162 §4: 8192 octets; many less).
    std::vector<std::string> split(std::size_t octets_max = 900) const;

    bool operator==(const ImapSet&) const = default;

private:
    std::vector<Range> ranges_;
};

}  // namespace siding::backfill
