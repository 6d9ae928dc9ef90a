#include "tests/smtp/outbound_player.hpp"

#include "base/bytes.hpp"
#include "smtp/client_dialogue.hpp"
#include "smtp/data_codec.hpp"

#include <fmt/format.h>
#include <optional>
#include <sstream>
#include <stdexcept>

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
        } else if (directive == "hold_body") {
            is_body_held_ = true;
        } else if (directive == "body") {
            send_body();
        } else if (directive.starts_with("lose ")) {
            perform(dialogue_->on_lost(std::string{directive.substr(5)}));
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
        const std::size_t open = recipients_.size();
        const bool may_be_delivered = is_terminator_sent_;
        perform(dialogue_->on_lost("cut"));
        std::size_t verdicts = 0;
        for (const std::string& event : take_events()) {
            if ((event.starts_with("! delivered") && !is_probe_) || event.starts_with("C: ")) {
                return "after the loss: " + event;
            }
            // A recipient that was refused before has its own verdict, and keeps it.
            const bool by_loss = event.ends_with(" cut");
            if (by_loss && event.starts_with("! in_doubt") != may_be_delivered &&
                !event.starts_with("! session")) {
                return "wrong kind: " + event;
            }
            verdicts += event.starts_with("! ") && event.find(" <") != std::string::npos ? 1 : 0;
        }
        if (verdicts != open || !is_closed_) {
            return fmt::format("{} verdicts for {} recipients", verdicts, open);
        }
        return {};
    }

private:
    void begin(std::string_view text) {
        const auto colon = text.find(" : ");
        Transaction transaction = parse_transaction(text.substr(0, colon));
        body_ = unescape(text.substr(colon + 3));
        transaction.octets = octets_.value_or(body_.size());
        is_probe_ = false;
        perform(dialogue_->begin(std::move(transaction)));
    }

    void probe(std::string_view text) {
        const Transaction transaction = parse_transaction(text);
        is_probe_ = true;
        perform(dialogue_->probe({transaction.reverse_path, recipients_}));
    }

    // NOTIFY and ORCPT belong to the recipient before them.
    Transaction parse_transaction(std::string_view text) {
        std::istringstream words{unescape(text)};
        Transaction transaction;
        std::string word;
        words >> word;
        transaction.reverse_path = word.substr(1, word.size() - 2);
        std::string mail;
        while (words >> word) {
            if (word[0] == '<') {
                recipients_.push_back(word.substr(1, word.size() - 2));
                transaction.recipients.push_back({recipients_.back(), {}});
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
        for (std::size_t i = 0; i < step.verdicts.size(); ++i) {
            const Verdict& verdict = step.verdicts[i];
            emit(fmt::format(
                "! {} <{}> {} {}",
                to_text(verdict.kind),
                recipients_.at(i),
                to_text(verdict.stage),
                verdict.text
            ));
        }
        if (!step.verdicts.empty()) {
            recipients_.clear();
            is_terminator_sent_ = false;
        }
        std::visit([this](const auto& action) { on(action); }, step.action);
    }

    void on(const client_action::ReadReply&) {}
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
        if (is_chunked_) {
            wire = body_;
        } else {
            encoder.encode(body_, wire);
            encoder.finish(wire);
        }
        is_terminator_sent_ = true;
        perform(dialogue_->on_body_end(wire));
    }

    static std::string to_event(const Verdict& verdict) {
        return fmt::format("{} {} {}", to_text(verdict.kind), to_text(verdict.stage), verdict.text);
    }

    ClientOptions options_{"mx.example.com", true, ClientTls::off};
    std::optional<ClientDialogue> dialogue_;
    ReplyParser parser_;
    std::optional<std::uint64_t> octets_;
    std::vector<std::string> recipients_;  // of the transaction under way
    std::string body_;
    bool is_probe_ = false;
    bool is_in_handshake_ = false;
    bool is_chunked_ = false;
    bool is_body_held_ = false;
    bool is_terminator_sent_ = false;
    bool is_closed_ = false;
};

}  // namespace

std::unique_ptr<Player> make_outbound_player() {
    return std::make_unique<OutboundPlayer>();
}

}  // namespace siding::test
