// A client's octets through the inbound machine: no sequence breaks it, no message is committed
// without a sender, a recipient and an end, and each holds what the plain reference says it holds.
#include "base/check.hpp"
#include "smtp/server_dialogue.hpp"
#include "tests/smtp/reference_codec.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace {

using namespace siding::smtp;

constexpr std::size_t message_octets_max = 1000;

// The bits of the first octet.
struct Choice {
    explicit Choice(std::uint8_t octet)
        : narrow{(octet & 1) != 0},
          tls{(octet & 2) != 0},
          tls_required{(octet & 4) != 0},
          implicit_tls{(octet & 8) != 0},
          xclient{(octet & 16) != 0},
          xclient_required{(octet & 32) != 0},
          packets{(octet & 64) != 0},
          strict{(octet & 128) != 0} {}

    bool narrow, tls, tls_required, implicit_tls, xclient, xclient_required;
    bool packets;  // octets behind a line are known when it is read
    bool strict;   // about bare newlines
};

ServerOptions make_options(const Choice& choice) {
    ServerOptions options{"mx.example.com", 5, message_octets_max};
    options.offered = choice.narrow ? Extensions{Extension::size} : Extensions::all();
    options.header_octets_max = 200;
    options.commands_max = 200;
    options.tls_available = choice.tls;
    options.tls_required = choice.tls_required;
    options.xclient = choice.xclient;
    options.xclient_required = choice.xclient_required;
    return options;
}

class Session {
public:
    Session(const Choice& choice, std::string_view in)
        : choice_{choice},
          limits_{choice.strict ? BareNewline::reject : BareNewline::normalize, message_octets_max},
          in_{in},
          dialogue_{make_options(choice)} {}

    void run() {
        if (choice_.implicit_tls) {
            dialogue_.on_tls_started();
        }
        perform(dialogue_.greet());
        while (!is_closed_ && !in_.empty()) {
            if (is_in_data_) {
                receive_data();
            } else if (chunk_) {
                receive_chunk();
            } else {
                read_line();
            }
        }
        if (!is_closed_) {
            perform(dialogue_.on_timeout());
        }
        SIDING_CHECK(is_closed_ && !dialogue_.is_chunking(), "not over");
    }

private:
    void read_line() {
        const auto end = in_.find("\r\n");
        const std::string_view line = in_.substr(0, end);
        in_.remove_prefix(end == std::string_view::npos ? in_.size() : end + 2);
        perform(dialogue_.on_line(line, choice_.packets && !in_.empty()));
    }

    void receive_data() {
        std::string decoded;
        const std::string_view before = in_;
        DataDecoder decoder{limits_};
        const auto fed = decoder.feed(in_, decoded);
        in_.remove_prefix(fed.consumed);
        const auto expected = siding::test::reference_decode(before);
        SIDING_CHECK(fed.done == expected.has_value(), "the end is elsewhere");
        if (!fed.done) {
            return;
        }
        is_in_data_ = false;
        expected_ = expected->body;
        body_ = decoded;
        HeaderScan header;
        header.feed(decoded);
        perform(dialogue_.on_data_end(summarize(decoder, header)));
    }

    void receive_chunk() {
        const std::size_t length = std::min<std::uint64_t>(chunk_->octets, in_.size());
        if (!chunk_->discard) {
            take(in_.substr(0, length));
        }
        in_.remove_prefix(length);
        chunk_->octets -= length;
        if (chunk_->octets == 0) {
            end_chunk();
        }
    }

    void end_chunk() {
        const auto chunk = *std::exchange(chunk_, std::nullopt);
        if (chunk.last && !chunk.discard) {
            decoder_.finish(body_);
            expected_ = is_binary_ ? wire_ : siding::test::reference_chunks(wire_).body;
        }
        perform(dialogue_.on_chunk_end(summarize(decoder_, header_)));
    }

    void take(std::string_view octets) {
        wire_ += octets;
        std::string decoded;
        decoder_.feed(octets, decoded);
        header_.feed(decoded);
        body_ += decoded;
    }

    void perform(const Step& step) {
        SIDING_CHECK(step.output.empty() || step.output.ends_with("\r\n"), "half a line");
        const bool commits = std::holds_alternative<action::Commit>(step.action);
        SIDING_CHECK(!commits || !dialogue_.is_chunking(), "a transaction is left");
        SIDING_CHECK(!dialogue_.state_name().empty(), "in no state");
        std::visit([this](const auto& action) { on(action); }, step.action);
    }

    void on(const action::ReadCommand&) {}
    void on(const action::Close&) { is_closed_ = true; }
    void on(const action::CheckMail&) {
        SIDING_CHECK(!choice_.tls_required || dialogue_.is_tls(), "mail in the clear");
        SIDING_CHECK(!choice_.xclient_required || is_xclient_done_, "mail of a proxy");
        perform(dialogue_.on_accepted());
    }
    void on(const action::CheckRcpt& check) {
        if (check.forward_path.text.starts_with('x')) {
            perform(dialogue_.on_answer(Reply{550, {5, 1, 1}, "unknown"}));
        } else {
            perform(dialogue_.on_accepted());
        }
    }
    void on(const action::ReceiveData&) { is_in_data_ = true; }
    void on(const action::ReceiveChunk& chunk) {
        SIDING_CHECK(chunk.discard || chunk.octets > 0 || chunk.last, "a chunk of nothing");
        if (chunk.first) {
            using Content = ChunkDecoder::Content;
            decoder_ = ChunkDecoder{limits_, chunk.binary ? Content::binary : Content::text};
            header_ = {};
            is_binary_ = chunk.binary;
            wire_.clear();
            body_.clear();
        }
        chunk_ = chunk;
        if (chunk.octets == 0) {
            end_chunk();
        }
    }
    void on(const action::StartTls&) {
        SIDING_CHECK(choice_.tls && !dialogue_.is_tls(), "not offered");
        SIDING_CHECK(!choice_.packets || in_.empty(), "octets survive the handshake");
        perform(dialogue_.on_tls_started());
        SIDING_CHECK(dialogue_.helo().empty(), "words survive the handshake");
    }
    void on(const action::Xclient& xclient) {
        SIDING_CHECK(choice_.xclient, "not offered");
        if (xclient.attributes.address == "192.0.2.255") {
            perform(dialogue_.on_answer(Reply{421, {4, 7, 0}, "too many"}));
            return;
        }
        is_xclient_done_ = true;
        perform(dialogue_.on_xclient_done());
    }
    void on(const action::Commit& commit) {
        const Envelope& envelope = commit.envelope;
        SIDING_CHECK(!envelope.recipients.empty() && !envelope.helo.empty(), "something missing");
        bool is_utf8 = envelope.reverse_path.needs_smtputf8();
        for (const auto& recipient : envelope.recipients) {
            SIDING_CHECK(!recipient.path.text.starts_with('x'), "a refused recipient");
            is_utf8 =
                is_utf8 || recipient.path.needs_smtputf8() || recipient.parameters.needs_smtputf8();
        }
        SIDING_CHECK(!is_utf8 || envelope.mail_parameters.smtputf8, "not declared");
        const bool is_binary = envelope.mail_parameters.body == Body::binary_mime;
        SIDING_CHECK(!is_binary || envelope.used_chunking, "binary by DATA");
        SIDING_CHECK(body_ == expected_ && body_.size() <= message_octets_max, "other octets");
        const bool fails = body_.starts_with('!');
        perform(dialogue_.on_answer(
            fails ? Reply{451, {4, 3, 0}, "not now"} : Reply{250, {2, 0, 0}, "Ok"}
        ));
    }

    Choice choice_;
    DataLimits limits_;
    std::string_view in_;
    ServerDialogue dialogue_;
    bool is_in_data_ = false;
    std::optional<action::ReceiveChunk> chunk_;
    ChunkDecoder decoder_;
    HeaderScan header_;
    bool is_binary_ = false;
    std::string wire_;      // of all chunks
    std::string body_;      // as it would be stored
    std::string expected_;  // as the reference has it
    bool is_xclient_done_ = false;
    bool is_closed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 0) {
        Session{Choice{data[0]}, {reinterpret_cast<const char*>(data + 1), size - 1}}.run();
    }
    return 0;
}
