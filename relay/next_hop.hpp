// Where a server's connections go: its address and fall-backs, or the MX hosts of its domain, as
// addresses in the order in which they are to be tried; with `tls: dane` those alone whose
// certificates DNSSEC vouches for. Answers are kept for their TTL, failures for a moment.
// Thread-safe; find() resumes on the caller's executor.
#pragma once

#include "base/result.hpp"
#include "config/live.hpp"
#include "dns/resolver.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"
#include "net/tlsa_record.hpp"

#include <memory>
#include <string>
#include <vector>

namespace siding::relay {

struct NextHopQuestion;

struct Candidate {
    Candidate() = default;  // no aggregate: net/asio.hpp

    net::Endpoint address;
    std::string name;  // host whose certificate is expected, to be asked for by SNI
    std::vector<std::string> other_names;  // that a certificate may have instead, with DANE alone
    std::vector<net::TlsaRecord> tlsa;     // usable ones, not empty with dane_required
    bool dane_required = false;

    bool operator==(const Candidate&) const = default;
};

class NextHops {
public:
    // `tls: dane` believes what the resolver's servers say of DNSSEC.
    NextHops(const config::Live& config, dns::Resolver& resolver);
    ~NextHops();
    NextHops(const NextHops&) = delete;
    NextHops& operator=(const NextHops&) = delete;

    // At least one. The server outlives the call. Every error is about the server and may pass:
    // Errc::not_found for a name or domain without addresses, Errc::conflict when all that is left
    // leads back to our own listeners, Errc::unavailable when DNS has no answer or `tls: dane` no
    // TLSA record that can be used; is_cancelled().
    net::awaitable<Result<std::vector<Candidate>>> find(const config::Server& server);

private:
    class Cache;

    net::awaitable<Result<std::vector<Candidate>>> know(
        NextHopQuestion question, std::shared_ptr<const config::Config> config
    );

    const config::Live& config_;
    dns::Resolver& resolver_;
    std::unique_ptr<Cache> cache_;
};

}  // namespace siding::relay
