// A server's side of a session for transcripts; ours is ImapSession, whole, over a socket.
//
//   @ open [auth MECHANISM] [source]   log in as ann, secret; `source`: of the old server
//   @ open starttls                    the same, and TLS is wanted
//   @ folders   @ examine NAME   @ select NAME   @ uids FIRST
//   @ fetch SET ITEMS   @ changes MODSEQ LAST   @ read SET   @ close
//
// Each ends with what it has found, or with "! failed" and why.
#pragma once

#include "tests/support/transcript.hpp"

#include <memory>

namespace siding::backfill {

std::unique_ptr<test::Player> make_imap_player();

}  // namespace siding::backfill
