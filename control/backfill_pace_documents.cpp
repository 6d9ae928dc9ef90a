#include "control/backfill_pace_documents.hpp"

#include "control/json.hpp"

#include <boost/json/array.hpp>

#include <cmath>
#include <string>

namespace siding::control {
namespace {

namespace json = boost::json;
using backfill::Side;

json::object forecast_json(const backfill::Forecast& forecast) {
    json::array days;
    for (const auto& day : forecast.days) {
        days.push_back(json::object{
            {"day", format_time(WallTime{day.day}).substr(0, 10)},
            {"octets", day.octets},
        });
    }
    return {{"done_at", json_time(forecast.done_at)}, {"days", std::move(days)}};
}

std::uint64_t whole(double number) {
    return static_cast<std::uint64_t>(std::llround(number));
}

json::object budget_json(const backfill::Backfill& backfill, Side side) {
    const auto used = backfill.budget().used(side);
    return {
        {"daily", used.bounds.daily},
        {"daily_account", used.bounds.daily_account},
        {"used", used.all},
    };
}

json::array servers_json(const backfill::Backfill& backfill) {
    json::array servers;
    for (const auto& host : backfill.governor().status()) {
        servers.push_back(json::object{
            {"side", to_text(host.side)},
            {"server", json_text(host.host)},
            {"permits", host.permits},
            {"connections", host.connections},
            {"limit", host.limit},
            {"configured", host.ceiling},
            {"throttled", host.throttles},
            {"refused", host.refusals},
            {"users_limited", host.users_limited},
            {"users_waiting", host.users_resting},
            {"rests_until", json_time(host.rests_until)},
            {"reason", json_text(host.words)},
        });
    }
    return servers;
}

}  // namespace

void add_pace(
    json::object& document,
    const backfill::Backfill& backfill,
    const backfill::AccountStatus& status
) {
    document["hold"] = nullptr;
    if (status.hold) {
        document["hold"] = json::object{
            {"until", json_time(status.hold->until)},
            {"reason", json_text(status.hold->words)},
        };
    }
    document["octets_left"] = status.octets_left;
    document["octets_per_second"] = whole(status.rate.octets);
    document["messages_per_second"] = whole(status.rate.messages);
    document["eta"] = nullptr;
    if (status.octets_left > 0) {
        document["eta"] = forecast_json(backfill.forecast(status));
    }
}

void add_pace(
    json::object& document,
    const backfill::Backfill& backfill,
    const std::vector<backfill::AccountStatus>& accounts
) {
    const auto outlook = backfill.outlook(accounts);
    document["octets_left"] = outlook.forecast.octets_left;
    document["octets_per_second"] = whole(outlook.rate.octets);
    document["messages_per_second"] = whole(outlook.rate.messages);
    document["accounts_unknown"] = outlook.unknown;
    document["eta"] = nullptr;
    if (outlook.forecast.octets_left > 0) {
        document["eta"] = forecast_json(outlook.forecast);
    }
    document["budgets"] = json::object{
        {"source", budget_json(backfill, Side::source)},
        {"destination", budget_json(backfill, Side::destination)},
    };
    document["servers"] = servers_json(backfill);
}

void set_pace_metrics(
    Metrics& metrics,
    const backfill::Backfill& backfill,
    const std::vector<backfill::AccountStatus>& accounts
) {
    for (const auto& host : backfill.governor().status()) {
        const Labels labels{{"side", std::string{to_text(host.side)}}, {"server", host.host}};
        const auto set = [&](const char* name, const char* help, std::size_t value) {
            metrics.gauge(name, help, labels).set(static_cast<double>(value));
        };
        set("siding_backfill_permits", "Connections that orders may have open now", host.permits);
        set("siding_backfill_connections", "Connections that are logged in", host.connections);
        set("siding_backfill_connections_limit",
            "Connections at once, as the server has shown that it takes",
            host.limit);
        set("siding_backfill_throttled",
            "Times that the server has asked for less, since the start",
            host.throttles);
        set("siding_backfill_connections_refused",
            "Connections that the server had too many of, since the start",
            host.refusals);
        set("siding_backfill_users_waiting",
            "Users that the server wants to rest now",
            host.users_resting);
    }
    for (const Side side : {Side::source, Side::destination}) {
        const auto used = backfill.budget().used(side);
        const Labels labels{{"side", std::string{to_text(side)}}};
        metrics.gauge("siding_backfill_budget_octets", "Octets of messages a day, at most", labels)
            .set(static_cast<double>(used.bounds.daily));
        metrics.gauge("siding_backfill_budget_used_octets", "Octets of messages today", labels)
            .set(static_cast<double>(used.all));
    }
    const auto outlook = backfill.outlook(accounts);
    metrics.gauge("siding_backfill_octets_per_second", "Octets of messages that come in now")
        .set(outlook.rate.octets);
    metrics.gauge("siding_backfill_octets_left", "Octets of the passes under way, about")
        .set(static_cast<double>(outlook.forecast.octets_left));
    double held = 0;
    for (const auto& status : accounts) {
        held += status.hold ? 1 : 0;
    }
    metrics.gauge("siding_backfill_accounts_held", "Accounts that wait for a server, a budget, …")
        .set(held);
}

}  // namespace siding::control
