// The waves that operators make (`siding wave add`), as they are kept in the queue: a value
// "wave/DOMAIN/NAME" for the wave, and one below it for each member: "…/a/ADDRESS", "…/p/PATTERN".
#pragma once

#include "queue/change.hpp"
#include "queue/store.hpp"
#include "relay/wave_table.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace siding::relay {

// By domain and wave.
using StoredWaves =
    std::map<std::pair<std::string, std::string>, std::shared_ptr<const WaveMembers>>;

// All of them; blocks. Keys that are none of ours are passed over.
Result<StoredWaves> load_waves(const queue::Store& store);

// What puts the members there, or takes them away, in changes of bounded size. Putting makes the
// wave, taking leaves it.
std::vector<queue::PutValues> put_members(
    const Domain& domain, const std::string& wave, const WaveMembers& members
);
std::vector<queue::PutValues> take_members(
    const Domain& domain, const std::string& wave, const WaveMembers& members
);

// Forgetting a whole wave: its members, page by page until nothing moves, and then itself.
queue::DeleteValues delete_members(const Domain& domain, const std::string& wave);
queue::PutValues delete_wave(const Domain& domain, const std::string& wave);

}  // namespace siding::relay
