// The ledger: what durably happened, append-only. Each line's chain value is
// SHA-256(previous chain ‖ record octets), so that a line cannot be changed or dropped unseen.
#pragma once

#include "base/digest.hpp"
#include "base/id.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace siding::queue {

enum class LedgerKind {
    accepted,     // 250 was earned; lists all recipients
    attempt,      // a server is about to hear of the recipient
    delivered,    // 2xx for the recipient
    deferred,     // 4xx or no connection: due again
    in_doubt,     // the connection broke after the final dot: due again, perhaps delivered already
    parked,       // 5xx or unreadable
    released,     // left held or parked
    held,         // came (back) into held
    rerouted,     // due on another lane
    recovered,    // an attempt was cut off by a crash of ours
    discarded,    // by an operator
    phase,        // a wave changed phase
    quarantined,  // a record could not be read and was moved aside
    started,      // a daemon opened the queue
    refused,      // a class of transactions that were turned away; one example of it
    replayed,     // delivered, retained, and due again by an operator's order
    assigned,     // belongs to another wave now
    remapped,     // mail for an address is sent to another one from now on
};

std::string_view format_ledger_kind(LedgerKind kind);

struct AcceptedRecipient {
    std::string address;
    std::string domain;
    std::string wave;
    std::string original = {};  // what the client sent, where a rewrite changed it
    bool copy = false;          // as in the envelope
};

struct LedgerEntry {
    std::uint64_t sequence = 0;
    WallTime at{};
    LedgerKind kind = LedgerKind::accepted;
    RecipientId recipient;  // number is 0 and means nothing for accepted, phase, started;
                            // refused and remapped have no message either

    // accepted
    std::vector<AcceptedRecipient> recipients;
    std::string sender;
    std::string client_address;
    std::string proxy_address;  // as in the envelope; lines of the first versions have none
    std::string message_id_header;
    std::uint64_t size_octets = 0;
    Digest sha256;
    std::uint32_t bare_newlines = 0;
    std::string tls;                // as in the envelope; of an outcome: of that connection
    std::vector<std::string> tags;  // as in the envelope

    // refused: with sender, client_address, address and reply of one example
    std::string reason;       // the class, "unknown_recipient"
    std::uint64_t count = 0;  // how many since the last such line

    // all others, as far as they apply
    std::string address;          // the recipient; "domain/wave" for phase; what is remapped
    std::string server;           // lane
    std::string peer;             // address the attempt went to
    std::string reply;            // the server's words, or why; remapped: the new address
    std::string who;              // operator ("uid:1000 alice"), "sidingd" for our own doing
    std::string from_state;       // state, phase or wave (assigned) before …
    std::string to_state;         // … and after; "removed" for a wave that is gone
    std::uint64_t epoch = 0;      // number of the flip, for phase …
    std::uint64_t undoes = 0;     // … and of the flip that it takes back
    std::string copy_from;        // phase: the server that got a copy before …
    std::string copy_to;          // … and after
    std::string cause;            // parked: a key such as "no_such_mailbox"
    std::string sent_as;          // the address that the server was told, where not `address`
    std::string quarantined_key;  // name of the record, for quarantined

    Digest chain;
};

// What the first line chains to.
Digest ledger_genesis();

// The last line that was written, as the store knows it beside the lines themselves.
struct LedgerTail {
    std::uint64_t sequence = 0;  // 0 if there is none
    Digest chain = ledger_genesis();

    bool operator==(const LedgerTail&) const = default;
};
Digest chain_of(const Digest& previous, std::string_view record);

}  // namespace siding::queue
