// How canaries, verifications and assessments look on a terminal.
#pragma once

#include "cli/terminal.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <string>

namespace siding::cli {

// Of an account of /v1/backfill, for its row of a table: "GO", "NO-GO: quota …"; empty without one.
std::string canary_words(const boost::json::object& account);
// "0 wrong of 600 sampled of …, 4 more messages at the destination"; empty where there is nothing
// to add to the verdicts.
std::string verification_words(const boost::json::object& account);

// Everything that canaries have found, and what they have left behind.
void print_canaries(const boost::json::array& accounts, const Terminal& terminal);
// Messages of the destination that are not ours: of a report.
void print_extras(const boost::json::object& report, const Terminal& terminal);
// Of /v1/backfill/assessments.
void print_assessments(const boost::json::object& document, const Terminal& terminal);

}  // namespace siding::cli
