#include "cli/relay_parts.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace siding::cli {
namespace {

constexpr std::chrono::milliseconds least_drain = std::chrono::seconds{1};

}  // namespace

Result<void> RelayParts::build() {
    auto& [runtime, config, queue, metrics, connections_max] = needs_;
    resolver_ = std::make_unique<dns::Resolver>(runtime.io(0));
    next_hops_ = std::make_unique<relay::NextHops>(config, *resolver_);
    remaps_ = std::make_unique<relay::RemapTable>(queue, config);
    SIDING_TRY(remaps_->load());
    dispatcher_ = std::make_unique<relay::Dispatcher>(
        queue, config, runtime.io(0), metrics, next_hops_.get(), remaps_.get()
    );
    recipient_tables_ =
        std::make_unique<relay::RecipientTables>(runtime.blocking(), config, metrics);
    SIDING_TRY(recipient_tables_->load_first());
    SIDING_TRY(build_waves());
    build_recipients();
    inbound_ = std::make_unique<relay::InboundServer>(relay::InboundServer::Parts{
        runtime,
        queue,
        config,
        *recipients_,
        metrics,
        [this](const std::string& server, WallTime due) { dispatcher_->wake(server, due); },
        connections_max,
        next_hops_.get(),
        remaps_.get(),
    });
    return {};
}

Result<void> RelayParts::build_waves() {
    wave_tables_ = std::make_unique<relay::WaveTables>(relay::WaveTables::Parts{
        needs_.runtime.blocking(),
        needs_.config,
        needs_.queue,
        needs_.metrics,
        [this](const std::string& server, WallTime due) { dispatcher_->wake(server, due); },
    });
    SIDING_TRY(wave_tables_->load_first());
    wave_orders_ = std::make_unique<relay::WaveOrders>(needs_.queue, needs_.config, *wave_tables_);
    return {};
}

void RelayParts::build_recipients() {
    const net::asio::any_io_executor executor = needs_.runtime.io(0);
    probes_ =
        std::make_unique<relay::ProbePool>(needs_.queue, needs_.config, *next_hops_, executor);
    verifier_ = std::make_unique<relay::Verifier>(
        needs_.queue, needs_.config, probes_->prober(), needs_.metrics, executor
    );
    recipients_ = std::make_unique<relay::RecipientDirectory>(
        needs_.config, *recipient_tables_, *verifier_, wave_tables_.get()
    );
}

net::awaitable<Result<void>> RelayParts::start(net::TaskGroup& watches) {
    // First what the last run left: the dispatcher may order releases of its own at once.
    SIDING_CO_TRY(co_await dispatcher_->releases().resume_all());
    SIDING_CO_TRY(co_await dispatcher_->start());
    SIDING_CO_TRY(probes_->start());
    SIDING_CO_TRY(watches.spawn(recipient_tables_->watch()));
    SIDING_CO_TRY(watches.spawn(wave_tables_->watch()));
    co_return Result<void>{};
}

Result<void> RelayParts::accept(std::vector<net::UniqueFd> listeners) {
    return inbound_->start(std::move(listeners));
}

net::awaitable<void> RelayParts::reload() {
    co_await recipient_tables_->refresh();
    co_await wave_tables_->refresh();
    co_await inbound_->reload();
}

net::awaitable<void> RelayParts::stop_accepting(std::chrono::milliseconds deadline) {
    if (dispatcher_ != nullptr) {
        co_await dispatcher_->stop_claiming();
    }
    if (inbound_ != nullptr) {
        co_await inbound_->stop(deadline);
    }
}

net::awaitable<void> RelayParts::stop(std::chrono::milliseconds deadline) {
    const auto started = std::chrono::steady_clock::now();
    if (verifier_ != nullptr) {
        co_await verifier_->stop();
        co_await probes_->stop();
    }
    if (dispatcher_ != nullptr) {
        const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - started
        );
        co_await dispatcher_->stop(std::max(deadline - spent, least_drain));
    }
}

}  // namespace siding::cli
