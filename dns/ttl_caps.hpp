// Which resolvers keep answers for less than their TTL, learned over the rounds of the panel: no
// table of caps stays true for long. A cap is what an operator shows at most, once it is sure that
// a fresh answer was among what it showed:
//
// - the MX has changed, and an answer that can be no older than that has less left than it should;
// - or it was asked for a whole TTL, and never showed nearly as much.
//
// Caps shorten what is waited for and never lengthen it; no deadline reckons with them. A value.
#pragma once

#include "base/clock.hpp"
#include "dns/history.hpp"
#include "dns/panel_round.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::dns {

// What all authoritative servers give now.
struct ServedNow {
    std::vector<std::string> data{};  // empty: they differ, or there is none
    std::chrono::seconds ttl{0};
    // No answer with this data can be older. Nothing: it was there at the first look.
    std::optional<WallTime> none_before{};
};
ServedNow served_now(const History& history, std::string_view domain);

class TtlCaps {
public:
    void note(const PanelRound& round, const ServedNow& served);

    // Nothing: it has none, or that is not known.
    std::optional<std::chrono::seconds> cap_of(const std::string& name) const;

    // Lines without their end.
    std::vector<std::string> save() const;
    void resume(std::string_view line);  // one of them; another is passed over

    bool operator==(const TtlCaps&) const = default;

private:
    struct Seen {
        std::chrono::seconds ttl{0};
        WallTime first{};
        WallTime last{};
        std::chrono::seconds gap_max{0};   // between two rounds
        std::chrono::seconds left_max{0};  // of all samples
        unsigned rounds = 0;
        bool is_proven = false;  // by a change of the MX

        bool operator==(const Seen&) const = default;
    };

    std::map<std::string, Seen> seen_;  // by operator
};

}  // namespace siding::dns
