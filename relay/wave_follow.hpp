// Queued mail follows its recipients: when the members of waves change, rows that have not ended
// are assigned to the waves that their recipients are in now, and due ones go to the lanes of
// these.
#pragma once

#include "queue/queue.hpp"
#include "relay/redirect.hpp"
#include "relay/wave_table.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace siding::relay {

// The wave of a recipient that a rewrite map may have made other names of: by the address as the
// client said it, or else by the first of the names that is in one.
std::string wave_of_names(
    const WaveTable& table,
    const Domain& domain,
    std::string_view said,
    const std::vector<std::string>& names,
    std::string_view delimiter
);

// One walk over what is queued for a domain, page by page; how many changed their wave. `table`
// and `wake_lane` are held until it ends.
boost::asio::awaitable<Result<std::uint64_t>> follow_waves(
    queue::Queue& queue,
    std::shared_ptr<const WaveTable> table,
    Domain domain,
    std::string delimiter,
    WakeLane wake_lane
);

}  // namespace siding::relay
