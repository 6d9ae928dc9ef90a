// What the control API of siding-backfilld says of proofs: manifests, and what was assessed.
#pragma once

#include "backfill/backfill.hpp"
#include "control/json.hpp"
#include "net/asio.hpp"
#include "net/http_message.hpp"

#include <boost/json/object.hpp>

namespace siding::control {

// GET ?account=…: text, piece by piece. Errc::conflict while the account is at work.
net::awaitable<Result<net::HttpResponse>> send_manifest(
    backfill::Backfill& backfill, const net::HttpRequest& request
);
// GET: the public half of the key that signs them.
net::awaitable<Result<net::HttpResponse>> show_manifest_key(backfill::Backfill& backfill);
// GET ?account=…, or of all accounts.
Result<net::HttpResponse> show_assessments(
    const backfill::Backfill& backfill, const net::HttpRequest& request
);

// Members of an order's body: sample, seed, canary, limit.
Result<void> read_proof_options(
    const Body& body, backfill::Order order, backfill::OrderOptions& options
);

// null where there is none.
enum class Extras { counted, listed };
boost::json::value render_verification(const backfill::Verification* verification, Extras extras);
boost::json::value render_canary(const backfill::CanaryOutcome* outcome);

}  // namespace siding::control
