#include "relay/release_phases.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <optional>

namespace siding::relay {
namespace {

const Logger log{"relay"};

using namespace std::chrono_literals;
using net::awaitable;
using queue::State;
using std::chrono::steady_clock;

// Mail that came in so lately is on its way, and no backlog: with it in the balance a wave that
// always has traffic would never become pass_new.
constexpr auto fresh_for = 10s;
constexpr std::uint64_t fresh_max = 10'000;  // rows that are looked at to find out
constexpr auto fresh_look_interval = 1s;
constexpr int fresh_look_share = 20;  // a look that took long has to wait so many times as long
constexpr auto straggler_look_interval = 2s;
constexpr std::size_t flips_searched = 1000;

queue::StateCounts counts_of(
    const queue::Counters& counters, const std::pair<std::string, std::string>& wave
) {
    const auto found = counters.waves.find(wave);
    return found == counters.waves.end() ? queue::StateCounts{} : found->second;
}

// What an operator has put on hold by name stays: counts.kept of them.
std::uint64_t held_in(const queue::StateCounts& counts) {
    return counts.of(State::held) - counts.kept;
}

std::uint64_t under_way_in(const queue::StateCounts& counts) {
    return counts.of(State::due) + counts.of(State::in_flight);
}

// The wave's newest flip, and where it went.
struct LastFlip {
    WallTime at{};
    queue::FlipMove move;
};

std::optional<LastFlip> last_flip(
    const std::vector<queue::FlipRecord>& flips, const std::pair<std::string, std::string>& wave
) {
    for (const queue::FlipRecord& flip : flips) {
        for (const queue::FlipMove& move : flip.moves) {
            if (move.domain.text() == wave.first && move.wave == wave.second &&
                move.from != move.to) {
                return LastFlip{flip.at, move};
            }
        }
    }
    return std::nullopt;
}

// A job that lets go what the wave holds on the way that its phase has.
bool follows(const queue::ReleaseJob& job, const queue::FlipMove& move) {
    return !job.pinned && job.filter.kept == false && job.filter.domain == move.domain &&
           job.filter.wave == move.wave && job.server == server_of(move.to);
}

}  // namespace

awaitable<void> ReleasePhases::advance() {
    const auto phases = queue_.phases();
    for (const auto& [wave, phase] : phases->phases) {
        Result<void> advanced;
        if (phase == Phase::release) {
            advanced = co_await advance_release(wave);
        } else {
            if (phase != Phase::pass_new) {
                advanced = co_await end_paused(wave, queue::ReleaseState::cancelled);
            }
            if (advanced && (phase == Phase::pass_new || phase == Phase::pass_old)) {
                advanced = co_await take_stragglers(wave);
            }
        }
        if (!advanced) {
            log.error(
                "release_phase_failed",
                {{"domain", wave.first}, {"wave", wave.second}, {"reason", advanced.error()}}
            );
        }
    }
}

awaitable<Result<void>> ReleasePhases::advance_release(const Wave& wave) {
    const queue::StateCounts counts = counts_of(queue_.store().counters(), wave);
    const auto domain = Domain::parse(wave.first);
    SIDING_CO_TRY(domain);
    const ReleaseTask* const task = releases_.find_phase_task(*domain, wave.second);
    if (held_in(counts) == 0 && under_way_in(counts) == 0) {
        co_return co_await end_phase(wave);
    }
    if (task == nullptr && held_in(counts) > 0) {
        std::string server{*server_of(Phase::release)};
        co_return co_await order_for(wave, std::move(server));
    }
    Look& look = looks_[wave];
    const bool may_be_fresh = (task == nullptr || (task->has_caught_up() && task->is_at_work())) &&
                              held_in(counts) + under_way_in(counts) <= fresh_max;
    if (!may_be_fresh || steady_clock::now() < look.next) {
        co_return Result<void>{};
    }
    const auto began = steady_clock::now();
    const WallTime began_at = task == nullptr ? WallTime{} : task->job().ordered_at;
    const auto fresh = co_await is_all_fresh(wave, began_at);
    const auto ended = steady_clock::now();
    looks_[wave].next =
        ended +
        std::max<steady_clock::duration>(fresh_look_interval, (ended - began) * fresh_look_share);
    SIDING_CO_TRY(fresh);
    if (*fresh) {
        co_return co_await end_phase(wave);
    }
    co_return Result<void>{};
}

// Whatever is left came after the phase began, and only just. Copies of a parallel run go at their
// own pace, to a server of their own.
awaitable<Result<bool>> ReleasePhases::is_all_fresh(const Wave& wave, WallTime began_at) {
    // What came in the same millisecond counts as backlog.
    const WallTime since = std::max(began_at + 1ms, queue_.clock().now() - fresh_for);
    for (const State state : {State::held, State::due, State::in_flight}) {
        queue::Filter old;
        SIDING_CO_ASSIGN(old.domain, Domain::parse(wave.first));
        old.wave = wave.second;
        old.state = state;
        old.copy = false;
        old.before = since;
        if (state == State::held) {
            old.kept = false;
        }
        auto list = [old](const queue::Store& store) { return store.list(old, {}, 1); };
        SIDING_CO_ASSIGN(const queue::ListPage page, co_await queue_.read(std::move(list)));
        if (!page.rows.empty()) {
            co_return false;
        }
    }
    co_return true;
}

awaitable<Result<void>> ReleasePhases::end_phase(const Wave& wave) {
    queue::SetPhases flip;
    SIDING_CO_ASSIGN(Domain domain, Domain::parse(wave.first));
    flip.moves.push_back({std::move(domain), wave.second, Phase::pass_new});
    flip.who = "sidingd";
    flip.why = "the backlog is empty";
    queue::Change change{std::move(flip)};
    SIDING_CO_TRY(co_await queue_.commit(std::move(change)));
    log.info(
        "phase_changed", {{"domain", wave.first}, {"wave", wave.second}, {"phase", "pass_new"}}
    );
    co_return Result<void>{};
}

// A transaction keeps the phase that it began with: its message may come in held when the wave has
// been flipped and what it held has left. It follows what it belongs to.
awaitable<Result<void>> ReleasePhases::take_stragglers(const Wave& wave) {
    const std::uint64_t held = held_in(counts_of(queue_.store().counters(), wave));
    const std::uint64_t epoch = queue_.phases()->epoch;
    if (held == 0) {
        co_return co_await end_paused(wave, queue::ReleaseState::complete);
    }
    Look& look = looks_[wave];
    const bool was_seen = look.held_seen == held && look.epoch_seen == epoch;
    if (was_seen || steady_clock::now() < look.next) {
        co_return Result<void>{};
    }
    look.next = steady_clock::now() + straggler_look_interval;
    look.held_seen = held;
    look.epoch_seen = epoch;
    auto read_flips = [](const queue::Store& store) { return store.flips(flips_searched); };
    SIDING_CO_ASSIGN(
        const std::vector<queue::FlipRecord> flips, co_await queue_.read(std::move(read_flips))
    );
    const auto flip = last_flip(flips, wave);
    if (!flip) {
        co_return Result<void>{};
    }
    auto read_jobs = [](const queue::Store& store) { return store.releases(); };
    SIDING_CO_ASSIGN(
        const std::vector<queue::ReleaseJob> jobs, co_await queue_.read(std::move(read_jobs))
    );
    bool was_let_go = flip->move.from == Phase::release && flip->move.to == Phase::pass_new;
    for (const queue::ReleaseJob& job : jobs) {
        if (!follows(job, flip->move)) {
            continue;
        }
        if (!queue::is_over(job.state)) {
            looks_[wave].held_seen = 0;  // look again when it has ended
            co_return Result<void>{};
        }
        was_let_go = was_let_go ||
                     (job.state == queue::ReleaseState::complete && job.ordered_at >= flip->at);
    }
    if (was_let_go) {
        std::string server{*server_of(flip->move.to)};
        co_return co_await order_for(wave, std::move(server));
    }
    co_return Result<void>{};
}

// A job that is at work ends by itself; the next phase release must not find a paused one.
awaitable<Result<void>> ReleasePhases::end_paused(const Wave& wave, queue::ReleaseState state) {
    const auto domain = Domain::parse(wave.first);
    SIDING_CO_TRY(domain);
    ReleaseTask* const task = releases_.find_phase_task(*domain, wave.second);
    if (task == nullptr || task->job().state != queue::ReleaseState::paused) {
        co_return Result<void>{};
    }
    std::string why{"the phase has changed"};
    co_return co_await task->change_state(state, std::move(why), false);
}

awaitable<Result<void>> ReleasePhases::order_for(const Wave& wave, std::string server) {
    queue::ReleaseJob job = releases_.make_job();
    SIDING_CO_ASSIGN(job.filter.domain, Domain::parse(wave.first));
    job.filter.wave = wave.second;
    job.filter.state = State::held;
    job.filter.kept = false;
    job.server = std::move(server);
    job.pinned = false;  // a flip back to hold must catch what has not left yet
    job.of_phase = queue_.phases()->find(*job.filter.domain, wave.second) == Phase::release;
    job.who = "sidingd";
    SIDING_CO_TRY(co_await releases_.order_here(std::move(job)));
    co_return Result<void>{};
}

}  // namespace siding::relay
