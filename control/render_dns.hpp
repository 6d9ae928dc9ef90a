// What is known of the domains' MX as the documented JSON (docs/control-api.md), and the usual
// senders on their way in. Pure.
#pragma once

#include "base/result.hpp"
#include "cutover/dns_report.hpp"
#include "cutover/senders.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <cstddef>
#include <optional>

namespace siding::control {

boost::json::object dns_json(const cutover::DomainDnsReport& report);

// Largest share first, at most so many providers.
boost::json::object senders_json(
    const cutover::SenderBook& book, const dns::Coverage* coverage, std::size_t providers_max
);

// A baseline as bodies of POST /v1/dns/senders, each well below limits::http_body_octets_max; the
// first one as `mode` says, the others add to it.
std::vector<boost::json::object> baseline_bodies(
    const Domain& domain, const cutover::SenderBaseline& baseline, cutover::ImportMode mode
);
// One of them. Errc::invalid_argument names the key.
Result<cutover::SenderBaseline> parse_baseline(const boost::json::object& baseline);

}  // namespace siding::control
