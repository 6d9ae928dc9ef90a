// How imap_data*.cpp look at values.
#pragma once

#include "backfill/imap_value.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace siding::backfill {

using Values = std::span<const ImapValue>;

// A name may be anything, even NIL (RFC 9051 §9 astring); the token keeps its spelling.
inline std::string text_of(const ImapValue& value) {
    return value.text;
}

inline std::optional<std::string> string_of(const ImapValue& value) {
    return value.is_text() ? std::optional{value.text} : std::nullopt;
}

inline std::vector<std::string> texts_of(Values values) {
    std::vector<std::string> texts;
    for (const ImapValue& value : values) {
        if (!value.is_list() && !value.text.empty()) {
            texts.push_back(value.text);
        }
    }
    return texts;
}

inline std::optional<std::string> decimal_of(const ImapValue& value) {
    const bool is_decimal = value.is_text() && !value.text.empty() &&
                            value.text.find_first_not_of("0123456789") == std::string::npos;
    return is_decimal ? std::optional{value.text} : std::nullopt;
}

// "(12)" or "12": MODSEQ and EMAILID come as a list of one.
inline const ImapValue& only(const ImapValue& value) {
    return value.is_list() && value.items.size() == 1 ? value.items[0] : value;
}

inline std::optional<char> separator_of(const ImapValue& value) {
    return value.is_text() && !value.text.empty() ? std::optional{value.text[0]} : std::nullopt;
}

}  // namespace siding::backfill
