#include "base/limits.hpp"
#include "control/filter_params.hpp"
#include "control/handlers.hpp"
#include "control/json.hpp"
#include "control/release_document.hpp"
#include "control/response.hpp"
#include "control/server_name.hpp"

#include <boost/json/array.hpp>

#include <fmt/format.h>

namespace siding::control {
namespace {

namespace json = boost::json;
using queue::State;

struct ReleaseRequest {
    queue::ReleaseJob job;
    bool dry_run = false;
};

Result<std::vector<std::string>> parse_first(const Body& body) {
    SIDING_ASSIGN(std::vector<std::string> first, body.texts("first"));
    if (first.size() > limits::release_first_max) {
        return Error{
            Errc::invalid_argument,
            fmt::format("'first': at most {} addresses", limits::release_first_max)};
    }
    for (std::string& address : first) {
        queue::Filter narrow;
        const auto parsed = queue::set_recipient(narrow, address);
        if (!parsed) {
            return with_context(parsed.error(), "'first'");
        }
        address = narrow.recipient.value_or("@" + narrow.domain->text());
    }
    return first;
}

// How the job goes: what the request says, else what the configuration does.
Result<void> parse_manner(queue::ReleaseJob& job, const Body& body) {
    SIDING_ASSIGN(job.rate_per_minute, body.number("rate_per_minute", job.rate_per_minute));
    SIDING_ASSIGN(job.canary, body.number("canary", job.canary));
    SIDING_ASSIGN(const std::uint64_t percent, body.number("pause_percent", job.pause_percent));
    if (percent > 100) {
        return Error{Errc::invalid_argument, "'pause_percent': a number from 0 (never) to 100"};
    }
    job.pause_percent = static_cast<unsigned>(percent);
    SIDING_ASSIGN(
        const std::string order, body.text("order", queue::format_release_order(job.order))
    );
    const auto parsed = queue::parse_release_order(order);
    if (!parsed) {
        return with_context(parsed.error(), "'order'");
    }
    job.order = *parsed;
    SIDING_ASSIGN(job.first, parse_first(body));
    return {};
}

Result<ReleaseRequest> parse_request(
    queue::ReleaseJob defaults, const Request& request, WallTime now
) {
    SIDING_ASSIGN(
        const Body body,
        Body::parse(
            request.http.body,
            {"filter",
             "to",
             "dry_run",
             "rate_per_minute",
             "canary",
             "order",
             "first",
             "pause_percent"}
        )
    );
    ReleaseRequest out{.job = std::move(defaults)};
    queue::ReleaseJob& job = out.job;
    SIDING_ASSIGN(const json::object fields, body.object("filter"));
    SIDING_ASSIGN(job.filter, filter_from_json(fields, now));
    SIDING_ASSIGN(job.server, body.text("to", "new"));
    SIDING_ASSIGN(out.dry_run, body.flag("dry_run"));
    SIDING_TRY(parse_manner(job, body));
    const State state = job.filter.state.value_or(State::held);
    if (state != State::held && state != State::parked && state != State::due) {
        return Error{
            Errc::invalid_argument,
            fmt::format(
                "recipients that are {} cannot be released; held, parked and due ones can{}",
                queue::format_state(state),
                state == State::delivered ? ", and a replay is for delivered ones" : ""
            )};
    }
    job.filter.state = state;
    job.who = request.who;
    return out;
}

Result<relay::ReleaseController::Command> parse_command(const Request& request, bool may_recall) {
    relay::ReleaseController::Command command;
    SIDING_ASSIGN(command.release, parse_number("the release's number", request.captures.at(0)));
    SIDING_ASSIGN(const Body body, Body::parse(request.http.body, {"why", "recall"}));
    SIDING_ASSIGN(command.why, body.text("why"));
    SIDING_ASSIGN(command.recall, body.flag("recall"));
    if (command.recall && !may_recall) {
        return Error{
            Errc::invalid_argument, "'recall': a release that is resumed takes nothing back"};
    }
    command.who = request.who;
    return command;
}

}  // namespace

Answer get_releases(Services& services, const Request&) {
    const auto reports = co_await services.releases.list();
    SIDING_CO_TRY(reports);
    json::array out;
    for (const relay::ReleaseReport& report : *reports) {
        out.push_back(release_json(report));
    }
    co_return json_response({{"releases", std::move(out)}});
}

Answer get_release(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(
        const std::uint64_t id, parse_number("the release's number", request.captures.at(0))
    );
    const auto report = co_await services.releases.find(id);
    SIDING_CO_TRY(report);
    co_return json_response(release_json(*report));
}

Answer post_release(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(
        ReleaseRequest order,
        parse_request(services.releases.make_job(), request, services.clock.now())
    );
    const auto lanes = co_await services.lanes();
    SIDING_CO_TRY(check_server(lanes, order.job.server));
    if (order.dry_run) {
        auto count = [&order](const queue::Store& store) { return store.count(order.job.filter); };
        const auto total = co_await services.queue.read(std::move(count));
        SIDING_CO_TRY(total);
        co_return json_response({{"recipients", total->recipients}, {"octets", total->octets}});
    }
    const auto release = co_await services.releases.order(std::move(order.job));
    SIDING_CO_TRY(release);
    co_return json_response({{"release", *release}});
}

Answer post_release_pause(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(auto command, parse_command(request, true));
    const auto report = co_await services.releases.pause(std::move(command));
    SIDING_CO_TRY(report);
    co_return json_response(release_json(*report));
}

Answer post_release_resume(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(auto command, parse_command(request, false));
    const auto report = co_await services.releases.resume(std::move(command));
    SIDING_CO_TRY(report);
    co_return json_response(release_json(*report));
}

Answer post_release_cancel(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(auto command, parse_command(request, true));
    const auto report = co_await services.releases.cancel(std::move(command));
    SIDING_CO_TRY(report);
    co_return json_response(release_json(*report));
}

}  // namespace siding::control
