#include "relay/probe_pool.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "net/deadline.hpp"
#include "net/network_error.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace siding::relay {
namespace {

const Logger log{"probe"};

using std::chrono::milliseconds;

constexpr std::size_t refusals_max = limits::server_errors_max;

// One for each goodbye under way, and the one that watches.
constexpr std::size_t tasks_max = 1024;
constexpr milliseconds longest_watch = std::chrono::hours{1};
constexpr milliseconds goodbye_at_stop = std::chrono::seconds{1};

// As many recipients from `first` on as the server takes in one transaction.
smtp::Probe make_probe(
    const std::string& sender,
    const std::vector<std::string>& recipients,
    std::size_t first,
    std::size_t recipients_max
) {
    const auto count = std::min(recipients_max, recipients.size() - first);
    const auto begin = recipients.begin() + static_cast<std::ptrdiff_t>(first);
    return {sender, {begin, begin + static_cast<std::ptrdiff_t>(count)}};
}

// Nothing but a loss or a goodbye: on a connection that had been idle it says nothing new.
bool is_nothing_said(const std::vector<smtp::Verdict>& verdicts) {
    return std::ranges::all_of(verdicts, [](const smtp::Verdict& verdict) {
        return !verdict.reply || verdict.reply->is_closing();
    });
}

// Those that the server counts as errors of ours.
std::size_t count_refused(const std::vector<smtp::Verdict>& verdicts) {
    const auto is_refused = [](const smtp::Verdict& verdict) {
        return verdict.reply && !verdict.reply->is_positive();
    };
    return static_cast<std::size_t>(std::ranges::count_if(verdicts, is_refused));
}

net::awaitable<bool> is_cancelled_here() {
    const auto state = co_await net::asio::this_coro::cancellation_state;
    co_return state.cancelled() != net::asio::cancellation_type::none;
}

}  // namespace

// A place among the connections to one server.
class ProbePool::Seat {
public:
    explicit Seat(Line& line) : line_{line} { line_.taken += 1; }
    ~Seat() {
        line_.taken -= 1;
        for (Wakeup* waiting : line_.wait) {
            waiting->nudge();
        }
    }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

private:
    Line& line_;
};

ProbePool::ProbePool(
    queue::Queue& queue,
    const config::Live& config,
    NextHops& next_hops,
    net::asio::any_io_executor executor,
    milliseconds idle_timeout
)
    : config_{config},
      next_hops_{next_hops},
      tls_clients_{queue},
      idle_timeout_{idle_timeout},
      tasks_{executor, "probes", tasks_max},
      watch_{executor} {}

ProbePool::~ProbePool() = default;

Result<void> ProbePool::start() {
    return tasks_.spawn(watch_idle());
}

Prober ProbePool::prober() {
    return [this](std::string server, std::string sender, std::vector<std::string> recipients) {
        return probe(std::move(server), std::move(sender), std::move(recipients));
    };
}

net::awaitable<ProbeAnswer> ProbePool::probe(
    std::string server, std::string sender, std::vector<std::string> recipients
) {
    const milliseconds timeout = config_.get()->verify.timeout;
    const auto end = Clock::now() + timeout;
    auto work = ask(server, sender, recipients);
    auto answered = co_await net::with_deadline(std::move(work), timeout, "asking " + server);
    if (!answered) {
        const auto failure = smtp::judge_loss(smtp::Stage::connect, answered.error().message());
        co_return ProbeAnswer{Verdicts(recipients.size(), failure)};
    }
    if (Clock::now() >= end) {  // what was under way says only that it was interrupted
        for (smtp::Verdict& verdict : *answered) {
            if (!verdict.reply) {
                verdict.text = fmt::format("no answer within {} ms", timeout.count());
            }
        }
    }
    co_return ProbeAnswer{std::move(*answered)};
}

net::awaitable<Result<ProbePool::Verdicts>> ProbePool::ask(
    const std::string& server, const std::string& sender, const std::vector<std::string>& recipients
) {
    const auto config = config_.get();
    const auto found = config->servers.find(server);
    if (found == config->servers.end()) {
        co_return Error{Errc::not_found, "no server " + server + " is configured"};
    }
    Line& line = lines_[server];
    const bool is_free = co_await wait_for_seat(line, config->verify.connections);
    if (!is_free) {
        co_return net::make_cancelled("waiting for a connection to " + server);
    }
    const Seat seat{line};
    Verdicts verdicts;
    Idle idle = take_idle(line, found->second);
    bool may_be_stale = idle.connection != nullptr;
    while (verdicts.size() < recipients.size()) {
        if (idle.connection == nullptr) {
            idle = Idle{std::make_unique<ClientConnection>(tls_clients_, config->hostname)};
            const auto failure = co_await open(*idle.connection, found->second);
            if (failure) {
                verdicts.resize(recipients.size(), *failure);
                co_return verdicts;
            }
        }
        const auto most = std::min(idle.connection->recipients_max(), refusals_max - idle.refusals);
        smtp::Probe part = make_probe(sender, recipients, verdicts.size(), most);
        auto answers = co_await idle.connection->probe(std::move(part));
        idle.refusals += count_refused(answers);
        const bool is_over = !idle.connection->is_usable();
        if (is_over || idle.refusals >= refusals_max) {
            dismiss(std::move(idle.connection));
        }
        if (std::exchange(may_be_stale, false) && is_over && is_nothing_said(answers)) {
            continue;  // over a new one
        }
        std::ranges::move(answers, std::back_inserter(verdicts));
    }
    if (idle.connection != nullptr) {
        keep(line, std::move(idle));
    }
    co_return verdicts;
}

net::awaitable<std::optional<smtp::Verdict>> ProbePool::open(
    ClientConnection& connection, const config::Server& server
) {
    const auto candidates = co_await next_hops_.find(server);
    if (!candidates) {
        co_return smtp::judge_loss(smtp::Stage::connect, candidates.error().message());
    }
    co_return co_await connection.open(server, *candidates);
}

// False when cancelled.
net::awaitable<bool> ProbePool::wait_for_seat(Line& line, std::size_t seats) {
    Wakeup freed{tasks_.executor()};
    while (line.taken >= seats) {
        line.wait.push_back(&freed);
        co_await freed.wait(longest_watch);
        std::erase(line.wait, &freed);
        const bool is_cancelled = co_await is_cancelled_here();
        if (is_cancelled) {
            co_return false;
        }
    }
    co_return true;
}

ProbePool::Idle ProbePool::take_idle(Line& line, const config::Server& server) {
    while (!line.idle.empty()) {
        Idle idle = std::move(line.idle.back());
        line.idle.pop_back();
        if (idle.connection->is_usable() && idle.connection->leads_to(server)) {
            return idle;
        }
        dismiss(std::move(idle.connection));
    }
    return {};
}

void ProbePool::keep(Line& line, Idle idle) {
    if (stopping_) {
        dismiss(std::move(idle.connection));
        return;
    }
    idle.since = Clock::now();
    line.idle.push_back(std::move(idle));
    watch_.nudge();
}

// Says QUIT where the server still listens; nobody waits for its answer.
void ProbePool::dismiss(ConnectionPtr connection) {
    if (const auto spawned = tasks_.spawn(say_goodbye(std::move(connection))); !spawned) {
        log.debug("closed_without_quit", {{"reason", spawned.error()}});
    }
}

net::awaitable<void> ProbePool::say_goodbye(ConnectionPtr connection) {
    co_await connection->close();
}

net::awaitable<void> ProbePool::watch_idle() {
    while (!stopping_) {
        const milliseconds next = dismiss_idle();
        co_await watch_.wait(next);
    }
    static_cast<void>(dismiss_idle());
}

// Those whose time is over, all of them at the end. How long the next one has left.
milliseconds ProbePool::dismiss_idle() {
    const auto now = Clock::now();
    milliseconds next = longest_watch;
    for (auto& [name, line] : lines_) {
        std::vector<Idle> kept;
        for (Idle& idle : line.idle) {
            const auto left = std::chrono::ceil<milliseconds>(idle.since + idle_timeout_ - now);
            if (stopping_ || left <= milliseconds{0}) {
                dismiss(std::move(idle.connection));
            } else {
                next = std::min(next, left);
                kept.push_back(std::move(idle));
            }
        }
        line.idle = std::move(kept);
    }
    return next;
}

net::awaitable<void> ProbePool::stop() {
    stopping_ = true;
    watch_.nudge();
    const auto ended = co_await tasks_.join(goodbye_at_stop);
    if (!ended) {
        tasks_.abort();
        co_await tasks_.join();
    }
}

}  // namespace siding::relay
