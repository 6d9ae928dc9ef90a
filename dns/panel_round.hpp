// One look at what the caches of the panel hold: k samples of each operator, all in flight at once.
//
// A round refills the caches that it asks (cutover's observer effect): whoever calls this has made
// sure that it may be done now.
#pragma once

#include "dns/panel.hpp"
#include "dns/prober.hpp"
#include "dns/sample_state.hpp"
#include "net/asio.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace siding::dns {

struct SampleView {
    SampleView() = default;  // no aggregate: net/asio.hpp

    net::HostPort address;
    SampleState state = SampleState::timed_out;
    std::vector<std::string> mx;  // canonical records
    std::chrono::seconds ttl_left{0};
    // How long the cache has had it, where the authoritative TTL is known and not shorter.
    std::optional<std::chrono::seconds> age;
    std::chrono::milliseconds rtt{0};
    std::string nsid;
    std::string error;  // extended error or what went wrong, in words
    bool authenticated = false;
    bool by_tcp = false;
    bool floor = false;    // a new answer with more TTL than the authoritative servers give
    bool extends = false;  // an old answer that lives past the deadline
    bool stale = false;    // RFC 8767, by its extended errors 3 and 19
    bool geo = false;      // the answer depends on the asker's network (ECS scope)
};

struct OperatorView {
    OperatorView() = default;  // no aggregate: net/asio.hpp

    std::string name;
    bool is_system = false;
    // New only if all samples are; "mixed" where some are old and some new. A time-out counts only
    // when all are, so that "timed_out" is an operator that cannot be reached.
    SampleState state = SampleState::timed_out;
    std::vector<SampleView> samples;
    std::chrono::seconds old_for_at_most{0};  // largest TTL left of an old answer
    // For how long it keeps answers at most, where that is less than their TTL: dns/ttl_caps.hpp.
    std::optional<std::chrono::seconds> cap;
    std::size_t caches_min =
        0;  // caches that must be behind the addresses: NSIDs, jumps of the TTL

    bool is_reachable() const { return state != SampleState::timed_out; }
};

struct PanelRound {
    PanelRound() = default;  // no aggregate: net/asio.hpp

    WallTime at{};
    std::vector<OperatorView> operators;  // in the panel's order
};

// What the samples of one operator amount to. Pure.
SampleState combine(const std::vector<SampleView>& samples);

// `samples` of each operator over its addresses in turn; of four or more, the last is over TCP.
// `authoritative_ttl` zero: not known. `left_until_deadline` zero or less: it has
// passed; seconds::max() while there is none.
net::awaitable<PanelRound> run_round(
    Prober& prober,
    const std::vector<PanelOperator>& operators,
    std::string domain,
    const Expected& expected,
    unsigned samples,
    std::chrono::seconds authoritative_ttl,
    std::chrono::seconds left_until_deadline
);

}  // namespace siding::dns
