// How far the backfill is while somebody waits for it: on a terminal a line for each account that
// is at work and one for all, redrawn in place; elsewhere a line of text now and then, so that a
// log stays short.
#pragma once

#include "base/clock.hpp"
#include "cli/terminal.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace siding::cli {

class BackfillProgress {
public:
    explicit BackfillProgress(const Terminal& terminal) : terminal_{terminal} {}

    // The accounts that are waited for, and the document that they are from.
    void show(
        const boost::json::array& accounts, const boost::json::object& document, WallTime now
    );
    // Takes the drawn lines away, so that the last word has the place.
    void close();

private:
    void draw(const std::vector<std::string>& lines);
    void tell_failures(const boost::json::array& accounts);
    void log(const boost::json::array& accounts, const std::string& total, WallTime now);

    const Terminal& terminal_;
    std::map<std::string, std::string> told_;  // by account, what was last said of it
    std::size_t drawn_ = 0;                    // lines on the terminal
    unsigned next_percent_ = 0;
    WallTime began_{};
    WallTime logged_at_{};
};

// What is drawn, at most so many lines; the last one is about all.
std::vector<std::string> backfill_progress_lines(
    const boost::json::array& accounts,
    const boost::json::object& document,
    WallTime now,
    std::size_t lines_max
);

}  // namespace siding::cli
