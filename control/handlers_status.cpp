#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/lane_backlog.hpp"
#include "control/render.hpp"
#include "control/response.hpp"
#include "cutover/dns_watch.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace siding::control {
namespace {

namespace json = boost::json;

// What has to be asked on a blocking thread.
struct Readings {
    queue::Counters counters;
    std::map<std::string, LaneBacklog> backlogs;
    queue::DiskFacts disk;
    Result<void> room;
};

Result<Readings> take_readings(const queue::Queue& queue) {
    Readings out;
    out.counters = queue.store().counters();
    const std::uint64_t due = out.counters.all().of(queue::State::due);
    SIDING_ASSIGN(out.backlogs, read_backlogs(queue.store(), due));
    if (const auto disk = queue.disk().facts(); disk.has_value()) {
        out.disk = *disk;  // if not, `room` says why
    }
    out.room = queue.check_room(0);
    return out;
}

json::object health_json(const Result<void>& room) {
    return {
        {"ok", room.has_value()},
        {"reason", room.has_value() ? json::value("") : json_text(room.error().message())},
    };
}

json::array domains_json(const queue::PhaseTable& table, const queue::Counters& counters) {
    std::set<std::pair<std::string, std::string>> waves;
    for (const auto& [wave, phase] : table.phases) {
        waves.insert(wave);
    }
    for (const auto& [wave, counts] : counters.waves) {
        waves.insert(wave);
    }
    json::array out;
    for (const auto& wave : waves) {
        const auto phase = table.phases.find(wave);
        const auto found = counters.waves.find(wave);
        const auto counts = found == counters.waves.end() ? queue::StateCounts{} : found->second;
        out.push_back(json::object{
            {"domain", json_text(wave.first)},
            {"wave", json_text(wave.second)},
            {"phase",
             phase == table.phases.end() ? json::value(nullptr)
                                         : json::value(format_phase(phase->second))},
            {"counts", counts_json(counts)},
            {"held_octets", counts.held_octets},
        });
    }
    return out;
}

// A lane that pauses after an error tries again when the pause ends, not when its mail is due.
std::optional<WallTime> next_attempt_at(const relay::LaneStatus& lane, const LaneBacklog& backlog) {
    if (!backlog.first_due_at || !lane.paused_until) {
        return backlog.first_due_at;
    }
    return std::max(*backlog.first_due_at, *lane.paused_until);
}

json::array servers_json(
    const std::vector<relay::LaneStatus>& lanes, const std::map<std::string, LaneBacklog>& backlogs
) {
    json::array out;
    for (const relay::LaneStatus& lane : lanes) {
        const auto found = backlogs.find(lane.server);
        const LaneBacklog backlog = found == backlogs.end() ? LaneBacklog{} : found->second;
        out.push_back(json::object{
            {"name", json_text(lane.server)},
            {"address", json_text(lane.address)},
            {"connections_open", lane.connections_open},
            {"connections_max", lane.connections_max},
            {"due", backlog.due},
            {"due_is_exact", backlog.exact},
            {"in_flight", lane.in_flight},
            {"next_attempt_at", json_time(next_attempt_at(lane, backlog))},
            {"last_error", json_text(lane.last_error)},
            {"last_delivery_at", json_time(lane.last_delivery_at)},
            {"profile", json_text(lane.profile)},
            {"concurrency", lane.concurrency},
            {"breaker", json_text(lane.breaker)},
            {"paused_until", json_time(lane.paused_until)},
            {"cool_until", json_time(lane.cool_until)},
            {"back_pressure", lane.back_pressure},
            {"waiting", lane.waiting},
            {"messages_per_minute", lane.messages_per_minute},
            {"limits",
             {{"rate", lane.rate},
              {"domain_rate", lane.domain_rate},
              {"recipient_rate", lane.recipient_rate}}},
            {"hint", json_text(lane.hint)},
        });
    }
    return out;
}

json::array passed_json(const Services& services) {
    json::array out;
    if (!services.passed) {
        return out;
    }
    for (const relay::PassCounts& counts : services.passed()) {
        out.push_back(json::object{
            {"server", json_text(counts.server)},
            {"delivered", counts.delivered},
            {"refused", counts.refused},
            {"queued", counts.queued},
            {"in_doubt", counts.in_doubt},
        });
    }
    return out;
}

// How far the world has switched to each domain's new MX; /v1/dns says why.
json::array dns_status_json(const Services& services) {
    json::array out;
    if (services.dns == nullptr) {
        return out;
    }
    for (const auto& report : services.dns->reports()) {
        const dns::Judgement& judgement = report->judgement;
        out.push_back(json::object{
            {"domain", json_text(report->domain)},
            {"verdict", dns::format_verdict(judgement.verdict)},
            {"reason", json_text(judgement.reason)},
            {"expected_at", json_time(judgement.expected_at)},
            {"unplanned",
             judgement.unplanned ? json_text(judgement.unplanned_text) : json::value(nullptr)},
            {"watched_at", json_time(report->watched_at)},
        });
    }
    return out;
}

json::object queue_json(const queue::StateCounts& all) {
    json::object out = counts_json(all);
    out["accepted"] = all.accepted();
    out["held_octets"] = all.held_octets;
    return out;
}

}  // namespace

Answer get_status(Services& services, const Request&) {
    const queue::Queue& queue = services.queue;
    auto read = [&queue](const queue::Store&) { return take_readings(queue); };
    const auto readings = co_await queue.read(std::move(read));
    SIDING_CO_TRY(readings);
    const auto lanes = co_await services.lanes();
    const auto table = queue.phases();
    co_return json_response({
        {"hostname", json_text(services.hostname)},
        {"version", json_text(services.version)},
        {"started_at", json_time(services.started_at)},
        {"now", json_time(services.clock.now())},
        {"health", health_json(readings->room)},
        {"epoch", table->epoch},
        {"domains", domains_json(*table, readings->counters)},
        {"servers", servers_json(lanes, readings->backlogs)},
        {"passed", passed_json(services)},
        {"dns", dns_status_json(services)},
        {"sessions", {{"inbound", services.inbound_sessions()}}},
        {"disk",
         {{"free_octets", readings->disk.free_octets},
          {"reserve_octets", readings->disk.reserve_octets}}},
        {"queue", queue_json(readings->counters.all())},
    });
}

Answer get_metrics(Services& services, const Request&) {
    auto response = text_response(services.metrics.text());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    co_return response;
}

Answer get_health(Services& services, const Request&) {
    auto check = [&services](const queue::Store&) { return services.queue.check_room(0); };
    const auto room = co_await services.queue.read(std::move(check));
    co_return room.has_value() ? text_response("ok\n")
                               : text_response(room.error().message() + "\n", 503);
}

}  // namespace siding::control
