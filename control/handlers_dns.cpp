#include "base/log.hpp"
#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/render_dns.hpp"
#include "control/response.hpp"
#include "cutover/dns_watch.hpp"

#include <boost/json/array.hpp>

namespace siding::control {
namespace {

namespace json = boost::json;

const Logger logger{"control"};

constexpr std::size_t providers_max = 200;  // in a listing

Error not_watched() {
    return {Errc::unavailable, "the MX records are not watched by this daemon"};
}

// Nothing: all of them.
Result<std::optional<Domain>> parse_domain(const Request& request) {
    const auto found = request.http.query.find("domain");
    if (found == request.http.query.end()) {
        return std::optional<Domain>{};
    }
    SIDING_ASSIGN(Domain domain, Domain::parse(found->second));
    return std::optional{std::move(domain)};
}

// Those that are asked for. Errc::not_found: that one is not watched.
Result<std::vector<cutover::DnsWatch::Report>> reports_of(
    const cutover::DnsWatch& watch, const std::optional<Domain>& domain
) {
    if (!domain) {
        return watch.reports();
    }
    auto report = watch.report_of(*domain);
    if (report == nullptr) {
        return Error{
            Errc::not_found,
            domain->text() +
                " is not watched: it is no domain of the configuration, or "
                "dns.enabled is false"};
    }
    return std::vector{std::move(report)};
}

}  // namespace

Answer get_dns(Services& services, const Request& request) {
    if (services.dns == nullptr) {
        co_return not_watched();
    }
    SIDING_CO_ASSIGN(const auto domain, parse_domain(request));
    SIDING_CO_ASSIGN(const auto reports, reports_of(*services.dns, domain));
    json::array domains;
    for (const auto& report : reports) {
        domains.push_back(dns_json(*report));
    }
    co_return json_response(
        {{"now", json_time(services.clock.now())}, {"domains", std::move(domains)}}
    );
}

Answer post_dns_look(Services& services, const Request& request) {
    if (services.dns == nullptr) {
        co_return not_watched();
    }
    SIDING_CO_ASSIGN(auto asked, parse_domain(request));
    if (!asked) {
        SIDING_CO_ASSIGN(const Body body, Body::parse(request.http.body, {"domain"}));
        SIDING_CO_ASSIGN(const std::string text, body.required_text("domain"));
        SIDING_CO_ASSIGN(asked, Domain::parse(text));
    }
    Domain domain = std::move(*asked);
    const auto report = co_await services.dns->look_now(std::move(domain));
    SIDING_CO_TRY(report);
    co_return json_response({
        {"now", json_time(services.clock.now())},
        {"domains", json::array{dns_json(**report)}},
    });
}

Answer get_dns_senders(Services& services, const Request& request) {
    if (services.dns == nullptr) {
        co_return not_watched();
    }
    SIDING_CO_ASSIGN(const auto domain, parse_domain(request));
    SIDING_CO_ASSIGN(const auto reports, reports_of(*services.dns, domain));
    json::array domains;
    for (const auto& report : reports) {
        SIDING_CO_ASSIGN(Domain name, Domain::parse(report->domain));
        const auto book = co_await services.dns->senders().book(std::move(name));
        const bool is_known = report->coverage.baseline_messages > 0;
        domains.push_back(senders_json(*book, is_known ? &report->coverage : nullptr, providers_max)
        );
    }
    co_return json_response({{"domains", std::move(domains)}});
}

Answer post_dns_senders(Services& services, const Request& request) {
    if (services.dns == nullptr) {
        co_return not_watched();
    }
    SIDING_CO_ASSIGN(
        const Body body, Body::parse(request.http.body, {"domain", "mode", "baseline"})
    );
    SIDING_CO_ASSIGN(const std::string text, body.required_text("domain"));
    SIDING_CO_ASSIGN(Domain domain, Domain::parse(text));
    SIDING_CO_ASSIGN(const std::string mode, body.text("mode", "add"));
    if (mode != "add" && mode != "replace") {
        co_return Error{Errc::invalid_argument, "'mode' must be add or replace"};
    }
    SIDING_CO_ASSIGN(const json::object object, body.object("baseline"));
    SIDING_CO_ASSIGN(cutover::SenderBaseline baseline, parse_baseline(object));
    const std::uint64_t messages = baseline.messages;
    const auto how = mode == "add" ? cutover::ImportMode::add : cutover::ImportMode::replace;
    SIDING_CO_TRY(co_await services.dns->senders().import(domain, std::move(baseline), how));
    logger.info(
        "dns_senders_imported",
        {{"domain", domain}, {"mode", mode}, {"messages", messages}, {"who", request.who}}
    );
    services.dns->look_soon(domain);  // so that the status shows it
    co_return json_response({{"domain", domain.text()}, {"messages", messages}});
}

}  // namespace siding::control
