#include "relay/dsn_mime.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace siding::relay {
namespace {

constexpr std::size_t fold_column = 78;       // RFC 5322 §2.1.1: should
constexpr std::size_t line_octets_max = 998;  // and must
constexpr std::size_t encoded_columns = 76;   // RFC 2045 §6.7 (5)

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

// Where to cut a line that has `used` columns: at a space if there is one, else beyond it, and at
// the latest where no line may go on.
std::size_t cut_of(std::string_view text, std::size_t used) {
    const std::size_t room = used + 2 < fold_column ? fold_column - used - 1 : 1;
    if (text.size() <= room) {
        return text.size();
    }
    if (const auto space = text.rfind(' ', room); space != std::string_view::npos && space > 0) {
        return space;
    }
    return std::min({text.find(' ', 1), text.size(), line_octets_max - used - 1});
}

bool is_literal(char c) {
    return c == '\t' || (c >= ' ' && c <= '~' && c != '=');
}

}  // namespace

std::string format_field(std::string_view name, std::string_view text) {
    std::string words{text};
    std::ranges::replace_if(words, is_control, ' ');
    std::string_view rest = words;
    std::string out = fmt::format("{}:", name);
    std::size_t used = out.size();
    while (!rest.empty()) {
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
        const std::size_t cut = cut_of(rest, used);
        out += fmt::format(" {}", rest.substr(0, cut));
        rest.remove_prefix(cut);
        if (rest.find_first_not_of(' ') == std::string_view::npos) {
            break;
        }
        out += "\r\n";
        used = 0;
    }
    return out + "\r\n";
}

std::string encode_quoted_printable(std::string_view octets) {
    std::string out;
    std::size_t column = 0;
    const auto put = [&](std::string_view piece) {
        if (column + piece.size() > encoded_columns - 1) {
            out += "=\r\n";
            column = 0;
        }
        out += piece;
        column += piece.size();
    };
    for (std::size_t i = 0; i < octets.size(); ++i) {
        const std::string_view rest = octets.substr(i);
        if (rest.starts_with("\r\n")) {
            out += "\r\n";
            column = 0;
            ++i;
            continue;
        }
        const bool ends_line = rest.size() == 1 || rest.substr(1).starts_with("\r\n");
        const bool is_blank = rest.front() == ' ' || rest.front() == '\t';
        if (is_literal(rest.front()) && !(is_blank && ends_line)) {
            put(rest.substr(0, 1));
        } else {
            put(fmt::format("={:02X}", static_cast<unsigned char>(rest.front())));
        }
    }
    return out;
}

std::string make_boundary(std::string_view seed, std::string_view content) {
    for (int attempt = 0;; ++attempt) {
        // "=_" stands in no quoted-printable text (RFC 2045 §6.7).
        std::string boundary = fmt::format("=_{}_{}", seed, attempt);
        if (content.find(boundary) == std::string_view::npos) {
            return boundary;
        }
    }
}

bool has_octets_beyond_ascii(std::string_view octets) {
    return std::ranges::any_of(octets, [](char c) { return static_cast<unsigned char>(c) > 0x7F; });
}

std::string_view header_section_of(std::string_view message) {
    if (message.starts_with("\r\n")) {
        return message.substr(0, 0);
    }
    const auto end = message.find("\r\n\r\n");
    return end == std::string_view::npos ? message : message.substr(0, end + 2);
}

}  // namespace siding::relay
