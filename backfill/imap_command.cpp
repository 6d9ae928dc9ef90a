#include "backfill/imap_command.hpp"

#include "backfill/mailbox_name.hpp"
#include "base/bytes.hpp"
#include "base/check.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace siding::backfill {
namespace {

constexpr std::size_t quoted_octets_max = 1000;  // lines stay short enough for every server
constexpr std::size_t shown_octets_max = 64;

bool fits_line(std::string_view text) {
    return text.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos;
}

// RFC 9051 §9 ATOM-CHAR.
bool is_atom_char(char c) {
    return c > 0x20 && c < 0x7F && std::string_view{"(){%*\"\\]"}.find(c) == std::string_view::npos;
}

// RFC 9051 §9 quoted; UTF-8 in it only behind ENABLE UTF8=ACCEPT.
bool is_quotable(std::string_view text, bool is_utf8_allowed) {
    const bool is_ascii =
        std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    return text.size() <= quoted_octets_max && fits_line(text) &&
           (is_ascii || (is_utf8_allowed && is_utf8(text)));
}

std::string quote(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out.push_back('\\');
        }
        out.push_back(c);
    }
    return out + "\"";
}

}  // namespace

bool is_atom(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_atom_char);
}

bool is_flag(std::string_view text) {
    return is_atom(text.starts_with('\\') ? text.substr(1) : text);
}

ImapCommand::ImapCommand(std::string_view name) : pieces_(1) {
    SIDING_CHECK(fits_line(name), "a command of two lines");
    put(name);
}

void ImapCommand::put(std::string_view octets, std::string_view shown) {
    pieces_.back().octets += octets;
    shown_ += shown;
}

void ImapCommand::gap() {
    if (!pieces_.back().octets.ends_with('(')) {
        put(" ");
    }
}

ImapCommand& ImapCommand::atom(std::string_view text) {
    return is_atom(text) ? raw(text) : string(text);
}

ImapCommand& ImapCommand::number(std::uint64_t value) {
    return raw(std::to_string(value));
}

ImapCommand& ImapCommand::string(std::string_view octets) {
    return put_string(octets, false, false);
}

ImapCommand& ImapCommand::secret(std::string_view octets) {
    return put_string(octets, true, false);
}

ImapCommand& ImapCommand::mailbox(std::string_view name, bool utf8_accept) {
    return put_string(encode_mailbox_name(name, utf8_accept), false, utf8_accept);
}

ImapCommand& ImapCommand::put_string(
    std::string_view octets, bool is_secret, bool is_utf8_allowed
) {
    gap();
    const std::string shown = is_secret ? "***" : escape(octets, shown_octets_max);
    if (is_quotable(octets, is_utf8_allowed)) {
        put(quote(octets), '"' + shown + '"');
        return *this;
    }
    put("", fmt::format("{{{}}}\"{}\"", is_secret ? 0 : octets.size(), shown));
    pieces_.push_back({std::string{octets}, true});
    pieces_.emplace_back();
    return *this;
}

ImapCommand& ImapCommand::set(const ImapSet& numbers) {
    return set(numbers.text());
}

ImapCommand& ImapCommand::set(std::string_view text) {
    SIDING_CHECK(
        !text.empty() && text.find_first_not_of("0123456789:,*") == std::string_view::npos,
        "no set of numbers"
    );
    return raw(text);
}

ImapCommand& ImapCommand::flags(std::span<const std::string> names) {
    std::string list;
    for (const std::string& name : names) {
        if (is_flag(name)) {
            list += (list.empty() ? "" : " ") + name;
        }
    }
    return raw("(" + list + ")");
}

ImapCommand& ImapCommand::raw(std::string_view text) {
    SIDING_CHECK(fits_line(text), "a command of two lines");
    gap();
    put(text);
    return *this;
}

ImapCommand& ImapCommand::open() {
    return raw("(");
}

ImapCommand& ImapCommand::close() {
    put(")");
    return *this;
}

}  // namespace siding::backfill
