#include "control/backfill_authorizations.hpp"

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "control/access.hpp"
#include "control/json.hpp"
#include "control/response.hpp"

#include <fmt/format.h>

namespace siding::control {
namespace {

namespace json = boost::json;

const Logger logger{"control"};

Result<backfill::Side> parse_side(std::string_view word) {
    if (word.empty()) {
        return backfill::Side::account;
    }
    if (word == "source") {
        return backfill::Side::source;
    }
    if (word == "destination") {
        return backfill::Side::destination;
    }
    return Error{
        Errc::invalid_argument,
        fmt::format("'side' is source or destination, not '{}'", escape(word))};
}

Result<backfill::Login> find_login(
    backfill::Backfill& backfill, const std::string& name, std::string_view side_word
) {
    SIDING_ASSIGN(const backfill::Side side, parse_side(side_word));
    SIDING_ASSIGN(const backfill::Account account, backfill.account(name));
    return backfill::login_to_authorize(account, side);
}

json::object render(const backfill::Authorization& shown) {
    return {
        {"account", json_text(shown.account)},
        {"side", to_text(shown.side)},
        {"state", to_text(shown.state)},
        {"verification_uri", json_text(shown.verification_uri)},
        {"verification_uri_complete", json_text(shown.verification_uri_complete)},
        {"user_code", json_text(shown.user_code)},
        {"expires_at", json_time(shown.expires_at)},
        {"reason", json_text(shown.words)},
    };
}

}  // namespace

net::awaitable<Result<net::HttpResponse>> begin_authorization(
    backfill::Backfill& backfill, const net::HttpRequest& request
) {
    SIDING_CO_ASSIGN(const Body body, Body::parse(request.body, {"account", "side"}));
    SIDING_CO_ASSIGN(const std::string name, body.required_text("account"));
    SIDING_CO_ASSIGN(const std::string side, body.text("side"));
    SIDING_CO_ASSIGN(backfill::Login login, find_login(backfill, name, side));
    auto begun = co_await backfill.device_flows().begin(std::move(login));
    SIDING_CO_ASSIGN(const backfill::Authorization shown, std::move(begun));
    logger.info(
        "backfill_authorization",
        {{"account", name}, {"side", to_text(shown.side)}, {"who", Access::who(request)}}
    );
    co_return json_response(render(shown));
}

Result<net::HttpResponse> show_authorization(
    backfill::Backfill& backfill, const net::HttpRequest& request
) {
    const auto account = request.query.find("account");
    const auto side = request.query.find("side");
    if (account == request.query.end()) {
        return Error{Errc::invalid_argument, "'account' is missing"};
    }
    const std::string word = side == request.query.end() ? "" : side->second;
    SIDING_ASSIGN(const backfill::Login login, find_login(backfill, account->second, word));
    SIDING_ASSIGN(const backfill::Authorization shown, backfill.device_flows().find(login));
    return json_response(render(shown));
}

}  // namespace siding::control
