// What can be done to a message that a server refuses, when the operator wants it. Pure; the same
// octets and the same repairs give the same octets every time, so that a copy can be proved by
// repairing the source's octets again.
//
//   line ends  LF with any number of CRs in front, and CR alone, become CRLF; the last line gets
//              its end; a message of no octets becomes one empty line
//   nul        NUL becomes 0x80, as Dovecot gives it to clients: every length stays
//   wrap       a new message with the fields that a list of messages shows, a text that explains,
//              and the message as it came as an attachment: message/rfc822 where its octets can
//              stand in mail, base64 otherwise (RFC 2046 §5.2.1 allows none for message/rfc822)
#pragma once

#include "backfill/imap_trouble.hpp"
#include "backfill/octets.hpp"
#include "base/result.hpp"

#include <string>
#include <string_view>

namespace siding::backfill {

struct MessageFacts;

struct Repairs {
    bool line_ends = false;
    bool nul = false;
    bool wrap = false;  // after the others: of what they have made

    bool any() const { return line_ends || nul || wrap; }
    bool operator==(const Repairs&) const = default;
};

// "line-ends,nul": as `siding backfill retry --repair` takes it; empty for none.
Result<Repairs> parse_repairs(std::string_view text);
std::string format_repairs(const Repairs& repairs);
// "line ends, NUL", for a report.
std::string repair_words(const Repairs& repairs);

// What may help a message that has been refused for `trouble`, after `applied` has not: the
// gentlest first, the wrap last. Nothing helps a message that is too big, or finds no room.
Repairs may_help(Trouble trouble, const MessageFacts& facts, const Repairs& applied);

// What is to be tried again of one account.
struct RetryRepair {
    bool automatic = false;  // as it is, then what may help, then the wrap
    Repairs repairs = {};

    bool operator==(const RetryRepair&) const = default;
};

// "auto", or as parse_repairs().
Result<RetryRepair> parse_retry_repair(std::string_view text);

// Memory does not grow with the message. The producer is called once, for a wrap twice.
Result<void> repair(const OctetProducer& message, const Repairs& repairs, const OctetSink& sink);

}  // namespace siding::backfill
