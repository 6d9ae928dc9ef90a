// Which senders give up when nobody answers for a while: what an outage would cost, and so why a
// hold accepts. Pure.
#pragma once

#include <chrono>
#include <span>
#include <string_view>

namespace siding::cutover {

struct SenderPatience {
    std::string_view sender;
    std::string_view schedule;        // how it tries again
    std::chrono::hours gives_up_min;  // the earliest time at which it bounces
    std::chrono::hours gives_up_max;
    std::string_view domains{};  // of its servers' names, with blanks between; empty: anybody's
};

enum class OutageEffect {
    none,       // its second or third try comes through
    late,       // mail arrives, some of it hours after the outage
    some_lost,  // some installations have given up
    all_lost,   // mail of the first hours has bounced
};

std::string_view format_effect(OutageEffect effect);

// The row of a sender (dns/provider.hpp); null: how patient it is, is not known.
const SenderPatience* patience_of(std::string_view provider);

// The least patient first.
std::span<const SenderPatience> sender_patience();

OutageEffect effect_of(const SenderPatience& sender, std::chrono::minutes outage);

}  // namespace siding::cutover
