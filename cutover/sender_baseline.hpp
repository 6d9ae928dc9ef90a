// What mail logs say of one domain's usual mail: who sends, from which networks, and at which
// hours. A value, made where the logs are and handed to the book (senders.hpp).
#pragma once

#include "base/clock.hpp"
#include "base/domain.hpp"
#include "cutover/sender_log.hpp"
#include "dns/stragglers.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>

namespace siding::cutover {

struct SenderBaseline {
    std::map<std::string, std::uint64_t> providers{};            // messages
    std::map<std::string, std::string> networks{};               // "192.0.2.0/24" → provider
    std::array<std::uint64_t, dns::HourProfile::hours> hours{};  // messages by hour of the week
    std::uint64_t messages = 0;
    WallTime first{};
    WallTime last{};

    // True if it counts: from outside, and for the domain.
    bool add(const LoggedMail& mail, const Domain& domain);
    void add(const SenderBaseline& other);
    // The largest limits::sender_providers_max providers stay, and as many networks as there may
    // be.
    void trim();
    dns::HourProfile profile() const;  // by the weeks from first to last, one at least

    bool operator==(const SenderBaseline&) const = default;
};

// Whether a recipient of the mail is in the domain.
bool is_for(const LoggedMail& mail, const Domain& domain);

}  // namespace siding::cutover
