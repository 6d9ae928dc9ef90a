// A next hop of a rehearsal: an SMTP server on loopback that takes everything and hands it on,
// octet for octet. Runs on one executor.
#pragma once

#include "base/result.hpp"
#include "net/acceptor.hpp"
#include "net/task_group.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace siding::cutover {

struct Arrival {
    std::string reverse_path;
    std::vector<std::string> recipients;
    std::string octets;
};

class Sink {
public:
    struct Options {
        std::string hostname;
        std::uint64_t message_octets_max = 0;
        // Before the message is answered with 250.
        std::function<void(Arrival)> on_arrival;
    };

    Sink(net::asio::any_io_executor executor, Options options);

    Result<void> start();  // on a free port
    const net::Endpoint& address() const { return address_; }

    // Once, before the sink goes; after start() or without it.
    net::awaitable<void> stop();

private:
    static net::awaitable<void> serve(net::Acceptor acceptor, Sink& self);
    static net::awaitable<void> run_session(net::Stream stream, Sink& self);

    Options options_;
    net::Endpoint address_;
    net::TaskGroup tasks_;
};

}  // namespace siding::cutover
