// The listeners: accepts connections, keeps them under the limits in all and per client, and gives
// each a session on one of the io threads. Owns what the sessions share.
#pragma once

#include "base/metrics.hpp"
#include "net/acceptor.hpp"
#include "net/runtime.hpp"
#include "net/task_group.hpp"
#include "relay/inbound_session.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace siding::relay {

class InboundServer {
public:
    // All of it outlives the server.
    struct Parts {
        net::Runtime& runtime;
        queue::Queue& queue;
        const config::Live& config;
        RecipientDirectory& recipients;
        Metrics& metrics;
        std::function<void(const std::string& server, WallTime earliest)> wake_lane;
        std::size_t connections_max = SIZE_MAX;
        // Mail of pass_* phases goes on while its sender waits; null: it is queued, and leaves
        // then.
        NextHops* next_hops = nullptr;
        const RemapTable* remaps = nullptr;  // null: nobody is remapped
    };

    explicit InboundServer(Parts parts);

    // Starts to serve; the listening sockets are opened by the caller, in the order of the
    // configuration, or by systemd. Reads certificates: blocks.
    Result<void> start(std::vector<net::UniqueFd> sockets);

    // After SIGHUP: certificates are read again.
    net::awaitable<void> reload();

    // Ends listening and idle sessions; those that are receiving a message go on until `deadline`.
    net::awaitable<void> stop(std::chrono::milliseconds deadline);

    std::size_t sessions() const { return limits_.total(); }
    std::vector<SessionInfo> list() const { return list_.all(); }
    std::vector<PassCounts> passed() const { return tally_.all(); }
    const std::vector<net::Endpoint>& addresses() const { return addresses_; }

private:
    static std::unique_ptr<UpstreamPools> make_upstreams(const Parts& parts, PassTally& tally);
    net::awaitable<bool> drain_sessions(std::chrono::milliseconds deadline);
    void on_connection(net::Accepted accepted, const InboundListener& listener);
    void refuse(
        net::Accepted accepted, const InboundListener& listener, ClientLimits::Refusal refusal
    );
    static net::awaitable<void> serve(
        net::Acceptor acceptor, const InboundListener& listener, InboundServer& server
    );
    static net::awaitable<void> say_no(net::Stream stream, std::string reply);
    static net::awaitable<void> watch_certificates(InboundServer& server);
    net::awaitable<void> load_certificates(InboundListener::Load when);

    net::Runtime& runtime_;
    InboundMetrics metrics_;
    ContentFilter filter_;
    ClientLimits limits_;
    RefusalLog refusals_;
    SessionList list_;
    PassTally tally_;
    std::unique_ptr<UpstreamPools> upstreams_;  // null without next hops
    InboundContext context_;
    std::vector<net::Endpoint> addresses_;
    std::vector<std::unique_ptr<InboundListener>> listeners_;
    net::TaskGroup acceptors_;
    net::TaskGroup sessions_;
    net::TaskGroup farewells_;
    net::TaskGroup upkeep_;
};

}  // namespace siding::relay
