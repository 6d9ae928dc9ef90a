// What one answer about a domain's MX means for a switch. Pure. An answer that did not come is
// neither old nor new.
#pragma once

#include "dns/response.hpp"
#include "dns/sample.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::dns {

enum class SampleState {
    is_new,
    is_old,
    mixed,      // hosts of both
    other,      // a host of neither
    nxdomain,   // no such name
    nodata,     // the name has no MX
    failed,     // SERVFAIL, REFUSED and their like, and what was no answer
    timed_out,  // nothing came, or the server cannot be reached
    filtered,   // a policy of the resolver's answers (RFC 8914 §4.16 to 4.19; 0.0.0.0)
};

std::string_view format_state(SampleState state);  // "new", "old", "timeout", …
std::optional<SampleState> parse_state(std::string_view text);

// The hosts of the MX records before and after the switch.
struct Expected {
    std::vector<std::string> new_hosts{};  // lower case, without the last dot
    std::vector<std::string> old_hosts{};

    // Where a host is in both lists, the set as a whole decides.
    SampleState judge(const RrSet& mx) const;
    bool operator==(const Expected&) const = default;
};

// The hosts in an MX set, in its order; the null MX is ".".
std::vector<std::string> hosts_of(const RrSet& mx);

// CNAMEs in the answer are followed, as senders do.
SampleState judge(const Sample& sample, const Expected& expected);

}  // namespace siding::dns
