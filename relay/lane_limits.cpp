#include "relay/lane_limits.hpp"

#include "base/check.hpp"

#include <algorithm>

namespace siding::relay {
namespace {

using namespace std::chrono_literals;

LaneLimits generic() {
    return LaneLimits{
        .connections = 10,
        .connections_start = 5,
        .messages_per_connection = 1000,
        // RFC 5321 §4.5.3.1.8 asks for 100 only; who takes fewer than this says 452 to the others.
        .recipients_per_transaction = 1000,
    };
}

// Its own default for a destination is 20, and a client may have 50 of its smtpd's 100.
LaneLimits postfix() {
    return LaneLimits{
        .connections = 20,
        .connections_start = 10,
        .messages_per_connection = 0,
        .recipients_per_transaction = 500,  // smtpd_recipient_limit is 1000
    };
}

// A receive connector admits 20 connections of one source, and tarpits for 5 s what it dislikes.
LaneLimits exchange() {
    return LaneLimits{
        .connections = 15,
        .connections_start = 2,
        .cool_down = 5s,
        .cool_down_longest = 5min,
        .reputation_cool_down = 5min,
        .messages_per_connection = 50,
        .recipients_per_transaction = 200,
    };
}

// A mailbox takes 3600 messages an hour, and stores three at once; who sends more gets 5xx. New
// addresses of ours are throttled by 451 4.7.500 until a connector knows them.
LaneLimits m365() {
    return LaneLimits{
        .connections = 10,
        .connections_start = 2,
        .cool_down = 60s,
        .cool_down_longest = 30min,
        .reputation_cool_down = 10min,
        .messages_per_connection = 50,
        .recipients_per_transaction = 100,
        .recipient_connections = 2,
        .one_domain = true,
        .recipient_rate = 30,
    };
}

// A mailbox takes 60 a minute and is shut for a day above; a third of it leaves room for others.
// Several domains in one transaction are refused by 451 4.3.0.
LaneLimits google() {
    return LaneLimits{
        .connections = 10,
        .connections_start = 2,
        .cool_down = 60s,
        .cool_down_longest = 30min,
        .reputation_cool_down = 10min,
        .messages_per_connection = 50,
        .recipients_per_transaction = 100,
        .recipient_connections = 2,
        .one_domain = true,
        .recipient_rate = 20,
    };
}

}  // namespace

LaneLimits profile_limits(config::Profile profile) {
    switch (profile) {
    case config::Profile::generic:
        return generic();
    case config::Profile::postfix:
        return postfix();
    case config::Profile::exchange:
        return exchange();
    case config::Profile::m365:
        return m365();
    case config::Profile::google:
        return google();
    }
    SIDING_UNREACHABLE("no such profile");
}

LaneLimits resolve_limits(const config::Server& server) {
    LaneLimits out = profile_limits(server.profile);
    out.connections = std::max<std::size_t>(server.connections.value_or(out.connections), 1);
    out.connections_start = std::min(out.connections_start, out.connections);
    out.messages_per_connection =
        server.messages_per_connection.value_or(out.messages_per_connection);
    out.recipients_per_transaction =
        server.recipients_per_transaction.value_or(out.recipients_per_transaction);
    out.recipient_connections = server.recipient_connections.value_or(out.recipient_connections);
    out.rate = server.rate.value_or(out.rate);
    out.domain_rate = server.domain_rate.value_or(out.domain_rate);
    out.recipient_rate = server.recipient_rate.value_or(out.recipient_rate);
    return out;
}

std::string_view profile_name(config::Profile profile) {
    switch (profile) {
    case config::Profile::generic:
        return "generic";
    case config::Profile::postfix:
        return "postfix";
    case config::Profile::exchange:
        return "exchange";
    case config::Profile::m365:
        return "m365";
    case config::Profile::google:
        return "google";
    }
    SIDING_UNREACHABLE("no such profile");
}

}  // namespace siding::relay
