#include "smtp/address.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"

#include <algorithm>

namespace siding::smtp {
namespace {

enum class Direction { reverse, forward };

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_ascii(char c) {
    return static_cast<unsigned char>(c) < 0x80;
}

// RFC 5322 §3.2.3 atext, and the dot wherever it stands: a..b@ and a.@ are in real use.
// RFC 6531 §3.3: all of UTF-8 beyond ASCII.
bool is_local_char(char c) {
    return is_alphanumeric(c) || !is_ascii(c) ||
           (c != '\0' && std::string_view{"!#$%&'*+-/=?^_`{|}~."}.find(c) != std::string_view::npos
           );
}

bool is_literal_char(char c) {
    return is_alphanumeric(c) || c == '.' || c == ':' || c == '-';
}

// Length of the quoted string at the front of `text` with both quotes, 0 if it does not end.
std::size_t quoted_length(std::string_view text) {
    bool is_escaped = false;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (static_cast<unsigned char>(text[i]) < 0x20 || text[i] == 0x7F) {
            return 0;
        }
        if (text[i] == '"' && !is_escaped) {
            return i + 1;
        }
        is_escaped = text[i] == '\\' && !is_escaped;
    }
    return 0;
}

std::size_t local_part_length(std::string_view text) {
    if (text.starts_with('"')) {
        return quoted_length(text);
    }
    return static_cast<std::size_t>(std::ranges::find_if_not(text, is_local_char) - text.begin());
}

bool is_address_literal(std::string_view domain) {
    return domain.size() > 2 && domain.front() == '[' && domain.back() == ']' &&
           std::ranges::all_of(domain.substr(1, domain.size() - 2), is_literal_char);
}

// RFC 5321 §4.1.2 A-d-l, "@a.example,@b.example:" in front of the mailbox. Empty if malformed.
std::string_view without_source_route(std::string_view text) {
    while (text.starts_with('@')) {
        const auto end = text.find_first_of(",:");
        if (end == std::string_view::npos || Domain::parse(text.substr(1, end - 1)).has_error()) {
            return {};
        }
        const bool is_last = text[end] == ':';
        text.remove_prefix(end + 1);
        if (is_last == text.starts_with('@')) {
            return {};
        }
    }
    return text;
}

class PathParser {
public:
    explicit PathParser(Direction direction) : direction_{direction} {}

    Parsed<ParsedPath> parse(std::string_view text) const {
        text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
        const std::size_t length =
            text.starts_with('<') ? bracketed_length(text) : std::min(text.find(' '), text.size());
        std::string_view rest = text.substr(length);
        if (length == 0 || (!rest.empty() && rest[0] != ' ' && rest[0] != '\t')) {
            return refuse(text);
        }
        rest.remove_prefix(rest.empty() ? 0 : 1);
        const bool bracketed = text[0] == '<';
        SIDING_ASSIGN(
            Path path, mailbox(bracketed ? text.substr(1, length - 2) : text.substr(0, length))
        );
        if (path.is_null() && direction_ == Direction::forward) {
            return refuse(text);
        }
        return ParsedPath{std::move(path), rest};
    }

private:
    // From '<' to the '>' that no quoted string hides; 0 without one.
    static std::size_t bracketed_length(std::string_view text) {
        for (std::size_t i = 1; i < text.size(); ++i) {
            if (text[i] == '>') {
                return i + 1;
            }
            if (text[i] == '"') {
                const std::size_t quoted = quoted_length(text.substr(i));
                if (quoted == 0) {
                    return 0;
                }
                i += quoted - 1;
            }
        }
        return 0;
    }

    Parsed<Path> mailbox(std::string_view text) const {
        if (text.size() > limits::path_octets_max || !siding::is_utf8(text)) {
            return refuse(text);
        }
        if (text.empty()) {
            return Path{};
        }
        const std::string_view mailbox = without_source_route(text);
        const std::size_t at = local_part_length(mailbox);
        if (at == 0) {
            return refuse(text);
        }
        if (direction_ == Direction::forward && equals_ignoring_case(mailbox, "postmaster")) {
            return Path{std::string{mailbox}, std::nullopt};
        }
        if (at == mailbox.size() || mailbox[at] != '@') {
            return refuse(text);
        }
        if (is_address_literal(mailbox.substr(at + 1))) {
            return Path{std::string{mailbox}, std::nullopt};
        }
        auto address = Address::parse(mailbox);
        if (address.has_error() || address->local_part().size() != at) {  // a second '@'
            return refuse(text);
        }
        return Path{std::string{mailbox}, std::move(*address)};
    }

    Reply refuse(std::string_view text) const {
        const bool reverse = direction_ == Direction::reverse;
        return Reply{
            501,
            reverse ? EnhancedCode{5, 1, 7} : EnhancedCode{5, 1, 3},
            std::string{"Bad "} + (reverse ? "sender" : "recipient") +
                " address syntax: " + printable(text)};
    }

    Direction direction_;
};

}  // namespace

bool Path::needs_smtputf8() const {
    return !std::ranges::all_of(text, is_ascii);
}

bool Path::is_postmaster() const {
    return equals_ignoring_case(text, "postmaster");
}

Parsed<ParsedPath> parse_reverse_path(std::string_view text) {
    return PathParser{Direction::reverse}.parse(text);
}

Parsed<ParsedPath> parse_forward_path(std::string_view text) {
    return PathParser{Direction::forward}.parse(text);
}

}  // namespace siding::smtp
