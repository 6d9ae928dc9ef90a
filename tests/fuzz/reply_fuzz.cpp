// A server's octets, whole and one by one: the same replies, bounded, and readable again.
#include "base/check.hpp"
#include "base/limits.hpp"
#include "smtp/client_dialogue.hpp"
#include "smtp/reply.hpp"

#include <cstdint>
#include <vector>

namespace {

using namespace siding::smtp;

std::vector<Reply> read_all(std::string_view wire, std::size_t piece) {
    std::vector<Reply> replies;
    ReplyParser parser;
    while (!wire.empty()) {
        const auto fed = parser.feed(wire.substr(0, piece));
        wire.remove_prefix(fed.consumed);
        if (fed.status == ReplyParser::Status::malformed) {
            break;
        }
        if (fed.status == ReplyParser::Status::complete) {
            replies.push_back(parser.take());
        }
    }
    return replies;
}

// Whatever a server answers, a transaction ends with one verdict per recipient.
void play(const std::vector<Reply>& replies) {
    ClientDialogue dialogue{{"mx.example.com"}};
    ClientStep step = dialogue.on_connected();
    std::size_t transactions = 0;
    std::size_t verdicts = 0;
    const auto follow = [&] {
        verdicts += step.verdicts.size();
        while (!std::holds_alternative<client_action::ReadReply>(step.action)) {
            if (std::holds_alternative<client_action::Close>(step.action)) {
                SIDING_CHECK(verdicts == 2 * transactions, "a recipient without a verdict");
                return false;
            }
            if (transactions == 100) {  // a server with a tiny SIZE is ready for ever
                return false;
            }
            const bool is_ready = std::holds_alternative<client_action::Ready>(step.action);
            transactions += is_ready ? 1 : 0;
            step = is_ready ? dialogue.begin({"a@b", {}, {{"c@d", {}}, {"e@f", {}}}, 10})
                            : dialogue.on_body_end("x\r\n.\r\n");
            verdicts += step.verdicts.size();
        }
        return true;
    };
    bool is_open = true;
    for (const Reply& reply : replies) {
        is_open = is_open && follow();
        if (!is_open) {
            break;
        }
        step = dialogue.on_reply(reply);
    }
    if (is_open && follow()) {
        step = dialogue.on_lost("end of input");
        verdicts += step.verdicts.size();
        SIDING_CHECK(verdicts == 2 * transactions, "a recipient without a verdict");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view wire{reinterpret_cast<const char*>(data), size};
    const std::vector<Reply> replies = read_all(wire, wire.size());
    SIDING_CHECK(replies == read_all(wire, 1), "depends on how it is cut");
    for (const Reply& reply : replies) {
        SIDING_CHECK(reply.lines.size() <= siding::limits::reply_lines_max, "not bounded");
        SIDING_CHECK(reply.text().find('\n') == std::string::npos, "not one line");
        const auto again = read_all(format_reply(reply), 7);
        SIDING_CHECK(again.size() == 1 && again[0].code == reply.code, "not the same");
    }
    play(replies);
    return 0;
}
