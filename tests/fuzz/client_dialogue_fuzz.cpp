// A server's octets through the outbound machine: whatever it answers, every transaction ends with
// one verdict per recipient, and only what was sent to its end is delivered or in doubt.
#include "base/check.hpp"
#include "smtp/client_dialogue.hpp"

#include <cstdint>
#include <map>
#include <set>

namespace {

using namespace siding::smtp;

constexpr Ticket transactions_max = 50;  // a server can be ready for ever

ClientOptions make_options(std::uint8_t choice) {
    ClientOptions options{"mx.example.com"};
    options.use_pipelining = (choice & 1) == 0;
    options.tls = (choice & 2) != 0   ? ClientTls::opportunistic
                  : (choice & 4) != 0 ? ClientTls::required
                                      : ClientTls::off;
    options.use_xclient = (choice & 128) != 0;
    if ((choice & 8) != 0) {
        options.credentials = Credentials{"user", "secret", std::nullopt};
        options.may_log_in_without_tls = (choice & 16) == 0;
    }
    return options;
}

class Session {
public:
    Session(std::uint8_t choice, std::string_view in)
        : choice_{choice}, in_{in}, dialogue_{make_options(choice)} {}

    void run() {
        follow(dialogue_.on_connected());
        while (!is_closed_ && !in_.empty()) {
            const auto fed = parser_.feed(in_);
            in_.remove_prefix(fed.consumed);
            if (fed.status == ReplyParser::Status::malformed) {
                break;
            }
            if (fed.status == ReplyParser::Status::complete) {
                follow(dialogue_.on_reply(parser_.take()));
            }
        }
        if (!is_closed_) {
            is_lost_ = true;
            follow(dialogue_.on_lost(Loss{"end of input", (choice_ & 32) != 0}));
        }
        SIDING_CHECK(is_closed_ && owed_.empty(), "a recipient without a verdict");
    }

private:
    void follow(ClientStep step) {
        for (;;) {
            SIDING_CHECK(step.output.empty() || step.output.ends_with("\r\n"), "half a line");
            settle(step);
            if (std::holds_alternative<client_action::Close>(step.action)) {
                is_closed_ = true;
                return;
            }
            if (std::holds_alternative<client_action::ReadReply>(step.action) ||
                std::holds_alternative<client_action::GoOn>(step.action)) {
                if (!wants_more()) {
                    return;
                }
                step = begin();
                continue;
            }
            step = perform(step.action);
        }
    }

    // Another one behind those under way.
    bool wants_more() const {
        return is_open_ && !is_lost_ && !is_step_ && dialogue_.is_open() &&
               owed_.size() < dialogue_.window() && !dialogue_.is_spent() &&
               last_ticket_ < transactions_max && !probe_;
    }

    ClientStep perform(const ClientAction& action) {
        if (std::holds_alternative<client_action::StartTls>(action)) {
            return (choice_ & 8) != 0 ? dialogue_.on_lost("handshake failed")
                                      : dialogue_.on_tls_started((choice_ & 16) != 0);
        }
        if (const auto* body = std::get_if<client_action::SendBody>(&action)) {
            if (body->ticket % 7 == 6) {
                return dialogue_.on_body_failed("unreadable");
            }
            sent_.insert(body->ticket);
            return dialogue_.on_body_end("x\r\n.\r\n");
        }
        SIDING_CHECK(std::holds_alternative<client_action::Ready>(action), "nothing to do");
        is_open_ = true;
        if (is_step_) {
            return next_step();
        }
        if (dialogue_.is_spent() || last_ticket_ >= transactions_max) {
            return dialogue_.quit();
        }
        const Ticket ticket = last_ticket_ + 1;
        if ((choice_ & 32) != 0 && ticket % 3 == 0) {
            probe_ = last_ticket_ = ticket;
            owed_[ticket] = 1;
            return dialogue_.probe({"probe@b", {"c@d"}}, ticket);
        }
        if ((choice_ & 64) != 0 && ticket % 3 == 1) {
            is_step_ = true;
            steps_ = accepted_ = 0;
            return next_step();
        }
        return begin();
    }

    ClientStep begin() {
        const Ticket ticket = ++last_ticket_;
        owed_[ticket] = std::min<std::size_t>(2, dialogue_.recipients_max());
        return dialogue_.begin(make_transaction(owed_[ticket]), ticket);
    }

    ClientStep next_step() {
        const Ticket ticket = ++last_ticket_;
        if (++steps_ <= 2) {
            step_ = ticket;
            owed_[ticket] = 1;
            const Transaction head = make_transaction(1);
            return dialogue_.rcpt(head, head.recipients[0], ticket);
        }
        is_step_ = false;
        if (ticket % 2 == 0) {
            owed_[ticket] = 0;
            return dialogue_.reset(ticket);
        }
        owed_[ticket] = accepted_;
        return dialogue_.finish(10, ticket);
    }

    Transaction make_transaction(std::size_t recipients) const {
        Transaction transaction;
        transaction.reverse_path = "a@b";
        transaction.octets = last_ticket_ % 5 == 4 ? 2'000'000 : 10;
        transaction.recipients = {{"c@d", {}}, {"e@f", {}}};
        transaction.recipients.resize(recipients);
        if ((choice_ & 64) != 0) {
            transaction.mail_parameters =
                *parse_mail_parameters("BODY=BINARYMIME SMTPUTF8 RET=HDRS");
        }
        if ((choice_ & 128) != 0) {
            transaction.recipients[0].parameters = *parse_rcpt_parameters("NOTIFY=NEVER");
            transaction.client = *parse_xclient(last_ticket_ % 2 == 0 ? "NAME=x" : "NAME=y");
        }
        return transaction;
    }

    void settle(const ClientStep& step) {
        for (const Answer& answer : step.answers) {
            const auto owed = owed_.find(answer.ticket);
            SIDING_CHECK(owed != owed_.end(), "an answer that nobody waits for");
            SIDING_CHECK(answer.verdicts.size() == owed->second, "not one for each recipient");
            owed_.erase(owed);
            const bool is_question = answer.ticket == probe_ || answer.ticket == step_;
            for (const Verdict& verdict : answer.verdicts) {
                const bool is_yes = verdict.kind == VerdictKind::delivered && is_question;
                accepted_ += is_yes ? 1 : 0;
                const bool needs_end = verdict.kind == VerdictKind::in_doubt ||
                                       (verdict.kind == VerdictKind::delivered && !is_yes);
                SIDING_CHECK(!needs_end || sent_.contains(answer.ticket), "taken before its end");
            }
            if (answer.ticket == probe_) {
                probe_ = 0;
            }
        }
    }

    std::uint8_t choice_;
    std::string_view in_;
    ClientDialogue dialogue_;
    ReplyParser parser_;
    Ticket last_ticket_ = 0;
    Ticket probe_ = 0;
    Ticket step_ = 0;
    std::size_t steps_ = 0;
    std::size_t accepted_ = 0;
    std::map<Ticket, std::size_t> owed_;  // verdicts
    std::set<Ticket> sent_;
    bool is_step_ = false;
    bool is_open_ = false;
    bool is_lost_ = false;
    bool is_closed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 0) {
        Session{data[0], {reinterpret_cast<const char*>(data + 1), size - 1}}.run();
    }
    return 0;
}
