// What an upstream's verdict, heard while the sender waits, means for the sender and for the queue.
// Pure.
//
// The sender hears the upstream's yes, and its no to this mail. Whatever says nothing about the
// mail (no connection, 4xx, a refusal of us instead of the sender, no answer after the last octet)
// is ours to wait out: the sender hears yes and the queue keeps it.
#pragma once

#include "queue/change.hpp"
#include "smtp/reply.hpp"
#include "smtp/verdict.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siding::relay {

enum class PassAnswer {
    yes,
    no,     // the sender hears it, with reply_of()
    queue,  // the sender hears our own yes
};
// A yes to RCPT is a `delivered` verdict at Stage::rcpt.
PassAnswer answer_of(const smtp::Verdict& verdict);

// The reply of a verdict that says yes or no.
smtp::Reply reply_of(const smtp::Verdict& verdict);

// The upstream's words as the sender may read them: our name where one of the upstream's stands as
// a word of its own, so that no backend is given away. An address (joe@mail.example) is left alone,
// and so is a name without a dot.
smtp::Reply as_ours(
    smtp::Reply reply, std::span<const std::string> their_names, std::string_view our_name
);

// How one recipient of a message fared with the server of its phase.
struct Passed {
    std::string server;
    // The last one: of RCPT, or of the whole message. None: the server was not asked.
    std::optional<smtp::Verdict> verdict;
    std::string peer;            // "192.0.2.1:25"
    std::string tls;             // as in queue::Placement
    WallTime next_attempt_at{};  // after a refusal for now
    std::string sent_as;         // the address that the server was told, where not the recipient's
};

// Delivered already, or due: after an attempt where there was one. A no goes on the queue as well
// where others of the message were taken; there it is refused again, and parked.
queue::Placement place_passed(const Passed& passed);

// The reply that refuses the message: where all of its recipients were refused with it. `passed`
// has one for each recipient, null where another route was taken.
std::optional<smtp::Reply> refusal_of(std::span<const Passed* const> passed);

// The reply that accepts it: the upstream's, where it took all of them.
std::optional<smtp::Reply> acceptance_of(std::span<const Passed* const> passed);

}  // namespace siding::relay
