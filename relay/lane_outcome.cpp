#include "relay/lane_outcome.hpp"

#include "base/bytes.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <string>

namespace siding::relay {
namespace {

using smtp::Stage;

// An enhanced code X.subject.detail, with details from … to.
bool is_code(const smtp::Reply& reply, int subject, int from, int to) {
    return reply.enhanced && reply.enhanced->subject == subject && reply.enhanced->detail >= from &&
           reply.enhanced->detail <= to;
}

// Gmail's 4.7.28 (unusual rate), Exchange Online's 4.7.500 (server busy, for unknown addresses),
// 4.7.650 and 4.7.651 (rate limited due to IP reputation), and 5.7.606 to 5.7.649 (banned address),
// which is no verdict on the message. Other 5.7.5xx are, DMARC's for one.
bool is_about_our_address(const smtp::Reply& reply) {
    return reply.is_permanent() ? is_code(reply, 7, 606, 649)
                                : is_code(reply, 7, 28, 28) || is_code(reply, 7, 500, 699);
}

// RFC 5321 §4.5.3.1.10, and Gmail's ways to say the same: 452 4.5.3 "domain policy size per
// transaction", 451 4.3.0 "multiple destination domains per transaction".
bool wants_another_transaction(const smtp::Reply& reply, const std::string& words) {
    return is_code(reply, 5, 3, 3) || (reply.code == 452 && !reply.enhanced) || reply.code == 552 ||
           words.find("per transaction") != std::string::npos;
}

// Exim: "421 too many messages in this connection"; OpenSMTPD: "452 4.5.3 Too many messages sent".
bool is_about_connection(const std::string& words) {
    return words.find("too many") != std::string::npos &&
           (words.find("messages in this") != std::string::npos ||
            words.find("messages per") != std::string::npos ||
            words.find("messages sent") != std::string::npos ||
            words.find("messages for this") != std::string::npos);
}

bool is_greylisting(const std::string& words) {
    return words.find("greylist") != std::string::npos ||
           words.find("graylist") != std::string::npos ||
           words.find("grey list") != std::string::npos;
}

}  // namespace

Trouble trouble_of(const smtp::Verdict& verdict, bool delivered_before) {
    using enum Trouble;
    if (verdict.kind == smtp::VerdictKind::delivered) {
        return none;
    }
    if (!verdict.reply) {
        return verdict.is_about_session() ? failure : none;
    }
    const smtp::Reply& reply = *verdict.reply;
    if (is_about_our_address(reply)) {
        return reputation;
    }
    if (verdict.kind == smtp::VerdictKind::permanent) {
        return none;
    }
    const std::string words = to_lower(verdict.text);
    const bool is_for_next_mail = verdict.is_about_session() || verdict.stage == Stage::mail;
    if (is_for_next_mail && delivered_before && is_about_connection(words)) {
        return spent;
    }
    if (verdict.is_about_session()) {
        return verdict.is_back_pressure() ? load : failure;
    }
    if (verdict.stage == Stage::rcpt && wants_another_transaction(reply, words)) {
        return separate;
    }
    if (!verdict.is_back_pressure() || is_greylisting(words)) {
        return none;
    }
    return reply.enhanced && reply.enhanced->subject == 2 ? mailbox : load;
}

queue::OutcomeKind outcome_of(const smtp::Verdict& verdict, Trouble trouble) {
    switch (verdict.kind) {
    case smtp::VerdictKind::delivered:
        return queue::OutcomeKind::delivered;
    case smtp::VerdictKind::transient:
        return queue::OutcomeKind::deferred;
    case smtp::VerdictKind::permanent:
        return trouble == Trouble::none ? queue::OutcomeKind::parked : queue::OutcomeKind::deferred;
    case smtp::VerdictKind::in_doubt:
        return queue::OutcomeKind::in_doubt;
    }
    SIDING_UNREACHABLE("no such verdict");
}

bool counts_as_attempt(Trouble trouble) {
    return trouble == Trouble::none;
}

std::string_view hint_of(Trouble trouble) {
    switch (trouble) {
    case Trouble::none:
    case Trouble::separate:
    case Trouble::spent:
    case Trouble::mailbox:
        return {};
    case Trouble::load:
        return "the server wants less; fewer connections or a rate may help";
    case Trouble::reputation:
        return "the server does not know our address; add it to an inbound connector or gateway "
               "there";
    case Trouble::failure:
        return "the server is tried again by itself; nothing is lost";
    }
    SIDING_UNREACHABLE("no such trouble");
}

std::chrono::milliseconds mailbox_wait(std::uint32_t times) {
    using namespace std::chrono_literals;
    const auto doubled = 60s * (1LL << std::min(std::max(times, 1U) - 1, 10U));
    return std::min<std::chrono::milliseconds>(doubled, 30min);
}

}  // namespace siding::relay
