#include "backfill/match.hpp"

#include "base/check.hpp"
#include "base/digest.hpp"

#include <algorithm>
#include <chrono>
#include <compare>
#include <limits>

namespace siding::backfill {
namespace {

bool is_same(const Digest& a, const Digest& b) {
    return !a.empty() && a == b;
}

using Key = Known::Key;

Key make_key(std::string_view digest) {
    Key key{};
    std::ranges::copy(digest.substr(0, key.size()), key.begin());
    return key;
}

bool is_known(const Key& key) {
    return key != Key{};
}

// Of no octets at all: what headers without any of the six fields, and empty bodies, have in
// common.
const Key& key_of_nothing() {
    static const Key key = make_key(sha256(""));
    return key;
}

using Fit = bool (*)(const Known&);

// What two messages must have in common, and which ones may be paired by it.
struct Tier {
    std::vector<Key Known::*> parts;
    Fit fits_source;
    Fit fits_destination;
    bool needs_time = false;
};

bool has_raw(const Known& one) {
    return is_known(one.raw);
}

bool has_canonical(const Known& one) {
    return is_known(one.canonical);
}

bool has_parts(const Known& one) {
    return is_known(one.header) && is_known(one.body) &&
           (one.header != key_of_nothing() || one.body != key_of_nothing());
}

bool has_named_body(const Known& one) {
    return is_known(one.message_id) && is_known(one.body);
}

bool has_header(const Known& one) {
    return is_known(one.header) && one.header != key_of_nothing();
}

bool has_header_alone(const Known& one) {
    return has_header(one) && !is_known(one.body);
}

const std::vector<Tier>& tiers() {
    static const std::vector<Tier> all{
        {{&Known::raw}, has_raw, has_raw},
        {{&Known::canonical}, has_canonical, has_canonical},
        {{&Known::header, &Known::body}, has_parts, has_parts},
        {{&Known::message_id, &Known::body}, has_named_body, has_named_body},
        {{&Known::header}, has_header, has_header_alone, true},
        {{&Known::header}, has_header_alone, has_header, true},
    };
    return all;
}

using Index = std::uint32_t;  // a million messages are 4 MB of them
using Pair = std::pair<std::size_t, std::size_t>;

struct Heap {
    std::span<const Known> messages;
    std::vector<bool> is_paired;
};

class Pairing {
public:
    Pairing(std::span<const Known> source, std::span<const Known> destination)
        : source_{source, std::vector<bool>(source.size())},
          destination_{destination, std::vector<bool>(destination.size())} {}

    void run(const Tier& tier) {
        run(tier, true);
        if (!tier.needs_time) {
            run(tier, false);
        }
    }

    std::vector<Pair> pairs() && {
        std::ranges::sort(pairs_);
        return std::move(pairs_);
    }

private:
    static std::strong_ordering order(
        const Tier& tier, bool by_time, const Known& a, const Known& b
    ) {
        for (const auto part : tier.parts) {
            if (const auto order = a.*part <=> b.*part; order != 0) {
                return order;
            }
        }
        return by_time ? a.received_at <=> b.received_at : std::strong_ordering::equal;
    }

    static std::vector<Index> sort(const Heap& heap, Fit fits, const Tier& tier, bool by_time) {
        std::vector<Index> out;
        for (Index i = 0; i < heap.messages.size(); ++i) {
            const Known& one = heap.messages[i];
            const bool timed = !by_time || one.received_at != Known::time_unknown;
            if (!heap.is_paired[i] && timed && fits(one)) {
                out.push_back(i);
            }
        }
        std::ranges::sort(out, [&](Index a, Index b) {
            const auto by_key = order(tier, by_time, heap.messages[a], heap.messages[b]);
            return by_key != 0 ? by_key < 0 : a < b;
        });
        return out;
    }

    void run(const Tier& tier, bool by_time) {
        const std::vector<Index> left = sort(source_, tier.fits_source, tier, by_time);
        const std::vector<Index> right = sort(destination_, tier.fits_destination, tier, by_time);
        auto a = left.begin();
        auto b = right.begin();
        while (a != left.end() && b != right.end()) {
            const auto by_key =
                order(tier, by_time, source_.messages[*a], destination_.messages[*b]);
            if (by_key == 0) {
                source_.is_paired[*a] = destination_.is_paired[*b] = true;
                pairs_.emplace_back(*a, *b);
                ++a, ++b;
            } else if (by_key < 0) {
                ++a;
            } else {
                ++b;
            }
        }
    }

    Heap source_;
    Heap destination_;
    std::vector<Pair> pairs_;
};

}  // namespace

Match compare(const MessageDigests& source, const MessageDigests& destination) {
    if (is_same(source.raw, destination.raw)) {
        return Likeness::exact;
    }
    if (is_same(source.canonical, destination.canonical)) {
        return Likeness::exact_but_line_ends;
    }
    if (is_same(source.body, destination.body)) {
        return Likeness::headers_rewritten;
    }
    if (is_same(source.header, destination.header)) {
        return Likeness::body_rewritten;
    }
    return Likeness::different;
}

Known::Known(const MessageDigests& digests, std::string_view id, std::optional<WallTime> received)
    : raw{make_key(digests.raw)},
      canonical{make_key(digests.canonical)},
      header{make_key(digests.header)},
      body{make_key(digests.body)},
      message_id{id.empty() ? Key{} : make_key(sha256(id))} {
    if (received) {
        received_at =
            std::chrono::floor<std::chrono::seconds>(*received).time_since_epoch().count();
    }
}

std::vector<std::pair<std::size_t, std::size_t>> pair_up(
    std::span<const Known> source, std::span<const Known> destination
) {
    constexpr std::size_t messages_max = std::numeric_limits<Index>::max();
    SIDING_CHECK(source.size() < messages_max && destination.size() < messages_max, "too many");
    Pairing pairing{source, destination};
    for (const Tier& tier : tiers()) {
        pairing.run(tier);
    }
    return std::move(pairing).pairs();
}

}  // namespace siding::backfill
