// Writes a DNS query (RFC 1035 §4). Pure.
#pragma once

#include "base/result.hpp"
#include "dns/response.hpp"

#include <cstdint>
#include <string>

namespace siding::dns {

// What never becomes fragments on its way (DNS flag day 2020); more goes over TCP.
inline constexpr std::uint16_t udp_octets_max = 1232;

struct QueryFlags {
    bool recurse = false;            // RD
    bool checking_disabled = false;  // CD
    bool with_edns = true;           // and with it DO and NSID
};

// Errc::invalid_argument for what is no name: an empty or over-long label or name, blanks, controls
// and backslashes.
Result<std::string> make_query(std::uint16_t id, const Question& question, QueryFlags flags);

}  // namespace siding::dns
