#include "relay/wave_tables.hpp"

#include "base/log.hpp"
#include "net/run_on.hpp"
#include "relay/wave_follow.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>
#include <utility>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;

const Logger log{"relay"};

// A transaction keeps the waves that it began with, for an hour at most (timeouts.message): what it
// stores after the first walk is found by a later one.
constexpr std::array<std::chrono::seconds, 4> walk_delays{0s, 1min, 15min, 75min};

// A wave that misses a file which was never readable keeps the files that it had before.
void add_configured(
    const std::map<std::string, config::Wave>& waves,
    const RecipientSources& sources,
    const WaveTable::Waves* before,
    WaveTable::Waves& table
) {
    for (const auto& [name, wave] : waves) {
        WaveSources& entry = table[name];
        entry.patterns = wave.patterns;
        for (const config::RecipientFile& file : wave.files) {
            if (auto recipients = sources.find(file)) {
                entry.files.push_back(std::move(recipients));
            }
        }
        const bool complete = entry.files.size() == wave.files.size();
        if (!complete && before != nullptr && before->contains(name)) {
            entry.files = before->at(name).files;
        }
    }
}

void report(const WaveTable& table) {
    for (const WaveOverlap& overlap : table.overlaps()) {
        log.warn(
            "waves_overlap",
            {{"domain", overlap.domain},
             {"wave", overlap.first},
             {"also_in", overlap.second},
             {"addresses", overlap.addresses},
             {"example", overlap.example}}
        );
    }
}

std::set<std::string> changed_domains(const WaveTable& before, const WaveTable& after) {
    static const WaveTable::Waves none;
    std::set<std::string> changed;
    const auto compare = [&changed](const WaveTable& some, const WaveTable& others) {
        for (const auto& [domain, waves] : some.domains()) {
            const WaveTable::Waves* const other = others.waves_of(domain);
            if (waves != (other == nullptr ? none : *other)) {
                changed.insert(domain);
            }
        }
    };
    compare(before, after);
    compare(after, before);
    return changed;
}

}  // namespace

WaveTables::WaveTables(Parts parts, std::chrono::milliseconds look_interval)
    : parts_{std::move(parts)}, look_interval_{look_interval}, sources_{parts_.metrics} {}

Result<void> WaveTables::load_first() {
    SIDING_ASSIGN(members_, load_waves(parts_.queue.store()));
    load(RecipientSources::When::now);
    if (const auto failures = sources_.failures(); !failures.empty()) {
        return Error{
            failures.front().code,
            fmt::format(
                "waves: {}; put the file in order, or take it out of `domains`",
                failures.front().context
            )};
    }
    // Of a wave that went while the daemon was down something may be queued still.
    for (const auto& [wave, phase] : parts_.queue.phases()->phases) {
        if (wave.second != config::default_wave) {
            expect_walks(wave.first);
        }
    }
    return {};
}

std::string WaveTables::wave_of(const Domain& domain, std::string_view address) const {
    const auto config = parts_.config.get();
    return get()->wave_of(domain, address, config->recipient_delimiter);
}

std::shared_ptr<const WaveTable> WaveTables::get() const {
    const std::lock_guard lock{mutex_};
    return current_;
}

net::awaitable<void> WaveTables::watch() {
    net::asio::steady_timer timer{co_await net::asio::this_coro::executor};
    const auto state = co_await net::asio::this_coro::cancellation_state;
    while (state.cancelled() == net::asio::cancellation_type::none) {
        co_await walk_all();
        timer.expires_after(look_interval_);
        const auto [code] = co_await timer.async_wait(net::use_result);
        if (code) {
            co_return;
        }
        auto work = [this] { return load(RecipientSources::When::once_quiet); };
        co_await net::run_on(parts_.blocking, work);
    }
}

net::awaitable<void> WaveTables::refresh() {
    auto work = [this] { return load(RecipientSources::When::now); };
    co_await net::run_on(parts_.blocking, work);
}

net::awaitable<Result<void>> WaveTables::reload_members() {
    auto work = [this]() -> Result<void> {
        const std::lock_guard one_at_a_time{loading_};
        SIDING_ASSIGN(members_, load_waves(parts_.queue.store()));
        build();
        return {};
    };
    co_return co_await net::run_on(parts_.blocking, work);
}

// The files of waves, where RecipientSources looks for those of recipients.
config::Config WaveTables::config_of_files() const {
    config::Config files;
    for (const auto& [domain, settings] : parts_.config.get()->domains) {
        config::Recipients& recipients = files.domains[domain].recipients;
        recipients.any = false;
        for (const auto& [name, wave] : settings.waves) {
            std::ranges::copy(wave.files, std::back_inserter(recipients.files));
        }
    }
    return files;
}

bool WaveTables::load(RecipientSources::When when) {
    const std::lock_guard one_at_a_time{loading_};
    const auto config = parts_.config.get();
    const bool changed = sources_.look(config_of_files(), when);
    if (!changed && config == loaded_for_) {
        return false;
    }
    build();
    loaded_for_ = config;
    return true;
}

void WaveTables::build() {
    const auto config = parts_.config.get();
    const auto before = get();
    WaveTable::Domains domains;
    for (const auto& [domain, settings] : config->domains) {
        add_configured(
            settings.waves, sources_, before->waves_of(domain.text()), domains[domain.text()]
        );
    }
    for (const auto& [name, members] : members_) {
        if (const auto domain = domains.find(name.first); domain != domains.end()) {
            domain->second[name.second].members = members;
        }
    }
    auto next = std::make_shared<const WaveTable>(std::move(domains));
    const std::set<std::string> changed = changed_domains(*before, *next);
    if (changed.empty()) {
        return;
    }
    report(*next);
    {
        const std::lock_guard lock{mutex_};
        current_ = std::move(next);
    }
    for (const std::string& domain : changed) {
        expect_walks(domain);
    }
}

void WaveTables::expect_walks(const std::string& domain) {
    const Time now = std::chrono::steady_clock::now();
    const std::lock_guard lock{mutex_};
    std::vector<Time>& times = walks_[domain];
    times.clear();
    for (const auto delay : walk_delays) {
        times.push_back(now + delay);
    }
}

// The domains whose rows are to follow now.
std::vector<std::string> WaveTables::take_walks() {
    const Time now = std::chrono::steady_clock::now();
    std::vector<std::string> domains;
    const std::lock_guard lock{mutex_};
    for (auto& [domain, times] : walks_) {
        if (std::erase_if(times, [now](Time time) { return time <= now; }) > 0) {
            domains.push_back(domain);
        }
    }
    std::erase_if(walks_, [](const auto& entry) { return entry.second.empty(); });
    return domains;
}

net::awaitable<void> WaveTables::walk_all() {
    for (const std::string& name : take_walks()) {
        auto domain = Domain::parse(name);
        if (!domain) {
            continue;
        }
        const auto moved = co_await follow(std::move(*domain));
        if (!moved) {
            log.error("waves_follow_failed", {{"domain", name}, {"reason", moved.error()}});
            expect_walks(name);
        }
    }
}

net::awaitable<Result<std::uint64_t>> WaveTables::follow(Domain domain) {
    std::string name = domain.text();
    std::string delimiter = parts_.config.get()->recipient_delimiter;
    auto table = get();
    WakeLane wake_lane = parts_.wake_lane;
    const auto moved = co_await follow_waves(
        parts_.queue,
        std::move(table),
        std::move(domain),
        std::move(delimiter),
        std::move(wake_lane)
    );
    if (moved && *moved > 0) {
        log.info("waves_followed", {{"domain", name}, {"recipients", *moved}});
    }
    co_return moved;
}

}  // namespace siding::relay
