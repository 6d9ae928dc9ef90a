#include "control/backfill_api.hpp"

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "control/backfill_authorizations.hpp"
#include "control/backfill_copy_options.hpp"
#include "control/backfill_documents.hpp"
#include "control/backfill_pace_documents.hpp"
#include "control/backfill_proof_api.hpp"
#include "control/json.hpp"
#include "control/response.hpp"
#include "net/run_on.hpp"

#include <boost/json/array.hpp>

#include <fmt/format.h>
#include <map>
#include <utility>

namespace siding::control {
namespace {

namespace json = boost::json;

const Logger logger{"control"};

constexpr std::size_t exceptions_max = 10'000;

Result<backfill::Order> parse_order(std::string_view word) {
    using backfill::Order;
    if (word == "copy") {
        return Order::copy;
    }
    if (word == "verify") {
        return Order::verify;
    }
    if (word == "check") {
        return Order::check;
    }
    if (word == "archive") {
        return Order::archive;
    }
    if (word == "restore") {
        return Order::restore;
    }
    if (word == "assess") {
        return Order::assess;
    }
    return Error{
        Errc::invalid_argument,
        fmt::format(
            "'order' is copy, verify, check, archive, restore or assess, not '{}'", escape(word)
        )};
}

Result<std::string> account_of(const net::HttpRequest& request) {
    const auto account = request.query.find("account");
    if (account == request.query.end()) {
        return Error{Errc::invalid_argument, "'account' is missing"};
    }
    return account->second;
}

bool is_open(const net::HttpRequest& request) {
    return request.path == "/healthz" || request.path == "/metrics";
}

}  // namespace

net::awaitable<net::HttpResponse> BackfillApi::handle(const net::HttpRequest& request) {
    if (!is_open(request) && !access_.allows(request)) {
        logger.warn("control_refused", {{"peer", request.peer}, {"path", request.path}});
        auto refused = error_response(
            401, "unauthorized", "send the token of control.token_file as a bearer token"
        );
        refused.headers.emplace_back("WWW-Authenticate", "Bearer");  // RFC 9110 §15.5.2
        co_return refused;
    }
    auto answered = co_await answer(request);
    if (answered) {
        co_return std::move(*answered);
    }
    co_return error_response(answered.error());
}

net::awaitable<Result<net::HttpResponse>> BackfillApi::answer(const net::HttpRequest& request) {
    const std::string route = request.method + " " + request.path;
    if (route == "GET /healthz") {
        const bool failed = backfill_.ledger().failed();
        co_return text_response(failed ? "the ledger has failed\n" : "ok\n", failed ? 503 : 200);
    }
    if (route == "GET /metrics") {
        co_return metrics();
    }
    if (route == "GET /v1/backfill") {
        co_return json_response(render_backfill(backfill_));
    }
    if (route == "POST /v1/backfill/orders") {
        auto ordered = co_await order(request);
        co_return ordered;
    }
    if (route == "POST /v1/backfill/retry") {
        auto ordered = co_await retry(request);
        co_return ordered;
    }
    if (route == "PUT /v1/backfill/state") {
        auto changed = co_await change(request);
        co_return changed;
    }
    if (route == "POST /v1/backfill/authorizations") {
        auto begun = co_await begin_authorization(backfill_, request);
        co_return begun;
    }
    if (route == "GET /v1/backfill/authorizations") {
        co_return show_authorization(backfill_, request);
    }
    if (route == "GET /v1/backfill/report") {
        auto answered = co_await report(request);
        co_return answered;
    }
    if (route == "GET /v1/backfill/assessments") {
        co_return show_assessments(backfill_, request);
    }
    if (route == "GET /v1/backfill/manifest") {
        auto answered = co_await send_manifest(backfill_, request);
        co_return answered;
    }
    if (route == "GET /v1/backfill/manifest/key") {
        auto answered = co_await show_manifest_key(backfill_);
        co_return answered;
    }
    if (route == "GET /v1/backfill/plan") {
        auto answered = co_await plan(request);
        co_return answered;
    }
    co_return error_response(
        404,
        "not_found",
        fmt::format(
            "there is no {} {}; see docs/control-api.md", request.method, escape(request.path)
        )
    );
}

net::awaitable<Result<net::HttpResponse>> BackfillApi::order(const net::HttpRequest& request) {
    SIDING_CO_ASSIGN(
        const Body body,
        Body::parse(
            request.body,
            {"order",
             "accounts",
             "since",
             "before",
             "max_size",
             "back",
             "final",
             "quiet",
             "sample",
             "seed",
             "canary",
             "limit"}
        )
    );
    SIDING_CO_ASSIGN(const std::string word, body.required_text("order"));
    SIDING_CO_ASSIGN(const backfill::Order order, parse_order(word));
    SIDING_CO_ASSIGN(auto names, body.texts("accounts"));
    backfill::OrderOptions options;
    SIDING_CO_TRY(read_copy_options(body, order, backfill_.now(), options));
    SIDING_CO_TRY(read_proof_options(body, order, options));
    backfill::GivenOrder given{order, std::move(options)};
    auto answered = co_await give(request, std::move(given), std::move(names));
    co_return answered;
}

net::awaitable<Result<net::HttpResponse>> BackfillApi::give(
    const net::HttpRequest& request, backfill::GivenOrder given, std::vector<std::string> names
) {
    auto give = [this, &given, &names] {
        return backfill_.order(given.order, names, given.options);
    };
    SIDING_CO_ASSIGN(const auto ordered, co_await net::run_on(backfill_.blocking(), give));
    json::array accounts;
    for (const std::string& name : ordered) {
        accounts.push_back(json_text(name));
    }
    logger.info(
        "backfill_ordered",
        {{"order", backfill::to_text(given.order)},
         {"accounts", ordered.size()},
         {"who", Access::who(request)}}
    );
    json::object answer{{"ordered", std::move(accounts)}};
    co_return json_response(answer);
}

net::awaitable<Result<net::HttpResponse>> BackfillApi::change(const net::HttpRequest& request) {
    SIDING_CO_ASSIGN(const Body body, Body::parse(request.body, {"paused", "following"}));
    backfill::Backfill::StandingChange wanted;
    if (body.has("paused")) {
        SIDING_CO_ASSIGN(wanted.paused, body.flag("paused"));
    }
    if (body.has("following")) {
        SIDING_CO_ASSIGN(wanted.following, body.flag("following"));
    }
    auto apply = [this, &wanted] { return backfill_.change(wanted); };
    SIDING_CO_TRY(co_await net::run_on(backfill_.blocking(), apply));
    const auto standing = backfill_.standing();
    logger.info(
        "backfill_changed",
        {{"paused", standing.paused},
         {"following", standing.following},
         {"who", Access::who(request)}}
    );
    const json::object now{{"paused", standing.paused}, {"following", standing.following}};
    co_return json_response(now);
}

net::awaitable<Result<net::HttpResponse>> BackfillApi::report(const net::HttpRequest& request) {
    SIDING_CO_ASSIGN(const std::string account, account_of(request));
    SIDING_CO_ASSIGN(const backfill::AccountStatus status, backfill_.status(account));
    auto make = [this, name = status.name] {
        return make_report(backfill_.ledger(), name, exceptions_max);
    };
    SIDING_CO_ASSIGN(const json::object document, co_await net::run_on(backfill_.blocking(), make));
    co_return json_response(document);
}

net::awaitable<Result<net::HttpResponse>> BackfillApi::plan(const net::HttpRequest& request) {
    SIDING_CO_ASSIGN(const std::string account, account_of(request));
    SIDING_CO_ASSIGN(const backfill::FolderPlan plan, co_await backfill_.plan(account));
    co_return json_response(render_plan(plan));
}

// Docs: operator's guide, "Metrics of the backfill".
net::HttpResponse BackfillApi::metrics() const {
    std::map<std::string, double> phases;
    using backfill::AccountPhase;
    for (const auto phase :
         {AccountPhase::idle,
          AccountPhase::waiting,
          AccountPhase::copying,
          AccountPhase::verifying,
          AccountPhase::checking,
          AccountPhase::archiving,
          AccountPhase::restoring,
          AccountPhase::assessing,
          AccountPhase::failed}) {
        phases.emplace(backfill::to_text(phase), 0);
    }
    const std::vector<backfill::AccountStatus> accounts = backfill_.status();
    set_pace_metrics(metrics_, backfill_, accounts);
    for (const backfill::AccountStatus& status : accounts) {
        phases[std::string{backfill::to_text(status.phase)}] += 1;
        const Labels labels{{"account", status.name}};
        const auto set = [&](const char* name, const char* help, double value) {
            metrics_.gauge(name, help, labels).set(value);
        };
        set("siding_backfill_pass_messages_copied",
            "Messages copied in the present pass",
            static_cast<double>(status.counts.copied));
        set("siding_backfill_pass_messages_to_copy",
            "Messages that the present pass has to copy",
            static_cast<double>(status.counts.to_copy));
        set("siding_backfill_pass_octets_copied",
            "Octets copied in the present pass",
            static_cast<double>(status.counts.octets));
        set("siding_backfill_pass_refused",
            "Messages refused by the destination in the present pass",
            static_cast<double>(status.counts.refused));
        set("siding_backfill_pass_unreadable",
            "Messages that the source did not give in the present pass",
            static_cast<double>(status.counts.unreadable));
        set("siding_backfill_passes", "Passes begun", static_cast<double>(status.pass));
    }
    for (const auto& [phase, count] : phases) {
        metrics_.gauge(
                    "siding_backfill_accounts", "Accounts by phase", {{"phase", phase}}
        ).set(count);
    }
    return text_response(metrics_.text());
}

}  // namespace siding::control
