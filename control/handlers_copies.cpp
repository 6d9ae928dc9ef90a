#include "base/bytes.hpp"
#include "control/copies_report.hpp"
#include "control/filter_params.hpp"
#include "control/handlers.hpp"
#include "control/sliced_answer.hpp"

#include <fmt/format.h>
#include <memory>

namespace siding::control {
namespace {

Result<CopiesReport::Show> parse_show(const net::HttpQuery& query) {
    const auto show = query.find("show");
    if (show == query.end() || show->second == "differing") {
        return CopiesReport::Show::differing;
    }
    if (show->second == "waiting") {
        return CopiesReport::Show::waiting;
    }
    if (show->second == "all") {
        return CopiesReport::Show::all;
    }
    return Error{
        Errc::invalid_argument,
        fmt::format("'show' is differing, waiting or all, not '{}'", escape(show->second))};
}

Result<CopiesReport> parse_report(const net::HttpQuery& query, WallTime now) {
    SIDING_ASSIGN(const CopiesReport::Show show, parse_show(query));
    SIDING_ASSIGN(queue::Filter filter, filter_from_query(query, {"show"}, now));
    if (filter.state || filter.cause || filter.server || filter.copy) {
        return Error{
            Errc::invalid_argument,
            "'state', 'cause', 'server' and 'copy' choose nothing here: both servers are compared"};
    }
    return CopiesReport{std::move(filter), show};
}

}  // namespace

Answer get_copies(Services& services, const Request& request) {
    SIDING_CO_ASSIGN(CopiesReport report, parse_report(request.http.query, services.clock.now()));
    const auto running = std::make_shared<CopiesReport>(std::move(report));
    SlicedWork work{
        [running](const queue::Store& store) { return running->step(store); },
        [running] { return running->document(); }};
    auto answer = co_await answer_in_slices(services, std::move(work));
    co_return answer;
}

}  // namespace siding::control
