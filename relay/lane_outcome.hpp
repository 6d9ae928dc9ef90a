// What a verdict means beyond its recipient: for the connection, for the server, for the next
// attempt. Pure.
#pragma once

#include "queue/change.hpp"
#include "smtp/verdict.hpp"

#include <chrono>
#include <string_view>

namespace siding::relay {

enum class Trouble {
    none,        // the recipient's own fate
    separate,    // fine by itself, but not in this transaction: at once in another one
    spent,       // this connection has had its share of messages; another one is welcome
    mailbox,     // too much for this one mailbox
    load,        // too much for the server
    reputation,  // the server does not trust our address yet, or no longer
    failure,     // the server, or the way to it, does not work
};

// `delivered_before`: this connection has taken messages.
Trouble trouble_of(const smtp::Verdict& verdict, bool delivered_before);

// What is recorded. Troubles of the server park nobody.
queue::OutcomeKind outcome_of(const smtp::Verdict& verdict, Trouble trouble);

// Whether the recipient's own retry schedule goes on by a step.
bool counts_as_attempt(Trouble trouble);

// What an operator can do about it, or nothing.
std::string_view hint_of(Trouble trouble);

// How long a mailbox is left alone that has had too much for the so-manieth time in a row, from 1.
std::chrono::milliseconds mailbox_wait(std::uint32_t times);

}  // namespace siding::relay
