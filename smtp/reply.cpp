#include "smtp/reply.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::smtp {
namespace {

constexpr std::size_t shown_octets_max = 64;
// RFC 5321 §4.5.3.1.5: 512 octets with code, enhanced code and CRLF.
constexpr std::size_t text_octets_max = 480;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

char to_printable(char c) {
    return c >= 0x20 && c < 0x7F ? c : '?';
}

// One to three digits at the front of `text`; moves past them.
std::optional<int> take_number(std::string_view& text) {
    std::size_t length = 0;
    int value = 0;
    while (length < text.size() && length < 4 && is_digit(text[length])) {
        value = value * 10 + (text[length++] - '0');
    }
    if (length == 0 || length > 3) {
        return std::nullopt;
    }
    text.remove_prefix(length);
    return value;
}

bool take_dot(std::string_view& text) {
    const bool found = text.starts_with('.');
    text.remove_prefix(found ? 1 : 0);
    return found;
}

// RFC 2034 §4: the enhanced code stands first in the text, its class is the reply's. Moves `text`
// past it and its space.
std::optional<EnhancedCode> take_enhanced(std::string_view& text, int code) {
    std::string_view rest = text;
    const auto status = take_number(rest);
    if (!status || *status != code / 100 || !take_dot(rest)) {
        return std::nullopt;
    }
    const auto subject = take_number(rest);
    if (!subject || !take_dot(rest)) {
        return std::nullopt;
    }
    const auto detail = take_number(rest);
    if (!detail || (!rest.empty() && rest[0] != ' ')) {
        return std::nullopt;
    }
    text = rest.empty() ? rest : rest.substr(1);
    return EnhancedCode{*status, *subject, *detail};
}

std::string format_enhanced(const std::optional<EnhancedCode>& code) {
    return code ? fmt::format("{}.{}.{} ", code->status, code->subject, code->detail)
                : std::string{};
}

}  // namespace

std::string Reply::text() const {
    std::string all =
        fmt::format("{} {}{}", code, format_enhanced(enhanced), fmt::join(lines, " "));
    while (all.ends_with(' ')) {
        all.pop_back();
    }
    return escape(all, 1024);
}

std::string format_reply(const Reply& reply) {
    const std::string enhanced = format_enhanced(reply.enhanced);
    std::string out;
    for (std::size_t i = 0; i < reply.lines.size(); ++i) {
        const char separator = i + 1 == reply.lines.size() ? ' ' : '-';
        out += fmt::format("{:03}{}{}", reply.code, separator, enhanced);
        const std::string_view text = std::string_view{reply.lines[i]}.substr(0, text_octets_max);
        std::ranges::transform(text, std::back_inserter(out), to_printable);
        out += "\r\n";
    }
    return out;
}

std::string printable(std::string_view text) {
    std::string out;
    std::ranges::transform(text.substr(0, shown_octets_max), std::back_inserter(out), to_printable);
    return text.size() > shown_octets_max ? out + "..." : out;
}

ReplyParser::Fed ReplyParser::feed(std::string_view in) {
    std::size_t consumed = 0;
    while (consumed < in.size()) {
        const std::string_view rest = in.substr(consumed);
        const auto newline = rest.find('\n');
        const std::size_t length = std::min(newline, rest.size());
        if (line_.size() + length > limits::reply_line_octets_max) {
            return {consumed, Status::malformed};
        }
        line_.append(rest.substr(0, length));
        if (newline == std::string_view::npos) {
            return {in.size(), Status::incomplete};
        }
        consumed += length + 1;
        const Status status = on_line();
        if (status != Status::incomplete) {
            return {consumed, status};
        }
    }
    return {consumed, Status::incomplete};
}

Reply ReplyParser::take() {
    return std::exchange(reply_, {});
}

// RFC 5321 §4.2.1: three digits, then '-' where more lines follow, else a space or the end.
ReplyParser::Status ReplyParser::on_line() {
    std::string_view line = line_;
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    if (line.size() < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) ||
        !is_digit(line[2]) || (line.size() > 3 && line[3] != ' ' && line[3] != '-')) {
        return Status::malformed;
    }
    const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    const bool is_first = reply_.lines.empty();
    const bool is_last = line.size() == 3 || line[3] == ' ';
    if ((!is_first && code != reply_.code) || reply_.lines.size() >= limits::reply_lines_max) {
        return Status::malformed;
    }
    std::string_view text = line.substr(std::min<std::size_t>(line.size(), 4));
    std::string_view after_enhanced = text;
    const auto enhanced = take_enhanced(after_enhanced, code);
    if (is_first) {
        reply_.code = code;
        reply_.enhanced = enhanced;
    }
    reply_.lines.emplace_back(enhanced == reply_.enhanced ? after_enhanced : text);
    line_.clear();
    return is_last ? Status::complete : Status::incomplete;
}

}  // namespace siding::smtp
