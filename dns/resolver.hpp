// Asks DNS servers (c-ares) and tells what they say, their AD bit included: whoever decides by it
// must trust the servers and the way to them, as with a validating resolver on the same host.
//
// Any thread may ask. All work is done on the resolver's executor; destroy the resolver there, or
// when nothing runs there any more: questions under way then end with an error.
#pragma once

#include "base/result.hpp"
#include "dns/answer.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace siding::dns {

struct ResolverOptions {
    ResolverOptions() = default;  // no aggregate: net/asio.hpp

    std::vector<net::HostPort> servers;  // literal addresses; empty: those of /etc/resolv.conf
    std::chrono::milliseconds timeout = std::chrono::seconds{5};  // of the first try
    unsigned tries = 2;  // of each server, the next one after twice the time

    bool operator==(const ResolverOptions&) const = default;
};

class Resolver {
public:
    explicit Resolver(net::asio::any_io_executor executor, ResolverOptions options = {});
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    // For the questions from now on; those under way keep what they began with.
    void configure(ResolverOptions options);

    // Of A, AAAA, MX and TLSA. NXDOMAIN and NODATA are answers. Errors: Errc::invalid_argument for
    // what is no name and for another type; Errc::unavailable when no server has given an answer
    // that can be used (SERVFAIL, which is also what a validating resolver says of a bad signature,
    // refusals, time passed, garbage); is_cancelled().
    net::awaitable<Result<Answer>> query(std::string name, RecordType type);

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace siding::dns
