// A shell around ClientDialogue for transcripts.
//
//   @ connect
//   @ no_pipelining   @ octets N      before connect; octets: the size of messages, as if
//   @ tls opportunistic|required      before connect
//   @ tls_started [verified]          the handshake that "! starts TLS" asked for
//   @ message <from> <to> [NOTIFY=… ORCPT=…] … [MAIL parameters] : body      begin a transaction
//   @ probe <from> <to> …
//   @ rcpt <from> <to> [parameters]   a step of a transaction; "! accepted" is a yes
//   @ finish body                     its message, for those that were accepted
//   @ reset
//   @ hold_body, @ body               stop where a body is due, and send it
//   @ body_failed why   @ write_failed
//   @ lose what happened              the connection is gone
//   @ closed what happened            by the peer
//   @ lose_unsent what happened       by the peer, and the last message did not all go out
//   @ quit
// Before connect:
//   @ no_chunking   @ xclient   @ client NAME=… ADDR=… (of the messages that follow)
//   @ auth user secret [MECHANISM]   @ auth_in_clear
#pragma once

#include "tests/support/transcript.hpp"

#include <memory>

namespace siding::test {

std::unique_ptr<Player> make_outbound_player();

}  // namespace siding::test
