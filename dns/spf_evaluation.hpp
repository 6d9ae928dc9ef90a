// Asks DNS what SPF says (RFC 7208 §4): whether a client may send for a domain, and what it costs
// to find out. Who asks is given; no cache, no socket here.
#pragma once

#include "base/result.hpp"
#include "dns/record.hpp"
#include "dns/spf.hpp"
#include "net/asio.hpp"

#include <functional>
#include <string>
#include <vector>

namespace siding::dns {

inline constexpr int spf_lookups_max = 10;  // §4.6.4
inline constexpr int spf_voids_max = 2;     // §4.6.4

// The records of a type as text: joined strings of TXT, addresses, names of PTR, hosts of MX with
// the most preferred first. Empty for NXDOMAIN and NODATA; an error is a temperror.
using SpfLookup =
    std::function<net::awaitable<Result<std::vector<std::string>>>(std::string, RecordType)>;

struct SpfVerdict {
    SpfVerdict() = default;  // no aggregate: net/asio.hpp

    SpfResult result = SpfResult::none;
    std::string reason;  // the mechanism that decided, or what is wrong with which record
    int lookups = 0;     // of the ten
    int voids = 0;       // of the two: names asked for that do not exist
    std::vector<std::string> spent;  // what each lookup went to: "include:spf.example.net"
};

// `macros.address` is the client's.
net::awaitable<SpfVerdict> evaluate_spf(SpfLookup lookup, std::string domain, SpfMacros macros);

// The most that anybody may have to spend: as for a client that no mechanism fits, and the limits
// only counted. The result is neutral unless a record is wrong.
net::awaitable<SpfVerdict> measure_spf(SpfLookup lookup, std::string domain);

}  // namespace siding::dns
