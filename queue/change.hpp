// Everything that can change the queue, as values. A change is applied whole or not at all, and is
// on disk when the committer answers. The store applies them in order, on one thread, so a change
// that no longer fits (a recipient was discarded meanwhile) is refused alone, with Errc::conflict.
#pragma once

#include "base/phase.hpp"
#include "queue/envelope.hpp"
#include "queue/filter.hpp"
#include "queue/ledger.hpp"
#include "queue/recipient_state.hpp"
#include "queue/release_job.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace siding::queue {

// Where a new recipient goes: held, due on a lane, or nowhere since a server has it already.
struct Placement {
    State state = State::held;  // held, due or delivered
    std::string lane = {};      // the server
    bool pinned = false;        // due: keep to that server whatever the phase says
    // What the server said while the message came in: delivered ones, and due ones that it was
    // offered and did not take (`attempted`).
    std::string reply = {};
    std::string peer = {};
    std::string tls = {};
    bool in_doubt = false;     // attempted, and it may have the message
    bool attempted = false;    // due: that was the first attempt
    WallTime due_at = {};      // zero: as old as the message
    std::string sent_as = {};  // as in RecipientOutcome
};

// If all placements are `delivered` and `retain` is not set, only trace keys and ledger lines stay;
// chunks that were written ahead are dropped.
struct AcceptMessage {
    Envelope envelope;
    std::vector<Placement> placements;            // one per recipient
    std::optional<std::string> inline_body = {};  // unset: all chunks were written ahead
    bool retain = false;  // keep what is delivered until it is pruned; set by Queue::commit
};

// due → in_flight for each; the ones that are not due on that lane any more are left out of the
// answer. Of any number of messages.
struct StartAttempt {
    std::vector<RecipientId> recipients;
    std::string server;
};

enum class OutcomeKind { delivered, deferred, in_doubt, parked };

struct RecipientOutcome {
    RecipientId recipient;
    OutcomeKind kind = OutcomeKind::deferred;
    std::string reply = {};         // the server's words or ours
    WallTime next_attempt_at = {};  // deferred, in_doubt
    std::string cause = {};         // parked: a key such as "no_such_mailbox"
    std::string sent_as = {};       // the address that the server was told, where not the row's
};

struct RecordOutcome {
    std::vector<RecipientOutcome> outcomes;
    std::string server;
    std::string peer;
    std::string tls = {};  // how the connection was protected; empty without TLS
    bool retain = false;   // keep what is delivered until it is pruned; set by Queue::commit
};

// release, hold, reroute, park, recover, replay or discard for chosen recipients. Those whose state
// does not allow it, those that `still` no longer matches, and those that the same release job has
// moved already are skipped; the answer counts the others.
struct MoveRecipients {
    Event event = Event::hold;
    std::vector<RecipientId> recipients;
    std::string server;   // release, reroute, replay: the lane
    bool pinned = false;  // release: keep to that server whatever the phase says
    bool keep = false;    // hold: by an operator, so no phase takes it off (Recipient::kept)
    std::optional<Filter> still;  // what chose them: another order may have moved them since
    WallTime due_at{};
    std::uint64_t release_id = 0;
    std::string who;
    std::string why;
    std::string cause = "unreadable";  // park
};

struct PhaseMove {
    Domain domain;
    std::string wave = "default";
    Phase to = Phase::prep;
    bool initial = false;   // sets a phase where none is stored yet, from the configuration
    std::string copy = {};  // pass_old, pass_new: a server that gets a copy of everything
};

// All of them or none, one epoch. Errc::conflict names an illegal move; to stay in a phase with
// another copy is a legal one. What changes anything leaves a FlipRecord, but for initial moves.
struct SetPhases {
    std::vector<PhaseMove> moves;
    std::string who;
    std::string why;
    // Epoch of the flip that this one takes back: it is marked undone. Errc::not_found if there is
    // no such flip, Errc::conflict if it was undone already.
    std::uint64_t undoes = 0;
};

// Takes a wave out of the phase table, with an epoch of its own. Errc::conflict while recipients
// that have not ended are in it; Errc::not_found without it; `default` stays
// (Errc::invalid_argument).
struct RemoveWave {
    Domain domain;
    std::string wave;
    std::string who;
};

// Recipients that have not ended go over to another wave of their own domain. Those that are in it
// and those whose domain has no such wave are passed over; the answer counts the others.
struct AssignWave {
    std::vector<RecipientId> recipients;
    std::string wave;
    std::string who;
    std::string why;
};

// Retained messages go, the one that ended first goes first: those that had ended by `before`, and
// as many as it takes to have no more than `octets_max` of them. `moved` counts messages.
struct PruneRetained {
    WallTime before{};
    std::uint64_t octets_max = UINT64_MAX;
    std::size_t messages_max = SIZE_MAX;  // in this batch
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

// A ledger line that goes with values: mail for `address` is sent to another one from now on.
struct Remap {
    std::string address;
    std::string to;  // empty: no longer
    std::string who;
};

struct PutValues {
    std::vector<Value> values;
    std::vector<Remap> remaps = {};
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
    RemoveWave,
    AssignWave,
    PruneRetained,
    PutRelease,
    RecordRefusals,
    PutValues,
    DeleteValues>;

// What came of one change.
struct Applied {
    std::vector<RecipientId> started;  // StartAttempt: those now in flight
    std::uint64_t moved = 0;           // transitions made; refusals, values, messages pruned
    std::uint64_t epoch = 0;           // SetPhases, RemoveWave
    std::uint64_t release_id = 0;      // PutRelease
};

}  // namespace siding::queue
