#include "relay/pass_tally.hpp"

namespace siding::relay {

PassTally::Server::Cell::Cell(Metrics& metrics, const std::string& server, const char* result)
    : counter{metrics.counter(
          "siding_pass_through_recipients_total",
          "Recipients whose mail was passed on while the sender waited, by what came of it",
          {{"server", server}, {"result", result}}
      )} {}

void PassTally::Server::Cell::add() {
    counter.add();
    count.fetch_add(1, std::memory_order_relaxed);
}

PassTally::Server::Server(Metrics& metrics, const std::string& server)
    : delivered_{metrics, server, "delivered"},
      refused_{metrics, server, "refused"},
      queued_{metrics, server, "queued"},
      in_doubt_{metrics, server, "in_doubt"},
      connections_{metrics.counter(
          "siding_pass_through_connections_total",
          "Connections opened to pass mail on",
          {{"server", server}}
      )} {}

void PassTally::Server::on_delivered() {
    delivered_.add();
}

void PassTally::Server::on_refused() {
    refused_.add();
}

void PassTally::Server::on_queued() {
    queued_.add();
}

void PassTally::Server::on_in_doubt() {
    in_doubt_.add();
}

void PassTally::Server::on_connection() {
    connections_.add();
}

PassTally::Server& PassTally::of(const std::string& server) {
    const std::lock_guard lock{mutex_};
    auto& found = servers_[server];
    if (found == nullptr) {
        found = std::make_unique<Server>(metrics_, server);
    }
    return *found;
}

std::vector<PassCounts> PassTally::all() const {
    const std::lock_guard lock{mutex_};
    std::vector<PassCounts> out;
    for (const auto& [name, server] : servers_) {
        out.push_back(
            {name,
             server->delivered_.count.load(),
             server->refused_.count.load(),
             server->queued_.count.load(),
             server->in_doubt_.count.load()}
        );
    }
    return out;
}

}  // namespace siding::relay
