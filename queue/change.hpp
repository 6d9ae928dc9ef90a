// Everything that can change the queue, as values. A change is applied whole or not at all, and is
// on disk when the committer answers. The store applies them in order, on one thread, so a change
// that no longer fits (a recipient was discarded meanwhile) is refused alone, with Errc::conflict.
#pragma once

#include "base/phase.hpp"
#include "queue/envelope.hpp"
#include "queue/filter.hpp"
#include "queue/ledger.hpp"
#include "queue/recipient_state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace siding::queue {

// Where a new recipient goes: held, or due at once on a lane.
struct Placement {
    State state = State::held;  // held or due
    std::string lane;
};

struct AcceptMessage {
    Envelope envelope;
    std::vector<Placement> placements;       // one per recipient
    std::optional<std::string> inline_body;  // unset: all chunks were written ahead
};

// due → in_flight for each; the ones that are not due any more are left out of the answer.
struct StartAttempt {
    MessageId message;
    std::vector<std::uint32_t> recipients;
    std::string server;
};

enum class OutcomeKind { delivered, deferred, in_doubt, parked };

struct RecipientOutcome {
    std::uint32_t recipient = 0;
    OutcomeKind kind = OutcomeKind::deferred;
    std::string reply;           // the server's words or ours
    WallTime next_attempt_at{};  // deferred, in_doubt
};

struct RecordOutcome {
    MessageId message;
    std::vector<RecipientOutcome> outcomes;
    std::string server;
    std::string peer;
};

// release, hold, reroute, park, recover or discard for chosen recipients. Those whose state does
// not allow it, those that `still` no longer matches, and those that the same release job has moved
// already are skipped; the answer counts the others.
struct MoveRecipients {
    Event event = Event::hold;
    std::vector<RecipientId> recipients;
    std::string server;   // release, reroute: the lane
    bool pinned = false;  // release: keep to that server whatever the phase says
    bool keep = false;    // hold: by an operator, so no phase takes it off (Recipient::kept)
    std::optional<Filter> still;  // what chose them: another order may have moved them since
    WallTime due_at{};
    std::uint64_t release_id = 0;
    std::string who;
    std::string why;
};

struct PhaseMove {
    Domain domain;
    std::string wave = "default";
    Phase to = Phase::prep;
    bool initial = false;  // sets a phase where none is stored yet, from the configuration
};

// All of them or none, one epoch. Errc::conflict names an illegal move.
struct SetPhases {
    std::vector<PhaseMove> moves;
    std::string who;
    std::string why;
};

// A release job (docs/architecture.md): kept so that it survives a restart.
struct ReleaseJob {
    std::uint64_t id = 0;  // set by the store for a new job
    Filter filter;
    std::string server;
    bool pinned = true;
    WallTime ordered_at{};
    std::string who;
    std::uint64_t chosen = 0;  // recipients that the job has moved to due so far
    bool complete = false;     // all matching recipients were moved
};

struct PutRelease {
    ReleaseJob job;
};

// Transactions that were turned away since the last such change, by class with one example each.
struct Refusal {
    std::string reason;  // the class, "unknown_recipient"
    std::uint64_t count = 0;
    std::string client_address;
    std::string sender;
    std::string recipient;
    std::string reply;
};

struct RecordRefusals {
    std::vector<Refusal> refusals;
};

// Small values that no promise hangs on (a cache of answers, a cursor), in a space of their own.
// A key is any octets, up to limits::value_key_octets_max; users name theirs "verify/…".
struct Value {
    std::string key;
    std::optional<std::string> value;  // nothing: the key goes
};

struct PutValues {
    std::vector<Value> values;
};

// Keys that start with `prefix`, in key order. Many are better taken in pages of
// limits::change_page_rows: the answer's `moved` counts what went, 0 is the end.
struct DeleteValues {
    std::string prefix;
    std::size_t values_max = SIZE_MAX;
};

using Change = std::variant<
    AcceptMessage,
    StartAttempt,
    RecordOutcome,
    MoveRecipients,
    SetPhases,
    PutRelease,
    RecordRefusals,
    PutValues,
    DeleteValues>;

// What came of one change.
struct Applied {
    std::vector<std::uint32_t> recipients;  // StartAttempt: those now in flight
    std::uint64_t moved = 0;                // transitions made; refusals, values written or gone
    std::uint64_t epoch = 0;                // SetPhases
    std::uint64_t release_id = 0;           // PutRelease
};

}  // namespace siding::queue
