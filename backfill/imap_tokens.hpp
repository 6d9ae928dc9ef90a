// Text of a response to values, piece by piece: a piece ends at a literal's mark or at the end of
// the line. Knows atoms, strings and lists, and the ways in which servers write them; what they
// mean is the rest's.
#pragma once

#include "backfill/imap_value.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace siding::backfill {

class ImapTokens {
public:
    enum class Grammar {
        plain,
        fetch,             // "BODY[HEADER.FIELDS (A B)]<0>" is one atom
        list,              // a separator "\" may come without its own backslash
        search,            // a run of numbers is one atom
        code,              // ends at a "]" outside of lists
        code_in_disorder,  // ends at the first "]", lists open or not
    };
    enum class Outcome { more, closed /* at the code's end */, broken };

    // Appends to `values`, which stay where they are until the last call.
    void begin(std::vector<ImapValue>& values, Grammar grammar);

    // Consumes from the front: everything with `more`, up to and with the bracket with `closed`.
    // Errc::limit_exceeded: too many values, or lists too deep.
    Result<Outcome> take(std::string_view& text);
    Result<void> add(ImapValue value);

    std::size_t depth() const { return lists_.empty() ? 0 : lists_.size() - 1; }
    // The innermost open list.
    const std::vector<ImapValue>& innermost() const { return *lists_.back(); }

private:
    Result<Outcome> take_atom();
    Result<Outcome> take_quoted();
    Result<Outcome> take_numbers();
    Result<Outcome> open();
    Result<Outcome> close();
    bool ends_code() const;
    std::size_t section_end(std::size_t at) const;

    std::vector<std::vector<ImapValue>*> lists_;
    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t count_ = 0;
    Grammar grammar_ = Grammar::plain;
};

}  // namespace siding::backfill
