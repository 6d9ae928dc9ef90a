// One line of a server, taken apart as far as every response has the same shape (RFC 9051 §7).
#pragma once

#include "backfill/imap_value.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

enum class ImapCondition { ok, no, bad, bye, preauth };

struct ImapResponse {
    enum class Kind { untagged, tagged, continuation };

    Kind kind = Kind::untagged;
    std::string tag;  // of a tagged one

    // OK, NO, BAD, BYE, PREAUTH; a tagged response always has one.
    std::optional<ImapCondition> condition;
    std::string code;  // of "[CODE …]", upper case, without brackets; may be empty
    std::vector<ImapValue> code_values;  // what stands behind the code, as atoms, strings and lists
    std::string text;                    // for people; of a continuation the rest of the line

    // Data: "* 12 FETCH (…)" has number 12, name FETCH and the list as its only value. A run of
    // numbers in SEARCH or SORT is one atom, "3 4 5": they can be millions.
    std::optional<std::uint64_t> number;
    std::string name;  // upper case; empty where there is a condition
    std::vector<ImapValue> values;

    bool is_data(std::string_view data_name) const { return name == data_name; }
    bool is_code(std::string_view code_name) const { return code == code_name; }
    bool is_ok() const { return condition == ImapCondition::ok; }
};

}  // namespace siding::backfill
