#include "backfill/repair.hpp"

#include "backfill/digests.hpp"
#include "backfill/line_ends.hpp"
#include "backfill/repair_wrap.hpp"
#include "base/bytes.hpp"

#include <fmt/format.h>

namespace siding::backfill {
namespace {

// Whether other octets in the place of these could be taken.
bool is_about_octets(Trouble trouble) {
    switch (trouble) {
    case Trouble::bad_message:
    case Trouble::server_bug:  // it has stumbled over this one
    case Trouble::other:
        return true;
    case Trouble::authentication:
    case Trouble::authorization:
    case Trouble::expired_token:
    case Trouble::throttled:
    case Trouble::too_many_connections:
    case Trouble::over_quota:
    case Trouble::too_big:
    case Trouble::bad_flag:
    case Trouble::no_such_mailbox:
    case Trouble::already_exists:
    case Trouble::bad_name:
    case Trouble::read_only:
    case Trouble::in_use:
    case Trouble::unavailable:
    case Trouble::bye:
        return false;
    }
    return false;
}

std::string joined(
    const Repairs& repairs, std::string_view between, const char* const (&names)[3]
) {
    std::string text;
    const bool wanted[] = {repairs.line_ends, repairs.nul, repairs.wrap};
    for (std::size_t at = 0; at < 3; ++at) {
        if (wanted[at]) {
            text += text.empty() ? "" : between;
            text += names[at];
        }
    }
    return text;
}

}  // namespace

Result<Repairs> parse_repairs(std::string_view text) {
    Repairs repairs;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(','));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        if (word == "line-ends") {
            repairs.line_ends = true;
        } else if (word == "nul") {
            repairs.nul = true;
        } else if (word == "wrap") {
            repairs.wrap = true;
        } else {
            return Error{
                Errc::invalid_argument,
                fmt::format(
                    "a repair is line-ends, nul or wrap, several with commas between, or auto;"
                    " not '{}'",
                    escape(word)
                )};
        }
    }
    return repairs;
}

Result<RetryRepair> parse_retry_repair(std::string_view text) {
    if (text == "auto") {
        return RetryRepair{true, {}};
    }
    SIDING_ASSIGN(const Repairs repairs, parse_repairs(text));
    return RetryRepair{false, repairs};
}

std::string format_repairs(const Repairs& repairs) {
    return joined(repairs, ",", {"line-ends", "nul", "wrap"});
}

std::string repair_words(const Repairs& repairs) {
    return joined(repairs, ", ", {"line ends", "NUL", "wrapped"});
}

Repairs may_help(Trouble trouble, const MessageFacts& facts, const Repairs& applied) {
    if (!is_about_octets(trouble) || applied.wrap) {
        return {};
    }
    Repairs gentle;
    gentle.line_ends = facts.has_bare_lf || facts.has_bare_cr || !facts.ends_with_crlf;
    gentle.nul = facts.has_nul;
    const bool is_new = (gentle.line_ends && !applied.line_ends) || (gentle.nul && !applied.nul);
    return is_new ? gentle : Repairs{false, false, true};
}

Result<void> repair(const OctetProducer& message, const Repairs& repairs, const OctetSink& sink) {
    const bool is_gentle = repairs.line_ends || repairs.nul;
    const OctetProducer mended = [&](const OctetSink& to) -> Result<void> {
        LineEnds converter{repairs.line_ends, repairs.nul, to};
        SIDING_TRY(message([&converter](std::string_view octets) { return converter.put(octets); })
        );
        return converter.finish();
    };
    const OctetProducer& octets = is_gentle ? mended : message;
    return repairs.wrap ? wrap_message(octets, sink) : octets(sink);
}

}  // namespace siding::backfill
