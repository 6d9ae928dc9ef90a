// One connection to a server, on which a sender's mail goes on while the sender waits. It has
// deadlines of its own and a cancellation of its own: what is under way with the server comes to
// its end although our client is gone or we are told to stop, until interrupt().
//
// Lives on one io thread, used by one session at a time; UpstreamPool keeps it between them.
#pragma once

#include "net/deadline.hpp"
#include "relay/client_connection.hpp"
#include "relay/next_hop.hpp"

#include <boost/asio/cancellation_signal.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace siding::relay {

class Upstream {
public:
    Upstream(
        net::asio::any_io_executor executor,
        TlsClients& tls_clients,
        std::string name,
        std::string hostname
    );
    Upstream(const Upstream&) = delete;
    Upstream& operator=(const Upstream&) = delete;

    // As ClientConnection::open, with the search for the server's addresses.
    net::awaitable<std::optional<smtp::Verdict>> open(
        NextHops& next_hops,
        config::Server server,
        net::Endpoint client,
        std::chrono::milliseconds timeout
    );

    // As the ClientConnection's; no answer in time is a loss. What they refer to outlives them.
    net::awaitable<smtp::Verdict> rcpt(
        const smtp::Transaction& head,
        smtp::Transaction::Recipient recipient,
        std::chrono::milliseconds timeout
    );
    net::awaitable<std::vector<smtp::Verdict>> finish(
        std::uint64_t octets, OutgoingBody& body, std::chrono::milliseconds timeout
    );
    net::awaitable<void> reset(std::chrono::milliseconds timeout);
    net::awaitable<void> close() { return connection_.close(); }

    // Ends what is under way.
    void interrupt();

    const std::string& name() const { return name_; }  // "old"
    const std::string& peer() const { return connection_.peer(); }
    const std::string& tls() const { return connection_.tls(); }
    bool is_usable() const { return connection_.is_usable(); }
    std::size_t recipients_max() const { return connection_.recipients_max(); }
    bool leads_to(const config::Server& server) const { return connection_.leads_to(server); }
    bool speaks_for(const net::Endpoint& client) const { return connection_.speaks_for(client); }
    bool is_late() const { return is_late_; }           // the last wait was over before its end
    std::size_t messages() const { return messages_; }  // that went over it
    // What it is called, for as_ours().
    const std::vector<std::string>& their_names() const { return their_names_; }

private:
    template <typename T>
    net::awaitable<T> wait(net::awaitable<T> work, std::chrono::milliseconds timeout);
    net::awaitable<std::optional<smtp::Verdict>> connect(
        NextHops& next_hops,
        const config::Server& server,
        net::Endpoint client,
        std::chrono::milliseconds timeout
    );
    net::awaitable<bool> reset();
    void explain(smtp::Verdict& verdict, std::chrono::milliseconds timeout) const;

    std::string name_;
    ClientConnection connection_;
    net::asio::cancellation_signal interrupt_;
    net::Deadline deadline_;
    bool is_late_ = false;
    bool is_interrupted_ = false;
    std::size_t messages_ = 0;
    std::vector<std::string> their_names_;
};

}  // namespace siding::relay
