// One question to the recursive resolvers, as the rest of the world asks it: the first resolver
// that answers counts. Nothing is remembered: who needs an answer twice keeps it. Lives on one
// executor; /etc/resolv.conf is read on another.
#pragma once

#include "base/result.hpp"
#include "dns/prober.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"

#include <string>
#include <vector>

namespace siding::cutover {

class RecursiveLookup {
public:
    // `resolvers` empty: those of /etc/resolv.conf, read with the first question on `blocking`.
    RecursiveLookup(
        dns::Prober& prober,
        std::vector<net::HostPort> resolvers,
        net::asio::any_io_executor blocking
    );

    // Whatever the DNS says, SERVFAIL and NXDOMAIN too (Response::rcode); SERVFAIL only when every
    // resolver says so. Errc::unavailable when nobody answers, Errc::invalid_argument for what is
    // no name.
    net::awaitable<Result<dns::Response>> ask(
        std::string name, dns::RecordType type, bool checking_disabled = false
    ) const;
    // The records of that type behind `name` and its CNAMEs; empty for NXDOMAIN and NODATA.
    // Errc::unavailable also for SERVFAIL and REFUSED.
    net::awaitable<Result<std::vector<dns::ResourceRecord>>> records(
        std::string name, dns::RecordType type
    ) const;

private:
    net::awaitable<std::vector<net::HostPort>> resolvers() const;

    dns::Prober& prober_;
    mutable std::vector<net::HostPort> resolvers_;
    net::asio::any_io_executor blocking_;
};

}  // namespace siding::cutover
