// POST /v1/backfill/retry
#include "base/bytes.hpp"
#include "control/backfill_api.hpp"
#include "control/json.hpp"

#include <fmt/format.h>
#include <utility>

namespace siding::control {
namespace {

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

net::awaitable<Result<net::HttpResponse>> BackfillApi::retry(const net::HttpRequest& request) {
    SIDING_CO_ASSIGN(
        const Body body, Body::parse(request.body, {"accounts", "mailbox", "uids", "repair"})
    );
    SIDING_CO_ASSIGN(auto names, body.texts("accounts"));
    backfill::GivenOrder given;
    given.order = backfill::Order::retry;
    SIDING_CO_ASSIGN(given.options.retry, retry_of(body));
    auto answered = co_await give(request, std::move(given), std::move(names));
    co_return answered;
}

}  // namespace siding::control
