#include "base/log.hpp"
#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/response.hpp"

#include <boost/json/array.hpp>

namespace siding::control {
namespace {

namespace json = boost::json;

const Logger logger{"control"};

json::object server_json(const relay::ServerReport& report) {
    return {
        {"server", json_text(report.server)},
        {"existence", relay::to_text(report.existence)},
        {"reply", json_text(report.reply)},
        {"from_cache", report.from_cache},
        {"last_known", report.last_known},
        {"catch_all", report.catch_all},
        {"age_ms", report.age ? json::value(report.age->count()) : json::value(nullptr)},
    };
}

// The sources are a union: one that knows the recipient is enough.
std::string_view decision_of(const relay::RecipientReport& report) {
    if (report.accepts_any || report.in_files == true ||
        report.existence == relay::Existence::exists) {
        return "accepted";
    }
    const bool open = !report.servers.empty() && report.existence == relay::Existence::undecided;
    return open ? "deferred" : "refused";
}

json::object report_json(const relay::RecipientReport& report) {
    json::array rewritten;
    for (const std::string& address : report.rewritten_to) {
        rewritten.push_back(json_text(address));
    }
    json::array servers;
    for (const relay::ServerReport& server : report.servers) {
        servers.push_back(server_json(server));
    }
    return {
        {"address", json_text(report.address)},
        {"decision", decision_of(report)},
        {"route", report.is_route},
        {"accepts_any", report.accepts_any},
        {"in_files", report.in_files ? json::value(*report.in_files) : json::value(nullptr)},
        {"rewritten_to", std::move(rewritten)},
        {"existence", relay::to_text(report.existence)},
        {"servers", std::move(servers)},
    };
}

// What flush_recipients takes, from exactly one of the keys.
Result<std::string> parse_flush(const Request& request) {
    SIDING_ASSIGN(const Body body, Body::parse(request.http.body, {"address", "domain", "all"}));
    SIDING_ASSIGN(const std::string address, body.text("address"));
    SIDING_ASSIGN(const std::string domain, body.text("domain"));
    SIDING_ASSIGN(const bool all, body.flag("all"));
    if ((address.empty() ? 0 : 1) + (domain.empty() ? 0 : 1) + (all ? 1 : 0) != 1) {
        return Error{
            Errc::invalid_argument, "say which: 'address', 'domain' or \"all\": true, one of them"};
    }
    if (!address.empty()) {
        SIDING_ASSIGN(const Address parsed, Address::parse(address));
        return parsed.text();
    }
    if (!domain.empty()) {
        SIDING_ASSIGN(const Domain parsed, Domain::parse(domain));
        return parsed.text();
    }
    return std::string{};
}

}  // namespace

Answer get_recipient_check(Services& services, const Request& request) {
    const auto query = request.http.query.find("address");
    if (query == request.http.query.end()) {
        co_return Error{Errc::invalid_argument, "'address' is missing: give a whole address"};
    }
    SIDING_CO_ASSIGN(Address address, Address::parse(query->second));
    const auto report = co_await services.check_recipient(std::move(address));
    SIDING_CO_TRY(report);
    co_return json_response(report_json(*report));
}

Answer post_recipient_flush(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(std::string what, parse_flush(request));
    const std::string which = what.empty() ? "all" : what;
    const auto flushed = co_await services.flush_recipients(std::move(what));
    SIDING_CO_TRY(flushed);
    logger.info(
        "recipients_flushed", {{"which", which}, {"answers", *flushed}, {"who", request.who}}
    );
    co_return json_response({{"flushed", *flushed}});
}

}  // namespace siding::control
