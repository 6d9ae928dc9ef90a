// One data item of a response (RFC 9051 §4): an atom, a string, NIL, a list, or the mark of a
// body whose octets were handed out while they came in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

struct ImapValue {
    enum class Kind {
        nil,
        atom,    // and numbers; also "BODY[HEADER.FIELDS (X)]<0>" and "\Seen", as they came
        string,  // quoted or literal, also literal8: the octets
        list,
        streamed,  // a body that went to ImapParser's reader; `octets` is its size
    };

    Kind kind = Kind::nil;
    std::string text;              // of an atom or string
    std::vector<ImapValue> items;  // of a list
    std::uint64_t octets = 0;      // of a streamed body

    bool is_nil() const { return kind == Kind::nil; }
    bool is_list() const { return kind == Kind::list; }
    // An atom or a string.
    bool is_text() const { return kind == Kind::atom || kind == Kind::string; }
    // An atom equal to `word` whatever the case (ASCII).
    bool is_atom(std::string_view word) const;
    // A number in 0 … 2^64-1 as an atom, or as a string (some servers quote them).
    std::optional<std::uint64_t> number() const;
};

}  // namespace siding::backfill
