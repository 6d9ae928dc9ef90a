// Why a server would not take a message, in the few groups that an operator acts on: read from the
// reply's enhanced code (RFC 3463), its code and, where these say too little, its words. Pure.
#pragma once

#include "smtp/verdict.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace siding::smtp {

enum class Cause {
    no_such_mailbox,
    mailbox_full,
    mailbox_disabled,
    too_large,
    smtputf8,
    binarymime,  // or 8BITMIME: the content needs a transport that the server does not offer
    requiretls,
    policy,
    spam,
    sender_refused,
    relay_denied,
    bare_newline,
    authentication,  // SPF, DKIM, DMARC, or a server that wants us to log in
    tls,
    unreadable,  // our own: the stored octets
    other,
};

// The key that is kept and shown: "no_such_mailbox".
std::string_view to_text(Cause cause);
std::optional<Cause> parse_cause(std::string_view key);

Cause cause_of(const Verdict& verdict);
// The same from what was kept of a verdict: "550 5.1.1 No such user here".
Cause cause_of_text(std::string_view reply);

struct CauseDescription {
    std::string_view sentence;  // "The server does not know the mailbox."
    std::string_view hint;      // what to do, one sentence
};
CauseDescription describe(Cause cause);

}  // namespace siding::smtp
