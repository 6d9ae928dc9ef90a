// Connections to the servers that mail is passed on to, kept between transactions: one pool for
// each io thread, used on that thread alone, so that nothing is locked.
//
// Bounded by pass_through.connections for each server, an equal share for each thread. A server
// that does not work costs one sender a wait, not every one: after a failure nobody is sent there
// for a moment, then one transaction at a time, until it answers.
#pragma once

#include "config/live.hpp"
#include "net/task_group.hpp"
#include "queue/queue.hpp"
#include "relay/breaker.hpp"
#include "relay/next_hop.hpp"
#include "relay/pass_tally.hpp"
#include "relay/remap_table.hpp"
#include "relay/upstream.hpp"
#include "relay/wakeup.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace siding::relay {

class UpstreamPool {
public:
    static constexpr std::chrono::milliseconds default_idle_timeout = std::chrono::seconds{30};

    // What all pools share; outlives them.
    struct Parts {
        queue::Queue& queue;
        const config::Live& config;
        NextHops& next_hops;
        const RemapTable* remaps;  // null: nobody is remapped
        PassTally& tally;
    };

    UpstreamPool(
        const Parts& parts,
        net::asio::any_io_executor executor,
        std::size_t pools,
        std::chrono::milliseconds idle_timeout = default_idle_timeout
    );
    ~UpstreamPool();  // stop() first
    UpstreamPool(const UpstreamPool&) = delete;
    UpstreamPool& operator=(const UpstreamPool&) = delete;

    Result<void> start();

    struct Taken {
        Taken() = default;  // no aggregate: net/asio.hpp

        std::unique_ptr<Upstream> upstream;
        std::optional<smtp::Verdict> failure;  // the server's; with neither, it was not asked
        bool is_new = false;                   // not kept from an earlier transaction
    };
    // A connection on which a transaction may begin, by pass_through.connect_timeout.
    net::awaitable<Taken> take(std::string server, net::Endpoint client);
    // The same, but none that was kept: for who found one dead.
    net::awaitable<Taken> take_new(std::string server, net::Endpoint client);

    enum class Left {
        ready,       // for the next transaction
        unfinished,  // in the middle of one
        lost,
    };
    void give_back(std::unique_ptr<Upstream> upstream, Left left);

    // What the server said on that connection, or did not: the breaker learns from it.
    void judge(const Upstream& upstream, const smtp::Verdict& verdict);

    const Parts& parts() const { return parts_; }
    std::size_t connections(const std::string& server) const;  // lent and kept

    // Nobody is sent anywhere any more, and what is under way ends. Any thread.
    void abort();
    // Says goodbye to the servers. Nothing may be lent any more.
    net::awaitable<void> stop();

private:
    using Clock = std::chrono::steady_clock;
    using UpstreamPtr = std::unique_ptr<Upstream>;

    struct Idle {
        UpstreamPtr upstream;
        Clock::time_point since;
    };
    // The connections to one server.
    struct Line {
        explicit Line(PassTally::Server& count);

        Breaker breaker;
        PassTally::Server& tally;
        std::vector<Idle> idle;     // the one used last at the end
        std::set<Upstream*> lent;   // those that are being opened, too
        bool is_probing = false;    // one is out to see whether the server works again
        std::size_t deferrals = 0;  // in a row
        std::vector<Wakeup*> wait;  // for a place
    };

    Line& line_of(const std::string& server);
    net::awaitable<Taken> take(std::string server, net::Endpoint client, bool may_be_kept);
    net::awaitable<bool> wait_for_place(Line& line, Clock::time_point give_up_at);
    net::awaitable<Taken> open(
        Line& line,
        std::string name,
        config::Server server,
        net::Endpoint client,
        Clock::time_point give_up_at
    );
    UpstreamPtr take_idle(Line& line, const config::Server& server, const net::Endpoint& client);
    bool is_free(const Line& line) const;
    void make_room(Line& line);
    static void wake_one(Line& line);
    bool may_try(Line& line);
    static bool others_work(const Line& line);
    void on_failure(Line& line, bool others_work);
    void on_success(Line& line);
    void keep(Line& line, UpstreamPtr upstream);
    void dismiss(UpstreamPtr upstream);
    static net::awaitable<void> say_goodbye(UpstreamPtr upstream);
    static net::awaitable<void> clean(UpstreamPtr upstream, UpstreamPool& pool);
    net::awaitable<void> watch_idle();
    std::chrono::milliseconds dismiss_idle();

    const Parts parts_;
    const std::size_t pools_;
    const std::chrono::milliseconds idle_timeout_;
    TlsClients tls_clients_;
    net::TaskGroup tasks_;
    Wakeup watch_;
    std::map<std::string, Line> lines_;  // by server
    bool stopping_ = false;
};

// One pool for each of the threads that run these executors.
class UpstreamPools {
public:
    UpstreamPools(
        const UpstreamPool::Parts& parts, const std::vector<net::asio::any_io_executor>& threads
    );

    Result<void> start();
    // The pool of the thread that runs this executor; null for a stranger.
    UpstreamPool* of(const net::asio::any_io_executor& executor) const;
    void abort();
    net::awaitable<void> stop();

private:
    std::vector<std::pair<net::asio::any_io_executor, std::unique_ptr<UpstreamPool>>> pools_;
};

}  // namespace siding::relay
