// The slow half of the audit: is every octet that a recipient waits for, or that is retained, still
// what was received?
#pragma once

#include "base/result.hpp"
#include "queue/store.hpp"

#include <optional>
#include <string>

namespace siding::cutover {

// Reads envelope and body of the row's message, once per message however many rows it has. A
// problem is one sentence; nothing if all is well or if the recipient is gone meanwhile.
Result<std::optional<std::string>> check_octets(
    const queue::Store& store, const queue::Recipient& row
);

}  // namespace siding::cutover
