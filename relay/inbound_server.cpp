#include "relay/inbound_server.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "smtp/server_dialogue.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

const Logger log{"smtpd"};

constexpr std::size_t listeners_max = 64;
constexpr std::size_t sessions_max = 1'000'000;  // limits.connections is the bound, and may change
constexpr std::size_t refusals_max = 256;        // polite 421s under way; beyond that we just close
constexpr auto refusal_timeout = std::chrono::seconds{5};

}  // namespace

class InboundServer::Seat {
public:
    Seat(InboundServer& server, std::string client) : server_{server}, client_{std::move(client)} {}
    ~Seat() {
        const std::lock_guard lock{server_.mutex_};
        server_.total_ -= 1;
        if (--server_.per_client_[client_] == 0) {
            server_.per_client_.erase(client_);
        }
    }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

private:
    InboundServer& server_;
    std::string client_;
};

InboundServer::InboundServer(net::Runtime& runtime, InboundContext context)
    : runtime_{runtime},
      context_{std::move(context)},
      acceptors_{runtime.io(0), "smtp acceptors", listeners_max},
      sessions_{runtime.io(0), "smtp sessions", sessions_max},
      refusals_{runtime.io(0), "smtp refusals", refusals_max} {}

Result<void> InboundServer::start(std::vector<net::UniqueFd> listeners) {
    for (net::UniqueFd& listener : listeners) {
        SIDING_ASSIGN(
            auto acceptor, net::Acceptor::create(acceptors_.executor(), std::move(listener))
        );
        addresses_.push_back(acceptor.local());
        SIDING_TRY(acceptors_.spawn(serve(std::move(acceptor), *this)));
    }
    return {};
}

net::awaitable<void> InboundServer::serve(net::Acceptor acceptor, InboundServer& server) {
    const std::string address = acceptor.local().text();
    auto on_connection = [&server](net::Accepted accepted) {
        server.on_connection(std::move(accepted));
    };
    const auto served = co_await acceptor.serve(std::move(on_connection));
    if (!served) {
        log.error("listener_failed", {{"address", address}, {"reason", served.error()}});
    }
}

void InboundServer::on_connection(net::Accepted accepted) {
    context_.metrics.connections.add();
    const auto config = context_.config.get();
    const std::string client = accepted.peer.address;
    std::unique_ptr<Seat> seat;
    bool too_many_here = false;
    {
        const std::lock_guard lock{mutex_};
        const auto found = per_client_.find(client);
        const std::size_t count = found == per_client_.end() ? 0 : found->second;
        too_many_here = count >= config->limits.connections_per_client;
        const std::size_t connections_max =
            std::min<std::size_t>(config->limits.connections, context_.connections_max);
        if (!too_many_here && total_ < connections_max) {
            per_client_[client] = count + 1;
            total_ += 1;
            seat = std::make_unique<Seat>(*this, client);
        }
    }
    const auto executor = seat != nullptr ? runtime_.next_io() : refusals_.executor();
    auto stream = std::move(accepted).open(executor);
    if (!stream) {
        log.warn("connection_lost", {{"peer", client}, {"reason", stream.error()}});
        return;
    }
    if (seat != nullptr) {
        static_cast<void>(
            sessions_.spawn_on(executor, run(std::move(*stream), std::move(seat), context_))
        );
        return;
    }
    log.info("connection_refused", {{"peer", client}, {"reason", "too many connections"}});
    smtp::ServerOptions options;
    options.hostname = config->hostname;
    smtp::ServerDialogue dialogue{options};
    const smtp::EnhancedCode code =
        too_many_here ? smtp::EnhancedCode{4, 7, 0} : smtp::EnhancedCode{4, 3, 2};
    const smtp::Step step =
        dialogue.turn_away({421, code, "Too many connections, try again later"});
    static_cast<void>(refusals_.spawn(turn_away(std::move(*stream), step.output)));
}

net::awaitable<void> InboundServer::run(
    net::Stream stream, std::unique_ptr<Seat> seat, const InboundContext& context
) {
    co_await run_inbound_session(std::move(stream), context);
    seat.reset();
}

net::awaitable<void> InboundServer::turn_away(net::Stream stream, std::string reply) {
    const std::string_view octets{reply};
    const auto written = co_await stream.write(octets, refusal_timeout);
    if (written) {
        co_await stream.finish(refusal_timeout);
    }
}

net::awaitable<void> InboundServer::stop(std::chrono::milliseconds deadline) {
    acceptors_.cancel();
    refusals_.cancel();
    co_await acceptors_.join();
    sessions_.cancel();
    const auto drained = co_await sessions_.join(deadline);
    if (!drained) {
        log.warn("sessions_cut_off", {{"sessions", sessions_.count()}});
        sessions_.abort();
        co_await sessions_.join();
    }
    refusals_.abort();
    co_await refusals_.join();
}

std::size_t InboundServer::sessions() const {
    const std::lock_guard lock{mutex_};
    return total_;
}

}  // namespace siding::relay
