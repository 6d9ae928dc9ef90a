#include "relay/release_watch.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;

constexpr auto throughput_window = 60s;
constexpr std::size_t throughput_samples_max = 600;
constexpr double minutes_max = 1e7;  // some nineteen years: as good as never

}  // namespace

CanaryDecision decide_canary(const CanaryOutcome& outcome, unsigned percent_max) {
    using Step = CanaryDecision::Step;
    const std::uint64_t bad = outcome.parked + outcome.deferred;
    const std::uint64_t all = outcome.delivered + bad + outcome.waiting;
    if (bad * 100 > percent_max * all) {
        std::string why = fmt::format("of the canary's {}, ", all);
        if (outcome.parked > 0) {
            why += fmt::format("{} parked", outcome.parked);
        }
        if (outcome.deferred > 0) {
            why += fmt::format("{}{} deferred", outcome.parked > 0 ? ", " : "", outcome.deferred);
        }
        if (!outcome.reply.empty()) {
            why += ": " + outcome.reply;
        }
        return {Step::stop, std::move(why)};
    }
    return {outcome.waiting > 0 ? Step::wait : Step::go, {}};
}

void RejectWatch::restart(std::uint64_t delivered, std::uint64_t parked) {
    samples_ = {{delivered, parked}};
}

std::optional<std::string> RejectWatch::check(std::uint64_t delivered, std::uint64_t parked) {
    // Parked ones may be released anew or discarded: then what was counted says nothing any more.
    if (samples_.empty() || delivered < samples_.back().delivered ||
        parked < samples_.back().parked) {
        restart(delivered, parked);
        return std::nullopt;
    }
    const Sample now{delivered, parked};
    if (now.total() == samples_.back().total()) {
        return std::nullopt;
    }
    samples_.push_back(now);
    while (now.total() - samples_[1].total() >= window_max) {
        samples_.pop_front();
    }
    const std::uint64_t outcomes = now.total() - samples_.front().total();
    const std::uint64_t rejects = now.parked - samples_.front().parked;
    if (percent_max_ == 0 || outcomes < window_min || rejects * 100 <= percent_max_ * outcomes) {
        return std::nullopt;
    }
    return fmt::format("{} of the last {} were refused; siding parked says why", rejects, outcomes);
}

void Throughput::add(Time now, std::uint64_t ended) {
    if (!samples_.empty() && ended < samples_.back().ended) {
        samples_.clear();  // recalled or released anew
    }
    samples_.push_back({now, ended});
    while (samples_.size() > 2 && (samples_[1].at <= now - throughput_window ||
                                   samples_.size() > throughput_samples_max)) {
        samples_.pop_front();
    }
}

double Throughput::per_minute() const {
    if (samples_.size() < 2) {
        return 0;
    }
    const std::chrono::duration<double, std::ratio<60>> span =
        samples_.back().at - samples_.front().at;
    const auto ended = static_cast<double>(samples_.back().ended - samples_.front().ended);
    return span.count() > 0 ? ended / span.count() : 0;
}

std::optional<std::chrono::seconds> time_left(const ReleaseLoad& load) {
    if (load.left + load.waiting == 0) {
        return 0s;
    }
    const auto all = static_cast<double>(load.left + load.waiting);
    double minutes = 0;
    if (load.ended_per_minute > 0) {
        minutes = all / load.ended_per_minute;
    } else if (load.rate_per_minute == 0) {
        return std::nullopt;
    }
    if (load.rate_per_minute > 0) {
        const auto rate = static_cast<double>(load.rate_per_minute);
        minutes = std::max(minutes, static_cast<double>(load.left) / rate);
    }
    const double seconds = std::ceil(std::min(minutes, minutes_max) * 60);
    return std::chrono::seconds{static_cast<std::int64_t>(seconds)};
}

}  // namespace siding::relay
