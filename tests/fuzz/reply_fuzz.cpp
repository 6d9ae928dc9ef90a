// A server's octets, whole and one by one: the same replies, bounded, and readable again.
#include "base/check.hpp"
#include "base/limits.hpp"
#include "smtp/extensions.hpp"
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
    for (const Reply& reply : replies) {
        const Extensions offered = parse_ehlo_reply(reply);
        SIDING_CHECK(parse_ehlo_reply(format_ehlo_reply("x", offered)) == offered, "not the same");
    }
    return 0;
}
