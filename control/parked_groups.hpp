// What is parked, grouped by cause: how much, what the servers said, whom it concerns, and what can
// be done about it. Pure but for read_parked(), which blocks.
#pragma once

#include "queue/store.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace siding::control {

class ParkedGroups {
public:
    void add(const queue::Recipient& row);

    // docs/control-api.md, GET /v1/parked; the largest group first.
    boost::json::object document() const;

private:
    struct Group {
        std::uint64_t recipients = 0;
        std::uint64_t octets = 0;
        WallTime oldest = WallTime::max();
        std::map<std::string, std::uint64_t> replies;    // with "…" in the recipient's place
        std::map<std::string, std::uint64_t> mailboxes;  // in lower case
        std::vector<queue::Recipient> examples;
    };
    static boost::json::object group_json(const std::string& cause, const Group& group);

    std::map<std::string, Group> groups_;  // by cause
};

// The filter's state is set to `parked`; its limit counts.
Result<boost::json::object> read_parked(const queue::Store& store, queue::Filter filter);

}  // namespace siding::control
