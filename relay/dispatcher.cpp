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
// After an order that found nothing although the counters say there is: unreadable rows.
constexpr auto fruitless_pause = std::chrono::minutes{1};

}  // namespace

Dispatcher::Dispatcher(
    queue::Queue& queue,
    const config::Live& config,
    boost::asio::any_io_executor executor,
    Metrics& metrics
)
    : queue_{queue},
      config_{config},
      tasks_{executor, "dispatcher", tasks_max},
      context_{
          queue,
          config,
          tasks_,
          metrics,
          [this](const std::string& server, WallTime earliest) { wake(server, earliest); }},
      mover_{queue, tasks_, [this](WallTime earliest) { wake_all(earliest); }},
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
        for (const auto& [wave, phase] : phases->phases) {
            if (phase != Phase::release) {
                continue;
            }
            const auto domain = Domain::parse(wave.first);
            const auto advanced = co_await advance_release(*domain, wave.second);
            if (!advanced) {
                log.error(
                    "release_phase_failed", {{"domain", wave.first}, {"reason", advanced.error()}}
                );
            }
        }
        co_await phase_watch_.wait(phase_watch_interval);
    }
}

// Also what makes the phase outlive a restart: it looks at what is there, not at what was ordered.
net::awaitable<Result<void>> Dispatcher::advance_release(
    const Domain& domain, const std::string& wave
) {
    const auto counters = queue_.store().counters();
    const auto found = counters.waves.find({domain.text(), wave});
    const queue::StateCounts counts =
        found == counters.waves.end() ? queue::StateCounts{} : found->second;
    // What an operator has put on hold by name stays: counts.kept of them.
    if (counts.of(queue::State::held) > counts.kept) {
        auto all_jobs = [](const queue::Store& store) { return store.releases(); };
        const auto jobs = co_await queue_.read(all_jobs);
        if (!jobs) {
            co_return jobs.error();
        }
        const bool ordered = std::ranges::any_of(*jobs, [&](const queue::ReleaseJob& job) {
            const bool fruitless = job.filter.kept == false && job.chosen == 0 &&
                                   queue_.clock().now() - job.ordered_at < fruitless_pause;
            return job.filter.domain == domain && job.filter.wave == wave &&
                   (!job.complete || fruitless);
        });
        if (ordered) {
            co_return Result<void>{};
        }
        queue::ReleaseJob job;
        job.filter.domain = domain;
        job.filter.wave = wave;
        job.filter.state = queue::State::held;
        job.filter.kept = false;
        job.server = std::string{*server_of(Phase::release)};
        job.pinned = false;  // a flip back to hold must catch what has not left yet
        job.who = "sidingd";
        SIDING_CO_TRY(co_await mover_.order_release(std::move(job)));
        co_return Result<void>{};
    }
    if (counts.of(queue::State::due) == 0 && counts.of(queue::State::in_flight) == 0) {
        queue::SetPhases flip;
        flip.moves.push_back({domain, wave, Phase::pass_new});
        flip.who = "sidingd";
        flip.why = "the backlog is empty";
        queue::Change change{std::move(flip)};
        SIDING_CO_TRY(co_await queue_.commit(std::move(change)));
        log.info("phase_changed", {{"domain", domain}, {"wave", wave}, {"phase", "pass_new"}});
    }
    co_return Result<void>{};
}

}  // namespace siding::relay
