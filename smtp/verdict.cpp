#include "smtp/verdict.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"

namespace siding::smtp {
namespace {

bool is_before_message(Stage stage) {
    return stage == Stage::connect || stage == Stage::greeting || stage == Stage::hello;
}

// RFC 5321 §4.5.3.1.10: servers of old say 552 for "too many recipients", meaning 452. A full
// mailbox (552 5.2.2) is meant as it is said.
bool is_too_many_recipients(Stage stage, const Reply& reply) {
    constexpr EnhancedCode too_many{5, 5, 3};
    return stage == Stage::rcpt && reply.code == 552 &&
           (!reply.enhanced || *reply.enhanced == too_many);
}

// A refusal of MAIL that is about the session: "send EHLO first", "must issue STARTTLS first",
// "authentication required". Parking a whole queue for it would help nobody.
bool is_session_refusal(Stage stage, const Reply& reply) {
    return stage == Stage::mail && (reply.code == 503 || reply.code == 530 || reply.code == 538);
}

VerdictKind kind_of(Stage stage, const Reply& reply) {
    if (is_before_message(stage) || is_session_refusal(stage, reply)) {
        return VerdictKind::transient;
    }
    if (reply.is_permanent() && !is_too_many_recipients(stage, reply)) {
        return VerdictKind::permanent;
    }
    if (stage == Stage::end_of_data) {
        if (reply.is_positive()) {
            return VerdictKind::delivered;
        }
        // 3yz makes no sense here and the message is out of our hands.
        return reply.is_transient() ? VerdictKind::transient : VerdictKind::in_doubt;
    }
    return VerdictKind::transient;
}

}  // namespace

std::string_view to_text(VerdictKind kind) {
    switch (kind) {
    case VerdictKind::delivered:
        return "delivered";
    case VerdictKind::transient:
        return "transient";
    case VerdictKind::permanent:
        return "permanent";
    case VerdictKind::in_doubt:
        return "in_doubt";
    }
    SIDING_UNREACHABLE("no such verdict");
}

std::string_view to_text(Stage stage) {
    switch (stage) {
    case Stage::connect:
        return "connect";
    case Stage::greeting:
        return "greeting";
    case Stage::hello:
        return "hello";
    case Stage::mail:
        return "mail";
    case Stage::rcpt:
        return "rcpt";
    case Stage::data:
        return "data";
    case Stage::body:
        return "body";
    case Stage::end_of_data:
        return "end_of_data";
    case Stage::quit:
        return "quit";
    }
    SIDING_UNREACHABLE("no such stage");
}

bool Verdict::is_about_session() const {
    if (is_before_message(stage)) {
        return true;
    }
    if (!reply) {
        return kind == VerdictKind::transient || kind == VerdictKind::in_doubt;
    }
    return reply->is_closing() || is_session_refusal(stage, *reply);
}

Verdict judge_reply(Stage stage, Reply reply) {
    const VerdictKind kind = kind_of(stage, reply);
    std::string text = reply.text();
    return Verdict{kind, stage, std::move(reply), std::move(text)};
}

Verdict judge_loss(Stage stage, std::string text) {
    const bool in_doubt = stage == Stage::end_of_data;
    return Verdict{
        in_doubt ? VerdictKind::in_doubt : VerdictKind::transient,
        stage,
        std::nullopt,
        escape(text, 1024)};
}

Verdict refuse_to_send(std::string text) {
    return Verdict{VerdictKind::permanent, Stage::mail, std::nullopt, std::move(text)};
}

}  // namespace siding::smtp
