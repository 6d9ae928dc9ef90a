#include "tests/smtp/outbound_player.hpp"

#include "base/bytes.hpp"
#include "smtp/client_dialogue.hpp"
#include "smtp/data_codec.hpp"

#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace siding::test {
namespace {

using namespace siding::smtp;

class OutboundPlayer final : public Player {
public:
    void feed(std::string_view octets) override {
        while (!octets.empty() && !is_closed_) {
            if (is_in_handshake_) {
                perform(dialogue_->on_early_octets());
                return;
            }
            const auto fed = parser_.feed(octets);
            octets.remove_prefix(fed.consumed);
            if (fed.status == ReplyParser::Status::malformed) {
                perform(dialogue_->on_lost("malformed reply"));
                return;
            }
            if (fed.status == ReplyParser::Status::complete) {
                perform(dialogue_->on_reply(parser_.take()));
            }
        }
    }

    void happen(std::string_view directive) override {
        if (directive == "connect") {
            dialogue_.emplace(options_);
            perform(dialogue_->on_connected());
        } else if (directive == "no_pipelining") {
            options_.use_pipelining = false;
        } else if (directive == "no_chunking") {
            options_.use_chunking = false;
        } else if (directive == "xclient") {
            options_.use_xclient = true;
        } else if (directive.starts_with("client ")) {
            client_ = *parse_xclient(directive.substr(7));
        } else if (directive.starts_with("auth ")) {
            set_credentials(directive.substr(5));
        } else if (directive == "auth_in_clear") {
            options_.may_log_in_without_tls = true;
        } else if (directive.starts_with("octets ")) {
            octets_ = std::stoull(std::string{directive.substr(7)});
        } else if (directive.starts_with("tls ")) {
            const bool is_required = directive == "tls required";
            options_.tls = is_required ? ClientTls::required : ClientTls::opportunistic;
        } else if (directive.starts_with("tls_started")) {
            is_in_handshake_ = false;
            perform(dialogue_->on_tls_started(directive.ends_with("verified")));
        } else if (directive.starts_with("message ")) {
            begin(directive.substr(8));
        } else if (directive.starts_with("probe ")) {
            probe(directive.substr(6));
        } else if (directive.starts_with("rcpt ")) {
            add_recipient(directive.substr(5));
        } else if (directive.starts_with("finish ")) {
            finish(unescape(directive.substr(7)));
        } else if (directive == "reset") {
            messages_[++last_ticket_] = {};
            perform(dialogue_->reset(last_ticket_));
        } else if (directive == "hold_body") {
            is_body_held_ = true;
        } else if (directive == "body") {
            send_body();
        } else if (directive.starts_with("body_failed ")) {
            perform(dialogue_->on_body_failed(std::string{directive.substr(12)}));
        } else if (directive == "write_failed") {
            perform(dialogue_->on_write_failed());
        } else if (directive.starts_with("lose ")) {
            perform(dialogue_->on_lost(std::string{directive.substr(5)}));
        } else if (directive.starts_with("lose_unsent ")) {  // the last message's end
            perform(dialogue_->on_lost(Loss{std::string{directive.substr(12)}, true, last_ticket_})
            );
        } else if (directive.starts_with("closed ")) {
            perform(dialogue_->on_lost(Loss{std::string{directive.substr(7)}, true}));
        } else if (directive == "quit") {
            perform(dialogue_->quit());
        } else {
            throw std::runtime_error{"unknown directive: " + std::string{directive}};
        }
    }

    std::string lose() override {
        if (!dialogue_ || is_closed_) {
            return {};
        }
        std::size_t open = 0;
        bool is_probe = false;
        for (const auto& [ticket, one] : messages_) {
            open += one.owed;
            is_probe = is_probe || one.is_probe;
        }
        answered_ = 0;
        const auto sent = sent_;
        perform(dialogue_->on_lost("cut"));
        for (const std::string& event : take_events()) {
            if ((event.starts_with("! delivered") && !is_probe) || event.starts_with("C: ")) {
                return "after the loss: " + event;
            }
        }
        // A recipient that was refused before has its own verdict, and keeps it.
        for (const auto& [ticket, verdict] : lost_) {
            if ((verdict.kind == VerdictKind::in_doubt) != sent.contains(ticket)) {
                return fmt::format("wrong kind for {}: {}", ticket, to_text(verdict.kind));
            }
        }
        if (answered_ != open || !is_closed_) {
            return fmt::format("{} verdicts for {} recipients", answered_, open);
        }
        return {};
    }

private:
    // What a ticket stands for.
    struct Message {
        std::vector<std::string> recipients;
        std::string body;
        std::size_t owed = 0;  // verdicts
        bool is_probe = false;
        bool is_step = false;
    };

    void begin(std::string_view text) {
        const auto colon = text.find(" : ");
        Message message;
        Transaction transaction = parse_transaction(text.substr(0, colon), message.recipients);
        message.body = unescape(text.substr(colon + 3));
        message.owed = message.recipients.size();
        transaction.octets = octets_.value_or(message.body.size());
        transaction.client = client_;
        messages_[++last_ticket_] = std::move(message);
        perform(dialogue_->begin(std::move(transaction), last_ticket_));
    }

    void probe(std::string_view text) {
        Message message;
        message.is_probe = true;
        const Transaction transaction = parse_transaction(text, message.recipients);
        message.owed = message.recipients.size();
        const std::vector<std::string> recipients = message.recipients;
        messages_[++last_ticket_] = std::move(message);
        perform(dialogue_->probe({transaction.reverse_path, recipients}, last_ticket_));
    }

    void add_recipient(std::string_view text) {
        Message message;
        message.is_step = true;
        Transaction head = parse_transaction(text, message.recipients);
        head.client = client_;
        Transaction::Recipient recipient = head.recipients.at(0);
        message.owed = 1;
        messages_[++last_ticket_] = std::move(message);
        perform(dialogue_->rcpt(head, std::move(recipient), last_ticket_));
    }

    void finish(std::string body) {
        Message message;
        message.recipients = std::exchange(accepted_, {});
        message.owed = message.recipients.size();
        message.body = std::move(body);
        const auto octets = octets_.value_or(message.body.size());
        messages_[++last_ticket_] = std::move(message);
        perform(dialogue_->finish(octets, last_ticket_));
    }

    // "user secret [MECHANISM]"
    void set_credentials(std::string_view text) {
        std::istringstream words{std::string{text}};
        Credentials credentials;
        std::string mechanism;
        words >> credentials.user >> credentials.secret >> mechanism;
        for (const auto one :
             {SaslMechanism::plain, SaslMechanism::login, SaslMechanism::xoauth2}) {
            if (to_text(one) == mechanism) {
                credentials.mechanism = one;
            }
        }
        options_.credentials = credentials;
    }

    // NOTIFY and ORCPT belong to the recipient before them.
    static Transaction parse_transaction(
        std::string_view text, std::vector<std::string>& recipients
    ) {
        std::istringstream words{unescape(text)};
        Transaction transaction;
        std::string word;
        words >> word;
        transaction.reverse_path = word.substr(1, word.size() - 2);
        std::string mail;
        while (words >> word) {
            if (word[0] == '<') {
                recipients.push_back(word.substr(1, word.size() - 2));
                transaction.recipients.push_back({recipients.back(), {}});
            } else if (word.starts_with("NOTIFY=") || word.starts_with("ORCPT=")) {
                transaction.recipients.back().parameters.verbatim.push_back(word);
            } else {
                mail += " " + word;
            }
        }
        transaction.mail_parameters = *parse_mail_parameters(mail);
        return transaction;
    }

    void perform(ClientStep step) {
        emit_lines("C", step.output);
        if (step.session_failure) {
            emit("! session " + to_event(*step.session_failure));
        }
        if (dialogue_->may_go_without_tls()) {
            emit("! may go without TLS");
        }
        for (const Answer& answer : step.answers) {
            show(answer);
        }
        std::visit([this](const auto& action) { on(action); }, step.action);
    }

    void show(const Answer& answer) {
        const Message message = messages_.at(answer.ticket);
        for (std::size_t i = 0; i < answer.verdicts.size(); ++i) {
            const Verdict& verdict = answer.verdicts[i];
            const bool is_yes =
                verdict.kind == VerdictKind::delivered && (message.is_probe || message.is_step);
            if (message.is_step && is_yes) {
                accepted_.push_back(message.recipients.at(i));
            }
            if (verdict.text == "cut") {
                lost_.emplace_back(answer.ticket, verdict);
            }
            emit(fmt::format(
                "! {} <{}> {} {}",
                message.is_step && is_yes ? "accepted" : to_text(verdict.kind),
                message.recipients.at(i),
                to_text(verdict.stage),
                verdict.text
            ));
        }
        answered_ += answer.verdicts.size();
        messages_.erase(answer.ticket);
        sent_.erase(answer.ticket);
    }

    void on(const client_action::ReadReply&) {}
    void on(const client_action::GoOn&) {}
    void on(const client_action::Ready&) {
        std::string event = "! ready";
        if (dialogue_->recipients_max() < 100) {
            event += fmt::format(" {} recipients at a time", dialogue_->recipients_max());
        }
        emit(event + (dialogue_->is_spent() ? " spent" : ""));
    }

    void on(const client_action::StartTls&) {
        emit("! starts TLS");
        is_in_handshake_ = true;
    }

    void on(const client_action::SendBody& send) {
        emit(send.is_chunked ? "! sends octets" : "! sends body");
        is_chunked_ = send.is_chunked;
        body_of_ = send.ticket;
        if (!is_body_held_) {
            send_body();
        }
    }

    void on(const client_action::Close&) {
        emit("! closes");
        is_closed_ = true;
    }

    void send_body() {
        DataEncoder encoder;
        std::string wire;
        const std::string& body = messages_.at(body_of_).body;
        if (is_chunked_) {
            wire = body;
        } else {
            encoder.encode(body, wire);
            encoder.finish(wire);
        }
        sent_.insert(body_of_);
        perform(dialogue_->on_body_end(wire));
    }

    static std::string to_event(const Verdict& verdict) {
        return fmt::format("{} {} {}", to_text(verdict.kind), to_text(verdict.stage), verdict.text);
    }

    ClientOptions options_{"mx.example.com"};
    std::optional<ClientDialogue> dialogue_;
    ReplyParser parser_;
    std::optional<std::uint64_t> octets_;
    std::optional<XclientAttributes> client_;
    std::map<Ticket, Message> messages_;  // without an answer
    std::set<Ticket> sent_;               // of these, to their last octets
    Ticket last_ticket_ = 0;
    Ticket body_of_ = 0;
    std::vector<std::string> accepted_;  // of a transaction step by step
    std::size_t answered_ = 0;           // verdicts
    std::vector<std::pair<Ticket, Verdict>> lost_;
    bool is_in_handshake_ = false;
    bool is_chunked_ = false;
    bool is_body_held_ = false;
    bool is_closed_ = false;
};

}  // namespace

std::unique_ptr<Player> make_outbound_player() {
    return std::make_unique<OutboundPlayer>();
}

}  // namespace siding::test
