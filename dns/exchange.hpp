// One question to one server until its Sample is there: the tries over UDP, TCP for what was cut
// off, and once more without EDNS for a server that does not know it. Lives on one executor, which
// is serial. Destroyed early, it never calls back.
#pragma once

#include "base/clock.hpp"
#include "dns/ares_channel.hpp"
#include "dns/prober.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace siding::dns {

class Exchange : public std::enable_shared_from_this<Exchange> {
public:
    using Done = std::function<void(Sample)>;

    Exchange(net::asio::any_io_executor executor, const Clock& clock, Order order, Done done);

    void start();  // maybe done before it is over

private:
    using SteadyTime = std::chrono::steady_clock::time_point;

    void send();
    void on_reply(std::optional<AresChannel::Failure> failure, std::string_view octets);
    void on_octets(std::string_view octets);
    void on_silence();
    bool retry_plain(int code);
    void finish(Sample::Kind kind, std::string problem);

    net::asio::any_io_executor executor_;
    const Clock& clock_;
    Order order_;
    Done done_;
    Sample sample_;
    std::shared_ptr<AresChannel> channel_;  // of the present try
    SteadyTime sent_at_{};
    unsigned tries_ = 0;
    bool by_tcp_ = false;
    bool with_edns_ = true;
    bool was_cut_off_ = false;
};

}  // namespace siding::dns
