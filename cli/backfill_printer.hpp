// How the backfill's documents look on a terminal: tables, bars while somebody watches, and words.
#pragma once

#include "base/clock.hpp"
#include "cli/terminal.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace siding::cli {

bool is_good_backfill_verdict(std::string_view verdict);

// `order`: what was asked for; copy also for a mere look.
void print_backfill(
    const boost::json::array& accounts, const std::string& order, const Terminal& terminal
);
void print_backfill_report(const boost::json::object& report, const Terminal& terminal);

// One line for each account that is at work and one for all, redrawn; nothing where nobody watches.
class BackfillProgress {
public:
    explicit BackfillProgress(const Terminal& terminal) : terminal_{terminal} {}

    void show(const boost::json::array& accounts, WallTime now);
    void close();

private:
    struct Sample {
        WallTime at;
        std::uint64_t messages = 0;
        std::uint64_t octets = 0;
    };

    void rub_out();

    const Terminal& terminal_;
    std::deque<Sample> samples_;
    std::size_t lines_ = 0;
};

}  // namespace siding::cli
