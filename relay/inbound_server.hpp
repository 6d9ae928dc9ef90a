// The listeners: accepts connections, keeps them under the caps in all and per client, and gives
// each a session on one of the io threads.
#pragma once

#include "net/acceptor.hpp"
#include "net/runtime.hpp"
#include "net/task_group.hpp"
#include "relay/inbound_session.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace siding::relay {

class InboundServer {
public:
    InboundServer(net::Runtime& runtime, InboundContext context);

    // Starts to serve; the listening sockets are opened by the caller.
    Result<void> start(std::vector<net::UniqueFd> listeners);

    // Ends listening and idle sessions; those that are receiving a message go on until `deadline`.
    net::awaitable<void> stop(std::chrono::milliseconds deadline);

    std::size_t sessions() const;
    const std::vector<net::Endpoint>& addresses() const { return addresses_; }

private:
    // Counts a client's connections for as long as one lives.
    class Seat;

    void on_connection(net::Accepted accepted);
    static net::awaitable<void> serve(net::Acceptor acceptor, InboundServer& server);
    static net::awaitable<void> run(
        net::Stream stream, std::unique_ptr<Seat> seat, const InboundContext& context
    );
    static net::awaitable<void> turn_away(net::Stream stream, std::string reply);

    net::Runtime& runtime_;
    InboundContext context_;
    std::vector<net::Endpoint> addresses_;
    net::TaskGroup acceptors_;
    net::TaskGroup sessions_;
    net::TaskGroup refusals_;
    mutable std::mutex mutex_;
    std::map<std::string, std::size_t> per_client_;
    std::size_t total_ = 0;
};

}  // namespace siding::relay
