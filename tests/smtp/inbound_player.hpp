// A shell around ServerDialogue for transcripts: no sockets, no store.
//
//   @ connect                         the greeting
//   @ turn_away 421 4.3.2 text        instead of it
//   @ early_talker                    the client did not wait for it
//   before connect:
//   @ message_octets_max N   @ recipients_max N   @ header_octets_max N   @ commands_max N
//   @ bare_newline reject    @ implicit_tls
//   @ extensions all         @ extensions SIZE CHUNKING    instead of the plain four
//   @ tls_available   @ tls_required   @ xclient   @ xclient_required
//   @ answer 450 4.7.1 text           to the next question instead of the usual one
//   @ more_input                      octets behind the next line have been read with it
//   @ tls                             the handshake that STARTTLS asked for is done
//   @ shutdown   @ timeout
// Usual answers: MAIL yes; RCPT yes for example.com and <postmaster>, else 550 5.7.1; Commit 250;
// XCLIENT yes.
#pragma once

#include "tests/support/transcript.hpp"

#include <memory>

namespace siding::test {

std::unique_ptr<Player> make_inbound_player();

}  // namespace siding::test
