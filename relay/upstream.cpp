#include "relay/upstream.hpp"

#include "base/limits.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace siding::relay {
namespace {

namespace asio = net::asio;
using std::chrono::milliseconds;

template <typename T>
net::awaitable<T> run_apart(net::awaitable<T> work) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    T value = co_await std::move(work);
    co_return value;
}

// "192.0.2.1:25" and "[2001:db8::1]:25" without the port and the brackets.
std::string address_of(const std::string& peer) {
    const auto colon = peer.rfind(':');
    std::string address = peer.substr(0, colon);
    if (address.starts_with('[') && address.ends_with(']')) {
        address = address.substr(1, address.size() - 2);
    }
    return address;
}

}  // namespace

Upstream::Upstream(
    asio::any_io_executor executor, TlsClients& tls_clients, std::string name, std::string hostname
)
    : name_{std::move(name)},
      connection_{tls_clients, std::move(hostname)},
      deadline_{
          std::move(executor), [this] { interrupt_.emit(asio::cancellation_type::terminal); }} {}

void Upstream::interrupt() {
    is_interrupted_ = true;
    interrupt_.emit(asio::cancellation_type::terminal);
}

template <typename T>
net::awaitable<T> Upstream::wait(net::awaitable<T> work, milliseconds timeout) {
    auto executor = co_await asio::this_coro::executor;
    auto apart = run_apart(std::move(work));
    auto token = asio::bind_cancellation_slot(interrupt_.slot(), asio::use_awaitable);
    deadline_.arm(timeout);
    T value = co_await asio::co_spawn(executor, std::move(apart), token);
    is_late_ = deadline_.disarm();
    co_return value;
}

// What was cut off says only that it was cut off.
void Upstream::explain(smtp::Verdict& verdict, milliseconds timeout) const {
    if (verdict.reply || verdict.kind == smtp::VerdictKind::permanent) {
        return;
    }
    if (is_late_) {
        verdict.text = fmt::format("no answer within {} ms", timeout.count());
    } else if (is_interrupted_) {
        verdict.text = "no answer before we were stopped";
    }
}

net::awaitable<std::optional<smtp::Verdict>> Upstream::open(
    NextHops& next_hops, config::Server server, net::Endpoint client, milliseconds timeout
) {
    auto work = connect(next_hops, server, std::move(client), timeout);
    auto failure = co_await wait(std::move(work), timeout);
    if (failure) {
        explain(*failure, timeout);
    }
    co_return failure;
}

net::awaitable<std::optional<smtp::Verdict>> Upstream::connect(
    NextHops& next_hops, const config::Server& server, net::Endpoint client, milliseconds timeout
) {
    const auto candidates = co_await next_hops.find(server);
    if (!candidates) {
        co_return smtp::judge_loss(smtp::Stage::connect, candidates.error().message());
    }
    std::optional<net::Endpoint> speaker{std::move(client)};
    // The time is for all of them: the second address must have its turn.
    config::Server hurried = server;
    hurried.connect_timeout = std::min(
        server.connect_timeout,
        timeout / static_cast<int>(std::clamp<std::size_t>(candidates->size(), 1, 3))
    );
    auto failure = co_await connection_.open(hurried, *candidates, std::move(speaker));
    if (!failure) {
        their_names_ = {
            connection_.server_name(), server.address.host, address_of(connection_.peer())};
        for (const Candidate& candidate : *candidates) {
            their_names_.push_back(candidate.name);
        }
    }
    co_return failure;
}

net::awaitable<smtp::Verdict> Upstream::rcpt(
    const smtp::Transaction& head, smtp::Transaction::Recipient recipient, milliseconds timeout
) {
    auto work = connection_.rcpt(head, std::move(recipient));
    smtp::Verdict verdict = co_await wait(std::move(work), timeout);
    explain(verdict, timeout);
    co_return verdict;
}

net::awaitable<std::vector<smtp::Verdict>> Upstream::finish(
    std::uint64_t octets, OutgoingBody& body, milliseconds timeout
) {
    messages_ += 1;
    auto work = connection_.finish(octets, body);
    std::vector<smtp::Verdict> verdicts = co_await wait(std::move(work), timeout);
    for (smtp::Verdict& verdict : verdicts) {
        explain(verdict, timeout);
    }
    co_return verdicts;
}

net::awaitable<void> Upstream::reset(milliseconds timeout) {
    auto work = reset();
    static_cast<void>(co_await wait(std::move(work), timeout));
}

net::awaitable<bool> Upstream::reset() {
    co_await connection_.reset();
    co_return true;
}

}  // namespace siding::relay
