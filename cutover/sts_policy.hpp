// Fetches the MTA-STS policy of a domain as senders do (RFC 8461 §3): the TXT record by DNS, the
// policy over HTTPS with a certificate that must fit, without following redirections.
#pragma once

#include "cutover/recursive_lookup.hpp"
#include "dns/mta_sts.hpp"
#include "net/asio.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siding::cutover {

struct StsFetchOptions {
    StsFetchOptions() = default;  // no aggregate: net/asio.hpp

    std::uint16_t port = 443;
    std::optional<std::string> ca_file;  // PEM; nothing: the system's roots
};

struct StsView {
    StsView() = default;  // no aggregate: net/asio.hpp

    std::vector<std::string> records;    // TXT at _mta-sts that are of MTA-STS
    std::string id;                      // of the only one; empty where it is wrong
    std::string record_problem;          // what is wrong with them
    std::vector<std::string> addresses;  // of the policy's host
    unsigned status = 0;                 // of HTTP; 0: there was no answer
    std::string content_type;
    std::string page;
    std::string page_problem;              // why there is no page, or no good one
    std::optional<dns::StsPolicy> policy;  // what the page says, if it could be read
    bool is_announced() const { return !records.empty(); }
};

// Asks for the page only where a record announces it. The error is of the question for the record
// alone: nobody answered.
net::awaitable<Result<StsView>> look_at_sts(
    const RecursiveLookup& lookup, std::string domain, StsFetchOptions options
);

}  // namespace siding::cutover
