#include "relay/upstream_pool.hpp"

#include "base/log.hpp"
#include "relay/lane_limits.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace siding::relay {
namespace {

namespace asio = net::asio;
using std::chrono::milliseconds;

const Logger log{"pass"};

// One for each goodbye or RSET under way, and the one that watches.
// So many 4xx without a word of anything else: then the queue takes it all for a while.
constexpr std::size_t deferrals_max = 20;
constexpr std::size_t tasks_max = 4096;
constexpr milliseconds longest_watch = std::chrono::hours{1};
constexpr milliseconds reset_timeout = std::chrono::seconds{5};
constexpr milliseconds goodbye_at_stop = std::chrono::seconds{1};
constexpr milliseconds breaker_first_wait = std::chrono::seconds{1};
constexpr milliseconds breaker_longest_wait = std::chrono::seconds{30};

net::awaitable<bool> is_cancelled_here() {
    const auto state = co_await asio::this_coro::cancellation_state;
    co_return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace

UpstreamPool::Line::Line(PassTally::Server& count)
    : breaker{breaker_first_wait, breaker_longest_wait}, tally{count} {}

UpstreamPool::UpstreamPool(
    const Parts& parts, asio::any_io_executor executor, std::size_t pools, milliseconds idle_timeout
)
    : parts_{parts},
      pools_{pools},
      idle_timeout_{idle_timeout},
      tls_clients_{parts.queue},
      tasks_{executor, "upstreams", tasks_max},
      watch_{executor} {}

UpstreamPool::~UpstreamPool() = default;

Result<void> UpstreamPool::start() {
    return tasks_.spawn(watch_idle());
}

UpstreamPool::Line& UpstreamPool::line_of(const std::string& server) {
    auto found = lines_.find(server);
    if (found == lines_.end()) {
        found = lines_.try_emplace(server, parts_.tally.of(server)).first;
    }
    return found->second;
}

std::size_t UpstreamPool::connections(const std::string& server) const {
    const auto found = lines_.find(server);
    return found == lines_.end() ? 0 : found->second.lent.size() + found->second.idle.size();
}

net::awaitable<UpstreamPool::Taken> UpstreamPool::take(std::string server, net::Endpoint client) {
    return take(std::move(server), std::move(client), true);
}

net::awaitable<UpstreamPool::Taken> UpstreamPool::take_new(
    std::string server, net::Endpoint client
) {
    return take(std::move(server), std::move(client), false);
}

net::awaitable<UpstreamPool::Taken> UpstreamPool::take(
    std::string server, net::Endpoint client, bool may_be_kept
) {
    const auto config = parts_.config.get();
    const auto found = config->servers.find(server);
    Taken taken;
    if (found == config->servers.end() || stopping_) {
        co_return taken;
    }
    const auto give_up_at = Clock::now() + config->pass_through.connect_timeout;
    Line& line = line_of(server);
    for (;;) {
        if (!may_try(line)) {
            co_return taken;
        }
        taken.upstream = may_be_kept ? take_idle(line, found->second, client) : nullptr;
        if (taken.upstream != nullptr) {
            break;
        }
        make_room(line);
        if (is_free(line)) {
            Taken opened = co_await open(
                line, std::move(server), found->second, std::move(client), give_up_at
            );
            co_return opened;
        }
        const bool goes_on = co_await wait_for_place(line, give_up_at);
        if (!goes_on) {
            log.debug("upstream_busy", {{"server", server}});
            co_return taken;
        }
    }
    line.lent.insert(taken.upstream.get());
    co_return taken;
}

// False when the time is over, or we are to stop.
net::awaitable<bool> UpstreamPool::wait_for_place(Line& line, Clock::time_point give_up_at) {
    const auto left = std::chrono::ceil<milliseconds>(give_up_at - Clock::now());
    const bool is_cancelled = co_await is_cancelled_here();
    if (left <= milliseconds{0} || is_cancelled || stopping_) {
        co_return false;
    }
    Wakeup freed{tasks_.executor()};
    line.wait.push_back(&freed);
    co_await freed.wait(left);
    std::erase(line.wait, &freed);
    co_return true;
}

net::awaitable<UpstreamPool::Taken> UpstreamPool::open(
    Line& line,
    std::string name,
    config::Server server,
    net::Endpoint client,
    Clock::time_point give_up_at
) {
    if (line.breaker.state(parts_.queue.clock().now()) == Breaker::State::half_open) {
        line.is_probing = true;
    }
    Taken taken;
    auto upstream = std::make_unique<Upstream>(
        tasks_.executor(), tls_clients_, name, parts_.config.get()->hostname
    );
    line.lent.insert(upstream.get());  // so that abort() ends it
    const auto left = std::chrono::ceil<milliseconds>(give_up_at - Clock::now());
    taken.failure = co_await upstream->open(
        parts_.next_hops, std::move(server), std::move(client), std::max(left, milliseconds{1})
    );
    if (taken.failure) {
        line.lent.erase(upstream.get());
        on_failure(line, others_work(line));
        wake_one(line);
        log.info("upstream_unreachable", {{"server", name}, {"reason", taken.failure->text}});
        dismiss(std::move(upstream));
        co_return taken;
    }
    line.tally.on_connection();
    log.debug("upstream_opened", {{"server", name}, {"peer", upstream->peer()}});
    taken.is_new = true;
    taken.upstream = std::move(upstream);
    co_return taken;
}

bool UpstreamPool::is_free(const Line& line) const {
    const std::size_t all = parts_.config.get()->pass_through.connections;
    const std::size_t share = std::max<std::size_t>((all + pools_ - 1) / pools_, 1);
    return line.lent.size() + line.idle.size() < share;
}

bool UpstreamPool::may_try(Line& line) {
    const WallTime now = parts_.queue.clock().now();
    line.breaker.on_clock(now);
    return !stopping_ && line.breaker.admits(now, line.is_probing);
}

bool UpstreamPool::others_work(const Line& line) {
    return !line.idle.empty() || !line.lent.empty();
}

void UpstreamPool::on_failure(Line& line, bool others_work) {
    line.is_probing = false;
    line.deferrals = 0;
    if (line.breaker.on_failure(parts_.queue.clock().now(), others_work)) {
        for (Wakeup* waiting : line.wait) {
            waiting->nudge();
        }
    }
}

void UpstreamPool::on_success(Line& line) {
    line.is_probing = false;
    line.breaker.on_success();
}

void UpstreamPool::judge(const Upstream& upstream, const smtp::Verdict& verdict) {
    Line& line = line_of(upstream.name());
    using smtp::VerdictKind;
    if (verdict.kind == VerdictKind::delivered && verdict.stage == smtp::Stage::rcpt) {
        return;  // half a yes: the end of the data tells
    }
    const bool defers = verdict.kind == VerdictKind::transient;
    line.deferrals = defers ? line.deferrals + 1 : 0;
    if (verdict.is_about_session() || verdict.kind == VerdictKind::in_doubt) {
        on_failure(line, others_work(line));
    } else if (defers && (line.is_probing || line.deferrals >= deferrals_max)) {
        // A server that puts everybody off works as little as one that is away.
        on_failure(line, false);
    } else if (!defers) {
        on_success(line);
    }
}

UpstreamPool::UpstreamPtr UpstreamPool::take_idle(
    Line& line, const config::Server& server, const net::Endpoint& client
) {
    const std::size_t messages_max = resolve_limits(server).messages_per_connection;
    for (std::size_t i = line.idle.size(); i-- > 0;) {
        Upstream& candidate = *line.idle[i].upstream;
        const bool is_spent = messages_max > 0 && candidate.messages() >= messages_max;
        const bool is_good = candidate.is_usable() && candidate.leads_to(server) && !is_spent;
        if (is_good && !candidate.speaks_for(client)) {
            continue;
        }
        UpstreamPtr upstream = std::move(line.idle[i].upstream);
        line.idle.erase(line.idle.begin() + static_cast<std::ptrdiff_t>(i));
        if (is_good) {
            return upstream;
        }
        dismiss(std::move(upstream));
    }
    return nullptr;
}

// What is kept and of no use to this one must not be in its way.
void UpstreamPool::make_room(Line& line) {
    if (!is_free(line) && !line.idle.empty()) {
        dismiss(std::move(line.idle.front().upstream));
        line.idle.erase(line.idle.begin());
    }
}

void UpstreamPool::wake_one(Line& line) {
    if (!line.wait.empty()) {
        Wakeup* const next = line.wait.front();
        line.wait.erase(line.wait.begin());
        next->nudge();
    }
}

void UpstreamPool::give_back(UpstreamPtr upstream, Left left) {
    Line& line = line_of(upstream->name());
    Upstream* const lent = upstream.get();
    if (left == Left::unfinished && !stopping_) {
        if (!tasks_.spawn(clean(std::move(upstream), *this))) {
            line.lent.erase(lent);
        }
        return;
    }
    line.lent.erase(lent);
    line.is_probing = false;
    if (left == Left::ready && upstream->is_usable() && !stopping_) {
        keep(line, std::move(upstream));
    } else {
        dismiss(std::move(upstream));
    }
    wake_one(line);
}

// Nobody waits for it but the connection.
net::awaitable<void> UpstreamPool::clean(UpstreamPtr upstream, UpstreamPool& pool) {
    co_await upstream->reset(reset_timeout);
    pool.give_back(std::move(upstream), Left::ready);
}

void UpstreamPool::keep(Line& line, UpstreamPtr upstream) {
    line.idle.push_back({std::move(upstream), Clock::now()});
    if (line.idle.size() == 1) {
        watch_.nudge();
    }
}

// Says QUIT where the server still listens; nobody waits for its answer.
void UpstreamPool::dismiss(UpstreamPtr upstream) {
    if (const auto spawned = tasks_.spawn(say_goodbye(std::move(upstream))); !spawned) {
        log.debug("closed_without_quit", {{"reason", spawned.error()}});
    }
}

net::awaitable<void> UpstreamPool::say_goodbye(UpstreamPtr upstream) {
    co_await upstream->close();
}

net::awaitable<void> UpstreamPool::watch_idle() {
    while (!stopping_) {
        const milliseconds next = dismiss_idle();
        co_await watch_.wait(next);
    }
    static_cast<void>(dismiss_idle());
}

// Those whose time is over, all of them at the end. How long the next one has left.
milliseconds UpstreamPool::dismiss_idle() {
    const auto now = Clock::now();
    milliseconds next = longest_watch;
    for (auto& [name, line] : lines_) {
        std::vector<Idle> kept;
        for (Idle& idle : line.idle) {
            const auto left = std::chrono::ceil<milliseconds>(idle.since + idle_timeout_ - now);
            if (stopping_ || left <= milliseconds{0}) {
                dismiss(std::move(idle.upstream));
            } else {
                next = std::min(next, left);
                kept.push_back(std::move(idle));
            }
        }
        line.idle = std::move(kept);
    }
    return next;
}

void UpstreamPool::abort() {
    asio::post(tasks_.executor(), [this] {
        stopping_ = true;
        for (auto& [name, line] : lines_) {
            for (Upstream* lent : line.lent) {
                lent->interrupt();
            }
            for (Wakeup* waiting : line.wait) {
                waiting->nudge();
            }
        }
        watch_.nudge();
    });
}

net::awaitable<void> UpstreamPool::stop() {
    abort();
    const auto ended = co_await tasks_.join(goodbye_at_stop);
    if (!ended) {
        tasks_.abort();
        co_await tasks_.join();
    }
}

UpstreamPools::UpstreamPools(
    const UpstreamPool::Parts& parts, const std::vector<asio::any_io_executor>& threads
) {
    for (const auto& executor : threads) {
        auto pool = std::make_unique<UpstreamPool>(parts, executor, threads.size());
        pools_.emplace_back(executor, std::move(pool));
    }
}

Result<void> UpstreamPools::start() {
    for (const auto& [executor, pool] : pools_) {
        SIDING_TRY(pool->start());
    }
    return {};
}

UpstreamPool* UpstreamPools::of(const asio::any_io_executor& executor) const {
    const auto found =
        std::ranges::find(pools_, executor, [](const auto& one) { return one.first; });
    return found == pools_.end() ? nullptr : found->second.get();
}

void UpstreamPools::abort() {
    for (const auto& [executor, pool] : pools_) {
        pool->abort();
    }
}

net::awaitable<void> UpstreamPools::stop() {
    for (const auto& [executor, pool] : pools_) {
        co_await pool->stop();
    }
}

}  // namespace siding::relay
