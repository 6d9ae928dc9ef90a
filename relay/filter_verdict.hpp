// What came of asking the content filter about one message, as a value that the session obeys. All
// texts are clean: nothing that a filter says can forge a reply line or a header field.
#pragma once

#include "smtp/reply.hpp"

#include <optional>
#include <string>
#include <vector>

namespace siding::relay {

struct FilterVerdict {
    enum class Action { accept, reject, defer };

    FilterVerdict() = default;

    Action action = Action::accept;
    std::string reply_text;         // for reject and defer
    std::string headers;            // whole fields with CRLF, for the trace block; may be empty
    std::vector<std::string> tags;  // for the ledger: "spam", "phish", "reject", "unscanned"
    std::optional<double> score;    // nothing: not scanned
};

// 554 5.7.1 or 451 4.7.1; for a verdict that is not accept.
smtp::Reply reply_to(const FilterVerdict& verdict);

}  // namespace siding::relay
