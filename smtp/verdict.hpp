// What a peer's answer, or its silence, means for one recipient (RFC 5321 §4.2.1, §4.5.4.1).
//
// A verdict judges the message, never the route: a server that refuses the session says nothing
// about a recipient, so such a refusal is transient whatever its code.
#pragma once

#include "smtp/reply.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace siding::smtp {

enum class VerdictKind {
    delivered,
    transient,
    permanent,
    in_doubt,  // the whole message was sent and no answer came: it may have been delivered
};

// Where in the session it was decided.
enum class Stage { connect, greeting, hello, mail, rcpt, data, body, end_of_data, quit };

std::string_view to_text(VerdictKind kind);
std::string_view to_text(Stage stage);

struct Verdict {
    VerdictKind kind = VerdictKind::transient;
    Stage stage = Stage::connect;
    std::optional<Reply> reply;  // none if the peer did not say it
    std::string text;            // one line, safe to show: the peer's words or ours

    // The session failed, not this message: a sign for the lane to slow down or stop.
    bool is_about_session() const;

    // The server wants us to go slower, and nothing is wrong with the message: 421, "too many
    // connections", "receiving mail too quickly", … It is no failure and no attempt.
    bool is_back_pressure() const;

    // The key of smtp/cause.hpp: "no_such_mailbox".
    std::string_view cause() const;

    bool operator==(const Verdict&) const = default;
};

// A reply that settles the recipient's fate at that stage. A positive one is a delivery only at
// Stage::end_of_data; elsewhere it is a reply that makes no sense, and transient.
Verdict judge_reply(Stage stage, Reply reply);

// Connection refused, lost, timed out, or a reply that could not be read. `text`: what happened.
Verdict judge_loss(Stage stage, std::string text);

// Our own refusal to send: the server has said beforehand that it cannot take this.
Verdict refuse_to_send(std::string text);

}  // namespace siding::smtp
