#include "relay/address_key.hpp"

#include "base/bytes.hpp"
#include "base/limits.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace siding::relay {
namespace {

// RFC 5322 §3.2.3 atext and the dot, as smtp/address.cpp takes them; RFC 6531 §3.3 for the rest.
constexpr auto local_chars = [] {
    std::array<bool, 256> table{};
    for (const char c : std::string_view{"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789!#$%&'*+-/=?^_`{|}~."}) {
        table[static_cast<unsigned char>(c)] = true;
    }
    for (std::size_t octet = 0x80; octet < table.size(); ++octet) {
        table[octet] = true;
    }
    return table;
}();

bool is_local_char(char c) {
    return local_chars[static_cast<unsigned char>(c)];
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Octets of the local part at the front; of a quoted one with its quotes, 0 if they do not close.
std::size_t local_length(std::string_view text) {
    if (!text.starts_with('"')) {
        return static_cast<std::size_t>(
            std::ranges::find_if_not(text, is_local_char) - text.begin()
        );
    }
    bool is_escaped = false;
    for (std::size_t i = 1; i < text.size() && !is_control(text[i]); ++i) {
        if (text[i] == '"' && !is_escaped) {
            return i + 1;
        }
        is_escaped = text[i] == '\\' && !is_escaped;
    }
    return 0;
}

void append_lower(std::string& out, std::string_view text) {
    const std::size_t start = out.size();
    out.resize(start + text.size());
    std::ranges::transform(text, out.data() + start, [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
}

Error no_address(std::string_view text) {
    return {
        Errc::invalid_argument,
        fmt::format("'{}' is not an address; write user@example.com", escape(text, 80))};
}

}  // namespace

Result<std::string_view> KeyReader::read(std::string_view text) {
    const bool is_quoted = text.starts_with('"');
    const std::size_t at = local_length(text);
    const bool is_bare = at == text.size();
    const bool is_empty = is_quoted ? at <= 2 : at == 0 && is_bare;
    if (is_empty || text.size() > limits::path_octets_max ||
        (is_bare && bare_ == BareNames::refused) || (!is_bare && text[at] != '@')) {
        return no_address(text);
    }
    const std::string_view local = text.substr(0, at);
    if (!is_ascii(local) && !is_utf8(local)) {
        return no_address(text);
    }
    key_.clear();
    append_lower(key_, is_quoted ? std::string_view{unquote_local_part(local)} : local);
    key_ += '@';
    if (!is_bare) {
        SIDING_TRY(read_domain(text.substr(at + 1)));
        key_ += domain_;
    }
    return std::string_view{key_};
}

Result<void> KeyReader::read_domain(std::string_view text) {
    if (text != domain_text_ || domain_.empty()) {
        SIDING_ASSIGN(const Domain domain, Domain::parse(text));
        domain_text_ = text;
        domain_ = domain.text();
    }
    return {};
}

std::string_view domain_of_key(std::string_view key) {
    return key.substr(key.rfind('@') + 1);
}

LookupKeys::LookupKeys(const Address& address, std::string_view delimiter) {
    const std::string local = unquote_local_part(address.local_part());
    const std::size_t from = delimiter.empty() ? std::string::npos : local.find(delimiter, 1);
    tag = from == std::string::npos ? std::string{} : local.substr(from);
    bare = to_lower(local) + "@";
    untagged_bare = to_lower(local.substr(0, from)) + "@";
    whole_domain = "@" + address.domain().text();
    full = bare + address.domain().text();
    untagged = untagged_bare + address.domain().text();
}

LookupKeys LookupKeys::at(std::string_view other_domain) const {
    LookupKeys other = *this;
    other.whole_domain = fmt::format("@{}", other_domain);
    other.full = fmt::format("{}{}", bare, other_domain);
    other.untagged = fmt::format("{}{}", untagged_bare, other_domain);
    return other;
}

std::string quote_local_part(std::string_view local) {
    if (!local.empty() && std::ranges::all_of(local, is_local_char)) {
        return std::string{local};
    }
    std::string out = "\"";
    for (const char c : local) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out + '"';
}

std::string unquote_local_part(std::string_view local) {
    if (local.size() < 2 || !local.starts_with('"') || !local.ends_with('"')) {
        return std::string{local};
    }
    local = local.substr(1, local.size() - 2);
    std::string out;
    for (std::size_t i = 0; i < local.size(); ++i) {
        i += local[i] == '\\' && i + 1 < local.size() ? 1 : 0;
        out += local[i];
    }
    return out;
}

}  // namespace siding::relay
