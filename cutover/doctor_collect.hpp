// Collects what the checks of one domain share: the zone first, then every host that matters, each
// with its addresses and one look at its mail server.
#pragma once

#include "cutover/doctor_facts.hpp"
#include "net/asio.hpp"

namespace siding::cutover {

// In at most twice options.facts_timeout; what did not come by then says so in the facts.
net::awaitable<void> collect_facts(DoctorFacts& facts);

// How to look at a host: who we are, whom we expect, where we come from.
SmtpProbeOptions probe_options(const DoctorFacts& facts, const HostView& host);

}  // namespace siding::cutover
