#include "relay/dispatcher.hpp"

#include "base/log.hpp"
#include "net/run_on.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace siding::relay {
namespace {

const Logger log{"relay"};

constexpr std::size_t tasks_max =
    100'000;  // lanes × connections, release jobs; each is bounded itself
constexpr auto phase_watch_interval = std::chrono::milliseconds{500};

}  // namespace

Dispatcher::Dispatcher(
    queue::Queue& queue,
    const config::Live& config,
    boost::asio::any_io_executor executor,
    Metrics& metrics,
    NextHops* next_hops,
    const RemapTable* remaps
)
    : queue_{queue},
      config_{config},
      tasks_{executor, "dispatcher", tasks_max},
      context_{
          queue,
          config,
          tasks_,
          metrics,
          [this](const std::string& server, WallTime earliest) { wake(server, earliest); },
          next_hops,
          remaps},
      mover_{queue},
      releases_{queue, config, tasks_, [this](WallTime earliest) { wake_all(earliest); }},
      release_phases_{queue, releases_},
      phase_watch_{executor} {}

net::awaitable<Result<void>> Dispatcher::start() {
    SIDING_CO_TRY(co_await add_lanes());
    co_return tasks_.spawn(watch_phases());
}

net::awaitable<Result<void>> Dispatcher::add_lanes() {
    auto create = [this] { return create_lanes(); };
    co_return co_await net::run_on(tasks_.executor(), std::move(create));
}

Result<void> Dispatcher::create_lanes() {
    for (const auto& [name, server] : config_.get()->servers) {
        if (!lanes_.contains(name)) {
            auto lane = std::make_unique<Lane>(name, context_);
            SIDING_TRY(lane->start());
            lanes_.emplace(name, std::move(lane));
        }
    }
    return {};
}

void Dispatcher::wake(const std::string& server, WallTime earliest) {
    boost::asio::post(tasks_.executor(), [this, server, earliest] {
        if (const auto lane = lanes_.find(server); lane != lanes_.end()) {
            lane->second->wake(earliest);
        }
    });
}

void Dispatcher::wake_all(WallTime earliest) {
    boost::asio::post(tasks_.executor(), [this, earliest] {
        for (const auto& [name, lane] : lanes_) {
            lane->wake(earliest);
        }
        phase_watch_.nudge();
    });
}

net::awaitable<void> Dispatcher::stop_claiming() {
    auto stop_lanes = [this] {
        stopping_ = true;
        for (const auto& [name, lane] : lanes_) {
            lane->stop();
        }
        phase_watch_.nudge();
        return true;
    };
    static_cast<void>(co_await net::run_on(tasks_.executor(), std::move(stop_lanes)));
}

net::awaitable<void> Dispatcher::stop(std::chrono::milliseconds deadline) {
    co_await stop_claiming();
    tasks_.cancel();
    const auto drained = co_await tasks_.join(deadline);
    if (!drained) {
        log.warn("attempts_cut_off", {{"tasks", tasks_.count()}});
        tasks_.abort();
        co_await tasks_.join();
    }
}

net::awaitable<std::vector<LaneStatus>> Dispatcher::status() const {
    const auto collect = [](const Dispatcher& self) -> net::awaitable<std::vector<LaneStatus>> {
        std::vector<LaneStatus> out;
        for (const auto& [name, lane] : self.lanes_) {
            out.push_back(lane->status());
        }
        co_return out;
    };
    co_return co_await boost::asio::co_spawn(
        tasks_.executor(), collect(*this), boost::asio::use_awaitable
    );
}

net::awaitable<void> Dispatcher::watch_phases() {
    while (!stopping_) {
        const auto phases = queue_.phases();
        if (phases->epoch != redirected_epoch_) {
            const auto redirected = co_await redirect_all(queue_, context_.wake_lane);
            if (redirected) {
                redirected_epoch_ = phases->epoch;
            } else {
                log.error("redirect_failed", {{"reason", redirected.error()}});
            }
        }
        co_await release_phases_.advance();
        co_await phase_watch_.wait(phase_watch_interval);
    }
}

}  // namespace siding::relay
