// A shell around ClientDialogue for transcripts.
//
//   @ connect
//   @ no_pipelining   @ octets N      before connect; octets: the size of messages, as if
//   @ tls opportunistic|required      before connect
//   @ tls_started [verified]          the handshake that "! starts TLS" asked for
//   @ message <from> <to> [NOTIFY=… ORCPT=…] … [MAIL parameters] : body      begin a transaction
//   @ probe <from> <to> …
//   @ hold_body, @ body               stop where the body is due, and send it
//   @ lose what happened              the connection is gone
//   @ quit
#pragma once

#include "tests/support/transcript.hpp"

#include <memory>

namespace siding::test {

std::unique_ptr<Player> make_outbound_player();

}  // namespace siding::test
