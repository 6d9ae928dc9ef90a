// A snapshot of DNS, and what has changed since one, on the terminal.
#pragma once

#include "cli/terminal.hpp"
#include "cutover/dns_snapshot.hpp"

#include <boost/json/object.hpp>

namespace siding::cli {

void print_snapshot(const cutover::DnsSnapshot& snapshot, const Terminal& terminal);
void print_snapshot_diff(
    const cutover::SnapshotDiff& diff,
    const cutover::DnsSnapshot& before,
    const cutover::DnsSnapshot& after,
    const Terminal& terminal
);
boost::json::object snapshot_diff_json(const cutover::SnapshotDiff& diff);

}  // namespace siding::cli
