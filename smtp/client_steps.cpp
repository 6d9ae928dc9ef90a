// ClientDialogue, a transaction step by step, for who hears of its recipients one by one.
#include "base/check.hpp"
#include "smtp/client_dialogue.hpp"

#include <algorithm>
#include <utility>

namespace siding::smtp {

ClientDialogue::Underway* ClientDialogue::stepwise() {
    const bool is_one = !underway_.empty() && underway_.front().kind == Kind::stepwise;
    return is_one ? &underway_.front() : nullptr;
}

ClientStep ClientDialogue::rcpt(
    const Transaction& head, Transaction::Recipient recipient, Ticket ticket
) {
    Underway* u = stepwise();
    if (!is_open() || (u == nullptr && is_spent())) {
        const std::string why =
            over_because_.empty() ? "no more mail on this connection" : over_because_;
        ClientStep step = answer_at_once(ticket, {judge_loss(Stage::rcpt, why)});
        return go_on(std::move(step));
    }
    if (u == nullptr) {
        SIDING_CHECK(underway_.empty(), "a transaction step by step is alone");
        Underway& fresh = underway_.emplace_back();
        fresh.kind = Kind::stepwise;
        fresh.transaction = head;
        fresh.transaction.recipients.clear();
        fresh.intro = intro_of(head);
        mails_ += 1;
        u = &fresh;
    }
    return add_recipient(*u, std::move(recipient), ticket);
}

ClientStep ClientDialogue::add_recipient(
    Underway& u, Transaction::Recipient recipient, Ticket ticket
) {
    SIDING_CHECK(!u.is_asking, "a step before the answer to the last one");
    Transaction with{u.transaction};
    with.recipients = {recipient};
    std::optional<Verdict> refusal = u.mail_refusal ? u.mail_refusal : check_fits(with, hop_);
    if (refusal) {
        if (!u.has_begun) {
            mails_ -= 1;
            forget(u);
        }
        return go_on(answer_at_once(ticket, {std::move(*refusal)}));
    }
    u.ticket = ticket;
    u.transaction.recipients.push_back(std::move(recipient));
    u.verdicts.emplace_back();
    u.is_asking = true;
    return go_on({});
}

ClientStep ClientDialogue::finish(std::uint64_t octets, Ticket ticket) {
    Underway* const u = stepwise();
    if (u == nullptr) {
        return go_on(answer_at_once(ticket, {}));
    }
    SIDING_CHECK(!u->is_asking, "a step before the answer to the last one");
    u->ticket = ticket;
    for (std::size_t i = u->verdicts.size(); i > 0; --i) {  // those that were told
        if (u->verdicts[i - 1]) {
            const auto at = static_cast<std::ptrdiff_t>(i - 1);
            u->verdicts.erase(u->verdicts.begin() + at);
            u->transaction.recipients.erase(u->transaction.recipients.begin() + at);
        }
    }
    u->kind = Kind::whole;
    u->is_finishing = true;
    u->rcpts_said = u->accepted = u->verdicts.size();
    octets_in_flight_ = u->transaction.octets = octets;
    if (!is_open()) {
        settle(*u, judge_loss(Stage::data, over_because_));
    } else if (const auto refusal = check_fits(u->transaction, hop_)) {
        settle(*u, *refusal);
    }
    const bool is_settled = std::ranges::none_of(u->verdicts, [](const auto& one) { return !one; });
    ClientStep step;
    if (is_settled) {
        conclude(*u, step);
    }
    return go_on(std::move(step));
}

ClientStep ClientDialogue::reset(Ticket ticket) {
    Underway* const u = stepwise();
    if (u == nullptr || !is_open() || !u->is_mail_said || u->mail_refusal) {
        if (u != nullptr) {
            forget(*u);
        }
        return go_on(answer_at_once(ticket, {}));
    }
    SIDING_CHECK(!u->is_asking, "a step before the answer to the last one");
    u->ticket = ticket;
    u->kind = Kind::probe;
    u->transaction.recipients.clear();
    u->verdicts.clear();
    u->rcpts_said = 0;
    return go_on({});
}

}  // namespace siding::smtp
