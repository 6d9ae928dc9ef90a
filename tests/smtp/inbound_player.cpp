#include "tests/smtp/inbound_player.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "smtp/data_codec.hpp"
#include "smtp/header_scan.hpp"
#include "smtp/server_dialogue.hpp"

#include <deque>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace siding::test {
namespace {

using namespace siding::smtp;

Reply to_reply(std::string_view text) {
    ReplyParser parser;
    parser.feed(std::string{text} + "\r\n");
    return parser.take();
}

Extensions to_extensions(const std::string& text) {
    if (text == "all") {
        return Extensions::all();
    }
    Extensions extensions;
    std::istringstream words{text};
    for (std::string word; words >> word;) {
        extensions.add(parse_extension(word).value());
    }
    return extensions;
}

class InboundPlayer final : public Player {
public:
    void feed(std::string_view octets) override {
        if (is_closed_ || is_in_handshake_) {
            return;
        }
        buffer_.append(octets);
        while (!is_closed_ && !is_in_handshake_ && pump()) {
        }
    }

    void happen(std::string_view directive) override {
        const auto space = std::min(directive.find(' '), directive.size() - 1);
        const std::string argument{directive.substr(space + 1)};
        const std::string_view word = directive.substr(0, directive.find(' '));
        if (configure(word, argument)) {
            return;
        }
        if (word == "connect") {
            start();
            perform(dialogue_->greet());
        } else if (word == "turn_away") {
            start();
            perform(dialogue_->turn_away(to_reply(argument)));
        } else if (word == "early_talker") {
            start();
            perform(dialogue_->on_early_talker());
        } else if (word == "answer") {
            answers_.push_back(to_reply(argument));
        } else if (word == "more_input") {
            has_more_input_ = true;
        } else if (word == "tls") {
            is_in_handshake_ = false;
            perform(dialogue_->on_tls_started());
        } else if (word == "shutdown") {
            perform(dialogue_->on_shutdown());
        } else if (word == "timeout") {
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
    bool configure(std::string_view word, const std::string& argument) {
        const std::map<std::string_view, bool*> flags = {
            {"implicit_tls", &is_implicit_tls_},
            {"tls_available", &options_.tls_available},
            {"tls_required", &options_.tls_required},
            {"xclient", &options_.xclient},
            {"xclient_required", &options_.xclient_required},
        };
        if (const auto flag = flags.find(word); flag != flags.end()) {
            *flag->second = true;
        } else if (word == "message_octets_max") {
            options_.message_octets_max = data_limits_.octets_max = std::stoull(argument);
        } else if (word == "recipients_max") {
            options_.recipients_max = std::stoull(argument);
        } else if (word == "header_octets_max") {
            options_.header_octets_max = std::stoull(argument);
        } else if (word == "commands_max") {
            options_.commands_max = std::stoull(argument);
        } else if (word == "bare_newline" && argument == "reject") {
            data_limits_.bare_newline = BareNewline::reject;
        } else if (word == "extensions") {
            options_.offered = to_extensions(argument);
        } else {
            return false;
        }
        return true;
    }

    void start() {
        dialogue_.emplace(options_);
        if (is_implicit_tls_) {
            dialogue_->on_tls_started();
        }
    }

    bool pump() { return decoder_ ? pump_data() : chunk_ ? pump_chunk() : pump_line(); }

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
        const bool more_input = std::exchange(has_more_input_, false);
        perform(too_long ? dialogue_->on_line_too_long() : dialogue_->on_line(line, more_input));
        return true;
    }

    bool pump_chunk() {
        const std::size_t length = std::min<std::uint64_t>(chunk_->octets, buffer_.size());
        if (!chunk_->discard) {
            std::string decoded;
            chunks_.feed(std::string_view{buffer_}.substr(0, length), decoded);
            take(decoded);
        }
        buffer_.erase(0, length);
        chunk_->octets -= length;
        if (chunk_->octets > 0) {
            return false;
        }
        end_chunk();
        return true;
    }

    void end_chunk() {
        const auto chunk = *std::exchange(chunk_, std::nullopt);
        if (chunk.last && !chunk.discard) {
            std::string decoded;
            chunks_.finish(decoded);
            take(decoded);
        }
        bare_newlines_ = chunks_.bare_newlines();
        perform(dialogue_->on_chunk_end(summarize(chunks_, header_)));
    }

    void take(std::string_view decoded) {
        body_ += decoded;
        header_.feed(decoded);
    }

    bool pump_data() {
        std::string decoded;
        const auto fed = decoder_->feed(buffer_, decoded);
        buffer_.erase(0, fed.consumed);
        take(decoded);
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
        const bool commits = std::holds_alternative<action::Commit>(step.action);
        if (has_chunks_ && !dialogue_->is_chunking()) {
            has_chunks_ = false;
            if (!commits) {
                emit("! drops the chunks");
            }
        }
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
        forget_body();
    }

    void on(const action::ReceiveChunk& chunk) {
        if (chunk.first) {
            using Content = ChunkDecoder::Content;
            chunks_ = ChunkDecoder{data_limits_, chunk.binary ? Content::binary : Content::text};
            forget_body();
        }
        has_chunks_ = !chunk.discard;
        chunk_ = chunk;
        if (chunk.octets == 0) {
            end_chunk();
        }
    }

    void forget_body() {
        header_ = HeaderScan{options_.hostname};
        body_.clear();
    }

    void on(const action::StartTls&) {
        emit("! starts TLS");
        is_in_handshake_ = true;
        buffer_.clear();
    }

    void on(const action::Xclient& xclient) {
        const XclientAttributes& said = xclient.attributes;
        std::string all;
        const auto show = [&all](std::string_view name, const auto& value) {
            all += value ? fmt::format(" {}={}", name, *value) : "";
        };
        show("NAME", said.name);
        show("ADDR", said.address);
        show("PORT", said.port);
        show("ESMTP", said.esmtp);
        show("HELO", said.helo);
        show("LOGIN", said.login);
        show("DESTADDR", said.destination_address);
        show("DESTPORT", said.destination_port);
        if (const auto answer = take_answer()) {
            perform(dialogue_->on_answer(*answer));
            return;
        }
        emit("! adopts" + escape(all));
        perform(dialogue_->on_xclient_done());
    }

    void on(const action::Commit& commit) {
        const Envelope& envelope = commit.envelope;
        std::string recipients;
        for (const auto& recipient : envelope.recipients) {
            const std::string said = recipient.parameters.text();
            recipients +=
                fmt::format(" <{}>{}{}", recipient.path.text, said.empty() ? "" : " ", said);
        }
        const std::string parameters = envelope.mail_parameters.text();
        const auto answer = take_answer();
        if (!answer || answer->is_positive()) {
            emit(fmt::format(
                "! commits {} recipients, {} octets, {} bare newlines: <{}>{}{} ->{} {} {}{}: {}",
                envelope.recipients.size(),
                body_.size(),
                bare_newlines_,
                envelope.reverse_path.text,
                parameters.empty() ? "" : " ",
                parameters,
                recipients,
                envelope.is_esmtp ? "EHLO" : "HELO",
                envelope.helo,
                envelope.used_chunking ? " BDAT" : "",
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

    ServerOptions options_{"mx.example.com"};
    DataLimits data_limits_;
    std::optional<ServerDialogue> dialogue_;
    std::deque<Reply> answers_;
    std::string buffer_;
    std::optional<DataDecoder> decoder_;         // while a body is being received
    std::optional<action::ReceiveChunk> chunk_;  // the rest of it
    ChunkDecoder chunks_;
    bool has_chunks_ = false;  // kept for the chunks to come
    HeaderScan header_;
    std::string body_;
    std::uint64_t bare_newlines_ = 0;
    bool is_implicit_tls_ = false;
    bool is_in_handshake_ = false;
    bool has_more_input_ = false;
    bool is_closed_ = false;
};

}  // namespace

std::unique_ptr<Player> make_inbound_player() {
    return std::make_unique<InboundPlayer>();
}

}  // namespace siding::test
