// What inbound sessions share, made by hand: recipients from the configuration, servers that answer
// no question, no content filter.
#pragma once

#include "config/live.hpp"
#include "relay/inbound_session.hpp"
#include "tests/relay/relay_fixture.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace siding::test {

inline net::awaitable<relay::ProbeAnswer> answer_no_probe(
    std::string, std::string, std::vector<std::string> recipients
) {
    co_return relay::ProbeAnswer{std::vector<smtp::Verdict>(recipients.size())};
}

class InboundParts {
public:
    InboundParts(
        queue::Queue& queue,
        net::Runtime& runtime,
        net::RunLoop& loop,
        Metrics& metrics,
        config::Config config
    )
        : live{std::move(config)},
          tables{runtime.blocking(), live, metrics},
          verifier{queue, live, &answer_no_probe, metrics, loop.executor()},
          filter{live, metrics},
          refusals{queue},
          listener_metrics{metrics},
          listener{config::Listener{}, "test", listener_metrics.of("test")},
          context{
              queue,
              live,
              directory,
              filter,
              limits,
              refusals,
              sessions,
              [](const std::string&, WallTime) {}},
          loop_{loop} {}
    ~InboundParts() { loop_.run(verifier.stop()); }
    InboundParts(const InboundParts&) = delete;
    InboundParts& operator=(const InboundParts&) = delete;

    net::awaitable<void> session(net::Stream stream) {
        auto seat = limits.connect("192.0.2.7", live.get()->limits);
        return relay::run_inbound_session(
            std::move(stream),
            std::get<relay::ClientLimits::Seat>(std::move(seat)),
            listener,
            context
        );
    }

    config::Live live;
    relay::RecipientTables tables;
    relay::Verifier verifier;
    relay::RecipientDirectory directory{live, tables, verifier};
    relay::ContentFilter filter;
    relay::ClientLimits limits;
    relay::RefusalLog refusals;
    relay::SessionList sessions;
    relay::InboundMetrics listener_metrics;
    relay::InboundListener listener;
    relay::InboundContext context;

private:
    net::RunLoop& loop_;
};

}  // namespace siding::test
