// Asks one DNS server one question, with no cache of anybody's between us and the network: a
// socket, and so a source port, and an id of its own for each (RFC 5452 §4). What came back, that
// nothing came, or that it was no answer is a value: a Sample.
//
// Every question goes with EDNS (1232 octets), DO and NSID, and once more without where the server
// knows no EDNS. Any thread may ask; the work is done on the prober's executor, which is serial.
// Destroy the prober when nobody waits for it any more.
#pragma once

#include "base/clock.hpp"
#include "dns/response.hpp"
#include "dns/sample.hpp"
#include "net/asio.hpp"
#include "net/endpoint.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace siding::dns {

// `udp` takes an answer as it is, also cut off.
enum class Transport { udp_then_tcp, udp, tcp };

struct Ask {
    Ask() = default;  // no aggregate: net/asio.hpp

    bool recurse = false;            // RD
    bool checking_disabled = false;  // CD: what a validating resolver would keep back
    Transport transport = Transport::udp_then_tcp;
    std::chrono::milliseconds timeout = std::chrono::seconds{2};  // of a try
    unsigned tries = 1;  // over UDP, where an octet may get lost: the next after the time of one
};

// One question of many.
struct Order {
    Order() = default;  // no aggregate: net/asio.hpp
    Order(net::HostPort whom, Question what, Ask manner = {})
        : server{std::move(whom)}, question{std::move(what)}, how{manner} {}

    net::HostPort server;  // a literal address
    Question question;
    Ask how;
};

class Prober {
public:
    Prober(net::asio::any_io_executor executor, const Clock& clock);

    // A question that cannot be asked (no name, no literal address) gives Kind::malformed and says
    // so. Cancelled: Kind::timed_out.
    net::awaitable<Sample> ask(net::HostPort server, Question question, Ask how);

    // All at once; the samples in the order of the orders.
    net::awaitable<std::vector<Sample>> ask_all(std::vector<Order> orders);

    const Clock& clock() const { return clock_; }

private:
    net::asio::any_io_executor executor_;
    const Clock& clock_;
};

}  // namespace siding::dns
