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
};

enum class OutageEffect {
    none,       // its second or third try comes through
    late,       // mail arrives, some of it hours after the outage
    some_lost,  // some installations have given up
    all_lost,   // mail of the first hours has bounced
};

std::string_view format_effect(OutageEffect effect);

// The least patient first.
std::span<const SenderPatience> sender_patience();

OutageEffect effect_of(const SenderPatience& sender, std::chrono::minutes outage);

}  // namespace siding::cutover
