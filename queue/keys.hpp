// Column families and key order of the embedded store: the only place that knows them.
//
//   message    id                                     → envelope
//   recipient  id n                                   → recipient row
//   body       id chunk                               → octets, framed
//   held       state domain wave address id n         → (empty)   resting: held, parked, delivered
//                                                                 and retained
//              'e' end-time id                        → (empty)   retained messages
//   due        'd' lane due-time id n                 → (empty)
//              'f' id n                               → (empty)   in flight
//   ledger     sequence                               → ledger line
//   trace      'r'|'s'|'m' text id                    → (empty)   recipient, sender, Message-ID
//              'i' id sequence                        → (empty)   ledger lines of a message
//   meta       see meta_*()                           → records
//   quarantine family name key                        → the octets that could not be read
//
// Numbers are big-endian, so that octet order is number order. Text from the wire is escaped and
// ends with NUL, so that no octet of it can be taken for structure.
#pragma once

#include "base/clock.hpp"
#include "base/id.hpp"
#include "queue/key_octets.hpp"
#include "queue/recipient.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace siding::queue::keys {

std::string message(MessageId id);
std::string recipient(RecipientId id);
std::string body(MessageId id, std::uint32_t chunk);

// One stretch of `held`; with an address it is one mailbox.
std::string held_prefix(
    State state,
    std::string_view domain,
    std::string_view wave,
    std::optional<std::string_view> address = std::nullopt
);
std::string held(const Recipient& recipient);

// Messages that have ended whole and are retained.
std::string retained_prefix();
std::string retained(WallTime ended_at, MessageId id);
WallTime retained_time(std::string_view retained_key);

std::string due_prefix(std::string_view lane);
std::string due(std::string_view lane, WallTime due_at, RecipientId id);
std::string in_flight_prefix();
std::string in_flight(RecipientId id);
// The index key of a recipient in its present state; of a delivered one, if it is retained; empty
// for a discarded one.
std::string index(const Recipient& recipient);

std::string ledger(std::uint64_t sequence);
std::string trace_prefix(char kind, std::string_view text);
std::string trace(char kind, std::string_view text, MessageId id);
std::string trace_ledger(MessageId id, std::uint64_t sequence);
std::string trace_ledger_prefix(MessageId id);

inline constexpr std::string_view meta_tail = "tail";
std::string meta_counts(std::string_view domain, std::string_view wave);
std::string meta_release_counts(std::uint64_t release);
std::string meta_release(std::uint64_t release);
std::string meta_phase(std::string_view domain, std::string_view wave);
std::string meta_copy(std::string_view domain, std::string_view wave);
std::string meta_flip(std::uint64_t epoch);
std::string meta_writing(MessageId id);
std::string meta_value(std::string_view key);  // and of every key that starts with it
inline constexpr char meta_counts_kind = 'c';
inline constexpr char meta_release_counts_kind = 'R';
inline constexpr char meta_release_kind = 'r';
inline constexpr char meta_phase_kind = 'p';
inline constexpr char meta_copy_kind = 'k';
inline constexpr char meta_flip_kind = 'f';
inline constexpr char meta_writing_kind = 'w';
inline constexpr char meta_value_kind = 'v';

// The ids at the end of held, due, in-flight and recipient keys.
RecipientId tail_recipient(std::string_view key);
MessageId tail_message(std::string_view key);
std::uint64_t tail_number(std::string_view key);  // the last 8 octets
WallTime due_time(std::string_view due_key);

// Takes one escaped text off the front of a key.
std::optional<std::string> take_text(std::string_view& key);

}  // namespace siding::queue::keys
