// A shell around ClientDialogue for transcripts.
//
//   @ connect
//   @ no_pipelining   @ octets N      before connect; octets: the size of messages, as if
//   @ message <from> <to> … [BODY=8BITMIME] : body       begin a transaction
//   @ hold_body, @ body               stop where the body is due, and send it
//   @ lose what happened              the connection is gone
//   @ quit
#pragma once

#include "tests/support/transcript.hpp"

#include <memory>

namespace siding::test {

std::unique_ptr<Player> make_outbound_player();

}  // namespace siding::test
