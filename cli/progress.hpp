// How far a release is: the numbers, one line of text for them, and when to print it. A terminal
// gets one line that is redrawn; anything else a line for each 5 %, so that a log stays short.
#pragma once

#include "base/clock.hpp"
#include "cli/terminal.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace siding::cli {

struct ReleaseProgress {
    std::uint64_t release = 0;
    std::string server;
    std::string state;         // running, canary, paused, complete, cancelled
    std::string why = {};      // of a pause or a cancel
    std::uint64_t total = 0;   // recipients that it was ordered for; 0 where that is not known
    std::uint64_t chosen = 0;  // recipients that the release has taken up so far
    bool complete = false;     // it has taken up all
    bool done = false;
    std::uint64_t waiting = 0;  // due or in flight
    std::uint64_t delivered = 0;
    std::uint64_t parked = 0;
    std::uint64_t others = 0;                            // held again or discarded
    std::optional<std::chrono::seconds> time_left = {};  // as the daemon reckons

    std::uint64_t ended() const { return delivered + parked + others; }
};

ReleaseProgress make_progress(const boost::json::object& release);

// One or two words, and the reason of a pause: "running", "paused: …", "done, some parked".
std::string progress_text(const ReleaseProgress& progress);

class ProgressPrinter {
public:
    explicit ProgressPrinter(const Terminal& terminal) : terminal_{terminal} {}

    void show(const ReleaseProgress& progress, WallTime now);
    // Takes the redrawn line away, so that the last word has a line of its own.
    void close();

private:
    struct Sample {
        WallTime at;
        std::uint64_t ended = 0;
    };

    double rate(const ReleaseProgress& progress, WallTime now);
    std::string bar(unsigned percent) const;
    void draw(const ReleaseProgress& progress, double per_second);
    void log_line(const ReleaseProgress& progress, double per_second);

    const Terminal& terminal_;
    std::deque<Sample> samples_;
    bool drawn_ = false;  // a line stands on the terminal
    bool first_ = true;   // nothing to measure a rate from yet
    unsigned next_percent_ = 0;
};

}  // namespace siding::cli
