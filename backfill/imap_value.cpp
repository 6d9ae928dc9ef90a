#include "backfill/imap_value.hpp"

#include "base/bytes.hpp"

#include <charconv>

namespace siding::backfill {

bool ImapValue::is_atom(std::string_view word) const {
    return kind == Kind::atom && equals_ignoring_case(text, word);
}

std::optional<std::uint64_t> ImapValue::number() const {
    if (!is_text() || text.empty()) {
        return std::nullopt;
    }
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || rest != end) {
        return std::nullopt;
    }
    return value;
}

}  // namespace siding::backfill
