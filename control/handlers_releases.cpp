#include "base/bytes.hpp"
#include "control/filter_params.hpp"
#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/render.hpp"
#include "control/response.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace siding::control {
namespace {

namespace json = boost::json;
using queue::State;

struct ReleaseOrder {
    queue::Filter filter;
    std::string server;
    bool dry_run = false;
};

Result<void> check_server(const std::vector<relay::LaneStatus>& lanes, const std::string& server) {
    std::vector<std::string> names;
    for (const relay::LaneStatus& lane : lanes) {
        names.push_back(lane.server);
    }
    if (std::ranges::find(names, server) != names.end()) {
        return {};
    }
    return Error{
        Errc::invalid_argument,
        fmt::format(
            "there is no server '{}'; the configuration has {}",
            escape(server),
            names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))
        )};
}

Result<ReleaseOrder> parse_order(const Request& request, WallTime now) {
    SIDING_ASSIGN(const Body body, Body::parse(request.http.body, {"filter", "to", "dry_run"}));
    SIDING_ASSIGN(const json::object fields, body.object("filter"));
    ReleaseOrder order;
    SIDING_ASSIGN(order.filter, filter_from_json(fields, now));
    SIDING_ASSIGN(order.server, body.text("to", "new"));
    SIDING_ASSIGN(order.dry_run, body.flag("dry_run"));
    const State state = order.filter.state.value_or(State::held);
    if (state != State::held && state != State::parked && state != State::due) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "recipients that are {} cannot be released; held, parked and due ones can",
                queue::format_state(state)
            )};
    }
    order.filter.state = state;
    return order;
}

struct Releases {
    std::vector<queue::ReleaseJob> jobs;
    queue::Counters counters;

    json::object document(const queue::ReleaseJob& job) const {
        const auto counts = counters.releases.find(job.id);
        return release_json(
            job, counts == counters.releases.end() ? queue::StateCounts{} : counts->second
        );
    }
};

// Jobs before counters: a job that is complete then shows all that it moved.
Result<Releases> read_releases(const queue::Store& store) {
    SIDING_ASSIGN(auto jobs, store.releases());
    return Releases{std::move(jobs), store.counters()};
}

}  // namespace

Answer get_releases(Services& services, const Request&) {
    auto read = [](const queue::Store& store) { return read_releases(store); };
    const auto releases = co_await services.queue.read(std::move(read));
    SIDING_CO_TRY(releases);
    json::array out;
    for (const queue::ReleaseJob& job : releases->jobs) {
        out.push_back(releases->document(job));
    }
    co_return json_response({{"releases", std::move(out)}});
}

Answer get_release(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(
        const std::uint64_t id, parse_number("the release's number", request.captures.at(0))
    );
    auto read = [](const queue::Store& store) { return read_releases(store); };
    const auto releases = co_await services.queue.read(std::move(read));
    SIDING_CO_TRY(releases);
    const auto job = std::ranges::find(releases->jobs, id, &queue::ReleaseJob::id);
    if (job == releases->jobs.end()) {
        co_return Error{
            Errc::not_found,
            fmt::format("there is no release {}; GET /v1/releases lists them", id)};
    }
    co_return json_response(releases->document(*job));
}

Answer post_release(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(const ReleaseOrder order, parse_order(request, services.clock.now()));
    const auto lanes = co_await services.lanes();
    SIDING_CO_TRY(check_server(lanes, order.server));
    if (order.dry_run) {
        auto count = [&order](const queue::Store& store) { return store.count(order.filter); };
        const auto total = co_await services.queue.read(std::move(count));
        SIDING_CO_TRY(total);
        co_return json_response({{"recipients", total->recipients}, {"octets", total->octets}});
    }
    queue::ReleaseJob job;
    job.filter = order.filter;
    job.server = order.server;
    job.who = request.who;
    const auto release = co_await services.mover.order_release(std::move(job));
    SIDING_CO_TRY(release);
    co_return json_response({{"release", *release}});
}

}  // namespace siding::control
