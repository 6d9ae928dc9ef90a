// POST /v1/backfill/retry
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "control/backfill_api.hpp"
#include "control/json.hpp"
#include "control/response.hpp"

#include <boost/json/array.hpp>

#include <fmt/format.h>
#include <utility>

namespace siding::control {
namespace {

namespace json = boost::json;

const Logger logger{"control"};

Result<backfill::RetryRequest> retry_of(const Body& body) {
    backfill::RetryRequest retry;
    SIDING_ASSIGN(retry.mailbox, body.text("mailbox"));
    SIDING_ASSIGN(const std::string uids, body.text("uids"));
    SIDING_ASSIGN(const std::string repair, body.text("repair"));
    if (!uids.empty()) {
        auto set = backfill::ImapSet::parse(uids);
        if (!set || set->empty()) {
            return Error{
                Errc::invalid_argument,
                fmt::format("'uids' is a set such as 17 or 1:4,7, not '{}'", escape(uids))};
        }
        if (retry.mailbox.empty()) {
            return Error{
                Errc::invalid_argument, "'uids' are those of one mailbox: 'mailbox' is missing"};
        }
        retry.uids = std::move(*set);
    }
    SIDING_ASSIGN(retry.repair, backfill::parse_retry_repair(repair));
    return retry;
}

}  // namespace

Result<net::HttpResponse> BackfillApi::retry(const net::HttpRequest& request) {
    SIDING_ASSIGN(
        const Body body, Body::parse(request.body, {"accounts", "mailbox", "uids", "repair"})
    );
    SIDING_ASSIGN(const auto names, body.texts("accounts"));
    backfill::OrderOptions options;
    SIDING_ASSIGN(options.retry, retry_of(body));
    SIDING_ASSIGN(const auto ordered, backfill_.order(backfill::Order::retry, names, options));
    json::array accounts;
    for (const std::string& name : ordered) {
        accounts.push_back(json_text(name));
    }
    logger.info(
        "backfill_ordered",
        {{"order", "retry"}, {"accounts", ordered.size()}, {"who", Access::who(request)}}
    );
    return json_response(json::object{{"ordered", std::move(accounts)}});
}

}  // namespace siding::control
