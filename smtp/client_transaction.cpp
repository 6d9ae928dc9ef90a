// ClientDialogue, what is said: transactions and probes, one behind the other.
#include "base/check.hpp"
#include "base/limits.hpp"
#include "smtp/client_dialogue.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace siding::smtp {

using client_action::Close;
using client_action::GoOn;
using client_action::ReadReply;
using client_action::Ready;
using client_action::SendBody;

ClientStep ClientDialogue::begin(Transaction transaction, Ticket ticket) {
    Underway u;
    u.ticket = ticket;
    u.transaction = std::move(transaction);
    return start(std::move(u));
}

ClientStep ClientDialogue::probe(Probe probe, Ticket ticket) {
    Underway u;
    u.ticket = ticket;
    u.kind = Kind::probe;
    u.transaction.reverse_path = std::move(probe.sender);
    for (std::string& recipient : probe.recipients) {
        u.transaction.recipients.push_back({std::move(recipient), {}});
    }
    return start(std::move(u));
}

ClientStep ClientDialogue::start(Underway u) {
    SIDING_CHECK(
        state_ == State::open || state_ == State::quitting || state_ == State::closed,
        "a transaction while the connection is not ready"
    );
    SIDING_CHECK(!u.transaction.recipients.empty(), "a transaction without recipients");
    u.verdicts.assign(u.transaction.recipients.size(), std::nullopt);
    ClientStep step;
    if (!is_open() || is_spent()) {
        const std::string why =
            over_because_.empty() ? "no more mail on this connection" : over_because_;
        settle(u, judge_loss(Stage::mail, why));
    } else if (const auto refusal = check_fits(u.transaction, hop_)) {
        settle(u, *refusal);
    } else {
        u.intro = intro_of(u.transaction);
        mails_ += 1;
        underway_.push_back(std::move(u));
        return go_on(std::move(step));
    }
    conclude(u, step);
    return go_on(std::move(step));
}

ClientStep ClientDialogue::on_body_end(std::string last) {
    SIDING_CHECK(body_of_.has_value(), "the end of a body that was not asked for");
    Underway& u = *find(*body_of_);
    body_of_.reset();
    is_body_new_ = false;
    u.is_said = true;
    if (!u.is_chunked) {
        sent_.push_back({Verb::dot, u.ticket, 0});
        u.unanswered += 1;
    }
    ClientStep step;
    step.output = std::move(last);
    return go_on(std::move(step));
}

ClientStep ClientDialogue::go_on(ClientStep step) {
    if (state_ == State::open) {
        say_more(step);
        if (is_mute_ && !is_answer_due()) {
            fail_all(Loss{over_because_}, step);
        }
    }
    step.action = next_action();
    return step;
}

ClientAction ClientDialogue::next_action() {
    if (state_ == State::closed) {
        return Close{};
    }
    if (body_of_) {
        const bool is_new = std::exchange(is_body_new_, false);
        return is_new ? ClientAction{SendBody{find(*body_of_)->is_chunked, *body_of_}} : GoOn{};
    }
    const auto wait = awaits();
    return wait ? ClientAction{ReadReply{*wait}} : Ready{};
}

// Each in its turn: the next one begins when there is nothing left to say of the one before.
void ClientDialogue::say_more(ClientStep& step) {
    bool may_speak = !is_mute_;
    for (auto next = underway_.begin(); next != underway_.end();) {
        Underway& u = *next++;
        if (may_speak && !u.is_said) {
            may_speak = !body_of_ && (u.has_begun || may_begin(u));
            if (may_speak && !u.has_begun) {
                u.intro = intro_of(u.transaction);  // the one before may have said it
            }
            if (may_speak) {
                say(u, step.output);
            }
        }
        if (is_over(u)) {
            conclude(u, step);
            continue;
        }
        if (u.is_asking && u.unanswered == 0 && !next_verb(u)) {
            answer_step(u, step);
        }
        may_speak = may_speak && u.is_said;
    }
}

// As many commands as may be under way. The window is filled again only when half of it has been
// answered, so that a long list still travels in few packets.
void ClientDialogue::say(Underway& u, std::string& out) {
    const std::size_t window = is_pipelining() ? limits::pipelined_commands_max : 1;
    if (u.unanswered > window / 2) {
        return;
    }
    for (auto verb = next_verb(u); verb && u.unanswered < window; verb = next_verb(u)) {
        put(u, *verb, out);
    }
}

bool ClientDialogue::may_begin(const Underway& u) const {
    if (&u == &underway_.front()) {
        return true;
    }
    const auto has_begun = [](const Underway& other) { return other.has_begun; };
    const auto under_way = static_cast<std::size_t>(std::ranges::count_if(underway_, has_begun));
    return under_way < window() && u.kind == Kind::whole && underway_.front().kind == Kind::whole &&
           u.intro == Intro::done &&
           octets_in_flight_ + u.transaction.octets <= limits::stream_octets_max;
}

// RFC 3030 §2 does not say that a failed chunk ends the transaction on the server; behind a
// streamed one we do not know yet.
bool ClientDialogue::needs_rset(const Underway& u) const {
    const auto is_unknown = [&](const Underway& other) { return &other != &u && other.is_chunked; };
    return !u.is_reset && (needs_rset_ || std::ranges::any_of(underway_, is_unknown));
}

std::optional<ClientDialogue::Verb> ClientDialogue::next_verb(const Underway& u) const {
    switch (u.intro) {
    case Intro::xclient:  // which is not for the middle of a transaction
        return needs_rset(u) ? Verb::rset : Verb::xclient;
    case Intro::ehlo:
        return Verb::ehlo;
    case Intro::xclient_said:
    case Intro::ehlo_said:
        return std::nullopt;
    case Intro::done:
        break;
    }
    if (u.mail_refusal || u.is_end_said) {
        return std::nullopt;
    }
    if (!u.is_mail_said) {
        return needs_rset(u) ? Verb::rset : Verb::mail;
    }
    if (u.rcpts_said < u.transaction.recipients.size()) {
        return Verb::rcpt;
    }
    return end_verb(u);
}

std::optional<ClientDialogue::Verb> ClientDialogue::end_verb(const Underway& u) const {
    switch (u.kind) {
    case Kind::probe:
        return Verb::end_probe;
    case Kind::stepwise:
        return std::nullopt;
    case Kind::whole:
        break;
    }
    if (u.accepted == 0 && u.unanswered == 0) {
        return std::nullopt;  // everybody was refused
    }
    if (!wants_chunk(u)) {
        return Verb::data;
    }
    // A large body is worth a round trip, in case that nobody is accepted.
    const bool is_small = u.transaction.octets <= limits::stream_body_octets_max;
    const bool may_guess = is_streaming() && is_small;
    return may_guess || u.unanswered == 0 ? std::optional{Verb::chunk} : std::nullopt;
}

// One chunk for all of it: whatever the server says to a part, the message fails as a whole.
bool ClientDialogue::wants_chunk(const Underway& u) const {
    if (u.transaction.is_binary() || is_streaming()) {
        return true;
    }
    // Step by step all answers are there, and BDAT spares the wait for 354.
    return u.is_finishing && options_.use_chunking && has(Extension::chunking);
}

void ClientDialogue::put(Underway& u, Verb verb, std::string& out) {
    switch (verb) {
    case Verb::xclient:
        out += format_xclient(*u.transaction.client, xclient_offer_);
        u.intro = Intro::xclient_said;
        break;
    case Verb::ehlo:
        out += "EHLO " + u.introduced_as + "\r\n";
        u.intro = Intro::ehlo_said;
        break;
    case Verb::rset:
        out += "RSET\r\n";
        u.is_reset = true;
        needs_rset_ = false;
        break;
    case Verb::mail:
        out += format_mail(u.transaction, hop_);
        u.is_mail_said = true;
        break;
    case Verb::rcpt:
        out += format_rcpt(u.transaction.recipients[u.rcpts_said], hop_);
        break;
    case Verb::data:
        out += "DATA\r\n";
        u.is_end_said = true;
        break;
    case Verb::chunk:
        out += fmt::format("BDAT {} LAST\r\n", u.transaction.octets);
        u.is_end_said = u.is_chunked = true;
        body_of_ = u.ticket;
        is_body_new_ = true;
        break;
    case Verb::end_probe:
        out += "RSET\r\n";
        u.is_end_said = u.is_said = true;
        break;
    case Verb::dot:
        SIDING_UNREACHABLE("the end of a body is no command");
    }
    sent_.push_back({verb, u.ticket, u.rcpts_said});
    u.rcpts_said += verb == Verb::rcpt ? 1 : 0;
    u.unanswered += 1;
    if (!std::exchange(u.has_begun, true)) {
        octets_in_flight_ += u.transaction.octets;
    }
}

ClientDialogue::Intro ClientDialogue::intro_of(const Transaction& transaction) const {
    const bool is_due = options_.use_xclient && !xclient_offer_.empty() && transaction.client &&
                        transaction.client != announced_;
    return is_due ? Intro::xclient : Intro::done;
}

bool ClientDialogue::is_pipelining() const {
    return options_.use_pipelining && has(Extension::pipelining);
}

bool ClientDialogue::is_streaming() const {
    return is_pipelining() && options_.use_chunking && has(Extension::chunking);
}

std::size_t ClientDialogue::window() const {
    const bool is_alone = options_.use_xclient && !xclient_offer_.empty();
    if (is_alone || !is_pipelining()) {
        return 1;
    }
    return is_streaming() ? limits::stream_window : 2;
}

bool ClientDialogue::is_over(const Underway& u) const {
    return u.kind != Kind::stepwise && u.unanswered == 0 && body_of_ != u.ticket && !next_verb(u);
}

void ClientDialogue::conclude(Underway& u, ClientStep& step) {
    Answer answer{u.ticket};
    for (auto& verdict : u.verdicts) {
        SIDING_CHECK(verdict.has_value(), "a transaction ends with a recipient undecided");
        if (u.kind == Kind::probe && verdict->stage != Stage::rcpt) {
            verdict->kind = VerdictKind::transient;  // whoever asks was refused, not the recipient
        }
        answer.verdicts.push_back(std::move(*verdict));
    }
    step.answers.push_back(std::move(answer));
    forget(u);
}

// The transaction goes on.
void ClientDialogue::answer_step(Underway& u, ClientStep& step) {
    u.is_asking = false;
    const auto& verdict = u.verdicts.back();
    step.answers.push_back({u.ticket, {verdict ? *verdict : u.acceptance}});
}

ClientStep ClientDialogue::answer_at_once(Ticket ticket, std::vector<Verdict> verdicts) {
    ClientStep step;
    step.answers.push_back({ticket, std::move(verdicts)});
    return step;
}

}  // namespace siding::smtp
