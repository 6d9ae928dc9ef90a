// A reply as a value: what a server says to one command (RFC 5321 §4.2, RFC 2034).
//
// Replies are made by us, read from a peer, or passed from one to the other, always in this shape.
// The enhanced code is kept apart from the text and written in front of every line.
#pragma once

#include "base/result.hpp"

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::smtp {

// RFC 3463 §2: class.subject.detail
struct EnhancedCode {
    int status = 0;
    int subject = 0;
    int detail = 0;

    auto operator<=>(const EnhancedCode&) const = default;
};

struct Reply {
    int code = 0;  // 200 to 599
    std::optional<EnhancedCode> enhanced;
    std::vector<std::string> lines;  // without codes; at least one, which may be empty

    Reply() = default;
    Reply(int c, std::string text) : code{c}, lines{std::move(text)} {}
    Reply(int c, EnhancedCode e, std::string text) : code{c}, enhanced{e}, lines{std::move(text)} {}

    bool is_positive() const { return code >= 200 && code < 300; }
    bool is_transient() const { return code >= 400 && code < 500; }
    bool is_permanent() const { return code >= 500; }
    bool is_closing() const { return code == 421; }  // RFC 5321 §3.8: may answer any command

    // One line, safe to show: "550 5.1.1 No such user here". What the ledger keeps.
    std::string text() const;

    bool operator==(const Reply&) const = default;
};

// The octets on the wire. Anything but printable ASCII in the text becomes '?', so that no text can
// forge a line; over-long lines are cut (RFC 5321 §4.5.3.1.5).
std::string format_reply(const Reply& reply);

// Foreign text for use inside a reply of ours: printable ASCII, at most 64 octets and "...".
std::string printable(std::string_view text);

// The value, or the reply that tells the client what is wrong.
template <typename T>
using Parsed = boost::system::result<T, Reply>;

// Reads one reply after the other, however the octets are cut. Bounded by limits::reply_*_max.
// A bare LF also ends a line: old servers send it, and nothing can be smuggled through a reply.
class ReplyParser {
public:
    enum class Status { incomplete, complete, malformed };
    struct Fed {
        std::size_t consumed;  // what follows belongs to the next reply
        Status status;
    };

    // After `complete` take() the reply before feeding on; after `malformed` drop the connection.
    Fed feed(std::string_view in);
    Reply take();

    bool is_between_replies() const { return line_.empty() && reply_.lines.empty(); }
    const std::string& line() const { return line_; }  // the line that was malformed

private:
    Status on_line();

    std::string line_;
    Reply reply_;
};

}  // namespace siding::smtp
