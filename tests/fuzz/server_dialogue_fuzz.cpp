// A client's octets through the inbound machine: no sequence breaks it, and no message is committed
// without a sender, a recipient and an end of data.
#include "base/check.hpp"
#include "smtp/server_dialogue.hpp"

#include <cstdint>
#include <optional>

namespace {

using namespace siding::smtp;

class Session {
public:
    explicit Session(std::string_view in) : in_{in} { perform(dialogue_.greet()); }

    void run() {
        while (!is_closed_ && !in_.empty()) {
            if (decoder_) {
                receive();
                continue;
            }
            const auto end = in_.find("\r\n");
            const std::string_view line = in_.substr(0, end);
            in_.remove_prefix(end == std::string_view::npos ? in_.size() : end + 2);
            perform(dialogue_.on_line(line));
        }
    }

private:
    void receive() {
        std::string decoded;
        const auto fed = decoder_->feed(in_, decoded);
        in_.remove_prefix(fed.consumed);
        header_.feed(decoded);
        if (fed.done) {
            const DataSummary summary = summarize(*decoder_, header_);
            decoder_.reset();
            perform(dialogue_.on_data_end(summary));
        }
    }

    void perform(const Step& step) {
        SIDING_CHECK(step.output.empty() || step.output.ends_with("\r\n"), "half a line");
        std::visit([this](const auto& action) { on(action); }, step.action);
    }

    void on(const action::ReadCommand&) {}
    void on(const action::Close&) { is_closed_ = true; }
    void on(const action::CheckMail&) { perform(dialogue_.on_accepted()); }
    void on(const action::CheckRcpt& check) {
        if (check.forward_path.text.starts_with('x')) {
            perform(dialogue_.on_answer(Reply{550, {5, 1, 1}, "unknown"}));
        } else {
            perform(dialogue_.on_accepted());
        }
    }
    void on(const action::ReceiveData&) {
        decoder_.emplace();
        header_ = {};
    }
    void on(const action::Commit& commit) {
        SIDING_CHECK(!commit.envelope.recipients.empty(), "no recipient");
        SIDING_CHECK(!commit.envelope.helo.empty(), "no greeting");
        for (const auto& recipient : commit.envelope.recipients) {
            SIDING_CHECK(!recipient.path.text.starts_with('x'), "a refused recipient");
        }
        perform(dialogue_.on_answer(Reply{250, {2, 0, 0}, "Ok"}));
    }

    std::string_view in_;
    ServerDialogue dialogue_{{"mx.example.com", 5, 1000}};
    std::optional<DataDecoder> decoder_;
    HeaderScan header_;
    bool is_closed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Session{{reinterpret_cast<const char*>(data), size}}.run();
    return 0;
}
