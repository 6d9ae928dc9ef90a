// What authoritative servers say of the names beside a domain's MX: addresses and TLSA records of
// its hosts, the announcement of an MTA-STS policy. Rows for the history; who does not answer, or
// answers without authority, has none.
#pragma once

#include "dns/authority.hpp"
#include "dns/history.hpp"
#include "net/asio.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace siding::dns {

// "_25._tcp." before the name of an MX host (RFC 7672 §2.2).
inline constexpr std::string_view tlsa_label = "_25._tcp.";

// A, AAAA and TLSA of one host. TLSA records without a signature count as none: nobody heeds them.
net::awaitable<std::vector<Served>> look_at_host(Authority& authority, std::string host);

// TXT at _mta-sts, of which "v=STSv1; id=…" is kept; none where there is no record, or no good one.
net::awaitable<std::vector<Served>> look_at_announcement(Authority& authority, std::string domain);

}  // namespace siding::dns
