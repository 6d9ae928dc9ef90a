// Asks servers whether they would take mail for somebody: MAIL, RCPT, RSET. Each server has a
// bounded number of connections (verify.connections); one that has answered waits a moment for the
// next question, then says QUIT. No question takes longer than verify.timeout, and whatever goes
// wrong on the way is a transient verdict for its recipients.
//
// Lives on one serial executor; probe() must be called there.
#pragma once

#include "config/live.hpp"
#include "net/task_group.hpp"
#include "queue/queue.hpp"
#include "relay/client_connection.hpp"
#include "relay/next_hop.hpp"
#include "relay/prober.hpp"
#include "relay/wakeup.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace siding::relay {

class ProbePool {
public:
    static constexpr std::chrono::milliseconds default_idle_timeout = std::chrono::seconds{5};

    ProbePool(
        queue::Queue& queue,
        const config::Live& config,
        NextHops& next_hops,
        net::asio::any_io_executor executor,
        std::chrono::milliseconds idle_timeout = default_idle_timeout
    );
    ~ProbePool();  // stop() first
    ProbePool(const ProbePool&) = delete;
    ProbePool& operator=(const ProbePool&) = delete;

    Result<void> start();

    // `server` is a name of the configuration. May be cancelled.
    net::awaitable<ProbeAnswer> probe(
        std::string server, std::string sender, std::vector<std::string> recipients
    );
    // What the verifier takes; refers to this.
    Prober prober();

    // Says goodbye to the servers. No probe may be under way any more.
    net::awaitable<void> stop();

private:
    using Clock = std::chrono::steady_clock;
    using Verdicts = std::vector<smtp::Verdict>;
    using ConnectionPtr = std::unique_ptr<ClientConnection>;

    struct Idle {
        ConnectionPtr connection = nullptr;
        std::size_t refusals = 0;  // that it has heard
        Clock::time_point since{};
    };
    // The connections to one server.
    struct Line {
        std::vector<Idle> idle;     // the one used last at the end
        std::size_t taken = 0;      // probes under way, a connection each
        std::vector<Wakeup*> wait;  // for one of these to end
    };
    class Seat;

    net::awaitable<Result<Verdicts>> ask(
        const std::string& server,
        const std::string& sender,
        const std::vector<std::string>& recipients
    );
    net::awaitable<bool> wait_for_seat(Line& line, std::size_t seats);
    net::awaitable<std::optional<smtp::Verdict>> open(
        ClientConnection& connection, const config::Server& server
    );
    Idle take_idle(Line& line, const config::Server& server);
    void keep(Line& line, Idle idle);
    void dismiss(ConnectionPtr connection);
    static net::awaitable<void> say_goodbye(ConnectionPtr connection);
    net::awaitable<void> watch_idle();
    std::chrono::milliseconds dismiss_idle();

    const config::Live& config_;
    NextHops& next_hops_;
    TlsClients tls_clients_;
    std::chrono::milliseconds idle_timeout_;
    net::TaskGroup tasks_;
    Wakeup watch_;
    std::map<std::string, Line> lines_;  // by server
    bool stopping_ = false;
};

}  // namespace siding::relay
