// A failed delivery status notification (RFC 3464, RFC 6533 for SMTPUTF8): what a sender is told of
// recipients that an operator has given up with `siding queue discard --dsn`. Nothing else makes
// one: what a server refuses is parked, not bounced.
//
// Pure: who gets a report is decided here (RFC 3461 §5.2), when it is made elsewhere
// (relay/dsn_order.hpp).
#pragma once

#include "queue/envelope.hpp"
#include "queue/recipient.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

// The wave of all reports, in the domain that is our hostname: what listings and counters show.
inline constexpr const char* dsn_wave = "reports";

// Never to <>, never of a copy, and not where NOTIFY leaves failures out. Nor to a sender whose
// address has no domain to send to (user@[192.0.2.1]).
bool wants_dsn(const queue::Envelope& about, const queue::EnvelopeRecipient& recipient);

// RET=FULL (RFC 3461 §4.3), and the octets may stand in a report: those of BODY=BINARYMIME may not.
bool wants_whole_message(const queue::Envelope& about);

// One recipient that is given up.
struct DsnRecipient {
    const queue::EnvelopeRecipient& envelope;
    const queue::Recipient& row;  // the server's last words, and when
};

struct DsnFacts {
    std::string hostname;
    MessageId id;  // of the report
    WallTime now;
    const queue::Envelope& about;
    std::vector<DsnRecipient> recipients;  // at least one; each wants_dsn()
    std::string octets = {};  // stored ones: from the start, the header section at least
    bool is_whole = false;    // all of them
};

// `envelope` is complete but for its body's facts; its one recipient wants no report in turn, is
// in dsn_wave and tagged "dsn".
struct Dsn {
    queue::Envelope envelope;
    std::string octets;
};

Dsn make_dsn(const DsnFacts& facts);

// "5.1.1" of "550 5.1.1 No such user"; "5.0.0" where the reply has none (RFC 3463 §2).
std::string status_of_reply(std::string_view reply);

}  // namespace siding::relay
