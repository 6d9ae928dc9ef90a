// How a filter becomes a walk over index keys, so that a listing costs the rows that match and not
// the queue. A walk is a list of stretches of keys; a cursor names the stretch and the key to go on
// after.
#pragma once

#include "queue/counters.hpp"
#include "queue/filter.hpp"
#include "queue/rocks_database.hpp"
#include "queue/store.hpp"

#include <functional>
#include <string>
#include <vector>

namespace siding::queue {

struct Stretch {
    enum class Shape {
        recipient_keys,  // each key ends with a recipient id
        message_keys,    // each key ends with a message id; all its recipients are candidates
    };
    Family family;
    std::string prefix;
    Shape shape = Shape::recipient_keys;
    // What a row must be in to belong here; empty: any but a final one, or what the filter names.
    std::vector<State> states;
    std::string from = {};   // the first key; empty: the prefix
    std::string until = {};  // the first key that is past it; empty: the prefix's end
};

std::vector<Stretch> plan_walk(const Filter& filter, const Counters& counters);
// The same rows by message id.
std::vector<Stretch> plan_walk_by_age(const Filter& filter);

// Calls `visit` with each matching row after `cursor` until it says false or the walk ends; gives
// back the cursor to go on from, empty at the end. filter.limit is the caller's.
Result<std::string> walk(
    const RocksDatabase& database,
    const std::vector<Stretch>& plan,
    const Filter& filter,
    std::string_view cursor,
    const std::function<bool(Recipient)>& visit
);

}  // namespace siding::queue
