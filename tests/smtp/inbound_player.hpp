// A shell around ServerDialogue for transcripts: no sockets, no store.
//
//   @ connect                         the greeting
//   @ turn_away 421 4.3.2 text        instead of it
//   @ message_octets_max N   @ recipients_max N   @ bare_newline reject      before connect
//   @ answer 450 4.7.1 text           to the next question instead of the usual one
//   @ shutdown   @ timeout
// Usual answers: MAIL yes; RCPT yes for example.com and <postmaster>, else 550 5.7.1; Commit 250.
#pragma once

#include "tests/support/transcript.hpp"

#include <memory>

namespace siding::test {

std::unique_ptr<Player> make_inbound_player();

}  // namespace siding::test
