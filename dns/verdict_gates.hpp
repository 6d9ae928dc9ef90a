// The gates behind the verdict, one function each; used by verdict.cpp alone. Pure.
#pragma once

#include "dns/verdict.hpp"

#include <optional>
#include <string>
#include <vector>

namespace siding::dns {

// What one server serves now, as far as is known.
struct ServerNow {
    std::string server{};
    bool is_heard = false;  // in the last look
    SampleState state = SampleState::timed_out;
    bool was_new = false;  // in an earlier epoch
    bool had_mx = false;   // in an earlier epoch
    Epoch epoch{};         // the newest
};

struct Situation {
    DeadlineOptions options{};
    bool has_word = false;  // some server was heard in the last look
    std::vector<ServerNow> servers{};
    std::optional<WallTime> published_at{};
    std::optional<Deadline> mx{};
    bool saw_old = false;            // anything but the new MX, at any time
    std::chrono::seconds mx_ttl{0};  // TTL_1, the newest of the old MX
};

Situation make_situation(const Evidence& evidence);

Gate authority_gate(const Evidence& evidence, const Situation& situation);
Gate ttl_gate(const Evidence& evidence, const Situation& situation);
Gate panel_gate(const Evidence& evidence, const Situation& situation);
Gate coverage_gate(const Evidence& evidence);
Gate straggler_gate(const Evidence& evidence);

// Of a domain that announces an MTA-STS policy, or has done so, and of new MX hosts with TLSA
// records that count. Nothing: senders need not be waited for.
std::optional<Gate> sts_gate(const Evidence& evidence);
std::optional<Gate> dane_gate(const Evidence& evidence);

// Empty: nothing happened that was not to be expected.
std::string unplanned_change(const Evidence& evidence, const Situation& situation);

}  // namespace siding::dns
