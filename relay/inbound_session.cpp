#include "relay/inbound_session.hpp"

#include "base/limits.hpp"
#include "relay/inbound_conversation.hpp"

#include <chrono>
#include <utility>

namespace siding::relay {
namespace {

// It has a place that others wait for.
constexpr std::chrono::seconds farewell_timeout{2};

net::awaitable<void> turn_away(
    net::Stream& stream,
    const TurnedAway& turned,
    const InboundListener& listener,
    const InboundContext& context
) {
    listener.metrics().count_refused(turned.reason);
    const std::string text = turned.reply ? turned.reply->text() : std::string{};
    context.refusals.note(
        turned.reason,
        {.client_address = turned.client.endpoint.address,
         .sender = {},
         .recipient = {},
         .reply = text}
    );
    if (turned.reply) {
        const std::string octets = smtp::format_reply(*turned.reply);
        listener.metrics().count_replies(octets);
        static_cast<void>(co_await stream.write(octets, farewell_timeout));
    }
    co_await stream.finish(farewell_timeout);
}

}  // namespace

net::awaitable<void> run_inbound_session(
    net::Stream stream,
    ClientLimits::Seat seat,
    const InboundListener& listener,
    const InboundContext& context
) {
    listener.metrics().sessions.add(1);
    net::ReadBuffer buffer{limits::read_buffer_octets, limits::command_line_octets_max};
    const auto config = context.config.get();
    auto arrival =
        co_await arrive(stream, buffer, std::move(seat), listener, context.limits, *config);
    if (auto* welcome = std::get_if<Welcome>(&arrival)) {
        Conversation session{stream, buffer, std::move(*welcome), listener, context};
        co_await session.run();
    } else if (const auto* turned = std::get_if<TurnedAway>(&arrival)) {
        co_await turn_away(stream, *turned, listener, context);
    }
    listener.metrics().sessions.add(-1);
}

}  // namespace siding::relay
