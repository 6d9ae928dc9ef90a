#include "smtp/verdict.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "smtp/cause.hpp"

#include <algorithm>
#include <array>

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

// 4xx codes that ask for patience. 4.7.1 alone is what greylisting says, which is an answer to this
// recipient: waiting helps, fewer connections do not.
bool is_pressing(const Reply& reply) {
    if (!reply.enhanced) {
        return false;
    }
    const auto [status, subject, detail] = *reply.enhanced;
    if (subject == 7) {
        return detail == 0 || detail == 28 || (detail >= 500 && detail < 700);
    }
    return (subject == 3 && (detail == 1 || detail == 2)) || (subject == 5 && detail == 3) ||
           (subject == 4 && detail == 5);
}

bool has_pressing_words(std::string_view text) {
    static constexpr std::array words = {
        std::string_view{"too many"},
        std::string_view{"too quickly"},
        std::string_view{"too fast"},
        std::string_view{"too much mail"},
        std::string_view{"rate limit"},
        std::string_view{"rate-limit"},
        std::string_view{"ratelimit"},
        std::string_view{"rate exceeded"},
        std::string_view{"rate that"},  // Google: "is receiving mail at a rate that prevents"
        std::string_view{"throttl"},
        std::string_view{"slow down"},
        std::string_view{"connection limit"},
        std::string_view{"connections exceeded"},
        std::string_view{"server busy"},
        std::string_view{"server is busy"},
        std::string_view{"system load"},
        std::string_view{"insufficient system"},
    };
    const std::string lower = to_lower(text);
    return std::ranges::any_of(words, [&](std::string_view part) {
        return lower.find(part) != std::string::npos;
    });
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

bool Verdict::is_back_pressure() const {
    if (kind != VerdictKind::transient || !reply) {
        return false;
    }
    if (reply->is_closing()) {
        return true;
    }
    const bool is_about_mailbox =
        reply->enhanced && reply->enhanced->subject == 2 && reply->enhanced->detail == 2;  // full
    return !is_about_mailbox && (is_pressing(*reply) || has_pressing_words(text));
}

std::string_view Verdict::cause() const {
    return to_text(cause_of(*this));
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
