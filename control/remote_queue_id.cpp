#include "control/remote_queue_id.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <array>

namespace siding::control {
namespace {

// What may stand in an id. Whatever ends a sentence does not belong to it.
std::string_view take_id(std::string_view text) {
    const auto first = text.find_first_not_of(" \t<[(");
    if (first == std::string_view::npos) {
        return {};
    }
    text.remove_prefix(first);
    text = text.substr(0, text.find_first_of(" \t,;>])("));
    while (!text.empty() && (text.back() == '.' || text.back() == ':')) {
        text.remove_suffix(1);
    }
    return text;
}

// A word that only looks like one: "queued as spam".
bool is_id(std::string_view text) {
    return text.size() >= 4 &&
           std::ranges::any_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view word_before(std::string_view text, std::size_t at) {
    std::string_view before = text.substr(0, at);
    while (!before.empty() && before.back() == ' ') {
        before.remove_suffix(1);
    }
    const auto space = before.rfind(' ');
    return space == std::string_view::npos ? before : before.substr(space + 1);
}

// Gmail: "250 2.0.0 OK  1700000000 d9443c01a7336-1a2b3c - gsmtp".
std::string_view gmail_id(std::string_view reply) {
    const auto end = reply.find(" - gsmtp");
    return end == std::string_view::npos ? std::string_view{} : word_before(reply, end);
}

}  // namespace

std::string find_remote_queue_id(std::string_view reply) {
    const std::string lower = to_lower(reply);
    // Exchange's InternalId finds the message in its tracking log; "<…>" in front is the
    // Message-ID.
    constexpr std::array<std::string_view, 8> marks{
        "queued as ",
        "[internalid=",
        " id=",
        "queued id ",
        "stored as ",
        "qp ",
        "accepted as ",
        "queued-id: "};
    for (const std::string_view mark : marks) {
        if (const auto at = lower.find(mark); at != std::string::npos) {
            const std::string_view id = take_id(reply.substr(at + mark.size()));
            if (is_id(id) || (mark == "qp " && !id.empty())) {
                return std::string{id};
            }
        }
    }
    if (const std::string_view id = gmail_id(reply); is_id(id)) {
        return std::string{id};
    }
    // Sendmail, OpenSMTPD: "250 2.0.0 3ALABcd012345 Message accepted for delivery".
    if (const auto at = lower.find(" message accepted for delivery"); at != std::string::npos) {
        if (const std::string_view id = take_id(word_before(reply, at));
            is_id(id) && id[1] != '.') {
            return std::string{id};
        }
    }
    return {};
}

}  // namespace siding::control
