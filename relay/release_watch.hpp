// What a release job's outcomes mean: whether its canary went well, when so many are refused that
// it must pause, and how long it will take. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace siding::relay {

// What has become of the recipients that went first.
struct CanaryOutcome {
    std::uint64_t delivered = 0;
    std::uint64_t parked = 0;
    std::uint64_t deferred = 0;  // tried, and due again
    std::uint64_t waiting = 0;   // not tried yet, or under way
    std::uint64_t gone = 0;      // held again or discarded: nobody's outcome
    std::string reply;           // of one that was parked or deferred
};

struct CanaryDecision {
    enum class Step { wait, go, stop };

    Step step = Step::wait;
    std::string why;  // of stop, for people
};

// Parked and deferred ones count alike, above `percent_max` of all they stop the job; with 0 each
// one does.
CanaryDecision decide_canary(const CanaryOutcome& outcome, unsigned percent_max);

// Watches the last outcomes of a job: window_min of them at least, some window_max at most.
class RejectWatch {
public:
    static constexpr std::uint64_t window_min = 20;
    static constexpr std::uint64_t window_max = 200;

    explicit RejectWatch(unsigned percent_max) : percent_max_{percent_max} {}  // 0: never pauses

    // Forgets; the counts are those at the beginning of the new window.
    void restart(std::uint64_t delivered, std::uint64_t parked);

    // Counts so far; the reason to pause, if there is one.
    std::optional<std::string> check(std::uint64_t delivered, std::uint64_t parked);

private:
    struct Sample {
        std::uint64_t delivered = 0;
        std::uint64_t parked = 0;

        std::uint64_t total() const { return delivered + parked; }
    };

    unsigned percent_max_;
    std::deque<Sample> samples_;
};

// How many recipients come to an end in a minute, over the last one.
class Throughput {
public:
    using Time = std::chrono::steady_clock::time_point;

    void add(Time now, std::uint64_t ended);
    double per_minute() const;

private:
    struct Sample {
        Time at;
        std::uint64_t ended = 0;
    };

    std::deque<Sample> samples_;
};

struct ReleaseLoad {
    std::uint64_t left = 0;     // not moved yet
    std::uint64_t waiting = 0;  // moved, without an end
    std::uint64_t rate_per_minute = 0;
    double ended_per_minute = 0;
};

// Nothing where it cannot be said: nothing has ended of late.
std::optional<std::chrono::seconds> time_left(const ReleaseLoad& load);

}  // namespace siding::relay
