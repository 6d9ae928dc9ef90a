// What a server's answer to a RCPT probe says about the address. Pure.
//
// "Unknown" turns mail away for good, so only a reply that is about the mailbox may mean it. A
// reply about the route, the sender, the policy or the server leaves the question open.
#pragma once

#include "relay/recipient_report.hpp"
#include "smtp/verdict.hpp"

namespace siding::relay {

Existence judge_probe(const smtp::Verdict& verdict);

}  // namespace siding::relay
