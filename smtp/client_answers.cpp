// ClientDialogue, what is heard: answers, and what is left to say when there will be none.
#include "base/check.hpp"
#include "smtp/client_dialogue.hpp"

#include <algorithm>
#include <utility>

namespace siding::smtp {

ClientStep ClientDialogue::on_open_reply(Reply reply) {
    const bool is_early =
        body_of_ &&
        (sent_.empty() || (sent_.front().verb == Verb::chunk && sent_.front().ticket == *body_of_));
    if (is_early) {
        return on_early_answer(std::move(reply));
    }
    if (sent_.empty()) {
        return on_unasked(std::move(reply));
    }
    const Sent answered = sent_.front();
    sent_.pop_front();
    if (reply.is_closing()) {
        return on_goodbye(std::move(reply), answered);
    }
    const bool is_last = answered.verb == Verb::dot || answered.verb == Verb::chunk;
    if (reply.is_transient() || reply.is_permanent()) {
        errors_ += 1;
    } else if (is_last) {
        errors_ = 0;
    }
    ClientStep step;
    if (Underway* const u = find(answered.ticket); u != nullptr) {
        u->unanswered -= 1;
        on_answer(*u, answered, std::move(reply), step);
    }
    return go_on(std::move(step));
}

void ClientDialogue::on_answer(Underway& u, const Sent& sent, Reply reply, ClientStep& step) {
    switch (sent.verb) {
    case Verb::xclient:
    case Verb::ehlo:
        on_intro_reply(u, sent.verb, reply, step);
        return;
    case Verb::rset:
    case Verb::end_probe:
        u.is_cleared = sent.verb == Verb::end_probe;
        if (!reply.is_positive()) {
            on_rset_refused(u, std::move(reply), step);
        }
        return;
    case Verb::mail:
        if (!reply.is_positive()) {
            u.mail_refusal = judge_reply(Stage::mail, std::move(reply));
            settle(u, *u.mail_refusal);
        }
        return;
    case Verb::rcpt:
        on_rcpt_reply(u, sent.recipient, std::move(reply));
        return;
    case Verb::data:
        on_data_reply(u, reply, step);
        return;
    case Verb::chunk:
    case Verb::dot:
        on_final_reply(u, sent.verb, std::move(reply), step);
        return;
    }
    SIDING_UNREACHABLE("no such verb");
}

// It may take what follows for a part of the transaction before.
void ClientDialogue::on_rset_refused(Underway& u, Reply reply, ClientStep& step) {
    const bool is_sent = u.kind == Kind::whole && u.is_said;
    const Verdict verdict =
        is_sent ? judge_loss(Stage::end_of_data, "RSET was refused: " + reply.text())
                : judge_reply(Stage::hello, std::move(reply));
    give_up_connection(u, verdict, step);
}

void ClientDialogue::on_rcpt_reply(Underway& u, std::size_t recipient, Reply reply) {
    const bool is_accepted = reply.is_positive();
    u.accepted += is_accepted ? 1 : 0;
    Verdict verdict = judge_reply(Stage::rcpt, std::move(reply));
    if (is_accepted) {
        verdict.kind = VerdictKind::delivered;
    }
    if (u.kind == Kind::stepwise && is_accepted) {
        u.acceptance = std::move(verdict);
    } else if (!u.verdicts[recipient] && (u.kind == Kind::probe || !is_accepted)) {
        u.verdicts[recipient] = std::move(verdict);
    }
}

void ClientDialogue::on_data_reply(Underway& u, const Reply& reply, ClientStep& step) {
    if (reply.code != 354) {
        const Verdict verdict = judge_reply(Stage::data, reply);
        if (reply.is_positive()) {  // we no longer know what the server thinks
            give_up_connection(u, verdict, step);
        } else {
            settle(u, verdict);
        }
        return;
    }
    if (std::ranges::any_of(u.verdicts, [](const auto& verdict) { return !verdict; })) {
        body_of_ = u.ticket;
        is_body_new_ = true;
        return;
    }
    // RFC 2920 §3.1: no recipient is left, and still the server waits for a message.
    step.output += ".\r\n";
    u.is_said = true;
    sent_.push_back({Verb::dot, u.ticket, 0});
    u.unanswered += 1;
}

void ClientDialogue::on_final_reply(Underway& u, Verb verb, Reply reply, ClientStep& step) {
    if (!u.is_said) {  // and never will be: nothing could be written any more
        give_up_connection(u, judge_reply(Stage::body, std::move(reply)), step);
        return;
    }
    const bool makes_sense = reply.code / 100 != 3;
    const Verdict verdict = judge_reply(Stage::end_of_data, std::move(reply));
    if (!makes_sense) {
        give_up_connection(u, verdict, step);
        return;
    }
    settle(u, verdict);
    u.is_cleared = verb == Verb::dot || verdict.kind == VerdictKind::delivered;
}

// Postfix XCLIENT_README: 220 like a greeting, then the session begins anew, as the client's. What
// a server thinks of the client's name must not keep it from hearing of its mail.
void ClientDialogue::on_intro_reply(Underway& u, Verb verb, const Reply& reply, ClientStep& step) {
    if (verb == Verb::ehlo && reply.is_permanent() && u.introduced_as != options_.hostname) {
        u.introduced_as = options_.hostname;
        u.intro = Intro::ehlo;
        return;
    }
    if (!reply.is_positive()) {
        give_up_connection(u, judge_reply(Stage::hello, reply), step);
        return;
    }
    if (verb == Verb::xclient) {
        announced_ = u.transaction.client;
        u.introduced_as = name_for_hello(*announced_, options_.hostname);
        u.intro = Intro::ehlo;
        return;
    }
    u.intro = Intro::done;
    needs_rset_ = false;
    learn(reply);
    if (const auto refusal = check_fits(u.transaction, hop_)) {
        u.mail_refusal = *refusal;
        settle(u, *refusal);
    }
}

// RFC 5321 §3.8: 421 may answer anything, and the server closes. Who is wholly sent may still have
// an answer, from a server that does not mean it.
ClientStep ClientDialogue::on_goodbye(Reply reply, const Sent& sent) {
    ClientStep step;
    is_mute_ = true;
    over_because_ = reply.text();
    if (Underway* const u = find(sent.ticket); u != nullptr) {
        give_up(*u, judge_reply(stage_of(sent.verb), reply), step);
    }
    fail_unsaid(judge_reply(Stage::mail, reply), step);
    goodbye_ = std::move(reply);
    return go_on(std::move(step));
}

// The server says goodbye; maybe to a body that could not be written to its end.
ClientStep ClientDialogue::on_unasked(Reply reply) {
    ClientStep step;
    is_mute_ = true;
    over_because_ = reply.text();
    if (!underway_.empty()) {
        give_up(underway_.front(), judge_reply(Stage::body, std::move(reply)), step);
    }
    return go_on(std::move(step));
}

// The server speaks while it is still being sent the message: refused, and out of step.
ClientStep ClientDialogue::on_early_answer(Reply reply) {
    ClientStep step;
    if (!sent_.empty()) {
        sent_.pop_front();
    }
    give_up_connection(*find(*body_of_), judge_reply(Stage::body, std::move(reply)), step);
    return go_on(std::move(step));
}

ClientStep ClientDialogue::on_body_failed(std::string what) {
    SIDING_CHECK(body_of_.has_value(), "a body failed that was not asked for");
    ClientStep step;
    give_up_connection(*find(*body_of_), judge_loss(Stage::body, std::move(what)), step);
    return go_on(std::move(step));
}

ClientStep ClientDialogue::on_write_failed() {
    is_mute_ = true;
    body_of_.reset();
    is_body_new_ = false;
    ClientStep step;
    if (state_ == State::closed) {
        step.action = client_action::Close{};
    } else {
        step.action = client_action::ReadReply{awaits().value_or(Wait::quit)};
    }
    return step;
}

// Ends it with this verdict, as far as there is none. One step by step stays, for its finish().
void ClientDialogue::give_up(Underway& u, const Verdict& verdict, ClientStep& step) {
    if (body_of_ == u.ticket) {
        body_of_.reset();
        is_body_new_ = false;
    }
    if (u.kind != Kind::stepwise) {
        settle(u, verdict);
        conclude(u, step);
    } else if (u.is_asking) {
        if (!u.verdicts.back()) {
            u.verdicts.back() = verdict;
        }
        answer_step(u, step);
    }
}

// What was wholly sent is still waited for.
void ClientDialogue::give_up_connection(Underway& u, const Verdict& verdict, ClientStep& step) {
    is_mute_ = true;
    over_because_ = verdict.text;
    give_up(u, verdict, step);
    fail_unsaid(judge_loss(Stage::mail, "the connection was given up: " + verdict.text), step);
}

void ClientDialogue::fail_unsaid(const Verdict& verdict, ClientStep& step) {
    for (auto next = underway_.begin(); next != underway_.end();) {
        Underway& u = *next++;
        if (!u.is_said) {
            give_up(u, verdict, step);
        }
    }
}

void ClientDialogue::fail_all(const Loss& loss, ClientStep& step) {
    for (auto next = underway_.begin(); next != underway_.end();) {
        Underway& u = *next++;
        give_up(u, judge_lost(u, loss), step);
    }
    sent_.clear();
    state_ = State::closed;
}

bool ClientDialogue::is_answer_due() const {
    return std::ranges::any_of(sent_, [this](const Sent& sent) {
        return find(sent.ticket) != nullptr;
    });
}

ClientDialogue::Underway* ClientDialogue::find(Ticket ticket) {
    const auto found = std::ranges::find(underway_, ticket, &Underway::ticket);
    return found == underway_.end() ? nullptr : &*found;
}

const ClientDialogue::Underway* ClientDialogue::find(Ticket ticket) const {
    const auto found = std::ranges::find(underway_, ticket, &Underway::ticket);
    return found == underway_.end() ? nullptr : &*found;
}

void ClientDialogue::forget(const Underway& u) {
    const auto is_it = [&](const Underway& other) { return &other == &u; };
    const auto at = std::ranges::find_if(underway_, is_it);
    if (at == underway_.end()) {
        return;  // it never began
    }
    // The next one has seen to it already where it has begun.
    const auto has_begun = [](const Underway& other) { return other.has_begun; };
    if (u.is_mail_said && std::none_of(std::next(at), underway_.end(), has_begun)) {
        needs_rset_ = !u.mail_refusal && !u.is_cleared;
    }
    octets_in_flight_ -= u.has_begun ? u.transaction.octets : 0;
    underway_.erase(at);
}

Stage ClientDialogue::stage_of(Verb verb) {
    switch (verb) {
    case Verb::xclient:
    case Verb::ehlo:
        return Stage::hello;
    case Verb::rset:
    case Verb::mail:
        return Stage::mail;
    case Verb::rcpt:
    case Verb::end_probe:
        return Stage::rcpt;
    case Verb::data:
        return Stage::data;
    case Verb::chunk:
    case Verb::dot:
        return Stage::end_of_data;
    }
    SIDING_UNREACHABLE("no such verb");
}

// Where it stands: never end_of_data, which is for what was sent to its end.
Stage ClientDialogue::stage_of(const Underway& u) const {
    if (body_of_ == u.ticket || u.is_said) {
        return u.kind == Kind::probe ? Stage::rcpt : Stage::body;
    }
    const auto first = std::ranges::find(sent_, u.ticket, &Sent::ticket);
    if (first != sent_.end()) {
        const Stage stage = stage_of(first->verb);
        return stage == Stage::end_of_data ? Stage::body : stage;
    }
    return u.is_mail_said ? Stage::rcpt : Stage::mail;
}

Verdict ClientDialogue::judge_lost(const Underway& u, const Loss& loss) const {
    const bool is_sent = u.kind == Kind::whole && u.is_said && u.ticket < loss.unsent_from;
    if (!is_sent) {
        return judge_loss(stage_of(u), loss.what);
    }
    if (goodbye_ && loss.is_by_peer) {  // it did as it had said, before this one's turn
        return judge_reply(Stage::mail, *goodbye_);
    }
    return judge_loss(Stage::end_of_data, loss.what);
}

void ClientDialogue::settle(Underway& u, const Verdict& verdict) {
    for (auto& one : u.verdicts) {
        if (!one) {
            one = verdict;
        }
    }
}

}  // namespace siding::smtp
