// Does a recipient exist? Asks all servers that a domain names (VerifyOracle) and makes one answer
// of what they say. Concurrent questions about one address become one, and none waits longer than
// `verify.timeout`.
//
// verify(), report() and flush() may be called from any executor and resume there; the bookkeeping
// lives on `executor`, which must be serial.
#pragma once

#include "base/address.hpp"
#include "base/metrics.hpp"
#include "config/live.hpp"
#include "net/task_group.hpp"
#include "queue/queue.hpp"
#include "relay/prober.hpp"
#include "relay/recipient_report.hpp"
#include "relay/verify_oracle.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace siding::relay {

struct VerifyAnswer {
    Existence existence = Existence::undecided;
    bool from_cache = false;
    bool catch_all = false;  // accepted by a server that takes any address of the domain
    std::string detail;      // each server's words, for operators only
};

class Verifier {
public:
    Verifier(
        queue::Queue& queue,
        const config::Live& config,
        Prober prober,
        Metrics& metrics,
        net::asio::any_io_executor executor
    );
    ~Verifier();  // stop() first
    Verifier(const Verifier&) = delete;
    Verifier& operator=(const Verifier&) = delete;

    // Exists if any of the servers says so, unknown if all of them say so, else undecided. Not
    // interrupted by cancellation: it ends within `verify.timeout`, or at stop().
    net::awaitable<VerifyAnswer> verify(Address address, std::vector<std::string> servers);

    // Forgets: everything (""), a domain ("example.com", "@example.com") or one address. How many
    // stored answers went. Errc::invalid_argument for anything else.
    net::awaitable<Result<std::uint64_t>> flush(std::string what);

    // What each of the domain's servers says, asking those that no fresh answer is known of. Fills
    // `accepts_any`, `existence` and `servers`; the files are not its business.
    net::awaitable<RecipientReport> report(Address address);

    // Answers every open question with "undecided", ends the probes and waits for all of it.
    net::awaitable<void> stop();

private:
    using Reports = std::vector<ServerReport>;
    enum class Until { decided, all };
    struct Ask;

    net::awaitable<Reports> ask(Address address, std::vector<std::string> servers, Until until);
    net::awaitable<Reports> question(
        Address address, std::vector<std::string> servers, Until until
    );
    std::shared_ptr<Ask> join(const std::string& server, const Address& address);
    net::awaitable<void> run_ask(std::shared_ptr<Ask> ask, std::string server, Address address);
    net::awaitable<Result<std::uint64_t>> forget(KeyFilter filter);

    const config::Live& config_;
    net::TaskGroup tasks_;
    VerifyOracle oracle_;
    std::map<std::string, std::shared_ptr<Ask>> asks_;  // under way, by verify_key
    std::atomic<bool> stopping_ = false;
};

}  // namespace siding::relay
