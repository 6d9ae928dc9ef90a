// How the backfill's documents look on a terminal: tables and words.
#pragma once

#include "cli/terminal.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace siding::cli {

bool is_good_backfill_verdict(std::string_view verdict);

// `order`: what was asked for; copy also for a mere look.
void print_backfill(
    const boost::json::array& accounts, const std::string& order, const Terminal& terminal
);
void print_backfill_report(const boost::json::object& report, const Terminal& terminal);

}  // namespace siding::cli
