// A queue as text: everything that a change can move, in one order, so that a store and a model
// are compared with one EXPECT_EQ and differ line by line.
#pragma once

#include "queue/store.hpp"
#include "tests/support/queue_model.hpp"

#include <string>

namespace siding::test {

std::string describe(const QueueModel& model);

// Reads all of it, bodies and the ledger's chain included; counters are also compared with a scan
// of the rows. An error is the first thing that could not be read or does not add up. `known` names
// messages that may have ended: nothing of them may be left.
Result<std::string> describe(const queue::Store& store, const QueueModel& known);

// Every row of a listing, page by page.
Result<std::vector<queue::Recipient>> list_all(
    const queue::Store& store, const queue::Filter& filter, std::size_t page_rows
);

}  // namespace siding::test
