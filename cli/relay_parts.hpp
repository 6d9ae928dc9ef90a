// The relay's parts in sidingd: built in the order in which they depend on each other, each
// destroyed before those above it, started, reloaded and stopped together. Knows nothing of
// signals, of the control API, or of when the process ends.
#pragma once

#include "base/metrics.hpp"
#include "base/result.hpp"
#include "config/live.hpp"
#include "dns/resolver.hpp"
#include "net/runtime.hpp"
#include "net/task_group.hpp"
#include "net/unique_fd.hpp"
#include "queue/queue.hpp"
#include "relay/dispatcher.hpp"
#include "relay/inbound_server.hpp"
#include "relay/next_hop.hpp"
#include "relay/probe_pool.hpp"
#include "relay/recipient_directory.hpp"
#include "relay/remap_table.hpp"
#include "relay/wave_orders.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

namespace siding::cli {

class RelayParts {
public:
    // All of them outlive this; the queue may be closed after stop().
    struct Needs {
        net::Runtime& runtime;
        const config::Live& config;
        queue::Queue& queue;
        Metrics& metrics;
        std::size_t connections_max;  // inbound, all listeners together
    };

    explicit RelayParts(const Needs& needs) : needs_{needs} {}

    // Reads the files of recipients and waves. After a failure nothing but the two stops is
    // allowed.
    Result<void> build();
    // Everything but the listeners; what watches files runs in `watches`.
    net::awaitable<Result<void>> start(net::TaskGroup& watches);
    Result<void> accept(std::vector<net::UniqueFd> listeners);
    // After the configuration has changed.
    net::awaitable<void> reload();

    // No new mail and no new deliveries; sessions may end by themselves until `deadline`.
    net::awaitable<void> stop_accepting(std::chrono::milliseconds deadline);
    // What is being delivered may end by itself until `deadline`.
    net::awaitable<void> stop(std::chrono::milliseconds deadline);

    // The parts, once build() has succeeded.
    relay::Dispatcher& dispatcher() { return *dispatcher_; }
    relay::RemapTable& remaps() { return *remaps_; }
    relay::WaveTables& wave_tables() { return *wave_tables_; }
    relay::WaveOrders& wave_orders() { return *wave_orders_; }
    relay::RecipientDirectory& recipients() { return *recipients_; }
    relay::InboundServer& inbound() { return *inbound_; }

private:
    Result<void> build_waves();
    void build_recipients();

    Needs needs_;
    std::unique_ptr<dns::Resolver> resolver_;  // its questions end with it: after the threads
    std::unique_ptr<relay::NextHops> next_hops_;
    std::unique_ptr<relay::RemapTable> remaps_;
    std::unique_ptr<relay::Dispatcher> dispatcher_;
    std::unique_ptr<relay::RecipientTables> recipient_tables_;
    std::unique_ptr<relay::WaveTables> wave_tables_;
    std::unique_ptr<relay::WaveOrders> wave_orders_;
    std::unique_ptr<relay::ProbePool> probes_;
    std::unique_ptr<relay::Verifier> verifier_;
    std::unique_ptr<relay::RecipientDirectory> recipients_;
    std::unique_ptr<relay::InboundServer> inbound_;
};

}  // namespace siding::cli
