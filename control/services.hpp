// What the handlers need of the daemon: references to its parts and a few questions to ask. Built
// by the daemon, outlives the API.
#pragma once

#include "base/address.hpp"
#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "config/config.hpp"
#include "net/asio.hpp"
#include "queue/queue.hpp"
#include "relay/lane_status.hpp"
#include "relay/mover.hpp"
#include "relay/pass_tally.hpp"
#include "relay/recipient_report.hpp"
#include "relay/release_controller.hpp"
#include "relay/remap_table.hpp"
#include "relay/session_list.hpp"
#include "relay/wave_orders.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace siding::cutover {
class DnsWatch;
}

namespace siding::control {

struct Services {
    queue::Queue& queue;
    relay::Mover& mover;
    relay::ReleaseController& releases;
    Metrics& metrics;
    const Clock& clock;
    std::string hostname;
    std::string version;
    WallTime started_at;

    // One entry for each configured server; a release may go to these.
    std::function<net::awaitable<std::vector<relay::LaneStatus>>()> lanes;
    // Asked on the API's executor: must not block.
    std::function<std::size_t()> inbound_sessions;

    // A long audit gives a sign of life so often: well below a client's patience
    // (limits::http_timeout), together with the step that overruns it.
    std::chrono::milliseconds audit_slice = std::chrono::seconds{15};

    // The inbound sessions that are open now. Asked on the API's executor: must not block.
    std::function<std::vector<relay::SessionInfo>()> sessions = {};
    // Errc::not_found: no domain of ours.
    std::function<net::awaitable<Result<relay::RecipientReport>>(Address)> check_recipient = {};
    // "" for everything, a domain, or an address; how many remembered answers went.
    std::function<net::awaitable<Result<std::uint64_t>>(std::string what)> flush_recipients = {};

    relay::RemapTable* remaps = nullptr;
    // The configuration in force.
    std::function<std::shared_ptr<const config::Config>()> config = {};
    // After something was made due on a server's lane outside the dispatcher.
    std::function<void(const std::string& server, WallTime earliest)> wake_lane = {};

    const relay::WaveTables* waves = nullptr;
    relay::WaveOrders* wave_orders = nullptr;
    // With the filter, server, `pinned` and `who` of the job that is given, and for the rest as the
    // configuration says; the new job's number.
    std::function<net::awaitable<Result<std::uint64_t>>(queue::ReleaseJob)> order_release = {};
    // What became of mail that was passed on while its sender waited, since the start.
    std::function<std::vector<relay::PassCounts>()> passed = {};

    cutover::DnsWatch* dns = nullptr;  // on the API's executor
};

}  // namespace siding::control
