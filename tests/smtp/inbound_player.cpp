#include "tests/smtp/inbound_player.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "smtp/data_codec.hpp"
#include "smtp/header_scan.hpp"
#include "smtp/server_dialogue.hpp"

#include <deque>
#include <fmt/format.h>
#include <optional>
#include <stdexcept>

namespace siding::test {
namespace {

using namespace siding::smtp;

Reply to_reply(std::string_view text) {
    ReplyParser parser;
    parser.feed(std::string{text} + "\r\n");
    return parser.take();
}

class InboundPlayer final : public Player {
public:
    void feed(std::string_view octets) override {
        if (is_closed_) {
            return;
        }
        buffer_.append(octets);
        while (!is_closed_ && (decoder_ ? pump_data() : pump_line())) {
        }
    }

    void happen(std::string_view directive) override {
        const auto space = std::min(directive.find(' '), directive.size() - 1);
        const std::string argument{directive.substr(space + 1)};
        if (directive == "connect") {
            dialogue_.emplace(options_);
            perform(dialogue_->greet());
        } else if (directive.starts_with("turn_away ")) {
            dialogue_.emplace(options_);
            perform(dialogue_->turn_away(to_reply(argument)));
        } else if (directive.starts_with("message_octets_max ")) {
            options_.message_octets_max = data_limits_.octets_max = std::stoull(argument);
        } else if (directive.starts_with("recipients_max ")) {
            options_.recipients_max = std::stoull(argument);
        } else if (directive == "bare_newline reject") {
            data_limits_.bare_newline = BareNewline::reject;
        } else if (directive.starts_with("answer ")) {
            answers_.push_back(to_reply(argument));
        } else if (directive == "shutdown") {
            perform(dialogue_->on_shutdown());
        } else if (directive == "timeout") {
            perform(dialogue_->on_timeout());
        } else {
            throw std::runtime_error{"unknown directive: " + std::string{directive}};
        }
    }

    // A dialogue holds nothing that a loss could turn into an effect; to destroy it is all.
    std::string lose() override {
        dialogue_.reset();
        return take_events().empty() ? "" : "an effect of a lost connection";
    }

private:
    bool pump_line() {
        const auto end = buffer_.find("\r\n");
        const std::size_t length = std::min(end, buffer_.size());
        if (length > limits::discarded_line_octets_max) {
            perform(dialogue_->on_line_endless());
            return false;
        }
        if (end == std::string::npos) {
            return false;
        }
        const std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 2);
        const bool too_long = line.size() + 2 > limits::command_line_octets_max;
        perform(too_long ? dialogue_->on_line_too_long() : dialogue_->on_line(line));
        return true;
    }

    bool pump_data() {
        std::string decoded;
        const auto fed = decoder_->feed(buffer_, decoded);
        buffer_.erase(0, fed.consumed);
        body_ += decoded;
        header_.feed(decoded);
        if (fed.done) {
            const DataDecoder decoder = *std::exchange(decoder_, std::nullopt);
            bare_newlines_ = decoder.bare_newlines();
            perform(dialogue_->on_data_end(summarize(decoder, header_)));
        }
        return fed.done;
    }

    void perform(Step step) {
        if (step.delay.count() > 0) {
            emit(fmt::format("! delays {} ms", step.delay.count()));
        }
        emit_lines("S", step.output);
        std::visit([this](auto& action) { on(action); }, step.action);
    }

    void on(const action::ReadCommand&) {}

    void on(const action::CheckMail&) {
        const auto answer = take_answer();
        perform(answer ? dialogue_->on_answer(*answer) : dialogue_->on_accepted());
    }

    void on(const action::CheckRcpt& check) {
        const Path& path = check.forward_path;
        const bool ours = path.address && path.address->domain().text() == "example.com";
        if (const auto answer = take_answer()) {
            perform(dialogue_->on_answer(*answer));
        } else if (ours || path.is_postmaster()) {
            perform(dialogue_->on_accepted());
        } else {
            perform(dialogue_->on_answer(Reply{550, {5, 7, 1}, "Relay access denied"}));
        }
    }

    void on(const action::ReceiveData&) {
        decoder_.emplace(data_limits_);
        header_ = {};
        body_.clear();
    }

    void on(const action::Commit& commit) {
        const Envelope& envelope = commit.envelope;
        std::string recipients;
        for (const auto& recipient : envelope.recipients) {
            recipients += fmt::format(" <{}>", recipient.path.text);
        }
        const std::string parameters = envelope.mail_parameters.text();
        const auto answer = take_answer();
        if (!answer || answer->is_positive()) {
            emit(fmt::format(
                "! commits {} recipients, {} octets, {} bare newlines: <{}>{}{} ->{} {} {}: {}",
                envelope.recipients.size(),
                body_.size(),
                bare_newlines_,
                envelope.reverse_path.text,
                parameters.empty() ? "" : " ",
                parameters,
                recipients,
                envelope.is_esmtp ? "EHLO" : "HELO",
                envelope.helo,
                escape(body_, 4096)
            ));
        }
        perform(dialogue_->on_answer(answer.value_or(Reply{250, {2, 0, 0}, "Ok: queued as 1"})));
    }

    void on(const action::Close&) {
        emit("! closes");
        is_closed_ = true;
    }

    std::optional<Reply> take_answer() {
        if (answers_.empty()) {
            return std::nullopt;
        }
        Reply first = std::move(answers_.front());
        answers_.pop_front();
        return first;
    }

    ServerOptions options_{"mx.example.com", 1000, 50 * 1024 * 1024};
    DataLimits data_limits_;
    std::optional<ServerDialogue> dialogue_;
    std::deque<Reply> answers_;
    std::string buffer_;
    std::optional<DataDecoder> decoder_;  // while a body is being received
    HeaderScan header_;
    std::string body_;
    std::uint64_t bare_newlines_ = 0;
    bool is_closed_ = false;
};

}  // namespace

std::unique_ptr<Player> make_inbound_player() {
    return std::make_unique<InboundPlayer>();
}

}  // namespace siding::test
