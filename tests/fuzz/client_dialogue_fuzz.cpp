// A server's octets through the outbound machine: whatever it answers, every transaction ends with
// one verdict per recipient, and only what was sent to its end is delivered or in doubt.
#include "base/check.hpp"
#include "smtp/client_dialogue.hpp"

#include <cstdint>

namespace {

using namespace siding::smtp;

constexpr std::size_t transactions_max = 50;  // a server can be ready for ever

ClientOptions make_options(std::uint8_t choice) {
    ClientOptions options{"mx.example.com"};
    options.use_pipelining = (choice & 1) == 0;
    options.tls = (choice & 2) != 0   ? ClientTls::opportunistic
                  : (choice & 4) != 0 ? ClientTls::required
                                      : ClientTls::off;
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
            follow(dialogue_.on_lost("end of input"));
        }
        SIDING_CHECK(is_closed_ && open_ == 0, "a recipient without a verdict");
    }

private:
    void follow(ClientStep step) {
        for (;;) {
            SIDING_CHECK(step.output.empty() || step.output.ends_with("\r\n"), "half a line");
            settle(step);
            if (std::holds_alternative<client_action::ReadReply>(step.action)) {
                return;
            }
            if (std::holds_alternative<client_action::Close>(step.action)) {
                is_closed_ = true;
                return;
            }
            step = perform(step.action);
        }
    }

    ClientStep perform(const ClientAction& action) {
        if (std::holds_alternative<client_action::StartTls>(action)) {
            return (choice_ & 8) != 0 ? dialogue_.on_lost("handshake failed")
                                      : dialogue_.on_tls_started((choice_ & 16) != 0);
        }
        if (std::holds_alternative<client_action::SendBody>(action)) {
            is_sent_ = true;
            return dialogue_.on_body_end("x\r\n.\r\n");
        }
        SIDING_CHECK(std::holds_alternative<client_action::Ready>(action), "nothing to do");
        if (dialogue_.is_spent() || ++transactions_ > transactions_max) {
            return dialogue_.quit();
        }
        is_sent_ = false;
        is_probe_ = (choice_ & 32) != 0 && transactions_ % 2 == 0;
        open_ = std::min<std::size_t>(2, dialogue_.recipients_max());
        if (is_probe_) {
            open_ = 1;
            return dialogue_.probe({"probe@b", {"c@d"}});
        }
        return dialogue_.begin(make_transaction());
    }

    Transaction make_transaction() const {
        Transaction transaction;
        transaction.reverse_path = "a@b";
        transaction.octets = 10;
        transaction.recipients = {{"c@d", {}}, {"e@f", {}}};
        transaction.recipients.resize(open_);
        if ((choice_ & 64) != 0) {
            transaction.mail_parameters =
                *parse_mail_parameters("BODY=BINARYMIME SMTPUTF8 RET=HDRS");
        }
        if ((choice_ & 128) != 0) {
            transaction.recipients[0].parameters = *parse_rcpt_parameters("NOTIFY=NEVER");
        }
        return transaction;
    }

    void settle(const ClientStep& step) {
        if (step.verdicts.empty()) {
            return;
        }
        SIDING_CHECK(step.verdicts.size() == open_, "not one verdict for each recipient");
        open_ = 0;
        for (const Verdict& verdict : step.verdicts) {
            const bool needs_end = verdict.kind == VerdictKind::in_doubt ||
                                   (verdict.kind == VerdictKind::delivered && !is_probe_);
            SIDING_CHECK(!needs_end || is_sent_, "taken before its end");
        }
    }

    std::uint8_t choice_;
    std::string_view in_;
    ClientDialogue dialogue_;
    ReplyParser parser_;
    std::size_t transactions_ = 0;
    std::size_t open_ = 0;  // recipients without a verdict
    bool is_sent_ = false;
    bool is_probe_ = false;
    bool is_closed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 0) {
        Session{data[0], {reinterpret_cast<const char*>(data + 1), size - 1}}.run();
    }
    return 0;
}
