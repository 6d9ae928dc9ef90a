// How far a release is: the numbers, one line of text for them, and when to print it. A terminal
// gets one line that is redrawn; anything else a line for each 5 %, so that a log stays short.
#pragma once

#include "base/clock.hpp"
#include "cli/terminal.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <deque>
#include <string>

namespace siding::cli {

struct ReleaseProgress {
    std::uint64_t release = 0;
    std::string server;
    std::uint64_t chosen = 0;  // recipients that the release has taken up so far
    bool complete = false;     // it has taken up all
    bool done = false;
    std::uint64_t waiting = 0;  // due or in flight
    std::uint64_t delivered = 0;
    std::uint64_t parked = 0;
    std::uint64_t others = 0;  // held again or discarded

    std::uint64_t ended() const { return delivered + parked + others; }
};

ReleaseProgress make_progress(const boost::json::object& release);

class ProgressPrinter {
public:
    // `expected` recipients in all, as the dry run counted; 0: not known.
    ProgressPrinter(const Terminal& terminal, std::uint64_t expected)
        : terminal_{terminal}, expected_{expected} {}

    void show(const ReleaseProgress& progress, WallTime now);
    // Takes the redrawn line away, so that the last word has a line of its own.
    void close();

private:
    struct Sample {
        WallTime at;
        std::uint64_t ended = 0;
    };

    std::uint64_t total(const ReleaseProgress& progress) const;
    double rate(const ReleaseProgress& progress, WallTime now);
    std::string bar(unsigned percent) const;
    void draw(const ReleaseProgress& progress, double per_second);
    void log_line(const ReleaseProgress& progress, double per_second);

    const Terminal& terminal_;
    std::uint64_t expected_;
    std::deque<Sample> samples_;
    bool drawn_ = false;  // a line stands on the terminal
    bool first_ = true;   // nothing to measure a rate from yet
    unsigned next_percent_ = 0;
};

}  // namespace siding::cli
