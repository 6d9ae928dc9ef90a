// What the ledger knows of one message of a source mailbox, and of the mailbox itself. Plain
// values.
#pragma once

#include "base/clock.hpp"
#include "base/digest.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siding::backfill {

using AccountId = std::uint32_t;
inline constexpr AccountId everybody = 0;  // accounts begin at 1
using MailboxId = std::uint32_t;           // of a source mailbox, by its name, within one account

// Four views of the same octets, from the strictest to the loosest; each is SHA-256, or empty where
// it was never computed. digests.hpp makes them.
struct MessageDigests {
    Digest raw;        // the octets
    Digest canonical;  // line ends as CRLF, NUL and 0x80 folded, no line ends at the end
    Digest header;     // Message-ID, Date, From, To, Cc, Subject: unfolded, blanks collapsed
    Digest body;       // canonical octets behind the first empty line

    bool operator==(const MessageDigests&) const = default;
};

enum class CopyState {
    intent,      // an APPEND was about to be sent: in doubt until settled; destination_uid is what
                 // UIDNEXT was before
    copied,      // on the destination as destination_uid (0: accepted, UID not known yet)
    refused,     // the destination said no to it; `words`
    unreadable,  // the source does not give it; `words`
    skipped,     // the plan leaves it out; `words`
    deleted,     // copied once, and a user has deleted it at the destination: never copied again
};

struct CopyRecord {
    std::uint64_t uid = 0;  // at the source
    CopyState state = CopyState::intent;
    MessageDigests digests;
    std::uint64_t octets = 0;        // of the literal that the source gave
    std::string internal_date;       // as the source wrote it: " 1-Feb-2024 10:00:00 +0100"
    std::vector<std::string> flags;  // as last agreed between both sides, sorted, no \Recent
    std::uint64_t destination_uid = 0;
    std::uint32_t pass = 0;           // that copied or settled it
    bool is_gone_at_source = false;   // seen once, expunged there since
    std::uint32_t verified_pass = 0;  // in which the destination's octets were last compared
    std::string verdict;              // of that comparison: "exact", …; empty: never
    std::string subject;              // only of one that a report names, escaped
    std::string words;                // a server's, escaped
    // Of the source's message, the same in every mailbox that shows it: OBJECTID's EMAILID (RFC
    // 8474) or X-GM-MSGID, with its name in front. Empty: the source has none.
    std::string email_id;
    // Of what was appended in place of the source's octets (repair.hpp), `words` says how they were
    // repaired. Empty: the source's octets themselves.
    MessageDigests repaired;
    std::string may_help;      // of a refused one: repairs (format_repairs); empty: none is known
    bool is_archived = false;  // of a refused one: its octets are in the local archive

    // Of what is, or may be, at the destination.
    const MessageDigests& sent() const { return repaired.raw.empty() ? digests : repaired; }

    bool operator==(const CopyRecord&) const = default;
};

// Where a source mailbox stands. `messages`, `uid_next` and `modseq` are those of the end of its
// last whole pass: equal numbers now mean that nothing is to be done.
struct MailboxRecord {
    MailboxId id = 0;
    std::string source;               // name at the source, UTF-8, with its separator
    std::string destination;          // name at the destination, UTF-8
    std::string source_uid_validity;  // decimal text: some servers exceed 32 bits; empty: unknown
    std::string destination_uid_validity;
    std::uint64_t uid_next = 0;
    std::uint64_t modseq = 0;  // 0: the source has no CONDSTORE
    std::uint64_t messages = 0;
    std::uint64_t copied_below = 0;  // every UID below it has a record
    std::uint32_t pass = 0;          // of the last whole pass; 0: none
    WallTime finished_at{};

    bool operator==(const MailboxRecord&) const = default;
};

struct AccountRecord {
    AccountId id = 0;
    std::string name;        // of the accounts file
    std::uint32_t pass = 0;  // the last one begun
    std::string phase;       // "new", "copying", "idle", "failed", "paused": what `status` shows
    std::string words;       // why it failed, what it waits for
    WallTime changed_at{};

    bool operator==(const AccountRecord&) const = default;
};

}  // namespace siding::backfill
