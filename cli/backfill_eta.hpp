// When the copying will be done, in words: a time, and a calendar where daily budgets make days of
// it.
#pragma once

#include "base/clock.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>

namespace siding::cli {

// Of the documents of an account or of all.

// "3m", "14:05 UTC", "Fri 27 Nov about 14:00 UTC"; empty where it is not known.
std::string eta_words(const boost::json::object& document, WallTime now);
// "Mon 23 Nov 2.5 GB · Tue 24 Nov 2.5 GB · … · Fri 27 Nov 1.1 GB"; empty for less than two days.
std::string calendar_words(const boost::json::object& document);
// "1.2 GB left, 3.4 MB/s; done on Fri 27 Nov about 14:00 UTC"; empty where nothing is left.
std::string outlook_words(const boost::json::object& document, WallTime now);
// What it waits for; empty: nothing.
std::string hold_words(const boost::json::object& account);

// As budgets are counted and lines are sold: "2.5 GB".
std::string decimal_size(std::uint64_t octets);

}  // namespace siding::cli
